//! Has batches proved, and makes claims final with the proofs.

mod service;

use std::{collections::BTreeMap, time::Duration};

use alloy_primitives::{B256, Bytes, U256};
use alloy_sol_types::SolCall;
use duplex_contracts::bindings::{ISettlement, IValidityVerifier};
use duplex_l1::{ClaimEntry, ClaimStatus, SettlementMode, TxRequest, ValidityContracts};
use duplex_program::RangeStatement;
use serde::Serialize;
use tokio::sync::watch;
use tokio_util::sync::CancellationToken;

pub use service::ServiceError;
use service::{JobState, Pins, Service};

use crate::{ActorError, Operator, ProvenRange, Rollup, facts::bundle};

/// Pause between looks at what there is to do, and after an error that passes by itself.
const PAUSE: Duration = Duration::from_millis(500);
const AFTER_ERROR: Duration = Duration::from_secs(5);

/// How batches are proved.
#[derive(Debug, Clone)]
pub struct ProverOptions {
    /// Where `duplex-prover serve` answers, or what is waited for until it does.
    pub service: watch::Receiver<Result<String, String>>,
    /// Most batches of one proof. More of them share what a proof costs on L1, and wait longer for it.
    pub most_batches: u64,
}

impl ProverOptions {
    /// With the prover at this URL.
    pub fn at(url: impl Into<String>) -> Self {
        Self::new(watch::Sender::new(Ok(url.into())).subscribe())
    }

    /// With the prover where this says.
    pub const fn new(service: watch::Receiver<Result<String, String>>) -> Self {
        Self { service, most_batches: 64 }
    }
}

/// What the prover is doing.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize)]
#[serde(rename_all = "camelCase")]
pub enum ProvingState {
    /// Everything on L1 is proved.
    #[default]
    Idle,
    /// A proof is being made.
    Proving,
    /// A proof is on its way to L1.
    Sending,
    /// Nothing is proved at the moment; `error` says why.
    Stuck,
}

/// How far the batches on L1 are proved.
#[derive(Debug, Clone, PartialEq, Default, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Proving {
    /// What is being done.
    pub state: ProvingState,
    /// The last batch that a proof has made final.
    pub proven_batch: u64,
    /// The batches that are being proved, both included.
    pub first_batch: Option<u64>,
    /// The last of them.
    pub last_batch: Option<u64>,
    /// Hash of the statement about them.
    pub statement: Option<B256>,
    /// The step that the prover is at: `segments`, `aggregate`, `root`, `snark`, `wrap`.
    pub step: Option<String>,
    /// How much of the work is done.
    pub percent: f64,
    /// How long it will take, by what it took before.
    pub seconds_left: f64,
    /// Why nothing goes on.
    pub error: Option<String>,
}

/// A proof that was asked for.
#[derive(Debug, Clone)]
struct Task {
    first: u64,
    last: u64,
    statement: RangeStatement,
    parent: u64,
}

/// Has batches proved, in order, several at once.
#[derive(Debug)]
pub struct Prover {
    rollup: Rollup,
    operator: Operator,
    options: ProverOptions,
    contracts: ValidityContracts,
    service: Option<Service>,
    /// Most batches of the next proof: fewer after one that could not be made.
    most: u64,
    /// Whether claims that were looked at are true, by hash.
    checked: BTreeMap<B256, bool>,
    task: Option<Task>,
    watch: watch::Sender<Proving>,
}

/// Whose fault it is that nothing is proved.
enum Trouble {
    /// It passes by itself, perhaps.
    Service(ServiceError),
    Actor(ActorError),
    /// Somebody has to do something.
    Stuck(String),
}

impl From<ServiceError> for Trouble {
    fn from(error: ServiceError) -> Self {
        Self::Service(error)
    }
}

impl From<ActorError> for Trouble {
    fn from(error: ActorError) -> Self {
        Self::Actor(error)
    }
}

/// What is to be proved.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Wanted {
    /// The batches.
    first: u64,
    last: u64,
    /// The final claim before them.
    parent: u64,
}

