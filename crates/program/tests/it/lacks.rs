//! What is missing, and what never was.

use alloy_primitives::{B256, Bytes};
use duplex_program::{Kind, Statement, host::Missing, run};

use crate::{
    contracts::{ANCESTOR, STORE, all, words},
    world::{Place, Plan, World, execute, try_execute},
};

/// A world whose third block reads a bit of everything.
fn world(place: Place) -> World {
    let mut world = World::new(1, &all());
    let call = |to: alloy_primitives::Address, input| world.call(0, to.into(), 0, 200_000, input);
    let block = |input: [u64; 2], back| vec![call(STORE, words(&input)), call(ANCESTOR, words(&[back]))];
    let transactions = [block([1, 1], 1), block([2, 2], 2), block([1, 0], 3)];
    world.send(STORE, STORE, 1, 0, 300_000, words(&[3, 3]));
    world.send(STORE, STORE, 1, 0, 300_000, words(&[4, 4]));
    let [first, second, third] =
        transactions.map(|transactions| Plan { seconds: 12, transactions, ..Plan::default() });
    world.post(&[first], place);
    let second = Plan { anchors: 1, messages: 1, ..second };
    world.post(&[second, Plan { messages: 1, ..third }], place);
    world
}

#[test]
fn every_preimage_is_needed_and_named() {
    for place in [Place::Calldata, Place::Blobs] {
        let world = world(place);
        let (witness, holds) = world.witness(&world.statement(3));
        assert!(holds);
        let mut named = std::collections::BTreeSet::new();
        for ((kind, key), _) in witness.iter() {
            let mut less = witness.clone();
            less.remove(*kind, key);
            let error: Missing = run(&less).expect_err("it was read");
            assert_eq!((error.kind, error.key), (*kind, *key));
            named.insert(error.what.split(" of ").next().unwrap_or_default().to_owned());
            let missing = try_execute(less).expect_err("the machine reads it too");
            assert_eq!((missing.kind as u8, missing.key), (*kind as u8, *key));
            assert!(!missing.offered);
        }
        let mut expected = vec![
            "L1 header",
            "L2 header",
            "batch header",
            "code",
            "configuration",
            "message",
            "message accumulator",
            "node",
            "output root",
            "part",
            "statement",
            "statement's hash",
        ];
        if place == Place::Blobs {
            expected.push("blob");
        }
        expected.sort_unstable();
        let named: Vec<_> = named.iter().map(String::as_str).collect();
        assert_eq!(named, expected);
    }
}

/// Statements about other things than this chain's blocks are false; they are no errors, and the
/// machine says the same.
#[test]
fn what_never_was_does_not_hold() {
    let world = world(Place::Calldata);
    let right = world.statement(3);
    let refuted = |what: &str, statement: Statement| {
        let mut known = world.node(&statement).known;
        for number in 0..=3 {
            known.insert_block(&world.chain.header(number).unwrap().unwrap());
        }
        // Nodes and code, too.
        known.extend(
            world
                .witness(&right)
                .0
                .iter()
                .filter(|(key, _)| key.0 == Kind::Keccak)
                .map(|(key, bytes)| (*key, bytes.clone())),
        );
        assert_eq!(run(&known), Ok(false), "{what}");
        assert_eq!(execute(known).0, Some(1), "{what} in the machine");
    };
    refuted("another output", Statement { output: B256::ZERO, ..right });
    refuted("the parent's output", Statement { output: right.parentOutput, ..right });
    refuted("another parent", Statement { parentOutput: world.output(1), ..right });
    refuted("itself as parent", Statement { parentOutput: right.output, ..right });
    refuted("another number", Statement { blockNumber: 2, ..right });
    refuted("a number past the batch", Statement { blockNumber: 4, ..right });
    refuted(
        "a number before the batch",
        Statement { blockNumber: 1, parentOutput: world.output(0), ..right },
    );
    refuted("the batch before", Statement { batchHash: world.batches[1].hash(), ..right });
    refuted("genesis as batch", Statement { batchHash: world.genesis_batch(), ..right });
    refuted("a header as batch", Statement { batchHash: world.chain.head().hash, ..right });
    refuted("a statement as configuration", Statement { configHash: right.batchHash, ..right });
    refuted("a batch as parent", Statement { parentOutput: right.batchHash, ..right });
}

/// Another configuration is another chain.
#[test]
fn configurations_count() {
    let world = world(Place::Blobs);
    let right = world.statement(3);
    let mut other = world.config;
    other.chain.gas_limit -= 1;
    let statement = Statement { configHash: other.hash(), ..right };
    let mut known = world.witness(&right).0;
    known.insert_config(&other);
    known.insert_statement(&statement);
    assert_eq!(run(&known), Ok(false));
    assert_eq!(execute(known).0, Some(1));
}

/// The machine's program has a gibibyte. What needs more ends with exit code 2, and does not go on
/// with what is not there.
#[test]
#[ignore = "takes two gigabytes"]
fn memory_has_an_end() {
    let world = world(Place::Blobs);
    let right = world.statement(3);
    for (bytes, exit) in [(900 << 20, Some(1)), (1 << 30, Some(2))] {
        let mut known = world.witness(&right).0;
        let config = known.insert(Bytes::from(vec![0; bytes]));
        known.insert_statement(&Statement { configHash: config, ..right });
        assert_eq!(execute(known).0, exit, "{bytes} bytes");
    }
}
