//! `duplex node`, `duplex l1`, `duplex deploy`.

use std::{
    net::{IpAddr, SocketAddr},
    path::{Path, PathBuf},
    time::Duration,
};

use alloy_primitives::Bytes;
use clap::Args;
use duplex_actors::{BatcherOptions, ProverOptions, SequencerOptions, TrustProofs};
use duplex_l1::{DEVELOPMENT_CHAINS, Deployment, Parameters, Rpc};
use duplex_node::{
    BOND_GAS_PRICE, BUILD_PROVER, DeployOptions, DevnetOptions, EmbeddedL1, EmbeddedL1Options, L2_CHAIN_ID,
    Pace, Roles, RollupNode, RollupOptions, Tasks, deploy, find_prover, parse_key,
};
use duplex_storage::History;
use eyre::{WrapErr, bail, eyre};

use crate::{
    args::{
        BlobArgs, BondArgs, BridgeKind, DelayArgs, FindArgs, OutputArgs, PaceArgs, SettlementKind,
        relayer_stake,
    },
    output, progress,
    up::stop_on_signal,
};

/// Run an L2 node; roles are chosen by flags.
///
/// Every node derives the L2 from L1. Without roles, and without --feed, that is all it does.
#[derive(Debug, Args)]
pub(crate) struct NodeArgs {
    #[command(flatten)]
    find: FindArgs,
    /// Where the node keeps its data.
    #[arg(long, env = "DUPLEX_DATA_DIR", value_name = "DIR")]
    data_dir: PathBuf,
    /// Address to listen on.
    #[arg(long, env = "DUPLEX_HOST", value_name = "IP", default_value = "127.0.0.1")]
    host: IpAddr,
    /// Port of the L2; 0 takes a free one.
    #[arg(long, env = "DUPLEX_L2_PORT", value_name = "PORT", default_value_t = 9545)]
    l2_port: u16,
    /// Rebuild everything from L1 and its blobs, and believe nobody else. This is what a node without
    /// roles does anyway; the flag refuses whatever would add something.
    #[arg(long, env = "DUPLEX_FROM_L1", conflicts_with_all = ["sequence", "batch", "feed"])]
    from_l1: bool,
    /// RPC of a node that has batches proved: what has a proof is not executed. Its STARK (100 bits) is verified by
    /// `duplex-prover`, and blocks, receipts and state are taken from that node and checked against the block that was
    /// proved. So all that is believed is L1 and the proof system, and blobs are not needed. What has no proof yet is
    /// executed.
    #[arg(long, env = "DUPLEX_TRUST_PROOFS", value_name = "URL", requires = "from_l1")]
    trust_proofs: Option<String>,
    /// RPC of the sequencer, or of another node: its newest blocks are taken before they are on L1,
    /// and transactions are handed on to it.
    #[arg(long, env = "DUPLEX_FEED", value_name = "URL", conflicts_with = "sequence")]
    feed: Option<String>,
    /// Make L2 blocks.
    #[arg(long, env = "DUPLEX_SEQUENCE")]
    sequence: bool,
    /// Post batches to L1. Only the sequencer's key may, and only the node that makes the blocks.
    #[arg(long, env = "DUPLEX_BATCH", requires = "sequence")]
    batch: bool,
    /// Make claims on L1 and finalise them. Anyone may.
    #[arg(long, env = "DUPLEX_PROPOSE")]
    propose: bool,
    /// Challenge false claims on L1, and defend true ones. Anyone may.
    #[arg(long, env = "DUPLEX_CHALLENGE")]
    challenge: bool,
    /// Have batches proved by `duplex-prover serve` at this URL, and make claims final with the proofs. Anyone may.
    #[arg(long, env = "DUPLEX_PROVER", value_name = "URL")]
    prover: Option<String>,
    /// Private key for L1 transactions.
    #[arg(long, env = "DUPLEX_L1_KEY", value_name = "HEX", hide_env_values = true)]
    l1_key: Option<String>,
    #[command(flatten)]
    blobs: BlobArgs,
    #[command(flatten)]
    pace: PaceArgs,
}

