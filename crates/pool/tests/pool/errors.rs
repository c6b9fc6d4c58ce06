//! The exact text of every refusal.

use alloy_consensus::TxEip7702;
use alloy_eips::eip7702::{Authorization, SignedAuthorization};
use alloy_primitives::{Address, B256, Bytes, TxKind, U256};
use duplex_pool::{Pool, PoolConfig, PooledTx, SenderState};
use duplex_primitives::{ChainConfig, Transaction, anchor_deposit};
use std::io;

use crate::common::{CHAIN, RICH, add, add_at, address, blob, config, funded, legacy, sign, transfer, tx};

#[track_caller]
fn refused_with(config: PoolConfig, state: SenderState, tx: impl Into<Transaction>, text: &str) {
    let pool = Pool::new(config);
    let tx = PooledTx::new(tx.into(), address(0));
    assert_eq!(add_at(&pool, &tx, state).unwrap_err().to_string(), text);
    assert_eq!(pool.status(), Default::default());
    assert!(pool.content().is_empty());
}

#[track_caller]
fn refused(tx: impl Into<Transaction>, text: &str) {
    refused_with(config(), RICH, tx, text);
}

#[test]
fn deposits_are_not_for_pools() {
    let deposit = anchor_deposit(&Default::default(), B256::ZERO, 1, 1);
    refused(deposit, "transaction type not supported: tx type 126 not supported by this pool");
}

#[test]
fn l2_has_no_blobs() {
    let l2 = PoolConfig::new(ChainConfig::l2_dev(CHAIN));
    let text = "transaction type not supported: tx type 3 not supported by this pool";
    refused_with(l2, RICH, sign(blob(address(0), 0, 10, 1, 1)), text);
}

#[test]
fn chain_id_of_another_chain() {
    let other = transfer(address(0), 0, 10, 1);
    refused(
        sign(alloy_consensus::TxEip1559 { chain_id: 1, ..other }),
        "invalid chain id for signer: have 1 want 42",
    );
}

#[test]
fn no_chain_id_is_admitted() {
    let old = alloy_consensus::TxLegacy { chain_id: None, ..legacy(address(0), 0, 10, 21_000) };
    add(&Pool::new(config()), &PooledTx::new(sign(old), address(0))).unwrap();
}

#[test]
fn oversized() {
    let mut big = transfer(address(0), 0, 10, 1);
    big.input = Bytes::from(vec![0; 2_000]);
    let limits = PoolConfig { max_tx_bytes: 2_000, ..config() };
    refused_with(limits, RICH, sign(big), "oversized data: transaction size 2104, limit 2000");
}

#[test]
fn initcode_too_long() {
    let mut create = transfer(address(0), 0, 10, 1);
    create.to = TxKind::Create;
    create.input = Bytes::from(vec![0; 49_153]);
    refused(sign(create), "max initcode size exceeded: code size 49153, limit 49152");
}

#[test]
fn gas_limit_above_any_transactions() {
    refused(
        sign(legacy(address(0), 0, 10, 16_777_217)),
        "transaction gas limit too high (cap: 16777216, tx: 16777217)",
    );
}

#[test]
fn gas_limit_above_the_blocks() {
    let mut small = config();
    small.chain.gas_limit = 1_000_000;
    refused_with(small, RICH, sign(legacy(address(0), 0, 10, 1_000_001)), "exceeds block gas limit");
}

#[test]
fn tip_above_fee_cap() {
    refused(sign(transfer(address(0), 0, 10, 11)), "max priority fee per gas higher than max fee per gas");
}

#[test]
fn last_nonce() {
    refused(sign(transfer(address(0), u64::MAX, 10, 1)), "nonce has max value");
}

#[test]
fn intrinsic_gas() {
    refused(
        sign(legacy(address(0), 0, 10, 20_999)),
        "intrinsic gas too low: gas 20999, minimum needed 21000",
    );
    let mut create = transfer(address(0), 0, 10, 1);
    create.to = TxKind::Create;
    // 53,000 + 16 + 16 + 4 for the data, 2 for one word of initcode.
    create.input = Bytes::from_static(&[1, 1, 0]);
    create.gas_limit = 53_037;
    refused(sign(create), "intrinsic gas too low: gas 53037, minimum needed 53038");
    let mut listed = transfer(address(0), 0, 10, 1);
    listed.access_list =
        vec![alloy_eips::eip2930::AccessListItem { address: Address::ZERO, storage_keys: vec![B256::ZERO] }]
            .into();
    refused(sign(listed), "intrinsic gas too low: gas 21000, minimum needed 25300");
}

