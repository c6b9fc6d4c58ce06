//! What users do: deposit, transfer, balance, withdraw, status.

use alloy_primitives::{Address, B256, U256};
use alloy_signer_local::PrivateKeySigner;
use clap::Args;
use duplex_bridge::{Asset, Bridge, format_units};
use eyre::bail;
use serde_json::{Value, json};

use crate::{
    args::{ConnectArgs, KeyArgs, OutputArgs},
    output::{self, Told},
};

/// Move an amount of ETH or of a token.
#[derive(Debug, Args)]
pub(crate) struct MoveArgs {
    /// How much, as a decimal number.
    amount: String,
    /// Who receives it. A deposit goes to the signer unless given; a transfer needs it.
    #[arg(long, value_name = "ADDRESS")]
    to: Option<Address>,
    /// What: ETH, UNI, DAI, or the address of an ERC-20.
    #[arg(long, value_name = "TOKEN", default_value = "ETH")]
    token: String,
    #[command(flatten)]
    key: KeyArgs,
    #[command(flatten)]
    connect: ConnectArgs,
    #[command(flatten)]
    output: OutputArgs,
}

pub(crate) async fn deposit(args: MoveArgs) -> eyre::Result<()> {
    let bridge = args.connect.bridge()?;
    let key = args.key.signer(&bridge.deployment)?;
    let asset = bridge.asset(Some(&args.token)).await?;
    let amount = asset.parse(&args.amount)?;
    let to = args.to.unwrap_or(key.address());
    let report = bridge.deposit(&key, &asset, to, amount, &Told).await?;
    if args.output.json {
        return output::json(&report);
    }
    output::line(&format!("deposited {} for {to} in {:.1} s", asset.format(amount), report.seconds));
    output::line(&format!(
        "  L1 transaction  {} ({} gas)",
        report.l1.receipt.transaction_hash, report.l1.receipt.gas_used
    ));
    output::line(&format!("  L2 transaction  {} (block {})", report.l2_transaction, report.l2_block));
    Ok(())
}

pub(crate) async fn transfer(args: MoveArgs) -> eyre::Result<()> {
    let bridge = args.connect.bridge()?;
    let key = args.key.signer(&bridge.deployment)?;
    let asset = bridge.asset(Some(&args.token)).await?;
    let amount = asset.parse(&args.amount)?;
    let Some(to) = args.to else { bail!("say with --to who receives it") };
    let sent = bridge.transfer(&key, &asset, to, amount).await?;
    if args.output.json {
        return output::json(&sent);
    }
    output::line(&format!("sent {} to {to} in {:.1} s", asset.format(amount), sent.seconds));
    output::line(&format!(
        "  L2 transaction  {} ({} gas)",
        sent.receipt.transaction_hash, sent.receipt.gas_used
    ));
    Ok(())
}

/// Show balances on both layers.
#[derive(Debug, Args)]
pub(crate) struct BalanceArgs {
    /// Whose; the signer's unless given.
    address: Option<Address>,
    /// Only this: ETH, UNI, DAI, or the address of an ERC-20.
    #[arg(long, value_name = "TOKEN")]
    token: Option<String>,
    #[command(flatten)]
    key: KeyArgs,
    #[command(flatten)]
    connect: ConnectArgs,
    #[command(flatten)]
    output: OutputArgs,
}

pub(crate) async fn balance(args: BalanceArgs) -> eyre::Result<()> {
    let bridge = args.connect.bridge()?;
    let address = match args.address {
        Some(address) => address,
        None => args.key.signer(&bridge.deployment)?.address(),
    };
    let assets = match &args.token {
        Some(token) => vec![bridge.asset(Some(token)).await?],
        None => {
            let tokens = bridge.deployment.tokens.iter().cloned().map(Asset::Token);
            std::iter::once(Asset::Eth).chain(tokens).collect()
        }
    };
    let mut rows = Vec::new();
    for asset in &assets {
        let (l1, l2) = bridge.balances(asset, address).await?;
        rows.push((asset, format_units(l1, asset.decimals()), format_units(l2, asset.decimals())));
    }
    if args.output.json {
        let list: Vec<Value> = rows
            .iter()
            .map(|(asset, l1, l2)| json!({ "token": asset.symbol(), "l1": l1, "l2": l2 }))
            .collect();
        return output::json(&json!({ "address": address, "balances": list }));
    }
    output::line(&format!("{address}"));
    for (asset, l1, l2) in rows {
        output::line(&format!("  {:<6} L1 {l1:<28} L2 {l2}", asset.symbol()));
    }
    Ok(())
}

/// Move ETH or a token from L2 to L1: start, wait until final, prove, release.
///
/// With --fast, where relayers have stakes, ETH arrives within seconds on their word, up to what their stakes cover.
#[derive(Debug, Args)]
pub(crate) struct WithdrawArgs {
    /// How much, as a decimal number.
    #[arg(required_unless_present = "resume")]
    amount: Option<String>,
    /// Who receives it on L1; the signer unless given.
    #[arg(long, value_name = "ADDRESS")]
    to: Option<Address>,
    /// What: ETH, UNI, DAI, or the address of an ERC-20.
    #[arg(long, value_name = "TOKEN", default_value = "ETH")]
    token: String,
    /// Go on with the withdrawal that this L2 transaction started.
    #[arg(long, value_name = "HASH", conflicts_with = "amount")]
    resume: Option<B256>,
    /// Only start it; finish later with --resume.
    #[arg(long)]
    no_wait: bool,
    /// Take the relayers' word instead of waiting for a final claim; for a fee.
    #[arg(long, conflicts_with_all = ["resume", "no_wait"])]
    fast: bool,
    #[command(flatten)]
    key: KeyArgs,
    #[command(flatten)]
    connect: ConnectArgs,
    #[command(flatten)]
    output: OutputArgs,
}

