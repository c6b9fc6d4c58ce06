//! `duplex relay`.

use std::{net::SocketAddr, path::PathBuf};

use alloy_primitives::{Address, U256};
use alloy_signer_local::PrivateKeySigner;
use clap::{Args, Subcommand, ValueEnum};
use duplex_bridge::{Bridge, Sent, format_units};
use duplex_exit::duration;
use duplex_lane::{LaneError, Relay, RelayOptions, RelayersStatus, Vouching};
use duplex_node::{Relayer, RelayerOptions, Tasks};
use eyre::bail;
use serde_json::json;
use tokio_util::sync::CancellationToken;

use crate::{
    args::{ConnectArgs, KeyArgs, LaneArgs, LayerArg, OutputArgs},
    message::eth,
    output,
    up::stop_on_signal,
};

/// Carry messages between the layers for their fees.
///
/// With `--mode spv`: proves what was sent on one layer to the other, by Merkle proofs; needs no stake and nobody's leave. A
/// message is carried while its fee covers what that costs at the moment, and left alone otherwise. Several relays do each
/// other no harm but for the gas of a lost race.
///
/// With `--mode attest`: a relayer with a stake (`duplex relay join`). It signs what is final, exchanges signatures with the
/// others, delivers what enough of them have signed, proves the rest, answers summonses, and reports who lies.
///
/// With `--siblings FILE`: carries between two L2s, by what L1 knows of each. Nothing pays for that: it is for who wants the
/// messages to arrive. `--most-gas` and `--only-from` bound what that costs.
///
/// What was signed is on disk: after a restart the relay goes on.
#[derive(Debug, Args)]
#[command(args_conflicts_with_subcommands = true)]
pub(crate) struct RelayArgs {
    #[command(subcommand)]
    action: Option<RelayAction>,
    #[command(flatten)]
    run: RunArgs,
}

#[derive(Debug, Subcommand)]
enum RelayAction {
    /// Show the relayers with stakes, and what they can vouch for at the moment.
    Status(StatusArgs),
    /// Become a relayer: stake what the registry asks for.
    Join(KeyedArgs),
    /// Stop being one. The stake stays until nothing can come up any more for which it answers.
    Resign(KeyedArgs),
    /// Fetch shares of fees, rewards, and the stake of who left long enough ago.
    Collect(KeyedArgs),
    /// Ask all relayers to sign for a message from L1, in public. Who does not loses part of its stake.
    Summon(SummonArgs),
    /// Have a relayer punished that did not answer a summons.
    Absent(AbsentArgs),
}

#[derive(Debug, Args)]
struct StatusArgs {
    #[command(flatten)]
    connect: ConnectArgs,
    #[command(flatten)]
    output: OutputArgs,
}

#[derive(Debug, Args)]
struct KeyedArgs {
    #[command(flatten)]
    key: KeyArgs,
    #[command(flatten)]
    connect: ConnectArgs,
    #[command(flatten)]
    output: OutputArgs,
}

#[derive(Debug, Args)]
struct SummonArgs {
    /// Number of the message (`duplex message status` shows it).
    nonce: u64,
    #[command(flatten)]
    keyed: KeyedArgs,
}

#[derive(Debug, Args)]
struct AbsentArgs {
    /// Number of the message that it was summoned to.
    nonce: u64,
    /// The relayer.
    relayer: Address,
    #[command(flatten)]
    keyed: KeyedArgs,
}

/// Gas that a message between two L2s may ask of who carries it for nothing: what a token's takes, and half as much again.
const SIBLING_GAS: u64 = 1_500_000;

/// By what a relay carries.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
enum Mode {
    /// Merkle proofs.
    Spv,
    /// Signatures of relayers with stakes; Merkle proofs for what these do not cover.
    Attest,
}

