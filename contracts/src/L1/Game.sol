// SPDX-License-Identifier: MIT
pragma solidity 0.8.37;

import {Multicall} from "@openzeppelin/contracts/utils/Multicall.sol";

import {IDisputes} from "../interfaces/IDisputes.sol";
import {IInbox} from "../interfaces/IInbox.sol";
import {IRiscvStep} from "../interfaces/IRiscvStep.sol";
import {ISettlement} from "../interfaces/ISettlement.sol";
import "../libraries/Errors.sol";
import {History} from "../libraries/History.sol";
import {RiscvState} from "../libraries/RiscvState.sol";
import {Challenge, ChallengeStatus, Commitment, Dispute, DisputeStatus, Move} from "../libraries/Types.sol";
import {Credits} from "./Credits.sol";

/// @title Game
/// @notice The moves of {IDisputes}. What a dispute's end means for bonds and claims is in Disputes.
abstract contract Game is IDisputes, Credits, Multicall {
    uint8 private constant LAST_STAGE = 3;
    uint64 private constant LAST_LEAF = uint64(History.LEAVES - 1);

    // Where a machine's state has its status and its exit code.
    uint256 private constant STATUS = 48;
    uint256 private constant EXIT_CODE = 49;

    /// @inheritdoc IDisputes
    address public immutable settlement;
    /// @inheritdoc IDisputes
    address public immutable inbox;
    /// @inheritdoc IDisputes
    address public immutable oracle;
    /// @inheritdoc IDisputes
    address public immutable stepper;
    /// @inheritdoc IDisputes
    bytes32 public immutable codeRoot;
    /// @inheritdoc IDisputes
    bytes32 public immutable startState;
    /// @inheritdoc IDisputes
    bytes32 public immutable configHash;
    /// @inheritdoc IDisputes
    uint64 public immutable clock;

    mapping(uint64 id => Challenge) internal _challenges;
    mapping(uint64 id => Dispute) internal _disputes;

    constructor(
        address settlement_,
        address oracle_,
        address stepper_,
        bytes32 codeRoot_,
        bytes32 startState_,
        bytes32 configHash_,
        uint64 clock_
    ) {
        if (ISettlement(settlement_).disputes() != address(this)) {
            revert InvalidParameter();
        }
        // Steps that cannot be executed would be lost by whoever must have them executed: the challenger.
        if (oracle_.code.length == 0 || stepper_.code.length == 0) revert InvalidParameter();
        if (codeRoot_ == 0 || startState_ == 0 || configHash_ == 0 || clock_ == 0) revert InvalidParameter();
        settlement = settlement_;
        inbox = ISettlement(settlement_).inbox();
        oracle = oracle_;
        stepper = stepper_;
        codeRoot = codeRoot_;
        startState = startState_;
        configHash = configHash_;
        clock = clock_;
    }

    /// @inheritdoc IDisputes
    function descend(
        uint64 id,
        bytes32[16] calldata theirs,
        bytes32[16] calldata ours,
        bytes32[16] calldata next
    ) external {
        Dispute storage d = _running(id);
        if (d.next == Move.ChallengerDescends) {
            _charge(d);
            uint256 child = _part(d, ours, theirs);
            _checkNode(ours[child], next);
            d.next = Move.DefenderDescends;
        } else if (d.next == Move.DefenderDescends) {
            _charge(d);
            uint256 child = _part(d, theirs, ours);
            _checkNode(ours[child], next);
            d.next = Move.ChallengerReachesLeaf;
        } else {
            revert UnexpectedMove(uint8(d.next));
        }
        emit Descended(id, d.position, d.next, d.challengerNode, d.defenderNode, next);
    }

    /// @inheritdoc IDisputes
    function descendToLeaf(
        uint64 id,
        bytes32[16] calldata theirs,
        bytes32[16] calldata ours,
        bytes32 agreed,
        bytes32[12] calldata agreedProof,
        uint64 batch
    ) external {
        Dispute storage d = _running(id);
        _expect(d, Move.ChallengerReachesLeaf);
        _charge(d);
        _part(d, ours, theirs);
        if (d.stage == 0) {
            _reachBlock(id, d, agreed, agreedProof, batch);
            return;
        }
        _checkAgreed(d, d.agreed, agreed, agreedProof);
        d.agreed = agreed;
        d.next = d.stage == LAST_STAGE ? Move.ChallengerProves : Move.ChallengerCommits;
        emit LeafReached(id, d.position, d.challengerNode, d.defenderNode, agreed, d.statement);
    }

    /// @inheritdoc IDisputes
    function commit(uint64 id, Commitment calldata commitment) external {
        Dispute storage d = _running(id);
        if (msg.sender != _challenges[d.challengeId].challenger) revert Unauthorized(msg.sender);
        _expect(d, Move.ChallengerCommits);
        _charge(d);
        _checkCommitment(d, commitment, d.challengerNode, false);
        d.challengerNode = commitment.history;
        d.challengerHistory = commitment.history;
        d.next = Move.DefenderCommits;
        emit ChallengerCommitted(id, d.stage + 1, commitment.history);
    }

    /// @inheritdoc IDisputes
    function commitAndOpen(uint64 id, Commitment calldata commitment, bytes32[16] calldata opened) external {
        Dispute storage d = _running(id);
        if (msg.sender != d.defender) revert Unauthorized(msg.sender);
        _expect(d, Move.DefenderCommits);
        _charge(d);
        _checkCommitment(d, commitment, d.defenderNode, true);
        _checkNode(commitment.history, opened);
        d.defenderNode = commitment.history;
        uint8 stage = ++d.stage;
        d.next = Move.ChallengerDescends;
        emit DefenderCommitted(id, stage, commitment.history, opened);
    }

    /// @inheritdoc IDisputes
    function prove(uint64 id, bytes calldata state, bytes calldata code, bytes calldata mem) external {
        Dispute storage d = _running(id);
        _expect(d, Move.ChallengerProves);
        _charge(d);
        bytes32 actual = keccak256(state);
        if (actual != d.agreed) revert UnexpectedAgreement(d.agreed, actual);
        bytes32 next = IRiscvStep(stepper).step(codeRoot, d.statement, oracle, state, code, mem);
        _end(id, d, next == d.challengerNode);
    }

    /// @inheritdoc IDisputes
    function timeout(uint64 id) external {
        Dispute storage d = _running(id);
        uint256 until = _deadline(d);
        if (block.timestamp <= until) revert ClockRunning(until);
        _end(id, d, _isDefendersTurn(d));
    }

    /// @inheritdoc IDisputes
    function challengeOf(uint64 id) external view returns (Challenge memory) {
        return _challengeAt(id);
    }

    /// @inheritdoc IDisputes
    function disputeOf(uint64 id) external view returns (Dispute memory) {
        return _disputeAt(id);
    }

    /// @inheritdoc IDisputes
    function deadline(uint64 id) external view returns (uint256) {
        return _deadline(_running(id));
    }

    /// @dev Ends a dispute for good.
    function _end(uint64 id, Dispute storage d, bool challengerWins) internal virtual;

    /// @dev The leaf of stage 0: a block of the claim, and what the program is to judge about it.
    function _reachBlock(
        uint64 id,
        Dispute storage d,
        bytes32 agreed,
        bytes32[12] calldata agreedProof,
        uint64 batch
    ) private {
        uint64 claimId = _challenges[d.challengeId].claimId;
        (uint64 blockNumber, uint64 lastBlock) = ISettlement(settlement).blocksOf(claimId);
        blockNumber += d.position & LAST_LEAF;
        bytes32 challengerLeaf = d.challengerNode;
        bytes32 defenderLeaf = d.defenderNode;
        // Nothing is to be executed there: whatever is not zero is false.
        if (blockNumber > lastBlock) {
            emit LeafReached(id, d.position, challengerLeaf, defenderLeaf, 0, 0);
            _end(id, d, challengerLeaf == 0);
            return;
        }

        _checkAgreed(d, ISettlement(settlement).startOf(claimId), agreed, agreedProof);
        bytes32 batchHash = _batchHash(batch, blockNumber);
        bytes32 statement = keccak256(abi.encode(agreed, defenderLeaf, batchHash, blockNumber, configHash));
        d.statement = statement;
        d.agreed = startState;
        d.next = Move.ChallengerCommits;
        emit LeafReached(id, d.position, challengerLeaf, defenderLeaf, agreed, statement);
    }

    function _batchHash(uint64 batch, uint64 blockNumber) private view returns (bytes32) {
        IInbox batches = IInbox(inbox);
        if (
            batch == 0 || blockNumber <= batches.batchLastBlock(batch - 1)
                || blockNumber > batches.batchLastBlock(batch)
        ) revert BlockNotInBatch(blockNumber, batch);
        return batches.batchHash(batch);
    }

    /// @dev Goes down to the first of the opened nodes that differ.
    /// @return child Which of them that is.
    function _part(Dispute storage d, bytes32[16] calldata challengers, bytes32[16] calldata defenders)
        private
        returns (uint256 child)
    {
        _checkNode(d.challengerNode, challengers);
        _checkNode(d.defenderNode, defenders);
        child = History.firstDifference(challengers, defenders);
        d.position = d.position << 4 | uint64(child);
        d.challengerNode = challengers[child];
        d.defenderNode = defenders[child];
    }

    /// @dev Up to the first leaf that differs the two histories are the same, so the leaf before it may be shown in
    /// either.
    function _checkAgreed(Dispute storage d, bytes32 start, bytes32 agreed, bytes32[12] calldata agreedProof)
        private
        view
    {
        uint256 leaf = d.position & LAST_LEAF;
        if (leaf == 0) {
            if (agreed != start) revert UnexpectedAgreement(start, agreed);
            return;
        }
        _checkRoot(d.challengerHistory, History.root(agreed, leaf - 1, agreedProof));
    }

    /// @param leaf The side's leaf of the stage before.
    /// @param byDefender Whether the history of stage 1 has to end in exit 0, or must not.
    function _checkCommitment(Dispute storage d, Commitment calldata c, bytes32 leaf, bool byDefender)
        private
        view
    {
        if (c.statement != d.statement) revert UnexpectedStatement(d.statement, c.statement);
        if (c.position != d.position) revert UnexpectedPosition(d.position, c.position);
        bytes calldata state = c.finalState;
        if (d.stage == 0) {
            if (state.length != RiscvState.LENGTH) revert InvalidStateLength(state.length);
            bool holds = uint8(state[STATUS]) == RiscvState.EXITED && bytes8(state[EXIT_CODE:]) == 0;
            if (holds != byDefender) revert InvalidFinalState();
            leaf = keccak256(state);
        } else if (state.length != 0) {
            revert InvalidStateLength(state.length);
        }
        _checkRoot(c.history, History.root(leaf, LAST_LEAF, c.lastProof));
    }

    function _checkRoot(bytes32 expected, bytes32 actual) private pure {
        if (actual != expected) revert UnexpectedRoot(expected, actual);
    }

    /// @dev The 16 nodes four levels under `node` must be these.
    function _checkNode(bytes32 node, bytes32[16] calldata opened) internal pure {
        bytes32 actual = History.node(opened);
        if (actual != node) revert UnexpectedNode(node, actual);
    }

    function _expect(Dispute storage d, Move move) private view {
        if (d.next != move) revert UnexpectedMove(uint8(d.next));
    }

    /// @dev Charges the side in turn for the time it took.
    function _charge(Dispute storage d) private {
        uint256 until = _deadline(d);
        if (block.timestamp > until) revert ClockExpired(until);
        uint64 time = uint64(block.timestamp);
        uint64 taken = time - d.turnStart;
        if (_isDefendersTurn(d)) d.defenderTime += taken;
        else d.challengerTime += taken;
        d.turnStart = time;
    }

    function _deadline(Dispute storage d) private view returns (uint256) {
        return uint256(d.turnStart) + clock - (_isDefendersTurn(d) ? d.defenderTime : d.challengerTime);
    }

    function _isDefendersTurn(Dispute storage d) private view returns (bool) {
        return d.next == Move.DefenderDescends || d.next == Move.DefenderCommits;
    }

    /// @dev A dispute in which moves still count.
    function _running(uint64 id) private view returns (Dispute storage d) {
        d = _disputeAt(id);
        if (d.status != DisputeStatus.Open) revert DisputeEnded(id);
        if (_challenges[d.challengeId].status != ChallengeStatus.Open) revert ChallengeEnded(d.challengeId);
    }

    function _challengeAt(uint64 id) internal view returns (Challenge storage c) {
        c = _challenges[id];
        if (c.status == ChallengeStatus.None) revert UnknownChallenge(id);
    }

    function _disputeAt(uint64 id) internal view returns (Dispute storage d) {
        d = _disputes[id];
        if (d.status == DisputeStatus.None) revert UnknownDispute(id);
    }
}
