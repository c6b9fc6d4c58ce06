//! `duplex up`.

use std::{
    net::IpAddr,
    path::{Path, PathBuf},
    time::Duration,
};

use clap::Args;
use duplex_bridge::format_units;
use duplex_l1::{Deployment, SettlementMode};
use duplex_node::{Devnet, DevnetOptions, L2_CHAIN_ID, Pair, parse_key};

use crate::{
    args::{BlobArgs, BondArgs, BridgeKind, DelayArgs, OutputArgs, PaceArgs, ProverArgs, relayer_stake},
    output, progress,
};

/// Start (or resume) L1, contracts and L2, and serve until Ctrl-C.
#[derive(Debug, Args)]
pub(crate) struct UpArgs {
    /// JSON-RPC of an L1 to use instead of the embedded one (anvil, for example).
    #[arg(long, env = "DUPLEX_L1", value_name = "URL")]
    l1: Option<String>,
    /// Port of the embedded L1; 0 takes a free one.
    #[arg(long, env = "DUPLEX_L1_PORT", value_name = "PORT", default_value_t = 8545)]
    l1_port: u16,
    /// Port of the L2; 0 takes a free one.
    #[arg(long, env = "DUPLEX_L2_PORT", value_name = "PORT", default_value_t = 9545)]
    l2_port: u16,
    /// Address to listen on.
    #[arg(long, env = "DUPLEX_HOST", value_name = "IP", default_value = "127.0.0.1")]
    host: IpAddr,
    /// Where everything is kept.
    #[arg(long, env = "DUPLEX_DATA_DIR", value_name = "DIR", default_value = "duplex-data")]
    data_dir: PathBuf,
    /// Remove what is there and start anew.
    #[arg(long, env = "DUPLEX_FRESH")]
    fresh: bool,
    #[command(flatten)]
    delays: DelayArgs,
    /// Milliseconds between blocks of the embedded L1.
    #[arg(long, env = "DUPLEX_L1_BLOCK_TIME", value_name = "MS", default_value_t = 1000)]
    l1_block_time: u64,
    /// Whether to challenge false claims on L1, and defend true ones.
    #[arg(
        long,
        env = "DUPLEX_CHALLENGE",
        value_name = "BOOL",
        default_value_t = true,
        action = clap::ArgAction::Set
    )]
    challenge: bool,
    /// Chain id of the L2.
    #[arg(long, env = "DUPLEX_L2_CHAIN_ID", value_name = "ID", default_value_t = L2_CHAIN_ID)]
    l2_chain_id: u64,
    /// How many rollups: 2 are on the same L1 and joined, so that messages and tokens go from one to the other.
    #[arg(long, env = "DUPLEX_ROLLUPS", value_name = "N", default_value_t = 1,
          value_parser = clap::value_parser!(u8).range(1..=2))]
    rollups: u8,
    #[command(flatten)]
    prover: ProverArgs,
    /// How deposits and messages cross.
    #[arg(long, env = "DUPLEX_BRIDGE", value_name = "KIND", value_enum, default_value_t = BridgeKind::Derived)]
    bridge: BridgeKind,
    /// Whether to carry the lane's messages: by a relay, or by five relayers with stakes. Only on a development L1: their
    /// keys are known to everybody.
    #[arg(long, env = "DUPLEX_RELAY", value_name = "BOOL", default_value_t = true, action = clap::ArgAction::Set)]
    relay: bool,
    /// ETH that each relayer stakes, with --bridge multisig.
    #[arg(long, env = "DUPLEX_RELAYER_STAKE", value_name = "ETH", default_value = "10")]
    relayer_stake: String,
    /// Private key that deploys and operates; development account 9 on a development L1.
    #[arg(long, env = "DUPLEX_L1_KEY", value_name = "HEX", hide_env_values = true)]
    l1_key: Option<String>,
    #[command(flatten)]
    bonds: BondArgs,
    #[command(flatten)]
    blobs: BlobArgs,
    #[command(flatten)]
    pace: PaceArgs,
    #[command(flatten)]
    output: OutputArgs,
}

