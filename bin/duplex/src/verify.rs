//! `duplex verify`.

use std::{path::PathBuf, process::ExitCode};

use clap::Args;
use duplex_exit::{Rebuild, RebuildOptions, Verdict, Verified, verify};
use duplex_l1::{ClaimStatus, Rpc};
use eyre::WrapErr;
use tokio_util::sync::CancellationToken;

use crate::{
    args::{BlobArgs, FindArgs, OutputArgs},
    output,
    up::stop_on_signal,
};

/// Exit status if the answer is that something is wrong, and if there is no answer.
const WRONG: u8 = 1;
const UNKNOWN: u8 = 2;

/// Rebuild L2 from L1 alone and compare every claim on L1 with it.
///
/// Reads L1 up to the block that is its newest when this starts. Exit status: 0 if every claim is true (and
/// the node of --against has the same blocks), 1 if one is false or the node differs, 2 if that cannot be
/// said, because L1 does not answer for example.
#[derive(Debug, Args)]
pub(crate) struct VerifyArgs {
    #[command(flatten)]
    find: FindArgs,
    #[command(flatten)]
    blobs: BlobArgs,
    /// Where the rebuilt L2 is kept, so that the next time only what is new is derived; a temporary
    /// directory unless given.
    #[arg(long, env = "DUPLEX_DATA_DIR", value_name = "DIR")]
    data_dir: Option<PathBuf>,
    /// RPC of an L2 node whose blocks are compared, too.
    #[arg(long, env = "DUPLEX_AGAINST", value_name = "URL")]
    against: Option<String>,
    #[command(flatten)]
    output: OutputArgs,
}

pub(crate) async fn run(args: VerifyArgs) -> ExitCode {
    match check(args).await {
        Ok(true) => ExitCode::SUCCESS,
        Ok(false) => ExitCode::from(WRONG),
        Err(error) => {
            output::fail(&error);
            ExitCode::from(UNKNOWN)
        }
    }
}

async fn check(args: VerifyArgs) -> eyre::Result<bool> {
    let (deployment, l1_url) = args.find.find().await?;
    let against = args.against.as_deref().map(Rpc::new).transpose()?;
    let temporary = match &args.data_dir {
        None => Some(tempfile::tempdir().wrap_err("no temporary directory; name one with --data-dir")?),
        Some(_) => None,
    };
    let dir = args.data_dir.or_else(|| temporary.as_ref().map(|dir| dir.path().into())).unwrap_or_default();
    let stop = CancellationToken::new();
    stop_on_signal(stop.clone());
    let blobs = args.blobs.options();
    let options =
        RebuildOptions { dir, l1_url, deployment, blobs, key: None, append: false, trust_proofs: None, stop };
    let mut rebuild = Rebuild::start(options).await?;
    let found = verify(&mut rebuild, against.as_ref(), |line| output::note(&format!("  {line}"))).await;
    rebuild.stop().await;
    let found = found?;
    if args.output.json {
        output::json(&found)?;
    } else {
        show(&found);
    }
    Ok(found.ok)
}

fn show(found: &Verified) {
    let line = output::line;
    line(&format!(
        "L1 block {} {}: {} batches, L2 block {} {}",
        found.l1_block, found.l1_hash, found.batches, found.l2_block, found.l2_hash
    ));
    if found.undecodable + found.skipped > 0 {
        line(&format!(
            "void batches: {}; transactions in batches that could not be executed: {}",
            found.undecodable, found.skipped
        ));
    }
    if !found.claims.is_empty() {
        line(&output::bold("\n  claim  status     batch  L2 blocks              output root   verdict"));
    }
    for claim in &found.claims {
        line(&row(claim));
    }
    for claim in &found.claims {
        if let Some(block) = claim.first_suspect() {
            line(&format!(
                "\nclaim {} by {} is FALSE; L2 blocks {} to {}, the first that can differ is {block}\n  \
                 says    output root {} · block outputs {}\n  derived output root {} · block outputs {}",
                claim.claim,
                claim.proposer,
                claim.first_block,
                claim.last_block,
                claim.claimed.output,
                claim.claimed.block_outputs,
                claim.derived.output,
                claim.derived.block_outputs,
            ));
        }
    }
    if let Some(against) = &found.against {
        match against.difference {
            None => line(&format!("\n{} has the same blocks, up to {}", against.url, against.up_to)),
            Some(difference) => line(&format!(
                "\n{} DIFFERS: the first block is {}\n  derived {}\n  there   {}",
                against.url, difference.block, difference.derived, difference.theirs
            )),
        }
    }
    let wrong = found.claims.iter().filter(|claim| !claim.is_true()).count();
    let verdict = match (wrong, found.claims.len()) {
        (0, 0) => "nothing was claimed yet".into(),
        (0, count) => format!("all {count} claims are true"),
        (wrong, count) => format!("{wrong} of {count} claims are false"),
    };
    line(&format!("\n{verdict}; {:.1} s", found.seconds));
}

fn row(claim: &Verdict) -> String {
    let status = match claim.status {
        ClaimStatus::Pending => "pending",
        ClaimStatus::Rejected => "rejected",
        ClaimStatus::Final => "final",
    };
    let verdict = if claim.is_true() { "true" } else { "FALSE" };
    let root = claim.claimed.output.to_string();
    let blocks = format!("{} to {}", claim.first_block, claim.last_block);
    format!(
        "  {:>5}  {status:<9}  {:>5}  {blocks:<21}  {}…  {verdict}",
        claim.claim,
        claim.last_batch,
        root.get(..12).unwrap_or(&root)
    )
}
