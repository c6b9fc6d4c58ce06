//! The program against the node: the same output for every block, natively and in the machine.
#![allow(missing_docs)]

mod any;
mod blocks;
mod contracts;
mod cost;
mod curves;
mod effects;
mod lacks;
mod measured;
mod precompiles;
mod prices;
mod ranges;
mod sample;
mod world;
