//! `duplex bench prove`.

use std::{
    collections::BTreeMap,
    path::{Path, PathBuf},
    process::Stdio,
    time::{Duration, Instant},
};

use alloy_primitives::{Address, U256, keccak256};
use alloy_signer_local::PrivateKeySigner;
use clap::{Args, ValueEnum};
use duplex_actors::{Rollup, bundle};
use duplex_bridge::{Asset, Bridge, Quiet};
use duplex_node::{BUILD_PROVER, Devnet, DevnetOptions, Pace, find_prover};
use eyre::{OptionExt, WrapErr, bail, ensure, eyre};
use serde::Serialize;
use serde_json::Value;
use tokio::process::Command;

use crate::{args::OutputArgs, output};

/// How long the devnet may take to post everything.
const PATIENCE: Duration = Duration::from_secs(120);
/// How long it collects blocks for a batch.
const BATCH_AGE: Duration = Duration::from_secs(10);
/// What a proof costs on L1, as the contracts' tests measure it.
const GAS: &str = include_str!("../../../../contracts/snapshots/Validity.json");
const GAS_OF: &str = "proposeProven, of any number of batches";
/// Batches that one proof may be of, for the costs on L1.
const RANGES: [u64; 7] = [1, 2, 5, 10, 20, 50, 100];

