// SPDX-License-Identifier: MIT
pragma solidity 0.8.37;

import {Settlement} from "../src/L1/Settlement.sol";
import "../src/libraries/Errors.sol";
import {
    Challenge,
    ChallengeStatus,
    ClaimStatus,
    DisputeStatus
} from "../src/libraries/Types.sol";
import {Histories} from "./utils/Histories.sol";
import {ProofSystem} from "./utils/ProofSystem.sol";

/// @notice Claims with bonds, windows and disputes, and proofs that cut all of it short.
contract HybridSettlementTest is ProofSystem {
    using Histories for bytes32[];

    address internal challenger = user("challenger");
    address internal defender = user("defender");

    function setUp() public override {
        super.setUp();
        appendBoth();
        vm.deal(challenger, 100 ether);
        vm.deal(defender, 100 ether);
    }

    // --- histories ---

    function trueHistory() internal view returns (bytes32[] memory) {
        return Histories.build(outputs);
    }

    /// @dev Another one, wrong from a block on.
    function falseHistory(uint256 from) internal view returns (bytes32[] memory) {
        bytes32[] memory leaves = outputs;
        for (uint256 i = from; i < 3; ++i) {
            leaves[i] = keccak256(abi.encode("lie", i));
        }
        return Histories.build(leaves);
    }

    /// @dev Wrong in one block, and right in the end.
    function dentedHistory() internal view returns (bytes32[] memory) {
        bytes32[] memory leaves = outputs;
        leaves[1] = keccak256("dent");
        return Histories.build(leaves);
    }

    function claimOf(bytes32[] memory nodes) internal returns (uint64) {
        return proposeHistory(0, 2, nodes.root(), nodes.leaf(2), nodes.proof(2));
    }

    function challengeWith(uint64 id, bytes32[] memory nodes) internal returns (uint64) {
        bytes32 claimHash = settlement.claimHash(id);
        vm.prank(challenger);
        return disputes.challenge{value: DISPUTE_BOND}(id, claimHash, nodes.root());
    }

    function defendWith(uint64 challengeId, bytes32[] memory nodes) internal returns (uint64) {
        bytes32 claimHash = settlement.claimHash(disputes.challengeOf(challengeId).claimId);
        vm.prank(defender);
        return disputes.defend{value: DISPUTE_BOND}(challengeId, claimHash, nodes.opened(1));
    }

    function assertStatus(uint64 id, ClaimStatus status) internal view {
        vm.assertEq(uint256(settlement.claimStatus(id)), uint256(status));
    }

    function assertChallenge(uint64 id, ChallengeStatus status) internal view {
        vm.assertEq(uint256(disputes.challengeOf(id).status), uint256(status));
    }

    function prove(uint64 id) internal {
        vm.prank(prover);
        settlement.prove(id, prover, proof);
    }

    // --- proofs of claims ---

    function test_aProof_endsTheWindow() public {
        uint64 id = claimOf(trueHistory());
        assertStatus(id, ClaimStatus.Pending);
        prove(id);
        assertStatus(id, ClaimStatus.Final);
        vm.assertEq(settlement.proverOf(id), prover);
        vm.assertEq(settlement.credit(proposer), BOND);
        vm.assertEq(settlement.lastFinalClaim(), id);
        vm.expectRevert(abi.encodeWithSelector(AlreadyFinal.selector, id));
        settlement.prove(id, prover, proof);
        vm.warp(block.timestamp + WINDOW);
        vm.expectRevert(abi.encodeWithSelector(AlreadyFinal.selector, id));
        settlement.finalize(id);
        vm.assertEq(settlement.credit(proposer), BOND);
    }

    function test_ofWhateverAge() public {
        uint64 id = claimOf(trueHistory());
        vm.warp(block.timestamp + 10 * WINDOW);
        prove(id);
        assertStatus(id, ClaimStatus.Final);
    }

    function test_aFalseClaim_isNotProved() public {
        uint64 id = claimOf(falseHistory(2));
        bytes32 statement = validityVerifier.statement(0, 2, genesisRoot, settlement.claim(id).outputRoot, prover);
        vm.expectRevert(abi.encodeWithSelector(ProofRefused.selector, statement));
        settlement.prove(id, prover, proof);
        assertStatus(id, ClaimStatus.Pending);
        vm.assertEq(settlement.credit(proposer), 0);
    }

    /// @dev From a parent that may be false nothing follows.
    function test_theParent_mustBeFinal() public {
        uint64 parent = propose(0, 1, outputs[1]);
        uint64 id = propose(parent, 2, lastOutput());
        vm.expectRevert(abi.encodeWithSelector(ParentNotFinal.selector, parent));
        settlement.prove(id, prover, proof);
        bytes32 hash = inbox.batchHash(2);
        // Nor are claims made on it.
        bytes32 root = outputs[1];
        bytes32 output = lastOutput();
        vm.expectRevert(abi.encodeWithSelector(ParentNotFinal.selector, parent));
        settlement.proposeProven(parent, root, 2, hash, output, prover, proof);
    }

    /// @dev While claims wait, one that is proved at once overtakes them.
    function test_proposeProven_overtakes() public {
        uint64 pending = propose(0, 1, outputs[1]);
        uint64 id = proposeProven();
        assertStatus(id, ClaimStatus.Final);
        vm.assertEq(settlement.lastFinalClaim(), id);
        // The claim on the way is as good as before, and gets its bond.
        vm.warp(block.timestamp + WINDOW);
        settlement.finalize(pending);
        vm.assertEq(settlement.credit(proposer), BOND);
        vm.assertEq(settlement.lastFinalClaim(), id);
    }

    /// @dev A claim with the same history may stand beside: it is proved by the same proof.
    function test_proposeProven_besideTheSameClaim() public {
        uint64 pending = claimOf(trueHistory());
        uint64 id = proposeProven();
        vm.assertTrue(id != pending);
        prove(pending);
        assertStatus(pending, ClaimStatus.Final);
        vm.assertEq(settlement.lastFinalClaim(), id);
        vm.assertEq(settlement.credit(proposer), BOND);
    }

    /// @dev A claim of fewer batches that became final meanwhile does not make a proof useless.
    function test_proposeProven_isNotOvertaken() public {
        uint64 short = propose(0, 1, outputs[1]);
        vm.warp(block.timestamp + WINDOW);
        settlement.finalize(short);
        vm.assertEq(settlement.lastFinalClaim(), short);
        uint64 id = proposeProven();
        vm.assertEq(settlement.lastFinalClaim(), id);
        vm.assertEq(settlement.finalOutputRoot(id), lastOutput());
    }

    /// @dev Nor does one that waited for a proof from an earlier claim.
    function test_prove_onAnEarlierFinalClaim() public {
        uint64 pending = claimOf(trueHistory());
        uint64 short = propose(0, 1, outputs[1]);
        vm.warp(block.timestamp + WINDOW);
        settlement.finalize(short);
        prove(pending);
        vm.assertEq(settlement.lastFinalClaim(), pending);
    }

    function test_whereProofsAreNotTaken() public {
        address next = vm.computeCreateAddress(address(this), vm.getNonce(address(this)) + 1);
        Settlement other = new Settlement(address(inbox), next, address(0), genesisRoot, 0, WINDOW, 2000);
        bytes32[] memory nodes = trueHistory();
        bytes32 hash = inbox.batchHash(2);
        uint64 id = other.propose(0, genesisRoot, 2, hash, nodes.root(), nodes.leaf(2), nodes.proof(2));
        bytes32 output = lastOutput();
        vm.expectRevert(ProofsNotTaken.selector);
        other.prove(id, prover, proof);
        vm.expectRevert(ProofsNotTaken.selector);
        other.proposeProven(0, genesisRoot, 2, hash, output, prover, proof);
    }

    function test_bothWaysAreThere() public view {
        vm.assertEq(settlement.validity(), address(validityVerifier));
        vm.assertEq(settlement.disputes(), address(disputes));
        vm.assertEq(settlement.maxDelay(), MAX_DELAY);
    }

    // --- in the middle of a dispute ---

    function test_aProof_endsADispute_andTheDefenceLosesNothing() public {
        bytes32[] memory truth = trueHistory();
        bytes32[] memory lie = falseHistory(1);
        uint64 id = claimOf(truth);
        uint64 challengeId = challengeWith(id, lie);
        uint64 disputeId = defendWith(challengeId, truth);
        // The challenger has moved: it is the defender's turn, who does nothing more.
        disputes.descend(disputeId, truth.opened(1), lie.opened(1), lie.opened(16));
        prove(id);
        assertStatus(id, ClaimStatus.Final);

        // Whatever becomes of the clocks.
        vm.warp(disputes.deadline(disputeId) + 1);
        uint256 snapshot = vm.snapshotState();
        disputes.timeout(disputeId);
        vm.assertEq(uint256(disputes.disputeOf(disputeId).status), uint256(DisputeStatus.Moot));
        vm.assertEq(disputes.credit(defender), DISPUTE_BOND);
        vm.revertToState(snapshot);
        disputes.settle(disputeId);
        vm.assertEq(uint256(disputes.disputeOf(disputeId).status), uint256(DisputeStatus.Moot));
        vm.assertEq(disputes.credit(defender), DISPUTE_BOND);
        vm.expectRevert(abi.encodeWithSelector(DisputeEnded.selector, disputeId));
        disputes.settle(disputeId);

        // The challenge is lost: half to who proved, half burnt.
        disputes.resolve(challengeId);
        assertChallenge(challengeId, ChallengeStatus.Lost);
        vm.assertEq(disputes.credit(prover), DISPUTE_BOND / 2);
        vm.assertEq(disputes.burnt(), DISPUTE_BOND / 2);
        vm.assertEq(disputes.credit(challenger), 0);
        vm.expectRevert(abi.encodeWithSelector(ChallengeEnded.selector, challengeId));
        disputes.resolve(challengeId);
        vm.assertEq(settlement.credit(proposer), BOND);
    }

    function test_aChallenge_isLostOnlyAfterItsAuthorHadTheTime() public {
        uint64 id = claimOf(trueHistory());
        uint64 challengeId = challengeWith(id, falseHistory(0));
        vm.warp(block.timestamp + 2 * DEFENCE_PERIOD);
        prove(id);
        uint256 until = block.timestamp + DEFENCE_PERIOD;
        vm.warp(until);
        vm.expectRevert(abi.encodeWithSelector(DefenceOpen.selector, until));
        disputes.resolve(challengeId);
        vm.warp(until + 1);
        disputes.resolve(challengeId);
        assertChallenge(challengeId, ChallengeStatus.Lost);
    }

    /// @dev The claim's history is false in the middle and true in the end. Who said so is right, though the proof says that the
    /// claim's output is.
    function test_whoChallengedADent_getsTheBondBack() public {
        uint64 id = claimOf(dentedHistory());
        bytes32[] memory truth = trueHistory();
        uint64 challengeId = challengeWith(id, truth);
        uint64 disputeId = defendWith(challengeId, dentedHistory());
        prove(id);
        disputes.agree(challengeId, truth.proof(2));
        assertChallenge(challengeId, ChallengeStatus.Moot);
        vm.assertEq(disputes.credit(challenger), DISPUTE_BOND);
        vm.expectRevert(abi.encodeWithSelector(ChallengeEnded.selector, challengeId));
        disputes.agree(challengeId, truth.proof(2));
        vm.warp(block.timestamp + 2 * DEFENCE_PERIOD);
        vm.expectRevert(abi.encodeWithSelector(ChallengeEnded.selector, challengeId));
        disputes.resolve(challengeId);
        disputes.settle(disputeId);
        vm.assertEq(disputes.credit(defender), DISPUTE_BOND);
        vm.assertEq(disputes.burnt(), 0);
    }

    function test_whoChallengedTheEnd_doesNotAgree() public {
        uint64 id = claimOf(trueHistory());
        bytes32[] memory lie = falseHistory(2);
        uint64 challengeId = challengeWith(id, lie);
        bytes32[12] memory leafProof = lie.proof(2);
        vm.expectRevert(abi.encodeWithSelector(NotFinal.selector, id));
        disputes.agree(challengeId, leafProof);
        prove(id);
        bytes32 output = lastOutput();
        vm.expectRevert(abi.encodeWithSelector(NotTheLastOutput.selector, output));
        disputes.agree(challengeId, leafProof);
        // Nor with the proof of another leaf.
        leafProof = lie.proof(1);
        vm.expectRevert(abi.encodeWithSelector(NotTheLastOutput.selector, output));
        disputes.agree(challengeId, leafProof);
    }

    function test_afterTheProof_nobodyChallengesOrDefends() public {
        bytes32[] memory truth = trueHistory();
        uint64 id = claimOf(truth);
        uint64 challengeId = challengeWith(id, falseHistory(1));
        prove(id);
        bytes32 claimHash = settlement.claimHash(id);
        vm.expectRevert(abi.encodeWithSelector(AlreadyFinal.selector, id));
        vm.prank(challenger);
        disputes.challenge{value: DISPUTE_BOND}(id, claimHash, keccak256("another"));
        vm.expectRevert(abi.encodeWithSelector(AlreadyFinal.selector, id));
        vm.prank(defender);
        disputes.defend{value: DISPUTE_BOND}(challengeId, claimHash, truth.opened(1));
    }

    /// @dev Who makes a claim that can be proved chooses when: what builds on it has a final parent from then on, and its own window may
    /// be over. So a false claim has to be challenged while its parent is not decided, too.
    function test_attack_aLieOnADent_isFinalUnlessItIsChallengedItself() public {
        appendNext();
        uint64 dent = claimOf(dentedHistory());
        bytes32[] memory leaves = new bytes32[](1);
        leaves[0] = keccak256("a theft");
        bytes32[] memory lie = Histories.build(leaves);
        uint64 theft = proposeHistory(dent, 3, lie.root(), lie.leaf(0), lie.proof(0));
        uint256 snapshot = vm.snapshotState();

        // Only the dent is challenged, and the dispute goes on when both windows end.
        vm.warp(block.timestamp + WINDOW - 1);
        uint64 challengeId = challengeWith(dent, trueHistory());
        defendWith(challengeId, dentedHistory());
        vm.warp(block.timestamp + 1);
        vm.expectRevert(abi.encodeWithSelector(ParentNotFinal.selector, dent));
        settlement.finalize(theft);
        prove(dent);
        settlement.finalize(theft);
        assertStatus(theft, ClaimStatus.Final);

        // Challenged, as nodes do, it is rejected whatever becomes of the other.
        vm.revertToState(snapshot);
        leaves[0] = keccak256("the truth");
        challengeId = challengeWith(theft, Histories.build(leaves));
        vm.warp(block.timestamp + WINDOW);
        prove(dent);
        vm.expectRevert(abi.encodeWithSelector(ChallengesOpen.selector, 1));
        settlement.finalize(theft);
        disputes.resolve(challengeId);
        assertStatus(theft, ClaimStatus.Rejected);
        vm.assertEq(disputes.credit(challenger), DISPUTE_BOND);
    }

    // --- what contradicts a proof ---

    function test_aRival_losesAtOnce() public {
        bytes32[] memory lie = falseHistory(1);
        uint64 rival = claimOf(lie);
        uint64 id = proposeProven();
        settlement.refute(rival, id, lie.leaf(2), lie.proof(2));
        assertStatus(rival, ClaimStatus.Rejected);
        vm.assertEq(settlement.winnerOf(rival), prover);
        vm.assertEq(settlement.credit(prover), BOND / 2);
        vm.assertEq(settlement.burnt(), BOND / 2);
        vm.expectRevert(abi.encodeWithSelector(AlreadyRejected.selector, rival));
        settlement.refute(rival, id, lie.leaf(2), lie.proof(2));
    }

    /// @dev What builds on it falls with it; who challenged it is paid for having been slower.
    function test_aRival_withChallengesAndChildren() public {
        bytes32[] memory lie = falseHistory(1);
        uint64 rival = claimOf(lie);
        uint64 next = appendNext().index;
        uint64 child = propose(rival, next, keccak256("child"));
        uint64 challengeId = challengeWith(rival, trueHistory());
        uint64 disputeId = defendWith(challengeId, lie);
        uint64 id = proposeProven();
        settlement.refute(rival, id, lie.leaf(2), lie.proof(2));
        disputes.resolve(challengeId);
        assertChallenge(challengeId, ChallengeStatus.Moot);
        vm.assertEq(disputes.credit(challenger), DISPUTE_BOND);
        vm.assertEq(settlement.credit(challenger), BOND / 16);
        disputes.settle(disputeId);
        vm.assertEq(disputes.credit(challenger), DISPUTE_BOND + DISPUTE_BOND / 2);
        vm.assertEq(disputes.credit(defender), 0);
        uint64[] memory ids = new uint64[](1);
        ids[0] = child;
        settlement.rejectChildren(ids);
        assertStatus(child, ClaimStatus.Rejected);
    }

    /// @dev A claim that goes further is refuted by what it says of the block in between.
    function test_aLongerRival_isRefutedByItsHistory() public {
        uint64 next = appendNext().index;
        bytes32[] memory leaves = new bytes32[](4);
        (leaves[0], leaves[1], leaves[2], leaves[3]) = (outputs[0], outputs[1], keccak256("lie"), keccak256("on"));
        bytes32[] memory nodes = Histories.build(leaves);
        uint64 rival = proposeHistory(0, next, nodes.root(), nodes.leaf(3), nodes.proof(3));
        uint64 id = proposeProven();
        settlement.refute(rival, id, nodes.leaf(2), nodes.proof(2));
        assertStatus(rival, ClaimStatus.Rejected);
    }

    function test_whatAgrees_isNotRefuted() public {
        bytes32[] memory truth = trueHistory();
        uint64 other = claimOf(truth);
        uint64 id = proposeProven();
        bytes32 leaf = truth.leaf(2);
        bytes32[12] memory leafProof = truth.proof(2);
        vm.expectRevert(abi.encodeWithSelector(SameOutput.selector, leaf));
        settlement.refute(other, id, leaf, leafProof);
        // Nor by a leaf that it does not have there.
        bytes32 made = keccak256("made");
        vm.expectRevert(abi.encodeWithSelector(NotInHistory.selector, 3, made));
        settlement.refute(other, id, made, leafProof);
        bytes32 before = truth.leaf(1);
        leafProof = truth.proof(1);
        vm.expectRevert(abi.encodeWithSelector(NotInHistory.selector, 3, before));
        settlement.refute(other, id, before, leafProof);
        assertStatus(other, ClaimStatus.Pending);
    }

    function test_onlyWhatWasProved_refutes() public {
        bytes32[] memory lie = falseHistory(1);
        uint64 rival = claimOf(lie);
        uint64 truth = claimOf(trueHistory());
        (bytes32 leaf, bytes32[12] memory leafProof) = (lie.leaf(2), lie.proof(2));
        vm.expectRevert(abi.encodeWithSelector(NotProven.selector, truth));
        settlement.refute(rival, truth, leaf, leafProof);
        // Final by its window, which is no proof: nobody looked.
        vm.warp(block.timestamp + WINDOW);
        settlement.finalize(truth);
        vm.expectRevert(abi.encodeWithSelector(NotProven.selector, truth));
        settlement.refute(rival, truth, leaf, leafProof);
        vm.expectRevert(abi.encodeWithSelector(NotProven.selector, 99));
        settlement.refute(rival, 99, leaf, leafProof);
    }

    function test_aBlockThatTheClaimDoesNotCover_refutesNothing() public {
        bytes32[] memory leaves = new bytes32[](2);
        (leaves[0], leaves[1]) = (outputs[0], keccak256("lie"));
        bytes32[] memory nodes = Histories.build(leaves);
        uint64 short = proposeHistory(0, 1, nodes.root(), nodes.leaf(1), nodes.proof(1));
        uint64 id = proposeProven();
        (bytes32 leaf, bytes32[12] memory leafProof) = (nodes.leaf(1), nodes.proof(1));
        vm.expectRevert(abi.encodeWithSelector(BlockNotCovered.selector, 3, 1, 2));
        settlement.refute(short, id, leaf, leafProof);
        // Past the proved block neither.
        uint64 next = appendNext().index;
        uint64 child = propose(id, next, keccak256("next"));
        vm.expectRevert(abi.encodeWithSelector(BlockNotCovered.selector, 3, 4, 4));
        settlement.refute(child, id, leaf, leafProof);
    }

    function test_finalClaims_areNotRefuted() public {
        bytes32[] memory lie = falseHistory(1);
        uint64 rival = claimOf(lie);
        uint64 pending = claimOf(trueHistory());
        vm.warp(block.timestamp + WINDOW);
        settlement.finalize(rival);
        prove(pending);
        (bytes32 leaf, bytes32[12] memory leafProof) = (lie.leaf(2), lie.proof(2));
        vm.expectRevert(abi.encodeWithSelector(AlreadyFinal.selector, rival));
        settlement.refute(rival, pending, leaf, leafProof);
    }
}
