// SPDX-License-Identifier: MIT
pragma solidity 0.8.37;

import {IMessageQueue} from "../interfaces/IMessageQueue.sol";
import {IVault} from "../interfaces/IVault.sol";
import {AddressAlias} from "../libraries/AddressAlias.sol";
import "../libraries/Errors.sol";
import {Hashing} from "../libraries/Hashing.sol";

/// @title MessageQueue
/// @notice See {IMessageQueue}.
contract MessageQueue is IMessageQueue {
    struct Message {
        bytes32 acc;
        uint64 timestamp;
        uint64 blockNumber;
        uint128 cumulativeGas;
    }

    uint256 private constant BASE_GAS = 21_000;
    uint256 private constant BYTE_GAS = 40;

    /// @inheritdoc IMessageQueue
    address public immutable vault;
    /// @inheritdoc IMessageQueue
    uint64 public immutable maxMessageGas;
    /// @inheritdoc IMessageQueue
    uint64 public immutable maxMessageData;
    /// @inheritdoc IMessageQueue
    uint256 public immutable gasBurnDivisor;

    Message[] private _messages;

    constructor(address vault_, uint64 maxMessageGas_, uint64 maxMessageData_, uint256 gasBurnDivisor_) {
        if (vault_ == address(0)) revert ZeroAddress();
        // The longest message must be sendable, or the gas limit would be the real limit on data.
        if (gasBurnDivisor_ == 0 || minimumGas(maxMessageData_) > maxMessageGas_) revert InvalidParameter();
        vault = vault_;
        maxMessageGas = maxMessageGas_;
        maxMessageData = maxMessageData_;
        gasBurnDivisor = gasBurnDivisor_;
    }

    /// @inheritdoc IMessageQueue
    function send(address target, uint256 value, uint64 gasLimit, bytes calldata data)
        external
        payable
        returns (uint64 index)
    {
        uint256 gasAtStart = gasleft();
        if (data.length > maxMessageData) revert MessageDataTooLong(data.length, maxMessageData);
        uint256 minimum = minimumGas(data.length);
        if (gasLimit < minimum || gasLimit > maxMessageGas) {
            revert GasLimitOutOfRange(gasLimit, minimum, maxMessageGas);
        }

        address from = AddressAlias.isKeyed(msg.sender) ? msg.sender : AddressAlias.toL2(msg.sender);
        bytes32 acc;
        (index, acc) = _push(Hashing.messageHash(from, target, msg.value, value, gasLimit, data), gasLimit);
        emit MessageSent(index, from, target, msg.value, value, gasLimit, data, acc);

        if (msg.value != 0) IVault(vault).lock{value: msg.value}();

        uint256 toBurn = gasLimit / gasBurnDivisor;
        while (gasAtStart - gasleft() < toBurn) {}
    }

    /// @inheritdoc IMessageQueue
    function count() public view returns (uint64) {
        return uint64(_messages.length);
    }

    /// @inheritdoc IMessageQueue
    function accumulator(uint64 messageCount) external view returns (bytes32) {
        if (messageCount == 0) return bytes32(0);
        return _at(messageCount - 1).acc;
    }

    /// @inheritdoc IMessageQueue
    function message(uint64 index)
        external
        view
        returns (bytes32 acc, uint64 timestamp, uint64 blockNumber, uint128 cumulativeGas)
    {
        Message storage m = _at(index);
        return (m.acc, m.timestamp, m.blockNumber, m.cumulativeGas);
    }

    /// @inheritdoc IMessageQueue
    function minimumGas(uint256 dataLength) public pure returns (uint256) {
        return BASE_GAS + BYTE_GAS * dataLength;
    }

    function _push(bytes32 messageHash, uint64 gasLimit) private returns (uint64 index, bytes32 acc) {
        index = count();
        uint128 cumulativeGas = gasLimit;
        if (index != 0) {
            Message storage last = _messages[index - 1];
            acc = last.acc;
            cumulativeGas += last.cumulativeGas;
        }
        acc = Hashing.extend(acc, messageHash);
        _messages.push(Message(acc, uint64(block.timestamp), uint64(block.number), cumulativeGas));
    }

    function _at(uint64 index) private view returns (Message storage) {
        if (index >= _messages.length) revert UnknownMessage(index);
        return _messages[index];
    }
}
