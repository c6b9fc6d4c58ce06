//! Histories: commitments to 4096 states of a machine at equal distances (`docs/fault-proofs.md` §3).

use std::{
    ops::ControlFlow,
    panic::resume_unwind,
    sync::{Arc, mpsc},
    thread,
};

use alloy_primitives::B256;
use duplex_primitives::tree::{HISTORY_DEPTH, Tree as HistoryTree};

use crate::{
    machine::{Hart, Machine, Snapshot},
    preimages::{Missing, Preimages},
    program::Program,
    state::{State, Status},
    tree::{Dirty, PageBytes, Tree},
};

/// Leaves of a history.
pub const LEAVES: usize = 1 << HISTORY_DEPTH;
/// Steps between two leaves in the stages that are a machine's: 1, 2 and 3.
pub const WIDTHS: [u64; 3] = [1 << 24, 1 << 12, 1];

/// Batches of pages that wait to be hashed while the machine goes on.
const IN_FLIGHT: usize = 2;
/// Pages in a batch, at most: a program that writes all over memory must not fill ours with copies.
const BATCH: usize = 1 << 12;
/// Snapshots kept along a history; when there are more, every second one goes.
const SNAPSHOTS: usize = 32;
/// Pages kept by all of them, unless the caller says otherwise: 256 MiB.
const SNAPSHOT_PAGES: usize = 1 << 15;

/// How far a recording has come.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Progress {
    /// Leaves that the machine has passed, of 4096.
    pub leaves: usize,
    /// Steps executed, from the program's start.
    pub step: u64,
}

/// Why a recording did not come to its end. It can go on.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum Stopped {
    /// A preimage is missing.
    #[error(transparent)]
    Missing(#[from] Missing),
    /// The caller asked for it.
    #[error("the recording of a history was interrupted")]
    Interrupted,
}

/// A history, and enough of the machine to come back to any of its states soon.
#[derive(Debug, Clone)]
pub struct History {
    width: u64,
    tree: HistoryTree,
    last: State,
    /// By step; the first is where the history starts.
    snapshots: Vec<Snapshot>,
    pages: usize,
}

impl History {
    /// Runs `machine`, which is where the history starts, to its end: 4096 times `width` steps.
    pub fn record(machine: Machine, width: u64, preimages: &mut impl Preimages) -> Result<Self, Missing> {
        match Recorder::new(machine, width).run(preimages, |_| ControlFlow::Continue(())) {
            Ok(history) => Ok(history),
            Err(Stopped::Missing(missing)) => Err(missing),
            Err(Stopped::Interrupted) => unreachable!("nobody interrupts"),
        }
    }

    /// Steps between two leaves.
    pub const fn width(&self) -> u64 {
        self.width
    }

    /// The commitment: leaf `t` is the hash of the state `(t + 1) · width` steps after the start.
    pub const fn tree(&self) -> &HistoryTree {
        &self.tree
    }

    /// The state at the last leaf.
    pub const fn last(&self) -> &State {
        &self.last
    }

    /// Whether it ends in exit 0: in stage 1, whether the statement holds.
    pub fn holds(&self) -> bool {
        self.last.status == Status::Exited && self.last.exit_code == 0
    }

    /// Steps from the program's start to where this begins.
    pub fn start(&self) -> u64 {
        self.snapshots.first().map_or(0, Snapshot::step)
    }

    /// Pages, of 8 KiB each, that its snapshots keep of what was written over later: the memory that it takes beside
    /// that of one machine.
    pub const fn pages(&self) -> usize {
        self.pages
    }

    /// A machine in the state before leaf `index`: where the next stage begins, or what a step is executed on.
    ///
    /// Runs on from the nearest snapshot.
    pub fn before(&self, index: usize, preimages: &mut impl Preimages) -> Result<Machine, Missing> {
        let step = self.start() + index.min(LEAVES) as u64 * self.width;
        let next = self.snapshots.partition_point(|snapshot| snapshot.step() <= step);
        let mut machine = Machine::from(&self.snapshots[next.saturating_sub(1)]);
        machine.run(step, preimages)?;
        Ok(machine)
    }
}

/// Records a history. May be interrupted, and goes on where it was.
#[derive(Debug)]
pub struct Recorder {
    width: u64,
    start: u64,
    machine: Machine,
    log: Log,
}

/// What there is of a history so far.
#[derive(Debug, Clone)]
struct Log {
    leaves: Vec<B256>,
    /// There is one after each multiple of so many leaves.
    every: usize,
    snapshots: Vec<Snapshot>,
    /// Of each snapshot but the last, the pages that are not like that in the next.
    pages: Vec<usize>,
    /// Their sum, at most.
    budget: usize,
    last: State,
}

