//! Any content gives either what it says or the default content, as the model has it.

use std::{cell::RefCell, collections::BTreeMap};

use duplex_derivation::Undecodable;
use duplex_primitives::{BatchContent, BlockContent, L2Extra};
use proptest::{
    collection::vec,
    prelude::*,
    test_runner::{Config, TestRunner},
};

use crate::model::{CHAIN, LIMIT, LONGEST, Taken, l1_time, message, parent, transaction};

/// What a stranger does to content that fits its header.
#[derive(Debug, Clone)]
enum Mutation {
    Nothing,
    Time(usize, u64),
    Anchor(usize, u64),
    Messages(usize, u64),
    /// Both overflow in sum, so that a sum that wraps would be right.
    Wrap(usize, u8),
    Drop(usize),
    Double(usize),
    Swap(usize),
    Byte(usize, u8),
    Cut(usize),
    Many(usize),
}

fn mutation() -> impl Strategy<Value = Mutation> {
    let at = any::<usize>;
    let delta = || prop_oneof![Just(0), 1..4u64, Just(u64::MAX), any::<u64>()];
    prop_oneof![
        6 => Just(Mutation::Nothing),
        2 => (at(), delta()).prop_map(|(i, d)| Mutation::Time(i, d)),
        2 => (at(), delta()).prop_map(|(i, d)| Mutation::Anchor(i, d)),
        2 => (at(), delta()).prop_map(|(i, d)| Mutation::Messages(i, d)),
        1 => (at(), any::<u8>()).prop_map(|(i, column)| Mutation::Wrap(i, column)),
        1 => at().prop_map(Mutation::Drop),
        1 => at().prop_map(Mutation::Double),
        2 => at().prop_map(Mutation::Swap),
        2 => (at(), any::<u8>()).prop_map(|(i, byte)| Mutation::Byte(i, byte)),
        1 => at().prop_map(Mutation::Cut),
        2 => at().prop_map(Mutation::Many),
    ]
}

/// Blocks: time, anchor, messages by gas limit and by how many L1 blocks before the anchor they were
/// sent, users' transactions.
type Block = (u64, u64, Vec<(u64, u64)>, u64);

fn block() -> impl Strategy<Value = Block> {
    let gas = prop_oneof![3 => 21_000..=3_000_000u64, 1 => Just(LONGEST), 1 => Just(LIMIT / 3)];
    let age = prop_oneof![1 => Just(0), 15 => 1..4u64];
    (0..20u64, prop_oneof![2 => Just(0), 1 => 1..3u64], vec((gas, age), 0..4), 0..3u64)
}

/// A batch that the Inbox took, and its data; and the content, if there is one.
fn case(lead: u64, blocks: Vec<Block>, mutation: &Mutation) -> (Taken, Vec<u8>, Option<BatchContent>) {
    let was = L2Extra { anchor_number: 50, message_count: 7 };
    let before = parent(100, l1_time(50) + lead, was);
    let (mut time, mut anchor, mut sent) = (before.timestamp, was.anchor_number, 0);
    let (mut messages, mut content) = (Vec::new(), BatchContent::default());
    let mut gas = 0;
    let room = LIMIT * blocks.len() as u64;
    for (timestamp_delta, anchor_delta, list, users) in blocks {
        time += timestamp_delta;
        anchor += anchor_delta;
        let count = messages.len();
        for (limit, age) in list {
            gas += limit;
            if gas > room {
                break;
            }
            sent = (anchor + 1).saturating_sub(age).max(sent);
            messages.push(message(was.message_count + messages.len() as u64, limit, sent));
        }
        content.blocks.push(BlockContent {
            timestamp_delta,
            anchor_delta,
            messages: (messages.len() - count) as u64,
            transactions: (0..users).map(transaction).collect(),
        });
    }
    // The Inbox wants the anchor to have every message.
    let late = sent.saturating_sub(anchor);
    anchor += late;
    if let Some(last) = content.blocks.last_mut() {
        last.anchor_delta += late;
    }
    let taken = Taken::new(&before, content.blocks.len() as u64, time, anchor, &messages);
    let data = mutate(&mut content, mutation);
    let content = BatchContent::decode(&data, CHAIN).ok();
    (taken, data, content)
}

