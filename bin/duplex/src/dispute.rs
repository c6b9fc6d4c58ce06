//! `duplex dispute list|show|step-through`.

use alloy_primitives::{Address, B256, U64, U256};
use alloy_sol_types::SolEvent;
use clap::{Args, Subcommand};
use duplex_actors::{
    challenger::{Position, Side, Witness, story_since},
    program,
};
use duplex_contracts::bindings::{
    Challenge, ChallengeStatus, Dispute, DisputeStatus, IDisputes, ISettlement, Move,
};
use duplex_l1::{Deployment, Rpc};
use duplex_program::Statement;
use duplex_vm::{Kind, Machine, register_name};
use eyre::{OptionExt, WrapErr, bail, ensure};
use serde_json::{Value, json};

use crate::{
    args::{FindArgs, OutputArgs},
    output,
};

/// Look at challenges and disputes on L1.
#[derive(Debug, Subcommand)]
pub(crate) enum DisputeCommand {
    /// List all challenges and their disputes.
    List(ListArgs),
    /// Show a dispute: who said what, which block, which step.
    Show(ShowArgs),
    /// Execute the program up to the step at which the two sides part, and show it instruction by instruction.
    StepThrough(StepArgs),
}

/// List all challenges and their disputes.
#[derive(Debug, Args)]
pub(crate) struct ListArgs {
    #[command(flatten)]
    find: FindArgs,
    #[command(flatten)]
    output: OutputArgs,
}

/// Show a dispute: who said what, which block, which step.
#[derive(Debug, Args)]
pub(crate) struct ShowArgs {
    /// Its number.
    id: u64,
    #[command(flatten)]
    find: FindArgs,
    #[command(flatten)]
    output: OutputArgs,
}

/// Execute the program up to the step at which the two sides part, and show it instruction by instruction.
#[derive(Debug, Args)]
pub(crate) struct StepArgs {
    /// The dispute's number.
    id: u64,
    /// JSON-RPC of any L2 node: it gives the block's witness, and is not believed. The deployment's unless given.
    #[arg(long, env = "DUPLEX_L2", value_name = "URL")]
    l2: Option<String>,
    /// Instructions shown before and after it.
    #[arg(long, value_name = "N", default_value_t = 8)]
    around: u64,
    #[command(flatten)]
    find: FindArgs,
    #[command(flatten)]
    output: OutputArgs,
}

pub(crate) async fn run(command: DisputeCommand) -> eyre::Result<()> {
    match command {
        DisputeCommand::List(args) => list(args).await,
        DisputeCommand::Show(args) => show(args).await,
        DisputeCommand::StepThrough(args) => step_through(args).await,
    }
}

/// A rollup's disputes, on L1.
struct Court {
    deployment: Deployment,
    l1: Rpc,
}

impl Court {
    async fn find(args: &FindArgs) -> eyre::Result<Self> {
        let (deployment, url) = args.find().await?;
        Ok(Self { deployment, l1: Rpc::new(&url)? })
    }

    async fn ask<C: alloy_sol_types::SolCall>(&self, call: &C) -> eyre::Result<C::Return> {
        Ok(self.l1.call(self.deployment.contracts.disputes, call).await?)
    }

    async fn dispute(&self, id: u64) -> eyre::Result<(Dispute, Challenge)> {
        let count = self.ask(&IDisputes::disputeCountCall {}).await?;
        ensure!((1..=count).contains(&id), "there is no dispute {id}: L1 has {count}");
        let dispute = self.ask(&IDisputes::disputeOfCall { id }).await?;
        let challenge = self.ask(&IDisputes::challengeOfCall { id: dispute.challengeId }).await?;
        Ok((dispute, challenge))
    }

    /// The first and last L2 block of a claim.
    async fn blocks(&self, claim: u64) -> eyre::Result<(u64, u64)> {
        let settlement = self.deployment.contracts.settlement;
        let blocks = self.l1.call(settlement, &ISettlement::blocksOfCall { id: claim }).await?;
        Ok((blocks.firstBlock, blocks.lastBlock))
    }
}

