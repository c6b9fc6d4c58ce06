//! Proofs that were asked for before.

use duplex_l1::{ClaimEntry, ClaimStatus};
use duplex_program::RangeStatement;

use super::{
    Prover, Task, Trouble,
    service::{JobState, Service},
};
use crate::ActorError;

impl Prover {
    /// Has the service forget a job that is not wanted any more, so that it does not keep the prover from what is.
    pub(super) async fn part_with(&self, task: &Task, covered: u64, service: &Service) {
        let statement = task.statement.hash();
        // Somebody else may have sent the same proof: then it is what made those batches final.
        let is_there = service.job(statement).await.is_ok_and(|job| job.state == JobState::Done);
        if task.last <= covered && is_there {
            self.keep(task, service).await;
        }
        let _ = service.remove(statement).await;
    }

    /// The proof to go on with, of those that this node asked for before it was started again: what it would ask for now ends elsewhere.
    /// What is final of them is removed.
    pub(super) async fn resume(
        &self,
        service: &Service,
        covered: u64,
        claims: &[ClaimEntry],
    ) -> Result<Option<Task>, Trouble> {
        let (ours, config) = (self.operator.txs.address(), self.rollup.deployment.program_config().hash());
        let mut found: Option<(JobState, Task)> = None;
        for job in service.jobs().await? {
            let statement = RangeStatement::from(job.parts);
            if statement.configHash != config || statement.prover != ours || statement.hash() != job.job {
                continue;
            }
            let Some(task) = self.task_of(&statement, claims)? else { continue };
            if task.last <= covered {
                self.part_with(&task, covered, service).await;
            } else if self.still_wanted(&task, covered, claims)?
                && found.as_ref().is_none_or(|(state, old)| (*state, old.last) < (job.state, task.last))
            {
                found = Some((job.state, task));
            }
        }
        Ok(found.map(|(_, task)| task))
    }

    /// Which batches a statement is about, and on which final claim; `None` if L1 does not have these.
    fn task_of(&self, statement: &RangeStatement, claims: &[ClaimEntry]) -> Result<Option<Task>, ActorError> {
        let index = &self.rollup.index;
        let hash = |number| Ok::<_, ActorError>(index.batch(number)?.map(|entry| entry.hash));
        // The newest first.
        let finals = claims.iter().rev().filter(|claim| claim.status == ClaimStatus::Final);
        let ends = finals.map(|claim| (claim.id, claim.last_batch, claim.output_root));
        let genesis = (0, 0, self.rollup.deployment.genesis_output);
        for (parent, before, output) in ends.chain([genesis]) {
            let first = before + 1;
            if output != statement.parentOutput || hash(first)? != Some(statement.firstBatch) {
                continue;
            }
            let (_, batches) = index.counts()?;
            for last in first..=batches {
                if hash(last)? == Some(statement.lastBatch) {
                    return Ok(Some(Task { first, last, statement: *statement, parent }));
                }
            }
        }
        Ok(None)
    }
}
