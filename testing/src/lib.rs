//! End-to-end suites.

pub mod devnet;
pub mod lag;
pub mod lies;
pub mod load;
pub mod truth;
