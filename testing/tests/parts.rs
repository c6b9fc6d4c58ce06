//! L1 survives; the node that sequences, posts and claims is killed exactly while it seals, posts
//! and claims.

use std::{path::Path, time::Duration};

use duplex_l1::Deployment;
use duplex_testing::{
    devnet::{Dice, Process, anvil_bin, bridge, free_port, kill_rounds, say, words},
    load::{Load, dev_key},
    truth::{Seen, audit, receipt},
};

/// Development account 9.
const OPERATOR: &str = "0x2a871d0798f97d79848a013d4936a73bf4cc922c825d33c1cf7073dff6d409c6";

async fn kill_on_log_lines(l1_url: &str, dir: &Path, seed: u64) {
    let mut dice = Dice::seeded(seed);
    let file = dir.join("deployment.json");
    let deploy = format!(
        "deploy --development --challenge-window 2 --l1 {l1_url} --l1-key {OPERATOR} --deployment {}",
        file.display()
    );
    let deployed = Process::run(&words(&deploy)).await;
    assert_eq!(deployed.code, Some(0), "{}", deployed.stderr);
    let port = free_port();
    let mut deployment = Deployment::load(&file).unwrap();
    deployment.l2_rpc = format!("http://127.0.0.1:{port}");
    let args = words(&format!(
        "node --deployment {} --data-dir {} --l2-port {port} --sequence --batch --propose --l1-key {OPERATOR} \
         --batch-age 0 --claim-interval 1 --block-time 150 --log info",
        file.display(),
        dir.join("l2").display()
    ));
    let mut node = Process::duplex(&args);
    node.answers(&deployment.l2_rpc).await;
    let bridge = bridge(deployment.clone());
    let seen = Seen::default();
    let watcher = tokio::spawn(seen.clone().watch(bridge.l2.clone()));
    let load = Load::start(&bridge, &mut dice);

    let lines = ["batch sealed", "batch posted", "claimed"];
    for round in 0..kill_rounds(12) {
        let line = lines[round as usize % lines.len()];
        node.logged(0, line).await;
        // Every second time a little later: the next step has begun then.
        if round % 2 == 1 {
            tokio::time::sleep(dice.millis(400)).await;
        }
        node.kill();
        assert!(!node.stderr().contains("panicked"), "{}", node.tail());
        node = Process::duplex(&args);
    }
    node.answers(&deployment.l2_rpc).await;
    let before = seen.finalized();
    tokio::time::sleep(Duration::from_secs(2)).await;
    let story = load.stop().await;
    assert!(!story.transfers.is_empty(), "{story:?}");
    let found = audit(&bridge, &mut node, &dev_key(&deployment, 6), |to| to[0] == 0xd0).await;
    watcher.abort();
    assert!(seen.finalized() > before, "claims go on becoming final");
    assert!(found.batches > 5 && found.final_claims > 1, "{found:?}");
    seen.assert_kept(&bridge.l2, true).await;
    for (hash, block, ..) in story.transfers {
        assert_eq!(receipt(&bridge.l2, hash).await.block_number.to::<u64>(), block, "transfer {hash}");
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_node_killed_while_it_seals_posts_and_claims_goes_on() {
    let dir = tempfile::tempdir().unwrap();
    let (port, l1_dir) = (free_port(), dir.path().join("l1"));
    let args = format!("l1 --l1-port {port} --l1-block-time 500 --data-dir {}", l1_dir.display());
    let mut l1 = Process::duplex(&words(&args));
    let url = format!("http://127.0.0.1:{port}");
    l1.answers(&url).await;
    kill_on_log_lines(&url, dir.path(), 11).await;
    assert!(l1.is_running());
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_node_on_anvil_killed_while_it_seals_posts_and_claims_goes_on() {
    let Some(anvil) = anvil_bin() else {
        return say("skipped: no anvil on PATH or in DUPLEX_ANVIL");
    };
    let dir = tempfile::tempdir().unwrap();
    let port = free_port();
    let args = words(&format!("--port {port} --block-time 1 --silent"));
    let mut l1 = Process::start(&anvil, &args);
    let url = format!("http://127.0.0.1:{port}");
    l1.answers(&url).await;
    kill_on_log_lines(&url, dir.path(), 13).await;
    assert!(l1.is_running());
}