impl Log {
    fn new(start: Snapshot) -> Self {
        let last = start.state();
        let (leaves, snapshots, pages) = (Vec::new(), vec![start], Vec::new());
        Self { leaves, every: 1, snapshots, pages, budget: SNAPSHOT_PAGES, last }
    }

    fn push(&mut self, hart: Hart, tree: &Tree, program: &Arc<Program>) {
        self.last = hart.state(tree.root());
        self.leaves.push(self.last.hash());
        if self.leaves.len().is_multiple_of(self.every) {
            self.pages.extend(self.snapshots.last().map(|before| before.tree.pages_apart(tree)));
            self.snapshots.push(Snapshot { program: Arc::clone(program), hart, tree: tree.clone() });
            self.thin_out();
        }
    }

    /// Drops every second snapshot until there are neither too many nor too large ones. The first one stays: it is where
    /// the history starts.
    fn thin_out(&mut self) {
        while self.snapshots.len() > 1
            && (self.snapshots.len() > SNAPSHOTS || self.pages.iter().sum::<usize>() > self.budget)
        {
            self.every *= 2;
            self.snapshots = std::mem::take(&mut self.snapshots).into_iter().step_by(2).collect();
            let pairs = self.snapshots.windows(2);
            self.pages = pairs.map(|pair| pair[0].tree.pages_apart(&pair[1].tree)).collect();
        }
    }
}

/// What a machine has written between two leaves, or a part of it.
struct Batch {
    numbers: Vec<u32>,
    pages: Vec<PageBytes>,
    /// The rest of the machine at the leaf, if nothing of it follows.
    hart: Option<Hart>,
}

impl Recorder {
    /// A recording that begins where `machine` is, with a leaf every `width` steps.
    pub fn new(mut machine: Machine, width: u64) -> Self {
        let log = Log::new(machine.snapshot());
        Self { width, start: machine.steps(), machine, log }
    }

    /// Keeps so many pages for snapshots along the way at most ([`History::pages`]), instead of 32,768. The fewer
    /// snapshots there are, the longer [`History::before`] takes.
    pub fn keep_pages(mut self, pages: usize) -> Self {
        self.log.budget = pages;
        self.log.thin_out();
        self
    }

    /// Runs to the history's end, or until `progress` breaks it off. A missing preimage stops it, too. It may then be
    /// called again.
    ///
    /// States are hashed by another thread while the machine goes on.
    pub fn run(
        &mut self,
        preimages: &mut impl Preimages,
        mut progress: impl FnMut(Progress) -> ControlFlow<()>,
    ) -> Result<History, Stopped> {
        let (width, start) = (self.width, self.start);
        let mut leaves = self.log.leaves.len();
        let mut tree = std::mem::replace(self.machine.tree_mut(), Tree::memory());
        let (machine, log) = (&mut self.machine, &mut self.log);
        let program = machine.program().clone();
        let result = thread::scope(|scope| {
            let (send, receive) = mpsc::sync_channel::<Batch>(IN_FLIGHT);
            let hashed = scope.spawn(|| {
                for batch in receive {
                    let pages = batch.numbers.iter().copied().zip(&batch.pages);
                    tree.update(&pages.collect::<Vec<Dirty<'_>>>());
                    if let Some(hart) = batch.hart {
                        log.push(hart, &tree, &program);
                    }
                }
            });
            let mut drive = || {
                // Once stopped, a machine repeats its state: all leaves from the next one on are the same.
                while leaves < LEAVES && (machine.status() == Status::Running || leaves == 0) {
                    machine.run(start + (leaves as u64 + 1) * width, preimages)?;
                    let mut written = machine.memory_mut().take_written();
                    let mut hart = None;
                    while hart.is_none() {
                        let rest = written.split_off(written.len().min(BATCH));
                        let numbers = std::mem::replace(&mut written, rest);
                        let pages =
                            numbers.iter().map(|number| *machine.memory_mut().page(*number)).collect();
                        hart = written.is_empty().then(|| machine.hart());
                        if send.send(Batch { numbers, pages, hart: hart.clone() }).is_err() {
                            return Ok(()); // The thread has panicked, which is passed on below.
                        }
                    }
                    leaves += 1;
                    if progress(Progress { leaves, step: machine.steps() }).is_break() {
                        return Err(Stopped::Interrupted);
                    }
                }
                Ok(())
            };
            let result = drive();
            drop(send);
            if let Err(panic) = hashed.join() {
                resume_unwind(panic);
            }
            result
        });
        *self.machine.tree_mut() = tree;
        result?;
        Ok(self.history())
    }

    fn history(&self) -> History {
        let Log { mut leaves, snapshots, pages, last, .. } = self.log.clone();
        leaves.resize(LEAVES, last.hash());
        let tree = HistoryTree::new(HISTORY_DEPTH, leaves);
        History { width: self.width, tree, last, snapshots, pages: pages.iter().sum() }
    }
}
