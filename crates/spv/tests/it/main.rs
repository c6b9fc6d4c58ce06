//! Proofs of real blocks and of made ones, and what must not be taken for one.
#![allow(missing_docs, clippy::print_stdout)]

mod contract;
mod forged;
mod mainnet;
mod storage;
mod vectors;
