// SPDX-License-Identifier: MIT
pragma solidity 0.8.37;

/// @notice A whole tree of zero leaves but for those that were set: what the machine's trees are by definition.
contract SparseTree {
    uint256 public immutable depth;
    mapping(uint256 level => mapping(uint256 index => bytes32)) private _nodes;
    bytes32[] private _empty;

    constructor(uint256 depth_) {
        depth = depth_;
        _empty.push(0);
        for (uint256 i; i < depth_; ++i) {
            _empty.push(keccak256(abi.encode(_empty[i], _empty[i])));
        }
    }

    function node(uint256 level, uint256 index) public view returns (bytes32 value) {
        value = _nodes[level][index];
        // Nothing hashes to zero.
        if (value == 0) value = _empty[level];
    }

    function root() external view returns (bytes32) {
        return node(depth, 0);
    }

    function set(uint256 index, bytes32 leaf) external {
        _nodes[0][index] = leaf;
        for (uint256 level = 1; level <= depth; ++level) {
            index /= 2;
            _nodes[level][index] =
                keccak256(abi.encode(node(level - 1, 2 * index), node(level - 1, 2 * index + 1)));
        }
    }

    /// @notice The leaf, then its siblings from the bottom up.
    function prove(uint256 index) external view returns (bytes memory proof) {
        proof = abi.encodePacked(node(0, index));
        for (uint256 level; level < depth; ++level) {
            proof = abi.encodePacked(proof, node(level, index ^ 1));
            index /= 2;
        }
    }
}
