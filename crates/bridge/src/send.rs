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

/// What anybody may do, once: if a contract refused it since somebody else did it meanwhile, it is `done`, by none of our
/// transactions. If it is not done, what became of it is told rather than the refusal.
pub(crate) async fn or_done(
    sent: Result<Sent, BridgeError>,
    done: impl Future<Output = Result<bool, BridgeError>>,
) -> Result<Option<Sent>, BridgeError> {
    match sent {
        Ok(sent) => Ok(Some(sent)),
        Err(error) if error.is_refusal() => match done.await {
            Ok(true) => Ok(None),
            Err(told @ (BridgeError::ReleaseFailed(_) | BridgeError::MessageExpired(_))) => Err(told),
            // Why it was refused counts more than that we could not ask.
            Ok(false) | Err(_) => Err(error),
        },
        // Nobody refused: our own transaction may have done it.
        Err(error) => Err(error),
    }
}

#[cfg(test)]
mod tests {
    use alloy_primitives::B256;
    use duplex_l1::RpcError;

    use super::*;

    const REVERTED: BridgeError = BridgeError::Reverted(B256::ZERO);

    fn rejected(code: i64, message: &str) -> BridgeError {
        let (method, message) = ("eth_estimateGas".into(), message.into());
        RpcError::Rejected { method, code, message, data: None }.into()
    }

    fn silent() -> BridgeError {
        RpcError::Unreachable { url: "there".into(), method: "eth_call".into(), why: "timeout".into() }.into()
    }

    async fn after(error: BridgeError, done: Result<bool, BridgeError>) -> Result<(), String> {
        let outcome = or_done(Err(error), async { done }).await;
        outcome.map(|sent| assert!(sent.is_none())).map_err(|error| error.to_string())
    }

    #[tokio::test]
    async fn what_somebody_else_did_is_done() {
        assert_eq!(after(REVERTED, Ok(true)).await, Ok(()));
        assert_eq!(after(rejected(3, "execution reverted"), Ok(true)).await, Ok(()));
        assert_eq!(after(REVERTED, Ok(false)).await, Err(REVERTED.to_string()));
        assert_eq!(after(REVERTED, Err(silent())).await, Err(REVERTED.to_string()));
    }

    #[tokio::test]
    async fn what_became_of_it_is_told() {
        for told in [BridgeError::ReleaseFailed, BridgeError::MessageExpired] {
            let words = told(B256::ZERO).to_string();
            assert_eq!(after(REVERTED, Err(told(B256::ZERO))).await, Err(words));
        }
    }

    #[tokio::test]
    async fn who_was_not_refused_may_have_done_it() {
        let late = || BridgeError::NotMined { hash: B256::ZERO, seconds: 180 };
        for error in [late, silent, || rejected(-32000, "nonce too low")] {
            assert_eq!(after(error(), Ok(true)).await, Err(error().to_string()));
        }
    }
}
