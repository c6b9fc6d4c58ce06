//! Which files are programs, and which are not.

use duplex_vm::{ElfError, Program};
use proptest::prelude::*;

use crate::asm::*;

fn good() -> Vec<u8> {
    let data = Segment { length: 5000, ..Segment::data(0x8000_0000, &[1, 2, 3]) };
    elf(CODE, &[Segment::code(CODE, &[addi(A0, ZERO, 1), 0x73]), data])
}

fn with(offset: usize, bytes: &[u8]) -> Result<Program, ElfError> {
    let mut file = good();
    file[offset..offset + bytes.len()].copy_from_slice(bytes);
    Program::from_elf(&file)
}

/// Where the program headers are.
const FIRST: usize = 64;
const SECOND: usize = 64 + 56;

#[test]
fn a_program_is_what_its_segments_hold() {
    let program = Program::from_elf(&good()).unwrap();
    assert_eq!(program.entry(), CODE);
    assert_eq!(program.word(CODE), addi(A0, ZERO, 1));
    let mut machine = duplex_vm::Machine::new(program.into());
    let mut bytes = [9; 5];
    machine.read_memory(0x8000_0000, &mut bytes);
    assert_eq!(bytes, [1, 2, 3, 0, 0]);
    let state = machine.state();
    assert_eq!((state.pc, state.step, state.exit_code, state.registers), (CODE, 0, 0, [0; 31]));
    assert_eq!(state.hash(), machine.program().initial_state_hash());
}

#[test]
fn other_files_are_refused_by_what_is_wrong() {
    let says = |result: Result<Program, ElfError>, words: &str| {
        let error = result.unwrap_err().to_string();
        assert!(error.contains(words), "{error:?} does not say {words:?}");
    };
    assert_eq!(Program::from_elf(b"").unwrap_err(), ElfError::NotElf);
    assert_eq!(Program::from_elf(b"#!/bin/sh\n").unwrap_err(), ElfError::NotElf);
    says(with(4, &[1]), "the class is 1, not 2 (64 bits)");
    says(with(5, &[2]), "the byte order is 2, not 1 (little-endian)");
    says(with(18, &[62, 0]), "the machine is 62, not 243 (RISC-V)");
    says(with(16, &[3, 0]), "the file's type is 3, not 2 (executable; link without PIE)");
    says(with(54, &[57, 0]), "the size of a program header is 57, not 56");
    assert_eq!(with(FIRST, &[2, 0, 0, 0]).unwrap_err(), ElfError::Dynamic);
    assert_eq!(with(SECOND, &[3, 0, 0, 0]).unwrap_err(), ElfError::Dynamic);
    assert_eq!(with(FIRST + 4, &[4, 0, 0, 0]).unwrap_err(), ElfError::NoCode);
    for entry in [CODE - 4, CODE + 2, CODE + 8, 0x8000_0000, u64::MAX - 3] {
        assert_eq!(with(24, &entry.to_le_bytes()).unwrap_err(), ElfError::Entry(entry));
    }
    // Code ends at 2^24, memory at 2^32.
    says(with(FIRST + 16, &0x00ff_fffcu64.to_le_bytes()), "where code must end");
    says(with(SECOND + 16, &0xffff_f000u64.to_le_bytes()), "is beyond 0x100000000");
    says(with(SECOND + 16, &u64::MAX.to_le_bytes()), "is beyond 0x100000000");
    says(with(SECOND + 40, &2u64.to_le_bytes()), "0x3 bytes in the file and 0x2 in memory");
    assert_eq!(with(SECOND + 16, &(CODE + 7).to_le_bytes()).unwrap_err(), ElfError::Overlap(CODE, CODE + 7));
    assert_eq!(
        with(SECOND + 16, &(CODE - 4999).to_le_bytes()).unwrap_err(),
        ElfError::Overlap(CODE - 4999, CODE)
    );
    assert_eq!(with(SECOND + 8, &u64::MAX.to_le_bytes()).unwrap_err(), ElfError::Truncated("a segment"));
    assert_eq!(with(32, &u64::MAX.to_le_bytes()).unwrap_err(), ElfError::Truncated("its program headers"));
    assert_eq!(with(56, &[255, 255]).unwrap_err(), ElfError::Truncated("its program headers"));
}

