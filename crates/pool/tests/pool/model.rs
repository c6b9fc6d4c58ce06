//! The pool against its model, through random transactions, blocks, reorganisations and evictions.

use alloy_primitives::{Address, B256, Bytes, U256};
use duplex_pool::{Added, Pool, PoolConfig, PooledTx, SenderState};
use proptest::prelude::*;
use std::{
    collections::{BTreeMap, BTreeSet},
    io,
    time::{Duration, Instant},
};

use crate::{
    common::{address, blob, config, legacy, sign, transfer},
    reference::Model,
};

const SENDERS: u64 = 6;
/// What a transfer costs at a fee cap of one.
const UNIT: u64 = 21_000;

#[derive(Debug, Clone)]
enum Op {
    Add { sender: u64, ahead: u64, fees: (u128, u128), kind: u8, size: usize },
    Block { take: usize, foreign: Option<u64>, money: Vec<(u64, u64)>, base_fee: u64, complete: bool },
    Reorg { base_fee: u64 },
    Remove { index: prop::sample::Index },
    Best { base_fee: u64, blob_fee: u128 },
    Expire,
    Clear,
}

fn op() -> impl Strategy<Value = Op> {
    let add =
        (0..SENDERS, prop_oneof![3 => Just(0u64), 2 => 0u64..5], (0u128..12, 0u128..12), 0u8..8, 0usize..120)
            .prop_map(|(sender, ahead, fees, kind, size)| Op::Add { sender, ahead, fees, kind, size });
    let money = prop::collection::vec((0..SENDERS, 0u64..150), 0..3);
    let block = (0usize..6, prop::option::weighted(0.2, 0..SENDERS), money, 0u64..16, any::<bool>())
        .prop_map(|(take, foreign, money, base_fee, complete)| Op::Block {
            take,
            foreign,
            money,
            base_fee,
            complete,
        });
    prop_oneof![
        30 => add,
        3 => block,
        1 => (0u64..16).prop_map(|base_fee| Op::Reorg { base_fee }),
        1 => any::<prop::sample::Index>().prop_map(|index| Op::Remove { index }),
        2 => (0u64..16, 0u128..4).prop_map(|(base_fee, blob_fee)| Op::Best { base_fee, blob_fee }),
        1 => Just(Op::Expire),
        1 => prop_oneof![9 => Just(Op::Expire), 1 => Just(Op::Clear)],
    ]
}

struct Fixture {
    pool: Pool,
    model: Model,
    start: Instant,
    /// What the pool's answers say is in it, and whether it is pending.
    told: BTreeMap<B256, bool>,
    /// States before each block, and the block's transactions.
    history: Vec<(BTreeMap<Address, SenderState>, Vec<PooledTx>)>,
    /// Makes every transaction distinct.
    serial: u64,
}

impl Fixture {
    fn new(total: usize, bytes: usize) -> Self {
        let config = PoolConfig { per_sender: 6, total, max_bytes: bytes, ..config() };
        let state = SenderState { nonce: 0, balance: U256::from(60 * UNIT), is_contract: false };
        let states = (0..SENDERS).map(|sender| (address(sender), state)).collect();
        let model = Model { config, items: vec![], states, base_fee: 0, last_seq: 0, first_seq: 0 };
        let (told, history) = Default::default();
        Self { pool: Pool::new(config), model, start: Instant::now(), told, history, serial: 0 }
    }

    fn transaction(
        &mut self,
        sender: u64,
        ahead: u64,
        (a, b): (u128, u128),
        kind: u8,
        size: usize,
    ) -> PooledTx {
        let sender = address(sender);
        // Often the next nonce, often the same as one that is there.
        let run = self.model.pending(sender).len() as u64;
        let base = self.model.states[&sender].nonce;
        let nonce = if ahead == 0 { base + run } else { (base + run + ahead).saturating_sub(3) };
        self.serial += 1;
        let value = U256::from(self.serial);
        let tx = match kind {
            0 | 1 => sign(alloy_consensus::TxLegacy { value, ..legacy(sender, nonce, a + b, 21_000) }),
            2 => sign(alloy_consensus::TxEip4844 { value, ..blob(sender, nonce, a + 1, b / 4 + 1, 1) }),
            _ => {
                let mut tx = transfer(sender, nonce, a + b, b);
                tx.value = value;
                tx.input = Bytes::from(vec![0; size]);
                tx.gas_limit = 21_000 + 10 * size as u64;
                sign(tx)
            }
        };
        PooledTx::received_at(tx, sender, self.start)
    }

