// SPDX-License-Identifier: MIT
pragma solidity 0.8.37;

import {Hashing} from "../../src/libraries/Hashing.sol";

/// @notice Builds storage tries that hold one known value, and proofs from them.
library Trie {
    /// @notice A trie with a leaf for the withdrawal under `depth` full branches, as a busy MessagePasser has.
    function prove(bytes32 withdrawalHash, uint256 depth)
        internal
        pure
        returns (bytes32 root, bytes[] memory proof)
    {
        return proveSlot(Hashing.withdrawalSlot(withdrawalHash), hex"01", depth);
    }

    function proveSlot(bytes32 slot, bytes memory value, uint256 depth)
        internal
        pure
        returns (bytes32 root, bytes[] memory proof)
    {
        bytes32 key = keccak256(abi.encode(slot));
        bytes memory node = leaf(key, depth, value);
        // A leaf under 32 bytes is part of its branch and no node of its own.
        bool embedded = depth != 0 && node.length < 32;
        proof = new bytes[](embedded ? depth : depth + 1);
        for (uint256 i = depth; i > 0; --i) {
            bytes memory child = abi.encodePacked(hex"a0", keccak256(node));
            if (embedded && i == depth) child = node;
            else proof[i] = node;
            node = branch(nibble(key, i - 1), child, key);
        }
        proof[0] = node;
        root = keccak256(node);
    }

    function nibble(bytes32 key, uint256 i) internal pure returns (uint256) {
        return uint256(key) >> (4 * (63 - i)) & 15;
    }

    /// @dev `skipped` nibbles of the key are spoken for by the nodes above. The value must be one byte < 0x80.
    function leaf(bytes32 key, uint256 skipped, bytes memory value) internal pure returns (bytes memory) {
        uint256 left = 64 - skipped;
        bytes memory path = new bytes(left / 2 + 1);
        uint256 next = skipped;
        path[0] = left % 2 == 1 ? bytes1(uint8(0x30 | nibble(key, next++))) : bytes1(0x20);
        for (uint256 i = 1; i < path.length; ++i) {
            path[i] = bytes1(uint8(nibble(key, next) << 4 | nibble(key, next + 1)));
            next += 2;
        }
        bytes memory payload = abi.encodePacked(bytes1(uint8(0x80 + path.length)), path, value);
        return abi.encodePacked(bytes1(uint8(0xc0 + payload.length)), payload);
    }

    function branch(uint256 index, bytes memory child, bytes32 seed) internal pure returns (bytes memory) {
        bytes memory payload;
        for (uint256 i; i < 16; ++i) {
            bytes memory item = abi.encodePacked(hex"a0", keccak256(abi.encode(seed, index, i)));
            payload = abi.encodePacked(payload, i == index ? child : item);
        }
        payload = abi.encodePacked(payload, hex"80");
        return abi.encodePacked(hex"f9", uint16(payload.length), payload);
    }
}
