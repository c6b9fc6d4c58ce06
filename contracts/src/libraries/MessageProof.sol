// SPDX-License-Identifier: MIT
pragma solidity 0.8.37;

import {BlockProof} from "./BlockProof.sol";
import {InvalidProof, UnexpectedEvent} from "./Errors.sol";
import {Hashing} from "./Hashing.sol";
import {StateProof} from "./StateProof.sol";

/// @title MessageProof
/// @notice That an Endpoint sent a message, from what is in a block of its chain: the accumulator in its storage, or the
/// event in a receipt. Which blocks are the chain's is for the caller to know.
library MessageProof {
    /// @notice Topic of `IEndpoint.MessageSent`.
    bytes32 internal constant MESSAGE_SENT = keccak256(
        "MessageSent(uint64,bytes32,bytes32,(uint16,uint64,uint64,uint64,address,address,uint256,uint64,uint64,uint256,bytes))"
    );

    /// @notice The accumulator in the Endpoint's storage after a block, or, if there are `receiptNodes`, the event in a
    /// receipt of the block. What the other way needs is empty.
    /// @param header RLP of the block's header.
    /// @param previous The accumulator before the message.
    /// @param accountNodes Proof of the Endpoint's account.
    /// @param slotNodes Proof of the accumulator after the message.
    /// @param receiptNodes Proof of the receipt.
    /// @param index The transaction's index in the block.
    /// @param logIndex Which of its events, from 0.
    struct Evidence {
        bytes header;
        bytes32 previous;
        bytes[] accountNodes;
        bytes[] slotNodes;
        bytes[] receiptNodes;
        uint256 index;
        uint256 logIndex;
    }

    /// @notice Reverts unless the accumulator after `nonce` has `id` as its last. What was sent once was sent for good: the
    /// state after any later block will do.
    function checkSlot(bytes32 stateRoot, address endpoint, uint64 nonce, bytes32 id, Evidence calldata e)
        internal
        pure
    {
        bytes32 storageRoot = StateProof.account(stateRoot, endpoint, e.accountNodes).storageRoot;
        uint256 acc = StateProof.slot(storageRoot, Hashing.accumulatorSlot(nonce), e.slotNodes);
        if (bytes32(acc) != Hashing.extend(e.previous, id)) revert InvalidProof();
    }

    /// @notice Reverts unless the block has the event that the message was sent.
    function checkReceipt(address endpoint, uint64 nonce, bytes32 id, Evidence calldata e) internal pure {
        bytes memory receipt = BlockProof.receipt(e.header, e.index, e.receiptNodes);
        (bool success, BlockProof.Event memory found) = BlockProof.eventOf(receipt, e.logIndex);
        if (
            !success || found.emitter != endpoint || found.topics.length != 3
                || found.topics[0] != MESSAGE_SENT || found.topics[1] != bytes32(uint256(nonce))
                || found.topics[2] != id
        ) revert UnexpectedEvent();
    }
}
