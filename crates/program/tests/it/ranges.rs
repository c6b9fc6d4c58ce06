//! Runs of batches: what they give, and what they do not prove.

use std::ops::RangeInclusive;

use alloy_primitives::{Address, B256, Bytes, keccak256};
use duplex_program::{
    Bundle, BundleError, Kind, ProgramError, RangeStatement,
    host::{Missing, Preimages, bundle, holds},
    range_output,
};

use crate::world::{Place, Plan, World};

type Output = Result<B256, ProgramError<Missing>>;

/// Three batches: transfers in calldata and in blobs, messages, an empty block, and one whose data is void.
fn world() -> World {
    let mut world = World::new(2, &[]);
    let to = Address::repeat_byte(9);
    let block = |world: &World, anchors, messages| Plan {
        seconds: 12,
        anchors,
        messages,
        transactions: vec![world.call(0, to.into(), 5, 21_000, Bytes::new())],
    };
    world.send(Address::repeat_byte(1), to, 7, 7, 100_000, Bytes::new());
    world.send(Address::repeat_byte(1), to, 0, 0, 100_000, Bytes::from_static(b"hello"));
    let plans = [block(&world, 0, 0), block(&world, 1, 1), Plan::default()];
    world.post(&plans, Place::Calldata);
    let plans = [block(&world, 0, 0)];
    world.post(&plans, Place::Blobs);
    let plans = [Plan { seconds: 12, anchors: 1, messages: 1, transactions: Vec::new() }];
    let void = world.post_as(&plans, Place::Calldata, |data| data[0] ^= 1);
    assert!(void.is_some());
    world
}

fn judge(world: &World, batches: RangeInclusive<usize>, change: impl FnOnce(&mut RangeStatement)) -> Output {
    let mut statement = world.range(batches);
    let mut known = world.range_witness(&statement).0;
    // Whatever else it may want of the chain.
    known.extend(world.node_after(0).known.iter().map(|(key, preimage)| (*key, preimage.clone())));
    for number in 1..=world.chain.head().header.number {
        known.insert_block(&world.chain.header(number).unwrap().unwrap());
    }
    change(&mut statement);
    range_output(&known, &statement)
}

#[test]
fn every_run_of_batches_gives_what_the_chain_has() {
    world().check_ranges();
}

#[test]
fn no_other_batches_follow_a_block() {
    let world = world();
    let hash = |batch: usize| world.batches[batch].hash();
    let output = world.output(5);
    assert!(matches!(judge(&world, 1..=3, |_| {}), Ok(found) if found == output));
    // What is claimed is not looked at.
    assert!(matches!(judge(&world, 1..=3, |s| s.output = B256::ZERO), Ok(found) if found == output));
    // Another parent, the first batch left out, one before it, one that is after the last.
    let not_parent = |found: Output, block, parent| {
        assert!(
            matches!(found, Err(ProgramError::NotParent { block: b, parent: p }) if (b, p) == (block, parent)),
            "{found:?}"
        );
    };
    not_parent(judge(&world, 1..=3, |s| s.parentOutput = world.output(1)), 1, 1);
    not_parent(judge(&world, 1..=3, |s| s.firstBatch = hash(2)), 4, 0);
    not_parent(judge(&world, 2..=3, |s| s.firstBatch = hash(1)), 1, 3);
    let reversed = judge(&world, 1..=3, |s| (s.firstBatch, s.lastBatch) = (hash(3), hash(1)));
    assert!(matches!(reversed, Err(ProgramError::NotBefore { .. })), "{reversed:?}");
    // Batch 0 is genesis.
    not_parent(judge(&world, 1..=1, |s| (s.firstBatch, s.lastBatch) = (hash(0), hash(0))), 0, 0);
    // Headers that the Inbox would never take: of no blocks, with a number left out.
    let forged = |change: fn(&mut duplex_primitives::BatchHeader)| {
        let mut header = world.batches[3].clone();
        change(&mut header);
        let statement = RangeStatement { lastBatch: header.hash(), ..world.range(1..=3) };
        let mut known = world.range_witness(&world.range(1..=3)).0;
        known.insert_batch(&header);
        range_output(&known, &statement)
    };
    let ended = forged(|header| header.lastBlock = header.firstBlock - 1);
    assert!(matches!(ended, Err(ProgramError::NotInBatch { block: 5, .. })), "{ended:?}");
    let skipped = forged(|header| header.index += 1);
    assert!(matches!(skipped, Err(ProgramError::NotBefore { .. })), "{skipped:?}");
    let first = forged(|header| header.index = 0);
    assert!(matches!(first, Err(ProgramError::NotBefore { .. })), "{first:?}");
    // What nobody has.
    for change in [
        (|s| s.firstBatch = keccak256("none")) as fn(&mut RangeStatement),
        |s| s.lastBatch = keccak256("none"),
        |s| s.parentOutput = keccak256("none"),
        |s| s.configHash = keccak256("none"),
    ] {
        assert!(judge(&world, 1..=2, change).is_err());
    }
    // Another chain's rules make other blocks.
    let mut config = world.config;
    config.chain.base_fee.min += 1;
    let statement = RangeStatement { configHash: config.hash(), ..world.range(1..=3) };
    let mut known = world.range_witness(&world.range(1..=3)).0;
    known.insert_config(&config);
    assert!(!matches!(range_output(&known, &statement), Ok(found) if found == output));
}

