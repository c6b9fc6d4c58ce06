// SPDX-License-Identifier: MIT
pragma solidity 0.8.37;

import {IDisputes} from "../interfaces/IDisputes.sol";
import {IInbox} from "../interfaces/IInbox.sol";
import {ISettlement} from "../interfaces/ISettlement.sol";
import {IValidityVerifier} from "../interfaces/IValidityVerifier.sol";
import "../libraries/Errors.sol";
import {Hashing} from "../libraries/Hashing.sol";
import {History} from "../libraries/History.sol";
import {Claim, ClaimStatus} from "../libraries/Types.sol";
import {Credits} from "./Credits.sol";

/// @title Settlement
/// @notice See {ISettlement}.
contract Settlement is ISettlement, Credits {
    /// @dev Challengers who are compensated for having been slower, and what part of the claim's bond each gets.
    /// Together less than half, so that a claim's author cannot have it all back by challenging it too.
    uint8 private constant SHARES = 4;
    uint256 private constant SHARE = 16;

    /// @inheritdoc ISettlement
    address public immutable inbox;
    /// @inheritdoc ISettlement
    address public immutable disputes;
    /// @inheritdoc ISettlement
    address public immutable validity;
    /// @inheritdoc ISettlement
    uint256 public immutable bond;
    /// @inheritdoc ISettlement
    uint64 public immutable challengeWindow;
    /// @inheritdoc ISettlement
    uint64 public immutable maxClaimBlocks;

    /// @inheritdoc ISettlement
    uint64 public lastFinalClaim;
    /// @inheritdoc ISettlement
    uint64 public lastFinalizedAt;
    Claim[] private _claims;
    mapping(bytes32 content => uint64 id) private _idOf;
    /// @inheritdoc ISettlement
    mapping(uint64 id => address) public winnerOf;
    /// @inheritdoc ISettlement
    mapping(uint64 id => address) public proverOf;

    /// @param inbox_ The Inbox, deployed already.
    /// @param disputes_ Where the Disputes will be, or zero: claims are only taken with a proof.
    /// @param validity_ The ValidityVerifier of that Inbox, deployed already, or zero: proofs are not taken.
    /// @param genesisOutputRoot Output root of the L2 genesis block: claim 0, final from the start.
    /// @param bond_ Wei posted with each claim.
    /// @param challengeWindow_ Seconds for which a claim can be challenged.
    /// @param maxClaimBlocks_ Most L2 blocks in a claim; not less than in a batch, not more than a history has leaves.
    constructor(
        address inbox_,
        address disputes_,
        address validity_,
        bytes32 genesisOutputRoot,
        uint256 bond_,
        uint64 challengeWindow_,
        uint64 maxClaimBlocks_
    ) {
        if (genesisOutputRoot == 0) revert ZeroRoot();
        if (validity_ == address(0)) {
            if (disputes_ == address(0)) revert ZeroAddress();
        } else if (IValidityVerifier(validity_).inbox() != inbox_) {
            revert InvalidParameter();
        }
        // Nobody posts a bond, and nobody waits.
        if (disputes_ == address(0) && (bond_ != 0 || challengeWindow_ != 0)) revert InvalidParameter();
        // A batch that no claim can cover would stop the chain for good.
        if (maxClaimBlocks_ < IInbox(inbox_).maxBatchBlocks() || maxClaimBlocks_ > History.LEAVES) {
            revert InvalidParameter();
        }
        inbox = inbox_;
        disputes = disputes_;
        validity = validity_;
        bond = bond_;
        challengeWindow = challengeWindow_;
        maxClaimBlocks = maxClaimBlocks_;

        uint64 time = uint64(block.timestamp);
        lastFinalizedAt = time;
        Claim memory c;
        c.createdAt = time;
        c.finalizedAt = time;
        c.status = ClaimStatus.Final;
        c.outputRoot = genesisOutputRoot;
        _claims.push(c);
        emit ClaimFinalized(0, genesisOutputRoot, 0);
    }

    modifier onlyDisputes() {
        if (msg.sender != disputes) revert Unauthorized(msg.sender);
        _;
    }

    /// @inheritdoc ISettlement
    function propose(
        uint64 parentId,
        bytes32 parentOutputRoot,
        uint64 lastBatch,
        bytes32 lastBatchHash,
        bytes32 blockOutputsRoot,
        bytes32 outputRoot,
        bytes32[12] calldata lastLeafProof
    ) external payable returns (uint64 id) {
        if (disputes == address(0)) revert ProofRequired();
        if (msg.value != bond) revert WrongBond(bond, msg.value);
        // Zero is what stands past the last block.
        if (outputRoot == 0) revert ZeroRoot();
        _checkParent(parentId, parentOutputRoot);
        uint64 parentBatch = _claims[parentId].lastBatch;
        _checkRange(parentBatch, lastBatch, lastBatchHash);
        uint256 blocks = IInbox(inbox).batchLastBlock(lastBatch) - IInbox(inbox).batchLastBlock(parentBatch);
        if (blocks > maxClaimBlocks) revert TooManyBlocks(blocks, maxClaimBlocks);
        if (History.root(outputRoot, blocks - 1, lastLeafProof) != blockOutputsRoot) {
            revert NotTheLastOutput(outputRoot);
        }
        bytes32 content = _content(parentId, lastBatch, blockOutputsRoot, outputRoot);
        uint64 same = _idOf[content];
        if (same != 0 && _claims[same].status != ClaimStatus.Rejected) revert DuplicateClaim(same);
        id = _store(parentId, lastBatch, lastBatchHash, blockOutputsRoot, outputRoot);
        _idOf[content] = id;
    }

    /// @inheritdoc ISettlement
    function proposeProven(
        uint64 parentId,
        bytes32 parentOutputRoot,
        uint64 lastBatch,
        bytes32 lastBatchHash,
        bytes32 outputRoot,
        address prover,
        bytes calldata proof
    ) external returns (uint64 id) {
        // Any final claim: else a proof of fewer batches that comes first would make this one, and hours of work, useless.
        bytes32 actual = _at(parentId).outputRoot;
        if (actual != parentOutputRoot) revert UnexpectedOutputRoot(actual, parentOutputRoot);
        _checkRange(_claims[parentId].lastBatch, lastBatch, lastBatchHash);
        if (lastBatch <= _claims[lastFinalClaim].lastBatch) revert NoNewBatch(lastBatch);
        // It is final in this transaction: a second one of these batches is refused above, so its content needs no entry.
        id = _store(parentId, lastBatch, lastBatchHash, 0, outputRoot);
        _prove(id, prover, proof);
    }

    /// @inheritdoc ISettlement
    function prove(uint64 id, address prover, bytes calldata proof) external {
        credit[_pending(id).proposer] += bond;
        _prove(id, prover, proof);
    }

    /// @inheritdoc ISettlement
    function refute(uint64 id, uint64 provenId, bytes32 leaf, bytes32[12] calldata leafProof) external {
        address prover = proverOf[provenId];
        if (prover == address(0)) revert NotProven(provenId);
        Claim storage c = _pending(id);
        uint64 proven = IInbox(inbox).batchLastBlock(_claims[provenId].lastBatch);
        (uint64 firstBlock, uint64 lastBlock) = blocksOf(id);
        if (proven < firstBlock || proven > lastBlock) revert BlockNotCovered(proven, firstBlock, lastBlock);
        if (leaf == _claims[provenId].outputRoot) revert SameOutput(leaf);
        if (History.root(leaf, proven - firstBlock, leafProof) != c.blockOutputsRoot) {
            revert NotInHistory(proven, leaf);
        }
        c.shares = SHARES;
        _reject(id, c, prover, false);
    }

    /// @inheritdoc ISettlement
    function finalize(uint64 id) external {
        Claim storage c = _pending(id);
        uint256 end = _windowEnd(c);
        if (block.timestamp < end) revert WindowOpen(end);
        if (c.openChallenges != 0) revert ChallengesOpen(c.openChallenges);
        if (_claims[c.parentId].status != ClaimStatus.Final) revert ParentNotFinal(c.parentId);
        credit[c.proposer] += bond;
        _makeFinal(id, c);
    }

    /// @inheritdoc ISettlement
    function rejectChildren(uint64[] calldata ids) external {
        for (uint256 i; i < ids.length; ++i) {
            uint64 id = ids[i];
            Claim storage c = _at(id);
            if (c.status == ClaimStatus.Rejected) continue;
            uint64 parentId = c.parentId;
            if (_claims[parentId].status != ClaimStatus.Rejected) revert ParentNotRejected(parentId);
            // A parent that is rejected was never final, so neither is its child.
            _reject(id, c, winnerOf[parentId], true);
        }
    }

    // --- for Disputes ---

    /// @inheritdoc ISettlement
    function openChallenge(uint64 id) external onlyDisputes {
        Claim storage c = _pending(id);
        uint256 end = _windowEnd(c);
        if (block.timestamp >= end) revert WindowOver(end);
        if (_claims[c.parentId].status == ClaimStatus.Rejected) revert ParentRejected(c.parentId);
        ++c.openChallenges;
    }

    /// @inheritdoc ISettlement
    function closeChallenge(uint64 id) external onlyDisputes {
        --_pending(id).openChallenges;
    }

    /// @inheritdoc ISettlement
    function reject(uint64 id, address winner) external onlyDisputes {
        Claim storage c = _pending(id);
        c.shares = SHARES;
        _reject(id, c, winner, false);
    }

    /// @inheritdoc ISettlement
    function compensate(uint64 id, address challenger) external onlyDisputes {
        Claim storage c = _at(id);
        if (c.shares == 0) return;
        --c.shares;
        uint256 amount = bond / SHARE;
        burnt -= amount;
        credit[challenger] += amount;
        emit ChallengerCompensated(id, challenger, amount);
    }

    // --- views ---

    /// @inheritdoc ISettlement
    function claim(uint64 id) external view returns (Claim memory) {
        return _at(id);
    }

    /// @inheritdoc ISettlement
    function claimHash(uint64 id) external view returns (bytes32) {
        Claim storage c = _at(id);
        Claim storage parent = _claims[c.parentId];
        uint64 lastBatch = c.lastBatch;
        return Hashing.claimHash(
            parent.outputRoot,
            parent.lastBatch,
            lastBatch,
            IInbox(inbox).batchHash(lastBatch),
            c.blockOutputsRoot,
            c.outputRoot
        );
    }

    /// @inheritdoc ISettlement
    function claimStatus(uint64 id) external view returns (ClaimStatus) {
        return _at(id).status;
    }

    /// @inheritdoc ISettlement
    function blocksOf(uint64 id) public view returns (uint64 firstBlock, uint64 lastBlock) {
        Claim storage c = _at(id);
        firstBlock = IInbox(inbox).batchLastBlock(_claims[c.parentId].lastBatch) + 1;
        lastBlock = IInbox(inbox).batchLastBlock(c.lastBatch);
    }

    /// @inheritdoc ISettlement
    function startOf(uint64 id) external view returns (bytes32) {
        return _claims[_at(id).parentId].outputRoot;
    }

    /// @inheritdoc ISettlement
    function claimCount() external view returns (uint64) {
        return uint64(_claims.length);
    }

    /// @inheritdoc ISettlement
    function isFinal(uint64 id) public view returns (bool) {
        return _at(id).status == ClaimStatus.Final;
    }

    /// @inheritdoc ISettlement
    function finalOutputRoot(uint64 id) external view returns (bytes32) {
        if (!isFinal(id)) revert NotFinal(id);
        return _claims[id].outputRoot;
    }

    /// @inheritdoc ISettlement
    function claimIdOf(uint64 parentId, uint64 lastBatch, bytes32 blockOutputsRoot, bytes32 outputRoot)
        external
        view
        returns (uint64)
    {
        return _idOf[_content(parentId, lastBatch, blockOutputsRoot, outputRoot)];
    }

    /// @inheritdoc ISettlement
    function maxDelay() external view returns (uint64) {
        return disputes == address(0) ? 0 : challengeWindow + IDisputes(disputes).maxDuration();
    }

    // --- internals ---

    function _checkParent(uint64 parentId, bytes32 parentOutputRoot) private view {
        Claim storage parent = _at(parentId);
        if (parent.status == ClaimStatus.Rejected) revert ParentRejected(parentId);
        if (parent.status == ClaimStatus.Final && parentId != lastFinalClaim) {
            revert ParentSuperseded(parentId, lastFinalClaim);
        }
        bytes32 actual = parent.outputRoot;
        if (actual != parentOutputRoot) revert UnexpectedOutputRoot(actual, parentOutputRoot);
    }

    function _checkRange(uint64 parentBatch, uint64 lastBatch, bytes32 lastBatchHash) private view {
        if (lastBatch <= parentBatch) revert NoNewBatch(lastBatch);
        bytes32 actual = IInbox(inbox).batchHash(lastBatch);
        if (actual != lastBatchHash) revert UnexpectedBatchHash(actual, lastBatchHash);
    }

    function _store(
        uint64 parentId,
        uint64 lastBatch,
        bytes32 lastBatchHash,
        bytes32 blockOutputsRoot,
        bytes32 outputRoot
    ) private returns (uint64 id) {
        id = uint64(_claims.length);
        Claim memory c;
        c.parentId = parentId;
        c.lastBatch = lastBatch;
        c.createdAt = uint64(block.timestamp);
        c.proposer = msg.sender;
        c.status = ClaimStatus.Pending;
        c.blockOutputsRoot = blockOutputsRoot;
        c.outputRoot = outputRoot;
        _claims.push(c);
        emit ClaimProposed(
            id, parentId, lastBatch, lastBatchHash, blockOutputsRoot, outputRoot, msg.sender, msg.value
        );
    }

    /// @dev What is proved follows from the parent's output root, so that must be the truth.
    function _prove(uint64 id, address prover, bytes calldata proof) private {
        if (validity == address(0)) revert ProofsNotTaken();
        // Zero is who has proved nothing.
        if (prover == address(0)) revert InvalidParameter();
        Claim storage c = _claims[id];
        Claim storage parent = _claims[c.parentId];
        if (parent.status != ClaimStatus.Final) revert ParentNotFinal(c.parentId);
        IValidityVerifier(validity)
            .verify(parent.lastBatch, c.lastBatch, parent.outputRoot, c.outputRoot, prover, proof);
        proverOf[id] = prover;
        emit ClaimProven(id, prover);
        _makeFinal(id, c);
    }

    function _makeFinal(uint64 id, Claim storage c) private {
        c.status = ClaimStatus.Final;
        c.finalizedAt = uint64(block.timestamp);
        if (c.lastBatch > _claims[lastFinalClaim].lastBatch) {
            lastFinalClaim = id;
            lastFinalizedAt = uint64(block.timestamp);
        }
        emit ClaimFinalized(id, c.outputRoot, c.lastBatch);
    }

    function _reject(uint64 id, Claim storage c, address winner, bool withParent) private {
        c.status = ClaimStatus.Rejected;
        winnerOf[id] = winner;
        _forfeit(bond, winner);
        emit ClaimRejected(id, winner, withParent);
    }

    function _windowEnd(Claim storage c) private view returns (uint256) {
        return uint256(c.createdAt) + challengeWindow;
    }

    function _content(uint64 parentId, uint64 lastBatch, bytes32 blockOutputsRoot, bytes32 outputRoot)
        private
        pure
        returns (bytes32)
    {
        return keccak256(abi.encode(parentId, lastBatch, blockOutputsRoot, outputRoot));
    }

    function _pending(uint64 id) private view returns (Claim storage c) {
        c = _at(id);
        if (c.status == ClaimStatus.Final) revert AlreadyFinal(id);
        if (c.status == ClaimStatus.Rejected) revert AlreadyRejected(id);
    }

    function _at(uint64 id) private view returns (Claim storage) {
        if (id >= _claims.length) revert UnknownClaim(id);
        return _claims[id];
    }
}
