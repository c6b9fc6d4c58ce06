// SPDX-License-Identifier: MIT
pragma solidity 0.8.37;

import {BatchHeader, OutputRootProof, Withdrawal} from "./Types.sol";

/// @title Hashing
/// @notice The hashes that both layers and the node agree on.
library Hashing {
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

    /// @notice Hash of an L2 to L1 message.
    function withdrawalHash(Withdrawal memory w) internal pure returns (bytes32) {
        return keccak256(abi.encode(w.nonce, w.sender, w.target, w.value, w.gasLimit, w.data));
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