#[test]
fn floor_of_data_gas() {
    let mut data = transfer(address(0), 0, 10, 1);
    data.input = Bytes::from(vec![1; 100]);
    data.gas_limit = 24_999;
    refused(sign(data), "insufficient gas for floor data gas cost: gas 24999, minimum needed 25000");
}

#[test]
fn lowest_fees() {
    let limits = PoolConfig { min_tip: 2, min_fee_cap: 20, ..config() };
    refused_with(
        limits,
        RICH,
        sign(transfer(address(0), 0, 30, 1)),
        "transaction gas price below minimum: gas tip cap 1, minimum needed 2",
    );
    refused_with(
        limits,
        RICH,
        sign(transfer(address(0), 0, 19, 2)),
        "transaction underpriced: gas fee cap 19, minimum needed 20",
    );
}

#[test]
fn blobs() {
    refused(
        sign(blob(address(0), 0, 10, 0, 1)),
        "transaction gas price below minimum: blob fee cap 0, minimum needed 1",
    );
    refused(sign(blob(address(0), 0, 10, 1, 0)), "blobless blob transaction");
    refused(sign(blob(address(0), 0, 10, 1, 7)), "too many blobs in transaction: have 7, permitted 6");
    let mut version = blob(address(0), 0, 10, 1, 2);
    version.blob_versioned_hashes[1] = B256::repeat_byte(2);
    refused(sign(version), "blob 1 has invalid hash version 2");
    let cost = 210_000 + 2 * 131_072 * 3;
    let tx = sign(blob(address(0), 0, 10, 3, 2));
    add_at(&Pool::new(config()), &PooledTx::new(tx.clone(), address(0)), funded(0, cost)).unwrap();
    refused_with(
        config(),
        funded(0, cost - 1),
        tx,
        "insufficient funds for gas * price + value: balance 996431, tx cost 996432, overshot 1",
    );
}

#[test]
fn empty_authorization_list() {
    let set_code = |authorization_list| TxEip7702 {
        chain_id: CHAIN,
        gas_limit: 46_000,
        max_fee_per_gas: 1,
        authorization_list,
        ..Default::default()
    };
    refused(sign(set_code(vec![])), "set code tx must have at least one authorization tuple");
    let authorization = Authorization { chain_id: U256::ZERO, address: Address::ZERO, nonce: 0 };
    let signed = SignedAuthorization::new_unchecked(authorization, 0, U256::ONE, U256::ONE);
    add(&Pool::new(config()), &PooledTx::new(sign(set_code(vec![signed.clone()])), address(0))).unwrap();
    let short = TxEip7702 { gas_limit: 45_999, ..set_code(vec![signed]) };
    refused(sign(short), "intrinsic gas too low: gas 45999, minimum needed 46000");
}

#[test]
fn sender_is_a_contract() {
    refused_with(
        config(),
        SenderState { is_contract: true, ..RICH },
        sign(transfer(address(0), 0, 10, 1)),
        "sender not an eoa: address 0x0000000000000000000000000000000000000001",
    );
}

#[test]
fn nonce_too_low() {
    refused_with(
        config(),
        funded(7, u64::MAX),
        sign(transfer(address(0), 6, 10, 1)),
        "nonce too low: next nonce 7, tx nonce 6",
    );
}

#[test]
fn balance_too_low() {
    let mut value = transfer(address(0), 0, 10, 1);
    value.value = U256::from(5);
    refused_with(
        config(),
        funded(0, 210_000),
        sign(value.clone()),
        "insufficient funds for gas * price + value: balance 210000, tx cost 210005, overshot 5",
    );
    value.value = U256::MAX;
    refused_with(
        config(),
        funded(0, 210_000),
        sign(value),
        &format!(
            "insufficient funds for gas * price + value: balance 210000, tx cost {}, overshot {}",
            U256::MAX,
            U256::MAX - U256::from(210_000)
        ),
    );
    let fee = tx(0, 0, 10, 1).with_data_fee(U256::from(9));
    assert_eq!(
        add_at(&Pool::new(config()), &fee, funded(0, 210_000)).unwrap_err().to_string(),
        "insufficient funds for gas * price + value: balance 210000, tx cost 210009, overshot 9",
    );
}

