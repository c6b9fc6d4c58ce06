//! `duplex tour --fraud`: a thief claims money that never was, and L1 finds out.

use std::{
    process::ExitCode,
    sync::Arc,
    time::{Duration, Instant},
};

use alloy_primitives::{Address, B256, Bytes, U64, U256, keccak256};
use alloy_signer_local::PrivateKeySigner;
use alloy_sol_types::{SolCall, SolError, sol};
use duplex_actors::{
    Challenger, Operator, Rollup,
    challenger::{Liar, Lie},
    program,
};
use duplex_bridge::{Asset, Bridge, Quiet, Sent, format_units, send_transaction};
use duplex_contracts::bindings::{
    IDisputes, IPreimageOracle, ISettlement, IVault, OutputRootProof, WithdrawalTx,
};
use duplex_l1::{ClaimStatus, TxManager, TxManagerOptions};
use duplex_node::{Delays, Devnet, DevnetOptions, Pace, dev_key};
use duplex_primitives::{OutputRoot, Withdrawal, tree::Tree};
use duplex_storage::Records;
use eyre::{OptionExt, WrapErr, bail, ensure};
use serde::Serialize;
use serde_json::Value;

use crate::output;

sol! {
    /// What the Vault answers about a claim that is not final.
    error NotFinal(uint64 id);
}

/// Whose story it is not.
const THIEF: u32 = 5;
/// What the thief says it has on L2.
const LOOT: u128 = 1_000_000_000_000_000_000_000_000;
/// The step of the program from which on the thief makes up what the machine does.
const LIES_FROM: u64 = 1_234_567;
/// By then L1 must have decided.
const WITHIN: Duration = Duration::from_secs(170);

/// One transaction on L1.
#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
struct Move {
    seconds: f64,
    who: String,
    what: String,
    gas: u64,
    l1_bytes: usize,
    failed: bool,
}

/// What was checked at the end.
#[derive(Debug, Serialize)]
struct Check {
    what: String,
    found: String,
    ok: bool,
}

#[derive(Debug, Default, Serialize)]
struct Report {
    moves: Vec<Move>,
    checks: Vec<Check>,
    seconds: f64,
    ok: bool,
}

struct Story {
    bridge: Bridge,
    rollup: Rollup,
    honest: Address,
    thief: PrivateKeySigner,
    start: Instant,
    json: bool,
    /// The next L1 block to tell of.
    next: u64,
    /// Wei that the challenger's moves have cost.
    cost: U256,
    report: Report,
}

/// A claim of something that is not so, and what the thief hopes to do with it.
struct Fraud {
    /// Its number.
    id: u64,
    history: Tree,
    withdrawal: Withdrawal,
    output: OutputRoot,
    proof: Vec<Bytes>,
}

pub(crate) async fn run(l1: Option<String>, json: bool) -> eyre::Result<ExitCode> {
    let start = Instant::now();
    let dir = tempfile::tempdir().wrap_err("no temporary directory")?;
    let options = DevnetOptions {
        data_dir: dir.path().join("devnet"),
        l1_url: l1,
        l1_port: 0,
        l2_port: 0,
        l1_block_time: Duration::from_millis(500),
        block_time: Duration::from_millis(250),
        delays: Delays {
            challenge_window: Some(15),
            defence_period: Some(40),
            dispute_clock: Some(30),
            ..Default::default()
        },
        pace: Pace { batch_age: Some(Duration::from_secs(1)), ..Default::default() },
        ..Default::default()
    };
    let devnet = Devnet::start(options).await?;
    ensure!(
        !devnet.deployment.accounts.is_empty(),
        "the tour spends from development accounts: use a development L1"
    );
    let cancel = devnet.cancel_token();
    let rollup = devnet.l2.rollup.clone();
    let honest = devnet.l2.operator.as_ref().map(|operator| operator.txs.address()).unwrap_or_default();
    let mut story = Story {
        bridge: Bridge::new(devnet.deployment.clone(), None, None)?,
        next: rollup.l1.block_number().await? + 1,
        rollup,
        honest,
        thief: dev_key(THIEF),
        start,
        json,
        cost: U256::ZERO,
        report: Report::default(),
    };
    let running = tokio::spawn(devnet.run());
    story.say("a devnet is up: L1, contracts, L2, and a challenger that watches every claim");
    let told = story.tell(&dir.path().join("thief.redb"), &cancel).await;
    cancel.cancel();
    running.await??;
    told?;

    let Story { mut report, .. } = story;
    report.seconds = start.elapsed().as_secs_f64();
    report.ok = report.checks.iter().all(|check| check.ok);
    if json {
        output::json(&report)?;
    } else {
        output::line(&output::bold("\nChecked"));
        for check in &report.checks {
            let verdict = if check.ok { "ok   " } else { "WRONG" };
            output::line(&format!("  {verdict} {:<52} {}", check.what, check.found));
        }
        let verdict = if report.ok { "the thief got nothing" } else { "SOMETHING IS WRONG" };
        output::line(&format!("\n{verdict}; {:.1} s", report.seconds));
    }
    Ok(if report.ok { ExitCode::SUCCESS } else { ExitCode::FAILURE })
}

