// SPDX-License-Identifier: MIT
pragma solidity 0.8.37;

/// @title IProofReader
/// @notice Reads what Merkle proofs show of a block of any Ethereum-like chain. It keeps nothing and believes nobody:
/// each function gives the hash of the header that it was shown, and whether that block is one of the chain is
/// for the caller to know.
interface IProofReader {
    /// @notice A transaction.
    /// @param header RLP of the block's header.
    /// @param index The transaction's index.
    /// @param proof Nodes of the transactions' trie, from the root down.
    /// @return blockHash Hash of the header.
    /// @return raw The transaction's EIP-2718 bytes.
    function transaction(bytes calldata header, uint256 index, bytes[] calldata proof)
        external
        pure
        returns (bytes32 blockHash, bytes memory raw);

    /// @notice A receipt.
    /// @param header RLP of the block's header.
    /// @param index The transaction's index.
    /// @param proof Nodes of the receipts' trie, from the root down.
    /// @return blockHash Hash of the header.
    /// @return raw The receipt's EIP-2718 bytes.
    function receipt(bytes calldata header, uint256 index, bytes[] calldata proof)
        external
        pure
        returns (bytes32 blockHash, bytes memory raw);

    /// @notice An event.
    /// @param header RLP of the block's header.
    /// @param index The transaction's index.
    /// @param proof Nodes of the receipts' trie, from the root down.
    /// @param logIndex Which of the transaction's events, from 0.
    /// @return blockHash Hash of the header.
    /// @return success If the receipt says that the transaction succeeded. From before EIP-658 it does not say.
    /// @return emitter The contract that emitted it.
    /// @return topics Its topics.
    /// @return data Its data.
    function log(bytes calldata header, uint256 index, bytes[] calldata proof, uint256 logIndex)
        external
        pure
        returns (
            bytes32 blockHash,
            bool success,
            address emitter,
            bytes32[] memory topics,
            bytes memory data
        );

    /// @notice A storage slot's value after the block. Only what is not zero can be shown.
    /// @param header RLP of the block's header.
    /// @param account Whose slot.
    /// @param key Which.
    /// @param accountProof Nodes of the state's trie, from the root down.
    /// @param slotProof Nodes of the account's storage trie, from the root down.
    /// @return blockHash Hash of the header.
    /// @return value The value.
    function slot(
        bytes calldata header,
        address account,
        bytes32 key,
        bytes[] calldata accountProof,
        bytes[] calldata slotProof
    ) external pure returns (bytes32 blockHash, uint256 value);
}
