//! Histories against a model that runs and hashes one leaf after the other.

use std::ops::ControlFlow;

use alloy_primitives::{B256, Bytes, keccak256};
use duplex_primitives::tree::{HISTORY_DEPTH, root_from, root_of_opened};
use duplex_vm::{CALL_READ, History, Kind, LEAVES, Machine, Preimages, Recorder, Status, Stopped, WIDTHS};

use crate::{
    asm::*,
    calls::hundred,
    world::{STATEMENT, Store},
};

/// Counts down from t1, writes all over memory as it goes, reads a preimage each time, exits with 3 in the end.
fn counter(rounds: i32) -> Machine {
    let mut code = Vec::new();
    code.extend(li(T1, rounds));
    code.extend(li(S0, 0x0100_0000));
    let again = code.len() as i32;
    code.extend([sd(S0, T1, 0), mul(T0, T1, T1), sb(S0, T0, 4095), add(S0, S0, T0)]);
    // Back into some 16 MiB, at a multiple of 8, away from the begin.
    code.extend([slli(S0, S0, 40), srli(S0, S0, 43), slli(S0, S0, 3), lui(T2, 0x0100_0000), add(S0, S0, T2)]);
    // The hash of `hundred` is at the begin of memory.
    code.extend([ld(A0, ZERO, 0), ld(A1, ZERO, 8), ld(A2, ZERO, 16), ld(A3, ZERO, 24)]);
    code.extend([addi(A4, ZERO, 1), addi(A5, ZERO, 64), lui(A7, CALL_READ as u32), ECALL, xor(S1, S1, A0)]);
    code.extend([addi(T1, T1, -1)]);
    code.push(bne(T1, ZERO, (again - code.len() as i32) * 4));
    code.push(addi(A0, ZERO, 3));
    code.extend(exit());
    let key = Segment::data(0, keccak256(hundred()).as_slice());
    Machine::new(program_with(&code, &[key]))
}

fn store() -> Store {
    Store::default().with_keccak(&hundred())
}

/// The leaves as the reference defines them.
fn model(mut machine: Machine, width: u64) -> Vec<B256> {
    let start = machine.steps();
    (1..=LEAVES as u64)
        .map(|leaf| {
            machine.run(start + leaf * width, &mut store()).unwrap();
            machine.state().hash()
        })
        .collect()
}

fn machine_at(rounds: i32, step: u64) -> Machine {
    let mut machine = counter(rounds);
    machine.run(step, &mut store()).unwrap();
    machine
}

#[test]
fn leaves_are_the_states_at_equal_distances() {
    // It runs on, stops within, stops at once, and has stopped before.
    for (rounds, start, width) in [
        (100_000, 0, 1),
        (100_000, 777, 1),
        (100_000, 5, 37),
        (100, 3, 1),
        (2000, 0, 64),
        (3, 0, 1 << 12),
        (1, 40, 1),
    ] {
        let machine = machine_at(rounds, start);
        let leaves = model(machine.clone(), width);
        let history = History::record(machine, width, &mut store()).unwrap();
        assert_eq!((history.start(), history.width()), (start.min(history.start()), width));
        assert!((0..LEAVES).all(|leaf| history.tree().leaf(leaf as u64) == leaves[leaf]), "{rounds} {width}");
        assert_eq!(history.last().hash(), leaves[LEAVES - 1]);
        assert!(!history.holds());
    }
}

#[test]
fn a_stopped_machine_repeats_its_last_state() {
    let history = History::record(counter(100), 1, &mut store()).unwrap();
    let mut machine = counter(100);
    machine.run(u64::MAX, &mut store()).unwrap();
    let (steps, last) = (machine.steps(), machine.state());
    assert_eq!(history.last(), &last);
    assert_eq!((last.status, last.exit_code), (Status::Exited, 3));
    assert_ne!(history.tree().leaf(steps - 2), last.hash());
    assert!((steps - 1..4096).all(|leaf| history.tree().leaf(leaf) == last.hash()));
    // One that had stopped before.
    let history = History::record(machine, WIDTHS[0], &mut ()).unwrap();
    assert!((0..4096).all(|leaf| history.tree().leaf(leaf) == last.hash()));
}

#[test]
fn only_exit_zero_holds() {
    let ends =
        |words: &[u32]| History::record(Machine::new(program(words)), WIDTHS[0], &mut ()).unwrap().holds();
    let exits = |code: i32| [addi(A0, ZERO, code), addi(A7, ZERO, 93), ECALL];
    assert!(ends(&exits(0)));
    for code in [1, 2, -1, 256] {
        assert!(!ends(&exits(code)), "{code}");
    }
    assert!(!ends(&[0]));
    // It goes on for ever; much sooner than that would be seen in stage 1.
    let forever = Machine::new(program(&[jal(ZERO, 0)]));
    assert!(!History::record(forever, 1, &mut ()).unwrap().holds());
}

#[test]
fn moves_open_what_the_root_commits_to() {
    let tree = History::record(counter(150), 1, &mut store()).unwrap().tree().clone();
    assert_eq!(tree.depth(), HISTORY_DEPTH);
    for leaf in [0, 1, 15, 16, 255, 256, 2047, 2048, 4000, 4095] {
        let proof = tree.proof(leaf);
        assert_eq!(proof.len(), 12);
        assert_eq!(root_from(tree.leaf(leaf), leaf, &proof), tree.root());
        let mut node = tree.root();
        for depth in [0, 4, 8] {
            let opened = tree.opened(depth, leaf >> (12 - depth));
            assert_eq!(root_of_opened(&opened), node);
            node = opened[(leaf >> (8 - depth) & 15) as usize];
        }
        assert_eq!(node, tree.leaf(leaf));
    }
}

