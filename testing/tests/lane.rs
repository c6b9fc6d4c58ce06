//! Messages between the layers by Merkle proofs: `up --bridge spv`, `message`, `relay`.

use std::{collections::BTreeSet, path::Path, time::Duration};

use alloy_primitives::{Address, B256, U256, keccak256};
use alloy_signer_local::PrivateKeySigner;
use duplex_bridge::{Asset, Bridge, BridgeError, MessageRequest, Quiet};
use duplex_contracts::bindings::IVault;
use duplex_lane::{By, Direction};
use duplex_primitives::predeploys;
use duplex_testing::{
    devnet::{Dice, Finished, Process, anvil_bin, bridge, free_port, say, until, words},
    load::dev_key,
};
use serde_json::Value;

const ETHER: u64 = 1_000_000_000_000_000_000;
/// What L1 keeps for a withdrawal whose target does not take it.
const REFUSED: U256 = U256::from_limbs([11, 0, 0, 0]);

/// A devnet whose ETH crosses by Merkle proofs.
struct World {
    command: String,
    devnet: Process,
    bridge: Bridge,
}

impl World {
    async fn start(dir: &Path, l1: &str) -> Self {
        let command = format!(
            "up --json --bridge spv --data-dir {} --l2-port {} --block-time 100 --challenge-window 2 {l1}",
            dir.join("devnet").display(),
            free_port()
        );
        let mut devnet = Process::duplex(&words(&command));
        let deployment = devnet.deployment().await;
        Self { command, devnet, bridge: bridge(deployment) }
    }

    async fn restart(&mut self) {
        self.devnet.kill();
        self.devnet = Process::duplex(&words(&self.command));
        self.devnet.deployment().await;
    }

    fn key(&self, index: usize) -> PrivateKeySigner {
        dev_key(&self.bridge.deployment, index)
    }

    /// Runs `duplex` on this rollup.
    async fn run(&self, dir: &Path, command: &str) -> Finished {
        let file = dir.join("devnet/deployment.json");
        Process::run(&words(&format!("{command} --deployment {}", file.display()))).await
    }

    async fn json(&self, dir: &Path, command: &str) -> Value {
        self.run(dir, &format!("{command} --json")).await.json()
    }

    /// Sends a message by the command, and gives its id.
    async fn send(&self, dir: &Path, options: &str) -> String {
        let sent = self.json(dir, &format!("message send {options}")).await;
        assert_eq!(sent["state"], "none", "{sent}");
        sent["id"].as_str().unwrap().to_owned()
    }

    async fn state(&self, dir: &Path, id: &str) -> Value {
        self.json(dir, &format!("message status {id}")).await
    }

    async fn l1_balance(&self, address: Address) -> U256 {
        self.bridge.l1.balance(address).await.unwrap()
    }

    async fn l2_balance(&self, address: Address) -> U256 {
        self.bridge.l2.balance(address).await.unwrap()
    }
}

fn fresh(name: &str) -> Address {
    Address::from_slice(&keccak256(name)[12..])
}

