// SPDX-License-Identifier: MIT
pragma solidity 0.8.37;

import {Endpoint} from "../src/bridge/Endpoint.sol";
import {Messenger} from "../src/bridge/Messenger.sol";
import {OutputVerifier} from "../src/bridge/OutputVerifier.sol";
import {IEndpoint} from "../src/interfaces/IEndpoint.sol";
import {IMessenger} from "../src/interfaces/IMessenger.sol";
import "../src/libraries/Errors.sol";
import {Hashing} from "../src/libraries/Hashing.sol";
import {MessageProof} from "../src/libraries/MessageProof.sol";
import {DeliveryState, Message as Mail} from "../src/libraries/Types.sol";
import {Lanes} from "./utils/Lanes.sol";
import {Bomb, Hook, Switch} from "./utils/Receivers.sol";

/// @notice Remembers what it was called with, and by whom on the other chain.
contract Ear {
    address public sender;
    uint256 public value;
    bytes public heard;

    function hear(bytes calldata data) external payable {
        (sender, value, heard) = (IMessenger(msg.sender).sender(), msg.value, data);
    }
}

/// @notice Takes as much gas as it is told, or fails.
contract Glutton {
    function eat(uint256 gas_) external view {
        uint256 start = gasleft();
        require(start >= gas_);
        while (start - gasleft() < gas_ - 1_000) {}
    }
}