pub(crate) async fn run(args: NodeArgs) -> eyre::Result<()> {
    let (deployment, l1_url) = args.find.find().await?;
    let key = args.l1_key.as_deref().map(parse_key).transpose()?;
    match &key {
        None if args.batch || args.propose || args.challenge || args.prover.is_some() => {
            bail!(
                "--batch, --propose, --challenge and --prover send L1 transactions: say with --l1-key who signs"
            )
        }
        Some(key) if args.batch && key.address() != deployment.sequencer => {
            bail!(
                "--l1-key belongs to {}, batches are taken only from {}; others may append with `duplex sequence \
                 --permissionless` once a message has waited for {} s",
                key.address(),
                deployment.sequencer,
                deployment.parameters.sequencer_timeout,
            )
        }
        _ => {}
    }
    let trust_proofs = args.trust_proofs.map(|node| trust(node, &deployment)).transpose()?;
    let mut tasks = Tasks::default();
    let devnet = is_devnet(&deployment);
    let options = RollupOptions {
        dir: args.data_dir,
        l1_url,
        deployment,
        addr: Some(SocketAddr::new(args.host, args.l2_port)),
        roles: Roles {
            sequence: args.sequence,
            batch: args.batch,
            propose: args.propose,
            challenge: args.challenge,
            permissionless: false,
        },
        key,
        sequencer: args.pace.sequencer(),
        batcher: args.pace.pace().batcher(devnet),
        proposer: args.pace.pace().proposer(devnet),
        prover: args.prover.map(ProverOptions::at),
        l1_poll: Duration::from_millis(500),
        history: args.pace.history(),
        feed: args.feed,
        trust_proofs,
        blobs: args.blobs.options(),
    };
    let node = RollupNode::start(options, &mut tasks).await?;
    output::line(&format!("L2 {} at {}", node.rollup.deployment.l2_chain_id, node.url()));
    stop_on_signal(tasks.cancel_token());
    let shown = tokio::spawn(progress::show(node.rollup.clone()));
    let proving = node.prover.clone().map(|proving| tokio::spawn(progress::show_proving(proving)));
    let result = tasks.wait().await;
    shown.abort();
    if let Some(proving) = proving {
        proving.abort();
    }
    node.stop().await;
    Ok(result?)
}

/// Whose proofs are taken, and what verifies them.
fn trust(node: String, deployment: &Deployment) -> eyre::Result<TrustProofs> {
    if deployment.validity.is_none() {
        bail!("--trust-proofs: this rollup takes no proofs, it was deployed with --settlement optimistic");
    }
    let verifier = find_prover(None).ok_or_else(|| {
        eyre!("--trust-proofs needs duplex-prover, which verifies them: build it with {BUILD_PROVER}")
    })?;
    Ok(TrustProofs { node, verifier })
}

/// Whether the L1 of a rollup is a development chain, where batches and claims follow each other
/// fast.
fn is_devnet(deployment: &Deployment) -> bool {
    DEVELOPMENT_CHAINS.contains(&deployment.l1_chain_id)
}

/// Make L2 blocks from L1's messages when the sequencer does not, and post them.
///
/// Once a message has waited on L1 for longer than the rollup's sequencer timeout, anyone may append a
/// batch that consumes it. This derives L2 from L1, waits for that, and does it; and again whenever it
/// is needed.
#[derive(Debug, Args)]
pub(crate) struct SequenceArgs {
    #[command(flatten)]
    find: FindArgs,
    /// Required: says that blocks are made only when everyone may make them.
    #[arg(long)]
    permissionless: bool,
    /// Private key that pays on L1.
    #[arg(long, env = "DUPLEX_L1_KEY", value_name = "HEX", hide_env_values = true)]
    l1_key: String,
    /// Where the node keeps its data.
    #[arg(long, env = "DUPLEX_DATA_DIR", value_name = "DIR", default_value = "duplex-sequence")]
    data_dir: PathBuf,
    /// Address to listen on.
    #[arg(long, env = "DUPLEX_HOST", value_name = "IP", default_value = "127.0.0.1")]
    host: IpAddr,
    /// Port of the L2; 0 takes a free one.
    #[arg(long, env = "DUPLEX_L2_PORT", value_name = "PORT", default_value_t = 9545)]
    l2_port: u16,
    /// Also make claims on L1, defend and finalise them, and challenge false ones.
    #[arg(long, env = "DUPLEX_PROPOSE")]
    propose: bool,
    #[command(flatten)]
    blobs: BlobArgs,
    #[command(flatten)]
    pace: PaceArgs,
}

