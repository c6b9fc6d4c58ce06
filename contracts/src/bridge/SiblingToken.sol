// SPDX-License-Identifier: MIT
pragma solidity 0.8.37;

import {ERC20} from "solady/tokens/ERC20.sol";

import "../libraries/Errors.sol";

/// @title SiblingToken
/// @notice A token of another L2: ERC-20 with EIP-2612 permits. Only its SiblingPort creates and destroys it.
/// @dev The code that a port creates first is shared by all clones and is itself never a token.
contract SiblingToken is ERC20 {
    /// @notice The port.
    address public immutable port;
    address private immutable _self;
    /// @notice The token on the chain where it is at home.
    address public home;
    uint8 private _decimals;
    string private _name;
    string private _symbol;

    constructor() {
        (port, _self) = (msg.sender, address(this));
    }

    modifier onlyPort() {
        if (msg.sender != port) revert Unauthorized(msg.sender);
        _;
    }

    /// @notice Says what it is, once.
    function initialize(address home_, string calldata name_, string calldata symbol_, uint8 decimals_)
        external
        onlyPort
    {
        if (home != address(0) || address(this) == _self) revert AlreadyInitialized();
        if (home_ == address(0)) revert ZeroAddress();
        (home, _decimals, _name, _symbol) = (home_, decimals_, name_, symbol_);
    }

    /// @notice Creates tokens.
    function mint(address to, uint256 amount) external onlyPort {
        _mint(to, amount);
    }

    /// @notice Destroys tokens.
    function burn(address from, uint256 amount) external onlyPort {
        _burn(from, amount);
    }

    /// @inheritdoc ERC20
    function name() public view override returns (string memory) {
        return _name;
    }

    /// @inheritdoc ERC20
    function symbol() public view override returns (string memory) {
        return _symbol;
    }

    /// @inheritdoc ERC20
    function decimals() public view override returns (uint8) {
        return _decimals;
    }

    /// @dev No contract has an allowance that its owner did not give.
    function _givePermit2InfiniteAllowance() internal pure override returns (bool) {
        return false;
    }
}
