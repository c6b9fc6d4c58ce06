//! How disputes, challenges and claims end, and who is paid.

use super::world::{Status, Who, World};
use crate::{REWARDED_OTHERS, Side};

impl World {
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
