//! Each reason for void content, alone, with what is just allowed beside it.

use duplex_derivation::{Anchor, Batch, MissingAnchor, Undecodable};
use duplex_primitives::{BatchContent, BlockContent, ContentError, L2Extra};

use crate::model::{CHAIN, LIMIT, LONGEST, RULES, Taken, anchor, l1_time, message, parent, transaction};

/// Three valid blocks: times 1600, 1624 and 1624 (L1's 50 and 52), two messages each but for the
/// last, and the content that says so.
fn good() -> (Taken, BatchContent) {
    let before = parent(9, l1_time(50), L2Extra { anchor_number: 50, message_count: 4 });
    let gas = [LONGEST, LIMIT - LONGEST, 21_000, 30_000, 40_000];
    let messages: Vec<_> = gas.iter().zip(4..).map(|(gas, i)| message(i, *gas, 50 + (i - 4) / 2)).collect();
    let block = |timestamp_delta, anchor_delta, messages, users| BlockContent {
        timestamp_delta,
        anchor_delta,
        messages,
        transactions: (0..users).map(transaction).collect(),
    };
    let blocks = vec![block(0, 0, 2, 3), block(24, 2, 2, 0), block(0, 0, 1, 1)];
    (Taken::new(&before, 3, l1_time(52), 52, &messages), BatchContent { blocks })
}

#[track_caller]
fn valid(taken: &Taken, content: &BatchContent) {
    let derived = taken.derive(&content.encode(CHAIN).unwrap());
    assert_eq!(derived.undecodable, None);
    assert_eq!(Some(derived.blocks), taken.listed(content));
}

/// The content is void for this reason, and the default content stands for it.
#[track_caller]
fn void(taken: &Taken, content: &BatchContent, why: Undecodable) {
    void_data(taken, &content.encode(CHAIN).unwrap(), why);
}

#[track_caller]
fn void_data(taken: &Taken, data: &[u8], why: Undecodable) {
    let derived = taken.derive(data);
    assert_eq!(derived.undecodable, Some(why));
    assert_eq!(derived.blocks, taken.default());
    taken.assert_invariants(&derived);
}

const fn end(what: &'static str, found: u64, expected: u64) -> Undecodable {
    Undecodable::End { what, found: Some(found), expected }
}

const fn overflow(what: &'static str, expected: u64) -> Undecodable {
    Undecodable::End { what, found: None, expected }
}

#[test]
fn nothing_is_wrong() {
    let (taken, content) = good();
    valid(&taken, &content);
}

#[test]
fn data_that_is_not_a_batch() {
    let (taken, content) = good();
    let data = content.encode(CHAIN).unwrap();
    void_data(&taken, &[], ContentError::Version(None).into());
    void_data(&taken, &[&[1], &data[1..]].concat(), ContentError::Version(Some(1)).into());
    void_data(&taken, &data[..data.len() - 1], ContentError::Compression.into());
    void_data(&taken, &[&data[..], &[0]].concat(), ContentError::Compression.into());
}

#[test]
fn another_number_of_blocks() {
    let (taken, mut content) = good();
    content.blocks.push(BlockContent::default());
    void(&taken, &content, Undecodable::Blocks { found: 4, expected: 3 });
    content.blocks.truncate(2);
    void(&taken, &content, Undecodable::Blocks { found: 2, expected: 3 });
    content.blocks.clear();
    void(&taken, &content, Undecodable::Blocks { found: 0, expected: 3 });
}

#[test]
fn times_that_end_elsewhere() {
    let (taken, good) = good();
    let mut content = good.clone();
    content.blocks[2].timestamp_delta += 1;
    void(&taken, &content, end("time", l1_time(52) + 1, l1_time(52)));
    let mut content = good;
    content.blocks[1].timestamp_delta -= 1;
    void(&taken, &content, end("time", l1_time(52) - 1, l1_time(52)));
}

#[test]
fn anchors_that_end_elsewhere() {
    let (taken, mut content) = good();
    content.blocks[2].anchor_delta = 1;
    void(&taken, &content, end("anchor", 53, 52));
    content.blocks[2].anchor_delta = 0;
    content.blocks[1].anchor_delta = 1;
    void(&taken, &content, end("anchor", 51, 52));
}

