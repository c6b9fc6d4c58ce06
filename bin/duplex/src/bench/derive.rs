//! `duplex bench derive`.

use std::{
    fs,
    process::Stdio,
    time::{Duration, Instant},
};

use alloy_primitives::{U64, U256};
use clap::Args;
use duplex_bench::TransferLoad;
use duplex_l1::Rpc;
use duplex_node::{Devnet, DevnetOptions, Pace};
use eyre::{WrapErr, bail, ensure};
use serde::Serialize;
use tokio::{
    io::{AsyncBufReadExt, BufReader},
    process::Command,
};

use crate::{
    args::{Da, OutputArgs},
    output,
};

/// Pause between looks.
const PAUSE: Duration = Duration::from_millis(100);
/// How long the devnet may take to post everything, and the node to derive it.
const PATIENCE: Duration = Duration::from_secs(1800);

#[derive(Debug, Args)]
pub(crate) struct DeriveArgs {
    /// Seconds for which the devnet is filled with transfers.
    #[arg(long, value_name = "N", default_value_t = 10.0)]
    seconds: f64,
    /// Transfers of an ERC-20 instead of ETH.
    #[arg(long)]
    erc20: bool,
    /// Where the data of batches goes.
    #[arg(long, value_enum, value_name = "MODE", default_value = "calldata")]
    da: Da,
    #[command(flatten)]
    output: OutputArgs,
}

/// What was measured.
#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
struct DeriveReport {
    blocks: u64,
    batches: u64,
    transactions: u64,
    gas: u64,
    l1_data_bytes: u64,
    seconds: f64,
    transactions_per_second: f64,
    mgas_per_second: f64,
    cpu_seconds: f64,
    /// Resident memory in MiB after each fifth of the time, and the most.
    memory: Vec<u64>,
    peak_memory: u64,
}

pub(crate) async fn run(args: DeriveArgs) -> eyre::Result<()> {
    let dir = tempfile::tempdir().wrap_err("no temporary directory")?;
    let options = DevnetOptions {
        data_dir: dir.path().join("devnet"),
        l1_port: 0,
        l2_port: 0,
        pace: Pace { da: Some(args.da.mode()), ..Default::default() },
        ..Default::default()
    };
    let devnet = Devnet::start(options).await?;
    let (l1, l2) = (devnet.deployment.l1_rpc.clone(), Rpc::new(&devnet.deployment.l2_rpc)?);
    let cancel = devnet.cancel_token();
    let running = tokio::spawn(devnet.run());
    let measured = measure(&args, &l1, &l2, &dir.path().join("node")).await;
    cancel.cancel();
    running.await??;
    let report = measured?;
    if args.output.json {
        return output::json(&report);
    }
    let line = output::line;
    line(&format!(
        "derived {} blocks with {} transactions ({} Mgas, {} batches, {:.1} MB of data) in {:.1} s",
        report.blocks,
        report.transactions,
        report.gas / 1_000_000,
        report.batches,
        report.l1_data_bytes as f64 / 1e6,
        report.seconds
    ));
    line(&format!(
        "  {:.0} transactions/s, {:.0} Mgas/s",
        report.transactions_per_second, report.mgas_per_second
    ));
    line(&format!("  {:.1} s of processor time", report.cpu_seconds));
    let memory: Vec<String> = report.memory.iter().map(ToString::to_string).collect();
    line(&format!(
        "  memory {} MiB by fifths of the time, {} MiB at most",
        memory.join(", "),
        report.peak_memory
    ));
    Ok(())
}

#[derive(Debug, Clone, Copy, Default)]
struct Chain {
    blocks: u64,
    batches: u64,
    transactions: u64,
    gas: u64,
}

async fn status(l2: &Rpc) -> eyre::Result<(u64, u64, u64)> {
    let status: serde_json::Value = l2.request("duplex_syncStatus", ()).await?;
    let number = |value: &serde_json::Value| -> eyre::Result<u64> {
        Ok(serde_json::from_value::<U64>(value.clone())?.to())
    };
    Ok((
        number(&status["unsafe"]["number"])?,
        number(&status["safe"]["number"])?,
        number(&status["batchesOnL1"])?,
    ))
}