/// What gets furthest towards batch `end`, up to which true claims wait: one of those on a final claim, or, if none of them that a proof
/// has room for does, or needs more than what is missing, as many batches as it has room for, as a claim of its own on `parent`, which is the last final one and ends with batch
/// `covered`. Otherwise whoever makes many small claims could have the prover prove each of them, and one that cannot be proved would
/// hold up the rest.
fn furthest(claims: &[Wanted], end: u64, parent: u64, covered: u64, most: u64) -> Option<Wanted> {
    if end <= covered {
        return None;
    }
    let own = Wanted { first: covered + 1, last: end.min(covered.saturating_add(most)), parent };
    let fits = claims.iter().filter(|wanted| wanted.last - wanted.first < most);
    let claim = fits.max_by_key(|wanted| (wanted.last, wanted.first));
    // What begins earlier than it has to is more to prove.
    Some(claim.copied().filter(|claim| claim.last >= own.last && claim.first >= own.first).unwrap_or(own))
}

impl Prover {
    /// For a rollup that takes proofs.
    ///
    /// # Errors
    /// If the rollup takes no proofs.
    pub fn new(rollup: Rollup, operator: Operator, options: ProverOptions) -> Result<Self, ProverError> {
        let contracts = rollup.deployment.validity.ok_or(ProverError::NoProofs)?;
        let watch = watch::Sender::default();
        let most = options.most_batches.max(1);
        let checked = BTreeMap::new();
        Ok(Self { rollup, operator, options, contracts, service: None, most, checked, task: None, watch })
    }

    /// The prover as it is where it is now.
    fn service(&mut self) -> Result<Service, Trouble> {
        let at = self.options.service.borrow().clone().map_err(Trouble::Stuck)?;
        if let Some(service) = self.service.as_ref().filter(|service| service.is_at(&at)) {
            return Ok(service.clone());
        }
        let service = Service::new(&at)?;
        self.service = Some(service.clone());
        Ok(service)
    }

    /// What it does.
    pub fn watch(&self) -> watch::Receiver<Proving> {
        self.watch.subscribe()
    }

    /// Proves until cancelled.
    ///
    /// # Errors
    /// If the chain or the index cannot be read.
    pub async fn run(mut self, cancel: CancellationToken) -> Result<(), ActorError> {
        loop {
            let done = tokio::select! {
                () = cancel.cancelled() => return Ok(()),
                done = self.step() => done,
            };
            let pause = match done {
                Ok(()) => PAUSE,
                Err(Trouble::Actor(error)) if !error.is_temporary() => return Err(error),
                Err(trouble) => {
                    let why = match trouble {
                        Trouble::Actor(error) => error.to_string(),
                        Trouble::Service(error) => error.to_string(),
                        Trouble::Stuck(why) => why,
                    };
                    // Once, not every few seconds.
                    if self.watch.borrow().error.as_ref() != Some(&why) {
                        tracing::warn!(error = why, "nothing is proved");
                    }
                    self.watch.send_modify(|now| {
                        now.state = ProvingState::Stuck;
                        now.error = Some(why);
                    });
                    AFTER_ERROR
                }
            };
            tokio::select! {
                () = cancel.cancelled() => return Ok(()),
                () = tokio::time::sleep(pause) => {}
            }
        }
    }

    async fn step(&mut self) -> Result<(), Trouble> {
        let claims = self.rollup.index.claims().map_err(ActorError::from)?;
        let Some(derivation) = self.rollup.derived()? else { return Ok(()) };
        let (parent, covered) = self.rollup.last_final().await?;
        self.watch.send_if_modified(|now| std::mem::replace(&mut now.proven_batch, covered) != covered);
        if let Some(task) = &self.task
            && !self.still_wanted(task, covered, &claims)?
        {
            let task = task.clone();
            self.task = None;
            if let Ok(service) = self.service() {
                self.part_with(&task, covered, &service).await;
            }
        }
        match self.task.clone() {
            Some(task) => self.follow(task).await,
            None => match self.next(parent, covered, derivation.batch, &claims)? {
                Some(wanted) => self.begin(wanted, covered, &claims).await,
                None => {
                    self.watch.send_if_modified(|now| {
                        let idle = Proving { proven_batch: now.proven_batch, ..Proving::default() };
                        std::mem::replace(now, idle.clone()) != idle
                    });
                    Ok(())
                }
            },
        }
    }

