//! The machine against the ISA manual, its verifier, plain models, and attackers.

mod asm;
mod calls;
mod conformance;
mod contract;
mod differential;
mod elf_files;
mod forms;
mod histories;
mod random;
mod table;
mod trees;
mod vectors;
mod world;
