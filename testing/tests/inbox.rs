//! What L1 takes: garbage that has one meaning, and batches of those who are not the sequencer.

use std::time::Duration;

use alloy_consensus::{SignableTransaction, TxEip1559};
use alloy_primitives::{Address, B256, Bytes, U256};
use alloy_signer::SignerSync;
use alloy_signer_local::PrivateKeySigner;
use alloy_sol_types::SolCall;
use duplex_bridge::{Asset, Bridge, BridgeError, Sent, send_transaction};
use duplex_contracts::bindings::{Batch, IInbox, IMessageQueue};
use duplex_l1::{Deployment, Rpc};
use duplex_primitives::{BatchContent, BlockContent, Transaction, data_root};
use duplex_testing::{
    devnet::{Dice, Process, bridge, free_port, until, words},
    load::{dev_key, fresh},
    truth::{books, deposit_eth, sync_status},
};

/// Development account 9.
const OPERATOR: &str = "0x2a871d0798f97d79848a013d4936a73bf4cc922c825d33c1cf7073dff6d409c6";

struct World {
    dir: tempfile::TempDir,
    _l1: Process,
    deployment: Deployment,
}

impl World {
    async fn new(delays: &str) -> Self {
        let dir = tempfile::tempdir().unwrap();
        let port = free_port();
        let data = dir.path().join("l1");
        let args = format!("l1 --l1-port {port} --l1-block-time 300 --data-dir {}", data.display());
        let mut l1 = Process::duplex(&words(&args));
        let url = format!("http://127.0.0.1:{port}");
        l1.answers(&url).await;
        let file = dir.path().join("deployment.json");
        let args = format!(
            "deploy --development --challenge-window 2 {delays} --l1 {url} --l1-key {OPERATOR} --deployment {}",
            file.display()
        );
        let deployed = Process::run(&words(&args)).await;
        assert_eq!(deployed.code, Some(0), "{}", deployed.stderr);
        let deployment = Deployment::load(&file).unwrap();
        Self { dir, _l1: l1, deployment }
    }

    fn path(&self, name: &str) -> String {
        self.dir.path().join(name).display().to_string()
    }

    /// Starts a node; gives it and a view of the rollup through it.
    async fn node(&self, command: &str, dir: &str, more: &str) -> (Process, Bridge) {
        let port = free_port();
        let mut deployment = self.deployment.clone();
        deployment.l2_rpc = format!("http://127.0.0.1:{port}");
        let mut node = Process::duplex(&words(&format!(
            "{command} --l1 {} --data-dir {} --l2-port {port} --batch-age 1 --claim-interval 1 --block-time 150 --log info {more}",
            self.deployment.l1_rpc,
            self.path(dir),
        )));
        node.answers(&deployment.l2_rpc).await;
        node.logged(0, "in step with L1").await;
        (node, bridge(deployment))
    }

    async fn sequencer(&self) -> (Process, Bridge) {
        self.node("node", "sequencer", &format!("--sequence --batch --propose --l1-key {OPERATOR}")).await
    }
}

/// Appends a batch of `blocks` blocks by hand, which consumes messages up to `messages`.
async fn append(
    deployment: &Deployment,
    key: &PrivateKeySigner,
    data: &[u8],
    blocks: u64,
    messages: u64,
) -> Result<Sent, BridgeError> {
    let l1 = Rpc::new(&deployment.l1_rpc).unwrap();
    let (inbox, queue) = (deployment.contracts.inbox, deployment.contracts.message_queue);
    let last = l1.call(inbox, &IInbox::lastBatchCall {}).await?;
    let accumulator = l1.call(queue, &IMessageQueue::accumulatorCall { messageCount: messages }).await?;
    let anchor = l1.latest_header().await?;
    let header = Batch {
        index: last.index + 1,
        parentHash: last.record.hash,
        dataRoot: data_root(data),
        firstBlock: last.record.lastBlock + 1,
        lastBlock: last.record.lastBlock + blocks,
        timestamp: anchor.header.timestamp.max(last.record.timestamp),
        anchorNumber: anchor.header.number,
        anchorHash: anchor.hash,
        messageCount: messages,
        messageAcc: accumulator,
    };
    let call = IInbox::appendCall { header, data: Bytes::copy_from_slice(data) };
    // An anchor must be in the past, also for whoever estimates.
    tokio::time::sleep(Duration::from_millis(700)).await;
    send_transaction(&l1, key, Some(inbox), U256::ZERO, call.abi_encode().into()).await
}

