//! Duplex: an Ethereum Layer 2 in one binary.
//!
//! stdout is the result, stderr is everything else.

mod args;
mod bench;
mod dispute;
mod exit;
mod exodus;
mod force;
mod fraud;
mod message;
mod node;
mod output;
mod progress;
mod prove;
mod relay;
mod siblings;
mod stake;
mod tour;
mod up;
mod user;
mod verify;
mod vm;
mod witness;

use std::process::ExitCode;

use clap::{Parser, Subcommand};
use tracing_subscriber::EnvFilter;

#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

/// An Ethereum Layer 2 in one binary.
///
/// `duplex up` starts everything on this machine: a development L1, the contracts, the L2.
/// `duplex tour` shows the whole path once, on a devnet of its own.
#[derive(Debug, Parser)]
#[command(name = "duplex", version, max_term_width = 100)]
struct Cli {
    #[command(subcommand)]
    command: Command,

    #[command(flatten)]
    log: LogArgs,
}

/// What is logged to stderr.
#[derive(Debug, clap::Args)]
struct LogArgs {
    /// What to log: error, warn, info, debug, trace, or per part, such as `warn,duplex_actors=debug`.
    #[arg(long, global = true, env = "DUPLEX_LOG", value_name = "FILTER")]
    log: Option<String>,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// Start (or resume) L1, contracts and L2, and serve until Ctrl-C.
    Up(up::UpArgs),
    Node(node::NodeArgs),
    Sequence(node::SequenceArgs),
    /// Run the embedded development L1 alone.
    L1(node::L1Args),
    Deploy(node::DeployArgs),
    /// Move ETH or a token from L1 to L2.
    Deposit(user::MoveArgs),
    /// Move ETH or a token on L2.
    Transfer(user::MoveArgs),
    /// Show balances on both layers.
    Balance(user::BalanceArgs),
    /// Move ETH or a token from L2 to L1: start, wait until final, prove, release.
    Withdraw(user::WithdrawArgs),
    /// Show how far the rollup, a deposit or a withdrawal has come.
    Status(user::StatusArgs),
    #[command(subcommand)]
    Message(message::MessageCommand),
    Relay(relay::RelayArgs),
    #[command(subcommand)]
    Siblings(siblings::SiblingsCommand),
    Verify(verify::VerifyArgs),
    Force(force::ForceArgs),
    Exit(exit::ExitArgs),
    #[command(subcommand)]
    Exodus(exodus::ExodusCommand),
    Stake(stake::StakeArgs),
    Challenger(node::ChallengerArgs),
    #[command(subcommand)]
    Dispute(dispute::DisputeCommand),
    Witness(witness::WitnessArgs),
    Reexec(witness::ReexecArgs),
    #[command(subcommand)]
    Prove(prove::ProveCommand),
    #[command(subcommand)]
    Vm(vm::VmCommand),
    /// Walk one person's whole path on a devnet of its own, and check every balance.
    Tour(tour::TourArgs),
    /// Measure.
    #[command(subcommand)]
    Bench(bench::BenchCommand),
}

impl Command {
    /// What is logged unless something else is asked for.
    const fn default_log(&self) -> &'static str {
        match self {
            Self::Up(_)
            | Self::Node(_)
            | Self::Sequence(_)
            | Self::Challenger(_)
            | Self::L1(_)
            | Self::Relay(_) => "info",
            _ => "warn",
        }
    }
}

fn main() -> ExitCode {
    let cli = Cli::parse();
    let filter = cli.log.log.clone().unwrap_or_else(|| cli.command.default_log().into());
    let filter = match EnvFilter::try_new(&filter) {
        Ok(filter) => filter,
        Err(error) => return output::fail(&eyre::eyre!("--log {filter:?}: {error}")),
    };
    tracing_subscriber::fmt()
        .with_env_filter(filter)
        .with_writer(std::io::stderr)
        .with_ansi(output::colours_on_stderr())
        .with_target(false)
        .init();
    let runtime = match tokio::runtime::Builder::new_multi_thread().enable_all().build() {
        Ok(runtime) => runtime,
        Err(error) => return output::fail(&eyre::eyre!("cannot start threads: {error}")),
    };
    match runtime.block_on(run(cli.command)) {
        Ok(code) => code,
        Err(error) => output::fail(&error),
    }
}

async fn run(command: Command) -> eyre::Result<ExitCode> {
    match command {
        Command::Up(args) => up::run(args).await?,
        Command::Node(args) => node::run(args).await?,
        Command::Sequence(args) => node::run_sequence(args).await?,
        Command::L1(args) => node::run_l1(args).await?,
        Command::Deploy(args) => node::run_deploy(args).await?,
        Command::Deposit(args) => user::deposit(args).await?,
        Command::Transfer(args) => user::transfer(args).await?,
        Command::Balance(args) => user::balance(args).await?,
        Command::Withdraw(args) => user::withdraw(args).await?,
        Command::Status(args) => user::status(args).await?,
        Command::Message(command) => message::run(command).await?,
        Command::Relay(args) => relay::run(args).await?,
        Command::Siblings(command) => siblings::run(command).await?,
        Command::Verify(args) => return Ok(verify::run(args).await),
        Command::Force(args) => force::run(args).await?,
        Command::Exit(args) => return exit::run(args).await,
        Command::Exodus(command) => exodus::run(command).await?,
        Command::Stake(args) => stake::run(&args)?,
        Command::Challenger(args) => node::run_challenger(args).await?,
        Command::Dispute(command) => dispute::run(command).await?,
        Command::Witness(args) => witness::run(args).await?,
        Command::Reexec(args) => return witness::reexec(&args),
        Command::Prove(command) => prove::run(command).await?,
        Command::Vm(command) => return Ok(vm::run(command)),
        Command::Tour(args) => return tour::run(args).await,
        Command::Bench(command) => bench::run(command).await?,
    }
    Ok(ExitCode::SUCCESS)
}
