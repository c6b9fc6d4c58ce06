// SPDX-License-Identifier: MIT
pragma solidity 0.8.37;

import {IDisputes} from "../src/interfaces/IDisputes.sol";
import "../src/libraries/Errors.sol";
import {ChallengeStatus, Commitment, Dispute, DisputeStatus, Move} from "../src/libraries/Types.sol";
import {Histories} from "./utils/Histories.sol";
import {MoveByMove} from "./utils/MoveByMove.sol";

/// @notice Every move of a dispute: in which order, until when, and what a descent must show.
contract DisputesMovesTest is MoveByMove {
    using Histories for bytes32[];

    // --- order ---

    function test_moves_wholeGame_followsTheTable() public {
        Play memory p = begin();
        Move[5] memory stage = [
            Move.ChallengerDescends,
            Move.DefenderDescends,
            Move.ChallengerReachesLeaf,
            Move.ChallengerCommits,
            Move.DefenderCommits
        ];
        for (uint256 i; i < MOVES; ++i) {
            Dispute memory d = disputeOf(p);
            vm.assertEq(d.stage, i / 5);
            vm.assertEq(uint256(d.next), uint256(i == 18 ? Move.ChallengerProves : stage[i % 5]));
            accept(p, nextCall(p));
        }
        Dispute memory end = disputeOf(p);
        vm.assertEq(uint256(end.status), uint256(DisputeStatus.DefenceLost));
        // Block 18 of the claim, then leaves 300, 1300 and 2300 of the three histories.
        uint256 path = uint256(18) << 36 | uint256(300) << 24 | uint256(1300) << 12 | 2300;
        vm.assertEq(end.position, uint256(1) << 48 | path);
        vm.assertEq(end.agreed, keccak256(agreedState(p)));
        vm.assertEq(end.challengerNode, keccak256(stateAt(end.statement, stepsBefore(p) + 1)));
        vm.assertEq(disputes.credit(challenger), DISPUTE_BOND / 2);
        vm.assertEq(disputes.credit(carol), 0);
    }

    function test_moves_anyOther_reverts() public {
        Play memory p = begin();
        bytes32[16] memory x;
        bytes32[12] memory y;
        Commitment memory c;
        for (uint256 i; i < MOVES; ++i) {
            Move next = disputeOf(p).next;
            bytes memory reason = abi.encodeWithSelector(UnexpectedMove.selector, next);
            if (next != Move.ChallengerDescends && next != Move.DefenderDescends) {
                refuse(abi.encodeCall(disputes.descend, (1, x, x, x)), reason);
            }
            if (next != Move.ChallengerReachesLeaf) {
                refuse(abi.encodeCall(disputes.descendToLeaf, (1, x, x, 0, y, 0)), reason);
            }
            if (next != Move.ChallengerCommits) {
                refuse(Call(challenger, abi.encodeCall(disputes.commit, (1, c)), p.challenger), reason);
            }
            if (next != Move.DefenderCommits) {
                refuse(Call(defender, abi.encodeCall(disputes.commitAndOpen, (1, c, x)), p.defender), reason);
            }
            if (next != Move.ChallengerProves) {
                refuse(abi.encodeCall(disputes.prove, (1, "", "", "")), reason);
            }
            accept(p, nextCall(p));
        }
    }

    function test_moves_afterTheEnd_revert() public {
        Play memory p = playTo(MOVES - 1);
        Call memory prove_ = nextCall(p);
        bytes32[16] memory x;
        bytes32[12] memory y;
        Commitment memory c;
        accept(p, prove_);
        bytes memory reason = abi.encodeWithSelector(DisputeEnded.selector, 1);
        refuse(prove_, reason);
        refuse(abi.encodeCall(disputes.descend, (1, x, x, x)), reason);
        refuse(abi.encodeCall(disputes.descendToLeaf, (1, x, x, 0, y, 0)), reason);
        refuse(abi.encodeCall(disputes.commit, (1, c)), reason);
        refuse(abi.encodeCall(disputes.commitAndOpen, (1, c, x)), reason);
        refuse(abi.encodeCall(disputes.timeout, (1)), reason);
        refuse(abi.encodeCall(disputes.settle, (1)), reason);
        refuse(abi.encodeCall(disputes.deadline, (1)), reason);
        reason = abi.encodeWithSelector(UnknownDispute.selector, 2);
        refuse(abi.encodeCall(disputes.descend, (2, x, x, x)), reason);
        refuse(abi.encodeCall(disputes.disputeOf, (2)), reason);
        refuse(abi.encodeCall(disputes.timeout, (0)), abi.encodeWithSelector(UnknownDispute.selector, 0));
    }

    /// @dev A dispute beside the one in which the challenge was lost stands still.
    function test_moves_afterChallengeLost_revert() public {
        Play memory p = begin();
        Play memory q = Play(defendFrom(carol, 1, p.defender), p.claimId, p.challenger, p.defender);
        Call memory c = nextCall(q);
        vm.warp(disputes.deadline(1));
        accept(q, c);
        c = nextCall(q);
        vm.warp(block.timestamp + 1);
        disputes.timeout(1);
        vm.assertEq(uint256(disputes.challengeOf(1).status), uint256(ChallengeStatus.Lost));
        bytes memory reason = abi.encodeWithSelector(ChallengeEnded.selector, 1);
        refuse(c, reason);
        refuse(abi.encodeCall(disputes.timeout, (2)), reason);
    }

    // --- clocks ---

    /// @dev At every move: in the last second of the clock it counts and there is no timeout, one second later it is the
    /// other way round.
    function test_clock_everyMove_lastSecond() public {
        Play memory p = begin();
        for (uint256 i; i < MOVES; ++i) {
            vm.warp(block.timestamp + 1 hours);
            Call memory c = nextCall(p);
            uint256 until = disputes.deadline(1);
            bool defenders = isDefendersTurn(p);
            bytes memory timeout_ = abi.encodeCall(disputes.timeout, (1));

            uint256 id = vm.snapshotState();
            vm.warp(until);
            refuse(timeout_, abi.encodeWithSelector(ClockRunning.selector, until));
            (bool success,) = send(c);
            vm.assertTrue(success);
            vm.revertToState(id);

            vm.warp(until + 1);
            refuse(c, abi.encodeWithSelector(ClockExpired.selector, until));
            (success,) = send(Call(carol, timeout_, c.nodes));
            vm.assertTrue(success);
            DisputeStatus status = defenders ? DisputeStatus.DefenceLost : DisputeStatus.ChallengeLost;
            vm.assertEq(uint256(disputeOf(p).status), uint256(status));
            vm.assertEq(disputes.credit(challenger), defenders ? DISPUTE_BOND / 2 : 0);
            vm.assertEq(disputes.credit(defender), defenders ? 0 : DISPUTE_BOND + DISPUTE_BOND / 2);
            vm.revertToState(id);

            accept(p, c);
        }
    }

    /// @dev Each side pays for its own turns and for nothing else.
    function test_clock_turns_addUpForEachSide() public {
        Play memory p = begin();
        uint256 challengers;
        uint256 defenders;
        for (uint256 i; i < MOVES - 1; ++i) {
            uint256 taken = 100 + i;
            vm.warp(block.timestamp + taken);
            if (isDefendersTurn(p)) defenders += taken;
            else challengers += taken;
            accept(p, nextCall(p));
            Dispute memory d = disputeOf(p);
            vm.assertEq(d.challengerTime, challengers);
            vm.assertEq(d.defenderTime, defenders);
            vm.assertEq(d.turnStart, block.timestamp);
            uint256 used = isDefendersTurn(p) ? defenders : challengers;
            vm.assertEq(disputes.deadline(1), block.timestamp + CLOCK - used);
        }
    }

    // --- descend ---

    function checkOpenings(Play memory p) internal {
        (bytes32[16] memory theirs, bytes32[16] memory ours, bytes32[16] memory next) = descent(p);
        bytes32 own = nodeOver(ours);
        bytes32 other = nodeOver(theirs);
        bytes32 below = nodeOver(next);
        for (uint256 i; i < 16; i += 5) {
            bytes32[16] memory x = changed(theirs, i);
            refuse(
                abi.encodeCall(disputes.descend, (1, x, ours, next)),
                abi.encodeWithSelector(UnexpectedNode.selector, other, nodeOver(x))
            );
            x = changed(ours, i);
            refuse(
                abi.encodeCall(disputes.descend, (1, theirs, x, next)),
                abi.encodeWithSelector(UnexpectedNode.selector, own, nodeOver(x))
            );
            x = changed(next, i);
            refuse(
                abi.encodeCall(disputes.descend, (1, theirs, ours, x)),
                abi.encodeWithSelector(UnexpectedNode.selector, below, nodeOver(x))
            );
        }
        // The other side's children in place of one's own, and the other way round.
        (bool success,) =
            send(Call(carol, abi.encodeCall(disputes.descend, (1, ours, theirs, next)), new bytes32[](0)));
        vm.assertFalse(success);
        (success,) =
            send(Call(carol, abi.encodeCall(disputes.descend, (1, ours, ours, next)), new bytes32[](0)));
        vm.assertFalse(success);
    }

    function test_descend_otherNodes_revert() public {
        Play memory p = begin();
        for (uint256 i; i < 17; ++i) {
            if (i % 5 < 2) checkOpenings(p);
            accept(p, nextCall(p));
        }
    }

    /// @dev Nobody can open another than the first difference: the histories part in blocks 18 and in all after it.
    function test_descend_laterDifference_reverts() public {
        Play memory p = begin();
        (bytes32[16] memory theirs, bytes32[16] memory ours, bytes32[16] memory next) = descent(p);
        bytes32 expected = nodeOver(next);
        vm.assertTrue(theirs[1] != ours[1]);
        next = p.challenger.opened(16 + 1);
        refuse(
            abi.encodeCall(disputes.descend, (1, theirs, ours, next)),
            abi.encodeWithSelector(UnexpectedNode.selector, expected, nodeOver(next))
        );
    }

    function test_descend_emitsWhatTheOtherSideNeeds() public {
        Play memory p = begin();
        (bytes32[16] memory theirs, bytes32[16] memory ours, bytes32[16] memory next) = descent(p);
        vm.expectEmit();
        emit IDisputes.Descended(1, 16, Move.DefenderDescends, ours[0], theirs[0], next);
        disputes.descend(1, theirs, ours, next);
        (theirs, ours, next) = descent(p);
        vm.expectEmit();
        emit IDisputes.Descended(1, 16 * 16 + 1, Move.ChallengerReachesLeaf, theirs[1], ours[1], next);
        disputes.descend(1, theirs, ours, next);
        LastDescent memory l = lastDescent(p);
        bytes32 lie = p.defender.leaf(18);
        bytes32 statement = judge(20, truth(19), lie, END);
        vm.expectEmit();
        emit IDisputes.LeafReached(1, 4096 + 18, truth(20), lie, truth(19), statement);
        descendToLeaf(p, l);
        bytes32[] memory nodes = trueHistory(p);
        vm.expectEmit();
        emit IDisputes.ChallengerCommitted(1, 1, nodes.root());
        commit(p, nodes, finalState(p));
        bytes memory end = falseState(1, 0);
        nodes = falseHistory(p, 5, 0, keccak256(end));
        vm.expectEmit();
        emit IDisputes.DefenderCommitted(1, 1, nodes.root(), nodes.opened(1));
        commitAndOpen(p, nodes, end);
        vm.assertEq(disputeOf(p).position, 4096 + 18);
        descendStage(p);
        vm.assertEq(disputeOf(p).position, (4096 + 18) * 4096 + 5);
    }
}
