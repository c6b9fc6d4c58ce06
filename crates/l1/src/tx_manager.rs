//! Sends transactions and sees them through.
//!
//! What is signed is on disk before it is sent. After a restart the same bytes are sent again, so
//! no nonce is used twice for different things and none is left out. What is not mined in time is
//! sent again with a higher fee.

use std::{
    collections::BTreeMap,
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
    time::{Duration, Instant},
};

use alloy_consensus::{SignableTransaction, TxEip1559, TxEip4844};
use alloy_eips::{
    eip2718::Encodable2718, eip4844::DATA_GAS_PER_BLOB, eip7594::BlobTransactionSidecarVariant,
    eip7840::BlobParams,
};
use alloy_primitives::{Address, B256, Bytes, TxKind, U256, keccak256};
use alloy_signer::SignerSync;
use alloy_signer_local::PrivateKeySigner;
use duplex_storage::Records;
use serde::{Deserialize, Serialize};
use thiserror::Error;
use tokio::sync::{Mutex, oneshot};
use tokio_util::sync::CancellationToken;

use crate::{
    BlobsError, Rpc, RpcError, TxReceipt,
    blobs::{sidecar, versioned_hashes, with_sidecar},
};

/// Fee increase on every resend. Nodes ask for 10%.
const BUMP_PERCENT: u128 = 15;
/// The same for transactions with blobs, of which nodes ask that every fee doubles.
const BLOB_BUMP_PERCENT: u128 = 101;
/// Highest multiple of the market's fee that is ever offered.
const MOST_OVER_MARKET: u128 = 8;
/// Time that L1 is given to find what it dropped in a reorganisation.
const GAP: Duration = Duration::from_secs(5);
/// Gas of a transaction that does nothing.
const NOTHING_GAS: u64 = 21_000;
/// Added to every gas estimate, in percent, because the state moves on.
const GAS_MARGIN_PERCENT: u64 = 20;

/// Why a transaction did not succeed.
#[derive(Debug, Error)]
#[non_exhaustive]
pub enum TxManagerError {
    /// L1 refused or could not be reached.
    #[error(transparent)]
    Rpc(#[from] RpcError),
    /// The local record could not be written; nothing was sent.
    #[error("transaction record: {0}")]
    Storage(#[from] duplex_storage::Error),
    /// It was mined and reverted.
    #[error("{label}: transaction {hash} reverted on L1")]
    Reverted {
        /// What it was for.
        label: String,
        /// Its hash.
        hash: B256,
    },
    /// Another transaction with the same key took its nonce.
    #[error(
        "{label}: nonce {nonce} of {address} was used by another transaction; is its key in use elsewhere?"
    )]
    Replaced {
        /// What it was for.
        label: String,
        /// The sender.
        address: Address,
        /// The nonce.
        nonce: u64,
    },
    /// The key cannot pay.
    #[error("{address} has {balance} wei on L1 and needs about {needed}; send it some ETH")]
    Unfunded {
        /// The sender.
        address: Address,
        /// What it has.
        balance: U256,
        /// What it needs.
        needed: U256,
    },
    /// Its blobs are none.
    #[error(transparent)]
    Blobs(#[from] BlobsError),
    /// Signing failed.
    #[error("signing: {0}")]
    Signer(#[from] alloy_signer::Error),
    /// The node is stopping.
    #[error("stopped before the transaction was mined; it is on disk and will be sent again")]
    Stopped,
}

/// What is to be sent.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct TxRequest {
    /// What it calls.
    pub to: Address,
    /// Call data.
    pub data: Bytes,
    /// Wei.
    pub value: U256,
    /// Gas limit; estimated if not given.
    pub gas_limit: Option<u64>,
    /// For people: what it is for.
    pub label: String,
    /// Blobs that go with it, of 131,072 bytes each.
    #[serde(default)]
    pub blobs: Vec<Bytes>,
}

/// Fees of a transaction, wei per gas.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct FeeQuote {
    /// Highest total fee.
    pub max_fee: u128,
    /// Part of it for the block's proposer.
    pub priority_fee: u128,
    /// Highest fee per blob gas.
    #[serde(default)]
    pub blob_fee: u128,
}

