//! Nobody is left but L1: what was claimed is checked, users leave, and the books balance to the wei.

use std::{path::PathBuf, time::Duration};

use alloy_primitives::{Address, B256, Bytes, U64, U256, hex};
use alloy_signer_local::PrivateKeySigner;
use alloy_sol_types::{SolCall, sol};
use duplex_bridge::{Asset, Bridge, Quiet, send_transaction};
use duplex_contracts::bindings::{IERC20, IInbox, IMessageQueue, ISettlement, IVault};
use duplex_l1::{Deployment, FeeQuote, Rpc, TxReceipt, sign_eip1559};
use duplex_primitives::predeploys;
use duplex_testing::{
    devnet::{Dice, Finished, Process, anvil_bin, bridge, free_port, say, until, words},
    load::{Load, dev_key, fresh},
    truth::{audit, books, sync_status},
};
use serde_json::{Value, json};

/// Short ones. The embedded L1 makes three blocks a second here, each a second later than the last.
const DELAYS: &str =
    "--challenge-window 4 --forced-inclusion-delay 10 --sequencer-timeout 20 --exodus-delay 300";
const ETH: u128 = 1_000_000_000_000_000_000;

sol! {
    function deposit() external payable;
}

/// An L1 on which a rollup is, and nothing else any more.
struct World {
    dir: tempfile::TempDir,
    _l1: Process,
    url: String,
    /// As it was, with the development accounts.
    deployment: Deployment,
}

impl World {
    fn path(&self, name: &str) -> PathBuf {
        self.dir.path().join(name)
    }

    fn rpc(&self) -> Rpc {
        Rpc::new(&self.url).unwrap()
    }

    fn key(&self, index: usize) -> PrivateKeySigner {
        dev_key(&self.deployment, index)
    }

    /// A view of L1 alone.
    fn l1_only(&self) -> Bridge {
        bridge(Deployment { l1_rpc: self.url.clone(), l2_rpc: self.url.clone(), ..self.deployment.clone() })
    }

    /// Arguments of a command that knows nothing but L1's URL.
    fn command(&self, command: &str) -> Vec<String> {
        words(&format!("{command} --l1 {}", self.url))
    }

    /// Those of `exit`.
    fn exit(&self, index: usize, dir: &str) -> Vec<String> {
        let key = hex::encode(self.key(index).to_bytes());
        let dir = self.path(dir).display().to_string();
        self.command(&format!("exit --yes --json --key {key} --data-dir {dir}"))
    }
}

/// A devnet with an embedded L1, and a view of it.
async fn embedded(dir: &tempfile::TempDir) -> (Process, Bridge) {
    let mut devnet = Process::duplex(&words(&format!(
        "up --json --data-dir {} --l1-port 0 --l2-port 0 --batch-age 1 --claim-interval 1 --block-time 150 \
         --l1-block-time 330 {DELAYS}",
        dir.path().join("devnet").display(),
    )));
    let deployment = devnet.deployment().await;
    (devnet, bridge(deployment))
}

/// Kills a devnet, deletes its L2, and starts its L1 again.
async fn everyone_is_gone(dir: tempfile::TempDir, mut devnet: Process, whole: &Bridge) -> World {
    devnet.kill();
    let data = dir.path().join("devnet");
    std::fs::remove_dir_all(data.join("l2")).unwrap();
    std::fs::remove_file(data.join("deployment.json")).unwrap();
    let port = free_port();
    let url = format!("http://127.0.0.1:{port}");
    let args = format!("l1 --l1-port {port} --l1-block-time 330 --data-dir {}", data.join("l1").display());
    let mut l1 = Process::duplex(&words(&args));
    l1.answers(&url).await;
    World { dir, _l1: l1, url, deployment: whole.deployment.clone() }
}

async fn hash_of(rpc: &Rpc, number: u64) -> B256 {
    rpc.header(number).await.unwrap().expect("the block is there").hash
}

/// Waits until all of L2 is in batches; gives its last block.
async fn posted(whole: &Bridge) -> (u64, B256) {
    until("everything to be in batches", || async {
        let status = sync_status(&whole.l2).await.ok()?;
        let done = status.safe == status.r#unsafe && status.messages_consumed == status.messages_on_l1;
        done.then_some((status.safe.number.to(), status.safe.hash))
    })
    .await
}

/// What an account spent for gas on L1 from block `from` on.
async fn gas_spent(l1: &Rpc, account: Address, from: u64) -> U256 {
    let mut spent = U256::ZERO;
    for number in from..=l1.block_number().await.unwrap() {
        let block: Value = l1.request("eth_getBlockByNumber", (U64::from(number), true)).await.unwrap();
        for tx in block["transactions"].as_array().unwrap() {
            if serde_json::from_value::<Address>(tx["from"].clone()).unwrap() == account {
                let hash: B256 = serde_json::from_value(tx["hash"].clone()).unwrap();
                spent += l1.receipt(hash).await.unwrap().expect("it is mined").cost();
            }
        }
    }
    spent
}

