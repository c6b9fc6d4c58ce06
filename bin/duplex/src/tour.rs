//! `duplex tour`: one person's whole path, with every balance checked.

use std::{
    path::PathBuf,
    process::ExitCode,
    time::{Duration, Instant},
};

use alloy_primitives::{Address, B256, Bytes, U64, U256};
use alloy_signer_local::PrivateKeySigner;
use alloy_sol_types::{SolCall, sol};
use clap::Args;
use duplex_actors::TrustProofs;
use duplex_bridge::{Asset, Bridge, Quiet, Sent, send_transaction};
use duplex_contracts::{
    artifact,
    bindings::{IERC20, ISettlement, IValidityVerifier, IVault},
};
use duplex_exit::{Rebuild, RebuildOptions};
use duplex_l1::SettlementMode;
use duplex_node::{BlobOptions, Delays, Devnet, DevnetOptions, Pace, dev_key, find_prover};
use eyre::{WrapErr, ensure};
use serde::Serialize;
use serde_json::Value;
use tokio_util::sync::CancellationToken;

use crate::{
    args::{BridgeKind, OutputArgs, ProverArgs},
    fraud, output, progress,
};

sol! {
    function deposit() external payable;
}

/// Walk one person's whole path on a devnet of its own, and check every balance.
#[derive(Debug, Args)]
pub(crate) struct TourArgs {
    /// JSON-RPC of a development L1 to use instead of an embedded one (anvil, for example).
    #[arg(long, env = "DUPLEX_L1", value_name = "URL")]
    l1: Option<String>,
    /// Seconds in which a claim can be challenged.
    #[arg(long, value_name = "SECS", default_value_t = 5)]
    challenge_window: u64,
    /// How deposits of ETH cross.
    #[arg(long, value_name = "KIND", value_enum, default_value_t = BridgeKind::Derived, conflicts_with = "fraud")]
    bridge: BridgeKind,
    #[command(flatten)]
    prover: ProverArgs,
    /// Show what happens to a thief: a false claim, the dispute on L1 move by move, and its end.
    #[arg(long)]
    fraud: bool,
    #[command(flatten)]
    output: OutputArgs,
}

/// One step of the story.
#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
struct Step {
    what: String,
    seconds: f64,
    #[serde(skip_serializing_if = "Option::is_none")]
    gas: Option<u64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    l1_bytes: Option<u64>,
}

/// What was checked at the end.
#[derive(Debug, Serialize)]
struct Check {
    what: String,
    expected: String,
    found: String,
    ok: bool,
}

#[derive(Debug, Serialize)]
struct Report {
    steps: Vec<Step>,
    checks: Vec<Check>,
    seconds: f64,
    ok: bool,
}

struct Tour {
    bridge: Bridge,
    /// Whose story it is: development account 1.
    owner: PrivateKeySigner,
    /// Who receives; addresses that nobody used before.
    friend: Address,
    l1_home: Address,
    json: bool,
    /// What verifies STARKs.
    verifier: Option<PathBuf>,
    steps: Vec<Step>,
    checks: Vec<Check>,
}

/// How long a claim may take, and how long a proof.
const CLAIMED_WITHIN: Duration = Duration::from_secs(120);
const PROVED_WITHIN: Duration = Duration::from_secs(2 * 3600);

/// Time between L2 blocks where they are proved: an approval and a deposit take two L1 blocks, of a second each.
const FEW_BLOCKS: Duration = Duration::from_secs(3);

const ETH: u128 = 1_000_000_000_000_000_000;

fn eth(tenths: u128) -> U256 {
    U256::from(ETH / 10 * tenths)
}

