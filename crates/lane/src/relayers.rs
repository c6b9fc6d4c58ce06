//! The relayers of a lane as the contracts know them.

use alloy_primitives::{Address, B256, U256, keccak256};
use alloy_sol_types::{SolEvent, SolValue};
use duplex_contracts::bindings::{IAttestationVerifier, IRelayerRegistry};
use duplex_primitives::predeploys;
use serde::Serialize;

use crate::{Direction, Lane, LaneError, Layer, RelayerSet};

/// A relayer and its stake.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct RelayerRow {
    /// Its address.
    pub address: Address,
    /// Wei that it has staked.
    pub stake: U256,
    /// Wei that the registry owes it: for answers to summonses, or its stake after it left.
    pub credit: U256,
    /// Wei of shared fees that it can withdraw on L1.
    pub fees_l1: U256,
    /// The same on L2.
    pub fees_l2: U256,
}

/// What can be vouched for one way.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Allowance {
    /// Which way.
    pub direction: Direction,
    /// The set that vouches.
    pub set_id: u64,
    /// Wei that can be vouched for now.
    pub available: U256,
    /// Wei at the most at a time; as much again becomes free within the window.
    pub limit: U256,
    /// Seconds.
    pub window: u64,
}

/// How the relayers stand.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct RelayersStatus {
    /// The newest set.
    pub set_id: u64,
    /// How many must sign.
    pub threshold: u8,
    /// Who they are.
    pub relayers: Vec<RelayerRow>,
    /// What the threshold's stakes are together, in wei.
    pub slashable: U256,
    /// Both ways.
    pub allowances: Vec<Allowance>,
}

impl Lane {
    /// The verifier of attestations on a layer.
    ///
    /// # Errors
    /// If there are no relayers.
    pub fn attestation_verifier(&self, layer: Layer) -> Result<Address, LaneError> {
        self.relayers()?;
        Ok(match layer {
            Layer::L1 => self.deployment.lane.map(|lane| lane.verifier).unwrap_or_default(),
            Layer::L2 => predeploys::ATTESTATION_VERIFIER,
            Layer::Sibling => return Err(LaneError::NoRelayers),
        })
    }

    /// The set that vouches at the destination of a direction. L2 may know of a change later than L1.
    ///
    /// # Errors
    /// If there are no relayers, or a layer cannot be reached.
    pub async fn relayer_set(&self, direction: Direction) -> Result<RelayerSet, LaneError> {
        let (rpc, _) = self.end(direction.destination());
        let verifier = self.attestation_verifier(direction.destination())?;
        let id = rpc.call(verifier, &IAttestationVerifier::newestSetCall {}).await?;
        if id == 0 {
            return Ok(RelayerSet::default());
        }
        let set = rpc.call(verifier, &IAttestationVerifier::setCall { setId: id }).await?;
        let members = self.members_of(id).await?;
        if keccak256(members.abi_encode()) != set.membersHash {
            let why = format!("set {id} of relayers is another one at its destination");
            return Err(LaneError::Malformed { layer: Layer::L1, why });
        }
        Ok(RelayerSet { id, members, threshold: set.threshold.into() })
    }

    /// Who is in a set.
    ///
    /// # Errors
    /// If there is none, or L1 cannot be reached.
    pub async fn members_of(&self, id: u64) -> Result<Vec<Address>, LaneError> {
        let registry = self.relayers()?.registry;
        let topics = [Some(IRelayerRegistry::SetChanged::SIGNATURE_HASH), Some(B256::from(U256::from(id)))];
        let head = self.l1.block_number().await?;
        let logs = self.l1.logs_by_topics(Some(registry), &topics, self.start(Layer::L1), head).await?;
        let malformed = |why: String| LaneError::Malformed { layer: Layer::L1, why };
        let log = logs.last().ok_or_else(|| malformed(format!("no set {id} of relayers")))?;
        let event =
            IRelayerRegistry::SetChanged::decode_log(&log.inner).map_err(|why| malformed(why.to_string()))?;
        Ok(event.data.members)
    }

    /// What can be vouched for one way at the moment.
    ///
    /// # Errors
    /// If there are no relayers, or a layer cannot be reached.
    pub async fn allowance(&self, direction: Direction) -> Result<Allowance, LaneError> {
        let (rpc, _) = self.end(direction.destination());
        let verifier = self.attestation_verifier(direction.destination())?;
        let available = rpc.call(verifier, &IAttestationVerifier::availableCall {}).await?;
        let set_id = rpc.call(verifier, &IAttestationVerifier::newestSetCall {}).await?;
        let window = rpc.call(verifier, &IAttestationVerifier::windowCall {}).await?;
        Ok(Allowance { direction, set_id, available: available.amount, limit: available.limit, window })
    }

    /// How the relayers stand.
    ///
    /// # Errors
    /// If there are no relayers, or a layer cannot be reached.
    pub async fn relayers_status(&self) -> Result<RelayersStatus, LaneError> {
        let registry = self.relayers()?.registry;
        let members = self.l1.call(registry, &IRelayerRegistry::membersCall {}).await?;
        let set_id = self.l1.call(registry, &IRelayerRegistry::setIdCall {}).await?;
        let count = IRelayerRegistry::thresholdOfCall { count: U256::from(members.len()) };
        let threshold = self.l1.call(registry, &count).await?;
        let mut relayers = Vec::new();
        for address in members {
            let row = self.l1.call(registry, &IRelayerRegistry::relayerCall { account: address }).await?;
            let owed = IRelayerRegistry::creditCall { account: address };
            let fees = IAttestationVerifier::creditCall { account: address };
            relayers.push(RelayerRow {
                address,
                stake: U256::from(row.amount),
                credit: self.l1.call(registry, &owed).await?,
                fees_l1: self.l1.call(self.attestation_verifier(Layer::L1)?, &fees).await?,
                fees_l2: self.l2.call(self.attestation_verifier(Layer::L2)?, &fees).await?,
            });
        }
        let mut stakes: Vec<U256> = relayers.iter().map(|row| row.stake).collect();
        stakes.sort();
        let slashable = stakes.iter().take(threshold.into()).sum();
        let mut allowances = Vec::new();
        for direction in Direction::LAYERS {
            allowances.push(self.allowance(direction).await?);
        }
        Ok(RelayersStatus { set_id, threshold, relayers, slashable, allowances })
    }
}
