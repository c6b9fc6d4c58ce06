//! How much stake is enough.
//!
//! [`required_bonds`] turns the gas of the dispute game into the bonds of a deployment. [`Attack`], [`Drains`],
//! [`Absence`] and [`Pressure`] say what attacks cost both sides, [`Verdict`] whether that is enough for the value
//! secured, [`simulate`] plays it for a year, and [`Report`] tells it, with charts. [`RelayerReport`] does the same for relayers
//! who vouch for messages. The rules are those of
//! `docs/fault-proofs.md` §4, the reasoning is in `docs/stake.md`.

mod amount;
mod attack;
mod bonds;
mod capital;
mod chart;
mod error;
mod gas;
mod relayers;
mod report;
mod risk;
mod setting;
mod sim;
mod terms;
mod verdict;

pub use amount::{Multiple, Net, Wei, YearlyRate, digits, span};
pub use attack::{Attack, Outcome, SEVERAL};
pub use bonds::{Bonds, REWARDED_OTHERS, raised_bonds, required_bonds};
pub use capital::{Balance, Drain, Drains, secure_bonds};
pub use chart::{Chart, charts, lines};
pub use error::StakeError;
pub use gas::{GasTable, Move, STAGES, Side, StageGas};
pub use relayers::{RelayerReport, RelayerSetting, RelayerSummary, simulate_relayers};
pub use report::Report;
pub use risk::{Absence, Pressure};
pub use setting::Setting;
pub use sim::{Run, Scenario, SimulationOptions, Summary, simulate};
pub use terms::{Terms, Timing};
pub use verdict::{Check, Verdict, needed_capital};
