// SPDX-License-Identifier: MIT
pragma solidity 0.8.37;

import {IEndpoint} from "../interfaces/IEndpoint.sol";
import {IL1Block} from "../interfaces/IL1Block.sol";
import {ISiblingVerifier} from "../interfaces/ISiblingVerifier.sol";
import {IVerifier} from "../interfaces/IVerifier.sol";
import {BlockProof} from "../libraries/BlockProof.sol";
import "../libraries/Errors.sol";
import {Hashing} from "../libraries/Hashing.sol";
import {MessageProof} from "../libraries/MessageProof.sol";
import {Predeploys} from "../libraries/Predeploys.sol";
import {StateProof} from "../libraries/StateProof.sol";
import {ClaimStatus, Message, OutputRootProof} from "../libraries/Types.sol";

/// @title SiblingVerifier
/// @notice A light client of another L2 of the same L1: proofs hold in the last block of a claim that is final in the other's
/// Settlement, as L1's state has it at an anchor. Once the other's Vault is in exodus, only the exodus' root counts: what
/// happens there later is nothing that L1 pays for.
/// @dev Stateless: one serves all endpoints that are joined with this L2.
contract SiblingVerifier is ISiblingVerifier {
    /// @dev Where the Vault has whether it is in exodus (lowest byte), and where the exodus' root.
    uint256 private constant EXODUS_SLOT = 2;
    uint256 private constant EXODUS_ROOT_SLOT = 3;
    /// @dev Where the Settlement has its claims, how many slots each takes, and what is where in one.
    uint256 private constant CLAIMS_SLOT = 3;
    uint256 private constant CLAIM_SLOTS = 4;
    uint256 private constant STATUS_PLACE = 1;
    uint256 private constant STATUS_OFFSET = 160;
    uint256 private constant OUTPUT_PLACE = 3;

    /// @inheritdoc ISiblingVerifier
    address public immutable vault;
    /// @inheritdoc ISiblingVerifier
    address public immutable settlement;

    /// @notice What shows a message. `abi.encode` of it is the proof.
    /// @param anchor Number of an anchor that this L2 still has.
    /// @param header RLP of its header.
    /// @param vaultNodes Proof of the Vault's account at the anchor.
    /// @param exodusNodes Proof of its slot 2, or that it is not there.
    /// @param rootNodes Proof of its slot 3, if it is in exodus; else empty, as the next four are if it is.
    /// @param claimId A final claim.
    /// @param settlementNodes Proof of the Settlement's account at the anchor.
    /// @param statusNodes Proof of the claim's second slot.
    /// @param outputNodes Proof of its fourth.
    /// @param output Preimage of the output root.
    /// @param evidence What shows the message in the other L2's state. Its header is not read.
    struct Proof {
        uint64 anchor;
        bytes header;
        bytes[] vaultNodes;
        bytes[] exodusNodes;
        bytes[] rootNodes;
        uint64 claimId;
        bytes[] settlementNodes;
        bytes[] statusNodes;
        bytes[] outputNodes;
        OutputRootProof output;
        MessageProof.Evidence evidence;
    }

    constructor(address vault_, address settlement_) {
        if (vault_ == address(0) || settlement_ == address(0)) revert ZeroAddress();
        (vault, settlement) = (vault_, settlement_);
    }

    /// @inheritdoc IVerifier
    function verify(Message calldata m, bytes32 id, bytes calldata proof)
        external
        view
        returns (uint256)
    {
        Proof calldata p = _read(proof);
        _checkOutput(p);
        address endpoint = IEndpoint(msg.sender).peer();
        MessageProof.checkSlot(p.output.stateRoot, endpoint, m.nonce, id, p.evidence);
        return 0;
    }

    /// @inheritdoc ISiblingVerifier
    function exodusState(bytes calldata proof) external view returns (bytes32) {
        Proof calldata p = _read(proof);
        if (!_checkOutput(p)) revert NotInExodus();
        return p.output.stateRoot;
    }

    function _read(bytes calldata proof) private pure returns (Proof calldata p) {
        assembly ("memory-safe") {
            // After the offset that `abi.encode` begins with. What is in it is checked where it is read.
            p := add(proof.offset, 0x20)
        }
    }

    /// @dev Reverts unless the output is what L1 believes at the anchor; says whether it is that of an exodus.
    function _checkOutput(Proof calldata p) private view returns (bool inExodus) {
        bytes32 blockHash = keccak256(p.header);
        // The ring gives zero for what it does not have, and no header hashes to that.
        if (IL1Block(Predeploys.L1_BLOCK).anchorHash(p.anchor) != blockHash) revert UnknownBlock(blockHash);
        bytes32 expected;
        (expected, inExodus) = _outputRoot(BlockProof.stateRoot(p.header), p);
        bytes32 actual = Hashing.outputRoot(p.output);
        if (expected != actual) revert UnexpectedOutputRoot(expected, actual);
    }

    /// @dev The output root that L1 believes, and whether it is that of an exodus.
    function _outputRoot(bytes32 stateRoot, Proof calldata p) private view returns (bytes32, bool) {
        bytes32 root = StateProof.account(stateRoot, vault, p.vaultNodes).storageRoot;
        uint256 exodus = StateProof.slotOrZero(root, bytes32(EXODUS_SLOT), p.exodusNodes);
        if (uint8(exodus) != 0) {
            return (bytes32(StateProof.slot(root, bytes32(EXODUS_ROOT_SLOT), p.rootNodes)), true);
        }

        root = StateProof.account(stateRoot, settlement, p.settlementNodes).storageRoot;
        uint256 claim = uint256(keccak256(abi.encode(CLAIMS_SLOT))) + CLAIM_SLOTS * p.claimId;
        uint256 status = StateProof.slot(root, bytes32(claim + STATUS_PLACE), p.statusNodes);
        if (ClaimStatus(uint8(status >> STATUS_OFFSET)) != ClaimStatus.Final) revert NotFinal(p.claimId);
        return (bytes32(StateProof.slot(root, bytes32(claim + OUTPUT_PLACE), p.outputNodes)), false);
    }
}
