//! The verifier and the interpreter, word by word.
//!
//! Hashing is left out where it can be, so that very many words are tried. `VM_ALL_WORDS=1` tries all 2^32 of them
//! (minutes, in release).

use super::*;
use crate::{
    interpreter::{self, Pause, SINK},
    isa::{Instruction, Op},
    memory::Memory,
    tree::Tree,
};

/// Registers with a different number each, all of them addresses of double words that stay such with any immediate.
fn numbers() -> [u64; 32] {
    std::array::from_fn(
        |register| if register == 0 { 0 } else { 0x1_0000 + 0x1_0000_0011_2300 * register as u64 },
    )
}

struct Trial {
    code: [Instruction; 1],
    memory: Memory,
    state: [u8; STATE_BYTES],
    registers: interpreter::Registers,
    witness: StepWitness,
    nothing: StepWitness,
    zero: B256,
}

/// What a word does: how it ends, registers and `pc`.
type Effect = (Outcome, [u64; 32]);

impl Trial {
    fn new() -> Self {
        let tree = Tree::memory();
        let mut state = [0; STATE_BYTES];
        state[..32].copy_from_slice(tree.root().as_slice());
        let mut registers = [0; 256];
        for (register, number) in numbers().into_iter().enumerate().skip(1) {
            let at = REGISTERS + 8 * (register - 1);
            state[at..at + 8].copy_from_slice(&number.to_be_bytes());
            registers[register] = number;
        }
        let witness = StepWitness { memory: tree.proof(0), ..StepWitness::default() };
        let memory = Memory::new(&tree);
        let (code, nothing) = ([Instruction::default()], StepWitness::default());
        Self { code, memory, state, registers, witness, nothing, zero: B256::ZERO }
    }

    /// The address register of loads and stores points to zeros, at 0 when the offset is added.
    fn base(word: u32) -> Option<(usize, u64)> {
        let offset = match word & 0x7f {
            0x03 => word as i32 >> 20,
            0x23 => (word as i32 >> 25 << 5) | (word >> 7 & 31) as i32,
            _ => return None,
        };
        Some(((word >> 15 & 31) as usize, (-offset) as u64))
    }

    fn by_interpreter(&mut self, word: u32) -> Effect {
        let decoded = Instruction::decode(word).unwrap_or_default();
        self.code = [Instruction { rd: if decoded.rd == 0 { SINK } else { decoded.rd }, ..decoded }];
        let mut x = self.registers;
        if let Some((base, value)) = Self::base(word)
            && base != 0
        {
            x[base] = value;
        }
        let mut pc = 0;
        let (pause, _) = interpreter::run(&self.code, &mut x, &mut pc, &mut self.memory, 1);
        let outcome = match pause {
            Pause::Panic => Outcome::Panic,
            // a7 is none of the calls.
            Pause::Call => Outcome::Panic,
            Pause::Done if pc == 4 => Outcome::Next,
            Pause::Done => Outcome::Jump(pc),
        };
        let mut registers = [0; 32];
        registers.copy_from_slice(&x[..32]);
        (outcome, registers)
    }

    fn by_verifier(&mut self, word: u32) -> Effect {
        let mut step = Step {
            state: self.state,
            code_root: &self.zero,
            statement: &self.zero,
            parts: &(),
            witness: &self.witness,
        };
        if let Some((base, value)) = Self::base(word) {
            step.set_x(base, value);
        } else {
            step.witness = &self.nothing;
        }
        let outcome = match step.perform(0, word) {
            Ok(Outcome::Jump(4)) => Outcome::Next,
            Ok(outcome) => outcome,
            // It would not take the proof of memory that the word does not need.
            Err(BadWitness::MemoryLength { expected: 0, .. }) => Outcome::Panic,
            Err(refused) => panic!("{word:#010x}: {refused}"),
        };
        (outcome, std::array::from_fn(|register| step.x(register)))
    }

    fn compare(&mut self, word: u32) {
        let (a, b) = (self.by_interpreter(word), self.by_verifier(word));
        assert_eq!(a, b, "{word:#010x} {:?}", Instruction::decode(word));
        if Instruction::decode(word).is_none() {
            assert_eq!(a.0, Outcome::Panic, "{word:#010x}");
        }
        // A load or store at 0 was written by nobody; keep it so.
        for page in self.memory.take_written() {
            self.memory.clear(page);
        }
    }
}

#[test]
fn every_form_of_every_word_is_decoded_alike() {
    let mut trial = Trial::new();
    for form in 0..1u32 << 17 {
        let (opcode, funct3, funct7) = (form & 0x7f, form >> 7 & 7, form >> 10);
        let word = funct7 << 25 | funct3 << 12 | opcode;
        for [rd, rs1, rs2] in [
            [0, 0, 0],
            [0, 0, 1],
            [1, 0, 0],
            [0, 1, 0],
            [5, 6, 7],
            [5, 5, 5],
            [31, 30, 2],
            [4, 8, 16],
            [17, 3, 31],
        ] {
            trial.compare(word | rd << 7 | rs1 << 15 | rs2 << 20);
        }
    }
    // Each bit of an immediate, and the system instructions in full.
    for opcode in 0..128 {
        for bit in 7..32 {
            trial.compare(opcode | 1 << bit);
            trial.compare(opcode | !0 << bit);
        }
    }
    for upper in 0..1 << 20 {
        trial.compare(0x73 | upper << 12);
    }
}

#[test]
fn all_words_are_decoded_alike() {
    if std::env::var_os("VM_ALL_WORDS").is_none() {
        return;
    }
    let threads = std::thread::available_parallelism().map_or(1, usize::from) as u32;
    std::thread::scope(|scope| {
        for thread in 0..threads {
            scope.spawn(move || {
                let mut trial = Trial::new();
                for word in (thread..=u32::MAX).step_by(threads as usize) {
                    trial.compare(word);
                }
            });
        }
    });
}

#[test]
fn only_the_instructions_of_the_manual_decode() {
    // Of 2^25 words of each opcode, so many are instructions: counted from the manual's tables.
    // Bits that are free: three registers of five; two and an immediate of 12, or an amount of 6 or 5.
    let (r, i, s, b) = (1 << 15, 1 << 22, 1 << 22, 1 << 22);
    let (shift64, shift32) = (1 << 16, 1 << 15);
    let expected = |opcode| match opcode {
        0x37 | 0x17 | 0x6f => 1 << 25,
        0x67 | 0x0f => i,
        0x63 => 6 * b,
        0x03 => 7 * i,
        0x23 => 4 * s,
        0x13 => 6 * i + 3 * shift64,
        0x1b => i + 3 * shift32,
        0x33 => 18 * r,
        0x3b => 10 * r,
        0x73 => 1,
        _ => 0u64,
    };
    let stride = if std::env::var_os("VM_ALL_WORDS").is_some() { 1 } else { 0 };
    for opcode in 0..128u32 {
        let count = match (stride, expected(opcode)) {
            // Without time for all: fields of registers that do not decide are left out.
            (0, _) if opcode != 0x73 => {
                let forms = (0..1u32 << 15).map(|form| (form >> 3) << 20 | (form & 7) << 12 | opcode);
                let free = 1 << 10;
                forms.filter(|word| Instruction::decode(*word).is_some()).count() as u64 * free
            }
            _ => (0..1u32 << 25).filter(|rest| Instruction::decode(rest << 7 | opcode).is_some()).count()
                as u64,
        };
        assert_eq!(count, expected(opcode), "opcode {opcode:#x}");
    }
    assert_eq!(Instruction::decode(0x73).map(|ecall| ecall.op), Some(Op::Ecall));
}
