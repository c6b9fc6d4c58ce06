//! `duplex siblings`.

use std::path::{Path, PathBuf};

use alloy_primitives::Address;
use clap::{Args, Subcommand};
use duplex_bridge::{JoinRequest, join_siblings};
use duplex_l1::{Deployment, Rpc};
use duplex_lane::{Direction, Layer, SiblingEnd, Siblings};
use eyre::{WrapErr, bail};

use crate::{
    args::{ConnectArgs, KeyArgs, LaneArgs, OutputArgs},
    output::{self, Told},
};

/// Join two L2s of one L1, so that messages and tokens go from one to the other.
///
/// Each gets a light client of the other: it takes what is in a claim that is final on L1. Nobody else is trusted, nobody has
/// a say in it afterwards, and a fault of one L2 can cost only those who sent tokens there or hold what came from it.
#[derive(Debug, Subcommand)]
pub(crate) enum SiblingsCommand {
    Join(JoinArgs),
    Check(CheckArgs),
    Exit(ExitArgs),
}

/// Put on both L2s what joins them, and write the file that says where it is.
#[derive(Debug, Args)]
pub(crate) struct JoinArgs {
    /// Deployment file of the other L2.
    #[arg(long, value_name = "FILE")]
    with: PathBuf,
    /// File to write.
    #[arg(long, value_name = "FILE", default_value = "siblings.json")]
    out: PathBuf,
    #[command(flatten)]
    key: KeyArgs,
    #[command(flatten)]
    connect: ConnectArgs,
    #[command(flatten)]
    output: OutputArgs,
}

/// Check that what joins two L2s is of this program, and knows of these two and of nobody else.
#[derive(Debug, Args)]
pub(crate) struct CheckArgs {
    #[command(flatten)]
    connect: ConnectArgs,
    #[command(flatten)]
    lane: LaneArgs,
    #[command(flatten)]
    output: OutputArgs,
}

/// When the other L2 is in exodus: have back here what you held there of a token from here.
#[derive(Debug, Args)]
pub(crate) struct ExitArgs {
    /// The token here: UNI, DAI, or its address.
    #[arg(long, value_name = "TOKEN")]
    token: String,
    /// Who gets it; the signer unless given.
    #[arg(long, value_name = "ADDRESS")]
    to: Option<Address>,
    #[command(flatten)]
    key: KeyArgs,
    #[command(flatten)]
    connect: ConnectArgs,
    #[command(flatten)]
    lane: LaneArgs,
    #[command(flatten)]
    output: OutputArgs,
}

pub(crate) async fn run(command: SiblingsCommand) -> eyre::Result<()> {
    match command {
        SiblingsCommand::Join(args) => join(args).await,
        SiblingsCommand::Check(args) => check(args).await,
        SiblingsCommand::Exit(args) => exit(args).await,
    }
}

async fn join(args: JoinArgs) -> eyre::Result<()> {
    let bridge = args.connect.bridge()?;
    let key = args.key.signer(&bridge.deployment)?;
    if args.out.exists() {
        bail!("{} exists: name another file with --out, or remove it", args.out.display());
    }
    if args.out.parent().is_some_and(|folder| !folder.as_os_str().is_empty() && !folder.is_dir()) {
        bail!("{} cannot be written: there is no such folder", args.out.display());
    }
    let other = Deployment::load(&args.with)?;
    let rollups = [
        JoinRequest {
            rpc: bridge.l2.clone(),
            deployment: bridge.deployment.clone(),
            path: absolute(&args.connect.deployment)?,
        },
        JoinRequest { rpc: Rpc::new(&other.l2_rpc)?, deployment: other, path: absolute(&args.with)? },
    ];
    let siblings = join_siblings(&bridge.l1, &key, rollups, &Told).await?;
    siblings.save(&args.out)?;
    show(&siblings, &args.out, args.output.json)
}

async fn check(args: CheckArgs) -> eyre::Result<()> {
    let Some(path) = args.lane.siblings.clone() else { bail!("say with --siblings which file to check") };
    // Whoever uses a lane between siblings has it checked first.
    args.lane.bridge(&args.connect).await?;
    show(&Siblings::load(&path)?, &path, args.output.json)
}

async fn exit(args: ExitArgs) -> eyre::Result<()> {
    let bridge = args.lane.bridge(&args.connect).await?;
    let key = args.key.signer(&bridge.deployment)?;
    let (token, _) = bridge.token_at(Direction::Over, &args.token).await?;
    let to = args.to.unwrap_or(key.address());
    let sent = bridge.exit_sibling(&key, Layer::L2, Layer::Sibling, token, to).await?;
    if args.output.json {
        return output::json(&sent);
    }
    output::line(&format!("{to} has what {} held on the other L2", key.address()));
    output::line(&format!("  L2 transaction  {}", sent.receipt.transaction_hash));
    Ok(())
}

fn absolute(path: &Path) -> eyre::Result<PathBuf> {
    std::path::absolute(path).wrap_err_with(|| path.display().to_string())
}

fn show(siblings: &Siblings, path: &Path, json: bool) -> eyre::Result<()> {
    if json {
        return output::json(siblings);
    }
    let [a, b] = &siblings.ends;
    output::line(&format!("L2s {} and {} are joined ({})", a.chain_id, b.chain_id, path.display()));
    for SiblingEnd { chain_id, endpoint, port, verifier, .. } in [a, b] {
        output::line(&format!("  on {chain_id}: Endpoint {endpoint}, port {port}, verifier {verifier}"));
    }
    output::line("  carry between them with: duplex relay --siblings FILE");
    Ok(())
}
