//! What a block did, taken by a node that executes nothing.

use alloy_primitives::{Address, B256, Bytes, TxKind, U256, keccak256};
use alloy_rlp::{Decodable, Encodable};
use duplex_chain::{AccountAfter, AccountEffect, Chain, ChainError, Effects, SlotEffect};
use duplex_primitives::{Block, predeploys};
use duplex_trie::TrieError;

use crate::{
    contracts,
    world::{Place, Plan, World},
};

fn block_of(chain: &Chain, number: u64) -> (Block, Effects) {
    let (block, effects) = chain.effects(number).unwrap().unwrap();
    (block.recovered.block.clone(), effects)
}

/// A chain that takes all blocks with what they did is the same, whatever the blocks were.
pub(crate) fn check(world: &World) {
    let (_dir, twin) = world.twin();
    let head = world.chain.head().header.number;
    for number in 1..=head {
        let (block, effects) = block_of(&world.chain, number);
        let mut sent = Vec::new();
        effects.encode(&mut sent);
        let read = Effects::decode(&mut &sent[..]).unwrap();
        assert_eq!(read, effects);
        twin.adopt(block, read).unwrap();
        let (ours, theirs) = (twin.block(number).unwrap(), world.chain.block(number).unwrap());
        assert_eq!(ours, theirs, "block {number}");
    }
    // What it goes on from is the same, too: it can say what its blocks did.
    for number in 1..=head {
        assert_eq!(block_of(&twin, number), block_of(&world.chain, number), "block {number}");
    }
}

/// Blocks that create a contract, and wrap ETH of one and of another.
fn world() -> World {
    let mut world = World::new(2, &contracts::all());
    let to = Address::repeat_byte(9);
    let transfer = world.call(0, to.into(), 5, 21_000, Bytes::new());
    // Returns the byte 0x5b as its code.
    let create = Bytes::from_static(&[0x60, 0x5b, 0x5f, 0x53, 0x60, 0x01, 0x5f, 0xf3]);
    let create = world.call(1, TxKind::Create, 0, 100_000, create);
    let transactions = vec![transfer, create];
    let wrap = world.call(0, predeploys::WETH.into(), 7, 100_000, Bytes::new());
    let plans = [
        Plan { seconds: 12, anchors: 1, transactions, ..Plan::default() },
        Plan { seconds: 12, transactions: vec![wrap], ..Plan::default() },
        Plan {
            seconds: 12,
            transactions: vec![world.call(1, predeploys::WETH.into(), 7, 100_000, Bytes::new())],
            ..Plan::default()
        },
    ];
    world.post(&plans, Place::Calldata);
    world
}

