// SPDX-License-Identifier: MIT
pragma solidity 0.8.37;

import {History} from "../src/libraries/History.sol";
import {DisputeSystem} from "./utils/DisputeSystem.sol";
import {Histories} from "./utils/Histories.sol";

/// @notice The library against whole trees, and vectors for its twin in Rust: WRITE_VECTORS=true writes them anew.
contract HistoryTest is DisputeSystem {
    using Histories for bytes32[];

    string internal constant FILE = "test/history-vectors.json";

    // --- the library, which takes calldata ---

    function rootOf(bytes32 leaf, uint256 index, bytes32[12] calldata siblings)
        external
        pure
        returns (bytes32)
    {
        return History.root(leaf, index, siblings);
    }

    function nodeOf(bytes32[16] calldata opened) external pure returns (bytes32) {
        return History.node(opened);
    }

    function partOf(bytes32[16] calldata left, bytes32[16] calldata right) external pure returns (uint256) {
        return History.firstDifference(left, right);
    }

    /// @dev Leaf `i` is the hash of the eight bytes of `i + 1`.
    function tree(uint256 count) internal pure returns (bytes32[] memory) {
        bytes32[] memory leaves = new bytes32[](count);
        for (uint256 i; i < count; ++i) {
            leaves[i] = keccak256(abi.encodePacked(uint64(i + 1)));
        }
        return Histories.build(leaves);
    }

    /// forge-config: default.fuzz.runs = 64
    function testFuzz_root_anyLeaf_isTheTrees(uint256 count, uint256 index, bytes32 other) public view {
        bytes32[] memory nodes = tree(count % 4097);
        index %= 4096;
        bytes32[12] memory siblings = nodes.proof(index);
        vm.assertEq(this.rootOf(nodes.leaf(index), index, siblings), nodes.root());
        vm.assertEq(Histories.climb(nodes.leaf(index), index, siblings), nodes.root());
        vm.assertTrue(this.rootOf(other, index, siblings) != nodes.root());
        vm.assertTrue(
            nodes.leaf(index) == 0 || this.rootOf(nodes.leaf(index), index ^ 1, siblings) != nodes.root()
        );
        siblings[uint256(other) % 12] ^= bytes32(uint256(1));
        vm.assertTrue(this.rootOf(nodes.leaf(index), index, siblings) != nodes.root());
    }

    /// forge-config: default.fuzz.runs = 64
    function testFuzz_node_anyOpening_isTheTrees(uint256 count, uint256 node) public view {
        bytes32[] memory nodes = tree(count % 4097);
        uint256 depth = node % 3 * 4;
        node = (uint256(1) << depth) + (node / 3) % (uint256(1) << depth);
        vm.assertEq(this.nodeOf(nodes.opened(node)), nodes[node]);
    }

    function testFuzz_firstDifference_isTheFirst(bytes32[16] memory left, uint256 first, uint256 more)
        public
        view
    {
        bytes32[16] memory right;
        first %= 16;
        for (uint256 i; i < 16; ++i) {
            bool differs = i == first || (i > first && more >> i & 1 == 1);
            right[i] = differs ? ~left[i] : left[i];
        }
        vm.assertEq(this.partOf(left, right), first);
    }

    function test_firstDifference_none_reverts() public {
        bytes32[16] memory same;
        vm.expectRevert();
        this.partOf(same, same);
    }

    // --- vectors ---

    function test_vectors_areTrue() public {
        string memory json =
            string.concat('{\n  "histories": [', histories(), "\n  ],\n  ", statement(), "\n}\n");
        if (vm.envOr("WRITE_VECTORS", false)) vm.writeFile(FILE, json);
        vm.assertEq(json, vm.readFile(FILE));
    }

    function histories() internal view returns (string memory json) {
        uint16[6] memory counts = [0, 1, 17, 300, 4095, 4096];
        for (uint256 i; i < counts.length; ++i) {
            bytes32[] memory nodes = tree(counts[i]);
            uint256 index = counts[i] == 0 ? 7 : counts[i] - 1;
            json = string.concat(json, i == 0 ? "\n    { " : ",\n    { ", number("leaves", counts[i]));
            json = string.concat(json, ", ", word("root", nodes.root()), ", ", number("index", index));
            json = string.concat(json, ", ", word("leaf", nodes.leaf(index)), ',\n      "siblings": [');
            bytes32[12] memory siblings = nodes.proof(index);
            for (uint256 k; k < 12; ++k) {
                json = string.concat(json, k == 0 ? "" : ", ", quoted(siblings[k]));
            }
            // What a move opens of the node at depth 8 that is above the leaf.
            json = string.concat(json, '],\n      "openedAtDepth8": [');
            bytes32[16] memory opened = nodes.opened(256 + index / 16);
            for (uint256 k; k < 16; ++k) {
                json = string.concat(json, k == 0 ? "" : ", ", quoted(opened[k]));
            }
            json = string.concat(json, "] }");
        }
    }

    /// @dev As the contract makes it in a dispute about block 18.
    function statement() internal returns (string memory json) {
        (uint64 id, bytes32[] memory claimed) = proposeLie(0, 3, 17);
        Play memory p = start(id, Histories.build(outputs(0, 3)), claimed);
        descendStage(p);
        json = string.concat('"statement": { ', word("parentOutput", truth(17)), ", ");
        json = string.concat(json, word("output", claimed.leaf(17)), ", ");
        json =
            string.concat(json, word("batchHash", inbox.batchHash(3)), ", ", number("blockNumber", 18), ", ");
        json = string.concat(json, word("configHash", CONFIG_HASH), ", ");
        return string.concat(json, word("hash", disputeOf(p).statement), " }");
    }

    function quoted(bytes32 value) internal pure returns (string memory) {
        return string.concat('"', vm.toString(value), '"');
    }

    function word(string memory key, bytes32 value) internal pure returns (string memory) {
        return string.concat('"', key, '": ', quoted(value));
    }

    function number(string memory key, uint256 value) internal pure returns (string memory) {
        return string.concat('"', key, '": ', vm.toString(value));
    }
}
