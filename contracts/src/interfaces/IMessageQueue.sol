// SPDX-License-Identifier: MIT
pragma solidity 0.8.37;

/// @title IMessageQueue
/// @notice Messages from L1 to L2, in order. On L2 each is a deposit transaction: `mint` wei are created for
/// `from`, who then calls `target` with `value`. If that call fails, what was minted stays with `from`.
interface IMessageQueue {
    /// @notice A message was queued.
    /// @param index Position in the queue.
    /// @param from The sender as L2 sees it: contracts are aliased.
    /// @param target Account called on L2.
    /// @param mint Wei sent to L1 with the message, created on L2.
    /// @param value Wei of the call on L2; what exceeds `mint` comes from the sender's L2 balance.
    /// @param gasLimit Gas of the L2 transaction.
    /// @param data Input of the call.
    /// @param acc Accumulator after this message.
    event MessageSent(
        uint64 indexed index,
        address indexed from,
        address indexed target,
        uint256 mint,
        uint256 value,
        uint64 gasLimit,
        bytes data,
        bytes32 acc
    );

    /// @notice Queues a message. All ETH sent is locked in the Vault and minted on L2.
    /// @dev L2 gas is paid for by burning `gasLimit / gasBurnDivisor` L1 gas, of which what the call uses
    /// anyway counts as a part.
    /// @param target Account to call on L2.
    /// @param value Wei of the call on L2.
    /// @param gasLimit Gas of the L2 transaction, between `minimumGas(data.length)` and `maxMessageGas`.
    /// @param data Input of the call, at most `maxMessageData` bytes.
    /// @return index Position of the message.
    function send(address target, uint256 value, uint64 gasLimit, bytes calldata data)
        external
        payable
        returns (uint64 index);

    /// @notice Messages sent so far.
    function count() external view returns (uint64);

    /// @notice Rolling hash over the first `messageCount` messages: `acc_0 = 0`,
    /// `acc_{i+1} = keccak256(acc_i ‖ messageHash_i)` where
    /// `messageHash = keccak256(abi.encode(from, target, mint, value, gasLimit, data))`.
    function accumulator(uint64 messageCount) external view returns (bytes32);

    /// @notice What is kept of a message.
    /// @return acc Accumulator after it.
    /// @return timestamp L1 time at which it was sent.
    /// @return blockNumber L1 block in which it was sent.
    /// @return cumulativeGas Sum of the gas limits of all messages up to and including it.
    function message(uint64 index)
        external
        view
        returns (bytes32 acc, uint64 timestamp, uint64 blockNumber, uint128 cumulativeGas);

    /// @notice Least gas limit of a message with this much data: 21000, and 40 a byte.
    function minimumGas(uint256 dataLength) external pure returns (uint256);

    /// @notice The Vault, which keeps the ETH.
    function vault() external view returns (address);

    /// @notice Most gas that a message may ask for.
    function maxMessageGas() external view returns (uint64);

    /// @notice Most bytes of data in a message.
    function maxMessageData() external view returns (uint64);

    /// @notice L2 gas that one unit of L1 gas pays for.
    function gasBurnDivisor() external view returns (uint256);
}
