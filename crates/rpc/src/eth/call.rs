//! Calls that change nothing.

use alloy_eips::BlockId;
use alloy_primitives::{Bytes, U64, U256};
use alloy_rpc_types_eth::TransactionRequest;
use duplex_stf::{TxResult, TxStatus};
use jsonrpsee::{RpcModule, core::RegisterMethodError};

use super::{access_list::create_access_list, estimate::estimate_gas};
use crate::{
    ChainApi, RpcError, RpcResult,
    context::Register,
    params::Args,
    revert::{halted, reverted},
    simulate::{Deadline, Overrides, Simulation},
};

pub(super) fn register(module: &mut RpcModule<ChainApi>) -> Result<(), RegisterMethodError> {
    module.heavy("eth_call", |args, api| {
        let (request, id, overrides) = simulated(args)?;
        call(api, &request, id, overrides)
    })?;
    module.heavy("eth_estimateGas", |args, api| {
        let (request, id, overrides) = simulated(args)?;
        Ok(U64::from(estimate_gas(api, &request, id, overrides)?))
    })?;
    module.heavy("eth_createAccessList", |args, api| {
        let (request, id, overrides) = simulated(args)?;
        create_access_list(api, request, id, overrides)
    })
}

fn simulated(mut args: Args<'_>) -> RpcResult<(TransactionRequest, BlockId, Overrides)> {
    let request = args.required("transaction")?;
    let id = args.block()?;
    let overrides =
        Overrides { state: args.optional("state overrides")?, block: args.optional("block overrides")? };
    Ok((request, id, overrides))
}

fn call(api: &ChainApi, request: &TransactionRequest, id: BlockId, overrides: Overrides) -> RpcResult<Bytes> {
    let mut simulation = api.simulation(id, overrides)?;
    let gas = call_gas(api, &mut simulation, request)?;
    let tx = simulation.tx(request, gas)?;
    let mut machine = simulation.machine(Deadline::new(api));
    let done = machine.inspect(tx);
    machine.inspector_mut().check(api)?;
    returned(done?.0)
}

/// The gas limit of a call that may leave it out: all that the server gives, but no more than the
/// sender can pay for.
pub(super) fn call_gas(
    api: &ChainApi,
    simulation: &mut Simulation,
    request: &TransactionRequest,
) -> RpcResult<u64> {
    let cap = api.config().call_gas_cap;
    let affordable = affordable_gas(simulation, request)?.unwrap_or(cap);
    Ok(request.gas.unwrap_or(affordable).min(cap))
}

/// The gas that the sender can pay for, beside the value; `None` if gas costs nothing.
pub(super) fn affordable_gas(
    simulation: &mut Simulation,
    request: &TransactionRequest,
) -> RpcResult<Option<u64>> {
    let from = request.from.unwrap_or_default();
    let value = request.value.unwrap_or_default();
    let balance = simulation.balance(from)?;
    let Some(left) = balance.checked_sub(value) else {
        return Err(RpcError::Rejected(format!(
            "insufficient funds for gas * price + value: address {from} have {balance} want {value}"
        )));
    };
    let price = request.max_fee_per_gas.or(request.gas_price).unwrap_or_default();
    Ok((price > 0).then(|| (left / U256::from(price)).saturating_to()))
}

/// What a call returned, or why it did not.
pub(super) fn returned(result: TxResult) -> RpcResult<Bytes> {
    match result.status {
        TxStatus::Success => Ok(result.output),
        TxStatus::Revert => Err(reverted(result.output)),
        TxStatus::Halt(reason) => Err(RpcError::Rejected(halted(&reason))),
    }
}
