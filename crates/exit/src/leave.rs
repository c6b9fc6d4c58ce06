//! Takes an account's assets from L2 to L1, whatever the operators do.

use std::{
    collections::BTreeMap,
    path::PathBuf,
    time::{Duration, Instant},
};

use alloy_primitives::{Address, B256, U256};
use alloy_signer_local::PrivateKeySigner;
use duplex_actors::Operator;
use duplex_bridge::Progress;
use duplex_l1::{Deployment, FeeQuote, Rpc};
use duplex_node::BlobOptions;
use duplex_primitives::predeploys;
use serde::Serialize;
use tokio_util::sync::CancellationToken;

use crate::{
    Delays, ExitError, Exodus, ExodusStatus, Goal, Observer, Owed, Plan, Purpose, Rebuild, RebuildOptions,
    Seen, Settled, Step, act::acts, gas_price, next, plan, rebuild::l1_poll, settle,
};

/// Messages for one asset that may fail on L2 in a run: each costs gas on L1.
const MOST_FAILURES: u32 = 3;
/// A window that has more seconds left than this is looked at seldom.
const FAR: u64 = 600;
const FAR_PAUSE: Duration = Duration::from_secs(60);
/// Pause between looks.
const PAUSE: Duration = Duration::from_millis(500);
/// How long transactions of the key that this program does not know are waited for.
const FOREIGN: Duration = Duration::from_secs(180);

/// How an account leaves.
#[derive(Debug, Clone)]
pub struct ExitOptions {
    /// Where the rebuilt L2 is kept. Losing it costs only the time to derive again.
    pub dir: PathBuf,
    /// L1's JSON-RPC.
    pub l1_url: String,
    /// The rollup.
    pub deployment: Deployment,
    /// Where blobs come from.
    pub blobs: BlobOptions,
    /// Who leaves, and pays on L1.
    pub key: PrivateKeySigner,
    /// Who is paid on L1; the account itself if not given.
    pub recipient: Option<Address>,
    /// What stops it; everything that was done is on L1.
    pub stop: CancellationToken,
}

/// Something that arrived on L1.
#[derive(Debug, Clone, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Paid {
    /// Id of the asset.
    pub asset: Address,
    /// In its smallest unit.
    pub amount: U256,
    /// For people.
    pub text: String,
    /// Who received it.
    pub to: Address,
    /// The L1 transaction.
    pub transaction: B256,
}

/// What a run did.
#[derive(Debug, Clone, Default, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Report {
    /// What arrived on L1 in this run.
    pub paid: Vec<Paid>,
    /// What the exodus paid, if the rollup is in exodus.
    pub exodus: Vec<Settled>,
    /// What is left on L2, for people.
    pub left: Vec<String>,
    /// Wei spent for gas in this run; batches that were appended not counted.
    pub spent: U256,
    /// Wei of bonds that came back.
    pub bonds: U256,
    /// How long it took.
    pub seconds: f64,
}

/// An account that leaves.
#[derive(Debug)]
pub struct Exit {
    pub(crate) rebuild: Rebuild,
    pub(crate) observer: Observer,
    pub(crate) operator: Operator,
    pub(crate) account: Address,
    pub(crate) recipient: Address,
    delays: Delays,
    pub(crate) goal: Goal,
    /// What the plan takes, by asset.
    planned: BTreeMap<Address, U256>,
    /// Messages that failed on L2, by asset.
    failures: BTreeMap<Address, u32>,
    pub(crate) report: Report,
    pub(crate) refusals: u32,
    /// Whether it was said that the bond is missing.
    pub(crate) said_bond: bool,
}

impl Exit {
    /// Rebuilds L2 up to now.
    ///
    /// # Errors
    /// If L1 does not answer, is not the rollup's, or L2 cannot be derived.
    pub async fn start(options: ExitOptions, tell: &dyn Progress) -> Result<Self, ExitError> {
        let account = options.key.address();
        let recipient = options.recipient.unwrap_or(account);
        if recipient.is_zero() {
            return Err(ExitError::BadRecipient(recipient));
        }
        let l1 = Rpc::new(&options.l1_url)?;
        // In exodus a batch changes nothing any more.
        let append = !ExodusStatus::read(&l1, &options.deployment).await?.started;
        let delays = Delays::new(&options.deployment.parameters);
        let mut rebuild = Rebuild::start(RebuildOptions {
            dir: options.dir,
            l1_url: options.l1_url,
            deployment: options.deployment,
            blobs: options.blobs,
            key: Some(options.key),
            append,
            trust_proofs: None,
            stop: options.stop,
        })
        .await?;
        let Some(operator) = rebuild.operator.clone() else { return Err(ExitError::Stopped) };
        let ready = async {
            let number = l1.block_number().await?;
            rebuild.in_step(number, |line| tell.done(line)).await?;
            rebuild.during(foreign_transactions(&l1, &operator, tell)).await?
        };
        if let Err(error) = ready.await {
            rebuild.stop().await;
            return Err(error);
        }
        let observer = Observer::new(rebuild.rollup.clone(), account);
        let (goal, report) = (Goal::default(), Report::default());
        Ok(Self {
            rebuild,
            observer,
            operator,
            account,
            recipient,
            delays,
            goal,
            planned: BTreeMap::new(),
            failures: BTreeMap::new(),
            report,
            refusals: 0,
            said_bond: false,
        })
    }

