// SPDX-License-Identifier: MIT
pragma solidity 0.8.37;

import {IEndpoint} from "../interfaces/IEndpoint.sol";
import {IVault} from "../interfaces/IVault.sol";
import {IVerifier} from "../interfaces/IVerifier.sol";
import {UnexpectedOutputRoot, UnknownBlock, ZeroAddress} from "../libraries/Errors.sol";
import {Hashing} from "../libraries/Hashing.sol";
import {MessageProof} from "../libraries/MessageProof.sol";
import {Message, OutputRootProof} from "../libraries/Types.sol";

/// @title OutputVerifier
/// @notice L1's light client of L2: proofs hold in the last block of a final claim.
contract OutputVerifier is IVerifier {
    /// @notice Knows which output roots are final, and, in exodus, the one that counts.
    address public immutable vault;

    /// @notice What shows a message. `abi.encode` of it is the proof.
    /// @param claimId A final claim.
    /// @param output Preimage of its output root.
    /// @param evidence What shows the message. Its header is read for events only.
    struct Proof {
        uint64 claimId;
        OutputRootProof output;
        MessageProof.Evidence evidence;
    }

    constructor(address vault_) {
        if (vault_ == address(0)) revert ZeroAddress();
        vault = vault_;
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
        bytes32 expected = IVault(vault).releaseRoot(p.claimId);
        bytes32 actual = Hashing.outputRoot(p.output);
        if (expected != actual) revert UnexpectedOutputRoot(expected, actual);

        address endpoint = IEndpoint(msg.sender).peer();
        MessageProof.Evidence calldata e = p.evidence;
        if (e.receiptNodes.length != 0) {
            bytes32 blockHash = keccak256(e.header);
            if (blockHash != p.output.latestBlockhash) revert UnknownBlock(blockHash);
            MessageProof.checkReceipt(endpoint, m.nonce, id, e);
        } else {
            MessageProof.checkSlot(p.output.stateRoot, endpoint, m.nonce, id, e);
        }
        return 0;
    }
}