fn challenge_word(status: ChallengeStatus) -> &'static str {
    match status {
        ChallengeStatus::Open => "open",
        ChallengeStatus::Won => "won: the claim was rejected",
        ChallengeStatus::Lost => "lost",
        ChallengeStatus::Moot => "needless: the claim was rejected before",
        _ => "none",
    }
}

fn dispute_word(status: DisputeStatus) -> &'static str {
    match status {
        DisputeStatus::Open => "open",
        DisputeStatus::DefenceLost => "the challenger won",
        DisputeStatus::ChallengeLost => "the defender won",
        DisputeStatus::Moot => "needless: the challenge was lost before",
        _ => "none",
    }
}

fn awaited(next: Move) -> &'static str {
    match next {
        Move::ChallengerDescends | Move::DefenderDescends => "opens 16 nodes",
        Move::ChallengerReachesLeaf => "comes to the leaf",
        Move::ChallengerCommits | Move::DefenderCommits => "commits to the next stage",
        Move::ChallengerProves => "has the step executed",
        _ => "?",
    }
}

const fn turn(next: Move) -> Side {
    match next {
        Move::DefenderDescends | Move::DefenderCommits => Side::Defender,
        _ => Side::Challenger,
    }
}

const STAGES: [&str; 4] = ["blocks", "strides of 2^24 steps", "strides of 2^12 steps", "steps"];

/// Where a dispute stands, for people: the block and the steps that are left.
fn place(position: Position, first: u64) -> String {
    let stage = position.stage().min(3);
    let mut parts = Vec::new();
    if position.stage() > 0 {
        parts.push(format!("block {}", first + position.leaf(0)));
    } else {
        let width = 4096 >> position.depth();
        let from = first + position.index() * width;
        parts.push(format!("blocks {from} to {}", from + width - 1));
    }
    if position.stage() > 3 {
        parts.push(format!("step {}", position.start_step(3) + position.leaf(3) + 1));
    } else if position.stage() > 0 {
        let width = duplex_actors::challenger::width(stage) * (4096 >> position.depth());
        let from = position.start_step(stage) + position.index() * width;
        parts.push(format!("steps {} to {}", from + 1, from + width));
    }
    parts.join(", ")
}

async fn list(args: ListArgs) -> eyre::Result<()> {
    let court = Court::find(&args.find).await?;
    let mut disputes: Vec<(u64, Dispute)> = Vec::new();
    for id in 1..=court.ask(&IDisputes::disputeCountCall {}).await? {
        disputes.push((id, court.ask(&IDisputes::disputeOfCall { id }).await?));
    }
    let mut all = Vec::new();
    for id in 1..=court.ask(&IDisputes::challengeCountCall {}).await? {
        let challenge = court.ask(&IDisputes::challengeOfCall { id }).await?;
        let (first, last) = court.blocks(challenge.claimId).await?;
        let of_this = disputes.iter().filter(|(_, dispute)| dispute.challengeId == id);
        let games: Vec<Value> = of_this
            .map(|(id, dispute)| {
                let at = Position::new(dispute.position).map(|position| place(position, first));
                json!({ "id": id, "defender": dispute.defender, "status": dispute_word(dispute.status), "at": at,
                        "stage": dispute.stage, "turn": format!("{:?}", turn(dispute.next)) })
            })
            .collect();
        all.push(json!({
            "id": id, "claim": challenge.claimId, "firstBlock": first, "lastBlock": last,
            "challenger": challenge.challenger, "openedAt": challenge.openedAt,
            "status": challenge_word(challenge.status), "disputes": games,
        }));
    }
    if args.output.json {
        return output::json(&all);
    }
    if all.is_empty() {
        output::line("no claim was ever challenged");
    }
    for challenge in &all {
        output::line(&format!(
            "challenge {} of claim {} (L2 blocks {} to {}) by {}: {}",
            challenge["id"],
            challenge["claim"],
            challenge["firstBlock"],
            challenge["lastBlock"],
            challenge["challenger"].as_str().unwrap_or_default(),
            challenge["status"].as_str().unwrap_or_default(),
        ));
        for game in challenge["disputes"].as_array().into_iter().flatten() {
            output::line(&format!(
                "  dispute {} with {}: {}, at {}",
                game["id"],
                game["defender"].as_str().unwrap_or_default(),
                game["status"].as_str().unwrap_or_default(),
                game["at"].as_str().unwrap_or_default(),
            ));
        }
    }
    Ok(())
}

