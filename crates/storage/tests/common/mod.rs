//! A plain model of the database, and blocks to put into it.
#![allow(dead_code, unreachable_pub, reason = "each test binary uses a part")]

use alloy_primitives::{Address, B256, Bytes, KECCAK256_EMPTY, U256, keccak256};
use alloy_trie::Nibbles;
use duplex_storage::{BlockRecord, Reader};
use duplex_trie::{AccountUpdate, NodeKey, StateAccount};
use std::collections::BTreeMap;

/// The state after one block.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct State {
    pub accounts: BTreeMap<B256, StateAccount>,
    pub slots: BTreeMap<(B256, B256), U256>,
    pub nodes: BTreeMap<NodeKey, Bytes>,
}

/// A chain kept in the plainest way: every block, and a whole state after each.
#[derive(Debug, Clone, Default)]
pub struct Model {
    pub blocks: Vec<BlockRecord>,
    pub states: Vec<State>,
}

impl Model {
    pub fn head(&self) -> Option<u64> {
        (self.blocks.len() as u64).checked_sub(1)
    }

    pub fn commit(&mut self, block: &BlockRecord) {
        let mut state = self.states.last().cloned().unwrap_or_default();
        for (hashed, update) in &block.state {
            match update.account {
                Some(account) => state.accounts.insert(*hashed, account),
                None => state.accounts.remove(hashed),
            };
            if update.wipe_storage {
                state.slots.retain(|(owner, _), _| owner != hashed);
            }
            for (slot, value) in &update.storage {
                state.slots.insert((*hashed, *slot), *value);
            }
        }
        state.slots.retain(|_, value| !value.is_zero());
        for (key, rlp) in &block.nodes {
            match rlp {
                Some(rlp) => state.nodes.insert(key.clone(), rlp.clone()),
                None => state.nodes.remove(key),
            };
        }
        self.blocks.push(block.clone());
        self.states.push(state);
    }

    pub fn unwind(&mut self, to: u64) {
        self.blocks.truncate(to as usize + 1);
        self.states.truncate(to as usize + 1);
    }

    /// How many versions of accounts and of nodes a database keeps that was pruned up to a floor.
    pub fn kept(&self, floor: u64) -> (u64, u64) {
        let mut accounts = BTreeMap::<B256, Vec<(u64, bool)>>::new();
        let mut nodes = BTreeMap::<NodeKey, Vec<(u64, bool)>>::new();
        for block in &self.blocks {
            for (hashed, update) in &block.state {
                accounts.entry(*hashed).or_default().push((block.number, update.account.is_some()));
            }
            for (key, rlp) in &block.nodes {
                nodes.entry(key.clone()).or_default().push((block.number, rlp.is_some()));
            }
        }
        let kept = |versions: &Vec<(u64, bool)>| {
            let at_floor = versions.iter().rfind(|(number, _)| *number <= floor);
            let after = versions.iter().filter(|(number, _)| *number > floor);
            u64::from(at_floor.is_some_and(|(_, exists)| *exists)) + after.count() as u64
        };
        (accounts.values().map(kept).sum(), nodes.values().map(kept).sum())
    }

    /// Compares everything that can be read.
    pub fn compare(&self, reader: &Reader) {
        assert_eq!(reader.head(), self.head());
        for block in &self.blocks {
            compare_block(block, reader);
        }
        let end = self.blocks.len() as u64;
        assert_eq!(reader.header(end).unwrap(), None);
        assert_eq!(reader.body(end).unwrap(), None);
        assert!(reader.account(&account(0), end).is_err());
        for at in reader.history_floor()..end {
            self.states[at as usize].compare(reader, at);
        }
        if let Some(below) = reader.history_floor().checked_sub(1) {
            assert!(reader.account(&account(0), below).is_err());
        }
    }
}

pub fn compare_block(block: &BlockRecord, reader: &Reader) {
    let number = block.number;
    assert_eq!(reader.header(number).unwrap().as_ref(), Some(&block.header));
    assert_eq!(reader.body(number).unwrap().as_ref(), Some(&block.body));
    assert_eq!(reader.receipts(number).unwrap().as_ref(), Some(&block.receipts));
    assert_eq!(reader.senders(number).unwrap().as_ref(), Some(&block.senders));
    assert_eq!(reader.hash_of(number).unwrap(), Some(block.hash));
    assert_eq!(reader.number_of(&block.hash).unwrap(), Some(number));
    for (index, hash) in block.tx_hashes.iter().enumerate() {
        assert_eq!(reader.transaction(hash).unwrap(), Some((number, index as u32)));
    }
    for (hash, code) in &block.codes {
        assert_eq!(reader.code(hash).unwrap().as_ref(), Some(code));
    }
}

