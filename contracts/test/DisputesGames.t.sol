// SPDX-License-Identifier: MIT
pragma solidity 0.8.37;

import {ChallengeStatus, ClaimStatus, Dispute, DisputeStatus, Move} from "../src/libraries/Types.sol";
import {DisputeSystem} from "./utils/DisputeSystem.sol";
import {Histories} from "./utils/Histories.sol";

/// @notice Whole games over random histories. Where one side is honest it knows nothing but the truth and the clock,
/// and the other does whatever the rules let it do.
contract DisputesGamesTest is DisputeSystem {
    using Histories for bytes32[];

    uint256 internal seed;

    function random(uint256 below) internal returns (uint256) {
        seed = uint256(keccak256(abi.encode(seed)));
        return seed % below;
    }

    /// @dev A number of steps of any order of magnitude.
    function randomSteps(uint256 bits) internal returns (uint64) {
        return uint64(random(uint256(1) << random(bits + 1)) + 1);
    }

    // --- players ---

    /// @dev Any leaf, the first and the last more often.
    function randomLeaf() internal returns (uint256) {
        uint256 kind = random(6);
        return kind == 0 ? 0 : kind == 1 ? 4095 : kind == 2 ? random(16) : random(4096);
    }

    /// @dev What an honest side commits to.
    function commitTruth(Play memory p) internal {
        bytes memory end = disputeOf(p).stage == 0 ? finalState(p) : bytes("");
        if (disputeOf(p).next == Move.ChallengerCommits) commit(p, trueHistory(p), end);
        else commitAndOpen(p, trueHistory(p), end);
    }

    /// @dev What a liar commits to: anything that ends as it must.
    function commitLie(Play memory p) internal {
        Dispute memory d = disputeOf(p);
        bool byChallenger = d.next == Move.ChallengerCommits;
        bytes memory end;
        bytes32 lastLeaf = byChallenger ? d.challengerNode : d.defenderNode;
        if (d.stage == 0) {
            // Whatever is not exit 0, statuses that no machine has among it.
            uint8 status = uint8(random(4));
            end = byChallenger ? falseState(status == 3 ? 255 : status, 1 << 63) : falseState(1, 0);
            lastLeaf = keccak256(end);
        }
        bytes32[] memory nodes = falseHistory(p, randomLeaf(), random(3), lastLeaf);
        if (byChallenger) commit(p, nodes, end);
        else commitAndOpen(p, nodes, end);
    }

    function isDefendersTurn(Dispute memory d) internal pure returns (bool) {
        return d.next == Move.DefenderDescends || d.next == Move.DefenderCommits;
    }

    /// @dev Waits, but not longer than the side in turn can: an honest side has 13 moves at most.
    function wait(Play memory p, bool inTurnIsHonest) internal {
        uint256 until = disputes.deadline(p.id);
        uint256 most = until - block.timestamp;
        vm.warp(
            block.timestamp + (inTurnIsHonest ? random(CLOCK / 13) : random(4) == 0 ? most : random(most + 1))
        );
    }

    /// @dev Plays until the dispute is over.
    function play(Play memory p, bool challengerIsHonest, bool defenderIsHonest, uint64 end) internal {
        while (true) {
            Dispute memory d = disputeOf(p);
            if (d.status != DisputeStatus.Open) return;
            bool honest = isDefendersTurn(d) ? defenderIsHonest : challengerIsHonest;
            if (!honest && random(40) == 0) {
                vm.warp(disputes.deadline(p.id) + 1);
                disputes.timeout(p.id);
                continue;
            }
            wait(p, honest);
            move(p, d, honest, end);
        }
    }

    function move(Play memory p, Dispute memory d, bool honest, uint64 end) internal {
        if (d.next == Move.ChallengerDescends || d.next == Move.DefenderDescends) {
            descend(p);
        } else if (d.next == Move.ChallengerReachesLeaf) {
            LastDescent memory l = lastDescent(p);
            descendToLeaf(p, l);
            d = disputeOf(p);
            if (d.stage != 0 || d.status != DisputeStatus.Open) return;
            (uint64 first,) = settlement.blocksOf(p.claimId);
            uint64 number = first + uint64(d.position & 4095);
            bytes32 statement = judge(number, l.agreed, d.defenderNode, end);
            vm.assertEq(d.statement, statement);
            vm.assertEq(d.agreed, startState());
        } else if (d.next == Move.ChallengerProves) {
            // Only of states that the machine is in is a proof to be had.
            if (d.agreed != keccak256(agreedState(p))) {
                vm.warp(disputes.deadline(p.id) + 1);
                disputes.timeout(p.id);
            } else {
                prove(p);
            }
        } else if (honest) {
            commitTruth(p);
        } else {
            commitLie(p);
        }
    }

    /// @dev Outputs that are false somewhere: from some block on, in one, or past the last one.
    function falseOutputs(uint64 parentId, uint64 lastBatch) internal returns (bytes32[] memory leaves) {
        bytes32[] memory blocks = outputs(parentId, lastBatch);
        uint256 count = blocks.length;
        leaves = new bytes32[](4096);
        for (uint256 i; i < count; ++i) {
            leaves[i] = blocks[i];
        }
        uint256 kind = random(5);
        uint256 index = random(3) == 0 ? random(2) * (count - 1) : random(count);
        bytes32 wrong = random(4) == 0 ? bytes32(0) : keccak256(abi.encode("wrong", seed));
        // A claim must end in something, so a zero there is no claim.
        if (index == count - 1 && wrong == 0) wrong = keccak256("wrong");
        if (kind == 0) {
            leaves[count + random(4096 - count)] = keccak256("past the end");
        } else if (kind == 1) {
            for (uint256 i = index; i < count; ++i) {
                leaves[i] = keccak256(abi.encode(wrong, i));
            }
        } else {
            leaves[index] = wrong;
            if (kind == 2) leaves[random(4096)] = keccak256("and this");
        }
    }

    /// @dev A parent that is final or pending, and a batch after it.
    function randomRange() internal returns (uint64 parentId, uint64 lastBatch) {
        uint64 covered;
        if (random(2) == 0) {
            covered = uint64(1 + random(3));
            (parentId,) = proposeTruth(0, covered);
        }
        lastBatch = uint64(covered + 1 + random(4 - covered));
        if (inbox.batchLastBlock(lastBatch) > 1000) lastBatch = covered + 1;
    }

    // --- one side is honest ---

    /// forge-config: default.fuzz.runs = 48
    function testFuzz_game_honestChallenger_wins(uint256 seed_) public {
        seed = seed_;
        (uint64 parentId, uint64 lastBatch) = randomRange();
        bytes32[] memory honest = Histories.build(outputs(parentId, lastBatch));
        (uint64 id, bytes32[] memory claimed) =
            proposeLeaves(parentId, lastBatch, falseOutputs(parentId, lastBatch));
        vm.assume(claimed.root() != honest.root());
        Play memory p = start(id, honest, claimed);
        play(p, true, false, randomSteps(37));
        vm.assertEq(uint256(disputeOf(p).status), uint256(DisputeStatus.DefenceLost));

        uint256 over = uint256(disputes.challengeOf(1).openedAt) + DEFENCE_PERIOD + 1;
        if (block.timestamp < over) vm.warp(over);
        disputes.resolve(1);
        vm.assertEq(uint256(settlement.claimStatus(id)), uint256(ClaimStatus.Rejected));
        vm.assertEq(disputes.credit(challenger), DISPUTE_BOND + DISPUTE_BOND / 2);
        vm.assertEq(settlement.credit(challenger), BOND / 2);
        checkBooks();
    }

    /// forge-config: default.fuzz.runs = 48
    function testFuzz_game_honestDefender_wins(uint256 seed_) public {
        seed = seed_;
        (uint64 parentId, uint64 lastBatch) = randomRange();
        (uint64 id, bytes32[] memory claimed) = proposeTruth(parentId, lastBatch);
        bytes32[] memory lies = Histories.build(falseOutputs(parentId, lastBatch));
        vm.assume(claimed.root() != lies.root());
        Play memory p = start(id, lies, claimed);
        play(p, false, true, randomSteps(36));
        vm.assertEq(uint256(disputeOf(p).status), uint256(DisputeStatus.ChallengeLost));
        vm.assertEq(uint256(disputes.challengeOf(1).status), uint256(ChallengeStatus.Lost));
        vm.assertEq(disputes.credit(defender), DISPUTE_BOND + DISPUTE_BOND / 2);
        checkBooks();

        uint256 end = uint256(settlement.claim(id).createdAt) + WINDOW;
        if (block.timestamp < end) vm.warp(end);
        if (parentId != 0) settlement.finalize(parentId);
        settlement.finalize(id);
        vm.assertEq(settlement.lastFinalClaim(), id);
    }

    /// @dev Whatever two liars do ends, and leaves the books in order.
    /// forge-config: default.fuzz.runs = 48
    function testFuzz_game_twoLiars_ends(uint256 seed_) public {
        seed = seed_;
        (uint64 parentId, uint64 lastBatch) = randomRange();
        (uint64 id, bytes32[] memory claimed) =
            proposeLeaves(parentId, lastBatch, falseOutputs(parentId, lastBatch));
        bytes32[] memory lies = Histories.build(falseOutputs(parentId, lastBatch));
        vm.assume(claimed.root() != lies.root());
        uint256 openedAt = block.timestamp;
        Play memory p = start(id, lies, claimed);
        play(p, false, false, randomSteps(37));
        vm.assertLe(block.timestamp, openedAt + 2 * CLOCK + 1);
        checkBooks();
    }

    function checkBooks() internal view {
        uint256 owed;
        for (uint64 i = 1; i <= disputes.challengeCount(); ++i) {
            if (disputes.challengeOf(i).status == ChallengeStatus.Open) owed += DISPUTE_BOND;
        }
        for (uint64 i = 1; i <= disputes.disputeCount(); ++i) {
            if (disputes.disputeOf(i).status == DisputeStatus.Open) owed += DISPUTE_BOND;
        }
        owed += disputes.credit(challenger) + disputes.credit(defender) + disputes.burnt();
        vm.assertEq(address(disputes).balance, owed);
    }
}
