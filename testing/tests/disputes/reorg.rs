//! When L1 takes back what was disputed.

use alloy_primitives::B256;
use duplex_contracts::bindings::{Challenge, ChallengeStatus, IDisputes};
use duplex_l1::ClaimStatus;
use duplex_node::dev_key;
use duplex_primitives::OutputRoot;
use serde_json::Value;

use crate::world::{LIAR, World, wait};

/// All challenges of a claim.
async fn challenges(world: &World, claim: u64) -> Vec<Challenge> {
    let mut found = Vec::new();
    for id in 1..=world.ask(&IDisputes::challengeCountCall {}).await {
        found.push(world.ask(&IDisputes::challengeOfCall { id }).await);
    }
    found.retain(|challenge| challenge.claimId == claim);
    found
}

/// A liar says the same of two parents, one after the other, under the same number. What the challenger said of the first would be
/// false of the second: it begins at another block.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_challenge_is_of_one_parent_whatever_l1_takes_back() {
    let world = World::of_one_claim(3_600, 15, 30).await;
    let liar = dev_key(LIAR);
    let entry = world.live(1).await;
    let near = wait("the devnet's only claim", async || {
        world.rollup.index.claims().unwrap().into_iter().find(|claim| claim.proposer == world.operator)
    });
    let near = near.await;
    // Another true one, of more batches.
    let entry = if entry.header.index > near.last_batch { entry } else { world.live(1).await };
    let truth = OutputRoot::history(world.outputs(1, entry.header.lastBlock));
    let far = world.claim(&liar, 0, 1, &entry, &truth).await;
    let last = world.live(2).await;
    let next_to_near = world.rollup.index.batch(near.last_batch).unwrap().unwrap().header.lastBlock + 1;
    let next_to_far = entry.header.lastBlock + 1;
    // It ends in the same output at every length.
    let words = OutputRoot::history(vec![
        B256::repeat_byte(0xee);
        (last.header.lastBlock + 1 - next_to_near) as usize
    ]);
    let after_near = OutputRoot::history(world.outputs(next_to_near, last.header.lastBlock)).root();
    let after_far = OutputRoot::history(world.outputs(next_to_far, last.header.lastBlock)).root();

    let l1 = &world.rollup.l1;
    let snapshot: Value = l1.request("evm_snapshot", ()).await.unwrap();
    let id = world.claim(&liar, near.id, next_to_near, &last, &words).await;
    let first = world.hash(id);
    let challenged = wait("the challenge", async || challenges(&world, id).await.pop()).await;
    assert_eq!((challenged.challenger, challenged.outputsRoot), (world.operator, after_near));

    let reverted: bool = l1.request("evm_revert", (snapshot,)).await.unwrap();
    assert!(reverted);
    wait("the claim to be forgotten", async || {
        (world.rollup.index.claim(id).unwrap().is_none() && world.rollup.derived().unwrap().is_some())
            .then_some(())
    })
    .await;
    let again = world.claim(&liar, far, next_to_far, &last, &words).await;
    assert_eq!(again, id, "the same number");
    assert_ne!(world.hash(again), first);
    world.comes_to(again, ClaimStatus::Rejected).await;
    let all = challenges(&world, again).await;
    assert!(all.iter().all(|challenge| challenge.outputsRoot == after_far), "{all:?} {after_near}");
    assert!(all.iter().any(|challenge| challenge.status == ChallengeStatus::Won), "{all:?}");
    world.stop().await;
}
