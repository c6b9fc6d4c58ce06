// SPDX-License-Identifier: MIT
pragma solidity 0.8.37;

import {BatchHeader, BatchRecord} from "../libraries/Types.sol";

/// @title IInbox
/// @notice The order of batches. What a batch means is decided by derivation, off chain and in disputes; the
/// Inbox makes sure that its inputs are fixed, canonical and complete. Data that does not decode is not an
/// error here: it has a defined meaning there.
interface IInbox {
    /// @notice A batch was appended.
    event BatchAppended(uint64 indexed index, bytes32 indexed batchHash, BatchHeader header, address appender);

    /// @notice Appends a batch with its data in calldata.
    /// @dev The data is found in the input of the L1 transaction itself. So the caller must be the sender of
    /// the transaction and an account without code: an EIP-7702 account could otherwise call from within a
    /// transaction addressed to itself. And the input must be the canonical ABI encoding, so that no two
    /// decoders read it differently.
    ///
    /// Every message older than `forcedInclusionDelay` must be consumed, at least one if there is any, unless
    /// the next one no longer fits into the room that the blocks of the batch surely make: for each of them
    /// `messageGasPerBlock` less one longest message. Without this exception a burst of messages larger than
    /// the room of all blocks that time admits would stop the chain.
    /// @param header What the batch commits to.
    /// @param data The data of the batch.
    function append(BatchHeader calldata header, bytes calldata data) external;

    /// @notice Appends a batch whose data is in the EIP-4844 blobs of this transaction, all of them.
    /// @dev As `append`, except that the data root is `keccak256(0x02 ‖ versionedHash_0 ‖ versionedHash_1 …)`.
    /// L1 commits only to what it knows itself. A Merkle root that the appender claims, even if bound to the
    /// blob by a KZG opening at a random point, could be one whose preimage nobody knows: then everyone knows
    /// that the content is void, but nobody can run a proof over it.
    /// @param header What the batch commits to.
    function appendBlobs(BatchHeader calldata header) external;

    /// @notice Batches so far, the genesis batch included.
    function batchCount() external view returns (uint64);

    /// @notice The last batch.
    /// @return index Its position.
    /// @return record What is kept of it.
    function lastBatch() external view returns (uint64 index, BatchRecord memory record);

    /// @notice What is kept of a batch.
    function batch(uint64 index) external view returns (BatchRecord memory);

    /// @notice Hash of a batch.
    function batchHash(uint64 index) external view returns (bytes32);

    /// @notice Last L2 block of a batch.
    function batchLastBlock(uint64 index) external view returns (uint64);

    /// @notice Whether anyone may append now, because a message has waited past `sequencerTimeout`.
    function isOpen() external view returns (bool);

    /// @notice The queue whose messages the batches consume.
    function messageQueue() external view returns (address);

    /// @notice The account that may append at any time.
    function sequencer() external view returns (address);

    /// @notice Anchor of the genesis batch.
    function genesisAnchor() external view returns (uint64 number, bytes32 hash);

    /// @notice Age in seconds of the oldest unconsumed message past which anyone may append.
    function sequencerTimeout() external view returns (uint64);

    /// @notice Age in seconds past which a message must be consumed.
    function forcedInclusionDelay() external view returns (uint64);

    /// @notice Seconds that the last L2 block of a batch may be ahead of L1.
    function maxDrift() external view returns (uint64);

    /// @notice Most L2 blocks in a batch.
    function maxBatchBlocks() external view returns (uint64);

    /// @notice L2 gas for messages that each L2 block makes room for.
    function messageGasPerBlock() external view returns (uint64);

    /// @notice Most bytes of data in a batch.
    function maxBatchData() external view returns (uint64);
}
