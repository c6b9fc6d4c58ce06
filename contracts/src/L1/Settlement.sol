// SPDX-License-Identifier: MIT
pragma solidity 0.8.37;

import {IInbox} from "../interfaces/IInbox.sol";
import {ISettlement} from "../interfaces/ISettlement.sol";
import "../libraries/Errors.sol";
import {Claim, ClaimStatus} from "../libraries/Types.sol";

/// @title Settlement
/// @notice See {ISettlement}.
contract Settlement is ISettlement {
    /// @dev Claims on one parent and batch: how many stand, the first of them, and the one that is final. One
    /// word, so that a dispute can settle it without walking a list.
    struct Contest {
        uint64 claims;
        uint64 first;
        uint64 winner;
    }

    /// @inheritdoc ISettlement
    address public immutable inbox;
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
    mapping(bytes32 parentAndBatch => Contest) private _contests;
    mapping(bytes32 content => uint64 id) private _idOf;
    /// @inheritdoc ISettlement
    mapping(address account => uint256) public credit;

    /// @param inbox_ The Inbox, deployed already.
    /// @param genesisOutputRoot Output root of the L2 genesis block: claim 0, final from the start.
    /// @param bond_ Wei posted with each claim.
    /// @param challengeWindow_ Seconds for which a claim can be contested.
    /// @param maxClaimBlocks_ Most L2 blocks in a claim; not less than in a batch.
    constructor(
        address inbox_,
        bytes32 genesisOutputRoot,
        uint256 bond_,
        uint64 challengeWindow_,
        uint64 maxClaimBlocks_
    ) {
        if (genesisOutputRoot == 0) revert ZeroRoot();
        // A batch that no claim can cover would stop the chain for good.
        if (maxClaimBlocks_ < IInbox(inbox_).maxBatchBlocks()) revert InvalidParameter();
        inbox = inbox_;
        bond = bond_;
        challengeWindow = challengeWindow_;
        maxClaimBlocks = maxClaimBlocks_;

        uint64 time = uint64(block.timestamp);
        lastFinalizedAt = time;
        _claims.push(Claim(0, 0, time, time, address(0), ClaimStatus.Final, 0, genesisOutputRoot));
        emit ClaimFinalized(0, genesisOutputRoot, 0);
    }

    /// @inheritdoc ISettlement
    function propose(
        uint64 parentId,
        bytes32 parentOutputRoot,
        uint64 lastBatch,
        bytes32 lastBatchHash,
        bytes32 blockOutputsRoot,
        bytes32 outputRoot
    ) external payable returns (uint64 id) {
        if (msg.value != bond) revert WrongBond(bond, msg.value);
        if (blockOutputsRoot == 0 || outputRoot == 0) revert ZeroRoot();
        _checkParent(parentId, parentOutputRoot);
        _checkRange(_claims[parentId].lastBatch, lastBatch, lastBatchHash);

        id = uint64(_claims.length);
        bytes32 content = keccak256(abi.encode(parentId, lastBatch, blockOutputsRoot, outputRoot));
        if (_idOf[content] != 0) revert DuplicateClaim(_idOf[content]);
        _idOf[content] = id;

        Contest storage contest = _contests[_contestKey(parentId, lastBatch)];
        if (contest.winner != 0) revert AlreadySettled(contest.winner);
        if (contest.claims == 0) contest.first = id;
        else emit ClaimContested(id, contest.first, parentId, lastBatch);
        ++contest.claims;

        _claims.push(
            Claim(
                parentId,
                lastBatch,
                uint64(block.timestamp),
                0,
                msg.sender,
                ClaimStatus.Pending,
                blockOutputsRoot,
                outputRoot
            )
        );
        emit ClaimProposed(
            id, parentId, lastBatch, lastBatchHash, blockOutputsRoot, outputRoot, msg.sender, msg.value
        );
    }

    /// @inheritdoc ISettlement
    function finalize(uint64 id) external {
        Claim storage c = _at(id);
        if (c.status == ClaimStatus.Final) revert AlreadyFinal(id);
        if (c.status == ClaimStatus.Rejected) revert ClaimRejected(id);
        uint256 end = uint256(c.createdAt) + challengeWindow;
        if (block.timestamp < end) revert WindowOpen(end);
        if (_claims[c.parentId].status != ClaimStatus.Final) revert ParentNotFinal(c.parentId);
        Contest storage contest = _contests[_contestKey(c.parentId, c.lastBatch)];
        if (contest.claims > 1) revert ClaimIsContested(id);

        contest.winner = id;
        c.status = ClaimStatus.Final;
        c.finalizedAt = uint64(block.timestamp);
        credit[c.proposer] += bond;
        if (c.lastBatch > _claims[lastFinalClaim].lastBatch) {
            lastFinalClaim = id;
            lastFinalizedAt = uint64(block.timestamp);
        }
        emit ClaimFinalized(id, c.outputRoot, c.lastBatch);
    }

    /// @inheritdoc ISettlement
    function withdrawCredit(address to) external {
        if (to == address(0)) revert ZeroAddress();
        uint256 amount = credit[msg.sender];
        if (amount == 0) revert NothingToWithdraw();
        credit[msg.sender] = 0;
        emit CreditWithdrawn(msg.sender, to, amount);
        (bool success,) = to.call{value: amount}("");
        if (!success) revert TransferFailed(to);
    }

    /// @inheritdoc ISettlement
    function claim(uint64 id) external view returns (Claim memory) {
        return _at(id);
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
    function isContested(uint64 id) external view returns (bool) {
        Claim storage c = _at(id);
        return _contests[_contestKey(c.parentId, c.lastBatch)].claims > 1;
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
        return _idOf[keccak256(abi.encode(parentId, lastBatch, blockOutputsRoot, outputRoot))];
    }

    function _checkParent(uint64 parentId, bytes32 parentOutputRoot) private view {
        Claim storage parent = _at(parentId);
        if (parent.status == ClaimStatus.Rejected) revert ParentRejected(parentId);
        bytes32 actual = parent.outputRoot;
        if (actual != parentOutputRoot) revert UnexpectedOutputRoot(actual, parentOutputRoot);
    }

    function _checkRange(uint64 parentBatch, uint64 lastBatch, bytes32 lastBatchHash) private view {
        if (lastBatch <= parentBatch) revert NoNewBatch(lastBatch);
        bytes32 actual = IInbox(inbox).batchHash(lastBatch);
        if (actual != lastBatchHash) revert UnexpectedBatchHash(actual, lastBatchHash);
        uint256 blocks =
            uint256(IInbox(inbox).batchLastBlock(lastBatch)) - IInbox(inbox).batchLastBlock(parentBatch);
        if (blocks > maxClaimBlocks) revert TooManyBlocks(blocks, maxClaimBlocks);
    }

    function _contestKey(uint64 parentId, uint64 lastBatch) private pure returns (bytes32) {
        return bytes32(uint256(parentId) << 64 | lastBatch);
    }

    function _at(uint64 id) private view returns (Claim storage) {
        if (id >= _claims.length) revert UnknownClaim(id);
        return _claims[id];
    }
}
