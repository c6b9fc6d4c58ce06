// SPDX-License-Identifier: MIT
pragma solidity 0.8.37;

import {Hart} from "./utils/RiscvModel.sol";
import {RiscvSystem} from "./utils/RiscvSystem.sol";

/// @notice Every instruction with the operands at which machines go wrong, and the results that the ISA manual gives.
contract RiscvStepTest is RiscvSystem {
    uint256 internal constant OP = 0x33;
    uint256 internal constant OP_32 = 0x3b;
    uint256 internal constant OP_IMM = 0x13;
    uint256 internal constant OP_IMM_32 = 0x1b;
    uint256 internal constant LOAD = 0x03;

    // x5 = x6 op x7
    uint256 internal constant RD = 5;
    uint256 internal constant RS1 = 6;
    uint256 internal constant RS2 = 7;

    /// @dev Register with register.
    function checkOp(uint256 opcode, uint256 funct7, uint256 funct3, uint64 a, uint64 b, uint64 result)
        internal
        view
    {
        Hart memory hart = newHart();
        (hart.x[RS1], hart.x[RS2]) = (a, b);
        Hart memory next = copy(hart);
        next.x[RD] = result;
        next.pc += 4;
        string memory what = string.concat("f7 ", vm.toString(funct7), " f3 ", vm.toString(funct3));
        checkStep(hart, rType(opcode, funct3, funct7, RD, RS1, RS2), next, what);
    }

    /// @dev Register with immediate.
    function checkImm(uint256 opcode, uint256 funct3, uint64 a, int256 imm, uint64 result) internal view {
        Hart memory hart = newHart();
        hart.x[RS1] = a;
        Hart memory next = copy(hart);
        next.x[RD] = result;
        next.pc += 4;
        checkStep(hart, iType(opcode, funct3, RD, RS1, imm), next, vm.toString(funct3));
    }

    function test_add_sub_wrapAround() public view {
        checkOp(OP, 0, 0, 2, 3, 5);
        checkOp(OP, 0, 0, MAX, 1, 0);
        checkOp(OP, 0, 0, MIN, MIN, 0);
        checkOp(OP, 0x20, 0, 2, 3, MAX);
        checkOp(OP, 0x20, 0, MIN, 1, MIN - 1);
        checkOp(OP, 0x20, 0, 0, MIN, MIN);
    }

    function test_comparisons_knowTheSign() public view {
        checkOp(OP, 0, 2, MAX, 0, 1);
        checkOp(OP, 0, 2, 0, MAX, 0);
        checkOp(OP, 0, 2, MIN, MIN - 1, 1);
        checkOp(OP, 0, 2, 7, 7, 0);
        checkOp(OP, 0, 3, MAX, 0, 0);
        checkOp(OP, 0, 3, 0, MAX, 1);
        checkOp(OP, 0, 3, MIN, MIN - 1, 0);
        checkOp(OP, 0, 3, 7, 7, 0);
        checkImm(OP_IMM, 2, MAX - 1, -1, 1);
        checkImm(OP_IMM, 2, 0, -1, 0);
        // The immediate is sign-extended first and compared without a sign then.
        checkImm(OP_IMM, 3, MAX - 1, -1, 1);
        checkImm(OP_IMM, 3, MAX, -1, 0);
        checkImm(OP_IMM, 3, 0, 1, 1);
        checkImm(OP_IMM, 3, 1, 1, 0);
    }

    function test_bitwise() public view {
        checkOp(OP, 0, 4, 0xff00ff00ff00ff00, 0x0ff00ff00ff00ff0, 0xf0f0f0f0f0f0f0f0);
        checkOp(OP, 0, 6, 0xff00ff00ff00ff00, 0x0ff00ff00ff00ff0, 0xfff0fff0fff0fff0);
        checkOp(OP, 0, 7, 0xff00ff00ff00ff00, 0x0ff00ff00ff00ff0, 0x0f000f000f000f00);
        checkImm(OP_IMM, 4, 0x123, -1, ~uint64(0x123));
        checkImm(OP_IMM, 6, 0x123, -2048, 0xfffffffffffff923);
        checkImm(OP_IMM, 7, MAX, -2048, 0xfffffffffffff800);
        checkImm(OP_IMM, 7, MAX, 2047, 0x7ff);
    }

    function test_addi_immediateIsSignExtended() public view {
        checkImm(OP_IMM, 0, 5, -6, MAX);
        checkImm(OP_IMM, 0, 0, 2047, 2047);
        checkImm(OP_IMM, 0, 0, -2048, 0xfffffffffffff800);
        checkImm(OP_IMM, 0, MAX, 1, 0);
    }

    /// @dev All 64 bits: six of the amount count.
    function test_shifts_takeSixBits() public view {
        checkOp(OP, 0, 1, 1, 63, MIN);
        checkOp(OP, 0, 1, 3, 64, 3);
        checkOp(OP, 0, 1, 3, MAX, MIN);
        checkOp(OP, 0, 5, MIN, 63, 1);
        checkOp(OP, 0, 5, MIN, 64, MIN);
        checkOp(OP, 0, 5, MIN, 32, 0x80000000);
        checkOp(OP, 0x20, 5, MIN, 63, MAX);
        checkOp(OP, 0x20, 5, MIN, 64, MIN);
        checkOp(OP, 0x20, 5, MIN - 1, 62, 1);
        checkOp(OP, 0x20, 5, MIN, MAX, MAX);
        checkImm(OP_IMM, 1, 1, 63, MIN);
        checkImm(OP_IMM, 1, 1, 32, 1 << 32);
        checkImm(OP_IMM, 5, MIN, 63, 1);
        checkImm(OP_IMM, 5, MIN, 33, 0x40000000);
        checkImm(OP_IMM, 5, MIN, 0x400 | 63, MAX);
        checkImm(OP_IMM, 5, MIN, 0x400 | 33, 0xffffffffc0000000);
        checkImm(OP_IMM, 5, MIN - 1, 0x400 | 33, 0x3fffffff);
    }

    /// @dev On words: five bits of the amount count, and the upper half of the operand does not.
    function test_shiftsOnWords_takeFiveBits() public view {
        checkOp(OP_32, 0, 1, 1, 31, 0xffffffff80000000);
        checkOp(OP_32, 0, 1, 0xffffffff00000001, 32, 1);
        checkOp(OP_32, 0, 1, 3, 63, 0xffffffff80000000);
        checkOp(OP_32, 0, 5, 0xffffffff80000000, 31, 1);
        checkOp(OP_32, 0, 5, 0xffffffff80000000, 32, 0xffffffff80000000);
        checkOp(OP_32, 0, 5, 0xffffffff40000000, 0x21, 0x20000000);
        checkOp(OP_32, 0x20, 5, 0x0000000080000000, 31, MAX);
        checkOp(OP_32, 0x20, 5, 0xffffffff7fffffff, 30, 1);
        checkOp(OP_32, 0x20, 5, 0x0000000080000000, 32, 0xffffffff80000000);
        checkOp(OP_32, 0x20, 5, 0x0000000080000000, 0xffffffffffffffe1, 0xffffffffc0000000);
        checkImm(OP_IMM_32, 1, 0xffffffff00000001, 31, 0xffffffff80000000);
        checkImm(OP_IMM_32, 5, 0xffffffff80000000, 31, 1);
        checkImm(OP_IMM_32, 5, 0xffffffff80000000, 0, 0xffffffff80000000);
        checkImm(OP_IMM_32, 5, 0x0000000080000000, 0x400 | 31, MAX);
        checkImm(OP_IMM_32, 5, 0xffffffff7fffffff, 0x400 | 31, 0);
    }

    function test_shiftsOnWords_sixthBitOfTheAmount_panics() public view {
        Hart memory hart = newHart();
        checkPanic(hart, iType(OP_IMM_32, 1, RD, RS1, 32), "slliw");
        checkPanic(hart, iType(OP_IMM_32, 5, RD, RS1, 32), "srliw");
        checkPanic(hart, iType(OP_IMM_32, 5, RD, RS1, 0x400 | 32), "sraiw");
    }

    function test_wordArithmetic_isSignExtended() public view {
        checkOp(OP_32, 0, 0, 0x7fffffff, 1, 0xffffffff80000000);
        checkOp(OP_32, 0, 0, 0xffffffffffffffff, 1, 0);
        checkOp(OP_32, 0, 0, 0x1234567800000001, 0x8765432100000002, 3);
        checkOp(OP_32, 0x20, 0, 0, 1, MAX);
        checkOp(OP_32, 0x20, 0, 0x80000000, 1, 0x7fffffff);
        checkImm(OP_IMM_32, 0, 0x7fffffff, 1, 0xffffffff80000000);
        checkImm(OP_IMM_32, 0, 0xffffffff12345678, 0, 0x12345678);
        checkImm(OP_IMM_32, 0, 0, -1, MAX);
        checkImm(OP_IMM_32, 0, 0x80000000, -1, 0x7fffffff);
    }

    function test_multiplication() public view {
        checkOp(OP, 1, 0, MAX, MAX, 1);
        checkOp(OP, 1, 0, 0x100000001, 0x100000001, 0x200000001);
        checkOp(OP, 1, 1, MAX, MAX, 0);
        checkOp(OP, 1, 1, MIN, MIN, 1 << 62);
        checkOp(OP, 1, 1, MIN, 1, MAX);
        checkOp(OP, 1, 1, MIN, MIN - 1, 0xc000000000000000);
        checkOp(OP, 1, 2, MAX, MAX, MAX);
        checkOp(OP, 1, 2, MIN, MAX, MIN);
        checkOp(OP, 1, 2, 1, MAX, 0);
        checkOp(OP, 1, 2, MIN - 1, MAX, MIN - 2);
        checkOp(OP, 1, 3, MAX, MAX, MAX - 1);
        checkOp(OP, 1, 3, MIN, 2, 1);
        checkOp(OP_32, 1, 0, 0x80000000, 0xffffffff, 0xffffffff80000000);
        checkOp(OP_32, 1, 0, 0x100000003, 0x500000005, 15);
        checkOp(OP_32, 1, 0, 0x10000, 0x8000, 0xffffffff80000000);
    }

    function test_divisionByZero_hasAResult() public view {
        checkOp(OP, 1, 4, 42, 0, MAX);
        checkOp(OP, 1, 4, MIN, 0, MAX);
        checkOp(OP, 1, 5, 42, 0, MAX);
        checkOp(OP, 1, 6, 42, 0, 42);
        checkOp(OP, 1, 6, MIN, 0, MIN);
        checkOp(OP, 1, 7, 42, 0, 42);
        checkOp(OP, 1, 4, 0, 0, MAX);
        checkOp(OP, 1, 7, 0, 0, 0);
    }

    /// @dev Of the divisor the lower 32 bits alone count, and so does their being zero.
    function test_divisionOfWordsByZero_looksAtTheLowerHalf() public view {
        for (uint64 high; high < 2; ++high) {
            uint64 zero = high << 32;
            checkOp(OP_32, 1, 4, 42, zero, MAX);
            checkOp(OP_32, 1, 5, 42, zero, MAX);
            checkOp(OP_32, 1, 6, 0xffffffff80000001, zero, 0xffffffff80000001);
            checkOp(OP_32, 1, 6, 0x0000000080000001, zero, 0xffffffff80000001);
            checkOp(OP_32, 1, 7, 0x0000000080000001, zero, 0xffffffff80000001);
            checkOp(OP_32, 1, 7, 0xffffffff00000007, zero, 7);
        }
    }

    function test_quotientThatOverflows_hasAResult() public view {
        checkOp(OP, 1, 4, MIN, MAX, MIN);
        checkOp(OP, 1, 6, MIN, MAX, 0);
        checkOp(OP_32, 1, 4, 0x80000000, 0xffffffff, 0xffffffff80000000);
        checkOp(OP_32, 1, 6, 0x80000000, 0xffffffff, 0);
        checkOp(OP_32, 1, 4, 0xffffffff80000000, MAX, 0xffffffff80000000);
        checkOp(OP_32, 1, 6, 0xffffffff80000000, MAX, 0);
        // Of words, this one does not.
        checkOp(OP_32, 1, 4, MIN, MAX, 0);
        // And without a sign none does.
        checkOp(OP, 1, 5, MIN, MAX, 0);
        checkOp(OP, 1, 7, MIN, MAX, MIN);
        checkOp(OP_32, 1, 5, 0x80000000, 0xffffffff, 0);
        checkOp(OP_32, 1, 7, 0x80000000, 0xffffffff, 0xffffffff80000000);
    }

    function test_division_truncatesAndRemainderHasTheSignOfTheDividend() public view {
        checkOp(OP, 1, 4, 7, 2, 3);
        checkOp(OP, 1, 4, uint64(int64(-7)), 2, uint64(int64(-3)));
        checkOp(OP, 1, 4, 7, uint64(int64(-2)), uint64(int64(-3)));
        checkOp(OP, 1, 4, uint64(int64(-7)), uint64(int64(-2)), 3);
        checkOp(OP, 1, 6, 7, 2, 1);
        checkOp(OP, 1, 6, uint64(int64(-7)), 2, MAX);
        checkOp(OP, 1, 6, 7, uint64(int64(-2)), 1);
        checkOp(OP, 1, 6, uint64(int64(-7)), uint64(int64(-2)), MAX);
        checkOp(OP, 1, 5, uint64(int64(-7)), 2, 0x7ffffffffffffffc);
        checkOp(OP, 1, 7, uint64(int64(-7)), 2, 1);
        checkOp(OP_32, 1, 4, 0x1fffffff9, 0x700000002, uint64(int64(-3)));
        checkOp(OP_32, 1, 6, 0x1fffffff9, 0x700000002, MAX);
        checkOp(OP_32, 1, 5, 0x1fffffff9, 0x700000002, 0x7ffffffc);
        checkOp(OP_32, 1, 5, 0xffffffff, 1, MAX);
        checkOp(OP_32, 1, 7, 0x1fffffff9, 0x700000002, 1);
    }

    function test_lui_auipc_signExtend() public view {
        Hart memory hart = newHart();
        Hart memory next = copy(hart);
        next.pc += 4;
        next.x[RD] = 0x12345000;
        checkStep(hart, uType(0x37, RD, 0x12345), next, "lui");
        next.x[RD] = 0xffffffff80000000;
        checkStep(hart, uType(0x37, RD, 0x80000), next, "lui, negative");
        next.x[RD] = hart.pc + 0x12345000;
        checkStep(hart, uType(0x17, RD, 0x12345), next, "auipc");
        next.x[RD] = 0xffffffff80000000 + hart.pc;
        checkStep(hart, uType(0x17, RD, 0x80000), next, "auipc, negative");
    }

    function test_fence_doesNothing() public view {
        Hart memory hart = newHart();
        Hart memory next = copy(hart);
        next.pc += 4;
        checkStep(hart, 0x0ff0000f, next, "fence iorw, iorw");
        checkStep(hart, 0x8330000f, next, "fence.tso");
        checkStep(hart, 0x0100000f, next, "pause");
        checkStep(hart, 0xffff8f8f, next, "reserved fields");
        checkPanic(hart, 0x0000100f, "fence.i");
    }

    function test_x0_readsZeroAndIsNeverWritten() public view {
        Hart memory hart = newHart();
        Hart memory next = copy(hart);
        next.pc += 4;
        checkStep(hart, iType(OP_IMM, 0, 0, RS1, 1), next, "addi x0");
        checkStep(hart, uType(0x37, 0, 0xfffff), next, "lui x0");
        checkStep(hart, rType(OP, 0, 0, 0, 31, 31), next, "add x0");
        hart.x[RS1] = uint64(hart.leafAddress);
        next.x[RS1] = hart.x[RS1];
        checkStep(hart, iType(LOAD, 3, 0, RS1, 0), next, "ld x0");
        next.x[RD] = 0;
        checkStep(hart, rType(OP, 0, 0, RD, 0, 0), next, "add of x0");
        next = copy(hart);
        next.pc += 2044;
        checkStep(hart, jal(0, 2044), next, "jal x0");
    }

    function test_x31_isTheLast() public view {
        Hart memory hart = newHart();
        Hart memory next = copy(hart);
        next.pc += 4;
        unchecked {
            next.x[31] = hart.x[30] + hart.x[31];
        }
        checkStep(hart, rType(OP, 0, 0, 31, 30, 31), next, "add x31");
    }

    // --- jumps and branches ---

    function test_jal_keepsWhereItCameFrom() public view {
        int256[5] memory offsets = [int256(8), -4, 0xffffc, -0x1000, 0x800];
        for (uint256 i; i < offsets.length; ++i) {
            Hart memory hart = newHart();
            hart.pc = 0x2000;
            Hart memory next = copy(hart);
            next.x[RD] = 0x2004;
            next.pc = uint64(int64(0x2000 + offsets[i]));
            checkStep(hart, jal(RD, offsets[i]), next, vm.toString(i));
        }
    }

    /// @dev Below zero, and far beyond the code: the step itself is sound, the next one panics.
    function test_jumps_outOfTheCode_areTaken() public view {
        Hart memory hart = newHart();
        hart.pc = 0;
        Hart memory next = copy(hart);
        (next.x[RD], next.pc) = (4, MAX - 3);
        checkStep(hart, jal(RD, -4), next, "jal below zero");
        hart.x[RS1] = MIN;
        next = copy(hart);
        (next.x[RD], next.pc) = (4, MIN + 8);
        checkStep(hart, iType(0x67, 0, RD, RS1, 8), next, "jalr");
        hart.pc = 0xfffffc;
        next = copy(hart);
        (next.x[RD], next.pc) = (0x1000000, 0x1000000);
        checkStep(hart, jal(RD, 4), next, "jal to the end");
        next.x[RD] = 0x12345000;
        checkStep(hart, uType(0x37, RD, 0x12345), next, "lui at the end");
    }

    function test_pcBeyondTheCode_panics() public view {
        Hart memory hart = newHart();
        uint64[4] memory beyond = [uint64(0x1000000), 0x100000000, MIN, MAX - 3];
        for (uint256 i; i < beyond.length; ++i) {
            hart.pc = beyond[i];
            checkPanic(hart, 0x00000013, vm.toString(uint256(hart.pc)));
        }
    }

    function test_jalr_clearsTheLowestBit() public view {
        Hart memory hart = newHart();
        hart.x[RS1] = 0x3000;
        Hart memory next = copy(hart);
        (next.x[RD], next.pc) = (hart.pc + 4, 0x3004);
        checkStep(hart, iType(0x67, 0, RD, RS1, 5), next, "odd");
        checkStep(hart, iType(0x67, 0, RD, RS1, 4), next, "even");
        next = copy(hart);
        (next.x[RS1], next.pc) = (hart.pc + 4, 0x2ffc);
        checkStep(hart, iType(0x67, 0, RS1, RS1, -4), next, "rd is rs1");
        hart.x[RS1] = MAX;
        next = copy(hart);
        (next.x[RD], next.pc) = (hart.pc + 4, 0);
        checkStep(hart, iType(0x67, 0, RD, RS1, 1), next, "wraps");
    }

    function test_jumps_unaligned_panic() public view {
        Hart memory hart = newHart();
        hart.x[RS1] = 0x3000;
        checkPanic(hart, jal(RD, 2), "jal 2");
        checkPanic(hart, jal(RD, -2), "jal -2");
        checkPanic(hart, jal(0, 6), "jal x0");
        checkPanic(hart, iType(0x67, 0, RD, RS1, 2), "jalr 2");
        checkPanic(hart, iType(0x67, 0, RD, RS1, 3), "jalr 3");
        checkPanic(hart, iType(0x67, 0, 0, RS1, -1), "jalr -1");
        (hart.x[RS1], hart.x[RS2]) = (1, 1);
        checkPanic(hart, bType(0, RS1, RS2, 2), "beq 2");
        checkPanic(hart, bType(0, RS1, RS2, -6), "beq -6");
    }

    function test_branch_unalignedButNotTaken_goesOn() public view {
        Hart memory hart = newHart();
        Hart memory next = copy(hart);
        next.pc += 4;
        checkStep(hart, bType(0, RS1, RS2, 2), next, "beq");
        checkStep(hart, bType(1, RS1, RS1, 2), next, "bne");
    }

    function checkBranch(uint256 funct3, uint64 a, uint64 b, bool taken) internal view {
        int256[4] memory offsets = [int256(8), -8, 4092, -4096];
        for (uint256 i; i < offsets.length; ++i) {
            Hart memory hart = newHart();
            (hart.x[RS1], hart.x[RS2]) = (a, b);
            Hart memory next = copy(hart);
            next.pc = taken ? uint64(int64(uint64(hart.pc)) + int64(offsets[i])) : hart.pc + 4;
            checkStep(hart, bType(funct3, RS1, RS2, offsets[i]), next, vm.toString(funct3));
        }
    }

    function test_branches() public view {
        checkBranch(0, 5, 5, true);
        checkBranch(0, 5, 5 + (1 << 63), false);
        checkBranch(1, 5, 5, false);
        checkBranch(1, 5, 5 + (1 << 32), true);
        checkBranch(4, MIN, MIN - 1, true);
        checkBranch(4, MIN - 1, MIN, false);
        checkBranch(4, 3, 3, false);
        checkBranch(5, MIN, MIN - 1, false);
        checkBranch(5, MIN - 1, MIN, true);
        checkBranch(5, 3, 3, true);
        checkBranch(6, MIN, MIN - 1, false);
        checkBranch(6, MIN - 1, MIN, true);
        checkBranch(6, 3, 3, false);
        checkBranch(7, MIN, MIN - 1, true);
        checkBranch(7, MIN - 1, MIN, false);
        checkBranch(7, 3, 3, true);
    }

    // --- memory ---

    /// @dev The leaf is 00 01 02 03 84 85 86 87 08 09 …
    function checkLoad(uint256 funct3, uint64 offset, uint64 result) internal view {
        Hart memory hart = newHart();
        hart.x[RS1] = uint64(hart.leafAddress) + offset + 5;
        Hart memory next = copy(hart);
        next.x[RD] = result;
        next.pc += 4;
        checkStep(hart, iType(LOAD, funct3, RD, RS1, -5), next, vm.toString(funct3));
    }

    function test_loads_areLittleEndianAndExtended() public view {
        checkLoad(0, 3, 3);
        checkLoad(0, 4, 0xffffffffffffff84);
        checkLoad(0, 31, 0xffffffffffffff9f);
        checkLoad(4, 4, 0x84);
        checkLoad(4, 31, 0x9f);
        checkLoad(1, 2, 0x0302);
        checkLoad(1, 4, 0xffffffffffff8584);
        checkLoad(1, 30, 0xffffffffffff9f9e);
        checkLoad(5, 4, 0x8584);
        checkLoad(2, 0, 0x03020100);
        checkLoad(2, 4, 0xffffffff87868584);
        checkLoad(2, 28, 0xffffffff9f9e9d9c);
        checkLoad(6, 4, 0x87868584);
        checkLoad(6, 28, 0x9f9e9d9c);
        checkLoad(3, 0, 0x8786858403020100);
        checkLoad(3, 24, 0x9f9e9d9c1b1a1918);
    }

    function checkStore(uint256 funct3, uint64 offset, bytes32 leaf) internal view {
        Hart memory hart = newHart();
        hart.x[RS1] = uint64(hart.leafAddress) + offset + 5;
        hart.x[RS2] = 0xf8f7f6f5f4f3f2f1;
        Hart memory next = copy(hart);
        next.leaf = leaf;
        next.pc += 4;
        checkStep(hart, sType(funct3, RS1, RS2, -5), next, vm.toString(funct3));
    }

    function test_stores_changeTheirBytesAlone() public view {
        checkStore(0, 0, 0xf10102038485868708090a0b8c8d8e8f101112139495969718191a1b9c9d9e9f);
        checkStore(0, 31, 0x000102038485868708090a0b8c8d8e8f101112139495969718191a1b9c9d9ef1);
        checkStore(1, 2, 0x0001f1f28485868708090a0b8c8d8e8f101112139495969718191a1b9c9d9e9f);
        checkStore(1, 30, 0x000102038485868708090a0b8c8d8e8f101112139495969718191a1b9c9df1f2);
        checkStore(2, 12, 0x000102038485868708090a0bf1f2f3f4101112139495969718191a1b9c9d9e9f);
        checkStore(2, 28, 0x000102038485868708090a0b8c8d8e8f101112139495969718191a1bf1f2f3f4);
        checkStore(3, 0, 0xf1f2f3f4f5f6f7f808090a0b8c8d8e8f101112139495969718191a1b9c9d9e9f);
        checkStore(3, 24, 0x000102038485868708090a0b8c8d8e8f1011121394959697f1f2f3f4f5f6f7f8);
    }

    /// @dev Every address of a leaf, for every size: those that are not multiples of it panic, crossing or not.
    function test_memory_unaligned_panics() public view {
        Hart memory hart = newHart();
        for (uint256 funct3; funct3 < 7; ++funct3) {
            uint64 size = uint64(1 << (funct3 % 4));
            for (uint64 offset; offset < 32; ++offset) {
                if (offset % size == 0) continue;
                hart.x[RS1] = uint64(hart.leafAddress) + offset;
                checkPanic(hart, iType(LOAD, funct3, RD, RS1, 0), "load");
                if (funct3 < 4) checkPanic(hart, sType(funct3, RS1, RS2, 0), "store");
            }
        }
    }

    function test_memory_lastBytes_areThere() public view {
        Hart memory hart = newHart();
        (hart.leafAddress, hart.x[RS1]) = (0xffffffe0, 0xffffffff);
        Hart memory next = copy(hart);
        next.pc += 4;
        next.x[RD] = 0xffffffffffffff9f;
        checkStep(hart, iType(LOAD, 0, RD, RS1, 0), next, "lb");
        next.x[RD] = 0x9f9e9d9c1b1a1918;
        checkStep(hart, iType(LOAD, 3, RD, RS1, -7), next, "ld");
        next = copy(hart);
        next.pc += 4;
        next.leaf = bytes32((uint256(hart.leaf) & ~uint256(0xff)) | uint8(hart.x[RS2]));
        checkStep(hart, sType(0, RS1, RS2, 0), next, "sb");
    }

    /// @dev The address is computed modulo 2^64, not 2^32.
    function test_memory_outside_panics() public view {
        Hart memory hart = newHart();
        uint64[5] memory beyond = [uint64(1 << 32), (1 << 32) | 0x10000, MIN, MIN | 0x10000, MAX - 0xffff];
        for (uint256 i; i < beyond.length; ++i) {
            hart.x[RS1] = beyond[i];
            for (uint256 funct3; funct3 < 7; ++funct3) {
                checkPanic(hart, iType(LOAD, funct3, RD, RS1, 0), "load");
                if (funct3 < 4) checkPanic(hart, sType(funct3, RS1, RS2, 0), "store");
            }
        }
        hart.x[RS1] = 0;
        checkPanic(hart, iType(LOAD, 0, RD, RS1, -1), "below zero");
        hart.x[RS1] = 0xffffffff;
        checkPanic(hart, sType(0, RS1, RS2, 1), "one beyond");
    }

    function test_memory_addressWrapsToTheStart() public view {
        Hart memory hart = newHart();
        (hart.leafAddress, hart.x[RS1]) = (0, MAX);
        Hart memory next = copy(hart);
        next.pc += 4;
        next.x[RD] = 0x8786858403020100;
        checkStep(hart, iType(LOAD, 3, RD, RS1, 1), next, "ld 0");
    }

    /// @dev Stores reach the bytes that code was loaded from, but never what is executed.
    function test_store_ontoTheCode_changesMemoryAlone() public view {
        Hart memory hart = newHart();
        hart.pc = 0x1000;
        (hart.leafAddress, hart.x[RS1], hart.x[RS2]) = (0x1000, 0x1000, 0x73);
        Hart memory next = copy(hart);
        next.pc += 4;
        next.leaf = 0x730000008485868708090a0b8c8d8e8f101112139495969718191a1b9c9d9e9f;
        uint32 sw = sType(2, RS1, RS2, 0);
        checkStep(hart, sw, next, "sw");
        // The very same code root goes on to hold.
        hart = next;
        hart.pc = 0x1000;
        next = copy(hart);
        next.pc += 4;
        checkStep(hart, sw, next, "sw again");
    }
}
