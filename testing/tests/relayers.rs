//! Relayers with stakes, as processes of their own: `up --bridge multisig`, `relay --mode attest`, `withdraw --fast`.

use std::{
    collections::BTreeSet,
    net::SocketAddr,
    path::{Path, PathBuf},
    time::Duration,
};

use alloy_primitives::{Address, B256, Bytes, U256, keccak256};
use alloy_signer_local::PrivateKeySigner;
use duplex_bridge::{Bridge, MessageRequest, send_transaction};
use duplex_contracts::bindings::{AttestedProof, IVault, Message};
use duplex_lane::{
    Attester, Direction, Lane, Layer, Prepared, RelayerSet, Sent, SignedStatement, Statement, message_id,
};
use duplex_node::Relayer;
use duplex_stake::{RelayerSetting, Wei};
use duplex_testing::{
    devnet::{Dice, Finished, Process, anvil_bin, bridge, free_port, say, until, words},
    load::dev_key,
};
use serde_json::Value;

/// More than a stake.
const FUNDS: &str = "11";

fn fresh(name: &str) -> Address {
    Address::from_slice(&keccak256(name)[12..])
}

fn ether(text: &str) -> U256 {
    duplex_bridge::parse_units(text, 18).unwrap()
}

/// One relayer: its key, its port, its process while it runs.
struct Member {
    key: PrivateKeySigner,
    port: u16,
    process: Option<Process>,
}

/// A devnet whose relayers are processes of their own.
struct World {
    dir: PathBuf,
    #[allow(dead_code, reason = "ends with it")]
    devnet: Process,
    bridge: Bridge,
    members: Vec<Member>,
}

impl World {
    async fn start(dir: &Path) -> Self {
        let command = format!(
            "up --json --bridge multisig --relay false --data-dir {} --l1-port {} --l2-port {} --block-time 100 \
             --challenge-window 2",
            dir.join("devnet").display(),
            free_port(),
            free_port()
        );
        let mut devnet = Process::duplex(&words(&command));
        let bridge = bridge(devnet.deployment().await);
        let member = || Member { key: PrivateKeySigner::random(), port: free_port(), process: None };
        let members = (0..5).map(|_| member()).collect();
        Self { dir: dir.into(), devnet, bridge, members }
    }

    async fn run(&self, command: &str) -> Finished {
        let file = self.dir.join("devnet/deployment.json");
        Process::run(&words(&format!("{command} --deployment {}", file.display()))).await
    }

    async fn json(&self, command: &str) -> Value {
        self.run(&format!("{command} --json")).await.json()
    }

    async fn status(&self) -> Value {
        self.json("relay status").await["status"].clone()
    }

    fn lane(&self) -> Lane {
        self.bridge.lane().unwrap()
    }

    fn secret(&self, i: usize) -> B256 {
        self.members[i].key.to_bytes()
    }

    /// Starts a relayer, all the others being its peers.
    fn launch(&mut self, i: usize, poll: u64) {
        let peers: Vec<String> = (0..self.members.len())
            .filter(|j| *j != i)
            .map(|j| format!("--peer http://127.0.0.1:{}", self.members[j].port))
            .collect();
        let command = format!(
            "relay --mode attest --confirmations 0 --patience 120 --poll {poll} --listen 127.0.0.1:{} --data-dir {} --key {} \
             --deployment {} {}",
            self.members[i].port,
            self.dir.join(format!("relayer-{i}")).display(),
            self.secret(i),
            self.dir.join("devnet/deployment.json").display(),
            peers.join(" ")
        );
        self.members[i].process = Some(Process::duplex(&words(&command)));
    }

    fn kill(&mut self, i: usize) {
        self.members[i].process.take().unwrap().kill();
    }

    /// All keys have ETH on both layers, and stakes.
    async fn enlist(&self) {
        for i in 0..self.members.len() {
            let address = self.members[i].key.address();
            let (from, data) = (dev_key(&self.bridge.deployment, 5), Bytes::new());
            for rpc in [&self.bridge.l1, &self.bridge.l2] {
                send_transaction(rpc, &from, Some(address), ether(FUNDS), data.clone()).await.unwrap();
            }
            let key = self.secret(i);
            let joined = self.run(&format!("relay join --key {key}")).await;
            assert_eq!(joined.code, Some(0), "{joined:?}");
        }
    }

