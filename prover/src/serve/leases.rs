//! Who is at work on what: parts of jobs are lent to provers, and come back if these fall silent.

use std::{
    collections::{BTreeMap, BTreeSet},
    time::{Duration, Instant, SystemTime, UNIX_EPOCH},
};

use alloy_primitives::B256;

use crate::job::{Node, Tree};

/// How long a lease holds without a word from who has it.
pub(crate) const TERM: Duration = Duration::from_secs(60);

/// Segments that a prover alone takes at once: not all, since others may come.
const ALONE: usize = 4;

/// A part of a job that somebody is at work on.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Lease {
    pub(crate) id: u64,
    pub(crate) job: B256,
    /// All of one layer.
    pub(crate) nodes: Vec<Node>,
    pub(crate) prover: String,
    /// None for this process' own, which ends with it.
    until: Option<Instant>,
}

/// All leases, and who asked for some lately.
#[derive(Debug)]
pub(crate) struct Leases {
    /// Begins where the clock is: what was lent before this process began has another number.
    last: u64,
    open: BTreeMap<u64, Lease>,
    seen: BTreeMap<String, Instant>,
}

/// Who asks for a lease.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Prover<'a> {
    /// This process.
    Own,
    /// Somebody over HTTP.
    Other(&'a str),
}

impl Default for Leases {
    fn default() -> Self {
        let now = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
        Self { last: now.as_micros() as u64, open: BTreeMap::new(), seen: BTreeMap::new() }
    }
}

impl Leases {
    /// Lends a part of a job of which nobody has anything yet: a share of its segments, or a node of its tree.
    pub(crate) fn grant(
        &mut self,
        job: B256,
        tree: &Tree,
        has: impl Fn(Node) -> bool,
        prover: Prover<'_>,
        now: Instant,
    ) -> Option<Lease> {
        self.expire(now);
        let others = self.seen.len();
        let taken: BTreeSet<Node> = self.of(job).flat_map(|lease| lease.nodes.iter().copied()).collect();
        let mut ready: Vec<Node> = tree.ready(has).into_iter().filter(|node| !taken.contains(node)).collect();
        // The highest first: what is above it waits for it. Segments come in runs, since each prover executes up to where its own
        // begin, in shares that leave some for others.
        let layer = ready.iter().map(|node| node.layer).max()?;
        ready.retain(|node| node.layer == layer);
        let share = match layer {
            0 if others == 0 => ready.len().min(ALONE),
            0 => ready.len().div_ceil(2 * (others + 1)),
            _ => 1,
        };
        ready.truncate(share);
        self.last += 1;
        let (name, until) = match prover {
            Prover::Own => ("this prover".to_owned(), None),
            Prover::Other(name) => (name.to_owned(), Some(now + TERM)),
        };
        let lease = Lease { id: self.last, job, nodes: ready, prover: name, until };
        self.open.insert(lease.id, lease.clone());
        Some(lease)
    }

    /// Notes that somebody asks for work, whether there is some or not.
    pub(crate) fn hear_of(&mut self, prover: &str, now: Instant) {
        self.seen.insert(prover.to_owned(), now);
    }

    /// Whether the lease still holds; if so, for another term.
    pub(crate) fn renew(&mut self, id: u64, now: Instant) -> bool {
        self.expire(now);
        let Some(lease) = self.open.get_mut(&id) else { return false };
        if let Some(until) = &mut lease.until {
            *until = now + TERM;
            self.seen.insert(lease.prover.clone(), now);
        }
        true
    }

    /// The lease of somebody else, if it holds; then for another term.
    pub(crate) fn held(&mut self, id: u64, now: Instant) -> Option<Lease> {
        self.open.get(&id)?.until?;
        self.renew(id, now).then(|| self.open.get(&id).cloned()).flatten()
    }

    /// Ends a lease, because all is done, or because it failed.
    pub(crate) fn end(&mut self, id: u64) {
        self.open.remove(&id);
    }

    /// Ends what was lent of a job.
    pub(crate) fn end_job(&mut self, job: B256) {
        self.open.retain(|_, lease| lease.job != job);
    }