pub(crate) async fn run_sequence(args: SequenceArgs) -> eyre::Result<()> {
    if !args.permissionless {
        bail!(
            "say --permissionless to make blocks when the sequencer does not; the sequencer itself is \
             `duplex node --sequence --batch`"
        );
    }
    let (deployment, l1_url) = args.find.find().await?;
    let key = parse_key(&args.l1_key)?;
    let mut tasks = Tasks::default();
    let devnet = is_devnet(&deployment);
    let timeout = deployment.parameters.sequencer_timeout;
    let options = RollupOptions {
        dir: args.data_dir,
        l1_url,
        deployment,
        addr: Some(SocketAddr::new(args.host, args.l2_port)),
        roles: Roles {
            sequence: true,
            batch: true,
            propose: args.propose,
            challenge: args.propose,
            permissionless: true,
        },
        key: Some(key),
        sequencer: args.pace.sequencer(),
        batcher: BatcherOptions { max_age: Duration::ZERO, ..args.pace.pace().batcher(devnet) },
        proposer: args.pace.pace().proposer(devnet),
        prover: None,
        l1_poll: Duration::from_millis(500),
        history: args.pace.history(),
        feed: None,
        trust_proofs: None,
        blobs: args.blobs.options(),
    };
    let node = RollupNode::start(options, &mut tasks).await?;
    output::line(&format!("L2 {} at {}", node.rollup.deployment.l2_chain_id, node.url()));
    output::note(&format!("waiting for messages that nobody took for {timeout} s"));
    stop_on_signal(tasks.cancel_token());
    let shown = tokio::spawn(progress::show(node.rollup.clone()));
    let result = tasks.wait().await;
    shown.abort();
    node.stop().await;
    Ok(result?)
}

/// Watch every claim on L1: challenge false ones, defend true ones.
///
/// Derives L2 from L1, so it believes nobody. Challenges and defences stake a bond each; what is won comes back
/// with it. One honest challenger is enough to keep a rollup safe.
#[derive(Debug, Args)]
pub(crate) struct ChallengerArgs {
    #[command(flatten)]
    find: FindArgs,
    /// Private key that stakes and pays on L1.
    #[arg(long, env = "DUPLEX_L1_KEY", value_name = "HEX", hide_env_values = true)]
    l1_key: String,
    /// Where the node keeps its data.
    #[arg(long, env = "DUPLEX_DATA_DIR", value_name = "DIR", default_value = "duplex-challenger")]
    data_dir: PathBuf,
    #[command(flatten)]
    blobs: BlobArgs,
    /// Blocks whose state is kept; all unless given. A dispute needs that of every block of a claim that can
    /// still be challenged.
    #[arg(long, env = "DUPLEX_HISTORY", value_name = "BLOCKS")]
    history: Option<u64>,
}

pub(crate) async fn run_challenger(args: ChallengerArgs) -> eyre::Result<()> {
    let (deployment, l1_url) = args.find.find().await?;
    let key = parse_key(&args.l1_key)?;
    let mut tasks = Tasks::default();
    let defaults = DevnetOptions::default();
    let options = RollupOptions {
        dir: args.data_dir,
        l1_url,
        deployment,
        addr: None,
        roles: Roles { challenge: true, ..Default::default() },
        key: Some(key.clone()),
        sequencer: SequencerOptions {
            block_time: defaults.block_time,
            heartbeat: Duration::from_secs(60),
            confirmations: 0,
            only_when_open: false,
        },
        batcher: Pace::default().batcher(false),
        proposer: Pace::default().proposer(false),
        prover: None,
        l1_poll: Duration::from_millis(500),
        history: args.history.map_or(History::Archive, History::Window),
        feed: None,
        trust_proofs: None,
        blobs: args.blobs.options(),
    };
    let node = RollupNode::start(options, &mut tasks).await?;
    output::line(&format!(
        "watching the claims of L2 {} as {}",
        node.rollup.deployment.l2_chain_id,
        key.address()
    ));
    stop_on_signal(tasks.cancel_token());
    let shown = tokio::spawn(progress::show(node.rollup.clone()));
    let result = tasks.wait().await;
    shown.abort();
    node.stop().await;
    Ok(result?)
}

/// Run the embedded development L1 alone.
#[derive(Debug, Args)]
pub(crate) struct L1Args {
    /// Where it keeps its data.
    #[arg(long, env = "DUPLEX_DATA_DIR", value_name = "DIR", default_value = "duplex-data/l1")]
    data_dir: PathBuf,
    /// Address to listen on.
    #[arg(long, env = "DUPLEX_HOST", value_name = "IP", default_value = "127.0.0.1")]
    host: IpAddr,
    /// Port; 0 takes a free one.
    #[arg(long, env = "DUPLEX_L1_PORT", value_name = "PORT", default_value_t = 8545)]
    l1_port: u16,
    /// Milliseconds between blocks; 0 for a block for every transaction.
    #[arg(long, env = "DUPLEX_L1_BLOCK_TIME", value_name = "MS", default_value_t = 1000)]
    l1_block_time: u64,
}

pub(crate) async fn run_l1(args: L1Args) -> eyre::Result<()> {
    let mut tasks = Tasks::default();
    let options = EmbeddedL1Options {
        dir: args.data_dir,
        addr: SocketAddr::new(args.host, args.l1_port),
        block_time: (args.l1_block_time > 0).then(|| Duration::from_millis(args.l1_block_time)),
        history: History::Archive,
    };
    let l1 = EmbeddedL1::start(&options, &mut tasks).await?;
    output::line(&format!("development L1 {} at {}", l1.dev.chain().config().chain_id, l1.url()));
    stop_on_signal(tasks.cancel_token());
    let result = tasks.wait().await;
    l1.stop().await;
    Ok(result?)
}

