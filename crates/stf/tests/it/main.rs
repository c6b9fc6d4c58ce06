//! What executing blocks does, on states small enough to see whole.

mod commit;
mod headers;
mod l1;
mod l2;
mod model;
mod state;
