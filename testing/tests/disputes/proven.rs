//! False claims that a proof contradicts.

use alloy_primitives::{Address, B256, U256, keccak256};
use alloy_sol_types::SolCall;
use duplex_bridge::send_transaction;
use duplex_contracts::bindings::{Challenge, ChallengeStatus, IDisputes, ISettlement};
use duplex_l1::ClaimStatus;
use duplex_node::dev_key;
use duplex_primitives::OutputRoot;

use crate::world::{LIAR, World, wait, with_leaf};

/// Where `Settlement` keeps `proverOf`.
const PROVER_OF: u64 = 6;

/// To prove a claim takes half an hour; what `prove` leaves on L1 is written there instead. What L1 says of a refutation, with a real
/// proof, is in `contracts/test`.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_a_proof_contradicts_is_refuted_without_a_dispute() {
    // Nobody defends: by challenges alone the lies would stand for twenty minutes of L1.
    let world = World::hybrid(60, 1_200, 300).await;
    let entry = world.live(3).await;
    let honest = world.claimed(&entry).await;
    let settlement = world.rollup.deployment.contracts.settlement;
    let prover = Address::repeat_byte(0x77);
    let slot = keccak256([B256::from(U256::from(honest.id)), B256::from(U256::from(PROVER_OF))].concat());
    let l1 = &world.rollup.l1;
    let _: bool = l1.request("anvil_setStorageAt", (settlement, slot, prover.into_word())).await.unwrap();
    assert_eq!(l1.call(settlement, &ISettlement::proverOfCall { id: honest.id }).await.unwrap(), prover);

    let (first, last) = world.rollup.blocks_of(&honest).unwrap().unwrap();
    let outputs = world.outputs(first, last);
    let batch = world.rollup.index.batch(honest.last_batch).unwrap().unwrap();
    let end = outputs.len() - 1;
    // False at the end, from the first block on, and in the middle only: there the proof says nothing.
    let at_the_end = with_leaf(&outputs, end, B256::repeat_byte(1));
    let throughout = OutputRoot::history((0..outputs.len()).map(|leaf| keccak256([2, leaf as u8])).collect());
    let dented = with_leaf(&outputs, 0, B256::repeat_byte(3));
    assert!(end > 0, "there is a middle");
    let liar = dev_key(LIAR);
    let before = world.worth(liar.address()).await;
    let mut lies = Vec::new();
    for history in [&at_the_end, &throughout, &dented] {
        lies.push(world.claim(&liar, honest.parent_id, first, &batch, history).await);
    }
    world.comes_to(honest.id, ClaimStatus::Final).await;
    for id in &lies[..2] {
        world.comes_to(*id, ClaimStatus::Rejected).await;
        let winner = l1.call(settlement, &ISettlement::winnerOfCall { id: *id }).await.unwrap();
        assert_eq!(winner, prover, "claim {id} was refuted");
    }
    assert_eq!(world.rollup.index.claim(lies[2]).unwrap().unwrap().status, ClaimStatus::Pending);
    assert!(world.disputes().await.is_empty());
    // Nobody has to do anything about what ends in the truth.
    let challenges = challenges(&world).await;
    assert!(challenges.iter().all(|(_, challenge)| challenge.claimId != lies[2]));
    // Half of two bonds is the prover's; those who challenged have theirs back, and a share.
    let bond = world.rollup.deployment.parameters.bond;
    assert_eq!(world.worth(prover).await, bond);
    let after = world.worth(liar.address()).await;
    assert!(before - after >= bond * U256::from(3), "{before} {after}");
    wait("the challenges of what was refuted to be over", async || {
        let open = |(_, challenge): &(u64, Challenge)| challenge.status == ChallengeStatus::Open;
        (!self::challenges(&world).await.iter().any(open)).then_some(())
    })
    .await;
    world.stop().await;
}

/// A claim that is false in its middle only can be proved, at a time of its author's choosing: what builds on it would have a final parent
/// when its own window is over. If it is rejected instead, defences of what builds on it are lost.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_builds_on_a_claim_that_can_be_proved_is_challenged_at_once_and_not_defended() {
    let world = World::hybrid(120, 15, 100).await;
    let (parent, first) = world.tip().await;
    let below = world.live(3).await;
    let above = world.live(1).await;
    let outputs = world.outputs(first, below.header.lastBlock);
    let dented = with_leaf(&outputs, 0, B256::repeat_byte(3));
    assert!(outputs.len() > 1, "there is a middle");
    let liar = dev_key(LIAR);
    let provable = world.claim(&liar, parent, first, &below, &dented).await;
    let next = below.header.lastBlock + 1;
    let outputs = world.outputs(next, above.header.lastBlock);
    let theft = with_leaf(&outputs, outputs.len() - 1, B256::repeat_byte(4));
    let bait = world.claim(&liar, provable, next, &above, &OutputRoot::history(outputs)).await;
    let against_bait = world.challenge(&liar, bait, theft.root()).await;
    let theft = world.claim(&liar, provable, next, &above, &theft).await;

    world.comes_to(theft, ClaimStatus::Rejected).await;
    let settlement = world.rollup.deployment.contracts.settlement;
    let winner = world.rollup.l1.call(settlement, &ISettlement::winnerOfCall { id: theft }).await.unwrap();
    assert_eq!(winner, world.operator, "it was challenged, it did not fall with its parent");
    assert_eq!(world.rollup.index.claim(provable).unwrap().unwrap().status, ClaimStatus::Pending);
    let challenges = challenges(&world).await;
    assert!(challenges.iter().all(|(id, challenge)| challenge.claimId == theft || *id == against_bait));
    assert!(world.disputes().await.is_empty(), "nobody defends the bait");
    world.stop().await;
}

/// Of several final claims up to the same batch L1 takes new ones on the first only.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn another_final_claim_of_the_same_batches_stops_nobody() {
    let world = World::hybrid(40, 15, 100).await;
    let entry = world.live(2).await;
    let honest = world.claimed(&entry).await;
    let (first, last) = world.rollup.blocks_of(&honest).unwrap().unwrap();
    let outputs = world.outputs(first, last);
    assert!(outputs.len() > 1, "there is a middle");
    let dented = with_leaf(&outputs, 0, B256::repeat_byte(3));
    let liar = dev_key(LIAR);
    let batch = world.rollup.index.batch(honest.last_batch).unwrap().unwrap();
    let other = world.claim(&liar, honest.parent_id, first, &batch, &dented).await;
    world.comes_to(honest.id, ClaimStatus::Final).await;
    let settlement = world.rollup.deployment.contracts.settlement;
    let finalize = ISettlement::finalizeCall { id: other }.abi_encode();
    wait("the other's window to be over", async || {
        send_transaction(&world.rollup.l1, &liar, Some(settlement), U256::ZERO, finalize.clone().into())
            .await
            .ok()
    })
    .await;
    world.comes_to(other, ClaimStatus::Final).await;
    let next = world.live(1).await;
    world.claimed(&next).await;
    world.stop().await;
}

async fn challenges(world: &World) -> Vec<(u64, Challenge)> {
    let mut found = Vec::new();
    for id in 1..=world.ask(&IDisputes::challengeCountCall {}).await {
        found.push((id, world.ask(&IDisputes::challengeOfCall { id }).await));
    }
    found
}
