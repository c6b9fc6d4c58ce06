// SPDX-License-Identifier: MIT
pragma solidity 0.8.37;

import {IInbox} from "../interfaces/IInbox.sol";
import {IValidityVerifier} from "../interfaces/IValidityVerifier.sol";
import "../libraries/Errors.sol";

/// @title ValidityVerifier
/// @notice See {IValidityVerifier}.
contract ValidityVerifier is IValidityVerifier {
    /// @dev Bytes of a proof: accumulator, then the rest.
    uint256 private constant ACCUMULATOR = 12 * 32;
    uint256 private constant LENGTH = (12 + 43) * 32;
    /// @dev Order of the field that commitments are in.
    uint256 private constant ORDER = 21888242871839275222246405745257275088548364400416034343698204186575808495617;

    /// @inheritdoc IValidityVerifier
    address public immutable inbox;
    /// @inheritdoc IValidityVerifier
    address public immutable proofVerifier;
    /// @inheritdoc IValidityVerifier
    bytes32 public immutable configHash;
    /// @inheritdoc IValidityVerifier
    bytes32 public immutable programCommitment;
    /// @inheritdoc IValidityVerifier
    bytes32 public immutable machineCommitment;

    /// @param inbox_ The Inbox, deployed already.
    /// @param proofVerifier_ The generated verifier, deployed already.
    /// @param configHash_ Hash of the chain's configuration.
    /// @param programCommitment_ The program's.
    /// @param machineCommitment_ The machine's.
    constructor(
        address inbox_,
        address proofVerifier_,
        bytes32 configHash_,
        bytes32 programCommitment_,
        bytes32 machineCommitment_
    ) {
        // A call to where no code is succeeds.
        if (inbox_.code.length == 0 || proofVerifier_.code.length == 0) revert InvalidParameter();
        if (configHash_ == 0 || programCommitment_ == 0 || machineCommitment_ == 0) revert InvalidParameter();
        if (uint256(programCommitment_) >= ORDER || uint256(machineCommitment_) >= ORDER) revert InvalidParameter();
        inbox = inbox_;
        proofVerifier = proofVerifier_;
        configHash = configHash_;
        programCommitment = programCommitment_;
        machineCommitment = machineCommitment_;
    }

    /// @inheritdoc IValidityVerifier
    function statement(
        uint64 parentBatch,
        uint64 lastBatch,
        bytes32 parentOutput,
        bytes32 output,
        address prover
    ) public view returns (bytes32) {
        if (lastBatch <= parentBatch) revert NoNewBatch(lastBatch);
        bytes32 first = IInbox(inbox).batchHash(parentBatch + 1);
        bytes32 last = IInbox(inbox).batchHash(lastBatch);
        return keccak256(abi.encode(configHash, parentOutput, first, last, output, prover));
    }

    /// @inheritdoc IValidityVerifier
    function verify(
        uint64 parentBatch,
        uint64 lastBatch,
        bytes32 parentOutput,
        bytes32 output,
        address prover,
        bytes calldata proof
    ) external view {
        bytes32 public_ = statement(parentBatch, lastBatch, parentOutput, output, prover);
        if (proof.length != LENGTH) revert InvalidProofLength(proof.length);
        // Accumulator, program, machine, each byte of the public value as a word, and the rest of the proof.
        bytes memory words = new bytes(32 * 32);
        for (uint256 i; i < 32; ++i) {
            words[32 * i + 31] = public_[i];
        }
        bytes memory input = abi.encodePacked(
            proof[:ACCUMULATOR], programCommitment, machineCommitment, words, proof[ACCUMULATOR:]
        );
        (bool success,) = proofVerifier.staticcall(input);
        if (!success) revert ProofRefused(public_);
    }
}