    /// Where the exodus stands.
    ///
    /// # Errors
    /// If L1 does not answer.
    pub async fn exodus(&self) -> Result<ExodusStatus, ExitError> {
        ExodusStatus::read(&self.rebuild.rollup.l1, &self.rebuild.rollup.deployment).await
    }

    /// What will be done, and what it costs. `names` are the assets to take; everything if empty.
    ///
    /// # Errors
    /// If a name is unknown, or L1 does not answer.
    pub async fn plan(&mut self, names: &[String]) -> Result<Plan, ExitError> {
        let seen = self.look().await?;
        let chosen = self.observer.assets.choose(names)?;
        let l1 = &self.rebuild.rollup.l1;
        let prices = (
            self.price().await?,
            self.rebuild.rollup.deployment.parameters.bond,
            l1.balance(self.account).await?,
        );
        let assets = &self.observer.assets;
        let (leaves, plan) = plan(self.account, self.recipient, &seen, assets, &chosen, prices, &self.delays);
        let has = |asset: &Address| (*asset, seen.view.total(*asset));
        self.planned = leaves.iter().map(has).filter(|(_, amount)| !amount.is_zero()).collect();
        self.goal.assets = leaves;
        Ok(plan)
    }

    /// What the exodus owes the account, and what claiming it costs in wei.
    ///
    /// # Errors
    /// If the exodus has not begun, its claim is false, or L1 does not answer.
    pub async fn owed(&mut self, status: ExodusStatus) -> Result<(Vec<Owed>, U256), ExitError> {
        self.look().await?;
        let rollup = self.rebuild.rollup.clone();
        let exodus = Exodus::new(&rollup, status, self.account, self.recipient)?;
        let owed = exodus.owed(&self.observer.assets, self.observer.leaving()).await?;
        let price = self.price().await?;
        let open = owed.iter().filter(|owed| owed.request.is_some());
        let cost: U256 = open.map(|owed| U256::from(owed.work.gas()) * U256::from(price)).sum();
        let balance = rollup.l1.balance(self.account).await?;
        if balance < cost {
            let (address, what) = (self.account, "claiming what the exodus owes".into());
            return Err(ExitError::Unfunded { address, balance, needed: cost, what });
        }
        Ok((owed, cost))
    }

    /// Claims what the exodus owes the account.
    ///
    /// # Errors
    /// As [`owed`](Self::owed).
    pub async fn run_exodus(&mut self, status: ExodusStatus) -> Result<Report, ExitError> {
        let start = Instant::now();
        let (owed, _) = self.owed(status).await?;
        let operator = self.operator.clone();
        let vault = self.rebuild.rollup.deployment.contracts.vault;
        let settled = self.rebuild.during(settle(&operator, vault, owed)).await??;
        self.report.spent += settled.iter().map(|one| one.cost).sum::<U256>();
        self.report.exodus = settled;
        self.report.seconds = start.elapsed().as_secs_f64();
        Ok(self.report.clone())
    }

    async fn price(&self) -> Result<u128, ExitError> {
        let l1 = &self.rebuild.rollup.l1;
        Ok(gas_price(&l1.latest_header().await?, &FeeQuote::current(l1).await?))
    }

    /// Does what is left to do until everything that was planned is on L1. Can be stopped at any moment and
    /// begun again.
    ///
    /// # Errors
    /// If the key cannot pay, L1 refuses again and again, or it is stopped.
    pub async fn run(&mut self, tell: &dyn Progress) -> Result<Report, ExitError> {
        let start = Instant::now();
        let mut told: Option<Step> = None;
        loop {
            let seen = self.look().await?;
            self.learn(&seen, tell);
            let step = next(&seen.view, &self.goal, &self.delays);
            if step != Step::Mining && told.as_ref() != Some(&step) {
                self.announce(&step, &seen, tell);
                told = Some(step.clone());
            }
            if step == Step::Done && self.lost(&seen) {
                tell.done("L1 reorganised and lost what was done: once more");
                continue;
            }
            if step == Step::Done {
                self.report.left = self.left(&seen);
                self.report.seconds = start.elapsed().as_secs_f64();
                return Ok(self.report.clone());
            }
            match self.act(&step, &seen, tell).await {
                Ok(()) => self.refusals = 0,
                Err(error) => self.refused(error, tell).await?,
            }
            if !acts(&step) {
                self.pause(&step, seen.view.now).await?;
                if let Ok(status) = self.exodus().await
                    && status.started
                {
                    tell.done("the rollup is in exodus: what is left is claimed that way");
                    return self.run_exodus(status).await;
                }
            }
        }
    }

