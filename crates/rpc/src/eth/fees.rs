//! What gas costs, and has cost.

use alloy_consensus::Transaction as _;
use alloy_eips::{BlockNumberOrTag, eip7840::BlobParams};
use alloy_primitives::{U64, U128};
use alloy_rpc_types_eth::FeeHistory;
use duplex_chain::BlockData;
use duplex_primitives::Header;
use duplex_stf::{blob_base_fee, next_base_fee};
use jsonrpsee::{RpcModule, core::RegisterMethodError};
use serde::Deserialize;

use crate::{ChainApi, RpcError, RpcResult, blocks::unknown, context::Register, params::Args};

/// Blocks whose tips the suggested tip comes from, and which of those tips, in percent.
const TIP_BLOCKS: u64 = 20;
const TIP_PERCENTILE: usize = 60;
/// Tips taken from each of these blocks: its lowest.
const TIPS_PER_BLOCK: usize = 3;
/// Most percentiles that one request may name.
const MAX_PERCENTILES: usize = 100;

pub(super) fn register(module: &mut RpcModule<ChainApi>) -> Result<(), RegisterMethodError> {
    module.light("eth_gasPrice", |_, api| {
        let base_fee = api.pending_header().base_fee_per_gas.unwrap_or_default();
        Ok(U128::from(api.suggested_tip()?.saturating_add(base_fee.into())))
    })?;
    module.light("eth_maxPriorityFeePerGas", |_, api| Ok(U128::from(api.suggested_tip()?)))?;
    module.light("eth_blobBaseFee", |_, api| {
        Ok(U128::from(blob_base_fee(api.chain().config(), &api.pending_header())))
    })?;
    module.heavy("eth_feeHistory", history)
}

/// A number, bare or as a quantity.
#[derive(Deserialize)]
#[serde(untagged)]
enum Count {
    Number(u64),
    Quantity(U64),
}

impl ChainApi {
    /// A tip that recent blocks would have taken; the configured one if they say nothing.
    fn suggested_tip(&self) -> RpcResult<u128> {
        let head = self.chain().head().hash;
        // Wallets ask all the time, and the answer changes with the head only.
        if let Some((at, tip)) = *self.tip.lock()
            && at == head
        {
            return Ok(tip);
        }
        let tip = self.recent_tip()?;
        *self.tip.lock() = Some((head, tip));
        Ok(tip)
    }

    fn recent_tip(&self) -> RpcResult<u128> {
        let head = self.chain().head().header.number;
        let mut tips = Vec::new();
        for number in (head.saturating_sub(TIP_BLOCKS - 1)..=head).rev() {
            let Some(block) = self.chain().block(number)? else { break };
            let mut own: Vec<u128> = weighted_tips(&block).into_iter().map(|(tip, _)| tip).collect();
            own.sort_unstable();
            tips.extend(own.into_iter().take(TIPS_PER_BLOCK));
        }
        if tips.is_empty() {
            return Ok(self.config().default_tip);
        }
        tips.sort_unstable();
        Ok(tips[(tips.len() - 1) * TIP_PERCENTILE / 100])
    }
}

/// The tip and the gas of every transaction that pays.
fn weighted_tips(block: &BlockData) -> Vec<(u128, u64)> {
    let base_fee = block.header().base_fee_per_gas.unwrap_or_default();
    let paying = block.transactions().iter().enumerate().filter(|(_, tx)| !tx.is_deposit());
    let tip = |(index, tx): (usize, &duplex_primitives::Transaction)| {
        (tx.effective_tip_per_gas(base_fee).unwrap_or_default(), block.gas_used(index))
    };
    paying.map(tip).collect()
}

/// The tips at which these percentiles of the block's gas were used.
fn rewards(block: &BlockData, percentiles: &[f64]) -> Vec<u128> {
    let mut tips = weighted_tips(block);
    if tips.is_empty() {
        return vec![0; percentiles.len()];
    }
    tips.sort_unstable();
    let total: u64 = tips.iter().map(|(_, gas)| gas).sum();
    let mut at = 0;
    let mut passed = tips[0].1;
    let reward = |percentile: &f64| {
        #[allow(clippy::cast_possible_truncation, clippy::cast_sign_loss, clippy::cast_precision_loss)]
        let threshold = (total as f64 * percentile / 100.0) as u64;
        while passed < threshold && at + 1 < tips.len() {
            at += 1;
            passed += tips[at].1;
        }
        tips[at].0
    };
    percentiles.iter().map(reward).collect()
}

