//! L2 from L1 alone: followers, blobs and who has them, feeds.

use std::{path::Path, time::Duration};

use alloy_primitives::{B256, U64, U256};
use duplex_bridge::{Asset, Bridge};
use duplex_l1::{Deployment, Rpc};
use duplex_testing::{
    devnet::{Dice, Process, anvil_bin, bridge, free_port, say, until, words},
    lag::{Lagging, Unknown},
    lies::Liar,
    load::{Load, dev_key, fresh},
    truth::{deposit_eth, sync_status},
};

/// Uses a rollup for some seconds, then waits until all of it is on L1; gives its last L2 block.
async fn use_and_settle(bridge: &Bridge, dice: &mut Dice) -> u64 {
    let load = Load::start(bridge, dice);
    tokio::time::sleep(Duration::from_secs(5)).await;
    let story = load.stop().await;
    assert!(story.deposits > 0 && !story.transfers.is_empty(), "{story:?}");
    let head = bridge.l2.block_number().await.unwrap();
    until("everything to be in batches", || async {
        let status = sync_status(&bridge.l2).await.ok()?;
        (status.safe.number.to::<u64>() >= head).then_some(())
    })
    .await;
    head
}

async fn hash_of(l2: &Rpc, number: u64) -> Option<B256> {
    let block: Option<serde_json::Value> =
        l2.request("eth_getBlockByNumber", (U64::from(number), false)).await.unwrap();
    block.and_then(|block| serde_json::from_value(block["hash"].clone()).ok())
}

/// A node that knows nothing but L1's URL, and what `more` says.
async fn follower(l1: &str, dir: &Path, more: &str) -> (Process, Rpc) {
    let port = free_port();
    let url = format!("http://127.0.0.1:{port}");
    let args = format!("node --l1 {l1} --data-dir {} --l2-port {port} {more}", dir.display());
    let mut node = Process::duplex(&words(&args));
    node.answers(&url).await;
    node.logged(0, "in step with L1").await;
    (node, Rpc::new(&url).unwrap())
}

async fn assert_same(ours: &[(u64, B256)], node: &Rpc) {
    for (number, hash) in ours {
        assert_eq!(hash_of(node, *number).await, Some(*hash), "L2 block {number}");
    }
}

