//! Blocks of every kind: the machine gives what the node has.

use alloy_consensus::{SignableTransaction, TxEip1559, TxEip2930, TxEip7702, TxLegacy};
use alloy_eips::{
    eip2930::{AccessList, AccessListItem},
    eip7702::Authorization,
};
use alloy_primitives::{Address, B256, Bytes, Signature, TxKind, U256, hex};
use alloy_signer::SignerSync;
use alloy_sol_types::{SolCall, sol};
use duplex_contracts::l2_token_address;
use duplex_derivation::Undecodable;
use duplex_primitives::{Transaction, alias_l1_address, predeploys};

use crate::{
    contracts::{ANCESTOR, BURN, REVERT, STORE, all, words},
    world::{CHAIN, Place, Plan, VAULT, World, sign, signer},
};

sol! {
    function finalizeETHDeposit(address from, address to, uint256 amount, bytes extraData);
    function finalizeERC20Deposit(
        address l1Token, address from, address to, uint256 amount, string name, string symbol, uint8 decimals,
        bytes extraData
    );
    function initiateWithdrawal(address target, uint256 gasLimit, bytes data);
}

fn to(byte: u8) -> TxKind {
    Address::repeat_byte(byte).into()
}

/// One block each.
fn blocks(transactions: impl IntoIterator<Item = Vec<Transaction>>) -> Vec<Plan> {
    transactions
        .into_iter()
        .map(|transactions| Plan { seconds: 1, transactions, ..Plan::default() })
        .collect()
}

#[test]
fn transfers_in_calldata() {
    let mut world = World::new(2, &[]);
    let transfer = |index| world.call(index, to(9), 5, 21_000, Bytes::new());
    let blocks = [
        Plan { seconds: 1, transactions: vec![transfer(0), transfer(1)], ..Plan::default() },
        Plan { seconds: 12, anchors: 1, ..Plan::default() },
        Plan { seconds: 1, transactions: vec![transfer(0)], ..Plan::default() },
    ];
    world.post(&blocks, Place::Calldata);
    world.check_all(1..=3);
    assert_eq!(world.balance(Address::repeat_byte(9)), U256::from(15));
}

#[test]
fn blocks_deep_in_long_batches_of_both_places() {
    let mut world = World::new(1, &all());
    for (round, place) in [(0, Place::Blobs), (1, Place::Calldata), (2, Place::Blobs)] {
        let plans: Vec<Plan> = (0..20)
            .map(|i| Plan {
                seconds: 6 * (i % 3),
                anchors: (i % 4) / 3,
                messages: 0,
                // Incompressible data, so that there are several chunks; and hashes of other blocks.
                transactions: vec![
                    world.call(0, STORE.into(), 0, 200_000, noise(round * 20 + i, 700)),
                    world.call(0, ANCESTOR.into(), 0, 200_000, words(&[1 + 7 * (i % 5)])),
                ],
            })
            .collect();
        world.post(&plans, place);
    }
    for number in [1, 2, 20, 21, 33, 40, 41, 60] {
        world.check(number);
    }
}

/// Bytes that brotli makes nothing of.
fn noise(seed: u64, words: u64) -> Bytes {
    let word = |i: u64| alloy_primitives::keccak256([seed.to_be_bytes(), i.to_be_bytes()].concat());
    (0..words).flat_map(|i| word(i).0).collect::<Vec<u8>>().into()
}

#[test]
fn state_that_comes_and_goes() {
    let mut world = World::new(2, &all());
    let set = |slot: u64, value: u64| world.call(0, STORE.into(), 0, 100_000, words(&[slot, value]));
    // Fills a storage trie, then takes slots away until branches fold into one another.
    let fill = (0..24).map(|slot| set(slot, slot + 1)).collect();
    let some = (0..24).step_by(2).map(|slot| set(slot, 0)).collect();
    let rest = (1..24).step_by(2).map(|slot| set(slot, 0)).collect();
    let again = vec![set(3, 3), set(3, 0), set(5, 5)];
    world.post(&blocks([fill, some, rest, again]), Place::Blobs);
    world.check_all(1..=4);
}

