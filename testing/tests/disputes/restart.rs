//! A challenger that is stopped again and again.

use std::{sync::Arc, time::Duration};

use alloy_primitives::B256;
use duplex_actors::challenger::{Honest, Liar, Lie};
use duplex_contracts::bindings::DisputeStatus;
use duplex_l1::ClaimStatus;
use duplex_node::dev_key;

use crate::world::{LIAR, Player, World, with_leaf};

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_challenger_goes_on_wherever_it_was_stopped() {
    let world = World::start(false, 60, 20, 300).await;
    let (parent, first) = world.tip().await;
    let entry = world.live(2).await;
    let outputs = world.outputs(first, entry.header.lastBlock);
    let history = with_leaf(&outputs, outputs.len() - 1, B256::repeat_byte(4));
    let liar = dev_key(LIAR);
    let claim = world.claim(&liar, parent, first, &entry, &history).await;
    let opinion = Arc::new(Liar::new(Lie::Claims(vec![history]), Some(2_000_000)));
    let lying = Player::start(&world, LIAR, &world.dir.path().join("liar.redb"), opinion).await;
    let records = world.dir.path().join("honest.redb");
    // Longer each time, so that it gets somewhere however slow the machine is.
    let mut lives = 0u64;
    while world.rollup.index.claim(claim).unwrap().unwrap().status == ClaimStatus::Pending {
        let honest = Player::start(&world, 8, &records, Arc::new(Honest)).await;
        tokio::time::sleep(Duration::from_millis(700 + 200 * lives)).await;
        honest.stop().await;
        lives += 1;
        assert!(lives < 60, "it never came to an end");
    }
    lying.stop().await;
    world.comes_to(claim, ClaimStatus::Rejected).await;
    assert_eq!(world.disputes().await, [DisputeStatus::DefenceLost]);
    assert!(lives > 2, "it was never really stopped");
    world.stop().await;
}