    /// Whether L1 still is as it was when a proof was asked for.
    fn still_wanted(&self, task: &Task, covered: u64, claims: &[ClaimEntry]) -> Result<bool, ActorError> {
        let hash = |index| Ok::<_, ActorError>(self.rollup.index.batch(index)?.map(|entry| entry.hash));
        // A claim of fewer batches that was final first leaves a proof as good as it was.
        let stands = |claim: &ClaimEntry| claim.id == task.parent && claim.status == ClaimStatus::Final;
        Ok((task.parent == 0 || claims.iter().any(stands))
            && covered < task.last
            && hash(task.first)? == Some(task.statement.firstBatch)
            && hash(task.last)? == Some(task.statement.lastBatch))
    }

    /// Has the service forget a job that is not wanted any more, so that it does not keep the prover from what is.
    async fn part_with(&self, task: &Task, covered: u64, service: &Service) {
        let statement = task.statement.hash();
        // Somebody else may have sent the same proof: then it is what made those batches final.
        let is_there = service.job(statement).await.is_ok_and(|job| job.state == JobState::Done);
        if task.last <= covered && is_there {
            self.keep(task, service).await;
        }
        let _ = service.remove(statement).await;
    }

    /// The proof to go on with, of those that this node asked for before it was started again: what it would ask for now ends elsewhere.
    /// What is final of them is removed.
    async fn resume(
        &self,
        service: &Service,
        covered: u64,
        claims: &[ClaimEntry],
    ) -> Result<Option<Task>, Trouble> {
        let (ours, config) = (self.operator.txs.address(), self.rollup.deployment.program_config().hash());
        let mut found: Option<(JobState, Task)> = None;
        for job in service.jobs().await? {
            if job.config_hash != config || job.prover != ours || job.statement().hash() != job.job {
                continue;
            }
            let Some(task) = self.task_of(&job.statement(), claims)? else { continue };
            if task.last <= covered {
                self.part_with(&task, covered, service).await;
            } else if self.still_wanted(&task, covered, claims)?
                && found.as_ref().is_none_or(|(state, old)| (*state, old.last) < (job.state, task.last))
            {
                found = Some((job.state, task));
            }
        }
        Ok(found.map(|(_, task)| task))
    }

    /// Which batches a statement is about, and on which final claim; `None` if L1 does not have these.
    fn task_of(&self, statement: &RangeStatement, claims: &[ClaimEntry]) -> Result<Option<Task>, ActorError> {
        let index = &self.rollup.index;
        let hash = |number| Ok::<_, ActorError>(index.batch(number)?.map(|entry| entry.hash));
        let finals = claims.iter().filter(|claim| claim.status == ClaimStatus::Final);
        let ends = finals.map(|claim| (claim.id, claim.last_batch, claim.output_root));
        let genesis = (0, 0, self.rollup.deployment.genesis_output);
        // The newest first.
        let mut starts: Vec<_> = ends.chain([genesis]).collect();
        starts.sort_by_key(|(id, ..)| std::cmp::Reverse(*id));
        for (parent, before, output) in starts {
            let first = before + 1;
            if output != statement.parentOutput || hash(first)? != Some(statement.firstBatch) {
                continue;
            }
            let (_, batches) = index.counts()?;
            for last in first..=batches {
                if hash(last)? == Some(statement.lastBatch) {
                    return Ok(Some(Task { first, last, statement: *statement, parent }));
                }
            }
        }
        Ok(None)
    }

