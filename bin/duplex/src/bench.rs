//! `duplex bench`.

use alloy_primitives::Address;
use clap::{Args, Subcommand};
use duplex_bench::{Comparison, DaLoad, Erc20, Report, TransferLoad};
use duplex_node::{Devnet, DevnetOptions};
use eyre::WrapErr;

mod derive;
mod dispute;
mod prove;

use crate::{args::OutputArgs, output};
use derive::DeriveArgs;
use dispute::DisputeArgs;
use prove::ProveArgs;

/// Measure.
#[derive(Debug, Subcommand)]
pub(crate) enum BenchCommand {
    /// Send transfers as fast as they are taken, and report what is included.
    ///
    /// Without --rpc: a devnet of its own, with all its parts, on this machine. With several
    /// --rpc: one after the other in the same run, with ratios to the first.
    Transfers(TransferArgs),
    /// Measure what a transaction costs in L1 data: bytes and gas, beside RLP and compressed RLP.
    ///
    /// The loads are made up, the same in every run: real signatures of a thousand keys, seven of ten
    /// recipients new, six of ten values with random digits. `mixed` is 50% ETH transfers, 35% ERC-20
    /// transfers, 10% swaps with 260 bytes of input, 5% legacy and access-list transactions.
    Da(DaArgs),
    /// Measure how fast a node rebuilds the L2 from L1 alone.
    ///
    /// Fills a devnet of its own with transfers, waits until all are in batches on L1, and starts
    /// `duplex node --from-l1` on an empty directory.
    Derive(DeriveArgs),
    /// Measure how soon a full block can be disputed: executed in the proof machine, and committed to.
    ///
    /// Fills a devnet of its own with transfers and disputes the fullest block.
    Dispute(DisputeArgs),
    /// Measure what validity proofs take: instructions, time and memory of each step, and gas on L1.
    ///
    /// Makes batches of transfers on devnets of its own, and has `duplex-prover` execute and prove them. Only executing takes seconds;
    /// a proof takes minutes to hours, and keys (`duplex-prover setup`).
    Prove(ProveArgs),
}

#[derive(Debug, Args)]
pub(crate) struct DaArgs {
    /// Transactions of each load.
    #[arg(long, value_name = "N", default_value_t = 8000, value_parser = clap::value_parser!(u32).range(100..60_000))]
    transactions: u32,
    #[command(flatten)]
    output: OutputArgs,
}

#[derive(Debug, Args)]
pub(crate) struct TransferArgs {
    /// How long to send.
    #[arg(long, value_name = "N", default_value_t = 10.0)]
    seconds: f64,
    /// JSON-RPC to measure; repeat to compare. `devnet` is a devnet of its own.
    #[arg(long, value_name = "URL")]
    rpc: Vec<String>,
    /// Transfer an ERC-20 instead of ETH.
    #[arg(long)]
    erc20: bool,
    /// The ERC-20 to transfer, of which the funding account has enough; a minimal one is deployed
    /// unless given.
    #[arg(long, value_name = "ADDRESS", requires = "erc20")]
    token: Option<Address>,
    /// Transactions per JSON-RPC request.
    #[arg(long, value_name = "N", default_value_t = 1)]
    batch: u32,
    /// HTTP connections.
    #[arg(long, value_name = "N", default_value_t = 32)]
    connections: u32,
    /// Sending accounts.
    #[arg(long, value_name = "N", default_value_t = 1000)]
    accounts: u32,
    /// Transactions per second to prepare for; sending stops when they are used up.
    #[arg(long, value_name = "N", default_value_t = 20_000.0)]
    max_rate: f64,
    /// Process id of a node behind --rpc, to report its CPU and memory.
    #[arg(long, value_name = "PID")]
    pid: Vec<u32>,
    #[command(flatten)]
    output: OutputArgs,
}

pub(crate) async fn run(command: BenchCommand) -> eyre::Result<()> {
    let args = match command {
        BenchCommand::Transfers(args) => args,
        BenchCommand::Da(args) => return da(&args),
        BenchCommand::Derive(args) => return derive::run(args).await,
        BenchCommand::Dispute(args) => return dispute::run(args).await,
        BenchCommand::Prove(args) => return prove::run(args).await,
    };
    let targets = if args.rpc.is_empty() { vec!["devnet".to_owned()] } else { args.rpc.clone() };
    let mut reports = Vec::new();
    for target in &targets {
        reports.push(if target == "devnet" {
            on_devnet(&args).await?
        } else {
            measure(load(&args, target)).await?
        });
    }
    if args.output.json {
        return if reports.len() == 1 {
            output::json(&reports[0])
        } else {
            output::json(&Comparison::new(reports))
        };
    }
    if reports.len() == 1 {
        output::line(&reports[0].to_string());
    } else {
        output::line(&Comparison::new(reports).to_string());
    }
    Ok(())
}

fn da(args: &DaArgs) -> eyre::Result<()> {
    let report = DaLoad { transactions: args.transactions as usize, seed: 1 }.run()?;
    if args.output.json {
        return output::json(&report);
    }
    output::line(&report.to_string());
    Ok(())
}

fn load(args: &TransferArgs, url: &str) -> TransferLoad {
    let mut load = TransferLoad::new(url);
    load.seconds = args.seconds;
    load.batch = args.batch;
    load.connections = args.connections;
    load.accounts = args.accounts;
    load.max_rate = args.max_rate;
    load.erc20 = args.erc20.then(|| args.token.map_or(Erc20::Minimal, Erc20::Deployed));
    load.node_pids = args.pid.clone();
    load
}

async fn measure(load: TransferLoad) -> eyre::Result<Report> {
    let report =
        tokio::task::spawn_blocking(move || load.run(&mut |progress| output::note(&format!("  {progress}"))))
            .await?;
    Ok(report?)
}

async fn on_devnet(args: &TransferArgs) -> eyre::Result<Report> {
    let dir = tempfile::tempdir().wrap_err("no temporary directory")?;
    let options = DevnetOptions { data_dir: dir.path().into(), l1_port: 0, l2_port: 0, ..Default::default() };
    let devnet = Devnet::start(options).await?;
    let cancel = devnet.cancel_token();
    let mut load = load(args, &devnet.deployment.l2_rpc);
    load.label = Some("duplex devnet".into());
    load.node_pids = vec![std::process::id()];
    let running = tokio::spawn(devnet.run());
    let report = measure(load).await;
    cancel.cancel();
    running.await??;
    report
}
