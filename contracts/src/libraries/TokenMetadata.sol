// SPDX-License-Identifier: MIT
pragma solidity 0.8.37;

import {InsufficientGas} from "./Errors.sol";

/// @title TokenMetadata
/// @notice Reads the name, symbol and decimals of tokens that may lack them, return `bytes32`, or be
/// hostile. Each read has a fixed gas budget, which the caller must have: a depositor cannot starve a read to
/// give the bridged token a blank name for good.
library TokenMetadata {
    uint256 internal constant READ_GAS = 50_000;
    uint256 internal constant MAX_LENGTH = 64;

    /// @notice `name()`, at most 64 bytes of it; empty where there is none.
    function name(address token) internal view returns (string memory) {
        return _readString(token, 0x06fdde03);
    }

    /// @notice `symbol()`, at most 64 bytes of it; empty where there is none.
    function symbol(address token) internal view returns (string memory) {
        return _readString(token, 0x95d89b41);
    }

    /// @notice `decimals()`; 18 where there is none.
    function decimals(address token) internal view returns (uint8) {
        (uint256 returned, bytes memory buffer) = _read(token, 0x313ce567);
        uint256 value;
        assembly ("memory-safe") {
            value := mload(add(buffer, 0x20))
        }
        return returned == 32 && value <= type(uint8).max ? uint8(value) : 18;
    }

    function _readString(address token, uint32 selector) private view returns (string memory text) {
        (uint256 returned, bytes memory buffer) = _read(token, selector);
        uint256 length;
        if (returned == 32) {
            // `bytes32`: the bytes before the padding.
            while (length < 32 && buffer[length] != 0) ++length;
            assembly ("memory-safe") {
                text := buffer
                mstore(text, length)
            }
        } else if (returned >= 64) {
            uint256 offset;
            assembly ("memory-safe") {
                offset := mload(add(buffer, 0x20))
                length := mload(add(buffer, 0x40))
            }
            if (offset != 0x20) return "";
            if (length > MAX_LENGTH) length = MAX_LENGTH;
            if (length > returned - 64) length = returned - 64;
            // The text follows its length word, which now says how much of it is kept.
            assembly ("memory-safe") {
                text := add(buffer, 0x40)
                mstore(text, length)
            }
        }
    }

    /// @dev Copies at most 128 bytes of what is returned; `returned` is zero if the call failed.
    function _read(address token, uint32 selector) private view returns (uint256 returned, bytes memory buffer) {
        if (gasleft() < READ_GAS + READ_GAS / 63 + 10_000) revert InsufficientGas();
        buffer = new bytes(128);
        assembly ("memory-safe") {
            mstore(0x00, selector)
            if staticcall(READ_GAS, token, 0x1c, 0x04, add(buffer, 0x20), 0x80) { returned := returndatasize() }
        }
    }
}
