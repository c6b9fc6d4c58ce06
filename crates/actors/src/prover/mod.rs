//! Has batches proved, and makes claims final with the proofs.

mod resume;
mod service;
mod wanted;

use std::time::Duration;

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
use wanted::{Wanted, furthest};

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

impl Prover {
    /// For a rollup that takes proofs.
    ///
    /// # Errors
    /// If the rollup takes no proofs.
    pub fn new(rollup: Rollup, operator: Operator, options: ProverOptions) -> Result<Self, ProverError> {
        let contracts = rollup.deployment.validity.ok_or(ProverError::NoProofs)?;
        let watch = watch::Sender::default();
        let most = options.most_batches.max(1);
        Ok(Self { rollup, operator, options, contracts, service: None, most, task: None, watch })
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
            if claim.last_batch > covered
                && claim.last_batch <= derived
                && self.rollup.is_true(claim)? == Some(true)
            {
                end = end.max(claim.last_batch);
                if let Some(before) = final_up_to(claim.parent_id) {
                    let (first, last) = (before + 1, claim.last_batch);
                    on_final.push(Wanted { first, last, parent: claim.parent_id });
                }
            }
        }
        Ok(furthest(&on_final, end, parent, covered, self.most))
    }

    /// The claim that a proof makes final, if one of just these batches waits: its author has the bond back at once. Else the proof makes
    /// its own.
    fn claim_of(&mut self, task: &Task) -> Result<Option<u64>, ActorError> {
        for claim in self.rollup.index.claims()? {
            let same = (claim.parent_id, claim.last_batch, claim.output_root)
                == (task.parent, task.last, task.statement.output);
            if same && claim.status == ClaimStatus::Pending && self.rollup.is_true(&claim)? == Some(true) {
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
