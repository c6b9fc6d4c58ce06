//! L1 as the simulation sees it: claims, challenges, disputes, and what it takes to make them.

use super::{market::Market, rng::Rng};
use crate::{Move, Setting, Side};

/// Who puts up a bond.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Who {
    /// A watcher, by its number.
    Watcher(usize),
    /// The honest proposer, whose claims are not paid from the watchers' budget.
    Proposer,
    Attacker,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Status {
    Open,
    /// Final, or won.
    Stands,
    /// Rejected, or lost.
    Fallen,
    /// Decided by something else; the bond went back.
    Void,
}

#[derive(Debug)]
pub(super) struct Claim {
    pub(super) made: u32,
    pub(super) honest: bool,
    pub(super) parent: Option<usize>,
    pub(super) status: Status,
    pub(super) challenges: Vec<usize>,
}

#[derive(Debug)]
pub(super) struct Challenge {
    pub(super) claim: usize,
    pub(super) by: Who,
    pub(super) made: u32,
    pub(super) status: Status,
    pub(super) disputes: Vec<usize>,
}

#[derive(Debug)]
pub(super) struct Dispute {
    pub(super) challenge: usize,
    pub(super) by: Who,
    pub(super) made: u32,
    pub(super) status: Status,
    /// Number of moves made.
    pub(super) moves: usize,
    /// Hours of the challenger's and the defender's clock.
    pub(super) used: [u32; 2],
    /// Hours that the attacker takes for each move; `None` if it makes none.
    pub(super) pace: Option<u32>,
    /// The hour of the last move.
    pub(super) moved: u32,
}

#[derive(Debug)]
pub(super) struct Watcher {
    /// ETH at hand.
    pub(super) liquid: f64,
    /// Its challenges and defences that are open.
    pub(super) open: u32,
    pub(super) awake: bool,
}

/// Prices and periods as the simulation needs them: ETH and hours.
#[derive(Debug)]
pub(super) struct Rules {
    pub(super) claim_bond: f64,
    pub(super) dispute_bond: f64,
    pub(super) window: u32,
    pub(super) period: u32,
    pub(super) clock: u32,
    pub(super) interval: u32,
    /// What it costs to lock 1 ETH for an hour.
    pub(super) holding: f64,
    pub(super) moves: Vec<Move>,
    pub(super) setting: Setting,
}

impl Rules {
    pub(super) fn of(setting: &Setting) -> Self {
        let hours = |seconds: u64| u32::try_from(seconds.div_ceil(3600)).unwrap_or(u32::MAX / 8);
        let timing = &setting.terms.timing;
        Self {
            claim_bond: setting.bonds.claim.as_ether(),
            dispute_bond: setting.bonds.dispute.as_ether(),
            window: hours(timing.challenge_window),
            period: hours(timing.defence_period),
            clock: hours(timing.clock),
            interval: hours(setting.claim_interval),
            holding: f64::from(setting.terms.capital_cost.0) / 10_000.0 / 8766.0,
            moves: setting.gas.moves(),
            setting: *setting,
        }
    }
}

/// What both sides got and paid, in ETH.
#[derive(Debug, Default)]
pub(super) struct Ledger {
    pub(super) rewards: f64,
    pub(super) gas: f64,
    pub(super) bonds_lost: f64,
    pub(super) holding: f64,
    /// Bonds of honest claims that were rejected.
    pub(super) claims_lost: f64,
    pub(super) attacker: f64,
    pub(super) attacker_gas: f64,
    pub(super) burnt: f64,
    pub(super) honest_rejected: u32,
    pub(super) false_claims: u32,
    pub(super) challenges: u32,
}

#[derive(Debug)]
pub(super) struct World {
    pub(super) rules: Rules,
    pub(super) rng: Rng,
    pub(super) market: Market,
    /// The hour, and what one gas costs in it.
    pub(super) now: u32,
    pub(super) price: f64,
    pub(super) claims: Vec<Claim>,
    pub(super) challenges: Vec<Challenge>,
    pub(super) disputes: Vec<Dispute>,
    pub(super) open_claims: Vec<usize>,
    pub(super) open_challenges: Vec<usize>,
    pub(super) open_disputes: Vec<usize>,
    pub(super) watchers: Vec<Watcher>,
    pub(super) ledger: Ledger,
    /// The newest honest claim that was not rejected, and the newest final one's hour.
    pub(super) tip: Option<usize>,
    pub(super) final_to: u32,
    /// The hour in which a false claim became final.
    pub(super) stolen: Option<u32>,
    /// Whether no watcher works, however awake.
    pub(super) outage: bool,
    /// Copies that the attacker puts before each honest challenge.
    pub(super) copies: u32,
}