#[derive(Debug, Args)]
struct RunArgs {
    /// By what it carries.
    #[arg(long, env = "DUPLEX_RELAY_MODE", value_name = "MODE", value_enum, default_value_t = Mode::Spv)]
    mode: Mode,
    /// Where it keeps what it has signed.
    /// duplex-relay unless given; between two L2s duplex-sibling-relay.
    #[arg(long, env = "DUPLEX_DATA_DIR", value_name = "DIR")]
    data_dir: Option<PathBuf>,
    /// ETH that a delivery must earn beyond what it costs.
    #[arg(long, env = "DUPLEX_LEAST_PROFIT", value_name = "ETH", default_value = "0")]
    least_profit: String,
    /// Deliver whatever a message pays.
    #[arg(long, env = "DUPLEX_AT_ANY_LOSS", conflicts_with = "least_profit")]
    at_any_loss: bool,
    /// Leave messages to others whose call asks for more gas than this; between two L2s 1,500,000 unless given.
    #[arg(long, env = "DUPLEX_MOST_GAS", value_name = "GAS")]
    most_gas: Option<u64>,
    /// Carry the messages of this sender only (and tokens and refunds); may be given several times.
    #[arg(long = "only-from", env = "DUPLEX_ONLY_FROM", value_name = "ADDRESS", value_delimiter = ',')]
    only_from: Vec<Address>,
    /// Only the messages from this layer.
    #[arg(long, value_name = "LAYER", value_enum)]
    from: Option<LayerArg>,
    /// Most deliveries under way at a time, each way.
    #[arg(long, env = "DUPLEX_MOST_IN_FLIGHT", value_name = "N", default_value_t = 32,
          value_parser = clap::value_parser!(u16).range(1..))]
    most_in_flight: u16,
    /// Milliseconds between looks.
    #[arg(long, env = "DUPLEX_POLL", value_name = "MS", default_value_t = 500)]
    poll: u64,
    /// With --mode attest: where the other relayers ask for signatures.
    #[arg(long, env = "DUPLEX_LISTEN", value_name = "IP:PORT", default_value = "127.0.0.1:0")]
    listen: SocketAddr,
    /// With --mode attest: where another relayer is asked; may be given several times.
    #[arg(long = "peer", env = "DUPLEX_PEERS", value_name = "URL", value_delimiter = ',')]
    peers: Vec<String>,
    /// With --mode attest: a file with more of them, one a line. It is read again and again, so they may come and go.
    #[arg(long, env = "DUPLEX_PEERS_FILE", value_name = "FILE")]
    peers_file: Option<PathBuf>,
    /// With --mode attest: L1 blocks that must follow before one counts as final; what L1 itself calls final unless given.
    #[arg(long, env = "DUPLEX_CONFIRMATIONS", value_name = "BLOCKS")]
    confirmations: Option<u64>,
    /// With --mode attest: seconds that a message waits for enough signatures before it is proved instead.
    #[arg(long, env = "DUPLEX_PATIENCE", value_name = "SECS", default_value_t = Vouching::PATIENCE.as_secs())]
    patience: u64,
    /// Private key that signs, pays and is paid, on both layers. On devnets: account 7 unless given, between two L2s 3.
    #[arg(long, env = "DUPLEX_KEY", value_name = "HEX", hide_env_values = true)]
    key: Option<String>,
    /// Stop when standard input ends: so it never outlives what started it.
    #[arg(long)]
    stop_with_stdin: bool,
    #[command(flatten)]
    connect: ConnectArgs,
    #[command(flatten)]
    lane: LaneArgs,
    #[command(flatten)]
    output: OutputArgs,
}

