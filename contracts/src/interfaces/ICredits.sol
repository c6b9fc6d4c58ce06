// SPDX-License-Identifier: MIT
pragma solidity 0.8.37;

/// @title ICredits
/// @notice Bonds that are owed back, and what of lost bonds is somebody's, wait here until they are fetched: who is
/// owed something can stop nobody else by refusing it. What of a lost bond is nobody's stays in the contract for
/// good; nothing can move it.
interface ICredits {
    /// @notice Credit was paid out.
    event CreditWithdrawn(address indexed account, address indexed to, uint256 amount);

    /// @notice Pays the caller's credit to `to`.
    function withdrawCredit(address to) external;

    /// @notice Wei that `account` may withdraw.
    function credit(address account) external view returns (uint256);

    /// @notice Wei of lost bonds that stay here for good. While compensation can still be asked for, it counts here.
    function burnt() external view returns (uint256);
}