impl World {
    /// Whether a claim is true, so whom L1 finds right.
    pub(super) fn challenge_is_right(&self, challenge: usize) -> bool {
        !self.claims[self.challenges[challenge].claim].honest
    }

    /// Takes gas from whoever sends a transaction.
    pub(super) fn pay_gas(&mut self, who: Who, gas: u64) {
        #[allow(clippy::cast_precision_loss)]
        let cost = gas as f64 * self.price;
        match who {
            Who::Watcher(number) => {
                self.watchers[number].liquid -= cost;
                self.ledger.gas += cost;
            }
            Who::Attacker => {
                self.ledger.attacker -= cost;
                self.ledger.attacker_gas += cost;
            }
            Who::Proposer => {}
        }
    }

    fn lock(&mut self, who: Who, bond: f64) {
        match who {
            Who::Watcher(number) => {
                self.watchers[number].liquid -= bond;
                self.watchers[number].open += 1;
            }
            Who::Attacker => self.ledger.attacker -= bond,
            Who::Proposer => {}
        }
    }

    pub(super) fn give_back(&mut self, who: Who, bond: f64) {
        match who {
            Who::Watcher(number) => self.watchers[number].liquid += bond,
            Who::Attacker => self.ledger.attacker += bond,
            Who::Proposer => {}
        }
    }

    /// Gives a bond back, and counts what it cost to lock it.
    pub(super) fn release(&mut self, who: Who, bond: f64, since: u32) {
        self.give_back(who, bond);
        if let Who::Watcher(number) = who {
            self.watchers[number].open -= 1;
            self.ledger.holding += bond * self.rules.holding * f64::from(self.now - since);
        }
    }

    pub(super) fn reward(&mut self, who: Who, amount: f64) {
        match who {
            Who::Watcher(number) => {
                self.watchers[number].liquid += amount;
                self.ledger.rewards += amount;
            }
            Who::Attacker => self.ledger.attacker += amount,
            Who::Proposer => {}
        }
    }

    pub(super) fn lose(&mut self, who: Who, bond: f64) {
        match who {
            Who::Watcher(number) => {
                self.watchers[number].open -= 1;
                self.ledger.bonds_lost += bond;
            }
            Who::Proposer => {
                self.ledger.claims_lost += bond;
                self.ledger.honest_rejected += 1;
            }
            Who::Attacker => {}
        }
    }

    pub(super) fn claim(&mut self, honest: bool) -> usize {
        let who = if honest { Who::Proposer } else { Who::Attacker };
        self.lock(who, self.rules.claim_bond);
        self.pay_gas(who, self.rules.setting.gas.propose);
        let id = self.claims.len();
        self.claims.push(Claim {
            made: self.now,
            honest,
            parent: self.tip,
            status: Status::Open,
            challenges: Vec::new(),
        });
        self.open_claims.push(id);
        if honest {
            self.tip = Some(id);
        } else {
            self.ledger.false_claims += 1;
        }
        id
    }

    pub(super) fn challenge(&mut self, claim: usize, by: Who) {
        self.lock(by, self.rules.dispute_bond);
        self.pay_gas(by, self.rules.setting.gas.challenge);
        let id = self.challenges.len();
        self.challenges.push(Challenge {
            claim,
            by,
            made: self.now,
            status: Status::Open,
            disputes: Vec::new(),
        });
        self.claims[claim].challenges.push(id);
        self.open_challenges.push(id);
        self.ledger.challenges += 1;
    }

    pub(super) fn defend(&mut self, challenge: usize, by: Who, pace: Option<u32>) {
        self.lock(by, self.rules.dispute_bond);
        self.pay_gas(by, self.rules.setting.gas.defend);
        let id = self.disputes.len();
        self.disputes.push(Dispute {
            challenge,
            by,
            made: self.now,
            status: Status::Open,
            moves: 0,
            used: [0; 2],
            pace,
            moved: self.now,
        });
        self.challenges[challenge].disputes.push(id);
        self.open_disputes.push(id);
    }

    /// Whose turn it is.
    pub(super) fn turn(&self, dispute: usize) -> (Side, Who) {
        let dispute = &self.disputes[dispute];
        match self.rules.moves[dispute.moves].side {
            Side::Challenger => (Side::Challenger, self.challenges[dispute.challenge].by),
            Side::Defender => (Side::Defender, dispute.by),
        }
    }

    /// Makes the next move, paid by `payer`. After the last one L1 decides.
    pub(super) fn play(&mut self, id: usize, payer: Who) {
        let next = self.rules.moves[self.disputes[id].moves];
        self.pay_gas(payer, next.gas);
        let dispute = &mut self.disputes[id];
        dispute.moves += 1;
        dispute.moved = self.now;
        if dispute.moves == self.rules.moves.len() {
            let challenge = dispute.challenge;
            self.decide(id, self.challenge_is_right(challenge));
        }
    }
}
