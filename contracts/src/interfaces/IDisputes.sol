// SPDX-License-Identifier: MIT
pragma solidity 0.8.37;

import {Challenge, Commitment, Dispute, DisputeStatus, ChallengeStatus, Move} from "../libraries/Types.sol";
import {ICredits} from "./ICredits.sol";

/// @title IDisputes
/// @notice Challenges of claims and the game that decides them, docs/fault-proofs.md §3 and §4. A challenge is
/// another history of a claim's blocks. Whoever defends the claim opens a dispute with it, in which the two sides
/// descend to the first block, then to the first step of its execution, at which they part; L1 executes that step.
///
/// A commitment fixes every move up to the next one. So only commitments are reserved to those whose bonds they can
/// lose; everything else may be played by anyone, for either side, and what is won goes to the side.
///
/// Several calls that carry no ETH fit one: `multicall`.
///
/// The order of moves, over stages 0 (blocks), 1 (strides of 2^24 steps), 2 (of 2^12 steps) and 3 (steps):
/// `challenge`, `defend`, then in each stage `descend` (challenger), `descend` (defender), `descendToLeaf`
/// (challenger), after which the challenger and the defender commit to the next stage (`commit`, `commitAndOpen`),
/// or in the last one the step is executed (`prove`).
///
/// Clocks. Each side has `clock` seconds in a dispute for all its moves. A move counts if, with it, the side has used
/// no more; from the second after, and not before, `timeout` ends the dispute.
///
/// Bonds. A dispute that the defender wins closes the challenge: half the challenger's bond is the defender's, half
/// is burnt; other defenders of that claim against that challenge get theirs back (`settle`). A defender who loses
/// leaves half to the challenger, and half is burnt. When a claim is rejected, challenges of it that are still open
/// get their bonds back (`resolve`), and defences against them are lost (`settle`): they defended a false claim.
///
/// Proofs. A claim that is proved while it is challenged is final. Its disputes end with nothing lost for the defence
/// (`settle`). A proof is of the claim's last output only, so who challenged another part of its history shows that both
/// agree on the last output and gets the bond back (`agree`); after `defencePeriod` without that the challenge is lost
/// (`resolve`), half to whoever proved the claim, half burnt.
interface IDisputes is ICredits {
    /// @notice A claim was challenged.
    /// @param outputsRoot The challenger's history of the claim's blocks.
    event ChallengeOpened(
        uint64 indexed id, uint64 indexed claimId, address indexed challenger, bytes32 outputsRoot
    );

    /// @notice A challenge ended.
    event ChallengeClosed(uint64 indexed id, uint64 indexed claimId, ChallengeStatus status);

    /// @notice A claim was defended. It is the challenger's turn.
    /// @param opened Nodes 4 levels under the root of the claim's history.
    event DisputeOpened(
        uint64 indexed id, uint64 indexed challengeId, address indexed defender, bytes32[16] opened
    );

    /// @notice A side descended four levels.
    /// @param position Where the two sides stand now, see {Dispute}.
    /// @param next The move that is awaited now, of the other side.
    /// @param challengerNode The challenger's node there.
    /// @param defenderNode The defender's.
    /// @param opened Nodes 4 levels under the node of the side that moved.
    event Descended(
        uint64 indexed id,
        uint64 position,
        Move next,
        bytes32 challengerNode,
        bytes32 defenderNode,
        bytes32[16] opened
    );

    /// @notice The two sides stand at a leaf. It is still the challenger's turn: to commit to the next stage, or in
    /// the last stage to have the step executed.
    /// @param agreed What both agree on before the leaf: an output root in stage 0, else the hash of a state.
    /// @param statement What the program is to judge; zero if the leaf is past the claim's last block.
    event LeafReached(
        uint64 indexed id,
        uint64 position,
        bytes32 challengerLeaf,
        bytes32 defenderLeaf,
        bytes32 agreed,
        bytes32 statement
    );

    /// @notice The challenger committed to its history of the next stage. It is the defender's turn to do so.
    event ChallengerCommitted(uint64 indexed id, uint8 stage, bytes32 history);

    /// @notice The defender committed to its history of the same stage. It is the challenger's turn to descend.
    /// @param opened Nodes 4 levels under the root of that history.
    event DefenderCommitted(uint64 indexed id, uint8 stage, bytes32 history, bytes32[16] opened);

    /// @notice A dispute ended.
    event DisputeClosed(uint64 indexed id, uint64 indexed challengeId, DisputeStatus status);

    /// @notice Challenges a claim, with the bond, before its window is over.
    /// @param claimId The claim.
    /// @param claimHash Its hash, see {ISettlement}. An L1 reorg that puts another claim in its place, or the same
    /// words on another parent or other batches, makes the call revert rather than turn a true history into a false one.
    /// @param outputsRoot The challenger's history of the same blocks.
    /// @return id Number of the challenge, from 1.
    function challenge(uint64 claimId, bytes32 claimHash, bytes32 outputsRoot) external payable returns (uint64 id);

    /// @notice Defends a claim against a challenge, with the bond, up to `openedAt + defencePeriod`, that second
    /// included. Anyone may.
    /// @param challengeId The challenge.
    /// @param claimHash Hash of the claim; as in `challenge`.
    /// @param opened The 16 nodes 4 levels under the root of the claim's history, from the left.
    /// @return id Number of the dispute, from 1.
    function defend(uint64 challengeId, bytes32 claimHash, bytes32[16] calldata opened)
        external
        payable
        returns (uint64 id);

