//! Messages between L1 and L2, and between two L2s (`docs/bridge.md`).
//!
//! A *lane* has an `Endpoint` contract at each end. A message goes out at one, is proved to the other by what the other
//! knows of the first chain, and is called there. This crate reads what was sent, builds the proofs from the public
//! JSON-RPC of both layers, and carries messages for their fees.

mod attest;
mod attesting;
mod error;
mod lane;
mod message;
mod prove;
mod relay;
mod relayers;
mod sibling;
mod way;
mod witness;

pub use attest::{Attester, Board, RelayerSet, SignedStatement, Statement};
pub use attesting::{Attesting, AttestingOptions};
pub use error::LaneError;
pub use lane::{DeliveryState, Direction, Lane, Layer, Sent};
pub use message::{accumulator_slot, delivery_slot, message_id};
pub use prove::{By, Prepared};
pub use relay::{Relay, RelayOptions, Vouching};
pub use relayers::{Allowance, RelayerRow, RelayersStatus};
pub use sibling::{Sibling, SiblingEnd, Siblings, creations};
pub use witness::Vouched;
