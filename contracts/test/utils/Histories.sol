// SPDX-License-Identifier: MIT
pragma solidity 0.8.37;

/// @notice Trees of depth 12, every node of which is known: node 1 is the root, nodes 2i and 2i+1 are under node i, and
/// the leaves are nodes 4096 to 8191. The plain model of what `libraries/History.sol` checks proofs against.
library Histories {
    uint256 internal constant LEAVES = 4096;

    /// @dev Over these leaves, then zeros.
    function build(bytes32[] memory leaves) internal pure returns (bytes32[] memory nodes) {
        require(leaves.length <= LEAVES, "too many leaves");
        nodes = new bytes32[](2 * LEAVES);
        for (uint256 i; i < leaves.length; ++i) {
            nodes[LEAVES + i] = leaves[i];
        }
        assembly ("memory-safe") {
            // A node is 32 bytes, so its index times 64 is where its children are.
            let first := add(nodes, 0x20)
            for { let i := sub(LEAVES, 1) } i { i := sub(i, 1) } {
                mstore(add(first, shl(5, i)), keccak256(add(first, shl(6, i)), 0x40))
            }
        }
    }

    function root(bytes32[] memory nodes) internal pure returns (bytes32) {
        return nodes[1];
    }

    function leaf(bytes32[] memory nodes, uint256 index) internal pure returns (bytes32) {
        return nodes[LEAVES + index];
    }

    /// @dev Writes a leaf and all that is above it.
    function set(bytes32[] memory nodes, uint256 index, bytes32 value) internal pure {
        uint256 node = LEAVES + index;
        nodes[node] = value;
        while ((node >>= 1) != 0) {
            nodes[node] = parent(nodes[2 * node], nodes[2 * node + 1]);
        }
    }

    /// @dev The 16 nodes four levels under a node.
    function opened(bytes32[] memory nodes, uint256 node) internal pure returns (bytes32[16] memory below) {
        for (uint256 i; i < 16; ++i) {
            below[i] = nodes[16 * node + i];
        }
    }

    /// @dev Siblings of a leaf from the bottom up.
    function proof(bytes32[] memory nodes, uint256 index)
        internal
        pure
        returns (bytes32[12] memory siblings)
    {
        uint256 node = LEAVES + index;
        for (uint256 level; level < 12; ++level) {
            siblings[level] = nodes[node ^ 1];
            node >>= 1;
        }
    }

    /// @dev What a leaf and its siblings lead to.
    function climb(bytes32 node, uint256 index, bytes32[12] memory siblings) internal pure returns (bytes32) {
        for (uint256 level; level < 12; ++level) {
            node = index >> level & 1 == 0 ? parent(node, siblings[level]) : parent(siblings[level], node);
        }
        return node;
    }

    function parent(bytes32 left, bytes32 right) internal pure returns (bytes32 node) {
        assembly ("memory-safe") {
            mstore(0x00, left)
            mstore(0x20, right)
            node := keccak256(0x00, 0x40)
        }
    }
}
