//! Two rollups on one L1: messages and tokens from one to the other, by what L1 knows of both.

use std::{
    path::{Path, PathBuf},
    time::Duration,
};

use alloy_primitives::{Address, B256, Bytes, U256, hex, keccak256};
use alloy_signer_local::PrivateKeySigner;
use duplex_bridge::{Bridge, MessageRequest, TokenRequest, send_transaction};
use duplex_contracts::bindings::{IERC20, ISiblingPort};
use duplex_l1::{Deployment, Rpc};
use duplex_lane::{Direction, Sibling, Siblings};
use duplex_testing::{
    devnet::{Dice, Finished, Process, anvil_bin, free_port, say, until, words},
    load::dev_key,
};
use serde_json::Value;

/// Two rollups, joined, seen from the first.
struct World {
    dir: PathBuf,
    command: String,
    pair: Process,
    bridge: Bridge,
}

impl World {
    async fn start(dir: &Path, l1: &str, options: &str) -> Self {
        let (first, second) = two_ports();
        let command = format!(
            "up --json --rollups 2 --data-dir {} --l2-port {first} --block-time 100 --challenge-window 2 {l1} {options}",
            dir.join("pair").display(),
        );
        assert_eq!(second, first + 1);
        let mut pair = Process::duplex(&words(&command));
        let printed = printed(&mut pair).await;
        let dir = dir.join("pair");
        let file = dir.join("siblings.json");
        let siblings = Siblings::load(&file).unwrap();
        assert_eq!(serde_json::to_value(&siblings).unwrap(), printed["siblings"]);
        let read = |i: usize| serde_json::from_value::<Deployment>(printed["rollups"][i].clone()).unwrap();
        let (ours, deployment) = (read(0), read(1));
        let (here, there) = siblings.seen_from(ours.l2_chain_id, &file).unwrap();
        let sibling = Sibling { rpc: Rpc::new(&deployment.l2_rpc).unwrap(), deployment, here, there };
        let bridge = Bridge::new(ours, None, None).unwrap().with_sibling(sibling).await.unwrap();
        Self { dir, command, pair, bridge }
    }

    fn siblings(&self) -> String {
        self.dir.join("siblings.json").display().to_string()
    }

    async fn run(&self, command: &str) -> Finished {
        let deployment = self.dir.join("deployment.json");
        Process::run(&words(&format!("{command} --deployment {}", deployment.display()))).await
    }

    async fn json(&self, command: &str) -> Value {
        self.run(&format!("{command} --json --siblings {}", self.siblings())).await.json()
    }

    fn rpc(&self, direction: Direction) -> Rpc {
        self.bridge.lane().unwrap().end(direction.destination()).0.clone()
    }

    /// What the port keeps of a token on the side where messages of this direction are sent.
    async fn locked(&self, direction: Direction, token: Address) -> U256 {
        let lane = self.bridge.lane().unwrap();
        let (rpc, _) = lane.end(direction.source());
        rpc.call(lane.port(direction.source()), &ISiblingPort::lockedCall { token }).await.unwrap()
    }

    async fn supply(&self, direction: Direction, token: Address) -> U256 {
        let there = self.bridge.counterpart(direction, token).await.unwrap();
        self.rpc(direction).call(there, &IERC20::totalSupplyCall {}).await.unwrap()
    }

    async fn balance(&self, rpc: &Rpc, token: Address, account: Address) -> U256 {
        rpc.call(token, &IERC20::balanceOfCall { account }).await.unwrap()
    }

    fn key(&self, index: usize) -> PrivateKeySigner {
        dev_key(&self.bridge.deployment, index)
    }
}

/// A free port whose next is free, too.
fn two_ports() -> (u16, u16) {
    loop {
        let (first, second) = (free_port(), free_port());
        if second == first + 1 {
            return (first, second);
        }
    }
}

async fn printed(pair: &mut Process) -> Value {
    until("two rollups", || async { serde_json::from_str(&pair.stdout()).ok() }).await
}

fn fresh(name: &str) -> Address {
    Address::from_slice(&keccak256(name)[12..])
}

/// A contract that counts, in the slot that it is called with, how often it was.
const COUNTER: &[u8] = &hex!("695f3580546001019055005f52600a6016f3");

