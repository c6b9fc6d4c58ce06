//! A small assembler, and ELF files made by hand. Also used by the examples.
#![allow(dead_code, reason = "not every user needs every instruction")]

use std::sync::Arc;

use duplex_vm::Program;

/// Where the code of [`program`] begins.
pub(crate) const CODE: u64 = 0x1_0000;

pub(crate) const ZERO: u32 = 0;
pub(crate) const RA: u32 = 1;
pub(crate) const SP: u32 = 2;
pub(crate) const T0: u32 = 5;
pub(crate) const T1: u32 = 6;
pub(crate) const T2: u32 = 7;
pub(crate) const S0: u32 = 8;
pub(crate) const S1: u32 = 9;
pub(crate) const A0: u32 = 10;
pub(crate) const A1: u32 = 11;
pub(crate) const A2: u32 = 12;
pub(crate) const A3: u32 = 13;
pub(crate) const A4: u32 = 14;
pub(crate) const A5: u32 = 15;
pub(crate) const A6: u32 = 16;
pub(crate) const A7: u32 = 17;

pub(crate) const ECALL: u32 = 0x73;

pub(crate) const fn r(opcode: u32, funct3: u32, funct7: u32, rd: u32, rs1: u32, rs2: u32) -> u32 {
    funct7 << 25 | rs2 << 20 | rs1 << 15 | funct3 << 12 | rd << 7 | opcode
}

pub(crate) const fn i(opcode: u32, funct3: u32, rd: u32, rs1: u32, imm: i32) -> u32 {
    (imm as u32 & 0xfff) << 20 | rs1 << 15 | funct3 << 12 | rd << 7 | opcode
}

pub(crate) const fn s(funct3: u32, rs1: u32, rs2: u32, imm: i32) -> u32 {
    let imm = imm as u32;
    (imm >> 5 & 0x7f) << 25 | rs2 << 20 | rs1 << 15 | funct3 << 12 | (imm & 0x1f) << 7 | 0x23
}

pub(crate) const fn b(funct3: u32, rs1: u32, rs2: u32, imm: i32) -> u32 {
    let imm = imm as u32;
    (imm >> 12 & 1) << 31
        | (imm >> 5 & 0x3f) << 25
        | rs2 << 20
        | rs1 << 15
        | funct3 << 12
        | (imm >> 1 & 0xf) << 8
        | (imm >> 11 & 1) << 7
        | 0x63
}

pub(crate) const fn jal(rd: u32, imm: i32) -> u32 {
    let imm = imm as u32;
    (imm >> 20 & 1) << 31
        | (imm >> 1 & 0x3ff) << 21
        | (imm >> 11 & 1) << 20
        | (imm >> 12 & 0xff) << 12
        | rd << 7
        | 0x6f
}

pub(crate) const fn jalr(rd: u32, rs1: u32, imm: i32) -> u32 {
    i(0x67, 0, rd, rs1, imm)
}

/// `imm`: the upper 20 bits, in place.
pub(crate) const fn lui(rd: u32, imm: u32) -> u32 {
    imm & 0xffff_f000 | rd << 7 | 0x37
}

pub(crate) const fn auipc(rd: u32, imm: u32) -> u32 {
    imm & 0xffff_f000 | rd << 7 | 0x17
}

pub(crate) const fn addi(rd: u32, rs1: u32, imm: i32) -> u32 {
    i(0x13, 0, rd, rs1, imm)
}

pub(crate) const fn addiw(rd: u32, rs1: u32, imm: i32) -> u32 {
    i(0x1b, 0, rd, rs1, imm)
}

pub(crate) const fn slli(rd: u32, rs1: u32, amount: i32) -> u32 {
    i(0x13, 1, rd, rs1, amount)
}

pub(crate) const fn srli(rd: u32, rs1: u32, amount: i32) -> u32 {
    i(0x13, 5, rd, rs1, amount)
}

pub(crate) const fn andi(rd: u32, rs1: u32, imm: i32) -> u32 {
    i(0x13, 7, rd, rs1, imm)
}

pub(crate) const fn add(rd: u32, rs1: u32, rs2: u32) -> u32 {
    r(0x33, 0, 0, rd, rs1, rs2)
}

pub(crate) const fn xor(rd: u32, rs1: u32, rs2: u32) -> u32 {
    r(0x33, 4, 0, rd, rs1, rs2)
}

pub(crate) const fn and(rd: u32, rs1: u32, rs2: u32) -> u32 {
    r(0x33, 7, 0, rd, rs1, rs2)
}