/// Fills the devnet; gives what it then has.
async fn fill(args: &DeriveArgs, l2: &Rpc) -> eyre::Result<Chain> {
    let mut load = TransferLoad::new(l2.url());
    load.seconds = args.seconds;
    load.batch = 100;
    load.erc20 = args.erc20.then_some(duplex_bench::Erc20::Minimal);
    tokio::task::spawn_blocking(move || load.run(&mut |progress| output::note(&format!("  {progress}"))))
        .await??;
    output::note("  waiting until all of it is on L1");
    let start = Instant::now();
    let (head, batches) = loop {
        let (head, safe, batches) = status(l2).await?;
        if head == safe {
            break (head, batches);
        }
        ensure!(start.elapsed() < PATIENCE, "the devnet does not post its blocks");
        tokio::time::sleep(PAUSE).await;
    };
    let mut chain = Chain { blocks: head, batches, ..Default::default() };
    for number in 1..=head {
        let block: serde_json::Value = l2.request("eth_getBlockByNumber", (U64::from(number), false)).await?;
        chain.gas += serde_json::from_value::<U64>(block["gasUsed"].clone())?.to::<u64>();
        chain.transactions += block["transactions"].as_array().map_or(0, |txs| txs.len() as u64);
    }
    Ok(chain)
}

async fn measure(args: &DeriveArgs, l1: &str, l2: &Rpc, dir: &std::path::Path) -> eyre::Result<DeriveReport> {
    let chain = fill(args, l2).await?;
    output::note(&format!("  deriving {} blocks from L1 alone", chain.blocks));
    let program = std::env::current_exe().wrap_err("this program is not a file")?;
    let mut child = Command::new(program)
        .args(["node", "--from-l1", "--l2-port", "0", "--l1", l1, "--data-dir"])
        .arg(dir)
        .stdin(Stdio::null())
        .stdout(Stdio::null())
        .stderr(Stdio::piped())
        .kill_on_drop(true)
        .spawn()?;
    let pid = child.id().unwrap_or_default();
    let Some(stderr) = child.stderr.take() else { bail!("the node's stderr cannot be read") };
    let mut lines = BufReader::new(stderr).lines();
    let (start, mut samples) = (Instant::now(), Vec::new());
    let mut tail = String::new();
    loop {
        tokio::select! {
            line = lines.next_line() => match line? {
                Some(line) if line.contains("in step with L1") => break,
                Some(line) => tail = line,
                None => bail!("the node ended: {tail}"),
            },
            () = tokio::time::sleep(PAUSE) => samples.push(resident(pid)),
        }
        ensure!(start.elapsed() < PATIENCE, "the node does not derive the chain: {tail}");
    }
    let seconds = start.elapsed().as_secs_f64();
    samples.push(resident(pid));
    let cpu_seconds = processor(pid);
    child.kill().await?;
    let fifths = (1..=5).map(|part| samples[(samples.len() * part / 5).max(1) - 1]).collect();
    Ok(DeriveReport {
        blocks: chain.blocks,
        batches: chain.batches,
        transactions: chain.transactions,
        gas: chain.gas,
        l1_data_bytes: data_bytes(l1, l2, chain.batches).await?,
        seconds,
        transactions_per_second: chain.transactions as f64 / seconds,
        mgas_per_second: chain.gas as f64 / 1e6 / seconds,
        cpu_seconds,
        memory: fifths,
        peak_memory: samples.iter().copied().max().unwrap_or_default(),
    })
}

/// Bytes of the L1 transactions that brought the batches; blobs count whole.
async fn data_bytes(l1: &str, l2: &Rpc, batches: u64) -> eyre::Result<u64> {
    let l1 = Rpc::new(l1)?;
    let mut bytes = 0;
    for number in 1..=batches {
        let batch: serde_json::Value = l2.request("duplex_batchByNumber", (U64::from(number),)).await?;
        let hash = serde_json::from_value(batch["l1Transaction"].clone())?;
        let Some(tx) = l1.transaction(hash).await? else { continue };
        let blobs = tx.blob_versioned_hashes.map_or(0, |hashes| hashes.len() as u64);
        bytes += tx.input.len() as u64 + blobs * 131_072;
    }
    Ok(bytes)
}

/// Resident memory of a process in MiB.
fn resident(pid: u32) -> u64 {
    let text = fs::read_to_string(format!("/proc/{pid}/statm")).unwrap_or_default();
    let pages: u64 = text.split_whitespace().nth(1).and_then(|word| word.parse().ok()).unwrap_or_default();
    pages * 4096 / (1 << 20)
}

/// Processor time of a process in seconds.
fn processor(pid: u32) -> f64 {
    let text = fs::read_to_string(format!("/proc/{pid}/stat")).unwrap_or_default();
    let Some((_, rest)) = text.rsplit_once(')') else { return 0.0 };
    let ticks: U256 = rest
        .split_whitespace()
        .skip(11)
        .take(2)
        .filter_map(|word| word.parse::<u64>().ok())
        .map(U256::from)
        .sum();
    ticks.to::<u64>() as f64 / 100.0
}
