// SPDX-License-Identifier: MIT
pragma solidity 0.8.37;

/// @title IL1Block
/// @notice What L2 knows of L1: the anchor of the current block, and a ring of recent anchors.
interface IL1Block {
    /// @notice Sets the anchor. Called by the depositor account in the first transaction of each L2 block.
    /// @param number_ Number of the L1 block.
    /// @param timestamp_ Its timestamp.
    /// @param basefee_ Its base fee.
    /// @param hash_ Its hash.
    /// @param blobBaseFee_ Its blob base fee.
    function setAnchor(
        uint64 number_,
        uint64 timestamp_,
        uint256 basefee_,
        bytes32 hash_,
        uint256 blobBaseFee_
    ) external;

    /// @notice Hash of the L1 block with this number if it was an anchor, and none of those 8192, 16384 …
    /// later has been one since; else zero.
    function anchorHash(uint256 number_) external view returns (bytes32);
}
