//! What derivation must give, written without regard to speed, and an L1 to derive from.

use alloy_consensus::{SignableTransaction, TxEip1559};
use alloy_eips::eip7840::BlobParams;
use alloy_primitives::{Address, B256, Bytes, Signature, U256, keccak256};
use duplex_derivation::{Anchor, Batch, BlockInput, Derived, Rules};
use duplex_primitives::{
    BatchContent, BatchHeader, BlockAttributes, Header, L1Message, L2Extra, Transaction, anchor_deposit,
};

pub(crate) const CHAIN: u64 = 42_069;
pub(crate) const LIMIT: u64 = 18_000_000;
/// The queue's `maxMessageGas`.
pub(crate) const LONGEST: u64 = 10_000_000;
pub(crate) const RULES: Rules =
    Rules { chain_id: CHAIN, gas_limit: 30_000_000, message_gas_per_block: LIMIT };

/// An L1 whose block `n` is at 1000 + 12 n.
pub(crate) fn anchor(number: u64) -> Anchor {
    let header = Header {
        number,
        timestamp: l1_time(number),
        mix_hash: keccak256((number + 1).to_be_bytes()),
        base_fee_per_gas: Some(7 + number),
        excess_blob_gas: Some(number << 22),
        ..Default::default()
    };
    Anchor { number, hash: header.hash_slow(), header }
}

pub(crate) const fn l1_time(number: u64) -> u64 {
    1000 + 12 * number
}

/// A message of the queue. What it calls does not matter here, only that each is another.
pub(crate) fn message(index: u64, gas_limit: u64, l1_block: u64) -> L1Message {
    L1Message {
        index,
        from: Address::with_last_byte(index as u8),
        target: Address::repeat_byte(2),
        mint: U256::from(index),
        value: U256::from(3),
        gas_limit,
        data: Bytes::copy_from_slice(&index.to_be_bytes()),
        l1_block,
        accumulator: keccak256(index.to_be_bytes()),
    }
}

/// A user's transaction.
pub(crate) fn transaction(nonce: u64) -> Transaction {
    let tx = TxEip1559 { chain_id: CHAIN, nonce, gas_limit: 21_000, ..Default::default() };
    tx.into_signed(Signature::new(U256::from(nonce + 1), U256::from(9), nonce.is_multiple_of(2))).into()
}

/// An L2 block that batches follow.
pub(crate) fn parent(number: u64, timestamp: u64, l2: L2Extra) -> Header {
    Header {
        number,
        timestamp,
        extra_data: l2.encode(),
        mix_hash: anchor(l2.anchor_number).header.mix_hash,
        parent_beacon_block_root: Some(anchor(l2.anchor_number).hash),
        ..Default::default()
    }
}

pub(crate) fn extra(header: &Header) -> L2Extra {
    L2Extra::decode(&header.extra_data).unwrap()
}

/// The header of the block that these inputs make, as far as the next block's inputs depend on it.
pub(crate) fn sealed(before: &Header, input: &BlockInput) -> Header {
    Header {
        number: before.number + 1,
        timestamp: input.attributes.timestamp,
        extra_data: input.attributes.l2.encode(),
        mix_hash: input.attributes.prev_randao,
        parent_beacon_block_root: Some(input.attributes.beacon_root),
        ..Default::default()
    }
}

/// A block as `docs/protocol.md` describes it.
pub(crate) fn block(
    before: &Header,
    timestamp: u64,
    anchor_number: u64,
    messages: &[L1Message],
    transactions: Vec<Transaction>,
) -> BlockInput {
    let was = extra(before);
    let mut forced = Vec::new();
    let mut attributes = BlockAttributes {
        timestamp,
        prev_randao: before.mix_hash,
        beacon_root: before.parent_beacon_block_root.unwrap(),
        l2: L2Extra { anchor_number, message_count: was.message_count + messages.len() as u64 },
        ..Default::default()
    };
    if anchor_number != was.anchor_number {
        let Anchor { hash, header, .. } = anchor(anchor_number);
        let fee = header.blob_fee(BlobParams::osaka()).unwrap();
        forced.push(anchor_deposit(&header, hash, before.number + 1, fee));
        (attributes.prev_randao, attributes.beacon_root) = (header.mix_hash, hash);
    }
    forced.extend(messages.iter().map(L1Message::to_deposit));
    BlockInput { attributes, forced, transactions }
}

/// A batch that the Inbox took, apart from its data.
#[derive(Debug, Clone)]
pub(crate) struct Taken {
    pub(crate) parent: Header,
    pub(crate) header: BatchHeader,
    pub(crate) messages: Vec<L1Message>,
}

