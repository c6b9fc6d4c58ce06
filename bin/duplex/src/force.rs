//! `duplex force`.

use alloy_primitives::{Address, Bytes, U256};
use clap::Args;
use duplex_bridge::{ForceRequest, Forced, force, format_units, parse_units, wait_for_inclusion};
use duplex_exit::duration;
use duplex_l1::{Deployment, Rpc};
use duplex_node::parse_key;
use eyre::{OptionExt, bail};
use serde_json::json;

use crate::{
    args::{FindArgs, OutputArgs},
    output::{self, Told},
};

/// Make any call on L2 through L1, so that the sequencer cannot leave it out.
///
/// The call goes into L1's queue as a message. On L2 it comes from the address of --l1-key, with that
/// account's balance; no L2 fee is paid. What is given with --tx is a transaction as a wallet signs it for L2:
/// what it calls, its value and its data are taken over, its nonce and its fees are not used. (The message
/// takes the account's next nonce on L2, so a transaction with that nonce is void afterwards.)
#[derive(Debug, Args)]
pub(crate) struct ForceArgs {
    #[command(flatten)]
    find: FindArgs,
    /// Private key that sends it and pays on L1; on L2 the call comes from its address.
    #[arg(long, env = "DUPLEX_L1_KEY", value_name = "HEX", hide_env_values = true)]
    l1_key: String,
    /// A signed L2 transaction, as eth_sendRawTransaction takes it.
    #[arg(long, value_name = "RAW", required_unless_present = "to", conflicts_with_all = ["to", "value", "data"])]
    tx: Option<Bytes>,
    /// What to call on L2.
    #[arg(long, value_name = "ADDRESS")]
    to: Option<Address>,
    /// ETH of the call, from the balance on L2 (and what --mint brings).
    #[arg(long, value_name = "ETH", default_value = "0")]
    value: String,
    /// Input of the call.
    #[arg(long, value_name = "HEX", default_value = "0x")]
    data: Bytes,
    /// L2 gas. Unless given: that of --tx, or what the L2 node of --l2 estimates, or 100,000 (1,000,000 with
    /// data). Not less than 21,000 and 40 per byte of data. A tenth of it is burnt as L1 gas, of which what
    /// sending costs anyway is a part.
    #[arg(long, value_name = "GAS")]
    gas: Option<u64>,
    /// ETH to take along from L1; the sender has it on L2 before the call, even if the call fails.
    #[arg(long, value_name = "ETH", default_value = "0")]
    mint: String,
    /// Wait until a batch on L1 takes it.
    #[arg(long)]
    wait: bool,
    /// RPC of an L2 node that shows what became of the call.
    #[arg(long, env = "DUPLEX_L2", value_name = "URL")]
    l2: Option<String>,
    #[command(flatten)]
    output: OutputArgs,
}

pub(crate) async fn run(args: ForceArgs) -> eyre::Result<()> {
    let key = parse_key(&args.l1_key)?;
    let (deployment, l1_url) = args.find.find().await?;
    let l1 = Rpc::new(&l1_url)?;
    let l2 = args.l2.as_deref().map(Rpc::new).transpose()?;
    let mut request = match &args.tx {
        Some(raw) => ForceRequest::from_raw(raw, key.address(), deployment.l2_chain_id)?,
        None => {
            let to =
                args.to.ok_or_eyre("say with --to what to call, or give a signed transaction with --tx")?;
            let value = eth(&args.value, "--value")?;
            ForceRequest { to, value, data: args.data.clone(), gas: None, mint: U256::ZERO }
        }
    };
    request.mint = eth(&args.mint, "--mint")?;
    request.gas = match (args.gas, request.gas, &l2) {
        (Some(gas), ..) | (None, Some(gas), _) => Some(gas),
        // With what comes along from L1, an estimate on L2 may fail for want of balance.
        (None, None, Some(l2)) if request.mint.is_zero() => {
            let gas = l2.estimate_gas(key.address(), Some(request.to), request.value, &request.data).await?;
            Some(gas + gas / 5)
        }
        _ => None,
    };
    let forced = force(&l1, &deployment, &key, &request).await?;
    if !args.output.json {
        show(&forced, &deployment);
    }
    let included = match args.wait {
        true => Some(wait_for_inclusion(&l1, l2.as_ref(), &deployment, &forced, &Told).await?),
        false => None,
    };
    if args.output.json {
        return output::json(&json!({ "forced": forced, "included": included }));
    }
    let Some(included) = included else { return Ok(()) };
    output::line(&format!("in batch {} on L1 after {:.1} s", included.batch, included.seconds));
    if let Some(receipt) = &included.receipt {
        let result = if receipt.is_success() { "succeeded" } else { "FAILED; what --mint brought is there" };
        output::line(&format!(
            "  L2 transaction  {} (block {}, {} gas): {result}",
            receipt.transaction_hash, receipt.block_number, receipt.gas_used
        ));
        if !receipt.is_success() {
            bail!("the call was included, and failed on L2");
        }
    }
    Ok(())
}

fn eth(text: &str, flag: &str) -> eyre::Result<U256> {
    parse_units(text, 18).ok_or_else(|| eyre::eyre!("{flag} {text:?} is not an amount of ETH such as 1.5"))
}

fn show(forced: &Forced, deployment: &Deployment) {
    let row = |name: &str, value: &str| output::line(&format!("  {name:<16}{value}"));
    let message = &forced.message;
    output::line(&format!("message {} is in L1's queue", message.index));
    row(
        "L1 transaction",
        &format!("{} (block {})", forced.l1.receipt.transaction_hash, forced.l1.receipt.block_number),
    );
    row("L2 transaction", &forced.l2_transaction.to_string());
    row(
        "cost",
        &format!(
            "{} ETH: {} L1 gas, at least {} of it for {} L2 gas",
            format_units(forced.cost, 18),
            forced.l1.receipt.gas_used,
            forced.gas_burnt,
            message.gas_limit
        ),
    );
    if !message.mint.is_zero() {
        row("taken along", &format!("{} ETH", format_units(message.mint, 18)));
    }
    let p = &deployment.parameters;
    row(
        "on L2",
        &format!(
            "the sequencer must take it within {} (L1 time {}),",
            duration(p.forced_inclusion_delay),
            forced.must_be_included_by
        ),
    );
    row(
        "",
        &format!(
            "or its batches are refused; after {} ({}) anyone may",
            duration(p.sequencer_timeout),
            forced.open_at
        ),
    );
}