#[test]
fn segments_may_touch_and_end_where_addresses_end() {
    let code = Segment::code((1 << 24) - 8, &[0x13, 0x13]);
    let next = Segment { executable: true, ..Segment::data(0x100, &[1; 6]) };
    let touches = Segment::data(0x106, &[2; 6]);
    let last = Segment { length: 16, ..Segment::data((1 << 32) - 16, &[3]) };
    let empty = Segment::data(u64::MAX, &[]);
    let file = elf(code.address, &[last, touches, next, code, empty]);
    let program = Program::from_elf(&file).unwrap();
    assert_eq!(program.word((1 << 24) - 4), 0x13);
    // The code's last word is half of the data's, in memory only.
    assert_eq!(program.word(0x104), 0x0101);
    let found: Vec<_> = program.scan().iter().map(|found| (found.address, found.word)).collect();
    assert_eq!(found, [(0x100, 0x0101_0101), (0x104, 0x0101)]);
}

#[test]
fn the_scan_finds_what_is_no_instruction() {
    let words = [addi(A0, ZERO, 1), 0x0010_0073, mul(A0, A0, A0), 0x1005_25af, 0x73, 0x0001_0001];
    let found: Vec<_> = program(&words).scan().iter().map(|found| (found.address, found.word)).collect();
    assert_eq!(found, [(CODE + 4, 0x0010_0073), (CODE + 12, 0x1005_25af), (CODE + 20, 0x0001_0001)]);
}

/// Adds a symbol table: name, address, size, type.
fn with_symbols(symbols: &[(&str, u64, u64, u8)]) -> Vec<u8> {
    let mut file = good();
    let (mut names, mut table) = (vec![0], vec![0; 24]);
    for (name, address, size, kind) in symbols {
        table.extend((names.len() as u32).to_le_bytes());
        table.extend([*kind, 0, 1, 0]);
        table.extend([address.to_le_bytes(), size.to_le_bytes()].concat());
        names.extend(name.as_bytes());
        names.push(0);
    }
    let at = file.len() as u64;
    let section = |kind: u32, offset: u64, length: usize, link: u32| {
        let mut section = vec![0; 64];
        section[4..8].copy_from_slice(&kind.to_le_bytes());
        section[24..32].copy_from_slice(&offset.to_le_bytes());
        section[32..40].copy_from_slice(&(length as u64).to_le_bytes());
        section[40..44].copy_from_slice(&link.to_le_bytes());
        section
    };
    let sections =
        [vec![0; 64], section(2, at, table.len(), 2), section(3, at + table.len() as u64, names.len(), 0)];
    file.extend([table, names].concat());
    let sections_at = file.len() as u64;
    file.extend(sections.concat());
    file[40..48].copy_from_slice(&sections_at.to_le_bytes());
    file[60..62].copy_from_slice(&3u16.to_le_bytes());
    file
}

#[test]
fn symbols_name_places() {
    let file = with_symbols(&[
        ("_ZN4core3fmt5write17h0123456789abcdefE", CODE + 0x10, 8, 2),
        ("_start", CODE, 0, 0),
        ("$x", CODE + 4, 0, 0),
        (".Lloop", CODE + 4, 0, 0),
        ("data", CODE + 4, 4, 1),
    ]);
    let program = Program::from_elf(&file).unwrap();
    let at = |pc| program.symbol_at(pc);
    assert_eq!(at(CODE - 1), None);
    assert_eq!(at(CODE), Some(("_start".into(), 0)));
    assert_eq!(at(CODE + 12), Some(("_start".into(), 12)));
    assert_eq!(at(CODE + 0x14), Some(("core::fmt::write".into(), 4)));
    // Past its end.
    assert_eq!(at(CODE + 0x18), None);
    // Names do not change what a program is.
    let plain = Program::from_elf(&good()).unwrap();
    assert_eq!(plain.code_root(), program.code_root());
    assert_eq!(plain.initial_state_hash(), program.initial_state_hash());
    assert_eq!(plain.symbol_at(CODE), None);
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(2000))]

    /// Whatever a file says, reading it ends, and gives a program or an error.
    #[test]
    fn broken_files_are_read_to_an_end(changes in proptest::collection::vec((any::<prop::sample::Index>(), any::<u8>()), 1..6), end in any::<prop::sample::Index>(), cut in any::<bool>()) {
        let mut file = with_symbols(&[("_start", CODE, 0, 0), ("a", CODE + 4, 4, 2)]);
        for (at, byte) in changes {
            let at = at.index(file.len());
            file[at] = byte;
        }
        if cut {
            file.truncate(end.index(file.len()));
        }
        if let Ok(program) = Program::from_elf(&file) {
            program.scan();
            program.symbol_at(CODE + 4);
        }
    }
}
