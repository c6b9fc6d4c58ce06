//! Every instruction against [`crate::table`], by the interpreter and the verifier.

use duplex_vm::{Status, StepWitness};

use crate::{
    asm::*,
    table::*,
    world::{Executed, Setup, step},
};

/// Where data are.
pub(crate) const DATA: u64 = 0x8000_0000;

/// What a step should come to.
#[derive(Debug, Clone)]
pub(crate) enum Expected {
    /// Only these change: registers, and `pc` to where it says.
    Registers(Vec<(u32, u64)>, u64),
    /// Nothing but `pc += 4` and memory.
    Memory,
    /// A panic.
    Panic,
}

/// A named step and what it should come to.
pub(crate) struct Case {
    pub(crate) name: String,
    pub(crate) setup: Setup,
    pub(crate) expected: Expected,
}

fn case(name: impl Into<String>, setup: Setup, expected: Expected) -> Case {
    Case { name: name.into(), setup, expected }
}

/// The instruction ends at the next one, with `rd` in t0.
fn gives(value: u64) -> Expected {
    Expected::Registers(vec![(T0, value)], CODE + 4)
}

fn arithmetic() -> Vec<Case> {
    let mut cases = Vec::new();
    for &(name, a, b, result) in REGISTERS {
        let (_, opcode, funct3, funct7) = R.into_iter().find(|r| r.0 == name).unwrap();
        let setup = Setup::new(r(opcode, funct3, funct7, T0, T1, T2)).x(T1, a).x(T2, b);
        cases.push(case(format!("{name} {a:#x} {b:#x}"), setup, gives(result)));
    }
    for &(name, a, imm, result) in IMMEDIATES {
        let (_, opcode, funct3, upper) = I.into_iter().find(|i| i.0 == name).unwrap();
        let setup = Setup::new(i(opcode, funct3, T0, T1, imm | upper as i32)).x(T1, a);
        cases.push(case(format!("{name} {a:#x} {imm}"), setup, gives(result)));
    }
    for (imm, value) in [(0, 0), (0x1000, 0x1000), (0x7fff_f000, 0x7fff_f000), (0x8000_0000, MINW)] {
        cases.push(case(format!("lui {imm:#x}"), Setup::new(lui(T0, imm)), gives(value)));
        let value = CODE.wrapping_add(value);
        cases.push(case(format!("auipc {imm:#x}"), Setup::new(auipc(T0, imm)), gives(value)));
    }
    // One register in two or three places.
    let same = Setup::new(add(T0, T0, T0)).x(T0, MIN | 3);
    cases.push(case("add of one register", same, gives(6)));
    let first = Setup::new(r(0x33, 6, 1, T0, T1, T0)).x(T1, 17).x(T0, 5);
    cases.push(case("rem over its divisor", first, gives(2)));
    // x0 reads as zero and keeps nothing.
    let nothing = || Expected::Registers(vec![], CODE + 4);
    cases.push(case("add from x0", Setup::new(add(T0, ZERO, ZERO)), gives(0)));
    cases.push(case("addi to x0", Setup::new(addi(ZERO, T1, 1)), nothing()));
    cases.push(case("mul to x0", Setup::new(mul(ZERO, T1, T2)), nothing()));
    cases.push(case("lui to x0", Setup::new(lui(ZERO, 0x1000)), nothing()));
    for (name, word) in
        [("fence", 0x0ff0_000f), ("fence.tso", 0x8330_000f), ("fence with registers", 0x0ff5_028f)]
    {
        cases.push(case(name, Setup::new(word), nothing()));
    }
    cases
}

