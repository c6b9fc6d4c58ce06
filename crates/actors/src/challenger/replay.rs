//! What the machine does with a statement, as deep as a dispute asks.

use std::{
    collections::BTreeMap,
    ops::ControlFlow,
    sync::Arc,
    time::{Duration, Instant},
};

use alloy_primitives::{B256, Bytes};
use duplex_program::Statement;
use duplex_vm::{
    History, Kind, Machine, Missing, PartKey, Preimages, Program, Recorder, StepWitness, Stopped, WIDTHS,
};
use tokio::task::JoinHandle;

use crate::{ActorError, Rollup};

/// Statements whose histories are kept. Each may take some hundred MiB.
const KEPT: usize = 4;
/// Pause between lines about a long replay.
const TELL_EVERY: Duration = Duration::from_secs(10);

/// The leaves of the machine's stages that lead to a history: none for the first.
type Path = Vec<u64>;

/// The step that L1 is to execute.
#[derive(Debug, Clone)]
pub struct Step {
    /// Its proof.
    pub witness: StepWitness,
    /// The part of a preimage that it reads, and the whole preimage.
    pub reads: Option<(PartKey, Bytes)>,
}

/// Everything that the machine reads for one statement.
#[derive(Debug, Clone)]
pub struct Inputs {
    /// The statement's hash.
    pub statement: B256,
    /// Preimages by kind and key.
    pub preimages: Arc<BTreeMap<(u8, B256), Bytes>>,
}

impl Preimages for Inputs {
    fn get(&mut self, kind: Kind, key: &B256) -> Option<Bytes> {
        match kind {
            Kind::Statement => Some(Bytes::copy_from_slice(self.statement.as_slice())),
            kind => self.preimages.get(&(kind as u8, *key)).cloned(),
        }
    }
}

/// What is known of one statement.
#[derive(Debug, Default)]
struct Replay {
    inputs: Option<Inputs>,
    histories: BTreeMap<Path, Arc<History>>,
    steps: BTreeMap<Path, Arc<Step>>,
    asked: Option<Instant>,
}

/// What a piece of work gave.
enum Done {
    History(Arc<History>),
    Step(Arc<Step>),
}

/// A piece of work: for which statement and path, and where it is done.
type Work = (B256, Path, JoinHandle<Result<Done, Missing>>);

/// Replays statements in the machine, one at a time, beside everything else.
pub struct Replays {
    rollup: Rollup,
    program: Arc<Program>,
    replays: BTreeMap<B256, Replay>,
    running: Option<Work>,
}

impl std::fmt::Debug for Replays {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Replays").field("statements", &self.replays.len()).finish_non_exhaustive()
    }
}

impl Replays {
    /// Replays with the program of this rollup.
    pub fn new(rollup: Rollup, program: Arc<Program>) -> Self {
        Self { rollup, program, replays: BTreeMap::new(), running: None }
    }

    /// The history below `path`: of stage 1 if it is empty, of stage 2 below one leaf, of stage 3 below two. `None`
    /// while the machine is at work.
    ///
    /// # Errors
    /// If what the statement is about cannot be read, or lacks something that the machine asks for.
    pub async fn history(
        &mut self,
        statement: &Statement,
        path: &[u64],
    ) -> Result<Option<Arc<History>>, ActorError> {
        self.collect().await?;
        let hash = statement.hash();
        if let Some(history) = self.replays.get(&hash).and_then(|replay| replay.histories.get(path)) {
            return Ok(Some(history.clone()));
        }
        // A history begins in one of the stage before.
        let before = match path.split_last() {
            None => None,
            Some((leaf, above)) => match Box::pin(self.history(statement, above)).await? {
                Some(history) => Some((history, *leaf)),
                None => return Ok(None),
            },
        };
        let Some(mut inputs) = self.ready(statement).await? else { return Ok(None) };
        let program = self.program.clone();
        let stage = path.len();
        self.start(hash, path, move || {
            let machine = match before {
                None => Machine::new(program),
                Some((history, leaf)) => history.before(leaf as usize, &mut inputs)?,
            };
            let started = Instant::now();
            let mut told = started;
            let history = Recorder::new(machine, WIDTHS[stage]).run(&mut inputs, |progress| {
                if told.elapsed() > TELL_EVERY {
                    told = Instant::now();
                    tracing::info!(statement = %hash, stage = stage + 1, steps = progress.step, "replaying");
                }
                ControlFlow::Continue(())
            });
            match history {
                Ok(history) => {
                    let seconds = started.elapsed().as_secs_f64();
                    tracing::info!(statement = %hash, stage = stage + 1, steps = history.last().step, seconds, "replayed");
                    Ok(Done::History(Arc::new(history)))
                }
                Err(Stopped::Missing(missing)) => Err(missing),
                Err(Stopped::Interrupted) => unreachable!("nobody interrupts it"),
            }
        });
        Ok(None)
    }

