// SPDX-License-Identifier: MIT
pragma solidity 0.8.37;

import {IProofReader} from "../interfaces/IProofReader.sol";
import {BlockProof} from "../libraries/BlockProof.sol";

/// @title ProofReader
/// @notice See {IProofReader}.
contract ProofReader is IProofReader {
    /// @inheritdoc IProofReader
    function transaction(bytes calldata header, uint256 index, bytes[] calldata proof)
        external
        pure
        returns (bytes32 blockHash, bytes memory raw)
    {
        return (keccak256(header), BlockProof.transaction(header, index, proof));
    }

    /// @inheritdoc IProofReader
    function receipt(bytes calldata header, uint256 index, bytes[] calldata proof)
        external
        pure
        returns (bytes32 blockHash, bytes memory raw)
    {
        return (keccak256(header), BlockProof.receipt(header, index, proof));
    }

    /// @inheritdoc IProofReader
    function log(bytes calldata header, uint256 index, bytes[] calldata proof, uint256 logIndex)
        external
        pure
        returns (
            bytes32 blockHash,
            bool success,
            address emitter,
            bytes32[] memory topics,
            bytes memory data
        )
    {
        BlockProof.Event memory found;
        (success, found) = BlockProof.eventOf(BlockProof.receipt(header, index, proof), logIndex);
        return (keccak256(header), success, found.emitter, found.topics, found.data);
    }

    /// @inheritdoc IProofReader
    function slot(
        bytes calldata header,
        address account,
        bytes32 key,
        bytes[] calldata accountProof,
        bytes[] calldata slotProof
    ) external pure returns (bytes32 blockHash, uint256 value) {
        return (keccak256(header), BlockProof.slot(header, account, key, accountProof, slotProof));
    }
}