    /// @notice Descends four levels, to the first node at which the two sides part. For the side whose turn it is,
    /// by anyone.
    /// @param id The dispute.
    /// @param theirs What the other side opened in its last move.
    /// @param ours The 16 nodes 4 levels under this side's node, from the left.
    /// @param next What this side opens: the 16 nodes 4 levels under the first of `ours` that is not in `theirs`.
    function descend(
        uint64 id,
        bytes32[16] calldata theirs,
        bytes32[16] calldata ours,
        bytes32[16] calldata next
    ) external;

    /// @notice Descends the last four levels of a stage, to the first leaf at which the two sides part. For the
    /// challenger, whose turn it remains, by anyone.
    /// @dev In stage 0 the leaf is a block, and the statement that the program is to judge is made here: from what
    /// both agree on, the defender's leaf, and the block's batch and number. If the leaf is past the claim's last
    /// block, the dispute ends, whatever is given as agreed: the defence is lost if the challenger's leaf is zero, else
    /// the challenge.
    /// @param id The dispute.
    /// @param theirs The 16 leaves that the defender opened in its last move.
    /// @param ours The 16 leaves under the challenger's node, from the left.
    /// @param agreed The leaf before, or if there is none in this stage what the stage starts from: the parent claim's
    /// output root, the program's first state, or the state agreed on in the stage before.
    /// @param agreedProof The siblings of that leaf in the challenger's history, from the bottom up. Ignored if there
    /// is no leaf before.
    /// @param batch In stage 0 the batch of the block, else ignored.
    function descendToLeaf(
        uint64 id,
        bytes32[16] calldata theirs,
        bytes32[16] calldata ours,
        bytes32 agreed,
        bytes32[12] calldata agreedProof,
        uint64 batch
    ) external;

    /// @notice Commits to the challenger's history of the next stage. Only the challenger.
    /// @param id The dispute.
    /// @param commitment The history, and what it ends in: in stage 1 a state that has not exited with 0, else the
    /// challenger's leaf.
    function commit(uint64 id, Commitment calldata commitment) external;

    /// @notice Commits to the defender's history of the same stage and opens it. Only the defender.
    /// @param id The dispute.
    /// @param commitment The history, and what it ends in: in stage 1 a state that has exited with 0, else the
    /// defender's leaf.
    /// @param opened The 16 nodes 4 levels under its root, from the left.
    function commitAndOpen(uint64 id, Commitment calldata commitment, bytes32[16] calldata opened) external;

    /// @notice Executes the step that the two sides part at. The defence is lost if it leads to the challenger's leaf,
    /// else the challenge. By anyone.
    /// @param id The dispute.
    /// @param state The state that both agree on, 305 bytes.
    /// @param code See {IRiscvStep}.
    /// @param mem See {IRiscvStep}.
    function prove(uint64 id, bytes calldata state, bytes calldata code, bytes calldata mem) external;

    /// @notice Ends a dispute in which the side whose turn it is has used more than `clock`. By anyone.
    function timeout(uint64 id) external;

    /// @notice Ends a challenge that no defence stands against, once `defencePeriod` is over: its claim is rejected. If
    /// the claim was rejected already, gives back the bond, at any time. If the claim was proved, the challenge is lost,
    /// once `defencePeriod` since then is over. By anyone.
    function resolve(uint64 challengeId) external;

    /// @notice Ends a challenge of a claim that was proved, with its bond back: its history ends in the same output. By
    /// anyone.
    /// @param challengeId The challenge.
    /// @param lastLeafProof The siblings of that output in the challenger's history, from the bottom up.
    function agree(uint64 challengeId, bytes32[12] calldata lastLeafProof) external;

    /// @notice Ends a dispute whose outcome no longer matters: its challenge is lost or its claim was proved (the
    /// defender's bond comes back), or its claim was rejected (the defence is lost). By anyone.
    function settle(uint64 id) external;

    /// @notice A challenge.
    function challengeOf(uint64 id) external view returns (Challenge memory);

    /// @notice A dispute, all of it.
    function disputeOf(uint64 id) external view returns (Dispute memory);

    /// @notice The last second in which the side whose turn it is can move.
    function deadline(uint64 id) external view returns (uint256);

    /// @notice Challenges so far. They are numbered from 1.
    function challengeCount() external view returns (uint64);

    /// @notice Disputes so far. They are numbered from 1.
    function disputeCount() external view returns (uint64);

    /// @notice Seconds from a challenge's opening after which anyone can have it ended, whatever anybody does.
    function maxDuration() external view returns (uint64);

    /// @notice The contract whose claims are judged.
    function settlement() external view returns (address);

    /// @notice The Inbox with the batches that the claims cover.
    function inbox() external view returns (address);

    /// @notice The {IPreimageOracle} that steps read from.
    function oracle() external view returns (address);

    /// @notice The {IRiscvStep} that executes steps.
    function stepper() external view returns (address);

    /// @notice Root of the program's code tree.
    function codeRoot() external view returns (bytes32);

    /// @notice Hash of the program's first state.
    function startState() external view returns (bytes32);

    /// @notice Hash of the chain's configuration, a part of every statement.
    function configHash() external view returns (bytes32);

    /// @notice Wei posted with each challenge and each defence.
    function bond() external view returns (uint256);

    /// @notice Seconds from a challenge's opening in which the claim can be defended.
    function defencePeriod() external view returns (uint64);

    /// @notice Seconds that each side has for its moves in a dispute.
    function clock() external view returns (uint64);
}
