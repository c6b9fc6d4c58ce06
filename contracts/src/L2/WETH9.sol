// SPDX-License-Identifier: MIT
pragma solidity 0.8.37;

import {WETH} from "solady/tokens/WETH.sol";

/// @title WETH9
/// @notice ETH as an ERC-20 token, with the interface and events that everyone knows, and permits.
contract WETH9 is WETH {
    /// @notice `wad` wei were wrapped for `dst`.
    event Deposit(address indexed dst, uint256 wad);
    /// @notice `wad` wei were unwrapped by `src`.
    event Withdrawal(address indexed src, uint256 wad);

    /// @inheritdoc WETH
    function deposit() public payable override {
        super.deposit();
        emit Deposit(msg.sender, msg.value);
    }

    /// @inheritdoc WETH
    function withdraw(uint256 amount) public override {
        emit Withdrawal(msg.sender, amount);
        super.withdraw(amount);
    }

    /// @dev No contract has an allowance that its owner did not give.
    function _givePermit2InfiniteAllowance() internal pure override returns (bool) {
        return false;
    }
}
