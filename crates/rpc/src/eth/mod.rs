//! The `eth` namespace.

mod access_list;
mod call;
mod chain;
mod estimate;
mod fees;
mod filter;
mod receipts;
mod send;
mod state;
mod subscribe;
mod transactions;

use std::sync::Arc;

use jsonrpsee::{RpcModule, core::RegisterMethodError};

use crate::ChainApi;

/// Every `eth_` method, and `eth_subscribe` for connections that can push.
///
/// # Errors
/// Never in practice: only if two methods had the same name.
pub fn eth_module(api: Arc<ChainApi>) -> Result<RpcModule<ChainApi>, RegisterMethodError> {
    let mut module = RpcModule::from_arc(api);
    chain::register(&mut module)?;
    transactions::register(&mut module)?;
    receipts::register(&mut module)?;
    state::register(&mut module)?;
    call::register(&mut module)?;
    fees::register(&mut module)?;
    send::register(&mut module)?;
    filter::register(&mut module)?;
    subscribe::register(&mut module)?;
    Ok(module)
}
