//! What was delivered on relayers' word, and whether it was true: evidence against those who lied, and the fees of those
//! who did not.

use std::collections::{BTreeMap, BTreeSet};

use alloy_primitives::{Address, B256, Bytes, U256};
use alloy_sol_types::{SolCall, SolEvent, SolValue};
use duplex_contracts::bindings::{
    Attestation, AttestedProof, IEndpoint, IInbox, IRelayerRegistry, ISettlement,
};
use serde_json::{Value, json};

use crate::{
    Attester, Direction, Lane, LaneError, Prepared, Statement,
    message::{accumulator_slot, extend, message_id},
    prove::only_slot,
};

/// First byte of a proof for the light client.
pub(crate) const PROVED: u8 = 0;
/// First byte of an attested proof.
pub(crate) const ATTESTED: u8 = 1;

/// A delivery on relayers' word.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Vouched {
    /// What they said.
    pub statement: Statement,
    /// Their signatures, 64 bytes each.
    pub signatures: Bytes,
    /// The set.
    pub set_id: u64,
    /// Its members.
    pub members: Vec<Address>,
    /// Which of them signed.
    pub signers: U256,
    /// The transaction that delivered it.
    pub transaction: B256,
}

impl Lane {
    /// What was delivered on relayers' word in a range of the destination's blocks.
    ///
    /// # Errors
    /// If a layer cannot be reached, or does not show what a transaction did.
    pub async fn vouched(&self, direction: Direction, from: u64, to: u64) -> Result<Vec<Vouched>, LaneError> {
        let mut found = Vec::new();
        for (hash, ids) in self.deliveries(direction, from, to).await? {
            found.extend(self.vouched_in(direction, hash, &ids).await?);
        }
        Ok(found)
    }

    /// The transactions that delivered something in a range of the destination's blocks, and what.
    pub(crate) async fn deliveries(
        &self,
        direction: Direction,
        from: u64,
        to: u64,
    ) -> Result<BTreeMap<B256, BTreeSet<B256>>, LaneError> {
        let layer = direction.destination();
        let (rpc, endpoint) = self.end(layer);
        let topics = [Some(IEndpoint::MessageDelivered::SIGNATURE_HASH)];
        let mut found: BTreeMap<B256, BTreeSet<B256>> = BTreeMap::new();
        for log in rpc.logs_by_topics(Some(endpoint), &topics, from, to).await? {
            let malformed = |why: &str| LaneError::Malformed { layer, why: why.into() };
            let hash = log.transaction_hash.ok_or_else(|| malformed("an event without its transaction"))?;
            let id = log.topics().get(2).ok_or_else(|| malformed("a delivery without an id"))?;
            found.entry(hash).or_default().insert(*id);
        }
        Ok(found)
    }

    /// The attested deliveries of one transaction. Its own call tells if that delivered all there was; else its trace.
    pub(crate) async fn vouched_in(
        &self,
        direction: Direction,
        hash: B256,
        ids: &BTreeSet<B256>,
    ) -> Result<Vec<Vouched>, LaneError> {
        let layer = direction.destination();
        let (rpc, endpoint) = self.end(layer);
        let gone = || LaneError::Malformed { layer, why: format!("transaction {hash} is not there") };
        let tx = rpc.transaction(hash).await?.ok_or_else(gone)?;
        let mut inputs = vec![tx.input];
        let told = |inputs: &[Bytes]| -> BTreeSet<B256> {
            inputs.iter().filter_map(|input| self.delivered_by(direction, input)).collect()
        };
        if tx.to != Some(endpoint) || !ids.is_subset(&told(&inputs)) {
            // Through another contract, or from within: whoever hides a lie would do so.
            inputs.clear();
            let tracer = json!({"tracer": "callTracer"});
            let root: Value = rpc.request("debug_traceTransaction", (hash, tracer)).await?;
            let is_endpoint = |value: &Value| value.as_str().and_then(|to| to.parse().ok()) == Some(endpoint);
            let mut calls = vec![&root];
            while let Some(call) = calls.pop() {
                if is_endpoint(&call["to"]) {
                    inputs.extend(call["input"].as_str().and_then(|input| input.parse::<Bytes>().ok()));
                }
                calls.extend(call["calls"].as_array().into_iter().flatten());
            }
            if !ids.is_subset(&told(&inputs)) {
                let why = format!("the trace of {hash} does not show what it delivered");
                return Err(LaneError::Malformed { layer, why });
            }
        }
        Ok(inputs.iter().filter_map(|input| self.read_vouched(direction, hash, input)).collect())
    }

