// SPDX-License-Identifier: MIT
pragma solidity 0.8.37;

import {ValidityVerifier} from "../L1/ValidityVerifier.sol";
import "../libraries/Errors.sol";

/// @title DevelopmentValidityVerifier
/// @notice A {ValidityVerifier} of proofs with development parameters, which anybody can forge (docs/validity.md). It can only be
/// deployed where nothing is worth anything.
contract DevelopmentValidityVerifier is ValidityVerifier {
    constructor(
        address inbox_,
        address proofVerifier_,
        bytes32 configHash_,
        bytes32 programCommitment_,
        bytes32 machineCommitment_
    ) ValidityVerifier(inbox_, proofVerifier_, configHash_, programCommitment_, machineCommitment_) {
        if (block.chainid != 1337 && block.chainid != 31337) revert NotADevelopmentChain(block.chainid);
    }
}
