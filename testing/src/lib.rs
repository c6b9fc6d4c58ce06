//! Conformance and end-to-end suites.
