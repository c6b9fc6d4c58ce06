//! A year of the game, hour by hour.

mod attacker;
mod honest;
mod market;
mod outcome;
mod rng;
mod scenario;
mod settle;
mod world;

pub use outcome::{Run, Summary};
pub use scenario::Scenario;

use attacker::Attacker;
use market::Market;
pub(crate) use rng::Rng;
use world::{Ledger, Rules, Watcher, World};

use crate::{Setting, StakeError, amount::span};

/// Hours that a watcher is away at a time, on average.
const AWAY: f64 = 24.0;
/// Hours that a failure of all watchers together lasts, on average.
const OUTAGE: f64 = 48.0;

/// How much is simulated.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct SimulationOptions {
    /// Days of each run.
    pub days: u32,
    /// Runs of each scenario, which differ by chance.
    pub runs: u32,
    /// From the same seed everything comes out the same.
    pub seed: u64,
}

impl Default for SimulationOptions {
    fn default() -> Self {
        Self { days: 365, runs: 20, seed: 1 }
    }
}

/// Simulates every scenario. `uptime` is then the share of hours in which a watcher works, and every watcher makes one
/// move an hour in each of its disputes. Bonds are paid out as `contracts/src/L1/Disputes.sol` and `Settlement.sol` do.
///
/// # Errors
/// [`StakeError::Range`] if the setting makes no sense, or if its periods are too short for steps of an hour.
pub fn simulate(setting: &Setting, options: SimulationOptions) -> Result<Vec<Run>, StakeError> {
    setting.check()?;
    let timing = &setting.terms.timing;
    let shortest = timing.challenge_window.min(timing.defence_period).min(timing.clock);
    if shortest < 6 * 3600 {
        return Err(StakeError::Range {
            what: "the shortest of window, defence period and clock",
            given: span(shortest),
            allowed: "at least 6 hours",
            way_out: "the simulation goes by hours; leave it out with --runs 0",
        });
    }
    if options.days == 0 || options.days > 3660 {
        return Err(StakeError::Range {
            what: "the simulated time",
            given: format!("{} days", options.days),
            allowed: "from 1 to 3660 days",
            way_out: "a year is 365",
        });
    }
    let mut runs = Vec::new();
    for (index, scenario) in Scenario::ALL.into_iter().enumerate() {
        for run in 0..options.runs {
            // A stream for each run, whatever the others draw.
            let mut seeds = Rng::new(options.seed ^ ((index as u64) << 48) ^ (u64::from(run) << 16));
            runs.push(World::new(setting, scenario, seeds.next()).run(scenario, run, options.days));
        }
    }
    Ok(runs)
}

impl World {
    fn new(setting: &Setting, scenario: Scenario, seed: u64) -> Self {
        let count = setting.watchers as usize;
        let each = setting.budget.as_ether() / f64::from(setting.watchers.max(1));
        let attacker = Attacker::new(scenario, setting.budget.as_ether());
        Self {
            rules: Rules::of(setting),
            rng: Rng::new(seed),
            market: Market::new(setting.terms.gas_price.as_ether()),
            now: 0,
            price: setting.terms.gas_price.as_ether(),
            claims: Vec::new(),
            challenges: Vec::new(),
            disputes: Vec::new(),
            open_claims: Vec::new(),
            open_challenges: Vec::new(),
            open_disputes: Vec::new(),
            watchers: (0..count).map(|_| Watcher { liquid: each, open: 0, awake: true }).collect(),
            ledger: Ledger::default(),
            tip: None,
            final_to: 0,
            stolen: None,
            outage: false,
            copies: attacker.copies,
        }
    }

    fn run(mut self, scenario: Scenario, number: u32, days: u32) -> Run {
        let mut attacker = Attacker::new(scenario, self.rules.setting.budget.as_ether());
        let mut record = outcome::Record::default();
        while self.now < days * 24 && self.stolen.is_none() {
            self.weather();
            attacker.act(&mut self);
            self.act_honestly();
            self.settle();
            record.note(&self);
            self.now += 1;
        }
        record.finish(self, scenario, number)
    }

    /// Prices, and who is awake.
    fn weather(&mut self) {
        self.price = self.market.next(&mut self.rng);
        if self.outage && self.rng.chance(1.0 / OUTAGE) {
            self.outage = false;
        }
        // Away for AWAY hours on average, and as often as makes the share right.
        let up = self.rules.setting.uptime;
        let leaves = if up > 0.0 { ((1.0 - up) / up / AWAY).min(1.0) } else { 1.0 };
        let returns = if up < 1.0 { 1.0 / AWAY } else { 1.0 };
        for watcher in &mut self.watchers {
            let turns = self.rng.chance(if watcher.awake { leaves } else { returns });
            watcher.awake = up > 0.0 && watcher.awake != turns;
        }
    }
}