    /// Sends `count` messages each way, and waits until each has arrived once.
    async fn carry(&self, name: &str, count: usize) {
        carry(self.bridge.clone(), name.into(), count).await;
    }

    /// How many messages went on the relayers' word so far.
    async fn vouched(&self, direction: Direction) -> usize {
        self.lane().vouched(direction, 0, u64::MAX >> 1).await.unwrap().len()
    }

    async fn books(&self) -> (U256, U256) {
        let vault = self.bridge.deployment.contracts.vault;
        let books: Value = self.bridge.l2.request("duplex_books", ()).await.unwrap();
        let circulating: U256 = serde_json::from_value(books["circulating"].clone()).unwrap();
        let locked = self.bridge.l1.call(vault, &IVault::lockedETHCall {}).await.unwrap();
        assert_eq!(self.bridge.l1.balance(vault).await.unwrap(), locked);
        (locked, circulating)
    }
}

/// Sends `count` messages each way from four accounts, and waits until each has arrived once.
async fn carry(bridge: Bridge, name: String, count: usize) {
    let target = |direction: Direction, i: usize| fresh(&format!("{name} {direction:?} {i}"));
    let amount = |i: usize| U256::from(1_000_000_000 + i as u64);
    let lanes = (0..4).flat_map(|key| Direction::LAYERS.map(|direction| (key, direction)));
    let senders: Vec<_> = lanes
        .map(|(number, direction)| {
            let (bridge, key) = (bridge.clone(), dev_key(&bridge.deployment, number));
            let targets: Vec<_> =
                (number..count).step_by(4).map(|i| (target(direction, i), amount(i))).collect();
            tokio::spawn(async move {
                for (target, value) in targets {
                    let request = MessageRequest {
                        direction,
                        target,
                        value,
                        payload: Default::default(),
                        gas_limit: 50_000,
                        lifetime: None,
                        relay_fee: None,
                    };
                    bridge.send_message(&key, &request).await.unwrap();
                }
            })
        })
        .collect();
    for sender in senders {
        sender.await.unwrap();
    }
    let lane = bridge.lane().unwrap();
    for direction in Direction::LAYERS {
        let (rpc, _) = lane.end(direction.destination());
        for i in 0..count {
            until("every message", || async {
                (rpc.balance(target(direction, i)).await.unwrap() == amount(i)).then_some(())
            })
            .await;
        }
    }
}

/// The proof of a message that was never sent, by the members whose bits are set.
fn forge(
    world: &World,
    value: U256,
    to: Address,
    signers: &[usize],
    set: &RelayerSet,
) -> (Message, Prepared) {
    let members = &set.members;
    let d = &world.bridge.deployment;
    let lane = world.lane();
    let message = Message {
        version: 1,
        srcChainId: d.l1_chain_id,
        dstChainId: d.l2_chain_id,
        nonce: 1_000_000,
        sender: to,
        target: to,
        value,
        gasLimit: 50_000,
        deadline: u64::MAX,
        relayFee: U256::ZERO,
        payload: Bytes::new(),
    };
    let (_, source) = lane.end(Layer::L1);
    let (_, destination) = lane.end(Layer::L2);
    let id = message_id(&message, source, destination);
    let statement = Statement {
        direction: Direction::Down,
        nonce: message.nonce,
        accumulator: keccak256([B256::ZERO, id].concat()),
        time: 1,
    };
    let attester = Attester::new(&lane).unwrap();
    let sign = |i: &usize| {
        (world.members[*i].key.address(), attester.sign(&world.members[*i].key, &statement).unwrap())
    };
    let signed: Vec<(Address, SignedStatement)> = signers.iter().map(sign).collect();
    let position = |address: &Address| members.iter().position(|member| member == address).unwrap();
    let mut ordered: Vec<(usize, Vec<u8>)> =
        signed.iter().map(|(address, signed)| (position(address), signed.signature.to_vec())).collect();
    ordered.sort();
    let proof = AttestedProof {
        setId: set.id,
        nonce: message.nonce,
        time: 1,
        previous: B256::ZERO,
        later: vec![],
        members: members.to_vec(),
        signers: ordered.iter().fold(U256::ZERO, |bits, (i, _)| bits | (U256::ONE << *i)),
        signatures: ordered.into_iter().flat_map(|(_, bytes)| bytes).collect::<Vec<u8>>().into(),
    };
    let sent = Sent {
        direction: Direction::Down,
        message: message.clone(),
        id,
        accumulator: statement.accumulator,
        block: 0,
        transaction: B256::ZERO,
        log_index: 0,
    };
    (message, lane.attested(&sent, &proof, Address::ZERO))
}