/// One message of each kind, by the commands; every way that one can end.
async fn every_way(dir: &Path, world: &World) {
    // A deposit is a message that a relay delivers; a withdrawal is what it always was.
    let to = fresh("depositor's friend");
    let report = world.json(dir, &format!("deposit 1.5 --to {to}")).await;
    assert!(report["l2Transaction"].as_str().is_some(), "{report}");
    assert_eq!(world.l2_balance(to).await, U256::from(ETHER) * U256::from(3) / U256::from(2));
    let hash = report["l1"]["receipt"]["transactionHash"].as_str().unwrap();
    assert_eq!(world.json(dir, &format!("status {hash}")).await["state"], "done");

    // From L2.
    let to = fresh("withdrawer's friend");
    let done = world.json(dir, &format!("message send --from l2 --to {to} --value 0.25 --wait")).await;
    assert_eq!(done["state"], "done");
    assert_eq!(world.l1_balance(to).await, U256::from(ETHER / 4));

    // No relay carries what does not pay: its sender does, by the receipt. An idle L2 never built on its block,
    // so the proof goes through L1's history.
    let to = fresh("paid by nobody");
    let id = world.send(dir, &format!("--to {to} --value 0.5 --fee 0")).await;
    let done = world.json(dir, &format!("message deliver {id} --by receipt")).await;
    assert_eq!(done["state"], "done", "{done}");
    assert_eq!(world.l2_balance(to).await, U256::from(ETHER / 2));
    let again = world.run(dir, &format!("message deliver {id}")).await;
    again.assert_refused(&["needs nothing more", "delivered"]);
    let retried = world.run(dir, &format!("message retry {id}")).await;
    retried.assert_refused(&["has not failed"]);

    // One whose call fails can be tried again, and comes back after its deadline.
    let nobody_pays_it = predeploys::L1_BLOCK;
    let options = format!("--to {nobody_pays_it} --value 0.125");
    let failing = world.send(dir, &options).await;
    until("the failure", || async { (world.state(dir, &failing).await["state"] == "failed").then_some(()) })
        .await;
    let early = world.run(dir, &format!("message expire {failing}")).await;
    early.assert_refused(&["can be retried for", "given up"]);
    let again = world.run(dir, &format!("message deliver {failing}")).await;
    again.assert_refused(&["its call failed", "message retry"]);
    let tried = world.json(dir, &format!("message retry {failing}")).await;
    assert_eq!(tried["state"], "failed", "{tried}");
    let peace = world.run(dir, &format!("message reclaim {failing}")).await;
    peace.assert_refused(&["in exodus"]);
    // And one that nobody delivers, too.
    let sender = world.key(3).address();
    let key = world.bridge.deployment.accounts[3].private_key;
    let idle = format!("--to {to} --value 0.0625 --fee 0 --lifetime 10 --key {key}");
    let forgotten = world.send(dir, &idle).await;
    let early = world.run(dir, &format!("message expire {forgotten}")).await;
    early.assert_refused(&["can be delivered for", "given up"]);
    let refund = until("its deadline", || async {
        let refund = world.run(dir, &format!("message expire {forgotten} --json")).await;
        if refund.code != Some(0) {
            tokio::time::sleep(Duration::from_millis(500)).await;
            return None;
        }
        Some(refund.json()["id"].as_str().unwrap().to_owned())
    })
    .await;
    assert_eq!(world.state(dir, &forgotten).await["state"], "expired");
    let before = world.l1_balance(sender).await;
    let carrier = world.bridge.deployment.accounts[4].private_key;
    let done = world.json(dir, &format!("message deliver {refund} --key {carrier}")).await;
    assert_eq!(done["state"], "done");
    assert_eq!(world.l1_balance(sender).await - before, U256::from(ETHER / 16));
    assert_eq!(world.state(dir, &forgotten).await["refunded"], true);
    let unknown = world.run(dir, &format!("message status {}", B256::repeat_byte(5))).await;
    unknown.assert_refused(&["neither the id"]);
    balanced(world, U256::from(ETHER / 8)).await;
}

/// Two at the same time do what anybody may do once: it is done once, and nobody is told that it failed.
async fn together(world: &World) {
    let (bridge, one, other) = (&world.bridge, world.key(1), world.key(2));
    let to = fresh("paid by two");
    let sent = bridge.start_withdrawal(&world.key(0), &Asset::Eth, to, U256::from(7)).await.unwrap();
    let hash = sent.receipt.transaction_hash;
    let (one_did, other_did) = tokio::join!(
        bridge.finish_withdrawal(&one, hash, &Quiet),
        bridge.finish_withdrawal(&other, hash, &Quiet),
    );
    let releases = [one_did.unwrap().release, other_did.unwrap().release];
    assert_eq!(releases.iter().flatten().count(), 1, "{releases:?}");
    assert_eq!(world.l1_balance(to).await, U256::from(7));

    // If the call fails, both are told that, however fast they were.
    let refuses = bridge.deployment.contracts.inbox;
    let sent = bridge.start_withdrawal(&world.key(0), &Asset::Eth, refuses, REFUSED).await.unwrap();
    let hash = sent.receipt.transaction_hash;
    let (one_did, other_did) = tokio::join!(
        bridge.finish_withdrawal(&one, hash, &Quiet),
        bridge.finish_withdrawal(&other, hash, &Quiet),
    );
    for told in [one_did, other_did] {
        assert!(matches!(told, Err(BridgeError::ReleaseFailed(_))), "{told:?}");
    }

    let request = MessageRequest {
        direction: Direction::Up,
        target: fresh("told by two"),
        value: U256::from(9),
        payload: Default::default(),
        gas_limit: 50_000,
        lifetime: None,
        relay_fee: Some(U256::ZERO),
    };
    let (message, _) = bridge.send_message(&world.key(0), &request).await.unwrap();
    let (one_did, other_did) = tokio::join!(
        bridge.deliver_message(&one, &message, By::Slot, &Quiet),
        bridge.deliver_message(&other, &message, By::Slot, &Quiet),
    );
    let deliveries = [one_did.unwrap(), other_did.unwrap()];
    assert_eq!(deliveries.iter().flatten().count(), 1, "{deliveries:?}");
    assert_eq!(world.l1_balance(request.target).await, U256::from(9));
}

