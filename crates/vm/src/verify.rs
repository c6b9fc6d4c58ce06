//! One step, from nothing but its proof: the twin of `RiscvStep.sol`.
//!
//! Written from the reference alone, apart from the interpreter and its decoder, so that they can be compared. Nothing
//! of this crate is used here but the numbers of the calls; it needs no allocation, and of the standard library `core`.

mod arithmetic;

use alloy_primitives::{B256, keccak256};

use self::arithmetic::{alu, alu_32, alu_immediate, alu_immediate_32, branch, jump_distance};
use crate::{
    CALL_EXIT, CALL_READ, CODE_BYTES, CODE_PROOF_BYTES, MEMORY_BYTES, MEMORY_PROOF_BYTES,
    preimages::Kind,
    state::{STATE_BYTES, StateError},
};

/// The proof of a step, as `RiscvStep` on L1 takes it.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct StepWitness {
    /// The state before: 305 bytes. Whoever verifies knows its hash.
    pub state: Vec<u8>,
    /// The code leaf with the instruction and its 19 siblings, from the bottom up: 640 bytes. Empty if the machine is
    /// not running, or `pc` is beyond the code.
    pub code: Vec<u8>,
    /// The memory leaf and its 27 siblings, from the bottom up: 896 bytes, if the instruction is a load or store that
    /// does not panic. Empty otherwise.
    pub memory: Vec<u8>,
}

/// Parts of preimages that are known: what `PreimageOracle` holds on L1.
pub trait Parts {
    /// The 32 bytes at `offset` (a multiple of 32, maybe past the end) of a preimage, zero past its end, and the
    /// preimage's length. Never asked for [`Kind::Statement`].
    fn part(&self, kind: Kind, key: &B256, offset: u64) -> Option<(B256, u64)>;
}

/// No parts at all.
impl Parts for () {
    fn part(&self, _: Kind, _: &B256, _: u64) -> Option<(B256, u64)> {
        None
    }
}

/// Why a step's proof is refused. L1 reverts.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum BadWitness {
    /// Not a state. No machine comes there.
    #[error(transparent)]
    State(#[from] StateError),
    /// Wrong length of the code proof.
    #[error("the code proof has {found} bytes instead of {expected}")]
    CodeLength {
        /// Bytes there should be.
        expected: usize,
        /// Bytes there are.
        found: usize,
    },
    /// The code proof hashes to another root.
    #[error("the code proof leads to root {0}")]
    CodeRoot(B256),
    /// Wrong length of the memory proof.
    #[error("the memory proof has {found} bytes instead of {expected}")]
    MemoryLength {
        /// Bytes there should be.
        expected: usize,
        /// Bytes there are.
        found: usize,
    },
    /// The memory proof hashes to another root.
    #[error("the memory proof leads to root {0}")]
    MemoryRoot(B256),
    /// A part of a preimage is not known.
    #[error("the part at {offset} of the {kind} preimage of {key} is not known")]
    MissingPart {
        /// The preimage's kind.
        kind: Kind,
        /// The preimage's key.
        key: B256,
        /// Offset of the part.
        offset: u64,
    },
}

/// Executes the one step that `witness` proves, and gives the hash of the state after it.
///
/// That `witness.state` is the state that was meant is for the caller to check, by its hash. `code_root` is the
/// program's, `statement` the statement's hash.
pub fn verify_step(
    code_root: &B256,
    statement: &B256,
    parts: &impl Parts,
    witness: &StepWitness,
) -> Result<B256, BadWitness> {
    let state: [u8; STATE_BYTES] =
        witness.state.as_slice().try_into().map_err(|_| StateError::Length(witness.state.len()))?;
    let mut step = Step { state, code_root, statement, parts, witness };
    step.check_state()?;
    if step.state[STATUS] == 0 {
        step.set_number(STEP, step.number(STEP).wrapping_add(1));
        match step.execute()? {
            Outcome::Next => step.set_number(PC, step.number(PC).wrapping_add(4)),
            Outcome::Jump(target) => step.set_number(PC, target),
            Outcome::Exit => {
                step.state[STATUS] = 1;
                step.set_number(EXIT_CODE, step.x(A0));
            }
            Outcome::Panic => step.state[STATUS] = 2,
        }
    } else {
        step.no_code()?;
        step.no_memory()?;
    }
    Ok(keccak256(step.state))
}

// Where the fields of a state begin.
const PC: usize = 32;
const STEP: usize = 40;
const STATUS: usize = 48;
const EXIT_CODE: usize = 49;
const REGISTERS: usize = 57;

// Registers that calls use.
const A0: usize = 10;
const A4: usize = 14;
const A5: usize = 15;
const A7: usize = 17;

