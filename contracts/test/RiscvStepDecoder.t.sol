// SPDX-License-Identifier: MIT
pragma solidity 0.8.37;

import {Hart} from "./utils/RiscvModel.sol";
import {RiscvSystem, Witness} from "./utils/RiscvSystem.sol";

/// @notice Every opcode with every funct3 and funct7: what the manual lists is executed, everything else panics.
contract RiscvStepDecoderTest is RiscvSystem {
    /// @dev Both operands, and with it the parts of immediates that are not funct7, are 8: so jumps are aligned, and
    /// so is what is loaded or stored.
    uint32 internal constant FIELDS = 8 << 20 | 9 << 15 | 8 << 7;

    // The machine's own parts of the witness, which are the same for all encodings.
    bytes internal state;
    bytes internal mem;
    bytes internal path;
    bytes32[] internal codePath;
    /// @dev Hash of the machine when it has panicked.
    bytes32 internal panicked;

    function setUp() public override {
        super.setUp();
        codePath = siblings("code", 19);
        path = abi.encodePacked(codePath);
        Hart memory hart = start();
        state = pack(hart);
        mem = abi.encodePacked(hart.leaf, siblings("memory", 27));
        (hart.status, hart.step) = (2, hart.step + 1);
        panicked = hashOf(hart);
    }

    function start() internal pure returns (Hart memory hart) {
        hart = newHart();
        hart.x[9] = 0x1_0000;
        // No immediate leads far from it.
        hart.leafAddress = 0x1_0000;
    }

    /// @dev What the masks and matches of the manual say, as `RiscvModel` has them.
    function tables() internal view returns (uint32[] memory masks, uint32[] memory matches) {
        uint256 count = model.listed();
        (masks, matches) = (new uint32[](count), new uint32[](count));
        for (uint256 i; i < count; ++i) {
            (masks[i], matches[i],) = model.listing(i);
        }
    }

    function isListed(uint32 word, uint32[] memory masks, uint32[] memory matches)
        internal
        pure
        returns (bool listed)
    {
        for (uint256 i; i < masks.length; ++i) {
            if (word & masks[i] == matches[i]) return true;
        }
    }

    /// @dev The hash that the step gives, with the memory proof that it needs. If it panicked with one, it would revert.
    function next(uint32 word) internal view returns (bytes32) {
        Hart memory hart = start();
        bytes memory code = abi.encodePacked(codeLeaf(word, hart.pc), path);
        bytes32 root = rootOf(codeLeaf(word, hart.pc), hart.pc / 32, codePath);
        uint256 opcode = word & 0x7f;
        uint256 funct3 = word >> 12 & 7;
        bool touches = opcode == 0x03 ? funct3 != 7 : opcode == 0x23 && funct3 < 4;
        if (!touches) return stepper.step(root, STATEMENT, address(oracle), state, code, "");
        // Where it loads from or stores to, so that it is where the known leaf is.
        bytes memory elsewhere = state;
        uint256 imm = opcode == 0x03 ? word >> 20 : word >> 25 << 5 | (word >> 7 & 0x1f);
        hart.x[9] = uint64(0x1_0000 - imm + (imm >= 2048 ? 4096 : 0));
        elsewhere = pack(hart);
        return stepper.step(root, STATEMENT, address(oracle), elsewhere, code, mem);
    }

    /// @dev All with one funct3. Returns how many are executed.
    function sweep(uint256 funct3) internal view returns (uint256 legal) {
        (uint32[] memory masks, uint32[] memory matches) = tables();
        uint256 free;
        assembly {
            free := mload(0x40)
        }
        for (uint256 opcode; opcode < 128; ++opcode) {
            for (uint256 funct7; funct7 < 128; ++funct7) {
                uint32 word = uint32(funct7 << 25 | funct3 << 12 | opcode) | FIELDS;
                bool executed = next(word) != panicked;
                bool right = executed == isListed(word, masks, matches);
                if (!right) vm.assertTrue(right, vm.toString(uint256(word)));
                if (executed) ++legal;
                // Nothing of it is needed any more.
                assembly {
                    mstore(0x40, free)
                }
            }
        }
    }

    // How many there are follows from the manual by counting: each opcode that has no funct7 counts 128 times, those
    // without funct3 (LUI, AUIPC, JAL) under every funct3.
    uint256 internal constant ANY = 3 * 128;

    function test_decode_funct3_0() public view {
        // JALR, BEQ, LB, SB, ADDI, ADDIW, FENCE · ADD, SUB, MUL · ADDW, SUBW, MULW
        vm.assertEq(sweep(0), ANY + 7 * 128 + 3 + 3);
    }

    function test_decode_funct3_1() public view {
        // BNE, LH, SH · SLLI, which has the lowest bit of funct7 in its amount · SLLIW · SLL, MULH · SLLW
        vm.assertEq(sweep(1), ANY + 3 * 128 + 2 + 1 + 2 + 1);
    }

    function test_decode_funct3_2() public view {
        // LW, SW, SLTI · SLT, MULHSU
        vm.assertEq(sweep(2), ANY + 3 * 128 + 2);
    }

    function test_decode_funct3_3() public view {
        // LD, SD, SLTIU · SLTU, MULHU
        vm.assertEq(sweep(3), ANY + 3 * 128 + 2);
    }

    function test_decode_funct3_4() public view {
        // BLT, LBU, XORI · XOR, DIV · DIVW
        vm.assertEq(sweep(4), ANY + 3 * 128 + 2 + 1);
    }

    function test_decode_funct3_5() public view {
        // BGE, LHU · SRLI, SRAI · SRLIW, SRAIW · SRL, SRA, DIVU · SRLW, SRAW, DIVUW
        vm.assertEq(sweep(5), ANY + 2 * 128 + 4 + 2 + 3 + 3);
    }

    function test_decode_funct3_6() public view {
        // BLTU, LWU, ORI · OR, REM · REMW
        vm.assertEq(sweep(6), ANY + 3 * 128 + 2 + 1);
    }

    function test_decode_funct3_7() public view {
        // BGEU, ANDI · AND, REMU · REMUW
        vm.assertEq(sweep(7), ANY + 2 * 128 + 2 + 1);
    }

    /// @dev `ecall` is one word. With any other bit it is something else: `ebreak`, `wfi`, `sret`, CSR.
    function test_decode_system_onlyEcall() public view {
        Hart memory hart = newHart();
        hart.x[17] = 93;
        Hart memory exited = copy(hart);
        (exited.status, exited.exitCode) = (1, hart.x[10]);
        checkStep(hart, 0x00000073, exited, "ecall");
        for (uint256 bit = 7; bit < 32; ++bit) {
            checkPanic(hart, uint32(0x73 | 1 << bit), "a bit more");
        }
        checkPanic(hart, 0x30200073, "mret");
        checkPanic(hart, 0x10500073, "wfi");
        checkPanic(hart, 0xc0002573, "rdcycle");
        checkPanic(hart, 0x30001073, "csrw");
    }

    /// @dev Halves of words that would be compressed instructions, and the two words that are never any.
    function test_decode_compressed_panics() public view {
        Hart memory hart = newHart();
        checkPanic(hart, 0x00000000, "zero");
        checkPanic(hart, 0xffffffff, "ones");
        checkPanic(hart, 0x00010001, "c.nop");
        checkPanic(hart, 0x00008082, "c.ret");
        checkPanic(hart, 0x00009002, "c.ebreak");
        checkPanic(hart, 0x0000000b, "custom-0");
        checkPanic(hart, 0x1000252f, "lr.w");
        checkPanic(hart, 0x00b5252f, "amoadd.w");
        checkPanic(hart, 0x02b57553, "fadd.d");
        checkPanic(hart, 0x40b57533, "andn, of Zbb");
        checkPanic(hart, 0x60051513, "clz, of Zbb");
        checkPanic(hart, 0x0eb57533, "czero.nez, of Zicond");
    }

    function testFuzz_decode_anyWord_isExecutedIfListed(uint32 word) public view {
        (uint32[] memory masks, uint32[] memory matches) = tables();
        uint256 opcode = word & 0x7f;
        // Operands that fault are another matter: here, rd and rs2 are free where they are no part of immediates.
        if (opcode == 0x03 || opcode == 0x23 || opcode == 0x63 || opcode == 0x67 || opcode == 0x6f) return;
        if (word == 0x73) return;
        vm.assertEq(next(word) != panicked, isListed(word, masks, matches));
    }
}