impl FeeQuote {
    /// Room for the base fee to double, on top of what the node suggests as priority fee.
    ///
    /// # Errors
    /// If L1 cannot be reached.
    pub async fn current(rpc: &Rpc) -> Result<Self, RpcError> {
        let head = rpc.latest_header().await?.header;
        let base = head.base_fee_per_gas.unwrap_or_default();
        let priority_fee = rpc.priority_fee().await?;
        let blob_fee = head.next_block_blob_fee(BlobParams::osaka()).unwrap_or(1) * 2;
        Ok(Self { max_fee: u128::from(base) * 2 + priority_fee, priority_fee, blob_fee })
    }

    /// Higher fees for the same nonce; `None` if that would be far above the market, where waiting
    /// has another reason than the price.
    fn bumped(self, market: Self, percent: u128) -> Option<Self> {
        let bump = |fee: u128| fee.saturating_add(fee.saturating_mul(percent) / 100).saturating_add(1);
        let fees = Self {
            max_fee: bump(self.max_fee).max(market.max_fee),
            priority_fee: bump(self.priority_fee).max(market.priority_fee),
            blob_fee: bump(self.blob_fee).max(market.blob_fee),
        };
        let most = market.max_fee.saturating_mul(MOST_OVER_MARKET);
        (fees.max_fee <= most && fees.priority_fee <= most).then_some(fees)
    }
}

/// Signs an EIP-1559 transaction; gives its bytes. `to` is `None` to create a contract.
///
/// # Errors
/// If the signer fails.
#[allow(clippy::too_many_arguments)]
pub fn sign_eip1559(
    signer: &PrivateKeySigner,
    chain_id: u64,
    nonce: u64,
    to: Option<Address>,
    value: U256,
    input: Bytes,
    gas_limit: u64,
    fees: FeeQuote,
) -> Result<Bytes, alloy_signer::Error> {
    let tx = TxEip1559 {
        chain_id,
        nonce,
        gas_limit,
        max_fee_per_gas: fees.max_fee,
        max_priority_fee_per_gas: fees.priority_fee,
        to: to.map_or(TxKind::Create, TxKind::Call),
        value,
        access_list: Default::default(),
        input,
    };
    let signature = signer.sign_hash_sync(&tx.signature_hash())?;
    Ok(tx.into_signed(signature).encoded_2718().into())
}

/// How patient the manager is.
#[derive(Debug, Clone, Copy)]
pub struct TxManagerOptions {
    /// Pause between looks at L1.
    pub poll: Duration,
    /// Time after which a transaction is sent again with a higher fee.
    pub resend_after: Duration,
}

#[derive(Debug, Serialize, Deserialize)]
struct Saved {
    request: TxRequest,
    gas_limit: u64,
    fees: FeeQuote,
    /// The newest signed form.
    raw: Bytes,
    /// Hashes of the older ones; any of them may be the one that is mined.
    hashes: Vec<B256>,
    /// Versioned hashes of its blobs.
    #[serde(default)]
    blob_hashes: Vec<B256>,
}

impl Saved {
    /// The most that it can cost, in wei.
    fn most(&self) -> U256 {
        let blob_gas = DATA_GAS_PER_BLOB * self.blob_hashes.len() as u64;
        U256::from(self.gas_limit) * U256::from(self.fees.max_fee)
            + U256::from(blob_gas) * U256::from(self.fees.blob_fee)
            + self.request.value
    }
}

#[derive(Debug)]
struct InFlight {
    saved: Saved,
    sent: Instant,
    waiters: Vec<oneshot::Sender<Result<TxReceipt, TxManagerError>>>,
}

