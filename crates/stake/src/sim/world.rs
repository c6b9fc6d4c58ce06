//! L1 as the simulation sees it: claims, challenges, disputes, and who is paid.

use super::{market::Market, rng::Rng};
use crate::{Move, REWARDED_OTHERS, Setting, Side};

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
    fn release(&mut self, who: Who, bond: f64, since: u32) {
        self.give_back(who, bond);
        if let Who::Watcher(number) = who {
            self.watchers[number].open -= 1;
            self.ledger.holding += bond * self.rules.holding * f64::from(self.now - since);
        }
    }

    fn reward(&mut self, who: Who, amount: f64) {
        match who {
            Who::Watcher(number) => {
                self.watchers[number].liquid += amount;
                self.ledger.rewards += amount;
            }
            Who::Attacker => self.ledger.attacker += amount,
            Who::Proposer => {}
        }
    }

    fn lose(&mut self, who: Who, bond: f64) {
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

    /// Ends a dispute.
    pub(super) fn decide(&mut self, id: usize, challenger_wins: bool) {
        let (challenge, by, made) = {
            let dispute = &self.disputes[id];
            (dispute.challenge, dispute.by, dispute.made)
        };
        let (bond, half) = (self.rules.dispute_bond, self.rules.dispute_bond / 2.0);
        let challenger = self.challenges[challenge].by;
        let (timeout, withdraw) = (self.rules.setting.gas.timeout, self.rules.setting.gas.withdraw);
        self.ledger.burnt += half;
        if challenger_wins {
            self.disputes[id].status = Status::Fallen;
            self.lose(by, bond);
            self.pay_gas(challenger, withdraw);
            self.reward(challenger, half);
            return;
        }
        self.disputes[id].status = Status::Stands;
        self.release(by, bond, made);
        self.pay_gas(by, timeout + withdraw);
        self.reward(by, half);
        self.challenges[challenge].status = Status::Fallen;
        self.lose(challenger, bond);
        // Other defences of a claim that stands get their bonds back.
        for index in 0..self.challenges[challenge].disputes.len() {
            let id = self.challenges[challenge].disputes[index];
            if self.disputes[id].status == Status::Open {
                self.disputes[id].status = Status::Void;
                let (by, made) = (self.disputes[id].by, self.disputes[id].made);
                self.release(by, bond, made);
            }
        }
    }

    /// Defences of a rejected claim are lost, wherever their disputes stood.
    fn lose_defences(&mut self, challenge: usize) {
        let (challenger, half) = (self.challenges[challenge].by, self.rules.dispute_bond / 2.0);
        for index in 0..self.challenges[challenge].disputes.len() {
            let id = self.challenges[challenge].disputes[index];
            if self.disputes[id].status == Status::Open {
                self.disputes[id].status = Status::Fallen;
                self.lose(self.disputes[id].by, self.rules.dispute_bond);
                self.reward(challenger, half);
                self.ledger.burnt += half;
            }
        }
    }

    /// A challenge against which nothing stands: its claim falls, and what builds on it.
    pub(super) fn win(&mut self, challenge: usize) {
        let (claim, winner, made) = {
            let won = &self.challenges[challenge];
            (won.claim, won.by, won.made)
        };
        self.challenges[challenge].status = Status::Stands;
        self.pay_gas(winner, self.rules.setting.gas.resolve + self.rules.setting.gas.withdraw);
        self.release(winner, self.rules.dispute_bond, made);
        let (half, share) = (self.rules.claim_bond / 2.0, self.rules.claim_bond / 16.0);
        self.reward(winner, half);
        self.ledger.burnt += half;
        for (number, by) in self.close_challenges(claim).into_iter().enumerate() {
            self.pay_gas(by, self.rules.setting.gas.resolve + self.rules.setting.gas.withdraw);
            if number < REWARDED_OTHERS as usize {
                self.reward(by, share);
                self.ledger.burnt -= share;
            }
        }
        self.fall(claim);
        // Claims come after their parents. Of what builds on a rejected one the winner gets a half too.
        for id in claim + 1..self.claims.len() {
            let parent = self.claims[id].parent;
            let falls = parent.is_some_and(|parent| self.claims[parent].status == Status::Fallen);
            if falls && self.claims[id].status == Status::Open {
                self.close_challenges(id);
                self.reward(winner, half);
                self.ledger.burnt += half;
                self.fall(id);
            }
        }
        self.tip = (0..self.claims.len())
            .rev()
            .find(|id| self.claims[*id].honest && self.claims[*id].status != Status::Fallen);
    }

    /// Gives back the bonds of all open challenges of a rejected claim, and says whose they were.
    fn close_challenges(&mut self, claim: usize) -> Vec<Who> {
        let mut owners = Vec::new();
        for index in 0..self.claims[claim].challenges.len() {
            let id = self.claims[claim].challenges[index];
            if self.challenges[id].status == Status::Open {
                self.lose_defences(id);
                self.challenges[id].status = Status::Void;
                let (by, made) = (self.challenges[id].by, self.challenges[id].made);
                self.release(by, self.rules.dispute_bond, made);
                owners.push(by);
            }
        }
        owners
    }

    fn fall(&mut self, claim: usize) {
        self.claims[claim].status = Status::Fallen;
        let who = if self.claims[claim].honest { Who::Proposer } else { Who::Attacker };
        self.lose(who, self.rules.claim_bond);
    }

    /// Lets the clocks run, and settles all that an hour has ended.
    pub(super) fn settle(&mut self) {
        for index in 0..self.open_disputes.len() {
            let id = self.open_disputes[index];
            if self.disputes[id].status != Status::Open || self.disputes[id].moved == self.now {
                continue;
            }
            let (side, _) = self.turn(id);
            let used = &mut self.disputes[id].used[side as usize];
            *used += 1;
            if *used > self.rules.clock {
                self.decide(id, side == Side::Defender);
            }
        }
        for index in 0..self.open_challenges.len() {
            let id = self.open_challenges[index];
            let challenge = &self.challenges[id];
            let over = self.now >= challenge.made + self.rules.period;
            let stands = |id: &usize| self.disputes[*id].status == Status::Open;
            if challenge.status == Status::Open && over && !challenge.disputes.iter().any(stands) {
                self.win(id);
            }
        }
        self.open_disputes.retain(|id| self.disputes[*id].status == Status::Open);
        self.open_challenges.retain(|id| self.challenges[*id].status == Status::Open);
        self.finalize();
        self.open_claims.retain(|id| self.claims[*id].status == Status::Open);
    }

    fn finalize(&mut self) {
        for index in 0..self.open_claims.len() {
            let id = self.open_claims[index];
            let claim = &self.claims[id];
            if self.now < claim.made + self.rules.window {
                break;
            }
            let challenged = claim.challenges.iter().any(|id| self.challenges[*id].status == Status::Open);
            let parent = claim.parent.is_none_or(|parent| self.claims[parent].status == Status::Stands);
            if claim.status != Status::Open || challenged || !parent {
                continue;
            }
            let (made, honest) = (claim.made, claim.honest);
            self.claims[id].status = Status::Stands;
            if honest {
                self.release(Who::Proposer, self.rules.claim_bond, made);
                self.final_to = self.final_to.max(made);
            } else {
                self.release(Who::Attacker, self.rules.claim_bond, made);
                self.stolen = Some(self.now);
            }
        }
    }
}
