// SPDX-License-Identifier: MIT
pragma solidity 0.8.37;

import {BlockHeader} from "@openzeppelin/contracts/utils/BlockHeader.sol";
import {Memory} from "@openzeppelin/contracts/utils/Memory.sol";
import {RLP} from "@openzeppelin/contracts/utils/RLP.sol";
import {TrieProof} from "@openzeppelin/contracts/utils/cryptography/TrieProof.sol";

import {InvalidProof, InvalidReceipt, NoSuchLog} from "./Errors.sol";
import {StateProof} from "./StateProof.sol";

/// @title BlockProof
/// @notice Reads what is in a block from its header and Merkle-Patricia proofs: transactions, receipts, events,
/// storage slots. Whoever calls this must know that the header's hash is that of a block of the chain they mean.
/// @dev The Rust twin is `crates/spv`.
library BlockProof {
    using Memory for *;
    using RLP for *;

    /// @notice An event.
    struct Event {
        address emitter;
        bytes32[] topics;
        bytes data;
    }

    /// @notice The EIP-2718 bytes of a transaction.
    /// @param header RLP of the header.
    /// @param index The transaction's index in the block.
    /// @param proof Trie nodes from the root down.
    function transaction(bytes memory header, uint256 index, bytes[] memory proof)
        internal
        pure
        returns (bytes memory)
    {
        return _item(BlockHeader.getTransactionsRoot(header), index, proof);
    }

    /// @notice The EIP-2718 bytes of a receipt.
    /// @param header RLP of the header.
    /// @param index The transaction's index in the block.
    /// @param proof Trie nodes from the root down.
    function receipt(bytes memory header, uint256 index, bytes[] memory proof)
        internal
        pure
        returns (bytes memory)
    {
        return _item(BlockHeader.getReceiptsRoot(header), index, proof);
    }

    /// @notice An event in a receipt, and whether the receipt is that of a transaction that succeeded. Receipts
    /// from before EIP-658 do not say that; they count as failed.
    function eventOf(bytes memory encoded, uint256 logIndex)
        internal
        pure
        returns (bool success, Event memory found)
    {
        Memory.Slice[] memory fields = _fields(encoded);
        success = keccak256(fields[0].toBytes()) == keccak256(hex"01");
        Memory.Slice[] memory logs = fields[3].readList();
        if (logIndex >= logs.length) revert NoSuchLog(logIndex, logs.length);
        Memory.Slice[] memory log = logs[logIndex].readList();
        if (log.length != 3) revert InvalidReceipt();
        found.emitter = _address(log[0]);
        Memory.Slice[] memory topics = log[1].readList();
        found.topics = new bytes32[](topics.length);
        for (uint256 i; i < topics.length; ++i) {
            if (topics[i].length() != 33) revert InvalidReceipt();
            found.topics[i] = topics[i].readBytes32();
        }
        found.data = log[2].readBytes();
    }

    /// @notice The value of an account's storage slot after the block. Never zero: such slots are not in the trie.
    /// @param header RLP of the header.
    function slot(
        bytes memory header,
        address account,
        bytes32 key,
        bytes[] calldata accountProof,
        bytes[] calldata slotProof
    ) internal pure returns (uint256) {
        bytes32 root =
            StateProof.account(BlockHeader.getStateRoot(header), account, accountProof).storageRoot;
        return StateProof.slot(root, key, slotProof);
    }

    function _item(bytes32 root, uint256 index, bytes[] memory proof)
        private
        pure
        returns (bytes memory value)
    {
        TrieProof.ProofError err;
        (value, err) = TrieProof.tryTraverse(root, index.encode(), proof);
        if (err != TrieProof.ProofError.NO_ERROR) revert InvalidProof();
    }

    /// @dev Status or state root, gas, bloom, logs; rollups add two for deposits.
    function _fields(bytes memory encoded) private pure returns (Memory.Slice[] memory fields) {
        if (encoded.length == 0) revert InvalidReceipt();
        // A type is below 0x80, a list's first byte is not (EIP-2718).
        uint256 skip = uint8(encoded[0]) < 0x80 ? 1 : 0;
        fields = encoded.asSlice().slice(skip).readList();
        if (fields.length != 4 && fields.length != 6) revert InvalidReceipt();
    }

    function _address(Memory.Slice item) private pure returns (address) {
        if (item.length() != 21) revert InvalidReceipt();
        return item.readAddress();
    }
}
