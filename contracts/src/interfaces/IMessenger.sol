// SPDX-License-Identifier: MIT
pragma solidity 0.8.37;

/// @title IMessenger
/// @notice Makes the calls of messages, so that the Endpoint never makes a call that somebody else composed. It holds
/// nothing and is trusted with nothing. What a message calls sees it as its caller, and asks {sender} who is behind it.
interface IMessenger {
    /// @notice Calls `target` with all gas but a reserve. Called by the Endpoint only.
    /// @dev Reverts with `InsufficientGas` before the call if `gasLimit` cannot be met, and with `DeliveryFailed` after it
    /// if it failed. What the target returns is never copied.
    function deliver(address sender, address target, uint256 gasLimit, bytes calldata payload)
        external
        payable;

    /// @notice Who sent, on the other chain, the message that is being delivered; zero outside of a delivery.
    function sender() external view returns (address);

    /// @notice The Endpoint.
    function endpoint() external view returns (address);
}