pub(crate) async fn run(args: RelayArgs) -> eyre::Result<()> {
    match args.action {
        None => relay(args.run).await,
        Some(RelayAction::Status(args)) => {
            let bridge = args.connect.bridge()?;
            status(&bridge, &bridge.relayers().await?, args.output.json)
        }
        Some(RelayAction::Join(args)) => {
            let (bridge, key) = args.open()?;
            let sent = bridge.join_relayers(&key).await?;
            told(&sent, &format!("{} is a relayer now", key.address()), args.output.json)
        }
        Some(RelayAction::Resign(args)) => {
            let (bridge, key) = args.open()?;
            let unbonding = bridge.lane()?.relayers()?.terms.unbonding;
            let sent = bridge.resign_relayer(&key).await?;
            let left = duration(unbonding);
            let text = format!("{} has resigned; its stake can be collected in {left}", key.address());
            told(&sent, &text, args.output.json)
        }
        Some(RelayAction::Collect(args)) => {
            let (bridge, key) = args.open()?;
            let collected = bridge.collect(&key).await?;
            if args.output.json {
                return output::json(&collected);
            }
            let (l1, l2) = (format_units(collected.l1, 18), format_units(collected.l2, 18));
            output::line(&format!("collected {l1} ETH on L1 and {l2} ETH on L2"));
            Ok(())
        }
        Some(RelayAction::Summon(SummonArgs { nonce, keyed })) => {
            let (bridge, key) = keyed.open()?;
            let period = duration(bridge.lane()?.relayers()?.terms.answer_period);
            let sent = bridge.summon_relayers(&key, nonce).await?;
            let text = format!("the relayers have {period} to sign for message {nonce}");
            told(&sent, &text, keyed.output.json)
        }
        Some(RelayAction::Absent(AbsentArgs { nonce, relayer, keyed })) => {
            let (bridge, key) = keyed.open()?;
            let sent = bridge.report_absent(&key, nonce, relayer).await?;
            told(&sent, &format!("{relayer} has paid for its absence"), keyed.output.json)
        }
    }
}

impl KeyedArgs {
    fn open(&self) -> eyre::Result<(Bridge, PrivateKeySigner)> {
        let bridge = self.connect.bridge()?;
        let key = self.key.signer(&bridge.deployment)?;
        Ok((bridge, key))
    }
}

fn told(sent: &Sent, text: &str, json: bool) -> eyre::Result<()> {
    if json {
        return output::json(sent);
    }
    output::line(text);
    output::line(&format!(
        "  L1 transaction  {} ({} gas)",
        sent.receipt.transaction_hash, sent.receipt.gas_used
    ));
    Ok(())
}

fn status(bridge: &Bridge, status: &RelayersStatus, json: bool) -> eyre::Result<()> {
    let relayers = bridge.lane()?.relayers()?;
    if json {
        return output::json(&json!({ "terms": relayers.terms, "status": status }));
    }
    let ether = |wei: U256| format_units(wei, 18);
    let count = status.relayers.len();
    match status.threshold {
        0 => output::line(&format!("{count} relayers: too few to vouch for anything; messages are proved")),
        threshold => output::line(&format!("set {}: {threshold} of {count} must sign", status.set_id)),
    }
    for row in &status.relayers {
        let fees = ether(row.fees_l1 + row.credit);
        output::line(&format!(
            "  {}  stake {} ETH, to collect {fees} ETH on L1 and {} ETH on L2",
            row.address,
            ether(row.stake),
            ether(row.fees_l2)
        ));
    }
    output::line(&format!(
        "\nWho lies loses all: {} ETH together, if as few lie as must sign.",
        ether(status.slashable)
    ));
    for allowance in &status.allowances {
        let to = allowance.direction.destination();
        let (now, limit) = (ether(allowance.available), ether(allowance.limit));
        let window = duration(allowance.window);
        output::line(&format!(
            "  to {to}: {now} ETH can be vouched for now, {limit} ETH at a time and as much again every {window}"
        ));
    }
    output::line("What is more is proved: it takes a Merkle proof, and to L1 a final claim.");
    Ok(())
}