/// A contract on L2 that calls another with whatever it is called with.
async fn forwarder(bridge: &Bridge, key: &PrivateKeySigner, to: Address) -> Address {
    // CALLDATACOPY all of it, CALL with all gas, REVERT if that did.
    let runtime = [
        &[0x36, 0x5f, 0x5f, 0x37, 0x5f, 0x5f, 0x36, 0x5f, 0x5f, 0x73],
        to.as_slice(),
        &[0x5a, 0xf1, 0x60, 0x26, 0x57, 0x5f, 0x5f, 0xfd, 0x5b, 0x00],
    ]
    .concat();
    // PUSH its length, CODECOPY it from behind these nine bytes, RETURN it.
    let init =
        [&[0x60, runtime.len() as u8, 0x80, 0x60, 0x09, 0x5f, 0x39, 0x5f, 0xf3][..], &runtime].concat();
    let nonce = bridge.l2.nonce(key.address(), false).await.unwrap();
    send_transaction(&bridge.l2, key, None, U256::ZERO, init.into()).await.unwrap();
    key.address().create(nonce)
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn relayers_vouch_and_lose_what_they_lie_for() {
    let dir = tempfile::tempdir().unwrap();
    let mut dice = Dice::seeded(23);
    let mut world = World::start(dir.path()).await;
    world.run("relay resign").await.assert_refused(&["is no relayer now"]);
    world.run("relay summon 9").await.assert_refused(&["9 is not the number", "there are 0"]);
    world.enlist().await;
    for i in 0..5 {
        // One of them is slow.
        world.launch(i, if i == 3 { 2_500 } else { 300 });
    }

    // On their word, both ways.
    let to = fresh("paid fast");
    let report = world.json("deposit 1.5").await;
    assert!(report["l2Transaction"].as_str().is_some(), "{report}");
    let fast = world.json(&format!("withdraw 0.5 --fast --to {to}")).await;
    assert!(fast["l1Transaction"].as_str().is_some(), "{fast}");
    assert_eq!(world.bridge.l1.balance(to).await.unwrap(), ether("0.5"));
    assert_eq!((world.vouched(Direction::Down).await, world.vouched(Direction::Up).await), (1, 1));
    // Not more than their stakes cover, and tokens not at all.
    world.run("withdraw 20 --fast").await.assert_refused(&["can vouch for", "split it", "leave --fast out"]);
    world.run("withdraw 1 --fast --token UNI").await.assert_refused(&["--fast is for ETH"]);
    let more = world
        .json("message send --from l1 --value 7 --wait --to 0x00000000000000000000000000000000000000aa")
        .await;
    assert_eq!(more["state"], "done");
    assert_eq!(world.vouched(Direction::Down).await, 1, "7 ETH are proved");
    // Summoned, they answer.
    assert_eq!(world.run("relay summon 1").await.code, Some(0));
    world.run("relay summon 1").await.assert_refused(&["nobody was summoned to before"]);
    let absent = format!("relay absent 1 {}", world.members[0].key.address());
    world.run(&absent).await.assert_refused(&["cannot be reported"]);
    world
        .run(&format!("relay join --key {}", world.secret(0)))
        .await
        .assert_refused(&["has a stake already"]);
    until("all answers", || async {
        let status = world.status().await;
        let relayers = status["relayers"].as_array().unwrap().clone();
        relayers.iter().all(|row| row["credit"] == "0x71afd498d0000").then_some(())
    })
    .await;

    // Killed at random and started again, one of them slow, one silent in the end: everything arrives, once.
    let silent = 4;
    for round in 0..3 {
        let victim = dice.below(5) as usize;
        world.kill(victim);
        world.carry(&format!("round {round}"), 4).await;
        world.launch(victim, 300);
    }
    world.kill(silent);
    world.carry("one silent", 6).await;
    assert!(world.vouched(Direction::Down).await > 1);

    // One that signs what is not so is found out by those who ask it.
    let lane = world.lane();
    let liar = &world.members[silent].key;
    let last = lane.count(Direction::Down).await.unwrap();
    let lie =
        Statement { direction: Direction::Down, nonce: last, accumulator: B256::repeat_byte(7), time: 1 };
    let addr: SocketAddr = format!("127.0.0.1:{}", world.members[silent].port).parse().unwrap();
    let server = Relayer::listen(addr).await.unwrap();
    server.board().add_own(liar.address(), Attester::new(&lane).unwrap().sign(liar, &lie).unwrap());
    until("the lie to be punished", || async {
        let status = world.status().await;
        (status["relayers"].as_array().unwrap().len() == 4).then_some(())
    })
    .await;
    drop(server);
    world.carry("four are left", 4).await;

    // All that must sign, together, take what they may and lose more: whoever looks reports them.
    let set = until("L2 to know the set", || async {
        let set = world.lane().relayer_set(Direction::Down).await.unwrap();
        (set.threshold == 3 && set.members.len() == 4).then_some(set)
    })
    .await;
    // As `duplex stake --relayers` says it of four with these stakes.
    let allowance = world.lane().allowance(Direction::Down).await.unwrap();
    let terms = world.lane().relayers().unwrap().terms;
    let model = RelayerSetting {
        relayers: 4,
        stake: Wei(terms.stake.to()),
        l1_window: terms.l1_window,
        l2_window: terms.l2_window,
        watchers: 1,
        uptime: 1.0,
        messages: 1,
        value: Wei::ZERO,
        fee_percent: 0,
        gas_price: Wei::GWEI,
        capital_cost: "5".parse().unwrap(),
        running: Wei::ZERO,
        delivery_gas: 1,
    };
    assert_eq!(allowance.limit, U256::from(model.limit().0));
    let limit = allowance.available;
    let thief = fresh("thief");
    let mine: BTreeSet<Address> = set.members.iter().copied().collect();
    assert!((0..4).all(|i| mine.contains(&world.members[i].key.address())));
    for i in 0..3 {
        world.kill(i);
    }
    let (before, _) = world.books().await;
    let (message, theft) = forge(&world, limit, thief, &[0, 1, 2], &set);
    let anyone = dev_key(&world.bridge.deployment, 6);
    // Through a contract: the evidence is there all the same.
    let forwarder = forwarder(&world.bridge, &anyone, theft.to).await;
    send_transaction(&world.bridge.l2, &anyone, Some(forwarder), U256::ZERO, theft.data).await.unwrap();
    assert_eq!(world.bridge.l2.balance(thief).await.unwrap(), message.value);
    until("the liars to be slashed", || async {
        let status = world.status().await;
        (status["relayers"].as_array().unwrap().len() == 1).then_some(())
    })
    .await;
    let (after, circulating) = world.books().await;
    let covered = after - before;
    assert_eq!(covered, ether("27"), "nine tenths of three stakes");
    assert!(covered > message.value + message.value / U256::from(4));
    // The model counts the least stakes that there may be.
    assert!(covered >= U256::from(model.lost().0));
    assert!(message.value <= U256::from(model.taken_in_windows().0));
    assert!(after >= circulating, "{after} {circulating}");
    say(&format!("stolen {} wei, lost 30 ETH of stake", message.value));

    // One is no crowd: from now on everything is proved, and nothing waits for anybody.
    let vouched = world.vouched(Direction::Down).await;
    world.carry("proved", 2).await;
    assert_eq!(world.vouched(Direction::Down).await, vouched);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_books_balance_when_everything_is_collected() {
    let dir = tempfile::tempdir().unwrap();
    let mut world = World::start(dir.path()).await;
    let mut dice = Dice::seeded(7);
    world.enlist().await;
    for i in 0..4 {
        world.launch(i, if i == 3 { 2_500 } else { 300 });
    }
    let count = std::env::var("DUPLEX_MESSAGES").ok().and_then(|count| count.parse().ok()).unwrap_or(12);
    let start = std::time::Instant::now();
    world.carry("first", 1).await;
    let load = tokio::spawn(carry(world.bridge.clone(), "load".into(), count));
    // Of the five one lies and is put out, one is slow, one falls silent, and of the rest one is always being killed.
    let lane = world.lane();
    let liar = world.members[4].key.clone();
    let lie = Statement { direction: Direction::Down, nonce: 1, accumulator: B256::repeat_byte(7), time: 1 };
    let addr: SocketAddr = format!("127.0.0.1:{}", world.members[4].port).parse().unwrap();
    let server = Relayer::listen(addr).await.unwrap();
    server.board().add_own(liar.address(), Attester::new(&lane).unwrap().sign(&liar, &lie).unwrap());
    let mut kills = 0;
    while !load.is_finished() || kills < 3 {
        let victim = dice.below(2) as usize;
        world.kill(victim);
        tokio::time::sleep(dice.millis(1_500)).await;
        world.launch(victim, 300);
        kills += 1;
        if kills == 2 {
            world.kill(2);
        }
        tokio::time::sleep(Duration::from_secs(2) + dice.millis(4_000)).await;
    }
    load.await.unwrap();
    until("the lie to be punished", || async {
        (world.status().await["relayers"].as_array().unwrap().len() == 4).then_some(())
    })
    .await;
    drop(server);
    say(&format!("{count} messages each way within {:.1} s, {kills} kills", start.elapsed().as_secs_f64()));
    for i in [0, 1, 3] {
        world.kill(i);
    }
    let mut collected = U256::ZERO;
    for i in 0..4 {
        let report = world.json(&format!("relay collect --key {}", world.secret(i))).await;
        let wei = |layer: &str| serde_json::from_value::<U256>(report[layer].clone()).unwrap();
        collected += wei("l1") + wei("l2");
    }
    assert!(!collected.is_zero());
    let (locked, circulating) = world.books().await;
    // Nine tenths of the liar's stake back L2's ETH. What does not divide by those who signed stays where it was earned.
    let dust = locked.abs_diff(circulating + ether("9"));
    assert!(dust < U256::from(1_000), "{locked} {circulating}");
    // Who leaves is still liable.
    let left = world.run(&format!("relay resign --key {}", world.secret(0))).await;
    assert!(left.stdout.contains("can be collected in"), "{left:?}");
    assert_eq!(world.status().await["relayers"].as_array().unwrap().len(), 3);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_tour_goes_on_relayers_word_on_anvil() {
    let Some(anvil) = anvil_bin() else {
        return say("skipped: no anvil on PATH or in DUPLEX_ANVIL");
    };
    let port = free_port();
    let mut l1 = Process::start(&anvil, &words(&format!("--port {port} --block-time 1 --silent")));
    let url = format!("http://127.0.0.1:{port}");
    l1.answers(&url).await;
    let toured = Process::run(&words(&format!("tour --bridge multisig --l1 {url}"))).await;
    assert_eq!(toured.code, Some(0), "{toured:?}");
}

/// Processes that this one started.
fn children(of: u32) -> Vec<u32> {
    let listed = std::fs::read_to_string(format!("/proc/{of}/task/{of}/children"));
    // Threads start them, too.
    let tasks = std::fs::read_dir(format!("/proc/{of}/task")).unwrap();
    let all: String = tasks
        .filter_map(|task| std::fs::read_to_string(task.ok()?.path().join("children")).ok())
        .chain(listed)
        .collect::<Vec<_>>()
        .join(" ");
    let mut all: Vec<u32> = all.split_whitespace().filter_map(|id| id.parse().ok()).collect();
    all.sort_unstable();
    all.dedup();
    all
}

/// Whether a process has ended: its entry may stay until somebody asks what became of it, without its arguments.
fn is_gone(id: u32) -> bool {
    std::fs::read(format!("/proc/{id}/cmdline")).map_or(true, |arguments| arguments.is_empty())
}

/// `up` runs five processes; one that is killed comes back; none is left when the devnet is.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn relayers_of_a_devnet_come_and_go_with_it() {
    let dir = tempfile::tempdir().unwrap();
    let data = dir.path().join("devnet");
    let command = format!(
        "up --json --bridge multisig --data-dir {} --l1-port {} --l2-port {} --block-time 100",
        data.display(),
        free_port(),
        free_port()
    );
    let mut devnet = Process::duplex(&words(&command));
    devnet.deployment().await;
    let first = children(devnet.id());
    assert_eq!(first.len(), 5);
    let file = data.join("deployment.json");
    let deposit = format!("deposit 1 --json --deployment {}", file.display());
    Process::run(&words(&deposit)).await.json();
    // Two at once: those who are left are too few, until they are back.
    for id in &first[..2] {
        let killed = std::process::Command::new("kill").args(["-9", &id.to_string()]).status().unwrap();
        assert!(killed.success());
    }
    Process::run(&words(&deposit)).await.json();
    until("five relayers", async || {
        let now = children(devnet.id());
        (now.len() == 5 && now != first).then_some(())
    })
    .await;
    // Without a chance to tell them.
    let last = children(devnet.id());
    devnet.kill();
    until("no relayers", async || last.iter().all(|id| is_gone(*id)).then_some(())).await;
}
