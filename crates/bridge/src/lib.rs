//! User-side flows: deposit, transfer, withdraw, status.
//!
//! Everything goes through the JSON-RPC of the two layers and the contracts, as any wallet would.

mod asset;
mod deposit;
mod error;
mod force;
mod message;
mod relayers;
mod send;
mod siblings;
mod tokens;
mod withdraw;

pub use asset::{Asset, format_units, parse_units};
pub use deposit::DepositReport;
pub use error::BridgeError;
pub use force::{ForceError, ForceRequest, Forced, Included, force, wait_for_inclusion};
pub use message::{Delivery, FastReport, MessageRequest};
pub use relayers::Collected;
pub use send::{Sent, send_transaction};
pub use siblings::{JoinRequest, join_siblings};
pub use tokens::{LaneToken, TokenRequest};
pub use withdraw::{WithdrawReport, WithdrawalStage};

use std::fmt::Debug;

use alloy_primitives::{Address, U256};
use alloy_signer_local::PrivateKeySigner;
use alloy_sol_types::SolCall;
use duplex_contracts::bindings::IERC20;
use duplex_l1::{Deployment, Rpc};
use duplex_lane::Sibling;

/// Told what is being waited for, and how long.
pub trait Progress: Sync {
    /// Something begins; `expected` says how long it usually takes.
    fn wait(&self, what: &str, expected: &str);
    /// Something is done.
    fn done(&self, what: &str);
}

/// Says nothing.
#[derive(Debug, Clone, Copy)]
pub struct Quiet;

impl Progress for Quiet {
    fn wait(&self, _: &str, _: &str) {}
    fn done(&self, _: &str) {}
}

/// A user's view of a rollup: both layers and what connects them.
#[derive(Debug, Clone)]
pub struct Bridge {
    /// L1.
    pub l1: Rpc,
    /// L2.
    pub l2: Rpc,
    /// What connects them.
    pub deployment: Deployment,
    /// Another L2, if messages are for it, not for L1.
    pub sibling: Option<Sibling>,
}

impl Bridge {
    /// A view of the rollup in `deployment`, through the URLs given or those in it.
    ///
    /// # Errors
    /// If a URL does not parse.
    pub fn new(deployment: Deployment, l1: Option<&str>, l2: Option<&str>) -> Result<Self, BridgeError> {
        Ok(Self {
            l1: Rpc::new(l1.unwrap_or(&deployment.l1_rpc))?,
            l2: Rpc::new(l2.unwrap_or(&deployment.l2_rpc))?,
            deployment,
            sibling: None,
        })
    }

    /// The same rollup, with its lane to another L2 instead of that to L1.
    ///
    /// # Errors
    /// If the contracts that join the two are not those of this program, or not for these two.
    pub async fn with_sibling(self, sibling: Sibling) -> Result<Self, BridgeError> {
        let joined = Self { sibling: Some(sibling), ..self };
        joined.lane()?.check_siblings().await?;
        Ok(joined)
    }

    /// Balances of an address on L1 and L2, in the asset's smallest unit.
    ///
    /// # Errors
    /// If a layer cannot be reached.
    pub async fn balances(&self, asset: &Asset, address: Address) -> Result<(U256, U256), BridgeError> {
        Ok((balance(&self.l1, asset.l1(), address).await?, balance(&self.l2, asset.l2(), address).await?))
    }

    /// Checks that an address has an amount on a layer (`L1` or `L2`).
    async fn check_balance(
        &self,
        asset: &Asset,
        address: Address,
        amount: U256,
        layer: &'static str,
    ) -> Result<(), BridgeError> {
        let has = match layer {
            "L1" => balance(&self.l1, asset.l1(), address).await?,
            _ => balance(&self.l2, asset.l2(), address).await?,
        };
        if has >= amount {
            return Ok(());
        }
        let (has, needs) = (asset.format(has), asset.format(amount));
        Err(BridgeError::Balance { address, has, needs, layer })
    }

    /// Moves an asset on L2.
    ///
    /// # Errors
    /// If the sender has too little, L2 refuses or the call reverts.
    pub async fn transfer(
        &self,
        key: &PrivateKeySigner,
        asset: &Asset,
        to: Address,
        amount: U256,
    ) -> Result<Sent, BridgeError> {
        self.check_balance(asset, key.address(), amount, "L2").await?;
        match asset.l2() {
            None => send_transaction(&self.l2, key, Some(to), amount, Default::default()).await,
            Some(token) => {
                let call = IERC20::transferCall { to, value: amount };
                send_transaction(&self.l2, key, Some(token), U256::ZERO, call.abi_encode().into()).await
            }
        }
    }
}

/// A balance in the smallest unit; `None` as token is ETH. A token that does not exist (yet) is
/// worth nothing.
async fn balance(rpc: &Rpc, token: Option<Address>, address: Address) -> Result<U256, BridgeError> {
    match token {
        None => Ok(rpc.balance(address).await?),
        Some(token) if rpc.code(token).await?.is_empty() => Ok(U256::ZERO),
        Some(token) => Ok(rpc.call(token, &IERC20::balanceOfCall { account: address }).await?),
    }
}
