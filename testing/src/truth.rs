//! What must hold of a rollup whatever happened to its processes and its L1.

use std::{
    collections::{BTreeMap, BTreeSet},
    sync::{Arc, Mutex, PoisonError},
};

use alloy_primitives::{Address, B256, Bytes, U64, U256};
use alloy_signer_local::PrivateKeySigner;
use alloy_sol_types::{SolCall, SolEvent};
use duplex_bridge::{Asset, Bridge, BridgeError, Quiet};
use duplex_contracts::bindings::{IERC20, IInbox, IL2Bridge, IMessageQueue, ISettlement, IVault};
use duplex_l1::{Rpc, RpcError};
use duplex_primitives::{BatchContent, BatchHeader, L2Extra, data_root, predeploys};
use serde::Deserialize;
use serde_json::{Value, json};

use crate::devnet::{Process, say, until};

/// A block by number and hash.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
pub struct BlockId {
    /// Its number.
    pub number: U64,
    /// Its hash.
    pub hash: B256,
}

/// An answer to `duplex_syncStatus`, as far as it is used here.
#[derive(Debug, Clone, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct SyncStatus {
    /// The newest L1 block that the node has read.
    pub l1_head: Option<Value>,
    /// The newest L2 block.
    pub r#unsafe: BlockId,
    /// The newest L2 block in a batch.
    pub safe: BlockId,
    /// The newest L2 block under a final claim.
    pub finalized: BlockId,
    /// L1 messages in L2 blocks.
    pub messages_consumed: U64,
    /// L1 messages.
    pub messages_on_l1: U64,
    /// Batches.
    pub batches_on_l1: U64,
}

/// How far the rollup is.
///
/// # Errors
/// If it cannot be reached.
pub async fn sync_status(l2: &Rpc) -> Result<SyncStatus, RpcError> {
    l2.request("duplex_syncStatus", ()).await
}

/// What a client of the L2 saw.
#[derive(Debug, Clone, Default)]
pub struct Seen(Arc<Mutex<Blocks>>);

#[derive(Debug, Default)]
struct Blocks {
    heads: BTreeMap<u64, B256>,
    safe: BTreeMap<u64, B256>,
    finalized: u64,
}

impl Seen {
    fn with<T>(&self, look: impl FnOnce(&mut Blocks) -> T) -> T {
        look(&mut self.0.lock().unwrap_or_else(PoisonError::into_inner))
    }

