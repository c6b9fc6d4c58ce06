// SPDX-License-Identifier: MIT
pragma solidity 0.8.37;

import {Claim, ClaimStatus} from "../libraries/Types.sol";
import {ICredits} from "./ICredits.sol";

/// @title ISettlement
/// @notice Bonded claims of L2 output roots. A claim is final once its window has passed, no challenge of it is open
/// and its parent is final. A challenge that wins (see {IDisputes}) rejects it, and with it all that builds on it.
/// Claims that contradict each other may stand side by side: the false ones are there to be challenged.
///
/// Bonds. A claim that becomes final gets its bond back. Of the bond of a claim that a challenge rejects, half is
/// the winner's; of the other half, the first four other challengers who then settle a challenge of it that was
/// still open get a sixteenth of the bond each (they did the same work and were only slower); the rest is burnt. So
/// whoever proposes what is false and challenges it too loses at least a quarter. Of the bond of a claim that falls
/// with its parent, half goes to whoever won against the parent, and half is burnt.
///
/// Proofs (docs/validity.md). Where there is a {validity}, a proof makes a claim final at once, whatever its age and
/// whoever challenges it; and what was proved refutes every pending claim that says otherwise, for half of its bond.
/// Where there are no {disputes}, claims are only taken with a proof: no bonds, no window, and if no proof comes,
/// nothing becomes final until the exodus.
interface ISettlement is ICredits {
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

    /// @notice A claim became final.
    event ClaimFinalized(uint64 indexed id, bytes32 indexed outputRoot, uint64 lastBatch);

    /// @notice A claim was proved, which makes it final.
    event ClaimProven(uint64 indexed id, address indexed prover);

    /// @notice A claim was rejected: by a challenge of `winner`, or (`withParent`) because its parent was.
    event ClaimRejected(uint64 indexed id, address indexed winner, bool withParent);

    /// @notice The author of a challenge that a faster one made needless was paid a share of the claim's bond.
    event ChallengerCompensated(uint64 indexed id, address indexed challenger, uint256 amount);

    /// @notice Makes a claim for the batches after the parent's last, up to and including `lastBatch`.
    /// @dev The same content on the same parent is refused while it stands, so that two who claim the truth at once do
    /// not both bind a bond. Once it was rejected it can be claimed again, with another bond: it may have been true, and
    /// nobody defended it.
    /// @param parentId Claim to build on: pending, or the last final one.
    /// @param parentOutputRoot Output root of that claim. An L1 reorg that gives its number to another claim makes
    /// the call revert.
    /// @param lastBatch Last batch covered.
    /// @param lastBatchHash Hash of that batch. An L1 reorg that puts another in its place makes the call
    /// revert, rather than turn an honest claim into a false one.
    /// @param blockOutputsRoot Root of the tree of depth 12 over the output roots of the L2 blocks covered, in order,
    /// then zeros; `node = keccak256(left ‖ right)`.
    /// @param outputRoot Output root of the last L2 block covered.
    /// @param lastLeafProof The siblings of that leaf in the tree, from the bottom up.
    /// @return id Number of the claim.
    function propose(
        uint64 parentId,
        bytes32 parentOutputRoot,
        uint64 lastBatch,
        bytes32 lastBatchHash,
        bytes32 blockOutputsRoot,
        bytes32 outputRoot,
        bytes32[12] calldata lastLeafProof
    ) external payable returns (uint64 id);

    /// @notice Makes a claim that is final at once, since it is proved. Any number of batches, no bond, and at least one that no
    /// final claim covers.
    /// @dev Anybody may send a proof: it says for whom it was made.
    /// @param parentId A final claim, the last one or an earlier one.
    /// @param parentOutputRoot As in `propose`.
    /// @param lastBatch Last batch covered.
    /// @param lastBatchHash As in `propose`.
    /// @param outputRoot Output root of the last L2 block covered.
    /// @param prover For whom the proof was made: who has what refuted claims and lost challenges pay. Not zero.
    /// @param proof See {IValidityVerifier}.
    /// @return id Number of the claim. It has no history: its `blockOutputsRoot` is zero.
    function proposeProven(
        uint64 parentId,
        bytes32 parentOutputRoot,
        uint64 lastBatch,
        bytes32 lastBatchHash,
        bytes32 outputRoot,
        address prover,
        bytes calldata proof
    ) external returns (uint64 id);

    /// @notice Proves a pending claim on a final one: it is final, and its bond comes back, whoever challenges it.
    /// @dev Only its last output is proved, not its history. See {IDisputes} on what becomes of challenges.
    /// @param id The claim. An L1 reorg that gives its number to another claim makes the proof one of something else.
    /// @param prover As in `proposeProven`.
    /// @param proof See {IValidityVerifier}.
    function prove(uint64 id, address prover, bytes calldata proof) external;

