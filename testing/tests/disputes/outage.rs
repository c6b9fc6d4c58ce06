//! When nobody defends what is true.

use alloy_primitives::{B256, U256};
use alloy_sol_types::SolCall;
use duplex_bridge::send_transaction;
use duplex_contracts::bindings::IDisputes;
use duplex_l1::{ClaimEntry, ClaimStatus};
use duplex_node::dev_key;
use duplex_primitives::OutputRoot;

use crate::world::{LIAR, World, wait};

/// The claim that the devnet now makes on the first one.
async fn pending(world: &World) -> ClaimEntry {
    wait("a claim on the first one", async || {
        let claims = world.rollup.index.claims().unwrap();
        claims.into_iter().find(|claim| claim.parent_id == 0 && claim.status == ClaimStatus::Pending)
    })
    .await
}

/// Challenges a claim, which nobody defends.
async fn reject(world: &World, claim: &ClaimEntry) {
    let challenge = world.challenge(&dev_key(LIAR), claim.id, B256::repeat_byte(1)).await;
    let call = IDisputes::resolveCall { challengeId: challenge }.abi_encode();
    wait("the challenge to be won", async || {
        let disputes = Some(world.rollup.deployment.contracts.disputes);
        let data = call.clone().into();
        send_transaction(&world.rollup.l1, &dev_key(LIAR), disputes, U256::ZERO, data).await.ok()
    })
    .await;
    world.comes_to(claim.id, ClaimStatus::Rejected).await;
}

/// L1 takes what was rejected again, with another bond. Otherwise an outage of all who defend could end claims for good.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_truth_that_nobody_defended_is_claimed_again() {
    let world = World::start(false, 3_600, 3, 60).await;
    for _ in 0..2 {
        let entry = world.live(1).await;
        world.claimed(&entry).await;
    }
    let first = pending(&world).await;
    let batch = world.rollup.index.batch(first.last_batch).unwrap().unwrap();
    let truth = OutputRoot::history(world.outputs(1, batch.header.lastBlock));
    assert_eq!(first.block_outputs_root, truth.root(), "it is true");
    reject(&world, &first).await;

    // The devnet goes on, with all that there is by now.
    let next = pending(&world).await;
    assert_eq!(next.proposer, world.operator);
    assert!(next.id > first.id && next.last_batch >= first.last_batch, "{next:?}");
    reject(&world, &next).await;

    // And anybody may say the very same.
    let again = world.claim(&dev_key(LIAR), 0, 1, &batch, &truth).await;
    let again = world.rollup.index.claim(again).unwrap().unwrap();
    assert_eq!(world.hash(again.id), world.hash(first.id));
    assert_eq!(again.status, ClaimStatus::Pending);
    world.stop().await;
}