async fn counter(rpc: &Rpc, key: &PrivateKeySigner) -> Address {
    let nonce = rpc.nonce(key.address(), true).await.unwrap();
    send_transaction(rpc, key, None, U256::ZERO, Bytes::from_static(COUNTER)).await.unwrap();
    key.address().create(nonce)
}

async fn counted(rpc: &Rpc, counter: Address, slot: u64) -> U256 {
    rpc.request("eth_getStorageAt", (counter, U256::from(slot), "latest")).await.unwrap()
}

/// A message and tokens each way by the commands, and what they refuse.
async fn by_the_commands(world: &World) {
    let (direction, own) = (Direction::Over, world.key(0).address());
    let checked = world.json("siblings check").await;
    assert_eq!(checked["ends"].as_array().unwrap().len(), 2);

    for (from, direction) in [("l2", Direction::Over), ("sibling", Direction::Back)] {
        let rpc = world.rpc(direction);
        let counter = counter(&rpc, &world.key(0)).await;
        let data = format!("0x{:064x}", 7);
        let done =
            world.json(&format!("message send --from {from} --to {counter} --data {data} --wait")).await;
        assert_eq!(done["state"], "done", "{done}");
        assert_eq!(counted(&rpc, counter, 7).await, U256::ONE);
    }

    // UNI, from L1 to the first, to the second, back, and back to L1.
    world.json_plain("deposit 10 --token UNI").await;
    let uni = world.bridge.deployment.token("UNI").unwrap().clone();
    let ether = U256::from(1_000_000_000_000_000_000u64);
    let done = world.json(&format!("message send --from l2 --token UNI --value 4 --to {own} --wait")).await;
    assert_eq!((&done["state"], &done["tokens"]["takenBack"]), (&"done".into(), &false.into()));
    let there = world.bridge.counterpart(direction, uni.l2).await.unwrap();
    let second = world.rpc(direction);
    assert_eq!(world.balance(&second, there, own).await, U256::from(4) * ether);
    assert_eq!(world.locked(direction, uni.l2).await, U256::from(4) * ether);
    let name = second.call(there, &IERC20::nameCall {}).await.unwrap();
    assert_eq!(name, format!("Uniswap of {}", world.bridge.deployment.l2_chain_id));
    let back = format!("message send --from sibling --token {there} --value 1.5 --to {own} --wait");
    assert_eq!(world.json(&back).await["state"], "done");
    assert_eq!(world.supply(direction, uni.l2).await, U256::from(5) * ether / U256::from(2));
    assert_eq!(world.locked(direction, uni.l2).await, U256::from(5) * ether / U256::from(2));
    world.json_plain("withdraw 7.5 --token UNI").await;
    assert_eq!(world.balance(&world.bridge.l2, uni.l2, own).await, U256::ZERO);

    refusals(world).await;
}

/// What nobody delivers in time goes back.
async fn given_up(world: &World) {
    let own = world.key(0).address();
    let second = world.rpc(Direction::Over);
    let uni = world.bridge.deployment.token("UNI").unwrap().l2;
    let there = world.bridge.counterpart(Direction::Over, uni).await.unwrap();
    let before = world.balance(&second, there, own).await;
    // The relay leaves to others what asks for so much gas.
    let greedy = format!("message send --from sibling --token {there} --value 1 --to {own} --gas 3000000");
    let id = world.json(&format!("{greedy} --lifetime 10")).await;
    let id = id["id"].as_str().unwrap().to_owned();
    let refund = until("its deadline", || async {
        let refund = world.run(&format!("message expire {id} --json --siblings {}", world.siblings())).await;
        if refund.code != Some(0) {
            tokio::time::sleep(Duration::from_millis(500)).await;
            return None;
        }
        Some(refund.json()["id"].as_str().unwrap().to_owned())
    })
    .await;
    // The relay may be first.
    let _ = world.run(&format!("message deliver {refund} --siblings {}", world.siblings())).await;
    until("the refund", || async {
        let status = world.json(&format!("message status {id}")).await;
        (status["refunded"] == true).then_some(())
    })
    .await;
    let status = world.json(&format!("message status {id}")).await;
    assert_eq!((&status["state"], &status["tokens"]["takenBack"]), (&"expired".into(), &true.into()));
    assert_eq!(world.balance(&second, there, own).await, before);
    let joined = format!("--siblings {}", world.siblings());
    world.run(&format!("message reclaim {refund} {joined}")).await.assert_refused(&["in exodus"]);
}

