//! What the crate promises to the byte, compared with the contracts, with other people's types and
//! with plain models.

mod blob;
mod chain;
mod content;
mod content_errors;
mod encodings;
mod fees;
mod history;
mod strategies;
mod vectors;
