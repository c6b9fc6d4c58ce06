//! The fault-proof program as an ELF for the machine of `docs/fault-proofs.md` §2: bare RV64IM, no
//! operating system, all inputs by preimages.
//!
//! What it computes is `duplex-program`, which runs natively as well. What is here is what a machine
//! needs around it: where things are in memory, an allocator, the two calls, and how it ends:
//!
//! | exit code | |
//! |---|---|
//! | 0 | the statement holds |
//! | 1 | it does not |
//! | 2 | the program panicked, or had no memory left |
//!
//! `cargo xtask guest` builds it and writes `duplex-program.elf`, which is committed.
#![cfg_attr(target_os = "none", no_std, no_main)]

#[cfg(target_os = "none")]
extern crate alloc;

#[cfg(target_os = "none")]
mod calls;
#[cfg(target_os = "none")]
mod heap;
#[cfg(target_os = "none")]
mod keccak;
#[cfg(target_os = "none")]
mod start;

/// Not the machine: there is nothing to do.
#[cfg(not(target_os = "none"))]
fn main() {}
