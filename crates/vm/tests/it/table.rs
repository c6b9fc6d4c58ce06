//! What the ISA manual says of each instruction, as numbers: RISC-V Instruction Set Manual, Volume I (RV32I, RV64I, M).

/// The lowest 64-bit number.
pub(crate) const MIN: u64 = 1 << 63;
/// The highest.
pub(crate) const TOP: u64 = MIN - 1;
/// -1.
pub(crate) const ALL: u64 = u64::MAX;
/// The lowest 32-bit number, sign-extended.
pub(crate) const MINW: u64 = 0xffff_ffff_8000_0000;
/// The highest.
pub(crate) const TOPW: u64 = 0x7fff_ffff;
/// Noise in the upper half, of which 32-bit instructions know nothing.
const UP: u64 = 0xdead_beef_0000_0000;

const fn neg(value: u64) -> u64 {
    value.wrapping_neg()
}

/// Opcode, funct3 and funct7 of the instructions between registers.
pub(crate) const R: [(&str, u32, u32, u32); 28] = [
    ("add", 0x33, 0, 0x00),
    ("sub", 0x33, 0, 0x20),
    ("sll", 0x33, 1, 0x00),
    ("slt", 0x33, 2, 0x00),
    ("sltu", 0x33, 3, 0x00),
    ("xor", 0x33, 4, 0x00),
    ("srl", 0x33, 5, 0x00),
    ("sra", 0x33, 5, 0x20),
    ("or", 0x33, 6, 0x00),
    ("and", 0x33, 7, 0x00),
    ("mul", 0x33, 0, 0x01),
    ("mulh", 0x33, 1, 0x01),
    ("mulhsu", 0x33, 2, 0x01),
    ("mulhu", 0x33, 3, 0x01),
    ("div", 0x33, 4, 0x01),
    ("divu", 0x33, 5, 0x01),
    ("rem", 0x33, 6, 0x01),
    ("remu", 0x33, 7, 0x01),
    ("addw", 0x3b, 0, 0x00),
    ("subw", 0x3b, 0, 0x20),
    ("sllw", 0x3b, 1, 0x00),
    ("srlw", 0x3b, 5, 0x00),
    ("sraw", 0x3b, 5, 0x20),
    ("mulw", 0x3b, 0, 0x01),
    ("divw", 0x3b, 4, 0x01),
    ("divuw", 0x3b, 5, 0x01),
    ("remw", 0x3b, 6, 0x01),
    ("remuw", 0x3b, 7, 0x01),
];

