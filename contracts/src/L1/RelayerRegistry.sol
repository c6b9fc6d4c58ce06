// SPDX-License-Identifier: MIT
pragma solidity 0.8.37;

import {Math} from "@openzeppelin/contracts/utils/math/Math.sol";

import {IAttestationVerifier} from "../interfaces/IAttestationVerifier.sol";
import {IEndpoint} from "../interfaces/IEndpoint.sol";
import {IExodus} from "../interfaces/IExodus.sol";
import {IInbox} from "../interfaces/IInbox.sol";
import {IMessageQueue} from "../interfaces/IMessageQueue.sol";
import {IRelayerRegistry} from "../interfaces/IRelayerRegistry.sol";
import {ISettlement} from "../interfaces/ISettlement.sol";
import {IVault} from "../interfaces/IVault.sol";
import {Attesting} from "../libraries/Attesting.sol";
import "../libraries/Errors.sol";
import {Hashing} from "../libraries/Hashing.sol";
import {Predeploys} from "../libraries/Predeploys.sol";
import {StateProof} from "../libraries/StateProof.sol";
import {Attestation, OutputRootProof} from "../libraries/Types.sol";
import {Credits} from "./Credits.sol";

/// @title RelayerRegistry
/// @notice See {IRelayerRegistry}.
contract RelayerRegistry is IRelayerRegistry, Credits {
    /// @dev Fewer are no crowd; more make proofs dear.
    uint256 private constant MIN_MEMBERS = 4;
    uint256 private constant MAX_MEMBERS = 32;
    /// @dev Percent of the least stake of those who must sign that they may vouch for at a time, on each lane. Of what is
    /// slashed, 90 % is not the reporter's, who can be one of them: 0.9 / 1.25 = 72 % is covered with a quarter to spare;
    /// both lanes draw on it, and twice the limit passes within a window.
    uint256 private constant LIMIT_PERCENT = 18;
    /// @dev Percent of the stake below which no absence takes it: the rest is there to be slashed.
    uint256 private constant LEAST_STAKE_PERCENT = 90;
    /// @dev Percent of the stake that an absence costs.
    uint256 private constant ABSENCE_PERCENT = 2;
    /// @dev Part of what is slashed that is the reporter's.
    uint256 private constant REPORTER_SHARE = 10;
    /// @dev Summonses that can be open at a time: as many as every relayer can surely answer.
    uint256 private constant MOST_SUMMONSES = 32;
    /// @dev L2 gas for the twin of the verifier to take note of a set.
    uint64 private constant TELL_GAS = 300_000;

    struct Relayer {
        uint128 amount;
        uint32 index;
        uint48 joinedAt;
        uint48 leftAt;
    }

    struct Summons {
        address summoner;
        uint48 openedAt;
        uint48 until;
        uint32 count;
    }

    /// @inheritdoc IRelayerRegistry
    uint256 public constant SUMMONS_BOND = 0.01 ether;

    /// @inheritdoc IRelayerRegistry
    address public immutable endpoint;
    /// @inheritdoc IRelayerRegistry
    address public immutable verifier;
    /// @inheritdoc IRelayerRegistry
    address public immutable vault;
    address private immutable _settlement;
    address private immutable _queue;
    uint64 private immutable _l2ChainId;
    /// @inheritdoc IRelayerRegistry
    uint128 public immutable stake;
    /// @inheritdoc IRelayerRegistry
    uint64 public immutable unbonding;
    /// @inheritdoc IRelayerRegistry
    uint64 public immutable overlap;
    /// @inheritdoc IRelayerRegistry
    uint64 public immutable answerPeriod;
    /// @inheritdoc IRelayerRegistry
    bytes32 public immutable domain;

    /// @inheritdoc IRelayerRegistry
    uint64 public setId;
    address[] private _members;
    /// @inheritdoc IRelayerRegistry
    mapping(address account => Relayer) public relayer;
    /// @inheritdoc IRelayerRegistry
    mapping(uint64 nonce => Summons) public summons;
    /// @inheritdoc IRelayerRegistry
    mapping(uint64 nonce => mapping(address account => bool)) public isSettled;
    /// @dev Until when the last summonses are open, each in the place of an older one.
    uint48[MOST_SUMMONSES] private _openUntil;
    uint256 private _summonsCount;

    /// @param endpoint_ L1's end of the lane.
    /// @param verifier_ The AttestationVerifier on L1.
    /// @param vault_ The Vault.
    /// @param settlement_ The Settlement.
    /// @param queue_ The MessageQueue.
    /// @param l2ChainId Chain id of L2.
    /// @param stake_ Wei of a relayer's stake.
    /// @param unbonding_ Seconds for which it stays.
    /// @param overlap_ Seconds for which a set counts after it was replaced.
    /// @param answerPeriod_ Seconds to answer a summons.
    constructor(
        address endpoint_,
        address verifier_,
        address vault_,
        address settlement_,
        address queue_,
        uint64 l2ChainId,
        uint128 stake_,
        uint64 unbonding_,
        uint64 overlap_,
        uint64 answerPeriod_
    ) {
        if (
            endpoint_ == address(0) || verifier_ == address(0) || vault_ == address(0)
                || settlement_ == address(0) || queue_ == address(0)
        ) revert ZeroAddress();
        // Else those who have left could still sign.
        if (stake_ == 0 || overlap_ == 0 || answerPeriod_ == 0 || unbonding_ <= overlap_) {
            revert InvalidParameter();
        }
        (endpoint, verifier, vault, _settlement, _queue) = (endpoint_, verifier_, vault_, settlement_, queue_);
        (_l2ChainId, stake, unbonding, overlap, answerPeriod) =
        (l2ChainId, stake_, unbonding_, overlap_, answerPeriod_);
        domain = Attesting.domain(block.chainid, address(this));
    }

    // --- membership ---

    /// @inheritdoc IRelayerRegistry
    function join() external payable {
        if (msg.value != stake) revert WrongStake(stake, msg.value);
        if (relayer[msg.sender].joinedAt != 0) revert AlreadyMember(msg.sender);
        uint256 index = _members.length;
        if (index == MAX_MEMBERS) revert SetFull(index);
        _members.push(msg.sender);
        relayer[msg.sender] = Relayer(uint128(msg.value), uint32(index), uint48(block.timestamp), 0);
        emit Joined(msg.sender);
        _renew(overlap);
    }

    /// @inheritdoc IRelayerRegistry
    function resign() external {
        if (!_isActive(msg.sender)) revert NotAMember(msg.sender);
        _remove(msg.sender);
        _renew(overlap);
    }

    /// @inheritdoc IRelayerRegistry
    function withdrawStake() external {
        Relayer memory r = relayer[msg.sender];
        if (r.leftAt == 0) revert NotAMember(msg.sender);
        uint256 until = uint256(r.leftAt) + unbonding;
        if (block.timestamp <= until) revert StakeBonded(until);
        delete relayer[msg.sender];
        credit[msg.sender] += r.amount;
    }

    /// @inheritdoc IRelayerRegistry
    function refresh() external {
        uint256 until = uint256(IAttestationVerifier(verifier).toldAt()) + overlap;
        if (block.timestamp <= until) revert SetFresh(until);
        _renew(overlap);
    }

    // --- fraud ---

    /// @inheritdoc IRelayerRegistry
    function slashByL1(Attestation calldata a, bytes calldata signatures) external {
        if (a.chainId != block.chainid) revert UnexpectedChain(uint64(block.chainid), a.chainId);
        if (a.endpoint != endpoint) revert Unauthorized(a.endpoint);
        if (IEndpoint(endpoint).accumulator(a.nonce) == a.accumulator) revert NotContradicted();
        _slashAll(a, signatures);
    }

    /// @inheritdoc IRelayerRegistry
    function slashByL2(
        Attestation calldata a,
        bytes calldata signatures,
        uint64 claimId,
        OutputRootProof calldata p,
        bytes[] calldata accountNodes,
        bytes[] calldata slotNodes
    ) external {
        if (a.chainId != _l2ChainId) revert UnexpectedChain(_l2ChainId, a.chainId);
        if (a.endpoint != Predeploys.ENDPOINT) revert Unauthorized(a.endpoint);
        _checkClaim(a.time, claimId, p);
        bytes32 storageRoot = StateProof.account(p.stateRoot, a.endpoint, accountNodes).storageRoot;
        if (_accumulatorAt(storageRoot, a.nonce, slotNodes) == a.accumulator) revert NotContradicted();
        _slashAll(a, signatures);
    }

    /// @inheritdoc IRelayerRegistry
    function slashByTwo(
        Attestation calldata a,
        Attestation calldata b,
        bytes calldata first,
        bytes calldata second
    ) external {
        bool samePlace =
            a.chainId == b.chainId && a.endpoint == b.endpoint && a.nonce == b.nonce;
        if (!samePlace || a.accumulator == b.accumulator) revert NotContradicted();
        address signer = Attesting.signer(Attesting.digest(domain, a), first, 0);
        if (signer != Attesting.signer(Attesting.digest(domain, b), second, 0)) revert NotContradicted();
        _settleSlashed(_slash(signer));
    }

    // --- sloth ---

    /// @inheritdoc IRelayerRegistry
    function summon(uint64 nonce) external payable {
        if (msg.value != SUMMONS_BOND) revert WrongValue(SUMMONS_BOND, msg.value);
        if (nonce == 0 || nonce > IEndpoint(endpoint).count()) revert UnknownMessage(nonce);
        if (summons[nonce].until != 0) revert AlreadySummoned(nonce);
        uint256 count = _members.length;
        if (count == 0) revert InvalidSet(setId);
        uint48 oldest = _openUntil[_summonsCount % MOST_SUMMONSES];
        if (block.timestamp <= oldest) revert TooManySummonses(oldest);
        uint256 until = block.timestamp + answerPeriod;
        _openUntil[_summonsCount++ % MOST_SUMMONSES] = uint48(until);
        summons[nonce] = Summons(msg.sender, uint48(block.timestamp), uint48(until), uint32(count));
        emit Summoned(nonce, msg.sender, until);
    }

    /// @inheritdoc IRelayerRegistry
    function answer(uint64 nonce, bytes calldata signatures) external {
        Summons memory s = summons[nonce];
        if (block.timestamp > s.until) revert NotSummoned(nonce);
        bytes32 accumulator = IEndpoint(endpoint).accumulator(nonce);
        bytes32 digest =
            Attesting.digest(domain, Attestation(uint64(block.chainid), endpoint, nonce, accumulator, s.openedAt));
        for (uint256 i; i * Attesting.SIGNATURE_LENGTH < signatures.length; ++i) {
            address signer = Attesting.signer(digest, signatures, i);
            if (!_isAwaited(nonce, s, signer)) continue;
            isSettled[nonce][signer] = true;
            credit[signer] += SUMMONS_BOND / s.count;
            emit Answered(nonce, signer);
        }
    }

    /// @inheritdoc IRelayerRegistry
    function reportAbsent(uint64 nonce, address account) external {
        Summons memory s = summons[nonce];
        if (s.until == 0) revert NotSummoned(nonce);
        if (block.timestamp <= s.until) revert AnswerPeriodOpen(s.until);
        if (!_isAwaited(nonce, s, account)) revert NotAbsent(account);
        isSettled[nonce][account] = true;

        uint256 due = uint256(stake) * ABSENCE_PERCENT / 100;
        uint256 penalty = _takePenalty(account, due);
        emit Absent(nonce, account, penalty);
        credit[s.summoner] += SUMMONS_BOND / s.count + penalty / 2;
        if (penalty < due && _isActive(account)) {
            _remove(account);
            _renew(overlap);
        }
        IVault(vault).cover{value: penalty - penalty / 2}();
    }

    // --- views ---

    /// @inheritdoc IRelayerRegistry
    function members() external view returns (address[] memory) {
        return _members;
    }

    /// @inheritdoc IRelayerRegistry
    function thresholdOf(uint256 count) public pure returns (uint8) {
        return count < MIN_MEMBERS ? 0 : uint8(2 * count / 3 + 1);
    }

    /// @inheritdoc IRelayerRegistry
    function limitOf(uint256 threshold) public view returns (uint128) {
        return uint128(threshold * _leastStake() * LIMIT_PERCENT / 100);
    }

    // --- internals ---

    function _leastStake() private view returns (uint256) {
        return uint256(stake) * LEAST_STAKE_PERCENT / 100;
    }

    function _isActive(address account) private view returns (bool) {
        return relayer[account].joinedAt != 0 && relayer[account].leftAt == 0;
    }

    /// @dev From what is owed to a relayer, then from its stake, as long as enough of that stays to be slashed: whoever is to
    /// be slashed could else have it paid out to itself before.
    function _takePenalty(address account, uint256 due) private returns (uint256 penalty) {
        penalty = Math.min(due, credit[account]);
        credit[account] -= penalty;
        Relayer storage r = relayer[account];
        uint256 free = r.amount > _leastStake() ? r.amount - _leastStake() : 0;
        uint256 fromStake = Math.min(due - penalty, free);
        r.amount -= uint128(fromStake);
        penalty += fromStake;
    }

    /// @dev A member when summoned, with a stake, that has neither answered nor been punished.
    function _isAwaited(uint64 nonce, Summons memory s, address account) private view returns (bool) {
        Relayer memory r = relayer[account];
        bool wasMember =
            r.joinedAt != 0 && r.joinedAt < s.openedAt && (r.leftAt == 0 || r.leftAt > s.openedAt);
        return wasMember && r.amount != 0 && !isSettled[nonce][account];
    }

    /// @dev The claim must be final and end later than what was signed: what was so at a second may not have been at the
    /// end of a batch that ends in it. In exodus nothing comes later.
    function _checkClaim(uint64 time, uint64 claimId, OutputRootProof calldata p) private view {
        bytes32 expected = IVault(vault).releaseRoot(claimId);
        bytes32 actual = Hashing.outputRoot(p);
        if (expected != actual) revert UnexpectedOutputRoot(expected, actual);
        (bool started,,,) = IExodus(vault).exodus();
        if (!started && _timeOf(claimId) <= time) revert NotContradicted();
    }

    function _accumulatorAt(bytes32 storageRoot, uint64 nonce, bytes[] calldata nodes)
        private
        pure
        returns (bytes32)
    {
        return bytes32(StateProof.slotOrZero(storageRoot, Hashing.accumulatorSlot(nonce), nodes));
    }

    /// @dev Timestamp of the last L2 block of a claim.
    function _timeOf(uint64 claimId) private view returns (uint64) {
        uint64 lastBatch = ISettlement(_settlement).claim(claimId).lastBatch;
        return IInbox(ISettlement(_settlement).inbox()).batch(lastBatch).timestamp;
    }

    function _slashAll(Attestation calldata a, bytes calldata signatures) private {
        bytes32 digest = Attesting.digest(domain, a);
        uint256 total;
        for (uint256 i; i * Attesting.SIGNATURE_LENGTH < signatures.length; ++i) {
            total += _slash(Attesting.signer(digest, signatures, i));
        }
        _settleSlashed(total);
    }

    /// @dev Takes all of a relayer's stake. Who has none is passed over: else whoever reports one of several first
    /// would save the others.
    function _slash(address account) private returns (uint256 amount) {
        amount = relayer[account].amount;
        if (amount == 0) return 0;
        relayer[account].amount = 0;
        if (_isActive(account)) _remove(account);
        emit Slashed(account, amount, msg.sender);
    }

    /// @dev No set with who lied counts any more. The stake backs what the lie may have taken.
    function _settleSlashed(uint256 total) private {
        if (total == 0) revert NothingToSlash();
        _renew(0);
        uint256 reward = total / REPORTER_SHARE;
        credit[msg.sender] += reward;
        IVault(vault).cover{value: total - reward}();
    }

    function _remove(address account) private {
        uint32 index = relayer[account].index;
        address last = _members[_members.length - 1];
        _members[index] = last;
        relayer[last].index = index;
        _members.pop();
        relayer[account].leftAt = uint48(block.timestamp);
        emit Left(account);
    }

    /// @dev Tells both layers who vouches from now on.
    function _renew(uint64 overlap_) private {
        address[] memory list = _members;
        uint64 id = ++setId;
        uint8 threshold = thresholdOf(list.length);
        uint128 limit = limitOf(threshold);
        emit SetChanged(id, list, threshold, limit, overlap_);
        bytes memory data = abi.encodeCall(
            IAttestationVerifier.tell, (id, keccak256(abi.encode(list)), threshold, limit, overlap_)
        );
        IMessageQueue(_queue).send(Predeploys.ATTESTATION_VERIFIER, 0, TELL_GAS, data);
        IAttestationVerifier(verifier).tell(id, keccak256(abi.encode(list)), threshold, limit, overlap_);
    }
}
