//! Calls on L2 that go through L1's queue, so that nobody can refuse them.

use std::time::{Duration, Instant};

use alloy_consensus::{Transaction as _, TxEnvelope, transaction::SignerRecoverable};
use alloy_eips::eip2718::Decodable2718;
use alloy_primitives::{Address, B256, Bytes, U256};
use alloy_signer_local::PrivateKeySigner;
use alloy_sol_types::{SolCall, SolEvent};
use duplex_contracts::bindings::{IInbox, IMessageQueue};
use duplex_l1::{Deployment, Parameters, Rpc, TxReceipt};
use duplex_primitives::L1Message;
use serde::Serialize;
use thiserror::Error;

use crate::{BridgeError, Progress, Sent, send::send_transaction};

/// L2 gas that a message needs before its call: 21,000, and 40 a byte.
const BASE_GAS: u64 = 21_000;
const BYTE_GAS: u64 = 40;
/// L2 gas for the call unless another is given: of a plain transfer, and of a call with data.
const TRANSFER_GAS: u64 = 100_000;
const CALL_GAS: u64 = 1_000_000;
/// Pause between looks.
const PAUSE: Duration = Duration::from_secs(1);
/// Time after which a transaction that L1 lost is sent again.
const LOST: Duration = Duration::from_secs(15);

/// Why a call cannot go through the queue, or did not arrive.
#[derive(Debug, Error)]
#[non_exhaustive]
pub enum ForceError {
    /// L1 or L2 refused, or could not be reached.
    #[error(transparent)]
    Bridge(#[from] BridgeError),
    /// What was given is no transaction.
    #[error(
        "{given} is not a signed transaction: {why}; expected the bytes that eth_sendRawTransaction takes"
    )]
    NotATransaction {
        /// What was given, shortened.
        given: String,
        /// What is wrong.
        why: String,
    },
    /// Its sender is not the key's address.
    #[error(
        "the transaction is signed by {signer}, --l1-key belongs to {key}: a message comes from whoever sends it on \
         L1, so use the key of {signer}"
    )]
    OtherSigner {
        /// Who signed the transaction.
        signer: Address,
        /// Whose key was given.
        key: Address,
    },
    /// It is for another chain.
    #[error("the transaction is for chain {found}, this rollup is chain {expected}")]
    OtherChain {
        /// Its chain id.
        found: u64,
        /// The rollup's.
        expected: u64,
    },
    /// It does something that a message cannot.
    #[error("{what} cannot go through the queue: {why}")]
    Unsupported {
        /// What it does.
        what: &'static str,
        /// Why that is not possible, and the way out.
        why: &'static str,
    },
    /// The queue does not take so much data.
    #[error("the call has {found} bytes of data, the queue takes at most {most}")]
    TooLong {
        /// Its bytes.
        found: usize,
        /// The most.
        most: u64,
    },
    /// The queue does not take this gas limit.
    #[error(
        "{gas} L2 gas is not between {least} and {most}, which the queue takes for this call: change --gas"
    )]
    Gas {
        /// What was asked for.
        gas: u64,
        /// The least.
        least: u64,
        /// The most.
        most: u64,
    },
    /// The queue's event is missing.
    #[error("L1 transaction {0} queued no message: {1} is not the queue of this program's rollups")]
    NoMessage(B256, Address),
}

impl From<duplex_l1::RpcError> for ForceError {
    fn from(error: duplex_l1::RpcError) -> Self {
        Self::Bridge(error.into())
    }
}

/// A call on L2, to be sent through L1.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ForceRequest {
    /// What is called.
    pub to: Address,
    /// Wei of the call, from the sender's L2 balance.
    pub value: U256,
    /// Its input.
    pub data: Bytes,
    /// L2 gas; a default, or what the queue demands if that is more.
    pub gas: Option<u64>,
    /// Wei sent along from L1, which the sender has on L2 before the call.
    pub mint: U256,
}

