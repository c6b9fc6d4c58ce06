// SPDX-License-Identifier: MIT
pragma solidity 0.8.37;

import {MerkleTree32} from "./MerkleTree32.sol";

/// @title History
/// @notice Histories, docs/fault-proofs.md §3: trees of depth 12 over 4096 leaves of 32 bytes, `node = keccak256(left ‖
/// right)`. A move of a dispute opens a node by the 16 nodes four levels under it.
library History {
    /// @notice Leaves of a history.
    uint256 internal constant LEAVES = 4096;

    /// @notice Root of the history in which `leaf` is at `index` and its siblings, from the bottom up, are these.
    function root(bytes32 leaf, uint256 index, bytes32[12] calldata siblings)
        internal
        pure
        returns (bytes32)
    {
        bytes calldata path;
        assembly ("memory-safe") {
            path.offset := siblings
            path.length := 0x180
        }
        return MerkleTree32.root(leaf, index, path);
    }

    /// @notice The node four levels above these.
    function node(bytes32[16] calldata opened) internal pure returns (bytes32 result) {
        assembly ("memory-safe") {
            // Each level is written over the one below it, behind the last allocation.
            let nodes := mload(0x40)
            calldatacopy(nodes, opened, 0x200)
            for { let size := 0x200 } gt(size, 0x20) {} {
                size := shr(1, size)
                for { let i := 0 } lt(i, size) { i := add(i, 0x20) } {
                    mstore(add(nodes, i), keccak256(add(nodes, shl(1, i)), 0x40))
                }
            }
            result := mload(nodes)
        }
    }

    /// @notice Position of the first that differ. Some do, if what they are under differs.
    function firstDifference(bytes32[16] calldata left, bytes32[16] calldata right)
        internal
        pure
        returns (uint256 index)
    {
        while (left[index] == right[index]) ++index;
    }
}