#[test]
fn nothing_that_was_read_can_be_left_out() {
    let world = world();
    let statement = world.range(1..=3);
    let (witness, output) = world.range_witness(&statement);
    for ((kind, key), _) in witness.iter() {
        let mut rest = witness.clone();
        rest.remove(*kind, key);
        match range_output(&rest, &statement) {
            Err(ProgramError::Oracle(missing)) => assert_eq!((missing.kind, missing.key), (*kind, *key)),
            other => panic!("without {kind:?} {key}: {other:?}"),
        }
    }
    assert!(witness.iter().any(|((kind, _), _)| *kind == Kind::Blob));
    assert_eq!(range_output(&witness, &statement).unwrap(), output);
}

/// A bundle that does not fit the machine's memory at once comes in sections, and none of them can be left out or come later.
#[test]
fn sections_come_in_their_order() {
    let world = world();
    let statement = world.range(1..=3);
    let (sections, output) = world.range_sections(&statement, 1 << 12);
    assert!(sections.len() > 3, "{}", sections.len());
    let (whole, _) = world.range_witness(&statement);
    assert!(sections.iter().map(Preimages::len).sum::<usize>() > whole.len(), "some is read again");
    let run = |sections: &[Preimages]| {
        let bytes = bundle(&statement, sections).unwrap().into();
        range_output(&Bundle::decode(&bytes, holds).unwrap(), &statement)
    };
    assert_eq!(run(&sections).unwrap(), output);
    for at in 0..sections.len() {
        let mut rest = sections.clone();
        rest.remove(at);
        assert!(matches!(run(&rest), Err(ProgramError::Oracle(BundleError::Missing(_)))), "without {at}");
        let mut turned = sections.clone();
        turned.swap(at, (at + 1) % sections.len());
        assert!(matches!(run(&turned), Err(ProgramError::Oracle(BundleError::Missing(_)))), "{at} later");
    }
    // One with more in it than it needs is as good, and so is one after the last.
    let mut more = sections.clone();
    more[0].extend(whole);
    assert_eq!(run(&more).unwrap(), output);
    let mut longer = sections;
    longer.push(Preimages::new());
    assert_eq!(run(&longer).unwrap(), output);
}

#[test]
fn the_public_value_binds_every_field() {
    let base = RangeStatement::default();
    let all = [
        base,
        RangeStatement { configHash: keccak256("1"), ..base },
        RangeStatement { parentOutput: keccak256("1"), ..base },
        RangeStatement { firstBatch: keccak256("1"), ..base },
        RangeStatement { lastBatch: keccak256("1"), ..base },
        RangeStatement { output: keccak256("1"), ..base },
        RangeStatement { prover: Address::repeat_byte(1), ..base },
    ];
    let hashes: std::collections::BTreeSet<B256> = all.iter().map(RangeStatement::hash).collect();
    assert_eq!(hashes.len(), all.len());
}

/// Batches of 1, 10 and 100 transfers: what proving them costs is told by these bundles.
#[test]
fn transfers_by_the_hundred() {
    for count in [1, 10, 100] {
        let mut world = World::new(count, &[]);
        let to = |index: u64| Address::from_word(keccak256(index.to_le_bytes()));
        let transfer = |index| world.call(index, to(index).into(), 5, 21_000, Bytes::new());
        let transactions = (0..count).map(transfer).collect();
        world.post(&[Plan { seconds: 1, transactions, ..Plan::default() }], Place::Calldata);
        world.check_ranges();
        assert_eq!(world.transactions(1) as u64, count);
    }
}
