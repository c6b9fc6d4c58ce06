//! Which accounts and slots a transaction touches.

use alloy_eips::{
    BlockId,
    eip2930::{AccessList, AccessListResult},
};
use alloy_primitives::U256;
use alloy_rpc_types_eth::TransactionRequest;
use duplex_stf::TxStatus;
use revm_inspectors::access_list::AccessListInspector;

use super::call::call_gas;
use crate::{
    ChainApi, RpcResult,
    revert::{halted, reverted},
    simulate::{Deadline, Overrides},
};

/// A list changes what is warm, and so what a contract does that looks at its gas. After so many
/// rounds the last list is as good as any.
const ROUNDS: usize = 8;

/// Runs the transaction with its own access list until the list does not change any more.
pub(super) fn create_access_list(
    api: &ChainApi,
    mut request: TransactionRequest,
    id: BlockId,
    overrides: Overrides,
) -> RpcResult<AccessListResult> {
    let mut round = 0;
    loop {
        round += 1;
        let mut simulation = api.simulation(id, overrides.clone())?;
        let gas = call_gas(api, &mut simulation, &request)?;
        let before = request.access_list.get_or_insert_default().clone();
        let tx = simulation.tx(&request, gas)?;
        let inspector = (AccessListInspector::new(before.clone()), Deadline::new(api));
        let mut machine = simulation.machine(inspector);
        let done = machine.inspect(tx);
        let (list, deadline) = machine.inspector_mut();
        deadline.check(api)?;
        let list = sorted(list.access_list());
        let (result, _) = done?;
        if list == before || round == ROUNDS {
            return Ok(AccessListResult {
                access_list: list,
                gas_used: U256::from(result.gas_used),
                error: match result.status {
                    TxStatus::Success => None,
                    TxStatus::Revert => Some(reverted(result.output).to_string()),
                    TxStatus::Halt(reason) => Some(halted(&reason)),
                },
            });
        }
        request.access_list = Some(list);
    }
}

fn sorted(mut list: AccessList) -> AccessList {
    list.0.sort_unstable_by_key(|item| item.address);
    for item in &mut list.0 {
        item.storage_keys.sort_unstable();
    }
    list
}
