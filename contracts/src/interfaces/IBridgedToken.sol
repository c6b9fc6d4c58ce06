// SPDX-License-Identifier: MIT
pragma solidity 0.8.37;

/// @notice The older set of functions by which wallets and explorers know a bridged token.
interface ILegacyMintableERC20 {
    /// @notice The token on L1.
    function l1Token() external view returns (address);
    /// @notice Creates tokens. Called by the bridge only.
    function mint(address to, uint256 amount) external;
    /// @notice Destroys tokens. Called by the bridge only.
    function burn(address from, uint256 amount) external;
}

/// @notice The set of functions by which wallets and explorers know a bridged token.
interface IOptimismMintableERC20 {
    /// @notice The token on L1.
    function remoteToken() external view returns (address);
    /// @notice The bridge on L2.
    function bridge() external returns (address);
    /// @notice Creates tokens. Called by the bridge only.
    function mint(address to, uint256 amount) external;
    /// @notice Destroys tokens. Called by the bridge only.
    function burn(address from, uint256 amount) external;
}

/// @title IBridgedToken
/// @notice Set-up of a bridged token.
interface IBridgedToken {
    /// @notice Fixes what the token stands for. Called by the factory, once, in the transaction that creates it.
    function initialize(address l1Token_, string calldata name_, string calldata symbol_, uint8 decimals_)
        external;
}
