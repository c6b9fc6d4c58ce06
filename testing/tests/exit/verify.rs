//! Claims that lie.

use alloy_primitives::{B256, U256};
use alloy_sol_types::SolCall;
use duplex_bridge::{Asset, Quiet, send_transaction};
use duplex_contracts::bindings::{IInbox, ISettlement};
use duplex_primitives::OutputRoot;
use duplex_testing::{
    devnet::{Process, bridge, free_port, words},
    load::dev_key,
};
use serde_json::Value;

use crate::world::posted;

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn verify_finds_a_false_claim_and_another_chain() {
    let dir = tempfile::tempdir().unwrap();
    let mut devnet = Process::duplex(&words(&format!(
        "up --json --data-dir {} --l1-port 0 --l2-port 0 --batch-age 1 --claim-interval 100000 --block-time 150 \
         --l1-block-time 330 --challenge-window 100000 --challenge false",
        dir.path().join("devnet").display(),
    )));
    let whole = bridge(devnet.deployment().await);
    let (l1, contracts) = (&whole.l1, whole.deployment.contracts);
    let key = dev_key(&whole.deployment, 1);
    for _ in 0..2 {
        whole.deposit(&key, &Asset::Eth, key.address(), U256::from(7), &Quiet).await.unwrap();
    }
    posted(&whole).await;
    let last = l1.call(contracts.inbox, &IInbox::lastBatchCall {}).await.unwrap();
    // Nobody else claims here, but for the proposer's first claim.
    let outputs = vec![B256::repeat_byte(2); last.record.lastBlock as usize];
    let history = OutputRoot::history(outputs);
    let proof = history.proof(last.record.lastBlock - 1);
    let lie = ISettlement::proposeCall {
        parentId: 0,
        parentOutputRoot: whole.deployment.genesis_output,
        lastBatch: last.index,
        lastBatchHash: last.record.hash,
        blockOutputsRoot: history.root(),
        outputRoot: B256::repeat_byte(2),
        lastLeafProof: std::array::from_fn(|level| proof[level]),
    };
    let bond = whole.deployment.parameters.bond;
    send_transaction(l1, &key, Some(contracts.settlement), bond, lie.abi_encode().into()).await.unwrap();

    let verify = |more: &str| words(&format!("verify --l1 {} {more}", l1.url()));
    let found = Process::run(&verify("")).await;
    assert_eq!(found.code, Some(1), "{}", found.stderr);
    let lines = format!(" by {} is FALSE; L2 blocks 1 to {}", key.address(), last.record.lastBlock);
    assert!(found.stdout.contains(&lines), "{}", found.stdout);
    assert!(found.stdout.contains("the first that can differ is 1"), "{}", found.stdout);
    assert!(found.stdout.contains(&B256::repeat_byte(2).to_string()), "{}", found.stdout);
    // The same rollup's node agrees; L1 itself, taken for one, differs from the first block on.
    let found = Process::run(&verify(&format!("--json --against {}", whole.l2.url()))).await;
    let report: Value = serde_json::from_str(&found.stdout).unwrap();
    assert_eq!(report["against"]["difference"], Value::Null, "{report:#}");
    let found = Process::run(&verify(&format!("--json --against {}", l1.url()))).await;
    let report: Value = serde_json::from_str(&found.stdout).unwrap();
    assert_eq!(report["against"]["difference"]["block"], 0, "{report:#}");
    assert_eq!(found.code, Some(1));
    // No answer is neither yes nor no.
    let dead = format!("verify --l1 http://127.0.0.1:{}", free_port());
    let found = Process::run(&words(&dead)).await;
    assert_eq!((found.code, found.errors().len()), (Some(2), 1), "{}", found.stderr);
    assert!(devnet.is_running());
}
