//! True claims, attacked.

use std::sync::Arc;

use alloy_primitives::{B256, U256};
use alloy_sol_types::SolCall;
use duplex_actors::challenger::{Liar, Lie};
use duplex_contracts::bindings::{DisputeStatus, IDisputes};
use duplex_l1::{ClaimStatus, FeeQuote, sign_eip1559};
use duplex_node::dev_key;

use crate::world::{LIAR, Player, World, wait};

/// Challenges that nobody means.
const SPAM: u64 = 100;

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_true_claim_survives_a_hundred_challenges_and_a_perfect_liar() {
    // Long enough a window for the whole attack, so that it can be made.
    let world = World::start(true, 12, 40, 30).await;
    let entry = world.live(3).await;
    let claim = wait("the honest claim", async || {
        let claims = world.rollup.index.claims().unwrap();
        claims.into_iter().find(|claim| claim.last_batch >= entry.header.index)
    })
    .await;
    // One plays every move there is.
    let opinion = Arc::new(Liar::new(Lie::Against(0), Some(1_000_000)));
    let player = Player::start(&world, LIAR, &world.dir.path().join("liar.redb"), opinion).await;
    // The others only cost money and time.
    let (spammer, l1) = (dev_key(7), &world.rollup.l1);
    let before = world.worth(spammer.address()).await;
    let fees = FeeQuote::current(l1).await.unwrap();
    let (chain, nonce) = (l1.chain_id().await.unwrap(), l1.nonce(spammer.address(), true).await.unwrap());
    let bond = world.rollup.deployment.parameters.dispute_bond;
    for number in 0..SPAM {
        let call = IDisputes::challengeCall {
            claimId: claim.id,
            claimHash: world.hash(claim.id),
            outputsRoot: B256::from(U256::from(number + 1)),
        };
        let to = Some(world.rollup.deployment.contracts.disputes);
        let data = call.abi_encode().into();
        let raw = sign_eip1559(&spammer, chain, nonce + number, to, bond, data, 400_000, fees).unwrap();
        l1.send_raw(&raw).await.unwrap();
    }
    let opened = wait("all challenges", async || {
        let count = world.ask(&IDisputes::challengeCountCall {}).await;
        (count > SPAM).then_some(count)
    })
    .await;
    world.comes_to(claim.id, ClaimStatus::Final).await;
    player.stop().await;
    // Some were made against other true claims by the liar; every one was lost.
    assert!(opened > SPAM);
    let lost = wait("all disputes to end", async || {
        let disputes = world.disputes().await;
        disputes.iter().all(|status| *status != DisputeStatus::Open).then_some(disputes)
    })
    .await;
    assert!(lost.len() as u64 > SPAM);
    assert!(lost.iter().all(|status| *status == DisputeStatus::ChallengeLost), "{lost:?}");
    let spent = before - world.worth(spammer.address()).await;
    assert!(spent >= bond * U256::from(SPAM), "{spent}");
    world.stop().await;
}
