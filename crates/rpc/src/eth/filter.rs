//! Log queries and filters that clients poll.

use alloy_rpc_types_eth::Filter;
use jsonrpsee::{RpcModule, core::RegisterMethodError};

use crate::{ChainApi, context::Register};

pub(super) fn register(module: &mut RpcModule<ChainApi>) -> Result<(), RegisterMethodError> {
    module.heavy("eth_getLogs", |mut args, api| {
        let filter: Filter = args.required("filter")?;
        api.logs(&filter)
    })?;
    module.heavy("eth_newFilter", |mut args, api| {
        let filter: Filter = args.required("filter")?;
        api.filters.new_logs(api, filter)
    })?;
    module.heavy("eth_newBlockFilter", |_, api| api.filters.new_blocks(api))?;
    module.light("eth_newPendingTransactionFilter", |mut args, api| {
        let full: Option<bool> = args.optional("full transactions")?;
        api.filters.new_pending(api, full.unwrap_or(false))
    })?;
    module.heavy("eth_getFilterChanges", |mut args, api| {
        let id: String = args.required("filter id")?;
        api.filters.changes(api, &id)
    })?;
    module.heavy("eth_getFilterLogs", |mut args, api| {
        let id: String = args.required("filter id")?;
        api.logs(&api.filters.criteria(api, &id)?)
    })?;
    module.light("eth_uninstallFilter", |mut args, api| {
        let id: String = args.required("filter id")?;
        Ok(api.filters.remove(&id))
    })
}
