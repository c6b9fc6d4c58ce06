//! `duplex exit`: what is shown, and asked.

use std::{
    io::{BufRead, IsTerminal, Write},
    path::PathBuf,
    process::ExitCode,
};

use alloy_primitives::{Address, U256};
use clap::Args;
use duplex_bridge::format_units;
use duplex_exit::{Exit, ExitError, ExitOptions, Item, Owed, Plan, Report, Settled, duration};
use eyre::{WrapErr, bail};
use serde_json::json;
use tokio_util::sync::CancellationToken;

use crate::{
    args::{BlobArgs, FindArgs, KeyArgs, OutputArgs},
    output::{self, Told},
    up::stop_on_signal,
};

/// Exit status of a program that was interrupted.
const INTERRUPTED: u8 = 130;

/// Take everything that a key owns on L2 to L1, with L1 alone: no sequencer, no L2 node.
///
/// Rebuilds L2 from L1, shows what the key owns, what leaving costs and how long it takes at most, and asks.
/// Then it forces the withdrawals through L1's queue, waits until they are in a batch (and makes that batch
/// itself if nobody else does), until a claim covers them (and makes it if nobody else does) and is final, and
/// has L1 pay. It may be stopped at any moment and run again: everything is on L1.
#[derive(Debug, Args)]
pub(crate) struct ExitArgs {
    #[command(flatten)]
    find: FindArgs,
    #[command(flatten)]
    key: KeyArgs,
    /// Take only this: ETH, WETH, a token's symbol, or its address; may be repeated. WETH leaves as ETH and
    /// takes the ETH along.
    #[arg(long, value_name = "TOKEN")]
    token: Vec<String>,
    /// Who is paid on L1; the key's own address unless given.
    #[arg(long, value_name = "ADDRESS")]
    recipient: Option<Address>,
    #[command(flatten)]
    blobs: BlobArgs,
    /// Where the rebuilt L2 is kept. Losing it costs only the time to rebuild it.
    #[arg(long, env = "DUPLEX_DATA_DIR", value_name = "DIR", default_value = "duplex-exit")]
    data_dir: PathBuf,
    /// Only show what would be done, what it costs and how long it takes.
    #[arg(long)]
    plan: bool,
    /// Do not ask.
    #[arg(long)]
    yes: bool,
    #[command(flatten)]
    output: OutputArgs,
}

pub(crate) async fn run(args: ExitArgs) -> eyre::Result<ExitCode> {
    let (deployment, l1_url) = args.find.find().await?;
    let key = args.key.signer(&deployment)?;
    let stop = CancellationToken::new();
    stop_on_signal(stop.clone());
    let options = ExitOptions {
        dir: args.data_dir.clone(),
        l1_url,
        deployment,
        blobs: args.blobs.options(),
        key,
        recipient: args.recipient,
        stop: stop.clone(),
    };
    let done = match Exit::start(options, &Told).await {
        Ok(mut exit) => {
            let done = leave(&args, &mut exit, &stop).await;
            exit.stop().await;
            done
        }
        Err(error) => Err(error.into()),
    };
    match done {
        Err(error) if stop.is_cancelled() && is_stop(&error) => {
            output::note(&ExitError::Stopped.to_string());
            Ok(ExitCode::from(INTERRUPTED))
        }
        done => done.map(|()| ExitCode::SUCCESS),
    }
}

/// Whether a failure only says that the program was stopped.
fn is_stop(error: &eyre::Report) -> bool {
    matches!(error.downcast_ref::<ExitError>(), Some(ExitError::Stopped))
}

async fn leave(args: &ExitArgs, exit: &mut Exit, stop: &CancellationToken) -> eyre::Result<()> {
    let status = exit.exodus().await?;
    if status.started {
        output::note(&status.describe());
        let (owed, cost) = exit.owed(status).await?;
        for Owed { what, text, request, .. } in &owed {
            let state = if request.is_some() { "to be claimed" } else { "was paid before" };
            output::note(&format!("  {what:<28} {text:<30} {state}"));
        }
        output::note(&format!("  one L1 transaction each, about {} altogether", eth(cost)));
        if args.plan && args.output.json {
            let rows: Vec<_> = owed
                .iter()
                .map(|owed| json!({ "what": owed.what, "amount": owed.text, "paid": owed.request.is_none() }))
                .collect();
            return output::json(&json!({ "exodus": rows, "cost": cost }));
        }
        if args.plan || !agreed(args.yes, stop).await? {
            return Ok(());
        }
        let report = exit.run_exodus(status).await?;
        return settled(args.output.json, &report);
    }
    let plan = exit.plan(&args.token).await?;
    if args.output.json && args.plan {
        return output::json(&plan);
    }
    // With --json, stdout is for the result alone.
    let tell: fn(&str) = if args.output.json { output::note } else { output::line };
    show(&plan, tell);
    if status.can_start() {
        tell(&status.describe());
    }
    if args.plan {
        return Ok(());
    }
    if plan.is_empty() {
        tell("there is nothing to take to L1");
    } else {
        plan.check_funds()?;
        if !agreed(args.yes, stop).await? {
            return Ok(());
        }
    }
    let report = exit.run(&Told).await?;
    if args.output.json {
        return output::json(&json!({ "plan": plan, "report": report }));
    }
    if !report.exodus.is_empty() {
        return settled(false, &report);
    }
    show_report(&report);
    Ok(())
}