#[test]
fn overdraft() {
    let pool = Pool::new(config());
    let state = funded(0, 500_000);
    add_at(&pool, &tx(0, 0, 10, 1), state).unwrap();
    add_at(&pool, &tx(0, 2, 10, 1), state).unwrap();
    assert_eq!(
        add_at(&pool, &tx(0, 1, 10, 1), state).unwrap_err().to_string(),
        "insufficient funds for gas * price + value: balance 500000, queued cost 420000, tx cost 210000, overshot 130000",
    );
    assert_eq!(
        add_at(&pool, &tx(0, 0, 20, 2), state).unwrap_err().to_string(),
        "insufficient funds for gas * price + value: balance 500000, queued cost 420000, tx bumped 210000, overshot 130000",
    );
    assert_eq!(pool.status().pending, 1);
}

#[test]
fn known_and_replaced() {
    let pool = Pool::new(config());
    let first = tx(0, 0, 100, 10);
    add(&pool, &first).unwrap();
    assert_eq!(add(&pool, &first).unwrap_err().to_string(), "already known");
    for (fee_cap, tip_cap) in [(109, 11), (110, 10), (200, 10), (109, 100)] {
        assert_eq!(
            add(&pool, &tx(0, 0, fee_cap, tip_cap)).unwrap_err().to_string(),
            format!(
                "replacement transaction underpriced: new tx gas fee cap {fee_cap} tip {tip_cap}, \
                 queued 100 tip 10 + 10% replacement penalty"
            ),
        );
    }
    let second = tx(0, 0, 110, 11);
    assert_eq!(add(&pool, &second).unwrap().replaced, Some(first.hash()));
    assert!(!pool.contains(first.hash()) && pool.contains(second.hash()));
}

#[test]
fn blob_replacement_doubles_every_fee() {
    let pool = Pool::new(config());
    let with = |fee, blob_fee| PooledTx::new(sign(blob(address(0), 0, fee, blob_fee, 1)), address(0));
    add(&pool, &with(10, 5)).unwrap();
    for (fee, blob_fee) in [(19, 10), (20, 9)] {
        let error = add(&pool, &with(fee, blob_fee)).unwrap_err().to_string();
        assert!(error.starts_with("replacement transaction underpriced"), "{error}");
    }
    add(&pool, &with(20, 10)).unwrap();
    assert!(add(&pool, &tx(0, 0, 30, 30)).is_err());
    add(&pool, &tx(0, 0, 40, 40)).unwrap();
}

#[test]
fn account_limit() {
    let pool = Pool::new(PoolConfig { per_sender: 2, ..config() });
    add(&pool, &tx(0, 1, 10, 1)).unwrap();
    add(&pool, &tx(0, 2, 10, 1)).unwrap();
    assert_eq!(add(&pool, &tx(0, 3, 10, 1)).unwrap_err().to_string(), "account limit exceeded: pooled 2 txs");
    // What fills a gap may come in, at the expense of the sender's last.
    let added = add(&pool, &tx(0, 0, 10, 1)).unwrap();
    assert!(added.pending);
    assert_eq!(added.evicted, [tx(0, 2, 10, 1).hash()]);
    assert_eq!(added.promoted, [tx(0, 1, 10, 1).hash()]);
}

#[test]
fn full() {
    let pool = Pool::new(PoolConfig { total: 2, ..config() });
    add(&pool, &tx(0, 0, 10, 2)).unwrap();
    add(&pool, &tx(1, 0, 10, 3)).unwrap();
    let bytes = pool.status().bytes;
    assert_eq!(
        add(&pool, &tx(2, 0, 10, 2)).unwrap_err().to_string(),
        format!("txpool is full: 2 txs, {bytes} bytes")
    );
    assert_eq!(add(&pool, &tx(2, 0, 11, 4)).unwrap().evicted, [tx(0, 0, 10, 2).hash()]);
}

#[test]
fn state_that_cannot_be_read() {
    let error = Pool::new(config()).add(tx(0, 0, 10, 1), |_| Err(io::Error::other("disk"))).unwrap_err();
    assert_eq!(error.to_string(), "state of the sender: disk");
}
