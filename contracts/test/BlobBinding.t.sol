// SPDX-License-Identifier: MIT
pragma solidity 0.8.37;

import {BlobBinding} from "../src/libraries/BlobBinding.sol";
import {DataRoot} from "../src/libraries/DataRoot.sol";
import {BlobMismatch} from "../src/libraries/Errors.sol";
import {Test} from "./utils/Test.sol";

/// @notice Against real blobs, which the Rust side committed to and proved.
contract BlobBindingTest is Test {
    struct Vector {
        bytes32 versionedHash;
        bytes32 payloadRoot;
        bytes32 z;
        bytes32 y;
        bytes commitment;
        bytes proof;
        bytes32 blobsRoot;
    }

    function vector(uint256 i) internal view returns (Vector memory v) {
        string memory json = vm.readFile("test/blob-vectors.json");
        string memory entry = string.concat("[", vm.toString(i), "].");
        v.versionedHash = vm.parseJsonBytes32(json, string.concat(entry, "versionedHash"));
        v.payloadRoot = vm.parseJsonBytes32(json, string.concat(entry, "payloadRoot"));
        v.z = vm.parseJsonBytes32(json, string.concat(entry, "z"));
        v.y = vm.parseJsonBytes32(json, string.concat(entry, "y"));
        v.commitment = vm.parseJsonBytes(json, string.concat(entry, "commitment"));
        v.proof = vm.parseJsonBytes(json, string.concat(entry, "proof"));
        v.blobsRoot = vm.parseJsonBytes32(json, string.concat(entry, "blobsRoot"));
    }

    function check(Vector calldata v) external view {
        BlobBinding.check(v.versionedHash, v.payloadRoot, v.y, v.commitment, v.proof);
    }

    function blobsRoot() external view returns (bytes32) {
        return DataRoot.ofBlobs();
    }

    function reject(Vector memory v) internal {
        vm.expectRevert(abi.encodeWithSelector(BlobMismatch.selector, v.versionedHash));
        this.check(v);
    }

    function test_check_realBlobs_pass() public view {
        for (uint256 i; i < 2; ++i) {
            Vector memory v = vector(i);
            vm.assertEq(BlobBinding.point(v.versionedHash, v.payloadRoot), v.z);
            this.check(v);
        }
    }

    function test_check_anythingElse_reverts() public {
        Vector memory other = vector(1);
        Vector memory v = vector(0);
        v.y = bytes32(uint256(v.y) ^ 1);
        reject(v);
        // The same value, counted once more around the field.
        v = vector(0);
        v.y = bytes32(uint256(v.y) + BlobBinding.MODULUS);
        reject(v);
        v = vector(0);
        v.payloadRoot = other.payloadRoot;
        reject(v);
        v = vector(0);
        v.versionedHash = other.versionedHash;
        reject(v);
        v = vector(0);
        v.commitment = other.commitment;
        reject(v);
        v = vector(0);
        v.proof = other.proof;
        reject(v);
        v = vector(0);
        (v.commitment, v.proof) = (abi.encodePacked(v.commitment, v.proof), "");
        reject(v);
        v = vector(0);
        v.proof = abi.encodePacked(v.proof, uint8(0));
        reject(v);
    }

    function test_check_withoutGasForThePrecompile_reverts() public view {
        Vector memory v = vector(0);
        (bool success,) = address(this).staticcall{gas: 45_000}(abi.encodeCall(this.check, (v)));
        vm.assertFalse(success);
    }

    /// @dev On a chain without the precompile, a call to its address succeeds with nothing.
    function test_check_withoutPrecompile_reverts() public {
        Vector memory v = vector(0);
        bytes memory input = abi.encodePacked(v.versionedHash, v.z, v.y, v.commitment, v.proof);
        vm.mockCall(address(0x0A), input, "");
        reject(v);
        vm.mockCall(address(0x0A), input, new bytes(32));
        reject(v);
        vm.mockCallRevert(address(0x0A), input, "");
        reject(v);
        vm.clearMockedCalls();
        vm.mockCallRevert(address(0x0A), input, new bytes(64));
        reject(v);
        vm.clearMockedCalls();
        this.check(v);
    }

    function testFuzz_point_isInTheField(bytes32 versionedHash, bytes32 payloadRoot) public pure {
        uint256 z = uint256(BlobBinding.point(versionedHash, payloadRoot));
        vm.assertLe(z, BlobBinding.MODULUS - 1);
        uint256 full = uint256(keccak256(abi.encode(versionedHash, payloadRoot)));
        vm.assertEq((full - z) % BlobBinding.MODULUS, 0);
    }

    function testFuzz_check_otherValues_revert(bytes32 y) public {
        Vector memory v = vector(0);
        if (y == v.y) return;
        v.y = y;
        reject(v);
    }

    function test_blobsRoot_isThatOfRust() public {
        Vector memory v = vector(0);
        bytes32[] memory hashes = new bytes32[](2);
        (hashes[0], hashes[1]) = (v.versionedHash, v.versionedHash);
        vm.blobhashes(hashes);
        vm.assertEq(this.blobsRoot(), v.blobsRoot);
    }
}
