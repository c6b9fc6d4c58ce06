//! Random programs by the interpreter, step by step and at once, and by the verifier; and proofs that somebody changed.

use duplex_vm::{BadWitness, Kind, Machine, PartKey, Parts, StateError, Status, StepWitness, verify_step};

use crate::{
    calls,
    random::{DATA, Random},
    world::{Executed, STATEMENT, Store, execute},
};

/// Random programs in one run of the tests.
const PROGRAMS: u64 = 60;
/// Machines in each, and steps of each.
const MACHINES: u64 = 6;
const STEPS: u64 = 40;

/// Runs random machines step by step, and shows every step to `check`.
pub(crate) fn random_steps(
    seeds: std::ops::Range<u64>,
    mut check: impl FnMut(&mut Random, &Executed, &Store),
) -> u64 {
    let store = calls::store();
    let mut steps = 0;
    for seed in seeds {
        let mut random = Random::new(seed);
        let program = random.program();
        for _ in 0..MACHINES {
            let mut machine = random.machine(&program);
            for _ in 0..STEPS {
                let known = |read: PartKey| {
                    read.kind == Kind::Statement || store.0.contains_key(&(read.kind, read.key))
                };
                if !machine.next_read().is_none_or(known) {
                    break;
                }
                let stopped = machine.status() != Status::Running;
                check(&mut random, &execute(&mut machine, &store), &store);
                steps += 1;
                if stopped {
                    break;
                }
            }
        }
    }
    steps
}

#[test]
fn the_verifier_follows_the_interpreter() {
    let mut seen = [0u64; 3];
    let mut memory = 0;
    let steps = random_steps(0..PROGRAMS, |_, executed, _| {
        seen[executed.after.status as usize] += 1;
        memory += u64::from(!executed.witness.memory.is_empty());
    });
    // What was tried is neither all panics nor all arithmetic.

    assert!(steps > 5 * PROGRAMS * MACHINES, "{steps}");
    assert!(seen.iter().all(|count| *count >= 10), "{seen:?}");
    assert!(memory > steps / 20, "{memory} of {steps}");
}

#[test]
fn a_changed_proof_is_refused() {
    random_steps(1000..1000 + PROGRAMS / 4, |random, executed, store| {
        let good = &executed.witness;
        let refuse = |witness: &StepWitness| {
            verify_step(&executed.code_root, &STATEMENT, store, witness).expect_err("it is not the proof")
        };
        for _ in 0..4 {
            let mut bad = good.clone();
            for part in [&mut bad.code, &mut bad.memory] {
                if !part.is_empty() {
                    let at = random.below(part.len() as u64) as usize;
                    part[at] ^= 1 << random.below(8);
                    if random.one_in(2) {
                        break;
                    }
                }
            }
            if bad != *good {
                assert!(matches!(refuse(&bad), BadWitness::CodeRoot(_) | BadWitness::MemoryRoot(_)));
            }
            let mut bad = good.clone();
            let part = if random.one_in(2) { &mut bad.code } else { &mut bad.memory };
            let length = random.pick(&[0, 1, 31, 32, 608, 639, 640, 641, 672, 864, 895, 896, 897, 928]);
            if part.len() != length {
                part.resize(length, 0);
                assert!(matches!(
                    refuse(&bad),
                    BadWitness::CodeLength { .. } | BadWitness::MemoryLength { .. }
                ));
            }
            let mut bad = good.clone();
            bad.state.resize(random.pick(&[0, 32, 304, 306, 610]), 0);
            assert!(matches!(refuse(&bad), BadWitness::State(StateError::Length(_))));
        }
        // Exchanged, if there are both.
        if !good.memory.is_empty() {
            let bad = StepWitness {
                state: good.state.clone(),
                code: good.memory.clone(),
                memory: good.code.clone(),
            };
            refuse(&bad);
        }
    });
}

