//! `duplex prove`.

use std::{
    path::{Path, PathBuf},
    time::Duration,
};

use alloy_eips::BlockId;
use alloy_primitives::{Address, B256, U256};
use clap::{Args, Subcommand};
use duplex_l1::Rpc;
use duplex_spv::{Block, Outcome, Proof, Proven, What, block_with, prove_storage, read_block};
use eyre::{OptionExt, WrapErr, bail, ensure, eyre};
use serde_json::json;

use crate::{args::OutputArgs, output};

/// What a node may take to give a block with its receipts, also one by one.
const PATIENCE: Duration = Duration::from_secs(300);

/// Prove what is in a block to anyone who knows the block's hash.
///
/// Works with any Ethereum node and any chain that follows Ethereum's forms, and offline with a block in a
/// file. A proof is a small JSON file: a header and a few nodes of a Merkle-Patricia trie.
#[derive(Debug, Subcommand)]
pub(crate) enum ProveCommand {
    /// Prove a transaction's receipt: that it succeeded, and every event in it.
    Receipt(ItemArgs),
    /// Prove that a transaction was included.
    Transaction(ItemArgs),
    /// Prove an account and some of its storage slots after a block.
    Storage(StorageArgs),
    /// Check a proof, and show what it proves.
    ///
    /// Ends with 0 if it holds, with 1 if not.
    Check(CheckArgs),
}

#[derive(Debug, Args)]
pub(crate) struct ItemArgs {
    /// The transaction's hash; with --block-file also its index in the block.
    #[arg(value_name = "TX")]
    transaction: String,
    /// JSON-RPC of a node that has the block.
    #[arg(long, env = "DUPLEX_RPC", value_name = "URL", required_unless_present = "block_file")]
    rpc: Option<String>,
    /// A file with the block instead: lines `header:`, `body:` and `receipts:` with RLP in hexadecimal,
    /// also packed with gzip.
    #[arg(long, value_name = "FILE")]
    block_file: Option<PathBuf>,
    #[command(flatten)]
    to: WriteArgs,
}

#[derive(Debug, Args)]
pub(crate) struct StorageArgs {
    /// Whose.
    #[arg(value_name = "ADDRESS")]
    address: Address,
    /// Slots: numbers, or 0x and up to 64 digits. Without any, the account alone is proved.
    #[arg(value_name = "SLOT", value_parser = parse_slot)]
    slots: Vec<B256>,
    /// After which block: a number, a hash, or latest, safe, finalized.
    #[arg(long, value_name = "BLOCK", default_value = "latest")]
    block: BlockId,
    /// JSON-RPC of a node that has that state.
    #[arg(long, env = "DUPLEX_RPC", value_name = "URL")]
    rpc: String,
    #[command(flatten)]
    to: WriteArgs,
}

#[derive(Debug, Args)]
struct WriteArgs {
    /// File to write; named after what is proved unless given.
    #[arg(long, value_name = "FILE")]
    out: Option<PathBuf>,
    #[command(flatten)]
    output: OutputArgs,
}

#[derive(Debug, Args)]
pub(crate) struct CheckArgs {
    /// What `duplex prove` wrote.
    #[arg(value_name = "PROOF")]
    proof: PathBuf,
    /// The block must have this hash.
    #[arg(long, value_name = "HASH")]
    block_hash: Option<B256>,
    /// JSON-RPC of a node that you trust: it must have the block.
    #[arg(long, env = "DUPLEX_RPC", value_name = "URL")]
    rpc: Option<String>,
    #[command(flatten)]
    output: OutputArgs,
}

fn parse_slot(text: &str) -> Result<B256, String> {
    let slot = text.parse::<U256>().map_err(|_| "neither a number nor 0x and up to 64 digits".to_owned())?;
    Ok(slot.into())
}

pub(crate) async fn run(command: ProveCommand) -> eyre::Result<()> {
    match command {
        ProveCommand::Receipt(args) => {
            let (block, index) = block_of(&args).await?;
            write(block.prove_receipt(index)?, args.to)
        }
        ProveCommand::Transaction(args) => {
            let (block, index) = block_of(&args).await?;
            write(block.prove_transaction(index)?, args.to)
        }
        ProveCommand::Storage(args) => {
            let proof = prove_storage(&Rpc::new(&args.rpc)?, args.address, &args.slots, args.block).await?;
            write(proof, args.to)
        }
        ProveCommand::Check(args) => check(args).await,
    }
}