/// One thing that was said.
fn said(log: &alloy_primitives::Log, first: u64) -> Option<(&'static str, String)> {
    let at = |position: u64| Position::new(position).map_or_else(String::new, |p| place(p, first));
    if let Ok(event) = IDisputes::DisputeOpened::decode_log(log) {
        return Some(("defender", format!("defends the claim against challenge {}", event.challengeId)));
    }
    if let Ok(event) = IDisputes::Descended::decode_log(log) {
        let who = match turn(event.next) {
            Side::Challenger => "defender",
            Side::Defender => "challenger",
        };
        return Some((who, format!("they part in {}", at(event.position))));
    }
    if let Ok(event) = IDisputes::LeafReached::decode_log(log) {
        let text = format!(
            "they part at {}: {} against {}",
            at(event.position),
            event.challengerLeaf,
            event.defenderLeaf
        );
        return Some(("challenger", text));
    }
    if let Ok(event) = IDisputes::ChallengerCommitted::decode_log(log) {
        let stage = STAGES.get(usize::from(event.stage)).unwrap_or(&"?");
        return Some(("challenger", format!("commits to {} ({stage})", event.history)));
    }
    if let Ok(event) = IDisputes::DefenderCommitted::decode_log(log) {
        let stage = STAGES.get(usize::from(event.stage)).unwrap_or(&"?");
        return Some(("defender", format!("commits to {} ({stage})", event.history)));
    }
    let event = IDisputes::DisputeClosed::decode_log(log).ok()?;
    Some(("L1", dispute_word(event.status).into()))
}

async fn show(args: ShowArgs) -> eyre::Result<()> {
    let court = Court::find(&args.find).await?;
    let (dispute, challenge) = court.dispute(args.id).await?;
    let (first, last) = court.blocks(challenge.claimId).await?;
    let topics = [None, Some(B256::from(U256::from(args.id)))];
    let (from, to) = (court.deployment.start_block, court.l1.block_number().await?);
    let contract = Some(court.deployment.contracts.disputes);
    let logs = court.l1.logs_by_topics(contract, &topics, from, to).await?;
    let mut moves = Vec::new();
    for log in &logs {
        let Some((who, what)) = said(&log.inner, first) else { continue };
        moves.push(json!({ "l1Block": log.block_number, "transaction": log.transaction_hash, "who": who, "what": what }));
    }
    let position = Position::new(dispute.position).ok_or_eyre("L1 gives a position that no game comes to")?;
    let open = dispute.status == DisputeStatus::Open && challenge.status == ChallengeStatus::Open;
    let deadline = match open {
        true => Some(court.ask(&IDisputes::deadlineCall { id: args.id }).await?),
        false => None,
    };
    if args.output.json {
        return output::json(&json!({
            "id": args.id, "challenge": dispute.challengeId, "claim": challenge.claimId, "firstBlock": first,
            "lastBlock": last, "challenger": challenge.challenger, "defender": dispute.defender,
            "status": dispute_word(dispute.status), "at": place(position, first), "stage": dispute.stage,
            "challengerSeconds": dispute.challengerTime, "defenderSeconds": dispute.defenderTime,
            "deadline": deadline, "moves": moves,
        }));
    }
    output::line(&output::bold(&format!(
        "Dispute {} about claim {} (L2 blocks {first} to {last})",
        args.id, challenge.claimId
    )));
    let row = |name: &str, value: &dyn std::fmt::Display| output::line(&format!("  {name:<12}{value}"));
    row("challenger", &format!("{}, {} s used", challenge.challenger, dispute.challengerTime));
    row("defender", &format!("{}, {} s used", dispute.defender, dispute.defenderTime));
    row("at", &place(position, first));
    row("status", &dispute_word(dispute.status));
    if let Some(deadline) = deadline {
        let who = format!("{:?}", turn(dispute.next)).to_lowercase();
        row("awaited", &format!("the {who} {} until L1 time {deadline}", awaited(dispute.next)));
    }
    for said in &moves {
        output::line(&format!(
            "  L1 block {:<8} {:<11} {}",
            said["l1Block"],
            said["who"].as_str().unwrap_or_default(),
            said["what"].as_str().unwrap_or_default()
        ));
    }
    Ok(())
}

