//! `duplex bench dispute`.

use std::{
    ops::ControlFlow,
    time::{Duration, Instant},
};

use alloy_primitives::B256;
use clap::Args;
use duplex_actors::{
    Rollup,
    challenger::{Witness, inputs},
    program,
};
use duplex_bench::TransferLoad;
use duplex_node::{Devnet, DevnetOptions, Pace};
use duplex_program::Statement;
use duplex_vm::{Machine, Recorder, WIDTHS};
use eyre::{OptionExt, WrapErr, ensure};
use serde::Serialize;

use crate::{args::OutputArgs, output};

/// How long the devnet may take to post everything.
const PATIENCE: Duration = Duration::from_secs(600);

#[derive(Debug, Args)]
pub(crate) struct DisputeArgs {
    /// Seconds for which the devnet is filled; its fullest block is disputed.
    #[arg(long, value_name = "N", default_value_t = 4.0)]
    seconds: f64,
    /// Transfers of an ERC-20 instead of ETH.
    #[arg(long)]
    erc20: bool,
    #[command(flatten)]
    output: OutputArgs,
}

/// What was measured.
#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
struct DisputeReport {
    block: u64,
    transactions: u64,
    gas: u64,
    /// Blocks of its batch: all of it is derived again.
    batch_blocks: u64,
    preimages: usize,
    preimage_bytes: usize,
    /// Executing it natively and collecting what the machine will read.
    collect_seconds: f64,
    steps: u64,
    /// Running it in the machine without hashing anything.
    run_seconds: f64,
    /// Running it and committing to its history: what a player needs for the first move in the machine.
    commit_seconds: f64,
    million_steps_per_second: f64,
    steps_per_gas: f64,
    first_move_seconds: f64,
}

pub(crate) async fn run(args: DisputeArgs) -> eyre::Result<()> {
    let dir = tempfile::tempdir().wrap_err("no temporary directory")?;
    let options = DevnetOptions {
        data_dir: dir.path().join("devnet"),
        l1_port: 0,
        l2_port: 0,
        pace: Pace { batch_age: Some(Duration::from_secs(1)), ..Default::default() },
        ..Default::default()
    };
    let devnet = Devnet::start(options).await?;
    let url = devnet.deployment.l2_rpc.clone();
    let rollup = devnet.l2.rollup.clone();
    let cancel = devnet.cancel_token();
    let running = tokio::spawn(devnet.run());
    let measured = measure(&args, url, rollup).await;
    cancel.cancel();
    running.await??;
    let report = measured?;
    if args.output.json {
        return output::json(&report);
    }
    let line = output::line;
    line(&format!(
        "block {}: {} transactions, {:.1} Mgas, in a batch of {} blocks",
        report.block,
        report.transactions,
        report.gas as f64 / 1e6,
        report.batch_blocks
    ));
    line(&format!(
        "  collected  {:>7.2} s  {} preimages, {:.1} MB",
        report.collect_seconds,
        report.preimages,
        report.preimage_bytes as f64 / 1e6
    ));
    line(&format!(
        "  executed   {:>7.2} s  {} steps, {:.0} million a second, {:.0} a gas",
        report.run_seconds, report.steps, report.million_steps_per_second, report.steps_per_gas
    ));
    line(&format!("  committed  {:>7.2} s  executed again, with its history", report.commit_seconds));
    line(&format!("  ready for the first move in the machine after {:.1} s", report.first_move_seconds));
    Ok(())
}

async fn measure(args: &DisputeArgs, url: String, rollup: Rollup) -> eyre::Result<DisputeReport> {
    let mut load = TransferLoad::new(&url);
    load.seconds = args.seconds;
    load.batch = 100;
    load.erc20 = args.erc20.then_some(duplex_bench::Erc20::Minimal);
    tokio::task::spawn_blocking(move || load.run(&mut |progress| output::note(&format!("  {progress}"))))
        .await??;
    output::note("  waiting until all of it is on L1");
    let start = Instant::now();
    let head = rollup.chain.head().header.number;
    while rollup.index.batch_of(head)?.is_none() {
        ensure!(start.elapsed() < PATIENCE, "the devnet does not post its blocks");
        tokio::time::sleep(Duration::from_millis(200)).await;
    }
    let mut fullest = (0, 0);
    for number in 1..=head {
        let header = rollup.chain.header(number)?.ok_or_eyre("a block is missing")?;
        fullest = fullest.max((header.gas_used, number));
    }
    let (gas, block) = fullest;
    let transactions =
        rollup.chain.block(block)?.ok_or_eyre("a block is missing")?.transactions().len() as u64;
    let entry = rollup.index.batch_of(block)?.ok_or_eyre("a batch is missing")?;

    output::note(&format!("  disputing block {block}"));
    let truth = Witness::of(&rollup, block).await?.statement();
    let statement = Statement { output: B256::repeat_byte(1), ..truth };
    let start = Instant::now();
    let inputs = inputs(&rollup, &statement).await?;
    let collect_seconds = start.elapsed().as_secs_f64();
    let preimage_bytes = inputs.preimages.values().map(|bytes| bytes.len()).sum();
    let preimages = inputs.preimages.len();

    let (steps, run_seconds, commit_seconds) = tokio::task::spawn_blocking(move || {
        let mut inputs = inputs;
        let mut machine = Machine::new(program());
        let start = Instant::now();
        machine.run(duplex_vm::MAX_STEPS, &mut inputs)?;
        let run = start.elapsed().as_secs_f64();
        ensure!(machine.exit_code() == Some(1), "the machine took a false output for true");
        let start = Instant::now();
        let mut recorder = Recorder::new(Machine::new(program()), WIDTHS[0]);
        recorder.run(&mut inputs, |_| ControlFlow::Continue(()))?;
        Ok((machine.steps(), run, start.elapsed().as_secs_f64()))
    })
    .await??;
    Ok(DisputeReport {
        block,
        transactions,
        gas,
        batch_blocks: entry.header.lastBlock - entry.header.firstBlock + 1,
        preimages,
        preimage_bytes,
        collect_seconds,
        steps,
        run_seconds,
        commit_seconds,
        million_steps_per_second: steps as f64 / run_seconds / 1e6,
        steps_per_gas: steps as f64 / gas as f64,
        first_move_seconds: collect_seconds + commit_seconds,
    })
}
