// SPDX-License-Identifier: MIT
pragma solidity 0.8.37;

import {Attestation, OutputRootProof} from "../libraries/Types.sol";

/// @title IRelayerRegistry
/// @notice The relayers who may vouch for a lane's messages, with their stakes, on L1. Anyone can join. Whoever signs what L1
/// contradicts loses all of its stake; whoever does not sign what it is summoned to, a part. Every change makes another set,
/// which is told to the verifiers on both layers.
interface IRelayerRegistry {
    /// @notice A relayer joined.
    event Joined(address indexed relayer);
    /// @notice A relayer left, or was put out; its stake stays for {unbonding}.
    event Left(address indexed relayer);
    /// @notice Other relayers vouch.
    event SetChanged(uint64 indexed setId, address[] members, uint8 threshold, uint128 limit, uint64 overlap);
    /// @notice A relayer signed what is not so.
    event Slashed(address indexed relayer, uint256 amount, address indexed reporter);
    /// @notice Relayers are asked to sign for a message.
    event Summoned(uint64 indexed nonce, address indexed summoner, uint256 until);
    /// @notice A relayer signed when summoned.
    event Answered(uint64 indexed nonce, address indexed relayer);
    /// @notice A relayer did not sign when summoned.
    event Absent(uint64 indexed nonce, address indexed relayer, uint256 penalty);

    /// @notice Makes the caller a relayer, with exactly {stake} wei.
    function join() external payable;

    /// @notice Ends the caller's duty.
    function resign() external;

    /// @notice Makes the caller's stake its credit, {unbonding} after it left.
    function withdrawStake() external;

    /// @notice Tells the set again, under another number, so that L2 goes on believing it. Anyone may, once the last
    /// one has been told for longer than {overlap}.
    function refresh() external;

    /// @notice Slashes who signed about L1 what the Endpoint here does not have.
    /// @param a What they signed.
    /// @param signatures Theirs, 64 bytes each. Those of others are passed over.
    function slashByL1(Attestation calldata a, bytes calldata signatures) external;

    /// @notice Slashes who signed about L2 what a later final state does not have; in exodus, what its state does not have.
    /// @param a What they signed.
    /// @param signatures Theirs.
    /// @param claimId A final claim, of a later time; in exodus the exodus'.
    /// @param p Preimage of its output root.
    /// @param accountNodes Proof of the Endpoint's account.
    /// @param slotNodes Proof of the accumulator after `a.nonce`, or that there is none.
    function slashByL2(
        Attestation calldata a,
        bytes calldata signatures,
        uint64 claimId,
        OutputRootProof calldata p,
        bytes[] calldata accountNodes,
        bytes[] calldata slotNodes
    ) external;

    /// @notice Slashes who signed two accumulators for one place.
    /// @param a One.
    /// @param b The other.
    /// @param first Its signature of `a`.
    /// @param second Its signature of `b`.
    function slashByTwo(
        Attestation calldata a,
        Attestation calldata b,
        bytes calldata first,
        bytes calldata second
    ) external;

    /// @notice Asks all relayers to sign for a message of L1's, as of now, within {answerPeriod}. Once for each, and for no more
    /// at a time than everybody can answer. The ETH sent,
    /// {SUMMONS_BOND}, is for those who do; the caller has the part of those who do not back, with half of what they lose.
    function summon(uint64 nonce) external payable;

    /// @notice Answers for relayers that were summoned. Anyone may.
    /// @param nonce The message.
    /// @param signatures Theirs, of the accumulator after it, at the time of the summons.
    function answer(uint64 nonce, bytes calldata signatures) external;

    /// @notice Punishes a relayer that did not answer: its rewards here first, then its stake, down to nine tenths of it. Who
    /// cannot pay in full is put out.
    function reportAbsent(uint64 nonce, address relayer) external;

    /// @notice The relayers of the newest set.
    function members() external view returns (address[] memory);

    /// @notice A relayer's stake, when it joined, and when it left: zero if it did not.
    function relayer(address account)
        external
        view
        returns (uint128 amount, uint32 index, uint48 joinedAt, uint48 leftAt);

    /// @notice Who summoned relayers to a message, when, until when, and how many there were.
    function summons(uint64 nonce)
        external
        view
        returns (address summoner, uint48 openedAt, uint48 until, uint32 count);

    /// @notice Whether a relayer has answered a summons or been punished for not doing so.
    function isSettled(uint64 nonce, address account) external view returns (bool);

    /// @notice How many of so many relayers must sign: more than two thirds; zero, nobody may, below four.
    function thresholdOf(uint256 count) external view returns (uint8);

    /// @notice Wei that relayers may vouch for at a time on each lane: what their stake covers.
    function limitOf(uint256 threshold) external view returns (uint128);

    /// @notice The newest set.
    function setId() external view returns (uint64);

    /// @notice EIP-712 domain of attestations.
    function domain() external view returns (bytes32);

    /// @notice Wei of a relayer's stake.
    function stake() external view returns (uint128);

    /// @notice Seconds for which a stake stays after leaving: longer than anything it answers for can take to show.
    function unbonding() external view returns (uint64);

    /// @notice Seconds for which a set still counts after it was replaced.
    function overlap() external view returns (uint64);

    /// @notice Seconds to answer a summons: longer than L1 ever takes to be final.
    function answerPeriod() external view returns (uint64);

    /// @notice L1's end of the lane.
    function endpoint() external view returns (address);

    /// @notice Decides on L1 what L2 sent.
    function verifier() external view returns (address);

    /// @notice Takes what is slashed, to back L2's ETH.
    function vault() external view returns (address);

    /// @notice Wei of a summons.
    function SUMMONS_BOND() external view returns (uint256);
}