pub(crate) async fn run(args: TourArgs) -> eyre::Result<ExitCode> {
    let mode = args.prover.settlement.mode();
    if args.fraud {
        ensure!(
            mode == SettlementMode::Optimistic,
            "--fraud shows a dispute: there is none with --settlement {mode}"
        );
        return fraud::run(args.l1, args.output.json).await;
    }
    let start = Instant::now();
    let dir = tempfile::tempdir().wrap_err("no temporary directory")?;
    let options = DevnetOptions {
        data_dir: dir.path().into(),
        l1_url: args.l1,
        l1_port: 0,
        l2_port: 0,
        delays: Delays { challenge_window: Some(args.challenge_window), ..Default::default() },
        // Proofs take minutes: all that happens is to be in one batch, and in few blocks, of which each is proved, too.
        block_time: if mode.has_proofs() { FEW_BLOCKS } else { DevnetOptions::default().block_time },
        pace: Pace {
            batch_age: Some(Duration::from_secs(if mode.has_proofs() { 30 } else { 1 })),
            claim_interval: Some(Duration::from_secs(1)),
            ..Default::default()
        },
        settlement: mode,
        prover: args.prover.prover(),
        lane: args.bridge.lane(),
        ..Default::default()
    };
    let devnet = Devnet::start(options).await?;
    ensure!(
        !devnet.deployment.accounts.is_empty(),
        "the tour spends from development accounts: use a development L1"
    );
    let cancel = devnet.cancel_token();
    let shown = devnet.l2.prover.clone().map(|proving| tokio::spawn(progress::show_proving(proving)));
    let mut tour = Tour {
        bridge: Bridge::new(devnet.deployment.clone(), None, None)?,
        owner: dev_key(1),
        friend: PrivateKeySigner::random().address(),
        l1_home: PrivateKeySigner::random().address(),
        json: args.output.json,
        verifier: find_prover(args.prover.binary()),
        steps: Vec::new(),
        checks: Vec::new(),
    };
    let running = tokio::spawn(devnet.run());
    tour.step("started L1, contracts and L2", start, None, None);
    let walked = tour.walk().await;
    cancel.cancel();
    if let Some(shown) = shown {
        shown.abort();
    }
    running.await??;
    walked?;

    let ok = tour.checks.iter().all(|check| check.ok);
    let report =
        Report { steps: tour.steps, checks: tour.checks, seconds: start.elapsed().as_secs_f64(), ok };
    if args.output.json {
        output::json(&report)?;
    } else {
        output::line(&output::bold("\nChecked"));
        for check in &report.checks {
            let verdict = if check.ok { "ok   " } else { "WRONG" };
            let found = if check.ok {
                check.found.clone()
            } else {
                format!("{}, must be {}", check.found, check.expected)
            };
            output::line(&format!("  {verdict} {:<58} {found}", check.what));
        }
        let verdict = if ok { "every balance is what it must be" } else { "a balance is wrong" };
        output::line(&format!("\n{verdict}; {:.1} s", report.seconds));
    }
    Ok(if ok { ExitCode::SUCCESS } else { ExitCode::FAILURE })
}

impl Tour {
    fn step(&mut self, what: &str, start: Instant, gas: Option<u64>, l1_bytes: Option<u64>) {
        self.took(what, start.elapsed().as_secs_f64(), gas, l1_bytes);
    }

    fn took(&mut self, what: &str, seconds: f64, gas: Option<u64>, l1_bytes: Option<u64>) {
        if !self.json {
            let gas = gas.map_or(String::new(), |gas| format!("{gas:>9} gas"));
            let bytes = l1_bytes.map_or(String::new(), |bytes| format!("{bytes:>6} L1 bytes"));
            output::line(&format!("{seconds:>7.2} s {gas:<13} {bytes:<15}  {what}"));
        }
        self.steps.push(Step { what: what.into(), seconds, gas, l1_bytes });
    }

    fn sent(&mut self, what: &str, seconds: f64, sent: &Sent, on_l1: bool) {
        let bytes = on_l1.then_some(sent.bytes as u64);
        self.took(what, seconds, Some(sent.receipt.gas_used.to()), bytes);
    }

    fn check(&mut self, what: &str, found: U256, expected: U256) {
        let (found_text, expected_text) = (found.to_string(), expected.to_string());
        let ok = found == expected;
        self.checks.push(Check { what: what.into(), expected: expected_text, found: found_text, ok });
    }