#[test]
fn the_machine_comes_back_to_any_leaf() {
    let width = 37;
    let history = History::record(machine_at(100_000, 11), width, &mut store()).unwrap();
    let mut last = history.before(LEAVES, &mut store()).unwrap();
    assert_eq!(&last.state(), history.last());
    for leaf in [0, 1, 2, 63, 64, 127, 128, 129, 1000, 2048, 4094, 4095] {
        let mut machine = history.before(leaf, &mut store()).unwrap();
        assert_eq!(machine.steps(), 11 + leaf as u64 * width);
        if leaf > 0 {
            assert_eq!(machine.state().hash(), history.tree().leaf(leaf as u64 - 1));
        }
        machine.run(11 + (leaf as u64 + 1) * width, &mut store()).unwrap();
        assert_eq!(machine.state().hash(), history.tree().leaf(leaf as u64));
    }
}

#[test]
fn stages_end_in_the_leaf_that_they_are_within() {
    // Short of stage 1's real width by 2^12.
    let outer = History::record(counter(100_000), 1 << 12, &mut store()).unwrap();
    // The last leaf that is not of a stopped machine, and one within.
    for leaf in [100, 439] {
        let start = outer.before(leaf, &mut store()).unwrap();
        let inner = History::record(start, 1, &mut store()).unwrap();
        assert_eq!(inner.tree().leaf(4095), outer.tree().leaf(leaf as u64));
        // L1 executes a step of it.
        let mut machine = inner.before(2000, &mut store()).unwrap();
        assert_eq!(machine.state().hash(), inner.tree().leaf(1999));
        let witness = machine.witness();
        let root = machine.program().code_root();
        let next = duplex_vm::verify_step(&root, &STATEMENT, &store(), &witness).unwrap();
        assert_eq!(next, inner.tree().leaf(2000));
    }
}

/// Refuses every so many times.
struct Slow(Store, u32);

impl Preimages for Slow {
    fn get(&mut self, kind: Kind, key: &B256) -> Option<Bytes> {
        self.1 += 1;
        if self.1.is_multiple_of(2) { self.0.get(kind, key) } else { None }
    }
}

#[test]
fn a_recording_goes_on_where_it_stopped() {
    let wanted = History::record(counter(1000), 5, &mut store()).unwrap();
    let mut recorder = Recorder::new(counter(1000), 5);
    let (mut slow, mut stops, mut leaves) = (Slow(store(), 0), [0, 0], 0);
    let history = loop {
        let progress = |progress: duplex_vm::Progress| {
            assert_eq!(progress.leaves, leaves + 1);
            leaves += 1;
            if leaves.is_multiple_of(300) { ControlFlow::Break(()) } else { ControlFlow::Continue(()) }
        };
        match recorder.run(&mut slow, progress) {
            Ok(history) => break history,
            Err(Stopped::Missing(missing)) => {
                assert_eq!(missing.kind, Kind::Keccak);
                stops[0] += 1;
            }
            Err(Stopped::Interrupted) => stops[1] += 1,
        }
        assert!(stops[0] + stops[1] < 100);
    };
    assert!(stops[0] >= 1 && stops[1] >= 10, "{stops:?}");
    assert_eq!(history.tree(), wanted.tree());
    assert_eq!(history.last(), wanted.last());
    for leaf in [0, 700, 2500] {
        let [mut a, mut b] = [&history, &wanted].map(|history| history.before(leaf, &mut store()).unwrap());
        assert_eq!(a.state(), b.state());
    }
}

#[test]
fn snapshots_keep_no_more_than_they_may() {
    let record = |pages: Option<usize>| {
        let recorder = Recorder::new(counter(2000), 16);
        let mut recorder = match pages {
            Some(pages) => recorder.keep_pages(pages),
            None => recorder,
        };
        recorder.run(&mut store(), |_| ControlFlow::Continue(())).unwrap()
    };
    let free = record(None);
    // Every round writes to two of some 4096 pages, which are often written again.
    assert!(free.pages() > 300, "{}", free.pages());
    for budget in [0, 1, 10, 100, free.pages()] {
        let bounded = record(Some(budget));
        assert!(bounded.pages() <= budget, "{} of {budget}", bounded.pages());
        assert!(bounded.pages() > 0 || budget < free.pages());
        assert_eq!(bounded.tree(), free.tree());
        for leaf in [0, 1000, 2033] {
            let [mut a, mut b] = [&bounded, &free].map(|history| history.before(leaf, &mut store()).unwrap());
            assert_eq!(a.state(), b.state());
        }
    }
}

#[test]
fn a_stride_may_write_to_all_of_memory() {
    // One byte in each page of the first 256 MiB, which are many batches.
    let mut code = vec![lui(S0, 0x0100_0000), lui(T1, 0x1000_0000), lui(T2, 0x1000)];
    code.extend([sb(S0, T2, 5), sb(S0, S0, 7), add(S0, S0, T2), b(6, S0, T1, -12), sb(S0, T1, 1)]);
    code.extend(exit());
    let machine = Machine::new(program(&code));
    let history = History::record(machine.clone(), 1 << 17, &mut ()).unwrap();
    let mut last = machine;
    last.run(u64::MAX, &mut ()).unwrap();
    assert_eq!(last.status(), Status::Exited);
    assert_eq!(history.last(), &last.state());
    assert_eq!(history.tree().leaf(1), last.state().hash());
    assert_ne!(history.tree().leaf(0), last.state().hash());
}