/// `rd = rs1 op rs2`: name, rs1, rs2, rd.
#[rustfmt::skip]
pub(crate) const REGISTERS: &[(&str, u64, u64, u64)] = &[
    ("add", 2, 3, 5), ("add", ALL, 1, 0), ("add", TOP, 1, MIN), ("add", MIN, MIN, 0),
    ("sub", 2, 3, ALL), ("sub", 0, MIN, MIN), ("sub", MIN, 1, TOP), ("sub", 7, 7, 0),
    // Of the amount only the low six bits count.
    ("sll", 1, 63, MIN), ("sll", 1, 64, 1), ("sll", 3, 65, 6), ("sll", ALL, neg(1), MIN), ("sll", 0x1234, 0x1_0000_0004, 0x1_2340),
    ("srl", MIN, 63, 1), ("srl", MIN, 64, MIN), ("srl", ALL, 0x41, TOP), ("srl", ALL, ALL, 1),
    ("sra", MIN, 63, ALL), ("sra", MIN, 64, MIN), ("sra", MIN, 1, 0xc000_0000_0000_0000), ("sra", TOP, 62, 1), ("sra", TOP, 127, 0),
    ("slt", ALL, 0, 1), ("slt", 0, ALL, 0), ("slt", MIN, TOP, 1), ("slt", 5, 5, 0),
    ("sltu", ALL, 0, 0), ("sltu", 0, ALL, 1), ("sltu", MIN, TOP, 0), ("sltu", 5, 5, 0),
    ("xor", 0b1100, 0b1010, 0b0110), ("xor", ALL, MIN, TOP),
    ("or", 0b1100, 0b1010, 0b1110), ("or", MIN, TOP, ALL),
    ("and", 0b1100, 0b1010, 0b1000), ("and", MIN, TOP, 0),
    ("mul", 7, 6, 42), ("mul", ALL, ALL, 1), ("mul", MIN, ALL, MIN), ("mul", 0x1_0000_0001, 0x1_0000_0001, 0x2_0000_0001),
    ("mulh", ALL, ALL, 0), ("mulh", MIN, MIN, 0x4000_0000_0000_0000), ("mulh", MIN, ALL, 0), ("mulh", MIN, 1, ALL), ("mulh", TOP, TOP, 0x3fff_ffff_ffff_ffff), ("mulh", ALL, 1, ALL),
    ("mulhsu", ALL, ALL, ALL), ("mulhsu", MIN, ALL, MIN), ("mulhsu", 1, ALL, 0), ("mulhsu", ALL, 1, ALL), ("mulhsu", MIN, MIN, 0xc000_0000_0000_0000), ("mulhsu", TOP, ALL, 0x7fff_ffff_ffff_fffe),
    ("mulhu", ALL, ALL, neg(2)), ("mulhu", MIN, MIN, 0x4000_0000_0000_0000), ("mulhu", MIN, 2, 1), ("mulhu", ALL, 1, 0),
    ("div", 7, 2, 3), ("div", neg(7), 2, neg(3)), ("div", 7, neg(2), neg(3)), ("div", neg(7), neg(2), 3),
    ("div", 7, 0, ALL), ("div", neg(7), 0, ALL), ("div", 0, 0, ALL), ("div", MIN, ALL, MIN), ("div", MIN, 1, MIN),
    ("divu", 7, 2, 3), ("divu", ALL, 2, TOP), ("divu", 7, 0, ALL), ("divu", 0, 0, ALL), ("divu", MIN, ALL, 0),
    ("rem", 7, 2, 1), ("rem", neg(7), 2, ALL), ("rem", 7, neg(2), 1), ("rem", neg(7), neg(2), ALL),
    ("rem", 7, 0, 7), ("rem", neg(7), 0, neg(7)), ("rem", MIN, 0, MIN), ("rem", MIN, ALL, 0),
    ("remu", 7, 2, 1), ("remu", ALL, 2, 1), ("remu", 7, 0, 7), ("remu", MIN, ALL, MIN), ("remu", MIN, 0, MIN),
    ("addw", TOPW, 1, MINW), ("addw", UP | 0xffff_ffff, 1, 0), ("addw", UP | 2, UP | 3, 5), ("addw", MINW, MINW, 0),
    ("subw", 0, 1, ALL), ("subw", MINW, 1, TOPW), ("subw", UP, 1, ALL), ("subw", 0, MINW, MINW),
    // Of the amount only the low five bits count.
    ("sllw", 1, 31, MINW), ("sllw", 1, 32, 1), ("sllw", 1, 63, MINW), ("sllw", UP | 1, 4, 16), ("sllw", 0x1_ffff_ffff, 0x24, 0xffff_ffff_ffff_fff0),
    ("srlw", MINW, 31, 1), ("srlw", MINW, 32, MINW), ("srlw", UP | 0x8000_0000, 0, MINW), ("srlw", UP | 0x10, 4, 1), ("srlw", ALL, 33, TOPW),
    ("sraw", MINW, 31, ALL), ("sraw", 0x8000_0000, 31, ALL), ("sraw", 0x8000_0000, 32, MINW), ("sraw", UP | 0x7fff_ffff, 30, 1), ("sraw", ALL, 63, ALL), ("sraw", 0x4000_0000, 0xffff_ffe1, 0x2000_0000),
    ("mulw", UP | 7, UP | 6, 42), ("mulw", 0xffff, 0xffff, 0xffff_ffff_fffe_0001), ("mulw", MINW, ALL, MINW), ("mulw", 0x1_0000_0000, 5, 0),
    // The divisor is zero if its low 32 bits are.
    ("divw", UP | 7, UP | 2, 3), ("divw", UP | 7, UP, ALL), ("divw", 0xffff_fff9, 2, neg(3)), ("divw", MINW, ALL, MINW), ("divw", UP | 0x8000_0000, UP | 0xffff_ffff, MINW), ("divw", MIN, 0x1_0000_0000, ALL), ("divw", 7, 0, ALL),
    ("divuw", UP | 7, UP | 2, 3), ("divuw", UP | 7, UP, ALL), ("divuw", 0xffff_ffff, 1, ALL), ("divuw", MINW, ALL, 0), ("divuw", ALL, 2, TOPW), ("divuw", 7, 0, ALL),
    ("remw", UP | 7, UP | 2, 1), ("remw", UP | 7, UP, 7), ("remw", 0xffff_fff9, 2, ALL), ("remw", MINW, ALL, 0), ("remw", UP | 0x8000_0000, UP, MINW), ("remw", UP | 0x8000_0000, UP | 0xffff_ffff, 0), ("remw", MIN | 9, 0x1_0000_0000, 9),
    ("remuw", UP | 7, UP | 2, 1), ("remuw", UP | 7, UP, 7), ("remuw", UP | 0x8000_0000, UP, MINW), ("remuw", MINW, ALL, MINW), ("remuw", ALL, 10, 5), ("remuw", 0xffff_ffff, 0, ALL),
];

