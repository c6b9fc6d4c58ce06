//! When nobody is left to prove: balances are paid from the last final claim.

use alloy_primitives::{Address, B256, U256};
use alloy_sol_types::SolCall;
use duplex_actors::{Operator, Rollup};
use duplex_contracts::{
    bindings::{IExodus, ISettlement, IVault, QueuedMessage},
    token_balance_slot,
};
use duplex_l1::{Deployment, Rpc, TxManagerError, TxRequest};
use duplex_primitives::{L1Message, OutputRoot};
use serde::Serialize;

use crate::{
    Asset, Assets, ExitError, Leaving, Purpose, Work,
    calls::{self, claimed_block, preimage, request},
    duration, purpose,
};

/// Where the exodus of a rollup stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct ExodusStatus {
    /// Whether it has begun.
    pub started: bool,
    /// The claim whose root counts, once it has; the newest final one before.
    pub claim: u64,
    /// Its output root.
    pub output_root: B256,
    /// Messages in it, once the exodus has begun.
    pub messages: u64,
    /// L1 time after which anyone may start it.
    pub opens_at: u64,
    /// L1 time.
    pub now: u64,
}

impl ExodusStatus {
    /// Asks L1.
    ///
    /// # Errors
    /// If L1 does not answer.
    pub async fn read(l1: &Rpc, deployment: &Deployment) -> Result<Self, ExitError> {
        let (vault, settlement) = (deployment.contracts.vault, deployment.contracts.settlement);
        let exodus = l1.call(vault, &IExodus::exodusCall {}).await?;
        let opens_at = l1.call(vault, &IExodus::exodusOpensAtCall {}).await?.saturating_to();
        let now = l1.latest_header().await?.header.timestamp;
        let (claim, output_root) = if exodus.started {
            (exodus.claimId, exodus.outputRoot)
        } else {
            let claim = l1.call(settlement, &ISettlement::lastFinalClaimCall {}).await?;
            (claim, l1.call(settlement, &ISettlement::finalOutputRootCall { id: claim }).await?)
        };
        Ok(Self { started: exodus.started, claim, output_root, messages: exodus.messageCount, opens_at, now })
    }

    /// Whether anyone may start it now.
    pub const fn can_start(&self) -> bool {
        !self.started && self.now > self.opens_at
    }

    /// In one sentence.
    pub fn describe(&self) -> String {
        if self.started {
            format!("the exodus has begun: claim {} says who owns what", self.claim)
        } else if self.can_start() {
            "no claim became final for so long that anyone may start the exodus: duplex exodus start".into()
        } else {
            let left = duration(self.opens_at + 1 - self.now);
            format!("the exodus can be started in {left}, if no further claim becomes final until then")
        }
    }

    /// That it has begun.
    ///
    /// # Errors
    /// If it has not.
    pub fn must_have_begun(&self, deployment: &Deployment) -> Result<(), ExitError> {
        match self.started {
            true => Ok(()),
            false => Err(ExitError::NotInExodus { vault: deployment.contracts.vault, why: self.describe() }),
        }
    }
}

/// The transaction that starts the exodus.
pub fn start_request(deployment: &Deployment) -> TxRequest {
    request(deployment.contracts.vault, &IExodus::startExodusCall {}, "start the exodus".into())
}

/// Something that an exodus owes an account.
#[derive(Debug, Clone)]
pub struct Owed {
    /// What it is.
    pub what: &'static str,
    /// How much, for people.
    pub text: String,
    /// What claiming it is on L1.
    pub work: Work,
    /// The transaction that claims it; `None` if it was paid before.
    pub request: Option<TxRequest>,
}

/// What became of something owed.
#[derive(Debug, Clone, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Settled {
    /// What it is.
    pub what: &'static str,
    /// How much, for people.
    pub amount: String,
    /// `paid`, `was paid before`, or why not.
    pub outcome: String,
    /// Whether it is paid now.
    pub paid: bool,
    /// The L1 transaction that paid it, if it was sent now.
    pub transaction: Option<B256>,
    /// What that cost, in wei.
    pub cost: U256,
}

/// Finds what an exodus owes an account.
#[derive(Debug)]
pub struct Exodus<'a> {
    rollup: &'a Rollup,
    status: ExodusStatus,
    account: Address,
    recipient: Address,
    /// The L2 block whose state counts, and its output.
    block: u64,
    output: OutputRoot,
}

