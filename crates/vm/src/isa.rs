//! RV64IM instructions: decoding and names.
//!
//! Source: The RISC-V Instruction Set Manual, Volume I, chapters RV32I, RV64I and M.

use std::fmt;

/// What an instruction does.
///
/// `Illegal` is every word that is no instruction of RV64IM.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default)]
#[repr(u8)]
#[allow(missing_docs, reason = "these are the manual's own names")]
pub enum Op {
    #[default]
    Illegal,
    Lui,
    Auipc,
    Jal,
    Jalr,
    Beq,
    Bne,
    Blt,
    Bge,
    Bltu,
    Bgeu,
    Lb,
    Lh,
    Lw,
    Ld,
    Lbu,
    Lhu,
    Lwu,
    Sb,
    Sh,
    Sw,
    Sd,
    Addi,
    Slti,
    Sltiu,
    Xori,
    Ori,
    Andi,
    Slli,
    Srli,
    Srai,
    Addiw,
    Slliw,
    Srliw,
    Sraiw,
    Add,
    Sub,
    Sll,
    Slt,
    Sltu,
    Xor,
    Srl,
    Sra,
    Or,
    And,
    Addw,
    Subw,
    Sllw,
    Srlw,
    Sraw,
    Mul,
    Mulh,
    Mulhsu,
    Mulhu,
    Div,
    Divu,
    Rem,
    Remu,
    Mulw,
    Divw,
    Divuw,
    Remw,
    Remuw,
    Fence,
    Ecall,
}

/// A decoded instruction. Fields that the instruction does not have are 0.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default)]
pub struct Instruction {
    /// What it does.
    pub op: Op,
    /// Destination register.
    pub rd: u8,
    /// First source register.
    pub rs1: u8,
    /// Second source register.
    pub rs2: u8,
    /// Immediate, sign-extended and in place: `lui` and `auipc` have the low 12 bits zero. Shifts: the amount.
    pub imm: i32,
}

impl Instruction {
    /// The instruction that a word encodes, if it is one of RV64IM.
    pub const fn decode(word: u32) -> Option<Self> {
        let (funct3, funct7) = ((word >> 12) & 7, word >> 25);
        let op = match word & 0x7f {
            0x37 => return Some(Self::u_type(Op::Lui, word)),
            0x17 => return Some(Self::u_type(Op::Auipc, word)),
            0x6f => return Some(Self { op: Op::Jal, rd: rd(word), imm: j_imm(word), ..Self::NONE }),
            0x67 => match funct3 {
                0 => return Some(Self::i_type(Op::Jalr, word)),
                _ => return None,
            },
            0x63 => {
                let op = match funct3 {
                    0 => Op::Beq,
                    1 => Op::Bne,
                    4 => Op::Blt,
                    5 => Op::Bge,
                    6 => Op::Bltu,
                    7 => Op::Bgeu,
                    _ => return None,
                };
                return Some(Self { op, rd: 0, rs1: rs1(word), rs2: rs2(word), imm: b_imm(word) });
            }
            0x03 => {
                let op = match funct3 {
                    0 => Op::Lb,
                    1 => Op::Lh,
                    2 => Op::Lw,
                    3 => Op::Ld,
                    4 => Op::Lbu,
                    5 => Op::Lhu,
                    6 => Op::Lwu,
                    _ => return None,
                };
                return Some(Self::i_type(op, word));
            }
            0x23 => {
                let op = match funct3 {
                    0 => Op::Sb,
                    1 => Op::Sh,
                    2 => Op::Sw,
                    3 => Op::Sd,
                    _ => return None,
                };
                return Some(Self { op, rd: 0, rs1: rs1(word), rs2: rs2(word), imm: s_imm(word) });
            }
            0x13 => {
                let op = match (funct3, funct7 >> 1) {
                    (0, _) => Op::Addi,
                    (2, _) => Op::Slti,
                    (3, _) => Op::Sltiu,
                    (4, _) => Op::Xori,
                    (6, _) => Op::Ori,
                    (7, _) => Op::Andi,
                    (1, 0) => return Some(Self::shift(Op::Slli, word, 0x3f)),
                    (5, 0) => return Some(Self::shift(Op::Srli, word, 0x3f)),
                    (5, 0x10) => return Some(Self::shift(Op::Srai, word, 0x3f)),
                    _ => return None,
                };
                return Some(Self::i_type(op, word));
            }
            0x1b => {
                return match (funct3, funct7) {
                    (0, _) => Some(Self::i_type(Op::Addiw, word)),
                    (1, 0) => Some(Self::shift(Op::Slliw, word, 0x1f)),
                    (5, 0) => Some(Self::shift(Op::Srliw, word, 0x1f)),
                    (5, 0x20) => Some(Self::shift(Op::Sraiw, word, 0x1f)),
                    _ => None,
                };
            }
            0x33 => match (funct7, funct3) {
                (0, 0) => Op::Add,
                (0, 1) => Op::Sll,
                (0, 2) => Op::Slt,
                (0, 3) => Op::Sltu,
                (0, 4) => Op::Xor,
                (0, 5) => Op::Srl,
                (0, 6) => Op::Or,
                (0, 7) => Op::And,
                (0x20, 0) => Op::Sub,
                (0x20, 5) => Op::Sra,
                (1, 0) => Op::Mul,
                (1, 1) => Op::Mulh,
                (1, 2) => Op::Mulhsu,
                (1, 3) => Op::Mulhu,
                (1, 4) => Op::Div,
                (1, 5) => Op::Divu,
                (1, 6) => Op::Rem,
                (1, 7) => Op::Remu,
                _ => return None,
            },
            0x3b => match (funct7, funct3) {
                (0, 0) => Op::Addw,
                (0, 1) => Op::Sllw,
                (0, 5) => Op::Srlw,
                (0x20, 0) => Op::Subw,
                (0x20, 5) => Op::Sraw,
                (1, 0) => Op::Mulw,
                (1, 4) => Op::Divw,
                (1, 5) => Op::Divuw,
                (1, 6) => Op::Remw,
                (1, 7) => Op::Remuw,
                _ => return None,
            },
            // Its other fields are reserved for finer fences; with one hart all of them do nothing.
            0x0f => match funct3 {
                0 => return Some(Self { op: Op::Fence, ..Self::NONE }),
                _ => return None,
            },
            0x73 => match word {
                0x0000_0073 => return Some(Self { op: Op::Ecall, ..Self::NONE }),
                _ => return None,
            },
            _ => return None,
        };
        Some(Self { op, rd: rd(word), rs1: rs1(word), rs2: rs2(word), imm: 0 })
    }

