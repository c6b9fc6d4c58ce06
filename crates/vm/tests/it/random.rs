//! Random programs: mostly instructions, some that almost are; registers where machines go wrong.

use std::sync::Arc;

use alloy_primitives::keccak256;
use duplex_vm::{CALL_EXIT, CALL_READ, Machine, Program};

use crate::{
    asm::{self, CODE, Segment, elf},
    calls,
    table::{B, I, L, MIN, MINW, R, S, TOP, TOPW},
};

/// Where data are: at the begin, in the middle and at the end of memory.
pub(crate) const DATA: [u64; 3] = [0x2000, 0x8000_0000, 0xffff_f000];
/// Instructions of a random program.
pub(crate) const LENGTH: u32 = 64;

/// Random numbers (SplitMix64), so that a seed says all.
#[derive(Debug, Clone)]
pub(crate) struct Random(u64);

impl Random {
    pub(crate) const fn new(seed: u64) -> Self {
        Self(seed)
    }

    pub(crate) const fn number(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let z = (self.0 ^ self.0 >> 30).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        let z = (z ^ z >> 27).wrapping_mul(0x94d0_49bb_1331_11eb);
        z ^ z >> 31
    }

    pub(crate) const fn below(&mut self, end: u64) -> u64 {
        self.number() % end
    }

    /// A number of any length below so many bits.
    pub(crate) const fn up_to_bits(&mut self, bits: u64) -> u64 {
        let end = 1 << self.below(bits);
        self.below(end)
    }

    pub(crate) fn pick<T: Copy>(&mut self, of: &[T]) -> T {
        of[self.below(of.len() as u64) as usize]
    }

    /// One in `n` times.
    pub(crate) const fn one_in(&mut self, n: u64) -> bool {
        self.below(n) == 0
    }

    pub(crate) fn bytes(&mut self, length: usize) -> Vec<u8> {
        (0..length).map(|_| self.number() as u8).collect()
    }

    /// What a register holds: an edge, an address, something small, anything.
    pub(crate) fn register(&mut self) -> u64 {
        match self.below(10) {
            0 | 1 => {
                let edges = [
                    0,
                    1,
                    u64::MAX,
                    MIN,
                    TOP,
                    MINW,
                    TOPW,
                    0x8000_0000,
                    1 << 32,
                    0xffff_ffff_0000_0000,
                    93,
                    CALL_READ,
                ];
                self.pick(&edges)
            }
            2 => self.below(70),
            3 => self.number(),
            4 => self.number() >> self.below(64),
            5 => CODE + self.below(4 * u64::from(LENGTH)),
            _ => (self.pick(&DATA) + self.below(4096)) & !self.pick(&[0, 1, 3, 7, 7, 7, 31]),
        }
    }

    /// A word of a program.
    pub(crate) fn word(&mut self) -> u32 {
        let [mut rd, mut rs1, rs2] = [(); 3].map(|()| self.below(32) as u32);
        // Mostly addresses stay in x1 to x8 ([`Self::machine`]), so that loads and stores find them there.
        if !self.one_in(8) {
            rd |= 8;
        }
        let near = !self.one_in(8);
        let imm = match self.below(4) {
            0 => self.below(4096) as i32 - 2048,
            1 => 0,
            _ => (self.below(16) as i32 - 8) * 8,
        };
        let jump = (self.below(24) as i32 - 8) * 4 + if self.one_in(20) { 2 } else { 0 };
        match self.below(20) {
            0..5 => {
                let (_, opcode, funct3, funct7) = self.pick(&R);
                asm::r(opcode, funct3, funct7, rd, rs1, rs2)
            }
            5..9 => {
                let (_, opcode, funct3, upper) = self.pick(&I);
                let imm = if funct3 & 3 == 1 {
                    upper as i32 | imm & if opcode == 0x13 { 63 } else { 31 }
                } else {
                    imm
                };
                asm::i(opcode, funct3, rd, rs1, imm)
            }
            kind @ 9..15 => {
                if near {
                    rs1 = 1 + rs1 % 8;
                }
                match kind {
                    9..12 => asm::i(0x03, self.pick(&L).1, rd, rs1, imm),
                    _ => asm::s(self.pick(&S).1, rs1, rs2, imm),
                }
            }
            15 | 16 => asm::b(self.pick(&B).1, rs1, rs2, jump),
            17 => match self.below(5) {
                0 => asm::jal(rd, jump),
                1 => asm::jalr(rd, rs1, imm),
                2 => asm::lui(rd, self.number() as u32),
                3 => asm::auipc(rd, self.number() as u32),
                _ => 0x0f | (self.number() as u32 & !0x707f),
            },
            18 => asm::ECALL,
            // Almost: a bit of something else is flipped. Or anything.
            _ if self.one_in(2) => self.word() ^ 1 << self.below(32),
            _ => self.number() as u32,
        }
    }

    /// A program of random words, with random data.
    pub(crate) fn program(&mut self) -> Arc<Program> {
        let words: Vec<u32> = (0..LENGTH).map(|_| self.word()).collect();
        let mut segments = vec![Segment::code(CODE, &words)];
        for address in DATA {
            segments.push(Segment::data(address, &self.bytes(4096)));
        }
        Arc::new(Program::from_elf(&elf(CODE, &segments)).unwrap())
    }

    /// A machine somewhere in such a program. Often about to call, with arguments that often are good.
    pub(crate) fn machine(&mut self, program: &Arc<Program>) -> Machine {
        let mut registers = [0; 31].map(|_: u64| self.register());
        for address in &mut registers[..8] {
            *address = (self.pick(&DATA) + self.below(4096)) & !self.pick(&[0, 7, 7, 7, 7, 31]);
        }
        if self.one_in(2) {
            registers[16] = self.pick(&[CALL_EXIT, CALL_READ, CALL_READ, CALL_READ, CALL_READ]);
            registers[13] = self.pick(&[0, 1, 1, 2, 3]);
            registers[14] = self.pick(&[0, 32, 64, 96, 128, 131_040, 131_072, 1 << 40]);
            let key = if registers[13] == 2 { calls::BLOB } else { keccak256(calls::hundred()) };
            let limbs = key.as_chunks::<8>().0;
            for (register, limb) in registers[9..].iter_mut().zip(limbs) {
                *register = u64::from_le_bytes(*limb);
            }
        }
        let pc = match self.below(50) {
            0 => self.pick(&[0, (1 << 24) - 4, 1 << 24, u64::MAX - 3]),
            _ => CODE + 4 * self.below(LENGTH.into()),
        };
        Machine::at(Arc::clone(program), pc, registers)
    }
}
