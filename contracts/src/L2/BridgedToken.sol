// SPDX-License-Identifier: MIT
pragma solidity 0.8.37;

import {IERC165} from "@openzeppelin/contracts/utils/introspection/IERC165.sol";
import {ERC20} from "solady/tokens/ERC20.sol";

import {IBridgedToken, ILegacyMintableERC20, IOptimismMintableERC20} from "../interfaces/IBridgedToken.sol";
import "../libraries/Errors.sol";
import {Predeploys} from "../libraries/Predeploys.sol";

/// @title BridgedToken
/// @notice An L1 token on L2: ERC-20 with EIP-2612 permits. Only the L2Bridge creates and destroys it.
/// @dev The code at `Predeploys.BRIDGED_TOKEN` is shared by all clones and is itself never a token.
contract BridgedToken is ERC20, IBridgedToken, ILegacyMintableERC20, IOptimismMintableERC20, IERC165 {
    /// @inheritdoc ILegacyMintableERC20
    address public l1Token;
    uint8 private _decimals;
    string private _name;
    string private _symbol;

    modifier onlyBridge() {
        if (msg.sender != Predeploys.L2_BRIDGE) revert Unauthorized(msg.sender);
        _;
    }

    /// @inheritdoc IBridgedToken
    function initialize(address l1Token_, string calldata name_, string calldata symbol_, uint8 decimals_)
        external
    {
        if (msg.sender != Predeploys.BRIDGED_TOKEN_FACTORY) revert Unauthorized(msg.sender);
        if (l1Token != address(0) || address(this) == Predeploys.BRIDGED_TOKEN) revert AlreadyInitialized();
        if (l1Token_ == address(0)) revert ZeroAddress();
        l1Token = l1Token_;
        _decimals = decimals_;
        _name = name_;
        _symbol = symbol_;
    }

    /// @inheritdoc IOptimismMintableERC20
    function mint(address to, uint256 amount)
        external
        override(ILegacyMintableERC20, IOptimismMintableERC20)
        onlyBridge
    {
        _mint(to, amount);
    }

    /// @inheritdoc IOptimismMintableERC20
    function burn(address from, uint256 amount)
        external
        override(ILegacyMintableERC20, IOptimismMintableERC20)
        onlyBridge
    {
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

    /// @inheritdoc IOptimismMintableERC20
    function remoteToken() external view returns (address) {
        return l1Token;
    }

    /// @inheritdoc IOptimismMintableERC20
    function bridge() external pure returns (address) {
        return Predeploys.L2_BRIDGE;
    }

    /// @notice The bridge on L2, by its older name.
    function l2Bridge() external pure returns (address) {
        return Predeploys.L2_BRIDGE;
    }

    /// @inheritdoc IERC165
    function supportsInterface(bytes4 id) external pure returns (bool) {
        return id == type(IERC165).interfaceId || id == type(ILegacyMintableERC20).interfaceId
            || id == type(IOptimismMintableERC20).interfaceId;
    }

    /// @dev No contract has an allowance that its owner did not give.
    function _givePermit2InfiniteAllowance() internal pure override returns (bool) {
        return false;
    }
}
