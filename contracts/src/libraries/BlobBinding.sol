// SPDX-License-Identifier: MIT
pragma solidity 0.8.37;

import {BlobMismatch} from "./Errors.sol";

/// @title BlobBinding
/// @notice Ties the bytes that a proof worked with to a blob, of which L1 knows only the versioned hash. The prover
/// commits to the payload by a Merkle root and shows the blob's value at a point that follows from both
/// commitments; the bytes under the root must give the same value, which the proof checks. Two polynomials that
/// differ agree there with a probability of 4096 / 2^255.
/// @dev Used where the prover knows the bytes, when a proof is verified. Not at `append`: see {IInbox}.
library BlobBinding {
    /// @dev Order of the BLS12-381 groups: points and values are below it.
    uint256 internal constant MODULUS = 0x73eda753299d7d483339d80809a1d80553bda402fffe5bfeffffffff00000001;

    /// @dev EIP-4844's point evaluation: its address, its gas, the length of commitments and proofs.
    address private constant POINT_EVALUATION = address(0x0A);
    uint256 private constant GROUP_ELEMENT = 48;

    /// @notice The point at which payload and blob are compared.
    function point(bytes32 versionedHash, bytes32 payloadRoot) internal pure returns (bytes32) {
        return bytes32(uint256(keccak256(abi.encodePacked(versionedHash, payloadRoot))) % MODULUS);
    }

    /// @notice Reverts unless the blob with this hash has the value `y` at the point of `payloadRoot`.
    /// @param commitment KZG commitment of the blob, 48 bytes.
    /// @param proof KZG proof of the value, 48 bytes.
    function check(
        bytes32 versionedHash,
        bytes32 payloadRoot,
        bytes32 y,
        bytes calldata commitment,
        bytes calldata proof
    ) internal view {
        checkOpening(versionedHash, point(versionedHash, payloadRoot), y, commitment, proof);
    }

    /// @notice Reverts unless the blob with this hash has the value `y` at the point `z`.
    /// @param commitment KZG commitment of the blob, 48 bytes.
    /// @param proof KZG proof of the value, 48 bytes.
    function checkOpening(
        bytes32 versionedHash,
        bytes32 z,
        bytes32 y,
        bytes calldata commitment,
        bytes calldata proof
    ) internal view {
        if (commitment.length != GROUP_ELEMENT || proof.length != GROUP_ELEMENT) {
            revert BlobMismatch(versionedHash);
        }
        // The precompile checks the commitment against the hash, z and y against the modulus, and the proof.
        (bool success, bytes memory result) =
            POINT_EVALUATION.staticcall(abi.encodePacked(versionedHash, z, y, commitment, proof));
        // An account without code would succeed with nothing: where there is no precompile, nothing is proven.
        if (!success || result.length != 64) revert BlobMismatch(versionedHash);
    }
}
