//! L1 to L2.

use std::time::{Duration, Instant};

use alloy_primitives::{Address, B256, Bytes, U64, U256};
use alloy_signer_local::PrivateKeySigner;
use alloy_sol_types::SolCall;
use duplex_contracts::bindings::{IERC20, IVault};
use duplex_lane::Direction;
use serde::{Deserialize, Serialize};

use crate::{
    Asset, Bridge, BridgeError, MessageRequest, Progress, Sent, TokenRequest, send::send_transaction,
};

/// Gas that the recipient's code may use on L2.
pub(crate) const RECIPIENT_GAS: u32 = 100_000;
/// How long L2 is waited for.
const ON_L2_WITHIN: Duration = Duration::from_secs(20 * 60);
/// Pause between looks.
const PAUSE: Duration = Duration::from_millis(100);

/// A deposit that arrived.
#[derive(Debug, Clone, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct DepositReport {
    /// The L1 transaction.
    pub l1: Sent,
    /// What the L1 transactions cost in wei, an approval included.
    pub cost: U256,
    /// The L2 transaction that brought it.
    pub l2_transaction: B256,
    /// Its block.
    pub l2_block: U64,
    /// Seconds from the first transaction until it could be used on L2.
    pub seconds: f64,
}

#[derive(Debug, Deserialize)]
struct Status {
    messages: Vec<Message>,
}

#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
struct Message {
    stage: String,
    l2_transaction: Option<B256>,
    #[serde(default)]
    success: bool,
    #[serde(default)]
    l2_block: U64,
}

impl Bridge {
    /// Deposits ETH or a token for `to` on L2 and waits until it is there.
    ///
    /// # Errors
    /// If the sender has too little, L1 refuses, or L2 does not take it in time.
    pub async fn deposit(
        &self,
        key: &PrivateKeySigner,
        asset: &Asset,
        to: Address,
        amount: U256,
        progress: &dyn Progress,
    ) -> Result<DepositReport, BridgeError> {
        let start = Instant::now();
        let from = key.address();
        self.check_balance(asset, from, amount, "L1").await?;
        if self.deployment.lane.is_some() {
            return self.deposit_by_message(key, asset, to, amount, progress).await;
        }
        let vault = self.deployment.contracts.vault;
        let mut cost = U256::ZERO;
        let (value, call): (U256, Bytes) = match asset {
            Asset::Eth => {
                let call =
                    IVault::depositETHToCall { to, minGasLimit: RECIPIENT_GAS, extraData: Bytes::new() };
                (amount, call.abi_encode().into())
            }
            Asset::Token(token) => {
                let allowance =
                    self.l1.call(token.l1, &IERC20::allowanceCall { owner: from, spender: vault }).await?;
                if allowance < amount {
                    progress.wait("L1 to take the approval", "one L1 block");
                    // Some tokens change only what is zero.
                    if !allowance.is_zero() {
                        let none: Bytes =
                            IERC20::approveCall { spender: vault, value: U256::ZERO }.abi_encode().into();
                        let cleared =
                            send_transaction(&self.l1, key, Some(token.l1), U256::ZERO, none).await?;
                        cost += cleared.receipt.cost();
                    }
                    let approve = IERC20::approveCall { spender: vault, value: amount };
                    let approved = send_transaction(
                        &self.l1,
                        key,
                        Some(token.l1),
                        U256::ZERO,
                        approve.abi_encode().into(),
                    )
                    .await?;
                    cost += approved.receipt.cost();
                }
                let call = IVault::depositERC20ToCall {
                    l1Token: token.l1,
                    l2Token: token.l2,
                    to,
                    amount,
                    minGasLimit: RECIPIENT_GAS,
                    extraData: Bytes::new(),
                };
                (U256::ZERO, call.abi_encode().into())
            }
        };
        progress.wait("L1 to take the deposit", "one L1 block");
        let l1 = send_transaction(&self.l1, key, Some(vault), value, call).await?;
        cost += l1.receipt.cost();
        progress.done(&format!("L1 took it in block {}", l1.receipt.block_number));
        progress.wait("L2 to mint it", "one L2 block after the L1 confirmations");
        let message = self.wait_for_deposit(l1.receipt.transaction_hash).await?;
        let hash = message.l2_transaction.unwrap_or_default();
        if !message.success {
            return Err(BridgeError::DepositFailed(hash));
        }
        progress.done(&format!("L2 minted it in block {}", message.l2_block));
        let seconds = start.elapsed().as_secs_f64();
        Ok(DepositReport { l1, cost, l2_transaction: hash, l2_block: message.l2_block, seconds })
    }

    /// Deposits as a message of the lane, which a relay delivers for a fee.
    async fn deposit_by_message(
        &self,
        key: &PrivateKeySigner,
        asset: &Asset,
        to: Address,
        amount: U256,
        progress: &dyn Progress,
    ) -> Result<DepositReport, BridgeError> {
        let start = Instant::now();
        let direction = Direction::Down;
        progress.wait("L1 to take the message", "one L1 block, two with an approval");
        let (sent, l1, cost) = match asset.l1() {
            None => {
                let request = MessageRequest {
                    direction,
                    target: to,
                    value: amount,
                    payload: Bytes::new(),
                    gas_limit: RECIPIENT_GAS.into(),
                    lifetime: None,
                    relay_fee: None,
                };
                let (sent, l1) = self.send_message(key, &request).await?;
                let cost = l1.receipt.cost() + sent.message.relayFee;
                (sent, l1, cost)
            }
            Some(token) => {
                let request = TokenRequest {
                    direction,
                    token,
                    to,
                    amount,
                    gas: RECIPIENT_GAS,
                    lifetime: None,
                    relay_fee: None,
                };
                self.send_tokens(key, &request).await?
            }
        };
        let fee = sent.message.relayFee;
        progress
            .done(&format!("L1 took it in block {}, with a relay fee of {fee} wei", l1.receipt.block_number));
        progress.wait("a relay to prove it on L2", "some L2 blocks after the L1 confirmations");
        let delivery = self.wait_for_delivery(sent).await?;
        let l2_transaction = delivery.transaction.unwrap_or_default();
        let l2_block = U64::from(delivery.block.unwrap_or_default());
        progress.done(&format!("L2 minted it in block {l2_block}"));
        Ok(DepositReport { l1, cost, l2_transaction, l2_block, seconds: start.elapsed().as_secs_f64() })
    }

    async fn wait_for_deposit(&self, hash: B256) -> Result<Message, BridgeError> {
        let start = Instant::now();
        loop {
            let status: Option<Status> = self.l2.request("duplex_depositStatus", (hash,)).await?;
            let message = status.and_then(|status| status.messages.into_iter().next());
            match message {
                Some(message) if message.stage == "included" => return Ok(message),
                _ if start.elapsed() > ON_L2_WITHIN => {
                    return Err(BridgeError::DepositSlow { hash, seconds: ON_L2_WITHIN.as_secs() });
                }
                _ => tokio::time::sleep(PAUSE).await,
            }
        }
    }
}
