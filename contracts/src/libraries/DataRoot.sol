// SPDX-License-Identifier: MIT
pragma solidity 0.8.37;

/// @title DataRoot
/// @notice Commitment to the data of a batch: a binary Merkle tree over chunks of 4096 bytes, the last of
/// which may be shorter. Leaf: `keccak256(0x00 ‖ uint64be(length of all data) ‖ chunk)`. Node:
/// `keccak256(0x01 ‖ left ‖ right)`. A node without a sibling moves up a level unchanged. The prefixes keep
/// leaves and nodes apart, and the length in every leaf fixes the shape of the tree.
library DataRoot {
    uint256 internal constant CHUNK = 4096;

    /// @notice Root of `data`, which must not be empty.
    function compute(bytes calldata data) internal pure returns (bytes32 root) {
        uint256 length = data.length;
        uint256 count = (length + CHUNK - 1) / CHUNK;
        bytes32[] memory nodes = new bytes32[](count);
        assembly ("memory-safe") {
            let first := add(nodes, 0x20)
            let end := add(first, shl(5, count))

            // Leaves, hashed in a buffer past the array: one prefix byte, eight of length, the chunk.
            let buffer := mload(0x40)
            mstore(buffer, shl(184, and(length, 0xffffffffffffffff)))
            let offset := data.offset
            let left := length
            for { let node := first } lt(node, end) { node := add(node, 0x20) } {
                let size := CHUNK
                if lt(left, size) { size := left }
                calldatacopy(add(buffer, 9), offset, size)
                mstore(node, keccak256(buffer, add(size, 9)))
                offset := add(offset, size)
                left := sub(left, size)
            }

            // Levels, in place.
            mstore8(buffer, 0x01)
            for {} gt(count, 1) {} {
                let write := first
                let read := first
                let pairs := shr(1, count)
                for { let i := 0 } lt(i, pairs) { i := add(i, 1) } {
                    mcopy(add(buffer, 1), read, 0x40)
                    mstore(write, keccak256(buffer, 0x41))
                    read := add(read, 0x40)
                    write := add(write, 0x20)
                }
                if and(count, 1) { mstore(write, mload(read)) }
                count := add(pairs, and(count, 1))
            }
            root := mload(first)
        }
    }

    /// @notice Root of data in the blobs of this transaction: `keccak256(0x02 ‖ versionedHash_0 ‖ …)`, where
    /// the prefix keeps it apart from leaves and nodes. Zero without blobs.
    function ofBlobs() internal view returns (bytes32 root) {
        assembly ("memory-safe") {
            let buffer := mload(0x40)
            mstore8(buffer, 0x02)
            let end := add(buffer, 1)
            for { let i := 0 } 1 { i := add(i, 1) } {
                let hash := blobhash(i)
                if iszero(hash) { break }
                mstore(end, hash)
                end := add(end, 0x20)
            }
            if gt(sub(end, buffer), 1) { root := keccak256(buffer, sub(end, buffer)) }
        }
    }
}
