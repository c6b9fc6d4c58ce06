//! What people see of a dispute, and of a block.

use std::sync::Arc;

use alloy_primitives::B256;
use duplex_actors::challenger::{Liar, Lie};
use duplex_l1::ClaimStatus;
use duplex_node::dev_key;
use duplex_testing::devnet::{Process, words};
use serde_json::Value;

use crate::world::{LIAR, Player, World, with_leaf};

/// The step from which on the liar makes things up.
const FROM: u64 = 543_210;

async fn json(command: &str) -> Value {
    let done = Process::run(&words(command)).await;
    assert_eq!(done.code, Some(0), "{command}: {}", done.stderr);
    serde_json::from_str(&done.stdout).unwrap_or_else(|error| panic!("{command}: {error}: {}", done.stdout))
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_dispute_can_be_read_and_a_block_executed_again() {
    let world = World::start(true, 60, 10, 120).await;
    let (parent, first) = world.tip().await;
    let entry = world.live(3).await;
    let outputs = world.outputs(first, entry.header.lastBlock);
    let leaf = outputs.len() - 1;
    let history = with_leaf(&outputs, leaf, B256::repeat_byte(7));
    let claim = world.claim(&dev_key(LIAR), parent, first, &entry, &history).await;
    let opinion = Arc::new(Liar::new(Lie::Claims(vec![history]), Some(FROM)));
    let player = Player::start(&world, LIAR, &world.dir.path().join("liar.redb"), opinion).await;
    world.comes_to(claim, ClaimStatus::Rejected).await;
    player.stop().await;

    let path = |name: &str| world.dir.path().join(name).display().to_string();
    let deployment = path("deployment.json");
    world.bridge.deployment.save(deployment.as_ref()).unwrap();
    let l1 = world.rollup.l1.url().to_owned();
    let list = json(&format!("dispute list --json --l1 {l1}")).await;
    assert_eq!(list[0]["claim"], claim, "{list:#}");
    assert_eq!(list[0]["disputes"][0]["status"], "the challenger won", "{list:#}");
    let block = first + leaf as u64;
    let at = format!("block {block}, step {FROM}");
    let show = json(&format!("dispute show 1 --json --l1 {l1}")).await;
    assert_eq!(show["at"], at, "{show:#}");
    let moves = show["moves"].as_array().unwrap();
    assert_eq!(moves.first().unwrap()["who"], "defender", "{show:#}");
    assert_eq!(moves.last().unwrap()["what"], "the challenger won", "{show:#}");
    // The contract executed the instruction that is marked.
    let steps = json(&format!("dispute step-through 1 --json --deployment {deployment}")).await;
    let steps = steps["steps"].as_array().unwrap();
    let disputed: Vec<&Value> = steps.iter().filter(|step| step["disputed"] == true).collect();
    assert_eq!(disputed.len(), 1);
    assert_eq!(disputed[0]["step"], FROM);
    assert!(!disputed[0]["instruction"].as_str().unwrap().is_empty());
    assert_eq!(steps.len(), 17);
    let text = Process::run(&words(&format!("dispute step-through 1 --deployment {deployment}"))).await;
    assert!(
        text.stdout.lines().any(|line| line.starts_with('>') && line.contains(&FROM.to_string())),
        "{}",
        text.stdout
    );
    Process::run(&words(&format!("dispute show 9 --l1 {l1}"))).await.assert_refused(&["no dispute 9", "1"]);

    // A block, and one transaction of it, from the file alone.
    let witness = path("witness.json");
    let written = json(&format!("witness {block} --json --out {witness} --deployment {deployment}")).await;
    assert!(written["accounts"].as_u64().unwrap() > 1, "{written:#}");
    let native = json(&format!("reexec {witness} --json")).await;
    assert_eq!(native["output"], outputs[leaf].to_string(), "{native:#}");
    let machine = json(&format!("reexec {witness} --vm --json")).await;
    assert_eq!(
        (&machine["holds"], &machine["exitCode"]),
        (&Value::Bool(true), &Value::from(0)),
        "{machine:#}"
    );
    let other =
        Process::run(&words(&format!("reexec {witness} --vm --output-root {}", B256::repeat_byte(7)))).await;
    assert_eq!(other.code, Some(1), "{}", other.stdout);
    let other =
        Process::run(&words(&format!("reexec {witness} --output-root {}", B256::repeat_byte(7)))).await;
    assert_eq!(other.code, Some(1), "{}", other.stdout);
    let tx = world.rollup.chain.block(block).unwrap().unwrap().tx_hashes[0];
    let of_tx = path("of-tx.json");
    let written = json(&format!("witness {tx} --json --out {of_tx} --deployment {deployment}")).await;
    assert_eq!(written["transaction"], tx.to_string());
    json(&format!("reexec {of_tx} --json")).await;

    // A file that lacks something says what.
    let whole: Value = serde_json::from_slice(&std::fs::read(&witness).unwrap()).unwrap();
    for missing in 0..whole["preimages"].as_array().unwrap().len() {
        let mut file = whole.clone();
        file["preimages"].as_array_mut().unwrap().remove(missing);
        std::fs::write(&witness, file.to_string()).unwrap();
        Process::run(&words(&format!("reexec {witness}"))).await.assert_refused(&["nothing that hashes to"]);
    }
    std::fs::write(&witness, "{}").unwrap();
    Process::run(&words(&format!("reexec {witness}"))).await.assert_refused(&["is not a witness"]);
    Process::run(&words(&format!("witness zero --deployment {deployment}")))
        .await
        .assert_refused(&["\"zero\""]);
    world.stop().await;
}
