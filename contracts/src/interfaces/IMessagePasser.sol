// SPDX-License-Identifier: MIT
pragma solidity 0.8.37;

/// @title IMessagePasser
/// @notice Messages from L2 to L1. ETH sent with a message has left L2: it is kept here, out of circulation,
/// until `burn` destroys it.
interface IMessagePasser {
    /// @notice A message was sent.
    event MessagePassed(
        uint256 indexed nonce,
        address indexed sender,
        address indexed target,
        uint256 value,
        uint256 gasLimit,
        bytes data,
        bytes32 withdrawalHash
    );

    /// @notice ETH that had left L2 was destroyed.
    event Burned(uint256 amount);

    /// @notice Sends a message to L1 with the ETH sent along.
    /// @param target Account to call on L1.
    /// @param gasLimit Least gas for that call, at most `MAX_GAS_LIMIT`.
    /// @param data Input of the call, at most `MAX_DATA` bytes.
    /// @return withdrawalHash `keccak256(abi.encode(nonce, sender, target, value, gasLimit, data))`.
    function initiateWithdrawal(address target, uint256 gasLimit, bytes calldata data)
        external
        payable
        returns (bytes32 withdrawalHash);

    /// @notice Destroys the ETH that has left L2. Anyone may call it.
    function burn() external;

    /// @notice Whether a message with this hash was sent.
    function sentMessages(bytes32 withdrawalHash) external view returns (bool);

    /// @notice Messages sent so far.
    function messageCount() external view returns (uint256);

    /// @notice Nonce of the next message: version 1 in the top 16 bits, the counter below.
    function messageNonce() external view returns (uint256);

    /// @notice Rolling hash over the first `count` messages: `acc_0 = 0`,
    /// `acc_{i+1} = keccak256(acc_i ‖ withdrawalHash_i)`.
    function accumulator(uint256 count) external view returns (bytes32);

    /// @notice Wei that has left L2 since genesis, burnt or not.
    function totalWithdrawn() external view returns (uint256);
}
