// SPDX-License-Identifier: MIT
pragma solidity 0.8.37;

/// @title RiscvLeaf
/// @notice Little-endian numbers in leaves of 32 bytes. Those here are aligned, so none crosses into another leaf.
library RiscvLeaf {
    /// @notice The number of `size` bytes, 1, 2, 4 or 8, at `addr`.
    function load(bytes32 leaf, uint256 addr, uint256 size) internal pure returns (uint64 value) {
        unchecked {
            value = reverse(uint64(uint256(leaf << (8 * (addr % 32))) >> 192));
            value &= uint64((1 << (8 * size)) - 1);
        }
    }

    /// @notice The leaf with the lowest `size` bytes of `value`, 1, 2, 4 or 8, at `addr`.
    function store(bytes32 leaf, uint256 addr, uint256 size, uint64 value) internal pure returns (bytes32) {
        unchecked {
            uint256 shift = 8 * (addr % 32);
            bytes32 mask = ~(bytes32(type(uint256).max) >> (8 * size));
            bytes32 bytes_ = bytes32(uint256(reverse(value)) << 192) & mask;
            return (leaf & ~(mask >> shift)) | (bytes_ >> shift);
        }
    }

    /// @notice The eight bytes in the other order.
    function reverse(uint64 x) internal pure returns (uint64) {
        x = ((x & 0x00ff00ff00ff00ff) << 8) | ((x >> 8) & 0x00ff00ff00ff00ff);
        x = ((x & 0x0000ffff0000ffff) << 16) | ((x >> 16) & 0x0000ffff0000ffff);
        return (x << 32) | (x >> 32);
    }
}
