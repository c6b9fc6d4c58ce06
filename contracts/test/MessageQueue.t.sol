// SPDX-License-Identifier: MIT
pragma solidity 0.8.37;

import {MessageQueue} from "../src/L1/MessageQueue.sol";
import {IMessageQueue} from "../src/interfaces/IMessageQueue.sol";
import {AddressAlias} from "../src/libraries/AddressAlias.sol";
import "../src/libraries/Errors.sol";
import {Caller} from "./utils/Receivers.sol";
import {System} from "./utils/System.sol";

contract MessageQueueTest is System {
    function sendFrom(address sender, address origin) internal returns (address from) {
        vm.recordLogs();
        vm.prank(sender, origin);
        queue.send(bob, 0, 21_000, "");
        return messagesIn(vm.getRecordedLogs())[0].from;
    }

    function test_constructor_badParameters_reverts() public {
        vm.expectRevert(ZeroAddress.selector);
        new MessageQueue(address(0), 10_000_000, 65_536, 10);
        vm.expectRevert(InvalidParameter.selector);
        new MessageQueue(address(1), 10_000_000, 65_536, 0);
        vm.expectRevert(InvalidParameter.selector);
        new MessageQueue(address(1), 20_999, 0, 1);
    }

    function test_send_first_recordsAndEmits() public {
        bytes32 hash = keccak256(abi.encode(alice, bob, 3 ether, 5 ether, uint64(50_000), bytes("hello")));
        bytes32 acc = keccak256(abi.encodePacked(bytes32(0), hash));
        vm.expectEmit();
        emit IMessageQueue.MessageSent(0, alice, bob, 3 ether, 5 ether, 50_000, "hello", acc);
        vm.prank(alice, alice);
        vm.assertEq(queue.send{value: 3 ether}(bob, 5 ether, 50_000, "hello"), 0);

        vm.assertEq(queue.count(), 1);
        vm.assertEq(queue.accumulator(0), bytes32(0));
        vm.assertEq(queue.accumulator(1), acc);
        (bytes32 stored, uint64 timestamp, uint64 number, uint128 gasSum) = queue.message(0);
        vm.assertEq(stored, acc);
        vm.assertEq(timestamp, block.timestamp);
        vm.assertEq(number, block.number);
        vm.assertEq(gasSum, 50_000);
    }

    function test_send_value_isLockedInVault() public {
        uint256 before = address(vault).balance;
        vm.prank(alice, alice);
        queue.send{value: 3 ether}(bob, 0, 21_000, "");
        vm.assertEq(address(vault).balance, before + 3 ether);
        vm.assertEq(vault.lockedETH(), GENESIS_ETH + 3 ether);
        vm.assertEq(address(queue).balance, 0);
    }

    function testFuzz_send_sequence_accumulates(uint8 count, bytes32 seed) public {
        bytes32 acc;
        uint128 gasSum;
        for (uint256 i; i < count % 16; ++i) {
            bytes memory data = abi.encodePacked(seed, i);
            uint64 gasLimit = uint64(30_000 + uint256(keccak256(data)) % 100_000);
            acc = keccak256(
                abi.encodePacked(acc, keccak256(abi.encode(alice, bob, uint256(0), i, gasLimit, data)))
            );
            gasSum += gasLimit;
            vm.prank(alice, alice);
            queue.send(bob, i, gasLimit, data);
            (bytes32 stored,,, uint128 storedSum) = queue.message(uint64(i));
            vm.assertEq(stored, acc);
            vm.assertEq(storedSum, gasSum);
            vm.assertEq(queue.accumulator(uint64(i + 1)), acc);
        }
    }

    function test_send_gasLimit_boundaries() public {
        vm.startPrank(alice, alice);
        vm.expectRevert(abi.encodeWithSelector(GasLimitOutOfRange.selector, 21_119, 21_120, 10_000_000));
        queue.send(bob, 0, 21_119, "abc");
        queue.send(bob, 0, 21_120, "abc");
        queue.send(bob, 0, 10_000_000, "abc");
        vm.expectRevert(abi.encodeWithSelector(GasLimitOutOfRange.selector, 10_000_001, 21_120, 10_000_000));
        queue.send(bob, 0, 10_000_001, "abc");
    }

    function test_send_dataLength_boundaries() public {
        vm.startPrank(alice, alice);
        queue.send(bob, 0, 10_000_000, new bytes(65_536));
        vm.expectRevert(abi.encodeWithSelector(MessageDataTooLong.selector, 65_537, 65_536));
        queue.send(bob, 0, 10_000_000, new bytes(65_537));
    }

    function test_send_largeGasLimit_burnsGas() public {
        vm.startPrank(alice, alice);
        uint256 left = gasleft();
        queue.send(bob, 0, 5_000_000, "");
        uint256 used = left - gasleft();
        vm.assertGe(used, 500_000);
        vm.assertLe(used, 510_000);
    }

    function test_send_smallGasLimit_burnsNothingMore() public {
        vm.startPrank(alice, alice);
        queue.send(bob, 0, 21_000, "");
        uint256 left = gasleft();
        queue.send(bob, 0, 21_000, "");
        uint256 small = left - gasleft();
        left = gasleft();
        queue.send(bob, 0, 200_000, "");
        vm.assertLe(left - gasleft(), small + 1000);
    }

    function test_send_tooLittleGasToBurn_reverts() public {
        vm.prank(alice, alice);
        (bool success,) =
            address(queue).call{gas: 400_000}(abi.encodeCall(queue.send, (bob, 0, 5_000_000, "")));
        vm.assertFalse(success);
        vm.assertEq(queue.count(), 0);
    }

    function test_send_keyedAccount_isNotAliased() public {
        vm.assertEq(sendFrom(alice, alice), alice);
    }

    function test_send_contract_isAliased() public {
        Caller sender = new Caller();
        vm.assertEq(sendFrom(address(sender), alice), AddressAlias.toL2(address(sender)));
    }

    /// forge-config: default.fuzz.runs = 64
    function testFuzz_alias_roundTrip(address account) public pure {
        vm.assertEq(AddressAlias.toL1(AddressAlias.toL2(account)), account);
        uint256 expected =
            addmod(uint160(account), uint160(0x1111000000000000000000000000000000001111), 1 << 160);
        vm.assertEq(AddressAlias.toL2(account), address(uint160(expected)));
    }

    function test_send_contractUnderConstruction_isAliased() public {
        vm.recordLogs();
        SendsAtBirth sender = new SendsAtBirth(queue);
        vm.assertEq(messagesIn(vm.getRecordedLogs())[0].from, AddressAlias.toL2(address(sender)));
    }

    function test_send_delegatedAccount_isNotAliased() public {
        address delegated = user("delegated");
        vm.etch(delegated, abi.encodePacked(hex"ef0100", address(new Caller())));
        vm.assertEq(delegated.code.length, 23);
        vm.assertEq(sendFrom(delegated, alice), delegated);
        vm.assertEq(sendFrom(delegated, delegated), delegated);
    }

    function test_send_otherCodeOf23Bytes_isAliased() public {
        address odd = user("odd");
        vm.etch(odd, abi.encodePacked(hex"600100", address(this)));
        vm.assertEq(odd.code.length, 23);
        vm.assertEq(sendFrom(odd, alice), AddressAlias.toL2(odd));
    }

    function test_views_pastTheEnd_revert() public {
        vm.expectRevert(abi.encodeWithSelector(UnknownMessage.selector, 0));
        queue.message(0);
        vm.expectRevert(abi.encodeWithSelector(UnknownMessage.selector, 0));
        queue.accumulator(1);
    }
}

contract SendsAtBirth {
    constructor(MessageQueue queue) {
        queue.send(address(1), 0, 21_000, "");
    }
}