#[derive(Debug, Default)]
struct State {
    next_nonce: u64,
    in_flight: BTreeMap<u64, InFlight>,
    /// Since when L1 waits for a nonce before those in flight.
    gap_since: Option<Instant>,
}

/// Sends the transactions of one key, in order.
#[derive(Debug, Clone)]
pub struct TxManager {
    inner: Arc<Inner>,
}

#[derive(Debug)]
struct Inner {
    rpc: Rpc,
    signer: PrivateKeySigner,
    chain_id: u64,
    records: Arc<Records>,
    options: TxManagerOptions,
    state: Mutex<State>,
    /// Whether L1 takes blobs with the proofs of EIP-7594; else those of EIP-4844.
    cells: AtomicBool,
}

fn key(nonce: u64) -> String {
    format!("l1tx/{nonce:020}")
}

impl TxManager {
    /// Takes up where the records left off: what was signed and not mined is sent again.
    ///
    /// # Errors
    /// If L1 cannot be reached or the records cannot be read.
    pub async fn open(
        rpc: Rpc,
        signer: PrivateKeySigner,
        records: Arc<Records>,
        options: TxManagerOptions,
    ) -> Result<Self, TxManagerError> {
        let chain_id = rpc.chain_id().await?;
        let address = signer.address();
        let mined = rpc.nonce(address, false).await?;
        let (mut known, mut others) = (Vec::new(), Vec::new());
        for (name, bytes) in records.prefix("l1tx/")? {
            let nonce = name.rsplit('/').next().and_then(|nonce| nonce.parse::<u64>().ok());
            let saved: Option<Saved> = serde_json::from_slice(&bytes).ok();
            match (nonce, saved) {
                (Some(nonce), Some(saved)) if nonce == mined + known.len() as u64 => {
                    known.push((nonce, saved));
                }
                _ => others.push(name),
            }
        }
        for name in others {
            records.remove(&name)?;
        }
        let cells = AtomicBool::new(true);
        let inner = Inner { rpc, signer, chain_id, records, options, state: Mutex::default(), cells };
        let mut state = State { next_nonce: mined + known.len() as u64, ..Default::default() };
        for (nonce, saved) in known {
            // The node may know it already.
            if let Err(error) = inner.transmit(&saved, None).await {
                tracing::debug!(nonce, %error, "sent again after restart");
            }
            state.in_flight.insert(nonce, InFlight { saved, sent: Instant::now(), waiters: Vec::new() });
        }
        state.next_nonce = state.next_nonce.max(inner.rpc.nonce(address, true).await?);
        *inner.state.lock().await = state;
        Ok(Self { inner: Arc::new(inner) })
    }

    /// The sender.
    pub fn address(&self) -> Address {
        self.inner.signer.address()
    }

    /// Transactions that are sent and not mined.
    pub async fn in_flight(&self) -> usize {
        self.inner.state.lock().await.in_flight.len()
    }

    /// Sends a transaction and waits until it is mined.
    ///
    /// # Errors
    /// If it cannot be sent, or reverts.
    pub async fn send(&self, request: TxRequest) -> Result<TxReceipt, TxManagerError> {
        self.submit(request).await?.await.unwrap_or(Err(TxManagerError::Stopped))
    }

