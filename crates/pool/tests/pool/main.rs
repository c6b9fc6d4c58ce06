//! The pool from outside: every refusal, its behaviour, and a comparison with a naive model.

mod behaviour;
mod common;
mod errors;
mod model;
mod ranking;
mod reference;
