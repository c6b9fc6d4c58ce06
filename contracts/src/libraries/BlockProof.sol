// SPDX-License-Identifier: MIT
pragma solidity 0.8.37;

import {Memory} from "@openzeppelin/contracts/utils/Memory.sol";
import {RLP} from "@openzeppelin/contracts/utils/RLP.sol";

import {InvalidHeader, InvalidProof, InvalidReceipt, NoSuchLog} from "./Errors.sol";
import {StateProof} from "./StateProof.sol";
import {TrieWalk} from "./TrieWalk.sol";

/// @title BlockProof
/// @notice Reads what is in a block from its header and Merkle-Patricia proofs: transactions, receipts, events,
/// storage slots. Whoever calls this must know that the header's hash is that of a block of the chain they mean.
/// @dev The Rust twin is `crates/spv`.
library BlockProof {
    using Memory for *;
    using RLP for *;

    uint256 private constant STATE_ROOT = 91;
    uint256 private constant TRANSACTIONS_ROOT = 124;
    uint256 private constant RECEIPTS_ROOT = 157;

    /// @notice An event.
    struct Event {
        address emitter;
        bytes32[] topics;
        bytes data;
    }

    /// @notice The state root in a header.
    /// @param header RLP of the header.
    function stateRoot(bytes calldata header) internal pure returns (bytes32) {
        return _root(header, STATE_ROOT);
    }

    /// @notice The EIP-2718 bytes of a transaction.
    /// @param header RLP of the header.
    /// @param index The transaction's index in the block.
    /// @param proof Trie nodes from the root down.
    function transaction(bytes calldata header, uint256 index, bytes[] calldata proof)
        internal
        pure
        returns (bytes memory)
    {
        return _item(_root(header, TRANSACTIONS_ROOT), index, proof);
    }

    /// @notice The EIP-2718 bytes of a receipt.
    /// @param header RLP of the header.
    /// @param index The transaction's index in the block.
    /// @param proof Trie nodes from the root down.
    function receipt(bytes calldata header, uint256 index, bytes[] calldata proof)
        internal
        pure
        returns (bytes memory)
    {
        return _item(_root(header, RECEIPTS_ROOT), index, proof);
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
        bytes calldata header,
        address account,
        bytes32 key,
        bytes[] calldata accountProof,
        bytes[] calldata slotProof
    ) internal pure returns (uint256) {
        bytes32 root = StateProof.account(_root(header, STATE_ROOT), account, accountProof).storageRoot;
        return StateProof.slot(root, key, slotProof);
    }

    function _item(bytes32 root, uint256 index, bytes[] calldata proof)
        private
        pure
        returns (bytes memory value)
    {
        // No block has as many items; the longest keys would not fit into a path.
        if (index > type(uint64).max) revert InvalidProof();
        bytes memory key = index.encode();
        value = TrieWalk.read(root, bytes32(key), 2 * key.length, proof);
        if (value.length == 0) revert InvalidProof();
    }

    /// @dev A root in a header. The first six fields of every header (parent, ommers, beneficiary, the three roots) have
    /// fixed lengths, and those of one that follow are longer than 255 bytes with them: the bloom alone is.
    function _root(bytes calldata header, uint256 place) private pure returns (bytes32) {
        if (
            header.length < RECEIPTS_ROOT + 32 || header[0] != 0xf9
                || uint256(uint16(bytes2(header[1:3]))) + 3 != header.length || header[3] != 0xa0
                || header[36] != 0xa0 || header[69] != 0x94 || header[STATE_ROOT - 1] != 0xa0
                || header[TRANSACTIONS_ROOT - 1] != 0xa0 || header[RECEIPTS_ROOT - 1] != 0xa0
        ) revert InvalidHeader();
        return bytes32(header[place:place + 32]);
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