fn check_percentiles(percentiles: &[f64]) -> RpcResult<()> {
    let wrong = |why: String| Err(RpcError::param("2 (reward percentiles)", why));
    if percentiles.len() > MAX_PERCENTILES {
        return wrong(format!("{} values, the limit is {MAX_PERCENTILES}", percentiles.len()));
    }
    if let Some(bad) = percentiles.iter().find(|value| !(0.0..=100.0).contains(*value)) {
        return wrong(format!("{bad} is not between 0 and 100"));
    }
    match percentiles.windows(2).find(|pair| pair[0] > pair[1]) {
        Some(pair) => wrong(format!("{} comes before {}; they must rise", pair[0], pair[1])),
        None => Ok(()),
    }
}

fn history(mut args: Args<'_>, api: &ChainApi) -> RpcResult<FeeHistory> {
    let asked = match args.required("block count")? {
        Count::Number(count) => count,
        Count::Quantity(count) => count.to(),
    };
    let newest: BlockNumberOrTag = args.required("newest block")?;
    let percentiles: Vec<f64> = args.optional("reward percentiles")?.unwrap_or_default();
    check_percentiles(&percentiles)?;
    let head = api.chain().head().header.number;
    let last = api.number_of_tag(newest).unwrap_or(head);
    if last > head {
        return Err(RpcError::Rejected(format!("request beyond head block: requested {last}, head {head}")));
    }
    let count = asked.min(api.config().max_fee_history).min(last + 1);
    if count == 0 {
        return Ok(FeeHistory::default());
    }
    let mut out = FeeHistory {
        oldest_block: last + 1 - count,
        reward: (!percentiles.is_empty()).then(Vec::new),
        ..Default::default()
    };
    let mut newest_header = None;
    for number in out.oldest_block..=last {
        let (header, reward) = if percentiles.is_empty() {
            (api.chain().header(number)?, None)
        } else {
            match api.chain().block(number)? {
                Some(block) => (Some(block.header().clone()), Some(rewards(&block, &percentiles))),
                None => (None, None),
            }
        };
        let header = header.ok_or_else(|| unknown(number.into()))?;
        push_fees(&mut out, api, &header);
        if let (Some(list), Some(reward)) = (&mut out.reward, reward) {
            list.push(reward);
        }
        newest_header = Some(header);
    }
    if let Some(header) = newest_header {
        push_next(&mut out, api, &header, last == head)?;
    }
    Ok(out)
}

#[allow(clippy::cast_precision_loss)]
fn push_fees(out: &mut FeeHistory, api: &ChainApi, header: &Header) {
    let config = api.chain().config();
    out.base_fee_per_gas.push(header.base_fee_per_gas.unwrap_or_default().into());
    out.gas_used_ratio.push(header.gas_used as f64 / header.gas_limit.max(1) as f64);
    out.base_fee_per_blob_gas.push(blob_base_fee(config, header));
    let blob_limit = BlobParams::osaka().max_blob_gas_per_block();
    let blob_gas = if config.is_l2() { 0 } else { header.blob_gas_used.unwrap_or_default() };
    out.blob_gas_used_ratio.push(blob_gas as f64 / blob_limit.max(1) as f64);
}

/// The fees of the block after the newest one asked for.
fn push_next(out: &mut FeeHistory, api: &ChainApi, header: &Header, is_head: bool) -> RpcResult<()> {
    let config = api.chain().config();
    let next = if is_head { Some(api.pending_header()) } else { api.chain().header(header.number + 1)? };
    let base_fee = match &next {
        Some(next) => next.base_fee_per_gas.unwrap_or_default(),
        None => next_base_fee(config, header, header.timestamp),
    };
    out.base_fee_per_gas.push(base_fee.into());
    out.base_fee_per_blob_gas.push(next.map_or(1, |next| blob_base_fee(config, &next)));
    Ok(())
}