pub(crate) async fn run(args: UpArgs) -> eyre::Result<()> {
    let options = DevnetOptions {
        data_dir: args.data_dir.clone(),
        fresh: args.fresh,
        l1_url: args.l1,
        host: args.host,
        l1_port: args.l1_port,
        l2_port: args.l2_port,
        l2_chain_id: args.l2_chain_id,
        l1_block_time: Duration::from_millis(args.l1_block_time.max(1)),
        block_time: args.pace.block_time(),
        delays: args.delays.delays()?,
        confirmations: args.pace.confirmations,
        pace: args.pace.pace(),
        blobs: args.blobs.options(),
        challenge: args.challenge,
        bond_gas_price: args.bonds.gas_price(),
        settlement: args.prover.settlement.mode(),
        prover: args.prover.prover(),
        lane: args.bridge.lane(),
        relay: args.relay,
        relayer_stake: relayer_stake(&args.relayer_stake)?,
        key: args.l1_key.as_deref().map(parse_key).transpose()?,
        history: args.pace.history(),
        progress: |step| output::note(&format!("  {step}")),
        ..DevnetOptions::default()
    };
    let started = std::time::Instant::now();
    if args.rollups == 2 {
        return run_pair(Pair::start(options).await?, &args.data_dir, args.output.json, started).await;
    }
    let devnet = Devnet::start(options).await?;
    if args.output.json {
        output::json(&devnet.deployment)?;
    } else {
        banner(
            &devnet.deployment,
            devnet.l1.is_some(),
            args.l1_block_time,
            args.pace.block_time,
            devnet.resumed,
        );
        output::line(&format!(
            "\nReady after {:.1} s. Deployment: {}. Stop with Ctrl-C.",
            started.elapsed().as_secs_f64(),
            args.data_dir.join("deployment.json").display()
        ));
    }
    stop_on_signal(devnet.cancel_token());
    let shown = devnet.l2.prover.clone().map(|proving| tokio::spawn(progress::show_proving(proving)));
    let done = devnet.run().await;
    if let Some(shown) = shown {
        shown.abort();
    }
    done?;
    output::note("stopped; everything is on disk");
    Ok(())
}

async fn run_pair(pair: Pair, data_dir: &Path, json: bool, started: std::time::Instant) -> eyre::Result<()> {
    let Pair { first, second, siblings } = &pair;
    if json {
        let rollups = [&first.deployment, &second.deployment];
        output::json(&serde_json::json!({ "rollups": rollups, "siblings": siblings }))?;
    } else {
        let row = |name: &str, value: String| output::line(&format!("  {name:<14}{value}"));
        output::line(&output::bold("Two rollups on one L1, joined"));
        row("L1", format!("{} (chain id {})", first.deployment.l1_rpc, first.deployment.l1_chain_id));
        for (devnet, folder) in [(first, data_dir.to_owned()), (second, data_dir.join("second"))] {
            let Deployment { l2_rpc, l2_chain_id, contracts, .. } = &devnet.deployment;
            output::line(&format!("\n{}", output::bold(&format!("Rollup {l2_chain_id}"))));
            row("RPC", l2_rpc.clone());
            row("Vault", contracts.vault.to_string());
            row("deployment", folder.join("deployment.json").display().to_string());
            for token in &devnet.deployment.tokens {
                row(&token.symbol, format!("{} on L1, {} on L2", token.l1, token.l2));
            }
            if let Some(end) = siblings.ends.iter().find(|end| end.chain_id == *l2_chain_id) {
                row("Endpoint", format!("{} (to the other one)", end.endpoint));
                row("port", format!("{} (tokens to the other one)", end.port));
            }
        }
        output::line(
            "\nDevelopment accounts 4, 5 and 6 carry, relay and operate the second; 8 and 9 the first.",
        );
        output::line(&format!(
            "Ready after {:.1} s. From one to the other: duplex message send --siblings {} …. Stop with Ctrl-C.",
            started.elapsed().as_secs_f64(),
            data_dir.join("siblings.json").display()
        ));
    }
    stop_on_signal(pair.cancel_token());
    pair.run().await?;
    output::note("stopped; everything is on disk");
    Ok(())
}

