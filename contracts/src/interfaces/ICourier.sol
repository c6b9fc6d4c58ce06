// SPDX-License-Identifier: MIT
pragma solidity 0.8.37;

/// @title ICourier
/// @notice Makes the calls of withdrawals, so that the Vault, which holds everything, never makes a call that
/// somebody else composed. The Courier holds nothing and is trusted with nothing.
interface ICourier {
    /// @notice Calls `target` with all gas but a reserve. Called by the Vault only.
    /// @dev Reverts with `InsufficientGas` before the call if `gasLimit` cannot be met, and with
    /// `DeliveryFailed` after it if it failed, which leaves the ETH with the Vault. What the target returns is
    /// never copied.
    function deliver(address sender, address target, uint256 gasLimit, bytes calldata data) external payable;

    /// @notice Sender on L2 of the message being delivered, or zero outside of a delivery.
    function l2Sender() external view returns (address);

    /// @notice The Vault.
    function vault() external view returns (address);
}