impl State {
    pub fn compare(&self, reader: &Reader, at: u64) {
        for index in 0..ACCOUNTS {
            let hashed = account(index);
            assert_eq!(reader.account(&hashed, at).unwrap(), self.accounts.get(&hashed).copied(), "at {at}");
            let mut slots = BTreeMap::new();
            for index in 0..SLOTS {
                let slot = slot(index);
                let value = self.slots.get(&(hashed, slot)).copied().unwrap_or_default();
                assert_eq!(reader.slot(&hashed, &slot, at).unwrap(), value, "at {at}");
                if !value.is_zero() {
                    slots.insert(slot, value);
                }
            }
            assert_eq!(reader.slots(&hashed, at).unwrap(), slots, "at {at}");
        }
        for index in 0..NODES {
            let key = node(index);
            assert_eq!(reader.node(&key, at).unwrap().as_ref(), self.nodes.get(&key), "{key:?} at {at}");
        }
        let accounts: Vec<_> = reader.accounts(at).unwrap().map(Result::unwrap).collect();
        assert!(accounts.iter().map(|(hashed, account)| (hashed, account)).eq(&self.accounts), "at {at}");
    }
}

pub const ACCOUNTS: u64 = 10;
pub const SLOTS: u64 = 5;
pub const NODES: u64 = 16;

pub fn account(index: u64) -> B256 {
    hash(b"account", index)
}

pub fn slot(index: u64) -> B256 {
    hash(b"slot", index)
}

pub fn node(index: u64) -> NodeKey {
    let path = Nibbles::unpack(hash(b"path", index / 4));
    let depth = [0, 1, 2, 7][index as usize % 4];
    NodeKey { owner: (!index.is_multiple_of(3)).then(|| account(index % 3)), path: path.slice(..depth) }
}

fn hash(tag: &[u8], index: u64) -> B256 {
    keccak256([tag, &index.to_be_bytes()].concat())
}

/// A source of numbers that look random and are the same everywhere.
#[derive(Debug, Clone)]
pub struct Dice(pub u64);

impl Dice {
    pub fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut x = self.0;
        x = (x ^ (x >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        x = (x ^ (x >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        x ^ (x >> 31)
    }

    pub fn below(&mut self, end: u64) -> u64 {
        self.next() % end
    }

    fn bytes(&mut self, most: u64) -> Bytes {
        let length = self.below(most + 1);
        (0..length).map(|_| self.next() as u8).collect()
    }
}

/// A block that is a function of its number and a seed.
pub fn block(number: u64, seed: u64) -> BlockRecord {
    let mut dice = Dice(seed ^ number.wrapping_mul(0xd134_2543_de82_ef95));
    let hash = B256::from(U256::from(dice.next()) << 64 | U256::from(number));
    let count = dice.below(4);
    let tx_hashes = (0..count).map(|_| keccak256(dice.next().to_be_bytes())).collect();
    let senders = (0..count).map(|_| Address::from_word(keccak256(dice.next().to_be_bytes()))).collect();
    let mut record = BlockRecord {
        number,
        hash,
        header: dice.bytes(40),
        body: dice.bytes(300),
        receipts: dice.bytes(100),
        senders,
        tx_hashes,
        ..Default::default()
    };
    if dice.below(8) == 0 {
        record.body = vec![dice.next() as u8; 100_000].into();
    }
    for _ in 0..dice.below(6) {
        let existing = dice.below(4) != 0;
        let mut update = AccountUpdate {
            account: existing.then(|| StateAccount {
                nonce: dice.next() >> dice.below(64),
                balance: U256::from(dice.next()) << dice.below(190) as usize,
                code_hash: if dice.below(2) == 0 { KECCAK256_EMPTY } else { keccak256([dice.next() as u8]) },
            }),
            wipe_storage: !existing || dice.below(6) == 0,
            storage: Vec::new(),
        };
        if existing {
            let mut slots: Vec<_> = (0..dice.below(SLOTS)).map(|_| slot(dice.below(SLOTS))).collect();
            slots.sort();
            slots.dedup();
            update.storage = slots.into_iter().map(|slot| (slot, U256::from(dice.below(3)))).collect();
        }
        record.state.insert(account(dice.below(ACCOUNTS)), update);
    }
    let nodes: BTreeMap<_, _> = (0..dice.below(8))
        .map(|_| (node(dice.below(NODES)), (dice.below(4) != 0).then(|| dice.bytes(600))))
        .collect();
    record.nodes = nodes.into_iter().collect();
    if dice.below(4) == 0 {
        let code = dice.bytes(64);
        record.codes.push((keccak256(&code), code));
    }
    record
}