impl Story {
    fn say(&self, what: &str) {
        if !self.json {
            output::line(&format!("{:>6.1} s  {what}", self.start.elapsed().as_secs_f64()));
        }
    }

    fn check(&mut self, what: &str, found: impl Into<String>, ok: bool) {
        self.report.checks.push(Check { what: what.into(), found: found.into(), ok });
    }

    async fn tell(
        &mut self,
        records: &std::path::Path,
        cancel: &tokio_util::sync::CancellationToken,
    ) -> eyre::Result<()> {
        let settlement = self.rollup.deployment.contracts.settlement;
        let disputes = self.rollup.deployment.contracts.disputes;
        // Somebody else's life goes on meanwhile.
        let user = dev_key(1);
        self.bridge.deposit(&user, &Asset::Eth, user.address(), U256::from(7), &Quiet).await?;
        self.bridge.transfer(&user, &Asset::Eth, Address::repeat_byte(7), U256::from(3)).await?;
        let fraud = self.defraud().await?;
        self.say(&format!(
            "the thief claims (claim {}) that L2 owes it {} ETH, and stakes {} ETH on it",
            fraud.id,
            format_units(U256::from(LOOT), 18),
            format_units(self.rollup.deployment.parameters.bond, 18)
        ));

        // The thief defends its claim, and lies as well as can be done up to the last step.
        let poll = Duration::from_millis(200);
        let options = TxManagerOptions { poll, resend_after: Duration::from_secs(30) };
        let records = Arc::new(Records::open(records)?);
        let txs = TxManager::open(self.rollup.l1.clone(), self.thief.clone(), records, options).await?;
        let cancel = cancel.child_token();
        let sending = tokio::spawn(txs.clone().run(cancel.clone()));
        let liar = Arc::new(Liar::new(Lie::Claims(vec![fraud.history.clone()]), Some(LIES_FROM)));
        let player = Challenger::with_opinion(self.rollup.clone(), Operator { txs }, program(), liar);
        let playing = tokio::spawn(player.run(cancel.clone()));

        // And builds on it.
        let child = self.child(&fraud).await?;
        self.say(&format!("the thief builds claim {child} on it"));
        let decided = self.follow(fraud.id, child).await;
        cancel.cancel();
        playing.await??;
        sending.await??;
        decided?;

        let thief = self.thief.address();
        for (what, id) in
            [("the false claim was rejected", fraud.id), ("what builds on it fell with it", child)]
        {
            let claim = self.rollup.l1.call(settlement, &ISettlement::claimCall { id }).await?;
            self.check(what, format!("claim {id}"), claim.status == 3);
        }
        let release = IVault::releaseCall {
            w: WithdrawalTx {
                nonce: fraud.withdrawal.nonce,
                sender: fraud.withdrawal.sender,
                target: fraud.withdrawal.target,
                value: fraud.withdrawal.value,
                gasLimit: fraud.withdrawal.gasLimit,
                data: fraud.withdrawal.data.clone(),
            },
            claimId: fraud.id,
            p: OutputRootProof {
                version: B256::ZERO,
                stateRoot: fraud.output.state_root,
                messagePasserStorageRoot: fraud.output.message_passer_root,
                latestBlockhash: fraud.output.block_hash,
            },
            storageProof: fraud.proof.clone(),
        };
        let vault = self.rollup.deployment.contracts.vault;
        let refused = self.rollup.l1.call(vault, &release).await.err().map(|error| error.to_string());
        let not_final = alloy_primitives::hex::encode_prefixed(NotFinal::SELECTOR);
        let refused = refused.map(|text| match text.contains(&not_final) {
            true => format!("the Vault says NotFinal({})", fraud.id),
            false => text,
        });
        self.check(
            "the thief's withdrawal is refused",
            refused.clone().unwrap_or_default(),
            refused.is_some(),
        );
        let credit = self.rollup.l1.call(disputes, &IDisputes::creditCall { account: thief }).await?
            + self.rollup.l1.call(settlement, &ISettlement::creditCall { account: thief }).await?;
        self.check("the thief gets nothing back", format!("{credit} wei"), credit.is_zero());
        let winner = self.rollup.l1.call(settlement, &ISettlement::winnerOfCall { id: fraud.id }).await?;
        let bonds = self.rollup.deployment.parameters;
        let reward = bonds.bond / U256::from(2) + bonds.dispute_bond / U256::from(2);
        let found =
            format!("{} ETH for moves that cost {}", format_units(reward, 18), format_units(self.cost, 18));
        self.check(
            "the challenger was paid more than it spent",
            found,
            winner == self.honest && reward > self.cost,
        );
        let entry = self.rollup.index.claim(fraud.id)?.ok_or_eyre("the claim is gone")?;
        let waited = Instant::now();
        let honest = loop {
            let last = self.rollup.index.last_final()?;
            if let Some(last) = last.filter(|last| last.last_batch >= entry.last_batch) {
                break Some(last);
            }
            if waited.elapsed() > Duration::from_secs(60) {
                break None;
            }
            tokio::time::sleep(Duration::from_millis(200)).await;
        };
        let found = honest.as_ref().map_or("none".into(), |claim| format!("claim {}", claim.id));
        self.check("honest claims on the same batches became final", found, honest.is_some());
        Ok(())
    }

