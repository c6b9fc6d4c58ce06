//! Instructions a second, of a program that sorts, hashes and multiplies in memory.
//!
//! `cargo run --release -p duplex-vm --example speed [ELF]`
#![allow(clippy::print_stdout)]

#[path = "../tests/it/asm.rs"]
mod asm;

use std::{sync::Arc, time::Instant};

use asm::*;
use duplex_vm::{History, Machine, Program, Status, WIDTHS};

/// Words that the program works on.
const WORDS: i32 = 1 << 16;
/// Where they are.
const BASE: i32 = 0x0100_0000;

/// For ever: writes pseudo-random words, then a pass that compares neighbours, exchanges them if need be, and mixes
/// them into a checksum by multiplications.
fn workload() -> Vec<u32> {
    let mut code = Vec::new();
    code.extend(li(S0, BASE));
    code.extend(li(S1, WORDS - 1));
    code.extend(li(A2, 0x5851_f42d));
    code.extend(li(A3, 0x1405_7b7f));
    let again = code.len() as i32;
    // for each word: t2 = t2 * a2 + a3
    code.extend([addi(T0, S0, 0), addi(T1, S1, 0)]);
    code.extend([mul(T2, T2, A2), add(T2, T2, A3), srli(A0, T2, 17), xor(A0, A0, T2), sd(T0, A0, 0)]);
    code.extend([addi(T0, T0, 8), addi(T1, T1, -1), bne(T1, ZERO, -28)]);
    // for each pair
    code.extend([addi(T0, S0, 0), addi(T1, S1, -1)]);
    code.extend([ld(A0, T0, 0), ld(A1, T0, 8), b(6, A0, A1, 12), sd(T0, A1, 0), sd(T0, A0, 8)]);
    code.extend([mulhu(A4, A0, A1), add(A5, A5, A4), lbu(A6, T0, 3), xor(A5, A5, A6), slli(A4, A5, 1)]);
    code.extend([addi(T0, T0, 8), addi(T1, T1, -1), bne(T1, ZERO, -48)]);
    code.push(jal(ZERO, (again - code.len() as i32) * 4));
    code
}

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let program = match std::env::args().nth(1) {
        Some(path) => Arc::new(Program::from_elf(&std::fs::read(path)?)?),
        None => program(&workload()),
    };
    for _ in 0..3 {
        let mut machine = Machine::new(Arc::clone(&program));
        let start = Instant::now();
        machine.run(2_000_000_000, &mut ())?;
        let seconds = start.elapsed().as_secs_f64();
        let million = machine.steps() as f64 / 1e6;
        println!(
            "run      {million:8.0} million steps in {seconds:6.2} s: {:5.0} million/s",
            million / seconds
        );
        if machine.status() != Status::Running {
            let place = program.symbol_at(machine.pc());
            println!("  {:?} {:?} at {:#x} {place:?}", machine.status(), machine.exit_code(), machine.pc());
        }
    }
    let mut machine = Machine::new(Arc::clone(&program));
    machine.run(100 << 24, &mut ())?;
    for width in [WIDTHS[0] >> 4, WIDTHS[1], WIDTHS[2]] {
        let copy = machine.clone();
        let start = Instant::now();
        let history = History::record(copy, width, &mut ())?;
        let seconds = start.elapsed().as_secs_f64();
        let million = 4096.0 * width as f64 / 1e6;
        println!(
            "history  {million:8.3} million steps in {seconds:6.2} s: {:5.0} million/s, {:.1} us a leaf, {}",
            million / seconds,
            seconds / 4096.0 * 1e6,
            history.tree().root()
        );
    }
    Ok(())
}
