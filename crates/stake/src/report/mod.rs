//! The answer, for people and for programs.

mod html;
mod sections;
mod text;

pub(crate) use html::document;
pub(crate) use sections::{Block, Section};
pub(crate) use text::write_section;

use serde::Serialize;

use crate::{
    Absence, Attack, Balance, Bonds, Drains, Outcome, Pressure, Run, Setting, SimulationOptions, StakeError,
    Summary, Verdict, Wei,
    chart::{Chart, charts},
    needed_capital, required_bonds, secure_bonds, simulate,
};

/// Everything that is known of a setting. `Display` is for people, `Serialize` for programs: amounts in wei as decimal
/// text, those of the simulation in ETH, times in seconds, those of the simulation in hours.
#[derive(Debug, Clone, PartialEq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Report {
    /// What was asked about.
    pub setting: Setting,
    /// The least bonds that pay for honest work.
    pub required_bonds: Bonds,
    /// What each attack costs.
    pub attacks: Vec<Outcome>,
    /// What using up the honest side's capital takes.
    pub drains: Drains,
    /// One false claim while everybody may be away.
    pub absence: Absence,
    /// What keeping the honest side from L1 costs.
    pub pressure: Pressure,
    /// The least honest capital with which funds are safe from being outspent.
    pub needed_capital: Wei,
    /// Bonds with which the budget is enough, if there are any.
    pub secure_bonds: Option<Bonds>,
    /// The claim bond that needs least capital altogether.
    pub balance: Balance,
    /// What came of simulated years.
    pub simulation: Vec<Summary>,
    /// Days of each of them.
    pub simulated_days: u32,
    /// Safe or not.
    pub verdict: Verdict,
    /// Every simulated year.
    #[serde(skip)]
    pub runs: Vec<Run>,
}

impl Report {
    /// Works everything out, and simulates unless `simulation.runs` is 0.
    ///
    /// # Errors
    /// [`StakeError`] if the setting makes no sense, or cannot be simulated.
    pub fn new(setting: Setting, simulation: SimulationOptions) -> Result<Self, StakeError> {
        let verdict = Verdict::of(&setting)?;
        let runs = if simulation.runs == 0 { Vec::new() } else { simulate(&setting, simulation)? };
        Ok(Self {
            required_bonds: required_bonds(&setting.gas, &setting.terms)?,
            attacks: Attack::ALL.into_iter().map(|attack| attack.outcome(&setting)).collect(),
            drains: Drains::of(&setting),
            absence: Absence::of(&setting),
            pressure: Pressure::of(&setting),
            needed_capital: needed_capital(&setting),
            secure_bonds: secure_bonds(&setting),
            balance: Balance::of(&setting),
            simulation: Summary::of(&runs),
            simulated_days: simulation.days,
            verdict,
            runs,
            setting,
        })
    }

    /// The charts.
    pub fn charts(&self) -> Vec<Chart> {
        charts(&self.setting, &self.simulation)
    }

    /// Every simulated year as a table for other programs: a header, and a line for each.
    pub fn csv(&self) -> String {
        let lines = self.runs.iter().map(Run::csv);
        let mut text: String =
            std::iter::once(Run::CSV_HEADER.to_owned()).chain(lines).collect::<Vec<_>>().join("\n");
        text.push('\n');
        text
    }

    /// A page that needs nothing but itself, with the charts.
    pub fn html(&self) -> String {
        html::page(self)
    }
}
