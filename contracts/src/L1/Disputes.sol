// SPDX-License-Identifier: MIT
pragma solidity 0.8.37;

import {IDisputes} from "../interfaces/IDisputes.sol";
import {ISettlement} from "../interfaces/ISettlement.sol";
import "../libraries/Errors.sol";
import {History} from "../libraries/History.sol";
import {
    Challenge,
    ChallengeStatus,
    Claim,
    ClaimStatus,
    Dispute,
    DisputeStatus,
    Move
} from "../libraries/Types.sol";
import {Game} from "./Game.sol";

/// @title Disputes
/// @notice See {IDisputes}. Here is how challenges begin and end, and whose the bonds are; the moves are in Game.
contract Disputes is Game {
    /// @inheritdoc IDisputes
    uint256 public immutable bond;
    /// @inheritdoc IDisputes
    uint64 public immutable defencePeriod;
    /// @inheritdoc IDisputes
    uint64 public immutable maxDuration;

    /// @inheritdoc IDisputes
    uint64 public challengeCount;
    /// @inheritdoc IDisputes
    uint64 public disputeCount;

    /// @param settlement_ The Settlement, deployed already for this address.
    /// @param oracle_ The PreimageOracle, deployed already.
    /// @param stepper_ The RiscvStep, deployed already.
    /// @param codeRoot_ Root of the program's code tree.
    /// @param startState_ Hash of the program's first state.
    /// @param configHash_ Hash of the chain's configuration.
    /// @param bond_ Wei posted with each challenge and each defence.
    /// @param defencePeriod_ Seconds in which a claim can be defended against a challenge.
    /// @param clock_ Seconds that each side has in a dispute.
    constructor(
        address settlement_,
        address oracle_,
        address stepper_,
        bytes32 codeRoot_,
        bytes32 startState_,
        bytes32 configHash_,
        uint256 bond_,
        uint64 defencePeriod_,
        uint64 clock_
    ) Game(settlement_, oracle_, stepper_, codeRoot_, startState_, configHash_, clock_) {
        if (bond_ == 0 || defencePeriod_ == 0) revert InvalidParameter();
        bond = bond_;
        defencePeriod = defencePeriod_;
        // The last defence, both clocks to the end, and the second in which the second of them is over.
        maxDuration = defencePeriod_ + 2 * clock_ + 1;
    }

    /// @inheritdoc IDisputes
    function challenge(uint64 claimId, bytes32 claimHash, bytes32 outputsRoot)
        external
        payable
        returns (uint64 id)
    {
        if (msg.value != bond) revert WrongBond(bond, msg.value);
        ISettlement(settlement).openChallenge(claimId);
        _checkClaim(claimId, claimHash);
        if (outputsRoot == ISettlement(settlement).claim(claimId).blockOutputsRoot) revert SameHistory(outputsRoot);

        id = ++challengeCount;
        Challenge storage c = _challenges[id];
        c.challenger = msg.sender;
        c.status = ChallengeStatus.Open;
        c.claimId = claimId;
        c.openedAt = uint64(block.timestamp);
        c.outputsRoot = outputsRoot;
        emit ChallengeOpened(id, claimId, msg.sender, outputsRoot);
    }

    /// @inheritdoc IDisputes
    function defend(uint64 challengeId, bytes32 claimHash, bytes32[16] calldata opened)
        external
        payable
        returns (uint64 id)
    {
        if (msg.value != bond) revert WrongBond(bond, msg.value);
        Challenge storage c = _openChallenge(challengeId);
        uint256 until = _defenceEnd(c);
        if (block.timestamp > until) revert DefenceOver(until);
        Claim memory claim = ISettlement(settlement).claim(c.claimId);
        if (claim.status == ClaimStatus.Rejected) revert AlreadyRejected(c.claimId);
        if (claim.status == ClaimStatus.Final) revert AlreadyFinal(c.claimId);
        _checkClaim(c.claimId, claimHash);
        _checkNode(claim.blockOutputsRoot, opened);

        ++c.openDisputes;
        id = ++disputeCount;
        Dispute storage d = _disputes[id];
        d.challengeId = challengeId;
        d.defender = msg.sender;
        d.status = DisputeStatus.Open;
        d.next = Move.ChallengerDescends;
        d.turnStart = uint64(block.timestamp);
        d.position = 1;
        d.challengerNode = c.outputsRoot;
        d.defenderNode = claim.blockOutputsRoot;
        d.challengerHistory = c.outputsRoot;
        emit DisputeOpened(id, challengeId, msg.sender, opened);
    }

    /// @inheritdoc IDisputes
    function resolve(uint64 challengeId) external {
        Challenge storage c = _openChallenge(challengeId);
        ClaimStatus status = _claimStatus(c);
        if (status == ClaimStatus.Rejected) {
            _close(challengeId, c, ChallengeStatus.Moot);
            ISettlement(settlement).compensate(c.claimId, c.challenger);
            return;
        }
        if (status == ClaimStatus.Final) {
            _loseToProof(challengeId, c);
            return;
        }
        uint256 until = _defenceEnd(c);
        if (block.timestamp <= until) revert DefenceOpen(until);
        if (c.openDisputes != 0) revert DisputesOpen(c.openDisputes);
        _close(challengeId, c, ChallengeStatus.Won);
        ISettlement(settlement).reject(c.claimId, c.challenger);
    }

    /// @inheritdoc IDisputes
    function agree(uint64 challengeId, bytes32[12] calldata lastLeafProof) external {
        Challenge storage c = _openChallenge(challengeId);
        bytes32 output = ISettlement(settlement).finalOutputRoot(c.claimId);
        (uint64 firstBlock, uint64 lastBlock) = ISettlement(settlement).blocksOf(c.claimId);
        if (History.root(output, lastBlock - firstBlock, lastLeafProof) != c.outputsRoot) {
            revert NotTheLastOutput(output);
        }
        _close(challengeId, c, ChallengeStatus.Moot);
    }

    /// @inheritdoc IDisputes
    function settle(uint64 id) external {
        Dispute storage d = _disputeAt(id);
        if (d.status != DisputeStatus.Open) revert DisputeEnded(id);
        Challenge storage c = _challenges[d.challengeId];
        ClaimStatus status = _claimStatus(c);
        if (c.status == ChallengeStatus.Lost || status == ClaimStatus.Final) {
            _giveUp(id, d, c);
        } else if (status == ClaimStatus.Rejected) {
            _loseDefence(id, d, c);
        } else {
            revert NotDecided(id);
        }
    }

    /// @dev With the claim rejected only the defence can be lost, as `settle` has it: a challenge that is lost must be
    /// taken off the claim, and Settlement refuses that. With the claim proved nothing can be lost here.
    function _end(uint64 id, Dispute storage d, bool challengerWins) internal override {
        uint64 challengeId = d.challengeId;
        Challenge storage c = _challenges[challengeId];
        if (_claimStatus(c) == ClaimStatus.Final) {
            _giveUp(id, d, c);
            return;
        }
        if (challengerWins) {
            _loseDefence(id, d, c);
            return;
        }
        --c.openDisputes;
        credit[d.defender] += bond;
        _forfeit(bond, d.defender);
        _mark(id, d, DisputeStatus.ChallengeLost);
        c.status = ChallengeStatus.Lost;
        emit ChallengeClosed(challengeId, c.claimId, ChallengeStatus.Lost);
        ISettlement(settlement).closeChallenge(c.claimId);
    }

    /// @dev Ends a dispute that is about nothing any more: the defence's bond comes back.
    function _giveUp(uint64 id, Dispute storage d, Challenge storage c) private {
        --c.openDisputes;
        credit[d.defender] += bond;
        _mark(id, d, DisputeStatus.Moot);
    }

    /// @dev A claim with an open challenge is final because it was proved. Only the last output was: who challenged
    /// another part of its history has had the time to say so.
    function _loseToProof(uint64 challengeId, Challenge storage c) private {
        uint256 until = uint256(ISettlement(settlement).claim(c.claimId).finalizedAt) + defencePeriod;
        if (block.timestamp <= until) revert DefenceOpen(until);
        _forfeit(bond, ISettlement(settlement).proverOf(c.claimId));
        c.status = ChallengeStatus.Lost;
        emit ChallengeClosed(challengeId, c.claimId, ChallengeStatus.Lost);
    }

    function _loseDefence(uint64 id, Dispute storage d, Challenge storage c) private {
        --c.openDisputes;
        _forfeit(bond, c.challenger);
        _mark(id, d, DisputeStatus.DefenceLost);
    }

    function _mark(uint64 id, Dispute storage d, DisputeStatus status) private {
        d.status = status;
        emit DisputeClosed(id, d.challengeId, status);
    }

    /// @dev Ends a challenge that was not lost, and gives back its bond.
    function _close(uint64 id, Challenge storage c, ChallengeStatus status) private {
        c.status = status;
        credit[c.challenger] += bond;
        emit ChallengeClosed(id, c.claimId, status);
    }

    function _checkClaim(uint64 id, bytes32 meant) private view {
        bytes32 actual = ISettlement(settlement).claimHash(id);
        if (actual != meant) revert UnexpectedClaim(actual, meant);
    }

    function _openChallenge(uint64 id) private view returns (Challenge storage c) {
        c = _challengeAt(id);
        if (c.status != ChallengeStatus.Open) revert ChallengeEnded(id);
    }

    function _defenceEnd(Challenge storage c) private view returns (uint256) {
        return uint256(c.openedAt) + defencePeriod;
    }

    function _claimStatus(Challenge storage c) private view returns (ClaimStatus) {
        return ISettlement(settlement).claimStatus(c.claimId);
    }
}
