//! Preparing a chain for a load: fees, the token, and senders with something to spend.

use crate::reply::{self, Verdict};
use crate::rpc::{ReplyError, RpcClient};
use crate::sign::{Terms, Workload};
use crate::token::{MINIMAL_ERC20, balance_of_call, transfer_call};
use crate::{BenchError, Erc20, Progress, TransferLoad, keys, plan::Plan};
use alloy_primitives::{Address, B256, Bytes, TxKind, U256};
use alloy_signer_local::PrivateKeySigner;
use core::time::Duration;
use tokio::time::{Instant, sleep};

/// How long the preparation may stand still.
const TIMEOUT: Duration = Duration::from_secs(120);

/// Pause between two looks at the chain.
const POLL: Duration = Duration::from_millis(50);

/// What every sender gets beyond the most its transactions can cost, in wei: fees that are not in
/// the gas price, such as a rollup's data fee.
const RESERVE: u64 = 1_000_000_000_000_000;

/// Checks that the endpoint serves the right chain, and says what it is.
pub(crate) async fn identify(
    load: &TransferLoad,
    client: &mut RpcClient,
) -> Result<(u64, String), BenchError> {
    let found = client.chain_id().await?;
    if let Some(expected) = load.chain_id.filter(|expected| *expected != found) {
        return Err(BenchError::WrongChain { expected, found });
    }
    Ok((found, client.client_version().await))
}

/// Deploys the token if there is to be one, funds the senders, and returns what to sign.
pub(crate) async fn prepare(
    load: &TransferLoad,
    client: &mut RpcClient,
    plan: &Plan,
    chain_id: u64,
    progress: &mut dyn FnMut(Progress),
) -> Result<Workload, BenchError> {
    let run_nonce = load.run_nonce.unwrap_or_else(keys::fresh_run_nonce);
    let senders = keys::senders(load.seed, run_nonce, plan.accounts())?;
    let terms = fees(load, client, chain_id).await?;
    let address = load.funding_key.address();
    let nonce = client.nonce(address, "pending").await?;
    let mut funder = Funder { signer: &load.funding_key, client, terms, nonce };
    let token = match &load.erc20 {
        None => None,
        Some(Erc20::Deployed(token)) => Some(*token),
        Some(Erc20::Code(code)) => Some(funder.deploy(code.clone()).await?),
        Some(Erc20::Minimal) => Some(funder.deploy(Bytes::from_static(MINIMAL_ERC20)).await?),
    };
    if let (Some(token), false) = (token, matches!(load.erc20, Some(Erc20::Deployed(_)))) {
        progress(Progress::TokenDeployed { token });
    }

    let one = U256::from(1);
    let nobody = keys::fresh_recipient(load.seed, run_nonce, u64::MAX);
    let plain = funder.client.estimate_gas(address, nobody, one, &Bytes::new()).await?;
    let plain = with_margin(plain);
    let gas_limit = match token {
        Some(token) => {
            let call = transfer_call(nobody, one).into();
            with_margin(funder.client.estimate_gas(address, token, U256::ZERO, &call).await?)
        }
        None => plain,
    };

    let transactions = U256::from(plan.most_per_account());
    let most = U256::from(gas_limit) * U256::from(terms.max_fee_per_gas) + one;
    let share = transactions * most * U256::from(5) / U256::from(4) + U256::from(RESERVE);
    let own_gas = if token.is_some() { plain + gas_limit } else { plain };
    let own = U256::from(own_gas) * U256::from(terms.max_fee_per_gas);
    let needed = (share + own) * U256::from(senders.len());
    let balance = funder.client.balance(address).await?;
    if balance < needed {
        return Err(BenchError::Unfunded { address, balance, needed });
    }
    funder
        .fund(&senders, share, plain, token.map(|token| (token, transactions, gas_limit)), progress)
        .await?;

    let terms = Terms { gas_limit, ..terms };
    let (recipients, seed) = (load.recipients, load.seed);
    Ok(Workload { terms, senders, token, recipients, seed, run_nonce })
}

/// A plain transfer costs the same everywhere; anything else may cost more later than now.
const fn with_margin(gas: u64) -> u64 {
    if gas == 21_000 { gas } else { gas + gas / 5 }
}