/// Asks, unless that was answered by --yes.
async fn agreed(yes: bool, stop: &CancellationToken) -> eyre::Result<bool> {
    if yes {
        return Ok(true);
    }
    if !std::io::stdin().is_terminal() {
        bail!("nobody can be asked here: say --yes to go on, or --plan only to look");
    }
    let mut stderr = std::io::stderr();
    write!(stderr, "go on? [y/N] ").and_then(|()| stderr.flush()).wrap_err("cannot ask")?;
    // Reading cannot be interrupted; the program need not wait for this thread to end.
    let (sender, answer) = tokio::sync::oneshot::channel();
    std::thread::spawn(move || {
        let mut line = String::new();
        let read = std::io::stdin().lock().read_line(&mut line).map(|_| line);
        // Nobody waits any more if the program was stopped.
        let _ = sender.send(read);
    });
    let line = tokio::select! {
        () = stop.cancelled() => return Err(ExitError::Stopped.into()),
        line = answer => line.wrap_err("cannot read the answer")?.wrap_err("cannot read the answer")?,
    };
    Ok(matches!(line.trim().to_lowercase().as_str(), "y" | "yes"))
}

fn eth(wei: U256) -> String {
    format!("{} ETH", format_units(wei, 18))
}

fn show(plan: &Plan, tell: fn(&str)) {
    tell(&output::bold(&format!("{} on L2 (block {})", plan.account, plan.l2_block)));
    if plan.holdings.is_empty() {
        tell("  nothing");
    }
    for holding in &plan.holdings {
        let fate = holding
            .stays
            .map_or_else(|| format!("to {} on L1", plan.recipient), |why| format!("stays: {why}"));
        let arriving = if holding.arriving.is_zero() { "" } else { "(with what a deposit brings) " };
        tell(&format!("  {:<30} {arriving}{fate}", holding.text));
    }
    if !plan.on_its_way.is_empty() {
        tell(&output::bold("On its way already"));
    }
    for one in &plan.on_its_way {
        tell(&format!("  {}: {}", one.what, one.stage));
    }
    if plan.is_empty() {
        return;
    }
    let cost = &plan.cost;
    tell(&output::bold(&format!("Cost on L1, at {} gwei", format_units(U256::from(cost.gas_price), 9))));
    let items = |items: &[Item]| {
        for item in items {
            let wei = U256::from(item.gas) * U256::from(cost.gas_price);
            tell(&format!("  {} x {:<45} {:>8} gas  {}", item.count, item.what, item.gas, eth(wei)));
        }
    };
    items(&cost.sure);
    if !cost.perhaps.is_empty() {
        tell("  only if nobody else does it:");
        items(&cost.perhaps);
    }
    tell(&format!(
        "  at least {}, at most {}; on L1 there is {}",
        eth(plan.least),
        eth(plan.most),
        eth(plan.l1_balance)
    ));
    if !cost.bond.is_zero() {
        let bond = eth(cost.bond);
        tell(&format!(
            "  and, if nobody else makes a claim, a bond of {bond} that comes back after the window"
        ));
        if plan.l1_balance < plan.most + cost.bond {
            tell("  which is not there on L1: then a claim by somebody else is waited for, or more ETH");
        }
    }
    tell(&output::bold("How long, at most"));
    let (inclusion, takeover) = (duration(plan.inclusion), duration(plan.takeover));
    tell(&format!("  until L2 has it   {inclusion} if the sequencer works, {takeover} if it does not"));
    tell(&format!("  until it is final {}", duration(plan.window)));
    tell(&format!("  altogether        {}, unless false claims are made", duration(plan.seconds_at_most)));
    tell("  This program need not run all the time: stopped and run again, it goes on where it was.");
}

fn show_report(report: &Report) {
    for paid in &report.paid {
        output::line(&format!("paid {} to {} on L1, transaction {}", paid.text, paid.to, paid.transaction));
    }
    if !report.left.is_empty() {
        output::line(&format!("left on L2: {}", report.left.join(", ")));
    }
    if report.spent.is_zero() {
        return;
    }
    output::line(&format!(
        "spent {} for gas, {} of bonds came back; {}",
        eth(report.spent),
        eth(report.bonds),
        duration(report.seconds as u64)
    ));
}

/// Shows what an exodus paid; fails if something was not.
pub(crate) fn settled(json: bool, report: &Report) -> eyre::Result<()> {
    if json {
        output::json(report)?;
    } else if report.exodus.is_empty() {
        output::line("the exodus owes this key nothing");
    }
    for Settled { what, amount, outcome, transaction, .. } in report.exodus.iter().filter(|_| !json) {
        let transaction = transaction.map_or_else(String::new, |hash| format!("  {hash}"));
        output::line(&format!("  {what:<28} {amount:<30} {outcome}{transaction}"));
    }
    let unpaid = report.exodus.iter().filter(|one| !one.paid).count();
    if unpaid > 0 {
        bail!("{unpaid} of {} could not be claimed; run this again", report.exodus.len());
    }
    Ok(())
}
