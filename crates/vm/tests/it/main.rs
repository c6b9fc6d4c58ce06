//! The machine against the ISA manual, its verifier, plain models, and attackers.

mod asm;
mod calls;
mod conformance;
mod table;
mod vectors;
mod world;
