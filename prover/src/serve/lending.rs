//! What helpers ask for (`duplex-prover work`).
//!
//! | request | answer |
//! |---|---|
//! | `POST /leases`, who asks and of which program its keys are | `null`, or a lease: a job, and segments or a node of it |
//! | `POST /leases/L` | that it is still at work: every quarter of a minute; who is silent for a minute loses the lease |
//! | `DELETE /leases/L` | that it gives up |
//! | `GET /jobs/S/bundle`, `/segments`, `/nodes/N` | what is needed for it |
//! | `PUT /leases/L/nodes/N`, `/public` | what was made |
//!
//! What is sent has to have the form of a proof. Whether it is one shows when the next node is made of it, at the latest when the
//! STARK is verified: then all that others made is made again here, and they get nothing more of that job.

use std::time::Instant;

use openvm_circuit::system::memory::merkle::public_values::UserPublicValuesProof;
use openvm_continuations::SC;
use openvm_stark_backend::{codec::Decode, proof::Proof};
use serde_json::json;
use tiny_http::Request;

use super::{
    Answer, Refusal, Service, body,
    leases::{Lease, Leases, Prover},
    lock,
};
use crate::{
    job::{Job, Node},
    work::{Asking, Lent},
};

pub(super) fn lease(id: &str) -> Result<u64, Refusal> {
    id.parse().map_err(|_| Refusal(400, format!("{id:?} is no number of a lease")))
}

pub(super) fn node(name: &str) -> Result<Node, Refusal> {
    name.parse().map_err(|error: eyre::Report| Refusal(400, error.to_string()))
}

fn gone(id: u64) -> Refusal {
    Refusal(410, format!("lease {id} does not hold any more"))
}

impl Service {
    pub(super) fn lend(&self, request: &mut Request) -> Result<Answer, Refusal> {
        let asking: Asking =
            serde_json::from_slice(&body(request)?).map_err(|error| Refusal(400, error.to_string()))?;
        let pins = self.keys.pins()?;
        if asking.pins != pins {
            let of = |pins: &crate::keys::Pins| format!("program {}, machine {}", pins.elf, pins.machine);
            let (own, other) = (of(&pins), of(&asking.pins));
            return Err(Refusal(409, format!("this prover's keys are of {own}; yours are of {other}")));
        }
        lock(&self.leases).hear_of(&asking.prover, Instant::now());
        let Some((lease, job)) = self.share(&asking.prover) else { return Ok(Answer::Json(json!(null))) };
        Ok(Answer::Json(json!(Lent {
            lease: lease.id,
            job: lease.job,
            cut: job.cut_digest()?,
            nodes: lease.nodes.iter().map(ToString::to_string).collect(),
        })))
    }

    /// A part of the job that is being proved.
    fn share(&self, prover: &str) -> Option<(Lease, Job)> {
        let job = *lock(&self.current);
        let job = job?;
        if lock(&self.alone).contains(&job) {
            return None;
        }
        let folder = Job::open(&self.folder(job)).ok()?;
        // Not before it is cut, and not after there is a STARK.
        let tree = folder.segments().ok()?.tree();
        if folder.stark_path().exists() {
            return None;
        }
        let has = |node: Node| folder.is_made(&tree, node);
        let lease = lock(&self.leases).grant(job, &tree, has, Prover::Other(prover), Instant::now())?;
        Some((lease, folder))
    }

    pub(super) fn renew(&self, id: u64) -> Result<Answer, Refusal> {
        self.held(&mut lock(&self.leases), id)?;
        Ok(Answer::Json(json!({})))
    }

    pub(super) fn given_up(&self, id: u64) -> Result<Answer, Refusal> {
        let mut leases = lock(&self.leases);
        self.held(&mut leases, id)?;
        leases.end(id);
        Ok(Answer::Json(json!({})))
    }

    /// The lease, if it holds, and its job. What is written for it is written before the leases are given back: nobody else has the
    /// node, and nobody's work is thrown away in between.
    fn held(&self, leases: &mut Leases, id: u64) -> Result<(Lease, Job), Refusal> {
        let held = leases.held(id, Instant::now()).ok_or_else(|| gone(id))?;
        let job = self.job(held.job)?;
        Ok((held, job))
    }

    pub(super) fn public(&self, id: u64, request: &mut Request) -> Result<Answer, Refusal> {
        let bytes = body(request)?;
        UserPublicValuesProof::decode::<SC, _>(&mut bytes.as_slice())
            .map_err(|error| Refusal(400, format!("not the proof of a public value: {error}")))?;
        let mut leases = lock(&self.leases);
        let (lease, job) = self.held(&mut leases, id)?;
        let Some(last) = job.segments()?.tree().segments().last() else { return Err(gone(id)) };
        if !lease.nodes.contains(&last) {
            return Err(Refusal(400, format!("lease {id} does not have the last segment")));
        }
        job.take_public_from(last, &lease.prover, &bytes)?;
        Ok(Answer::Json(json!({})))
    }

    pub(super) fn made(&self, id: u64, node: Node, request: &mut Request) -> Result<Answer, Refusal> {
        let bytes = body(request)?;
        let mut rest = bytes.as_slice();
        Proof::<SC>::decode(&mut rest)
            .map_err(|error| Refusal(400, format!("{node} is not a proof: {error}")))?;
        if !rest.is_empty() {
            return Err(Refusal(400, format!("{node} has {} bytes behind the proof", rest.len())));
        }
        let mut leases = lock(&self.leases);
        let (lease, job) = self.held(&mut leases, id)?;
        if !lease.nodes.contains(&node) {
            return Err(Refusal(400, format!("{node} is not in lease {id}")));
        }
        job.take_from(node, &lease.prover, &bytes)?;
        let tree = job.segments()?.tree();
        if lease.nodes.iter().all(|node| job.is_made(&tree, *node)) {
            leases.end(id);
        }
        Ok(Answer::Json(json!({})))
    }
}