    async fn walk(&mut self) -> eyre::Result<()> {
        let assets = [
            self.bridge.asset(None).await?,
            self.bridge.asset(Some("UNI")).await?,
            self.bridge.asset(Some("DAI")).await?,
        ];
        let owner = self.owner.address();
        let mut before = Vec::new();
        for asset in &assets {
            before.push(self.bridge.balances(asset, owner).await?);
        }
        let (deposit, transfer, withdrawal) = (eth(100), eth(15), eth(25));
        // What does not wait for one another is sent at the same time: so it is in few blocks.
        let bridge = self.bridge.clone();
        let (key, friend, l1_home) = (self.owner.clone(), self.friend, self.l1_home);
        let [ether, uni, dai] = &assets;
        let put = async |asset| bridge.deposit(&key, asset, owner, deposit, &Quiet).await;
        let reports = tokio::try_join!(put(ether), put(uni), put(dai))?;
        let mut l1_spent = U256::ZERO;
        for (asset, report) in assets.iter().zip([reports.0, reports.1, reports.2]) {
            l1_spent += report.cost;
            let what = format!("deposited {}, usable in L2 block {}", asset.format(deposit), report.l2_block);
            self.sent(&what, report.seconds, &report.l1, true);
        }

        let give = async |asset| bridge.transfer(&key, asset, friend, transfer).await;
        let code = artifact("WETH9").bytecode.clone();
        let deploy = send_transaction(&bridge.l2, &key, None, U256::ZERO, code);
        let (ether_sent, uni_sent, dai_sent, deployed) =
            tokio::try_join!(give(ether), give(uni), give(dai), deploy)?;
        let mut l2_spent = deployed.receipt.cost();
        for (asset, sent) in assets.iter().zip([ether_sent, uni_sent, dai_sent]) {
            l2_spent += sent.receipt.cost();
            self.sent(&format!("sent {} on L2", asset.format(transfer)), sent.seconds, &sent, false);
        }
        self.sent("deployed a contract on L2 (WETH9)", deployed.seconds, &deployed, false);
        let contract = deployed
            .receipt
            .contract_address
            .ok_or_else(|| eyre::eyre!("no contract address in the receipt"))?;

        let wrapped = eth(10);
        let wrap: Bytes = depositCall {}.abi_encode().into();
        let wrap = send_transaction(&bridge.l2, &key, Some(contract), wrapped, wrap);
        let back = async |asset| bridge.start_withdrawal(&key, asset, l1_home, withdrawal).await;
        let (wrap, ether_back, uni_back) = tokio::try_join!(wrap, back(ether), back(uni))?;
        l2_spent += wrap.receipt.cost();
        self.sent("called it: wrapped 1 ETH", wrap.seconds, &wrap, false);
        let kept = bridge.l2.call(contract, &IERC20::balanceOfCall { account: owner }).await?;
        self.check("what the contract keeps for the owner", kept, wrapped);
        let started = [(ether, ether_back), (uni, uni_back)];
        for (asset, sent) in &started {
            l2_spent += sent.receipt.cost();
            let what = format!("started to withdraw {} on L2", asset.format(withdrawal));
            self.sent(&what, sent.seconds, sent, false);
        }
        let last =
            started.iter().map(|(_, sent)| sent.receipt.block_number.to::<u64>()).max().unwrap_or_default();
        let claim = self.settlement(last).await?;
        if self.bridge.deployment.settlement_mode() == SettlementMode::Validity {
            self.forgeries(claim).await?;
            self.follower(last).await?;
        }
        for (asset, sent) in &started {
            let start = Instant::now();
            let report =
                self.bridge.finish_withdrawal(&self.owner, sent.receipt.transaction_hash, &Quiet).await?;
            if let Some(release) = &report.release {
                l1_spent += release.receipt.cost();
                let what = format!("proved and released {} on L1", asset.format(withdrawal));
                self.sent(&what, start.elapsed().as_secs_f64(), release, true);
            }
        }

        for (i, (asset, (l1, l2))) in assets.iter().zip(&before).enumerate() {
            let is_eth = *asset == Asset::Eth;
            let spent = |layer: U256| if is_eth { layer } else { U256::ZERO };
            let withdrawn = if i < 2 { withdrawal } else { U256::ZERO };
            let extra = if is_eth { wrapped } else { U256::ZERO };
            let (l1_now, l2_now) = self.bridge.balances(asset, owner).await?;
            let symbol = asset.symbol();
            self.check(&format!("owner's {symbol} on L1"), l1_now, *l1 - deposit - spent(l1_spent));
            let l2_expected = *l2 + deposit - transfer - withdrawn - extra - spent(l2_spent);
            self.check(&format!("owner's {symbol} on L2"), l2_now, l2_expected);
            let (_, friend) = self.bridge.balances(asset, self.friend).await?;
            self.check(&format!("receiver's {symbol} on L2"), friend, transfer);
            let (home, _) = self.bridge.balances(asset, self.l1_home).await?;
            self.check(&format!("withdrawn {symbol} on L1"), home, withdrawn);
        }
        self.books(&assets).await
    }

