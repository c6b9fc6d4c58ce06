// SPDX-License-Identifier: MIT
pragma solidity 0.8.37;

import {IFeeVault} from "../interfaces/IFeeVault.sol";
import {IMessagePasser} from "../interfaces/IMessagePasser.sol";
import "../libraries/Errors.sol";
import {Predeploys} from "../libraries/Predeploys.sol";

/// @title FeeVault
/// @notice See {IFeeVault}.
/// @dev The same code stands at the addresses for priority fees, base fees and L1 data fees.
contract FeeVault is IFeeVault {
    uint256 private constant GAS_LIMIT = 200_000;

    /// @inheritdoc IFeeVault
    address public recipient;

    receive() external payable {}

    /// @inheritdoc IFeeVault
    function withdraw() external {
        uint256 amount = address(this).balance;
        if (amount == 0) revert NothingToWithdraw();
        emit FeesWithdrawn(amount, recipient);
        IMessagePasser(Predeploys.MESSAGE_PASSER).initiateWithdrawal{value: amount}(recipient, GAS_LIMIT, "");
    }
}