    /// What is lent of a job.
    pub(crate) fn of(&self, job: B256) -> impl Iterator<Item = &Lease> {
        self.open.values().filter(move |lease| lease.job == job)
    }

    fn expire(&mut self, now: Instant) {
        self.open.retain(|_, lease| lease.until.is_none_or(|until| now < until));
        self.seen.retain(|_, at| now < *at + TERM);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const JOB: B256 = B256::repeat_byte(1);

    fn nodes(nodes: &[(usize, usize)]) -> Vec<Node> {
        nodes.iter().map(|(layer, index)| Node { layer: *layer, index: *index }).collect()
    }

    #[test]
    fn one_prover_alone_has_runs_of_segments_and_then_node_by_node() {
        let (mut leases, tree, now) = (Leases::default(), Tree::over(5, 4), Instant::now());
        let lease = leases.grant(JOB, &tree, |_| false, Prover::Own, now).unwrap();
        assert_eq!(lease.nodes, nodes(&[(0, 0), (0, 1), (0, 2), (0, 3)]));
        let rest = leases.grant(JOB, &tree, |_| false, Prover::Own, now).unwrap();
        assert_eq!(rest.nodes, nodes(&[(0, 4)]));
        assert_eq!(leases.grant(JOB, &tree, |_| false, Prover::Own, now), None);
        leases.end(lease.id);
        leases.end(rest.id);
        let has = |node: Node| node.layer == 0;
        assert_eq!(leases.grant(JOB, &tree, has, Prover::Own, now).unwrap().nodes, nodes(&[(1, 0)]));
        assert_eq!(leases.grant(JOB, &tree, has, Prover::Own, now).unwrap().nodes, nodes(&[(1, 1)]));
    }

    #[test]
    fn others_share_what_is_not_lent_and_who_is_silent_loses_it() {
        let (mut leases, tree, start) = (Leases::default(), Tree::over(8, 4), Instant::now());
        let none = |_: Node| false;
        leases.hear_of("one", start);
        let one = leases.grant(JOB, &tree, none, Prover::Other("one"), start).unwrap();
        leases.hear_of("two", start);
        let two = leases.grant(JOB, &tree, none, Prover::Other("two"), start).unwrap();
        assert_eq!(one.nodes, nodes(&[(0, 0), (0, 1)]));
        assert_eq!(two.nodes, nodes(&[(0, 2)]));
        // One is heard of, two is not.
        let later = start + TERM - Duration::from_secs(1);
        assert!(leases.renew(one.id, later));
        let end = start + TERM;
        assert!(!leases.renew(two.id, end) && leases.renew(one.id, end));
        let again = leases.grant(JOB, &tree, none, Prover::Own, end).unwrap();
        assert_eq!(again.nodes, nodes(&[(0, 2), (0, 3)]), "with one other left");
        // This process' own holds as long as it lives, and is nobody else's.
        assert!(leases.renew(again.id, end + 10 * TERM));
        assert_eq!(leases.held(again.id, end), None);
        let third = leases.grant(JOB, &tree, none, Prover::Other("three"), end).unwrap();
        assert!(leases.held(third.id, end + TERM / 2).is_some(), "and asking holds it");
        assert!(leases.held(third.id, end + TERM).is_some());
        assert_eq!(leases.held(third.id, end + 3 * TERM), None);
        // A job that is taken back has no leases.
        leases.end_job(JOB);
        assert!(!leases.renew(again.id, end + 10 * TERM));
    }

    #[test]
    fn nodes_are_made_as_soon_as_they_can_be() {
        let (mut leases, tree, now) = (Leases::default(), Tree::over(8, 4), Instant::now());
        // Four segments are there: the node above them comes before the other segments.
        let has = |node: Node| node.layer == 0 && node.index < 4;
        assert_eq!(leases.grant(JOB, &tree, has, Prover::Own, now).unwrap().nodes, nodes(&[(1, 0)]));
        let rest = nodes(&[(0, 4), (0, 5), (0, 6), (0, 7)]);
        assert_eq!(leases.grant(JOB, &tree, has, Prover::Own, now).unwrap().nodes, rest);
    }
}