#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, ValueEnum)]
#[serde(rename_all = "lowercase")]
enum Kind {
    /// Transfers of ETH.
    Eth,
    /// Transfers of an ERC-20, which was deposited before.
    Erc20,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
enum Until {
    /// Only execute: how many instructions there are.
    Execution,
    /// One STARK.
    Stark,
    /// A proof for L1.
    L1,
}

#[derive(Debug, Args)]
pub(crate) struct ProveArgs {
    /// How many transfers are proved at once.
    #[arg(long, value_name = "N,…", value_delimiter = ',', default_values_t = [1, 10, 100], value_parser = clap::value_parser!(u64).range(1..=1000))]
    transfers: Vec<u64>,
    /// What is transferred.
    #[arg(long, value_name = "KIND,…", value_delimiter = ',', value_enum, default_values_t = [Kind::Eth, Kind::Erc20])]
    kinds: Vec<Kind>,
    /// How far to go.
    #[arg(long, value_name = "STEP", value_enum, default_value_t = Until::Execution)]
    until: Until,
    /// `duplex-prover`, where it is not beside this program nor where cargo puts it.
    #[arg(long, env = "DUPLEX_PROVER_BINARY", value_name = "FILE")]
    prover_binary: Option<PathBuf>,
    /// Folder of its keys.
    #[arg(long, env = "DUPLEX_PROVER_KEYS", value_name = "DIR", default_value = "prover-keys")]
    prover_keys: PathBuf,
    /// Write a chart of what a transfer costs on L1 to this file, as SVG: the five runs with the most transfers.
    #[arg(long, value_name = "FILE")]
    chart: Option<PathBuf>,
    #[command(flatten)]
    output: OutputArgs,
}

/// A step of the prover.
#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
struct Step {
    step: String,
    seconds: f64,
    memory_bytes: u64,
}

/// A run of batches that was measured.
#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
struct Case {
    kind: Kind,
    transfers: u64,
    batches: u64,
    blocks: u64,
    bundle_bytes: usize,
    instructions: u64,
    steps: Vec<Step>,
    stark_bytes: Option<u64>,
    l1_proof_bytes: Option<usize>,
    /// What its batches cost on L1, without any proof.
    batch_gas: u64,
}

/// What one transfer more takes, from the smallest and the largest run of a kind.
#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
struct Each {
    kind: Kind,
    instructions: f64,
    /// If they were proved.
    seconds: Option<f64>,
}

/// Gas on L1 if one proof is of so many runs like this one.
#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
struct Cost {
    kind: Kind,
    transfers: u64,
    runs: u64,
    gas_per_run: f64,
    gas_per_transfer: f64,
}

#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
struct ProveReport {
    cases: Vec<Case>,
    each: Vec<Each>,
    proof_gas: u64,
    costs: Vec<Cost>,
}

pub(crate) async fn run(args: ProveArgs) -> eyre::Result<()> {
    let Some(prover) = find_prover(args.prover_binary.as_deref()) else {
        bail!("duplex-prover is not built, or not there: build it with {BUILD_PROVER}");
    };
    let proof_gas = serde_json::from_str::<BTreeMap<String, String>>(GAS)?
        .get(GAS_OF)
        .ok_or_eyre("the gas snapshot has no proof")?
        .parse()?;
    let dir = tempfile::tempdir().wrap_err("no temporary directory")?;
    let mut cases = Vec::new();
    for kind in &args.kinds {
        for transfers in &args.transfers {
            let place = dir.path().join(cases.len().to_string());
            cases.push(case(&args, &prover, &place, *kind, *transfers).await?);
        }
    }
    let report = ProveReport {
        each: args.kinds.iter().filter_map(|kind| each(*kind, &cases)).collect(),
        costs: cases.iter().flat_map(|case| RANGES.map(|runs| cost(case, runs, proof_gas))).collect(),
        proof_gas,
        cases,
    };
    if let Some(path) = &args.chart {
        std::fs::write(path, chart(&report)).wrap_err_with(|| path.display().to_string())?;
    }
    if args.output.json {
        return output::json(&report);
    }
    print(&report);
    Ok(())
}

/// Makes a run of batches on a devnet, and has it executed and proved.
async fn case(
    args: &ProveArgs,
    prover: &Path,
    place: &Path,
    kind: Kind,
    transfers: u64,
) -> eyre::Result<Case> {
    output::note(&format!("  {transfers} transfers of {}", name(kind)));
    std::fs::create_dir_all(place)?;
    let options = DevnetOptions {
        data_dir: place.join("devnet"),
        l1_port: 0,
        l2_port: 0,
        l1_block_time: Duration::from_secs(1),
        block_time: Duration::from_millis(250),
        pace: Pace { batch_age: Some(BATCH_AGE), ..Default::default() },
        ..Default::default()
    };
    let devnet = Devnet::start(options).await?;
    let rollup = devnet.l2.rollup.clone();
    let whole = Bridge::new(devnet.deployment.clone(), None, None)?;
    let cancel = devnet.cancel_token();
    let running = tokio::spawn(devnet.run());
    let made = make(&whole, &rollup, kind, transfers).await;
    cancel.cancel();
    running.await??;
    let (mut case, bytes) = made?;

    let path = place.join("run.bundle");
    std::fs::write(&path, bytes)?;
    let executed = lines(prover, &["execute", "--all-hold", "--json"], &[&path]).await?;
    case.instructions = executed
        .first()
        .and_then(|line| line["instructions"].as_u64())
        .ok_or_eyre("duplex-prover says no number of instructions")?;
    if args.until == Until::Execution {
        return Ok(case);
    }
    let job = place.join("proof");
    let mut arguments = vec!["prove", "--json", "--stop-with-stdin"];
    if args.until == Until::Stark {
        arguments.push("--stark-only");
    }
    arguments.extend(["--keys", text(&args.prover_keys)?, "--job", text(&job)?]);
    for line in lines(prover, &arguments, &[&path]).await? {
        if let Some(step) = line["step"].as_str() {
            let (seconds, memory_bytes) = (line["seconds"].as_f64(), line["bytes"].as_u64());
            case.steps.push(Step {
                step: step.to_owned(),
                seconds: seconds.unwrap_or_default(),
                memory_bytes: memory_bytes.unwrap_or_default(),
            });
        }
    }
    case.stark_bytes = Some(std::fs::metadata(job.join("batch.stark"))?.len());
    if args.until == Until::L1 {
        let written = std::fs::read_dir(&job)?.filter_map(|entry| Some(entry.ok()?.path()));
        let proof = written.filter(|path| path.to_string_lossy().ends_with("-proof.json")).last();
        let proof: Value = serde_json::from_slice(&std::fs::read(proof.ok_or_eyre("there is no proof")?)?)?;
        case.l1_proof_bytes = proof["proof"].as_str().map(|hex| (hex.len() - 2) / 2);
    }
    Ok(case)
}

fn text(path: &Path) -> eyre::Result<&str> {
    path.to_str().ok_or_else(|| eyre!("{} is no text", path.display()))
}

/// Sends the transfers, from several people to as many others, and collects what a prover needs for the batches they are in.
async fn make(whole: &Bridge, rollup: &Rollup, kind: Kind, transfers: u64) -> eyre::Result<(Case, Vec<u8>)> {
    let keys =
        whole.deployment.accounts.iter().map(|account| PrivateKeySigner::from_bytes(&account.private_key));
    let keys = keys.collect::<Result<Vec<_>, _>>()?;
    // The last account sends the batches.
    let people = &keys[..keys.len() - 1];
    let asset = match kind {
        Kind::Eth => Asset::Eth,
        Kind::Erc20 => {
            let asset = whole.asset(Some("UNI")).await?;
            for key in people {
                whole.deposit(key, &asset, key.address(), U256::from(1_000_000), &Quiet).await?;
            }
            asset
        }
    };
    // What came before is not in the batches that are measured.
    posted(rollup, rollup.chain.head().header.number).await?;
    let first = rollup.chain.head().header.number + 1;
    let mut senders = tokio::task::JoinSet::new();
    for (nth, key) in people.iter().enumerate() {
        let own = (0..transfers).filter(|i| *i as usize % people.len() == nth).collect::<Vec<_>>();
        let (whole, key, asset) = (whole.clone(), key.clone(), asset.clone());
        senders.spawn(async move {
            for i in own {
                let to = Address::from_word(keccak256(i.to_be_bytes()));
                whole.transfer(&key, &asset, to, U256::from(5)).await?;
            }
            Ok::<_, duplex_bridge::BridgeError>(())
        });
    }
    while let Some(sent) = senders.join_next().await {
        sent??;
    }
    let last = rollup.chain.head().header.number;
    posted(rollup, last).await?;
    let of = |block| -> eyre::Result<_> { rollup.index.batch_of(block)?.ok_or_eyre("a batch is missing") };
    let (head, tail) = (of(first)?, of(last)?);
    let (first, last) = (head.header.index, tail.header.index);
    let mut batch_gas = 0;
    for index in first..=last {
        let entry = rollup.index.batch(index)?.ok_or_eyre("a batch is missing")?;
        let receipt = whole.l1.receipt(entry.l1_tx).await?.ok_or_eyre("a batch has no receipt")?;
        batch_gas += receipt.gas_used.to::<u64>();
    }
    let (_, bytes) = bundle(rollup, first, last, Address::ZERO).await?;
    let case = Case {
        kind,
        transfers,
        batches: last - first + 1,
        blocks: tail.header.lastBlock - head.header.firstBlock + 1,
        bundle_bytes: bytes.len(),
        instructions: 0,
        steps: Vec::new(),
        stark_bytes: None,
        l1_proof_bytes: None,
        batch_gas,
    };
    Ok((case, bytes))
}

/// Waits until a block is in a batch on L1; genesis needs none.
async fn posted(rollup: &Rollup, block: u64) -> eyre::Result<()> {
    let start = Instant::now();
    while block > 0 && rollup.index.batch_of(block)?.is_none() {
        ensure!(start.elapsed() < PATIENCE, "the devnet does not post its blocks");
        tokio::time::sleep(Duration::from_millis(200)).await;
    }
    Ok(())
}

/// Runs the prover, and reads the JSON that it prints, line by line.
async fn lines(prover: &Path, arguments: &[&str], files: &[&Path]) -> eyre::Result<Vec<Value>> {
    let mut command = Command::new(prover);
    command.args(arguments).args(files).stderr(Stdio::inherit()).kill_on_drop(true);
    command.stdin(Stdio::piped()).stdout(Stdio::piped());
    let run = async {
        let mut child = command.spawn()?;
        // It ends with us, whatever ends us: so this stays open for as long as it runs.
        let _input = child.stdin.take();
        child.wait_with_output().await
    };
    let said = run.await.wrap_err_with(|| prover.display().to_string())?;
    ensure!(said.status.success(), "{} {} failed", prover.display(), arguments[0]);
    let lines = String::from_utf8_lossy(&said.stdout).into_owned();
    lines.lines().map(|line| serde_json::from_str(line).wrap_err_with(|| line.to_owned())).collect()
}

fn each(kind: Kind, cases: &[Case]) -> Option<Each> {
    let of = || cases.iter().filter(|case| case.kind == kind);
    let (least, most) = (of().min_by_key(|case| case.transfers)?, of().max_by_key(|case| case.transfers)?);
    let more = most.transfers.checked_sub(least.transfers).filter(|more| *more > 0)? as f64;
    let seconds = |case: &Case| case.steps.iter().map(|step| step.seconds).sum::<f64>();
    Some(Each {
        kind,
        instructions: (most.instructions as f64 - least.instructions as f64) / more,
        seconds: (!most.steps.is_empty()).then(|| (seconds(most) - seconds(least)) / more),
    })
}

fn cost(case: &Case, runs: u64, proof_gas: u64) -> Cost {
    let gas_per_run = case.batch_gas as f64 + proof_gas as f64 / runs as f64;
    Cost {
        kind: case.kind,
        transfers: case.transfers,
        runs,
        gas_per_run,
        gas_per_transfer: gas_per_run / case.transfers as f64,
    }
}

const fn name(kind: Kind) -> &'static str {
    match kind {
        Kind::Eth => "ETH",
        Kind::Erc20 => "an ERC-20",
    }
}

