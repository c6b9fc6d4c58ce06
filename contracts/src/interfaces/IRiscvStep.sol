// SPDX-License-Identifier: MIT
pragma solidity 0.8.37;

/// @title IRiscvStep
/// @notice Executes one instruction of the machine that defines L2: RV64IM over Merkle trees, docs/fault-proofs.md §2.
/// Holds nothing. Every fault of the program leads to a state of its own, panicked; only a proof that is not exactly
/// what the step needs reverts. So from every state of a machine there is exactly one next.
interface IRiscvStep {
    /// @notice The state after `state`. Whether that is the state somebody agreed on, by its hash, is the caller's to
    /// check.
    /// @param codeRoot Root of the code tree.
    /// @param statement Hash of the statement that the program judges: its preimage of kind 0.
    /// @param oracle The {IPreimageOracle} with what is read of the other kinds.
    /// @param state 305 bytes.
    /// @param code Leaf of the instruction and its 19 siblings from the bottom up; empty if the machine is not
    /// running or `pc` is not in the tree.
    /// @param mem Leaf that is loaded from or stored to and its 27 siblings from the bottom up; empty if none is.
    /// @return next Hash of the next state: of `state` itself if the machine is not running.
    function step(
        bytes32 codeRoot,
        bytes32 statement,
        address oracle,
        bytes calldata state,
        bytes calldata code,
        bytes calldata mem
    ) external view returns (bytes32 next);
}
