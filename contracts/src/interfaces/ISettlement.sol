// SPDX-License-Identifier: MIT
pragma solidity 0.8.37;

import {Claim} from "../libraries/Types.sol";

/// @title ISettlement
/// @notice Bonded claims of L2 output roots. A claim is final once its window has passed, its parent is final
/// and nobody has made a different claim on the same parent and batch. While two such claims stand, neither
/// can become final.
interface ISettlement {
    /// @notice A claim was made.
    event ClaimProposed(
        uint64 indexed id,
        uint64 indexed parentId,
        uint64 indexed lastBatch,
        bytes32 lastBatchHash,
        bytes32 blockOutputsRoot,
        bytes32 outputRoot,
        address proposer,
        uint256 bond
    );

    /// @notice A claim was made that differs from `rivalId` on the same parent and batch.
    event ClaimContested(uint64 indexed id, uint64 indexed rivalId, uint64 indexed parentId, uint64 lastBatch);

    /// @notice A claim became final.
    event ClaimFinalized(uint64 indexed id, bytes32 indexed outputRoot, uint64 lastBatch);

    /// @notice Credit was paid out.
    event CreditWithdrawn(address indexed account, address indexed to, uint256 amount);

    /// @notice Makes a claim for the batches after the parent's last, up to and including `lastBatch`.
    /// @param parentId Claim to build on; final or pending.
    /// @param parentOutputRoot Output root of that claim. An L1 reorg that gives its number to another claim makes
    /// the call revert.
    /// @param lastBatch Last batch covered.
    /// @param lastBatchHash Hash of that batch. An L1 reorg that puts another in its place makes the call
    /// revert, rather than turn an honest claim into a false one.
    /// @param blockOutputsRoot Merkle root over the output root of every L2 block covered.
    /// @param outputRoot Output root of the last L2 block covered.
    /// @return id Number of the claim.
    function propose(
        uint64 parentId,
        bytes32 parentOutputRoot,
        uint64 lastBatch,
        bytes32 lastBatchHash,
        bytes32 blockOutputsRoot,
        bytes32 outputRoot
    ) external payable returns (uint64 id);

    /// @notice Makes a claim final. From `createdAt + challengeWindow` on, that second included.
    function finalize(uint64 id) external;

    /// @notice Pays the caller's credit to `to`.
    function withdrawCredit(address to) external;

    /// @notice A claim.
    function claim(uint64 id) external view returns (Claim memory);

    /// @notice Claims so far, the genesis claim included.
    function claimCount() external view returns (uint64);

    /// @notice Whether a claim is final.
    function isFinal(uint64 id) external view returns (bool);

    /// @notice Whether rival claims stand on the parent and batch of this claim.
    function isContested(uint64 id) external view returns (bool);

    /// @notice Output root of a final claim; reverts for any other.
    function finalOutputRoot(uint64 id) external view returns (bytes32);

    /// @notice The final claim that covers the latest batch.
    function lastFinalClaim() external view returns (uint64);

    /// @notice L1 time at which the newest batch yet became covered by a final claim; that of the deployment at
    /// first. Claims that became final on batches covered before do not count.
    function lastFinalizedAt() external view returns (uint64);

    /// @notice Number of the claim with exactly this content, or zero.
    function claimIdOf(uint64 parentId, uint64 lastBatch, bytes32 blockOutputsRoot, bytes32 outputRoot)
        external
        view
        returns (uint64);

    /// @notice Wei that `account` may withdraw.
    function credit(address account) external view returns (uint256);

    /// @notice The Inbox whose batches are claimed.
    function inbox() external view returns (address);

    /// @notice Wei posted with each claim.
    function bond() external view returns (uint256);

    /// @notice Seconds for which a claim can be contested.
    function challengeWindow() external view returns (uint64);

    /// @notice Most L2 blocks that one claim may cover.
    function maxClaimBlocks() external view returns (uint64);
}
