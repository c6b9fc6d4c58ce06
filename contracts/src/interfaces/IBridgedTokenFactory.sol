// SPDX-License-Identifier: MIT
pragma solidity 0.8.37;

/// @title IBridgedTokenFactory
/// @notice Creates the L2 token of each L1 token, at an address that depends on the L1 token alone.
interface IBridgedTokenFactory {
    /// @notice A bridged token was created.
    event TokenCreated(
        address indexed l1Token, address indexed l2Token, string name, string symbol, uint8 decimals
    );

    /// @notice Creates the token of `l1Token`. Called by the L2Bridge only.
    function create(address l1Token, string calldata name, string calldata symbol, uint8 decimals)
        external
        returns (address l2Token);

    /// @notice Address of the token of `l1Token`, whether it exists yet or not.
    function tokenAddress(address l1Token) external pure returns (address);

    /// @notice L1 token of a bridged token; zero for any other address.
    function l1TokenOf(address l2Token) external view returns (address);

    /// @notice Whether `l2Token` was created here.
    function isBridged(address l2Token) external view returns (bool);
}