    /// The message that a call delivers.
    fn delivered_by(&self, direction: Direction, input: &[u8]) -> Option<B256> {
        let call = IEndpoint::deliverCall::abi_decode(input).ok()?;
        let (_, source) = self.end(direction.source());
        let (_, destination) = self.end(direction.destination());
        Some(message_id(&call.message, source, destination))
    }

    fn read_vouched(&self, direction: Direction, transaction: B256, input: &[u8]) -> Option<Vouched> {
        let call = IEndpoint::deliverCall::abi_decode(input).ok()?;
        let (&ATTESTED, proof) = call.proof.split_first()? else { return None };
        let proof = AttestedProof::abi_decode(proof).ok()?;
        let (_, source) = self.end(direction.source());
        let (_, destination) = self.end(direction.destination());
        let mut accumulator = extend(proof.previous, message_id(&call.message, source, destination));
        for id in &proof.later {
            accumulator = extend(accumulator, *id);
        }
        let statement = Statement { direction, nonce: proof.nonce, accumulator, time: proof.time };
        Some(Vouched {
            statement,
            signatures: proof.signatures,
            set_id: proof.setId,
            members: proof.members,
            signers: proof.signers,
            transaction,
        })
    }

    /// Whether a statement is true by what its source says now.
    ///
    /// # Errors
    /// If the source cannot be reached.
    pub async fn is_true(&self, statement: &Statement) -> Result<bool, LaneError> {
        let (rpc, endpoint) = self.end(statement.direction.source());
        let call = IEndpoint::accumulatorCall { nonce: statement.nonce };
        Ok(rpc.call(endpoint, &call).await? == statement.accumulator)
    }

    /// The call that slashes who signed a statement, if L1 contradicts it. Nothing if it does not, or does not yet.
    ///
    /// # Errors
    /// If a layer cannot be reached, or this L2 node contradicts a final claim.
    pub async fn prepare_slash(
        &self,
        attester: &Attester,
        statement: &Statement,
        signatures: Bytes,
    ) -> Result<Option<Prepared>, LaneError> {
        let registry = self.relayers()?.registry;
        let a: Attestation = attester.attestation(statement);
        if statement.direction == Direction::Down {
            if self.is_true(statement).await? {
                return Ok(None);
            }
            let call = IRelayerRegistry::slashByL1Call { a, signatures };
            return Ok(Some(Prepared { to: registry, data: call.abi_encode().into() }));
        }
        let Some(known) = self.known_output().await? else { return Ok(None) };
        if !known.in_exodus && self.time_of_claim(known.claim_id).await? <= statement.time {
            return Ok(None);
        }
        let (_, endpoint) = self.end(statement.direction.source());
        let slot = accumulator_slot(statement.nonce);
        let proof = self.l2.proof(endpoint, &[slot], known.block).await?;
        let value = proof.storage_proof.first().map(|slot| slot.value).unwrap_or_default();
        if B256::from(value) == statement.accumulator {
            return Ok(None);
        }
        let call = IRelayerRegistry::slashByL2Call {
            a,
            signatures,
            claimId: known.claim_id,
            p: known.output,
            accountNodes: proof.account_proof,
            slotNodes: only_slot(crate::Layer::L2, proof.storage_proof)?,
        };
        Ok(Some(Prepared { to: registry, data: call.abi_encode().into() }))
    }

    async fn time_of_claim(&self, claim_id: u64) -> Result<u64, LaneError> {
        let contracts = &self.deployment.contracts;
        let claim = self.l1.call(contracts.settlement, &ISettlement::claimCall { id: claim_id }).await?;
        let batch = self.l1.call(contracts.inbox, &IInbox::batchCall { index: claim.lastBatch }).await?;
        Ok(batch.timestamp)
    }

    /// The call that slashes a relayer for two statements about one place.
    ///
    /// # Errors
    /// If there are no relayers.
    pub fn prepare_slash_for_two(
        &self,
        attester: &Attester,
        first: &crate::SignedStatement,
        second: &crate::SignedStatement,
    ) -> Result<Prepared, LaneError> {
        let call = IRelayerRegistry::slashByTwoCall {
            a: attester.attestation(&first.statement),
            b: attester.attestation(&second.statement),
            first: first.signature.clone(),
            second: second.signature.clone(),
        };
        Ok(Prepared { to: self.relayers()?.registry, data: call.abi_encode().into() })
    }
}