impl<'a> Exodus<'a> {
    /// For `account`, to pay `recipient`. L2 must be derived as far as the exodus' claim.
    ///
    /// # Errors
    /// If the exodus has not begun, or its claim is false.
    pub fn new(
        rollup: &'a Rollup,
        status: ExodusStatus,
        account: Address,
        recipient: Address,
    ) -> Result<Self, ExitError> {
        status.must_have_begun(&rollup.deployment)?;
        let (block, output) = claimed_block(rollup, status.claim)?;
        Ok(Self { rollup, status, account, recipient, block, output })
    }

    /// The L2 block whose state counts.
    pub const fn block(&self) -> u64 {
        self.block
    }

    /// Everything that is owed: balances, withdrawals that were started before, deposits that L2 never
    /// took. `leaving` are the withdrawals of the account in the derived chain.
    ///
    /// # Errors
    /// If L1 does not answer or the chain cannot be read.
    pub async fn owed(&self, assets: &Assets, leaving: &[Leaving]) -> Result<Vec<Owed>, ExitError> {
        let mut owed = Vec::new();
        for asset in assets.iter() {
            owed.extend(self.balance(asset).await?);
        }
        for leaving in leaving.iter().filter(|leaving| leaving.block <= self.block) {
            owed.push(self.withdrawal(assets, leaving).await?);
        }
        let (count, _) = self.rollup.index.counts()?;
        for index in self.status.messages..count {
            let message = self.rollup.index.message(index)?.ok_or(ExitError::ChainMoved)?;
            owed.extend(self.refund(assets, message).await?);
        }
        Ok(owed)
    }

    async fn balance(&self, asset: &Asset) -> Result<Option<Owed>, ExitError> {
        let state = self.rollup.chain.state_at(self.block)?.ok_or(ExitError::ChainMoved)?;
        let amount = asset.balance(&state, self.account)?;
        if amount.is_zero() {
            return Ok(None);
        }
        let vault = self.rollup.deployment.contracts.vault;
        // The contract knows ETH as the zero address.
        let l2_asset = if *asset == Asset::Eth { Address::ZERO } else { asset.id() };
        let call = IExodus::hasExitedCall { l2Asset: l2_asset, holder: self.account };
        let request = match self.rollup.l1.call(vault, &call).await? {
            true => None,
            false => Some(self.exit(asset, &state)?),
        };
        let work = if *asset == Asset::Eth { Work::ExitEth } else { Work::ExitToken };
        Ok(Some(Owed { what: "balance on L2", text: asset.format(amount), work, request }))
    }

    fn exit(&self, asset: &Asset, state: &duplex_chain::StateAt) -> Result<TxRequest, ExitError> {
        let (vault, p) = (self.rollup.deployment.contracts.vault, preimage(&self.output));
        let (holder, to) = (self.account, self.recipient);
        let label = format!("exodus: {}", asset.symbol());
        if *asset == Asset::Eth {
            let proof = state.prove(holder, &[])?;
            let call = IExodus::exitETHCall { holder, to, p, accountProof: proof.account_proof };
            return Ok(request(vault, &call, label));
        }
        let mut proof = state.prove(asset.id(), &[token_balance_slot(holder)])?;
        let account_proof = proof.account_proof;
        let balance_proof: calls::Proof = proof.storage.pop().map(|slot| slot.proof).unwrap_or_default();
        // The account has a key, so that no proof of the holder itself is needed.
        let holder_proof = Vec::new();
        Ok(match asset {
            Asset::Token(token) => {
                let call = IExodus::exitERC20Call {
                    l1Token: token.l1,
                    holder,
                    to,
                    p,
                    accountProof: account_proof,
                    balanceProof: balance_proof,
                    holderProof: holder_proof,
                };
                request(vault, &call, label)
            }
            _ => {
                let call = IExodus::exitWETHCall {
                    holder,
                    to,
                    p,
                    accountProof: account_proof,
                    balanceProof: balance_proof,
                    holderProof: holder_proof,
                };
                request(vault, &call, label)
            }
        })
    }

