//! Disputes end to end: on the embedded L1, with players who lie as well as can be done.

mod attacks;
mod lies;
mod outage;
mod people;
mod proven;
mod reorg;
mod restart;
mod world;