async fn block_of(args: &ItemArgs) -> eyre::Result<(Block, usize)> {
    let hash = args.transaction.parse::<B256>();
    if let Some(path) = &args.block_file {
        let block = read_block(path).wrap_err_with(|| path.display().to_string())?;
        let index = match (&hash, args.transaction.parse::<usize>()) {
            (Ok(hash), _) => block.index_of(*hash).ok_or_else(|| {
                eyre!("block {} of {} has no transaction {hash}", block.header().number, path.display())
            })?,
            (Err(_), Ok(index)) => index,
            _ => bail!("{:?} is neither a transaction's hash nor an index", args.transaction),
        };
        return Ok((block, index));
    }
    let url =
        args.rpc.as_deref().ok_or_eyre("name a node with --rpc URL, or a block with --block-file FILE")?;
    let hash = hash.map_err(|_| {
        eyre!(
            "{:?} is no transaction's hash (0x and 64 digits); an index needs --block-file",
            args.transaction
        )
    })?;
    let found = tokio::time::timeout(PATIENCE, block_with(&Rpc::new(url)?, hash)).await;
    Ok(found.map_err(|_| eyre!("{url} did not give the block in {} s", PATIENCE.as_secs()))??)
}

fn write(proof: Proof, to: WriteArgs) -> eyre::Result<()> {
    // Nothing leaves here that the other side would refuse.
    let proven = proof.check()?;
    let path = to.out.unwrap_or_else(|| file_name(&proven).into());
    std::fs::write(&path, serde_json::to_vec_pretty(&proof)?).wrap_err_with(|| path.display().to_string())?;
    if to.output.json {
        return output::json(&json!({ "file": path, "proves": proven }));
    }
    show(&proven);
    output::line(&format!("proof written to {}; check it with `duplex prove check {0}`,", path.display()));
    output::line("  by --rpc or --block-hash of somebody you trust: any node can make up a whole block");
    Ok(())
}

fn file_name(proven: &Proven) -> String {
    let block = proven.block_number;
    match &proven.what {
        What::Transaction { index, .. } => format!("transaction-{block}-{index}.json"),
        What::Receipt { index, .. } => format!("receipt-{block}-{index}.json"),
        What::Account { address, .. } => format!("storage-{block}-{address}.json"),
    }
}

async fn check(args: CheckArgs) -> eyre::Result<()> {
    let proof = read(&args.proof)?;
    let proven = proof.check().wrap_err_with(|| format!("{} proves nothing", args.proof.display()))?;
    if let Some(hash) = args.block_hash {
        ensure!(proven.block_hash == hash, "it is about block {}, not {hash}", proven.block_hash);
    }
    if let Some(url) = &args.rpc {
        let header = Rpc::new(url)?.header(proven.block_number).await?;
        let header = header.ok_or_else(|| eyre!("{url} has no block {}", proven.block_number))?;
        ensure!(
            header.hash == proven.block_hash,
            "it is about block {} with number {}, but {url} has {} there",
            proven.block_hash,
            proven.block_number,
            header.hash
        );
    }
    if args.output.json {
        return output::json(&proven);
    }
    show(&proven);
    output::line(match (args.block_hash, &args.rpc) {
        (None, None) => {
            "the proof holds for this block hash; whether the chain has that block it cannot say: --rpc, --block-hash"
        }
        _ => "the proof holds, and the block is the one that was meant",
    });
    Ok(())
}

fn read(path: &Path) -> eyre::Result<Proof> {
    let bytes = std::fs::read(path).wrap_err_with(|| path.display().to_string())?;
    serde_json::from_slice(&bytes)
        .wrap_err_with(|| format!("{} is not what `duplex prove` writes", path.display()))
}

fn show(proven: &Proven) {
    output::line(&format!("block {} {}", proven.block_number, proven.block_hash));
    match &proven.what {
        What::Transaction { index, hash, tx_type, raw } => {
            output::line(&format!("  transaction {index}: {hash}, type {tx_type}, {} bytes", raw.len()));
        }
        What::Receipt { index, receipt } => {
            let outcome = match receipt.outcome {
                Outcome::Success => "it succeeded".to_owned(),
                Outcome::Failure => "it failed".to_owned(),
                Outcome::PostState(root) => format!("it led to the state {root}"),
            };
            output::line(&format!("  receipt of transaction {index}, type {}: {outcome}", receipt.tx_type));
            for (i, log) in receipt.logs.iter().enumerate() {
                output::line(&format!(
                    "  event {i} of {}, {} bytes of data",
                    log.address,
                    log.data.data.len()
                ));
                for topic in log.topics() {
                    output::line(&format!("    {topic}"));
                }
            }
        }
        What::Account { address, account, slots } => {
            match account {
                Some(account) => output::line(&format!(
                    "  account {address}: {} wei, nonce {}, code {}",
                    account.balance, account.nonce, account.code_hash
                )),
                None => output::line(&format!("  account {address}: there is none")),
            }
            for (slot, value) in slots {
                output::line(&format!("    slot {slot} = {value:#x}"));
            }
        }
    }
}