    fn record(&mut self, hash: B256, added: &Added) {
        assert!(self.told.insert(hash, added.pending).is_none());
        for hash in &added.promoted {
            assert_eq!(self.told.insert(*hash, true), Some(false));
        }
        for hash in added.evicted.iter().chain(&added.replaced) {
            assert!(self.told.remove(hash).is_some());
        }
    }

    fn compare_added(&mut self, tx: &PooledTx, ours: Result<Added, duplex_pool::PoolError>, seq: i64) {
        match (ours, self.model.add(tx, seq)) {
            (Ok(ours), Ok(expected)) => {
                assert_eq!(ours, expected);
                self.record(tx.hash(), &ours);
            }
            (Err(ours), Err(expected)) => {
                assert!(ours.to_string().starts_with(expected), "{ours} {expected}")
            }
            (ours, expected) => panic!("{ours:?} {expected:?}"),
        }
    }

    fn head(&mut self, mined: &[PooledTx], states: &[(Address, SenderState)], complete: bool, base_fee: u64) {
        let ids = mined.iter().map(|tx| (tx.hash(), tx.sender(), tx.nonce()));
        // A caller may name unchanged accounts too.
        let all: Vec<_> = self.model.states.iter().map(|(sender, state)| (*sender, *state)).collect();
        let named = if complete { [&all, states].concat() } else { states.to_vec() };
        let update = self.pool.on_block(ids, named, base_fee);
        let (left, promoted, demoted) = self.model.set_states(states, base_fee.into());
        let sorted = |hashes: &[B256]| hashes.iter().copied().collect::<BTreeSet<_>>();
        let mined = mined.iter().map(PooledTx::hash).filter(|hash| left.contains(hash)).collect();
        assert_eq!(sorted(&update.mined), mined);
        assert_eq!(sorted(&[update.mined, update.stale].concat()), sorted(&left));
        assert_eq!(sorted(&update.promoted), sorted(&promoted));
        assert_eq!(sorted(&update.demoted), sorted(&demoted));
        for hash in &left {
            assert!(self.told.remove(hash).is_some());
        }
        for hash in promoted {
            assert_eq!(self.told.insert(hash, true), Some(false));
        }
        for hash in demoted {
            assert_eq!(self.told.insert(hash, false), Some(true));
        }
    }

    fn block(
        &mut self,
        take: usize,
        foreign: Option<u64>,
        money: &[(u64, u64)],
        base_fee: u64,
        complete: bool,
    ) {
        let at = u64::try_from(self.model.base_fee).unwrap();
        let mined: Vec<PooledTx> = self.pool.best(at, 1).take(take).collect();
        let mut after = self.model.states.clone();
        for tx in &mined {
            let state = after.get_mut(&tx.sender()).unwrap();
            assert_eq!(state.nonce, tx.nonce());
            state.nonce += 1;
            state.balance -= tx.cost();
        }
        if let Some(foreign) = foreign {
            after.get_mut(&address(foreign)).unwrap().nonce += 1;
        }
        for (sender, units) in money {
            let state = after.get_mut(&address(*sender)).unwrap();
            state.balance = U256::from(units * UNIT);
            state.is_contract = *units == 13;
        }
        let before = self.model.states.clone();
        let changed: Vec<_> = after.into_iter().filter(|(sender, state)| before[sender] != *state).collect();
        self.head(&mined, &changed, complete, base_fee);
        self.history.push((before, mined));
    }