/// Opcode, funct3 and what the upper bits of the immediate must be of the instructions with an immediate.
pub(crate) const I: [(&str, u32, u32, u32); 13] = [
    ("addi", 0x13, 0, 0),
    ("slti", 0x13, 2, 0),
    ("sltiu", 0x13, 3, 0),
    ("xori", 0x13, 4, 0),
    ("ori", 0x13, 6, 0),
    ("andi", 0x13, 7, 0),
    ("slli", 0x13, 1, 0),
    ("srli", 0x13, 5, 0),
    ("srai", 0x13, 5, 0x400),
    ("addiw", 0x1b, 0, 0),
    ("slliw", 0x1b, 1, 0),
    ("srliw", 0x1b, 5, 0),
    ("sraiw", 0x1b, 5, 0x400),
];

/// `rd = rs1 op imm`: name, rs1, imm, rd.
#[rustfmt::skip]
pub(crate) const IMMEDIATES: &[(&str, u64, i32, u64)] = &[
    ("addi", 5, -3, 2), ("addi", 0, -2048, neg(2048)), ("addi", ALL, 2047, 2046), ("addi", TOP, 1, MIN), ("addi", 0, -1, ALL),
    ("slti", ALL, 0, 1), ("slti", 0, -1, 0), ("slti", MIN, -2048, 1), ("slti", neg(2048), -2048, 0),
    // The immediate is extended by its sign, then taken as a number without one.
    ("sltiu", 5, -1, 1), ("sltiu", ALL, -1, 0), ("sltiu", 0, 1, 1), ("sltiu", 1, 1, 0), ("sltiu", neg(2049), -2048, 1),
    ("xori", 0b1100, 0b1010, 0b0110), ("xori", 0, -1, ALL), ("xori", MIN, -1, TOP),
    ("ori", 0b1100, 0b1010, 0b1110), ("ori", 0, -2048, neg(2048)),
    ("andi", 0b1100, 0b1010, 0b1000), ("andi", ALL, -2048, neg(2048)), ("andi", ALL, 2047, 2047),
    ("slli", 1, 63, MIN), ("slli", 1, 32, 0x1_0000_0000), ("slli", 0x1234, 0, 0x1234), ("slli", ALL, 31, 0xffff_ffff_8000_0000),
    ("srli", MIN, 63, 1), ("srli", ALL, 32, 0xffff_ffff), ("srli", MIN, 0, MIN), ("srli", ALL, 31, 0x1_ffff_ffff),
    ("srai", MIN, 63, ALL), ("srai", MIN, 32, MINW), ("srai", TOP, 32, TOPW), ("srai", MIN, 0, MIN),
    ("addiw", TOPW, 1, MINW), ("addiw", UP | 5, 0, 5), ("addiw", UP | 0x8000_0000, 0, MINW), ("addiw", 0, -1, ALL), ("addiw", 0xffff_ffff, 1, 0), ("addiw", MINW, -1, TOPW),
    ("slliw", 1, 31, MINW), ("slliw", UP | 1, 4, 16), ("slliw", UP | 0x8000_0000, 0, MINW), ("slliw", ALL, 31, MINW),
    ("srliw", MINW, 31, 1), ("srliw", UP | 0x8000_0000, 0, MINW), ("srliw", UP | 0x10, 4, 1), ("srliw", ALL, 1, TOPW),
    ("sraiw", 0x8000_0000, 31, ALL), ("sraiw", 0x8000_0000, 0, MINW), ("sraiw", UP | 0x7fff_ffff, 30, 1), ("sraiw", MINW, 1, 0xffff_ffff_c000_0000),
];

