// SPDX-License-Identifier: MIT
pragma solidity 0.8.37;

import {DeliveryState, Message, OutputRootProof} from "../libraries/Types.sol";

/// @title IEndpoint
/// @notice One end of a lane between two chains: messages go out here and come in from the other end, the *peer*. Who
/// convinces this end that the peer sent something is its *verifier*. The same contract is at both ends; only the one on
/// L1 has a Vault, which keeps the ETH of the lane. On L2 the Endpoint that is there from genesis has more ETH than can
/// exist, and what leaves it is minted. Others there join two L2s, and carry calls only: ETH of one backed by the Vault of
/// the other would make each liable for the other's faults.
interface IEndpoint {
    /// @notice A message was sent.
    /// @param nonce Its number.
    /// @param id Its id.
    /// @param acc Accumulator after it.
    /// @param message The message.
    event MessageSent(uint64 indexed nonce, bytes32 indexed id, bytes32 acc, Message message);

    /// @notice A message was delivered: its call was made.
    event MessageDelivered(uint64 indexed nonce, bytes32 indexed id, address indexed relayer, bool success);

    /// @notice A message that had failed was tried again.
    event MessageRetried(uint64 indexed nonce, bytes32 indexed id, bool success);

    /// @notice A message was given up after its deadline. Its refund is a message to the peer.
    event MessageExpired(uint64 indexed nonce, bytes32 indexed id);

    /// @notice A message that was never delivered was paid back to its sender.
    event MessageRefunded(uint64 indexed nonce, bytes32 indexed id, address indexed sender, uint256 amount);

    /// @notice A message that had been given up can be delivered after all: its refund never got to L2.
    event MessageRevived(uint64 indexed nonce, bytes32 indexed id);

    /// @notice The fee of a message was promised to a relayer.
    event MessageReserved(bytes32 indexed id, address indexed relayer, uint256 until);

    /// @notice The peer's chain, another L2, is in exodus: its last state is this.
    event PeerEnded(bytes32 stateRoot);

    /// @notice Sends a message. What is sent along beyond the fee goes with it.
    /// @param target Who is called on the other chain.
    /// @param gasLimit Least gas that the call must be given there.
    /// @param deadline Time there after which it is no longer delivered but refunded.
    /// @param relayFee Wei for who delivers it.
    /// @param payload Input of the call.
    /// @return nonce Its number.
    /// @return id Its id.
    function send(address target, uint64 gasLimit, uint64 deadline, uint256 relayFee, bytes calldata payload)
        external
        payable
        returns (uint64 nonce, bytes32 id);

    /// @notice Delivers a message that the peer sent, and pays the caller its fee. If the call fails, the message can be
    /// retried: that its call was given `gasLimit` is certain, so no relayer makes a call fail.
    /// @param message The message.
    /// @param proof What convinces the verifier.
    /// @param earner Who must earn the fee, or the delivery reverts; zero if that does not matter.
    function deliver(Message calldata message, bytes calldata proof, address earner) external;

    /// @notice Pays the verifier what it said of fees was its own. Called by it only.
    function collect(uint256 amount) external;

    /// @notice Tries a failed message again, up to {RETRY_PERIOD} after its deadline. Anyone may.
    function retry(Message calldata message) external;

    /// @notice Gives up a message after its deadline, or, if it was delivered and failed, {RETRY_PERIOD} later. The peer is told to pay it
    /// back to its sender.
    /// @return nonce Number of the message that tells it.
    function expire(Message calldata message) external returns (uint64 nonce);

    /// @notice Pays back a message of this end that the peer gave up. Called by the peer, by message.
    /// @param message The message.
    /// @param withFee If nobody has earned its fee.
    function refund(Message calldata message, bool withFee) external;

    /// @notice Pays back a message of this end that L2 never got, once the Vault is in exodus, or that another L2 never got
    /// that is ({endPeer}). If it is the refund of a message from there, that message can be delivered after all: then
    /// deadlines do not count.
    /// @param message The message.
    /// @param p Preimage of the exodus' output root; not read between two L2s.
    /// @param accountProof Proof of the peer's account in its last state.
    /// @param slotProof Proof that the peer has no state of the message.
    function reclaim(
        Message calldata message,
        OutputRootProof calldata p,
        bytes[] calldata accountProof,
        bytes[] calldata slotProof
    ) external;

    /// @notice Takes note that the peer's chain, another L2, is in exodus. Nothing can be sent there any more, deadlines no
    /// longer count, and what its last state does not have is paid back by {reclaim}. Anyone may.
    /// @param proof What shows it, as `SiblingVerifier.exodusState` takes it.
    function endPeer(bytes calldata proof) external;

    /// @notice The last state of the peer's chain, if that is in exodus and {endPeer} was called; else zero.
    function peerLastState() external view returns (bytes32);

    /// @notice Reserves a message's fee for the caller for {RESERVATION}, so that nobody can earn it with a copy of the
    /// caller's proof. The ETH sent, {RESERVATION_BOND}, comes back with the fee, or goes to who delivers later; it is
    /// burnt if nobody does.
    function reserve(bytes32 id) external payable;

    /// @notice Messages sent so far; the last one's nonce.
    function count() external view returns (uint64);

    /// @notice Accumulator after message `nonce`: `keccak256(accumulator[nonce - 1] ‖ id)`, from zero.
    function accumulator(uint64 nonce) external view returns (bytes32);

    /// @notice Where a message of the peer's stands.
    function delivery(bytes32 id) external view returns (DeliveryState);

    /// @notice Whether a message of this end was paid back.
    function isRefunded(bytes32 id) external view returns (bool);

    /// @notice What was paid back of a message of this end, in wei. Reverts if it was not.
    function refundOf(bytes32 id) external view returns (uint256);

    /// @notice Whether messages can carry ETH and fees: between L1 and L2 they can, between two L2s they cannot.
    function carriesETH() external view returns (bool);

    /// @notice The id of a message that the peer sent here.
    function idOf(Message calldata message) external view returns (bytes32);

    /// @notice The Endpoint at the other end.
    function peer() external view returns (address);

    /// @notice The chain that it is on.
    function peerChainId() external view returns (uint64);

    /// @notice Who decides what the peer sent.
    function verifier() external view returns (address);

    /// @notice Makes the calls.
    function messenger() external view returns (address);

    /// @notice Keeps the ETH of the lane; zero but on L1.
    function vault() external view returns (address);

    /// @notice Who has reserved a message's fee, until when, and the bonds that go with it.
    function reservation(bytes32 id) external view returns (address relayer, uint64 until, uint256 bonds);

    /// @notice For how long a failed message can be retried after its deadline, in seconds.
    function RETRY_PERIOD() external view returns (uint256);

    /// @notice For how long a reservation holds, in seconds.
    function RESERVATION() external view returns (uint256);

    /// @notice What a reservation takes, in wei.
    function RESERVATION_BOND() external view returns (uint256);
}