    /// Sends a transaction; what it becomes arrives in the channel.
    ///
    /// # Errors
    /// If it cannot be sent.
    pub async fn submit(
        &self,
        request: TxRequest,
    ) -> Result<oneshot::Receiver<Result<TxReceipt, TxManagerError>>, TxManagerError> {
        let inner = &self.inner;
        let gas_limit = match request.gas_limit {
            Some(limit) => limit,
            None => {
                let from = self.address();
                let gas =
                    inner.rpc.estimate_gas(from, Some(request.to), request.value, &request.data).await?;
                gas + gas * GAS_MARGIN_PERCENT / 100
            }
        };
        let fees = FeeQuote::current(&inner.rpc).await?;
        // What takes long comes before the lock.
        let (blob_hashes, proven) = inner.prove(&request.blobs).await?;
        let mut state = inner.state.lock().await;
        let nonce = state.next_nonce;
        let raw = inner.sign(nonce, &request, &blob_hashes, gas_limit, fees)?;
        let saved = Saved { request, gas_limit, fees, raw, hashes: Vec::new(), blob_hashes };
        inner.save(nonce, &saved)?;
        if let Err(error) = inner.transmit(&saved, proven).await {
            // Tried again after a time-out, it may be there already.
            let hash = keccak256(&saved.raw);
            let known = inner.rpc.receipt(hash).await.is_ok_and(|receipt| receipt.is_some());
            if !error.is_temporary() && !known {
                inner.records.remove(&key(nonce))?;
                if error.rejection().is_some_and(|text| text.contains("nonce too low")) {
                    state.next_nonce = inner.rpc.nonce(self.address(), true).await?;
                }
                if error.rejection().is_some_and(|text| text.contains("insufficient funds")) {
                    let balance = inner.rpc.balance(self.address()).await?;
                    return Err(TxManagerError::Unfunded {
                        address: self.address(),
                        balance,
                        needed: saved.most(),
                    });
                }
                return Err(error.into());
            }
            // It is on disk: the loop will send it once L1 can be reached.
            tracing::warn!(%error, label = %saved.request.label, "L1 cannot be reached, will send again");
        }
        state.next_nonce += 1;
        let (sender, receiver) = oneshot::channel();
        state.in_flight.insert(nonce, InFlight { saved, sent: Instant::now(), waiters: vec![sender] });
        Ok(receiver)
    }

    /// Looks after what is in flight until cancelled.
    ///
    /// # Errors
    /// If the records cannot be written.
    pub async fn run(self, cancel: CancellationToken) -> Result<(), TxManagerError> {
        loop {
            tokio::select! {
                () = cancel.cancelled() => return Ok(()),
                () = tokio::time::sleep(self.inner.options.poll) => {}
            }
            let done = tokio::select! {
                () = cancel.cancelled() => return Ok(()),
                done = self.tend() => done,
            };
            match done {
                Ok(()) => {}
                Err(TxManagerError::Rpc(error)) => tracing::warn!(%error, "L1 transactions"),
                Err(error) => return Err(error),
            }
        }
    }

    async fn tend(&self) -> Result<(), TxManagerError> {
        let inner = &self.inner;
        if inner.state.lock().await.in_flight.is_empty() {
            // A reorganisation can drop what was mined: the next transaction must not leave a gap.
            let pending = inner.rpc.nonce(self.address(), true).await?;
            let mut state = inner.state.lock().await;
            if state.in_flight.is_empty() && pending < state.next_nonce {
                tracing::warn!(from = state.next_nonce, to = pending, "L1 dropped transactions");
                state.next_nonce = pending;
            }
            return Ok(());
        }
        let mined = inner.rpc.nonce(self.address(), false).await?;
        let mut state = inner.state.lock().await;
        let open: Vec<u64> = state.in_flight.keys().copied().collect();
        let lowest = open.iter().find(|nonce| **nonce >= mined).copied();
        for nonce in open {
            if nonce < mined {
                let Some(receipt) = inner.find(&state.in_flight[&nonce].saved).await? else {
                    // The nonce is used but no receipt is there: a node behind itself, or a foreign
                    // transaction. Wait a little before believing the latter.
                    if state.in_flight[&nonce].sent.elapsed() < inner.options.resend_after * 4 {
                        continue;
                    }
                    let done = state.in_flight.remove(&nonce);
                    inner.records.remove(&key(nonce))?;
                    inner.settle(nonce, done, None);
                    continue;
                };
                let done = state.in_flight.remove(&nonce);
                inner.records.remove(&key(nonce))?;
                inner.settle(nonce, done, Some(receipt));
            } else if Some(nonce) == lowest
                && state.in_flight[&nonce].sent.elapsed() > inner.options.resend_after
            {
                inner.resend(nonce, &mut state).await?;
            }
        }
        inner.close_gap(mined, &mut state).await
    }
}

