//! How much gas a transaction needs.

use alloy_eips::BlockId;
use alloy_rpc_types_eth::TransactionRequest;
use duplex_stf::{Machine, TxError, TxResult, TxStatus};
use op_revm::OpTransaction;
use revm::{context::TxEnv, primitives::eip7825::TX_GAS_LIMIT_CAP};

use super::call::{affordable_gas, returned};
use crate::{
    ChainApi, RpcError, RpcResult,
    simulate::{Deadline, Overrides, SimState},
};

/// What a transfer of ether costs: the least that any transaction does.
const TRANSFER_GAS: u64 = 21_000;
/// Gas that a call with value gives on top, which the caller must have but does not use.
const STIPEND: u64 = 2_300;

struct Trial<'a> {
    api: &'a ChainApi,
    machine: Machine<SimState, Deadline>,
    tx: OpTransaction<TxEnv>,
}

impl Trial<'_> {
    /// Runs with a gas limit. The inner error says that the limit does not even start it.
    fn run(&mut self, gas: u64) -> RpcResult<Result<TxResult, String>> {
        let mut tx = self.tx.clone();
        tx.base.gas_limit = gas;
        let done = self.machine.inspect(tx);
        self.machine.inspector_mut().check(self.api)?;
        match done {
            Ok((result, _)) => Ok(Ok(result)),
            Err(TxError::Source(source)) => Err(source.into()),
            Err(invalid) => Ok(Err(invalid.to_string())),
        }
    }

    fn succeeds(&mut self, gas: u64) -> RpcResult<bool> {
        Ok(self.run(gas)?.is_ok_and(|result| result.is_success()))
    }
}

/// The lowest gas limit with which the transaction succeeds.
///
/// It is exact. A call may pass on only 63/64 of its gas (EIP-150), so what a transaction used is
/// not what it needed; only trying tells.
pub(super) fn estimate_gas(
    api: &ChainApi,
    request: &TransactionRequest,
    id: BlockId,
    overrides: Overrides,
) -> RpcResult<u64> {
    let mut simulation = api.simulation(id, overrides)?;
    let asked = request.gas.filter(|gas| *gas >= TRANSFER_GAS).unwrap_or(simulation.env.gas_limit);
    let affordable = affordable_gas(&mut simulation, request)?.unwrap_or(u64::MAX);
    let limit = asked.min(TX_GAS_LIMIT_CAP).min(api.config().call_gas_cap).min(affordable);
    let tx = simulation.tx(request, limit)?;
    let plain = tx.base.data.is_empty()
        && tx.base.authorization_list.is_empty()
        && tx.base.access_list.is_empty()
        && match tx.base.kind.to() {
            Some(to) => simulation.has_no_code(*to)?,
            None => false,
        };
    let machine = simulation.machine(Deadline::new(api));
    let mut trial = Trial { api, machine, tx };
    if plain && limit >= TRANSFER_GAS && trial.succeeds(TRANSFER_GAS)? {
        return Ok(TRANSFER_GAS);
    }
    let too_little = || RpcError::Rejected(format!("gas required exceeds allowance ({limit})"));
    let used = match trial.run(limit)? {
        Err(_) if limit < TRANSFER_GAS => return Err(too_little()),
        Err(invalid) => return Err(RpcError::Rejected(invalid)),
        Ok(TxResult { status: TxStatus::Halt(reason), .. }) if reason.starts_with("OutOfGas") => {
            return Err(too_little());
        }
        Ok(result) => {
            let used = result.gas_used;
            returned(result)?;
            used
        }
    };
    let mut low = used.saturating_sub(1).max(TRANSFER_GAS - 1);
    let mut high = limit;
    // Most transactions need what they used and the part that their calls may not pass on.
    let guess = used.saturating_add(STIPEND).saturating_mul(64) / 63;
    if guess < high {
        if trial.succeeds(guess)? { high = guess } else { low = low.max(guess) }
    }
    while low + 1 < high {
        // The answer is more often near what was used than near the limit.
        let middle = (low + (high - low) / 2).min(low.saturating_mul(2));
        if trial.succeeds(middle)? { high = middle } else { low = middle }
    }
    Ok(high)
}
