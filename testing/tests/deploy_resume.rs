//! A deployment that was cut off goes on where it stopped.

use std::time::Duration;

use alloy_primitives::{Address, U256};
use duplex_l1::{Deployment, Rpc};
use duplex_testing::{
    devnet::{Dice, Process, bridge, free_port, words},
    load::{dev_key, fresh},
    truth::deposit_eth,
};
use serde_json::Value;

/// Development account 9.
const OPERATOR: &str = "0x2a871d0798f97d79848a013d4936a73bf4cc922c825d33c1cf7073dff6d409c6";

/// Drops the transactions of an account from L1's pool, but for those up to a nonce.
async fn keep_first(rpc: &Rpc, account: Address, nonces: usize) {
    let pool: Value = rpc.request("txpool_content", ()).await.unwrap();
    for kind in ["pending", "queued"] {
        for (owner, txs) in pool[kind].as_object().unwrap() {
            assert_eq!(owner.parse::<Address>().unwrap(), account);
            for (nonce, tx) in txs.as_object().unwrap() {
                if nonce.parse::<usize>().unwrap() >= nonces {
                    let _: Value = rpc.request("anvil_dropTransaction", (tx["hash"].clone(),)).await.unwrap();
                }
            }
        }
    }
}

async fn contracts(rpc: &Rpc, plan: &Value) -> usize {
    let mut there = 0;
    for step in plan["steps"].as_array().unwrap() {
        let address = serde_json::from_value(step["address"].clone()).unwrap();
        there += usize::from(!rpc.code(address).await.unwrap().is_empty());
    }
    there
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_deployment_that_was_cut_off_goes_on() {
    let dir = tempfile::tempdir().unwrap();
    let (file, plan) = (dir.path().join("deployment.json"), dir.path().join("deployment.plan.json"));
    let args = format!("l1 --l1-port 0 --l1-block-time 3000 --data-dir {}", dir.path().join("l1").display());
    let mut l1 = Process::duplex(&words(&args));
    let url = loop {
        if let Some(at) = l1.stdout().find("http://") {
            break l1.stdout()[at..].trim().to_owned();
        }
        assert!(l1.is_running(), "{}", l1.tail());
        tokio::time::sleep(Duration::from_millis(20)).await;
    };
    l1.answers(&url).await;
    let rpc = Rpc::new(&url).unwrap();
    let deployer: Address = "0xa0Ee7A142d267C1f36714E4a8F75612F20a79720".parse().unwrap();
    let args = words(&format!(
        "deploy --json --development --challenge-window 3 --l1 {url} --l1-key {OPERATOR} --deployment {}",
        file.display()
    ));

    // L1 mines nothing but by hand while the deployment is cut off at several places.
    let _: Value = rpc.request("evm_setIntervalMining", (0,)).await.unwrap();
    let plan_now = || -> Value {
        let plan = std::fs::read(&plan).expect("the plan is on disk before the first transaction");
        serde_json::from_slice(&plan).expect("the plan is written whole")
    };
    let mut first = None;
    for (round, line) in ["MessageQueue", "Inbox", "Settlement", "Vault"].into_iter().enumerate() {
        let mut deploy = Process::duplex(&args);
        deploy.logged(0, line).await;
        deploy.kill();
        assert!(!file.exists(), "not deployed yet");
        let steps = plan_now()["steps"].clone();
        assert_eq!(first.get_or_insert_with(|| steps.clone()), &steps, "round {round} follows the plan");
        // L1 takes some and loses the rest.
        keep_first(&rpc, deployer, round + 1).await;
        let _: Value = rpc.request("evm_mine", ()).await.unwrap();
        assert_eq!(contracts(&rpc, &plan_now()).await, round + 1, "cut off at {line}");
    }
    let _: Value = rpc.request("evm_setIntervalMining", (1,)).await.unwrap();
    let plan_steps = plan_now();
    let total = plan_steps["steps"].as_array().unwrap().len();
    let done = Process::run(&args).await;
    assert_eq!(done.code, Some(0), "{}", done.stderr);
    assert_eq!(contracts(&rpc, &plan_steps).await, total);
    let deployment = Deployment::load(&file).unwrap();
    assert_eq!(done.json(), serde_json::to_value(&deployment).unwrap());
    assert!(!plan.exists(), "the plan is no longer needed");
    let nonce = rpc.nonce(deployment.sequencer, true).await.unwrap();
    assert_eq!(nonce, total as u64, "no contract was created twice");

    // A third time there is nothing to do.
    Process::run(&args).await.assert_refused(&[&file.display().to_string(), "exists", "--deployment"]);

    // It works.
    let port = free_port();
    let mut deployment = deployment;
    deployment.l2_rpc = format!("http://127.0.0.1:{port}");
    let mut node = Process::duplex(&words(&format!(
        "node --deployment {} --data-dir {} --l2-port {port} --sequence --batch --propose --l1-key {OPERATOR}",
        file.display(),
        dir.path().join("l2").display()
    )));
    node.answers(&deployment.l2_rpc).await;
    let (key, to) = (dev_key(&deployment, 0), fresh(&mut Dice::seeded(1)));
    let balance = deposit_eth(&bridge(deployment), &key, to, 5).await.unwrap();
    assert_eq!(balance, U256::from(5));
    assert!(l1.is_running());
}