    /// Claims that L2 has sent the thief money.
    async fn defraud(&mut self) -> eyre::Result<Fraud> {
        let settlement = self.rollup.deployment.contracts.settlement;
        let (parent, entry) = loop {
            let parent = self.rollup.l1.call(settlement, &ISettlement::lastFinalClaimCall {}).await?;
            let covered = self.rollup.index.claim(parent)?.map_or(0, |claim| claim.last_batch);
            let derived = self.rollup.derivation.borrow().batch;
            let blocks = self.rollup.index.batch(derived)?;
            if let Some(entry) = blocks.filter(|entry| entry.header.index > covered) {
                break (parent, entry);
            }
            self.late()?;
            tokio::time::sleep(Duration::from_millis(100)).await;
        };
        let thief = self.thief.address();
        let withdrawal = Withdrawal {
            nonce: (U256::ONE << 240) | U256::from(99),
            sender: thief,
            target: thief,
            value: U256::from(LOOT),
            gasLimit: U256::from(100_000),
            data: Bytes::new(),
        };
        // The outbox as the thief would have it: a trie with that one withdrawal.
        let slot = keccak256([withdrawal.hash(), B256::ZERO].concat());
        let leaf = [&[0xe3, 0xa1, 0x20][..], keccak256(slot).as_slice(), &[1]].concat();
        let header = self.rollup.chain.header(entry.header.lastBlock)?.ok_or_eyre("no such block")?;
        let truth = OutputRoot::of(&header, header.hash_slow());
        let output = OutputRoot { message_passer_root: keccak256(&leaf), ..truth };
        let id = self.rollup.l1.call(settlement, &ISettlement::claimCountCall {}).await?;
        let (history, sent) = self.propose(parent, &entry, output.hash()).await?;
        // Somebody may have been faster.
        let id = self.id_of(id, &sent).await?;
        Ok(Fraud { id, history, withdrawal, output, proof: vec![leaf.into()] })
    }