/// What cannot be done, the commands say why.
async fn refusals(world: &World) {
    let own = world.key(0).address();
    let joined = format!("--siblings {}", world.siblings());
    for (command, words) in [
        (format!("message send --to {own} --value 1 --from l2 {joined}"), &["carry no ETH", "--token"][..]),
        (format!("message send --to {own} --from l1 {joined}"), &["no end on L1"]),
        (format!("message send --to {own} --from sibling"), &["no end on the sibling", "--siblings FILE"]),
        (
            format!("message send --to {own} --from l2 --token DAI --value 1 {joined}"),
            &["deposit some first"],
        ),
        (format!("message send --to {own} --from l2 --token UNI --value 0 {joined}"), &["not an amount"]),
        (format!("message send --to {own} --from l2 --token UNI --value 999 {joined}"), &["has 0 on L2"]),
        (format!("relay --mode attest {joined}"), &["nobody vouches"]),
    ] {
        world.run(&command).await.assert_refused(words);
    }
}

impl World {
    /// As [`World::json`], for the lane to L1.
    async fn json_plain(&self, command: &str) -> Value {
        self.run(&format!("{command} --json")).await.json()
    }
}

/// What a stranger says joins the two is not believed.
async fn forged_files_are_refused(world: &World) {
    let path = world.dir.join("forged.json");
    let ours = Siblings::load(&world.dir.join("siblings.json")).unwrap();
    type Forgery = fn(&mut Siblings);
    let changes: [(Forgery, &str); 7] = [
        // Contracts that answer as they should, and were made by something else.
        (|s| s.ends[0].transactions[3] = s.ends[0].transactions[2], "not created by the transaction"),
        (|s| s.ends[1].transactions[0] = B256::repeat_byte(7), "does not have"),
        (|s| s.ends[1].verifier = s.ends[1].messenger, "not created by the transaction"),
        (|s| s.ends[0].port = fresh("nothing"), "not created by the transaction"),
        // The one of the lane to L1.
        (
            |s| s.ends[0].messenger = duplex_primitives::predeploys::MESSENGER,
            "not created by the transaction",
        ),
        // What looks like ours, and is joined with somebody else.
        (|s| s.ends[1].port = s.ends[1].endpoint, "created by other code"),
        (|s| s.ends[1].chain_id = 7, "for other chains"),
    ];
    for (change, word) in changes {
        let mut forged = ours.clone();
        change(&mut forged);
        forged.save(&path).unwrap();
        let refused = world.run(&format!("siblings check --siblings {}", path.display())).await;
        refused.assert_refused(&[word]);
    }
    let mut other = ours;
    other.ends[0].chain_id = 9;
    other.save(&path).unwrap();
    let refused = world.run(&format!("siblings check --siblings {}", path.display())).await;
    refused.assert_refused(&["chain id 42424", "--deployment"]);
}

