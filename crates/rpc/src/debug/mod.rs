//! `debug_*`: what a transaction did, step by step, and everything in its raw encoding.
//!
//! Tracers and their results are go-ethereum's: struct logs, `callTracer`, `flatCallTracer`,
//! `prestateTracer`, `4byteTracer`, `muxTracer`, `erc7562Tracer`, `noopTracer`. A trace ends with an
//! error when it takes longer than its `timeout` (30 s unless said otherwise, 120 s at most), or
//! would not fit the largest response.

mod call;
mod guard;
mod options;
mod raw;
mod replay;

use std::sync::Arc;

use alloy_eips::{BlockId, BlockNumberOrTag};
use alloy_primitives::B256;
use alloy_rpc_types_trace::geth::{GethDebugTracingOptions, GethTrace, TraceResult};
use duplex_chain::BlockData;
use jsonrpsee::{RpcModule, core::RegisterMethodError};

use crate::{ChainApi, RpcError, RpcResult, context::Register, params::Args};
use options::tracer;
use replay::Replay;

/// `debug_traceTransaction`, `debug_traceBlockByNumber`, `debug_traceBlockByHash`,
/// `debug_traceCall`, `debug_getRawBlock`, `debug_getRawHeader`, `debug_getRawTransaction` and
/// `debug_getRawReceipts`.
///
/// # Errors
/// Never in practice: only if two methods had the same name.
pub fn debug_module(api: Arc<ChainApi>) -> Result<RpcModule<ChainApi>, RegisterMethodError> {
    let mut module = RpcModule::from_arc(api);
    module.heavy("debug_traceTransaction", trace_transaction)?;
    module.heavy("debug_traceBlockByNumber", trace_block_by_number)?;
    module.heavy("debug_traceBlockByHash", trace_block_by_hash)?;
    module.heavy("debug_traceCall", call::trace_call)?;
    module.heavy("debug_getRawBlock", raw::block)?;
    module.heavy("debug_getRawHeader", raw::header)?;
    module.heavy("debug_getRawTransaction", raw::transaction)?;
    module.heavy("debug_getRawReceipts", raw::receipts)?;
    Ok(module)
}

/// The most bytes of trace that are kept: what could not be sent need not be kept.
fn max_bytes(api: &ChainApi) -> usize {
    api.config().max_response_bytes as usize
}

fn trace_transaction(mut args: Args<'_>, api: &ChainApi) -> RpcResult<GethTrace> {
    let hash: B256 = args.required("transaction hash")?;
    let options: GethDebugTracingOptions = args.optional("options")?.unwrap_or_default();
    let tracer = tracer(options, max_bytes(api))?;
    let Some((block, index)) = api.chain().transaction(hash)? else {
        return Err(RpcError::Rejected("transaction not found".into()));
    };
    let mut replay = Replay::new(api, block, tracer)?;
    replay.skip_to(index)?;
    replay.trace_next()
}

fn trace_block_by_number(mut args: Args<'_>, api: &ChainApi) -> RpcResult<Vec<TraceResult>> {
    let number: BlockNumberOrTag = args.required("block number")?;
    if number.is_pending() {
        return Err(RpcError::Unsupported("tracing on top of pending is not supported".into()));
    }
    let options = args.optional("options")?.unwrap_or_default();
    trace_block(api, api.known_block(number.into())?, options)
}

fn trace_block_by_hash(mut args: Args<'_>, api: &ChainApi) -> RpcResult<Vec<TraceResult>> {
    let hash: B256 = args.required("block hash")?;
    let options = args.optional("options")?.unwrap_or_default();
    trace_block(api, api.known_block(BlockId::from(hash))?, options)
}

fn trace_block(
    api: &ChainApi,
    block: Arc<BlockData>,
    options: GethDebugTracingOptions,
) -> RpcResult<Vec<TraceResult>> {
    let mut replay = Replay::new(api, block.clone(), tracer(options, max_bytes(api))?)?;
    block
        .tx_hashes
        .iter()
        .map(|hash| replay.trace_next().map(|trace| TraceResult::new_success(trace, Some(*hash))))
        .collect()
}