    fn apply(&mut self, op: &Op) {
        match op {
            Op::Add { sender, ahead, fees, kind, size } => {
                let tx = self.transaction(*sender, *ahead, *fees, *kind, *size);
                self.model.last_seq += 1;
                let ours = self.pool.add(tx.clone(), |sender| Ok::<_, io::Error>(self.model.states[&sender]));
                self.compare_added(&tx, ours, self.model.last_seq);
            }
            Op::Block { take, foreign, money, base_fee, complete } => {
                self.block(*take, *foreign, money, *base_fee, *complete);
            }
            Op::Reorg { base_fee } => {
                let Some((states, mined)) = self.history.pop() else { return };
                self.head(&[], &states.into_iter().collect::<Vec<_>>(), false, *base_fee);
                let states = self.model.states.clone();
                let answers = self.pool.reinsert(mined.clone(), |sender| Ok::<_, io::Error>(states[&sender]));
                self.model.first_seq -= mined.len() as i64;
                let first = self.model.first_seq;
                for ((tx, ours), seq) in mined.iter().zip(answers).zip(first..) {
                    self.compare_added(tx, ours, seq);
                }
            }
            Op::Remove { index } => {
                if self.model.items.is_empty() {
                    return;
                }
                let hash = index.get(&self.model.items).tx.hash();
                assert_eq!(self.pool.remove(hash).map(|tx| tx.hash()), Some(hash));
                assert!(self.pool.remove(hash).is_none());
                self.model.drop_hash(hash);
                self.told.remove(&hash);
                // The caller knows what it does to later ones.
                let pending = self.model.all_pending();
                self.told.iter_mut().for_each(|(hash, told)| *told &= pending.contains(hash));
            }
            Op::Best { base_fee, blob_fee } => self.compare_best(*base_fee, *blob_fee),
            Op::Expire => {
                assert!(self.pool.expire(self.start).is_empty());
                // Blocks stamp what they promote with the real time.
                let later = Instant::now() + self.model.config.queue_lifetime + Duration::from_secs(1);
                let pending = self.model.all_pending();
                let expired: BTreeSet<_> = self.pool.expire(later).into_iter().collect();
                let queued = self.told.keys().filter(|hash| !pending.contains(*hash)).copied();
                assert_eq!(expired, queued.collect());
                self.told.retain(|hash, _| !expired.contains(hash));
                self.model.items.retain(|item| !expired.contains(&item.tx.hash()));
            }
            Op::Clear => {
                self.pool.clear();
                self.told.clear();
                self.model.items.clear();
            }
        }
    }

    fn compare_best(&self, base_fee: u64, blob_fee: u128) {
        let hashes = |txs: Vec<PooledTx>| txs.iter().map(PooledTx::hash).collect::<Vec<_>>();
        let ours = self.pool.best(base_fee, blob_fee).collect();
        assert_eq!(hashes(ours), hashes(self.model.best(base_fee.into(), blob_fee)));
    }

    fn check(&self) {
        let pending = self.model.all_pending();
        let expected: BTreeMap<_, _> =
            self.model.items.iter().map(|item| (item.tx.hash(), pending.contains(&item.tx.hash()))).collect();
        assert_eq!(self.told, expected);
        let content = self.pool.content();
        let mut ours = BTreeMap::new();
        for (sender, account) in &content {
            let run = account.pending.iter().map(PooledTx::nonce);
            assert!(run.eq((self.model.states[sender].nonce..).take(account.pending.len())));
            let end = self.model.states[sender].nonce + account.pending.len() as u64;
            assert_eq!(self.pool.pending_nonce(*sender), Some(end));
            ours.extend(account.pending.iter().map(|tx| (tx.hash(), true)));
            ours.extend(account.queued.iter().map(|tx| (tx.hash(), false)));
        }
        assert_eq!(ours, expected);
        let status = self.pool.status();
        assert_eq!((status.pending, status.queued), (pending.len(), ours.len() - pending.len()));
        assert_eq!(status.bytes, self.model.bytes());
        assert!(ours.len() <= self.model.config.total && status.bytes <= self.model.config.max_bytes);
        self.compare_best(u64::try_from(self.model.base_fee).unwrap(), 1);
    }
}

proptest! {
    #[test]
    fn pool_is_its_model(
        limits in prop_oneof![Just((100, 1 << 20)), Just((12, 1 << 20)), Just((100, 2_000))],
        ops in prop::collection::vec(op(), 1..120),
    ) {
        let mut fixture = Fixture::new(limits.0, limits.1);
        for op in &ops {
            fixture.apply(op);
            fixture.check();
        }
    }
}
