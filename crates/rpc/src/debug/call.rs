//! Traces of calls that are in no block.

use alloy_rpc_types_eth::TransactionRequest;
use alloy_rpc_types_trace::geth::{GethDebugTracingCallOptions, GethTrace};
use revm_inspectors::tracing::TransactionContext;

use super::{max_bytes, options::tracer, replay::trace};
use crate::{ChainApi, RpcError, RpcResult, params::Args, simulate::Overrides};

/// Traces a call on the state after a block, with overrides as in `eth_call`.
pub(super) fn trace_call(mut args: Args<'_>, api: &ChainApi) -> RpcResult<GethTrace> {
    let request: TransactionRequest = args.required("transaction")?;
    let block = args.block()?;
    let options: GethDebugTracingCallOptions = args.optional("options")?.unwrap_or_default();
    if options.tx_index.is_some() {
        return Err(RpcError::Unsupported(
            "txIndex is not supported: calls are traced on the state after a whole block".into(),
        ));
    }
    let tracer = tracer(options.tracing_options, max_bytes(api))?;
    let overrides =
        Overrides { state: options.state_overrides, block: options.block_overrides.map(Box::new) };
    let mut simulation = api.simulation(block, overrides)?;
    let cap = api.config().call_gas_cap;
    let tx = simulation.tx(&request, request.gas.unwrap_or(cap).min(cap))?;
    let mut machine = simulation.machine(tracer);
    Ok(trace(&mut machine, tx, TransactionContext::default())?.0)
}