    /// The step at leaf `path[2]` of stage 3. `None` while the machine is at work.
    ///
    /// # Errors
    /// As [`history`](Self::history).
    pub async fn step(
        &mut self,
        statement: &Statement,
        path: &[u64; 3],
    ) -> Result<Option<Arc<Step>>, ActorError> {
        self.collect().await?;
        let hash = statement.hash();
        if let Some(step) = self.replays.get(&hash).and_then(|replay| replay.steps.get(&path[..])) {
            return Ok(Some(step.clone()));
        }
        let Some(history) = self.history(statement, &path[..2]).await? else { return Ok(None) };
        let Some(mut inputs) = self.ready(statement).await? else { return Ok(None) };
        let leaf = path[2] as usize;
        self.start(hash, path, move || {
            let mut machine = history.before(leaf, &mut inputs)?;
            let reads = machine.next_read().filter(|part| part.kind != Kind::Statement);
            let reads = reads.and_then(|part| Some((part, inputs.get(part.kind, &part.key)?)));
            Ok(Done::Step(Arc::new(Step { witness: machine.witness(), reads })))
        });
        Ok(None)
    }

    /// What the machine reads for a statement, if it is free.
    async fn ready(&mut self, statement: &Statement) -> Result<Option<Inputs>, ActorError> {
        if self.running.is_some() {
            return Ok(None);
        }
        let hash = statement.hash();
        if let Some(inputs) = self.replays.get(&hash).and_then(|replay| replay.inputs.clone()) {
            return Ok(Some(inputs));
        }
        let inputs = super::inputs(&self.rollup, statement).await?;
        while self.replays.len() >= KEPT
            && let Some(oldest) =
                self.replays.iter().min_by_key(|(_, replay)| replay.asked).map(|(hash, _)| *hash)
        {
            self.replays.remove(&oldest);
        }
        let replay = self.replays.entry(hash).or_default();
        replay.inputs = Some(inputs.clone());
        Ok(Some(inputs))
    }

    fn start(
        &mut self,
        hash: B256,
        path: &[u64],
        work: impl FnOnce() -> Result<Done, Missing> + Send + 'static,
    ) {
        if let Some(replay) = self.replays.get_mut(&hash) {
            replay.asked = Some(Instant::now());
        }
        self.running = Some((hash, path.to_vec(), tokio::task::spawn_blocking(work)));
    }

    /// Takes what the machine has finished.
    async fn collect(&mut self) -> Result<(), ActorError> {
        if !self.running.as_ref().is_some_and(|(_, _, handle)| handle.is_finished()) {
            return Ok(());
        }
        let Some((hash, path, handle)) = self.running.take() else { return Ok(()) };
        let done = handle.await.map_err(|why| ActorError::Replay(why.to_string()))?;
        let done = done.map_err(|missing| ActorError::Replay(missing.to_string()))?;
        if let Some(replay) = self.replays.get_mut(&hash) {
            match done {
                Done::History(history) => drop(replay.histories.insert(path, history)),
                Done::Step(step) => drop(replay.steps.insert(path, step)),
            }
        }
        Ok(())
    }
}
