// SPDX-License-Identifier: MIT
pragma solidity 0.8.37;

import {IVerifier} from "./IVerifier.sol";

/// @title IAttestationVerifier
/// @notice Lets staked relayers vouch for messages of an Endpoint's peer, up to a value that their stake covers; whatever
/// they do not vouch for can be proved to another verifier. The same contract is on both layers. Sets of relayers are told by
/// the {IRelayerRegistry} on L1: to this contract's twin on L2 through L1's message queue, which no sequencer can keep out.
interface IAttestationVerifier is IVerifier {
    /// @notice What shows a message; `abi.encode` of it, after {ATTESTED}, is the proof.
    /// @param setId Set of relayers.
    /// @param nonce Of the attestation: the message's or a later one's.
    /// @param time Of the attestation.
    /// @param previous The accumulator before the message.
    /// @param later Ids of the messages after it, up to `nonce`.
    /// @param members Of the set.
    /// @param signers Which of them signed: bit i stands for member i.
    /// @param signatures Theirs, 64 bytes each (EIP-2098), in the order of the members.
    struct Proof {
        uint64 setId;
        uint64 nonce;
        uint64 time;
        bytes32 previous;
        bytes32[] later;
        address[] members;
        uint256 signers;
        bytes signatures;
    }

    /// @notice Another set of relayers vouches from now on.
    event SetTold(
        uint64 indexed setId, bytes32 membersHash, uint8 threshold, uint128 limit, uint256 previousUntil
    );

    /// @notice Relayers vouched for a message: all that it takes to hold them to it. Which one it was, the Endpoint says in
    /// the same transaction.
    /// @param setId The set.
    /// @param nonce Of what they signed.
    /// @param time Of what they signed.
    /// @param signers Which of the set signed.
    /// @param accumulator What they signed.
    /// @param signatures Theirs.
    event Vouched(
        uint64 setId,
        uint64 nonce,
        uint64 time,
        uint256 signers,
        bytes32 accumulator,
        bytes signatures
    );

    /// @notice Part of messages' fees became the signers'.
    event FeesShared(uint64 indexed setId, uint256 signers, uint256 amount);

    /// @notice Names the set that vouches from now on. Called by the registry.
    /// @param setId Its number, above all before.
    /// @param membersHash Keccak-256 of `abi.encode` of its members.
    /// @param threshold How many must sign; zero if nobody may vouch.
    /// @param limit Wei that can be vouched for at a time; as much again is free within {window}.
    /// @param overlap Seconds for which the set before still counts; with zero none of those before does.
    function tell(uint64 setId, bytes32 membersHash, uint8 threshold, uint128 limit, uint64 overlap) external;

    /// @notice Shares what signers earned together among them, as credit. Anyone may.
    /// @param setId The set.
    /// @param members Its members.
    /// @param signers Which of them signed.
    function shareFees(uint64 setId, address[] calldata members, uint256 signers) external;

    /// @notice First byte of a proof for the other verifier, which follows it.
    function PROVED() external view returns (bytes1);

    /// @notice First byte of an attested proof, which follows it.
    function ATTESTED() external view returns (bytes1);

    /// @notice A set of relayers: as told, and until when it counts.
    function set(uint64 setId)
        external
        view
        returns (bytes32 membersHash, uint128 limit, uint64 validUntil, uint8 threshold);

    /// @notice The newest set.
    function newestSet() external view returns (uint64);

    /// @notice When it was told.
    function toldAt() external view returns (uint32);

    /// @notice Wei that can be vouched for now, and at the most.
    function available() external view returns (uint256 amount, uint256 limit);

    /// @notice What signers of a set earned together and was not shared yet.
    function earned(uint64 setId, uint256 signers) external view returns (uint256);

    /// @notice Whose messages' destination this decides for.
    function endpoint() external view returns (address);

    /// @notice Where messages come from. The other verifier asks.
    function peer() external view returns (address);

    /// @notice The verifier of Merkle proofs.
    function prover() external view returns (address);

    /// @notice Who tells which sets.
    function teller() external view returns (address);

    /// @notice EIP-712 domain of attestations.
    function domain() external view returns (bytes32);

    /// @notice Who takes in tokens here. What is for it needs a proof: what tokens are worth, no limit in ETH sees.
    function tokenPort() external view returns (address);

    /// @notice L1's Vault; zero on L2.
    function vault() external view returns (address);

    /// @notice Seconds within which a false attestation is shown, and the signers are out.
    function window() external view returns (uint64);

    /// @notice Seconds that the other chain's clock may be ahead.
    function drift() external view returns (uint32);
}
