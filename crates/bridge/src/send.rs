//! Sends one transaction and waits for it.

use std::time::{Duration, Instant};

use alloy_primitives::{Address, Bytes, U256};
use alloy_signer_local::PrivateKeySigner;
use duplex_l1::{FeeQuote, Rpc, TxReceipt, sign_eip1559};
use serde::Serialize;

use crate::BridgeError;

/// How long a transaction is waited for.
const MINED_WITHIN: Duration = Duration::from_secs(180);
/// Time after which it is sent again, in case the node lost it.
const AGAIN_AFTER: Duration = Duration::from_secs(15);
/// Pause between looks.
const PAUSE: Duration = Duration::from_millis(50);

/// A transaction that was mined.
#[derive(Debug, Clone, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Sent {
    /// Its receipt.
    pub receipt: TxReceipt,
    /// Length of its encoding in bytes.
    pub bytes: usize,
    /// Seconds from sending to its receipt.
    pub seconds: f64,
    /// Its bytes, to send it again if the chain loses it.
    #[serde(skip)]
    pub raw: Bytes,
}

/// Sends a transaction (`to` is `None` to create a contract) and waits until it is mined. Several can be sent at the same
/// time, with one key, too, over clones of one connection.
///
/// # Errors
/// If the node refuses it, it reverts, or it is not mined within three minutes.
pub async fn send_transaction(
    rpc: &Rpc,
    key: &PrivateKeySigner,
    to: Option<Address>,
    value: U256,
    data: Bytes,
) -> Result<Sent, BridgeError> {
    let start = Instant::now();
    let from = key.address();
    let gas = rpc.estimate_gas(from, to, value, &data).await?;
    // A plain transfer costs what it costs; calls may meet another state than the estimate did.
    let gas = if data.is_empty() && to.is_some() { gas } else { gas + gas / 5 };
    let (fees, chain_id) = (FeeQuote::current(rpc).await?, rpc.chain_id().await?);
    let turn = rpc.turn().await;
    let raw = sign_eip1559(key, chain_id, rpc.nonce(from, true).await?, to, value, data, gas, fees)?;
    let hash = rpc.send_raw(&raw).await?;
    drop(turn);
    let mut sent = Instant::now();
    loop {
        if let Some(receipt) = rpc.receipt(hash).await? {
            if !receipt.is_success() {
                return Err(BridgeError::Reverted(hash));
            }
            return Ok(Sent { receipt, bytes: raw.len(), seconds: start.elapsed().as_secs_f64(), raw });
        }
        if start.elapsed() > MINED_WITHIN {
            return Err(BridgeError::NotMined { hash, seconds: MINED_WITHIN.as_secs() });
        }
        if sent.elapsed() > AGAIN_AFTER {
            sent = Instant::now();
            // Refused if the node knows it still, or has just mined it.
            let _ = rpc.send_raw(&raw).await;
        }
        tokio::time::sleep(PAUSE).await;
    }
}

/// What anybody may do, once: if it was refused since somebody else did it meanwhile, it is `done`, by none of our transactions.
pub(crate) async fn or_done(
    sent: Result<Sent, BridgeError>,
    done: impl Future<Output = Result<bool, BridgeError>>,
) -> Result<Option<Sent>, BridgeError> {
    match sent {
        Ok(sent) => Ok(Some(sent)),
        Err(error) => match done.await {
            Ok(true) => Ok(None),
            // Why it was refused counts more than that we could not ask.
            Ok(false) | Err(_) => Err(error),
        },
    }
}
