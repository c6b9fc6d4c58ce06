//! `duplex witness`, `duplex reexec`.

use std::{collections::BTreeMap, path::PathBuf, process::ExitCode, time::Instant};

use alloy_primitives::{Address, B256, Bytes, U64, U256};
use clap::Args;
use duplex_actors::{challenger::Witness, program};
use duplex_bridge::Bridge;
use duplex_vm::{Machine, Status};
use eyre::{WrapErr, bail, ensure};
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

use crate::{
    args::{ConnectArgs, OutputArgs},
    output,
};

/// Write everything that executing a block or a transaction reads: storage proofs, code, headers, the batch.
///
/// The file needs no trust: whatever is in it is named by its hash. `duplex reexec` executes it.
#[derive(Debug, Args)]
pub(crate) struct WitnessArgs {
    /// A block's number, or a transaction's hash.
    #[arg(value_name = "BLOCK|TX")]
    of: String,
    /// File to write; `witness-BLOCK.json` unless given.
    #[arg(long, value_name = "FILE")]
    out: Option<PathBuf>,
    #[command(flatten)]
    connect: ConnectArgs,
    #[command(flatten)]
    output: OutputArgs,
}

/// What the file has.
#[derive(Debug, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
struct File {
    #[serde(flatten)]
    witness: Witness,
    /// The transaction that it is about, if it is about one.
    #[serde(skip_serializing_if = "Option::is_none")]
    transaction: Option<B256>,
    /// Accounts and slots that it reads, proved on the state before the block (EIP-1186), with their code.
    reads: Vec<Value>,
}

pub(crate) async fn run(args: WitnessArgs) -> eyre::Result<()> {
    let bridge = args.connect.bridge()?;
    let (block, transaction) = target(&bridge, &args.of).await?;
    let witness: Witness = bridge
        .l2
        .request("duplex_witness", (U64::from(block),))
        .await
        .wrap_err_with(|| format!("no witness of block {block} from {}", bridge.l2.url()))?;
    let reads = reads(&bridge, block, transaction).await?;
    let path = args.out.unwrap_or_else(|| format!("witness-{block}.json").into());
    let (preimages, bytes) =
        (witness.preimages.len(), witness.preimages.iter().map(|bytes| bytes.len()).sum::<usize>());
    let (accounts, blobs) = (reads.len(), witness.blobs.len());
    let slots: usize = reads.iter().map(|read| read["storageProof"].as_array().map_or(0, Vec::len)).sum();
    let file = File { witness, transaction, reads };
    std::fs::write(&path, serde_json::to_vec(&file)?).wrap_err_with(|| path.display().to_string())?;
    if args.output.json {
        output::json(&json!({
            "file": path, "block": block, "transaction": transaction, "preimages": preimages, "bytes": bytes,
            "blobs": blobs, "accounts": accounts, "slots": slots,
        }))?;
    } else {
        output::line(&format!("block {block}, as batch {} says it", file.witness.batch_hash));
        if let Some(hash) = transaction {
            output::line(&format!("  for transaction {hash}"));
        }
        output::line(&format!("  {accounts} accounts and {slots} slots read, with their proofs"));
        output::line(&format!("  {preimages} preimages, {bytes} bytes; {blobs} blobs"));
        output::line(&format!("written to {}; execute it with `duplex reexec {0}`", path.display()));
    }
    Ok(())
}

/// The block that is meant, and the transaction.
async fn target(bridge: &Bridge, of: &str) -> eyre::Result<(u64, Option<B256>)> {
    if let Ok(number) = of.parse::<u64>() {
        ensure!(number > 0, "block 0 is genesis: nothing was executed for it");
        return Ok((number, None));
    }
    let hash: B256 = of.parse().map_err(|_| {
        eyre::eyre!("{of:?} is neither a block's number nor a transaction's hash (0x and 64 digits)")
    })?;
    let receipt = bridge.l2.receipt(hash).await?;
    let receipt = receipt.ok_or_else(|| eyre::eyre!("{} has no transaction {hash}", bridge.l2.url()))?;
    Ok((receipt.block_number.to(), Some(hash)))
}