/// The books balance but for what has not arrived.
async fn balanced(world: &World, on_the_way: U256) {
    let vault = world.bridge.deployment.contracts.vault;
    let books: Value = world.bridge.l2.request("duplex_books", ()).await.unwrap();
    let circulating: U256 = serde_json::from_value(books["circulating"].clone()).unwrap();
    let locked = world.bridge.l1.call(vault, &IVault::lockedETHCall {}).await.unwrap();
    assert_eq!(locked, circulating + on_the_way, "{books}");
    assert_eq!(world.bridge.l1.balance(vault).await.unwrap(), locked);
}

/// Many messages each way while a second relay races the devnet's own and is killed again and again, and once everything
/// is: every one arrives, once.
async fn many(dir: &Path, world: &mut World, count: usize) {
    let file = dir.join("devnet/deployment.json");
    let racing = format!("relay --data-dir {} --deployment {}", dir.join("racer").display(), file.display());
    let mut racer = Process::duplex(&words(&racing));
    let start = std::time::Instant::now();
    let target = |direction: Direction, i: usize| fresh(&format!("{direction:?} {i}"));
    let amount = |i: usize| U256::from(1_000_000_000 + i as u64);
    let send = |world: &World, from: usize, to: usize| {
        let lanes = (0..4).flat_map(|key| Direction::LAYERS.map(|direction| (key, direction)));
        let senders: Vec<_> = lanes
            .map(|(key, direction)| {
                let (bridge, signer) = (world.bridge.clone(), world.key(key));
                tokio::spawn(async move {
                    for i in (from..to).filter(|i| i % 4 == key) {
                        let request = MessageRequest {
                            direction,
                            target: target(direction, i),
                            value: amount(i),
                            payload: Default::default(),
                            gas_limit: 50_000,
                            lifetime: None,
                            relay_fee: None,
                        };
                        bridge.send_message(&signer, &request).await.unwrap();
                    }
                })
            })
            .collect();
        async move {
            for sender in senders {
                sender.await.unwrap();
            }
        }
    };
    let mut dice = Dice::seeded(11);
    let mut kills = 0;
    let mut storm = async |until: &dyn Fn() -> bool| {
        while !until() {
            racer.kill();
            kills += 1;
            tokio::time::sleep(dice.millis(500)).await;
            racer = Process::duplex(&words(&racing));
            tokio::time::sleep(Duration::from_millis(500) + dice.millis(3_000)).await;
        }
    };
    let half = tokio::spawn(send(world, 0, count / 2));
    storm(&|| half.is_finished()).await;
    half.await.unwrap();
    world.restart().await;
    let half = tokio::spawn(send(world, count / 2, count));
    storm(&|| half.is_finished()).await;
    half.await.unwrap();
    say(&format!(
        "{count} messages each way sent within {:.1} s, {kills} kills",
        start.elapsed().as_secs_f64()
    ));
    for direction in Direction::LAYERS {
        let (rpc, _) = world
            .bridge
            .lane()
            .map(|lane| match direction {
                Direction::Down => (lane.l2.clone(), ()),
                _ => (lane.l1.clone(), ()),
            })
            .unwrap();
        for i in 0..count {
            until("every message", || async {
                (rpc.balance(target(direction, i)).await.unwrap() == amount(i)).then_some(())
            })
            .await;
        }
        let lane = world.bridge.lane().unwrap();
        let sent = lane.sent(direction, 0, u64::MAX >> 1).await.unwrap();
        let done = lane.delivered(direction, 0, u64::MAX >> 1).await.unwrap();
        let ids: BTreeSet<B256> = sent.iter().map(|sent| sent.id).collect();
        assert_eq!(ids.len(), sent.len());
        assert!(done.keys().all(|id| ids.contains(id)));
        assert!(sent.len() >= count);
    }
    say(&format!("and delivered within {:.1} s", start.elapsed().as_secs_f64()));
    assert!(racer.is_running(), "{}", racer.tail());
    racer.kill();
    balanced(world, U256::from(ETHER / 8) + REFUSED).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn messages_cross_by_proofs() {
    let dir = tempfile::tempdir().unwrap();
    // Faster blocks would let the time of L1 run ahead of ours, and deadlines with it.
    let l1 = format!("--l1-port {} --l1-block-time 1000", free_port());
    let mut world = World::start(dir.path(), &l1).await;
    every_way(dir.path(), &world).await;
    together(&world).await;
    let count = std::env::var("DUPLEX_MESSAGES").ok().and_then(|count| count.parse().ok()).unwrap_or(24);
    many(dir.path(), &mut world, count).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn messages_cross_from_and_to_anvil() {
    let Some(anvil) = anvil_bin() else {
        return say("skipped: no anvil on PATH or in DUPLEX_ANVIL");
    };
    let dir = tempfile::tempdir().unwrap();
    let port = free_port();
    let mut l1 = Process::start(&anvil, &words(&format!("--port {port} --block-time 1 --silent")));
    let url = format!("http://127.0.0.1:{port}");
    l1.answers(&url).await;
    let world = World::start(dir.path(), &format!("--l1 {url}")).await;
    every_way(dir.path(), &world).await;
    together(&world).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_rollup_without_a_lane_says_so() {
    let dir = tempfile::tempdir().unwrap();
    let data = dir.path().join("devnet");
    let command = format!("up --json --data-dir {} --l1-port 0 --l2-port 0", data.display());
    let mut devnet = Process::duplex(&words(&command));
    devnet.deployment().await;
    let file = data.join("deployment.json");
    for command in ["message send --to 0x00000000000000000000000000000000000000aa", "relay"] {
        let refused = Process::run(&words(&format!("{command} --deployment {}", file.display()))).await;
        refused.assert_refused(&["no lane", "--bridge spv"]);
    }
    devnet.kill();
    // Nor can it be given one later.
    let other = format!("{command} --bridge spv");
    let refused = tokio::time::timeout(Duration::from_secs(60), Process::run(&words(&other))).await.unwrap();
    refused.assert_refused(&["light clients"]);
}

/// When L2 is gone, what it never got goes back to its sender, by one command and any node that derives L2 from L1.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_exodus_gives_back_what_l2_never_got() {
    let dir = tempfile::tempdir().unwrap();
    let (port, data) = (free_port(), dir.path().join("devnet"));
    // L1's time runs five times as fast as ours.
    let l1 = format!("--l1-port {port} --l1-block-time 200 --exodus-delay 40");
    let mut world = World::start(dir.path(), &l1).await;
    let arrived = world.json(dir.path(), "deposit 1").await;
    assert!(arrived["l2Transaction"].as_str().is_some(), "{arrived}");
    let to = fresh("never paid");
    let lost = world.send(dir.path(), &format!("--to {to} --value 0.5 --fee 0")).await;
    let owner = world.key(0).address();
    world.devnet.kill();

    let url = format!("http://127.0.0.1:{port}");
    let alone = format!("l1 --data-dir {} --l1-port {port} --l1-block-time 200", data.join("l1").display());
    let mut l1 = Process::duplex(&words(&alone));
    l1.answers(&url).await;
    until("the exodus", || async {
        (world.run(dir.path(), "exodus start").await.code == Some(0)).then_some(())
    })
    .await;
    let l2 = world.bridge.deployment.l2_rpc.clone();
    let l2_port = l2.rsplit(':').next().unwrap().trim_end_matches('/');
    let node = format!(
        "node --from-l1 --l1 {url} --l2-port {l2_port} --data-dir {}",
        dir.path().join("derived").display()
    );
    let mut node = Process::duplex(&words(&node));
    node.answers(&l2).await;
    let before = world.l1_balance(owner).await;
    let report = until("L2 to be derived", || async {
        let reclaimed = world.run(dir.path(), &format!("message reclaim {lost} --json")).await;
        (reclaimed.code == Some(0)).then(|| reclaimed.json())
    })
    .await;
    assert_eq!(report["refunded"], true, "{report}");
    let gained = world.l1_balance(owner).await - before;
    // But for the gas of the transaction.
    assert!(gained > U256::from(ETHER / 2 - ETHER / 100) && gained < U256::from(ETHER / 2), "{gained}");
    let again = world.run(dir.path(), &format!("message reclaim {lost}")).await;
    again.assert_refused(&["has been paid back"]);
}