    async fn withdrawal(&self, assets: &Assets, leaving: &Leaving) -> Result<Owed, ExitError> {
        let vault = self.rollup.deployment.contracts.vault;
        let call = IVault::withdrawalStateCall { withdrawalHash: leaving.withdrawal.hash() };
        let request = match self.rollup.l1.call(vault, &call).await? {
            0 => Some(calls::release(self.rollup, leaving, self.status.claim)?),
            1 => None,
            _ => Some(calls::retry(self.rollup, leaving)),
        };
        let work = if leaving.withdrawal.value.is_zero() { Work::ReleaseToken } else { Work::ReleaseEth };
        Ok(Owed { what: "withdrawal", text: assets.format(leaving.asset, leaving.amount), work, request })
    }

    async fn refund(&self, assets: &Assets, message: L1Message) -> Result<Option<Owed>, ExitError> {
        let contracts = self.rollup.deployment.contracts;
        let text = match purpose(&message, self.account, contracts.vault) {
            None => return Ok(None),
            Some(Purpose::Deposit { l1_token: Some(token), amount, .. }) => {
                assets.format(duplex_contracts::l2_token_address(token), amount)
            }
            Some(Purpose::Deposit { amount, .. }) => Asset::Eth.format(amount),
            // What came with a message of the account's own; often nothing.
            Some(_) if message.mint.is_zero() => return Ok(None),
            Some(_) => Asset::Eth.format(message.mint),
        };
        let index = message.index;
        let request = match self.rollup.l1.call(contracts.vault, &IExodus::isRefundedCall { index }).await? {
            true => None,
            false => Some(refund_request(contracts.vault, message, self.recipient)),
        };
        Ok(Some(Owed { what: "deposit that L2 never took", text, work: Work::Refund, request }))
    }
}

fn refund_request(vault: Address, message: L1Message, to: Address) -> TxRequest {
    let index = message.index;
    let m = QueuedMessage {
        from: message.from,
        target: message.target,
        mint: message.mint,
        value: message.value,
        gasLimit: message.gas_limit,
        data: message.data,
    };
    request(vault, &IExodus::refundCall { index, m, to }, format!("refund of message {index}"))
}

/// Claims what is owed, one by one. What L1 refuses does not stop the rest.
///
/// # Errors
/// If L1 cannot be reached, or the key cannot pay.
pub async fn settle(operator: &Operator, vault: Address, owed: Vec<Owed>) -> Result<Vec<Settled>, ExitError> {
    let mut settled = Vec::new();
    for Owed { what, text: amount, request, .. } in owed {
        let (mut outcome, mut paid, mut transaction, mut cost) =
            ("was paid before".to_owned(), true, None, U256::ZERO);
        if let Some(request) = request {
            let releases = [IVault::releaseCall::SELECTOR, IVault::retryCall::SELECTOR];
            let may_fail = releases.iter().any(|selector| request.data.starts_with(selector));
            match operator.txs.send(request).await {
                Ok(receipt) => {
                    paid = !may_fail || calls::was_paid(&receipt, vault);
                    outcome = if paid { "paid" } else { "the recipient refused it; try again later" }.into();
                    transaction = Some(receipt.transaction_hash);
                    cost = receipt.cost();
                }
                Err(error @ (TxManagerError::Unfunded { .. } | TxManagerError::Stopped)) => {
                    return Err(error.into());
                }
                Err(TxManagerError::Rpc(error)) if error.is_temporary() => return Err(error.into()),
                Err(error) => (outcome, paid) = (error.to_string(), false),
            }
        }
        settled.push(Settled { what, amount, outcome, paid, transaction, cost });
    }
    Ok(settled)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn status(now: u64) -> ExodusStatus {
        ExodusStatus { started: false, claim: 3, output_root: B256::ZERO, messages: 0, opens_at: 1000, now }
    }

    #[test]
    fn the_second_in_which_it_opens_is_still_too_early() {
        assert!(!status(999).can_start() && !status(1000).can_start() && status(1001).can_start());
        assert!(status(1000).describe().contains("in 1 s"), "{}", status(1000).describe());
        assert!(status(1001).describe().contains("duplex exodus start"));
        let started = ExodusStatus { started: true, ..status(5000) };
        assert!(!started.can_start() && started.describe().contains("claim 3"));
    }
}
