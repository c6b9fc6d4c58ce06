//! What attackers do in an hour. They know the truth, everybody's money, and have no limit but that of the scenario.

use super::{
    scenario::Scenario,
    world::{Status, Who, World},
};

/// Most claims, challenges or defences of a wave: about what L1 has room for within an hour or two.
const MOST: f64 = 4000.0;

/// An attacker through a year.
#[derive(Debug)]
pub(super) struct Attacker {
    scenario: Scenario,
    /// ETH that it has for a wave.
    capital: f64,
    /// Defences that it still adds to the next honest challenge of a false claim.
    defences: u32,
    /// Whether it defends at the last moment and then lets its clock run out, rather than at once and to the last step.
    stalls: bool,
    /// Copies that it puts before an honest challenge.
    pub(super) copies: u32,
}

impl Attacker {
    pub(super) fn new(scenario: Scenario, budget: f64) -> Self {
        let copies = if scenario == Scenario::Copies { 5 } else { 0 };
        let stalls = matches!(scenario, Scenario::Claims | Scenario::RichClaims);
        Self { scenario, capital: budget * scenario.wealth(), defences: 0, stalls, copies }
    }

    /// The attacker's hour.
    pub(super) fn act(&mut self, world: &mut World) {
        if self.scenario == Scenario::Delay {
            hold_up_next(world);
        }
        let wave = self.scenario.period().is_some_and(|period| world.rng.chance(1.0 / period));
        if wave {
            self.attack(world);
        }
        self.defend_false_claims(world);
        play(world);
    }

    #[allow(clippy::cast_possible_truncation, clippy::cast_sign_loss, clippy::cast_precision_loss)]
    fn affords(&self, world: &World, bond: f64, gas: u64) -> u32 {
        let each = bond + gas as f64 * world.price;
        (self.capital / each).clamp(1.0, MOST) as u32
    }

    fn attack(&mut self, world: &mut World) {
        let gas = world.rules.setting.gas;
        let (claim, dispute) = (world.rules.claim_bond, world.rules.dispute_bond);
        match self.scenario {
            Scenario::Calm | Scenario::Delay => {}
            Scenario::LoneClaims | Scenario::Copies => {
                self.defences = 1;
                world.claim(false);
            }
            Scenario::Spam | Scenario::RichSpam => {
                spam(world, self.affords(world, dispute, gas.challenge));
            }
            Scenario::Claims | Scenario::RichClaims => {
                self.defences = 1;
                for _ in 0..self.affords(world, claim + dispute, gas.propose + gas.defend) {
                    world.claim(false);
                }
            }
            Scenario::RichDefences => {
                self.defences = self.affords(world, dispute, gas.defender());
                world.claim(false);
            }
            Scenario::GasStorm => {
                self.defences = 1;
                world.market.storm(20.0, 72);
                world.claim(false);
                spam(world, 10);
            }
            Scenario::Outage => {
                world.outage = true;
                self.defences = 1;
                world.claim(false);
            }
        }
    }

    /// Answers honest challenges of false claims.
    fn defend_false_claims(&self, world: &mut World) {
        for index in 0..world.open_challenges.len() {
            let id = world.open_challenges[index];
            let challenge = &world.challenges[id];
            let last = challenge.made + world.rules.period - 1;
            let due = if self.stalls { world.now == last } else { world.now <= last };
            let fresh = challenge.status == Status::Open
                && challenge.disputes.is_empty()
                && matches!(challenge.by, Who::Watcher(_));
            if fresh && due && world.challenge_is_right(id) {
                for _ in 0..self.defences {
                    // To the last step, slowly: its moves take less than its clock together.
                    let pace = (!self.stalls).then(|| world.rng.below(world.rules.clock / 10 + 1));
                    world.defend(id, Who::Attacker, pace);
                }
            }
        }
    }
}

/// The attacker's moves, in its disputes with the honest side.
fn play(world: &mut World) {
    for index in 0..world.open_disputes.len() {
        let id = world.open_disputes[index];
        if world.disputes[id].status != Status::Open || world.turn(id).1 != Who::Attacker {
            continue;
        }
        let dispute = &world.disputes[id];
        if dispute.pace.is_some_and(|pace| world.now > dispute.moved + pace) {
            world.play(id, Who::Attacker);
        }
    }
}

/// Challenges the oldest honest claim whose window is still open, many times.
fn spam(world: &mut World, count: u32) {
    let open = |id: &&usize| {
        let claim = &world.claims[**id];
        claim.honest && world.now < claim.made + world.rules.window
    };
    let Some(target) = world.open_claims.iter().find(open).copied() else { return };
    for _ in 0..count {
        world.challenge(target, Who::Attacker);
    }
}

/// Challenges the honest claim that would be final within the hour, unless one is held up already.
fn hold_up_next(world: &mut World) {
    if !world.open_challenges.is_empty() {
        return;
    }
    let next = |id: &&usize| {
        let claim = &world.claims[**id];
        claim.honest && world.now + 1 == claim.made + world.rules.window
    };
    if let Some(target) = world.open_claims.iter().find(next).copied() {
        world.challenge(target, Who::Attacker);
    }
}

impl World {
    /// Before an honest challenge is mined, its copies are.
    pub(super) fn copy_first(&mut self, claim: usize) {
        for _ in 0..self.copies {
            self.challenge(claim, Who::Attacker);
        }
    }
}