    /// Waits for the batch and the claim that cover an L2 block, and shows them.
    async fn settlement(&mut self, block: u64) -> eyre::Result<B256> {
        let (start, mut posted) = (Instant::now(), false);
        let limit = match self.bridge.deployment.settlement_mode() {
            SettlementMode::Optimistic => CLAIMED_WITHIN,
            _ => PROVED_WITHIN,
        };
        loop {
            let batch: Value =
                self.bridge.l2.request("duplex_batchByBlock", (alloy_primitives::U64::from(block),)).await?;
            if !batch.is_null() && !posted {
                posted = true;
                let l1_transaction = batch["l1Transaction"].as_str().unwrap_or_default().parse()?;
                let input = self.bridge.l1.transaction(l1_transaction).await?.map_or(0, |tx| tx.input.len());
                let receipt = self.bridge.l1.receipt(l1_transaction).await?;
                let header = &batch["header"];
                let what = format!(
                    "batch {} (L2 blocks {} to {}) is on L1",
                    header["index"], header["firstBlock"], header["lastBlock"]
                );
                self.step(&what, start, receipt.map(|receipt| receipt.gas_used.to()), Some(input as u64));
            }
            if let Some(claim) = batch.get("claim").filter(|claim| !claim.is_null()) {
                let l1_transaction = claim["l1Tx"].as_str().unwrap_or_default().parse()?;
                let receipt = self.bridge.l1.receipt(l1_transaction).await?;
                let what = format!(
                    "claim {} (output root {}) is on L1{}",
                    claim["id"],
                    claim["outputRoot"].as_str().unwrap_or("?"),
                    if claim["status"] == "final" { ", proved and final" } else { "" }
                );
                self.step(&what, start, receipt.map(|receipt| receipt.gas_used.to()), None);
                return Ok(l1_transaction);
            }
            ensure!(
                start.elapsed() < limit,
                "L2 block {block} was not claimed on L1 within {} s",
                limit.as_secs()
            );
            tokio::time::sleep(Duration::from_millis(200)).await;
        }
    }

    /// Starts a node that takes what is proved by the proof, and executes nothing of it.
    async fn follower(&mut self, block: u64) -> eyre::Result<()> {
        let start = Instant::now();
        let Some(verifier) = self.verifier.clone() else {
            self.step("no node follows by the proof: there is no duplex-prover here", start, None, None);
            return Ok(());
        };
        let l2 = self.bridge.l2.clone();
        // The node has the STARK a moment after L1 took the proof.
        while l2.request::<_, Value>("duplex_proof", (U64::from(1),)).await?.is_null() {
            ensure!(
                start.elapsed() < CLAIMED_WITHIN,
                "the node that had batches proved has no STARK of them"
            );
            tokio::time::sleep(Duration::from_millis(200)).await;
        }
        let dir = tempfile::tempdir().wrap_err("no temporary directory")?;
        let start = Instant::now();
        let mut follower = Rebuild::start(RebuildOptions {
            dir: dir.path().into(),
            l1_url: self.bridge.l1.url().into(),
            deployment: self.bridge.deployment.clone(),
            blobs: BlobOptions::default(),
            key: None,
            append: false,
            trust_proofs: Some(TrustProofs { node: l2.url().into(), verifier }),
            stop: CancellationToken::new(),
        })
        .await?;
        let number = self.bridge.l1.block_number().await?;
        follower.in_step(number, |_| ()).await?;
        let batches = follower.rollup.derivation.borrow().by_proof;
        let theirs = follower.rollup.chain.hash_of(block)?;
        let ours = l2.request::<_, Value>("eth_getBlockByNumber", (U64::from(block), false)).await?;
        follower.stop().await;
        let what = format!(
            "a new node took {batches} batches by the proof, executed none of them, and has their state"
        );
        self.step(&what, start, None, None);
        ensure!(batches > 0, "the new node executed what was proved");
        ensure!(
            theirs.is_some_and(|hash| ours["hash"] == hash.to_string()),
            "the new node has another block {block}: {theirs:?}, not {}",
            ours["hash"]
        );
        Ok(())
    }

