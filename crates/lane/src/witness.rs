//! What was delivered on relayers' word, and whether it was true: evidence against those who lied, and the fees of those
//! who did not.

use alloy_primitives::{B256, Bytes, U256};
use alloy_rpc_types_eth::Log;
use alloy_sol_types::{SolCall, SolEvent};
use duplex_contracts::bindings::{IAttestationVerifier, IEndpoint, IInbox, IRelayerRegistry, ISettlement};

use crate::{
    Attester, Direction, Lane, LaneError, Prepared, Statement,
    message::accumulator_slot,
    prove::{KnownOutput, only_slot},
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
    /// Which of it signed.
    pub signers: U256,
    /// The transaction that delivered it.
    pub transaction: B256,
    /// Its block.
    pub block: B256,
}

/// What L1 holds for true of L2, and up to when.
pub(crate) struct Court {
    pub(crate) known: KnownOutput,
    time: u64,
}

/// What is known of a statement.
#[derive(Debug)]
pub(crate) enum Verdict {
    /// It is true for good.
    True,
    /// It is false, and this call says so to L1.
    False(Prepared),
    /// That shows later.
    Open,
}

impl Lane {
    /// What was delivered on relayers' word in a range of the destination's blocks: the verifier's events, which nobody who
    /// vouches can leave out.
    ///
    /// # Errors
    /// If a layer cannot be reached, or says what cannot be.
    pub async fn vouched(&self, direction: Direction, from: u64, to: u64) -> Result<Vec<Vouched>, LaneError> {
        let layer = direction.destination();
        let (rpc, _) = self.end(layer);
        let verifier = self.attestation_verifier(layer)?;
        let topics = [Some(IAttestationVerifier::Vouched::SIGNATURE_HASH)];
        let logs = rpc.logs_by_topics(Some(verifier), &topics, from, to).await?;
        let read = |log: &Log| {
            let malformed = |why: String| LaneError::Malformed { layer, why };
            let event = IAttestationVerifier::Vouched::decode_log(&log.inner)
                .map_err(|error| malformed(error.to_string()))?
                .data;
            let missing = || malformed("an event without its block".into());
            Ok(Vouched {
                statement: Statement {
                    direction,
                    nonce: event.nonce,
                    accumulator: event.accumulator,
                    time: event.time,
                },
                signatures: event.signatures,
                set_id: event.setId,
                signers: event.signers,
                transaction: log.transaction_hash.ok_or_else(missing)?,
                block: log.block_hash.ok_or_else(missing)?,
            })
        };
        logs.iter().map(read).collect()
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

    /// What is known of a statement about L1: the truth only once it is final there.
    pub(crate) async fn verdict_of_l1(
        &self,
        attester: &Attester,
        statement: &Statement,
        signatures: &Bytes,
        is_final: bool,
    ) -> Result<Verdict, LaneError> {
        if self.is_true(statement).await? {
            return Ok(if is_final { Verdict::True } else { Verdict::Open });
        }
        let (a, signatures) = (attester.attestation(statement), signatures.clone());
        let call = IRelayerRegistry::slashByL1Call { a, signatures };
        Ok(Verdict::False(Prepared { to: self.relayers()?.registry, data: call.abi_encode().into() }))
    }

    /// What L1 knows of L2 by now.
    pub(crate) async fn court(&self) -> Result<Option<Court>, LaneError> {
        let Some(known) = self.known_output().await? else { return Ok(None) };
        let time = match known.in_exodus {
            true => u64::MAX,
            false => self.time_of_claim(known.claim_id).await?,
        };
        Ok(Some(Court { known, time }))
    }

    /// What is known of a statement about L2, by a final claim.
    pub(crate) async fn verdict_of_l2(
        &self,
        attester: &Attester,
        statement: &Statement,
        signatures: &Bytes,
        court: &Court,
    ) -> Result<Verdict, LaneError> {
        let Court { known, time } = court;
        if *time <= statement.time && !known.in_exodus {
            return Ok(Verdict::Open);
        }
        let (_, endpoint) = self.end(statement.direction.source());
        let slot = accumulator_slot(statement.nonce);
        let proof = self.l2.proof(endpoint, &[slot], known.block).await?;
        let value = proof.storage_proof.first().map(|slot| slot.value).unwrap_or_default();
        if B256::from(value) == statement.accumulator {
            return Ok(Verdict::True);
        }
        let call = IRelayerRegistry::slashByL2Call {
            a: attester.attestation(statement),
            signatures: signatures.clone(),
            claimId: known.claim_id,
            p: known.output.clone(),
            accountNodes: proof.account_proof,
            slotNodes: only_slot(crate::Layer::L2, proof.storage_proof)?,
        };
        Ok(Verdict::False(Prepared { to: self.relayers()?.registry, data: call.abi_encode().into() }))
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
