//! What came of a run, and of all runs of a scenario.

use serde::Serialize;

use super::{
    scenario::Scenario,
    world::{Status, Who, World},
};

/// Hours from which on finality counts as late: a day.
const LATE: u32 = 24;

/// What came of one run. Amounts in ETH, times in hours.
#[derive(Debug, Clone, PartialEq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Run {
    /// What the attackers did.
    pub scenario: Scenario,
    /// Which run of it.
    pub run: u32,
    /// Hours until the end, or until funds were at risk.
    pub hours: u32,
    /// The watchers' gain or loss: rewards less gas, bonds lost and the cost of locked bonds.
    pub watchers: f64,
    /// Of that: what they were paid.
    pub rewards: f64,
    /// Of that: gas.
    pub gas: f64,
    /// Of that: bonds lost.
    pub bonds_lost: f64,
    /// Of that: the cost of locking bonds.
    pub holding: f64,
    /// Bonds of honest claims that were rejected, and of those that built on them.
    pub claims_lost: f64,
    /// The attackers' gain or loss, without what a theft brings.
    pub attackers: f64,
    /// Of that: gas.
    pub attacker_gas: f64,
    /// Burnt.
    pub burnt: f64,
    /// The least that the watchers had at hand.
    pub least_liquid: f64,
    /// False claims made.
    pub false_claims: u32,
    /// Challenges made by anybody.
    pub challenges: u32,
    /// Honest claims that were rejected, with those that built on them.
    pub honest_rejected: u32,
    /// The longest by which finality was later than without attacks.
    pub latest: u32,
    /// Hours in which it was.
    pub late_hours: u32,
    /// The hour in which a false claim became final; none, or the run's last.
    pub stolen: Option<u32>,
}

impl Run {
    /// Whether the honest side, proposer included, ended with less than it began with.
    pub fn out_of_pocket(&self) -> bool {
        // Rounding is not a loss.
        self.watchers - self.claims_lost < -1e-9
    }

    /// Whether finality was ever more than a day late.
    pub const fn late(&self) -> bool {
        self.latest > LATE
    }

    /// The columns of [`Self::csv`].
    pub const CSV_HEADER: &str = "scenario,run,hours,watchers_eth,rewards_eth,gas_eth,bonds_lost_eth,holding_eth,\
                                  claims_lost_eth,attackers_eth,attacker_gas_eth,burnt_eth,least_liquid_eth,false_claims,challenges,\
                                  honest_rejected,latest_hours,late_hours,stolen_hour";

    /// A line of a table for other programs.
    pub fn csv(&self) -> String {
        let amounts = [
            self.watchers,
            self.rewards,
            self.gas,
            self.bonds_lost,
            self.holding,
            self.claims_lost,
            self.attackers,
            self.attacker_gas,
            self.burnt,
            self.least_liquid,
        ];
        let amounts: Vec<_> = amounts.iter().map(|amount| format!("{amount:.6}")).collect();
        let stolen = self.stolen.map(|hour| hour.to_string()).unwrap_or_default();
        format!(
            "{},{},{},{},{},{},{},{},{},{stolen}",
            self.scenario.key(),
            self.run,
            self.hours,
            amounts.join(","),
            self.false_claims,
            self.challenges,
            self.honest_rejected,
            self.latest,
            self.late_hours
        )
    }
}

/// What is written down while a run goes on.
#[derive(Debug, Default)]
pub(super) struct Record {
    least_liquid: Option<f64>,
    latest: u32,
    late_hours: u32,
}

impl Record {
    pub(super) fn note(&mut self, world: &World) {
        let liquid: f64 = world.watchers.iter().map(|watcher| watcher.liquid).sum();
        self.least_liquid = Some(self.least_liquid.map_or(liquid, |least| least.min(liquid)));
        let due = world.now.saturating_sub(world.rules.window + world.rules.interval);
        let late = due.saturating_sub(world.final_to);
        self.latest = self.latest.max(late);
        self.late_hours += u32::from(late > 0);
    }

