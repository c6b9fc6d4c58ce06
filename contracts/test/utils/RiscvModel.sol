// SPDX-License-Identifier: MIT
pragma solidity 0.8.37;

import {IPreimageOracle} from "../../src/interfaces/IPreimageOracle.sol";

/// @notice A machine of which one leaf of memory is known.
struct Hart {
    uint64 pc;
    uint64 step;
    uint8 status;
    uint64 exitCode;
    uint64[32] x;
    /// Where the known leaf is: an address, of which the lowest five bits do not matter.
    uint256 leafAddress;
    bytes32 leaf;
}

/// @notice The machine written down once more, for its sense instead of its speed: instructions by the masks and
/// matches of the manual's listings, numbers as unbounded integers, bits and bytes one at a time. What it says is
/// compared with what RiscvStep does.
contract RiscvModel {
    struct Listing {
        uint32 mask;
        uint32 matches;
        string name;
    }

    /// @dev What an instruction reads, and what becomes of it.
    struct Frame {
        uint256 word;
        uint256 rd;
        uint256 a;
        uint256 b;
    }

    int256 internal constant MIN64 = -(2 ** 63);

    Listing[] internal listings;
    bytes32 internal immutable statement;
    IPreimageOracle internal immutable oracle;

    constructor(bytes32 statement_, address oracle_) {
        statement = statement_;
        oracle = IPreimageOracle(oracle_);

        list(0x0000007f, 0x00000037, "lui");
        list(0x0000007f, 0x00000017, "auipc");
        list(0x0000007f, 0x0000006f, "jal");
        list(0x0000707f, 0x00000067, "jalr");
        list(0x0000707f, 0x00000063, "beq");
        list(0x0000707f, 0x00001063, "bne");
        list(0x0000707f, 0x00004063, "blt");
        list(0x0000707f, 0x00005063, "bge");
        list(0x0000707f, 0x00006063, "bltu");
        list(0x0000707f, 0x00007063, "bgeu");
        list(0x0000707f, 0x00000003, "lb");
        list(0x0000707f, 0x00001003, "lh");
        list(0x0000707f, 0x00002003, "lw");
        list(0x0000707f, 0x00003003, "ld");
        list(0x0000707f, 0x00004003, "lbu");
        list(0x0000707f, 0x00005003, "lhu");
        list(0x0000707f, 0x00006003, "lwu");
        list(0x0000707f, 0x00000023, "sb");
        list(0x0000707f, 0x00001023, "sh");
        list(0x0000707f, 0x00002023, "sw");
        list(0x0000707f, 0x00003023, "sd");
        list(0x0000707f, 0x00000013, "addi");
        list(0x0000707f, 0x00002013, "slti");
        list(0x0000707f, 0x00003013, "sltiu");
        list(0x0000707f, 0x00004013, "xori");
        list(0x0000707f, 0x00006013, "ori");
        list(0x0000707f, 0x00007013, "andi");
        list(0xfc00707f, 0x00001013, "slli");
        list(0xfc00707f, 0x00005013, "srli");
        list(0xfc00707f, 0x40005013, "srai");
        list(0x0000707f, 0x0000001b, "addiw");
        list(0xfe00707f, 0x0000101b, "slliw");
        list(0xfe00707f, 0x0000501b, "srliw");
        list(0xfe00707f, 0x4000501b, "sraiw");
        list(0xfe00707f, 0x00000033, "add");
        list(0xfe00707f, 0x40000033, "sub");
        list(0xfe00707f, 0x00001033, "sll");
        list(0xfe00707f, 0x00002033, "slt");
        list(0xfe00707f, 0x00003033, "sltu");
        list(0xfe00707f, 0x00004033, "xor");
        list(0xfe00707f, 0x00005033, "srl");
        list(0xfe00707f, 0x40005033, "sra");
        list(0xfe00707f, 0x00006033, "or");
        list(0xfe00707f, 0x00007033, "and");
        list(0xfe00707f, 0x02000033, "mul");
        list(0xfe00707f, 0x02001033, "mulh");
        list(0xfe00707f, 0x02002033, "mulhsu");
        list(0xfe00707f, 0x02003033, "mulhu");
        list(0xfe00707f, 0x02004033, "div");
        list(0xfe00707f, 0x02005033, "divu");
        list(0xfe00707f, 0x02006033, "rem");
        list(0xfe00707f, 0x02007033, "remu");
        list(0xfe00707f, 0x0000003b, "addw");
        list(0xfe00707f, 0x4000003b, "subw");
        list(0xfe00707f, 0x0000103b, "sllw");
        list(0xfe00707f, 0x0000503b, "srlw");
        list(0xfe00707f, 0x4000503b, "sraw");
        list(0xfe00707f, 0x0200003b, "mulw");
        list(0xfe00707f, 0x0200403b, "divw");
        list(0xfe00707f, 0x0200503b, "divuw");
        list(0xfe00707f, 0x0200603b, "remw");
        list(0xfe00707f, 0x0200703b, "remuw");
        list(0x0000707f, 0x0000000f, "fence");
        list(0xffffffff, 0x00000073, "ecall");
    }

    function list(uint32 mask, uint32 matches, string memory name) private {
        listings.push(Listing(mask, matches, name));
    }

    function listed() external view returns (uint256) {
        return listings.length;
    }

    function listing(uint256 i) external view returns (uint32 mask, uint32 matches, string memory name) {
        return (listings[i].mask, listings[i].matches, listings[i].name);
    }

    /// @notice Name of the instruction, empty if it is none.
    function nameOf(uint32 word) public view returns (string memory found) {
        for (uint256 i; i < listings.length; ++i) {
            Listing storage candidate = listings[i];
            if (word & candidate.mask == candidate.matches) {
                require(bytes(found).length == 0, "listed twice");
                found = candidate.name;
            }
        }
    }

    /// @notice The address that the instruction loads from or stores to, if it does and may: 2^64 otherwise.
    function touches(Hart memory hart, uint32 word) public view returns (uint256) {
        if (hart.status != 0 || hart.pc >= 2 ** 24) return 2 ** 64;
        string memory name = nameOf(word);
        uint256 size = sizeOf(name);
        if (size == 0) return 2 ** 64;
        uint256 base = hart.x[bits(word, 19, 15)];
        int256 offset = is_(name, "sb", "sh", "sw", "sd")
            ? signed(bits(word, 31, 25) * 32 + bits(word, 11, 7), 12)
            : signed(bits(word, 31, 20), 12);
        uint256 at_ = wrap(int256(base) + offset);
        return at_ < 2 ** 32 && at_ % size == 0 ? at_ : 2 ** 64;
    }

    /// @notice The machine after one step that finds `word` at the pc.
    function run(Hart memory hart, uint32 word) external view returns (Hart memory) {
        if (hart.status != 0) return hart;
        uint64[32] memory x;
        for (uint256 i; i < 32; ++i) {
            x[i] = hart.x[i];
        }
        (uint64 pc, bytes32 leaf) = (hart.pc, hart.leaf);
        hart.step += 1;
        string memory name = hart.pc < 2 ** 24 ? nameOf(word) : "";
        if (bytes(name).length == 0 || !execute(hart, name, word)) {
            (hart.status, hart.pc, hart.x, hart.leaf) = (2, pc, x, leaf);
        }
        hart.x[0] = 0;
        return hart;
    }

    function execute(Hart memory hart, string memory name, uint32 word) private view returns (bool) {
        Frame memory f;
        (f.word, f.rd) = (word, bits(word, 11, 7));
        (f.a, f.b) = (hart.x[bits(word, 19, 15)], hart.x[bits(word, 24, 20)]);

        if (is_(name, "ecall")) return call(hart);
        if (sizeOf(name) != 0) return access(hart, name, f);
        if (is_(name, "jal", "jalr")) return jump(hart, name, f);
        if (is_(name, "beq", "bne", "blt", "bge") || is_(name, "bltu", "bgeu")) return branch(hart, name, f);
        if (!is_(name, "fence")) hart.x[f.rd] = uint64(result(hart, name, f));
        hart.pc = uint64(wrap(int256(uint256(hart.pc)) + 4));
        return true;
    }

    // --- control ---

    function jump(Hart memory hart, string memory name, Frame memory f) private pure returns (bool) {
        uint256 back = wrap(int256(uint256(hart.pc)) + 4);
        uint256 target;
        if (is_(name, "jal")) {
            uint256 offset = bits(f.word, 31, 31) * 2 ** 20 + bits(f.word, 19, 12) * 2 ** 12
                + bits(f.word, 20, 20) * 2 ** 11 + bits(f.word, 30, 21) * 2;
            target = wrap(int256(uint256(hart.pc)) + signed(offset, 21));
        } else {
            target = wrap(int256(f.a) + signed(bits(f.word, 31, 20), 12));
            target -= target % 2;
        }
        if (target % 4 == 2) return false;
        hart.pc = uint64(target);
        hart.x[f.rd] = uint64(back);
        return true;
    }

    function branch(Hart memory hart, string memory name, Frame memory f) private pure returns (bool) {
        int256 a = signed(f.a, 64);
        int256 b = signed(f.b, 64);
        bool taken = is_(name, "beq") && a == b || is_(name, "bne") && a != b || is_(name, "blt") && a < b
            || is_(name, "bge") && !(a < b) || is_(name, "bltu") && f.a < f.b || is_(name, "bgeu")
            && !(f.a < f.b);
        int256 offset = 4;
        if (taken) {
            offset = signed(
                bits(f.word, 31, 31) * 2 ** 12 + bits(f.word, 7, 7) * 2 ** 11 + bits(f.word, 30, 25) * 2 ** 5
                    + bits(f.word, 11, 8) * 2,
                13
            );
        }
        if (offset % 4 != 0) return false;
        hart.pc = uint64(wrap(int256(uint256(hart.pc)) + offset));
        return true;
    }

    function call(Hart memory hart) private view returns (bool) {
        if (hart.x[17] == 93) {
            (hart.status, hart.exitCode) = (1, hart.x[10]);
            return true;
        }
        if (hart.x[17] != 8192 || hart.x[14] > 2 || hart.x[15] % 32 != 0) return false;
        bytes memory key = abi.encodePacked(little(hart.x[10]), little(hart.x[11]), little(hart.x[12]));
        key = abi.encodePacked(key, little(hart.x[13]));
        bytes32 data;
        if (hart.x[14] == 0) {
            if (hart.x[15] == 0) data = statement;
            hart.x[14] = 32;
        } else {
            (data, hart.x[14]) = oracle.part(hart.x[14], bytes32(key), hart.x[15]);
        }
        for (uint256 i; i < 4; ++i) {
            uint256 value;
            for (uint256 k; k < 8; ++k) {
                value += uint256(uint8(data[8 * i + k])) * 256 ** k;
            }
            hart.x[10 + i] = uint64(value);
        }
        hart.pc += 4;
        return true;
    }

    // --- memory ---

    function sizeOf(string memory name) private pure returns (uint256) {
        if (is_(name, "lb", "lbu", "sb")) return 1;
        if (is_(name, "lh", "lhu", "sh")) return 2;
        if (is_(name, "lw", "lwu", "sw")) return 4;
        if (is_(name, "ld", "sd")) return 8;
        return 0;
    }

    function access(Hart memory hart, string memory name, Frame memory f) private view returns (bool) {
        uint256 at_ = touches(hart, uint32(f.word));
        if (at_ == 2 ** 64) return false;
        require(at_ / 32 == hart.leafAddress / 32, "another leaf");
        uint256 size = sizeOf(name);
        bytes memory leaf = abi.encodePacked(hart.leaf);
        if (is_(name, "sb", "sh", "sw", "sd")) {
            for (uint256 k; k < size; ++k) {
                leaf[at_ % 32 + k] = bytes1(uint8(f.b / 256 ** k % 256));
            }
            hart.leaf = bytes32(leaf);
        } else {
            uint256 value;
            for (uint256 k; k < size; ++k) {
                value += uint256(uint8(leaf[at_ % 32 + k])) * 256 ** k;
            }
            bool unsigned = is_(name, "lbu", "lhu", "lwu");
            hart.x[f.rd] = uint64(unsigned ? value : wrap(signed(value, 8 * size)));
        }
        hart.pc += 4;
        return true;
    }

    // --- arithmetic ---

    /// @dev Of every other instruction, what it writes to rd.
    function result(Hart memory hart, string memory name, Frame memory f) private pure returns (uint256) {
        if (is_(name, "lui")) return wrap(signed(bits(f.word, 31, 12), 20) * 4096);
        if (is_(name, "auipc")) {
            return wrap(int256(uint256(hart.pc)) + signed(bits(f.word, 31, 12), 20) * 4096);
        }
        bytes memory letters = bytes(name);
        uint256 opcode = bits(f.word, 6, 0);
        if (opcode == 0x1b || opcode == 0x3b) {
            // Ends with a w: on words, the result sign-extended.
            f.a %= 2 ** 32;
            f.b = (opcode == 0x1b ? wrap(signed(bits(f.word, 31, 20), 12)) : f.b) % 2 ** 32;
            string memory base = cut(letters);
            return wrap(signed(compute(opcode == 0x1b ? cut(bytes(base), 1) : base, f.a, f.b, 32), 32));
        }
        if (opcode == 0x13) {
            f.b = wrap(signed(bits(f.word, 31, 20), 12));
            return compute(is_(name, "sltiu") ? "sltu" : cut(letters), f.a, f.b, 64);
        }
        return compute(name, f.a, f.b, 64);
    }

    /// @dev On numbers of `width` bits.
    function compute(string memory name, uint256 ua, uint256 ub, uint256 width)
        private
        pure
        returns (uint256)
    {
        int256 a = signed(ua, width);
        int256 b = signed(ub, width);
        uint256 modulus = 2 ** width;
        if (is_(name, "add")) return (ua + ub) % modulus;
        if (is_(name, "sub")) return (modulus + ua - ub) % modulus;
        if (is_(name, "slt")) return a < b ? 1 : 0;
        if (is_(name, "sltu")) return ua < ub ? 1 : 0;
        if (is_(name, "and", "or", "xor")) return bitwise(name, ua, ub);
        if (is_(name, "sll")) return ua * 2 ** (ub % width) % modulus;
        if (is_(name, "srl")) return ua / 2 ** (ub % width);
        if (is_(name, "sra")) return unsign(floor(a, int256(2 ** (ub % width))), width);
        if (is_(name, "mul")) return ua * ub % modulus;
        if (is_(name, "mulhu")) return ua * ub / modulus;
        if (is_(name, "mulh")) return unsign(floor(a * b, int256(modulus)), width);
        if (is_(name, "mulhsu")) return unsign(floor(a * int256(ub), int256(modulus)), width);
        if (is_(name, "divu")) return ub == 0 ? modulus - 1 : ua / ub;
        if (is_(name, "remu")) return ub == 0 ? ua : ua - ua / ub * ub;
        if (is_(name, "div")) return ub == 0 ? modulus - 1 : unsign(quotient(a, b), width);
        if (is_(name, "rem")) return ub == 0 ? ua : unsign(a - quotient(a, b) * b, width);
        revert(name);
    }

    function bitwise(string memory name, uint256 a, uint256 b) private pure returns (uint256 r) {
        for (uint256 i; i < 64; ++i) {
            uint256 ones = a / 2 ** i % 2 + b / 2 ** i % 2;
            bool set = is_(name, "and") ? ones == 2 : is_(name, "or") ? ones != 0 : ones == 1;
            if (set) r += 2 ** i;
        }
    }

    /// @dev Towards zero.
    function quotient(int256 a, int256 b) private pure returns (int256) {
        int256 q = (a < 0 ? -a : a) / (b < 0 ? -b : b);
        return (a < 0) == (b < 0) ? q : -q;
    }

    /// @dev Towards minus infinity; `b` is positive.
    function floor(int256 a, int256 b) private pure returns (int256) {
        return a >= 0 ? a / b : -((-a + b - 1) / b);
    }

    // --- numbers ---

    function bits(uint256 word, uint256 high, uint256 low) private pure returns (uint256) {
        return word / 2 ** low % 2 ** (high - low + 1);
    }

    function signed(uint256 value, uint256 width) private pure returns (int256) {
        return value < 2 ** (width - 1) ? int256(value) : int256(value) - int256(2 ** width);
    }

    function unsign(int256 value, uint256 width) private pure returns (uint256) {
        int256 modulus = int256(2 ** width);
        return uint256((value % modulus + modulus) % modulus);
    }

    function wrap(int256 value) private pure returns (uint256) {
        return unsign(value, 64);
    }

    function little(uint256 value) private pure returns (bytes8) {
        bytes memory b = new bytes(8);
        for (uint256 k; k < 8; ++k) {
            b[k] = bytes1(uint8(value / 256 ** k % 256));
        }
        return bytes8(b);
    }

    // --- names ---

    function cut(bytes memory letters) private pure returns (string memory) {
        return cut(letters, 1);
    }

    /// @dev Without the last `count` letters.
    function cut(bytes memory letters, uint256 count) private pure returns (string memory) {
        bytes memory shorter = new bytes(letters.length - count);
        for (uint256 i; i < shorter.length; ++i) {
            shorter[i] = letters[i];
        }
        return string(shorter);
    }

    function is_(string memory name, string memory a) private pure returns (bool) {
        return keccak256(bytes(name)) == keccak256(bytes(a));
    }

    function is_(string memory name, string memory a, string memory b) private pure returns (bool) {
        return is_(name, a) || is_(name, b);
    }

    function is_(string memory name, string memory a, string memory b, string memory c)
        private
        pure
        returns (bool)
    {
        return is_(name, a, b) || is_(name, c);
    }

    function is_(string memory name, string memory a, string memory b, string memory c, string memory d)
        private
        pure
        returns (bool)
    {
        return is_(name, a, b, c) || is_(name, d);
    }
}
