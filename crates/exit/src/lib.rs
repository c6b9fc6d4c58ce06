//! Rebuilding, checking and leaving a rollup with nothing but L1.
//!
//! [`Rebuild`] derives L2 in this process. On it stand [`verify`], which compares every claim on L1 with
//! what was derived; [`Exit`], which takes an account's assets to L1 by force and can be stopped at any
//! moment; and [`Exodus`], which claims them when nobody is left to prove.

mod abi;
mod act;
mod asset;
mod calls;
mod claims;
mod cost;
mod delays;
mod error;
mod exodus;
mod leave;
mod message;
mod observe;
mod plan;
mod rebuild;
mod scan;
mod step;
mod verify;

pub use asset::{Asset, Assets};
pub use claims::{Batches, ClaimFacts, Path, path};
pub use cost::{Estimate, Item, Work, gas_price};
pub use delays::Delays;
pub use error::ExitError;
pub use exodus::{Exodus, ExodusStatus, Owed, Settled, settle, start_request};
pub use leave::{Exit, ExitOptions, Paid, Report};
pub use message::{Call, Purpose, purpose};
pub use observe::{Observer, Outcome, Seen};
pub use plan::{Holding, OnItsWay, Plan, duration, plan};
pub use rebuild::{Rebuild, RebuildOptions, find_deployment, narrate};
pub use scan::Leaving;
pub use step::{Goal, OnL1, Step, Unpaid, View, Waiting, next};
pub use verify::{Against, Difference, Roots, Verdict, Verified, verify};
