// SPDX-License-Identifier: MIT
pragma solidity 0.8.37;

import {Settlement} from "../src/L1/Settlement.sol";
import {Vault} from "../src/L1/Vault.sol";
import {ISettlement} from "../src/interfaces/ISettlement.sol";
import "../src/libraries/Errors.sol";
import {Claim, ClaimStatus, OutputRootProof, Withdrawal, WithdrawalState} from "../src/libraries/Types.sol";
import {Hashing} from "../src/libraries/Hashing.sol";
import {ProofSystem} from "./utils/ProofSystem.sol";

/// @notice Claims where only proofs make anything final.
contract ValiditySettlementTest is ProofSystem {
    function setUp() public override {
        super.setUp();
        appendBoth();
    }

    function hasDisputes() internal pure override returns (bool) {
        return false;
    }

    function attempt(
        uint64 parentId,
        bytes32 parentRoot,
        uint64 lastBatch,
        bytes32 lastHash,
        bytes32 output,
        bytes memory reason
    ) internal {
        vm.expectRevert(reason);
        settlement.proposeProven(parentId, parentRoot, lastBatch, lastHash, output, prover, proof);
    }

    function refused(uint64 lastBatch, bytes32 output) internal view returns (bytes memory) {
        bytes32 statement = validityVerifier.statement(0, lastBatch, genesisRoot, output, prover);
        return abi.encodeWithSelector(ProofRefused.selector, statement);
    }

    function test_aProof_isFinalAtOnce() public {
        bytes32 hash = inbox.batchHash(2);
        vm.expectEmit();
        emit ISettlement.ClaimProposed(1, 0, 2, hash, 0, lastOutput(), prover, 0);
        vm.expectEmit();
        emit ISettlement.ClaimProven(1, prover);
        vm.expectEmit();
        emit ISettlement.ClaimFinalized(1, lastOutput(), 2);
        vm.assertEq(proposeProven(), 1);

        Claim memory c = settlement.claim(1);
        vm.assertEq(uint256(c.status), uint256(ClaimStatus.Final));
        vm.assertEq(c.parentId, 0);
        vm.assertEq(c.lastBatch, 2);
        vm.assertEq(c.createdAt, block.timestamp);
        vm.assertEq(c.finalizedAt, block.timestamp);
        vm.assertEq(c.proposer, prover);
        vm.assertEq(c.blockOutputsRoot, bytes32(0));
        vm.assertEq(settlement.finalOutputRoot(1), lastOutput());
        vm.assertEq(settlement.lastFinalClaim(), 1);
        vm.assertEq(settlement.lastFinalizedAt(), block.timestamp);
        vm.assertEq(settlement.proverOf(1), prover);
        vm.assertEq(settlement.proverOf(0), address(0));
        vm.assertEq(settlement.claimIdOf(0, 2, 0, lastOutput()), 0);
    }

    /// @dev What was burnt on L2 in the last of the batches is paid in the next transaction.
    function test_aWithdrawal_isPaidAtOnce() public {
        (Withdrawal memory w, OutputRootProof memory p, bytes[] memory storageProof) = sampleWithdrawal();
        vm.assertEq(Hashing.outputRoot(p), lastOutput());
        vm.expectRevert(abi.encodeWithSelector(UnknownClaim.selector, 1));
        vault.release(w, 1, p, storageProof);
        proposeProven();
        vault.release(w, 1, p, storageProof);
        vm.assertEq(w.target.balance, w.value);
        vm.assertEq(w.value, 5000);
        vm.assertEq(uint256(vault.withdrawalState(Hashing.withdrawalHash(w))), uint256(WithdrawalState.Done));
    }

    function test_withoutAProof_noClaim() public {
        bytes32[12] memory leafProof;
        bytes32 hash = inbox.batchHash(2);
        vm.expectRevert(ProofRequired.selector);
        settlement.propose(0, genesisRoot, 2, hash, keccak256("history"), lastOutput(), leafProof);
        vm.assertEq(settlement.claimCount(), 1);
        vm.expectRevert(abi.encodeWithSelector(UnknownClaim.selector, 1));
        settlement.finalize(1);
        vm.expectRevert(abi.encodeWithSelector(AlreadyFinal.selector, 0));
        settlement.prove(0, prover, proof);
    }

    function test_aProofOfSomethingElse_noClaim() public {
        (bytes32 first, bytes32 last) = (inbox.batchHash(1), inbox.batchHash(2));
        attempt(0, genesisRoot, 2, last, outputs[1], refused(2, outputs[1]));
        attempt(0, genesisRoot, 1, first, lastOutput(), refused(1, lastOutput()));
        attempt(0, genesisRoot, 1, first, outputs[1], refused(1, outputs[1]));
        attempt(0, genesisRoot, 2, last, 0, refused(2, 0));
        // Not this parent, batch or chain of batches.
        bytes memory reason =
            abi.encodeWithSelector(UnexpectedOutputRoot.selector, genesisRoot, outputs[1]);
        attempt(0, outputs[1], 2, last, lastOutput(), reason);
        reason = abi.encodeWithSelector(UnexpectedBatchHash.selector, last, first);
        attempt(0, genesisRoot, 2, first, lastOutput(), reason);
        attempt(1, genesisRoot, 2, last, lastOutput(), abi.encodeWithSelector(UnknownClaim.selector, 1));
        attempt(0, genesisRoot, 3, last, lastOutput(), abi.encodeWithSelector(UnknownBatch.selector, 3));
        attempt(0, genesisRoot, 0, last, lastOutput(), abi.encodeWithSelector(NoNewBatch.selector, 0));
        vm.assertEq(settlement.claimCount(), 1);
        vm.assertEq(settlement.lastFinalClaim(), 0);
    }

    /// @dev Copied from a transaction that waits: it is final all the same, and still theirs who proved.
    function test_aCopiedProof_isWhoMadeIts() public {
        bytes32 last = inbox.batchHash(2);
        address thief = user("thief");
        bytes32 statement = validityVerifier.statement(0, 2, genesisRoot, lastOutput(), thief);
        bytes32 output = lastOutput();
        vm.prank(thief);
        vm.expectRevert(abi.encodeWithSelector(ProofRefused.selector, statement));
        settlement.proposeProven(0, genesisRoot, 2, last, output, thief, proof);
        vm.prank(thief);
        settlement.proposeProven(0, genesisRoot, 2, last, output, prover, proof);
        vm.assertEq(settlement.proverOf(1), prover);
        vm.assertEq(settlement.claim(1).proposer, thief);
    }

    /// @dev Zero stands for nobody having proved.
    function test_aProofForNobody_isRefused() public {
        bytes32 last = inbox.batchHash(2);
        bytes32 output = lastOutput();
        vm.expectRevert(InvalidParameter.selector);
        settlement.proposeProven(0, genesisRoot, 2, last, output, address(0), proof);
    }

    function test_replay_changesNothing() public {
        proposeProven();
        bytes32 last = inbox.batchHash(2);
        attempt(0, genesisRoot, 2, last, lastOutput(), abi.encodeWithSelector(NoNewBatch.selector, 2));
        attempt(1, lastOutput(), 2, last, lastOutput(), abi.encodeWithSelector(NoNewBatch.selector, 2));
        vm.expectRevert(abi.encodeWithSelector(AlreadyFinal.selector, 1));
        settlement.prove(1, prover, proof);
        vm.assertEq(settlement.claimCount(), 2);
    }

    /// @dev The generated verifier reads numbers as remainders, so a proof has more than one form. Of the same statement.
    function test_anotherFormOfTheProof_isOfNoUse() public {
        uint256 order = 21888242871839275222246405745257275088548364400416034343698204186575808495617;
        bytes memory changed = bytes.concat(proof);
        assembly {
            let limb := add(changed, 0x20)
            mstore(limb, add(mload(limb), order))
        }
        bytes32 last = inbox.batchHash(2);
        vm.prank(prover);
        settlement.proposeProven(0, genesisRoot, 2, last, lastOutput(), prover, changed);
        attempt(0, genesisRoot, 2, last, lastOutput(), abi.encodeWithSelector(NoNewBatch.selector, 2));
        vm.assertEq(settlement.claimCount(), 2);
    }

    /// @dev L1 lost the batch and has another in its place: the proof is of what is gone.
    function test_afterAReorg_isRefused() public {
        uint256 before = vm.snapshotState();
        proposeProven();
        vm.revertToState(before);
        super.setUp();
        appendFirst();
        appendNext();
        bytes32 other = inbox.batchHash(2);
        attempt(0, genesisRoot, 2, other, lastOutput(), refused(2, lastOutput()));
    }

    function test_bonds_areNotTaken() public {
        bytes32[12] memory leafProof;
        (bytes32 hash, bytes32 output) = (inbox.batchHash(2), lastOutput());
        vm.deal(alice, 1 ether);
        vm.prank(alice);
        vm.expectRevert(ProofRequired.selector);
        settlement.propose{value: 1 ether}(0, genesisRoot, 2, hash, 0, output, leafProof);
        vm.assertEq(settlement.bond(), 0);
    }

    // --- exits ---

    /// @dev Nobody proves: after the delay, which is the time that proofs have, everybody leaves with what is final.
    function test_withoutProofs_theExodusOpens() public {
        uint256 opens = vault.exodusOpensAt();
        vm.assertEq(opens, block.timestamp + EXODUS_DELAY);
        vm.warp(opens);
        vm.expectRevert(abi.encodeWithSelector(ExodusTooEarly.selector, opens));
        vault.startExodus();
        vm.warp(opens + 1);
        vault.startExodus();
    }

    function test_aProof_putsTheExodusOff() public {
        vm.warp(block.timestamp + EXODUS_DELAY);
        proposeProven();
        vm.warp(block.timestamp + 1);
        uint256 opens = block.timestamp - 1 + EXODUS_DELAY;
        vm.expectRevert(abi.encodeWithSelector(ExodusTooEarly.selector, opens));
        vault.startExodus();
        vm.warp(opens + 1);
        vault.startExodus();
    }

    // --- construction ---

    function test_constructor_badParameters_revert() public {
        (address i, address v) = (address(inbox), address(validityVerifier));
        // Nothing would ever be final.
        vm.expectRevert(ZeroAddress.selector);
        new Settlement(i, address(0), address(0), genesisRoot, 0, 0, 2000);
        // Bonds and windows mean nothing without disputes.
        vm.expectRevert(InvalidParameter.selector);
        new Settlement(i, address(0), v, genesisRoot, 1, 0, 2000);
        vm.expectRevert(InvalidParameter.selector);
        new Settlement(i, address(0), v, genesisRoot, 0, 1, 2000);
        // The verifier of another rollup.
        address other = address(createVerifier(address(queue), configHash()));
        vm.expectRevert(InvalidParameter.selector);
        new Settlement(i, address(0), other, genesisRoot, 0, 0, 2000);
        new Settlement(i, address(0), v, genesisRoot, 0, 0, 2000);
    }

    function test_thereAreNoDisputes() public {
        vm.assertEq(settlement.disputes(), address(0));
        vm.assertEq(settlement.maxDelay(), 0);
        proposeProven();
        vm.expectRevert(abi.encodeWithSelector(Unauthorized.selector, address(this)));
        settlement.openChallenge(1);
        vm.expectRevert(abi.encodeWithSelector(Unauthorized.selector, address(this)));
        settlement.reject(1, alice);
    }
}
