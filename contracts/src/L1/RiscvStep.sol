// SPDX-License-Identifier: MIT
pragma solidity 0.8.37;

import {IPreimageOracle} from "../interfaces/IPreimageOracle.sol";
import {IRiscvStep} from "../interfaces/IRiscvStep.sol";
import "../libraries/Errors.sol";
import {MerkleTree32} from "../libraries/MerkleTree32.sol";
import {RiscvArithmetic} from "../libraries/RiscvArithmetic.sol";
import {RiscvInstruction} from "../libraries/RiscvInstruction.sol";
import {RiscvLeaf} from "../libraries/RiscvLeaf.sol";
import {Machine, RiscvState} from "../libraries/RiscvState.sol";

/// @title RiscvStep
/// @notice See {IRiscvStep}.
/// @dev The functions below execute the instructions of one major opcode each. They return false at a fault, before
/// anything but the count of steps has changed, and `step` makes that a panic.
contract RiscvStep is IRiscvStep {
    using RiscvInstruction for uint256;

    /// @dev End of the addresses of code, and bytes of a leaf with its path.
    uint256 private constant CODE_END = 1 << 24;
    uint256 private constant CODE_PROOF = 32 * (1 + 19);
    /// @dev The same of memory.
    uint256 private constant MEMORY_END = 1 << 32;
    uint256 private constant MEMORY_PROOF = 32 * (1 + 27);

    // Registers of the calling convention.
    uint256 private constant A0 = 10;
    uint256 private constant A4 = 14;
    uint256 private constant A5 = 15;
    uint256 private constant A7 = 17;

    // Numbers of calls, in a7.
    uint256 private constant CALL_EXIT = 93;
    uint256 private constant CALL_READ = 0x2000;

    // Kinds of preimages, in a4 at a read.
    uint256 private constant STATEMENT = 0;
    uint256 private constant BLOB = 2;

    /// @inheritdoc IRiscvStep
    function step(
        bytes32 codeRoot,
        bytes32 statement,
        address oracle,
        bytes calldata state,
        bytes calldata code,
        bytes calldata mem
    ) external view returns (bytes32) {
        Machine machine = RiscvState.read(state);
        if (machine.status() != RiscvState.RUNNING) {
            _checkCodeLength(code, 0);
            _checkMemoryLength(mem, 0);
            return machine.hash();
        }

        machine.countStep();
        // All zeros is not an instruction, so a pc beyond the code panics as such.
        uint256 word = _fetch(machine, codeRoot, code);
        uint256 opcode = word.opcode();
        bool executed;
        if (opcode == RiscvInstruction.LOAD) {
            executed = _load(machine, word, mem);
        } else if (opcode == RiscvInstruction.STORE) {
            executed = _store(machine, word, mem);
        } else {
            _checkMemoryLength(mem, 0);
            executed = opcode == RiscvInstruction.SYSTEM
                ? word == RiscvInstruction.ECALL && _call(machine, statement, oracle)
                : _compute(machine, word);
        }
        if (!executed) machine.panic();
        return machine.hash();
    }

    /// @dev The instruction at the pc, by its proof. Zero beyond the code, where there is nothing to prove.
    function _fetch(Machine machine, bytes32 codeRoot, bytes calldata code) private pure returns (uint256) {
        uint64 pc = machine.pc();
        if (pc >= CODE_END) {
            _checkCodeLength(code, 0);
            return 0;
        }
        _checkCodeLength(code, CODE_PROOF);
        bytes32 leaf = bytes32(code[:32]);
        bytes32 actual = MerkleTree32.root(leaf, pc / 32, code[32:]);
        if (actual != codeRoot) revert UnexpectedCodeRoot(codeRoot, actual);
        return RiscvLeaf.load(leaf, pc, 4);
    }

    /// @dev Everything that needs neither memory nor the outside.
    function _compute(Machine machine, uint256 word) private pure returns (bool) {
        uint256 opcode = word.opcode();
        if (opcode == RiscvInstruction.OP_IMM) return _opImm(machine, word);
        if (opcode == RiscvInstruction.OP) return _op(machine, word);
        if (opcode == RiscvInstruction.BRANCH) return _branch(machine, word);
        if (opcode == RiscvInstruction.OP_IMM_32) return _opImm32(machine, word);
        if (opcode == RiscvInstruction.OP_32) return _op32(machine, word);
        if (opcode == RiscvInstruction.JAL) return _jal(machine, word);
        if (opcode == RiscvInstruction.JALR) return _jalr(machine, word);
        if (opcode == RiscvInstruction.LUI) return _finish(machine, word, word.immediateU());
        if (opcode == RiscvInstruction.AUIPC) return _auipc(machine, word);
        if (opcode == RiscvInstruction.MISC_MEM) return _fence(machine, word);
        return false;
    }

    /// @dev ADDI, SLTI, SLTIU, XORI, ORI, ANDI, SLLI, SRLI, SRAI: OP with an immediate.
    function _opImm(Machine machine, uint256 word) private pure returns (bool) {
        uint256 f = word.funct3();
        // Of a shift, the upper six bits of the immediate say which, and the lower six by how much.
        if (f == RiscvArithmetic.SLL || f == RiscvArithmetic.SRL) {
            uint256 funct6 = word.funct6();
            if (funct6 == 0x10 && f == RiscvArithmetic.SRL) f = RiscvArithmetic.SRA;
            else if (funct6 != 0) return false;
        }
        (, uint64 result) = RiscvArithmetic.op(f, machine.register(word.rs1()), word.immediateI());
        return _finish(machine, word, result);
    }

    /// @dev ADDIW, SLLIW, SRLIW, SRAIW: OP-32 with an immediate.
    function _opImm32(Machine machine, uint256 word) private pure returns (bool) {
        uint256 f = word.funct3();
        // Of a shift, the upper seven bits of the immediate say which, and the lower five by how much.
        if (f == RiscvArithmetic.SLL || f == RiscvArithmetic.SRL) f |= word.funct7() << 3;
        bool exists = f == RiscvArithmetic.ADD || f == RiscvArithmetic.SLL || f == RiscvArithmetic.SRL
            || f == RiscvArithmetic.SRA;
        if (!exists) return false;
        (, uint64 result) = RiscvArithmetic.op32(f, machine.register(word.rs1()), word.immediateI());
        return _finish(machine, word, result);
    }

    /// @dev ADD, SUB, SLL, SLT, SLTU, XOR, SRL, SRA, OR, AND, MUL, MULH, MULHSU, MULHU, DIV, DIVU, REM, REMU.
    function _op(Machine machine, uint256 word) private pure returns (bool) {
        (bool exists, uint64 result) = RiscvArithmetic.op(
            (word.funct7() << 3) | word.funct3(), machine.register(word.rs1()), machine.register(word.rs2())
        );
        return exists && _finish(machine, word, result);
    }

    /// @dev ADDW, SUBW, SLLW, SRLW, SRAW, MULW, DIVW, DIVUW, REMW, REMUW.
    function _op32(Machine machine, uint256 word) private pure returns (bool) {
        (bool exists, uint64 result) = RiscvArithmetic.op32(
            (word.funct7() << 3) | word.funct3(), machine.register(word.rs1()), machine.register(word.rs2())
        );
        return exists && _finish(machine, word, result);
    }

    /// @dev AUIPC.
    function _auipc(Machine machine, uint256 word) private pure returns (bool) {
        unchecked {
            return _finish(machine, word, machine.pc() + word.immediateU());
        }
    }

    /// @dev FENCE, which has nothing to order here. FENCE.I is not of RV64I.
    function _fence(Machine machine, uint256 word) private pure returns (bool) {
        if (word.funct3() != 0) return false;
        _advance(machine);
        return true;
    }

    /// @dev BEQ, BNE, BLT, BGE, BLTU, BGEU.
    function _branch(Machine machine, uint256 word) private pure returns (bool) {
        (bool exists, bool taken) =
            RiscvArithmetic.branch(word.funct3(), machine.register(word.rs1()), machine.register(word.rs2()));
        if (!exists) return false;
        if (!taken) {
            _advance(machine);
            return true;
        }
        unchecked {
            return _jump(machine, 0, machine.pc() + word.immediateB());
        }
    }

    /// @dev JAL.
    function _jal(Machine machine, uint256 word) private pure returns (bool) {
        unchecked {
            return _jump(machine, word.rd(), machine.pc() + word.immediateJ());
        }
    }

    /// @dev JALR.
    function _jalr(Machine machine, uint256 word) private pure returns (bool) {
        if (word.funct3() != 0) return false;
        unchecked {
            uint64 target = machine.register(word.rs1()) + word.immediateI();
            return _jump(machine, word.rd(), target & ~uint64(1));
        }
    }

    /// @dev LB, LH, LW, LD, LBU, LHU, LWU.
    function _load(Machine machine, uint256 word, bytes calldata mem) private pure returns (bool) {
        uint256 funct3 = word.funct3();
        unchecked {
            uint64 addr = machine.register(word.rs1()) + word.immediateI();
            uint256 size = 1 << (funct3 & 3);
            if (funct3 == 7 || addr >= MEMORY_END || addr % size != 0) {
                _checkMemoryLength(mem, 0);
                return false;
            }
            uint64 value = RiscvLeaf.load(_leaf(machine, addr, mem), addr, size);
            // The upper bit of funct3 is set for numbers without a sign.
            if (funct3 & 4 == 0) {
                uint64 unused = uint64(64 - 8 * size);
                value = uint64(int64(value << unused) >> unused);
            }
            return _finish(machine, word, value);
        }
    }

    /// @dev SB, SH, SW, SD.
    function _store(Machine machine, uint256 word, bytes calldata mem) private pure returns (bool) {
        uint256 funct3 = word.funct3();
        unchecked {
            uint64 addr = machine.register(word.rs1()) + word.immediateS();
            uint256 size = 1 << (funct3 & 3);
            if (funct3 > 3 || addr >= MEMORY_END || addr % size != 0) {
                _checkMemoryLength(mem, 0);
                return false;
            }
            bytes32 leaf = _leaf(machine, addr, mem);
            leaf = RiscvLeaf.store(leaf, addr, size, machine.register(word.rs2()));
            machine.setMemoryRoot(MerkleTree32.root(leaf, addr / 32, mem[32:]));
        }
        _advance(machine);
        return true;
    }

    /// @dev ECALL.
    function _call(Machine machine, bytes32 statement, address oracle) private view returns (bool) {
        uint64 number = machine.register(A7);
        if (number == CALL_READ) return _read(machine, statement, oracle);
        if (number != CALL_EXIT) return false;
        machine.exit(machine.register(A0));
        return true;
    }

    /// @dev The call that reads 32 bytes of a preimage. The key comes and the bytes go in a0 to a3, byte 0 lowest.
    function _read(Machine machine, bytes32 statement, address oracle) private view returns (bool) {
        uint64 kind = machine.register(A4);
        uint64 offset = machine.register(A5);
        if (kind > BLOB || offset % 32 != 0) return false;
        bytes32 data;
        uint64 length;
        if (kind == STATEMENT) {
            (data, length) = (offset == 0 ? statement : bytes32(0), 32);
        } else {
            uint256 key;
            for (uint256 i; i < 4; ++i) {
                key = (key << 64) | RiscvLeaf.reverse(machine.register(A0 + i));
            }
            (data, length) = IPreimageOracle(oracle).part(kind, bytes32(key), offset);
        }
        for (uint256 i; i < 4; ++i) {
            machine.setRegister(A0 + i, RiscvLeaf.load(data, 8 * i, 8));
        }
        machine.setRegister(A4, length);
        _advance(machine);
        return true;
    }

    /// @dev Ends an instruction that writes rd and goes on with the next.
    function _finish(Machine machine, uint256 word, uint64 result) private pure returns (bool) {
        machine.setRegister(word.rd(), result);
        _advance(machine);
        return true;
    }

    /// @dev Ends an instruction that jumps and keeps where it would have gone on: unless its target is not aligned.
    function _jump(Machine machine, uint256 rd, uint64 target) private pure returns (bool) {
        if (target % 4 != 0) return false;
        unchecked {
            machine.setRegister(rd, machine.pc() + 4);
        }
        machine.setPc(target);
        return true;
    }

    function _advance(Machine machine) private pure {
        unchecked {
            machine.setPc(machine.pc() + 4);
        }
    }

    /// @dev The leaf of memory at an address, by its proof.
    function _leaf(Machine machine, uint64 addr, bytes calldata mem) private pure returns (bytes32 leaf) {
        _checkMemoryLength(mem, MEMORY_PROOF);
        leaf = bytes32(mem[:32]);
        bytes32 expected = machine.memoryRoot();
        bytes32 actual = MerkleTree32.root(leaf, addr / 32, mem[32:]);
        if (actual != expected) revert UnexpectedMemoryRoot(expected, actual);
    }

    function _checkCodeLength(bytes calldata code, uint256 expected) private pure {
        if (code.length != expected) revert InvalidCodeProofLength(expected, code.length);
    }

    function _checkMemoryLength(bytes calldata mem, uint256 expected) private pure {
        if (mem.length != expected) revert InvalidMemoryProofLength(expected, mem.length);
    }
}
