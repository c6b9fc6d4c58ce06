// SPDX-License-Identifier: MIT
pragma solidity 0.8.37;

import {InvalidState, InvalidStateLength} from "./Errors.sol";

/// @notice Address in memory of a machine's state.
type Machine is uint256;

using RiscvState for Machine global;

/// @title RiscvState
/// @notice The 305 bytes that a machine is, worked on where they lie; docs/fault-proofs.md §2 has the fields.
library RiscvState {
    /// @notice Bytes of a state.
    uint256 internal constant LENGTH = 305;

    uint8 internal constant RUNNING = 0;
    uint8 internal constant EXITED = 1;
    uint8 internal constant PANICKED = 2;

    // Where fields begin.
    uint256 private constant PC = 32;
    uint256 private constant STEP = 40;
    uint256 private constant STATUS = 48;
    uint256 private constant EXIT_CODE = 49;
    /// @dev Where x0 would be, before x1. The exit code is there, which is zero as long as the machine runs.
    uint256 private constant REGISTERS = 49;

    /// @notice A copy of `state` in memory.
    function read(bytes calldata state) internal pure returns (Machine machine) {
        if (state.length != LENGTH) revert InvalidStateLength(state.length);
        assembly ("memory-safe") {
            machine := mload(0x40)
            // Fields are read and written as whole words, so 31 bytes more.
            mstore(0x40, add(machine, 0x160))
            calldatacopy(machine, state.offset, LENGTH)
        }
        uint8 status_ = machine.status();
        bool exitCode = machine._field(EXIT_CODE) != 0;
        if (status_ > PANICKED || (exitCode && status_ != EXITED) || machine.pc() % 4 != 0) {
            revert InvalidState();
        }
    }

    /// @notice The state's hash.
    function hash(Machine machine) internal pure returns (bytes32 result) {
        assembly ("memory-safe") {
            result := keccak256(machine, LENGTH)
        }
    }

    /// @notice Root of the memory tree.
    function memoryRoot(Machine machine) internal pure returns (bytes32 root) {
        assembly ("memory-safe") {
            root := mload(machine)
        }
    }

    function setMemoryRoot(Machine machine, bytes32 root) internal pure {
        assembly ("memory-safe") {
            mstore(machine, root)
        }
    }

    function pc(Machine machine) internal pure returns (uint64) {
        return machine._field(PC);
    }

    function setPc(Machine machine, uint64 value) internal pure {
        machine._setField(PC, value);
    }

    /// @notice Counts an instruction.
    function countStep(Machine machine) internal pure {
        unchecked {
            machine._setField(STEP, machine._field(STEP) + 1);
        }
    }

    function status(Machine machine) internal pure returns (uint8 value) {
        assembly ("memory-safe") {
            value := byte(0, mload(add(machine, STATUS)))
        }
    }

    /// @notice Stops the machine for good, its exit code kept.
    function exit(Machine machine, uint64 code) internal pure {
        machine._setStatus(EXITED);
        machine._setField(EXIT_CODE, code);
    }

    /// @notice Stops the machine for good, at a fault.
    function panic(Machine machine) internal pure {
        machine._setStatus(PANICKED);
    }

    /// @notice Register x`index` of a machine that runs.
    function register(Machine machine, uint256 index) internal pure returns (uint64) {
        unchecked {
            return machine._field(REGISTERS + 8 * index);
        }
    }

    /// @notice Writes register x`index`. What is written to x0 is lost.
    function setRegister(Machine machine, uint256 index, uint64 value) internal pure {
        unchecked {
            if (index != 0) machine._setField(REGISTERS + 8 * index, value);
        }
    }

    function _setStatus(Machine machine, uint8 value) internal pure {
        assembly ("memory-safe") {
            mstore8(add(machine, STATUS), value)
        }
    }

    function _field(Machine machine, uint256 offset) internal pure returns (uint64 value) {
        assembly ("memory-safe") {
            value := shr(192, mload(add(machine, offset)))
        }
    }

    function _setField(Machine machine, uint256 offset, uint64 value) internal pure {
        assembly ("memory-safe") {
            let field := add(machine, offset)
            mstore(field, or(shl(192, value), shr(64, shl(64, mload(field)))))
        }
    }
}
