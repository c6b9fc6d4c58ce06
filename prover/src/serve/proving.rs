//! The jobs' own prover: takes the oldest job, and makes of it what nobody else does.

use std::{
    fs,
    time::{Duration, Instant},
};

use alloy_primitives::B256;
use eyre::bail;

use super::{FAILED, PAUSE, Service, leases::Prover, lock};
use crate::{
    children::Stop,
    job::{Job, Node, Tree},
    prove::run_step,
    steps::ProveStep,
};

/// What failed is tried again, so often.
const TRIES: u32 = 3;
/// Pause after a job whose failure could not be noted.
const AFTER_ERROR: Duration = Duration::from_secs(30);

impl Service {
    /// All jobs, oldest first.
    pub(super) fn jobs(&self) -> Vec<(B256, Job)> {
        let Ok(entries) = fs::read_dir(&self.args.jobs) else { return Vec::new() };
        let mut jobs: Vec<_> = entries
            .filter_map(|entry| {
                let entry = entry.ok()?;
                let statement: B256 = entry.file_name().to_str()?.parse().ok()?;
                let job = Job::open(&entry.path()).ok()?;
                let since = fs::metadata(job.bundle_path()).and_then(|data| data.modified()).ok()?;
                Some((since, statement, job))
            })
            .collect();
        jobs.sort_by_key(|(since, statement, _)| (*since, *statement));
        jobs.into_iter().map(|(_, statement, job)| (statement, job)).collect()
    }

    pub(super) fn is_done(&self, job: &Job) -> bool {
        self.steps().iter().all(|step| step.is_done(job, &self.keys))
    }

    /// The oldest job that is neither done nor given up.
    fn next(&self) -> Option<(B256, Job)> {
        self.jobs().into_iter().find(|(_, job)| !self.is_done(job) && !job.folder().join(FAILED).exists())
    }

    pub(super) fn work(&self) {
        loop {
            let Some((statement, job)) = self.next() else {
                std::thread::sleep(PAUSE);
                continue;
            };
            *lock(&self.current) = Some(statement);
            if let Err(error) = self.prove(statement, &job) {
                eprintln!("{statement}: {error:#}");
                let folder = self.folder(statement);
                if folder.exists() && fs::write(folder.join(FAILED), format!("{error:#}")).is_err() {
                    // It is the next one again.
                    std::thread::sleep(AFTER_ERROR);
                }
            }
            *lock(&self.current) = None;
            lock(&self.leases).end_job(statement);
        }
    }

    fn prove(&self, statement: B256, job: &Job) -> eyre::Result<()> {
        let mut tries = 0;
        loop {
            let Err(error) = self.try_to_prove(statement, job) else { return Ok(()) };
            // It was taken back.
            if Job::open(job.folder()).is_err() {
                return Err(error);
            }
            tries += 1;
            // Once it may be the machine's fault.
            if tries > 1 && self.forget_others(statement, job)? {
                eprintln!("{statement}: {error:#}; what others made of it is made again");
                tries = 0;
                continue;
            }
            if tries >= TRIES {
                return Err(error);
            }
            eprintln!("{statement}: {error:#}; trying again");
        }
    }

    fn try_to_prove(&self, statement: B256, job: &Job) -> eyre::Result<()> {
        if !ProveStep::Cut.is_done(job, &self.keys) {
            run_step(ProveStep::Cut, job, &self.args.keys, &self.args.memory, None, &Stop::default())?;
        }
        if !job.stark_path().exists() {
            self.make_tree(statement, job, &job.segments()?.tree())?;
        }
        for step in self.steps() {
            if step.is_done(job, &self.keys) {
                continue;
            }
            let start = Instant::now();
            run_step(*step, job, &self.args.keys, &self.args.memory, None, &Stop::default())?;
            // What it took to bring the tree to an end is not what nodes take.
            if *step != ProveStep::Aggregate {
                lock(&self.timings).note(*step, 1, start.elapsed().as_secs_f64());
            }
        }
        Ok(())
    }

    /// Makes all of the tree, but for what others are at work on.
    fn make_tree(&self, statement: B256, job: &Job, tree: &Tree) -> eyre::Result<()> {
        loop {
            if Job::open(job.folder()).is_err() {
                bail!("the job was removed");
            }
            let has = |node: Node| job.is_made(tree, node);
            if has(tree.top()) && tree.segments().all(has) {
                return Ok(());
            }
            let lease = lock(&self.leases).grant(statement, tree, has, Prover::Own, Instant::now());
            let Some(lease) = lease else {
                std::thread::sleep(PAUSE);
                continue;
            };
            let segments = lease.nodes.iter().all(|node| node.layer == 0);
            let step = if segments { ProveStep::Segments } else { ProveStep::Aggregate };
            // What is missing is nobody's yet, whatever was begun.
            for node in lease.nodes.iter().filter(|node| !job.has(**node)) {
                job.remove(*node)?;
            }
            let start = Instant::now();
            let only = Some(&lease.nodes[..]);
            let done = run_step(step, job, &self.args.keys, &self.args.memory, only, &Stop::default());
            lock(&self.leases).end(lease.id);
            done?;
            lock(&self.timings).note(step, lease.nodes.len(), start.elapsed().as_secs_f64());
        }
    }

    /// Removes what others made, and what was made of it. Says whether there was any; if so, they get nothing of this job any more.
    fn forget_others(&self, statement: B256, job: &Job) -> eyre::Result<bool> {
        let Ok(cut) = job.segments() else { return Ok(false) };
        let tree = cut.tree();
        // Nobody sends anything meanwhile.
        let mut leases = lock(&self.leases);
        let others: Vec<Node> =
            tree.segments().chain(tree.inner()).filter(|node| job.is_others(*node)).collect();
        if others.is_empty() || job.stark_path().exists() {
            return Ok(false);
        }
        lock(&self.alone).insert(statement);
        leases.end_job(statement);
        for node in others.into_iter().chain(tree.inner()) {
            job.remove(node)?;
        }
        // It comes with the last segment, from whom is not kept.
        let _ = fs::remove_file(job.public_path());
        Ok(true)
    }
}