/// Waits until everything on L2 is final, then compares the books of both layers.
async fn all_final(whole: &Bridge, node: &mut Process) {
    until("everything to be final", || async {
        let status = sync_status(&whole.l2).await.ok()?;
        (status.finalized == status.r#unsafe && status.messages_consumed == status.messages_on_l1)
            .then_some(())
    })
    .await;
    assert!(node.is_running(), "{}", node.tail());
    books(whole).await;
}

fn transfer(chain_id: u64, key: &PrivateKeySigner, nonce: u64, to: Address, value: u64) -> Transaction {
    let tx = TxEip1559 {
        chain_id,
        nonce,
        gas_limit: 21_000,
        max_fee_per_gas: 10_000_000_000,
        max_priority_fee_per_gas: 1,
        to: to.into(),
        value: U256::from(value),
        ..Default::default()
    };
    let signature = key.sign_hash_sync(&tx.signature_hash()).unwrap();
    Transaction::Ethereum(tx.into_signed(signature).into())
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn whatever_is_appended_has_one_meaning() {
    let mut dice = Dice::seeded(47);
    let world = World::new("").await;
    let operator: PrivateKeySigner = OPERATOR.parse().unwrap();
    let chain_id = world.deployment.l2_chain_id;
    let (mut node, whole) = world.sequencer().await;
    let first = fresh(&mut dice);
    deposit_eth(&whole, &dev_key(&world.deployment, 1), first, 5).await.unwrap();
    until("the first batch", || async {
        let status = sync_status(&whole.l2).await.ok()?;
        (status.safe.number == status.r#unsafe.number).then_some(())
    })
    .await;
    // Stopped, with a transaction that is in no batch yet.
    node.kill();

    let (alice, to) = (dev_key(&world.deployment, 2), fresh(&mut dice));
    let nonce = 0;
    let count = || async {
        let queue = world.deployment.contracts.message_queue;
        whole.l1.call(queue, &IMessageQueue::countCall {}).await.unwrap()
    };
    let block = |transactions: Vec<Transaction>| BlockContent {
        timestamp_delta: 0,
        anchor_delta: 0,
        messages: 0,
        transactions,
    };
    // Not a batch; a batch that is cut off; one with more blocks than its header says; one whose sums
    // do not end where the header says. Each takes a message that waits.
    let good = BatchContent { blocks: vec![block(vec![transfer(chain_id, &alice, nonce, to, 3)])] };
    let encoded = good.encode(chain_id).unwrap();
    let many = BatchContent { blocks: vec![block(Vec::new()); 3] }.encode(chain_id).unwrap();
    let garbage: [&[u8]; 4] = [&[7; 100], &encoded[..encoded.len() - 2], &many, &encoded];
    let mut receivers = Vec::new();
    for data in garbage {
        let receiver = fresh(&mut dice);
        let call = duplex_contracts::bindings::IVault::depositETHToCall {
            to: receiver,
            minGasLimit: 0,
            extraData: Bytes::new(),
        };
        let vault = Some(world.deployment.contracts.vault);
        let depositor = dev_key(&world.deployment, 4);
        send_transaction(&whole.l1, &depositor, vault, U256::from(11), call.abi_encode().into())
            .await
            .unwrap();
        append(&world.deployment, &operator, data, 2, count().await).await.unwrap();
        receivers.push(receiver);
    }
    // The sequencer comes back, derives what is there, and goes on.
    let (mut node, whole) = world.sequencer().await;
    for receiver in &receivers {
        assert_eq!(whole.l2.balance(*receiver).await.unwrap(), U256::from(11), "messages run in any case");
    }
    assert_eq!(whole.l2.balance(to).await.unwrap(), U256::ZERO, "transactions of void content do not");
    assert_eq!(node.stderr().matches("content of a batch is void").count(), 4, "{}", node.tail());
    let sent = whole.transfer(&dev_key(&world.deployment, 3), &Asset::Eth, to, U256::from(8)).await.unwrap();
    assert!(sent.receipt.is_success());
    until("it to be in a batch", || async {
        let status = sync_status(&whole.l2).await.ok()?;
        (status.safe.number == status.r#unsafe.number).then_some(())
    })
    .await;

    // Whoever starts from nothing sees the same.
    let (_follower, other) = world.node("node", "follower", "--from-l1").await;
    let (ours, theirs) = (sync_status(&whole.l2).await.unwrap(), sync_status(&other.l2).await.unwrap());
    assert_eq!(ours.safe, theirs.safe);
    all_final(&whole, &mut node).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_censored_user_is_served_by_anyone() {
    let mut dice = Dice::seeded(53);
    let world = World::new("--forced-inclusion-delay 4 --sequencer-timeout 8").await;
    let operator: PrivateKeySigner = OPERATOR.parse().unwrap();
    let deployment = world.deployment.clone();
    let (user, to) = (dev_key(&deployment, 1), fresh(&mut dice));
    let l1 = Rpc::new(&deployment.l1_rpc).unwrap();

    // The user's own call, through L1's queue.
    let send = IMessageQueue::sendCall {
        target: to,
        value: U256::from(1234),
        gasLimit: 100_000,
        data: Bytes::new(),
    };
    let queue = Some(deployment.contracts.message_queue);
    send_transaction(&l1, &user, queue, U256::ZERO, send.abi_encode().into()).await.unwrap();

    // A sequencer that leaves it out may do so until it is overdue.
    let empty = BatchContent { blocks: vec![BlockContent::default()] };
    let data = empty.encode(deployment.l2_chain_id).unwrap();
    append(&deployment, &operator, &data, 1, 0).await.unwrap();
    tokio::time::sleep(Duration::from_secs(5)).await;
    let refused = append(&deployment, &operator, &data, 1, 0).await.unwrap_err().to_string();
    let overdue: B256 = alloy_primitives::keccak256("MessageOverdue(uint64)");
    let selector = alloy_primitives::hex::encode(&overdue[..4]);
    assert!(refused.contains(&selector) || refused.contains("revert"), "{refused}");

    // Nobody else may append before the timeout; then anyone may, and does.
    let stranger = dev_key(&deployment, 5);
    let key = alloy_primitives::hex::encode(stranger.to_bytes());
    let more = format!("--permissionless --propose --l1-key {key}");
    let (_stranger_node, theirs) = world.node("sequence", "stranger", &more).await;
    until("the user's call to be on L2 and its batch on L1", || async {
        let balance = theirs.l2.balance(to).await.ok()?;
        let status = sync_status(&theirs.l2).await.ok()?;
        (balance == U256::from(1234) && status.safe.number == status.r#unsafe.number).then_some(())
    })
    .await;
    let batches = sync_status(&theirs.l2).await.unwrap().batches_on_l1;

    // The sequencer comes back, has it all, and goes on.
    let (mut node, whole) = world.sequencer().await;
    assert_eq!(whole.l2.balance(to).await.unwrap(), U256::from(1234));
    let again = fresh(&mut dice);
    assert_eq!(deposit_eth(&whole, &dev_key(&deployment, 3), again, 6).await.unwrap(), U256::from(6));
    until("batches of the sequencer", || async {
        let status = sync_status(&whole.l2).await.ok()?;
        (status.batches_on_l1 > batches && status.safe.number == status.r#unsafe.number).then_some(())
    })
    .await;
    all_final(&whole, &mut node).await;
}
