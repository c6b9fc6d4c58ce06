//! Users leave.

use std::time::Duration;

use alloy_primitives::{Address, B256, Bytes, U256, hex};
use alloy_signer_local::PrivateKeySigner;
use duplex_bridge::{Asset, Bridge, Quiet};
use duplex_contracts::bindings::ISettlement;
use duplex_l1::{Deployment, FeeQuote, Rpc, sign_eip1559};
use duplex_testing::{
    devnet::{Dice, Finished, Process, anvil_bin, bridge, free_port, say, until, words},
    load::{Load, dev_key, fresh},
    truth::{audit, books},
};
use serde_json::{Value, json};

use crate::world::{
    DELAYS, ETH, Expected, World, embedded, everyone_is_gone, hash_of, on_l2, posted, use_it,
};

fn assert_true(found: &Finished, head: (u64, B256)) {
    let found = found.json();
    assert_eq!(found["ok"], true, "{found:#}");
    assert_eq!(
        (found["l2Block"].as_u64(), found["l2Hash"].clone()),
        (Some(head.0), json!(head.1)),
        "{found:#}"
    );
    let claims = found["claims"].as_array().unwrap();
    assert!(!claims.is_empty(), "{found:#}");
    assert!(claims.iter().all(|claim| claim["claimed"] == claim["derived"]), "{found:#}");
}

/// The whole story, once a busy rollup is dead: verify, two users who leave at the same time, one of whom is
/// interrupted again and again, and the books afterwards.
async fn leave(world: World, head: (u64, B256), dice: &mut Dice, users: [(usize, Address, (U256, U256)); 2]) {
    let found = Process::run(&world.command("verify --json")).await;
    assert_true(&found, head);

    let (l1, mut expected) = (world.rpc(), Vec::new());
    for (index, _, whole) in users {
        expected.push(Expected::note(&world, whole, world.key(index).address()).await);
    }
    let mut steady = Process::duplex(&world.exit(users[0].0, "steady"));
    for round in 0..5 {
        let mut interrupted = Process::duplex(&world.exit(users[1].0, "interrupted"));
        tokio::time::sleep(Duration::from_millis(1500) + dice.millis(5000)).await;
        interrupted.kill();
        assert!(!interrupted.stderr().contains("panicked"), "{}", interrupted.tail());
        if round % 2 == 1 {
            let _ = std::fs::remove_dir_all(world.path("interrupted"));
        }
    }
    let last = Process::run(&world.exit(users[1].0, "interrupted")).await;
    let left = &last.json()["report"]["left"];
    assert_eq!(*left, json!([]), "{}", last.stderr);
    let report = steady.finished().await.json();
    let paid = report["report"]["paid"].as_array().unwrap().clone();
    assert_eq!(paid.len(), 3, "ETH, UNI, and the withdrawal that was not finished: {report:#}");
    for (expected, (_, home, _)) in expected.iter().zip(users) {
        expected.check(&world).await;
        assert_eq!(l1.balance(home).await.unwrap(), U256::from(ETH / 10 * 3), "withdrawn before the end");
    }
    // Nothing is left to do: that costs nothing.
    let nonce = l1.nonce(expected[0].account, true).await.unwrap();
    let again = Process::run(&world.exit(users[0].0, "again")).await.json();
    assert_eq!(again["report"]["paid"], json!([]), "{again:#}");
    assert_eq!(l1.nonce(expected[0].account, true).await.unwrap(), nonce);

    // A node of a stranger claims the rest, so that all others can leave, too; then the books are compared.
    let port = free_port();
    let key = hex::encode(world.key(8).to_bytes());
    let mut node = Process::duplex(&world.command(&format!(
        "node --from-l1 --propose --claim-interval 1 --l1-key {key} --l2-port {port} --data-dir {}",
        world.path("stranger").display()
    )));
    let whole = Deployment {
        l1_rpc: world.url.clone(),
        l2_rpc: format!("http://127.0.0.1:{port}"),
        ..world.deployment.clone()
    };
    node.answers(&whole.l2_rpc).await;
    node.logged(0, "in step with L1").await;
    let whole = bridge(whole);
    assert_eq!(hash_of(&whole.l2, head.0).await, head.1);
    for (index, ..) in users {
        assert_eq!(on_l2(&whole, world.key(index).address()).await, (U256::ZERO, U256::ZERO));
    }
    let found = audit(&whole, &mut node, &world.key(8), |to| to[0] == 0xd0).await;
    assert!(found.withdrawals > 2, "{found:?}");
    let against = format!("verify --against {}", whole.l2.url());
    let found = Process::run(&world.command(&against)).await;
    assert_eq!(found.code, Some(0), "{}{}", found.stdout, found.stderr);
    assert!(found.stdout.contains("has the same blocks"), "{}", found.stdout);
}