async fn fees(load: &TransferLoad, client: &mut RpcClient, chain_id: u64) -> Result<Terms, BenchError> {
    let base = client.latest_block().await?.base_fee_per_gas.ok_or_else(|| {
        BenchError::Settings("the chain has no base fee: transactions of EIP-1559 are required".to_owned())
    })?;
    let tip = match client.priority_fee().await {
        Ok(tip) => tip,
        Err(BenchError::Rpc { .. } | BenchError::Malformed { .. }) => {
            client.gas_price().await?.saturating_sub(base).max(U256::from(1))
        }
        Err(error) => return Err(error),
    };
    let max_fee = base.saturating_mul(U256::from(load.fee_multiple.max(1))).saturating_add(tip);
    Ok(Terms {
        chain_id,
        max_fee_per_gas: max_fee.saturating_to(),
        max_priority_fee_per_gas: tip.saturating_to(),
        gas_limit: 0,
    })
}

/// The account that pays for everything.
struct Funder<'a> {
    signer: &'a PrivateKeySigner,
    client: &'a mut RpcClient,
    terms: Terms,
    nonce: u64,
}

impl Funder<'_> {
    async fn send(
        &mut self,
        to: TxKind,
        value: U256,
        input: Bytes,
        gas_limit: u64,
    ) -> Result<B256, BenchError> {
        let terms = Terms { gas_limit, ..self.terms };
        let (raw, hash) = terms.sign(self.signer, self.nonce, to, value, input)?;
        let raw = Bytes::from(raw);
        let started = Instant::now();
        loop {
            match self.client.send_raw(&raw).await {
                Ok(_) => break,
                Err(BenchError::Rpc { method, code, message }) => {
                    match reply::judge(ReplyError { code, message: message.clone() }) {
                        Verdict::Accepted => break,
                        Verdict::Later(_) if started.elapsed() < TIMEOUT => sleep(POLL).await,
                        _ => return Err(BenchError::Rpc { method, code, message }),
                    }
                }
                Err(error) => return Err(error),
            }
        }
        self.nonce += 1;
        Ok(hash)
    }

    async fn deploy(&mut self, code: Bytes) -> Result<Address, BenchError> {
        let address = self.signer.address().create(self.nonce);
        let gas = self.client.estimate_creation(self.signer.address(), &code).await?;
        let hash = self.send(TxKind::Create, U256::ZERO, code, with_margin(gas)).await?;
        self.confirm(hash, "token deployment").await?;
        Ok(address)
    }

    /// Waits for the receipt of a transaction and checks it.
    async fn confirm(&mut self, hash: B256, what: &'static str) -> Result<(), BenchError> {
        let started = Instant::now();
        loop {
            if let Some(receipt) = self.client.receipt(hash).await? {
                return if receipt.status.is_zero() { Err(BenchError::SetupFailed { what }) } else { Ok(()) };
            }
            if started.elapsed() > TIMEOUT {
                return Err(BenchError::SetupTimeout { what, seconds: TIMEOUT.as_secs() });
            }
            sleep(POLL).await;
        }
    }

    /// Gives every sender its share of ether and, for a token load, of tokens.
    async fn fund(
        &mut self,
        senders: &[PrivateKeySigner],
        share: U256,
        plain_gas: u64,
        token: Option<(Address, U256, u64)>,
        progress: &mut dyn FnMut(Progress),
    ) -> Result<(), BenchError> {
        let first = self.nonce;
        let mut last = B256::ZERO;
        for sender in senders {
            let to = sender.address();
            last = self.send(TxKind::Call(to), share, Bytes::new(), plain_gas).await?;
            if let Some((token, amount, gas)) = token {
                let call = transfer_call(to, amount).into();
                last = self.send(TxKind::Call(token), U256::ZERO, call, gas).await?;
            }
        }
        self.settle(first, progress).await?;
        self.confirm(last, "funding").await?;
        if let (Some((token, amount, _)), Some(sender)) = (token, senders.last()) {
            let held = self.client.read(token, &balance_of_call(sender.address()).into()).await?;
            if U256::try_from_be_slice(&held).is_none_or(|held| held < amount) {
                return Err(BenchError::SetupFailed { what: "token funding" });
            }
        }
        Ok(())
    }

    /// Waits until the chain included everything sent since nonce `first`.
    async fn settle(&mut self, first: u64, progress: &mut dyn FnMut(Progress)) -> Result<(), BenchError> {
        let mut moved = Instant::now();
        let mut seen = first;
        loop {
            let nonce = self.client.nonce(self.signer.address(), "latest").await?;
            if nonce > seen {
                (seen, moved) = (nonce, Instant::now());
                progress(Progress::Funding { done: nonce - first, total: self.nonce - first });
            }
            if nonce >= self.nonce {
                return Ok(());
            }
            if moved.elapsed() > TIMEOUT {
                let what = "the funding of the senders";
                return Err(BenchError::SetupTimeout { what, seconds: TIMEOUT.as_secs() });
            }
            sleep(POLL).await;
        }
    }
}