    /// @notice Rejects a pending claim whose history contradicts a claim that was proved. Its bond is treated as if
    /// whoever proved that had won a challenge.
    /// @param id The claim.
    /// @param provenId The claim that was proved. Its last block is one of those that `id` covers.
    /// @param leaf What the claim's history has for that block instead.
    /// @param leafProof The siblings of that leaf, from the bottom up.
    function refute(uint64 id, uint64 provenId, bytes32 leaf, bytes32[12] calldata leafProof) external;

    /// @notice Makes a claim final. From `createdAt + challengeWindow` on, that second included.
    function finalize(uint64 id) external;

    /// @notice Rejects pending claims whose parents are rejected. Anyone may, in portions of any size and a parent
    /// before its children; those rejected already are passed over. Nothing depends on it but bonds, because a claim
    /// never becomes final before its parent.
    function rejectChildren(uint64[] calldata ids) external;

    /// @notice Counts a challenge of a pending claim. Only {disputes}, before the window is over.
    function openChallenge(uint64 id) external;

    /// @notice Counts a challenge that was lost. Only {disputes}.
    function closeChallenge(uint64 id) external;

    /// @notice Rejects a pending claim that was challenged. Only {disputes}.
    /// @param winner Whose challenge it was.
    function reject(uint64 id, address winner) external;

    /// @notice Pays, while there is some left, the share of a challenger whose challenge was open when another one
    /// won. Only {disputes}. Does nothing if the claim fell with its parent.
    function compensate(uint64 id, address challenger) external;

    /// @notice A claim.
    function claim(uint64 id) external view returns (Claim memory);

    /// @notice Hash of what a claim says and of all that this depends on: `keccak256(abi.encode(` output root and last
    /// batch of its parent, its last batch and that one's hash, `blockOutputsRoot`, `outputRoot` `))`. Whoever judged a
    /// claim names it by this, since an L1 reorg can give its number to another one, or put the same words on another
    /// parent, where they are about other blocks.
    function claimHash(uint64 id) external view returns (bytes32);

    /// @notice Where a claim stands.
    function claimStatus(uint64 id) external view returns (ClaimStatus);

    /// @notice The L2 blocks that a claim covers, both ends included. Of the genesis claim, which covers none, 1 to 0.
    function blocksOf(uint64 id) external view returns (uint64 firstBlock, uint64 lastBlock);

    /// @notice Output root of the block before the first that a claim covers: that of its parent.
    function startOf(uint64 id) external view returns (bytes32);

    /// @notice Claims so far, the genesis claim included.
    function claimCount() external view returns (uint64);

    /// @notice Whether a claim is final.
    function isFinal(uint64 id) external view returns (bool);

    /// @notice Output root of a final claim; reverts for any other.
    function finalOutputRoot(uint64 id) external view returns (bytes32);

    /// @notice The final claim that covers the latest batch.
    function lastFinalClaim() external view returns (uint64);

    /// @notice L1 time at which the newest batch yet became covered by a final claim; that of the deployment at
    /// first. Claims that became final on batches covered before do not count.
    function lastFinalizedAt() external view returns (uint64);

    /// @notice Who won against a claim, or against the one it fell with. Zero unless it is rejected.
    function winnerOf(uint64 id) external view returns (address);

    /// @notice Who proved a claim. Zero if nobody did.
    function proverOf(uint64 id) external view returns (address);

    /// @notice Number of the newest claim with exactly this content that was made with a bond, or zero.
    function claimIdOf(uint64 parentId, uint64 lastBatch, bytes32 blockOutputsRoot, bytes32 outputRoot)
        external
        view
        returns (uint64);

    /// @notice The Inbox whose batches are claimed.
    function inbox() external view returns (address);

    /// @notice The contract that verifies proofs, or zero.
    function validity() external view returns (address);

    /// @notice The contract that judges challenges, or zero.
    function disputes() external view returns (address);

    /// @notice Wei posted with each claim.
    function bond() external view returns (uint256);

    /// @notice Seconds for which a claim can be challenged.
    function challengeWindow() external view returns (uint64);

    /// @notice Seconds from a claim's proposal after which anyone can have it final or rejected, whatever anybody
    /// does, once its parent is: the window and the longest challenge. Zero where claims are proved when they are made.
    function maxDelay() external view returns (uint64);

    /// @notice Most L2 blocks that one claim may cover.
    function maxClaimBlocks() external view returns (uint64);
}
