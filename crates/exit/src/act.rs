//! Does the steps of leaving.

use std::time::Duration;

use alloy_primitives::U256;
use duplex_bridge::{Progress, format_units};
use duplex_contracts::bindings::ISettlement;
use duplex_l1::{FeeQuote, TxManagerError, TxReceipt, TxRequest};
use duplex_primitives::predeploys;

use crate::{Call, Exit, ExitError, OnL1, Paid, Seen, Step, Work, calls, duration};

/// Pause after L1 refused something: it may be that somebody else was faster.
const REFUSED_PAUSE: Duration = Duration::from_secs(5);
/// Times that L1 may refuse the same step before it is a failure.
const REFUSALS: u32 = 5;

impl Exit {
    pub(crate) fn announce(&self, step: &Step, seen: &Seen, tell: &dyn Progress) {
        let left = |until: u64| duration(until.saturating_sub(seen.view.now));
        match step {
            Step::Inclusion { open: true, .. } => {
                tell.wait("the batch with the messages, made here, to be on L1", "some L1 blocks");
            }
            Step::Inclusion { due, open_at, .. } => tell.wait(
                "L2 to take the messages",
                &format!(
                    "the sequencer must within {}; in {} it is done here",
                    left(*due),
                    left(open_at + 1)
                ),
            ),
            Step::Claimant { until, .. } => {
                tell.wait("somebody to claim the batch", &format!("in {} it is done here", left(*until)));
            }
            Step::Window { claim, until } => tell.wait(
                &format!("claim {claim} to become final"),
                &format!("{} left; this can be stopped and run again then", left(*until)),
            ),
            Step::Blocked { batch } => tell.wait(
                &format!("a batch after {batch}"),
                "all claims that could cover it stand beside rivals; any new batch helps",
            ),
            Step::Proof { batch } => tell.wait(
                &format!("a proof that covers batch {batch}"),
                &format!(
                    "anyone can make one (`duplex node --prover`); if none comes within {} of the last, the exodus opens \
                     (`duplex exodus start`)",
                    duration(self.rebuild.rollup.deployment.parameters.exodus_delay)
                ),
            ),
            Step::Force { .. } | Step::Mining | Step::Done => {}
            Step::Propose { last_batch, .. } => {
                let bond = format_units(self.rebuild.rollup.deployment.parameters.bond, 18);
                tell.wait(
                    &format!("L1 to take a claim up to batch {last_batch}"),
                    &format!("bond {bond} ETH"),
                );
            }
            Step::Finalize { claim } => tell.wait(&format!("L1 to make claim {claim} final"), "one L1 block"),
            Step::Release { .. } => tell.wait("L1 to check the proofs and pay", "one L1 block each"),
            Step::Collect { .. } => tell.wait("L1 to pay back the bond", "one L1 block"),
        }
    }

    pub(crate) async fn act(
        &mut self,
        step: &Step,
        seen: &Seen,
        tell: &dyn Progress,
    ) -> Result<(), ExitError> {
        let rollup = self.rebuild.rollup.clone();
        let settlement = rollup.deployment.contracts.settlement;
        match step {
            Step::Force { assets } => {
                for (asset, amount) in assets {
                    let text = self.observer.assets.format(*asset, *amount);
                    let (call, work) = match *asset {
                        predeploys::ETH_TOKEN => {
                            (Call::withdraw_eth(self.recipient, *amount), Work::ForceEth)
                        }
                        predeploys::WETH => (Call::unwrap(*amount), Work::Unwrap),
                        token => (Call::withdraw_token(token, self.recipient, *amount), Work::ForceToken),
                    };
                    tell.wait(&format!("L1 to queue the withdrawal of {text}"), "one L1 block");
                    let receipt =
                        self.send(calls::force(&rollup, call, format!("force {text}")), work).await?;
                    let queue = rollup.deployment.contracts.message_queue;
                    if let Some(message) = calls::message_of(&receipt, queue) {
                        self.observer.watch(message);
                    }
                }
            }
            Step::Propose { parent, last_batch } => {
                let request = calls::propose(&rollup, *parent, *last_batch).await?;
                if self.can_stake(tell).await? {
                    self.send(request, Work::Propose).await?;
                }
            }
            Step::Finalize { claim } => {
                let call = ISettlement::finalizeCall { id: *claim };
                let request = calls::request(settlement, &call, format!("finalise claim {claim}"));
                self.send(request, Work::Finalize).await?;
            }
            Step::Release { withdrawals } => {
                for (hash, claim, on_l1) in withdrawals {
                    let Some(leaving) = seen.leaving.get(hash) else { continue };
                    let request = match on_l1 {
                        OnL1::Failed => calls::retry(&rollup, leaving),
                        OnL1::Open => calls::release(&rollup, leaving, *claim)?,
                    };
                    let work = if leaving.withdrawal.value.is_zero() {
                        Work::ReleaseToken
                    } else {
                        Work::ReleaseEth
                    };
                    let receipt = self.send(request, work).await?;
                    let (asset, amount, to) = (leaving.asset, leaving.amount, leaving.to);
                    let text = self.observer.assets.format(asset, amount);
                    if calls::was_paid(&receipt, rollup.deployment.contracts.vault) {
                        tell.done(&format!("paid {text} to {to} on L1"));
                        let transaction = receipt.transaction_hash;
                        self.report.paid.push(Paid { asset, amount, text, to, transaction });
                    } else {
                        tell.done(&format!(
                            "{to} refused {text} on L1; it stays in the Vault, and is tried again next time"
                        ));
                        self.goal.refused.insert(*hash);
                    }
                }
            }
            Step::Collect { amount } => {
                let call = ISettlement::withdrawCreditCall { to: self.account };
                let request = calls::request(settlement, &call, "take back bonds".into());
                self.send(request, Work::Collect).await?;
                self.report.bonds += *amount;
                tell.done(&format!("{} ETH of bonds came back", format_units(*amount, 18)));
            }
            _ => {}
        }
        Ok(())
    }