pub(crate) async fn withdraw(args: WithdrawArgs) -> eyre::Result<()> {
    let bridge = args.connect.bridge()?;
    let key = args.key.signer(&bridge.deployment)?;
    let hash = match (args.resume, &args.amount) {
        (Some(hash), _) => hash,
        (None, Some(amount)) => {
            let asset = bridge.asset(Some(&args.token)).await?;
            let amount = asset.parse(amount)?;
            let to = args.to.unwrap_or(key.address());
            if args.fast {
                return withdraw_fast(&bridge, &key, &asset, to, amount, args.output.json).await;
            }
            let sent = bridge.start_withdrawal(&key, &asset, to, amount).await?;
            let hash = sent.receipt.transaction_hash;
            output::note(&format!(
                "started on L2 in block {}; if this is interrupted, go on with: duplex withdraw --resume {hash} --deployment {}",
                sent.receipt.block_number,
                args.connect.deployment.display()
            ));
            if args.no_wait {
                if args.output.json {
                    return output::json(&sent);
                }
                output::line(&hash.to_string());
                return Ok(());
            }
            hash
        }
        (None, None) => bail!("say how much, or which withdrawal to --resume"),
    };
    let report = bridge.finish_withdrawal(&key, hash, &Told).await?;
    if args.output.json {
        return output::json(&report);
    }
    match &report.release {
        Some(sent) => {
            output::line(&format!("released on L1 in {:.1} s", report.seconds));
            output::line(&format!(
                "  L1 transaction  {} ({} gas)",
                sent.receipt.transaction_hash, sent.receipt.gas_used
            ));
        }
        None => output::line("was released on L1 by another transaction"),
    }
    Ok(())
}

async fn withdraw_fast(
    bridge: &Bridge,
    key: &PrivateKeySigner,
    asset: &Asset,
    to: Address,
    amount: U256,
    json: bool,
) -> eyre::Result<()> {
    if *asset != Asset::Eth {
        bail!("--fast is for ETH: {} takes the way of final claims; leave --fast out", asset.symbol());
    }
    let report = bridge.withdraw_fast(key, to, amount, &Told).await?;
    if json {
        return output::json(&report);
    }
    let seconds = report.seconds;
    output::line(&format!("{} on L1 after {seconds:.1} s", asset.format(amount)));
    output::line(&format!("  L1 transaction  {}", report.l1_transaction));
    output::line(&format!("  relay fee       {} ETH", format_units(report.fee, 18)));
    Ok(())
}

/// Show how far the rollup, a deposit or a withdrawal has come.
#[derive(Debug, Args)]
pub(crate) struct StatusArgs {
    /// L1 transaction of a deposit, or L2 transaction of a withdrawal. Without it: the rollup.
    transaction: Option<B256>,
    #[command(flatten)]
    connect: ConnectArgs,
    #[command(flatten)]
    output: OutputArgs,
}

pub(crate) async fn status(args: StatusArgs) -> eyre::Result<()> {
    let bridge = args.connect.bridge()?;
    // What a message's sender calls a deposit is none to the chain.
    if let (Some(hash), Ok(lane)) = (args.transaction, bridge.lane())
        && let Ok(sent) = lane.find(hash).await
    {
        return crate::message::show(&bridge.delivery(sent).await?, args.output.json);
    }
    let answer = match args.transaction {
        None => bridge.l2.request("duplex_syncStatus", ()).await?,
        Some(hash) => {
            let withdrawal: Value = bridge.l2.request("duplex_withdrawalStatus", (hash,)).await?;
            if withdrawal.is_null() {
                bridge.l2.request("duplex_depositStatus", (hash,)).await?
            } else {
                withdrawal
            }
        }
    };
    if answer.is_null() {
        bail!("neither L1 nor L2 knows a transaction {}", args.transaction.unwrap_or_default());
    }
    if args.output.json {
        return output::json(&answer);
    }
    for line in outline(&answer, 0) {
        output::line(&line);
    }
    Ok(())
}

/// JSON for people: one line per value, hexadecimal numbers as decimal ones.
fn outline(value: &Value, depth: usize) -> Vec<String> {
    let indent = "  ".repeat(depth);
    let mut lines = Vec::new();
    let mut field = |name: &str, value: &Value| match value {
        Value::Object(_) | Value::Array(_) => {
            lines.push(format!("{indent}{name}"));
            lines.extend(outline(value, depth + 1));
        }
        other => lines.push(format!("{indent}{name:<18}{}", plain(other))),
    };
    match value {
        Value::Object(fields) => fields.iter().for_each(|(name, value)| field(name, value)),
        Value::Array(items) => {
            items.iter().enumerate().for_each(|(i, value)| field(&format!("[{i}]"), value))
        }
        other => lines.push(format!("{indent}{}", plain(other))),
    }
    lines
}

fn plain(value: &Value) -> String {
    match value {
        Value::String(text) => match text.strip_prefix("0x").filter(|hex| hex.len() <= 16) {
            Some(hex) => {
                u64::from_str_radix(hex, 16).map_or_else(|_| text.clone(), |number| number.to_string())
            }
            None => text.clone(),
        },
        Value::Null => "-".into(),
        other => other.to_string(),
    }
}