    /// What to prove next. `parent` is L1's last final claim, up to batch `covered`.
    fn next(
        &mut self,
        parent: u64,
        covered: u64,
        derived: u64,
        claims: &[ClaimEntry],
    ) -> Result<Option<Wanted>, ActorError> {
        if derived <= covered {
            return Ok(None);
        }
        if self.rollup.deployment.settlement_mode() == SettlementMode::Validity {
            let last = derived.min(covered + self.most);
            return Ok(Some(Wanted { first: covered + 1, last, parent }));
        }
        // Where claims are made with bonds, true ones that wait are made final, on whichever final claim: another one up to the same
        // batch may have been final first. Most build on others that wait, too.
        let final_up_to = |id| match id {
            0 => Some(0),
            id => claims
                .iter()
                .find(|claim| claim.id == id && claim.status == ClaimStatus::Final)
                .map(|claim| claim.last_batch),
        };
        let (mut on_final, mut end) = (Vec::new(), covered);
        for claim in claims.iter().filter(|claim| claim.status == ClaimStatus::Pending) {
            if claim.last_batch > covered && claim.last_batch <= derived && self.is_true(claim)? {
                end = end.max(claim.last_batch);
                if let Some(before) = final_up_to(claim.parent_id) {
                    let (first, last) = (before + 1, claim.last_batch);
                    on_final.push(Wanted { first, last, parent: claim.parent_id });
                }
            }
        }
        Ok(furthest(&on_final, end, parent, covered, self.most))
    }

    /// Whether a claim says what this chain says, of all its blocks.
    fn is_true(&mut self, claim: &ClaimEntry) -> Result<bool, ActorError> {
        let Some(hash) = self.rollup.claim_hash(claim)? else { return Ok(false) };
        if let Some(known) = self.checked.get(&hash) {
            return Ok(*known);
        }
        let Some((hash, history)) = self.rollup.truth_of(claim)? else { return Ok(false) };
        let is_true = history.root() == claim.block_outputs_root;
        self.checked.insert(hash, is_true);
        Ok(is_true)
    }

    /// The claim that a proof makes final, if one of just these batches waits: its author has the bond back at once. Else the proof makes
    /// its own.
    fn claim_of(&mut self, task: &Task) -> Result<Option<u64>, ActorError> {
        for claim in self.rollup.index.claims()? {
            let same = (claim.parent_id, claim.last_batch, claim.output_root)
                == (task.parent, task.last, task.statement.output);
            if same && claim.status == ClaimStatus::Pending && self.is_true(&claim)? {
                return Ok(Some(claim.id));
            }
        }
        Ok(None)
    }

    async fn begin(&mut self, wanted: Wanted, covered: u64, claims: &[ClaimEntry]) -> Result<(), Trouble> {
        let Wanted { first, last, parent } = wanted;
        let ours = Pins {
            program_commitment: self.contracts.program_commitment,
            machine_commitment: self.contracts.machine_commitment,
        };
        let service = self.service()?;
        let about = service.about().await?;
        let theirs = about.pins;
        let parameters = self.contracts.parameters.to_string();
        if about.stark_only || about.parameters != parameters {
            return Err(Trouble::Stuck(format!(
                "{service} makes no proofs with {parameters} parameters, which are what this rollup's verifier takes"
            )));
        }
        if ours != theirs {
            return Err(Trouble::Stuck(format!(
                "{service} proves another program than this rollup's ({} and {}): it needs the keys of the version that \
                 deployed the rollup",
                theirs.program_commitment, ours.program_commitment
            )));
        }
        if let Some(task) = self.resume(&service, covered, claims).await? {
            let (first, last) = (task.first, task.last);
            tracing::info!(first, last, statement = %task.statement.hash(), "going on proving");
            self.at_work(task);
            return Ok(());
        }
        let (statement, bytes) = bundle(&self.rollup, first, last, self.operator.txs.address()).await?;
        if statement.parentOutput != self.rollup.output_of(parent)? {
            // What is final is not what this chain says: nothing true follows from it.
            return Err(Trouble::Stuck(format!("final claim {parent} contradicts this node's chain")));
        }
        let size = bytes.len();
        if let Err(error) = service.submit(bytes).await {
            // Perhaps it is too much at once.
            self.fewer(first, last);
            return Err(error.into());
        }
        tracing::info!(first, last, size, statement = %statement.hash(), "proving");
        self.at_work(Task { first, last, statement, parent });
        Ok(())
    }

    fn at_work(&mut self, task: Task) {
        self.watch.send_modify(|now| {
            *now = Proving {
                state: ProvingState::Proving,
                proven_batch: now.proven_batch,
                first_batch: Some(task.first),
                last_batch: Some(task.last),
                statement: Some(task.statement.hash()),
                ..Proving::default()
            }
        });
        self.task = Some(task);
    }