fn mutate(content: &mut BatchContent, mutation: &Mutation) -> Vec<u8> {
    let blocks = &mut content.blocks;
    let len = blocks.len();
    match *mutation {
        Mutation::Time(i, delta) => blocks[i % len].timestamp_delta = delta,
        Mutation::Anchor(i, delta) => blocks[i % len].anchor_delta = delta,
        Mutation::Messages(i, delta) => blocks[i % len].messages = delta,
        Mutation::Wrap(i, column) => {
            let part = |block: &mut BlockContent, by: u64| {
                let of = match column % 3 {
                    0 => &mut block.timestamp_delta,
                    1 => &mut block.anchor_delta,
                    _ => &mut block.messages,
                };
                *of = of.wrapping_add(by);
            };
            part(&mut blocks[i % len], u64::MAX);
            part(&mut blocks[(i / 7) % len], 1);
        }
        Mutation::Drop(i) => drop(blocks.remove(i % len)),
        Mutation::Double(i) => blocks.push(blocks[i % len].clone()),
        Mutation::Swap(i) => blocks.swap(i % len, (i / 7) % len),
        Mutation::Many(i) => {
            blocks[i % len].transactions = (0..1427 + i as u64 % 4).map(transaction).collect();
        }
        _ => {}
    }
    let mut data = content.encode(CHAIN).unwrap();
    let len = data.len();
    match *mutation {
        Mutation::Byte(i, byte) => data[i % len] = byte,
        Mutation::Cut(i) => data.truncate(i % len),
        _ => {}
    }
    data
}

const fn name(why: Option<&Undecodable>) -> &'static str {
    match why {
        None => "valid",
        Some(Undecodable::Content(_)) => "content",
        Some(Undecodable::Blocks { .. }) => "blocks",
        Some(Undecodable::End { .. }) => "end",
        Some(Undecodable::MessageGas { .. }) => "message gas",
        Some(Undecodable::Transactions { .. }) => "transactions",
        Some(Undecodable::BehindAnchor { .. }) => "behind anchor",
        Some(_) => "another",
    }
}

#[test]
fn any_content_is_what_the_model_says() {
    let seen = RefCell::new(BTreeMap::<&str, u32>::new());
    let batches = (0..20u64, vec(block(), 1..8), mutation());
    let config = Config { source_file: Some(file!()), ..Config::with_cases(1500) };
    let result = TestRunner::new(config).run(&batches, |(lead, blocks, mutation)| {
        let (taken, data, content) = case(lead, blocks, &mutation);
        let derived = taken.derive(&data);
        taken.assert_invariants(&derived);
        *seen.borrow_mut().entry(name(derived.undecodable.as_ref())).or_default() += 1;
        let listed = content.and_then(|content| taken.listed(&content));
        prop_assert_eq!(derived.undecodable.is_none(), listed.is_some(), "{:?}", derived.undecodable);
        prop_assert_eq!(derived.blocks, listed.unwrap_or_else(|| taken.default()));
        Ok(())
    });
    result.unwrap();
    // Each way was taken, else this test shows less than it seems to.
    let seen = seen.into_inner();
    for kind in ["valid", "content", "blocks", "end", "message gas", "transactions", "behind anchor"] {
        assert!(seen.get(kind).is_some_and(|count| *count >= 5), "{kind}: {seen:?}");
    }
}

#[test]
fn the_default_content_takes_every_message_whatever_their_gas() {
    // Blocks that are filled as badly as can be: a little less than the limit, then a long one.
    let shapes: [&[u64]; 4] = [
        &[LIMIT - LONGEST + 1, LONGEST],
        &[LONGEST, LONGEST - 1, LONGEST],
        &[LONGEST, LIMIT - LONGEST - 1, LONGEST],
        &[LONGEST; 9],
    ];
    for shape in shapes {
        for blocks in 1..12u64 {
            let (mut messages, mut gas) = (Vec::new(), 0);
            for limit in shape.iter().cycle() {
                gas += limit;
                if gas > LIMIT * blocks {
                    break;
                }
                messages.push(message(messages.len() as u64, *limit, 50));
            }
            let before = parent(1, l1_time(50), L2Extra { anchor_number: 50, message_count: 0 });
            let taken = Taken::new(&before, blocks, l1_time(51), 51, &messages);
            let derived = taken.derive(&[]);
            taken.assert_invariants(&derived);
            assert_eq!(derived.blocks, taken.default());
        }
    }
}