    pub(super) fn finish(self, mut world: World, scenario: Scenario, run: u32) -> Run {
        // What is still open is neither won nor lost: bonds count as there.
        for id in world.open_challenges.clone() {
            let challenge = &world.challenges[id];
            if challenge.status == Status::Open {
                world.give_back(challenge.by, world.rules.dispute_bond);
            }
        }
        for id in world.open_disputes.clone() {
            let dispute = &world.disputes[id];
            if dispute.status == Status::Open {
                world.give_back(dispute.by, world.rules.dispute_bond);
            }
        }
        for id in world.open_claims.clone() {
            if world.claims[id].status == Status::Open && !world.claims[id].honest {
                world.give_back(Who::Attacker, world.rules.claim_bond);
            }
        }
        let ledger = world.ledger;
        Run {
            scenario,
            run,
            hours: world.now,
            watchers: ledger.rewards - ledger.gas - ledger.bonds_lost - ledger.holding,
            rewards: ledger.rewards,
            gas: ledger.gas,
            bonds_lost: ledger.bonds_lost,
            holding: ledger.holding,
            claims_lost: ledger.claims_lost,
            attackers: ledger.attacker,
            attacker_gas: ledger.attacker_gas,
            burnt: ledger.burnt,
            least_liquid: self.least_liquid.unwrap_or_default(),
            false_claims: ledger.false_claims,
            challenges: ledger.challenges,
            honest_rejected: ledger.honest_rejected,
            latest: self.latest,
            late_hours: self.late_hours,
            stolen: world.stolen,
        }
    }
}

/// All runs of a scenario. Shares are from 0 to 1, amounts in ETH, times in hours.
#[derive(Debug, Clone, PartialEq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Summary {
    /// Which one.
    pub scenario: Scenario,
    /// How many.
    pub runs: usize,
    /// Share in which the honest side ended with less than it began with.
    pub out_of_pocket: f64,
    /// Share in which finality was ever more than a day late.
    pub late: f64,
    /// Share in which an honest claim was rejected.
    pub rejected: f64,
    /// Share in which a false claim became final.
    pub stolen: f64,
    /// The honest side's gain or loss, proposer included: the least, the middle one, the most.
    pub honest: [f64; 3],
    /// The attackers' in the middle.
    pub attackers: f64,
    /// The longest by which finality was late.
    pub latest: u32,
    /// The least that the watchers had at hand.
    pub least_liquid: f64,
}

impl Summary {
    /// Sums runs up, by scenario, in the order in which they come.
    pub fn of(runs: &[Run]) -> Vec<Self> {
        Scenario::ALL
            .into_iter()
            .map(|scenario| runs.iter().filter(|run| run.scenario == scenario).collect::<Vec<_>>())
            .filter(|runs| !runs.is_empty())
            .map(|runs| Self::one(&runs))
            .collect()
    }

    #[allow(clippy::cast_precision_loss)]
    fn one(runs: &[&Run]) -> Self {
        let share =
            |holds: fn(&Run) -> bool| runs.iter().filter(|run| holds(run)).count() as f64 / runs.len() as f64;
        let sorted = |value: fn(&Run) -> f64| {
            let mut values: Vec<_> = runs.iter().map(|run| value(run)).collect();
            values.sort_by(f64::total_cmp);
            values
        };
        let honest = sorted(|run| run.watchers - run.claims_lost);
        Self {
            scenario: runs[0].scenario,
            runs: runs.len(),
            out_of_pocket: share(Run::out_of_pocket),
            late: share(Run::late),
            rejected: share(|run| run.honest_rejected > 0),
            stolen: share(|run| run.stolen.is_some()),
            honest: [honest[0], honest[honest.len() / 2], honest[honest.len() - 1]],
            attackers: sorted(|run| run.attackers)[runs.len() / 2],
            latest: runs.iter().map(|run| run.latest).max().unwrap_or_default(),
            least_liquid: sorted(|run| run.least_liquid)[0],
        }
    }
}
