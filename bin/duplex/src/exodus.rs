//! `duplex exodus`.

use std::path::PathBuf;

use alloy_primitives::{Address, U256};
use clap::{Args, Subcommand};
use duplex_bridge::send_transaction;
use duplex_exit::{Exit, ExitOptions, ExodusStatus, start_request};
use duplex_l1::Rpc;
use eyre::bail;
use tokio_util::sync::CancellationToken;

use crate::{
    args::{BlobArgs, FindArgs, KeyArgs, OutputArgs},
    exit::settled,
    output::{self, Told},
    up::stop_on_signal,
};

/// The way out when nobody is left to make claims.
///
/// If no claim has become final for the rollup's exodus delay, anyone may start the exodus, for good. Then L1
/// pays everyone what they have by the last final claim, and gives back deposits that L2 never took.
#[derive(Debug, Subcommand)]
pub(crate) enum ExodusCommand {
    /// Show whether the exodus has begun, or when it can.
    Status(StatusArgs),
    /// Start the exodus, for good. Nothing can be deposited, and no newer claim counts, afterwards.
    Start(StartArgs),
    /// Claim everything that the exodus owes a key. What was claimed before is skipped.
    Claim(ClaimArgs),
}

#[derive(Debug, Args)]
pub(crate) struct StatusArgs {
    #[command(flatten)]
    find: FindArgs,
    #[command(flatten)]
    output: OutputArgs,
}

#[derive(Debug, Args)]
pub(crate) struct StartArgs {
    #[command(flatten)]
    find: FindArgs,
    #[command(flatten)]
    key: KeyArgs,
    #[command(flatten)]
    output: OutputArgs,
}

#[derive(Debug, Args)]
pub(crate) struct ClaimArgs {
    #[command(flatten)]
    find: FindArgs,
    #[command(flatten)]
    key: KeyArgs,
    /// Who is paid on L1; the key's own address unless given.
    #[arg(long, value_name = "ADDRESS")]
    recipient: Option<Address>,
    #[command(flatten)]
    blobs: BlobArgs,
    /// Where the rebuilt L2 is kept.
    #[arg(long, env = "DUPLEX_DATA_DIR", value_name = "DIR", default_value = "duplex-exit")]
    data_dir: PathBuf,
    #[command(flatten)]
    output: OutputArgs,
}

pub(crate) async fn run(command: ExodusCommand) -> eyre::Result<()> {
    match command {
        ExodusCommand::Status(args) => status(args).await,
        ExodusCommand::Start(args) => start(args).await,
        ExodusCommand::Claim(args) => claim(args).await,
    }
}

async fn status(args: StatusArgs) -> eyre::Result<()> {
    let (deployment, l1_url) = args.find.find().await?;
    let status = ExodusStatus::read(&Rpc::new(&l1_url)?, &deployment).await?;
    if args.output.json {
        return output::json(&status);
    }
    output::line(&status.describe());
    output::line(&format!("  claim        {} (output root {})", status.claim, status.output_root));
    if status.started {
        output::line(&format!(
            "  messages     the first {} are in it; later ones are refunded",
            status.messages
        ));
    } else {
        output::line(&format!("  opens after  L1 time {}, now it is {}", status.opens_at, status.now));
    }
    Ok(())
}

async fn start(args: StartArgs) -> eyre::Result<()> {
    let (deployment, l1_url) = args.find.find().await?;
    let (l1, key) = (Rpc::new(&l1_url)?, args.key.signer(&deployment)?);
    let status = ExodusStatus::read(&l1, &deployment).await?;
    if status.started {
        output::note("the exodus had begun already");
    } else if !status.can_start() {
        bail!("{}", status.describe());
    } else {
        let request = start_request(&deployment);
        let sent = send_transaction(&l1, &key, Some(request.to), U256::ZERO, request.data).await?;
        output::note(&format!("L1 transaction {}", sent.receipt.transaction_hash));
    }
    let status = ExodusStatus::read(&l1, &deployment).await?;
    if args.output.json {
        return output::json(&status);
    }
    output::line(&format!("{}; claim with: duplex exodus claim", status.describe()));
    Ok(())
}

async fn claim(args: ClaimArgs) -> eyre::Result<()> {
    let (deployment, l1_url) = args.find.find().await?;
    let key = args.key.signer(&deployment)?;
    let status = ExodusStatus::read(&Rpc::new(&l1_url)?, &deployment).await?;
    // Before anything is rebuilt, which may take long.
    status.must_have_begun(&deployment)?;
    let stop = CancellationToken::new();
    stop_on_signal(stop.clone());
    let options = ExitOptions {
        dir: args.data_dir,
        l1_url,
        deployment,
        blobs: args.blobs.options(),
        key,
        recipient: args.recipient,
        stop,
    };
    let mut exit = Exit::start(options, &Told).await?;
    let report = exit.run_exodus(status).await;
    exit.stop().await;
    settled(args.output.json, &report?)
}