/// What an instruction does to `pc` and `status`; all else is done when this is known.
#[derive(Debug, PartialEq, Eq)]
enum Outcome {
    Next,
    Jump(u64),
    Exit,
    Panic,
}

struct Step<'a, P> {
    /// The state before, changed in place into the one after.
    state: [u8; STATE_BYTES],
    code_root: &'a B256,
    statement: &'a B256,
    parts: &'a P,
    witness: &'a StepWitness,
}

impl<P: Parts> Step<'_, P> {
    fn number(&self, at: usize) -> u64 {
        self.state[at..at + 8].iter().fold(0, |number, byte| number << 8 | u64::from(*byte))
    }

    fn set_number(&mut self, at: usize, value: u64) {
        self.state[at..at + 8].copy_from_slice(&value.to_be_bytes());
    }

    fn x(&self, register: usize) -> u64 {
        if register == 0 { 0 } else { self.number(REGISTERS + 8 * (register - 1)) }
    }

    fn set_x(&mut self, register: usize, value: u64) {
        if register != 0 {
            self.set_number(REGISTERS + 8 * (register - 1), value);
        }
    }

    fn check_state(&self) -> Result<(), StateError> {
        let (status, code, pc) = (self.state[STATUS], self.number(EXIT_CODE), self.number(PC));
        if status > 2 {
            return Err(StateError::Status(status));
        }
        if status != 1 && code != 0 {
            return Err(StateError::ExitCode { status, code });
        }
        if pc % 4 != 0 { Err(StateError::ProgramCounter(pc)) } else { Ok(()) }
    }

    fn no_code(&self) -> Result<(), BadWitness> {
        match self.witness.code.len() {
            0 => Ok(()),
            found => Err(BadWitness::CodeLength { expected: 0, found }),
        }
    }

    fn no_memory(&self) -> Result<(), BadWitness> {
        match self.witness.memory.len() {
            0 => Ok(()),
            found => Err(BadWitness::MemoryLength { expected: 0, found }),
        }
    }

    fn execute(&mut self) -> Result<Outcome, BadWitness> {
        let pc = self.number(PC);
        if pc >= CODE_BYTES {
            self.no_code()?;
            self.no_memory()?;
            return Ok(Outcome::Panic);
        }
        self.perform(pc, self.fetch(pc)?)
    }

    /// Executes an instruction, but for `pc` and `status`.
    fn perform(&mut self, pc: u64, word: u32) -> Result<Outcome, BadWitness> {
        let (opcode, funct3) = (word & 0x7f, word >> 12 & 7);
        if opcode == 0x03 || opcode == 0x23 {
            return if opcode == 0x03 { self.load(word, funct3) } else { self.store(word, funct3) };
        }
        self.no_memory()?;
        let rd = (word >> 7 & 31) as usize;
        let (a, b) = (self.x((word >> 15 & 31) as usize), self.x((word >> 20 & 31) as usize));
        let i_imm = (word as i32 >> 20) as u64;
        let u_imm = (word & !0xfff) as i32 as u64;
        let value = match opcode {
            0x37 => Some(u_imm),
            0x17 => Some(pc.wrapping_add(u_imm)),
            0x13 => alu_immediate(word, funct3, a, i_imm),
            0x1b => alu_immediate_32(word, funct3, a as u32, i_imm),
            0x33 => alu(word, funct3, a, b),
            0x3b => alu_32(word, funct3, a as u32, b as u32),
            0x63 => return Ok(branch(word, funct3, pc, a, b)),
            0x6f => return Ok(self.link(rd, pc, pc.wrapping_add(jump_distance(word)))),
            0x67 if funct3 == 0 => return Ok(self.link(rd, pc, a.wrapping_add(i_imm) & !1)),
            0x0f if funct3 == 0 => return Ok(Outcome::Next),
            0x73 if word == 0x73 => return self.call(),
            _ => None,
        };
        Ok(match value {
            Some(value) => {
                self.set_x(rd, value);
                Outcome::Next
            }
            None => Outcome::Panic,
        })
    }

    /// The instruction at `pc`.
    fn fetch(&self, pc: u64) -> Result<u32, BadWitness> {
        let proof: &[u8; CODE_PROOF_BYTES] = self.witness.code.as_slice().try_into().map_err(|_| {
            BadWitness::CodeLength { expected: CODE_PROOF_BYTES, found: self.witness.code.len() }
        })?;
        let (hashes, _) = proof.as_chunks::<32>();
        let root = climb(hashes[0], &hashes[1..], pc / 32);
        if root != *self.code_root {
            return Err(BadWitness::CodeRoot(root));
        }
        let (words, _) = hashes[0].as_chunks::<4>();
        Ok(u32::from_le_bytes(words[(pc / 4 % 8) as usize]))
    }

    fn link(&mut self, rd: usize, pc: u64, target: u64) -> Outcome {
        if target & 3 != 0 {
            return Outcome::Panic;
        }
        self.set_x(rd, pc.wrapping_add(4));
        Outcome::Jump(target)
    }

    /// The memory proof's leaf and siblings, once they are known to lead to the memory's root.
    fn leaf(&self, address: u64) -> Result<([u8; 32], &[[u8; 32]]), BadWitness> {
        let memory = self.witness.memory.as_slice();
        if memory.len() != MEMORY_PROOF_BYTES {
            return Err(BadWitness::MemoryLength { expected: MEMORY_PROOF_BYTES, found: memory.len() });
        }
        let (hashes, _) = memory.as_chunks::<32>();
        let root = climb(hashes[0], &hashes[1..], address / 32);
        if root.as_slice() != &self.state[..32] {
            return Err(BadWitness::MemoryRoot(root));
        }
        Ok((hashes[0], &hashes[1..]))
    }

    fn load(&mut self, word: u32, funct3: u32) -> Result<Outcome, BadWitness> {
        let address = self.x((word >> 15 & 31) as usize).wrapping_add((word as i32 >> 20) as u64);
        let size = 1u64 << (funct3 & 3);
        // Double words have no unsigned form.
        if funct3 == 7 || address >= MEMORY_BYTES || address & (size - 1) != 0 {
            self.no_memory()?;
            return Ok(Outcome::Panic);
        }
        let (leaf, _) = self.leaf(address)?;
        let at = (address % 32) as usize;
        let raw =
            leaf[at..at + size as usize].iter().rev().fold(0u64, |all, byte| all << 8 | u64::from(*byte));
        let unused = 64 - 8 * size as u32;
        let value = if funct3 >= 4 { raw } else { ((raw << unused) as i64 >> unused) as u64 };
        self.set_x((word >> 7 & 31) as usize, value);
        Ok(Outcome::Next)
    }

    fn store(&mut self, word: u32, funct3: u32) -> Result<Outcome, BadWitness> {
        let offset = (word & 0xfe00_0000) | (word << 13 & 0x01f0_0000);
        let address = self.x((word >> 15 & 31) as usize).wrapping_add((offset as i32 >> 20) as u64);
        let size = 1u64 << (funct3 & 3);
        if funct3 > 3 || address >= MEMORY_BYTES || address & (size - 1) != 0 {
            self.no_memory()?;
            return Ok(Outcome::Panic);
        }
        let value = self.x((word >> 20 & 31) as usize).to_le_bytes();
        let (mut leaf, siblings) = self.leaf(address)?;
        let at = (address % 32) as usize;
        leaf[at..at + size as usize].copy_from_slice(&value[..size as usize]);
        let root = climb(leaf, siblings, address / 32);
        self.state[..32].copy_from_slice(root.as_slice());
        Ok(Outcome::Next)
    }

    fn call(&mut self) -> Result<Outcome, BadWitness> {
        match self.x(A7) {
            CALL_EXIT => Ok(Outcome::Exit),
            CALL_READ => self.read(),
            _ => Ok(Outcome::Panic),
        }
    }

    fn read(&mut self) -> Result<Outcome, BadWitness> {
        let offset = self.x(A5);
        if offset & 31 != 0 {
            return Ok(Outcome::Panic);
        }
        let kind = match self.x(A4) {
            0 => Kind::Statement,
            1 => Kind::Keccak,
            2 => Kind::Blob,
            _ => return Ok(Outcome::Panic),
        };
        let (data, length) = if kind == Kind::Statement {
            (if offset == 0 { *self.statement } else { B256::ZERO }, 32)
        } else {
            let mut key = B256::ZERO;
            for (i, limb) in key.chunks_exact_mut(8).enumerate() {
                limb.copy_from_slice(&self.x(A0 + i).to_le_bytes());
            }
            self.parts.part(kind, &key, offset).ok_or(BadWitness::MissingPart { kind, key, offset })?
        };
        let (limbs, _) = data.as_chunks::<8>();
        for (i, limb) in limbs.iter().enumerate() {
            self.set_x(A0 + i, u64::from_le_bytes(*limb));
        }
        self.set_x(A4, length);
        Ok(Outcome::Next)
    }
}

/// The root to which a leaf and its siblings lead.
fn climb(leaf: [u8; 32], siblings: &[[u8; 32]], mut index: u64) -> B256 {
    let mut hash = leaf;
    let mut pair = [0; 64];
    for sibling in siblings {
        let (left, right) = if index & 1 == 0 { (&hash, sibling) } else { (sibling, &hash) };
        pair[..32].copy_from_slice(left);
        pair[32..].copy_from_slice(right);
        hash = keccak256(pair).0;
        index >>= 1;
    }
    B256::from(hash)
}

#[cfg(test)]
mod tests;
