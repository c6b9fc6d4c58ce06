// What must hold for any bytes. The fuzz targets call it, and so does a test that replays the corpus.

use alloy_primitives::{B256, keccak256};
use duplex_derivation::{Anchor, Batch, Rules};
use duplex_primitives::{
    BatchContent, BatchHeader, Header, L1Message, L2Extra,
    blob::{self, BLOB},
};

const CHAIN_ID: u64 = 42_424;
const LIMIT: u64 = 18_000_000;
const MOST_MESSAGE_GAS: u64 = 10_000_000;

/// A brotli stream that holds bytes as they are: so that changing a byte changes a column and not
/// the compression. At most 65,536 bytes.
pub(crate) fn stored(bytes: &[u8]) -> Vec<u8> {
    let bytes = &bytes[..bytes.len().min(1 << 16)];
    let mut data = vec![0];
    if !bytes.is_empty() {
        // Window of 16 bits, not last, length in four nibbles, uncompressed.
        let head = ((bytes.len() as u32 - 1) << 4) | (1 << 20);
        data.extend_from_slice(&head.to_le_bytes()[..3]);
        data.extend_from_slice(bytes);
        // Last and empty.
        data.push(3);
    } else {
        data.push(6);
    }
    data
}

/// Reading batch data, compressed or as columns.
pub(crate) fn content(bytes: &[u8]) {
    for data in [bytes.to_vec(), stored(bytes)] {
        let Ok(content) = BatchContent::decode(&data, CHAIN_ID) else { continue };
        let encoded = content.encode(CHAIN_ID).expect("what was read can be written");
        assert_eq!(BatchContent::decode(&encoded, CHAIN_ID).as_ref(), Ok(&content));
        if data.get(1..) == stored(bytes).get(1..) {
            let columns = content.columns(CHAIN_ID).expect("what was read can be written");
            assert_eq!(columns, bytes[..bytes.len().min(1 << 16)], "one encoding for each content");
        }
    }
}

/// Reading blobs: the bytes overwrite a part of a valid blob, or of an empty one.
pub(crate) fn blob(bytes: &[u8]) {
    let Some((&[at, mode], rest)) = bytes.split_first_chunk::<2>() else { return };
    let mut blob = match mode % 2 {
        0 => blob::encode(&vec![mode; 1 + usize::from(at) * 496]).expect("it fits")[0].to_vec(),
        _ => vec![0; BLOB],
    };
    let start = if mode & 2 == 0 { 0 } else { usize::from(at) * 512 };
    for (target, byte) in blob[start..].iter_mut().zip(rest) {
        *target = *byte;
    }
    if let Ok(data) = blob::decode(&[&blob]) {
        assert_eq!(blob::encode(&data).expect("what was read can be written")[0][..], blob[..]);
    }
}

struct Input<'a>(&'a [u8]);

impl Input<'_> {
    fn byte(&mut self) -> u64 {
        let Some((first, rest)) = self.0.split_first() else { return 0 };
        self.0 = rest;
        u64::from(*first)
    }
}

fn time_of_l1(number: u64) -> u64 {
    1000 + number * 12
}

fn anchor(number: u64) -> Anchor {
    let header = Header { number, timestamp: time_of_l1(number), ..Default::default() };
    Anchor { number, hash: keccak256(number.to_be_bytes()), header }
}

/// Deriving a batch that the Inbox could have taken, with any data. True if the content is valid.
pub(crate) fn derive(bytes: &[u8]) -> bool {
    let mut input = Input(bytes);
    let parent_extra = L2Extra { anchor_number: 50 + input.byte(), message_count: input.byte() };
    let parent = Header {
        number: input.byte(),
        timestamp: time_of_l1(parent_extra.anchor_number) + input.byte(),
        extra_data: parent_extra.encode(),
        parent_beacon_block_root: Some(B256::repeat_byte(1)),
        ..Default::default()
    };
    let blocks = 1 + input.byte() % 6;
    let anchor_number = parent_extra.anchor_number + input.byte() % 4;
    let mut messages = Vec::new();
    let mut room = blocks * LIMIT;
    for _ in 0..input.byte() % 16 {
        let gas = 21_000 + input.byte() * 39_000;
        let gas = gas.min(MOST_MESSAGE_GAS);
        if gas > room {
            break;
        }
        room -= gas;
        messages.push(L1Message {
            index: parent_extra.message_count + messages.len() as u64,
            from: Default::default(),
            target: Default::default(),
            mint: Default::default(),
            value: Default::default(),
            gas_limit: gas,
            data: Default::default(),
            l1_block: anchor_number.saturating_sub(input.byte() % 4),
            accumulator: B256::with_last_byte(messages.len() as u8),
        });
    }
    let header = BatchHeader {
        index: 1,
        firstBlock: parent.number + 1,
        lastBlock: parent.number + blocks,
        timestamp: parent.timestamp + input.byte(),
        anchorNumber: anchor_number,
        anchorHash: anchor(anchor_number).hash,
        messageCount: parent_extra.message_count + messages.len() as u64,
        ..Default::default()
    };
    let data = if input.byte() % 2 == 0 { stored(input.0) } else { input.0.to_vec() };

    let rules = Rules { chain_id: CHAIN_ID, gas_limit: 30_000_000, message_gas_per_block: LIMIT };
    let batch = Batch::read(&rules, &parent, &header, &data, &messages);
    let needed: Vec<u64> = batch.anchors().collect();
    assert!(needed.is_sorted() && needed.contains(&anchor_number));
    let known = |number: u64| needed.contains(&number).then(|| anchor(number));
    let derived = batch.blocks(known).expect("all anchors that it named were given");

    assert_eq!(derived.blocks.len() as u64, blocks);
    let mut rest = &messages[..];
    let mut before = (parent.timestamp, parent_extra);
    for input in &derived.blocks {
        let (time, l2) = (input.attributes.timestamp, input.attributes.l2);
        assert!(time >= before.0 && time >= time_of_l1(l2.anchor_number), "time never goes back");
        assert!(l2.anchor_number >= before.1.anchor_number && l2.anchor_number <= anchor_number);
        let taken = (l2.message_count - before.1.message_count) as usize;
        let (now, later) = rest.split_at(taken);
        rest = later;
        let gas: u64 = now.iter().map(|message| message.gas_limit).sum();
        assert!(gas < LIMIT + MOST_MESSAGE_GAS, "deposits fit a block");
        let moved = usize::from(l2.anchor_number > before.1.anchor_number);
        assert_eq!(input.forced.len(), moved + taken);
        assert!(input.forced.iter().all(|tx| tx.is_deposit()));
        assert!(!input.transactions.iter().any(|tx| tx.is_deposit()));
        assert!(input.transactions.len() <= rules.max_listed());
        if derived.undecodable.is_some() {
            assert!(input.transactions.is_empty());
        }
        before = (time, l2);
    }
    assert!(rest.is_empty(), "every message is consumed");
    assert_eq!(before.1, L2Extra { anchor_number, message_count: header.messageCount });
    if derived.undecodable.is_none() {
        assert_eq!(before.0, header.timestamp);
    }
    derived.undecodable.is_none()
}
