// SPDX-License-Identifier: MIT
pragma solidity 0.8.37;

/// @title IFeeVault
/// @notice Collects a kind of L2 fee and sends it to an account on L1.
interface IFeeVault {
    /// @notice Fees were sent to L1.
    event FeesWithdrawn(uint256 amount, address indexed recipient);

    /// @notice Sends the whole balance to the recipient. Anyone may call it.
    function withdraw() external;

    /// @notice Account on L1 that gets the fees.
    function recipient() external view returns (address);
}
