// SPDX-License-Identifier: MIT
pragma solidity 0.8.37;

import {IDisputes} from "../src/interfaces/IDisputes.sol";
import "../src/libraries/Errors.sol";
import {Commitment, Dispute, DisputeStatus, Move} from "../src/libraries/Types.sol";
import {Histories} from "./utils/Histories.sol";
import {MoveByMove} from "./utils/MoveByMove.sol";

/// @notice Commitments to the histories of a machine, and the step that decides between them.
contract DisputesCommitTest is MoveByMove {
    using Histories for bytes32[];

    // --- commit ---

    function test_commit_notTheOwner_reverts() public {
        Play memory p = playTo(3);
        Call memory c = nextCall(p);
        address[3] memory others = [defender, carol, proposer];
        for (uint256 i; i < 3; ++i) {
            c.sender = others[i];
            refuse(c, abi.encodeWithSelector(Unauthorized.selector, others[i]));
        }
        accept(p, nextCall(p));
        c = nextCall(p);
        others[0] = challenger;
        for (uint256 i; i < 3; ++i) {
            c.sender = others[i];
            refuse(c, abi.encodeWithSelector(Unauthorized.selector, others[i]));
        }
        c.sender = defender;
        accept(p, c);
    }

    function refuseCommitment(Play memory p, Commitment memory c, bytes32[] memory nodes, bytes memory reason)
        internal
    {
        if (isDefendersTurn(p)) {
            refuse(
                Call(defender, abi.encodeCall(disputes.commitAndOpen, (p.id, c, nodes.opened(1))), nodes),
                reason
            );
        } else {
            refuse(Call(challenger, abi.encodeCall(disputes.commit, (p.id, c)), nodes), reason);
        }
    }

    /// @dev A commitment made for another dispute, or for this one before a reorg, must not bind anybody.
    function test_commit_otherStatementOrPosition_reverts() public {
        Play memory p = begin();
        for (uint256 i; i < 15; ++i) {
            Call memory call = nextCall(p);
            if (i % 5 > 2) {
                bytes memory end = disputeOf(p).stage != 0
                    ? bytes("")
                    : isDefendersTurn(p) ? falseState(1, 0) : finalState(p);
                Commitment memory c = commitment(p, call.nodes, end);
                bytes32 statement = c.statement;
                c.statement = keccak256("other");
                refuseCommitment(
                    p,
                    c,
                    call.nodes,
                    abi.encodeWithSelector(UnexpectedStatement.selector, statement, c.statement)
                );
                c.statement = statement;
                uint64 position = c.position;
                c.position += 1;
                refuseCommitment(
                    p,
                    c,
                    call.nodes,
                    abi.encodeWithSelector(UnexpectedPosition.selector, position, c.position)
                );
                c.position = position;
                c.lastProof[11] = keccak256("other");
                bytes32 root = Histories.climb(call.nodes.leaf(4095), 4095, c.lastProof);
                refuseCommitment(
                    p, c, call.nodes, abi.encodeWithSelector(UnexpectedRoot.selector, c.history, root)
                );
            }
            accept(p, call);
        }
    }

    /// @dev The challenger's strides end in anything but exit 0, the defender's in nothing else.
    function test_commit_strides_finalState() public {
        Play memory p = playTo(3);
        for (uint256 side; side < 2; ++side) {
            for (uint256 i; i < 7; ++i) {
                uint8 status = [0, 1, 2, 1, 0, 3, 255][i];
                uint64 exitCode = [0, 1, 0, 0, 7, 0, 0][i];
                if (i == 1) exitCode = uint64(1) << 63;
                bool holds = i == 3;
                bytes memory end = falseState(status, exitCode);
                bytes32[] memory nodes = falseHistory(p, 9, 0, keccak256(end));
                uint256 id = vm.snapshotState();
                if (holds == (side == 1)) {
                    if (side == 0) commit(p, nodes, end);
                    else commitAndOpen(p, nodes, end);
                } else {
                    refuseCommitment(
                        p,
                        commitment(p, nodes, end),
                        nodes,
                        abi.encodeWithSelector(InvalidFinalState.selector)
                    );
                }
                vm.revertToState(id);
            }
            if (side == 0) accept(p, nextCall(p));
        }
    }

    function test_commit_strides_stateLength() public {
        Play memory p = playTo(3);
        for (uint256 side; side < 2; ++side) {
            uint16[3] memory lengths = [0, 304, 306];
            for (uint256 i; i < 3; ++i) {
                bytes memory end = falseState(1, uint64(1 - side));
                end = i == 2 ? abi.encodePacked(end, uint8(0)) : end;
                uint256 length = lengths[i];
                assembly {
                    mstore(end, length)
                }
                bytes32[] memory nodes = falseHistory(p, 9, 0, keccak256(end));
                refuseCommitment(
                    p,
                    commitment(p, nodes, end),
                    nodes,
                    abi.encodeWithSelector(InvalidStateLength.selector, length)
                );
            }
            if (side == 0) accept(p, nextCall(p));
        }
    }

    /// @dev Later histories end in their side's leaf, and no state is shown.
    function test_commit_stage2_endsInTheLeaf() public {
        checkLastLeaf(8);
    }

    function test_commit_stage3_endsInTheLeaf() public {
        checkLastLeaf(13);
    }

    function checkLastLeaf(uint256 moves) internal {
        Play memory p = playTo(moves);
        for (uint256 side; side < 2; ++side) {
            Call memory call = nextCall(p);
            Commitment memory c = commitment(p, call.nodes, falseState(1, uint64(1 - side)));
            refuseCommitment(p, c, call.nodes, abi.encodeWithSelector(InvalidStateLength.selector, 305));

            // The other side's leaf, and the right one in another place.
            Dispute memory d = disputeOf(p);
            bytes32 own = side == 0 ? d.challengerNode : d.defenderNode;
            bytes32 other = side == 0 ? d.defenderNode : p.challenger.leaf(4095);
            for (uint256 i; i < 2; ++i) {
                bytes32[] memory nodes = falseHistory(p, 9, 0, i == 0 ? other : keccak256("x"));
                if (i == 1) nodes.set(4094, own);
                c = commitment(p, nodes, "");
                bytes32 root = Histories.climb(own, 4095, c.lastProof);
                refuseCommitment(
                    p, c, nodes, abi.encodeWithSelector(UnexpectedRoot.selector, nodes.root(), root)
                );
            }
            accept(p, call);
        }
    }

    function test_commitAndOpen_otherOpening_reverts() public {
        Play memory p = playTo(4);
        Call memory call = nextCall(p);
        bytes32[16] memory opened = changed(call.nodes.opened(1), 7);
        Commitment memory c = commitment(p, call.nodes, falseState(1, 0));
        refuse(
            Call(defender, abi.encodeCall(disputes.commitAndOpen, (1, c, opened)), call.nodes),
            abi.encodeWithSelector(UnexpectedNode.selector, call.nodes.root(), nodeOver(opened))
        );
    }

    // --- prove ---

    function test_prove_otherState_reverts() public {
        Play memory p = playTo(MOVES - 1);
        Dispute memory d = disputeOf(p);
        bytes memory state = machine.stateAt(d.statement, uint64(d.position % (1 << 36)) + 1);
        refuse(
            abi.encodeCall(disputes.prove, (1, state, "code", "mem")),
            abi.encodeWithSelector(UnexpectedAgreement.selector, d.agreed, keccak256(state))
        );
        refuse(
            abi.encodeCall(disputes.prove, (1, "", "code", "mem")),
            abi.encodeWithSelector(UnexpectedAgreement.selector, d.agreed, keccak256(""))
        );
    }

    /// @dev Two liars who agree on what is true and are both wrong about what follows: the challenge is lost.
    function test_prove_neitherIsRight_challengeIsLost() public {
        Play memory p = playTo(13);
        bytes32[] memory nodes = falseHistory(p, 2300, 1, disputeOf(p).challengerNode);
        commit(p, nodes, "");
        bytes32[] memory others = falseHistory(p, 2300, 1, disputeOf(p).defenderNode);
        others.set(2300, keccak256("as false"));
        commitAndOpen(p, others, "");
        descendStage(p);
        vm.assertEq(disputeOf(p).agreed, keccak256(agreedState(p)));
        prove(p);
        vm.assertEq(uint256(disputeOf(p).status), uint256(DisputeStatus.ChallengeLost));
    }

    /// @dev A bad witness decides nothing.
    function test_prove_badWitness_reverts() public {
        Play memory p = playTo(MOVES - 1);
        bytes memory state = agreedState(p);
        (bool success,) =
            send(Call(challenger, abi.encodeCall(disputes.prove, (1, state, "forged", "mem")), p.challenger));
        vm.assertFalse(success);
        accept(p, nextCall(p));
    }

    /// @dev Who sends the last step does not matter: what is won is the side's.
    function test_prove_byTheLoser_rewardsTheWinner() public {
        Play memory p = playTo(MOVES - 1);
        Call memory c = nextCall(p);
        c.sender = defender;
        vm.expectEmit();
        emit IDisputes.DisputeClosed(1, 1, DisputeStatus.DefenceLost);
        accept(p, c);
        vm.assertEq(disputes.credit(challenger), DISPUTE_BOND / 2);
        vm.assertEq(disputes.credit(defender), 0);
    }

    // --- several calls in one ---

    function test_multicall_leafAndCommit_inOne() public {
        Play memory p = playTo(7);
        LastDescent memory l = lastDescent(p);
        uint256 id = vm.snapshotState();
        descendToLeaf(p, l);
        bytes32[] memory nodes = trueHistory(p);
        Commitment memory c = commitment(p, nodes, "");
        vm.revertToState(id);
        bytes[] memory calls = new bytes[](2);
        calls[0] = leafCall(p, l);
        calls[1] = abi.encodeCall(disputes.commit, (1, c));
        vm.prank(carol);
        vm.expectRevert(abi.encodeWithSelector(Unauthorized.selector, carol));
        disputes.multicall(calls);
        vm.prank(challenger);
        disputes.multicall(calls);
        assertNext(p, Move.DefenderCommits);
    }

    // --- liars who lie as late as they can ---

    function test_game_perfectLiarUntilTheLastStep_defender() public {
        (uint64 id, bytes32[] memory claimed) = proposeLie(0, 4, 1299);
        Play memory p = start(id, Histories.build(outputs(0, 4)), claimed);
        descendStage(p);
        // The machine would refuse with its very last step.
        judge(1300, truth(1299), claimed.leaf(1299), (1 << 36) - 2);
        for (uint256 stage; stage < 3; ++stage) {
            bytes memory end = stage == 0 ? falseState(1, 0) : bytes("");
            commit(p, trueHistory(p), stage == 0 ? finalState(p) : bytes(""));
            bytes32 lastLeaf = stage == 0 ? keccak256(end) : disputeOf(p).defenderNode;
            commitAndOpen(p, falseHistory(p, 4095, 0, lastLeaf), end);
            descendStage(p);
        }
        vm.assertEq(disputeOf(p).position, (uint256(1) << 48 | uint256(1300) << 36) - 1);
        prove(p);
        vm.assertEq(uint256(disputeOf(p).status), uint256(DisputeStatus.DefenceLost));
    }

    function test_game_perfectLiarUntilTheLastStep_challenger() public {
        (uint64 id, bytes32[] memory claimed) = proposeTruth(0, 4);
        Play memory p = start(id, Histories.build(lieFrom(outputs(0, 4), 1299)), claimed);
        descendStage(p);
        judge(1300, truth(1299), truth(1300), 1 << 36);
        for (uint256 stage; stage < 3; ++stage) {
            bytes memory end = stage == 0 ? falseState(0, 0) : bytes("");
            bytes32 lastLeaf = stage == 0 ? keccak256(end) : disputeOf(p).challengerNode;
            commit(p, falseHistory(p, 4095, 0, lastLeaf), end);
            commitAndOpen(p, trueHistory(p), stage == 0 ? finalState(p) : bytes(""));
            descendStage(p);
        }
        prove(p);
        vm.assertEq(uint256(disputeOf(p).status), uint256(DisputeStatus.ChallengeLost));
        vm.warp(block.timestamp + WINDOW);
        settlement.finalize(id);
    }
}
