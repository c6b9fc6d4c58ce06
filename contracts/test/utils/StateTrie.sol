// SPDX-License-Identifier: MIT
pragma solidity 0.8.37;

import {RLP} from "@openzeppelin/contracts/utils/RLP.sol";

/// @notice A real Merkle-Patricia trie over 32-byte keys, with proofs. Every node must have 32 bytes or more, as it
/// has in tries of accounts and of hashed slots.
contract StateTrie {
    bytes32[] private _keys;
    mapping(bytes32 key => bytes) private _values;
    /// @dev Nodes by the range of keys below them and the nibbles spoken for.
    mapping(bytes32 place => bytes) private _nodes;
    bytes32 public root = keccak256(hex"80");

    /// @notice Sets a value; `build` makes it count.
    function set(bytes32 key, bytes memory value) public {
        if (_values[key].length == 0) _keys.push(key);
        _values[key] = value;
    }

    function setAccount(address account, uint256 balance, bytes32 storageRoot, bytes32 codeHash) external {
        bytes[] memory fields = new bytes[](4);
        fields[0] = RLP.encode(uint256(1));
        fields[1] = RLP.encode(balance);
        fields[2] = RLP.encode(storageRoot);
        fields[3] = RLP.encode(codeHash);
        set(keccak256(abi.encodePacked(account)), RLP.encode(fields));
    }

    function setSlot(bytes32 slot, uint256 value) external {
        set(keccak256(abi.encode(slot)), RLP.encode(value));
    }

    function build() external returns (bytes32) {
        bytes32[] memory keys = _keys;
        if (keys.length == 0) return root;
        _sort(keys, 0, int256(keys.length) - 1);
        _keys = keys;
        root = keccak256(_build(keys, 0, keys.length, 0));
        return root;
    }

    function proveAccount(address account) external view returns (bytes[] memory) {
        return prove(keccak256(abi.encodePacked(account)));
    }

    function proveSlot(bytes32 slot) external view returns (bytes[] memory) {
        return prove(keccak256(abi.encode(slot)));
    }

    /// @notice The nodes from the root towards a key, whether it is there or not.
    function prove(bytes32 key) public view returns (bytes[] memory proof) {
        bytes32[] memory keys = _keys;
        proof = new bytes[](65);
        uint256 count;
        uint256 low;
        uint256 high = keys.length;
        uint256 depth;
        while (low < high) {
            bytes memory node = _nodes[_place(low, high, depth)];
            proof[count++] = node;
            if (high - low == 1) break;
            uint256 common = _common(keys[low], keys[high - 1], depth);
            if (common > depth) {
                if (_common(keys[low], key, depth) < common) break;
                depth = common;
                continue;
            }
            uint256 wanted = _nibble(key, depth);
            while (low < high && _nibble(keys[low], depth) < wanted) ++low;
            uint256 end = low;
            while (end < high && _nibble(keys[end], depth) == wanted) ++end;
            high = end;
            ++depth;
        }
        assembly {
            mstore(proof, count)
        }
    }

    function _build(bytes32[] memory keys, uint256 low, uint256 high, uint256 depth)
        private
        returns (bytes memory node)
    {
        if (high - low == 1) {
            node = _pair(_path(keys[low], depth, 64, true), RLP.encode(_values[keys[low]]));
        } else {
            uint256 common = _common(keys[low], keys[high - 1], depth);
            if (common > depth) {
                bytes memory child = _build(keys, low, high, common);
                node = _pair(_path(keys[low], depth, common, false), RLP.encode(keccak256(child)));
            } else {
                node = _branch(keys, low, high, depth);
            }
        }
        require(node.length >= 32, "a node that would be part of its parent");
        _nodes[_place(low, high, depth)] = node;
    }

    function _branch(bytes32[] memory keys, uint256 low, uint256 high, uint256 depth)
        private
        returns (bytes memory)
    {
        bytes[] memory items = new bytes[](17);
        for (uint256 nibble; nibble < 16; ++nibble) {
            uint256 end = low;
            while (end < high && _nibble(keys[end], depth) == nibble) ++end;
            items[nibble] = end == low ? bytes(hex"80") : RLP.encode(keccak256(_build(keys, low, end, depth + 1)));
            low = end;
        }
        items[16] = hex"80";
        return RLP.encode(items);
    }

    function _pair(bytes memory first, bytes memory second) private pure returns (bytes memory) {
        bytes[] memory items = new bytes[](2);
        items[0] = RLP.encode(first);
        items[1] = second;
        return RLP.encode(items);
    }

    function _path(bytes32 key, uint256 from, uint256 to, bool isLeaf) private pure returns (bytes memory path) {
        uint256 length = to - from;
        path = new bytes(length / 2 + 1);
        uint256 flag = isLeaf ? 2 : 0;
        uint256 next = from;
        if (length % 2 == 1) path[0] = bytes1(uint8((flag + 1) << 4 | _nibble(key, next++)));
        else path[0] = bytes1(uint8(flag << 4));
        for (uint256 i = 1; i < path.length; ++i) {
            path[i] = bytes1(uint8(_nibble(key, next) << 4 | _nibble(key, next + 1)));
            next += 2;
        }
    }

    function _place(uint256 low, uint256 high, uint256 depth) private pure returns (bytes32) {
        return bytes32(low << 128 | high << 64 | depth);
    }

    function _common(bytes32 a, bytes32 b, uint256 depth) private pure returns (uint256) {
        while (depth < 64 && _nibble(a, depth) == _nibble(b, depth)) ++depth;
        return depth;
    }

    function _nibble(bytes32 key, uint256 i) private pure returns (uint256) {
        return uint256(key) >> (4 * (63 - i)) & 15;
    }

    function _sort(bytes32[] memory keys, int256 low, int256 high) private pure {
        if (low >= high) return;
        bytes32 pivot = keys[uint256((low + high) / 2)];
        int256 i = low;
        int256 j = high;
        while (i <= j) {
            while (keys[uint256(i)] < pivot) ++i;
            while (keys[uint256(j)] > pivot) --j;
            if (i > j) break;
            (keys[uint256(i)], keys[uint256(j)]) = (keys[uint256(j)], keys[uint256(i)]);
            ++i;
            --j;
        }
        _sort(keys, low, j);
        _sort(keys, i, high);
    }
}