fn memory() -> Vec<Case> {
    let mut cases = Vec::new();
    for &(name, offset, value) in LOADS {
        let (_, funct3) = L.into_iter().find(|l| l.0 == name).unwrap();
        let setup = Setup::new(i(0x03, funct3, T0, T1, offset as i32)).x(T1, DATA).data(DATA, &LEAF);
        cases.push(case(format!("{name} at {offset}"), setup, gives(value)));
    }
    let negative = Setup::new(i(0x03, 4, T0, T1, -2048)).x(T1, DATA + 2048).data(DATA, &LEAF);
    cases.push(case("lbu with a negative offset", negative, gives(1)));
    let over = Setup::new(ld(T0, T1, 24)).x(T1, 0u64.wrapping_sub(16)).data(0, &LEAF);
    cases.push(case("ld over the end of the numbers", over, gives(0x0123_4567_89ab_cdef)));
    let to_zero = Setup::new(ld(ZERO, T1, 0)).x(T1, DATA).data(DATA, &LEAF);
    cases.push(case("ld to x0", to_zero, Expected::Registers(vec![], CODE + 4)));
    let own = Setup::new(ld(T0, T0, 8)).x(T0, DATA).data(DATA, &LEAF);
    cases.push(case("ld over its base", own, gives(0x0123_4567_89ab_cdef)));
    let code = Setup::new(lw(T0, T1, 0)).x(T1, CODE);
    cases.push(case("lw of code", code, gives(lw(T0, T1, 0).into())));
    let untouched = Setup::new(ld(T0, T1, 0)).x(T1, 0xffff_fff8);
    cases.push(case("ld of the last double word", untouched, gives(0)));
    for (name, funct3, size) in S {
        for offset in (0..32).step_by(size.max(4)).chain([32 - size]) {
            let setup = Setup::new(s(funct3, T1, T2, offset as i32)).x(T1, DATA);
            let setup = setup.x(T2, 0xf1e2_d3c4_b5a6_9788).data(DATA, &LEAF);
            cases.push(case(format!("{name} at {offset}"), setup, Expected::Memory));
        }
        let last = Setup::new(s(funct3, T1, T2, -1)).x(T1, (1 << 32) + 1 - size as u64);
        cases.push(case(format!("{name} to the last bytes"), last, Expected::Memory));
        let zero = Setup::new(s(funct3, ZERO, ZERO, 0)).data(0, &LEAF);
        cases.push(case(format!("{name} of x0"), zero, Expected::Memory));
        let negative = Setup::new(s(funct3, T1, T2, -2048)).x(T1, DATA + 2048).data(DATA, &LEAF);
        cases.push(case(format!("{name} with a negative offset"), negative, Expected::Memory));
    }
    let accesses = L.map(|(name, funct3)| (name, i(0x03, funct3, T0, T1, 0), 1 << (funct3 & 3)));
    let accesses =
        accesses.into_iter().chain(S.map(|(name, funct3, size)| (name, s(funct3, T1, T2, 0), size)));
    for (name, word, size) in accesses {
        let at = |address| Setup::new(word).x(T1, address).data(DATA, &LEAF);
        for misaligned in 1..size as u64 {
            cases.push(case(
                format!("{name} misaligned by {misaligned}"),
                at(DATA + misaligned),
                Expected::Panic,
            ));
        }
        for beyond in [1 << 32, (1 << 32) + DATA, MIN, 0u64.wrapping_sub(8)] {
            cases.push(case(format!("{name} at {beyond:#x}"), at(beyond), Expected::Panic));
        }
    }
    let to_zero = Setup::new(ld(ZERO, T1, 0)).x(T1, 1 << 32);
    cases.push(case("ld to x0 from beyond", to_zero, Expected::Panic));
    cases
}

fn jumps() -> Vec<Case> {
    let mut cases = Vec::new();
    let goes = |target| Expected::Registers(vec![], target);
    for &(name, a, c, taken) in BRANCHES {
        let (_, funct3) = B.into_iter().find(|b| b.0 == name).unwrap();
        let named = |what: &str| format!("{name} {a:#x} {c:#x}{what}");
        let at = |distance| Setup::new(b(funct3, T1, T2, distance)).x(T1, a).x(T2, c);
        let target = if taken { CODE - 4096 } else { CODE + 4 };
        cases.push(case(named(""), at(-4096), goes(target)));
        let odd = if taken { Expected::Panic } else { goes(CODE + 4) };
        cases.push(case(named(" to half a word"), at(6), odd));
    }
    for distance in [-4096, -4, 0, 4, 8, 2048, 4092] {
        let target = CODE.wrapping_add_signed(distance.into());
        cases.push(case(format!("beq by {distance}"), Setup::new(beq(T1, T1, distance)), goes(target)));
    }
    let below = Setup::new(beq(T1, T1, -8)).at(4);
    cases.push(case("beq below zero", below, goes(0u64.wrapping_sub(4))));
    let at = |pc| Setup::new(jal(RA, 0)).at(pc);
    let linked = |from: u64, target| Expected::Registers(vec![(RA, from + 4)], target);
    for distance in [-1_048_576, -2048, -4, 0, 4, 2048, 4096, 1_048_572] {
        let setup = Setup { word: jal(RA, distance), ..at(0x20_0000) };
        let target = 0x20_0000u64.wrapping_add_signed(distance.into());
        cases.push(case(format!("jal by {distance}"), setup, linked(0x20_0000, target)));
    }
    let mut panics = |name: &str, setup| cases.push(case(name, setup, Expected::Panic));
    panics("jal to half a word", Setup { word: jal(RA, 2), ..at(CODE) });
    panics("jal back to half a word", Setup { word: jal(RA, -1_048_574), ..at(CODE) });
    panics("jalr to half a word", Setup::new(jalr(RA, T1, 2)).x(T1, CODE));
    panics("jalr to half a word and one", Setup::new(jalr(RA, T1, 3)).x(T1, CODE));
    panics("jalr to half a word without link", Setup::new(jalr(ZERO, T1, 0)).x(T1, 6));
    panics("pc at the end of code", at(1 << 24));
    panics("pc beyond code", at(0u64.wrapping_sub(4)));
    cases.push(case("jal below zero", Setup { word: jal(RA, -8), ..at(0) }, linked(0, 0u64.wrapping_sub(8))));
    let last = Setup { word: jal(RA, 8), ..at((1 << 24) - 4) };
    cases.push(case("jal from the last word of code", last, linked((1 << 24) - 4, (1 << 24) + 4)));
    let last = Setup::new(addi(T0, ZERO, 1)).at((1 << 24) - 4);
    cases.push(case("on from the last word of code", last, Expected::Registers(vec![(T0, 1)], 1 << 24)));
    for (name, base, offset, target) in [
        ("jalr", 0x1234_5678u64, 0, 0x1234_5678u64),
        ("jalr clears bit 0", 0x1001, 0, 0x1000),
        ("jalr clears bit 0 of the sum", 0x1000, 5, 0x1004),
        ("jalr back", 0x1000, -2048, 0x800),
        ("jalr below zero", 0, -4, 0u64.wrapping_sub(4)),
        ("jalr over the end of the numbers", 0u64.wrapping_sub(4), 8, 4),
    ] {
        let setup = Setup::new(jalr(RA, T1, offset)).x(T1, base);
        cases.push(case(name, setup, Expected::Registers(vec![(RA, CODE + 4)], target)));
    }
    let own = Setup::new(jalr(T1, T1, 4)).x(T1, 0x1000);
    cases.push(case("jalr over its base", own, Expected::Registers(vec![(T1, CODE + 4)], 0x1004)));
    let lost = Setup::new(jalr(ZERO, T1, 4)).x(T1, 0x1000);
    cases.push(case("jalr without link", lost, goes(0x1004)));
    cases
}

