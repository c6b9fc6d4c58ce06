// SPDX-License-Identifier: MIT
pragma solidity 0.8.37;

import {ERC20} from "solady/tokens/ERC20.sol";

/// @title DevToken
/// @notice A token with permits for development chains, standing in for the well-known ones.
contract DevToken is ERC20 {
    string private _name;
    string private _symbol;

    /// @param name_ Name.
    /// @param symbol_ Symbol.
    /// @param amountEach What each holder starts with, in units of 10^-18.
    /// @param holders Accounts that start with tokens.
    constructor(string memory name_, string memory symbol_, uint256 amountEach, address[] memory holders) {
        _name = name_;
        _symbol = symbol_;
        for (uint256 i; i < holders.length; ++i) {
            _mint(holders[i], amountEach);
        }
    }

    /// @inheritdoc ERC20
    function name() public view override returns (string memory) {
        return _name;
    }

    /// @inheritdoc ERC20
    function symbol() public view override returns (string memory) {
        return _symbol;
    }

    /// @dev No contract has an allowance that its owner did not give.
    function _givePermit2InfiniteAllowance() internal pure override returns (bool) {
        return false;
    }
}
