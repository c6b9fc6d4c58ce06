//! Bounds on what a trace may cost.

use std::time::{Duration, Instant};

use revm::{
    Inspector,
    context_interface::{ContextError, ContextTr},
    interpreter::{
        CallInputs, CallOutcome, CreateInputs, CreateOutcome, Interpreter, interpreter_types::LoopControl,
    },
};

/// How often the clock is read.
const STEPS_PER_LOOK: u32 = 1024;
/// What one recorded step weighs beside stack and memory, in bytes.
const STEP_BYTES: usize = 256;
/// What one recorded call weighs beside input and output, in bytes.
const CALL_BYTES: usize = 512;
const STACK_ITEM_BYTES: usize = 32;

/// What a tracer keeps of every step.
#[derive(Debug, Clone, Copy, Default)]
pub(super) struct Recording {
    /// The step at all.
    pub(super) steps: bool,
    /// The whole stack.
    pub(super) stack: bool,
    /// The whole memory.
    pub(super) memory: bool,
}

/// Stops an execution whose trace becomes too long or takes too long.
///
/// It goes before the tracer in a pair of inspectors, so that what it stops is hardly recorded.
#[derive(Debug, Clone)]
pub(super) struct Guard {
    started: Instant,
    limit: Duration,
    recording: Recording,
    budget: usize,
    recorded: usize,
    steps: u32,
    tripped: Option<String>,
}

impl Guard {
    /// Allows `limit` of time from now, and about `budget` bytes of trace.
    pub(super) fn new(limit: Duration, budget: usize, recording: Recording) -> Self {
        Self { started: Instant::now(), limit, recording, budget, recorded: 0, steps: 0, tripped: None }
    }

    /// Why the execution was stopped, if it was.
    pub(super) fn tripped(&self) -> Option<&str> {
        self.tripped.as_deref()
    }

    fn record(&mut self, bytes: usize) {
        self.recorded = self.recorded.saturating_add(bytes);
        if self.recorded > self.budget && self.tripped.is_none() {
            self.tripped = Some(format!(
                "the trace is larger than {} bytes; use callTracer, or leave out stack, memory and storage",
                self.budget
            ));
        }
    }

    /// Also looked at between transactions, which may be many and short.
    pub(super) fn look(&mut self) {
        if self.tripped.is_none() && self.started.elapsed() > self.limit {
            self.tripped = Some(format!("the trace took longer than {:?}", self.limit));
        }
    }

    fn stop<CTX: ContextTr>(&self, context: &mut CTX) {
        if let Some(why) = &self.tripped
            && context.error().is_ok()
        {
            *context.error() = Err(ContextError::Custom(why.clone()));
        }
    }
}

impl<CTX: ContextTr> Inspector<CTX> for Guard {
    fn step(&mut self, interp: &mut Interpreter, context: &mut CTX) {
        self.steps = self.steps.wrapping_add(1);
        if self.steps.is_multiple_of(STEPS_PER_LOOK) {
            self.look();
        }
        if self.recording.steps {
            let stack = if self.recording.stack { interp.stack.len() * STACK_ITEM_BYTES } else { 0 };
            let memory = if self.recording.memory { interp.memory.len() } else { 0 };
            self.record(STEP_BYTES + stack + memory);
        }
        if self.tripped.is_some() {
            self.stop(context);
            // A call or return that is pending must not be carried out either.
            interp.bytecode.action().take();
            interp.bytecode.reset_action();
            interp.halt_fatal();
        }
    }

    fn call(&mut self, context: &mut CTX, inputs: &mut CallInputs) -> Option<CallOutcome> {
        // Passing memory on costs the caller nothing, and keeping it costs us.
        self.record(CALL_BYTES + inputs.input.len());
        self.look();
        self.stop(context);
        None
    }

    fn call_end(&mut self, context: &mut CTX, _: &CallInputs, outcome: &mut CallOutcome) {
        self.record(outcome.result.output.len());
        self.stop(context);
    }

    fn create(&mut self, context: &mut CTX, inputs: &mut CreateInputs) -> Option<CreateOutcome> {
        self.record(CALL_BYTES + inputs.init_code().len());
        self.look();
        self.stop(context);
        None
    }

    fn create_end(&mut self, context: &mut CTX, _: &CreateInputs, outcome: &mut CreateOutcome) {
        self.record(outcome.result.output.len());
        self.stop(context);
    }
}