/// Many messages and tokens each way while two relays race and are killed at random: every one arrives, once, and the books
/// are equal.
async fn many(world: &World, count: u64) {
    let own = world.key(0).address();
    let relay = |i: usize| {
        let key = world.bridge.deployment.accounts[7 + 2 * i].private_key;
        words(&format!(
            "relay --siblings {} --deployment {} --poll 200 --key {key} --data-dir {}",
            world.siblings(),
            world.dir.join("deployment.json").display(),
            world.dir.join(format!("carrier-{i}")).display()
        ))
    };
    let mut relays = [Process::duplex(&relay(0)), Process::duplex(&relay(1))];
    let uni = world.bridge.deployment.token("UNI").unwrap().l2;
    world.json_plain("deposit 100 --token UNI").await;
    let start = std::time::Instant::now();
    let mut loads = Vec::new();
    for (sender, direction) in Direction::SIBLINGS.into_iter().enumerate() {
        let (rpc, bridge) = (world.rpc(direction), world.bridge.clone());
        let counter = counter(&rpc, &world.key(sender)).await;
        let key = world.key(sender);
        loads.push((
            rpc,
            counter,
            tokio::spawn(async move {
                for i in 0..count {
                    let payload = Bytes::from(U256::from(i).to_be_bytes::<32>());
                    let request = MessageRequest {
                        direction,
                        target: counter,
                        value: U256::ZERO,
                        payload,
                        gas_limit: 50_000,
                        lifetime: None,
                        relay_fee: None,
                    };
                    bridge.send_message(&key, &request).await.unwrap();
                    if direction == Direction::Over && i % 4 == 0 {
                        let (token, amount, gas) = (uni, U256::from(1_000 + i), 0);
                        let request = TokenRequest {
                            direction,
                            token,
                            to: own,
                            amount,
                            gas,
                            lifetime: None,
                            relay_fee: None,
                        };
                        bridge.send_tokens(&key, &request).await.unwrap();
                    }
                }
            }),
        ));
    }
    let (mut dice, mut kills) = (Dice::seeded(5), 0);
    while kills < 3 || !loads.iter().all(|(.., load)| load.is_finished()) {
        let victim = dice.below(2) as usize;
        relays[victim].kill();
        tokio::time::sleep(dice.millis(1_000)).await;
        relays[victim] = Process::duplex(&relay(victim));
        kills += 1;
        tokio::time::sleep(dice.millis(4_000)).await;
    }
    let expected: u64 = (0..count).filter(|i| i % 4 == 0).map(|i| 1_000 + i).sum();
    for (rpc, counter, load) in loads {
        load.await.unwrap();
        for i in 0..count {
            until("every message", || async { (!counted(&rpc, counter, i).await.is_zero()).then_some(()) })
                .await;
        }
        for i in 0..count {
            assert_eq!(counted(&rpc, counter, i).await, U256::ONE, "message {i}");
        }
    }
    until("every token", || async {
        let supply = world.supply(Direction::Over, uni).await;
        (supply == world.locked(Direction::Over, uni).await && supply >= U256::from(expected)).then_some(())
    })
    .await;
    say(&format!("{count} messages each way within {:.1} s, {kills} kills", start.elapsed().as_secs_f64()));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn two_rollups_are_joined() {
    let dir = tempfile::tempdir().unwrap();
    // Faster blocks would let the time of L1 run ahead of ours, and deadlines with it.
    let l1 = format!("--l1-port {} --l1-block-time 1000", free_port());
    let mut world = World::start(dir.path(), &l1, "").await;
    by_the_commands(&world).await;
    given_up(&world).await;
    forged_files_are_refused(&world).await;
    // Killed and started again, they are what they were.
    let siblings = std::fs::read(world.siblings()).unwrap();
    world.pair.kill();
    world.pair = Process::duplex(&words(&world.command));
    printed(&mut world.pair).await;
    assert_eq!(std::fs::read(world.siblings()).unwrap(), siblings);
    let own = world.key(0).address();
    let done = world.json(&format!("message send --from l2 --to {own} --wait")).await;
    assert_eq!(done["state"], "done", "{done}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn everything_arrives_once_between_two_rollups() {
    let dir = tempfile::tempdir().unwrap();
    let l1 = format!("--l1-port {} --l1-block-time 500", free_port());
    let world = World::start(dir.path(), &l1, "--relay false").await;
    let count = std::env::var("DUPLEX_MESSAGES").ok().and_then(|count| count.parse().ok()).unwrap_or(12);
    many(&world, count).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn two_rollups_are_joined_on_anvil() {
    let Some(anvil) = anvil_bin() else {
        return say("skipped: no anvil on PATH or in DUPLEX_ANVIL");
    };
    let dir = tempfile::tempdir().unwrap();
    let port = free_port();
    let mut l1 = Process::start(&anvil, &words(&format!("--port {port} --block-time 1 --silent")));
    let url = format!("http://127.0.0.1:{port}");
    l1.answers(&url).await;
    let world = World::start(dir.path(), &format!("--l1 {url}"), "--bridge spv").await;
    by_the_commands(&world).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn two_rollups_do_not_share_relayers() {
    let dir = tempfile::tempdir().unwrap();
    let command = format!("up --rollups 2 --bridge multisig --data-dir {}", dir.path().display());
    Process::run(&words(&command)).await.assert_refused(&["same keys", "derived or spv"]);
}

/// When one of two ends for good, what was on its way there comes back, and who held tokens there has them where they are at
/// home.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_a_sibling_held_comes_home() {
    let dir = tempfile::tempdir().unwrap();
    let (port, l2_ports) = (free_port(), [free_port(), free_port()]);
    let url = format!("http://127.0.0.1:{port}");
    // L1's time runs five times as fast as ours.
    let alone =
        format!("l1 --data-dir {} --l1-port {port} --l1-block-time 200", dir.path().join("l1").display());
    let mut l1 = Process::duplex(&words(&alone));
    l1.answers(&url).await;
    let file = |name: &str| dir.path().join(name).join("deployment.json");
    let up = |name: &str, port: u16, options: &str| {
        let data = dir.path().join(name);
        words(&format!(
            "up --json --l1 {url} --data-dir {} --l2-port {port} --block-time 100 --challenge-window 2 {options}",
            data.display()
        ))
    };
    let mut first = Process::duplex(&up("first", l2_ports[0], "--l2-chain-id 42424"));
    let ours = first.deployment().await;
    let operator = ours.accounts[6].private_key;
    let mut second = Process::duplex(&up(
        "second",
        l2_ports[1],
        &format!("--l2-chain-id 42425 --exodus-delay 40 --l1-key {operator}"),
    ));
    let other = second.deployment().await;
    let siblings = dir.path().join("siblings.json");
    let run = async |command: &str| {
        Process::run(&words(&format!("{command} --deployment {}", file("first").display()))).await
    };
    let joined =
        run(&format!("siblings join --with {} --out {}", file("second").display(), siblings.display())).await;
    assert_eq!(joined.code, Some(0), "{joined:?}");
    let with = format!("--siblings {}", siblings.display());
    let again =
        run(&format!("siblings join --with {} --out {}", file("second").display(), siblings.display())).await;
    again.assert_refused(&["exists", "--out"]);
    let json = async |command: &str| run(&format!("{command} --json")).await.json();

    let own = dev_key(&ours, 0).address();
    let uni = ours.token("UNI").unwrap().l2;
    json("deposit 10 --token UNI").await;
    let arrived = json(&format!("message send --token UNI --value 3 --to {own} {with}")).await;
    let arrived = arrived["id"].as_str().unwrap().to_owned();
    let done = json(&format!("message deliver {arrived} {with}")).await;
    assert_eq!(done["state"], "done", "{done}");
    let early = run(&format!("siblings exit --token UNI {with}")).await;
    early.assert_refused(&["not in exodus"]);
    // One that nobody delivers.
    let lost = json(&format!("message send --token UNI --value 2 --to {own} {with}")).await;
    let lost = lost["id"].as_str().unwrap().to_owned();
    // A claim of the second has the first of them: then it ends.
    until("a claim that has it", || async {
        let status: Value = Rpc::new(&other.l2_rpc).unwrap().request("duplex_syncStatus", ()).await.unwrap();
        let number =
            |name: &str| serde_json::from_value::<alloy_primitives::U64>(status[name]["number"].clone());
        let (latest, last) = (number("unsafe").ok()?, number("finalized").ok()?);
        (latest == last).then_some(())
    })
    .await;
    second.kill();
    until("the exodus", || async {
        let start = format!("exodus start --key {operator} --deployment {}", file("second").display());
        (Process::run(&words(&start)).await.code == Some(0)).then_some(())
    })
    .await;
    let node = format!(
        "node --from-l1 --l1 {url} --rollup {} --l2-port {} --data-dir {}",
        other.contracts.vault,
        l2_ports[1],
        dir.path().join("derived").display()
    );
    let mut node = Process::duplex(&words(&node));
    node.answers(&other.l2_rpc).await;
    let l2 = Rpc::new(&ours.l2_rpc).unwrap();
    let balance = async || l2.call(uni, &IERC20::balanceOfCall { account: own }).await.unwrap();
    let ether = U256::from(1_000_000_000_000_000_000u64);
    assert_eq!(balance().await, U256::from(5) * ether);
    until("the exodus to be known", || async {
        // An idle L2 learns nothing of L1.
        run(&format!("transfer 1 --to {own}")).await;
        (run(&format!("message reclaim {lost} {with}")).await.code == Some(0)).then_some(())
    })
    .await;
    assert_eq!(balance().await, U256::from(7) * ether);
    run(&format!("message reclaim {lost} {with}")).await.assert_refused(&["paid back already"]);
    let gone = run(&format!("message send --token UNI --value 1 --to {own} {with}")).await;
    gone.assert_refused(&["in exodus", "siblings exit"]);
    let exit = run(&format!("siblings exit --token UNI {with}")).await;
    assert_eq!(exit.code, Some(0), "{exit:?}");
    assert_eq!(balance().await, U256::from(10) * ether);
    run(&format!("siblings exit --token UNI {with}")).await.assert_refused(&["has been paid"]);
}
