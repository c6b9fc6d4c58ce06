// SPDX-License-Identifier: MIT
pragma solidity 0.8.37;

import {RLP} from "@openzeppelin/contracts/utils/RLP.sol";

import {AnchorVerifier} from "../src/bridge/AnchorVerifier.sol";
import {OutputVerifier} from "../src/bridge/OutputVerifier.sol";
import "../src/libraries/Errors.sol";
import {Hashing} from "../src/libraries/Hashing.sol";
import {MessageProof} from "../src/libraries/MessageProof.sol";
import {Predeploys} from "../src/libraries/Predeploys.sol";
import {DeliveryState, Message as Mail, OutputRootProof} from "../src/libraries/Types.sol";
import {Lanes} from "./utils/Lanes.sol";
import {StateTrie} from "./utils/StateTrie.sol";
import {Switch} from "./utils/Receivers.sol";

/// @notice The light clients: what they take for a message of the other chain.
contract LaneProofsTest is Lanes {
    function assertRefusedDown(Mail memory m, bytes memory proof, bytes4 why) internal onL2 {
        (bool success, bytes memory result) =
            address(down).call(abi.encodeCall(down.deliver, (m, proof, address(0))));
        vm.assertFalse(success);
        if (why != bytes4(0)) vm.assertEq(bytes32(bytes4(result)), bytes32(why));
        vm.assertEq(uint256(down.delivery(idOf(up, m))), 0);
    }

    function assertRefusedUp(Mail memory m, bytes memory proof, bytes4 why) internal {
        (bool success, bytes memory result) =
            address(up).call(abi.encodeCall(up.deliver, (m, proof, address(0))));
        vm.assertFalse(success);
        vm.assertEq(bytes32(bytes4(result)), bytes32(why));
        vm.assertEq(uint256(up.delivery(idOf(down, m))), 0);
    }

    /// @dev The proof of a receipt that says this of the message, in an anchor.
    function receiptProof(bool success, address emitter, bytes32[] memory topics, uint256 logIndex)
        internal
        returns (bytes memory)
    {
        MessageProof.Evidence memory e = receiptEvidence(receiptOf(success, emitter, topics));
        e.logIndex = logIndex;
        return atAnchor(e);
    }

    // --- receipts ---

    function test_receipt_isTaken() public {
        Mail memory m = plain(up);
        deliverDown(m, receiptProof(true, address(up), sentTopics(up, m), 1));
        assertBooks(0);
        Mail memory back = plain(down);
        MessageProof.Evidence memory e =
            receiptEvidence(receiptOf(true, address(down), sentTopics(down, back)));
        deliverUp(back, atOutput(e, keccak256("state")));
        assertBooks(0);
    }

    function test_receipt_ofAFailedTransaction_isRefused() public {
        Mail memory m = plain(up);
        bytes memory proof = receiptProof(false, address(up), sentTopics(up, m), 1);
        assertRefusedDown(m, proof, UnexpectedEvent.selector);
    }

    function test_receipt_ofAnotherContract_isRefused() public {
        Mail memory m = plain(up);
        assertRefusedDown(
            m, receiptProof(true, address(down), sentTopics(up, m), 1), UnexpectedEvent.selector
        );
        assertRefusedDown(m, receiptProof(true, address(0), sentTopics(up, m), 1), UnexpectedEvent.selector);
    }

    function test_receipt_ofAnotherEvent_isRefused() public {
        Mail memory m = plain(up);
        for (uint256 i; i < 3; ++i) {
            bytes32[] memory topics = sentTopics(up, m);
            topics[i] ^= bytes32(uint256(1));
            assertRefusedDown(m, receiptProof(true, address(up), topics, 1), UnexpectedEvent.selector);
        }
        bytes32[] memory right = sentTopics(up, m);
        for (uint256 count; count < 5; ++count) {
            if (count == 3) continue;
            bytes32[] memory topics = new bytes32[](count);
            for (uint256 i; i < count && i < 3; ++i) {
                topics[i] = right[i];
            }
            assertRefusedDown(m, receiptProof(true, address(up), topics, 1), UnexpectedEvent.selector);
        }
    }

    function test_receipt_ofAnotherIndex_isRefused() public {
        Mail memory m = plain(up);
        assertRefusedDown(m, receiptProof(true, address(up), sentTopics(up, m), 0), UnexpectedEvent.selector);
        assertRefusedDown(m, receiptProof(true, address(up), sentTopics(up, m), 2), UnexpectedEvent.selector);
        assertRefusedDown(m, receiptProof(true, address(up), sentTopics(up, m), 3), NoSuchLog.selector);
        MessageProof.Evidence memory e = receiptEvidence(receiptOf(true, address(up), sentTopics(up, m)));
        e.index = 1;
        assertRefusedDown(m, atAnchor(e), InvalidProof.selector);
    }

    /// @dev Of every type that Ethereum has, and of none.
    function test_receipt_ofEveryType_isTaken() public {
        for (uint8 kind; kind < 5; ++kind) {
            Mail memory m = plain(up);
            bytes memory receipt = receiptOf(true, address(up), sentTopics(up, m));
            if (kind == 0) {
                // Legacy receipts have no type.
                bytes memory rest = new bytes(receipt.length - 1);
                for (uint256 i; i < rest.length; ++i) {
                    rest[i] = receipt[i + 1];
                }
                receipt = rest;
            } else {
                receipt[0] = bytes1(kind);
            }
            deliverDown(m, atAnchor(receiptEvidence(receipt)));
        }
        assertBooks(0);
    }

    function test_receipt_inATransactionsPlace_isRefused() public {
        Mail memory m = plain(up);
        MessageProof.Evidence memory e = receiptEvidence(receiptOf(true, address(up), sentTopics(up, m)));
        // The root of another trie of the header.
        e.header = header(keccak256(e.receiptNodes[0]), keccak256("receipts"));
        assertRefusedDown(m, atAnchor(e), InvalidProof.selector);
    }

    // --- slots ---

    function test_slot_ofAnotherAccount_isRefused() public {
        Mail memory m = plain(up);
        bytes32[] memory slots = new bytes32[](1);
        bytes32[] memory values = new bytes32[](1);
        (slots[0], values[0]) = (Hashing.accumulatorSlot(m.nonce), up.accumulator(m.nonce));
        // A contract of the attacker's with the right storage.
        (StateTrie state, StateTrie storage_) = stateOf(alice, slots, values);
        MessageProof.Evidence memory e;
        e.header = header(state.root(), keccak256("receipts"));
        e.previous = up.accumulator(m.nonce - 1);
        e.accountNodes = state.proveAccount(alice);
        e.slotNodes = storage_.proveSlot(slots[0]);
        assertRefusedDown(m, atAnchor(e), InvalidProof.selector);
    }

    function test_slot_ofAnotherNonce_isRefused() public {
        Mail memory first = plain(up);
        Mail memory second = plain(up);
        (MessageProof.Evidence memory e,) = slotEvidence(up, first);
        bytes memory proof = atAnchor(e);
        assertRefusedDown(second, proof, InvalidProof.selector);
        deliverDown(first, proof);
    }

    function test_slot_withAnotherPast_isRefused() public {
        plain(up);
        Mail memory m = plain(up);
        (MessageProof.Evidence memory e,) = slotEvidence(up, m);
        e.previous ^= bytes32(uint256(1));
        assertRefusedDown(m, atAnchor(e), InvalidProof.selector);
    }

    /// @dev A forged message cannot be put behind any past.
    function testFuzz_slot_forged_isRefused(bytes32 previous, address target, uint96 value) public {
        Mail memory m = plain(up);
        (MessageProof.Evidence memory e,) = slotEvidence(up, m);
        e.previous = previous;
        (m.target, m.value) = (target, value);
        assertRefusedDown(m, atAnchor(e), bytes4(0));
    }

    /// @dev Proofs that are cut off, of keys that exist.
    function test_slot_cutOff_isRefused() public {
        Mail memory m = plain(up);
        (MessageProof.Evidence memory e,) = slotEvidence(up, m);
        bytes[] memory all = e.slotNodes;
        e.slotNodes = shorter(all);
        assertRefusedDown(m, atAnchor(e), InvalidProof.selector);
        e.slotNodes = all;
        e.accountNodes = shorter(e.accountNodes);
        assertRefusedDown(m, atAnchor(e), InvalidProof.selector);
    }

    function shorter(bytes[] memory nodes) internal pure returns (bytes[] memory rest) {
        rest = new bytes[](nodes.length - 1);
        for (uint256 i; i < rest.length; ++i) {
            rest[i] = nodes[i];
        }
    }

    // --- anchors ---

    function test_anchor_unknown_isRefused() public {
        Mail memory m = plain(up);
        (MessageProof.Evidence memory e,) = slotEvidence(up, m);
        AnchorVerifier.Proof memory p;
        p.evidence = e;
        p.anchor = anchor(header(keccak256("another state"), 0));
        assertRefusedDown(m, abi.encode(p), UnknownBlock.selector);
        // A number that was never one, and number zero, of a ring that begins with zeros.
        p.anchor += 1;
        assertRefusedDown(m, abi.encode(p), UnknownBlock.selector);
        p.anchor = 0;
        assertRefusedDown(m, abi.encode(p), UnknownBlock.selector);
        bytes memory right = e.header;
        p.evidence.header = "";
        assertRefusedDown(m, abi.encode(p), UnknownBlock.selector);
        (p.evidence.header, p.anchor) = (right, anchor(right));
        deliverDown(m, abi.encode(p));
    }

    /// @dev The ring keeps 8192 anchors.
    function test_anchor_atTheRingsEdge() public {
        Mail memory m = plain(up);
        (MessageProof.Evidence memory e,) = slotEvidence(up, m);
        AnchorVerifier.Proof memory p;
        (p.evidence, p.anchor) = (e, anchor(e.header));
        anchors += 8190;
        anchor("the 8191st after it");
        uint256 before = vm.snapshotState();
        deliverDown(m, abi.encode(p));
        vm.revertToState(before);
        anchor("the 8192nd after it");
        assertRefusedDown(m, abi.encode(p), UnknownBlock.selector);
    }

    address internal constant HISTORY_CONTRACT = 0x0000F90827F1C53a10cb7A02335B175320002935;

    /// @dev A proof by evidence in block `number`, which is in the history at `slot` in the newest anchor.
    function older(MessageProof.Evidence memory e, uint64 number, bytes32 slot, address history)
        internal
        returns (AnchorVerifier.Proof memory p)
    {
        bytes32[] memory slots = new bytes32[](1);
        bytes32[] memory values = new bytes32[](1);
        (slots[0], values[0]) = (slot, keccak256(e.header));
        (StateTrie state, StateTrie storage_) = stateOf(history, slots, values);
        p.anchorHeader = header(state.root(), keccak256("receipts"));
        p.anchor = anchor(p.anchorHeader);
        p.number = number;
        p.accountNodes = state.proveAccount(HISTORY_CONTRACT);
        p.slotNodes = storage_.proveSlot(bytes32(uint256(number) % 8191));
        p.evidence = e;
    }

    function test_history_isTaken() public {
        for (uint64 number = 999_000; number < 999_003; ++number) {
            Mail memory m = plain(up);
            (MessageProof.Evidence memory e,) = slotEvidence(up, m);
            deliverDown(m, abi.encode(older(e, number, bytes32(uint256(number % 8191)), HISTORY_CONTRACT)));
        }
        Mail memory r = plain(up);
        MessageProof.Evidence memory byReceipt =
            receiptEvidence(receiptOf(true, address(up), sentTopics(up, r)));
        deliverDown(r, abi.encode(older(byReceipt, 8191, 0, HISTORY_CONTRACT)));
        assertBooks(0);
    }

    function test_history_ofAnotherBlock_isRefused() public {
        Mail memory m = plain(up);
        (MessageProof.Evidence memory e,) = slotEvidence(up, m);
        bytes32 slot = bytes32(uint256(999_000 % 8191));
        // Another slot; another contract; another block at that slot; no anchor.
        AnchorVerifier.Proof memory p = older(e, 999_001, slot, HISTORY_CONTRACT);
        assertRefusedDown(m, abi.encode(p), InvalidProof.selector);
        p = older(e, 999_000, slot, address(7_777));
        assertRefusedDown(m, abi.encode(p), InvalidProof.selector);
        p = older(e, 999_000, slot, HISTORY_CONTRACT);
        bytes memory right = e.header;
        p.evidence.header = header(keccak256("a state"), 0);
        assertRefusedDown(m, abi.encode(p), UnknownBlock.selector);
        p.evidence.header = right;
        p.anchor -= 1;
        assertRefusedDown(m, abi.encode(p), UnknownBlock.selector);
        p.anchor += 1;
        deliverDown(m, abi.encode(p));
    }

    // --- outputs ---

    function test_output_notFinal_isRefused() public {
        Mail memory m = plain(down);
        (MessageProof.Evidence memory e, bytes32 stateRoot) = slotEvidence(down, m);
        e.header = "";
        OutputVerifier.Proof memory p;
        p.evidence = e;
        p.output = OutputRootProof(0, stateRoot, keccak256("passer"), keccak256("block"));
        appendNext();
        p.claimId = propose(settlement.lastFinalClaim(), last.index, Hashing.outputRoot(p.output));
        assertRefusedUp(m, abi.encode(p), NotFinal.selector);
        p.claimId += 1;
        assertRefusedUp(m, abi.encode(p), UnknownClaim.selector);
        // Of another claim, which is final.
        p.claimId = 0;
        assertRefusedUp(m, abi.encode(p), UnexpectedOutputRoot.selector);
    }

    function test_output_ofAnotherBlock_isRefused() public {
        Mail memory m = plain(down);
        MessageProof.Evidence memory e = receiptEvidence(receiptOf(true, address(down), sentTopics(down, m)));
        OutputVerifier.Proof memory p;
        p.evidence = e;
        (p.claimId, p.output) = finalState(keccak256("state"), keccak256("another header"));
        assertRefusedUp(m, abi.encode(p), UnknownBlock.selector);
        // Its preimage with anything else in it.
        p.output.latestBlockhash = keccak256(e.header);
        assertRefusedUp(m, abi.encode(p), UnexpectedOutputRoot.selector);
    }

    // --- exodus ---

    function startExodus(bytes32 stateRoot) internal returns (OutputRootProof memory p) {
        (, p) = finalState(stateRoot, keccak256("block"));
        vm.warp(vault.exodusOpensAt() + 1);
        vault.startExodus();
    }

    /// @dev The state of L2 with this state of a message at its Endpoint; 0 is none.
    function l2With(Mail memory m, DeliveryState state_)
        internal
        returns (StateTrie state, bytes[] memory accountProof, bytes[] memory slotProof)
    {
        bytes32 slot = Hashing.deliverySlot(idOf(up, m));
        bytes32[] memory slots = new bytes32[](state_ == DeliveryState.None ? 0 : 1);
        bytes32[] memory values = new bytes32[](slots.length);
        if (slots.length != 0) (slots[0], values[0]) = (slot, bytes32(uint256(state_)));
        StateTrie storage_;
        (state, storage_) = stateOf(address(down), slots, values);
        return (state, state.proveAccount(address(down)), storage_.proveSlot(slot));
    }

    function test_reclaim_neverDelivered_isPaidBack() public {
        Mail memory m = plain(up);
        (StateTrie state, bytes[] memory accountProof, bytes[] memory slotProof) =
            l2With(m, DeliveryState.None);
        OutputRootProof memory p = OutputRootProof(0, state.root(), keccak256("passer"), keccak256("block"));
        vm.expectRevert(NotInExodus.selector);
        up.reclaim(m, p, accountProof, slotProof);
        vm.expectRevert(NotInExodus.selector);
        down.reclaim(m, p, accountProof, slotProof);

        p = startExodus(state.root());
        uint256 before = alice.balance;
        up.reclaim(m, p, accountProof, slotProof);
        vm.assertEq(alice.balance - before, 1.01 ether);
        vm.expectRevert(abi.encodeWithSelector(AlreadyReclaimed.selector, idOf(up, m)));
        up.reclaim(m, p, accountProof, slotProof);
        assertBooks(0);
    }

    function test_reclaim_whatItWasNot_reverts() public {
        Mail memory m = plain(up);
        (StateTrie state, bytes[] memory accountProof, bytes[] memory slotProof) =
            l2With(m, DeliveryState.None);
        OutputRootProof memory p = startExodus(state.root());
        // Another root, a proof cut off, a message that was never sent.
        OutputRootProof memory other =
            OutputRootProof(0, keccak256("state"), p.messagePasserStorageRoot, p.latestBlockhash);
        vm.expectRevert(
            abi.encodeWithSelector(
                UnexpectedOutputRoot.selector, Hashing.outputRoot(p), Hashing.outputRoot(other)
            )
        );
        up.reclaim(m, other, accountProof, slotProof);
        vm.expectRevert(InvalidProof.selector);
        up.reclaim(m, p, accountProof, new bytes[](0));
        vm.expectRevert(InvalidProof.selector);
        up.reclaim(m, p, shorter(accountProof), slotProof);
        m.value = 5 ether;
        (bool success,) = address(up).call(abi.encodeCall(up.reclaim, (m, p, accountProof, slotProof)));
        vm.assertFalse(success);
        assertBooks(1.01 ether);
    }

    function test_reclaim_delivered_reverts() public {
        for (uint8 i = 1; i < 4; i += 2) {
            Mail memory m = plain(up);
            uint256 before = vm.snapshotState();
            (StateTrie state, bytes[] memory accountProof, bytes[] memory slotProof) =
                l2With(m, DeliveryState(i));
            OutputRootProof memory p = startExodus(state.root());
            vm.expectRevert(abi.encodeWithSelector(AlreadyDelivered.selector, idOf(up, m)));
            up.reclaim(m, p, accountProof, slotProof);
            vm.revertToState(before);
        }
    }

    /// @dev What failed on L2 is still there; its fee is not.
    function test_reclaim_failed_isPaidBackWithoutItsFee() public {
        Switch receiver = new Switch();
        receiver.setRefuses(true);
        Mail memory m = sendFrom(up, address(receiver), 1 ether, 50_000, NEVER, 0.01 ether, "");
        deliverDown(m, proveDown(m));
        (StateTrie state, bytes[] memory accountProof, bytes[] memory slotProof) =
            l2With(m, DeliveryState.Failed);
        OutputRootProof memory p = startExodus(state.root());
        uint256 before = alice.balance;
        up.reclaim(m, p, accountProof, slotProof);
        vm.assertEq(alice.balance - before, 1 ether);
        assertBooks(0);
    }

    /// @dev What left L2 before the exodus' block arrives; what did not, was never there.
    function test_exodus_messagesFromL2_arriveByItsRootOnly() public {
        Mail memory m = plain(down);
        (MessageProof.Evidence memory e, bytes32 stateRoot) = slotEvidence(down, m);
        e.header = "";
        OutputVerifier.Proof memory p;
        p.evidence = e;
        (p.claimId, p.output) = finalState(stateRoot, keccak256("block"));
        OutputRootProof memory later = startExodus(keccak256("a later state"));
        assertRefusedUp(m, abi.encode(p), NotTheExodusClaim.selector);
        vm.assertTrue(later.stateRoot != p.output.stateRoot);
        vm.prank(alice);
        vm.expectRevert(InExodus.selector);
        up.send{value: 1}(bob, 0, NEVER, 0, "");
    }

    /// @dev The proof of a message of L2's in the exodus' root, in which L2 also has no state of another message.
    function exodusWith(Mail memory m, Mail memory absent)
        internal
        returns (
            bytes memory proof,
            OutputRootProof memory p,
            bytes[] memory accountProof,
            bytes[] memory slotProof
        )
    {
        (StateTrie state, StateTrie storage_) = stateAt(down, m.nonce);
        OutputVerifier.Proof memory full;
        p = startExodus(state.root());
        (full.claimId, full.output) = (settlement.lastFinalClaim(), p);
        full.evidence.previous = down.accumulator(m.nonce - 1);
        accountProof = state.proveAccount(address(down));
        full.evidence.accountNodes = accountProof;
        full.evidence.slotNodes = storage_.proveSlot(Hashing.accumulatorSlot(m.nonce));
        slotProof = storage_.proveSlot(Hashing.deliverySlot(idOf(up, absent)));
        proof = abi.encode(full);
    }

    /// @dev With L2 gone there is no refund there: what is late arrives all the same.
    function test_exodus_messagesFromL2_areNeverTooLate() public {
        uint64 deadline = uint64(block.timestamp + 1);
        Mail memory m = sendFrom(down, bob, 1 ether, 50_000, deadline, 0.01 ether, "");
        (bytes memory proof,,,) = exodusWith(m, m);
        vm.assertTrue(block.timestamp > deadline);
        vm.expectRevert(InExodus.selector);
        up.expire(m);
        deliverUp(m, proof);
        assertBooks(0);
    }

    /// @dev Nor is what had been given up before, if L2 never got its refund.
    function test_exodus_givenUp_isRevived() public {
        Switch receiver = new Switch();
        receiver.setRefuses(true);
        uint64 deadline = uint64(block.timestamp + 30 days);
        Mail memory m = sendFrom(down, bob, 1 ether, 50_000, deadline, 0.01 ether, "");
        Mail memory failed = sendFrom(down, address(receiver), 1 ether, 50_000, deadline, 0.01 ether, "");
        deliverUp(failed, proveUp(failed));
        vm.warp(deadline + 1 days + 1);
        vm.recordLogs();
        up.expire(m);
        Mail memory refund = lastSent();
        vm.recordLogs();
        up.expire(failed);
        Mail memory other = lastSent();
        (
            bytes memory proof,
            OutputRootProof memory p,
            bytes[] memory accountProof,
            bytes[] memory slotProof
        ) = exodusWith(m, refund);
        vm.expectRevert(abi.encodeWithSelector(AlreadyDelivered.selector, idOf(down, m)));
        up.deliver(m, proof, address(0));
        up.reclaim(refund, p, accountProof, slotProof);
        vm.expectRevert(abi.encodeWithSelector(AlreadyReclaimed.selector, idOf(up, refund)));
        up.reclaim(refund, p, accountProof, slotProof);
        deliverUp(m, proof);
        vm.expectRevert(abi.encodeWithSelector(AlreadyDelivered.selector, idOf(down, m)));
        up.deliver(m, proof, address(0));

        // One that had failed can be tried again, and its fee is not paid twice.
        (, StateTrie storage_) = stateAt(down, m.nonce);
        up.reclaim(other, p, accountProof, storage_.proveSlot(Hashing.deliverySlot(idOf(up, other))));
        receiver.setRefuses(false);
        up.retry(failed);
        vm.assertEq(address(receiver).balance, 1 ether);
        vm.assertEq(relayer.balance, 10.02 ether);
        assertBooks(0);
    }

    /// @dev Nobody revives with a message of their own.
    function test_exodus_revive_byOthers_reverts() public {
        Mail memory m = plain(down);
        deliverUp(m, proveUp(m));
        Mail memory fake =
            sendFrom(up, address(down), 0, 50_000, NEVER, 0, abi.encodeCall(down.refund, (m, true)));
        (, OutputRootProof memory p, bytes[] memory accountProof, bytes[] memory slotProof) =
            exodusWith(m, fake);
        fake.sender = address(up);
        bytes32 id = idOf(up, fake);
        (StateTrie state, StateTrie storage_) = stateAt(down, m.nonce);
        state;
        slotProof = storage_.proveSlot(Hashing.deliverySlot(id));
        vm.expectRevert(abi.encodeWithSelector(UnknownMessageId.selector, id));
        up.reclaim(fake, p, accountProof, slotProof);
        vm.assertEq(uint256(up.delivery(idOf(down, m))), uint256(DeliveryState.Done));
    }

    function test_exodus_messagesFromL2_arrive() public {
        Mail memory m = plain(down);
        (MessageProof.Evidence memory e, bytes32 stateRoot) = slotEvidence(down, m);
        e.header = "";
        OutputVerifier.Proof memory p;
        p.evidence = e;
        p.output = startExodus(stateRoot);
        p.claimId = settlement.lastFinalClaim();
        deliverUp(m, abi.encode(p));
        assertBooks(0);
    }
}