    /// Shows what L1 does with proofs that are none, or of something else.
    async fn forgeries(&mut self, claim: B256) -> eyre::Result<()> {
        let (l1, deployment) = (self.bridge.l1.clone(), self.bridge.deployment.clone());
        let verifier = deployment.validity.map(|validity| validity.verifier).unwrap_or_default();
        let input = l1.transaction(claim).await?.map(|tx| tx.input).unwrap_or_default();
        let proven = ISettlement::proposeProvenCall::abi_decode(&input).wrap_err("the claim has no proof")?;
        let parent =
            l1.call(deployment.contracts.settlement, &ISettlement::claimCall { id: proven.parentId }).await?;
        let honest = IValidityVerifier::verifyCall {
            parentBatch: parent.lastBatch,
            lastBatch: proven.lastBatch,
            parentOutput: proven.parentOutputRoot,
            output: proven.outputRoot,
            prover: proven.prover,
            proof: proven.proof,
        };
        let refused =
            async |what: &str, call: &IValidityVerifier::verifyCall| match l1.call(verifier, call).await {
                Err(error) if !error.is_temporary() => Ok(format!("L1 refuses {what}: {error}")),
                Err(error) => Err(eyre::Report::from(error)),
                Ok(_) => Err(eyre::eyre!("L1 takes {what}")),
            };
        let start = Instant::now();
        l1.call(verifier, &honest).await.wrap_err("L1 must take the proof")?;
        self.step("the proof again, as anyone can check it on L1", start, None, None);
        let mut forged = honest.proof.to_vec();
        let middle = forged.len() / 2;
        forged[middle] ^= 1;
        let forged = IValidityVerifier::verifyCall { proof: forged.into(), ..honest.clone() };
        let lie = IValidityVerifier::verifyCall { output: honest.parentOutput, ..honest.clone() };
        let other = IValidityVerifier::verifyCall { parentOutput: honest.output, ..honest.clone() };
        let stolen = IValidityVerifier::verifyCall { prover: verifier, ..honest.clone() };
        for (what, call) in [
            ("a proof with one bit changed", &forged),
            ("the proof for a false output root", &lie),
            ("the proof for what follows from another root", &other),
            ("the proof as somebody else's", &stolen),
        ] {
            let start = Instant::now();
            let told = refused(what, call).await?;
            self.step(&told, start, None, None);
        }
        Ok(())
    }

    /// What the Vault keeps must be what exists on L2.
    async fn books(&mut self, assets: &[Asset]) -> eyre::Result<()> {
        let vault = self.bridge.deployment.contracts.vault;
        for asset in assets {
            let what = format!("{}: L2 supply = locked in the Vault", asset.symbol());
            let (locked, supply, held) = match (asset.l1(), asset.l2()) {
                (Some(l1), Some(l2)) => (
                    self.bridge.l1.call(vault, &IVault::lockedCall { l1Token: l1 }).await?,
                    self.bridge.l2.call(l2, &IERC20::totalSupplyCall {}).await?,
                    self.bridge.l1.call(l1, &IERC20::balanceOfCall { account: vault }).await?,
                ),
                _ => {
                    let books: Value = self.bridge.l2.request("duplex_books", ()).await?;
                    let supply: U256 = books["circulating"].as_str().unwrap_or_default().parse()?;
                    (
                        self.bridge.l1.call(vault, &IVault::lockedETHCall {}).await?,
                        supply,
                        self.bridge.l1.balance(vault).await?,
                    )
                }
            };
            self.check(&what, supply, locked);
            self.check(&format!("{}: the Vault holds what it locked", asset.symbol()), held, locked);
        }
        Ok(())
    }
}
