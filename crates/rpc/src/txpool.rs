//! `txpool_*`: what the transaction pool holds, in go-ethereum's shapes.

use std::{collections::BTreeMap, sync::Arc};

use alloy_consensus::Transaction as _;
use alloy_primitives::{Address, U64};
use duplex_pool::{AccountContent, PooledTx};
use jsonrpsee::{RpcModule, core::RegisterMethodError};
use serde::Serialize;
use serde_json::{Value, json};

use crate::{ChainApi, RpcResult, RpcTransaction, context::Register, params::Args};

/// By nonce in decimal.
type ByNonce<T> = BTreeMap<String, T>;

/// By sender, in the checksummed form that go-ethereum gives here.
#[derive(Debug, Clone, Serialize)]
struct Content<T> {
    pending: BTreeMap<String, ByNonce<T>>,
    queued: BTreeMap<String, ByNonce<T>>,
}

/// `txpool_content`, `txpool_contentFrom`, `txpool_inspect` and `txpool_status`.
///
/// # Errors
/// Never in practice: only if two methods had the same name.
pub fn txpool_module(api: Arc<ChainApi>) -> Result<RpcModule<ChainApi>, RegisterMethodError> {
    let mut module = RpcModule::from_arc(api);
    module.heavy("txpool_content", |_, api| Ok(content(api, transaction)))?;
    module.heavy("txpool_contentFrom", content_from)?;
    module.heavy("txpool_inspect", |_, api| Ok(content(api, summary)))?;
    module.light("txpool_status", status)?;
    Ok(module)
}

fn status(_: Args<'_>, api: &ChainApi) -> RpcResult<Value> {
    let status = api.chain().pool().status();
    Ok(json!({"pending": U64::from(status.pending), "queued": U64::from(status.queued)}))
}

fn content_from(mut args: Args<'_>, api: &ChainApi) -> RpcResult<Value> {
    let sender: Address = args.required("address")?;
    let AccountContent { pending, queued } = api.chain().pool().content_from(sender);
    Ok(json!({"pending": by_nonce(&pending, transaction), "queued": by_nonce(&queued, transaction)}))
}

fn content<T>(api: &ChainApi, show: fn(&PooledTx) -> T) -> Content<T> {
    let all = api.chain().pool().content();
    let side = |part: fn(&AccountContent) -> &Vec<PooledTx>| {
        all.iter()
            .map(|(sender, content)| (sender.to_checksum(None), by_nonce(part(content), show)))
            .filter(|(_, txs)| !txs.is_empty())
            .collect()
    };
    Content { pending: side(|content| &content.pending), queued: side(|content| &content.queued) }
}

fn by_nonce<T>(txs: &[PooledTx], show: fn(&PooledTx) -> T) -> ByNonce<T> {
    txs.iter().map(|tx| (tx.nonce().to_string(), show(tx))).collect()
}

fn transaction(pooled: &PooledTx) -> RpcTransaction {
    RpcTransaction::pending(pooled.tx(), pooled.hash(), pooled.sender())
}

/// One line: `<to>: <value> wei + <gas> gas × <price> wei`.
fn summary(pooled: &PooledTx) -> String {
    let tx = pooled.tx();
    let to = tx.to().map_or_else(|| "contract creation".into(), |to| to.to_checksum(None));
    format!("{to}: {} wei + {} gas × {} wei", tx.value(), tx.gas_limit(), tx.max_fee_per_gas())
}