#[test]
fn contracts_are_created_called_and_destroyed() {
    let mut world = World::new(2, &all());
    // Runtime code: SSTORE(CALLER, CALLVALUE). Then one that destroys itself in its own creation, and
    // one that lets itself be destroyed later, which only moves its balance.
    let keeps = hex!("6005600c60003960056000f3 34335500 00");
    let ends = hex!("33ff");
    let later = hex!("6002600c60003960026000f3 33ff");
    let create =
        |value, code: &[u8]| world.call(0, TxKind::Create, value, 300_000, Bytes::copy_from_slice(code));
    let first = vec![create(0, &keeps), create(7, &ends), create(9, &later), create(0, &hex!("60006000fd"))];
    let sender = signer(0).address();
    let second = vec![
        world.call(1, sender.create(0).into(), 11, 100_000, Bytes::new()),
        world.call(1, sender.create(2).into(), 0, 100_000, Bytes::new()),
        world.call(1, sender.create(1).into(), 1, 100_000, Bytes::new()),
        world.call(1, sender.create(3).into(), 0, 100_000, Bytes::new()),
    ];
    // By the deployer that everybody has, twice at the same place.
    let salted = [&[0; 32][..], &keeps].concat();
    let deploy = || world.call(1, predeploys::CREATE2_DEPLOYER.into(), 0, 300_000, salted.clone().into());
    let third = vec![deploy(), deploy()];
    world.post(&blocks([first, second, third]), Place::Calldata);
    world.check_all(1..=3);
}

#[test]
fn transactions_that_fail_and_that_cannot_be() {
    let mut world = World::new(2, &all());
    let call = |to: Address, gas| world.call(0, to.into(), 1, gas, Bytes::new());
    let failing = vec![call(REVERT, 60_000), call(BURN, 60_000), call(STORE, 21_001)];
    let nonce = world.nonce(1);
    let good = TxEip1559 {
        chain_id: CHAIN,
        nonce,
        gas_limit: 21_000,
        max_fee_per_gas: 1_000_000_000,
        max_priority_fee_per_gas: 1,
        to: to(9),
        value: U256::from(1),
        ..Default::default()
    };
    let stranger = 77;
    let unsigned = |signature| Transaction::from(good.clone().into_signed(signature));
    let valid = signer(1).sign_hash_sync(&good.signature_hash()).unwrap();
    let high = Signature::new(valid.r(), order() - valid.s(), !valid.v());
    let skipped = vec![
        sign(1, TxEip1559 { nonce: nonce + 1, ..good.clone() }),
        sign(1, TxEip1559 { max_fee_per_gas: 1, max_priority_fee_per_gas: 0, ..good.clone() }),
        sign(1, TxEip1559 { max_priority_fee_per_gas: 2_000_000_000, ..good.clone() }),
        sign(1, TxEip1559 { gas_limit: 20_999, ..good.clone() }),
        sign(1, TxEip1559 { gas_limit: 17_000_000, ..good.clone() }),
        sign(1, TxEip1559 { value: U256::MAX, ..good.clone() }),
        sign(1, TxEip1559 { input: noise(0, 400), ..good.clone() }),
        sign(stranger, TxEip1559 { nonce: 0, ..good.clone() }),
        unsigned(high),
        unsigned(Signature::new(U256::ZERO, U256::from(1), false)),
        unsigned(Signature::new(U256::MAX, U256::MAX, true)),
        sign(1, good.clone()),
        sign(1, good),
    ];
    world.post(&blocks([failing, skipped]), Place::Calldata);
    world.check_all(1..=2);
    assert_eq!(world.transactions(1), 3);
    assert_eq!(world.transactions(2), 1);
}

fn order() -> U256 {
    U256::from_be_bytes(hex!("fffffffffffffffffffffffffffffffebaaedce6af48a03bbfd25e8cd0364141"))
}