impl Taken {
    /// A batch of `blocks` after `parent` that ends as given.
    pub(crate) fn new(
        parent: &Header,
        blocks: u64,
        timestamp: u64,
        anchor_number: u64,
        messages: &[L1Message],
    ) -> Self {
        let header = BatchHeader {
            index: 1,
            firstBlock: parent.number + 1,
            lastBlock: parent.number + blocks,
            timestamp,
            anchorNumber: anchor_number,
            anchorHash: anchor(anchor_number).hash,
            messageCount: extra(parent).message_count + messages.len() as u64,
            messageAcc: messages.last().map_or(B256::ZERO, |message| message.accumulator),
            ..Default::default()
        };
        Self { parent: parent.clone(), header, messages: messages.to_vec() }
    }

    /// What derivation makes of it. Only the anchors that it asks for are given to it.
    pub(crate) fn derive(&self, data: &[u8]) -> Derived {
        let batch = Batch::read(&RULES, &self.parent, &self.header, data, &self.messages);
        let needed: Vec<u64> = batch.anchors().collect();
        assert!(needed.is_sorted_by(|a, b| a < b), "ascending, each once: {needed:?}");
        batch.blocks(|number| needed.contains(&number).then(|| anchor(number))).unwrap()
    }

    /// The blocks that the content says, if it is valid. All numbers are too wide to overflow.
    pub(crate) fn listed(&self, content: &BatchContent) -> Option<Vec<BlockInput>> {
        let (header, was) = (&self.header, extra(&self.parent));
        let mut before = self.parent.clone();
        let (mut time, mut anchor_number, mut count) =
            (u128::from(before.timestamp), u128::from(was.anchor_number), u128::from(was.message_count));
        let mut inputs = Vec::new();
        for block in &content.blocks {
            let first = usize::try_from(count - u128::from(was.message_count)).ok()?;
            time += u128::from(block.timestamp_delta);
            anchor_number += u128::from(block.anchor_delta);
            count += u128::from(block.messages);
            let last = usize::try_from(count - u128::from(was.message_count)).ok()?;
            let (now, at) = (u64::try_from(time).ok()?, u64::try_from(anchor_number).ok()?);
            let messages = self.messages.get(first..last)?;
            let gas: u128 = messages.iter().map(|message| u128::from(message.gas_limit)).sum();
            let fits = gas <= u128::from(LIMIT) && block.transactions.len() as u64 <= 30_000_000 / 21_000;
            // Past the header's anchor there is none to look at; such content is void anyway.
            if !fits || at > header.anchorNumber || now < l1_time(at) {
                return None;
            }
            inputs.push(self::block(&before, now, at, messages, block.transactions.clone()));
            before = sealed(&before, inputs.last()?);
        }
        let end = (u128::from(header.timestamp), u128::from(header.anchorNumber));
        let whole = before.number == header.lastBlock && count == u128::from(header.messageCount);
        (whole && (time, anchor_number) == end).then_some(inputs)
    }

    /// The default content.
    pub(crate) fn default(&self) -> Vec<BlockInput> {
        let header = &self.header;
        let blocks = (header.lastBlock - header.firstBlock + 1) as usize;
        let mut taken = vec![Vec::new(); blocks];
        let mut at = 0;
        for message in &self.messages {
            let gas = |messages: &[L1Message]| messages.iter().map(|m| m.gas_limit).sum::<u64>();
            while gas(&taken[at]) >= LIMIT {
                at += 1;
            }
            taken[at].push(message.clone());
        }
        let time = header.timestamp.max(self.parent.timestamp).max(l1_time(header.anchorNumber));
        let mut before = self.parent.clone();
        let mut inputs = Vec::new();
        for messages in taken {
            inputs.push(block(&before, time, header.anchorNumber, &messages, Vec::new()));
            before = sealed(&before, &inputs[inputs.len() - 1]);
        }
        inputs
    }

    /// What must hold for every batch that the Inbox takes, whatever its data.
    pub(crate) fn assert_invariants(&self, derived: &Derived) {
        let header = &self.header;
        assert_eq!(derived.blocks.len() as u64, header.lastBlock - header.firstBlock + 1);
        let mut before = self.parent.clone();
        for input in &derived.blocks {
            let (was, is) = (extra(&before), input.attributes.l2);
            assert!(input.attributes.timestamp >= before.timestamp.max(l1_time(is.anchor_number)));
            assert!(is.anchor_number >= was.anchor_number && is.message_count >= was.message_count);
            let gas: u64 = input.forced.iter().map(alloy_consensus::Transaction::gas_limit).sum();
            assert!(gas <= RULES.gas_limit, "deposits with {gas} gas fit a block");
            before = sealed(&before, input);
        }
        let end = L2Extra { anchor_number: header.anchorNumber, message_count: header.messageCount };
        assert_eq!(extra(&before), end);
        let deposits: Vec<_> = derived.blocks.iter().flat_map(|block| &block.forced).cloned().collect();
        let expected: Vec<_> = self.messages.iter().map(L1Message::to_deposit).collect();
        let messages: Vec<_> = deposits.into_iter().filter(|tx| expected.contains(tx)).collect();
        assert_eq!(messages, expected, "every message once, in order");
    }
}