    async fn follow(&mut self, task: Task) -> Result<(), Trouble> {
        let statement = task.statement.hash();
        let service = self.service()?;
        let job = match service.job(statement).await {
            Ok(job) => job,
            Err(error) => {
                // It lost its folder, or is another one: then it is asked again.
                if matches!(error, ServiceError::Unknown { .. }) {
                    self.task = None;
                }
                return Err(error.into());
            }
        };
        match job.state {
            JobState::Failed => {
                let why = job.error.unwrap_or_default();
                self.give_up(&task, &service).await;
                Err(Trouble::Stuck(format!("proving batches {} to {} failed: {why}", task.first, task.last)))
            }
            JobState::Done => {
                let proof = service.proof(statement).await?;
                self.send(&task, proof).await
            }
            JobState::Waiting | JobState::Proving => {
                self.watch.send_modify(|now| {
                    now.state = ProvingState::Proving;
                    now.error = None;
                    now.step = job.progress.step;
                    // What is left is estimated anew now and then; what is done stays done.
                    now.percent = now.percent.max(job.progress.percent);
                    now.seconds_left = job.progress.seconds_left;
                });
                Ok(())
            }
        }
    }

    /// Begins anew after a proof that could not be made, or that L1 does not take: with fewer batches.
    async fn give_up(&mut self, task: &Task, service: &Service) {
        self.task = None;
        self.fewer(task.first, task.last);
        let _ = service.remove(task.statement.hash()).await;
    }

    fn fewer(&mut self, first: u64, last: u64) {
        self.most = ((last + 1 - first) / 2).max(1);
    }

    /// Has L1 verify a proof, which makes its claim final.
    async fn send(&mut self, task: &Task, proof: Bytes) -> Result<(), Trouble> {
        self.watch.send_modify(|now| {
            now.state = ProvingState::Sending;
            now.error = None;
            (now.step, now.percent, now.seconds_left) = (None, 100.0, 0.0);
        });
        // First without a transaction: what L1 would refuse says more than an estimate of gas.
        let check = IValidityVerifier::verifyCall {
            parentBatch: task.first - 1,
            lastBatch: task.last,
            parentOutput: task.statement.parentOutput,
            output: task.statement.output,
            prover: task.statement.prover,
            proof: proof.clone(),
        };
        if let Err(error) = self.rollup.l1.call(self.contracts.verifier, &check).await {
            // A node that is too busy to answer has not looked at it.
            if !error.is_revert() {
                return Err(match error.is_temporary() {
                    true => ActorError::from(error).into(),
                    false => Trouble::Stuck(format!("L1 cannot be asked about a proof: {error}")),
                });
            }
            if let Ok(service) = self.service() {
                self.give_up(task, &service).await;
            }
            return Err(Trouble::Stuck(format!(
                "L1 refuses the proof of batches {} to {}: {error}",
                task.first, task.last
            )));
        }
        let data = match self.claim_of(task)? {
            Some(id) => ISettlement::proveCall { id, prover: task.statement.prover, proof }.abi_encode(),
            None => ISettlement::proposeProvenCall {
                parentId: task.parent,
                parentOutputRoot: task.statement.parentOutput,
                lastBatch: task.last,
                lastBatchHash: task.statement.lastBatch,
                outputRoot: task.statement.output,
                prover: task.statement.prover,
                proof,
            }
            .abi_encode(),
        };
        let request = TxRequest {
            to: self.rollup.deployment.contracts.settlement,
            data: data.into(),
            value: U256::ZERO,
            gas_limit: None,
            blobs: Vec::new(),
            label: format!("prove batches {} to {}", task.first, task.last),
        };
        let receipt = self.operator.txs.send(request).await.map_err(ActorError::from)?;
        tracing::info!(
            first = task.first, last = task.last, output = %task.statement.output, gas = %receipt.gas_used,
            tx = %receipt.transaction_hash, "proved"
        );
        // Until the index has seen it there is nothing to begin.
        self.task = None;
        // Step by step: what failed may have been among the batches that come now.
        self.most = self.most.saturating_mul(2).min(self.options.most_batches.max(1));
        if let Ok(service) = self.service() {
            self.keep(task, &service).await;
            let _ = service.remove(task.statement.hash()).await;
        }
        self.seen(task.last).await;
        Ok(())
    }