#[test]
fn transactions_of_every_type() {
    let mut world = World::new(4, &all());
    let list = AccessList(vec![
        AccessListItem { address: STORE, storage_keys: vec![B256::ZERO, B256::with_last_byte(9)] },
        AccessListItem { address: Address::repeat_byte(0x99), storage_keys: vec![] },
    ]);
    let fee = 1_000_000_000;
    let input = words(&[9, 1]);
    let (to, gas_limit) = (STORE.into(), 150_000);
    let legacy = TxLegacy { gas_price: fee, gas_limit, to, input: input.clone(), ..Default::default() };
    // Account 2 becomes the contract, account 3 would with another nonce, a made-up one cannot be.
    let authorize = |index, nonce, address| {
        let one = Authorization { chain_id: U256::from(CHAIN), address, nonce };
        let signature = signer(index).sign_hash_sync(&one.signature_hash()).unwrap();
        one.into_signed(signature)
    };
    let bad =
        authorize(2, 1, BURN).inner().clone().into_signed(Signature::new(U256::MAX, U256::from(1), true));
    let types = vec![
        sign(0, TxLegacy { nonce: 0, ..legacy.clone() }),
        sign(0, TxLegacy { nonce: 1, chain_id: Some(CHAIN), ..legacy }),
        sign(
            0,
            TxEip2930 {
                chain_id: CHAIN,
                nonce: 2,
                gas_price: fee,
                gas_limit,
                to,
                access_list: list.clone(),
                input: input.clone(),
                ..Default::default()
            },
        ),
        sign(
            0,
            TxEip1559 {
                chain_id: CHAIN,
                nonce: 3,
                gas_limit,
                max_fee_per_gas: fee,
                to,
                access_list: list.clone(),
                input: input.clone(),
                ..Default::default()
            },
        ),
        sign(
            0,
            TxEip7702 {
                chain_id: CHAIN,
                nonce: 4,
                gas_limit,
                max_fee_per_gas: fee,
                to: signer(2).address(),
                access_list: list,
                authorization_list: vec![
                    authorize(2, 0, STORE),
                    authorize(3, 1, STORE),
                    authorize(99, 0, STORE),
                    bad,
                ],
                input,
                ..Default::default()
            },
        ),
    ];
    // What it delegates to stays for the next block: called, and sending by itself.
    let sends = TxEip1559 {
        chain_id: CHAIN,
        nonce: 1,
        gas_limit: 21_000,
        max_fee_per_gas: fee,
        to: Address::repeat_byte(9).into(),
        value: U256::from(3),
        ..Default::default()
    };
    let later = TxLegacy {
        nonce: 5,
        gas_price: fee,
        gas_limit,
        to: signer(2).address().into(),
        input: words(&[10, 10]),
        ..Default::default()
    };
    world.post(&blocks([types, vec![sign(0, later), sign(2, sends)]]), Place::Blobs);
    world.check_all(1..=2);
    assert_eq!((world.transactions(1), world.transactions(2)), (5, 2));
    assert!(!world.code(signer(2).address()).is_empty());
    assert!(!world.code(signer(99).address()).is_empty());
}

