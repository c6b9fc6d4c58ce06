// SPDX-License-Identifier: MIT
pragma solidity 0.8.37;

import {Dispute, Move} from "../../src/libraries/Types.sol";
import {DisputeSystem} from "./DisputeSystem.sol";
import {Histories} from "./Histories.sol";

/// @notice One game of an honest challenger, move by move, each as a call that can be looked at or changed before it is
/// made.
abstract contract MoveByMove is DisputeSystem {
    using Histories for bytes32[];

    /// @dev Moves of a whole dispute after the defence.
    uint256 internal constant MOVES = 19;
    /// @dev Steps after which the machine stops.
    uint64 internal constant END = 7_000_000_000;

    // --- a game to look at ---

    /// @dev A call that is to be made, and the history that it commits to.
    struct Call {
        address sender;
        bytes data;
        bytes32[] nodes;
    }

    /// @dev An honest challenger against a claim of blocks 2 to 300 that lies from block 20 on.
    function begin() internal returns (Play memory) {
        (uint64 parent,) = proposeTruth(0, 1);
        (uint64 id, bytes32[] memory claimed) = proposeLie(parent, 3, 18);
        return start(id, Histories.build(outputs(parent, 3)), claimed);
    }

    /// @dev The move that is awaited, sent by a stranger where that is allowed.
    function nextCall(Play memory p) internal view returns (Call memory c) {
        Dispute memory d = disputeOf(p);
        c.sender = carol;
        if (d.next == Move.ChallengerDescends || d.next == Move.DefenderDescends) {
            (bytes32[16] memory theirs, bytes32[16] memory ours, bytes32[16] memory next) = descent(p);
            c.data = abi.encodeCall(disputes.descend, (p.id, theirs, ours, next));
        } else if (d.next == Move.ChallengerReachesLeaf) {
            c.data = leafCall(p, lastDescent(p));
        } else if (d.next == Move.ChallengerCommits) {
            c.sender = challenger;
            c.nodes = trueHistory(p);
            bytes memory end = d.stage == 0 ? finalState(p) : bytes("");
            c.data = abi.encodeCall(disputes.commit, (p.id, commitment(p, c.nodes, end)));
        } else if (d.next == Move.DefenderCommits) {
            c.sender = defender;
            bytes memory end = d.stage == 0 ? falseState(1, 0) : bytes("");
            bytes32 lastLeaf = d.stage == 0 ? keccak256(end) : d.defenderNode;
            c.nodes = falseHistory(p, 300 + 1000 * d.stage, d.stage, lastLeaf);
            c.data = abi.encodeCall(
                disputes.commitAndOpen, (p.id, commitment(p, c.nodes, end), c.nodes.opened(1))
            );
        } else {
            c.data = proveCall(p);
        }
    }

    function leafCall(Play memory p, LastDescent memory l) internal view returns (bytes memory) {
        return
            abi.encodeCall(disputes.descendToLeaf, (p.id, l.theirs, l.ours, l.agreed, l.agreedProof, l.batch));
    }

    function send(Call memory c) internal returns (bool success, bytes memory reason) {
        vm.prank(c.sender);
        return address(disputes).call(c.data);
    }

    function accept(Play memory p, Call memory c) internal {
        Move move = disputeOf(p).next;
        (bool success,) = send(c);
        vm.assertTrue(success, "refused");
        if (move == Move.ChallengerCommits) p.challenger = c.nodes;
        if (move == Move.DefenderCommits) p.defender = c.nodes;
        // The machine finds that the block does not follow.
        if (move == Move.ChallengerReachesLeaf && disputeOf(p).stage == 0) {
            vm.assertEq(disputeOf(p).statement, judge(20, truth(19), p.defender.leaf(18), END));
        }
    }

    function refuse(Call memory c, bytes memory reason) internal {
        (bool success, bytes memory actual) = send(c);
        vm.assertFalse(success);
        vm.assertEq(actual, reason);
    }

    function refuse(bytes memory data, bytes memory reason) internal {
        refuse(Call(carol, data, new bytes32[](0)), reason);
    }

    /// @dev The game after so many moves.
    function playTo(uint256 moves) internal returns (Play memory p) {
        p = begin();
        for (uint256 i; i < moves; ++i) {
            accept(p, nextCall(p));
        }
    }

    function isDefendersTurn(Play memory p) internal view returns (bool) {
        Move next = disputeOf(p).next;
        return next == Move.DefenderDescends || next == Move.DefenderCommits;
    }

    // --- openings ---

    function changed(bytes32[16] memory nodes, uint256 i) internal pure returns (bytes32[16] memory other) {
        for (uint256 k; k < 16; ++k) {
            other[k] = nodes[k];
        }
        other[i] = keccak256(abi.encode("changed", nodes[i]));
    }

    function nodeOver(bytes32[16] memory below) internal pure returns (bytes32) {
        bytes32[] memory level = new bytes32[](16);
        for (uint256 i; i < 16; ++i) {
            level[i] = below[i];
        }
        for (uint256 size = 8; size != 0; size /= 2) {
            for (uint256 i; i < size; ++i) {
                level[i] = Histories.parent(level[2 * i], level[2 * i + 1]);
            }
        }
        return level[0];
    }
}