impl ForceRequest {
    /// What a signed L2 transaction asks for. The message that does it comes from the same account; the
    /// transaction's own nonce, fees and signature are not used.
    ///
    /// # Errors
    /// If it is no transaction of `key` for this chain, or does what messages cannot do.
    pub fn from_raw(raw: &[u8], key: Address, chain_id: u64) -> Result<Self, ForceError> {
        let not = |why: String| {
            let shown = raw.iter().take(8).map(|byte| format!("{byte:02x}")).collect::<String>();
            ForceError::NotATransaction { given: format!("0x{shown}…"), why }
        };
        let tx = TxEnvelope::decode_2718_exact(raw).map_err(|error| not(error.to_string()))?;
        let signer = tx.recover_signer().map_err(|_| not("its signature is not valid".into()))?;
        if signer != key {
            return Err(ForceError::OtherSigner { signer, key });
        }
        if let Some(found) = tx.chain_id().filter(|found| *found != chain_id) {
            return Err(ForceError::OtherChain { found, expected: chain_id });
        }
        if tx.is_eip4844() {
            let why = "L2 has no blobs; send an ordinary transaction";
            return Err(ForceError::Unsupported { what: "a blob transaction", why });
        }
        if tx.is_eip7702() {
            let why = "a message has no authorizations; send an ordinary transaction";
            return Err(ForceError::Unsupported { what: "a transaction that sets code (EIP-7702)", why });
        }
        let Some(to) = tx.to() else {
            let why = "a message always calls an address; call a deployer contract instead, such as \
                       0x4e59b44847b379578588920cA78FbF26c0B4956C";
            return Err(ForceError::Unsupported { what: "the creation of a contract", why });
        };
        let (value, data, gas) = (tx.value(), tx.input().clone(), Some(tx.gas_limit()));
        Ok(Self { to, value, data, gas, mint: U256::ZERO })
    }

    /// The gas limit of its message: at least what the queue demands.
    ///
    /// # Errors
    /// If the queue takes no such message.
    pub fn message_gas(&self, parameters: &Parameters) -> Result<u64, ForceError> {
        let (found, most) = (self.data.len(), parameters.max_message_data);
        if found as u64 > most {
            return Err(ForceError::TooLong { found, most });
        }
        let least = BASE_GAS + BYTE_GAS * found as u64;
        let default = if self.data.is_empty() { TRANSFER_GAS } else { CALL_GAS };
        let most = parameters.max_message_gas;
        let gas = self.gas.unwrap_or_else(|| (least + default).min(most)).max(least);
        if gas > most {
            return Err(ForceError::Gas { gas, least, most });
        }
        Ok(gas)
    }
}

/// A call that L1's queue has.
#[derive(Debug, Clone, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Forced {
    /// The message.
    pub message: L1Message,
    /// The L1 transaction.
    pub l1: Sent,
    /// What it cost in wei, without what was sent along.
    pub cost: U256,
    /// L1 gas that pays for the L2 gas.
    pub gas_burnt: u64,
    /// The L2 transaction that it becomes.
    pub l2_transaction: B256,
    /// L1 time at which it was queued.
    pub sent_at: u64,
    /// L1 time from which on no batch may leave it out.
    pub must_be_included_by: u64,
    /// L1 time from which on anyone may append.
    pub open_at: u64,
}

/// A forced call in a batch on L1: L2 has it, whatever any node says.
#[derive(Debug, Clone, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Included {
    /// Position of the message in the queue.
    pub index: u64,
    /// The batch that consumes it.
    pub batch: u64,
    /// What the call became, if an L2 node was asked.
    pub receipt: Option<TxReceipt>,
    /// How long it took.
    pub seconds: f64,
}

/// Sends a call through L1's queue. It needs no L2 node.
///
/// # Errors
/// If the queue takes no such call, or L1 refuses.
pub async fn force(
    l1: &Rpc,
    deployment: &Deployment,
    key: &PrivateKeySigner,
    request: &ForceRequest,
) -> Result<Forced, ForceError> {
    let gas = request.message_gas(&deployment.parameters)?;
    let call = IMessageQueue::sendCall {
        target: request.to,
        value: request.value,
        gasLimit: gas,
        data: request.data.clone(),
    };
    let queue = deployment.contracts.message_queue;
    let sent = send_transaction(l1, key, Some(queue), request.mint, call.abi_encode().into()).await?;
    forced(l1, deployment, sent).await
}