#[test]
fn messages_that_end_elsewhere() {
    let (taken, mut content) = good();
    content.blocks[2].messages = 2;
    void(&taken, &content, end("message", 10, 9));
    content.blocks[2].messages = 0;
    void(&taken, &content, end("message", 8, 9));
}

#[test]
fn sums_past_64_bits() {
    let (taken, good) = good();
    for (first, second) in [(u64::MAX, 0), (u64::MAX, 1), (u64::MAX, u64::MAX), (1 << 63, 1 << 63)] {
        let mut content = good.clone();
        (content.blocks[0].timestamp_delta, content.blocks[2].timestamp_delta) = (first, second);
        void(&taken, &content, overflow("time", l1_time(52)));
        let mut content = good.clone();
        (content.blocks[0].anchor_delta, content.blocks[2].anchor_delta) = (first, second);
        void(&taken, &content, overflow("anchor", 52));
        let mut content = good.clone();
        (content.blocks[0].messages, content.blocks[2].messages) = (first, second);
        void(&taken, &content, overflow("message", 9));
    }
    // A sum that wraps around to the right end.
    let mut content = good;
    content.blocks[0].timestamp_delta = u64::MAX;
    content.blocks[1].timestamp_delta = 1;
    content.blocks[2].timestamp_delta = 24;
    void(&taken, &content, overflow("time", l1_time(52)));
}

#[test]
fn more_gas_of_messages_than_a_block_takes() {
    // The first block of `good` has exactly the limit.
    let (mut taken, content) = good();
    taken.messages[1].gas_limit += 1;
    void(&taken, &content, Undecodable::MessageGas { block: 10, gas: LIMIT + 1, limit: LIMIT });
}

#[test]
fn when_a_message_was_sent_does_not_matter() {
    // A message's hash does not bind its L1 block, so a proof could not know it.
    let (mut taken, content) = good();
    for message in &mut taken.messages {
        message.l1_block = 1000;
    }
    valid(&taken, &content);
}

#[test]
fn a_block_that_is_older_than_its_anchor() {
    // The times of `good` are those of the anchors, which is allowed.
    let (mut taken, mut content) = good();
    content.blocks[1].timestamp_delta -= 1;
    content.blocks[2].timestamp_delta += 1;
    let (timestamp, anchor) = (l1_time(52) - 1, l1_time(52));
    void(&taken, &content, Undecodable::BehindAnchor { block: 11, timestamp, anchor });
    // Also if the header's own time is behind; the default content does not follow it there.
    taken.header.timestamp -= 1;
    content.blocks[2].timestamp_delta -= 1;
    void(&taken, &content, Undecodable::BehindAnchor { block: 11, timestamp, anchor });
}

#[test]
fn more_transactions_than_could_fit() {
    let (taken, mut content) = good();
    content.blocks[2].transactions = (0..1428).map(transaction).collect();
    valid(&taken, &content);
    content.blocks[2].transactions.push(transaction(0));
    void(&taken, &content, Undecodable::Transactions { block: 12, found: 1429, limit: 1428 });
}

#[test]
fn anchors_are_named_and_must_be_given() {
    let (taken, mut content) = good();
    let read = |data| Batch::read(&RULES, &taken.parent, &taken.header, data, &taken.messages);
    let data = content.encode(CHAIN).unwrap();
    assert_eq!(read(&data).anchors().collect::<Vec<_>>(), [50, 52]);
    assert_eq!(read(&data).undecodable(), None);
    // Each block moves by one.
    content.blocks[0].anchor_delta = 1;
    content.blocks[1].anchor_delta = 1;
    let data = content.encode(CHAIN).unwrap();
    assert_eq!(read(&data).anchors().collect::<Vec<_>>(), [50, 51, 52]);
    // For the default content that of the end.
    assert_eq!(read(&[]).anchors().collect::<Vec<_>>(), [50, 52]);
    assert!(read(&[]).undecodable().is_some());
    for missing in [50, 51, 52] {
        let known = |number: u64| (number != missing).then(|| anchor(number));
        assert_eq!(read(&data).blocks(known), Err(MissingAnchor(missing)));
    }
    let none = |_| None::<Anchor>;
    assert_eq!(read(&[]).blocks(none), Err(MissingAnchor(52)));
}
