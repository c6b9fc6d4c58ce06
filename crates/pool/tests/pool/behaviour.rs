//! What happens to transactions after they were admitted.

use duplex_pool::{Pool, PoolConfig, PooledTx};
use std::time::{Duration, Instant};

use crate::common::{RICH, add, add_at, address, blob, config, funded, sign, transfer, tx};

fn nonces(txs: &[PooledTx]) -> Vec<u64> {
    txs.iter().map(PooledTx::nonce).collect()
}

#[test]
fn closing_a_gap_promotes() {
    let pool = Pool::new(config());
    assert!(!add(&pool, &tx(0, 1, 10, 1)).unwrap().pending);
    assert!(!add(&pool, &tx(0, 2, 10, 1)).unwrap().pending);
    assert!(!add(&pool, &tx(0, 4, 10, 1)).unwrap().pending);
    assert_eq!(pool.pending_nonce(address(0)), Some(0));
    let added = add(&pool, &tx(0, 0, 10, 1)).unwrap();
    assert!(added.pending);
    assert_eq!(added.promoted, [tx(0, 1, 10, 1).hash(), tx(0, 2, 10, 1).hash()]);
    assert_eq!(pool.pending_nonce(address(0)), Some(3));
    assert_eq!(pool.pending_nonce(address(1)), None);
    let content = pool.content_from(address(0));
    assert_eq!((nonces(&content.pending), nonces(&content.queued)), (vec![0, 1, 2], vec![4]));
    assert_eq!((pool.status().pending, pool.status().queued), (3, 1));
    pool.remove(tx(0, 1, 10, 1).hash()).unwrap();
    let content = pool.content_from(address(0));
    assert_eq!((nonces(&content.pending), nonces(&content.queued)), (vec![0], vec![2, 4]));
    pool.clear();
    assert_eq!(pool.status(), Default::default());
    assert_eq!(pool.best(0, 0).count(), 0);
}

#[test]
fn best_goes_by_tip_and_arrival_and_nonce() {
    let pool = Pool::new(config());
    for tx in [tx(0, 0, 100, 1), tx(0, 1, 100, 50), tx(1, 0, 100, 5), tx(2, 0, 100, 5), tx(3, 0, 52, 52)] {
        add(&pool, &tx).unwrap();
    }
    let order =
        |base_fee| pool.best(base_fee, 0).map(|tx| (tx.sender()[19] - 1, tx.nonce())).collect::<Vec<_>>();
    assert_eq!(order(10), [(3, 0), (1, 0), (2, 0), (0, 0), (0, 1)]);
    // At 50 the legacy one has a tip of 2 left, at 53 it cannot pay.
    assert_eq!(order(50), [(1, 0), (2, 0), (3, 0), (0, 0), (0, 1)]);
    assert_eq!(order(53), [(1, 0), (2, 0), (0, 0), (0, 1)]);
    assert_eq!(order(101), []);
}

#[test]
fn skipping_a_sender_leaves_its_rest() {
    let pool = Pool::new(config());
    for nonce in 0..3 {
        add(&pool, &tx(0, nonce, 100, 9)).unwrap();
        add(&pool, &tx(1, nonce, 100, 5)).unwrap();
        add(&pool, &tx(2, nonce, 100, 1)).unwrap();
    }
    let mut best = pool.best(1, 0);
    let mut order = Vec::new();
    while let Some(tx) = best.next() {
        order.push((tx.sender()[19] - 1, tx.nonce()));
        match order.len() {
            2 => best.skip_sender(address(0)),
            // Before it has come up.
            3 => best.skip_sender(address(2)),
            _ => {}
        }
    }
    assert_eq!(order, [(0, 0), (0, 1), (1, 0), (1, 1), (1, 2)]);
    assert_eq!(pool.status().pending, 9);
}

#[test]
fn best_survives_changes_meanwhile() {
    let pool = Pool::new(config());
    for sender in 0..200 {
        add(&pool, &tx(sender, 0, 1_000, 1_000 - u128::from(sender))).unwrap();
    }
    let mut best = pool.best(0, 0);
    for sender in 0..200 {
        // The next one's price falls behind, rises, or it goes and comes back.
        let tx = best.next().unwrap();
        assert_eq!((tx.sender(), tx.nonce()), (address(sender), 0));
        if sender < 100 {
            add(&pool, &crate::common::tx(sender, 1, 2, 1)).unwrap();
            add(&pool, &crate::common::tx(sender, 0, 5_000, 5_000)).unwrap();
        }
    }
    let rest: Vec<_> = best.map(|tx| (tx.sender(), tx.nonce())).collect();
    assert!(rest.iter().all(|(_, nonce)| *nonce == 1));
    assert!(!rest.is_empty());
}