/// Cancels when the process is asked to stop. A second Ctrl-C ends it at once.
pub(crate) fn stop_on_signal(cancel: tokio_util::sync::CancellationToken) {
    tokio::spawn(async move {
        signal().await;
        output::note("\nstopping");
        cancel.cancel();
        signal().await;
        std::process::exit(130);
    });
}

async fn signal() {
    let interrupt = tokio::signal::ctrl_c();
    match tokio::signal::unix::signal(tokio::signal::unix::SignalKind::terminate()) {
        Ok(mut terminate) => tokio::select! {
            _ = interrupt => {}
            _ = terminate.recv() => {}
        },
        Err(_) => drop(interrupt.await),
    }
}

fn banner(deployment: &Deployment, embedded: bool, l1_block_ms: u64, l2_block_ms: u64, resumed: bool) {
    let line = output::line;
    let row = |name: &str, value: &dyn std::fmt::Display| line(&format!("  {name:<14}{value}"));
    let heading = |text: &str| line(&format!("\n{}", output::bold(text)));
    let state = if resumed { "resumed" } else { "new" };
    line(&output::bold(&format!("Duplex {} ({state} devnet)", env!("CARGO_PKG_VERSION"))));

    heading(if embedded { "L1 (embedded development chain)" } else { "L1" });
    row("chain id", &deployment.l1_chain_id);
    row("RPC", &deployment.l1_rpc);
    if embedded {
        row("block time", &format!("{l1_block_ms} ms"));
    }
    heading("L2");
    row("chain id", &deployment.l2_chain_id);
    row("RPC", &deployment.l2_rpc);
    row("block time", &format!("{l2_block_ms} ms, sooner when full, none while idle"));

    heading("Contracts on L1");
    let contracts = &deployment.contracts;
    row("MessageQueue", &contracts.message_queue);
    row("Inbox", &contracts.inbox);
    row("Settlement", &contracts.settlement);
    row("Vault", &contracts.vault);
    row("Courier", &contracts.courier);
    row("Manifest", &contracts.manifest);
    let mode = deployment.settlement_mode();
    if mode.has_disputes() {
        row("Disputes", &contracts.disputes);
    }
    if let Some(validity) = &deployment.validity {
        row("Verifier", &format!("{} (of proofs with development parameters)", validity.verifier));
    }
    if let Some(lane) = &deployment.lane {
        let by = if lane.relayers.is_some() { "by relayers" } else { "by Merkle proofs" };
        row("Endpoint", &format!("{} (messages {by})", lane.endpoint));
        if let Some(relayers) = &lane.relayers {
            row("Registry", &format!("{} (stakes of relayers)", relayers.registry));
        }
    }
    let window = deployment.parameters.challenge_window;
    let settled = match mode {
        SettlementMode::Optimistic => format!("{window} s to challenge a claim"),
        SettlementMode::Validity => "claims are only taken with a proof".into(),
        SettlementMode::Hybrid => format!("{window} s to challenge a claim, or a proof"),
    };
    row("settlement", &settled);

    if !deployment.tokens.is_empty() {
        heading("Tokens (L1 / L2)");
        row("ETH", &"native on both");
        for token in &deployment.tokens {
            row(&token.symbol, &format!("{} / {}", token.l1, token.l2));
        }
    }
    if !deployment.accounts.is_empty() {
        heading("Development accounts (address, private key)");
        line("  WARNING: everybody knows these keys. Never send them anything of value.");
        for (index, account) in deployment.accounts.iter().enumerate() {
            let genesis = deployment.genesis.alloc.get(&account.address).map(|genesis| genesis.balance);
            let balance = format_units(genesis.unwrap_or_default(), 18);
            line(&format!(
                "  ({index}) {} {} {balance} ETH on L2 at genesis",
                account.address, account.private_key
            ));
        }
    }
}