    /// A claim on top of the false one.
    async fn child(&mut self, fraud: &Fraud) -> eyre::Result<u64> {
        let settlement = self.rollup.deployment.contracts.settlement;
        let user = dev_key(1);
        self.bridge.transfer(&user, &Asset::Eth, Address::repeat_byte(8), U256::from(3)).await?;
        let entry = loop {
            let derived = self.rollup.derivation.borrow().batch;
            let covered = self.rollup.index.claim(fraud.id)?.map(|claim| claim.last_batch);
            let entry = self.rollup.index.batch(derived)?;
            if let Some(entry) = entry.filter(|entry| covered.is_some_and(|last| entry.header.index > last)) {
                break entry;
            }
            self.late()?;
            tokio::time::sleep(Duration::from_millis(100)).await;
        };
        let count = self.rollup.l1.call(settlement, &ISettlement::claimCountCall {}).await?;
        let output = self.rollup.chain.header(entry.header.lastBlock)?.ok_or_eyre("no such block")?;
        let output = OutputRoot::of(&output, output.hash_slow()).hash();
        let (_, sent) = self.propose(fraud.id, &entry, output).await?;
        self.id_of(count, &sent).await
    }

    fn late(&self) -> eyre::Result<()> {
        ensure!(self.start.elapsed() < WITHIN, "L1 has not decided within {} s", WITHIN.as_secs());
        Ok(())
    }

    async fn propose(
        &self,
        parent: u64,
        entry: &duplex_l1::BatchEntry,
        output: B256,
    ) -> eyre::Result<(Tree, Sent)> {
        let covered = self.rollup.index.claim(parent)?.map_or(0, |claim| claim.last_batch);
        let first = self.rollup.index.batch(covered)?.map_or(0, |batch| batch.header.lastBlock) + 1;
        let last = entry.header.lastBlock;
        let truth =
            duplex_actors::claim_history(&self.rollup.chain, first, last)?.ok_or_eyre("no such blocks")?;
        let mut leaves: Vec<B256> = (0..=last - first).map(|leaf| truth.leaf(leaf)).collect();
        if let Some(leaf) = leaves.last_mut() {
            *leaf = output;
        }
        let history = OutputRoot::history(leaves);
        let proof = history.proof(last - first);
        let call = ISettlement::proposeCall {
            parentId: parent,
            parentOutputRoot: self.rollup.output_of(parent)?,
            lastBatch: entry.header.index,
            lastBatchHash: entry.hash,
            blockOutputsRoot: history.root(),
            outputRoot: output,
            lastLeafProof: std::array::from_fn(|level| proof[level]),
        };
        let contract = Some(self.rollup.deployment.contracts.settlement);
        let bond = self.rollup.deployment.parameters.bond;
        let sent =
            send_transaction(&self.rollup.l1, &self.thief, contract, bond, call.abi_encode().into()).await?;
        Ok((history, sent))
    }

    /// The number that a claim of the thief got: not below `from`.
    async fn id_of(&self, from: u64, sent: &Sent) -> eyre::Result<u64> {
        loop {
            let claims = self.rollup.index.claims()?;
            let mine = claims
                .iter()
                .find(|claim| claim.id >= from.max(1) && claim.l1_tx == sent.receipt.transaction_hash);
            if let Some(claim) = mine {
                return Ok(claim.id);
            }
            self.late()?;
            tokio::time::sleep(Duration::from_millis(100)).await;
        }
    }