contract EndpointTest is Lanes {
    Ear internal ear = new Ear();

    function state(Endpoint where, bytes32 id) internal view returns (uint256) {
        return uint256(where.delivery(id));
    }

    // --- sending ---

    function test_send_recordsAndLocks() public {
        bytes32 acc;
        for (uint64 nonce = 1; nonce < 4; ++nonce) {
            Mail memory m = plain(up);
            vm.assertEq(m.nonce, nonce);
            vm.assertEq(m.sender, alice);
            vm.assertEq(m.value, 1 ether);
            vm.assertEq(m.relayFee, 0.01 ether);
            vm.assertEq(m.srcChainId, L1);
            vm.assertEq(m.dstChainId, L2);
            acc = keccak256(abi.encode(acc, idOf(up, m)));
            vm.assertEq(up.accumulator(nonce), acc);
            vm.assertEq(up.count(), nonce);
        }
        assertBooks(3.03 ether);
    }

    function test_send_topicIsTheEvents() public pure {
        vm.assertEq(MessageProof.MESSAGE_SENT, IEndpoint.MessageSent.selector);
    }

    function test_send_badInput_reverts() public {
        vm.expectRevert(ZeroAddress.selector);
        up.send(address(0), 0, NEVER, 0, "");
        vm.expectRevert(abi.encodeWithSelector(WrongValue.selector, 2, 1));
        up.send{value: 1}(bob, 0, NEVER, 2, "");
        vm.expectRevert(abi.encodeWithSelector(MessageGasTooHigh.selector, 6_000_001, 6_000_000));
        up.send(bob, 6_000_001, NEVER, 0, "");
        vm.expectRevert(abi.encodeWithSelector(PayloadTooLong.selector, 32_769, 32_768));
        up.send(bob, 0, NEVER, 0, new bytes(32_769));
        vm.expectRevert(abi.encodeWithSelector(DeadlineOver.selector, uint64(block.timestamp)));
        up.send(bob, 0, uint64(block.timestamp), 0, "");
        up.send(bob, 6_000_000, uint64(block.timestamp + 1), 0, new bytes(32_768));
    }

    function test_constructor_badParameters_revert() public {
        address a = address(1);
        vm.expectRevert(ZeroAddress.selector);
        new Endpoint(address(0), L2, a, a, a);
        vm.expectRevert(ZeroAddress.selector);
        new Endpoint(a, L2, address(0), a, a);
        vm.expectRevert(ZeroAddress.selector);
        new Endpoint(a, L2, a, address(0), a);
        vm.expectRevert(InvalidParameter.selector);
        new Endpoint(a, 0, a, a, a);
        vm.expectRevert(InvalidParameter.selector);
        new Endpoint(a, L1, a, a, a);
        vm.expectRevert(ZeroAddress.selector);
        new Messenger(address(0));
        vm.expectRevert(ZeroAddress.selector);
        new OutputVerifier(address(0));
    }

    function test_ETH_byStrangers_isRefused() public {
        (bool success,) = address(up).call{value: 1}("");
        vm.assertFalse(success);
        (success,) = address(down).call{value: 1}("");
        vm.assertFalse(success);
        vm.expectRevert(abi.encodeWithSelector(Unauthorized.selector, address(this)));
        vault.unlock(1);
        vm.expectRevert(abi.encodeWithSelector(Unauthorized.selector, address(this)));
        vault.lock{value: 1}();
    }

    // --- delivery ---

    function test_down_ETHAndCall() public {
        Mail memory m =
            sendFrom(up, address(ear), 2 ether, 200_000, NEVER, 0.01 ether, abi.encodeCall(ear.hear, ("hi")));
        deliverDown(m, proveDown(m));
        vm.assertEq(state(down, idOf(up, m)), uint256(DeliveryState.Done));
        vm.assertEq(ear.sender(), alice);
        vm.assertEq(ear.value(), 2 ether);
        vm.assertEq(ear.heard(), "hi");
        vm.assertEq(relayer.balance, 10.01 ether);
        vm.assertEq(l2Caller.sender(), address(0));
        assertBooks(0);
    }

    function test_up_ETHAndCall() public {
        Mail memory m = sendFrom(
            down, address(ear), 2 ether, 200_000, NEVER, 0.01 ether, abi.encodeCall(ear.hear, ("hi"))
        );
        // On L2 it is gone.
        vm.assertEq(vault.lockedETH(), minted() + 2.01 ether);
        deliverUp(m, proveUp(m));
        vm.assertEq(ear.sender(), alice);
        vm.assertEq(ear.value(), 2 ether);
        vm.assertEq(relayer.balance, 10.01 ether);
        assertBooks(0);
    }

    function test_deliver_again_reverts() public {
        Mail memory m = plain(up);
        bytes memory proof = proveDown(m);
        deliverDown(m, proof);
        onChain(L2);
        vm.expectRevert(abi.encodeWithSelector(AlreadyDelivered.selector, idOf(up, m)));
        down.deliver(m, proof, address(0));
        vm.expectRevert(abi.encodeWithSelector(MessageNotFailed.selector, idOf(up, m)));
        down.retry(m);
        vm.warp(uint256(NEVER) + 1);
        vm.expectRevert(abi.encodeWithSelector(AlreadyDelivered.selector, idOf(up, m)));
        down.expire(m);
    }

    /// @dev Whatever is changed is another message, which nobody sent.
    function testFuzz_deliver_changed_reverts(uint256 which, uint256 how) public {
        Mail memory m = plain(up);
        bytes memory proof = proveDown(m);
        bytes32 id = idOf(up, m);
        how = bound(how, 1, 1 << 30);
        which %= 11;
        if (which == 0) m.version += uint16(bound(how, 1, 65_535));
        if (which == 1) m.srcChainId += uint64(how);
        if (which == 2) m.dstChainId += uint64(how);
        if (which == 3) m.nonce += uint64(how);
        if (which == 4) m.sender = address(uint160(m.sender) ^ uint160(how));
        if (which == 5) m.target = address(uint160(m.target) ^ uint160(how));
        if (which == 6) m.value += how;
        if (which == 7) m.gasLimit += uint64(how);
        if (which == 8) m.deadline -= uint64(how);
        if (which == 9) m.relayFee += how;
        if (which == 10) m.payload = abi.encode(how);
        vm.assertTrue(idOf(up, m) != id);
        onChain(L2);
        vm.expectRevert();
        down.deliver(m, proof, address(0));
        vm.assertEq(state(down, id), 0);
    }

    /// @dev The message of another lane, even one at the same contract's other end, is another message.
    function test_deliver_ofAnotherLane_reverts() public {
        // A lane of the attacker's, with the true L1 end's peer.
        Endpoint fake = new Endpoint(address(down), L2, address(this), address(this), address(0));
        Mail memory m = sendFrom(fake, bob, 0, 50_000, NEVER, 0, "");
        vm.assertEq(m.nonce, 1);
        plain(up);
        // What the fake end has in its storage is not what the true one has.
        (MessageProof.Evidence memory e,) = slotEvidence(fake, m);
        bytes memory proof = atAnchor(e);
        onChain(L2);
        vm.expectRevert(InvalidProof.selector);
        down.deliver(m, proof, address(0));
        // Nor does a message from L2 come back as one from L1.
        Mail memory own = plain(down);
        onChain(L2);
        vm.expectRevert(abi.encodeWithSelector(UnexpectedChain.selector, L1, L2));
        down.deliver(own, proof, address(0));
        own.srcChainId = L1;
        vm.expectRevert(abi.encodeWithSelector(UnexpectedChain.selector, L2, L1));
        down.deliver(own, proof, address(0));
    }

    function test_deliver_withoutProof_reverts() public {
        Mail memory m = plain(up);
        onChain(L2);
        vm.expectRevert();
        down.deliver(m, "", address(0));
        vm.expectRevert();
        down.deliver(m, new bytes(320), address(0));
    }

    function test_deliver_refusedByTarget_canBeRetried() public {
        Switch receiver = new Switch();
        receiver.setRefuses(true);
        Mail memory m = sendFrom(up, address(receiver), 1 ether, 50_000, NEVER, 0.01 ether, "");
        deliverDown(m, proveDown(m));
        bytes32 id = idOf(up, m);
        vm.assertEq(state(down, id), uint256(DeliveryState.Failed));
        // The relayer did its work.
        vm.assertEq(relayer.balance, 10.01 ether);
        assertBooks(1 ether);
        onChain(L2);
        down.retry(m);
        vm.assertEq(state(down, id), uint256(DeliveryState.Failed));
        receiver.setRefuses(false);
        down.retry(m);
        vm.assertEq(state(down, id), uint256(DeliveryState.Done));
        vm.assertEq(address(receiver).balance, 1 ether);
        vm.expectRevert(abi.encodeWithSelector(MessageNotFailed.selector, id));
        down.retry(m);
        onChain(L1);
        assertBooks(0);
    }

    function test_up_refusedByTarget_canBeRetried() public {
        Switch receiver = new Switch();
        receiver.setRefuses(true);
        Mail memory m = sendFrom(down, address(receiver), 1 ether, 50_000, NEVER, 0.01 ether, "");
        deliverUp(m, proveUp(m));
        vm.assertEq(state(up, idOf(down, m)), uint256(DeliveryState.Failed));
        assertBooks(1 ether);
        receiver.setRefuses(false);
        up.retry(m);
        vm.assertEq(address(receiver).balance, 1 ether);
        assertBooks(0);
    }

    function test_deliver_returnBomb_isAFailure() public {
        Bomb bomb = new Bomb();
        Mail memory m = sendFrom(up, address(bomb), 1 ether, 3_000_000, NEVER, 0.01 ether, "");
        deliverDown(m, proveDown(m));
        vm.assertEq(state(down, idOf(up, m)), uint256(DeliveryState.Failed));
        vm.assertEq(relayer.balance, 10.01 ether);
    }

    /// @dev With any gas the call is made with what it asks for, or the delivery reverts and can be made again.
    function testFuzz_deliver_anyGas_failsNothing(uint256 gas_) public {
        bytes memory payload = abi.encodeCall(ear.hear, (new bytes(500)));
        Mail memory m = sendFrom(up, address(ear), 1 ether, 600_000, NEVER, 0, payload);
        bytes memory proof = proveDown(m);
        bytes memory call = abi.encodeCall(down.deliver, (m, proof, address(0)));
        gas_ = bound(gas_, 50_000, 2_000_000);
        onChain(L2);
        (bool success,) = address(down).call{gas: gas_}(call);
        uint256 after_ = state(down, idOf(up, m));
        vm.assertEq(after_, success ? uint256(DeliveryState.Done) : 0);
        if (!success) down.deliver(m, proof, address(0));
        vm.assertEq(ear.value(), 1 ether);
    }

    /// @dev The same, about where it is decided: a call that needs all that it asked for.
    function test_deliver_littleGas_failsNothing() public {
        Glutton glutton = new Glutton();
        bytes memory payload = abi.encodeCall(glutton.eat, (600_000));
        Mail memory m = sendFrom(up, address(glutton), 0, 610_000, NEVER, 0, payload);
        bytes memory call = abi.encodeCall(down.deliver, (m, proveDown(m), address(0)));
        onChain(L2);
        uint256 snapshot = vm.snapshotState();
        uint256 refused;
        for (uint256 gas_ = 620_000; gas_ < 1_000_000; gas_ += 1_000) {
            (bool success,) = address(down).call{gas: gas_}(call);
            vm.assertEq(state(down, idOf(up, m)), success ? uint256(DeliveryState.Done) : 0);
            if (!success) ++refused;
            vm.revertToState(snapshot);
        }
        // Some were too little, some were not.
        vm.assertTrue(refused > 10 && refused < 370);
    }

    function test_id_ofAnotherVersion_reverts() public {
        Mail memory m = plain(up);
        bytes memory proof = proveDown(m);
        m.version = 2;
        onChain(L2);
        vm.expectRevert(abi.encodeWithSelector(UnexpectedVersion.selector, 1, 2));
        down.idOf(m);
        vm.expectRevert(abi.encodeWithSelector(UnexpectedVersion.selector, 1, 2));
        down.deliver(m, proof, address(0));
    }

    function test_deliver_nested_reverts() public {
        Mail memory inner = plain(up);
        bytes memory proof = proveDown(inner);
        Hook hook = new Hook();
        hook.set(address(down), abi.encodeCall(down.deliver, (inner, proof, address(0))));
        Mail memory outer = sendFrom(up, address(hook), 1 ether, 2_000_000, NEVER, 0.01 ether, "");
        deliverDown(outer, proveDown(outer));
        vm.assertTrue(hook.called());
        vm.assertFalse(hook.succeeded());
        vm.assertEq(hook.result(), abi.encodeWithSelector(NestedRelease.selector));
        vm.assertEq(state(down, idOf(up, inner)), 0);
        vm.assertEq(state(down, idOf(up, outer)), uint256(DeliveryState.Done));
    }

    /// @dev A message speaks with nobody's voice but the Messenger's, which may do nothing.
    function test_deliver_toThePrivileged_fails() public {
        bytes[] memory payloads = new bytes[](5);
        address[] memory targets = new address[](5);
        (targets[0], payloads[0]) = (address(vault), abi.encodeCall(vault.unlock, (1 ether)));
        (targets[1], payloads[1]) = (address(up), abi.encodeCall(up.attempt, (alice, alice, 1 ether, 0, "")));
        (targets[2], payloads[2]) = (address(caller), abi.encodeCall(caller.deliver, (alice, alice, 0, "")));
        Mail memory sent = plain(up);
        (targets[3], payloads[3]) = (address(up), abi.encodeCall(up.refund, (sent, true)));
        (targets[4], payloads[4]) =
        (address(vault), abi.encodeCall(vault.finalizeWithdrawal, (address(1), alice, alice, 1, "")));
        for (uint256 i; i < targets.length; ++i) {
            Mail memory m = sendFrom(down, targets[i], 0, 500_000, NEVER, 0, payloads[i]);
            deliverUp(m, proveUp(m));
            vm.assertEq(state(up, idOf(down, m)), uint256(DeliveryState.Failed));
        }
        vm.expectRevert(abi.encodeWithSelector(Unauthorized.selector, address(this)));
        up.attempt(alice, alice, 1, 0, "");
        vm.expectRevert(abi.encodeWithSelector(Unauthorized.selector, address(this)));
        up.refund(sent, true);
        vm.expectRevert(abi.encodeWithSelector(Unauthorized.selector, address(this)));
        caller.deliver(alice, alice, 0, "");
        assertBooks(1.01 ether);
    }

    // --- deadlines ---

    function test_expire_isRefunded() public {
        uint64 deadline = uint64(block.timestamp + 1 hours);
        Mail memory m = sendFrom(up, bob, 1 ether, 50_000, deadline, 0.01 ether, "");
        bytes memory proof = proveDown(m);
        onChain(L2);
        vm.expectRevert(abi.encodeWithSelector(DeadlineAhead.selector, deadline));
        down.expire(m);
        vm.warp(deadline + 1);
        vm.expectRevert(abi.encodeWithSelector(DeadlineOver.selector, deadline));
        down.deliver(m, proof, address(0));
        vm.recordLogs();
        down.expire(m);
        Mail memory back = lastSent();
        vm.expectRevert(abi.encodeWithSelector(AlreadyDelivered.selector, idOf(up, m)));
        down.expire(m);
        vm.expectRevert(abi.encodeWithSelector(AlreadyDelivered.selector, idOf(up, m)));
        down.deliver(m, proof, address(0));
        onChain(L1);

        uint256 before = alice.balance;
        deliverUp(back, proveUp(back));
        vm.assertEq(state(up, idOf(down, back)), uint256(DeliveryState.Done));
        vm.assertEq(alice.balance - before, 1.01 ether);
        vm.assertTrue(up.isRefunded(idOf(up, m)));
        assertBooks(0);
    }

    function test_expire_fromL2_isMintedBack() public {
        uint64 deadline = uint64(block.timestamp + 30 days);
        Mail memory m = sendFrom(down, bob, 1 ether, 50_000, deadline, 0.01 ether, "");
        vm.warp(deadline + 1);
        vm.recordLogs();
        up.expire(m);
        Mail memory back = lastSent();
        uint256 before = alice.balance;
        deliverDown(back, proveDown(back));
        vm.assertEq(alice.balance - before, 1.01 ether);
        assertBooks(0);
    }

    /// @dev One that was delivered and failed comes back without its fee, which was earned.
    function test_expire_failed_isRefundedWithoutItsFee() public {
        Switch receiver = new Switch();
        receiver.setRefuses(true);
        uint64 deadline = uint64(block.timestamp + 1 hours);
        Mail memory m = sendFrom(up, address(receiver), 1 ether, 50_000, deadline, 0.01 ether, "");
        deliverDown(m, proveDown(m));
        onChain(L2);
        vm.warp(deadline + 1);
        vm.expectRevert(abi.encodeWithSelector(DeadlineAhead.selector, deadline + 1 days));
        down.expire(m);
        // That a call fails in the last second is no reason to lose it.
        down.retry(m);
        vm.warp(deadline + 1 days + 1);
        vm.expectRevert(abi.encodeWithSelector(DeadlineOver.selector, deadline + 1 days));
        down.retry(m);
        vm.recordLogs();
        down.expire(m);
        Mail memory back = lastSent();
        onChain(L1);
        uint256 before = alice.balance;
        deliverUp(back, proveUp(back));
        vm.assertEq(alice.balance - before, 1 ether);
        assertBooks(0);
    }

    /// @dev What nobody sent can be given up, but not refunded.
    function test_expire_neverSent_isNotRefunded() public {
        Mail memory m = plain(up);
        (m.value, m.deadline) = (5 ether, 1);
        vm.recordLogs();
        onChain(L2);
        down.expire(m);
        Mail memory back = lastSent();
        onChain(L1);
        deliverUp(back, proveUp(back));
        vm.assertEq(state(up, idOf(down, back)), uint256(DeliveryState.Failed));
        // Nor is one of a nonce to come, or of none.
        for (uint64 nonce; nonce < 3; nonce += 2) {
            m.nonce = nonce;
            vm.recordLogs();
            onChain(L2);
            down.expire(m);
            back = lastSent();
            onChain(L1);
            deliverUp(back, proveUp(back));
            vm.assertEq(state(up, idOf(down, back)), uint256(DeliveryState.Failed));
        }
        assertBooks(1.01 ether);
    }

    function test_refund_toARefuser_canBeRetried() public {
        Switch sender = new Switch();
        vm.deal(address(sender), 2 ether);
        vm.recordLogs();
        vm.prank(address(sender));
        up.send{value: 1 ether}(bob, 0, uint64(block.timestamp + 1), 0, "");
        Mail memory m = lastSent();
        sender.setRefuses(true);
        vm.warp(block.timestamp + 2);
        vm.recordLogs();
        onChain(L2);
        down.expire(m);
        Mail memory back = lastSent();
        onChain(L1);
        deliverUp(back, proveUp(back));
        vm.assertEq(state(up, idOf(down, back)), uint256(DeliveryState.Failed));
        assertBooks(1 ether);
        sender.setRefuses(false);
        up.retry(back);
        vm.assertEq(address(sender).balance, 2 ether);
        assertBooks(0);
    }

    // --- fees ---

    function test_fee_reserved_isNotTheCopiers() public {
        Mail memory m = plain(up);
        bytes32 id = idOf(up, m);
        bytes memory proof = proveDown(m);
        onChain(L2);
        vm.prank(relayer);
        down.reserve{value: 0.001 ether}(id);
        vm.prank(copier);
        vm.expectRevert(abi.encodeWithSelector(Reserved.selector, relayer, block.timestamp + 300));
        down.reserve{value: 0.001 ether}(id);
        vm.prank(copier);
        down.deliver(m, proof, address(0));
        vm.assertEq(copier.balance, 10 ether);
        vm.assertEq(relayer.balance, 10.01 ether);
        onChain(L1);
        assertBooks(0);
    }

    function test_fee_reservationLapsed_isTheDeliverers() public {
        Mail memory m = plain(up);
        bytes32 id = idOf(up, m);
        bytes memory proof = proveDown(m);
        onChain(L2);
        vm.prank(copier);
        down.reserve{value: 0.001 ether}(id);
        vm.warp(block.timestamp + 301);
        vm.prank(relayer);
        down.deliver(m, proof, address(0));
        vm.assertEq(relayer.balance, 10.011 ether);
        vm.assertEq(copier.balance, 9.999 ether);
        vm.prank(copier);
        vm.expectRevert(abi.encodeWithSelector(AlreadyDelivered.selector, id));
        down.reserve{value: 0.001 ether}(id);
        onChain(L1);
        assertBooks(0);
    }

    function test_fee_reservedAgain_bondsAddUp() public {
        uint64 deadline = uint64(block.timestamp + 1 hours);
        Mail memory m = sendFrom(up, bob, 1 ether, 50_000, deadline, 0.01 ether, "");
        bytes32 id = idOf(up, m);
        onChain(L2);
        for (uint256 i; i < 3; ++i) {
            vm.prank(copier);
            down.reserve{value: 0.001 ether}(id);
            vm.warp(block.timestamp + 301);
        }
        vm.expectRevert(abi.encodeWithSelector(WrongValue.selector, 0.001 ether, 0));
        down.reserve(id);
        vm.warp(deadline + 1);
        vm.prank(relayer);
        down.expire(m);
        vm.assertEq(relayer.balance, 10 ether);
        vm.assertEq(address(0).balance, 0.003 ether);
        onChain(L1);
        assertBooks(1.01 ether);
    }

    /// @dev Who delivers for the fee does nothing for somebody else's; who delivers for the message may.
    function test_fee_reservedByAnother_deliversNothingForIt() public {
        Mail memory m = plain(up);
        bytes memory proof = proveDown(m);
        onChain(L2);
        vm.prank(copier);
        down.reserve{value: 0.001 ether}(idOf(up, m));
        vm.prank(relayer);
        vm.expectRevert(abi.encodeWithSelector(Reserved.selector, copier, block.timestamp + 300));
        down.deliver(m, proof, relayer);
        vm.prank(alice);
        down.deliver(m, proof, address(0));
        vm.assertEq(copier.balance, 10.01 ether);
        onChain(L1);
        assertBooks(0);
    }

    /// @dev Who reserves and refuses the fee, or burns what it is given, keeps nothing out.
    function test_fee_refusedByTheReserver_isTheDeliverers() public {
        for (uint256 i; i < 2; ++i) {
            address reserver = i == 0 ? address(new Switch()) : address(new Bomb());
            if (i == 0) Switch(payable(reserver)).setRefuses(true);
            vm.deal(reserver, 1 ether);
            Mail memory m = plain(up);
            bytes memory proof = proveDown(m);
            onChain(L2);
            vm.prank(reserver);
            down.reserve{value: 0.001 ether}(idOf(up, m));
            vm.prank(relayer);
            down.deliver(m, proof, address(0));
            vm.assertEq(relayer.balance, 10 ether + (i + 1) * 0.011 ether);
            onChain(L1);
        }
        assertBooks(0);
    }
}