/// All of them.
pub(crate) fn cases() -> Vec<Case> {
    let illegal = ILLEGAL.iter().map(|(name, word)| case(*name, Setup::new(*word), Expected::Panic));
    let mut cases = arithmetic();
    cases.extend(memory());
    cases.extend(jumps());
    cases.extend(illegal);
    cases
}

/// What a step is to leave as it was, or to change, apart from memory.
pub(crate) fn check(name: &str, executed: &Executed, expected: &Expected) {
    let (before, after) = (&executed.before, &executed.after);
    let mut wanted = before.clone();
    wanted.step += 1;
    match expected {
        Expected::Registers(registers, pc) => {
            for (register, value) in registers {
                wanted.registers[*register as usize - 1] = *value;
            }
            wanted.pc = *pc;
        }
        Expected::Memory => (wanted.pc, wanted.memory_root) = (before.pc + 4, after.memory_root),
        Expected::Panic => wanted.status = Status::Panicked,
    }
    assert_eq!(after, &wanted, "{name}");
}

#[test]
fn instructions_do_what_the_manual_says() {
    for Case { name, setup, expected } in cases() {
        let executed = step(&setup);
        check(&name, &executed, &expected);
        let StepWitness { code, memory, .. } = &executed.witness;
        let opcode = setup.word & 0x7f;
        let touches = (opcode == 0x03 || opcode == 0x23) && !matches!(expected, Expected::Panic);
        assert_eq!(memory.len(), if touches { 896 } else { 0 }, "{name}");
        assert_eq!(code.len(), if setup.pc < 1 << 24 { 640 } else { 0 }, "{name}");
    }
}

#[test]
fn every_instruction_is_in_the_table() {
    let names: Vec<String> = cases().into_iter().map(|case| case.name).collect();
    let all = R.iter().chain(&I).map(|row| row.0).chain(L.map(|row| row.0)).chain(S.map(|row| row.0));
    for name in all.chain(B.map(|row| row.0)).chain(["lui", "auipc", "jal", "jalr", "fence"]) {
        assert!(names.iter().filter(|case| case.split(' ').next() == Some(name)).count() >= 2, "{name}");
    }
}

#[test]
fn stores_write_their_bytes_and_no_other() {
    for (_, funct3, size) in S {
        for offset in (0..32).step_by(size) {
            let value = 0xf1e2_d3c4_b5a6_9788u64;
            let setup = Setup::new(s(funct3, T1, T2, offset as i32)).x(T1, DATA).x(T2, value);
            let mut machine = setup.data(DATA, &LEAF).machine();
            machine.step(&mut ()).unwrap();
            let mut wanted = [0; 96];
            wanted[32..64].copy_from_slice(&LEAF);
            wanted[32 + offset..][..size].copy_from_slice(&value.to_le_bytes()[..size]);
            let mut found = [0; 96];
            machine.read_memory(DATA - 32, &mut found);
            assert_eq!(found, wanted, "funct3 {funct3} at {offset}");
        }
    }
}