#[test]
fn deposits_and_withdrawals() {
    let mut world = World::new(1, &all());
    let bridge = alias_l1_address(VAULT);
    let (token, someone) = (Address::repeat_byte(0x70), Address::repeat_byte(0x71));
    let eth = finalizeETHDepositCall {
        from: someone,
        to: someone,
        amount: U256::from(500),
        extraData: Bytes::new(),
    };
    let erc20 = finalizeERC20DepositCall {
        l1Token: token,
        from: someone,
        to: someone,
        amount: U256::from(800),
        name: "Token".into(),
        symbol: "TOK".into(),
        decimals: 18,
        extraData: Bytes::new(),
    };
    // ETH and a token through the bridge; a plain call with value; calls that fail; one from nobody.
    world.send(bridge, predeploys::L2_BRIDGE, 500, 500, 600_000, eth.abi_encode().into());
    world.send(bridge, predeploys::L2_BRIDGE, 0, 0, 2_000_000, erc20.abi_encode().into());
    world.send(someone, Address::repeat_byte(9), 40, 30, 100_000, Bytes::from_static(b"hello"));
    world.send(someone, REVERT, 40, 0, 100_000, Bytes::new());
    world.send(someone, BURN, 40, 0, 100_000, Bytes::new());
    world.send(someone, Address::repeat_byte(9), 0, u64::MAX, 100_000, Bytes::new());
    world.send(Address::repeat_byte(0x72), STORE, 0, 0, 200_000, words(&[1, 2]));
    let withdraw = initiateWithdrawalCall {
        target: someone,
        gasLimit: U256::from(100_000),
        data: Bytes::from_static(b"back"),
    };
    let withdraw = world.call(0, predeploys::MESSAGE_PASSER.into(), 9, 300_000, withdraw.abi_encode().into());
    let plans = [
        Plan { seconds: 12, anchors: 1, messages: 3, transactions: vec![withdraw] },
        Plan { seconds: 0, anchors: 0, messages: 0, transactions: vec![] },
        Plan {
            seconds: 24,
            anchors: 2,
            messages: 4,
            transactions: vec![world.call(0, to(9), 1, 21_000, Bytes::new())],
        },
    ];
    world.post(&plans, Place::Calldata);
    world.check_all(1..=3);
    assert_eq!(world.balance(Address::repeat_byte(0x71)), U256::from(500 + 10 + 80));
    assert!(!world.code(l2_token_address(token)).is_empty());
    assert_eq!((world.transactions(1), world.transactions(3)), (1 + 3 + 1, 1 + 4 + 1));
}

#[test]
fn batches_that_hold_nothing() {
    let mut world = World::new(1, &all());
    let queue = |world: &mut World, count| {
        for i in 0..count {
            let gas = if i % 3 == 0 { 9_000_000 } else { 100_000 };
            world.send(Address::repeat_byte(0x71), STORE, 3, 1, gas, words(&[i, i + 1]));
        }
    };
    type Spoil = fn(&mut Vec<u8>);
    let spoil: [(Place, Spoil); 4] = [
        (Place::Calldata, |data| *data = vec![0]),
        (Place::Calldata, |data| data[0] = 7),
        (Place::Blobs, |data| data.truncate(data.len() / 2)),
        (Place::Blobs, |data| data.push(1)),
    ];
    for (place, spoil) in spoil {
        let from = world.chain.head().header.number;
        queue(&mut world, 8);
        let transactions = vec![world.call(0, to(9), 1, 21_000, Bytes::new())];
        world.unsend(0);
        // More messages than a block takes, so that the default content spreads them.
        let plans = [
            Plan { seconds: 12, anchors: 1, messages: 8, transactions },
            Plan { seconds: 30, anchors: 2, ..Plan::default() },
            Plan::default(),
        ];
        let why = world.post_as(&plans, place, spoil);
        assert!(matches!(why, Some(Undecodable::Content(_))), "{why:?}");
        world.check_all(from + 1..=from + 3);
    }
    // Blobs that are not data at all, and content that breaks a rule of derivation.
    let from = world.chain.head().header.number;
    world.post_blobs(2, |blobs| {
        for blob in blobs {
            *blob = vec![0xff; blob.len()].into();
        }
    });
    queue(&mut world, 1);
    let behind = [Plan { anchors: 5, messages: 1, ..Plan::default() }, Plan::default()];
    let why = world.post_as(&behind, Place::Calldata, |_| {});
    assert!(matches!(why, Some(Undecodable::BehindAnchor { .. })), "{why:?}");
    world.check_all(from + 1..=from + 4);
    world.post(&[Plan { seconds: 100, ..Plan::default() }], Place::Calldata);
    world.check(from + 5);
}