#[test]
fn best_gives_nothing_twice_when_a_block_comes_meanwhile() {
    let pool = Pool::new(config());
    for sender in 0..200 {
        add(&pool, &tx(sender, 0, 1_000, 1_000 - u128::from(sender))).unwrap();
        add(&pool, &tx(sender, 1, 1_000, 1 + u128::from(sender % 3))).unwrap();
    }
    let mut best = pool.best(0, 0);
    let block: Vec<_> = best.by_ref().take(100).collect();
    let mined = block.iter().map(|tx| (tx.hash(), tx.sender(), tx.nonce()));
    pool.on_block(mined, [], 0);
    // The second ones of those senders are heads now, and they also follow the first.
    let mut all: Vec<_> = block.into_iter().chain(best).map(|tx| (tx.sender(), tx.nonce())).collect();
    all.sort_unstable();
    assert_eq!(
        all,
        (0..200).flat_map(|sender| [0, 1].map(|nonce| (address(sender), nonce))).collect::<Vec<_>>()
    );
}

#[test]
fn blob_fee_holds_back_blobs_and_what_follows() {
    let pool = Pool::new(config());
    add(&pool, &PooledTx::new(sign(blob(address(0), 0, 10, 3, 1)), address(0))).unwrap();
    add(&pool, &tx(0, 1, 10, 5)).unwrap();
    add(&pool, &tx(1, 0, 10, 1)).unwrap();
    assert_eq!(pool.best(1, 3).count(), 3);
    assert_eq!(pool.best(1, 4).count(), 1);
}

#[test]
fn block_removes_promotes_and_demotes() {
    let pool = Pool::new(config());
    let state = funded(0, 210_000 * 4);
    for nonce in [0, 1, 2, 4] {
        add_at(&pool, &tx(0, nonce, 10, 1), state).unwrap();
    }
    // Nonce 0 is mined, 1 is mined as something else, and the balance covers one more.
    let update =
        pool.on_block([(tx(0, 0, 10, 1).hash(), address(0), 0)], [(address(0), funded(2, 210_000))], 7);
    assert_eq!(update.mined, [tx(0, 0, 10, 1).hash()]);
    assert_eq!(update.stale, [tx(0, 1, 10, 1).hash()]);
    assert_eq!((update.promoted.len(), update.demoted.len()), (0, 0));
    let update = pool.on_block([], [(address(0), funded(2, 209_999))], 7);
    assert_eq!(update.demoted, [tx(0, 2, 10, 1).hash()]);
    assert_eq!(pool.status().queued, 2);
    let update = pool.on_block([], [(address(0), funded(2, 420_000))], 7);
    assert_eq!(update.promoted, [tx(0, 2, 10, 1).hash()]);
    // Strangers do not matter, and mined nonces count even without a state.
    let update = pool.on_block([(tx(0, 2, 10, 1).hash(), address(0), 2)], [(address(9), funded(3, 1))], 7);
    assert_eq!(update.mined, [tx(0, 2, 10, 1).hash()]);
    assert_eq!(pool.pending_nonce(address(0)), Some(3));
}

#[test]
fn reorganised_transactions_come_back_first() {
    let pool = Pool::new(config());
    let (first, second) = (tx(0, 0, 10, 1), tx(1, 0, 10, 1));
    add(&pool, &tx(0, 1, 10, 1)).unwrap();
    for tx in [&first, &second] {
        add(&pool, tx).unwrap();
    }
    let mined = [&first, &second].map(|tx| (tx.hash(), tx.sender(), tx.nonce()));
    let states = [0, 1].map(|sender| (address(sender), duplex_pool::SenderState { nonce: 1, ..RICH }));
    assert_eq!(pool.on_block(mined, states, 1).mined.len(), 2);
    add(&pool, &tx(2, 0, 10, 1)).unwrap();
    let update = pool.on_block([], [0, 1].map(|sender| (address(sender), RICH)), 1);
    assert_eq!(update.demoted, [tx(0, 1, 10, 1).hash()]);
    let answers = pool.reinsert(vec![first.clone(), second.clone()], |_| Ok::<_, std::io::Error>(RICH));
    assert_eq!(answers[0].as_ref().unwrap().promoted, [tx(0, 1, 10, 1).hash()]);
    assert!(answers[1].as_ref().unwrap().pending);
    let order: Vec<_> = pool.best(1, 0).map(|tx| tx.hash()).collect();
    assert_eq!(order, [first.hash(), second.hash(), tx(0, 1, 10, 1).hash(), tx(2, 0, 10, 1).hash()]);
}

