// SPDX-License-Identifier: MIT
pragma solidity 0.8.37;

import {Histories} from "./Histories.sol";

/// @notice A history whose leaves are the same in each of four pieces: leaf `i` is the value of the first piece that
/// ends after it, the fourth of which ends at 4096.
struct Pieces {
    uint256[3] ends;
    bytes32[4] values;
}

/// @notice Nodes of such histories, without all others. They are numbered as in {Histories}.
library PiecesLib {
    function leaf(Pieces memory p, uint256 index) internal pure returns (bytes32) {
        for (uint256 i; i < 3; ++i) {
            if (index < p.ends[i]) return p.values[i];
        }
        return p.values[3];
    }

    function node(Pieces memory p, uint256 index) internal pure returns (bytes32 value) {
        uint256 height = 12;
        while (index >> 13 - height != 0) --height;
        uint256 first = (index << height) - 4096;
        uint256 end = first + (1 << height);
        for (uint256 i; i < 3; ++i) {
            bool parts = first < p.ends[i] && p.ends[i] < end;
            if (parts) return Histories.parent(node(p, 2 * index), node(p, 2 * index + 1));
        }
        value = leaf(p, first);
        for (uint256 i; i < height; ++i) {
            value = Histories.parent(value, value);
        }
    }

    function root(Pieces memory p) internal pure returns (bytes32) {
        return node(p, 1);
    }

    function opened(Pieces memory p, uint256 index) internal pure returns (bytes32[16] memory below) {
        for (uint256 i; i < 16; ++i) {
            below[i] = node(p, 16 * index + i);
        }
    }

    function proof(Pieces memory p, uint256 index) internal pure returns (bytes32[12] memory siblings) {
        index += 4096;
        for (uint256 i; i < 12; ++i) {
            siblings[i] = node(p, index >> i ^ 1);
        }
    }
}