impl Inner {
    fn sign(
        &self,
        nonce: u64,
        request: &TxRequest,
        blob_hashes: &[B256],
        gas_limit: u64,
        fees: FeeQuote,
    ) -> Result<Bytes, alloy_signer::Error> {
        let data = request.data.clone();
        if blob_hashes.is_empty() {
            let (to, value) = (Some(request.to), request.value);
            return sign_eip1559(&self.signer, self.chain_id, nonce, to, value, data, gas_limit, fees);
        }
        let tx = TxEip4844 {
            chain_id: self.chain_id,
            nonce,
            gas_limit,
            max_fee_per_gas: fees.max_fee,
            max_priority_fee_per_gas: fees.priority_fee,
            to: request.to,
            value: request.value,
            access_list: Default::default(),
            blob_versioned_hashes: blob_hashes.to_vec(),
            max_fee_per_blob_gas: fees.blob_fee,
            input: data,
        };
        let signature = self.signer.sign_hash_sync(&tx.signature_hash())?;
        Ok(tx.into_signed(signature).encoded_2718().into())
    }

    /// The versioned hashes of blobs, and what proves them.
    async fn prove(
        &self,
        blobs: &[Bytes],
    ) -> Result<(Vec<B256>, Option<BlobTransactionSidecarVariant>), BlobsError> {
        if blobs.is_empty() {
            return Ok((Vec::new(), None));
        }
        let (blobs, cells) = (blobs.to_vec(), self.cells.load(Ordering::Relaxed));
        let work = move || Ok((versioned_hashes(&blobs)?, Some(sidecar(&blobs, cells)?)));
        tokio::task::spawn_blocking(work).await.unwrap_or_else(|error| {
            Err(BlobsError::Invalid { len: 0, why: format!("proving was cut off: {error}") })
        })
    }

    /// Sends a signed transaction, with its blobs if it has some. `proven` saves proving them anew.
    async fn transmit(
        &self,
        saved: &Saved,
        proven: Option<BlobTransactionSidecarVariant>,
    ) -> Result<(), RpcError> {
        let blobs = &saved.request.blobs;
        if blobs.is_empty() {
            return self.rpc.send_raw(&saved.raw).await.map(drop);
        }
        let refused = |why: &dyn std::fmt::Display| RpcError::Rejected {
            method: "eth_sendRawTransaction".into(),
            code: 0,
            message: why.to_string(),
            data: None,
        };
        let wire = |sidecar| with_sidecar(&saved.raw, sidecar).map_err(|why| refused(&why));
        let proven = match proven {
            Some(proven) => proven,
            None => {
                self.prove(blobs).await.map_err(|why| refused(&why))?.1.ok_or_else(|| refused(&"no blobs"))?
            }
        };
        let first = self.rpc.send_raw(&wire(proven)?).await;
        let Err(error) = first else { return Ok(()) };
        if error.is_temporary() {
            return Err(error);
        }
        // An L1 before or after Fusaka takes the other proofs.
        let cells = !self.cells.load(Ordering::Relaxed);
        let blobs = blobs.clone();
        let other = tokio::task::spawn_blocking(move || sidecar(&blobs, cells)).await;
        let Ok(Ok(other)) = other else { return Err(error) };
        match self.rpc.send_raw(&wire(other)?).await {
            Ok(_) => {
                self.cells.store(cells, Ordering::Relaxed);
                Ok(())
            }
            Err(_) => Err(error),
        }
    }

    fn save(&self, nonce: u64, saved: &Saved) -> Result<(), TxManagerError> {
        let bytes = serde_json::to_vec(saved).unwrap_or_default();
        Ok(self.records.put(&key(nonce), &bytes)?)
    }