#[test]
fn eviction_prefers_queued_and_the_end_of_a_run() {
    let pool = Pool::new(PoolConfig { total: 4, ..config() });
    for tx in [tx(0, 0, 100, 1), tx(0, 1, 100, 30), tx(1, 0, 100, 20), tx(2, 5, 100, 50)] {
        add(&pool, &tx).unwrap();
    }
    // A queued one never displaces a pending one, nor one that pays as much.
    assert!(add(&pool, &tx(3, 1, 100, 50)).is_err());
    assert_eq!(add(&pool, &tx(3, 1, 100, 51)).unwrap().evicted, [tx(2, 5, 100, 50).hash()]);
    // A pending one displaces a queued one whatever it pays.
    assert_eq!(add(&pool, &tx(4, 0, 100, 2)).unwrap().evicted, [tx(3, 1, 100, 51).hash()]);
    assert!(add(&pool, &tx(3, 1, 100, 99)).is_err());
    // Sender 0 pays least with its first, but only its last may go, and that is worth 30.
    assert_eq!(add(&pool, &tx(5, 0, 100, 25)).unwrap().evicted, [tx(4, 0, 100, 2).hash()]);
    assert_eq!(add(&pool, &tx(6, 0, 100, 26)).unwrap().evicted, [tx(1, 0, 100, 20).hash()]);
}

#[test]
fn refused_newcomer_that_needs_several_evictions_changes_nothing() {
    let size = tx(0, 0, 100, 10).size();
    let pool = Pool::new(PoolConfig { max_bytes: 3 * size + 20, ..config() });
    let (old, cheap) = (tx(0, 0, 100, 10), tx(1, 0, 100, 5));
    for tx in [&old, &cheap, &tx(2, 0, 100, 40)] {
        add(&pool, tx).unwrap();
    }
    let before = pool.status();
    let mut big = transfer(address(2), 0, 111, 44);
    big.input = vec![0; 2 * size].into();
    big.gas_limit = 100_000;
    assert!(add(&pool, &PooledTx::new(sign(big.clone()), address(2))).is_ok());
    assert_eq!(pool.status().pending, 1);

    let pool = Pool::new(PoolConfig { max_bytes: 3 * size + 20, ..config() });
    for tx in [&old, &cheap, &tx(2, 0, 100, 7)] {
        add(&pool, tx).unwrap();
    }
    let newcomer = transfer(address(3), 0, 100, 6);
    let newcomer = alloy_consensus::TxEip1559 { input: big.input, gas_limit: 100_000, ..newcomer };
    assert!(add(&pool, &PooledTx::new(sign(newcomer), address(3))).is_err());
    assert_eq!(pool.status(), before);
    assert_eq!(
        pool.best(0, 0).map(|tx| tx.hash()).collect::<Vec<_>>(),
        [old.hash(), tx(2, 0, 100, 7).hash(), cheap.hash()]
    );
}

#[test]
fn queued_expire_without_progress() {
    let pool = Pool::new(config());
    let start = Instant::now();
    let hours = |hours: u64| start + Duration::from_secs(hours * 3_600);
    let at = |nonce, time| PooledTx::received_at(sign(transfer(address(0), nonce, 10, 1)), address(0), time);
    add(&pool, &at(0, start)).unwrap();
    add(&pool, &at(2, start)).unwrap();
    assert!(pool.expire(hours(2)).is_empty());
    add(&pool, &at(3, hours(2))).unwrap();
    assert!(pool.expire(hours(4)).is_empty());
    assert_eq!(pool.expire(hours(5)), [at(2, start).hash(), at(3, start).hash()]);
    assert_eq!((pool.status().pending, pool.status().queued), (1, 0));
    assert!(pool.expire(hours(50)).is_empty());
}