    /// Remembers one look.
    pub fn note(&self, status: &SyncStatus) {
        self.with(|blocks| {
            blocks.heads.insert(status.r#unsafe.number.to(), status.r#unsafe.hash);
            blocks.safe.insert(status.safe.number.to(), status.safe.hash);
            blocks.finalized = blocks.finalized.max(status.finalized.number.to());
        });
    }

    /// The newest final block.
    pub fn finalized(&self) -> u64 {
        self.with(|blocks| blocks.finalized)
    }

    /// Looks at a rollup until the task is aborted; gaps in service are normal here.
    pub async fn watch(self, l2: Rpc) {
        loop {
            if let Ok(status) = sync_status(&l2).await {
                self.note(&status);
            }
            tokio::time::sleep(std::time::Duration::from_millis(50)).await;
        }
    }

    /// Checks that every safe block that was seen is still there, and with `heads` every other too.
    ///
    /// # Panics
    /// If one is not.
    pub async fn assert_kept(&self, l2: &Rpc, heads: bool) {
        let (safe, unsafe_heads) = self.with(|blocks| (blocks.safe.clone(), blocks.heads.clone()));
        say(&format!("  {} heads and {} safe blocks were seen", unsafe_heads.len(), safe.len()));
        for (number, hash) in safe {
            assert_eq!(hash_of(l2, number).await, Some(hash), "safe L2 block {number}");
        }
        for (number, hash) in unsafe_heads.into_iter().filter(|_| heads) {
            assert_eq!(hash_of(l2, number).await, Some(hash), "L2 block {number}");
        }
    }
}

async fn block(rpc: &Rpc, number: u64, full: bool) -> Value {
    rpc.request("eth_getBlockByNumber", (U64::from(number), full)).await.expect("a block")
}

async fn hash_of(rpc: &Rpc, number: u64) -> Option<B256> {
    block(rpc, number, false).await["hash"].as_str().and_then(|hash| hash.parse().ok())
}

/// What was found.
#[derive(Debug, Clone, Default)]
pub struct Audit {
    /// L2 blocks.
    pub blocks: u64,
    /// Batches on L1.
    pub batches: u64,
    /// Transactions to the `Inbox` that reverted: batches sent twice.
    pub refused_batches: u64,
    /// Claims that became final.
    pub final_claims: u64,
    /// Deposits on L1.
    pub deposits: usize,
    /// Withdrawals on L2.
    pub withdrawals: usize,
    /// L2 transactions of users.
    pub transactions: u64,
}

/// Waits until everything that was begun is done, then checks what must hold: batches, claims,
/// deposits, withdrawals and books. `payer` finishes withdrawals that nobody finished, `untouched`
/// says which addresses have nothing but what was deposited for them or withdrawn to them.
///
/// # Panics
/// If something does not hold.
pub async fn audit(
    bridge: &Bridge,
    node: &mut Process,
    payer: &PrivateKeySigner,
    untouched: impl Fn(Address) -> bool,
) -> Audit {
    let mut audit = Audit::default();
    settle(bridge, node).await;
    finish_all(bridge, payer, &mut audit).await;
    deposits(bridge, &untouched, &mut audit).await;
    releases(bridge, &untouched).await;
    batches(bridge, &mut audit).await;
    claims(bridge, &mut audit).await;
    books(bridge).await;
    assert!(node.is_running(), "{}", node.tail());
    assert!(!node.stderr().contains("panicked"), "{}", node.tail());
    say(&format!("  {audit:?}"));
    audit
}

/// Waits until all L2 blocks are final and all messages are in L2 blocks.
async fn settle(bridge: &Bridge, node: &mut Process) {
    let start = std::time::Instant::now();
    let queue = bridge.deployment.contracts.message_queue;
    loop {
        let status = sync_status(&bridge.l2).await.ok();
        let sent = bridge.l1.call(queue, &IMessageQueue::countCall {}).await.ok();
        let done = status.as_ref().zip(sent).is_some_and(|(status, sent)| {
            status.messages_consumed.to::<u64>() == sent
                && status.finalized == status.safe
                && status.safe == status.r#unsafe
        });
        if done {
            return;
        }
        assert!(node.is_running(), "the node ended:\n{}", node.tail());
        assert!(
            start.elapsed() < crate::devnet::PATIENCE,
            "not everything becomes final; L1 has {sent:?} messages, {status:#?}\n{}",
            node.tail()
        );
        tokio::time::sleep(std::time::Duration::from_millis(200)).await;
    }
}

async fn l1_logs<E: SolEvent>(bridge: &Bridge, address: Address) -> Vec<(E, alloy_rpc_types_eth::Log)> {
    let latest = bridge.l1.block_number().await.expect("L1 answers");
    let logs = bridge.l1.logs(&[address], bridge.deployment.start_block, latest).await.expect("logs");
    decode(logs)
}

async fn l2_logs<E: SolEvent>(bridge: &Bridge, address: Address) -> Vec<(E, alloy_rpc_types_eth::Log)> {
    let latest = bridge.l2.block_number().await.expect("L2 answers");
    decode(bridge.l2.logs(&[address], 0, latest).await.expect("logs"))
}

fn decode<E: SolEvent>(logs: Vec<alloy_rpc_types_eth::Log>) -> Vec<(E, alloy_rpc_types_eth::Log)> {
    let of_kind = logs.into_iter().filter(|log| log.topic0() == Some(&E::SIGNATURE_HASH));
    of_kind.map(|log| (E::decode_log(&log.inner).expect("an event").data, log)).collect()
}

/// Finishes every withdrawal that L2 knows.
async fn finish_all(bridge: &Bridge, payer: &PrivateKeySigner, audit: &mut Audit) {
    let started = l2_logs::<IL2Bridge::WithdrawalInitiated>(bridge, predeploys::L2_BRIDGE).await;
    audit.withdrawals = started.len();
    for (_, log) in &started {
        let hash = log.transaction_hash.expect("a mined transaction");
        let finished = bridge.finish_withdrawal(payer, hash, &Quiet).await;
        assert!(finished.is_ok(), "withdrawal of {hash}: {finished:?}");
    }
}

fn sums(
    amounts: impl Iterator<Item = (Option<Address>, Address, U256)>,
) -> BTreeMap<(Option<Address>, Address), U256> {
    let mut sums = BTreeMap::new();
    for (token, to, amount) in amounts {
        *sums.entry((token, to)).or_insert(U256::ZERO) += amount;
    }
    sums
}

async fn holds(rpc: &Rpc, token: Option<Address>, account: Address) -> U256 {
    match token {
        None => rpc.balance(account).await.expect("a balance"),
        Some(token) => rpc.call(token, &IERC20::balanceOfCall { account }).await.expect("a balance"),
    }
}

/// Every deposit on L1 is credited once, and nothing else is.
async fn deposits(bridge: &Bridge, untouched: &impl Fn(Address) -> bool, audit: &mut Audit) {
    let vault = bridge.deployment.contracts.vault;
    let eth = l1_logs::<IVault::ETHDepositInitiated>(bridge, vault).await;
    let tokens = l1_logs::<IVault::ERC20DepositInitiated>(bridge, vault).await;
    audit.deposits = eth.len() + tokens.len();
    let eth = eth.into_iter().map(|(event, _)| (None, event.to, event.amount));
    let tokens = tokens.into_iter().map(|(event, _)| (Some(event.l2Token), event.to, event.amount));
    for ((token, to), amount) in sums(eth.chain(tokens)) {
        if untouched(to) {
            assert_eq!(holds(&bridge.l2, token, to).await, amount, "deposited for {to} (token {token:?})");
        }
    }
}

/// Every withdrawal is paid once.
async fn releases(bridge: &Bridge, untouched: &impl Fn(Address) -> bool) {
    let started = l2_logs::<IL2Bridge::WithdrawalInitiated>(bridge, predeploys::L2_BRIDGE).await;
    let released = l1_logs::<IVault::WithdrawalReleased>(bridge, bridge.deployment.contracts.vault).await;
    let hashes: BTreeSet<B256> = released.iter().map(|(event, _)| event.withdrawalHash).collect();
    assert_eq!(hashes.len(), released.len(), "a withdrawal was released twice");
    assert_eq!(released.len(), started.len(), "as many releases as withdrawals");
    assert!(released.iter().all(|(event, _)| event.success));
    let paid = sums(started.into_iter().map(|(event, _)| {
        let token = Some(event.l1Token).filter(|token| !token.is_zero());
        (token, event.to, event.amount)
    }));
    for ((token, to), amount) in paid {
        if untouched(to) {
            assert_eq!(holds(&bridge.l1, token, to).await, amount, "withdrawn to {to} (token {token:?})");
        }
    }
}

/// Batches are contiguous, each L2 block is in exactly one, and says what the L2 says.
async fn batches(bridge: &Bridge, audit: &mut Audit) {
    let inbox = bridge.deployment.contracts.inbox;
    let chain_id = bridge.deployment.l2_chain_id;
    let status = sync_status(&bridge.l2).await.expect("L2 answers");
    let mut last = bridge.deployment.genesis_batch();
    let genesis = block(&bridge.l2, 0, false).await;
    let mut before = position(&genesis);
    for (event, log) in l1_logs::<IInbox::BatchAppended>(bridge, inbox).await {
        let hash = log.transaction_hash.expect("a mined transaction");
        let tx = bridge.l1.transaction(hash).await.expect("L1 answers").expect("the batch's transaction");
        assert_eq!(tx.to, Some(inbox));
        let data: Bytes = IInbox::appendCall::abi_decode(&tx.input).expect("a call of append").data;
        let header = BatchHeader::from(event.header);
        assert_eq!(header.index, last.index + 1, "batch indices are contiguous");
        assert_eq!(
            header.firstBlock,
            last.lastBlock + 1,
            "batch {} goes on where the last ended",
            header.index
        );
        assert_eq!(header.parentHash, last.hash(), "batch {}", header.index);
        assert_eq!(header.hash(), event.batchHash);
        assert_eq!(header.dataRoot, data_root(&data), "batch {}", header.index);
        let content = BatchContent::decode(&data, chain_id).expect("batch data");
        assert_eq!(content.blocks.len() as u64, header.lastBlock - header.firstBlock + 1);
        for (number, content) in (header.firstBlock..).zip(content.blocks) {
            let block = block(&bridge.l2, number, true).await;
            let here = position(&block);
            let ours = block["transactions"].as_array().expect("transactions");
            let ours: Vec<B256> = ours
                .iter()
                .filter(|tx| tx["type"] != "0x7e")
                .map(|tx| serde_json::from_value(tx["hash"].clone()).expect("a hash"))
                .collect();
            let posted: Vec<B256> = content.transactions.iter().map(|tx| tx.hash()).collect();
            assert_eq!(ours, posted, "transactions of L2 block {number}");
            assert_eq!(here.timestamp - before.timestamp, content.timestamp_delta, "L2 block {number}");
            assert_eq!(here.anchor - before.anchor, content.anchor_delta, "L2 block {number}");
            assert_eq!(here.messages - before.messages, content.messages, "L2 block {number}");
            audit.transactions += ours.len() as u64;
            before = here;
        }
        assert_eq!(header.timestamp, before.timestamp);
        assert_eq!(header.anchorNumber, before.anchor);
        assert_eq!(header.messageCount, before.messages);
        last = header;
    }
    assert!(last.lastBlock >= status.safe.number.to(), "all safe blocks are in batches");
    assert_eq!(last.index, status.batches_on_l1.to::<u64>());
    let count = bridge.l1.call(inbox, &IInbox::batchCountCall {}).await.expect("L1 answers");
    assert!(count == last.index || count == last.index + 1, "the Inbox counts {count}, seen {}", last.index);
    (audit.batches, audit.blocks) = (last.index, last.lastBlock);
    audit.refused_batches = refused(bridge, inbox).await;
}

struct Position {
    timestamp: u64,
    anchor: u64,
    messages: u64,
}

fn position(block: &Value) -> Position {
    let timestamp: U64 = serde_json::from_value(block["timestamp"].clone()).expect("a timestamp");
    let extra: Bytes = serde_json::from_value(block["extraData"].clone()).expect("extra data");
    let extra = L2Extra::decode(&extra).unwrap_or_default();
    Position { timestamp: timestamp.to(), anchor: extra.anchor_number, messages: extra.message_count }
}

/// Transactions to a contract that are in L1 blocks and reverted.
async fn refused(bridge: &Bridge, to: Address) -> u64 {
    let latest = bridge.l1.block_number().await.expect("L1 answers");
    let mut refused = 0;
    for number in bridge.deployment.start_block..=latest {
        let block = block(&bridge.l1, number, true).await;
        for tx in block["transactions"].as_array().into_iter().flatten().filter(|tx| tx["to"] == json!(to)) {
            let hash = serde_json::from_value(tx["hash"].clone()).expect("a hash");
            let receipt = bridge.l1.receipt(hash).await.expect("L1 answers").expect("a receipt");
            refused += u64::from(!receipt.is_success());
        }
    }
    refused
}

/// No claim was rejected; all batches are under a final one.
async fn claims(bridge: &Bridge, audit: &mut Audit) {
    let settlement = bridge.deployment.contracts.settlement;
    let rejected = l1_logs::<ISettlement::ClaimRejected>(bridge, settlement).await;
    assert!(rejected.is_empty(), "{rejected:?}");
    let finals = l1_logs::<ISettlement::ClaimFinalized>(bridge, settlement).await;
    let ids: BTreeSet<u64> = finals.iter().map(|(event, _)| event.id).collect();
    assert_eq!(ids.len(), finals.len(), "a claim became final twice");
    let covered = finals.iter().map(|(event, _)| event.lastBatch).max().unwrap_or_default();
    assert!(covered >= audit.batches, "batches up to {covered} of {} are final", audit.batches);
    audit.final_claims = finals.len() as u64;
}

/// What the Vault keeps is what exists on L2. Holds once nothing is in flight.
///
/// # Panics
/// If not.
pub async fn books(bridge: &Bridge) {
    let vault = bridge.deployment.contracts.vault;
    let books: Value = bridge.l2.request("duplex_books", ()).await.expect("books");
    let circulating: U256 = serde_json::from_value(books["circulating"].clone()).expect("an amount");
    let locked = bridge.l1.call(vault, &IVault::lockedETHCall {}).await.expect("L1 answers");
    assert_eq!(locked, circulating, "ETH locked on L1 = ETH on L2 ({books})");
    assert_eq!(bridge.l1.balance(vault).await.expect("L1 answers"), locked, "the Vault holds what it locked");
    for token in &bridge.deployment.tokens {
        let locked =
            bridge.l1.call(vault, &IVault::lockedCall { l1Token: token.l1 }).await.expect("L1 answers");
        let supply = match bridge.l2.code(token.l2).await.expect("L2 answers").is_empty() {
            true => U256::ZERO,
            false => bridge.l2.call(token.l2, &IERC20::totalSupplyCall {}).await.expect("L2 answers"),
        };
        assert_eq!(locked, supply, "{} locked on L1 = {0} on L2", token.symbol);
    }
}

/// Deposits and waits until it can be used; a gap in service is an error here.
///
/// # Errors
/// As [`Bridge::deposit`].
pub async fn deposit_eth(
    bridge: &Bridge,
    key: &PrivateKeySigner,
    to: Address,
    wei: u64,
) -> Result<U256, BridgeError> {
    bridge.deposit(key, &Asset::Eth, to, U256::from(wei), &Quiet).await?;
    bridge.l2.balance(to).await.map_err(Into::into)
}

/// Waits until an L2 transaction has a receipt.
///
/// # Panics
/// If it gets none.
pub async fn receipt(l2: &Rpc, hash: B256) -> duplex_l1::TxReceipt {
    until(&format!("a receipt of {hash}"), || async { l2.receipt(hash).await.ok().flatten() }).await
}
