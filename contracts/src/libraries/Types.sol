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

/// @notice Where a claim stands. `Rejected` is reached only through a challenge that won, of it or of a claim that it
/// builds on.
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
/// @param openChallenges Challenges of it that are neither won nor lost.
/// @param shares While it is rejected: how many other challengers may still be compensated.
/// @param blockOutputsRoot Root of its history: the output root of every L2 block covered, then zeros.
/// @param outputRoot Output root of the last L2 block covered.
struct Claim {
    uint64 parentId;
    uint64 lastBatch;
    uint64 createdAt;
    uint64 finalizedAt;
    address proposer;
    ClaimStatus status;
    uint64 openChallenges;
    uint8 shares;
    bytes32 blockOutputsRoot;
    bytes32 outputRoot;
}

/// @notice Where a challenge stands. `Moot`: its claim was rejected before it was decided.
enum ChallengeStatus {
    None,
    Open,
    Won,
    Lost,
    Moot
}

/// @notice A challenge of a claim.
/// @param challenger Who posted it and owns its bond.
/// @param status Where it stands.
/// @param openDisputes Defences against it that are not decided.
/// @param claimId The claim.
/// @param openedAt L1 time at which it was posted.
/// @param outputsRoot The challenger's history of the claim's blocks.
struct Challenge {
    address challenger;
    ChallengeStatus status;
    uint64 openDisputes;
    uint64 claimId;
    uint64 openedAt;
    bytes32 outputsRoot;
}

/// @notice How a dispute ended, or that it has not. `Moot`: its challenge was lost in another dispute.
enum DisputeStatus {
    None,
    Open,
    DefenceLost,
    ChallengeLost,
    Moot
}

/// @notice The move that a dispute waits for, and whose it is.
enum Move {
    ChallengerDescends,
    DefenderDescends,
    ChallengerReachesLeaf,
    ChallengerCommits,
    DefenderCommits,
    ChallengerProves
}

/// @notice A dispute between a challenge and one defence of the claim.
/// @param challengeId The challenge.
/// @param defender Who defends and owns the defence's bond.
/// @param status How it ended.
/// @param stage 0 blocks, 1 strides, 2 short strides, 3 steps.
/// @param next The move that is awaited.
/// @param turnStart L1 time at which the clock of the side in turn began to run.
/// @param challengerTime Seconds that the challenger used before that.
/// @param defenderTime Seconds that the defender used before that.
/// @param position Where the two sides stand: 1 at first, and every descent appends four bits, those of the child. So
/// after the leading 1 come 12 bits for each stage's leaf, the last 36 of which are in the end the step's number.
/// @param challengerNode The challenger's node there. While its commitment is awaited its leaf of the stage before.
/// @param defenderNode The defender's node there, as above.
/// @param challengerHistory Root of the challenger's history of this stage.
/// @param agreed State that the stage, or the step, starts from. Zero before the leaf of stage 0 is reached.
/// @param statement What the program is to judge. Zero before the leaf of stage 0 is reached.
struct Dispute {
    uint64 challengeId;
    address defender;
    DisputeStatus status;
    uint8 stage;
    Move next;
    uint64 turnStart;
    uint64 challengerTime;
    uint64 defenderTime;
    uint64 position;
    bytes32 challengerNode;
    bytes32 defenderNode;
    bytes32 challengerHistory;
    bytes32 agreed;
    bytes32 statement;
}

/// @notice A commitment to a history of machine states. What it is about goes along, so that an L1 reorg which gives
/// the dispute's number to another one makes the call revert.
/// @param statement The dispute's statement.
/// @param position The dispute's position.
/// @param history Root of the history, a tree of depth 12.
/// @param finalState In stage 1 the 305 bytes of the state in its last leaf, else empty.
/// @param lastProof The siblings of its last leaf, from the bottom up.
struct Commitment {
    bytes32 statement;
    uint64 position;
    bytes32 history;
    bytes finalState;
    bytes32[12] lastProof;
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

/// @notice A message between the endpoints of two chains (docs/bridge.md).
/// @param version 1.
/// @param srcChainId Chain that it was sent on.
/// @param dstChainId Chain that it is for.
/// @param nonce Its number, dense from 1.
/// @param sender Who sent it there.
/// @param target Who is called here.
/// @param value Wei of the call.
/// @param gasLimit Least gas that the call must be given.
/// @param deadline Time here, in seconds, after which it is no longer delivered.
/// @param relayFee Wei for who delivers it.
/// @param payload Input of the call.
struct Message {
    uint16 version;
    uint64 srcChainId;
    uint64 dstChainId;
    uint64 nonce;
    address sender;
    address target;
    uint256 value;
    uint64 gasLimit;
    uint64 deadline;
    uint256 relayFee;
    bytes payload;
}

/// @notice Where a message stands at its destination.
enum DeliveryState {
    None,
    Done,
    Failed,
    Expired
}

/// @notice What a relayer signs: that a chain's Endpoint had this accumulator. It binds all messages up to `nonce`. Signed
/// as EIP-712 says, for the {IRelayerRegistry} that has the relayer's stake.
/// @param chainId The chain.
/// @param endpoint The Endpoint.
/// @param nonce Messages sent by then.
/// @param accumulator Accumulator after the last of them.
/// @param time Timestamp of a block of the chain after which this was so.
struct Attestation {
    uint64 chainId;
    address endpoint;
    uint64 nonce;
    bytes32 accumulator;
    uint64 time;
}