/// Deploy a rollup's contracts to an L1 and write its deployment file.
///
/// A deployment that was cut off goes on where it stopped when the same command is given again.
#[derive(Debug, Args)]
pub(crate) struct DeployArgs {
    /// JSON-RPC of L1.
    #[arg(long, env = "DUPLEX_L1", value_name = "URL")]
    l1: String,
    /// Private key that deploys, and will be the sequencer's.
    #[arg(long, env = "DUPLEX_L1_KEY", value_name = "HEX", hide_env_values = true)]
    l1_key: String,
    /// File to write.
    #[arg(long, env = "DUPLEX_DEPLOYMENT", value_name = "FILE", default_value = "deployment.json")]
    deployment: PathBuf,
    /// Chain id of the L2.
    #[arg(long, env = "DUPLEX_L2_CHAIN_ID", value_name = "ID", default_value_t = L2_CHAIN_ID)]
    l2_chain_id: u64,
    #[command(flatten)]
    delays: DelayArgs,
    #[command(flatten)]
    bonds: BondArgs,
    /// How claims become final. `validity` and `hybrid` need --proof-verifier where the L1 is no development chain (docs/validity.md).
    #[arg(long, env = "DUPLEX_SETTLEMENT", value_name = "KIND", value_enum, default_value_t = SettlementKind::Optimistic)]
    settlement: SettlementKind,
    /// Creation code, in hex, of the verifier that `duplex-prover setup --params production` generated and
    /// `node contracts/scripts/verifier.mjs` compiled. Without it anybody can forge proofs, and only development L1s take them.
    #[arg(long, env = "DUPLEX_PROOF_VERIFIER", value_name = "FILE")]
    proof_verifier: Option<PathBuf>,
    /// How deposits and messages cross.
    #[arg(long, env = "DUPLEX_BRIDGE", value_name = "KIND", value_enum, default_value_t = BridgeKind::Derived)]
    bridge: BridgeKind,
    /// ETH that each relayer stakes, with --bridge multisig.
    #[arg(long, env = "DUPLEX_RELAYER_STAKE", value_name = "ETH", default_value = "10")]
    relayer_stake: String,
    /// Deploy development tokens and fund accounts whose keys everybody knows.
    #[arg(long, env = "DUPLEX_DEVELOPMENT")]
    development: bool,
    #[command(flatten)]
    output: OutputArgs,
}

/// What creates the verifier of proofs.
fn verifier_code(file: &Path) -> eyre::Result<Bytes> {
    let text =
        std::fs::read_to_string(file).wrap_err_with(|| format!("--proof-verifier {}", file.display()))?;
    let code: Bytes = text.trim().parse().wrap_err_with(|| {
        format!(
            "--proof-verifier {}: not hex, as `node contracts/scripts/verifier.mjs` writes it",
            file.display()
        )
    })?;
    if code.is_empty() {
        bail!("--proof-verifier {}: it is empty", file.display());
    }
    Ok(code)
}

pub(crate) async fn run_deploy(args: DeployArgs) -> eyre::Result<()> {
    if args.deployment.exists() {
        bail!("{} exists: name another file with --deployment, or remove it", args.deployment.display());
    }
    let key = parse_key(&args.l1_key)?;
    let rpc = Rpc::new(&args.l1)?;
    let base = if args.development { Parameters::development() } else { Parameters::production() };
    let options = DeployOptions {
        l2_chain_id: args.l2_chain_id,
        parameters: args.delays.delays()?.apply(base),
        bond_gas_price: args.bonds.gas_price().unwrap_or(BOND_GAS_PRICE),
        development: args.development,
        settlement: args.settlement.mode(),
        proof_verifier: args.proof_verifier.as_deref().map(verifier_code).transpose()?,
        lane: args.bridge.lane(),
        relayer_stake: relayer_stake(&args.relayer_stake)?,
        progress: |step| output::note(&format!("  {step}")),
    };
    let plan = args.deployment.with_extension("plan.json");
    let mut deployment = deploy(&rpc, &key, &plan, &options).await?;
    // Where `duplex node` listens unless told otherwise.
    deployment.l2_rpc = "http://127.0.0.1:9545".into();
    deployment.save(&args.deployment)?;
    std::fs::remove_file(&plan).wrap_err_with(|| format!("{}", plan.display()))?;
    if args.output.json {
        output::json(&deployment)?;
    } else {
        output::line(&format!("deployed; written to {}", args.deployment.display()));
    }
    Ok(())
}