    async fn find(&self, saved: &Saved) -> Result<Option<TxReceipt>, RpcError> {
        for hash in std::iter::once(keccak256(&saved.raw)).chain(saved.hashes.iter().rev().copied()) {
            if let Some(receipt) = self.rpc.receipt(hash).await? {
                return Ok(Some(receipt));
            }
        }
        Ok(None)
    }

    fn settle(&self, nonce: u64, done: Option<InFlight>, receipt: Option<TxReceipt>) {
        let Some(done) = done else { return };
        let label = done.saved.request.label;
        for waiter in done.waiters {
            let label = label.clone();
            let result = match &receipt {
                Some(receipt) if receipt.is_success() => Ok(receipt.clone()),
                Some(receipt) => Err(TxManagerError::Reverted { label, hash: receipt.transaction_hash }),
                None => Err(TxManagerError::Replaced { label, address: self.signer.address(), nonce }),
            };
            // Whoever asked may have gone; the transaction is mined all the same.
            let _ = waiter.send(result);
        }
    }

    /// A reorganisation can drop what was mined, and what is in flight would wait for its nonces
    /// forever: transactions that do nothing take their place. Those who sent what was dropped see
    /// that it is gone, and send it again.
    async fn close_gap(&self, mined: u64, state: &mut State) -> Result<(), TxManagerError> {
        let address = self.signer.address();
        let first = state.in_flight.range(mined..).next().map(|(nonce, _)| *nonce);
        let next = match first {
            // What is in the pool is not gone.
            Some(first) if first > mined => self.rpc.nonce(address, true).await?.max(mined),
            _ => u64::MAX,
        };
        let Some(first) = first.filter(|first| *first > next) else {
            state.gap_since = None;
            return Ok(());
        };
        if state.gap_since.get_or_insert_with(Instant::now).elapsed() < GAP {
            return Ok(());
        }
        tracing::warn!(from = next, to = first, "L1 dropped transactions: their nonces are filled");
        let fees = FeeQuote::current(&self.rpc).await?;
        for nonce in next..first {
            let request = TxRequest {
                to: address,
                data: Bytes::new(),
                value: U256::ZERO,
                gas_limit: Some(NOTHING_GAS),
                label: "nothing".into(),
                blobs: Vec::new(),
            };
            let raw = self.sign(nonce, &request, &[], NOTHING_GAS, fees)?;
            let (hashes, blob_hashes) = (Vec::new(), Vec::new());
            let saved = Saved { request, gas_limit: NOTHING_GAS, fees, raw, hashes, blob_hashes };
            self.save(nonce, &saved)?;
            if let Err(error) = self.transmit(&saved, None).await {
                tracing::debug!(nonce, %error, "filling a nonce");
            }
            state.in_flight.insert(nonce, InFlight { saved, sent: Instant::now(), waiters: Vec::new() });
        }
        state.gap_since = None;
        Ok(())
    }

    async fn resend(&self, nonce: u64, state: &mut State) -> Result<(), TxManagerError> {
        let market = FeeQuote::current(&self.rpc).await?;
        let Some(tx) = state.in_flight.get_mut(&nonce) else { return Ok(()) };
        tx.sent = Instant::now();
        let percent = if tx.saved.blob_hashes.is_empty() { BUMP_PERCENT } else { BLOB_BUMP_PERCENT };
        if let Some(fees) = tx.saved.fees.bumped(market, percent) {
            let saved = &mut tx.saved;
            let raw = self.sign(nonce, &saved.request, &saved.blob_hashes, saved.gas_limit, fees)?;
            saved.fees = fees;
            saved.hashes.push(keccak256(&saved.raw));
            saved.raw = raw;
            self.save(nonce, saved)?;
        }
        tracing::info!(nonce, label = %tx.saved.request.label, max_fee = tx.saved.fees.max_fee, "sending again");
        if let Err(error) = self.transmit(&tx.saved, None).await {
            tracing::debug!(nonce, %error, "sending again");
        }
        Ok(())
    }
}