/// Keeps a rollup busy, and has two accounts own something of everything.
async fn busy(whole: &Bridge, dice: &mut Dice) -> ((u64, B256), [(usize, Address, (U256, U256)); 2]) {
    let load = Load::start(whole, dice);
    let (one, two) = (use_it(whole, 6, dice).await, use_it(whole, 7, dice).await);
    let story = load.stop().await;
    assert!(story.deposits > 0 && !story.transfers.is_empty(), "{story:?}");
    let head = posted(whole).await;
    until("a claim", || async {
        let claims = ISettlement::claimCountCall {};
        let count = whole.l1.call(whole.deployment.contracts.settlement, &claims).await.ok()?;
        (count > 1).then_some(())
    })
    .await;
    let owns = async |index: usize| on_l2(whole, dev_key(&whole.deployment, index).address()).await;
    let (first, second) = (owns(6).await, owns(7).await);
    (head, [(6, one, first), (7, two, second)])
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn users_leave_with_l1_alone() {
    let mut dice = Dice::seeded(61);
    let dir = tempfile::tempdir().unwrap();
    let (devnet, whole) = embedded(&dir).await;
    let (head, users) = busy(&whole, &mut dice).await;
    let world = everyone_is_gone(dir, devnet, &whole).await;
    leave(world, head, &mut dice, users).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn users_leave_with_anvil_alone() {
    let Some(anvil) = anvil_bin() else {
        return say("skipped: no anvil on PATH or in DUPLEX_ANVIL");
    };
    let mut dice = Dice::seeded(67);
    let dir = tempfile::tempdir().unwrap();
    let port = free_port();
    let mut l1 = Process::start(&anvil, &words(&format!("--port {port} --block-time 1 --silent")));
    let url = format!("http://127.0.0.1:{port}");
    l1.answers(&url).await;
    let mut devnet = Process::duplex(&words(&format!(
        "up --json --l1 {url} --data-dir {} --l2-port 0 --batch-age 1 --claim-interval 1 --block-time 150 {DELAYS}",
        dir.path().join("devnet").display(),
    )));
    let whole = bridge(devnet.deployment().await);
    let (head, users) = busy(&whole, &mut dice).await;
    devnet.kill();
    std::fs::remove_dir_all(dir.path().join("devnet")).unwrap();
    let world = World { dir, _l1: l1, url, deployment: whole.deployment.clone() };
    leave(world, head, &mut dice, users).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_balance_that_changes_meanwhile_is_withdrawn_all_the_same() {
    let mut dice = Dice::seeded(71);
    let dir = tempfile::tempdir().unwrap();
    let (devnet, whole) = embedded(&dir).await;
    posted(&whole).await;
    let world = everyone_is_gone(dir, devnet, &whole).await;
    let (to, key) = (fresh(&mut dice), world.key(6));
    let expected = Expected::note(&world, (U256::from(99 * ETH), U256::ZERO), key.address()).await;

    // A signed L2 transaction goes through L1, too, unless it cannot or is somebody else's.
    let fees = FeeQuote { max_fee: 1, priority_fee: 1, blob_fee: 0 };
    let sign = |to: Option<Address>, key: &PrivateKeySigner| {
        let chain_id = world.deployment.l2_chain_id;
        sign_eip1559(key, chain_id, 0, to, U256::from(ETH), Bytes::new(), 21_000, fees).unwrap()
    };
    let force =
        |raw: Bytes| world.command(&format!("force --l1-key {} --tx {raw}", hex::encode(key.to_bytes())));
    Process::run(&force(sign(None, &key)))
        .await
        .assert_refused(&["creation", "0x4e59b44847b379578588920cA78FbF26c0B4956C"]);
    let other = world.key(5);
    let refused = Process::run(&force(sign(Some(to), &other))).await;
    refused.assert_refused(&[&other.address().to_string(), &key.address().to_string()]);
    let sent = Process::run(&force(sign(Some(to), &key))).await;
    assert_eq!(sent.code, Some(0), "{}", sent.stderr);
    assert!(sent.stdout.contains("message 0 is in L1's queue"), "{}", sent.stdout);

    // It takes 1 ETH away before the withdrawal of everything, which therefore fails at first.
    let mut exit = Process::duplex(&world.exit(6, "exit"));
    exit.logged(0, "failed on L2").await;
    let left = exit.finished().await;
    assert_eq!(left.json()["report"]["left"], json!([]), "{}", left.stderr);
    expected.check(&world).await;

    let port = free_port();
    let l2 = Rpc::new(&format!("http://127.0.0.1:{port}")).unwrap();
    let dir = world.path("follower").display().to_string();
    let mut node =
        Process::duplex(&world.command(&format!("node --from-l1 --l2-port {port} --data-dir {dir}")));
    node.answers(l2.url()).await;
    node.logged(0, "in step with L1").await;
    assert_eq!(l2.balance(to).await.unwrap(), U256::from(ETH));
    books(&bridge(Deployment {
        l2_rpc: l2.url().into(),
        l1_rpc: world.url.clone(),
        ..world.deployment.clone()
    }))
    .await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_exit_goes_on_when_l1_forgets_it() {
    let dir = tempfile::tempdir().unwrap();
    let (devnet, whole) = embedded(&dir).await;
    let uni = Asset::Token(whole.deployment.token("UNI").unwrap().clone());
    let key = dev_key(&whole.deployment, 6);
    whole.deposit(&key, &uni, key.address(), U256::from(777), &Quiet).await.unwrap();
    posted(&whole).await;
    let owned = on_l2(&whole, key.address()).await;
    let world = everyone_is_gone(dir, devnet, &whole).await;
    let (l1, account) = (world.rpc(), key.address());
    let expected = Expected::note(&world, owned, account).await;
    let snapshot: Value = l1.request("evm_snapshot", ()).await.unwrap();
    let mut exit = Process::duplex(&world.exit(6, "exit"));
    // Messages, a batch that was made here, and a claim: all gone.
    exit.logged(0, "to become final").await;
    let mark = exit.mark();
    let _: Value = l1.request("evm_revert", (snapshot,)).await.unwrap();
    exit.logged(mark, "L1 to queue the withdrawal of").await;
    // And a part of it once more.
    exit.logged(mark, "waiting for L2 to take the messages").await;
    let _: Value = l1.request("anvil_reorg", (1, Vec::<Value>::new())).await.unwrap();
    let report = exit.finished().await.json();
    assert_eq!(report["report"]["left"], json!([]), "{report:#}");
    expected.check(&world).await;
}