/// 32 bytes of memory, for loads.
pub(crate) const LEAF: [u8; 32] = [
    0x01, 0x80, 0xff, 0x7f, 0x00, 0x00, 0x00, 0x80, 0xef, 0xcd, 0xab, 0x89, 0x67, 0x45, 0x23, 0x01, 0xfe,
    0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0x7f, 0x10, 0x32, 0x54, 0xf6,
];

/// funct3 of loads.
pub(crate) const L: [(&str, u32); 7] =
    [("lb", 0), ("lh", 1), ("lw", 2), ("ld", 3), ("lbu", 4), ("lhu", 5), ("lwu", 6)];

/// Name, offset in [`LEAF`], rd.
#[rustfmt::skip]
pub(crate) const LOADS: &[(&str, u64, u64)] = &[
    ("lb", 0, 1), ("lb", 1, 0xffff_ffff_ffff_ff80), ("lb", 2, ALL), ("lb", 3, 0x7f), ("lb", 31, 0xffff_ffff_ffff_fff6),
    ("lbu", 0, 1), ("lbu", 1, 0x80), ("lbu", 2, 0xff), ("lbu", 3, 0x7f), ("lbu", 31, 0xf6),
    ("lh", 0, 0xffff_ffff_ffff_8001), ("lh", 2, 0x7fff), ("lh", 6, 0xffff_ffff_ffff_8000), ("lh", 30, 0xffff_ffff_ffff_f654),
    ("lhu", 0, 0x8001), ("lhu", 2, 0x7fff), ("lhu", 6, 0x8000), ("lhu", 30, 0xf654),
    ("lw", 0, 0x7fff_8001), ("lw", 4, MINW), ("lw", 8, 0xffff_ffff_89ab_cdef), ("lw", 28, 0xffff_ffff_f654_3210),
    ("lwu", 0, 0x7fff_8001), ("lwu", 4, 0x8000_0000), ("lwu", 8, 0x89ab_cdef), ("lwu", 28, 0xf654_3210),
    ("ld", 0, 0x8000_0000_7fff_8001), ("ld", 8, 0x0123_4567_89ab_cdef), ("ld", 16, 0xffff_ffff_ffff_fffe), ("ld", 24, 0xf654_3210_7fff_ffff),
];

/// funct3 and bytes of stores.
pub(crate) const S: [(&str, u32, usize); 4] = [("sb", 0, 1), ("sh", 1, 2), ("sw", 2, 4), ("sd", 3, 8)];

/// funct3 of branches.
pub(crate) const B: [(&str, u32); 6] =
    [("beq", 0), ("bne", 1), ("blt", 4), ("bge", 5), ("bltu", 6), ("bgeu", 7)];

/// Name, rs1, rs2, taken.
#[rustfmt::skip]
pub(crate) const BRANCHES: &[(&str, u64, u64, bool)] = &[
    ("beq", 5, 5, true), ("beq", 5, UP | 5, false), ("beq", 0, 0, true), ("beq", MIN, TOP, false),
    ("bne", 5, 5, false), ("bne", 5, UP | 5, true), ("bne", ALL, 0, true),
    ("blt", ALL, 0, true), ("blt", 0, ALL, false), ("blt", 5, 5, false), ("blt", MIN, TOP, true),
    ("bge", ALL, 0, false), ("bge", 0, ALL, true), ("bge", 5, 5, true), ("bge", TOP, MIN, true),
    ("bltu", ALL, 0, false), ("bltu", 0, ALL, true), ("bltu", 5, 5, false), ("bltu", TOP, MIN, true),
    ("bgeu", ALL, 0, true), ("bgeu", 0, ALL, false), ("bgeu", 5, 5, true), ("bgeu", MIN, TOP, true),
];