async fn forced(l1: &Rpc, deployment: &Deployment, sent: Sent) -> Result<Forced, ForceError> {
    let queue = deployment.contracts.message_queue;
    let receipt = &sent.receipt;
    let queued = receipt.logs.iter().filter(|log| log.address() == queue);
    let event = queued.filter_map(|log| IMessageQueue::MessageSent::decode_log(&log.inner).ok()).next();
    let Some(event) = event else { return Err(ForceError::NoMessage(receipt.transaction_hash, queue)) };
    let message = event.data.into_message(receipt.block_number.to());
    let sent_at = l1.call(queue, &IMessageQueue::messageCall { index: message.index }).await?.timestamp;
    let p = &deployment.parameters;
    Ok(Forced {
        cost: receipt.cost(),
        gas_burnt: message.gas_limit / p.gas_burn_divisor.max(1),
        l2_transaction: message.to_deposit().hash(),
        sent_at,
        must_be_included_by: sent_at + p.forced_inclusion_delay,
        open_at: sent_at + p.sequencer_timeout,
        message,
        l1: sent,
    })
}

/// Waits until a batch on L1 consumes a forced call; with an L2 node, until that shows its receipt. A
/// transaction that L1 loses meanwhile is sent again.
///
/// # Errors
/// If L1 or L2 cannot be reached.
pub async fn wait_for_inclusion(
    l1: &Rpc,
    l2: Option<&Rpc>,
    deployment: &Deployment,
    forced_call: &Forced,
    progress: &dyn Progress,
) -> Result<Included, ForceError> {
    let (start, mut call) = (Instant::now(), forced_call.clone());
    let (mut lost, mut told) = (None::<Instant>, None);
    let inbox = deployment.contracts.inbox;
    progress.wait(
        "a batch on L1 that takes it",
        &format!(
            "the sequencer must within {} s; after {} s anyone may",
            deployment.parameters.forced_inclusion_delay, deployment.parameters.sequencer_timeout
        ),
    );
    loop {
        let hash = call.l1.receipt.transaction_hash;
        match l1.receipt(hash).await? {
            Some(receipt) => {
                lost = None;
                if receipt.block_hash != call.l1.receipt.block_hash {
                    progress.done("L1 reorganised; the message is there again");
                    call = forced(l1, deployment, Sent { receipt, ..call.l1 }).await?;
                }
                let last = l1.call(inbox, &IInbox::lastBatchCall {}).await?;
                if last.record.messageCount > call.message.index {
                    let batch = batch_with(l1, inbox, call.message.index, last.index).await?;
                    progress.done(&format!("batch {batch} on L1 takes it"));
                    let receipt = match l2 {
                        Some(l2) => Some(receipt_of(l2, call.l2_transaction, progress).await?),
                        None => None,
                    };
                    let index = call.message.index;
                    return Ok(Included { index, batch, receipt, seconds: start.elapsed().as_secs_f64() });
                }
                let open = l1.call(inbox, &IInbox::isOpenCall {}).await?;
                if open && told.replace(()).is_none() {
                    progress.wait(
                        "anybody to append it",
                        "the sequencer does not: duplex sequence --permissionless does it",
                    );
                }
            }
            None if lost.get_or_insert_with(Instant::now).elapsed() > LOST => {
                progress.done("L1 lost the transaction: sending it again");
                // It may be back this very moment, or its nonce may be taken; the next look says.
                let _ = l1.send_raw(&call.l1.raw).await;
                lost = None;
            }
            None => {}
        }
        tokio::time::sleep(PAUSE).await;
    }
}

/// The first batch that consumes message `index`; `last` does.
async fn batch_with(l1: &Rpc, inbox: Address, index: u64, last: u64) -> Result<u64, ForceError> {
    let (mut low, mut high) = (0, last);
    while low < high {
        let middle = low + (high - low) / 2;
        let record = l1.call(inbox, &IInbox::batchCall { index: middle }).await?;
        if record.messageCount > index { high = middle } else { low = middle + 1 }
    }
    Ok(low)
}

async fn receipt_of(l2: &Rpc, hash: B256, progress: &dyn Progress) -> Result<TxReceipt, ForceError> {
    let mut told = false;
    loop {
        if let Some(receipt) = l2.receipt(hash).await? {
            return Ok(receipt);
        }
        if !std::mem::replace(&mut told, true) {
            progress.wait("the L2 node to derive that batch", "some seconds");
        }
        tokio::time::sleep(PAUSE).await;
    }
}

