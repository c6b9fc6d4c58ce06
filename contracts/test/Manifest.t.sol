// SPDX-License-Identifier: MIT
pragma solidity 0.8.37;

import {IManifest} from "../src/interfaces/IManifest.sol";
import {Manifest} from "../src/L1/Manifest.sol";
import {InvalidParameter, ZeroAddress} from "../src/libraries/Errors.sol";
import {Log, Test} from "./utils/Test.sol";

contract ManifestTest is Test {
    address internal constant VAULT = address(0x5afe);

    function testFuzz_constructor_publishesWhatItWasGiven(address vault, bytes memory data) public {
        if (vault == address(0)) vault = VAULT;
        if (data.length == 0) data = hex"00";
        address expected = vm.computeCreateAddress(address(this), vm.getNonce(address(this)));
        vm.recordLogs();
        Manifest manifest = new Manifest(vault, data);
        Log[] memory logs = vm.getRecordedLogs();

        vm.assertEq(address(manifest), expected);
        vm.assertEq(manifest.vault(), vault);
        vm.assertEq(manifest.dataHash(), keccak256(data));
        vm.assertEq(manifest.publishedAt(), block.number);
        vm.assertEq(logs.length, 1);
        vm.assertEq(logs[0].emitter, expected);
        vm.assertEq(logs[0].topics.length, 2);
        vm.assertEq(logs[0].topics[0], IManifest.Published.selector);
        vm.assertEq(logs[0].topics[1], bytes32(uint256(uint160(vault))));
        vm.assertEq(abi.decode(logs[0].data, (bytes)), data);
    }

    /// @dev The most that one transaction can create: initcode ends at 49,152 bytes (EIP-3860).
    function test_constructor_longData_fits() public {
        bytes memory data = new bytes(45_000);
        for (uint256 i; i < data.length; ++i) {
            data[i] = bytes1(uint8(1 + i % 255));
        }
        uint256 before = gasleft();
        Manifest manifest = new Manifest(VAULT, data);
        // With 40 gas a byte for the input it stays below the 6,000,000 that deployments send.
        vm.assertLe(before - gasleft() + 40 * data.length, 6_000_000);
        vm.assertEq(manifest.dataHash(), keccak256(data));
    }

    function test_constructor_nothing_reverts() public {
        vm.expectRevert(ZeroAddress.selector);
        new Manifest(address(0), hex"00");
        vm.expectRevert(InvalidParameter.selector);
        new Manifest(VAULT, "");
    }

    /// @dev It is a word, not a power: nothing can be sent to it or changed in it.
    function test_anythingElse_reverts() public {
        Manifest manifest = new Manifest(VAULT, hex"00");
        vm.deal(address(this), 1 ether);
        (bool success,) = address(manifest).call{value: 1}("");
        vm.assertFalse(success);
        (success,) = address(manifest).call(abi.encodeWithSignature("publish(bytes)", hex"01"));
        vm.assertFalse(success);
    }
}
