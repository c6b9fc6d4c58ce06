//! Joins two L2s of one L1.

use std::path::PathBuf;

use alloy_primitives::{Address, B256, U256};
use alloy_signer_local::PrivateKeySigner;
use duplex_contracts::bindings::{IExodus, ISiblingPort};
use duplex_l1::{Deployment, Rpc};
use duplex_lane::{Direction, Lane, Layer, Prepared, Sibling, SiblingEnd, Siblings, creations};

use crate::{Bridge, BridgeError, Progress, Sent, send::send_transaction};

/// One of two L2s to join.
#[derive(Debug, Clone)]
pub struct JoinRequest {
    /// Its JSON-RPC.
    pub rpc: Rpc,
    /// The rollup.
    pub deployment: Deployment,
    /// How the file is to name its deployment file.
    pub path: PathBuf,
}

/// Puts on each of two L2s what joins it with the other: anyone can, and nobody has a say in it afterwards. What was begun
/// and cut off is of no use, and harms nobody.
///
/// # Errors
/// If they are not two rollups of one L1, or one of them refuses.
pub async fn join_siblings(
    l1: &Rpc,
    key: &PrivateKeySigner,
    rollups: [JoinRequest; 2],
    progress: &dyn Progress,
) -> Result<Siblings, BridgeError> {
    let [a, b] = &rollups;
    let ids = [a, b].map(|of| (of.deployment.l1_chain_id, of.deployment.l2_chain_id));
    if ids[0].0 != ids[1].0 || ids[0].1 == ids[1].1 {
        return Err(BridgeError::NoSiblings(ids[0].1, ids[1].1));
    }
    for of in [a, b] {
        // Both must be rollups of this very L1, and these their nodes.
        let vault = of.deployment.contracts.vault;
        if l1.code(vault).await?.is_empty() || of.rpc.chain_id().await? != of.deployment.l2_chain_id {
            return Err(BridgeError::NoSiblings(ids[0].1, ids[1].1));
        }
        if of.rpc.balance(key.address()).await?.is_zero() {
            return Err(BridgeError::NoGas(key.address(), of.deployment.l2_chain_id));
        }
    }
    let mut ends = [end(key, a).await?, end(key, b).await?];
    for (i, from, of) in [(0, a, b), (1, b, a)] {
        let steps = creations(&ends[i], &ends[1 - i], &of.deployment);
        for (step, (name, address, code)) in steps.into_iter().enumerate() {
            let chain = from.deployment.l2_chain_id;
            progress.wait(&format!("{chain} to take the {name}"), "one L2 block");
            let sent = send_transaction(&from.rpc, key, None, U256::ZERO, code).await?;
            if sent.receipt.contract_address != Some(address) {
                return Err(BridgeError::Disturbed(key.address(), chain));
            }
            ends[i].transactions[step] = sent.receipt.transaction_hash;
            progress.done(&format!("{name} is at {address} on {chain}"));
        }
    }
    let siblings = Siblings { ends };
    let [here, there] = siblings.ends.clone();
    let sibling = Sibling { rpc: b.rpc.clone(), deployment: b.deployment.clone(), here, there };
    Lane::between(l1.clone(), a.rpc.clone(), a.deployment.clone(), sibling).check_siblings().await?;
    Ok(siblings)
}

impl Bridge {
    /// Has one L2 take note that the other one is in exodus, if it does not know and can be shown.
    pub(crate) async fn tell_the_end(
        &self,
        key: &PrivateKeySigner,
        alive: Layer,
        ended: Layer,
    ) -> Result<(), BridgeError> {
        let lane = self.lane()?;
        let (rpc, _) = lane.end(alive);
        if let Some(Prepared { to, data }) = lane.prepare_end(alive, ended).await? {
            send_transaction(rpc, key, Some(to), U256::ZERO, data).await?;
        }
        Ok(())
    }

    /// Refuses to send to an L2 that L1 knows to be in exodus.
    pub(crate) async fn refuse_ended(&self, direction: Direction) -> Result<(), BridgeError> {
        let Some(sibling) = &self.sibling else { return Ok(()) };
        let ended = direction.destination();
        let to = if ended == Layer::Sibling { &sibling.deployment } else { &self.deployment };
        match self.l1.call(to.contracts.vault, &IExodus::exodusCall {}).await?.started {
            true => Err(BridgeError::Ended(ended)),
            false => Ok(()),
        }
    }

    /// Pays the key's account for what it held of a token's counterparts on an L2 that is in exodus, on the other one, where
    /// the token is at home.
    ///
    /// # Errors
    /// If it is not in exodus, the account held none or was paid before, or its chain refuses.
    pub async fn exit_sibling(
        &self,
        key: &PrivateKeySigner,
        alive: Layer,
        ended: Layer,
        token: Address,
        to: Address,
    ) -> Result<Sent, BridgeError> {
        self.tell_the_end(key, alive, ended).await?;
        let lane = self.lane()?;
        let (own, port) = (key.address(), lane.port(alive));
        let (rpc, _) = lane.end(alive);
        if rpc.call(port, &ISiblingPort::hasExitedCall { token, holder: own }).await? {
            return Err(BridgeError::NothingHeld(own, token));
        }
        let prepared = lane.prepare_sibling_exit(alive, ended, token, own, to).await?;
        let (Prepared { to, data }, amount) = prepared.ok_or(BridgeError::NotEnded(ended))?;
        if amount.is_zero() {
            return Err(BridgeError::NothingHeld(own, token));
        }
        send_transaction(rpc, key, Some(to), U256::ZERO, data).await
    }
}

/// Where the contracts will be: one after the other from the key's next nonce.
async fn end(key: &PrivateKeySigner, of: &JoinRequest) -> Result<SiblingEnd, BridgeError> {
    let from = key.address();
    let nonce = of.rpc.nonce(from, true).await?;
    let at = |step: u64| from.create(nonce + step);
    Ok(SiblingEnd {
        chain_id: of.deployment.l2_chain_id,
        deployment: of.path.clone(),
        verifier: at(0),
        messenger: at(1),
        endpoint: at(2),
        port: at(3),
        transactions: [B256::ZERO; 4],
        start_block: of.rpc.block_number().await?,
    })
}
