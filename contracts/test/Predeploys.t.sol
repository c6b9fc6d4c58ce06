// SPDX-License-Identifier: MIT
pragma solidity 0.8.37;

import {FeeVault} from "../src/L2/FeeVault.sol";
import {WETH9} from "../src/L2/WETH9.sol";
import {IFeeVault} from "../src/interfaces/IFeeVault.sol";
import {IMessagePasser} from "../src/interfaces/IMessagePasser.sol";
import "../src/libraries/Errors.sol";
import {Hashing} from "../src/libraries/Hashing.sol";
import {Predeploys} from "../src/libraries/Predeploys.sol";
import {Withdrawal} from "../src/libraries/Types.sol";
import {System} from "./utils/System.sol";

contract MessagePasserTest is System {
    function test_initiateWithdrawal_recordsAndEmits() public {
        Withdrawal memory w = Withdrawal(1 << 240, alice, bob, 2 ether, 99_000, "data");
        bytes32 hash = keccak256(abi.encode(w.nonce, w.sender, w.target, w.value, w.gasLimit, w.data));
        vm.expectEmit();
        emit IMessagePasser.MessagePassed(w.nonce, alice, bob, 2 ether, 99_000, "data", hash);
        vm.prank(alice);
        vm.assertEq(passer.initiateWithdrawal{value: 2 ether}(bob, 99_000, "data"), hash);

        vm.assertTrue(passer.sentMessages(hash));
        vm.assertEq(passer.messageCount(), 1);
        vm.assertEq(passer.messageNonce(), 1 << 240 | 1);
        vm.assertEq(passer.accumulator(0), bytes32(0));
        vm.assertEq(passer.accumulator(1), keccak256(abi.encodePacked(bytes32(0), hash)));
        vm.assertEq(passer.totalWithdrawn(), 2 ether);
        // What L1 proves.
        vm.assertEq(vm.load(address(passer), Hashing.withdrawalSlot(hash)), bytes32(uint256(1)));
        vm.assertEq(vm.load(address(passer), bytes32(uint256(1))), bytes32(uint256(1)));
        vm.assertEq(
            vm.load(address(passer), keccak256(abi.encode(uint256(1), uint256(2)))), passer.accumulator(1)
        );
        vm.assertEq(vm.load(address(passer), bytes32(uint256(3))), bytes32(uint256(2 ether)));
    }

    function test_initiateWithdrawal_sameTwice_hasTwoHashes() public {
        vm.startPrank(alice);
        bytes32 first = passer.initiateWithdrawal(bob, 1, "");
        bytes32 second = passer.initiateWithdrawal(bob, 1, "");
        vm.assertTrue(first != second);
        bytes32 acc = keccak256(abi.encodePacked(bytes32(0), first));
        vm.assertEq(passer.accumulator(2), keccak256(abi.encodePacked(acc, second)));
    }

    function test_initiateWithdrawal_limits_boundaries() public {
        passer.initiateWithdrawal(bob, 10_000_000, new bytes(65_536));
        vm.expectRevert(abi.encodeWithSelector(WithdrawalGasTooHigh.selector, 10_000_001, 10_000_000));
        passer.initiateWithdrawal(bob, 10_000_001, "");
        vm.expectRevert(abi.encodeWithSelector(WithdrawalDataTooLong.selector, 65_537, 65_536));
        passer.initiateWithdrawal(bob, 0, new bytes(65_537));
    }

    function test_receive_withdrawsToSender() public {
        vm.recordLogs();
        vm.prank(alice);
        (bool success,) = address(passer).call{value: 1 ether}("");
        vm.assertTrue(success);
        Withdrawal memory w = withdrawalsIn(vm.getRecordedLogs())[0];
        vm.assertEq(w.target, alice);
        vm.assertEq(w.value, 1 ether);
        vm.assertEq(w.gasLimit, 100_000);
    }

    function test_burn_destroysBalance() public {
        vm.prank(alice);
        passer.initiateWithdrawal{value: 5 ether}(bob, 0, "");
        vm.expectEmit();
        emit IMessagePasser.Burned(5 ether);
        vm.prank(bob);
        passer.burn();
        vm.assertEq(address(passer).balance, 0);
        vm.assertEq(passer.totalWithdrawn(), 5 ether);
        passer.burn();
    }
}

