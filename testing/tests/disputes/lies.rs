//! False claims, of every kind.

use std::sync::Arc;

use alloy_primitives::{Address, B256, U256};
use alloy_sol_types::SolCall;
use duplex_actors::challenger::{Liar, Lie};
use duplex_bridge::send_transaction;
use duplex_contracts::bindings::{DisputeStatus, IDisputes, ISettlement};
use duplex_l1::ClaimStatus;
use duplex_node::dev_key;
use duplex_primitives::{BatchContent, BlockContent, Header, L2Extra, OutputRoot, tree::Tree};

use crate::world::{LIAR, Player, World, wait, with_leaf};

/// A block that is not what was executed, in one respect.
fn false_headers(truth: &Header) -> Vec<(&'static str, Header)> {
    let change = |edit: &dyn Fn(&mut Header)| {
        let mut header = truth.clone();
        edit(&mut header);
        header
    };
    let mut extra = L2Extra::decode(&truth.extra_data).unwrap();
    extra.message_count += 1;
    vec![
        ("a balance", change(&|header| header.state_root.0[7] ^= 1)),
        ("the outbox", change(&|header| header.withdrawals_root = Some(B256::repeat_byte(3)))),
        ("a receipt", change(&|header| header.receipts_root.0[31] ^= 1)),
        ("a transaction", change(&|header| header.transactions_root.0[0] ^= 1)),
        (
            "the base fee",
            change(&|header| header.base_fee_per_gas = header.base_fee_per_gas.map(|fee| fee + 1)),
        ),
        ("a message", change(&|header| header.extra_data = extra.encode())),
        ("the gas used", change(&|header| header.gas_used += 21_000)),
        ("the time", change(&|header| header.timestamp += 1)),
    ]
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn lies_of_every_kind_are_rejected_side_by_side() {
    let world = World::start(true, 60, 30, 300).await;
    let (parent, first) = world.tip().await;
    let entry = world.live(4).await;
    let last = entry.header.lastBlock;
    let outputs = world.outputs(first, last);
    let block = first + outputs.len() as u64 / 2;
    let header = world.rollup.chain.header(block).unwrap().unwrap();
    let mut lies: Vec<(&str, Tree)> = false_headers(&header)
        .into_iter()
        .map(|(what, header)| {
            let output = OutputRoot::of(&header, header.hash_slow()).hash();
            (what, with_leaf(&outputs, (block - first) as usize, output))
        })
        .collect();
    // Neither an output of anything; nor one of a block that is not there, next to the last and far away.
    lies.push(("nothing", with_leaf(&outputs, 0, B256::ZERO)));
    lies.push(("the next block", with_leaf(&outputs, outputs.len(), B256::repeat_byte(9))));
    lies.push(("the last leaf", with_leaf(&outputs, 4095, B256::repeat_byte(9))));

    let liar = dev_key(LIAR);
    let before = world.worth(liar.address()).await;
    let mut claims = Vec::new();
    for (what, history) in &lies {
        claims.push((*what, world.claim(&liar, parent, first, &entry, history).await));
    }
    let histories = lies.into_iter().map(|(_, history)| history).collect();
    let opinion = Arc::new(Liar::new(Lie::Claims(histories), Some(777_777)));
    let player = Player::start(&world, LIAR, &world.dir.path().join("liar.redb"), opinion).await;
    for (what, id) in &claims {
        world.comes_to(*id, ClaimStatus::Rejected).await;
        let settlement = world.rollup.deployment.contracts.settlement;
        let winner = world.rollup.l1.call(settlement, &ISettlement::winnerOfCall { id: *id }).await.unwrap();
        assert_eq!(winner, world.operator, "{what}");
    }
    player.stop().await;
    let disputes = world.disputes().await;
    assert_eq!(disputes, vec![DisputeStatus::DefenceLost; claims.len()]);
    // The liar has lost every bond; the truth goes on.
    let parameters = world.rollup.deployment.parameters;
    let lost = (parameters.bond + parameters.dispute_bond) * U256::from(claims.len());
    let after = world.worth(liar.address()).await;
    assert!(before - after >= lost, "{before} {after} {lost}");
    wait("an honest claim to be final", async || {
        world.rollup.index.last_final().unwrap().filter(|claim| claim.last_batch >= entry.header.index)
    })
    .await;
    world.stop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_void_batch_was_not_executed() {
    let world = World::start(true, 30, 20, 100).await;
    let (parent, first) = world.tip().await;
    let live = world.live(1).await;
    // All of it is on L1 and derived: nothing else is appended meanwhile.
    let chain = &world.rollup.chain;
    let good = BatchContent { blocks: vec![BlockContent::default()] };
    let chain_id = world.rollup.deployment.l2_chain_id;
    let mut data = good.encode(chain_id).unwrap();
    data.pop();
    assert!(BatchContent::decode(&data, chain_id).is_err());
    let entry = world.append(data).await;
    let last = entry.header.lastBlock;
    assert_eq!(last, live.header.lastBlock + 1);
    let truth = chain.block(last).unwrap().unwrap();
    // As if a transaction had been in it.
    let other = chain.block(live.header.lastBlock).unwrap().unwrap().header().clone();
    let mut header = truth.header().clone();
    header.transactions_root = other.transactions_root;
    header.receipts_root = other.receipts_root;
    header.gas_used = 21_000;
    let lie = OutputRoot::of(&header, header.hash_slow()).hash();
    let outputs = world.outputs(first, last);
    let history = with_leaf(&outputs, (last - first) as usize, lie);

    let claim = world.claim(&dev_key(LIAR), parent, first, &entry, &history).await;
    let opinion = Arc::new(Liar::new(Lie::Claims(vec![history]), Some(777_777)));
    let player = Player::start(&world, LIAR, &world.dir.path().join("liar.redb"), opinion).await;
    world.comes_to(claim, ClaimStatus::Rejected).await;
    player.stop().await;
    assert_eq!(world.disputes().await, [DisputeStatus::DefenceLost]);
    wait("an honest claim to be final", async || {
        world.rollup.index.last_final().unwrap().filter(|claim| claim.last_batch >= entry.header.index)
    })
    .await;
    world.stop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn liars_who_fall_silent_lose_by_the_clock() {
    let world = World::start(true, 20, 6, 8).await;
    let (parent, first) = world.tip().await;
    let entry = world.live(2).await;
    let outputs = world.outputs(first, entry.header.lastBlock);
    let liar = dev_key(LIAR);
    // One is not defended at all; of the other, only the defence is ever heard.
    let unseen = with_leaf(&outputs, 0, B256::repeat_byte(1));
    let stopped = with_leaf(&outputs, 0, B256::repeat_byte(2));
    let unseen = world.claim(&liar, parent, first, &entry, &unseen).await;
    let claim = world.claim(&liar, parent, first, &entry, &stopped).await;
    let challenge = wait("the challenge", async || {
        for id in 1..=world.ask(&IDisputes::challengeCountCall {}).await {
            if world.ask(&IDisputes::challengeOfCall { id }).await.claimId == claim {
                return Some(id);
            }
        }
        None
    });
    let call = IDisputes::defendCall {
        challengeId: challenge.await,
        claimHash: world.hash(claim),
        opened: stopped.opened(0, 0),
    };
    let bond = world.rollup.deployment.parameters.dispute_bond;
    let disputes = Some(world.rollup.deployment.contracts.disputes);
    send_transaction(&world.rollup.l1, &liar, disputes, bond, call.abi_encode().into()).await.unwrap();
    world.comes_to(unseen, ClaimStatus::Rejected).await;
    world.comes_to(claim, ClaimStatus::Rejected).await;
    assert_eq!(world.disputes().await, [DisputeStatus::DefenceLost]);
    // Whatever builds on a false claim falls with it, however deep.
    let credit = IDisputes::creditCall { account: liar.address() };
    assert_eq!(world.ask(&credit).await, U256::ZERO);
    assert_ne!(world.operator, Address::ZERO);
    world.stop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_builds_on_a_lie_falls_with_it() {
    let world = World::start(true, 40, 25, 60).await;
    let (mut parent, mut first) = world.tip().await;
    let liar = dev_key(LIAR);
    let mut chain = Vec::new();
    for _ in 0..4 {
        let entry = world.live(1).await;
        let outputs = world.outputs(first, entry.header.lastBlock);
        // The first is false; those on top of it even say what is so.
        let history = match chain.is_empty() {
            true => with_leaf(&outputs, outputs.len() - 1, B256::repeat_byte(5)),
            false => OutputRoot::history(outputs),
        };
        parent = world.claim(&liar, parent, first, &entry, &history).await;
        first = entry.header.lastBlock + 1;
        chain.push(parent);
    }
    for claim in &chain {
        world.comes_to(*claim, ClaimStatus::Rejected).await;
    }
    let settlement = world.rollup.deployment.contracts.settlement;
    let mine = ISettlement::creditCall { account: liar.address() };
    assert_eq!(world.rollup.l1.call(settlement, &mine).await.unwrap(), U256::ZERO);
    world.stop().await;
}
