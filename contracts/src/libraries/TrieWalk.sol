// SPDX-License-Identifier: MIT
pragma solidity 0.8.37;

import {InvalidProof} from "./Errors.sol";

/// @title TrieWalk
/// @notice From the root of a Merkle-Patricia trie to a key, by the nodes of a proof. Form: Yellow Paper, appendices
/// C and D. The nodes come from strangers: the walk ends with a value, with the certainty that there is none, or with
/// {InvalidProof}.
/// @dev The Rust twin is `crates/spv/src/walk.rs`; the reference in tests is OpenZeppelin's TrieProof, which takes some
/// 37,000 gas for a full branch. Every node is read to its last byte.
library TrieWalk {
    /// @dev Of the trie with nothing in it.
    bytes32 private constant EMPTY_ROOT = 0x56e81f171bcc55a6ff8345e692c0f86e5b48e01b996cadc001622fb5e363b421;

    /// @dev What is left of the path.
    struct Rest {
        bytes32 path;
        uint256 length;
    }

    /// @notice What is under a path; empty if the nodes show that nothing is, since no value is empty.
    /// @param root The trie's root.
    /// @param path The key's nibbles, the first one topmost.
    /// @param length How many they are, at most 64.
    /// @param proof Nodes from the root down. One that its parent has within may be repeated or left out.
    function read(bytes32 root, bytes32 path, uint256 length, bytes[] calldata proof)
        internal
        pure
        returns (bytes memory)
    {
        if (root == EMPTY_ROOT) {
            if (proof.length == 0 || (proof.length == 1 && keccak256(proof[0]) == EMPTY_ROOT)) return "";
            revert InvalidProof();
        }
        Rest memory rest = Rest(path, length);
        for (uint256 i; i < proof.length; ++i) {
            (uint256 node, uint256 end) = _load(proof[i], root);
            // Until a child is named by its hash; shorter ones are within.
            while (true) {
                (uint256 child, bytes memory value) = _step(rest, node, end);
                uint256 first = child == 0 ? 0x80 : _first(child);
                if (first == 0x80) {
                    if (i + 1 != proof.length) revert InvalidProof();
                    return value;
                }
                if (first == 0xa0) {
                    assembly ("memory-safe") {
                        root := mload(add(child, 1))
                    }
                    break;
                }
                (node, end) = (child, child + first - 0xbf);
                if (i + 1 < proof.length && keccak256(proof[i + 1]) == _hash(node, end)) ++i;
            }
        }
        revert InvalidProof();
    }

    /// @dev From a node to the child that the path leads to, or, as 0, to the path's end: then with the value there, if
    /// it is the one.
    function _step(Rest memory rest, uint256 node, uint256 end)
        private
        pure
        returns (uint256 child, bytes memory value)
    {
        unchecked {
            uint256 items = _list(node, end);
            uint256 second = _next(items, end);
            uint256 length = rest.length;
            if (_next(second, end) != end) {
                child = _branch(items, end, length == 0 ? 16 : uint256(rest.path) >> 252);
                // No key is the beginning of another one.
                if (length == 0) return (0, value);
                rest.path <<= 4;
                rest.length = length - 1;
                return (child, value);
            }
            (bool isLeaf, bytes32 stretch, uint256 count) = _stretch(items, second);
            bool along = count <= length && _same(stretch, rest.path, count);
            if (isLeaf) {
                bytes memory found = _value(second, end);
                return (0, along && count == length ? found : value);
            }
            if (count == 0 || _first(second) == 0x80 || _reference(second) != end) revert InvalidProof();
            if (!along) return (0, value);
            // A shift by all 256 bits leaves nothing, as it should.
            rest.path <<= 4 * count;
            rest.length = length - count;
            return (second, value);
        }
    }

    /// @dev Copies a node to memory; it must have this hash.
    function _load(bytes calldata node, bytes32 hash) private pure returns (uint256 start, uint256 end) {
        bytes32 actual;
        assembly ("memory-safe") {
            start := mload(0x40)
            calldatacopy(start, node.offset, node.length)
            actual := keccak256(start, node.length)
            end := add(start, node.length)
            mstore(0x40, and(add(end, 0x1f), not(0x1f)))
        }
        if (actual != hash) revert InvalidProof();
    }

    /// @dev Where a list's first item begins. The list must end here.
    function _list(uint256 start, uint256 end) private pure returns (uint256) {
        unchecked {
            uint256 first = start < end ? _first(start) : 0;
            if (first < 0xc0) revert InvalidProof();
            uint256 items = start + 1;
            uint256 size = first - 0xc0;
            if (first >= 0xf8) (items, size) = _long(items, first - 0xf7);
            if (items + size != end) revert InvalidProof();
            return items;
        }
    }

    /// @dev Where the item after this one begins, at most at the end.
    function _next(uint256 item, uint256 end) private pure returns (uint256 next) {
        unchecked {
            if (item >= end) revert InvalidProof();
            uint256 first = _first(item);
            if (first < 0x80) return item + 1;
            uint256 size;
            next = item + 1;
            if (first < 0xb8) {
                size = first - 0x80;
                // What is a byte below 0x80 stands for itself.
                if (first == 0x81 && (next >= end || _first(next) < 0x80)) revert InvalidProof();
            } else if (first < 0xc0) {
                (next, size) = _long(next, first - 0xb7);
            } else if (first < 0xf8) {
                size = first - 0xc0;
            } else {
                (next, size) = _long(next, first - 0xf7);
            }
            next += size;
            if (next > end) revert InvalidProof();
        }
    }

    /// @dev Reads a length of so many bytes. Shorter ways to write it are refused, and so are lengths of more than 3 bytes: a
    /// transaction with much data takes 3.
    function _long(uint256 start, uint256 bytesOfLength)
        private
        pure
        returns (uint256 content, uint256 size)
    {
        unchecked {
            if (bytesOfLength > 3) revert InvalidProof();
            assembly ("memory-safe") {
                size := shr(sub(256, shl(3, bytesOfLength)), mload(start))
            }
            if (size < 56 || size >> 8 * (bytesOfLength - 1) == 0) revert InvalidProof();
            content = start + bytesOfLength;
        }
    }

    /// @dev A branch's child. All 16 must be references, and its value must be empty.
    function _branch(uint256 item, uint256 end, uint256 which) private pure returns (uint256 child) {
        unchecked {
            for (uint256 i; i < 16; ++i) {
                if (i == which) child = item;
                item = _reference(item);
            }
            if (item + 1 != end || _first(item) != 0x80) revert InvalidProof();
        }
    }

    /// @dev Where a child ends: nothing, a hash, or a list of less than 32 bytes.
    function _reference(uint256 item) private pure returns (uint256) {
        unchecked {
            uint256 first = _first(item);
            if (first == 0xa0) return item + 33;
            if (first == 0x80) return item + 1;
            if (first < 0xc0 || first > 0xde) revert InvalidProof();
            return item + first - 0xbf;
        }
    }

    /// @dev A leaf's or an extension's nibbles (hex-prefix encoding).
    function _stretch(uint256 item, uint256 next)
        private
        pure
        returns (bool isLeaf, bytes32 nibbles, uint256 count)
    {
        unchecked {
            uint256 first = _first(item);
            if (first >= 0xb8) revert InvalidProof();
            if (first >= 0x80) ++item;
            if (item == next) revert InvalidProof();
            first = _first(item);
            // 0 and 1: an extension of an even and of an odd count; 2 and 3: a leaf.
            if (first >= 0x40 || (first & 0x10 == 0 && first & 0x0f != 0)) revert InvalidProof();
            isLeaf = first >= 0x20;
            count = 2 * (next - item - 1);
            if (first & 0x10 == 0) {
                assembly ("memory-safe") {
                    nibbles := mload(add(item, 1))
                }
            } else {
                ++count;
                assembly ("memory-safe") {
                    nibbles := shl(4, mload(item))
                }
            }
        }
    }

    /// @dev Whether the first nibbles are the same.
    function _same(bytes32 a, bytes32 b, uint256 count) private pure returns (bool) {
        return uint256(a ^ b) >> (256 - 4 * count) == 0;
    }

    /// @dev The content of a leaf's value, a string that is not empty.
    function _value(uint256 item, uint256 end) private pure returns (bytes memory value) {
        unchecked {
            uint256 first = _first(item);
            if (first == 0x80 || first >= 0xc0) revert InvalidProof();
            if (first >= 0xb8) item += first - 0xb6;
            else if (first > 0x80) ++item;
            assembly ("memory-safe") {
                value := mload(0x40)
                let size := sub(end, item)
                mstore(value, size)
                mcopy(add(value, 0x20), item, size)
                let after := add(add(value, 0x20), size)
                mstore(after, 0)
                mstore(0x40, and(add(after, 0x1f), not(0x1f)))
            }
        }
    }

    function _first(uint256 place) private pure returns (uint256 b) {
        assembly ("memory-safe") {
            b := byte(0, mload(place))
        }
    }

    function _hash(uint256 start, uint256 end) private pure returns (bytes32 hash) {
        assembly ("memory-safe") {
            hash := keccak256(start, sub(end, start))
        }
    }
}