contract L1BlockTest is System {
    function set(uint64 number, bytes32 hash) internal {
        vm.prank(Predeploys.DEPOSITOR);
        l1Block.setAnchor(number, number * 12, 7, hash, 9);
    }

    function slot(uint256 i) internal view returns (uint256) {
        return uint256(vm.load(address(l1Block), bytes32(i)));
    }

    function test_setAnchor_slots_areWhereTheEVMReadsThem() public {
        uint256 scalars = uint256(0x1111) << 96 | uint256(0x2222) << 64;
        vm.store(address(l1Block), bytes32(uint256(3)), bytes32(scalars));
        set(100, keccak256("100"));
        vm.assertEq(slot(0), uint256(1200) << 64 | 100);
        vm.assertEq(slot(1), 7);
        vm.assertEq(slot(2), uint256(keccak256("100")));
        vm.assertEq(slot(3), scalars);
        vm.assertEq(l1Block.baseFeeScalar(), 0x1111);
        vm.assertEq(l1Block.blobBaseFeeScalar(), 0x2222);
        vm.assertEq(slot(4), 0);
        vm.assertEq(slot(5), 0);
        vm.assertEq(slot(6), 0);
        vm.assertEq(slot(7), 9);
        vm.assertEq(slot(9 + 100), uint256(keccak256("100")));
        vm.assertEq(slot(8201 + 25), 100);
        vm.store(address(l1Block), bytes32(uint256(8)), bytes32(uint256(3) << 96 | uint256(2) << 64 | 1));
        vm.assertEq(l1Block.operatorFeeConstant(), 1);
        vm.assertEq(l1Block.operatorFeeScalar(), 2);
        vm.assertEq(l1Block.daFootprintGasScalar(), 3);
    }

    function test_setAnchor_sameAnchor_countsBlocks() public {
        set(100, keccak256("100"));
        vm.assertEq(l1Block.sequenceNumber(), 0);
        set(100, keccak256("100"));
        set(100, keccak256("100"));
        vm.assertEq(l1Block.sequenceNumber(), 2);
        set(101, keccak256("101"));
        vm.assertEq(l1Block.sequenceNumber(), 0);
    }

    function test_setAnchor_stranger_reverts() public {
        vm.expectRevert(abi.encodeWithSelector(Unauthorized.selector, alice));
        vm.prank(alice);
        l1Block.setAnchor(1, 1, 1, bytes32(uint256(1)), 1);
    }

    function test_anchorHash_ring_boundaries() public {
        set(5, keccak256("5"));
        set(9, keccak256("9"));
        vm.assertEq(l1Block.anchorHash(5), keccak256("5"));
        vm.assertEq(l1Block.anchorHash(7), bytes32(0));
        vm.assertEq(l1Block.anchorHash(5 + 8192), bytes32(0));
        set(5 + 8191, keccak256("edge"));
        vm.assertEq(l1Block.anchorHash(5), keccak256("5"));
        set(5 + 8192, keccak256("over"));
        vm.assertEq(l1Block.anchorHash(5), bytes32(0));
        vm.assertEq(l1Block.anchorHash(5 + 8192), keccak256("over"));
        vm.assertEq(l1Block.anchorHash(9), keccak256("9"));
        vm.assertEq(l1Block.anchorHash(uint256(9) + (1 << 64)), bytes32(0));
    }
}

contract FeeVaultTest is System {
    FeeVault internal fees = FeeVault(payable(Predeploys.SEQUENCER_FEE_VAULT));

    function test_withdraw_sendsBalanceToRecipient() public {
        vm.store(address(fees), 0, bytes32(uint256(uint160(bob))));
        vm.deal(address(fees), 4 ether);
        vm.recordLogs();
        vm.prank(alice);
        fees.withdraw();
        Withdrawal memory w = withdrawalsIn(vm.getRecordedLogs())[0];
        vm.assertEq(w.sender, address(fees));
        vm.assertEq(w.target, bob);
        vm.assertEq(w.value, 4 ether);
        vm.assertEq(address(fees).balance, 0);
        vm.expectRevert(NothingToWithdraw.selector);
        fees.withdraw();
    }

    function test_receive_takesETH() public {
        vm.prank(alice);
        (bool success,) = address(fees).call{value: 1 ether}("");
        vm.assertTrue(success);
    }
}

contract WETH9Test is System {
    WETH9 internal weth = WETH9(payable(Predeploys.WETH));

    function test_depositAndWithdraw_keepTheBooks() public {
        vm.startPrank(alice);
        vm.expectEmit();
        emit WETH9.Deposit(alice, 2 ether);
        weth.deposit{value: 2 ether}();
        (bool success,) = address(weth).call{value: 1 ether}("");
        vm.assertTrue(success);
        vm.assertEq(weth.balanceOf(alice), 3 ether);
        vm.assertEq(weth.totalSupply(), 3 ether);
        uint256 before = alice.balance;
        vm.expectEmit();
        emit WETH9.Withdrawal(alice, 3 ether);
        weth.withdraw(3 ether);
        vm.assertEq(alice.balance, before + 3 ether);
        vm.assertEq(address(weth).balance, 0);
        vm.expectRevert();
        weth.withdraw(1);
        vm.assertEq(weth.name(), "Wrapped Ether");
        vm.assertEq(weth.symbol(), "WETH");
        vm.assertEq(weth.decimals(), 18);
    }
}
