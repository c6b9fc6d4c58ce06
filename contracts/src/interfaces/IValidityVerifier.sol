// SPDX-License-Identifier: MIT
pragma solidity 0.8.37;

/// @title IValidityVerifier
/// @notice Verifies that batches of the Inbox make of one output root another, by a proof of the validity program's execution
/// (docs/validity.md). Which program, in which machine, on which chain: fixed at deployment.
interface IValidityVerifier {
    /// @notice What a proof of these batches makes public: the hash of the configuration, the parent's output root, the hashes of
    /// the first and the last batch, the output root, and who has what the proof is worth.
    /// @param parentBatch The batch before the first; the parent's last.
    /// @param lastBatch The last batch.
    /// @param parentOutput Output root of the last block of `parentBatch`.
    /// @param output Output root of the last block of `lastBatch`.
    /// @param prover For whom the proof was made.
    function statement(
        uint64 parentBatch,
        uint64 lastBatch,
        bytes32 parentOutput,
        bytes32 output,
        address prover
    ) external view returns (bytes32);

    /// @notice Reverts unless the proof shows that the statement is true.
    /// @param proof 55 words: the 12 of the accumulator that is checked along with it, and the 43 of the proof.
    function verify(
        uint64 parentBatch,
        uint64 lastBatch,
        bytes32 parentOutput,
        bytes32 output,
        address prover,
        bytes calldata proof
    ) external view;

    /// @notice The Inbox whose batches are proved.
    function inbox() external view returns (address);

    /// @notice The contract that verifies proofs of executions: it was generated for the circuit.
    function proofVerifier() external view returns (address);

    /// @notice Hash of the chain's configuration.
    function configHash() external view returns (bytes32);

    /// @notice The program, its first memory, and where it starts.
    function programCommitment() external view returns (bytes32);

    /// @notice The machine that executes it, and the circuits that bring its proofs together.
    function machineCommitment() external view returns (bytes32);
}
