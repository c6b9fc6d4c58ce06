// SPDX-License-Identifier: MIT
pragma solidity 0.8.37;

import {Blockhash} from "@openzeppelin/contracts/utils/Blockhash.sol";

import {IInbox} from "../interfaces/IInbox.sol";
import {IMessageQueue} from "../interfaces/IMessageQueue.sol";
import {DataRoot} from "../libraries/DataRoot.sol";
import "../libraries/Errors.sol";
import {Hashing} from "../libraries/Hashing.sol";
import {BatchHeader, BatchRecord, InboxParams} from "../libraries/Types.sol";

/// @title Inbox
/// @notice See {IInbox}.
contract Inbox is IInbox {
    /// @dev Where the data of a canonically encoded `append` starts: selector, ten words of header, the
    /// offset and the length of the data.
    uint256 private constant DATA_OFFSET = 4 + 12 * 32;

    /// @dev Length of the input of `appendBlobs`: selector and ten words of header.
    uint256 private constant HEADER_ONLY = 4 + 10 * 32;

    /// @inheritdoc IInbox
    address public immutable messageQueue;
    /// @inheritdoc IInbox
    address public immutable sequencer;
    /// @inheritdoc IInbox
    uint64 public immutable sequencerTimeout;
    /// @inheritdoc IInbox
    uint64 public immutable forcedInclusionDelay;
    /// @inheritdoc IInbox
    uint64 public immutable maxDrift;
    /// @inheritdoc IInbox
    uint64 public immutable maxBatchBlocks;
    /// @inheritdoc IInbox
    uint64 public immutable messageGasPerBlock;
    /// @inheritdoc IInbox
    uint64 public immutable maxBatchData;

    uint64 private immutable _maxMessageGas;
    uint64 private immutable _genesisAnchorNumber;
    bytes32 private immutable _genesisAnchorHash;

    BatchRecord[] private _batches;

    constructor(
        address messageQueue_,
        address sequencer_,
        BatchHeader memory genesis,
        InboxParams memory params
    ) {
        if (messageQueue_ == address(0)) revert ZeroAddress();
        if (
            genesis.index != 0 || genesis.parentHash != 0 || genesis.dataRoot != 0 || genesis.firstBlock != 0
                || genesis.lastBlock != 0 || genesis.anchorNumber > block.number || genesis.messageCount != 0
                || genesis.messageAcc != 0
        ) revert InvalidParameter();
        _maxMessageGas = IMessageQueue(messageQueue_).maxMessageGas();
        // Whoever appends because a message waited too long must also have to consume it. And one block must
        // have room for any message.
        if (
            params.sequencerTimeout < params.forcedInclusionDelay || params.maxBatchBlocks == 0
                || params.messageGasPerBlock < _maxMessageGas
                || params.maxBatchData == 0
        ) revert InvalidParameter();

        messageQueue = messageQueue_;
        sequencer = sequencer_;
        sequencerTimeout = params.sequencerTimeout;
        forcedInclusionDelay = params.forcedInclusionDelay;
        maxDrift = params.maxDrift;
        maxBatchBlocks = params.maxBatchBlocks;
        messageGasPerBlock = params.messageGasPerBlock;
        maxBatchData = params.maxBatchData;
        _genesisAnchorNumber = genesis.anchorNumber;
        _genesisAnchorHash = genesis.anchorHash;

        _store(genesis, Hashing.batchHash(genesis));
    }

    /// @inheritdoc IInbox
    function append(BatchHeader calldata header, bytes calldata data) external {
        _checkEncoding(data);
        if (data.length == 0 || data.length > maxBatchData) revert InvalidDataLength(data.length);
        _append(header, DataRoot.compute(data));
    }

    /// @inheritdoc IInbox
    function appendBlobs(BatchHeader calldata header) external {
        if (msg.data.length != HEADER_ONLY) revert NonCanonicalCalldata();
        bytes32 dataRoot = DataRoot.ofBlobs();
        if (dataRoot == 0) revert NoBlobs();
        _append(header, dataRoot);
    }

    /// @inheritdoc IInbox
    function batchCount() external view returns (uint64) {
        return uint64(_batches.length);
    }

    /// @inheritdoc IInbox
    function lastBatch() external view returns (uint64 index, BatchRecord memory record) {
        index = uint64(_batches.length - 1);
        record = _batches[index];
    }

    /// @inheritdoc IInbox
    function batch(uint64 index) external view returns (BatchRecord memory) {
        return _at(index);
    }

    /// @inheritdoc IInbox
    function batchHash(uint64 index) external view returns (bytes32) {
        return _at(index).hash;
    }

    /// @inheritdoc IInbox
    function batchLastBlock(uint64 index) external view returns (uint64) {
        return _at(index).lastBlock;
    }

    /// @inheritdoc IInbox
    function isOpen() external view returns (bool) {
        return _isOpen(_batches[_batches.length - 1].messageCount);
    }

    /// @inheritdoc IInbox
    function genesisAnchor() external view returns (uint64 number, bytes32 hash) {
        return (_genesisAnchorNumber, _genesisAnchorHash);
    }

    /// @dev `dataRoot` is what this contract computed from the data itself.
    function _append(BatchHeader calldata header, bytes32 dataRoot) private {
        if (msg.sender != tx.origin || msg.sender.code.length != 0) revert NotTransactionSender(msg.sender);

        uint64 index = uint64(_batches.length);
        BatchRecord memory last = _batches[index - 1];
        if (msg.sender != sequencer && !_isOpen(last.messageCount)) revert NotSequencer(msg.sender);

        if (header.index != index) revert UnexpectedBatchIndex(index, header.index);
        if (header.parentHash != last.hash) revert UnexpectedParent(last.hash, header.parentHash);
        uint256 blocks = _checkBlocks(header, last);
        _checkAnchor(header, last);
        _checkMessages(header, last, blocks);
        if (header.dataRoot != dataRoot) revert UnexpectedDataRoot(dataRoot, header.dataRoot);

        bytes32 hash = Hashing.batchHash(header);
        _store(header, hash);
        emit BatchAppended(index, hash, header, msg.sender);
    }

    /// @dev The input must be exactly `abi.encodeCall(append, (header, data))`, padding included.
    function _checkEncoding(bytes calldata data) private pure {
        bool canonical;
        assembly ("memory-safe") {
            let length := data.length
            let padded := and(add(length, 31), not(31))
            let tail := sub(padded, length)
            canonical := and(eq(data.offset, DATA_OFFSET), eq(calldatasize(), add(DATA_OFFSET, padded)))
            // A word read past the end of the data holds the padding in its first bytes.
            let padding := calldataload(add(data.offset, length))
            canonical := and(canonical, iszero(and(padding, not(shr(shl(3, tail), not(0))))))
        }
        if (!canonical) revert NonCanonicalCalldata();
    }

    /// @return blocks Number of L2 blocks in the batch.
    function _checkBlocks(BatchHeader calldata header, BatchRecord memory last)
        private
        view
        returns (uint256 blocks)
    {
        uint64 firstBlock = header.firstBlock;
        uint64 lastBlock = header.lastBlock;
        if (firstBlock != last.lastBlock + 1) revert UnexpectedFirstBlock(last.lastBlock + 1, firstBlock);
        if (lastBlock < firstBlock) revert InvalidBlockRange(firstBlock, lastBlock);
        blocks = uint256(lastBlock) - firstBlock + 1;
        if (blocks > maxBatchBlocks) revert InvalidBlockRange(firstBlock, lastBlock);

        uint256 latest = block.timestamp + maxDrift;
        if (header.timestamp < last.timestamp || header.timestamp > latest) {
            revert TimestampOutOfRange(header.timestamp, last.timestamp, latest);
        }
    }

    /// @dev An anchor equal to the previous one has its hash by canonicity alone, except for the genesis
    /// anchor, whose hash the deployer chose.
    function _checkAnchor(BatchHeader calldata header, BatchRecord memory last) private view {
        uint64 number = header.anchorNumber;
        bytes32 hash = header.anchorHash;
        if (number < last.anchorNumber || number >= block.number) revert AnchorOutOfRange(number);
        if (hash == 0 || hash != Blockhash.blockHash(number)) revert AnchorNotCanonical(number, hash);
        if (number == _genesisAnchorNumber && hash != _genesisAnchorHash) revert AnchorNotCanonical(number, hash);
    }

    function _checkMessages(BatchHeader calldata header, BatchRecord memory last, uint256 blocks) private view {
        IMessageQueue queue = IMessageQueue(messageQueue);
        uint64 consumed = header.messageCount;
        uint64 sent = queue.count();
        if (consumed < last.messageCount || consumed > sent) revert MessageCountOutOfRange(consumed);

        (bytes32 acc,, uint64 blockNumber, uint256 gasAfter) = _messageBefore(queue, consumed);
        if (header.messageAcc != acc) revert UnexpectedMessageAcc(acc, header.messageAcc);

        uint256 gasBefore = gasAfter;
        uint256 capacity = blocks * messageGasPerBlock;
        if (consumed != last.messageCount) {
            if (blockNumber > header.anchorNumber) revert MessageAfterAnchor(blockNumber, header.anchorNumber);
            (,,, gasBefore) = _messageBefore(queue, last.messageCount);
            if (gasAfter - gasBefore > capacity) revert MessageCapacityExceeded(gasAfter - gasBefore, capacity);
        }

        if (consumed != sent) {
            (, uint64 timestamp,, uint128 gasWithNext) = queue.message(consumed);
            bool overdue = uint256(timestamp) + forcedInclusionDelay < block.timestamp;
            // Whole messages go into blocks in order, so a block may have room that the next message does
            // not fit: up to `_maxMessageGas` of it. One message always fits.
            bool fits =
                consumed == last.messageCount || gasWithNext - gasBefore <= capacity - blocks * _maxMessageGas;
            if (overdue && fits) revert MessageOverdue(consumed);
        }
    }

    /// @dev The last of the first `messageCount` messages; zeros if there are none.
    function _messageBefore(IMessageQueue queue, uint64 messageCount)
        private
        view
        returns (bytes32 acc, uint64 timestamp, uint64 blockNumber, uint256 cumulativeGas)
    {
        if (messageCount != 0) return queue.message(messageCount - 1);
    }

    function _isOpen(uint64 consumed) private view returns (bool) {
        IMessageQueue queue = IMessageQueue(messageQueue);
        if (consumed >= queue.count()) return false;
        (, uint64 timestamp,,) = queue.message(consumed);
        return uint256(timestamp) + sequencerTimeout < block.timestamp;
    }

    function _store(BatchHeader memory header, bytes32 hash) private {
        _batches.push(
            BatchRecord(hash, header.lastBlock, header.timestamp, header.anchorNumber, header.messageCount)
        );
    }

    function _at(uint64 index) private view returns (BatchRecord storage) {
        if (index >= _batches.length) revert UnknownBatch(index);
        return _batches[index];
    }
}
