//! Conformance and end-to-end suites.

pub mod conformance;
pub mod devnet;
pub mod lies;
pub mod load;
pub mod truth;
