//! Log queries.

use alloy_eips::{BlockId, BlockNumberOrTag};
use alloy_rpc_types_eth::{Filter, FilterBlockOption, Log};
use duplex_chain::BlockData;

use crate::{ChainApi, RpcError, RpcResult, blocks::unknown, convert::push_logs};

/// Appends the logs of a block that match a filter's addresses and topics.
pub(crate) fn matching(filter: &Filter, block: &BlockData, removed: bool, out: &mut Vec<Log>) {
    if !filter.matches_bloom(block.header().logs_bloom) {
        return;
    }
    let mut first = 0;
    for (index, receipt) in block.receipts.iter().enumerate() {
        push_logs(block, index, first, removed, |log| filter.matches(log), out);
        first += receipt.logs.len() as u64;
    }
}

impl ChainApi {
    /// The first and the last block that a filter's range names; `latest` where it names none.
    pub(crate) fn log_range(&self, filter: &Filter) -> (u64, u64) {
        let head = self.chain().head().header.number;
        let number = |tag: Option<&BlockNumberOrTag>| {
            tag.map_or(Some(head), |tag| self.number_of_tag(*tag)).unwrap_or(head)
        };
        let (from, to) = filter.block_option.as_range();
        (number(from), number(to))
    }

    /// All logs that a filter names.
    pub(crate) fn logs(&self, filter: &Filter) -> RpcResult<Vec<Log>> {
        let mut logs = Vec::new();
        if let FilterBlockOption::AtBlockHash(hash) = filter.block_option {
            let id = BlockId::from(hash);
            let block = self.block(id)?.ok_or_else(|| unknown(id))?;
            matching(filter, &block, false, &mut logs);
            return self.check_count(logs, block.number(), block.number());
        }
        let (from, to) = self.log_range(filter);
        if from > to {
            return Err(RpcError::InvalidParams(format!(
                "invalid argument 0 (filter): fromBlock {from} is after toBlock {to}"
            )));
        }
        // A client that polls asks for blocks that are not there yet: that is no error.
        let to = to.min(self.chain().head().header.number);
        let limit = self.config().max_log_blocks;
        if to.saturating_sub(from) >= limit {
            return Err(RpcError::Limit(format!(
                "query spans {} blocks, the limit is {limit}; ask for a part at a time",
                to - from + 1
            )));
        }
        for number in from..=to {
            let Some(header) = self.chain().header(number)? else { break };
            if !filter.matches_bloom(header.logs_bloom) {
                continue;
            }
            let Some(block) = self.chain().block(number)? else { break };
            matching(filter, &block, false, &mut logs);
            logs = self.check_count(logs, from, number)?;
        }
        Ok(logs)
    }

    fn check_count(&self, logs: Vec<Log>, from: u64, at: u64) -> RpcResult<Vec<Log>> {
        let limit = self.config().max_logs;
        if logs.len() <= limit {
            return Ok(logs);
        }
        Err(RpcError::Limit(format!(
            "query has more than {limit} results in blocks {from} to {at}; ask for a smaller range, or name an address or a topic"
        )))
    }
}
