// SPDX-License-Identifier: MIT
pragma solidity 0.8.37;

/// @title RiscvArithmetic
/// @notice What instructions of RV64I and M compute from two operands. Nothing of it can fail: division by zero and
/// the one quotient that overflows have results, by the ISA manual. Functions return whether there is such an
/// instruction, and its result.
library RiscvArithmetic {
    // `funct7 << 3 | funct3` of OP and OP-32, which shifts and immediates share.
    uint256 internal constant ADD = 0x000;
    uint256 internal constant SLL = 0x001;
    uint256 internal constant SLT = 0x002;
    uint256 internal constant SLTU = 0x003;
    uint256 internal constant XOR = 0x004;
    uint256 internal constant SRL = 0x005;
    uint256 internal constant OR = 0x006;
    uint256 internal constant AND = 0x007;
    uint256 internal constant MUL = 0x008;
    uint256 internal constant MULH = 0x009;
    uint256 internal constant MULHSU = 0x00a;
    uint256 internal constant MULHU = 0x00b;
    uint256 internal constant DIV = 0x00c;
    uint256 internal constant DIVU = 0x00d;
    uint256 internal constant REM = 0x00e;
    uint256 internal constant REMU = 0x00f;
    uint256 internal constant SUB = 0x100;
    uint256 internal constant SRA = 0x105;

    // funct3 of BRANCH.
    uint256 private constant BEQ = 0;
    uint256 private constant BNE = 1;
    uint256 private constant BLT = 4;
    uint256 private constant BGE = 5;
    uint256 private constant BLTU = 6;
    uint256 private constant BGEU = 7;

    /// @notice OP: ADD to REMU on all 64 bits. Shifts take the lower six bits of `b`.
    function op(uint256 f, uint64 a, uint64 b) internal pure returns (bool exists, uint64 result) {
        unchecked {
            exists = true;
            if (f == ADD) result = a + b;
            else if (f == SUB) result = a - b;
            else if (f == SLL) result = a << (b & 63);
            else if (f == SLT) result = _bit(int64(a) < int64(b));
            else if (f == SLTU) result = _bit(a < b);
            else if (f == XOR) result = a ^ b;
            else if (f == SRL) result = a >> (b & 63);
            else if (f == SRA) result = uint64(int64(a) >> (b & 63));
            else if (f == OR) result = a | b;
            else if (f == AND) result = a & b;
            else if (f == MUL) result = a * b;
            else if (f == MULH) result = _upper(int256(int64(a)) * int256(int64(b)));
            else if (f == MULHSU) result = _upper(int256(int64(a)) * int256(uint256(b)));
            else if (f == MULHU) result = _upper(int256(uint256(a) * uint256(b)));
            else if (f == DIV) result = b == 0 ? type(uint64).max : uint64(int64(a) / int64(b));
            else if (f == DIVU) result = b == 0 ? type(uint64).max : a / b;
            else if (f == REM) result = b == 0 ? a : uint64(int64(a) % int64(b));
            else if (f == REMU) result = b == 0 ? a : a % b;
            else exists = false;
        }
    }

    /// @notice OP-32: ADDW to REMUW on the lower 32 bits, the result sign-extended. Shifts take the lower five bits
    /// of `right`.
    function op32(uint256 f, uint64 left, uint64 right) internal pure returns (bool exists, uint64 result) {
        uint32 a = uint32(left);
        uint32 b = uint32(right);
        uint32 lower;
        unchecked {
            exists = true;
            if (f == ADD) lower = a + b;
            else if (f == SUB) lower = a - b;
            else if (f == SLL) lower = a << (b & 31);
            else if (f == SRL) lower = a >> (b & 31);
            else if (f == SRA) lower = uint32(int32(a) >> (b & 31));
            else if (f == MUL) lower = a * b;
            else if (f == DIV) lower = b == 0 ? type(uint32).max : uint32(int32(a) / int32(b));
            else if (f == DIVU) lower = b == 0 ? type(uint32).max : a / b;
            else if (f == REM) lower = b == 0 ? a : uint32(int32(a) % int32(b));
            else if (f == REMU) lower = b == 0 ? a : a % b;
            else exists = false;
        }
        result = signExtend32(lower);
    }

    /// @notice BRANCH: whether it is taken.
    function branch(uint256 funct3, uint64 a, uint64 b) internal pure returns (bool exists, bool taken) {
        exists = true;
        if (funct3 == BEQ) taken = a == b;
        else if (funct3 == BNE) taken = a != b;
        else if (funct3 == BLT) taken = int64(a) < int64(b);
        else if (funct3 == BGE) taken = int64(a) >= int64(b);
        else if (funct3 == BLTU) taken = a < b;
        else if (funct3 == BGEU) taken = a >= b;
        else exists = false;
    }

    /// @notice The lower 32 bits as a signed number of 64.
    function signExtend32(uint32 value) internal pure returns (uint64) {
        return uint64(int64(int32(value)));
    }

    function _upper(int256 product) private pure returns (uint64) {
        return uint64(uint256(product) >> 64);
    }

    function _bit(bool condition) private pure returns (uint64) {
        return condition ? 1 : 0;
    }
}