fn print(report: &ProveReport) {
    let line = output::line;
    line("Instructions");
    line("  transfers                blocks    bundle     instructions");
    for case in &report.cases {
        let what = format!("{} of {}", case.transfers, name(case.kind));
        line(&format!("  {what:<22} {:>8} {:>9} {:>16}", case.blocks, case.bundle_bytes, case.instructions));
    }
    for each in &report.each {
        line(&format!("  one more of {:<9} {:>38.0}", name(each.kind), each.instructions));
    }
    if report.cases.iter().any(|case| !case.steps.is_empty()) {
        line("\nSteps");
        for case in &report.cases {
            line(&format!("  {} of {}", case.transfers, name(case.kind)));
            for step in &case.steps {
                let memory = step.memory_bytes as f64 / 1e9;
                line(&format!("    {:<10} {:>8.0} s {memory:>8.1} GB", step.step, step.seconds));
            }
            let seconds: f64 = case.steps.iter().map(|step| step.seconds).sum();
            let rate = case.transfers as f64 / seconds;
            line(&format!("    in all     {seconds:>8.0} s   {rate:.4} transfers a second"));
            if let Some(bytes) = case.stark_bytes {
                line(&format!("    STARK      {bytes:>8} bytes"));
            }
            if let Some(bytes) = case.l1_proof_bytes {
                line(&format!("    for L1     {bytes:>8} bytes"));
            }
        }
        for each in &report.each {
            if let Some(seconds) = each.seconds {
                line(&format!("  one more of {}: {seconds:.1} s", name(each.kind)));
            }
        }
    }
    line(&format!(
        "\nGas on L1 for a transfer, if one proof ({} gas) is of so many runs like it",
        report.proof_gas
    ));
    let head: String = RANGES.iter().map(|runs| format!("{runs:>10}")).collect();
    line(&format!("  {:<22}{head}", "transfers"));
    for case in &report.cases {
        let what = format!("{} of {}", case.transfers, name(case.kind));
        let costs = RANGES.map(|runs| cost(case, runs, report.proof_gas).gas_per_transfer);
        let row: String = costs.iter().map(|gas| format!("{gas:>10.0}")).collect();
        line(&format!("  {what:<22}{row}"));
    }
}

fn chart(report: &ProveReport) -> String {
    // Five lines can be told apart: those of the most transfers.
    let mut cases: Vec<&Case> = report.cases.iter().collect();
    cases.sort_by_key(|case| std::cmp::Reverse(case.transfers));
    let series = cases.into_iter().take(5).map(|case| {
        let points = RANGES.map(|runs| (runs as f64, cost(case, runs, report.proof_gas).gas_per_transfer));
        (format!("{} transfers of {} in each", case.transfers, name(case.kind)), points.into())
    });
    duplex_stake::lines(
        "proving-cost.svg",
        ["Gas on L1 for a transfer", "What data and proof cost, by how many runs of batches a proof is of"],
        ["runs of batches in one proof", "gas for a transfer"],
        series.collect(),
    )
    .svg
}
