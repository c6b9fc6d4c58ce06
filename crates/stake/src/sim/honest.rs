//! What watchers and the honest proposer do in an hour.

use super::world::{Challenge, Status, Watcher, Who, World};

/// Hours of its clock that a side keeps when it waits for cheaper gas.
const RESERVE: u32 = 24;

impl World {
    /// The honest side's hour.
    pub(super) fn act_honestly(&mut self) {
        if self.now.is_multiple_of(self.rules.interval) {
            self.claim(true);
        }
        self.move_honestly();
        self.challenge_false_claims();
        self.defend_honest_claims();
    }

    /// The watcher that can best pay that much.
    fn watcher_with(&self, amount: f64) -> Option<usize> {
        self.watcher_by(amount, |watcher| watcher.liquid)
    }

    /// The watcher that can best pay that much and keep what its open challenges and defences may still take.
    fn watcher_to_spare(&self, amount: f64) -> Option<usize> {
        let each = self.rules.setting.terms.worst(self.rules.setting.gas.challenger()).as_ether();
        self.watcher_by(amount + each, |watcher| watcher.liquid - each * f64::from(watcher.open))
    }

    fn watcher_by(&self, amount: f64, has: impl Fn(&Watcher) -> f64) -> Option<usize> {
        let all = self.watchers.iter().enumerate();
        let able = all.filter(|(_, watcher)| watcher.awake && !self.outage && has(watcher) >= amount);
        able.max_by(|a, b| has(a.1).total_cmp(&has(b.1))).map(|(number, _)| number)
    }

    fn can_pay(&self, number: usize, amount: f64) -> bool {
        self.watchers[number].awake && !self.outage && self.watchers[number].liquid >= amount
    }

    #[allow(clippy::cast_precision_loss)]
    fn cost(&self, gas: u64) -> f64 {
        gas as f64 * self.price
    }

    /// Whether gas costs more than what bonds are made for, so that waiting is wise while there is time.
    fn is_dear(&self) -> bool {
        self.price > self.rules.setting.terms.worst_price().as_ether()
    }

    /// Safety before anything else: each false claim gets a challenge of a watcher's own.
    fn challenge_false_claims(&mut self) {
        for index in 0..self.open_claims.len() {
            let id = self.open_claims[index];
            let claim = &self.claims[id];
            let left = (claim.made + self.rules.window).saturating_sub(self.now);
            if claim.honest || left == 0 || self.has_honest_challenge(id) {
                continue;
            }
            if self.is_dear() && left > RESERVE {
                continue;
            }
            let needed = self.rules.dispute_bond + self.cost(self.rules.setting.gas.challenge);
            // A challenge that cannot be played to the end is the last resort.
            let bare = || self.watcher_with(needed).filter(|_| left <= RESERVE);
            let Some(number) = self.watcher_to_spare(needed).or_else(bare) else { continue };
            self.copy_first(id);
            self.challenge(id, Who::Watcher(number));
        }
    }

    fn has_honest_challenge(&self, claim: usize) -> bool {
        let honest = |c: &Challenge| c.status == Status::Open && matches!(c.by, Who::Watcher(_));
        self.claims[claim].challenges.iter().any(|id| honest(&self.challenges[*id]))
    }

    /// A defence of one's own for each challenge of an honest claim.
    fn defend_honest_claims(&mut self) {
        for index in 0..self.open_challenges.len() {
            let id = self.open_challenges[index];
            let challenge = &self.challenges[id];
            let left = (challenge.made + self.rules.period).saturating_sub(self.now);
            let defended = |id: &usize| {
                self.disputes[*id].status == Status::Open && matches!(self.disputes[*id].by, Who::Watcher(_))
            };
            if challenge.status != Status::Open
                || left == 0
                || self.challenge_is_right(id)
                || challenge.disputes.iter().any(defended)
                || (self.is_dear() && left > RESERVE / 4)
            {
                continue;
            }
            let needed = self.rules.dispute_bond + self.cost(self.rules.setting.gas.defend);
            if let Some(number) = self.watcher_to_spare(needed) {
                self.defend(id, Who::Watcher(number), None);
            }
        }
    }

    /// One move in every dispute in which it is an honest turn. Commitments are for the owner of the bond, others are
    /// made by whoever can.
    fn move_honestly(&mut self) {
        for index in 0..self.open_disputes.len() {
            let id = self.open_disputes[index];
            if self.disputes[id].status != Status::Open {
                continue;
            }
            let (side, who) = self.turn(id);
            let Who::Watcher(owner) = who else { continue };
            let dispute = &self.disputes[id];
            if self.is_dear() && dispute.used[side as usize] + RESERVE < self.rules.clock {
                continue;
            }
            let next = self.rules.moves[dispute.moves];
            let cost = self.cost(next.gas);
            let payer = if self.can_pay(owner, cost) {
                Some(owner)
            } else if next.reserved {
                None
            } else {
                self.watcher_with(cost)
            };
            if let Some(payer) = payer {
                self.play(id, Who::Watcher(payer));
            }
        }
    }
}