#[test]
fn a_changed_memory_root_or_address_is_refused() {
    random_steps(2000..2000 + PROGRAMS / 4, |random, executed, store| {
        if executed.witness.memory.is_empty() {
            return;
        }
        let mut bad = executed.witness.clone();
        bad.state[random.below(32) as usize] ^= 1 << random.below(8);
        let refused = verify_step(&executed.code_root, &STATEMENT, store, &bad);
        assert!(matches!(refused, Err(BadWitness::MemoryRoot(_))), "{refused:?}");
    });
}

#[test]
fn another_statement_changes_only_what_reads_it() {
    random_steps(3000..3000 + PROGRAMS / 4, |_, executed, store| {
        let mut other = STATEMENT;
        other.0[0] ^= 1;
        let next = verify_step(&executed.code_root, &other, store, &executed.witness);
        let reads = executed.after.registers[13] == 32 && executed.before.registers[13] == 0;
        assert!(next == Ok(executed.after.hash()) || reads);
    });
}

#[test]
fn running_at_once_is_running_step_by_step() {
    let store = calls::store();
    for seed in 4000..4000 + PROGRAMS {
        let mut random = Random::new(seed);
        let program = random.program();
        let mut single = random.machine(&program);
        let (mut whole, end) = (single.clone(), random.below(200));
        let missing = whole.run(end, &mut store.clone());
        for _ in 0..end {
            if let Err(same) = single.step(&mut store.clone()) {
                assert_eq!(Err(same), missing);
                break;
            }
        }
        assert_eq!(single.state(), whole.state(), "seed {seed}");
        let mut bytes = [vec![0; 4096], vec![0; 4096]];
        for address in DATA {
            single.read_memory(address, &mut bytes[0]);
            whole.read_memory(address, &mut bytes[1]);
            assert_eq!(bytes[0], bytes[1], "seed {seed}");
        }
        assert!(whole.steps() <= end);
    }
}

#[test]
fn a_clone_and_a_snapshot_are_the_machine() {
    let store = calls::store();
    for seed in 5000..5000 + PROGRAMS / 2 {
        let mut random = Random::new(seed);
        let program = random.program();
        let mut machine = random.machine(&program);
        let _ = machine.run(random.below(30), &mut store.clone());
        let mut clone = machine.clone();
        let snapshot = machine.snapshot();
        assert_eq!(snapshot.state(), machine.state());
        let start = machine.state();
        let _ = machine.run(300, &mut store.clone());
        let end = machine.state();
        assert_eq!(clone.state(), start);
        let _ = clone.run(300, &mut store.clone());
        assert_eq!(clone.state(), end);
        let mut third = Machine::from(&snapshot);
        assert_eq!(third.state(), start);
        // Back, with and without the changes hashed.
        machine.restore(&snapshot);
        assert_eq!(machine.state(), start);
        let _ = machine.run(300, &mut store.clone());
        machine.restore(&snapshot);
        let _ = machine.run(300, &mut store.clone());
        assert_eq!(machine.state(), end);
        // To where another machine was.
        let other = random.machine(&program).snapshot();
        third.restore(&other);
        assert_eq!(third.state(), other.state());
        let _ = third.run(50, &mut store.clone());
        third.restore(&snapshot);
        let _ = third.run(300, &mut store.clone());
        assert_eq!(third.state(), end);
    }
}

#[test]
fn parts_are_asked_for_only_by_reads() {
    struct None;
    impl Parts for None {
        fn part(
            &self,
            kind: duplex_vm::Kind,
            _: &alloy_primitives::B256,
            offset: u64,
        ) -> Option<(alloy_primitives::B256, u64)> {
            panic!("asked for kind {kind} at {offset}");
        }
    }
    random_steps(6000..6000 + PROGRAMS / 4, |_, executed, _| {
        let word = executed.before.registers[16];
        if word != duplex_vm::CALL_READ {
            assert_eq!(executed.verify(&None), Ok(executed.after.hash()));
        }
    });
}