/// Words that are no instruction of RV64IM, and what they are elsewhere.
#[rustfmt::skip]
pub(crate) const ILLEGAL: &[(&str, u32)] = &[
    ("all zeros", 0), ("all ones", 0xffff_ffff), ("c.nop", 0x0001), ("c.addi sp", 0x1101),
    ("ebreak", 0x0010_0073), ("ecall with rd", 0x0000_00f3), ("ecall with rs1", 0x0000_8073), ("ecall with rs2", 0x0020_0073), ("ecall with funct3", 0x0000_1073),
    ("uret", 0x0020_0073), ("sret", 0x1020_0073), ("mret", 0x3020_0073), ("wfi", 0x1050_0073), ("sfence.vma", 0x1200_0073),
    ("csrrw", 0x3000_1073), ("csrrs cycle", 0xc000_2573), ("csrrc", 0x3000_3073), ("csrrwi", 0x3000_5073), ("csrrsi", 0x3000_6073), ("csrrci", 0x3000_7073), ("system funct3 4", 0x0000_4073),
    ("fence.i", 0x0000_100f), ("cbo.zero", 0x0040_200f), ("misc-mem funct3 3", 0x0000_300f), ("misc-mem funct3 7", 0x0000_700f),
    ("lr.w", 0x1005_25af), ("sc.d", 0x18b5_35af), ("amoadd.w", 0x00b5_252f), ("amoswap.d", 0x08b5_352f),
    ("flw", 0x0005_2007), ("fld", 0x0005_3007), ("fsd", 0x00a5_3027), ("fadd.d", 0x02b5_7553), ("fmadd.s", 0x60b5_7543), ("fmsub.s", 0x0000_0047), ("fnmsub.s", 0x0000_004b), ("fnmadd.s", 0x0000_004f), ("vsetvli", 0x0d05_7557),
    ("custom-0", 0x0000_000b), ("custom-1", 0x0000_002b), ("custom-2", 0x0000_005b), ("custom-3", 0x0000_007b), ("reserved 1f", 0x0000_001f), ("reserved 3f", 0x0000_003f), ("reserved 6b", 0x0000_006b), ("reserved 77", 0x0000_0077), ("reserved 7f", 0x0000_007f),
    ("load funct3 7", 0x0005_7503), ("store funct3 4", 0x00a5_4023), ("store funct3 7", 0x00a5_7023),
    ("branch funct3 2", 0x00b5_2463), ("branch funct3 3", 0x00b5_3463), ("jalr funct3 1", 0x0000_10e7), ("jalr funct3 7", 0x0000_70e7),
    ("slli funct6 1", 0x0415_1513), ("slli funct6 10", 0x4015_1513), ("srli funct6 1", 0x0415_5513), ("srai funct6 11", 0x4415_5513), ("srli funct6 20", 0x8015_5513), ("rori", 0x6015_5513), ("clz", 0x6005_1513),
    ("slliw amount 32", 0x0205_151b), ("srliw amount 32", 0x0205_551b), ("sraiw amount 32", 0x4205_551b), ("slliw funct7 20", 0x4015_151b), ("op-imm-32 funct3 2", 0x0015_251b), ("op-imm-32 funct3 3", 0x0015_351b), ("op-imm-32 funct3 4", 0x0015_451b), ("op-imm-32 funct3 6", 0x0015_651b), ("op-imm-32 funct3 7", 0x0015_751b), ("slli.uw", 0x0805_151b),
    ("op funct7 2", 0x04b5_0533), ("sll funct7 20", 0x40b5_1533), ("slt funct7 20", 0x40b5_2533), ("sltu funct7 20", 0x40b5_3533), ("xnor", 0x40b5_4533), ("orn", 0x40b5_6533), ("andn", 0x40b5_7533), ("op funct7 21", 0x42b5_0533), ("op funct7 40", 0x80b5_0533), ("czero.eqz", 0x0eb5_5533), ("sh1add", 0x20b5_2533), ("max", 0x0ab5_6533), ("rol", 0x60b5_1533),
    ("op-32 funct3 2", 0x00b5_253b), ("op-32 funct3 3", 0x00b5_353b), ("op-32 funct3 4", 0x00b5_453b), ("op-32 funct3 6", 0x00b5_653b), ("op-32 funct3 7", 0x00b5_753b), ("sllw funct7 20", 0x40b5_153b), ("mulhw", 0x02b5_153b), ("mulhsuw", 0x02b5_253b), ("mulhuw", 0x02b5_353b), ("add.uw", 0x08b5_053b), ("op-32 funct7 21", 0x42b5_053b), ("op-32 funct7 2", 0x04b5_053b),
];