    /// Tells every move on L1 until the false claim and its child are gone.
    async fn follow(&mut self, fraud: u64, child: u64) -> eyre::Result<()> {
        loop {
            self.tell_new_blocks().await?;
            let gone = |id| {
                let claim = self.rollup.index.claim(id)?;
                eyre::Ok(claim.is_some_and(|claim| claim.status == ClaimStatus::Rejected))
            };
            if gone(fraud)? && gone(child)? {
                return self.tell_new_blocks().await;
            }
            let is_final = self.rollup.index.claim(fraud)?.is_some_and(|c| c.status == ClaimStatus::Final);
            if is_final {
                bail!("the false claim {fraud} became final");
            }
            self.late()?;
            tokio::time::sleep(Duration::from_millis(200)).await;
        }
    }

    async fn tell_new_blocks(&mut self) -> eyre::Result<()> {
        let newest = self.rollup.l1.block_number().await?;
        for number in self.next..=newest {
            let block: Value =
                self.rollup.l1.request("eth_getBlockByNumber", (U64::from(number), true)).await?;
            for tx in block["transactions"].as_array().into_iter().flatten() {
                self.tell_transaction(tx).await?;
            }
        }
        self.next = self.next.max(newest + 1);
        Ok(())
    }

    async fn tell_transaction(&mut self, tx: &Value) -> eyre::Result<()> {
        let contracts = self.rollup.deployment.contracts;
        let address = |field: &str| tx[field].as_str().and_then(|text| text.parse::<Address>().ok());
        let Some(to) = address("to") else { return Ok(()) };
        if ![contracts.disputes, contracts.settlement, contracts.preimage_oracle].contains(&to) {
            return Ok(());
        }
        let input: Bytes = tx["input"].as_str().unwrap_or_default().parse()?;
        let Some(what) = describe(&input) else { return Ok(()) };
        let hash: B256 = tx["hash"].as_str().unwrap_or_default().parse()?;
        let Some(receipt) = self.rollup.l1.receipt(hash).await? else { return Ok(()) };
        let who = match address("from") {
            Some(from) if from == self.honest => "challenger",
            Some(from) if from == self.thief.address() => "thief",
            _ => "somebody",
        };
        let done = Move {
            seconds: self.start.elapsed().as_secs_f64(),
            who: who.into(),
            what,
            gas: receipt.gas_used.to(),
            l1_bytes: input.len(),
            failed: !receipt.is_success(),
        };
        if !self.json {
            let failed = if done.failed { "  (REVERTED)" } else { "" };
            output::line(&format!(
                "{:>6.1} s  {:<10} {:<46} {:>8} gas {:>5} bytes{failed}",
                done.seconds, done.who, done.what, done.gas, done.l1_bytes
            ));
        }
        if who == "challenger" {
            self.cost += receipt.cost();
        }
        self.report.moves.push(done);
        Ok(())
    }
}

/// What a call does in a dispute; `None` for what has nothing to do with one.
fn describe(input: &[u8]) -> Option<String> {
    let text = match input.get(..4)?.try_into().ok()? {
        IDisputes::challengeCall::SELECTOR => "challenges the claim".into(),
        IDisputes::defendCall::SELECTOR => "defends it".into(),
        IDisputes::descendCall::SELECTOR => "opens 16 nodes".into(),
        IDisputes::descendToLeafCall::SELECTOR => "comes to the leaf where the two part".into(),
        IDisputes::commitCall::SELECTOR | IDisputes::commitAndOpenCall::SELECTOR => {
            "commits to what the machine did there".into()
        }
        IPreimageOracle::loadKeccakCall::SELECTOR | IPreimageOracle::loadBlobCall::SELECTOR => {
            "loads what that step reads".into()
        }
        IDisputes::proveCall::SELECTOR => "has L1 execute that one instruction".into(),
        IDisputes::timeoutCall::SELECTOR => "ends it: the other side is silent".into(),
        IDisputes::resolveCall::SELECTOR => "has the claim rejected".into(),
        IDisputes::settleCall::SELECTOR => "settles the bonds of a dispute".into(),
        ISettlement::rejectChildrenCall::SELECTOR => "removes what builds on it".into(),
        _ => return None,
    };
    Some(text)
}
