//! The RV64IM machine of fault proofs: interpreter, Merkle state, histories, proofs of single steps.
//!
//! `docs/fault-proofs.md` §2 and §3 are the reference. What L1 executes (`RiscvStep.sol`) has two twins here, written
//! apart from each other: the interpreter behind [`Machine`], and [`verify_step`], which sees nothing but the proof of
//! a step.
//!
//! ```text
//! ELF ─▶ Program ─▶ Machine ─▶ State ─▶ hash
//!                      │  └────▶ StepWitness ─▶ verify_step, or L1
//!                      └───────▶ Recorder ─▶ History ─▶ root, children, proofs
//! ```

mod elf;
mod history;
mod interpreter;
mod isa;
mod machine;
mod memory;
mod preimages;
mod program;
#[cfg(feature = "solidity")]
pub mod solidity;
mod state;
mod tree;
mod verify;

pub use elf::ElfError;
pub use history::{History, LEAVES, Progress, Recorder, Stopped, WIDTHS};
pub use isa::{Instruction, Op, register_name};
pub use machine::{Machine, Snapshot};
pub use preimages::{BLOB_BYTES, Kind, Missing, PartKey, Preimages, part};
pub use program::{Program, Undecodable};
pub use state::{STATE_BYTES, State, StateError, Status};
pub use verify::{BadWitness, Parts, StepWitness, verify_step};

/// Bytes of the address space.
pub const MEMORY_BYTES: u64 = 1 << 32;
/// Bytes of the code's address space, which begins at address 0.
pub const CODE_BYTES: u64 = 1 << 24;
/// Bytes of a code proof: a leaf and 19 siblings, from the bottom up.
pub const CODE_PROOF_BYTES: usize = 32 * 20;
/// Bytes of a memory proof: a leaf and 27 siblings, from the bottom up.
pub const MEMORY_PROOF_BYTES: usize = 32 * 28;
/// Steps within which a program must exit: the length of a history of stage 0.
pub const MAX_STEPS: u64 = 1 << 36;
/// Number (in `a7`) of the call that ends the program.
pub const CALL_EXIT: u64 = 93;
/// Number (in `a7`) of the call that reads 32 bytes of a preimage.
pub const CALL_READ: u64 = 0x2000;
