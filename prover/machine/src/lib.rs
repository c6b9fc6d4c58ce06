//! The machine that validity proofs are about, OpenVM with what `prover/guest/openvm.toml` names, and the validity program in it:
//! executed, not proved.
//!
//! `duplex-prover` is this with the proof system. Tests compare executions of every test block with native ones by this alone: what
//! proves takes three times as long to build.

mod compare;
mod config;
mod machine;

pub use compare::CompareArgs;
pub use config::CONFIG;
pub use machine::{Execution, Machine, Program, ProgramArgs, input};
