//! What relayers with stakes do with them, and what others do about relayers.

use std::collections::BTreeSet;

use alloy_primitives::{Address, Bytes, U256};
use alloy_signer_local::PrivateKeySigner;
use alloy_sol_types::SolCall;
use duplex_contracts::bindings::{IAttestationVerifier, IRelayerRegistry};
use duplex_lane::{Allowance, Direction, LaneError, Layer, RelayersStatus};
use serde::Serialize;

use crate::{
    Asset, Bridge, BridgeError, Sent,
    send::{or_done, send_transaction},
};

/// What a relayer fetched.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Collected {
    /// Wei on L1: fees, answers to summonses, its stake if it has left.
    pub l1: U256,
    /// Wei on L2: fees.
    pub l2: U256,
}

impl Bridge {
    /// How the relayers stand.
    ///
    /// # Errors
    /// If there are none, or a layer cannot be reached.
    pub async fn relayers(&self) -> Result<RelayersStatus, BridgeError> {
        Ok(self.lane()?.relayers_status().await?)
    }

    /// Makes the key a relayer.
    ///
    /// # Errors
    /// If it has too little, has joined before, or the set is full.
    pub async fn join_relayers(&self, key: &PrivateKeySigner) -> Result<Sent, BridgeError> {
        let relayers = self.lane()?.relayers()?;
        let call = IRelayerRegistry::relayerCall { account: key.address() };
        if self.l1.call(relayers.registry, &call).await?.joinedAt != 0 {
            return Err(LaneError::HasStake(key.address()).into());
        }
        let stake = relayers.terms.stake;
        self.check_balance(&Asset::Eth, key.address(), stake, "L1").await?;
        self.to_registry(key, &IRelayerRegistry::joinCall {}, stake).await
    }

    /// Ends the key's duty as a relayer.
    ///
    /// # Errors
    /// If it is none.
    pub async fn resign_relayer(&self, key: &PrivateKeySigner) -> Result<Sent, BridgeError> {
        let registry = self.lane()?.relayers()?.registry;
        let row = self.l1.call(registry, &IRelayerRegistry::relayerCall { account: key.address() }).await?;
        if row.joinedAt == 0 || row.leftAt != 0 {
            return Err(LaneError::NotARelayer(key.address()).into());
        }
        self.to_registry(key, &IRelayerRegistry::resignCall {}, U256::ZERO).await
    }

    /// Asks all relayers to sign for a message of L1's.
    ///
    /// # Errors
    /// If there is no such message, or they were asked before.
    pub async fn summon_relayers(&self, key: &PrivateKeySigner, nonce: u64) -> Result<Sent, BridgeError> {
        let (lane, registry) = (self.lane()?, self.lane()?.relayers()?.registry);
        let count = lane.count(Direction::Down).await?;
        let before = self.l1.call(registry, &IRelayerRegistry::summonsCall { nonce }).await?;
        if nonce == 0 || nonce > count || before.until != 0 {
            return Err(LaneError::NothingToSign { nonce, count }.into());
        }
        let bond = self.l1.call(registry, &IRelayerRegistry::SUMMONS_BONDCall {}).await?;
        self.to_registry(key, &IRelayerRegistry::summonCall { nonce }, bond).await
    }

    /// Has a relayer punished that did not answer a summons.
    ///
    /// # Errors
    /// If it answered, or still may.
    pub async fn report_absent(
        &self,
        key: &PrivateKeySigner,
        nonce: u64,
        relayer: Address,
    ) -> Result<Sent, BridgeError> {
        let registry = self.lane()?.relayers()?.registry;
        let call = IRelayerRegistry::reportAbsentCall { nonce, relayer };
        let data = call.abi_encode().into();
        let tried = self.l1.estimate_gas(key.address(), Some(registry), U256::ZERO, &data).await;
        if tried.is_err_and(|error| !error.is_temporary()) {
            return Err(LaneError::NotAbsent { nonce, relayer }.into());
        }
        self.to_registry(key, &call, U256::ZERO).await
    }

    /// Fetches everything that a relayer is owed on both layers; its stake, too, if it left long enough ago.
    ///
    /// # Errors
    /// If a layer cannot be reached, or refuses.
    pub async fn collect(&self, key: &PrivateKeySigner) -> Result<Collected, BridgeError> {
        let (lane, own) = (self.lane()?, key.address());
        let relayers = lane.relayers()?;
        let row = self.l1.call(relayers.registry, &IRelayerRegistry::relayerCall { account: own }).await?;
        let left: u64 = row.leftAt.to();
        if left != 0 && left + relayers.terms.unbonding < lane.time(Layer::L1).await? {
            self.to_registry(key, &IRelayerRegistry::withdrawStakeCall {}, U256::ZERO).await?;
        }
        let mut collected = Collected::default();
        for direction in Direction::LAYERS {
            let layer = direction.destination();
            let (rpc, _) = lane.end(layer);
            let verifier = lane.attestation_verifier(layer)?;
            // Fees belong to all who signed together: every such group that this relayer was part of.
            let head = rpc.block_number().await?;
            let vouched = lane.vouched(direction, lane.start(layer), head).await?;
            let groups: BTreeSet<(u64, U256)> =
                vouched.into_iter().map(|vouched| (vouched.set_id, vouched.signers)).collect();
            for (set_id, signers) in groups {
                let members = lane.members_of(set_id).await?;
                let signed = |(i, member): (usize, &Address)| *member == own && signers.bit(i);
                let earned = IAttestationVerifier::earnedCall { setId: set_id, signers };
                if !members.iter().enumerate().any(signed) || rpc.call(verifier, &earned).await?.is_zero() {
                    continue;
                }
                let call = IAttestationVerifier::shareFeesCall { setId: set_id, members, signers };
                let shared =
                    send_transaction(rpc, key, Some(verifier), U256::ZERO, call.abi_encode().into()).await;
                or_done(shared, async { Ok(rpc.call(verifier, &earned).await?.is_zero()) }).await?;
            }
            let mut owers = vec![verifier];
            if layer == Layer::L1 {
                owers.push(relayers.registry);
            }
            for ower in owers {
                let credit = rpc.call(ower, &IAttestationVerifier::creditCall { account: own }).await?;
                if credit.is_zero() {
                    continue;
                }
                let data: Bytes = IAttestationVerifier::withdrawCreditCall { to: own }.abi_encode().into();
                send_transaction(rpc, key, Some(ower), U256::ZERO, data).await?;
                match layer {
                    Layer::L1 => collected.l1 += credit,
                    Layer::L2 | Layer::Sibling => collected.l2 += credit,
                }
            }
        }
        Ok(collected)
    }

    /// Whether relayers can vouch for so much at once, one way.
    ///
    /// # Errors
    /// If they cannot, with the choice there is; or if there are none.
    pub async fn check_allowance(&self, direction: Direction, value: U256) -> Result<Allowance, BridgeError> {
        let allowance = self.lane()?.allowance(direction).await?;
        if value > allowance.available {
            return Err(LaneError::OverLimit {
                value,
                available: allowance.available,
                limit: allowance.limit,
                window: allowance.window,
            }
            .into());
        }
        Ok(allowance)
    }

    async fn to_registry<C: SolCall>(
        &self,
        key: &PrivateKeySigner,
        call: &C,
        value: U256,
    ) -> Result<Sent, BridgeError> {
        let registry = self.lane()?.relayers()?.registry;
        send_transaction(&self.l1, key, Some(registry), value, call.abi_encode().into()).await
    }
}