async fn relay(args: RunArgs) -> eyre::Result<()> {
    let joined = args.lane.siblings.is_some();
    if joined && args.mode == Mode::Attest {
        bail!("nobody vouches between two L2s: leave out --mode attest, or --siblings");
    }
    if joined && args.least_profit != "0" {
        bail!(
            "between two L2s nothing pays a fee, so there is no profit: leave out --least-profit, or --siblings"
        );
    }
    let bridge = args.lane.bridge(&args.connect).await?;
    let key = match &args.key {
        Some(key) => duplex_node::parse_key(key)?,
        // Not the same: two relays with one key would take each other's nonces.
        None if !bridge.deployment.accounts.is_empty() => duplex_node::dev_key(if joined { 3 } else { 7 }),
        None => bail!("this rollup is no devnet: say with --key (or DUPLEX_KEY) who pays and is paid"),
    };
    let attests = !args.peers.is_empty() || args.peers_file.is_some() || args.confirmations.is_some();
    if args.mode == Mode::Spv && attests {
        bail!("--peer, --peers-file and --confirmations are for relayers with stakes: add --mode attest");
    }
    let dir = if joined { "duplex-sibling-relay" } else { "duplex-relay" };
    let dir = args.data_dir.unwrap_or_else(|| dir.into());
    let options = RelayOptions {
        poll: std::time::Duration::from_millis(args.poll.max(10)),
        least_profit: eth(&args.least_profit, "--least-profit")?,
        // Between two L2s nothing pays a fee.
        at_any_loss: args.at_any_loss || joined,
        most_gas: args.most_gas.unwrap_or(if joined { SIBLING_GAS } else { u64::MAX }),
        senders: args.only_from,
        directions: args.from.map(|from| from.direction(&args.lane)).into_iter().collect(),
        most_in_flight: args.most_in_flight.into(),
        ..RelayOptions::new(dir)
    };
    let address = key.address();
    let lane = bridge.lane()?;
    if let Some(direction) = options.directions.iter().find(|way| !lane.directions().contains(way)) {
        return Err(LaneError::NoEnd(direction.source()).into());
    }
    if args.mode == Mode::Spv {
        let relay = Relay::open(lane, key, options).await?;
        if args.output.json {
            output::json(&json!({ "relayer": address }))?;
        } else {
            output::note(&format!("relaying as {address}; stop with Ctrl-C"));
        }
        let cancel = CancellationToken::new();
        stops(&cancel, args.stop_with_stdin);
        relay.run(cancel).await?;
    } else {
        lane.relayers()?;
        let relayer = Relayer::listen(args.listen).await?;
        let url = format!("http://{}", relayer.addr);
        if args.output.json {
            output::json(&json!({ "relayer": address, "url": url }))?;
        } else {
            output::note(&format!(
                "attesting and relaying as {address}; other relayers ask at {url}; stop with Ctrl-C"
            ));
        }
        let status = bridge.relayers().await?;
        if !status.relayers.iter().any(|row| row.address == address) {
            output::note("this key has no stake, so its signatures count for nothing: duplex relay join");
        }
        let mut tasks = Tasks::default();
        let options = RelayerOptions {
            relay: options,
            peers: args.peers,
            peers_file: args.peers_file,
            confirmations: args.confirmations,
            patience: std::time::Duration::from_secs(args.patience),
        };
        relayer.start(lane, key, options, &mut tasks).await?;
        stops(&tasks.cancel_token(), args.stop_with_stdin);
        tasks.wait().await?;
    }
    output::note("stopped; what it has signed is on disk");
    Ok(())
}

/// Cancels when the process is asked to stop.
fn stops(cancel: &CancellationToken, with_stdin: bool) {
    stop_on_signal(cancel.clone());
    if with_stdin {
        let cancel = cancel.clone();
        // A thread of its own: a read from standard input cannot be given up, and the runtime would wait for it.
        std::thread::spawn(move || {
            // What is there to read means nothing; an error is an end, too.
            let _ = std::io::copy(&mut std::io::stdin().lock(), &mut std::io::sink());
            cancel.cancel();
        });
    }
}
