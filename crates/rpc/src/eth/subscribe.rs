//! `eth_subscribe`: what the chain does, as it does it.

use std::sync::Arc;

use alloy_rpc_types_eth::Filter;
use duplex_chain::ChainEvent;
use duplex_pool::PooledTx;
use jsonrpsee::{
    PendingSubscriptionSink, RpcModule, SubscriptionSink,
    core::{RegisterMethodError, SubscriptionError},
    types::{ErrorObjectOwned, Params},
};
use serde_json::value::{RawValue, to_raw_value};
use tokio::sync::broadcast::{Receiver, error::RecvError};

use crate::{ChainApi, RpcError, RpcResult, RpcTransaction, header_of, logs::matching, params::Args};

enum Kind {
    Heads,
    Logs(Box<Filter>),
    Pending { full: bool },
}

type Ended = Result<(), SubscriptionError>;

pub(super) fn register(module: &mut RpcModule<ChainApi>) -> Result<(), RegisterMethodError> {
    module
        .register_subscription(
            "eth_subscribe",
            "eth_subscription",
            "eth_unsubscribe",
            |params, pending, api, _| async move { subscribe(&params, pending, api).await },
        )
        .map(drop)
}

fn parse(params: &Params<'_>) -> RpcResult<Kind> {
    let mut args = Args::new(params)?;
    let kind: String = args.required("subscription")?;
    match kind.as_str() {
        "newHeads" => Ok(Kind::Heads),
        "logs" => Ok(Kind::Logs(Box::new(args.optional("filter")?.unwrap_or_default()))),
        "newPendingTransactions" => {
            Ok(Kind::Pending { full: args.optional("full transactions")?.unwrap_or(false) })
        }
        _ => Err(RpcError::param("0 (subscription)", "it must be newHeads, logs or newPendingTransactions")),
    }
}

async fn subscribe(params: &Params<'_>, pending: PendingSubscriptionSink, api: Arc<ChainApi>) -> Ended {
    let kind = match parse(params) {
        Ok(kind) => kind,
        Err(error) => {
            pending.reject(ErrorObjectOwned::from(error)).await;
            return Ok(());
        }
    };
    // Subscribed before the client knows of it: what happens after the answer is told.
    let (events, arrivals) = (api.chain().subscribe(), api.chain().subscribe_pending());
    let sink = pending.accept().await?;
    match kind {
        Kind::Heads => {
            drop(arrivals);
            follow(&sink, events, |event| match event {
                ChainEvent::Block(block) => Ok(vec![to_raw_value(&header_of(&block))?]),
                ChainEvent::Removed(_) => Ok(Vec::new()),
            })
            .await
        }
        Kind::Logs(filter) => {
            drop(arrivals);
            follow(&sink, events, |event| {
                let mut logs = Vec::new();
                match event {
                    ChainEvent::Block(block) => matching(&filter, &block, false, &mut logs),
                    ChainEvent::Removed(blocks) => {
                        blocks.iter().for_each(|block| matching(&filter, block, true, &mut logs));
                    }
                }
                logs.iter().map(to_raw_value).collect()
            })
            .await
        }
        Kind::Pending { full } => {
            drop(events);
            follow(&sink, arrivals, |hash| {
                if !full {
                    return Ok(vec![to_raw_value(&hash)?]);
                }
                let pooled = api.chain().pool().get(hash);
                let form = |tx: PooledTx| to_raw_value(&RpcTransaction::pending(tx.tx(), hash, tx.sender()));
                pooled.into_iter().map(form).collect()
            })
            .await
        }
    }
}

/// Tells every event until the client leaves. A client that is too slow is told so and let go:
/// otherwise it would miss events without knowing.
async fn follow<E: Clone>(
    sink: &SubscriptionSink,
    mut events: Receiver<E>,
    messages: impl Fn(E) -> serde_json::Result<Vec<Box<RawValue>>>,
) -> Ended {
    loop {
        let event = tokio::select! {
            () = sink.closed() => return Ok(()),
            event = events.recv() => event,
        };
        match event {
            Ok(event) => {
                for message in messages(event)? {
                    sink.send(message).await?;
                }
            }
            Err(RecvError::Closed) => return Ok(()),
            Err(RecvError::Lagged(missed)) => {
                return Err(format!("subscription closed: the client fell {missed} events behind").into());
            }
        }
    }
}
