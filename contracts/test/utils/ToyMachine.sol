// SPDX-License-Identifier: MIT
pragma solidity 0.8.37;

import {IRiscvStep} from "../../src/interfaces/IRiscvStep.sol";

/// @notice A machine whose state after any number of steps is known without taking them, so that whole games fit a
/// test. It runs until a step chosen for each statement and then stops as chosen. What it starts from is the same for
/// all statements.
contract ToyMachine is IRiscvStep {
    struct Run {
        uint64 end;
        uint8 status;
        uint64 exitCode;
    }

    bytes32 internal constant CODE_ROOT = keccak256("code root");

    address internal oracle;
    mapping(bytes32 statement => Run) internal runs;

    /// @dev The run of a statement that nobody has chosen one for ends with its first step, in a panic.
    function set(bytes32 statement, Run calldata run) external {
        require(run.end != 0 && run.status != 0, "does not end");
        runs[statement] = run;
    }

    function setOracle(address oracle_) external {
        oracle = oracle_;
    }

    function runOf(bytes32 statement) public view returns (Run memory run) {
        run = runs[statement];
        if (run.end == 0) return Run(1, 2, 0);
    }

    /// @notice The 305 bytes after so many steps.
    function stateAt(bytes32 statement, uint64 steps) public view returns (bytes memory) {
        return pack(statement, runOf(statement), steps);
    }

    /// @notice Leaves of the true history from `start` on, `width` steps apart.
    function history(bytes32 statement, uint64 start, uint64 width)
        external
        view
        returns (bytes32[] memory leaves)
    {
        Run memory run = runOf(statement);
        leaves = new bytes32[](4096);
        uint256 free;
        assembly {
            free := mload(0x40)
        }
        for (uint64 i; i < 4096; ++i) {
            if (i != 0 && start + i * width >= run.end) {
                leaves[i] = leaves[i - 1];
                continue;
            }
            leaves[i] = keccak256(pack(statement, run, start + (i + 1) * width));
            // The state is not needed any more.
            assembly {
                mstore(0x40, free)
            }
        }
    }

    /// @inheritdoc IRiscvStep
    function step(
        bytes32 codeRoot,
        bytes32 statement,
        address oracle_,
        bytes calldata state,
        bytes calldata code,
        bytes calldata mem
    ) external view returns (bytes32) {
        require(codeRoot == CODE_ROOT && oracle_ == oracle, "wrong program or oracle");
        require(state.length == 305 && state[48] == 0 == (code.length != 0), "bad witness");
        uint64 steps = uint64(bytes8(state[40:48]));
        // From a state that the machine is never in it goes on to others.
        if (keccak256(state) != keccak256(stateAt(statement, steps))) return keccak256(abi.encode(state));
        if (state[48] != 0) return keccak256(state);
        require(keccak256(code) == keccak256("code") && keccak256(mem) == keccak256("mem"), "bad witness");
        return keccak256(stateAt(statement, steps + 1));
    }

    function pack(bytes32 statement, Run memory run, uint64 steps) internal pure returns (bytes memory) {
        bool over = steps >= run.end;
        if (over) steps = run.end;
        return abi.encodePacked(
            steps == 0 ? bytes32(0) : keccak256(abi.encode(statement, steps)),
            steps * 4,
            steps,
            over ? run.status : 0,
            over ? run.exitCode : 0,
            new bytes(248)
        );
    }
}