    const NONE: Self = Self { op: Op::Illegal, rd: 0, rs1: 0, rs2: 0, imm: 0 };

    const fn u_type(op: Op, word: u32) -> Self {
        Self { op, rd: rd(word), rs1: 0, rs2: 0, imm: (word & 0xffff_f000) as i32 }
    }

    const fn i_type(op: Op, word: u32) -> Self {
        Self { op, rd: rd(word), rs1: rs1(word), rs2: 0, imm: (word as i32) >> 20 }
    }

    const fn shift(op: Op, word: u32, mask: u32) -> Self {
        Self { op, rd: rd(word), rs1: rs1(word), rs2: 0, imm: ((word >> 20) & mask) as i32 }
    }

    /// Bytes that it reads or writes in memory, if it is a load or a store.
    pub const fn access(self) -> Option<u64> {
        match self.op {
            Op::Lb | Op::Lbu | Op::Sb => Some(1),
            Op::Lh | Op::Lhu | Op::Sh => Some(2),
            Op::Lw | Op::Lwu | Op::Sw => Some(4),
            Op::Ld | Op::Sd => Some(8),
            _ => None,
        }
    }
}

const fn rd(word: u32) -> u8 {
    ((word >> 7) & 31) as u8
}

const fn rs1(word: u32) -> u8 {
    ((word >> 15) & 31) as u8
}

const fn rs2(word: u32) -> u8 {
    ((word >> 20) & 31) as u8
}

const fn s_imm(word: u32) -> i32 {
    ((word & 0xfe00_0000) as i32) >> 20 | ((word >> 7) & 0x1f) as i32
}

const fn b_imm(word: u32) -> i32 {
    ((word & 0x8000_0000) as i32) >> 19
        | ((word << 4) & 0x800) as i32
        | ((word >> 20) & 0x7e0) as i32
        | ((word >> 7) & 0x1e) as i32
}

const fn j_imm(word: u32) -> i32 {
    ((word & 0x8000_0000) as i32) >> 11
        | (word & 0xf_f000) as i32
        | ((word >> 9) & 0x800) as i32
        | ((word >> 20) & 0x7fe) as i32
}

/// Names of the registers in the calling convention, `x0` first.
const NAMES: [&str; 32] = [
    "zero", "ra", "sp", "gp", "tp", "t0", "t1", "t2", "s0", "s1", "a0", "a1", "a2", "a3", "a4", "a5", "a6",
    "a7", "s2", "s3", "s4", "s5", "s6", "s7", "s8", "s9", "s10", "s11", "t3", "t4", "t5", "t6",
];

/// Name of a register in the calling convention; `?` from 32 on.
pub fn register_name(register: u8) -> &'static str {
    NAMES.get(usize::from(register)).copied().unwrap_or("?")
}

/// Assembler notation, such as `addi a0, a0, -1`; targets of jumps as distances, such as `beq a0, a1, +16`.
impl fmt::Display for Instruction {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let name = format!("{:?}", self.op).to_lowercase();
        let [rd, rs1, rs2] = [self.rd, self.rs1, self.rs2].map(register_name);
        let imm = self.imm;
        match self.op {
            Op::Illegal | Op::Fence | Op::Ecall => f.write_str(&name),
            Op::Lui | Op::Auipc => write!(f, "{name} {rd}, {:#x}", (imm as u32) >> 12),
            Op::Jal => write!(f, "{name} {rd}, {imm:+}"),
            Op::Beq | Op::Bne | Op::Blt | Op::Bge | Op::Bltu | Op::Bgeu => {
                write!(f, "{name} {rs1}, {rs2}, {imm:+}")
            }
            Op::Jalr | Op::Lb | Op::Lh | Op::Lw | Op::Ld | Op::Lbu | Op::Lhu | Op::Lwu => {
                write!(f, "{name} {rd}, {imm}({rs1})")
            }
            Op::Sb | Op::Sh | Op::Sw | Op::Sd => write!(f, "{name} {rs2}, {imm}({rs1})"),
            Op::Addi | Op::Slti | Op::Sltiu | Op::Xori | Op::Ori | Op::Andi | Op::Addiw => {
                write!(f, "{name} {rd}, {rs1}, {imm}")
            }
            Op::Slli | Op::Srli | Op::Srai | Op::Slliw | Op::Srliw | Op::Sraiw => {
                write!(f, "{name} {rd}, {rs1}, {imm}")
            }
            _ => write!(f, "{name} {rd}, {rs1}, {rs2}"),
        }
    }
}
