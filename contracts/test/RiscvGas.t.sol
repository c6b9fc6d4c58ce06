// SPDX-License-Identifier: MIT
pragma solidity 0.8.37;

import {PreimageOracle} from "../src/L1/PreimageOracle.sol";
import {moreVm} from "./utils/MoreVm.sol";
import {Hart} from "./utils/RiscvModel.sol";
import {RiscvSystem, Witness} from "./utils/RiscvSystem.sol";

/// @notice Gas of whole transactions that execute a step or load a part, with no zero among what costs less as one:
/// written to and compared with snapshots/Riscv.json, as `GasSnapshotTest` does.
contract RiscvGasSnapshotTest is RiscvSystem {
    /// @dev What a step may cost, and what one transaction may (EIP-7825).
    uint256 internal constant MAX_STEP = 250_000;
    uint256 internal constant MAX_TRANSACTION = 16_777_216;

    PreimageOracle internal store;

    function setUp() public override {
        super.setUp();
        store = new PreimageOracle();
        oracle = store;
    }

    function noise(uint256 length) internal pure returns (bytes memory data) {
        data = new bytes(length);
        for (uint256 i; i < length; ++i) {
            data[i] = bytes1(uint8(1 + (i * 31 + 7) % 255));
        }
    }

    function check(Hart memory hart, uint32 word, string memory name) internal {
        check(witness(hart, word), name);
    }

    /// @dev By a call that is a transaction, which calls that change nothing are not by themselves.
    function check(Witness memory w, string memory name) internal {
        (bool success,) = address(stepper)
            .call(
                abi.encodeCall(stepper.step, (w.codeRoot, STATEMENT, address(oracle), w.state, w.code, w.mem))
            );
        vm.assertTrue(success, name);
        uint256 gas = vm.snapshotGasLastCall("Riscv", string.concat("step, ", name));
        vm.assertLe(gas, MAX_STEP);
    }

    /// @dev Without the transaction around it, of which calldata by EIP-7623 costs more than the step itself.
    function checkAlone(Hart memory hart, uint32 word, string memory name) internal {
        Witness memory w = witness(hart, word);
        bytes memory input =
            abi.encodeCall(stepper.step, (w.codeRoot, STATEMENT, address(oracle), w.state, w.code, w.mem));
        uint256 before = gasleft();
        (bool success,) = address(stepper).staticcall(input);
        uint256 gas = before - gasleft();
        vm.assertTrue(success, name);
        moreVm.snapshotValue("Riscv", string.concat("step alone, ", name), gas);
    }

    function test_gas_step_alone() public {
        Hart memory hart = newMachine();
        checkAlone(hart, 0x00150513, "addi");
        checkAlone(hart, 0x02c57533, "remu");
        checkAlone(hart, 0x0005b503, "ld");
        checkAlone(hart, 0x00a5b023, "sd");
        hart.x[17] = 0x2000;
        (hart.x[14], hart.x[15]) = (2, 131072);
        checkAlone(hart, 0x73, "read past the end of a blob");
    }

    function newMachine() internal pure returns (Hart memory hart) {
        hart = newHart();
        (hart.step, hart.x[11]) = (0x1112131415161718, uint64(hart.leafAddress));
    }

    function test_gas_step() public {
        Hart memory hart = newMachine();
        check(hart, 0x00000000, "no instruction");
        check(hart, 0x00150513, "addi");
        check(hart, 0x02c50533, "mul");
        check(hart, 0x02c54533, "div");
        check(hart, 0x0005b503, "ld");
        check(hart, 0x00a5b023, "sd");
        hart.status = 2;
        check(hart, 0, "of a stopped machine");
        hart = newMachine();
        hart.pc = 1 << 24;
        check(hart, 0, "beyond the code");
    }

    function test_gas_step_calls() public {
        Hart memory hart = newMachine();
        hart.x[17] = 93;
        check(hart, 0x73, "exit");
        hart.x[17] = 0x2000;
        (hart.x[14], hart.x[15]) = (0, 0);
        check(hart, 0x73, "read of the statement");
        store.loadKeccak("preimage", 0);
        hart.x[14] = 1;
        bytes32 key = keccak256("preimage");
        for (uint256 i; i < 32; ++i) {
            if (i % 8 == 0) hart.x[10 + i / 8] = 0;
            hart.x[10 + i / 8] |= uint64(uint8(key[i])) << uint64(8 * (i % 8));
        }
        check(hart, 0x73, "read of a preimage");
    }

    function checkKeccak(uint256 length, string memory name) internal {
        store.loadKeccak(noise(length), 32);
        uint256 gas = vm.snapshotGasLastCall("Riscv", string.concat("loadKeccak, ", name));
        vm.assertLe(gas, MAX_TRANSACTION / 4);
    }

    function test_gas_loadKeccak() public {
        checkKeccak(600, "600 bytes: a trie node");
        checkKeccak(4105, "4,105 bytes: a chunk of data");
        checkKeccak(24_576, "24,576 bytes: the longest code");
        checkKeccak(65_536, "65,536 bytes: the longest message");
    }

    function test_gas_loadBlob() public {
        string memory json = vm.readFile("test/blob-vectors.json");
        uint64 index = uint64(moreVm.parseJsonUint(json, "[1].elements[4].index"));
        vm.assertEq(index, 2047);
        store.loadBlob(
            vm.parseJsonBytes32(json, "[1].versionedHash"),
            index,
            vm.parseJsonBytes32(json, "[1].elements[4].value"),
            vm.parseJsonBytes(json, "[1].commitment"),
            vm.parseJsonBytes(json, "[1].elements[4].proof")
        );
        vm.snapshotGasLastCall("Riscv", "loadBlob, an element");
    }
}