/// Wei that an account has in claims, or may take back.
async fn bonds(l1: &Rpc, deployment: &Deployment, account: Address) -> U256 {
    let settlement = deployment.contracts.settlement;
    let mut sum = l1.call(settlement, &ISettlement::creditCall { account }).await.unwrap();
    for id in 1..l1.call(settlement, &ISettlement::claimCountCall {}).await.unwrap() {
        let claim = l1.call(settlement, &ISettlement::claimCall { id }).await.unwrap();
        if claim.proposer == account && claim.finalizedAt == 0 {
            sum += deployment.parameters.bond;
        }
    }
    sum
}

async fn token(rpc: &Rpc, token: Address, account: Address) -> U256 {
    match rpc.code(token).await.unwrap().is_empty() {
        true => U256::ZERO,
        false => rpc.call(token, &IERC20::balanceOfCall { account }).await.unwrap(),
    }
}

/// What an account has: ETH and WETH, and UNI.
async fn on_l2(whole: &Bridge, account: Address) -> (U256, U256) {
    let uni = whole.deployment.token("UNI").unwrap().l2;
    let eth = whole.l2.balance(account).await.unwrap() + token(&whole.l2, predeploys::WETH, account).await;
    (eth, token(&whole.l2, uni, account).await)
}

/// Deposits, wraps, transfers and withdraws, so that there is something of everything; gives who is to be
/// paid by a withdrawal that is not finished.
async fn use_it(whole: &Bridge, index: usize, dice: &mut Dice) -> Address {
    let (key, home) = (dev_key(&whole.deployment, index), fresh(dice));
    let uni = Asset::Token(whole.deployment.token("UNI").unwrap().clone());
    let eth = |tenths: u128| U256::from(ETH / 10 * tenths);
    whole.deposit(&key, &Asset::Eth, key.address(), eth(20), &Quiet).await.unwrap();
    whole.deposit(&key, &uni, key.address(), eth(50), &Quiet).await.unwrap();
    let wrap: Bytes = depositCall {}.abi_encode().into();
    send_transaction(&whole.l2, &key, Some(predeploys::WETH), eth(7), wrap).await.unwrap();
    whole.transfer(&key, &uni, fresh(dice), eth(5)).await.unwrap();
    whole.start_withdrawal(&key, &Asset::Eth, home, eth(3)).await.unwrap();
    home
}

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

/// L1 balances of an account before it leaves, and what it must gain.
struct Expected {
    account: Address,
    from: u64,
    eth: (U256, U256),
    uni: (U256, U256),
}

impl Expected {
    async fn note(world: &World, whole: (U256, U256), account: Address) -> Self {
        let l1 = world.rpc();
        let uni = world.deployment.token("UNI").unwrap().l1;
        Self {
            account,
            from: l1.block_number().await.unwrap() + 1,
            eth: (l1.balance(account).await.unwrap(), whole.0),
            uni: (token(&l1, uni, account).await, whole.1),
        }
    }