    /// Whether the key can pay for a claim. If not, it is waited for: somebody else may claim, too.
    async fn can_stake(&mut self, tell: &dyn Progress) -> Result<bool, ExitError> {
        let rollup = &self.rebuild.rollup;
        let fees = FeeQuote::current(&rollup.l1).await?;
        let bond = rollup.deployment.parameters.bond;
        let needed = bond + U256::from(Work::Propose.gas()) * U256::from(fees.max_fee);
        let balance = rollup.l1.balance(self.account).await?;
        if balance >= needed {
            return Ok(true);
        }
        if !std::mem::replace(&mut self.said_bond, true) {
            let eth = |wei| format_units(wei, 18);
            tell.wait(
                &format!("a claim by somebody else, or {} ETH on L1 for {}", eth(needed), self.account),
                &format!("it has {}; the bond of {} comes back", eth(balance), eth(bond)),
            );
        }
        self.rebuild.during(tokio::time::sleep(REFUSED_PAUSE * 6)).await?;
        Ok(false)
    }

    /// Sends a transaction and waits until it is mined and read back.
    async fn send(&mut self, request: TxRequest, work: Work) -> Result<TxReceipt, ExitError> {
        let (operator, account) = (self.operator.clone(), self.account);
        let label = request.label.clone();
        let receipt = match self.rebuild.during(operator.txs.send(request)).await? {
            Err(TxManagerError::Unfunded { balance, needed, .. }) => {
                return Err(ExitError::Unfunded { address: account, balance, needed, what: label });
            }
            Err(TxManagerError::Stopped) => return Err(ExitError::Stopped),
            done => done?,
        };
        tracing::debug!(?work, gas = %receipt.gas_used, "mined");
        self.report.spent += receipt.cost();
        let mut derivation = self.rebuild.rollup.derivation.clone();
        let block = receipt.block_number.to::<u64>();
        let read =
            derivation.wait_for(|now| now.l1_head.as_ref().is_some_and(|head| head.header.number >= block));
        self.rebuild.during(async { read.await.map(|_| ()) }).await?.map_err(|_| ExitError::Stopped)?;
        Ok(receipt)
    }

    /// A step that failed is looked at again: somebody else may have been faster, or L1 went back.
    pub(crate) async fn refused(&mut self, error: ExitError, tell: &dyn Progress) -> Result<(), ExitError> {
        let again = error.is_temporary()
            || matches!(
                error,
                ExitError::Tx(
                    TxManagerError::Rpc(_)
                        | TxManagerError::Reverted { .. }
                        | TxManagerError::Replaced { .. }
                )
            );
        self.refusals += 1;
        if !again || (!error.is_temporary() && self.refusals >= REFUSALS) {
            return Err(error);
        }
        tell.done(&format!("{error}; looking again"));
        self.rebuild.during(tokio::time::sleep(REFUSED_PAUSE)).await
    }
}

/// Whether a step sends something, so that the next look may come at once.
pub(crate) const fn acts(step: &Step) -> bool {
    matches!(step, Step::Force { .. } | Step::Finalize { .. } | Step::Release { .. } | Step::Collect { .. })
}
