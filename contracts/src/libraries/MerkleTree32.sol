// SPDX-License-Identifier: MIT
pragma solidity 0.8.37;

/// @title MerkleTree32
/// @notice Binary trees of fixed depth over leaves of 32 bytes: a leaf is its own bytes, `node = keccak256(left ‖
/// right)`. The machine's memory and code are such trees. The depth is the caller's to check: by the length of the
/// path, since leaves and nodes are not told apart.
library MerkleTree32 {
    /// @notice Root of the tree in which `leaf` is at `index` and its siblings are these.
    /// @param siblings From the bottom up, 32 bytes each.
    function root(bytes32 leaf, uint256 index, bytes calldata siblings) internal pure returns (bytes32 node) {
        node = leaf;
        assembly ("memory-safe") {
            let end := add(siblings.offset, siblings.length)
            for { let sibling := siblings.offset } lt(sibling, end) { sibling := add(sibling, 0x20) } {
                // The node goes left where the index is even.
                let side := shl(5, and(index, 1))
                mstore(side, node)
                mstore(xor(side, 0x20), calldataload(sibling))
                node := keccak256(0x00, 0x40)
                index := shr(1, index)
            }
        }
    }
}