pub(crate) const fn mul(rd: u32, rs1: u32, rs2: u32) -> u32 {
    r(0x33, 0, 1, rd, rs1, rs2)
}

pub(crate) const fn mulhu(rd: u32, rs1: u32, rs2: u32) -> u32 {
    r(0x33, 3, 1, rd, rs1, rs2)
}

pub(crate) const fn ld(rd: u32, rs1: u32, imm: i32) -> u32 {
    i(0x03, 3, rd, rs1, imm)
}

pub(crate) const fn lw(rd: u32, rs1: u32, imm: i32) -> u32 {
    i(0x03, 2, rd, rs1, imm)
}

pub(crate) const fn lbu(rd: u32, rs1: u32, imm: i32) -> u32 {
    i(0x03, 4, rd, rs1, imm)
}

pub(crate) const fn sd(rs1: u32, rs2: u32, imm: i32) -> u32 {
    s(3, rs1, rs2, imm)
}

pub(crate) const fn sb(rs1: u32, rs2: u32, imm: i32) -> u32 {
    s(0, rs1, rs2, imm)
}

pub(crate) const fn bne(rs1: u32, rs2: u32, imm: i32) -> u32 {
    b(1, rs1, rs2, imm)
}

pub(crate) const fn beq(rs1: u32, rs2: u32, imm: i32) -> u32 {
    b(0, rs1, rs2, imm)
}

/// `exit(a0)`.
pub(crate) const fn exit() -> [u32; 2] {
    [addi(A7, ZERO, 93), ECALL]
}

/// Loads any 32-bit number, sign-extended.
pub(crate) const fn li(rd: u32, value: i32) -> [u32; 2] {
    let low = value << 20 >> 20;
    [lui(rd, value.wrapping_sub(low) as u32), addiw(rd, rd, low)]
}

/// A segment of an ELF file.
#[derive(Debug, Clone)]
pub(crate) struct Segment {
    pub(crate) address: u64,
    pub(crate) bytes: Vec<u8>,
    /// Bytes in memory; at least those in the file.
    pub(crate) length: u64,
    pub(crate) executable: bool,
}

impl Segment {
    pub(crate) fn code(address: u64, words: &[u32]) -> Self {
        let bytes: Vec<u8> = words.iter().flat_map(|word| word.to_le_bytes()).collect();
        Self { address, length: bytes.len() as u64, bytes, executable: true }
    }

    pub(crate) fn data(address: u64, bytes: &[u8]) -> Self {
        Self { address, length: bytes.len() as u64, bytes: bytes.to_vec(), executable: false }
    }
}

/// A static executable for RV64 with these segments and no sections.
pub(crate) fn elf(entry: u64, segments: &[Segment]) -> Vec<u8> {
    let mut file = Vec::new();
    file.extend_from_slice(b"\x7fELF\x02\x01\x01\0\0\0\0\0\0\0\0\0");
    let half = |file: &mut Vec<u8>, values: &[u16]| {
        file.extend(values.iter().flat_map(|value| value.to_le_bytes()));
    };
    half(&mut file, &[2, 243]);
    file.extend(1u32.to_le_bytes());
    file.extend([entry, 64, 0].iter().flat_map(|value: &u64| value.to_le_bytes()));
    file.extend(0u32.to_le_bytes());
    half(&mut file, &[64, 56, segments.len() as u16, 64, 0, 0]);
    let mut offset = 64 + 56 * segments.len() as u64;
    for segment in segments {
        let flags = if segment.executable { 5u32 } else { 6 };
        file.extend(1u32.to_le_bytes());
        file.extend(flags.to_le_bytes());
        let numbers =
            [offset, segment.address, segment.address, segment.bytes.len() as u64, segment.length, 4];
        file.extend(numbers.iter().flat_map(|value| value.to_le_bytes()));
        offset += segment.bytes.len() as u64;
    }
    for segment in segments {
        file.extend_from_slice(&segment.bytes);
    }
    file
}

/// A program of this code at [`CODE`], where it begins, and these data.
pub(crate) fn program_with(words: &[u32], data: &[Segment]) -> Arc<Program> {
    let mut segments = vec![Segment::code(CODE, words)];
    segments.extend_from_slice(data);
    Arc::new(Program::from_elf(&elf(CODE, &segments)).unwrap())
}

/// A program of this code at [`CODE`], where it begins.
pub(crate) fn program(words: &[u32]) -> Arc<Program> {
    program_with(words, &[])
}
