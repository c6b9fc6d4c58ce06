//! An L1 that goes away and comes back, and one that changes its mind.

use std::{path::Path, time::Duration};

use alloy_primitives::{Address, B256, U256};
use duplex_bridge::{Asset, Bridge};
use duplex_contracts::bindings::IVault;
use duplex_l1::Deployment;
use duplex_testing::{
    devnet::{Dice, PATIENCE, Process, anvil_bin, bridge, free_port, say, until, words},
    load::{Load, dev_key, fresh},
    truth::{Seen, audit, deposit_eth, receipt, sync_status},
};
use serde_json::Value;

/// Development account 9.
const OPERATOR: &str = "0x2a871d0798f97d79848a013d4936a73bf4cc922c825d33c1cf7073dff6d409c6";

async fn deploy(l1_url: &str, dir: &Path) -> Deployment {
    let file = dir.join("deployment.json");
    let args = format!(
        "deploy --development --challenge-window 2 --l1 {l1_url} --l1-key {OPERATOR} --deployment {}",
        file.display()
    );
    let deployed = Process::run(&words(&args)).await;
    assert_eq!(deployed.code, Some(0), "{}", deployed.stderr);
    Deployment::load(&file).unwrap()
}

/// A node with all roles.
async fn node(deployment: &mut Deployment, dir: &Path, more: &str) -> Process {
    let port = free_port();
    deployment.l2_rpc = format!("http://127.0.0.1:{port}");
    let mut node = Process::duplex(&words(&format!(
        "node --deployment {} --data-dir {} --l2-port {port} --sequence --batch --propose --l1-key {OPERATOR} \
         --batch-age 1 --claim-interval 1 --block-time 150 --log info {more}",
        dir.join("deployment.json").display(),
        dir.join("l2").display()
    )));
    node.answers(&deployment.l2_rpc).await;
    node
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_l1_that_is_away_is_waited_for() {
    let mut dice = Dice::seeded(3);
    let dir = tempfile::tempdir().unwrap();
    let (port, l1_dir) = (free_port(), dir.path().join("l1"));
    let l1_args = words(&format!("l1 --l1-port {port} --l1-block-time 400 --data-dir {}", l1_dir.display()));
    let url = format!("http://127.0.0.1:{port}");
    let mut l1 = Process::duplex(&l1_args);
    l1.answers(&url).await;
    let mut deployment = deploy(&url, dir.path()).await;
    let mut node = node(&mut deployment, dir.path(), "").await;
    let bridge = bridge(deployment.clone());
    let seen = Seen::default();
    let watcher = tokio::spawn(seen.clone().watch(bridge.l2.clone()));
    let load = Load::start(&bridge, &mut dice);
    tokio::time::sleep(Duration::from_secs(4)).await;

    for away in [1, 6] {
        let mark = node.mark();
        l1.kill();
        node.logged(mark, "L1 cannot be read, waiting for it").await;
        // L2 serves meanwhile.
        let to = fresh(&mut dice);
        let sent = bridge.transfer(&dev_key(&deployment, 7), &Asset::Eth, to, U256::from(5)).await.unwrap();
        assert!(sent.receipt.is_success());
        tokio::time::sleep(Duration::from_secs(away)).await;
        assert!(node.is_running(), "{}", node.tail());
        l1 = Process::duplex(&l1_args);
        l1.answers(&url).await;
        node.logged(mark, "L1 answers again").await;
        let said = node.stderr()[mark..].matches("L1 cannot be read").count();
        assert_eq!(said, 1, "said once, not again and again");
        let to = fresh(&mut dice);
        let balance = deposit_eth(&bridge, &dev_key(&deployment, 8), to, 77).await.unwrap();
        assert_eq!(balance, U256::from(77));
    }
    let story = load.stop().await;
    audit(&bridge, &mut node, &dev_key(&deployment, 6), |to| to[0] == 0xd0).await;
    watcher.abort();
    seen.assert_kept(&bridge.l2, true).await;
    for (hash, block, ..) in story.transfers {
        assert_eq!(receipt(&bridge.l2, hash).await.block_number.to::<u64>(), block, "transfer {hash}");
    }
}

/// Reorganises L1 while people use the L2. Depths are one more than given.
async fn reorganise(confirmations: u64, depths: &[u64], seed: u64) {
    let mut dice = Dice::seeded(seed);
    let dir = tempfile::tempdir().unwrap();
    let args = words(&format!(
        "up --json --data-dir {} --l1-port 0 --l2-port 0 --challenge-window 2 --batch-age 1 --claim-interval 1 \
         --block-time 150 --l1-block-time 400 --confirmations {confirmations}",
        dir.path().display(),
    ));
    let mut node = Process::duplex(&args);
    let deployment = node.deployment().await;
    let bridge = bridge(deployment.clone());
    let load = Load::start(&bridge, &mut dice);
    tokio::time::sleep(Duration::from_secs(3)).await;
    for depth in depths {
        let mark = node.mark();
        // By the clock, a new block could come between: then the node may not have read what goes.
        mine_by_clock(&bridge, false).await;
        let height = bridge.l1.block_number().await.unwrap();
        let old: Value = block(&bridge, height).await;
        until("the node to read the newest L1 block", || async {
            let status = sync_status(&bridge.l2).await.ok()?;
            (status.l1_head?["hash"] == old["hash"]).then_some(())
        })
        .await;
        let _: Value = bridge.l1.request("anvil_reorg", (*depth, Vec::<Value>::new())).await.unwrap();
        assert_ne!(old["hash"], block(&bridge, height).await["hash"], "L1 block {height} is another one now");
        node.logged(mark, "L1 reorganised").await;
        mine_by_clock(&bridge, true).await;
        tokio::time::sleep(Duration::from_millis(1500) + dice.millis(1500)).await;
        let log = node.stderr()[mark..].to_owned();
        if *depth <= confirmations {
            assert!(!log.contains("L2 goes back"), "depth {depth} is below the confirmations:\n{log}");
        }
    }
    let story = load.stop().await;
    assert!(story.deposits > 0 && !story.transfers.is_empty(), "{story:?}");
    // L2 goes on.
    let to = fresh(&mut dice);
    assert_eq!(deposit_eth(&bridge, &dev_key(&deployment, 7), to, 9).await.unwrap(), U256::from(9));
    // What users were told to be in a block is in a block, the same or another.
    for (hash, _, to, amount) in &story.transfers {
        assert!(receipt(&bridge.l2, *hash).await.is_success());
        assert_eq!(bridge.l2.balance(*to).await.unwrap(), *amount, "transfer {hash}");
    }
    audit(&bridge, &mut node, &dev_key(&deployment, 6), |to| to[0] == 0xd0).await;
}

async fn mine_by_clock(bridge: &Bridge, on: bool) {
    let _: Value = bridge.l1.request("evm_setIntervalMining", (u64::from(on),)).await.unwrap();
}

async fn block(bridge: &Bridge, number: u64) -> Value {
    let number = alloy_primitives::U64::from(number);
    bridge.l1.request("eth_getBlockByNumber", (number, false)).await.unwrap()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn l1_reorganises_and_l2_takes_everything_at_once() {
    reorganise(0, &[1, 3, 2, 5], 17).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn l1_reorganises_and_l2_waits_for_two_confirmations() {
    reorganise(2, &[1, 2, 4, 2], 19).await;
}

/// L1 goes back and what was there does not come again: a deposit that L2 has credited, a batch
/// and a claim are gone.
async fn forgets(bridge: &Bridge, node: &mut Process, dice: &mut Dice) {
    let deployment = bridge.deployment.clone();
    let (stays, goes) = (fresh(dice), fresh(dice));
    assert_eq!(deposit_eth(bridge, &dev_key(&deployment, 1), stays, 10).await.unwrap(), U256::from(10));
    let snapshot: Value = bridge.l1.request("evm_snapshot", ()).await.unwrap();
    let batches = sync_status(&bridge.l2).await.unwrap().batches_on_l1;
    assert_eq!(deposit_eth(bridge, &dev_key(&deployment, 2), goes, 20).await.unwrap(), U256::from(20));
    let (payee, amount) = (fresh(dice), U256::from(30));
    let sent = bridge.transfer(&dev_key(&deployment, 3), &Asset::Eth, payee, amount).await.unwrap();
    until("batches after the snapshot", || async {
        let status = sync_status(&bridge.l2).await.ok()?;
        (status.batches_on_l1 > batches).then_some(())
    })
    .await;
    let mark = node.mark();
    let reverted: bool = bridge.l1.request("evm_revert", (snapshot,)).await.unwrap();
    assert!(reverted);
    node.logged(mark, "L2 goes back").await;
    until("the deposit that L1 has forgotten to be gone", || async {
        let balance = bridge.l2.balance(goes).await.ok()?;
        balance.is_zero().then_some(())
    })
    .await;
    assert_eq!(bridge.l2.balance(stays).await.unwrap(), U256::from(10));
    assert!(receipt(&bridge.l2, sent.receipt.transaction_hash).await.is_success(), "sequenced again");
    assert_eq!(bridge.l2.balance(payee).await.unwrap(), amount);
    // L2 goes on: deposits, batches, claims.
    assert_eq!(deposit_eth(bridge, &dev_key(&deployment, 4), goes, 40).await.unwrap(), U256::from(40));
    audit(bridge, node, &dev_key(&deployment, 6), |to| to[0] == 0xd0).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn no_deposit_stays_that_l1_has_forgotten() {
    let mut dice = Dice::seeded(23);
    let dir = tempfile::tempdir().unwrap();
    let args = words(&format!(
        "up --json --data-dir {} --l1-port 0 --l2-port 0 --challenge-window 2 --batch-age 1 --claim-interval 1 \
         --block-time 150 --l1-block-time 400",
        dir.path().display(),
    ));
    let mut node = Process::duplex(&args);
    let deployment = node.deployment().await;
    forgets(&bridge(deployment), &mut node, &mut dice).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn no_deposit_stays_that_anvil_has_forgotten() {
    let Some(anvil) = anvil_bin() else {
        return say("skipped: no anvil on PATH or in DUPLEX_ANVIL");
    };
    let mut dice = Dice::seeded(29);
    let dir = tempfile::tempdir().unwrap();
    let port = free_port();
    let mut l1 = Process::start(&anvil, &words(&format!("--port {port} --block-time 1 --silent")));
    let url = format!("http://127.0.0.1:{port}");
    l1.answers(&url).await;
    let mut deployment = deploy(&url, dir.path()).await;
    let mut node = node(&mut deployment, dir.path(), "").await;
    forgets(&bridge(deployment), &mut node, &mut dice).await;
}

/// Asks the Vault, so that a running L1 is known to be the one deployed to.
async fn vault_answers(bridge: &Bridge) -> bool {
    let vault = bridge.deployment.contracts.vault;
    bridge.l1.call(vault, &IVault::withdrawalStateCall { withdrawalHash: B256::ZERO }).await.is_ok()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_cannot_start_says_why_in_one_line() {
    let dir = tempfile::tempdir().unwrap();
    let path = |name: &str| dir.path().join(name).display().to_string();
    let data = path("devnet");
    let up = |more: &str| words(&format!("up --l1-port 0 --l2-port 0 {more}"));
    let mut devnet = Process::duplex(&up(&format!("--json --l1-block-time 200 --data-dir {data}")));
    let deployment = devnet.deployment().await;
    let file = format!("{data}/deployment.json");
    let l1 = deployment.l1_rpc.clone();
    let l2_port = deployment.l2_rpc.rsplit(':').next().unwrap().to_owned();
    assert!(vault_answers(&bridge(deployment.clone())).await);

    // The directory is in use.
    let refused = Process::run(&up(&format!("--data-dir {data}"))).await;
    refused.assert_refused(&[&data, "another process"]);

    // The port of L2, and of L1, is in use.
    let other = path("busy");
    let args = words(&format!("up --l1-port 0 --l2-port {l2_port} --l1-block-time 200 --data-dir {other}"));
    Process::run(&args).await.assert_refused(&[&format!("127.0.0.1:{l2_port}"), "--l2-port"]);
    let args = words(&format!("l1 --l1-port {l2_port} --data-dir {}", path("busy-l1")));
    Process::run(&args).await.assert_refused(&[&format!("127.0.0.1:{l2_port}"), "--l1-port"]);

    // The directory was set up with another kind of L1.
    let refused = Process::run(&up(&format!("--l1 {l1} --data-dir {other}"))).await;
    refused.assert_refused(&[&other, "embedded", "--data-dir", "--fresh"]);

    // The deployment is another L1's: by chain id, and by contracts.
    let mut json: Value = serde_json::from_str(&std::fs::read_to_string(&file).unwrap()).unwrap();
    json["l1ChainId"] = 5.into();
    let wrong = path("wrong.json");
    std::fs::write(&wrong, json.to_string()).unwrap();
    let args = words(&format!("node --deployment {wrong} --l2-port 0 --data-dir {}", path("node")));
    Process::run(&args).await.assert_refused(&["chain id is 5", "31337"]);
    json["l1ChainId"] = 31337.into();
    json["contracts"]["inbox"] = serde_json::json!(Address::repeat_byte(7));
    std::fs::write(&wrong, json.to_string()).unwrap();
    Process::run(&args).await.assert_refused(&[&l1, &Address::repeat_byte(7).to_string()]);

    // No such file, no such form.
    let args = words(&format!("node --deployment {} --data-dir {}", path("none.json"), path("node")));
    Process::run(&args).await.assert_refused(&[&path("none.json")]);
    std::fs::write(&wrong, "{}").unwrap();
    let args = words(&format!("node --deployment {wrong} --data-dir {}", path("node")));
    Process::run(&args).await.assert_refused(&[&wrong, "not a deployment file"]);

    // Keys: without money, malformed, missing, not the sequencer's.
    let poor = alloy_signer_local::PrivateKeySigner::from_bytes(&B256::repeat_byte(0x33)).unwrap();
    let deploy = |key: &str, l1: &str| {
        words(&format!("deploy --l1 {l1} --l1-key {key} --deployment {}", path("new.json")))
    };
    let refused = Process::run(&deploy(&B256::repeat_byte(0x33).to_string(), &l1)).await;
    refused.assert_refused(&[&poor.address().to_string(), "0 wei", "--l1-key"]);
    for bad in ["0x1234", "hello", &"f".repeat(64), &"0".repeat(64)] {
        Process::run(&deploy(bad, &l1)).await.assert_refused(&["private key", "64 hexadecimal"]);
    }
    let node = |more: &str| {
        words(&format!("node --deployment {file} --l2-port 0 --data-dir {} {more}", path("node")))
    };
    Process::run(&node("--sequence --batch")).await.assert_refused(&["--l1-key"]);
    let foreign = format!("--sequence --batch --l1-key {}", B256::repeat_byte(0x33));
    let refused = Process::run(&node(&foreign)).await;
    refused.assert_refused(&[&poor.address().to_string(), &deployment.sequencer.to_string()]);

    // URLs: malformed, of another kind, of nobody.
    let nobody = format!("http://127.0.0.1:{}", free_port());
    for bad in ["127.0.0.1:8545", "nonsense", "ftp://127.0.0.1/"] {
        Process::run(&deploy(OPERATOR, bad)).await.assert_refused(&[bad, "http://"]);
        let refused = Process::run(&up(&format!("--l1 {bad} --data-dir {}", path("url")))).await;
        refused.assert_refused(&[bad, "http://"]);
    }
    Process::run(&deploy(OPERATOR, &nobody)).await.assert_refused(&[&nobody]);
    Process::run(&node(&format!("--l1 {nobody}"))).await.assert_refused(&[&nobody]);
    let refused = Process::run(&up(&format!("--l1 {nobody} --data-dir {}", path("nobody")))).await;
    refused.assert_refused(&[&nobody]);

    // None of this disturbed the devnet.
    assert!(devnet.is_running());
    assert!(tokio::time::timeout(PATIENCE, vault_answers(&bridge(deployment))).await.unwrap());
}