/// What is read, with its proofs.
async fn reads(bridge: &Bridge, block: u64, transaction: Option<B256>) -> eyre::Result<Vec<Value>> {
    let tracer = json!({ "tracer": "prestateTracer" });
    let traces: Vec<Value> = match transaction {
        Some(hash) => vec![bridge.l2.request("debug_traceTransaction", (hash, tracer)).await?],
        None => {
            let all: Vec<Value> =
                bridge.l2.request("debug_traceBlockByNumber", (U64::from(block), tracer)).await?;
            all.into_iter().map(|trace| trace["result"].clone()).collect()
        }
    };
    let mut read: BTreeMap<Address, BTreeMap<B256, ()>> = BTreeMap::new();
    for trace in &traces {
        for (address, account) in trace.as_object().into_iter().flatten() {
            let slots = read.entry(address.parse()?).or_default();
            for slot in account["storage"].as_object().into_iter().flat_map(|storage| storage.keys()) {
                slots.insert(slot.parse()?, ());
            }
        }
    }
    let before = U64::from(block - 1);
    let mut proofs = Vec::new();
    for (address, slots) in read {
        let slots: Vec<U256> = slots.into_keys().map(|slot| U256::from_be_bytes(slot.0)).collect();
        let mut proof: Value = bridge.l2.request("eth_getProof", (address, slots, before)).await?;
        let code: Bytes = bridge.l2.request("eth_getCode", (address, before)).await?;
        if !code.is_empty() {
            proof["code"] = json!(code);
        }
        proofs.push(proof);
    }
    Ok(proofs)
}

/// Execute a block again from its witness alone, and print its roots.
///
/// Nothing is asked of any node. Ends with 0 if the result is what the witness says, with 1 if not.
#[derive(Debug, Args)]
pub(crate) struct ReexecArgs {
    /// What `duplex witness` wrote.
    #[arg(value_name = "WITNESS")]
    witness: PathBuf,
    /// Execute it in the proof machine, instruction by instruction, as a dispute would.
    #[arg(long)]
    vm: bool,
    /// Check this output root instead of the one in the file.
    #[arg(long, value_name = "ROOT")]
    output_root: Option<B256>,
    #[command(flatten)]
    output: OutputArgs,
}

pub(crate) fn reexec(args: &ReexecArgs) -> eyre::Result<ExitCode> {
    let text = std::fs::read(&args.witness).wrap_err_with(|| args.witness.display().to_string())?;
    let file: File = serde_json::from_slice(&text)
        .wrap_err_with(|| format!("{} is not a witness", args.witness.display()))?;
    let witness = file.witness;
    let claimed = args.output_root.unwrap_or(witness.output);
    let start = Instant::now();
    if args.vm {
        return in_machine(&witness, claimed, args.output.json);
    }
    let output = witness.execute()?;
    let seconds = start.elapsed().as_secs_f64();
    let holds = output == claimed;
    if args.output.json {
        output::json(&json!({
            "block": witness.block_number, "parentOutput": witness.parent_output, "output": output,
            "claimed": claimed, "holds": holds, "seconds": seconds,
        }))?;
    } else {
        output::line(&format!("block {}", witness.block_number));
        output::line(&format!("  output root before  {}", witness.parent_output));
        output::line(&format!("  output root         {output}"));
        let verdict = if holds { "as claimed".into() } else { format!("but {claimed} was claimed") };
        output::line(&format!("{verdict}; {seconds:.3} s"));
    }
    Ok(if holds { ExitCode::SUCCESS } else { ExitCode::FAILURE })
}

fn in_machine(witness: &Witness, claimed: B256, json: bool) -> eyre::Result<ExitCode> {
    let statement = duplex_program::Statement { output: claimed, ..witness.statement() };
    let mut inputs = witness.inputs(&statement)?;
    let mut machine = Machine::new(program());
    let start = Instant::now();
    machine.run(duplex_vm::MAX_STEPS, &mut inputs)?;
    let seconds = start.elapsed().as_secs_f64();
    let state = machine.state();
    let holds = state.status == Status::Exited && state.exit_code == 0;
    let rate = state.step as f64 / seconds / 1e6;
    if json {
        output::json(&json!({
            "block": witness.block_number, "claimed": claimed, "holds": holds, "steps": state.step,
            "status": format!("{:?}", state.status), "exitCode": state.exit_code, "stateHash": state.hash(),
            "seconds": seconds,
        }))?;
    } else {
        output::line(&format!("block {}: is its output root {claimed}?", witness.block_number));
        output::line(&format!(
            "  {:?} with {} after {} steps in {seconds:.2} s ({rate:.0} million a second)",
            state.status, state.exit_code, state.step
        ));
        output::line(&format!("  last state  {}", state.hash()));
        output::line(if holds { "it is" } else { "it is not" });
    }
    match state.status {
        Status::Running => bail!("the program did not end within {} steps", duplex_vm::MAX_STEPS),
        _ => Ok(if holds { ExitCode::SUCCESS } else { ExitCode::FAILURE }),
    }
}
