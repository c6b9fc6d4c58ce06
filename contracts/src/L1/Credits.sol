// SPDX-License-Identifier: MIT
pragma solidity 0.8.37;

import {ICredits} from "../interfaces/ICredits.sol";
import "../libraries/Errors.sol";

/// @title Credits
/// @notice See {ICredits}.
abstract contract Credits is ICredits {
    /// @inheritdoc ICredits
    mapping(address account => uint256) public credit;
    /// @inheritdoc ICredits
    uint256 public burnt;

    /// @inheritdoc ICredits
    function withdrawCredit(address to) external {
        if (to == address(0)) revert ZeroAddress();
        uint256 amount = credit[msg.sender];
        if (amount == 0) revert NothingToWithdraw();
        credit[msg.sender] = 0;
        emit CreditWithdrawn(msg.sender, to, amount);
        (bool success,) = to.call{value: amount}("");
        if (!success) revert TransferFailed(to);
    }

    /// @dev Half of a lost bond for who won it, the rest for nobody.
    function _forfeit(uint256 lost, address winner) internal {
        uint256 half = lost / 2;
        credit[winner] += half;
        burnt += lost - half;
    }
}
