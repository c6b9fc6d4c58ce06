// SPDX-License-Identifier: MIT
pragma solidity 0.8.37;

import {IDisputes} from "../src/interfaces/IDisputes.sol";
import "../src/libraries/Errors.sol";
import {ClaimStatus, DisputeStatus, Move} from "../src/libraries/Types.sol";
import {Histories} from "./utils/Histories.sol";
import {MoveByMove} from "./utils/MoveByMove.sol";

/// @notice The end of each descent: what both sides agree on, and which block they disagree on.
contract DisputesLeafTest is MoveByMove {
    using Histories for bytes32[];

    function test_descendToLeaf_otherAgreement_reverts() public {
        Play memory p = begin();
        for (uint256 i; i < MOVES - 1; ++i) {
            if (i % 5 == 2) {
                LastDescent memory l = lastDescent(p);
                uint256 leaf = [uint256(18), 300, 1300, 2300][i / 5];
                bytes32 history = p.challenger.root();
                // Another leaf with its own proof, a leaf after the dispute, and no leaf at all.
                bytes32[3] memory others =
                    [p.challenger.leaf(leaf - 2), p.challenger.leaf(leaf), keccak256("other")];
                for (uint256 k; k < 3; ++k) {
                    l.agreed = others[k];
                    if (k == 0) l.agreedProof = p.challenger.proof(leaf - 2);
                    if (k == 1) l.agreedProof = p.challenger.proof(leaf);
                    bytes32 root = Histories.climb(l.agreed, leaf - 1, l.agreedProof);
                    refuse(leafCall(p, l), abi.encodeWithSelector(UnexpectedRoot.selector, history, root));
                }
                // A node on the way, as if it were the leaf: the path would have to be shorter.
                l = lastDescent(p);
                l.agreed = p.challenger[(4096 + leaf - 1) / 2];
                (bool success,) = send(Call(carol, leafCall(p, l), p.challenger));
                vm.assertFalse(success);
            }
            accept(p, nextCall(p));
        }
    }

    function test_descendToLeaf_otherLeaves_revert() public {
        Play memory p = playTo(2);
        LastDescent memory l = lastDescent(p);
        bytes32 own = nodeOver(l.ours);
        bytes32 other = nodeOver(l.theirs);
        l.ours = changed(l.ours, 15);
        refuse(leafCall(p, l), abi.encodeWithSelector(UnexpectedNode.selector, own, nodeOver(l.ours)));
        l = lastDescent(p);
        l.theirs = changed(l.theirs, 0);
        refuse(leafCall(p, l), abi.encodeWithSelector(UnexpectedNode.selector, other, nodeOver(l.theirs)));
    }

    /// @dev In the first leaf of every stage what is agreed on is what the stage starts from, and nothing else.
    function test_descendToLeaf_firstLeaf_startsTheStage() public {
        (uint64 parent,) = proposeTruth(0, 2);
        (uint64 id, bytes32[] memory claimed) = proposeLie(parent, 3, 0);
        Play memory p = start(id, Histories.build(outputs(parent, 3)), claimed);
        bytes32 statement;
        for (uint256 stage; stage < 4; ++stage) {
            descend(p);
            descend(p);
            LastDescent memory l = lastDescent(p);
            bytes32 expected = stage == 0 ? truth(5) : startState();
            vm.assertEq(l.agreed, expected);
            l.agreed = stage == 0 ? GENESIS_OUTPUT : bytes32(0);
            refuse(leafCall(p, l), abi.encodeWithSelector(UnexpectedAgreement.selector, expected, l.agreed));
            // A proof is not needed, and what is given for it does not matter.
            l.agreed = expected;
            l.agreedProof[3] = keccak256("ignored");
            descendToLeaf(p, l);
            vm.assertEq(disputeOf(p).agreed, startState());
            if (stage == 0) statement = judge(6, truth(5), claimed.leaf(0), 1000);
            vm.assertEq(disputeOf(p).statement, statement);
            if (stage == 3) break;
            bytes memory end = stage == 0 ? falseState(1, 0) : bytes("");
            commit(p, trueHistory(p), stage == 0 ? finalState(p) : bytes(""));
            commitAndOpen(
                p, falseHistory(p, 0, 0, stage == 0 ? keccak256(end) : disputeOf(p).defenderNode), end
            );
        }
        prove(p);
        vm.assertEq(uint256(disputeOf(p).status), uint256(DisputeStatus.DefenceLost));
    }

    function test_descendToLeaf_otherBatch_reverts() public {
        // Block 6 is the first of batch 3, block 5 the last of batch 2.
        for (uint64 number = 5; number <= 6; ++number) {
            (uint64 id, bytes32[] memory claimed) = proposeLie(0, 3, number - 1);
            bytes32[] memory honest = Histories.build(outputs(0, 3));
            Play memory p = start(id, honest, claimed);
            descend(p);
            descend(p);
            LastDescent memory l = lastDescent(p);
            uint64 batch = number - 3;
            vm.assertEq(l.batch, batch);
            for (uint64 other; other < 5; ++other) {
                if (other == batch) continue;
                l.batch = other;
                refuse(leafCall(p, l), abi.encodeWithSelector(BlockNotInBatch.selector, number, other));
            }
            l.batch = 6;
            refuse(leafCall(p, l), abi.encodeWithSelector(UnknownBatch.selector, 5));
            l.batch = type(uint64).max;
            (bool success,) = send(Call(carol, leafCall(p, l), honest));
            vm.assertFalse(success);
            l.batch = batch;
            descendToLeaf(p, l);
            vm.assertEq(
                disputeOf(p).statement, judge(number, truth(number - 1), claimed.leaf(number - 1), END)
            );
        }
    }

    /// @dev A claim of one block, and the last block of a claim of many.
    function test_descendToLeaf_lastBlock_isJudged() public {
        (uint64 one, bytes32[] memory claimed) = proposeLie(0, 1, 0);
        Play memory p = start(one, Histories.build(outputs(0, 1)), claimed);
        descendStage(p);
        vm.assertEq(disputeOf(p).statement, judge(1, GENESIS_OUTPUT, claimed.leaf(0), END));

        (uint64 many, bytes32[] memory nodes) = proposeLie(0, 3, 299);
        p = start(many, Histories.build(outputs(0, 3)), nodes);
        descendStage(p);
        vm.assertEq(disputeOf(p).statement, judge(300, truth(299), nodes.leaf(299), END));
        assertNext(p, Move.ChallengerCommits);
    }

    function withExtra(uint256 index, bytes32 leaf) internal view returns (bytes32[] memory leaves) {
        bytes32[] memory blocks = outputs(0, 2);
        leaves = new bytes32[](4096);
        for (uint256 i; i < 5; ++i) {
            leaves[i] = blocks[i];
        }
        leaves[index] = leaf;
    }

    /// @dev Past the last block there is nothing but zero, whatever a claim or a challenge says.
    function test_descendToLeaf_pastTheEnd_zeroWins() public {
        bytes32[2] memory indices = [bytes32(uint256(5)), bytes32(uint256(4095))];
        for (uint256 i; i < 2; ++i) {
            uint256 index = uint256(indices[i]);
            (uint64 id, bytes32[] memory claimed) = proposeLeaves(0, 2, withExtra(index, keccak256("extra")));
            Play memory p = start(id, Histories.build(outputs(0, 2)), claimed);
            descend(p);
            descend(p);
            LastDescent memory l = lastDescent(p);
            vm.expectEmit();
            emit IDisputes.LeafReached(p.id, uint64(4096 + index), 0, keccak256("extra"), 0, 0);
            descendToLeaf(p, l);
            vm.assertEq(uint256(disputeOf(p).status), uint256(DisputeStatus.DefenceLost));
        }
        (uint64 honest, bytes32[] memory nodes) = proposeTruth(0, 2);
        Play memory q = start(honest, Histories.build(withExtra(77, keccak256("extra"))), nodes);
        descendStage(q);
        vm.assertEq(uint256(disputeOf(q).status), uint256(DisputeStatus.ChallengeLost));
    }

    function test_descendToLeaf_pastTheEnd_twoLies_challengeIsLost() public {
        (uint64 id, bytes32[] memory claimed) = proposeLeaves(0, 2, withExtra(9, keccak256("extra")));
        Play memory p = start(id, Histories.build(withExtra(9, keccak256("other"))), claimed);
        descendStage(p);
        vm.assertEq(uint256(disputeOf(p).status), uint256(DisputeStatus.ChallengeLost));
        // The claim is false all the same, as an honest challenger shows.
        p = start(id, Histories.build(outputs(0, 2)), claimed);
        descendStage(p);
        vm.warp(block.timestamp + DEFENCE_PERIOD + 1);
        disputes.resolve(2);
        vm.assertEq(uint256(settlement.claimStatus(id)), uint256(ClaimStatus.Rejected));
    }
}