#[test]
fn what_a_header_does_not_say_is_refused() {
    let world = world();
    check(&world);
    let (_dir, twin) = world.twin();
    let (block, effects) = block_of(&world.chain, 1);
    let before = twin.head().hash;
    let refused = |what: &str, change: &dyn Fn(&mut Block, &mut Effects)| {
        let (mut block, mut effects) = (block.clone(), effects.clone());
        change(&mut block, &mut effects);
        let error = twin.adopt(block, effects).expect_err(what);
        assert_eq!(twin.head().hash, before, "{what}");
        error
    };
    let root = |what: &str, change: &dyn Fn(&mut Block, &mut Effects)| {
        let error = refused(what, change).to_string();
        assert!(error.contains("stateRoot"), "{what}: {error}");
    };
    root("a balance", &|_, e| e.accounts[0].after[0].balance += U256::from(1));
    root("a nonce", &|_, e| e.accounts[0].after[0].nonce += 1);
    root("an account less", &|_, e| drop(e.accounts.pop()));
    root("one that is gone", &|_, e| {
        let last = e.accounts.last_mut().unwrap();
        (last.after, last.wiped, last.slots) = (Vec::new(), true, Vec::new());
    });
    root("one that is new", &|_, e| {
        let mut another = e.accounts.last().unwrap().clone();
        another.address = Address::repeat_byte(0xff);
        another.after = vec![AccountAfter { nonce: 1, balance: U256::from(1), code_hash: keccak256([]) }];
        e.accounts.push(another);
    });
    let slots = effects.accounts.iter().position(|account| !account.slots.is_empty()).unwrap();
    root("a slot", &|_, e| e.accounts[slots].slots[0].value += U256::from(1));
    root("a slot less", &|_, e| e.accounts[slots].slots.clear());
    root("a slot more", &|_, e| {
        e.accounts[slots]
            .slots
            .push(SlotEffect { hashed_slot: B256::repeat_byte(0xff), value: U256::from(1) });
    });

    // A hash of code that nobody has, and an account without its code.
    let created = effects.accounts.iter().position(|a| a.after[0].code_hash == keccak256([0x5b])).unwrap();
    root("code", &|_, e| {
        e.codes.clear();
        e.accounts[created].after[0].code_hash = keccak256([]);
    });
    for hash in [keccak256([0x5b]), keccak256("none")] {
        let error = refused("code", &|_, e| {
            e.codes.clear();
            e.accounts[created].after[0].code_hash = hash;
        });
        assert!(matches!(error, ChainError::State(_)), "{error}");
    }
    let header = |what: &str, field: &str, change: &dyn Fn(&mut Block, &mut Effects)| {
        let error = refused(what, change).to_string();
        assert!(error.contains(field), "{what}: {error}");
    };
    header("a receipt", "receiptsRoot", &|_, e| e.receipts[1].success = false);
    header("a receipt less", "receiptsRoot", &|_, e| drop(e.receipts.pop()));
    header("a transaction less", "transactionsRoot", &|b, _| drop(b.body.transactions.pop()));
    header("transactions in another order", "transactionsRoot", &|b, _| b.body.transactions.swap(1, 2));
    header("no withdrawals", "body", &|b, _| b.body.withdrawals = None);

    // What the trie would take and the accounts by address would not.
    let order = |what: &str, change: &dyn Fn(&mut Block, &mut Effects)| {
        assert!(matches!(refused(what, change), ChainError::Effects(_)), "{what}");
    };
    order("an account twice", &|_, e| e.accounts.insert(0, e.accounts[0].clone()));
    order("accounts in another order", &|_, e| e.accounts.swap(0, 1));
    order("two of one account", &|_, e| e.accounts[0].after.extend_from_within(..));
    // Storage for an account that is yet to come: its balance in a token, say.
    let planted = |wiped| {
        move |_: &mut Block, e: &mut Effects| {
            let slots = vec![SlotEffect { hashed_slot: B256::repeat_byte(1), value: U256::from(5) }];
            let address = Address::repeat_byte(0xff);
            e.accounts.push(AccountEffect { address, after: Vec::new(), wiped, slots });
        }
    };
    order("storage of nobody", &planted(false));
    order("storage of nobody, after what was there", &planted(true));
    order("an account that is gone, but for its storage", &|_, e| {
        let address = Address::repeat_byte(0xff);
        e.accounts.push(AccountEffect { address, after: Vec::new(), wiped: false, slots: Vec::new() });
    });
    order("code that is another's", &|_, e| e.codes[0] = Bytes::from_static(&[0x5c]));
    order("code of nobody", &|_, e| e.codes.push(Bytes::from_static(&[0x5c])));
    order("code twice", &|_, e| e.codes.extend_from_within(..));
    order("a slot twice", &|_, e| e.accounts[slots].slots.extend_from_within(..1));

    // Another header is another block, which the caller knows not to be right; on another parent it is none here.
    let error = refused("another parent", &|b, _| b.header.parent_hash = B256::ZERO);
    assert!(matches!(error, ChainError::NotOnHead { .. }), "{error}");
    let error = refused("another root", &|b, _| b.header.state_root = B256::ZERO);
    assert!(matches!(error, ChainError::Block(_)), "{error}");
    assert!(!matches!(error, ChainError::Trie(TrieError::Missing { .. })));

    twin.adopt(block.clone(), effects.clone()).unwrap();
    let again = twin.adopt(block.clone(), effects.clone()).unwrap_err();
    assert!(matches!(again, ChainError::NotOnHead { .. }), "{again}");
    assert_eq!(world.chain.effects(0).unwrap().map(|_| ()), None, "genesis");
    assert_eq!(world.chain.effects(4).unwrap().map(|_| ()), None, "no block yet");

    // The last block changes one balance of two: with storage that is gone, the other is.
    let (block, effects) = block_of(&world.chain, 2);
    twin.adopt(block, effects).unwrap();
    let (block, mut effects) = block_of(&world.chain, 3);
    let weth = effects.accounts.iter_mut().find(|account| account.address == predeploys::WETH).unwrap();
    weth.wiped = true;
    let error = twin.adopt(block, effects).unwrap_err().to_string();
    assert!(error.contains("stateRoot"), "{error}");
}