    /// Checks that it has gained that, to the wei.
    async fn check(&self, world: &World) {
        let (l1, account) = (world.rpc(), self.account);
        let uni = world.deployment.token("UNI").unwrap().l1;
        assert_eq!(token(&l1, uni, account).await, self.uni.0 + self.uni.1, "UNI of {account}");
        let spent = gas_spent(&l1, account, self.from).await;
        let bonds = bonds(&l1, &world.deployment, account).await;
        let has = l1.balance(account).await.unwrap();
        assert_eq!(
            has + spent + bonds,
            self.eth.0 + self.eth.1,
            "{account} spent {spent}, has {bonds} in bonds"
        );
        assert!(spent > U256::ZERO);
    }
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

/// Moves L1's clock.
async fn later(l1: &Rpc, seconds: u64) {
    let _: Value = l1.request("evm_increaseTime", (seconds,)).await.unwrap();
    let _: Value = l1.request("evm_mine", ()).await.unwrap();
}

async fn pay_vault(world: &World, key: &PrivateKeySigner, wei: U256, call: impl SolCall) -> TxReceipt {
    let vault = world.deployment.contracts.vault;
    send_transaction(&world.rpc(), key, Some(vault), wei, call.abi_encode().into()).await.unwrap().receipt
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_exodus_pays_everyone_once() {
    let mut dice = Dice::seeded(73);
    let dir = tempfile::tempdir().unwrap();
    let (devnet, whole) = embedded(&dir).await;
    let home = use_it(&whole, 6, &mut dice).await;
    posted(&whole).await;
    until("everything to be final", || async {
        let status = sync_status(&whole.l2).await.ok()?;
        (status.finalized == status.r#unsafe).then_some(())
    })
    .await;
    let owned = on_l2(&whole, dev_key(&whole.deployment, 6).address()).await;
    let world = everyone_is_gone(dir, devnet, &whole).await;
    let (l1, key) = (world.rpc(), |index: usize| hex::encode(world.key(index).to_bytes()));

    // Deposits that L2 will never take.
    let (late, uni) = (world.key(7), world.deployment.token("UNI").unwrap().clone());
    let extra = Bytes::new();
    let wei = U256::from(12_345);
    let eth = IVault::depositETHToCall { to: fresh(&mut dice), minGasLimit: 0, extraData: extra.clone() };
    pay_vault(&world, &late, wei, eth).await;
    let approve = IERC20::approveCall { spender: world.deployment.contracts.vault, value: wei };
    send_transaction(&l1, &late, Some(uni.l1), U256::ZERO, approve.abi_encode().into()).await.unwrap();
    let tokens = IVault::depositERC20ToCall {
        l1Token: uni.l1,
        l2Token: uni.l2,
        to: fresh(&mut dice),
        amount: wei,
        minGasLimit: 0,
        extraData: extra,
    };
    pay_vault(&world, &late, U256::ZERO, tokens).await;
    let forced = Process::run(&world.command(&format!(
        "force --json --l1-key {} --to {} --value 1 --mint 0.5",
        key(7),
        fresh(&mut dice)
    )))
    .await
    .json();
    assert_eq!(forced["forced"]["message"]["index"].as_u64(), Some(message_count(&world).await - 1));
    let expected = Expected::note(&world, owned, world.key(6).address()).await;
    let refunds = (U256::from(12_345 + ETH / 2), wei);
    let refunded = Expected::note(&world, refunds, late.address()).await;

    let early = Process::run(&world.command(&format!("exodus start --key {}", key(5)))).await;
    early.assert_refused(&["can be started in"]);
    let claim = |index: usize| {
        world.command(&format!(
            "exodus claim --json --key {} --data-dir {}",
            key(index),
            world.path(&format!("exodus{index}")).display()
        ))
    };
    Process::run(&claim(6)).await.assert_refused(&["is not in exodus"]);
    later(&l1, 400).await;
    let status = Process::run(&world.command("exodus status --json")).await.json();
    assert_eq!(status["started"], false, "{status}");
    assert!(status["now"].as_u64() > status["opensAt"].as_u64(), "{status}");
    let started = Process::run(&world.command(&format!("exodus start --json --key {}", key(5)))).await.json();
    assert_eq!(started["started"], true, "{started}");

    for _ in 0..2 {
        for (index, count) in [(6, 4), (7, 3)] {
            let report = Process::run(&claim(index)).await.json();
            let rows = report["exodus"].as_array().unwrap();
            // Account 7 has its genesis balance, too.
            assert_eq!(rows.len(), if index == 7 { count + 1 } else { count }, "{report:#}");
            assert!(rows.iter().all(|row| row["paid"] == true), "{report:#}");
        }
    }
    expected.check(&world).await;
    assert_eq!(l1.balance(home).await.unwrap(), U256::from(ETH / 10 * 3));
    let genesis = Expected { eth: (refunded.eth.0, refunded.eth.1 + U256::from(100 * ETH)), ..refunded };
    genesis.check(&world).await;

    // `exit` goes the same way, and there is nothing left for it.
    let report = Process::run(&world.exit(6, "exodus6")).await.json();
    assert!(
        report["exodus"].as_array().unwrap().iter().all(|row| row["outcome"] == "was paid before"),
        "{report:#}"
    );
    let locked = l1.call(world.deployment.contracts.vault, &IVault::lockedETHCall {}).await.unwrap();
    assert_eq!(l1.balance(world.deployment.contracts.vault).await.unwrap(), locked);
    let refused = world.l1_only().deposit(&late, &Asset::Eth, late.address(), wei, &Quiet).await;
    assert!(refused.is_err(), "no deposits in exodus: {refused:?}");
}

async fn message_count(world: &World) -> u64 {
    world.rpc().call(world.deployment.contracts.message_queue, &IMessageQueue::countCall {}).await.unwrap()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn verify_finds_a_false_claim_and_another_chain() {
    let dir = tempfile::tempdir().unwrap();
    let mut devnet = Process::duplex(&words(&format!(
        "up --json --data-dir {} --l1-port 0 --l2-port 0 --batch-age 1 --claim-interval 100000 --block-time 150 \
         --l1-block-time 330 --challenge-window 100000",
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
    // Nobody else claims here, but for the proposer's first claim, and the truth beside this lie.
    let lie = ISettlement::proposeCall {
        parentId: 0,
        parentOutputRoot: whole.deployment.genesis_output,
        lastBatch: last.index,
        lastBatchHash: last.record.hash,
        blockOutputsRoot: B256::repeat_byte(1),
        outputRoot: B256::repeat_byte(2),
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
