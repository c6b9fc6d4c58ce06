//! The long-running parts of a rollup node: sequencer, batcher, proposer, L1 watcher.
