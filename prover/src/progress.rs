//! How far a proof is, and how long it will take: by what its steps took here before.

use std::{collections::BTreeMap, path::PathBuf};

use serde::{Deserialize, Serialize};

use crate::{files, job::Job, keys::Keys, steps::ProveStep};

/// Seconds for a unit of each step: a segment, a node of the tree, or the step. Kept beside the keys.
#[derive(Debug, Clone)]
pub(crate) struct Timings {
    path: PathBuf,
    seconds: BTreeMap<String, f64>,
}

impl Timings {
    /// Those of the folder of keys. What was never measured there is guessed from two cores.
    pub(crate) fn load(keys: &Keys) -> Self {
        let path = keys.timings_path();
        let seconds = files::read_json::<BTreeMap<String, f64>>(&path).unwrap_or_default();
        Self { path, seconds }
    }

    fn of(&self, step: ProveStep) -> f64 {
        let guess = match step {
            ProveStep::Cut => 5.0,
            ProveStep::Segments => 60.0,
            ProveStep::Aggregate => 20.0,
            ProveStep::Root => 90.0,
            ProveStep::Snark => 200.0,
            ProveStep::Wrap => 200.0,
        };
        self.seconds.get(step.name()).copied().unwrap_or(guess)
    }

    /// Notes what a step took for so many units. That it cannot be kept does not matter.
    pub(crate) fn note(&mut self, step: ProveStep, units: usize, seconds: f64) {
        if units == 0 {
            return;
        }
        let each = seconds / units as f64;
        let known = self.seconds.entry(step.name().to_owned()).or_insert(each);
        *known = (*known + each) / 2.0;
        let _ = files::write_json(&self.path, &self.seconds);
    }
}

/// Where a proof stands.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct Progress {
    /// The step that is next or under way; none when all are done.
    pub(crate) step: Option<String>,
    /// Units of that step that are done, and all.
    pub(crate) done: usize,
    pub(crate) total: usize,
    /// Of the whole proof.
    pub(crate) percent: f64,
    pub(crate) seconds_left: f64,
    /// Of the execution, once it was counted.
    pub(crate) instructions: Option<u64>,
}

/// Units of a step that are done, and all.
pub(crate) fn units(job: &Job, keys: &Keys, step: ProveStep) -> (usize, usize) {
    let cut = job.segments().ok();
    let tree = cut.map(|cut| cut.tree());
    match (step, tree) {
        (ProveStep::Segments, Some(tree)) => {
            (tree.segments().filter(|node| job.has(*node)).count(), tree.segments().count())
        }
        (ProveStep::Aggregate, Some(tree)) => {
            (tree.inner().filter(|node| job.has(*node)).count(), tree.inner().count())
        }
        // Before it was counted: the least.
        (ProveStep::Segments, None) => (0, 1),
        (ProveStep::Aggregate, None) => (0, 4),
        (step, _) => (usize::from(step.is_done(job, keys)), 1),
    }
}

pub(crate) fn progress(job: &Job, keys: &Keys, timings: &Timings, steps: &[ProveStep]) -> Progress {
    let (mut spent, mut left, mut next) = (0.0, 0.0, None);
    for step in steps {
        let (done, total) = units(job, keys, *step);
        let each = timings.of(*step);
        spent += each * done as f64;
        left += each * (total - done) as f64;
        if next.is_none() && !step.is_done(job, keys) {
            next = Some((*step, done, total));
        }
    }
    let (step, done, total) =
        next.map_or((None, 0, 0), |(step, done, total)| (Some(step.name().into()), done, total));
    Progress {
        step,
        done,
        total,
        percent: if spent + left > 0.0 { 100.0 * spent / (spent + left) } else { 0.0 },
        seconds_left: left,
        instructions: job.segments().ok().map(|cut| cut.instructions),
    }
}