async fn step_through(args: StepArgs) -> eyre::Result<()> {
    let court = Court::find(&args.find).await?;
    let (dispute, challenge) = court.dispute(args.id).await?;
    let position = Position::new(dispute.position).ok_or_eyre("L1 gives a position that no game comes to")?;
    let (first, _) = court.blocks(challenge.claimId).await?;
    if position.stage() == 0 {
        bail!("dispute {} has not come to a block yet: it stands at {}", args.id, place(position, first));
    }
    let block = first + position.leaf(0);
    let url = args.l2.unwrap_or_else(|| court.deployment.l2_rpc.clone());
    ensure!(!url.is_empty(), "say with --l2 which node gives the witness of block {block}");
    let l2 = Rpc::new(&url)?;
    let witness: Witness = l2
        .request("duplex_witness", (U64::from(block),))
        .await
        .wrap_err_with(|| format!("no witness of block {block} from {url}"))?;
    let from = court.deployment.start_block;
    let disputes: Address = court.deployment.contracts.disputes;
    let story = story_since(&court.l1, disputes, args.id, from).await?;
    let (_, output, parent) = story.block.ok_or_eyre("L1's events do not say which block it is about")?;
    let statement = Statement { output, parentOutput: parent, ..witness.statement() };
    ensure!(
        statement.hash() == dispute.statement,
        "{url} gives the witness of another block than the dispute is about: ask another node"
    );
    let mut inputs = witness.inputs(&statement)?;
    // The step that ends at the leaf, or the first of those that are left.
    let stage = position.stage();
    let step = match stage {
        4 => position.start_step(3) + position.leaf(3),
        _ => {
            position.start_step(stage)
                + position.index() * duplex_actors::challenger::width(stage) * (4096 >> position.depth())
        }
    };
    let program = program();
    let mut machine = Machine::new(program.clone());
    machine.run(step.saturating_sub(args.around), &mut inputs)?;
    let mut shown = Vec::new();
    while machine.steps() <= step + args.around {
        let Some(instruction) = machine.instruction() else { break };
        let at = program.symbol_at(machine.pc());
        let symbol = at.map_or_else(String::new, |(name, offset)| format!("{name}+{offset:#x}"));
        let reads = machine.next_read().filter(|part| part.kind != Kind::Statement);
        let reads = reads.map(|part| format!("bytes {} of {} {}", part.offset, part.kind, part.key));
        let (number, pc, before) = (machine.steps() + 1, machine.pc(), machine.registers());
        machine.step(&mut inputs)?;
        let after = machine.registers();
        let changed = (1..32).filter(|r| before[*r] != after[*r]);
        let changed: Vec<String> =
            changed.map(|r| format!("{}={:#x}", register_name(r as u8), after[r])).collect();
        shown.push(json!({
            "step": number, "pc": format!("{pc:#x}"), "symbol": symbol, "instruction": instruction.to_string(),
            "changes": changed, "reads": reads, "disputed": stage == 4 && number == step + 1,
        }));
        if machine.exit_code().is_some() {
            break;
        }
    }
    if args.output.json {
        return output::json(&json!({ "block": block, "statement": statement.hash(), "steps": shown }));
    }
    output::line(&format!("block {block}, {}", place(position, first)));
    for step in &shown {
        let mark = if step["disputed"] == true { ">" } else { " " };
        let changes: Vec<&str> =
            step["changes"].as_array().into_iter().flatten().filter_map(Value::as_str).collect();
        output::line(&format!(
            "{mark} {:>12} {:>8} {:<28} {:<30} {} {}",
            step["step"],
            step["pc"].as_str().unwrap_or_default(),
            step["instruction"].as_str().unwrap_or_default(),
            changes.join(" "),
            step["symbol"].as_str().unwrap_or_default(),
            step["reads"].as_str().unwrap_or_default(),
        ));
    }
    Ok(())
}
