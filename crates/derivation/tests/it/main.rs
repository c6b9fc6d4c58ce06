//! Derivation against a model of it that is as plain as it can be.
#![allow(missing_docs)]

mod any_content;
mod faults;
mod model;
mod round_trip;
