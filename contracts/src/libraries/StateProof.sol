// SPDX-License-Identifier: MIT
pragma solidity 0.8.37;

import {Memory} from "@openzeppelin/contracts/utils/Memory.sol";
import {RLP} from "@openzeppelin/contracts/utils/RLP.sol";

import {InvalidProof} from "./Errors.sol";
import {TrieWalk} from "./TrieWalk.sol";

/// @title StateProof
/// @notice Reads accounts and storage slots of Ethereum's state tries from Merkle-Patricia proofs, as
/// `eth_getProof` gives them. What is not there is read by
/// {slotOrZero} only.
library StateProof {
    /// @notice An account's leaf.
    struct Account {
        uint256 nonce;
        uint256 balance;
        bytes32 storageRoot;
        bytes32 codeHash;
    }

    /// @notice The account at `target` under a state root.
    function account(bytes32 stateRoot, address target, bytes[] calldata proof)
        internal
        pure
        returns (Account memory)
    {
        Memory.Slice[] memory fields =
            RLP.decodeList(_value(stateRoot, keccak256(abi.encodePacked(target)), proof));
        if (fields.length != 4) revert InvalidProof();
        return Account(
            RLP.readUint256(fields[0]),
            RLP.readUint256(fields[1]),
            RLP.readBytes32(fields[2]),
            RLP.readBytes32(fields[3])
        );
    }

    /// @notice The storage root of the account at `target` under a state root; that of no storage if the proof shows that
    /// there is no such account.
    function storageRootOrEmpty(bytes32 stateRoot, address target, bytes[] calldata proof)
        internal
        pure
        returns (bytes32)
    {
        bytes memory value = TrieWalk.read(stateRoot, keccak256(abi.encodePacked(target)), 64, proof);
        // Root of the empty trie: the hash of RLP's empty string.
        return value.length == 0 ? keccak256(hex"80") : account(stateRoot, target, proof).storageRoot;
    }

    /// @notice The value of a storage slot under a storage root. Never zero: such slots are not in the trie.
    function slot(bytes32 storageRoot, bytes32 key, bytes[] calldata proof) internal pure returns (uint256) {
        return RLP.decodeUint256(_value(storageRoot, keccak256(abi.encode(key)), proof));
    }

    /// @notice The value of a storage slot under a storage root, or zero if the proof shows that there is none.
    function slotOrZero(bytes32 storageRoot, bytes32 key, bytes[] calldata proof)
        internal
        pure
        returns (uint256)
    {
        bytes memory value = TrieWalk.read(storageRoot, keccak256(abi.encode(key)), 64, proof);
        return value.length == 0 ? 0 : RLP.decodeUint256(value);
    }

    /// @dev Tries are keyed by the hash of the key.
    function _value(bytes32 root, bytes32 hashedKey, bytes[] calldata proof)
        private
        pure
        returns (bytes memory value)
    {
        value = TrieWalk.read(root, hashedKey, 64, proof);
        if (value.length == 0) revert InvalidProof();
    }
}