    /// Keeps the STARK of batches that are final now, for those who follow by proofs. Without it they execute.
    async fn keep(&self, task: &Task, service: &Service) {
        let range = ProvenRange::new(task.first, task.last, &task.statement);
        let kept = match service.stark(task.statement.hash()).await {
            Ok(stark) => self.rollup.proofs.put(&range, &stark).map_err(|error| error.to_string()),
            Err(error) => Err(error.to_string()),
        };
        if let Err(error) = kept {
            tracing::warn!(first = task.first, last = task.last, error, "the STARK was not kept");
        }
    }

    /// Waits a little until the index knows what L1 just did.
    async fn seen(&self, batch: u64) {
        for _ in 0..40 {
            let known = self.rollup.index.claims().is_ok_and(|claims| {
                claims.iter().any(|claim| claim.status == ClaimStatus::Final && claim.last_batch >= batch)
            });
            if known {
                return;
            }
            tokio::time::sleep(PAUSE).await;
        }
    }
}

/// Why a rollup has no prover.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum ProverError {
    /// L1 takes no proofs.
    #[error("this rollup takes no proofs: it was deployed with --settlement optimistic")]
    NoProofs,
}

#[cfg(test)]
mod tests {
    use super::*;

    const fn wanted(first: u64, last: u64, parent: u64) -> Wanted {
        Wanted { first, last, parent }
    }

    #[test]
    fn without_claims_there_is_nothing_to_prove() {
        assert_eq!(furthest(&[], 9, 3, 9, 64), None);
    }

    #[test]
    fn of_many_claims_the_one_that_gets_furthest_is_proved() {
        let small: Vec<_> = (10..30).map(|last| wanted(10, last, 3)).collect();
        assert_eq!(furthest(&small, 29, 3, 9, 64), Some(wanted(10, 29, 3)));
        // Of two up to the same batch the one on the nearer final claim: there is less to prove.
        let two = [wanted(5, 12, 1), wanted(10, 12, 3)];
        assert_eq!(furthest(&two, 12, 3, 9, 64), Some(wanted(10, 12, 3)));
    }

    #[test]
    fn claims_in_a_row_are_proved_at_once() {
        // Of one batch each, on one another: only the first is on a final one.
        assert_eq!(furthest(&[wanted(10, 10, 3)], 40, 3, 9, 64), Some(wanted(10, 40, 3)));
        assert_eq!(furthest(&[wanted(10, 10, 3)], 400, 3, 9, 64), Some(wanted(10, 73, 3)));
        assert_eq!(furthest(&[], 12, 3, 9, 64), Some(wanted(10, 12, 3)));
    }

    #[test]
    fn what_a_proof_has_no_room_for_is_proved_in_parts() {
        let whole = wanted(10, 29, 3);
        assert_eq!(furthest(&[whole], 29, 3, 9, 20), Some(whole));
        assert_eq!(furthest(&[whole], 29, 3, 9, 19), Some(wanted(10, 28, 3)));
        // After failures one batch at a time, and never past what was claimed.
        assert_eq!(furthest(&[whole], 29, 3, 9, 1), Some(wanted(10, 10, 3)));
        assert_eq!(furthest(&[wanted(5, 12, 1)], 12, 3, 9, 7), Some(wanted(10, 12, 3)));
    }

    #[test]
    fn what_is_final_is_not_proved_again() {
        // Of one that could not be proved the first half was, as a claim of its own.
        assert_eq!(furthest(&[wanted(10, 73, 3)], 73, 9, 41, 64), Some(wanted(42, 73, 9)));
    }

    #[test]
    fn a_small_claim_does_not_keep_the_prover_from_the_rest() {
        // The long one does not fit; the small one would get less far than a claim of the prover's own.
        let claims = [wanted(10, 10, 3), wanted(10, 200, 3)];
        assert_eq!(furthest(&claims, 200, 3, 9, 64), Some(wanted(10, 73, 3)));
        let claims = [wanted(10, 73, 3), wanted(10, 200, 3)];
        assert_eq!(furthest(&claims, 200, 3, 9, 64), Some(wanted(10, 73, 3)));
    }
}
