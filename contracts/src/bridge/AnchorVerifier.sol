// SPDX-License-Identifier: MIT
pragma solidity 0.8.37;

import {IEndpoint} from "../interfaces/IEndpoint.sol";
import {IL1Block} from "../interfaces/IL1Block.sol";
import {IVerifier} from "../interfaces/IVerifier.sol";
import {BlockProof} from "../libraries/BlockProof.sol";
import {UnknownBlock} from "../libraries/Errors.sol";
import {MessageProof} from "../libraries/MessageProof.sol";
import {Predeploys} from "../libraries/Predeploys.sol";
import {Message} from "../libraries/Types.sol";

/// @title AnchorVerifier
/// @notice L2's light client of L1: proofs hold in an L1 block that L2 built on, its *anchor*, or in any block that L1
/// itself still knew at an anchor (EIP-2935: the 8191 before it). A reorganisation of L1 takes the L2 blocks on its
/// anchors back, and with them what was delivered by them.
/// @dev Stateless: one serves all endpoints of a chain.
contract AnchorVerifier is IVerifier {
    /// @dev Of EIP-2935.
    address private constant HISTORY = 0x0000F90827F1C53a10cb7A02335B175320002935;
    uint256 private constant HISTORY_WINDOW = 8191;

    /// @notice What shows a message. `abi.encode` of it is the proof.
    /// @param anchor Number of an anchor that L2 still has.
    /// @param anchorHeader RLP of its header if the evidence is of an older block, else empty.
    /// @param number Number of that block.
    /// @param accountNodes Proof of the history contract's account at the anchor.
    /// @param slotNodes Proof of that block's hash in it.
    /// @param evidence What shows the message in the block.
    struct Proof {
        uint64 anchor;
        bytes anchorHeader;
        uint64 number;
        bytes[] accountNodes;
        bytes[] slotNodes;
        MessageProof.Evidence evidence;
    }

    /// @inheritdoc IVerifier
    function verify(Message calldata m, bytes32 id, bytes calldata proof)
        external
        view
        returns (uint256)
    {
        Proof calldata p;
        assembly ("memory-safe") {
            // After the offset that `abi.encode` begins with. What is in it is checked where it is read.
            p := add(proof.offset, 0x20)
        }
        _checkBlock(p);
        address endpoint = IEndpoint(msg.sender).peer();
        MessageProof.Evidence calldata e = p.evidence;
        if (e.receiptNodes.length != 0) MessageProof.checkReceipt(endpoint, m.nonce, id, e);
        else MessageProof.checkSlot(BlockProof.stateRoot(e.header), endpoint, m.nonce, id, e);
        return 0;
    }

    /// @dev The evidence must be of an anchor, or of a block whose hash L1 has in its history at one.
    function _checkBlock(Proof calldata p) private view {
        bytes32 blockHash = keccak256(p.evidence.header);
        bytes32 anchorHash = p.anchorHeader.length == 0 ? blockHash : keccak256(p.anchorHeader);
        // The ring gives zero for what it does not have, and no header hashes to that.
        if (IL1Block(Predeploys.L1_BLOCK).anchorHash(p.anchor) != anchorHash) {
            revert UnknownBlock(anchorHash);
        }
        if (p.anchorHeader.length == 0) return;
        bytes32 slot = bytes32(uint256(p.number) % HISTORY_WINDOW);
        uint256 known = BlockProof.slot(p.anchorHeader, HISTORY, slot, p.accountNodes, p.slotNodes);
        if (bytes32(known) != blockHash) revert UnknownBlock(blockHash);
    }
}