    /// Waits until there may be something new: an L1 block, or a while where much time is left.
    async fn pause(&mut self, step: &Step, now: u64) -> Result<(), ExitError> {
        let poll = l1_poll(&self.rebuild.rollup.deployment);
        let far = matches!(step, Step::Window { until, .. } if *until > now + FAR);
        let mut derivation = self.rebuild.rollup.derivation.clone();
        let known = derivation.borrow_and_update().l1_head.clone();
        self.rebuild
            .during(async {
                tokio::time::sleep(if far { FAR_PAUSE } else { poll }).await;
                let news = derivation.wait_for(|now| now.l1_head != known);
                // Without blocks on L1 its transactions may still be mined, or dropped.
                let _ = tokio::time::timeout(poll * 4, news).await;
            })
            .await
    }

    /// Stops. Everything is on disk and on L1.
    pub async fn stop(self) {
        self.rebuild.stop().await;
    }

    /// Looks until there is something consistent to be seen.
    async fn look(&mut self) -> Result<Seen, ExitError> {
        let mut said = false;
        loop {
            let Self { rebuild, observer, operator, .. } = self;
            match rebuild.during(observer.look(operator)).await? {
                Err(error) if error.is_temporary() => {
                    if !matches!(error, ExitError::ChainMoved) && !std::mem::replace(&mut said, true) {
                        tracing::warn!(%error, "waiting");
                    }
                    rebuild.during(tokio::time::sleep(PAUSE)).await?;
                }
                done => return done,
            }
        }
    }

    /// Takes note of what became of messages.
    fn learn(&mut self, seen: &Seen, tell: &dyn Progress) {
        for outcome in &seen.outcomes {
            let (asset, amount) = match outcome.purpose {
                Purpose::Withdraw { asset, amount } => (asset, amount),
                Purpose::Unwrap { amount } => (predeploys::WETH, amount),
                _ => continue,
            };
            let text = self.observer.assets.format(asset, amount);
            let index = outcome.index;
            if outcome.success {
                self.goal.assets.remove(&asset);
                tell.done(&format!("L2 took message {index}: {text}"));
                continue;
            }
            let failures = self.failures.entry(asset).or_default();
            *failures += 1;
            if *failures < MOST_FAILURES {
                self.goal.assets.insert(asset);
                tell.done(&format!(
                    "message {index} ({text}) failed on L2, because the balance changed meanwhile; once more \
                     with what is there"
                ));
            } else {
                self.goal.assets.remove(&asset);
                self.planned.remove(&asset);
                tell.done(&format!(
                    "message {index} ({text}) failed on L2 again: it stays there in this run"
                ));
            }
        }
        for claim in &seen.false_claims {
            tracing::warn!(
                claim,
                "this claim is false and will become final unless somebody challenges it, for example with \
                 `duplex challenger`"
            );
        }
    }

    /// Whether something that was planned is still on L2 as if nothing had been done; it is wanted again.
    fn lost(&mut self, seen: &Seen) -> bool {
        let is_there = |(asset, amount): &(&Address, &U256)| {
            seen.view.total(**asset) >= **amount && !self.report.paid.iter().any(|paid| paid.asset == **asset)
        };
        let lost: Vec<Address> = self.planned.iter().filter(is_there).map(|(asset, _)| *asset).collect();
        let before = self.goal.assets.len();
        self.goal.assets.extend(lost);
        self.goal.assets.len() > before
    }

    fn left(&self, seen: &Seen) -> Vec<String> {
        let assets = &self.observer.assets;
        let held = assets.iter().filter_map(|asset| Some((asset, *seen.view.holdings.get(&asset.id())?)));
        held.map(|(asset, amount)| asset.format(amount)).collect()
    }
}

/// Waits for transactions of the key that are not mined and that an earlier run may have sent: otherwise
/// the same withdrawal would be sent twice.
async fn foreign_transactions(l1: &Rpc, operator: &Operator, tell: &dyn Progress) -> Result<(), ExitError> {
    let (start, account, mut said) = (Instant::now(), operator.txs.address(), false);
    loop {
        let (mined, pending) = (l1.nonce(account, false).await?, l1.nonce(account, true).await?);
        if mined >= pending || start.elapsed() > FOREIGN {
            return Ok(());
        }
        if !std::mem::replace(&mut said, true) {
            let count = pending - mined;
            tell.wait(&format!("{count} L1 transactions of {account} that are under way"), "some L1 blocks");
        }
        tokio::time::sleep(PAUSE).await;
    }
}
