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
    let batch = world.rollup.index.batch(claim.last_batch).unwrap().unwrap();
    let challenge = world.challenge(&dev_key(LIAR), claim.id, &batch, B256::repeat_byte(1)).await;
    let call = IDisputes::resolveCall { challengeId: challenge }.abi_encode();
    wait("the challenge to be won", async || {
        let disputes = Some(world.rollup.deployment.contracts.disputes);
        let data = call.clone().into();
        send_transaction(&world.rollup.l1, &dev_key(LIAR), disputes, U256::ZERO, data).await.ok()
    })
    .await;
    world.comes_to(claim.id, ClaimStatus::Rejected).await;
}

/// L1 takes what was rejected no second time. With that, an outage of all who defend would end claims for good.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_truth_that_nobody_defended_is_claimed_up_to_another_batch() {
    let world = World::start(false, 3_600, 3, 60).await;
    for _ in 0..3 {
        let entry = world.live(1).await;
        world.claimed(&entry).await;
    }
    let mut rejected: Vec<ClaimEntry> = Vec::new();
    for _ in 0..3 {
        let claim = pending(&world).await;
        let last = world.rollup.index.batch(claim.last_batch).unwrap().unwrap().header.lastBlock;
        assert_eq!(
            claim.block_outputs_root,
            OutputRoot::history(world.outputs(1, last)).root(),
            "it is true"
        );
        assert!(rejected.iter().all(|other| other.last_batch != claim.last_batch), "{claim:?} {rejected:?}");
        if let Some(before) = rejected.get(1) {
            // That was up to the newest batch; nobody had to wait for another.
            let newest = world.rollup.derivation.borrow().batch;
            assert!(
                claim.last_batch < before.last_batch || newest > before.last_batch,
                "{claim:?} {before:?}"
            );
        }
        reject(&world, &claim).await;
        rejected.push(claim);
    }
    world.stop().await;
}
