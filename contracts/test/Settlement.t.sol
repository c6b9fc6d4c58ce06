// SPDX-License-Identifier: MIT
pragma solidity 0.8.37;

import {Settlement} from "../src/L1/Settlement.sol";
import {ISettlement} from "../src/interfaces/ISettlement.sol";
import "../src/libraries/Errors.sol";
import {BatchHeader, Claim, ClaimStatus} from "../src/libraries/Types.sol";
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
        vm.expectRevert(reason);
        vm.prank(proposer);
        settlement.propose{value: BOND}(parentId, root, lastBatch, hash, BLOCK_OUTPUTS, OUTPUT);
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
        vm.expectRevert(ZeroRoot.selector);
        new Settlement(address(inbox), 0, BOND, WINDOW, 2000);
        vm.expectRevert(InvalidParameter.selector);
        new Settlement(address(inbox), OUTPUT, BOND, WINDOW, 999);
        new Settlement(address(inbox), OUTPUT, BOND, WINDOW, 1000);
    }

    // --- propose ---

    function test_propose_valid_storesAndEmits() public {
        bytes32 hash = inbox.batchHash(2);
        vm.expectEmit();
        emit ISettlement.ClaimProposed(1, 0, 2, hash, BLOCK_OUTPUTS, OUTPUT, proposer, BOND);
        vm.assertEq(propose(0, 2, OUTPUT), 1);

        Claim memory c = settlement.claim(1);
        vm.assertEq(c.parentId, 0);
        vm.assertEq(c.lastBatch, 2);
        vm.assertEq(c.createdAt, block.timestamp);
        vm.assertEq(c.finalizedAt, 0);
        vm.assertEq(c.proposer, proposer);
        vm.assertEq(uint256(c.status), uint256(ClaimStatus.Pending));
        vm.assertEq(c.blockOutputsRoot, BLOCK_OUTPUTS);
        vm.assertEq(c.outputRoot, OUTPUT);
        vm.assertEq(settlement.claimIdOf(0, 2, BLOCK_OUTPUTS, OUTPUT), 1);
        vm.assertEq(address(settlement).balance, BOND);
    }

    function test_propose_wrongBond_reverts() public {
        bytes32 hash = inbox.batchHash(1);
        for (uint256 i; i < 3; ++i) {
            uint256 value = i == 0 ? 0 : i == 1 ? BOND - 1 : BOND + 1;
            vm.expectRevert(abi.encodeWithSelector(WrongBond.selector, BOND, value));
            vm.prank(proposer);
            settlement.propose{value: value}(0, GENESIS_OUTPUT, 1, hash, BLOCK_OUTPUTS, OUTPUT);
        }
    }

    function test_propose_zeroRoots_revert() public {
        bytes32 hash = inbox.batchHash(1);
        vm.startPrank(proposer);
        vm.expectRevert(ZeroRoot.selector);
        settlement.propose{value: BOND}(0, GENESIS_OUTPUT, 1, hash, 0, OUTPUT);
        vm.expectRevert(ZeroRoot.selector);
        settlement.propose{value: BOND}(0, GENESIS_OUTPUT, 1, hash, BLOCK_OUTPUTS, 0);
    }

    function test_propose_otherParentRoot_reverts() public {
        bytes32 hash = inbox.batchHash(1);
        vm.expectRevert(abi.encodeWithSelector(UnexpectedOutputRoot.selector, GENESIS_OUTPUT, OTHER));
        vm.prank(proposer);
        settlement.propose{value: BOND}(0, OTHER, 1, hash, BLOCK_OUTPUTS, OUTPUT);
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
        vm.warp(block.timestamp + WINDOW);
        settlement.finalize(1);
        rejectProposal(0, 1, inbox.batchHash(1), abi.encodeWithSelector(DuplicateClaim.selector, 1));
    }

    function test_propose_rivalOfFinalClaim_reverts() public {
        propose(0, 1, OTHER);
        vm.warp(block.timestamp + WINDOW);
        settlement.finalize(1);
        rejectProposal(0, 1, inbox.batchHash(1), abi.encodeWithSelector(AlreadySettled.selector, 1));
    }

    function test_propose_onRejectedParent_reverts() public {
        propose(0, 1, OUTPUT);
        setStatus(1, ClaimStatus.Rejected);
        rejectProposal(1, 2, inbox.batchHash(2), abi.encodeWithSelector(ParentRejected.selector, 1));
        vm.warp(block.timestamp + WINDOW);
        vm.expectRevert(abi.encodeWithSelector(ClaimRejected.selector, 1));
        settlement.finalize(1);
    }

    /// @dev As a lost dispute would leave it: the status shares a word with the proposer, the second of four.
    function setStatus(uint64 id, ClaimStatus status) internal {
        bytes32 slot = bytes32(uint256(keccak256(abi.encode(uint256(1)))) + uint256(id) * 4 + 1);
        uint256 word = uint256(vm.load(address(settlement), slot)) & type(uint160).max;
        vm.store(address(settlement), slot, bytes32(word | uint256(status) << 160));
        vm.assertEq(uint256(settlement.claim(id).status), uint256(status));
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

    function test_finalize_contested_revertsForBothAndTheirChildren() public {
        propose(0, 1, OUTPUT);
        vm.expectEmit();
        emit ISettlement.ClaimContested(2, 1, 0, 1);
        propose(0, 1, OTHER);
        propose(1, 2, OUTPUT);
        propose(2, 2, OUTPUT);
        vm.assertTrue(settlement.isContested(1));
        vm.assertTrue(settlement.isContested(2));
        vm.assertFalse(settlement.isContested(3));

        vm.warp(block.timestamp + 10 * WINDOW);
        for (uint64 id = 1; id <= 2; ++id) {
            vm.expectRevert(abi.encodeWithSelector(ClaimIsContested.selector, id));
            settlement.finalize(id);
            vm.expectRevert(abi.encodeWithSelector(ParentNotFinal.selector, id));
            settlement.finalize(id + 2);
            vm.expectRevert(abi.encodeWithSelector(NotFinal.selector, id));
            settlement.finalOutputRoot(id);
        }
    }

    function test_finalize_sameOutputOtherHistory_isContested() public {
        propose(0, 1, OUTPUT);
        bytes32 hash = inbox.batchHash(1);
        vm.prank(proposer);
        settlement.propose{value: BOND}(0, GENESIS_OUTPUT, 1, hash, keccak256("other history"), OUTPUT);
        vm.assertTrue(settlement.isContested(1));
    }

    function test_finalize_rivalInLastSecond_contests() public {
        propose(0, 1, OUTPUT);
        vm.warp(block.timestamp + WINDOW);
        propose(0, 1, OTHER);
        vm.expectRevert(abi.encodeWithSelector(ClaimIsContested.selector, 1));
        settlement.finalize(1);
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

    // --- bonds ---

    function test_withdrawCredit_paysOnce() public {
        propose(0, 1, OUTPUT);
        vm.warp(block.timestamp + WINDOW);
        settlement.finalize(1);
        address to = user("elsewhere");
        vm.startPrank(proposer);
        vm.expectEmit();
        emit ISettlement.CreditWithdrawn(proposer, to, BOND);
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
        vm.prank(address(hook));
        settlement.propose{value: BOND}(0, GENESIS_OUTPUT, 1, hash, BLOCK_OUTPUTS, OUTPUT);
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

    function testFuzz_bonds_randomTree_balanceCoversPendingAndCredit(uint256 seed) public {
        uint256 finals;
        for (uint256 i; i < 12; ++i) {
            seed = uint256(keccak256(abi.encode(seed)));
            uint64 parentId = uint64(seed % settlement.claimCount());
            uint64 parentBatch = settlement.claim(parentId).lastBatch;
            if (parentBatch == 3) continue;
            uint64 lastBatch = uint64(parentBatch + 1 + (seed >> 8) % (3 - parentBatch));
            try this.proposeFrom(parentId, lastBatch, bytes32((seed >> 16) % 2 + 1)) {} catch {}
        }
        vm.warp(block.timestamp + WINDOW);
        for (uint64 id = 1; id < settlement.claimCount(); ++id) {
            try settlement.finalize(id) {
                ++finals;
                vm.assertFalse(settlement.isContested(id));
                vm.assertTrue(settlement.isFinal(settlement.claim(id).parentId));
            } catch {}
        }
        vm.assertEq(settlement.credit(proposer), finals * BOND);
        vm.assertEq(address(settlement).balance, (settlement.claimCount() - 1) * BOND);
    }
}
