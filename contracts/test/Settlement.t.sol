// SPDX-License-Identifier: MIT
pragma solidity 0.8.37;

import {Settlement} from "../src/L1/Settlement.sol";
import {ICredits} from "../src/interfaces/ICredits.sol";
import {ISettlement} from "../src/interfaces/ISettlement.sol";
import "../src/libraries/Errors.sol";
import {BatchHeader, Claim, ClaimStatus} from "../src/libraries/Types.sol";
import {Histories} from "./utils/Histories.sol";
import {Hook, Switch} from "./utils/Receivers.sol";
import {System} from "./utils/System.sol";

contract SettlementTest is System {
    bytes32 internal constant OUTPUT = keccak256("output");
    bytes32 internal constant OTHER = keccak256("other output");

    function setUp() public override {
        super.setUp();
        appendNext();
        appendNext();
        appendNext();
    }

    function rejectProposal(uint64 parentId, uint64 lastBatch, bytes32 hash, bytes memory reason) internal {
        bytes32 root = parentId < settlement.claimCount() ? settlement.claim(parentId).outputRoot : OUTPUT;
        (bytes32 history, bytes32[12] memory proof) = historyOf(parentId, lastBatch, OUTPUT);
        vm.expectRevert(reason);
        vm.prank(proposer);
        settlement.propose{value: BOND}(parentId, root, lastBatch, hash, history, OUTPUT, proof);
    }

    /// @dev A challenge, as far as Settlement is concerned.
    function openChallenge(uint64 id) internal {
        vm.prank(address(disputes));
        settlement.openChallenge(id);
    }

    function closeChallenge(uint64 id) internal {
        vm.prank(address(disputes));
        settlement.closeChallenge(id);
    }

    function reject(uint64 id, address winner) internal {
        vm.prank(address(disputes));
        settlement.reject(id, winner);
    }

    function compensate(uint64 id, address challenger) internal {
        vm.prank(address(disputes));
        settlement.compensate(id, challenger);
    }

    function rejectChild(uint64 id) internal {
        uint64[] memory ids = new uint64[](1);
        ids[0] = id;
        settlement.rejectChildren(ids);
    }

    function assertStatus(uint64 id, ClaimStatus status) internal view {
        vm.assertEq(uint256(settlement.claimStatus(id)), uint256(status));
        vm.assertEq(uint256(settlement.claim(id).status), uint256(status));
    }

    function proposeFrom(uint64 parentId, uint64 lastBatch, bytes32 outputRoot) external {
        propose(parentId, lastBatch, outputRoot);
    }

    // --- construction ---

    function test_constructor_genesis_isFinal() public view {
        Claim memory genesis = settlement.claim(0);
        vm.assertEq(uint256(genesis.status), uint256(ClaimStatus.Final));
        vm.assertEq(settlement.finalOutputRoot(0), GENESIS_OUTPUT);
        vm.assertEq(settlement.claimCount(), 1);
        vm.assertEq(settlement.lastFinalClaim(), 0);
    }

    function test_constructor_badParameters_reverts() public {
        address d = address(disputes);
        vm.expectRevert(ZeroAddress.selector);
        new Settlement(address(inbox), address(0), address(0), OUTPUT, BOND, WINDOW, 2000);
        vm.expectRevert(ZeroRoot.selector);
        new Settlement(address(inbox), d, address(0), 0, BOND, WINDOW, 2000);
        vm.expectRevert(InvalidParameter.selector);
        new Settlement(address(inbox), d, address(0), OUTPUT, BOND, WINDOW, 999);
        vm.expectRevert(InvalidParameter.selector);
        new Settlement(address(inbox), d, address(0), OUTPUT, BOND, WINDOW, 4097);
        new Settlement(address(inbox), d, address(0), OUTPUT, BOND, WINDOW, 1000);
        new Settlement(address(inbox), d, address(0), OUTPUT, BOND, WINDOW, 4096);
    }

    // --- propose ---

    function test_propose_valid_storesAndEmits() public {
        bytes32 hash = inbox.batchHash(2);
        (bytes32 history,) = historyOf(0, 2, OUTPUT);
        vm.expectEmit();
        emit ISettlement.ClaimProposed(1, 0, 2, hash, history, OUTPUT, proposer, BOND);
        vm.assertEq(propose(0, 2, OUTPUT), 1);

        Claim memory c = settlement.claim(1);
        vm.assertEq(c.parentId, 0);
        vm.assertEq(c.lastBatch, 2);
        vm.assertEq(c.createdAt, block.timestamp);
        vm.assertEq(c.finalizedAt, 0);
        vm.assertEq(c.proposer, proposer);
        vm.assertEq(uint256(c.status), uint256(ClaimStatus.Pending));
        vm.assertEq(c.openChallenges, 0);
        vm.assertEq(c.blockOutputsRoot, history);
        vm.assertEq(c.outputRoot, OUTPUT);
        vm.assertEq(settlement.claimIdOf(0, 2, history, OUTPUT), 1);
        vm.assertEq(settlement.startOf(1), GENESIS_OUTPUT);
        (uint64 first, uint64 lastBlock) = settlement.blocksOf(1);
        vm.assertEq(first, 1);
        vm.assertEq(lastBlock, 2);
        (first, lastBlock) = settlement.blocksOf(0);
        vm.assertEq(first, 1);
        vm.assertEq(lastBlock, 0);
        vm.assertEq(address(settlement).balance, BOND);
    }

    function test_propose_wrongBond_reverts() public {
        bytes32 hash = inbox.batchHash(1);
        (bytes32 history, bytes32[12] memory proof) = historyOf(0, 1, OUTPUT);
        for (uint256 i; i < 3; ++i) {
            uint256 value = i == 0 ? 0 : i == 1 ? BOND - 1 : BOND + 1;
            vm.expectRevert(abi.encodeWithSelector(WrongBond.selector, BOND, value));
            vm.prank(proposer);
            settlement.propose{value: value}(0, GENESIS_OUTPUT, 1, hash, history, OUTPUT, proof);
        }
    }

    function test_propose_zeroOutput_reverts() public {
        bytes32 hash = inbox.batchHash(1);
        (bytes32 history, bytes32[12] memory proof) = historyOf(0, 1, 0);
        vm.expectRevert(ZeroRoot.selector);
        vm.prank(proposer);
        settlement.propose{value: BOND}(0, GENESIS_OUTPUT, 1, hash, history, 0, proof);
    }

    function test_propose_otherParentRoot_reverts() public {
        bytes32 hash = inbox.batchHash(1);
        (bytes32 history, bytes32[12] memory proof) = historyOf(0, 1, OUTPUT);
        vm.expectRevert(abi.encodeWithSelector(UnexpectedOutputRoot.selector, GENESIS_OUTPUT, OTHER));
        vm.prank(proposer);
        settlement.propose{value: BOND}(0, OTHER, 1, hash, history, OUTPUT, proof);
    }

    function rejectOutput(uint64 lastBatch, bytes32 history, bytes32 output, bytes32[12] memory proof)
        internal
    {
        bytes32 hash = inbox.batchHash(lastBatch);
        vm.expectRevert(abi.encodeWithSelector(NotTheLastOutput.selector, output));
        vm.prank(proposer);
        settlement.propose{value: BOND}(0, GENESIS_OUTPUT, lastBatch, hash, history, output, proof);
    }

    function test_propose_outputNotTheLastLeaf_reverts() public {
        bytes32[] memory leaves = new bytes32[](4);
        for (uint256 i; i < 4; ++i) {
            leaves[i] = keccak256(abi.encode(i));
        }
        bytes32[] memory nodes = Histories.build(leaves);
        bytes32 root = Histories.root(nodes);
        // Batches 1 to 3 have a block each, so a claim of n batches ends with leaf n - 1.
        for (uint64 batch = 1; batch <= 3; ++batch) {
            for (uint256 i; i < 5; ++i) {
                bytes32 output = i < 4 ? leaves[i] : keccak256("no leaf");
                if (i == batch - 1) continue;
                rejectOutput(batch, root, output, Histories.proof(nodes, i));
                rejectOutput(batch, root, output, Histories.proof(nodes, batch - 1));
            }
            rejectOutput(batch, OTHER, leaves[batch - 1], Histories.proof(nodes, batch - 1));
            proposeHistory(0, batch, root, leaves[batch - 1], Histories.proof(nodes, batch - 1));
        }
    }

    function test_propose_innerNodeAsOutput_reverts() public {
        bytes32[] memory leaves = new bytes32[](4);
        for (uint256 i; i < 4; ++i) {
            leaves[i] = keccak256(abi.encode(i));
        }
        bytes32[] memory nodes = Histories.build(leaves);
        // The path of a node two levels up, prefixed by what leads there from below, is too long to be given.
        bytes32[12] memory path = Histories.proof(nodes, 0);
        bytes32[12] memory shifted;
        for (uint256 i; i < 10; ++i) {
            shifted[i] = path[i + 2];
        }
        rejectOutput(1, Histories.root(nodes), nodes[1024], shifted);
    }

    function test_propose_manyBlocks_lastLeafOf4096() public {
        bytes32[] memory leaves = new bytes32[](2000);
        for (uint256 i; i < 2000; ++i) {
            leaves[i] = keccak256(abi.encode("leaf", i));
        }
        for (uint256 i; i < 2; ++i) {
            vm.roll(block.number + 1);
            BatchHeader memory header = nextHeader("batch");
            header.lastBlock = i == 0 ? 1003 : 2000;
            append(header, "batch");
        }
        bytes32[] memory nodes = Histories.build(leaves);
        bytes32 root = Histories.root(nodes);
        rejectOutput(5, root, leaves[1998], Histories.proof(nodes, 1998));
        rejectOutput(5, root, leaves[1999], Histories.proof(nodes, 1998));
        proposeHistory(0, 5, root, leaves[1999], Histories.proof(nodes, 1999));
    }

    function test_lastFinalizedAt_newBatchesOnly() public {
        uint256 start = settlement.lastFinalizedAt();
        vm.assertEq(start, block.timestamp);
        propose(0, 2, OUTPUT);
        propose(0, 1, OUTPUT);
        vm.warp(start + WINDOW);
        settlement.finalize(1);
        vm.assertEq(settlement.lastFinalizedAt(), start + WINDOW);
        // A claim on what is covered already proves nobody to be there.
        vm.warp(start + WINDOW + 1);
        settlement.finalize(2);
        vm.assertEq(settlement.lastFinalizedAt(), start + WINDOW);
    }

    function test_propose_unknownParent_reverts() public {
        rejectProposal(1, 1, inbox.batchHash(1), abi.encodeWithSelector(UnknownClaim.selector, 1));
    }

    function test_propose_noNewBatch_reverts() public {
        propose(0, 2, OUTPUT);
        rejectProposal(1, 2, inbox.batchHash(2), abi.encodeWithSelector(NoNewBatch.selector, 2));
        rejectProposal(1, 1, inbox.batchHash(1), abi.encodeWithSelector(NoNewBatch.selector, 1));
        rejectProposal(0, 0, inbox.batchHash(0), abi.encodeWithSelector(NoNewBatch.selector, 0));
    }

    function test_propose_batchNotAppended_reverts() public {
        rejectProposal(0, 4, keccak256("x"), abi.encodeWithSelector(UnknownBatch.selector, 4));
    }

    function test_propose_batchReplacedByReorg_reverts() public {
        bytes32 actual = inbox.batchHash(1);
        bytes32 meant = keccak256("gone");
        rejectProposal(0, 1, meant, abi.encodeWithSelector(UnexpectedBatchHash.selector, actual, meant));
    }

    function test_propose_blockCount_boundaries() public {
        // Batches 1 to 3 have a block each; 4 and 5 bring the total to 2000, and 6 to 2001.
        for (uint256 i; i < 3; ++i) {
            vm.roll(block.number + 1);
            BatchHeader memory header = nextHeader("batch");
            header.lastBlock = i == 0 ? 1003 : i == 1 ? 2000 : 2001;
            append(header, "batch");
        }
        rejectProposal(0, 6, inbox.batchHash(6), abi.encodeWithSelector(TooManyBlocks.selector, 2001, 2000));
        propose(0, 5, OUTPUT);
        propose(1, 6, OTHER);
    }

    function test_propose_sameClaimTwice_reverts() public {
        propose(0, 1, OUTPUT);
        rejectProposal(0, 1, inbox.batchHash(1), abi.encodeWithSelector(DuplicateClaim.selector, 1));
        propose(1, 2, OUTPUT);
        // On another parent it is another claim.
        propose(0, 2, OUTPUT);
    }

    /// @dev It may be true, and nobody defended it: who could stop it once would otherwise have stopped it for good.
    function test_attack_truthRejectedForWantOfADefence_canBeClaimedAgain() public {
        propose(0, 1, OUTPUT);
        openChallenge(1);
        reject(1, bob);
        vm.assertEq(propose(0, 1, OUTPUT), 2);
        (bytes32 history,) = historyOf(0, 1, OUTPUT);
        vm.assertEq(settlement.claimIdOf(0, 1, history, OUTPUT), 2);
        // While it stands, or is final, not once more.
        rejectProposal(0, 1, inbox.batchHash(1), abi.encodeWithSelector(DuplicateClaim.selector, 2));
        openChallenge(2);
        reject(2, bob);
        vm.assertEq(propose(0, 1, OUTPUT), 3);
        assertStatus(2, ClaimStatus.Rejected);
        vm.warp(block.timestamp + WINDOW);
        settlement.finalize(3);
        // Each time cost a bond.
        vm.assertEq(settlement.credit(proposer), BOND);
        vm.assertEq(settlement.credit(bob) + settlement.burnt(), 2 * BOND);
    }

    function test_propose_onFinalClaimThatIsNotTheLast_reverts() public {
        propose(0, 1, OTHER);
        propose(0, 2, OTHER);
        vm.warp(block.timestamp + WINDOW);
        settlement.finalize(1);
        rejectProposal(0, 1, inbox.batchHash(1), abi.encodeWithSelector(ParentSuperseded.selector, 0, 1));
        propose(1, 3, OUTPUT);
        settlement.finalize(2);
        rejectProposal(1, 2, inbox.batchHash(2), abi.encodeWithSelector(ParentSuperseded.selector, 1, 2));
        // Pending claims may be built on whatever is final by now.
        appendNext();
        propose(3, 4, OUTPUT);
    }

    function test_propose_onRejectedParent_reverts() public {
        propose(0, 1, OUTPUT);
        openChallenge(1);
        reject(1, bob);
        rejectProposal(1, 2, inbox.batchHash(2), abi.encodeWithSelector(ParentRejected.selector, 1));
        vm.warp(block.timestamp + WINDOW);
        vm.expectRevert(abi.encodeWithSelector(AlreadyRejected.selector, 1));
        settlement.finalize(1);
    }

    // --- finalize ---

    function test_finalize_window_boundaries() public {
        propose(0, 1, OUTPUT);
        uint256 end = block.timestamp + WINDOW;
        vm.warp(end - 1);
        vm.expectRevert(abi.encodeWithSelector(WindowOpen.selector, end));
        settlement.finalize(1);
        vm.warp(end);
        vm.expectEmit();
        emit ISettlement.ClaimFinalized(1, OUTPUT, 1);
        settlement.finalize(1);
        vm.assertTrue(settlement.isFinal(1));
        vm.assertEq(settlement.finalOutputRoot(1), OUTPUT);
        vm.assertEq(settlement.claim(1).finalizedAt, end);
    }

    function test_finalize_twice_reverts() public {
        propose(0, 1, OUTPUT);
        vm.warp(block.timestamp + WINDOW);
        settlement.finalize(1);
        vm.expectRevert(abi.encodeWithSelector(AlreadyFinal.selector, 1));
        settlement.finalize(1);
        vm.expectRevert(abi.encodeWithSelector(AlreadyFinal.selector, 0));
        settlement.finalize(0);
        vm.assertEq(settlement.credit(proposer), BOND);
    }

    function test_finalize_unknown_reverts() public {
        vm.expectRevert(abi.encodeWithSelector(UnknownClaim.selector, 1));
        settlement.finalize(1);
    }

    function test_finalize_parentPending_reverts() public {
        propose(0, 1, OUTPUT);
        propose(1, 2, OTHER);
        vm.warp(block.timestamp + WINDOW);
        vm.expectRevert(abi.encodeWithSelector(ParentNotFinal.selector, 1));
        settlement.finalize(2);
        settlement.finalize(1);
        settlement.finalize(2);
        vm.assertEq(settlement.lastFinalClaim(), 2);
    }

    function test_finalize_rivalsSideBySide_eachByItself() public {
        propose(0, 1, OUTPUT);
        propose(0, 1, OTHER);
        (, bytes32[12] memory proof) = historyOf(0, 1, OUTPUT);
        proof[11] = keccak256("other sibling");
        proposeHistory(0, 1, Histories.climb(OUTPUT, 0, proof), OUTPUT, proof);
        openChallenge(2);
        openChallenge(3);
        vm.warp(block.timestamp + WINDOW);
        settlement.finalize(1);
        vm.expectRevert(abi.encodeWithSelector(ChallengesOpen.selector, 1));
        settlement.finalize(2);
        reject(2, bob);
        reject(3, bob);
        assertStatus(1, ClaimStatus.Final);
        assertStatus(2, ClaimStatus.Rejected);
        vm.expectRevert(abi.encodeWithSelector(NotFinal.selector, 2));
        settlement.finalOutputRoot(2);
    }

    function test_finalize_challengesOpen_revertsUntilAllAreClosed() public {
        propose(0, 1, OUTPUT);
        openChallenge(1);
        openChallenge(1);
        vm.assertEq(settlement.claim(1).openChallenges, 2);
        vm.warp(block.timestamp + 10 * WINDOW);
        for (uint64 left = 2; left != 0; --left) {
            vm.expectRevert(abi.encodeWithSelector(ChallengesOpen.selector, left));
            settlement.finalize(1);
            closeChallenge(1);
        }
        settlement.finalize(1);
        vm.assertEq(settlement.credit(proposer), BOND);
    }

    function test_finalize_childOfRejected_reverts() public {
        propose(0, 1, OUTPUT);
        propose(1, 2, OUTPUT);
        openChallenge(1);
        reject(1, bob);
        vm.warp(block.timestamp + WINDOW);
        vm.expectRevert(abi.encodeWithSelector(ParentNotFinal.selector, 1));
        settlement.finalize(2);
        rejectChild(2);
        vm.expectRevert(abi.encodeWithSelector(AlreadyRejected.selector, 2));
        settlement.finalize(2);
    }

    function test_finalize_overlappingClaims_bothFinal() public {
        propose(0, 1, OUTPUT);
        propose(0, 3, OTHER);
        propose(1, 2, OUTPUT);
        vm.warp(block.timestamp + WINDOW);
        settlement.finalize(2);
        settlement.finalize(1);
        vm.assertEq(settlement.lastFinalClaim(), 2);
        settlement.finalize(3);
        vm.assertEq(settlement.lastFinalClaim(), 2);
    }

    // --- challenges ---

    function test_onlyDisputes_others_revert() public {
        propose(0, 1, OUTPUT);
        openChallenge(1);
        address[3] memory callers = [proposer, sequencer, address(this)];
        for (uint256 i; i < callers.length; ++i) {
            bytes memory reason = abi.encodeWithSelector(Unauthorized.selector, callers[i]);
            vm.startPrank(callers[i]);
            vm.expectRevert(reason);
            settlement.openChallenge(1);
            vm.expectRevert(reason);
            settlement.closeChallenge(1);
            vm.expectRevert(reason);
            settlement.reject(1, callers[i]);
            vm.expectRevert(reason);
            settlement.compensate(1, callers[i]);
            vm.stopPrank();
        }
    }

    function test_openChallenge_window_boundaries() public {
        propose(0, 1, OUTPUT);
        uint256 end = block.timestamp + WINDOW;
        vm.warp(end - 1);
        openChallenge(1);
        vm.warp(end);
        vm.expectRevert(abi.encodeWithSelector(WindowOver.selector, end));
        openChallenge(1);
    }

    function test_openChallenge_notPending_reverts() public {
        vm.expectRevert(abi.encodeWithSelector(UnknownClaim.selector, 1));
        openChallenge(1);
        vm.expectRevert(abi.encodeWithSelector(AlreadyFinal.selector, 0));
        openChallenge(0);
        propose(0, 1, OUTPUT);
        propose(1, 2, OUTPUT);
        openChallenge(1);
        reject(1, bob);
        vm.expectRevert(abi.encodeWithSelector(AlreadyRejected.selector, 1));
        openChallenge(1);
        vm.expectRevert(abi.encodeWithSelector(ParentRejected.selector, 1));
        openChallenge(2);
    }

    function test_reject_bond_halfToWinnerRestBurnt() public {
        propose(0, 1, OUTPUT);
        openChallenge(1);
        vm.expectEmit();
        emit ISettlement.ClaimRejected(1, bob, false);
        reject(1, bob);
        assertStatus(1, ClaimStatus.Rejected);
        vm.assertEq(settlement.winnerOf(1), bob);
        vm.assertEq(settlement.credit(bob), BOND / 2);
        vm.assertEq(settlement.burnt(), BOND / 2);
        vm.assertEq(settlement.credit(proposer), 0);
        vm.assertEq(settlement.lastFinalClaim(), 0);
    }

    function test_reject_twice_reverts() public {
        propose(0, 1, OUTPUT);
        openChallenge(1);
        openChallenge(1);
        reject(1, bob);
        vm.expectRevert(abi.encodeWithSelector(AlreadyRejected.selector, 1));
        reject(1, alice);
        vm.expectRevert(abi.encodeWithSelector(AlreadyRejected.selector, 1));
        closeChallenge(1);
        vm.expectRevert(abi.encodeWithSelector(AlreadyFinal.selector, 0));
        reject(0, alice);
    }

    function test_compensate_firstFour_thenNobody() public {
        propose(0, 1, OUTPUT);
        openChallenge(1);
        compensate(1, alice);
        vm.assertEq(settlement.credit(alice), 0);
        reject(1, bob);
        for (uint256 i; i < 4; ++i) {
            vm.expectEmit();
            emit ISettlement.ChallengerCompensated(1, alice, BOND / 16);
            compensate(1, alice);
        }
        compensate(1, alice);
        vm.assertEq(settlement.credit(alice), BOND / 4);
        vm.assertEq(settlement.credit(bob), BOND / 2);
        vm.assertEq(settlement.burnt(), BOND / 4);
    }

    function test_rejectChildren_chain_inheritsWinner() public {
        propose(0, 1, OUTPUT);
        propose(1, 2, OUTPUT);
        propose(2, 3, OUTPUT);
        openChallenge(1);
        openChallenge(3);
        reject(1, bob);
        uint64[] memory ids = new uint64[](4);
        // Parents first, and what is rejected already does not matter.
        (ids[0], ids[1], ids[2], ids[3]) = (1, 2, 3, 2);
        vm.expectEmit();
        emit ISettlement.ClaimRejected(2, bob, true);
        vm.expectEmit();
        emit ISettlement.ClaimRejected(3, bob, true);
        vm.prank(alice);
        settlement.rejectChildren(ids);
        assertStatus(2, ClaimStatus.Rejected);
        assertStatus(3, ClaimStatus.Rejected);
        vm.assertEq(settlement.winnerOf(3), bob);
        vm.assertEq(settlement.credit(bob), 3 * (BOND / 2));
        vm.assertEq(settlement.burnt(), 3 * (BOND / 2));
        // Whoever challenged the child of a false claim did nothing that was needed.
        compensate(3, alice);
        vm.assertEq(settlement.credit(alice), 0);
        settlement.rejectChildren(ids);
        vm.assertEq(settlement.credit(bob), 3 * (BOND / 2));
    }

    function test_rejectChildren_parentNotRejected_reverts() public {
        propose(0, 1, OUTPUT);
        propose(1, 2, OUTPUT);
        propose(2, 3, OUTPUT);
        vm.expectRevert(abi.encodeWithSelector(ParentNotRejected.selector, 0));
        rejectChild(1);
        vm.expectRevert(abi.encodeWithSelector(ParentNotRejected.selector, 1));
        rejectChild(2);
        vm.expectRevert(abi.encodeWithSelector(ParentNotRejected.selector, 0));
        rejectChild(0);
        vm.expectRevert(abi.encodeWithSelector(UnknownClaim.selector, 4));
        rejectChild(4);
        openChallenge(1);
        reject(1, bob);
        vm.expectRevert(abi.encodeWithSelector(ParentNotRejected.selector, 2));
        rejectChild(3);
    }

    function test_rejectChildren_honestChainBeside_stays() public {
        propose(0, 1, OUTPUT);
        propose(0, 1, OTHER);
        propose(2, 2, OUTPUT);
        openChallenge(1);
        reject(1, bob);
        vm.expectRevert(abi.encodeWithSelector(ParentNotRejected.selector, 0));
        rejectChild(2);
        vm.warp(block.timestamp + WINDOW);
        settlement.finalize(2);
        vm.expectRevert(abi.encodeWithSelector(ParentNotRejected.selector, 2));
        rejectChild(3);
        settlement.finalize(3);
        vm.expectRevert(abi.encodeWithSelector(ParentNotRejected.selector, 2));
        rejectChild(3);
        vm.assertEq(settlement.credit(proposer), 2 * BOND);
    }

    function test_maxDelay_isWindowAndLongestChallenge() public view {
        vm.assertEq(settlement.maxDelay(), MAX_DELAY);
        vm.assertEq(settlement.maxDelay(), WINDOW + disputes.maxDuration());
    }

    // --- bonds ---

    function test_withdrawCredit_paysOnce() public {
        propose(0, 1, OUTPUT);
        vm.warp(block.timestamp + WINDOW);
        settlement.finalize(1);
        address to = user("elsewhere");
        vm.startPrank(proposer);
        vm.expectEmit();
        emit ICredits.CreditWithdrawn(proposer, to, BOND);
        settlement.withdrawCredit(to);
        vm.assertEq(to.balance, BOND);
        vm.expectRevert(NothingToWithdraw.selector);
        settlement.withdrawCredit(to);
        vm.stopPrank();
        vm.expectRevert(NothingToWithdraw.selector);
        settlement.withdrawCredit(to);
    }

    function test_withdrawCredit_badRecipient_reverts() public {
        propose(0, 1, OUTPUT);
        vm.warp(block.timestamp + WINDOW);
        settlement.finalize(1);
        Switch receiver = new Switch();
        receiver.setRefuses(true);
        vm.startPrank(proposer);
        vm.expectRevert(ZeroAddress.selector);
        settlement.withdrawCredit(address(0));
        vm.expectRevert(abi.encodeWithSelector(TransferFailed.selector, address(receiver)));
        settlement.withdrawCredit(address(receiver));
        vm.assertEq(settlement.credit(proposer), BOND);
    }

    function test_withdrawCredit_reentered_paysOnce() public {
        Hook hook = new Hook();
        vm.deal(address(hook), BOND);
        bytes32 hash = inbox.batchHash(1);
        (bytes32 history, bytes32[12] memory proof) = historyOf(0, 1, OUTPUT);
        vm.prank(address(hook));
        settlement.propose{value: BOND}(0, GENESIS_OUTPUT, 1, hash, history, OUTPUT, proof);
        propose(0, 2, OTHER);
        vm.warp(block.timestamp + WINDOW);
        settlement.finalize(1);
        settlement.finalize(2);

        hook.set(address(settlement), abi.encodeCall(settlement.withdrawCredit, (address(hook))));
        vm.prank(address(hook));
        settlement.withdrawCredit(address(hook));
        vm.assertTrue(hook.called());
        vm.assertFalse(hook.succeeded());
        vm.assertEq(address(hook).balance, BOND);
        vm.assertEq(address(settlement).balance, BOND);
    }

    /// @dev Claims, challenges and everything that can become of them, in any order.
    function testFuzz_bonds_randomTree_balanceCoversPendingCreditAndBurnt(uint256 seed) public {
        for (uint256 i; i < 40; ++i) {
            seed = uint256(keccak256(abi.encode(seed)));
            uint64 id = uint64((seed >> 8) % settlement.claimCount());
            uint256 what = seed % 8;
            if (what < 3) {
                uint64 parentBatch = settlement.claim(id).lastBatch;
                if (parentBatch == 3) continue;
                uint64 lastBatch = uint64(parentBatch + 1 + (seed >> 72) % (3 - parentBatch));
                try this.proposeFrom(id, lastBatch, bytes32((seed >> 80) % 2 + 1)) {} catch {}
            } else if (what == 3) {
                vm.prank(address(disputes));
                try settlement.openChallenge(id) {} catch {}
            } else if (what == 4 && settlement.claim(id).openChallenges != 0) {
                vm.prank(address(disputes));
                if (seed & 1 << 200 == 0) try settlement.closeChallenge(id) {}
                    catch {} else try settlement.reject(id, bob) {} catch {}
            } else if (what == 5) {
                compensate(id, alice);
            } else if (what == 6) {
                uint64[] memory ids = new uint64[](1);
                ids[0] = id;
                try settlement.rejectChildren(ids) {} catch {}
            } else {
                vm.warp(block.timestamp + (seed >> 90) % WINDOW);
                try settlement.finalize(id) {} catch {}
            }
        }
        uint256 pending;
        uint256 finals;
        for (uint64 id = 1; id < settlement.claimCount(); ++id) {
            Claim memory c = settlement.claim(id);
            if (c.status == ClaimStatus.Pending) ++pending;
            if (c.status != ClaimStatus.Final) continue;
            ++finals;
            vm.assertEq(c.openChallenges, 0);
            vm.assertTrue(settlement.isFinal(c.parentId));
        }
        uint256 owed = settlement.credit(proposer) + settlement.credit(bob) + settlement.credit(alice);
        vm.assertEq(settlement.credit(proposer), finals * BOND);
        vm.assertEq(address(settlement).balance, pending * BOND + owed + settlement.burnt());
    }
}