#[cfg(test)]
mod tests {
    use alloy_consensus::{SignableTransaction, TxEip1559, TxEip7702};
    use alloy_eips::eip2718::Encodable2718;
    use alloy_primitives::TxKind;
    use alloy_signer::SignerSync;
    use duplex_l1::{FeeQuote, sign_eip1559};

    use super::*;

    fn key(byte: u8) -> PrivateKeySigner {
        PrivateKeySigner::from_bytes(&B256::repeat_byte(byte)).unwrap()
    }

    fn signed(to: Option<Address>, chain_id: u64, gas: u64) -> Bytes {
        let fees = FeeQuote { max_fee: 5, priority_fee: 1, blob_fee: 0 };
        let (value, data) = (U256::from(7), Bytes::from_static(&[1, 2, 3]));
        sign_eip1559(&key(1), chain_id, 9, to, value, data, gas, fees).unwrap()
    }

    #[test]
    fn a_signed_transaction_becomes_a_message_of_its_sender() {
        let (to, me) = (Address::repeat_byte(5), key(1).address());
        let request = ForceRequest::from_raw(&signed(Some(to), 42, 30_000), me, 42).unwrap();
        assert_eq!((request.to, request.value, request.gas), (to, U256::from(7), Some(30_000)));
        assert_eq!((&request.data[..], request.mint), (&[1u8, 2, 3][..], U256::ZERO));
    }

    #[test]
    fn what_a_message_cannot_do_is_refused_with_the_reason() {
        let (to, me) = (Address::repeat_byte(5), key(1).address());
        let refused = |raw: &[u8], key: Address, chain: u64| {
            ForceRequest::from_raw(raw, key, chain).unwrap_err().to_string()
        };
        let other = key(2).address();
        let error = refused(&signed(Some(to), 42, 1), other, 42);
        assert!(error.contains(&me.to_string()) && error.contains(&other.to_string()), "{error}");
        let error = refused(&signed(Some(to), 43, 1), me, 42);
        assert!(error.contains("43") && error.contains("42"), "{error}");
        assert!(refused(&signed(None, 42, 1), me, 42).contains("creation"));
        assert!(refused(&[1, 2, 3], me, 42).contains("0x010203"));
        let mut long = signed(Some(to), 42, 1).to_vec();
        long.push(0);
        assert!(refused(&long, me, 42).contains("not a signed transaction"));
        let tx = TxEip7702 { chain_id: 42, to, ..Default::default() };
        let signature = key(1).sign_hash_sync(&tx.signature_hash()).unwrap();
        assert!(refused(&tx.into_signed(signature).encoded_2718(), me, 42).contains("EIP-7702"));
    }

    #[test]
    fn a_message_has_at_least_the_gas_that_the_queue_demands() {
        let parameters = Parameters::production();
        let request = |bytes: usize, gas: Option<u64>| ForceRequest {
            to: Address::ZERO,
            value: U256::ZERO,
            data: vec![1; bytes].into(),
            gas,
            mint: U256::ZERO,
        };
        let gas = |bytes, gas| request(bytes, gas).message_gas(&parameters);
        assert_eq!(gas(0, Some(1)).unwrap(), 21_000);
        assert_eq!(gas(100, Some(30_000)).unwrap(), 30_000);
        assert_eq!(gas(100, Some(22_000)).unwrap(), 25_000);
        assert_eq!(gas(0, None).unwrap(), 121_000);
        assert_eq!(gas(100, None).unwrap(), 1_025_000);
        assert!(gas(65_536, None).unwrap() <= parameters.max_message_gas);
        assert!(gas(65_537, None).unwrap_err().to_string().contains("65537"));
        assert!(gas(0, Some(10_000_001)).unwrap_err().to_string().contains("10000000"));
    }

    #[test]
    fn an_unsigned_1559_transaction_is_not_taken() {
        let tx = TxEip1559 { chain_id: 42, to: TxKind::Call(Address::ZERO), ..Default::default() };
        let raw =
            tx.into_signed(alloy_primitives::Signature::new(U256::ZERO, U256::ZERO, false)).encoded_2718();
        let error = ForceRequest::from_raw(&raw, Address::ZERO, 42).unwrap_err().to_string();
        assert!(error.contains("signature"), "{error}");
    }
}
