// SPDX-License-Identifier: MIT
pragma solidity 0.8.37;

/// @title IManifest
/// @notice What a rollup is, published on L1 once: with it and L1's blocks anyone rebuilds the rollup, without
/// asking its operators for anything. It has no power. Readers check what it says against the contracts: the
/// genesis output root is claim 0 of the Settlement, parameters and addresses are the contracts' own.
interface IManifest {
    /// @notice The rollup of `vault` is described by `data`: `0x00 ‖ brotli(deployment as JSON)`.
    event Published(address indexed vault, bytes data);

    /// @notice The Vault of the rollup.
    function vault() external view returns (address);

    /// @notice `keccak256` of the data.
    function dataHash() external view returns (bytes32);

    /// @notice L1 block with the event.
    function publishedAt() external view returns (uint256);
}
