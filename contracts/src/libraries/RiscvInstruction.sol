// SPDX-License-Identifier: MIT
pragma solidity 0.8.37;

/// @title RiscvInstruction
/// @notice The fields of a 32-bit instruction word, as the ISA manual names and places them.
library RiscvInstruction {
    // Major opcodes.
    uint256 internal constant LOAD = 0x03;
    uint256 internal constant MISC_MEM = 0x0f;
    uint256 internal constant OP_IMM = 0x13;
    uint256 internal constant AUIPC = 0x17;
    uint256 internal constant OP_IMM_32 = 0x1b;
    uint256 internal constant STORE = 0x23;
    uint256 internal constant OP = 0x33;
    uint256 internal constant LUI = 0x37;
    uint256 internal constant OP_32 = 0x3b;
    uint256 internal constant BRANCH = 0x63;
    uint256 internal constant JALR = 0x67;
    uint256 internal constant JAL = 0x6f;
    uint256 internal constant SYSTEM = 0x73;

    /// @notice The one instruction of SYSTEM that the machine has.
    uint256 internal constant ECALL = 0x00000073;

    function opcode(uint256 word) internal pure returns (uint256) {
        return word & 0x7f;
    }

    function rd(uint256 word) internal pure returns (uint256) {
        return (word >> 7) & 0x1f;
    }

    function rs1(uint256 word) internal pure returns (uint256) {
        return (word >> 15) & 0x1f;
    }

    function rs2(uint256 word) internal pure returns (uint256) {
        return (word >> 20) & 0x1f;
    }

    function funct3(uint256 word) internal pure returns (uint256) {
        return (word >> 12) & 0x7;
    }

    /// @notice What tells shifts by an immediate of six bits apart.
    function funct6(uint256 word) internal pure returns (uint256) {
        return word >> 26;
    }

    function funct7(uint256 word) internal pure returns (uint256) {
        return word >> 25;
    }

    /// @notice imm[11:0] of the I type, sign-extended.
    function immediateI(uint256 word) internal pure returns (uint64) {
        return uint64(uint256(_signed(word) >> 20));
    }

    /// @notice imm[11:5|4:0] of the S type, sign-extended.
    function immediateS(uint256 word) internal pure returns (uint64) {
        return uint64((uint256(_signed(word) >> 25) << 5) | ((word >> 7) & 0x1f));
    }

    /// @notice imm[12|10:5|4:1|11] of the B type, sign-extended.
    function immediateB(uint256 word) internal pure returns (uint64) {
        return uint64(
            (uint256(_signed(word) >> 31) << 12) | ((word << 4) & 0x800) | ((word >> 20) & 0x7e0)
                | ((word >> 7) & 0x1e)
        );
    }

    /// @notice imm[31:12] of the U type, sign-extended.
    function immediateU(uint256 word) internal pure returns (uint64) {
        return uint64(uint256(_signed(word & 0xfffff000)));
    }

    /// @notice imm[20|10:1|11|19:12] of the J type, sign-extended.
    function immediateJ(uint256 word) internal pure returns (uint64) {
        return uint64(
            (uint256(_signed(word) >> 31) << 20) | (word & 0xff000) | ((word >> 9) & 0x800)
                | ((word >> 20) & 0x7fe)
        );
    }

    /// @dev The word with the sign of its highest bit, which every immediate has.
    function _signed(uint256 word) private pure returns (int256) {
        return int32(uint32(word));
    }
}
