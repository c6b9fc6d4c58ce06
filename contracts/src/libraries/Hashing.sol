// SPDX-License-Identifier: MIT
pragma solidity 0.8.37;

import {BatchHeader, Message, OutputRootProof, Withdrawal} from "./Types.sol";

/// @title Hashing
/// @notice The hashes that both layers and the node agree on.
library Hashing {
    /// @notice Type of a message, as EIP-712 writes types.
    bytes32 internal constant MESSAGE_TYPEHASH = keccak256(
        "Message(uint16 version,uint64 srcChainId,address srcEndpoint,uint64 dstChainId,address dstEndpoint,uint64 nonce,address sender,address target,uint256 value,uint64 gasLimit,uint64 deadline,uint256 relayFee,bytes payload)"
    );

    /// @notice Hash of an L1 to L2 message.
    function messageHash(
        address from,
        address target,
        uint256 mint,
        uint256 value,
        uint64 gasLimit,
        bytes memory data
    ) internal pure returns (bytes32) {
        return keccak256(abi.encode(from, target, mint, value, gasLimit, data));
    }

    /// @notice Accumulator after one more item.
    function extend(bytes32 acc, bytes32 item) internal pure returns (bytes32 result) {
        assembly ("memory-safe") {
            mstore(0x00, acc)
            mstore(0x20, item)
            result := keccak256(0x00, 0x40)
        }
    }

    /// @notice Hash of a batch.
    function batchHash(BatchHeader memory header) internal pure returns (bytes32) {
        return keccak256(abi.encode(header));
    }

    /// @notice Hash of a claim: where it starts, what it covers and what it says, but not its number.
    function claimHash(
        bytes32 parentOutputRoot,
        uint64 parentBatch,
        uint64 lastBatch,
        bytes32 lastBatchHash,
        bytes32 blockOutputsRoot,
        bytes32 output
    ) internal pure returns (bytes32) {
        return keccak256(
            abi.encode(
                parentOutputRoot, parentBatch, lastBatch, lastBatchHash, blockOutputsRoot, output
            )
        );
    }

    /// @notice Hash of an L2 to L1 message.
    function withdrawalHash(Withdrawal memory w) internal pure returns (bytes32) {
        return keccak256(abi.encode(w.nonce, w.sender, w.target, w.value, w.gasLimit, w.data));
    }

    /// @notice Id of a message between two endpoints. It names both, so that it means nothing anywhere else.
    function messageId(Message memory m, address srcEndpoint, address dstEndpoint)
        internal
        pure
        returns (bytes32)
    {
        return keccak256(
            bytes.concat(
                abi.encode(
                    MESSAGE_TYPEHASH, m.version, m.srcChainId, srcEndpoint, m.dstChainId, dstEndpoint, m.nonce
                ),
                abi.encode(
                    m.sender, m.target, m.value, m.gasLimit, m.deadline, m.relayFee, keccak256(m.payload)
                )
            )
        );
    }

    /// @notice Storage slot of an Endpoint's accumulator after message `nonce`: the mapping at slot 0.
    function accumulatorSlot(uint64 nonce) internal pure returns (bytes32) {
        return extend(bytes32(uint256(nonce)), bytes32(0));
    }

    /// @notice Storage slot of an Endpoint's state of a message: the mapping at slot 1.
    function deliverySlot(bytes32 id) internal pure returns (bytes32) {
        return extend(id, bytes32(uint256(1)));
    }

    /// @notice Storage slot of the MessagePasser that is 1 once the withdrawal was sent: `sentMessages` is
    /// the mapping at slot 0.
    function withdrawalSlot(bytes32 hash) internal pure returns (bytes32) {
        return extend(hash, bytes32(0));
    }

    /// @notice Storage slot of a balance in the ERC-20 tokens of L2 (BridgedToken, WETH9): that of Solady's
    /// ERC20, `keccak256(holder ‖ 8 zero bytes ‖ 0x87a211a2)`.
    function tokenBalanceSlot(address holder) internal pure returns (bytes32) {
        return keccak256(abi.encodePacked(holder, uint64(0), uint32(0x87a211a2)));
    }

    /// @notice Output root of an L2 block.
    function outputRoot(OutputRootProof memory p) internal pure returns (bytes32) {
        return keccak256(abi.encodePacked(p.version, p.stateRoot, p.messagePasserStorageRoot, p.latestBlockhash));
    }
}
