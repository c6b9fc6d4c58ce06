// SPDX-License-Identifier: MIT
pragma solidity 0.8.37;

import {Credits} from "../L1/Credits.sol";
import {IAttestationVerifier} from "../interfaces/IAttestationVerifier.sol";
import {IEndpoint} from "../interfaces/IEndpoint.sol";
import {IExodus} from "../interfaces/IExodus.sol";
import {IVault} from "../interfaces/IVault.sol";
import {IVerifier} from "../interfaces/IVerifier.sol";
import {Attesting} from "../libraries/Attesting.sol";
import "../libraries/Errors.sol";
import {Predeploys} from "../libraries/Predeploys.sol";
import {Attestation, Message} from "../libraries/Types.sol";

/// @title AttestationVerifier
/// @notice See {IAttestationVerifier}.
/// @dev What is set here at construction is set on L2 by the genesis. Slots 0 and 1 are those of Credits.
contract AttestationVerifier is IAttestationVerifier, Credits {
    /// @dev Of a message's fee, for those who signed.
    uint256 private constant SIGNERS_SHARE = 2;

    struct Set {
        bytes32 membersHash;
        uint128 limit;
        uint64 validUntil;
        uint8 threshold;
    }

    /// @dev Fills with what is vouched for, and empties by a set's limit within a window: what passes within any window is
    /// no more than twice the limit.
    struct Bucket {
        uint128 level;
        uint64 updatedAt;
        /// Sets before this one do not count.
        uint64 oldestSet;
    }

    /// @inheritdoc IAttestationVerifier
    bytes1 public constant PROVED = 0x00;
    /// @inheritdoc IAttestationVerifier
    bytes1 public constant ATTESTED = 0x01;

    // slot 2
    /// @inheritdoc IAttestationVerifier
    address public endpoint;
    /// @inheritdoc IAttestationVerifier
    uint64 public window;
    /// @inheritdoc IAttestationVerifier
    uint32 public drift;
    // slot 3
    /// @inheritdoc IAttestationVerifier
    address public prover;
    // slot 4
    /// @inheritdoc IAttestationVerifier
    address public teller;
    /// @inheritdoc IAttestationVerifier
    uint64 public newestSet;
    /// @inheritdoc IAttestationVerifier
    uint32 public toldAt;
    // slot 5
    /// @inheritdoc IAttestationVerifier
    bytes32 public domain;
    // slot 6
    Bucket private _bucket;
    // slot 7
    /// @inheritdoc IAttestationVerifier
    mapping(uint64 setId => Set) public set;
    // slot 8
    /// @inheritdoc IAttestationVerifier
    mapping(uint64 setId => mapping(uint256 signers => uint256)) public earned;

    constructor(
        address endpoint_,
        address prover_,
        address teller_,
        bytes32 domain_,
        uint64 window_,
        uint32 drift_
    ) {
        if (endpoint_ == address(0) || prover_ == address(0) || teller_ == address(0)) {
            revert ZeroAddress();
        }
        if (window_ == 0) revert InvalidParameter();
        (endpoint, prover, teller, domain) = (endpoint_, prover_, teller_, domain_);
        (window, drift) = (window_, drift_);
    }

    /// @dev The signers' part of fees.
    receive() external payable {
        if (msg.sender != endpoint) revert Unauthorized(msg.sender);
    }

    /// @inheritdoc IVerifier
    function verify(Message calldata m, bytes32 id, bytes calldata proof) external returns (uint256 share) {
        // Whoever else could ask would use up what may be vouched for.
        if (msg.sender != endpoint) revert Unauthorized(msg.sender);
        if (proof.length == 0) revert InvalidProof();
        if (proof[0] == PROVED) return IVerifier(prover).verify(m, id, proof[1:]);
        if (proof[0] != ATTESTED) revert InvalidProof();
        Proof calldata p;
        assembly ("memory-safe") {
            // After the kind and the offset that `abi.encode` begins with.
            p := add(proof.offset, 0x21)
        }
        // A refund pays what its content says, and so do tokens, which travel without ETH: the limit sees neither.
        address source = peer();
        if (m.sender == source || m.value == 0 && m.target == tokenPort()) revert OnlyByProof();
        _checkCourt();
        Set memory s = set[p.setId];
        Bucket memory b = _bucket;
        if (s.threshold == 0 || p.setId < b.oldestSet || block.timestamp > s.validUntil) {
            revert InvalidSet(p.setId);
        }
        if (keccak256(abi.encode(p.members)) != s.membersHash) revert UnexpectedMembers();
        bytes32 accumulator = Attesting.accumulate(p.previous, id, p.later);
        bytes32 digest = _digest(m, source, accumulator, p);
        if (Attesting.check(digest, p.members, p.signers, p.signatures) < s.threshold) {
            revert TooFewSignatures(p.signatures.length / Attesting.SIGNATURE_LENGTH, s.threshold);
        }
        emit Vouched(p.setId, p.nonce, p.time, p.signers, accumulator, p.signatures);
        _take(b, m.value + m.relayFee, s.limit);
        share = m.relayFee / SIGNERS_SHARE;
        if (share != 0) earned[p.setId][p.signers] += share;
    }

    /// @inheritdoc IAttestationVerifier
    function tell(uint64 setId, bytes32 membersHash, uint8 threshold, uint128 limit, uint64 overlap)
        external
    {
        if (msg.sender != teller) revert Unauthorized(msg.sender);
        uint64 newest = newestSet;
        if (setId <= newest) revert StaleSet(newest, setId);
        uint64 until = uint64(block.timestamp) + overlap;
        if (overlap == 0) _bucket.oldestSet = setId;
        else set[newest].validUntil = until;
        set[setId] = Set(membersHash, limit, type(uint64).max, threshold);
        (newestSet, toldAt) = (setId, uint32(block.timestamp));
        emit SetTold(setId, membersHash, threshold, limit, until);
    }

    /// @inheritdoc IAttestationVerifier
    function shareFees(uint64 setId, address[] calldata members, uint256 signers) external {
        if (keccak256(abi.encode(members)) != set[setId].membersHash) revert UnexpectedMembers();
        uint256 amount = earned[setId][signers];
        if (amount == 0) revert NothingToWithdraw();
        earned[setId][signers] = 0;
        IEndpoint(endpoint).collect(amount);
        uint256 count;
        for (uint256 i; i < members.length; ++i) {
            count += signers >> i & 1;
        }
        for (uint256 i; i < members.length; ++i) {
            if (signers >> i & 1 == 1) credit[members[i]] += amount / count;
        }
        emit FeesShared(setId, signers, amount);
    }

    /// @inheritdoc IAttestationVerifier
    function available() external view returns (uint256 amount, uint256 limit) {
        limit = set[newestSet].limit;
        uint256 level = _level(_bucket, limit);
        amount = level < limit ? limit - level : 0;
    }

    /// @inheritdoc IAttestationVerifier
    function peer() public view returns (address) {
        return IEndpoint(endpoint).peer();
    }

    /// @inheritdoc IAttestationVerifier
    function vault() public view returns (address) {
        return IEndpoint(endpoint).vault();
    }

    /// @inheritdoc IAttestationVerifier
    function tokenPort() public view returns (address) {
        address court = vault();
        return court == address(0) ? Predeploys.TOKEN_PORT : IVault(court).tokenPort();
    }

    // --- internals ---

    function _digest(Message calldata m, address source, bytes32 accumulator, Proof calldata p)
        private
        view
        returns (bytes32)
    {
        // The id binds the nonce, the accumulator binds the id: what was signed has this message at this place.
        if (p.nonce != m.nonce + p.later.length) revert InvalidProof();
        if (p.time > block.timestamp + drift) revert TimeAhead(p.time);
        return Attesting.digest(domain, Attestation(m.srcChainId, source, p.nonce, accumulator, p.time));
    }

    /// @dev On L1, attestations about L2 are judged by final claims: without them nobody may vouch for anything. On L2, those
    /// about L1 are judged there: nobody may if L1 has told nothing for a window, as when a sequencer builds blocks that it
    /// shows to nobody.
    function _checkCourt() private view {
        address court = vault();
        if (court == address(0)) {
            if (block.timestamp > uint256(toldAt) + window) revert SetOutdated(toldAt);
            return;
        }
        uint256 since = IExodus(court).finalizedAt();
        if (since == 0) revert InExodus();
        if (block.timestamp > since + window) revert FinalityStalled(since);
    }

    function _take(Bucket memory b, uint256 amount, uint256 limit) private {
        if (amount == 0) return;
        uint256 level = _level(b, limit);
        if (level + amount > limit) revert OverLimit(amount, level < limit ? limit - level : 0);
        (b.level, b.updatedAt) = (uint128(level + amount), uint64(block.timestamp));
        _bucket = b;
    }

    function _level(Bucket memory b, uint256 limit) private view returns (uint256) {
        uint256 gone = limit * (block.timestamp - b.updatedAt) / window;
        return b.level > gone ? b.level - gone : 0;
    }
}
