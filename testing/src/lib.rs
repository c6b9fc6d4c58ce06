//! Conformance and end-to-end suites.

pub mod conformance;
