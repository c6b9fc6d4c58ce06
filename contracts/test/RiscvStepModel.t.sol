// SPDX-License-Identifier: MIT
pragma solidity 0.8.37;

import {Hart} from "./utils/RiscvModel.sol";
import {RiscvSystem, Witness} from "./utils/RiscvSystem.sol";
import {SparseTree} from "./utils/SparseTree.sol";

/// @notice The step against the model: single steps of random machines, and a program from its first to its last.
contract RiscvStepModelTest is RiscvSystem {
    uint256 private seed;

    function random() internal returns (uint256) {
        seed = uint256(keccak256(abi.encode(seed)));
        return seed;
    }

    /// @dev Numbers near those at which something changes, as often as any.
    function number() internal returns (uint64) {
        uint256 r = random();
        uint256 kind = r % 8;
        uint64 value = uint64(r >> 64);
        if (kind == 0) return value;
        if (kind == 1) return uint64(r >> 8) % 4;
        if (kind == 2) return MAX - uint64(r >> 8) % 4;
        if (kind == 3) return MIN - 2 + uint64(r >> 8) % 4;
        if (kind == 4) return (1 << 31) - 2 + uint64(r >> 8) % 4;
        if (kind == 5) return uint32(value);
        if (kind == 6) return uint64(int64(int32(uint32(value))));
        return uint64(1) << (value % 64);
    }

    function randomHart() internal returns (Hart memory hart) {
        for (uint256 i = 1; i < 32; ++i) {
            hart.x[i] = number();
        }
        uint256 r = random();
        hart.pc = r % 16 == 0 ? number() & ~uint64(3) : uint64(r >> 32) % (1 << 24) & ~uint64(3);
        hart.step = uint64(r >> 96);
        hart.leaf = bytes32(random());
        if (r >> 160 & 0x1f == 0) {
            hart.status = uint8(1 + random() % 2);
            if (hart.status == 1) hart.exitCode = number();
        }
    }

    /// @dev Instructions there are, mostly.
    function randomWord() internal returns (uint32) {
        uint256 r = random();
        if (r % 16 == 0) return uint32(r >> 32);
        if (r % 16 == 1) return 0x73;
        (uint32 mask, uint32 matches,) = model.listing((r >> 8) % model.listed());
        return uint32(r >> 32) & ~mask | matches;
    }

    /// @dev Makes operands of what is rarely meaningful by chance.
    function arrange(Hart memory hart, uint32 word) internal {
        uint256 opcode = word & 0x7f;
        uint256 rs1 = word >> 15 & 31;
        uint256 r = random();
        if ((opcode == 0x03 || opcode == 0x23) && rs1 != 0 && r % 8 != 0) {
            int256 imm = int32(word) >> 20;
            if (opcode == 0x23) imm = (int32(word) >> 25 << 5) | int32(word >> 7 & 31);
            uint64 to = uint32(r >> 64);
            if (r % 8 != 1) to &= ~uint64(7);
            unchecked {
                hart.x[rs1] = to - uint64(int64(imm));
            }
        }
        if (opcode == 0x73) {
            if (r % 16 != 0) hart.x[17] = r % 4 == 1 ? 93 : 0x2000;
            if (r >> 8 & 15 != 0) hart.x[14] = uint64(r >> 16) % 3;
            if (r >> 24 & 7 != 0) hart.x[15] &= ~uint64(31);
        }
    }

    function testFuzz_step_anyMachine_isThatOfTheModel(uint256 seed_) public {
        seed = seed_;
        for (uint256 i; i < 24; ++i) {
            Hart memory hart = randomHart();
            uint32 word = randomWord();
            arrange(hart, word);
            uint256 touched = model.touches(hart, word);
            if (touched != 2 ** 64) hart.leafAddress = touched;
            bytes32 actual = execute(hart, word);
            bytes32 expected = hashOf(model.run(copy(hart), word));
            vm.assertTrue(actual == expected, string.concat(vm.toString(uint256(word)), model.nameOf(word)));
        }
    }

    // --- a program ---

    SparseTree internal code;
    SparseTree internal memory_;
    uint32[] internal program;

    function assemble() internal {
        // t0 = 1, t1 = 1, t2 = 0x8000_0000 - 16: factorials across the middle of memory
        program.push(iType(0x13, 0, 5, 0, 1));
        program.push(iType(0x13, 0, 6, 0, 1));
        program.push(iType(0x13, 0, 7, 0, 1));
        program.push(iType(0x13, 1, 7, 7, 31));
        program.push(iType(0x13, 0, 7, 7, -16));
        // loop: t1 *= t0; sd t1, 0(t2); t2 += 8; t0 += 1; if t0 != 21, again
        program.push(iType(0x13, 0, 28, 0, 21));
        program.push(rType(0x33, 0, 1, 6, 6, 5));
        program.push(sType(3, 7, 6, 0));
        program.push(iType(0x13, 0, 7, 7, 8));
        program.push(iType(0x13, 0, 5, 5, 1));
        program.push(bType(1, 5, 28, -16));
        // The last one's bytes, read back one by one from the end: t3 = t3 * 256 + lbu
        program.push(iType(0x13, 0, 29, 0, 8));
        program.push(iType(0x13, 0, 28, 0, 0));
        program.push(iType(0x13, 0, 7, 7, -1));
        program.push(iType(0x13, 1, 28, 28, 8));
        program.push(iType(0x03, 4, 30, 7, 0));
        program.push(rType(0x33, 6, 0, 28, 28, 30));
        program.push(iType(0x13, 0, 29, 29, -1));
        program.push(bType(1, 29, 0, -20));
        // The statement, by a call of a function
        program.push(jal(1, 24));
        // s0 = t3 ^ a0; exit(s0)
        program.push(rType(0x33, 4, 0, 8, 28, 10));
        program.push(iType(0x13, 0, 10, 8, 0));
        program.push(iType(0x13, 0, 17, 0, 93));
        program.push(0x73);
        program.push(0);
        // function: a7 = 0x2000, kind 0, offset 0
        program.push(uType(0x37, 17, 2));
        program.push(iType(0x13, 0, 14, 0, 0));
        program.push(iType(0x13, 0, 15, 0, 0));
        program.push(0x73);
        program.push(iType(0x67, 0, 0, 1, 0));
    }

    function test_step_program_runsToItsExit() public {
        code = new SparseTree(19);
        memory_ = new SparseTree(27);
        assemble();
        // At an entry that is not the start of a leaf.
        Hart memory hart;
        hart.pc = 0x8010;
        for (uint256 i; i < program.length; i += 1) {
            uint256 at_ = 0x8010 + 4 * i;
            uint256 leaf = uint256(code.node(0, at_ / 32));
            uint256 shift = 224 - 8 * (at_ % 32);
            uint32 w = program[i];
            uint256 swapped = (w & 0xff) << 24 | (w >> 8 & 0xff) << 16 | (w >> 16 & 0xff) << 8 | w >> 24;
            code.set(at_ / 32, bytes32(leaf | swapped << shift));
        }
        uint256 stores;
        while (hart.status == 0) {
            uint32 word = program[(hart.pc - 0x8010) / 4];
            bytes memory state = pack(hart, memory_.root());
            uint256 touched = model.touches(hart, word);
            bytes memory mem;
            if (touched != 2 ** 64) {
                mem = memory_.prove(touched / 32);
                (hart.leafAddress, hart.leaf) = (touched, memory_.node(0, touched / 32));
            }
            bytes memory path = code.prove(hart.pc / 32);
            bytes32 actual = stepper.step(code.root(), STATEMENT, address(oracle), state, path, mem);
            hart = model.run(hart, word);
            if (touched != 2 ** 64 && hart.leaf != memory_.node(0, touched / 32)) {
                memory_.set(touched / 32, hart.leaf);
                ++stores;
            }
            vm.assertEq(actual, keccak256(pack(hart, memory_.root())));
        }
        vm.assertEq(hart.status, uint256(1));
        vm.assertEq(stores, 20);
        uint256 factorial = 2432902008176640000;
        uint256 a0;
        for (uint256 k; k < 8; ++k) {
            a0 |= uint256(uint8(STATEMENT[k])) << 8 * k;
        }
        vm.assertEq(hart.exitCode, factorial ^ a0);
        // 6 + 20 · 5 + 2 + 8 · 6 + 1 + 5 + 4
        vm.assertEq(hart.step, 166);
        vm.assertEq(memory_.node(0, (1 << 31) / 32), expectedLeaf());
    }

    /// @dev 3!, 4!, 5!, 6!, little-endian.
    function expectedLeaf() internal pure returns (bytes32) {
        return 0x060000000000000018000000000000007800000000000000d002000000000000;
    }
}
