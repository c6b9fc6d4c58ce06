//! Sending transactions.

use core::time::Duration;
use std::sync::Arc;

use alloy_primitives::{B256, Bytes, U64};
use duplex_chain::ChainEvent;
use jsonrpsee::{RpcModule, core::RegisterMethodError, types::ErrorObjectOwned};
use tokio::{sync::broadcast::error::RecvError, time::Instant};

use crate::{ChainApi, RpcError, RpcReceipt, RpcResult, params::Args};

pub(super) fn register(module: &mut RpcModule<ChainApi>) -> Result<(), RegisterMethodError> {
    // The signature is recovered where the request arrived: handing it to another thread would
    // cost more than it saves.
    module.register_async_method("eth_sendRawTransaction", |params, api, _| async move {
        let raw: Bytes = Args::new(&params)?.required("transaction")?;
        Ok::<B256, ErrorObjectOwned>(api.submit().submit(&raw).await?)
    })?;
    module.register_async_method("eth_sendRawTransactionSync", |params, api, _| async move {
        let (raw, timeout) = {
            let mut args = Args::new(&params)?;
            (args.required::<Bytes>("transaction")?, args.optional::<Timeout>("timeout in milliseconds")?)
        };
        Ok::<RpcReceipt, ErrorObjectOwned>(send_and_wait(&api, &raw, timeout).await?)
    })?;
    Ok(())
}

/// Milliseconds, as a number or as a quantity.
#[derive(serde::Deserialize)]
#[serde(untagged)]
enum Timeout {
    Number(u64),
    Quantity(U64),
}

async fn send_and_wait(api: &Arc<ChainApi>, raw: &[u8], timeout: Option<Timeout>) -> RpcResult<RpcReceipt> {
    let asked = timeout.map(|timeout| match timeout {
        Timeout::Number(millis) => millis,
        Timeout::Quantity(millis) => millis.to(),
    });
    let wait = asked.map_or(api.config().sync_timeout, Duration::from_millis).min(api.config().sync_timeout);
    // Subscribed before it is sent: no block is missed.
    let mut events = api.chain().subscribe();
    let hash = api.submit().submit(raw).await?;
    let deadline = Instant::now() + wait;
    loop {
        match tokio::time::timeout_at(deadline, events.recv()).await {
            Ok(Ok(ChainEvent::Block(block))) if !block.tx_hashes.contains(&hash) => continue,
            Ok(Ok(ChainEvent::Removed(_))) => continue,
            Ok(Ok(ChainEvent::Block(_)) | Err(RecvError::Lagged(_))) => {
                if let Some(receipt) = api.receipt(hash)? {
                    return Ok(receipt);
                }
            }
            Ok(Err(RecvError::Closed)) | Err(_) => {
                return Err(RpcError::NotMined { hash, millis: wait.as_millis() });
            }
        }
    }
}
