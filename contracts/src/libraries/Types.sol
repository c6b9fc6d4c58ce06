// SPDX-License-Identifier: MIT
pragma solidity 0.8.37;

/// @notice What the sequencer (or, after a timeout, anyone) commits to when a batch is appended to the
/// Inbox. Its hash is `keccak256(abi.encode(header))`: ten words, all static.
/// @param index Position of the batch; the genesis batch is 0.
/// @param parentHash Hash of the batch before this one; zero for genesis.
/// @param dataRoot Merkle root over the 4 KiB chunks of the batch data (see DataRoot).
/// @param firstBlock First L2 block of the batch.
/// @param lastBlock Last L2 block of the batch, inclusive.
/// @param timestamp Timestamp, in seconds, of the last L2 block of the batch.
/// @param anchorNumber L1 block that the last L2 block of the batch builds on.
/// @param anchorHash Hash of that L1 block.
/// @param messageCount L1 messages consumed by the chain once this batch is executed.
/// @param messageAcc Accumulator of the MessageQueue after `messageCount` messages.
struct BatchHeader {
    uint64 index;
    bytes32 parentHash;
    bytes32 dataRoot;
    uint64 firstBlock;
    uint64 lastBlock;
    uint64 timestamp;
    uint64 anchorNumber;
    bytes32 anchorHash;
    uint64 messageCount;
    bytes32 messageAcc;
}

/// @notice What the Inbox keeps of a batch: two storage slots.
struct BatchRecord {
    bytes32 hash;
    uint64 lastBlock;
    uint64 timestamp;
    uint64 anchorNumber;
    uint64 messageCount;
}

/// @notice Limits of the Inbox, fixed at deployment. Times in seconds.
/// @param sequencerTimeout Age of the oldest unconsumed message past which anyone may append.
/// @param forcedInclusionDelay Age past which a message must be consumed by the next batch.
/// @param maxDrift How far ahead of L1 time the last L2 block of a batch may be.
/// @param maxBatchBlocks Most L2 blocks in a batch.
/// @param messageGasPerBlock L2 gas for messages that each L2 block of a batch makes room for.
/// @param maxBatchData Most bytes of data in a batch.
struct InboxParams {
    uint64 sequencerTimeout;
    uint64 forcedInclusionDelay;
    uint64 maxDrift;
    uint64 maxBatchBlocks;
    uint64 messageGasPerBlock;
    uint64 maxBatchData;
}

/// @notice Where a claim stands. `Rejected` is reached only through a lost dispute.
enum ClaimStatus {
    None,
    Pending,
    Final,
    Rejected
}

/// @notice A bonded statement of the output root after a batch. Claims form a tree.
/// @param parentId Claim that this one builds on.
/// @param lastBatch Last batch covered; the first is the one after the parent's last.
/// @param createdAt L1 time at which it was proposed.
/// @param finalizedAt L1 time at which it became final, or zero.
/// @param proposer Who posted it and owns its bond.
/// @param status Where it stands.
/// @param blockOutputsRoot Merkle root over the output root of every L2 block covered.
/// @param outputRoot Output root of the last L2 block covered.
struct Claim {
    uint64 parentId;
    uint64 lastBatch;
    uint64 createdAt;
    uint64 finalizedAt;
    address proposer;
    ClaimStatus status;
    bytes32 blockOutputsRoot;
    bytes32 outputRoot;
}

/// @notice A message from L2 to L1, as the MessagePasser recorded it.
/// @param nonce Version (1) in the top 16 bits, dense counter below.
/// @param sender Account on L2 that sent it.
/// @param target Account on L1 to be called.
/// @param value Wei to send along.
/// @param gasLimit Least gas that the call on L1 must be given.
/// @param data Input of the call.
struct Withdrawal {
    uint256 nonce;
    address sender;
    address target;
    uint256 value;
    uint256 gasLimit;
    bytes data;
}

/// @notice A message from L1 to L2, as the MessageQueue hashed it.
/// @param from Sender on L2: itself if it has a key, else the alias of the contract.
/// @param target What is called on L2.
/// @param mint Wei sent along.
/// @param value Wei of the call on L2.
/// @param gasLimit Gas of the call on L2.
/// @param data Input of the call.
struct QueuedMessage {
    address from;
    address target;
    uint256 mint;
    uint256 value;
    uint64 gasLimit;
    bytes data;
}

/// @notice Preimage of an output root.
struct OutputRootProof {
    bytes32 version;
    bytes32 stateRoot;
    bytes32 messagePasserStorageRoot;
    bytes32 latestBlockhash;
}

/// @notice Delivery state of a withdrawal on L1.
enum WithdrawalState {
    None,
    Done,
    Failed
}