async fn hashes(l2: &Rpc, head: u64) -> Vec<(u64, B256)> {
    let mut list = Vec::new();
    for number in 0..=head {
        list.push((number, hash_of(l2, number).await.expect("the block is there")));
    }
    list
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn everything_comes_back_from_l1_alone() {
    let mut dice = Dice::seeded(31);
    let dir = tempfile::tempdir().unwrap();
    let data = dir.path().join("devnet");
    let mut devnet = Process::duplex(&words(&format!(
        "up --json --data-dir {} --l1-port 0 --l2-port 0 --batch-age 1 --claim-interval 1 --block-time 150 \
         --l1-block-time 400",
        data.display(),
    )));
    let deployment = devnet.deployment().await;
    let whole = bridge(deployment);
    let head = use_and_settle(&whole, &mut dice).await;
    let blocks = hashes(&whole.l2, head).await;
    devnet.kill();
    std::fs::remove_dir_all(data.join("l2")).unwrap();
    std::fs::remove_file(data.join("deployment.json")).unwrap();

    // L1 alone is there.
    let port = free_port();
    let l1_url = format!("http://127.0.0.1:{port}");
    let l1_args = format!("l1 --l1-port {port} --data-dir {} --l1-block-time 400", data.join("l1").display());
    let mut l1 = Process::duplex(&words(&l1_args));
    l1.answers(&l1_url).await;
    let (mut node, l2) = follower(&l1_url, &dir.path().join("a"), "--from-l1").await;
    assert_same(&blocks, &l2).await;

    // It stops, L1 goes on, and so does it.
    node.kill();
    let (_node, l2) = follower(&l1_url, &dir.path().join("a"), "--from-l1").await;
    assert_same(&blocks, &l2).await;
}

/// Batches in blobs, a follower that reads them from L1, one that reads them from the first one's
/// archive, and sources that lie, lack them or do not answer.
async fn blobs(l1_url: &str, deployment: Deployment, head: u64, dir: &Path) {
    let whole = bridge(deployment);
    let blocks = hashes(&whole.l2, head).await;
    let (first, l2) = follower(l1_url, &dir.join("first"), "--from-l1").await;
    assert_same(&blocks, &l2).await;
    let kept = std::fs::read_dir(dir.join("first/blobs")).unwrap().count();
    assert!(kept > 0, "every blob that was read is kept");

    let liar = Liar::start();
    let nobody = format!("http://127.0.0.1:{}", free_port());
    let sources = format!("--from-l1 --blobs {},{nobody},{}", liar.url, l2.url());
    let (second, other) = follower(l1_url, &dir.join("second"), &sources).await;
    assert_same(&blocks, &other).await;
    let said = second.stderr().matches("gave a false blob").count();
    assert_eq!(said, 1, "a liar is named once and not asked again:\n{}", second.tail());
    assert!(liar.asked() <= 9, "it is asked for what is fetched at the same time only: {}", liar.asked());
    drop(first);

    // Without any source that has them, it says what is missing and what to do.
    let port = free_port();
    let args = format!(
        "node --l1 {l1_url} --data-dir {} --l2-port {port} --from-l1 --blobs {nobody}",
        dir.join("third").display()
    );
    let mut third = Process::duplex(&words(&args));
    third.logged(0, "is in none of").await;
    assert!(third.stderr().contains("--blobs URL"), "{}", third.tail());
    assert!(third.is_running());
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn blobs_are_found_wherever_they_are() {
    let mut dice = Dice::seeded(37);
    let dir = tempfile::tempdir().unwrap();
    let mut devnet = Process::duplex(&words(&format!(
        "up --json --data-dir {} --l1-port 0 --l2-port 0 --batch-age 2 --claim-interval 1 --block-time 150 \
         --l1-block-time 400 --da blob",
        dir.path().join("devnet").display(),
    )));
    let deployment = devnet.deployment().await;
    let head = use_and_settle(&bridge(deployment.clone()), &mut dice).await;
    let l1 = deployment.l1_rpc.clone();
    blobs(&l1, deployment, head, dir.path()).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn blobs_on_anvil_are_found_wherever_they_are() {
    let Some(anvil) = anvil_bin() else {
        return say("skipped: no anvil on PATH or in DUPLEX_ANVIL");
    };
    let mut dice = Dice::seeded(41);
    let dir = tempfile::tempdir().unwrap();
    let port = free_port();
    let mut l1 = Process::start(&anvil, &words(&format!("--port {port} --block-time 1 --silent")));
    let url = format!("http://127.0.0.1:{port}");
    l1.answers(&url).await;
    let mut devnet = Process::duplex(&words(&format!(
        "up --json --data-dir {} --l1 {url} --l2-port 0 --batch-age 2 --claim-interval 1 --block-time 150 --da blob",
        dir.path().join("devnet").display(),
    )));
    let deployment = devnet.deployment().await;
    let head = use_and_settle(&bridge(deployment.clone()), &mut dice).await;
    blobs(&url, deployment, head, dir.path()).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_feed_is_ahead_of_l1_and_l1_is_right() {
    let mut dice = Dice::seeded(43);
    let dir = tempfile::tempdir().unwrap();
    let (port, l1_port) = (free_port(), free_port());
    let up = |batch_age: u64, data: &Path| {
        words(&format!(
            "up --json --data-dir {} --l1-port {l1_port} --l2-port {port} --batch-age {batch_age} --claim-interval 1 \
             --block-time 150 --l1-block-time 400",
            data.display(),
        ))
    };
    let data = dir.path().join("devnet");
    let mut devnet = Process::duplex(&up(3600, &data));
    let deployment = devnet.deployment().await;
    let whole = bridge(deployment.clone());
    let feed = format!("--feed {}", deployment.l2_rpc);
    let (_node, l2) = follower(&deployment.l1_rpc, &dir.path().join("follower"), &feed).await;
    let mut through = deployment.clone();
    through.l2_rpc = l2.url().to_owned();
    let through = bridge(through);

    // What users send to the follower gets into blocks, and these are here before they are on L1.
    let to = fresh(&mut dice);
    let paid = deposit_eth(&whole, &dev_key(&deployment, 1), to, 5).await.unwrap();
    assert_eq!(paid, U256::from(5));
    let sent = through.transfer(&dev_key(&deployment, 2), &Asset::Eth, to, U256::from(7)).await.unwrap();
    assert!(sent.receipt.is_success());
    assert_eq!(l2.balance(to).await.unwrap(), U256::from(12));
    let status = sync_status(&l2).await.unwrap();
    assert_eq!(status.batches_on_l1.to::<u64>(), 0, "nothing is on L1");
    let head = status.r#unsafe.number.to::<u64>();
    assert!(head > 0);

    // The sequencer loses everything and starts over: what was never on L1 may become something else,
    // and the follower goes with L1.
    devnet.kill();
    std::fs::remove_dir_all(data.join("l2")).unwrap();
    let _devnet = Process::duplex(&up(1, &data));
    let other = fresh(&mut dice);
    until("the sequencer to answer", || async { whole.l2.chain_id().await.ok() }).await;
    let again = deposit_eth(&whole, &dev_key(&deployment, 3), other, 9).await.unwrap();
    assert_eq!(again, U256::from(9));
    until("the follower to have what L1 has", || async {
        let (ours, theirs) = (sync_status(&l2).await.ok()?, sync_status(&whole.l2).await.ok()?);
        let safe = ours.safe.number.to::<u64>();
        let same = hash_of(&l2, safe).await == hash_of(&whole.l2, safe).await;
        (safe > 0 && same && ours.batches_on_l1 == theirs.batches_on_l1).then_some(())
    })
    .await;
    until("the deposits to be here", || async {
        let (first, second) = (l2.balance(to).await.ok()?, l2.balance(other).await.ok()?);
        (first >= U256::from(5) && second == U256::from(9)).then_some(())
    })
    .await;
}

/// The claims that cover batches, as a node has them; `None` if it lacks a batch.
async fn claims(l2: &Rpc, batches: u64) -> Option<Vec<serde_json::Value>> {
    let mut list = Vec::new();
    for number in 1..=batches {
        let batch: serde_json::Value =
            l2.request("duplex_batchByNumber", (U64::from(number),)).await.unwrap();
        list.push(batch.get("claim")?.clone());
    }
    Some(list)
}

/// Of nodes behind one URL some lag. What they leave out is not taken for what there is not, nor for what was taken back.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_l1_of_which_a_part_lags_says_the_same() {
    let log = follow_what_lags(Unknown::Refuses, 41).await;
    for wrong in ["L1 reorganised", "had a gap", "lacked what became", "L2 goes back"] {
        assert!(!log.contains(wrong), "{wrong}:\n{log}");
    }
}

/// Some say of blocks that they do not have that there is nothing in them. That is found out, also where no later event shows it.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_a_part_of_l1_keeps_silent_about_is_found_out() {
    let log = follow_what_lags(Unknown::Nothing, 43).await;
    assert!(!log.contains("L1 reorganised"), "{log}");
    assert!(["had a gap", "lacked what became"].iter().any(|found| log.contains(found)), "{log}");
}

/// Has a node follow an L1 of which a part lags, event by event, until it knows what is there; gives what it logged.
async fn follow_what_lags(unknown: Unknown, seed: u64) -> String {
    let mut dice = Dice::seeded(seed);
    let dir = tempfile::tempdir().unwrap();
    let mut devnet = Process::duplex(&words(&format!(
        "up --json --data-dir {} --l1-port 0 --l2-port 0 --batch-age 1 --claim-interval 1 --challenge-window 2 \
         --block-time 150 --l1-block-time 400",
        dir.path().join("devnet").display(),
    )));
    let deployment = devnet.deployment().await;
    let whole = bridge(deployment.clone());
    let l1 = Lagging::start(&deployment.l1_rpc, 6, unknown, dice.fork()).await;
    let port = free_port();
    let args = format!(
        "node --l1 {} --deployment {} --data-dir {} --l2-port {port} --from-l1",
        l1.url,
        dir.path().join("devnet/deployment.json").display(),
        dir.path().join("follower").display()
    );
    let mut node = Process::duplex(&words(&args));
    let url = format!("http://127.0.0.1:{port}");
    node.answers(&url).await;
    let l2 = Rpc::new(&url).unwrap();
    let mut head = use_and_settle(&whole, &mut dice).await;
    for _ in 0..9 {
        if l1.hidden() > 5 {
            break;
        }
        head = use_and_settle(&whole, &mut dice).await;
    }
    assert!(l1.hidden() > 5, "hardly any answer lacked logs");
    let batches = sync_status(&whole.l2).await.unwrap().batches_on_l1.to::<u64>();
    until("every batch to be covered by a final claim", || async {
        let claims = claims(&whole.l2, batches).await?;
        claims.iter().all(|claim| claim["status"] == "final").then_some(())
    })
    .await;
    until("the follower to know the same", || async {
        (claims(&l2, batches).await == claims(&whole.l2, batches).await).then_some(())
    })
    .await;
    // What became of claims is known before all blocks are derived.
    until("the follower to have the same blocks", || async {
        (l2.block_number().await.ok()? >= head).then_some(())
    })
    .await;
    let blocks = hashes(&whole.l2, head).await;
    assert_same(&blocks, &l2).await;
    node.stderr()
}
