//! A devnet that is killed (SIGKILL) again and again while people use it loses nothing that it
//! told anybody, and does nothing twice.

use std::time::Duration;

use duplex_testing::{
    devnet::{Dice, Process, bridge, free_port, kill_rounds, say, words},
    load::{Load, dev_key},
    truth::{Seen, audit, receipt},
};

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_devnet_killed_at_any_moment_goes_on() {
    let mut dice = Dice::seeded(7);
    let dir = tempfile::tempdir().unwrap();
    let args = words(&format!(
        "up --json --data-dir {} --l1-port {} --l2-port {} --challenge-window 2 --batch-age 1 \
         --claim-interval 1 --block-time 150 --l1-block-time 400",
        dir.path().display(),
        free_port(),
        free_port()
    ));
    let mut node = Process::duplex(&args);
    let deployment = node.deployment().await;
    let bridge = bridge(deployment.clone());
    let seen = Seen::default();
    let watcher = tokio::spawn(seen.clone().watch(bridge.l2.clone()));
    let load = Load::start(&bridge, &mut dice);

    let rounds = kill_rounds(15);
    for round in 0..rounds {
        // Now and then it is killed while it starts, otherwise while it works.
        let starting = round % 5 == 4;
        if !starting {
            node.answers(&deployment.l2_rpc).await;
        }
        tokio::time::sleep(dice.millis(if starting { 800 } else { 5000 })).await;
        assert!(node.is_running(), "round {round}: it ended by itself:\n{}", node.tail());
        node.kill();
        assert!(!node.stderr().contains("panicked"), "{}", node.tail());
        node = Process::duplex(&args);
    }
    node.answers(&deployment.l2_rpc).await;
    let before = seen.finalized();
    say(&format!("  killed {rounds} times; L2 block {before} is final"));
    // Some service without interruption.
    tokio::time::sleep(Duration::from_secs(3)).await;
    let story = load.stop().await;
    assert!(story.transfers.len() >= rounds as usize, "hardly any transfers: {story:?}");
    assert!(story.deposits > 0, "no deposits: {story:?}");

    let again = node.deployment().await;
    assert_eq!(again, deployment, "the deployment is the same after all restarts");
    let found = audit(&bridge, &mut node, &dev_key(&deployment, 6), |to| to[0] == 0xd0).await;
    watcher.abort();
    assert!(found.final_claims > 1 && seen.finalized() > before, "claims go on becoming final");
    assert!(found.withdrawals >= story.started.len() && found.deposits as u64 >= story.deposits);
    // Nothing was reorganised, so not even a block that was not yet safe may be another one.
    seen.assert_kept(&bridge.l2, true).await;
    for (hash, block, to, amount) in story.transfers {
        assert_eq!(receipt(&bridge.l2, hash).await.block_number.to::<u64>(), block, "transfer {hash}");
        assert_eq!(bridge.l2.balance(to).await.unwrap(), amount, "transfer {hash}");
    }
}
