//! How much the honest side must have at hand, and what using it up costs.

use serde::Serialize;

use crate::{Bonds, Setting, Wei, raised_bonds};

/// A way to leave the honest side without money for its next move.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Drain {
    /// What the honest side must have for each.
    pub honest_each: Wei,
    /// How many it can answer at the same time.
    pub answered: u128,
    /// What the attacker must have at once to go one beyond that.
    pub capital: Wei,
    /// What it loses of that whatever happens.
    pub lost: Wei,
    /// What the honest side needs so that the attack does not pay; see each field of [`Drains`].
    pub needed: Wei,
}

/// The ways to use up what the honest side has.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Drains {
    /// More false claims at once than it can challenge; funds are at risk. `needed`: what is surely lost is more than
    /// the value secured.
    pub claims: Drain,
    /// How often the same capital can be used within the window, because disputes end before it does.
    pub rounds: u64,
    /// What is enough against false claims if everything that comes back is used again at once.
    pub claims_needed_with_reuse: Wei,
    /// More defences of one false claim than it has gas to beat; funds are at risk. What is open when one of them wins
    /// goes back, so surely lost is only gas. `needed`: the bonds put at stake are more than the value secured.
    pub defences: Drain,
    /// More challenges of honest claims than it can answer; bonds and finality are lost, not funds. `needed`: what is
    /// surely lost is more than what can be gained; [`Wei::MAX`] if nothing is enough.
    pub challenges: Drain,
    /// What such an attacker gains if one challenge is not answered: of the claim's bond all that is not burnt, half of
    /// those of the claims that build on it, and half of those of the defences that were still open.
    pub challenges_gain: Wei,
    /// Whether challenges that are answered are lost before one that is not can win: the defence period is longer than
    /// a clock and the honest side's moves.
    pub lost_in_time: bool,
}

impl Drains {
    /// Works them out. The honest side's gas is priced at what the bonds cover, the attacker's at the ordinary price.
    pub fn of(setting: &Setting) -> Self {
        let (gas, terms, bonds) = (&setting.gas, &setting.terms, &setting.bonds);

        let each = setting.challenge_capital();
        let answered = setting.budget.0 / each.0;
        let loss = setting.least_loss();
        let claims = Drain {
            honest_each: each,
            answered,
            capital: (bonds.claim + terms.usual(gas.propose)).times(answered + 1),
            lost: loss.times(answered),
            needed: each.times(setting.value.0 / loss.0 + 1),
        };
        let timing = &terms.timing;
        let lock = timing.defence_period + setting.stalled();
        let rounds = 1 + (timing.challenge_window - setting.response) / lock;

        let base = bonds.dispute + terms.worst(gas.unanswered());
        let each = terms.worst(gas.challenger());
        let answered = (setting.budget - base).0 / each.0;
        let spent = terms.usual(setting.losing_defence());
        let defences = Drain {
            honest_each: each,
            answered,
            capital: (bonds.dispute + spent).times(answered + 1),
            lost: spent.times(answered),
            needed: base + each.times(setting.value.0 / bonds.dispute.0),
        };

        let each = setting.defence_capital();
        let answered = setting.budget.0 / each.0;
        let lost_in_time = timing.defence_period > setting.stalled() + setting.response;
        let children = bonds.claim.part(2).times(u128::from(setting.open_claims().saturating_sub(1)));
        let claims_gain = bonds.claim - bonds.burnt_at_least() + children;
        let spent = terms.usual(gas.challenge);
        // What one challenge that is answered brings and costs the attacker.
        let (brings, loss) =
            if lost_in_time { (Wei::ZERO, spent + bonds.dispute) } else { (bonds.dispute_reward(), spent) };
        let needed = if loss > brings { each.times(claims_gain.0 / (loss - brings).0 + 1) } else { Wei::MAX };
        let challenges = Drain {
            honest_each: each,
            answered,
            capital: (bonds.dispute + spent).times(answered + 1),
            lost: loss.times(answered),
            needed,
        };

        Self {
            claims,
            rounds,
            claims_needed_with_reuse: Wei(claims.needed.0.div_ceil(u128::from(rounds))),
            defences,
            challenges,
            challenges_gain: claims_gain + brings.times(answered),
            lost_in_time,
        }
    }

    /// The honest capital that is enough for the value secured, by both ways that put funds at risk.
    pub fn needed(&self) -> Wei {
        self.claims.needed.max(self.defences.needed)
    }
}

/// Bonds, not below those of `setting` and rounded up to two digits, with which its budget is enough for its value
/// and honest work is paid: [`Drains::needed`] is then not more than the budget. `None` if no bonds are found that do.
pub fn secure_bonds(setting: &Setting) -> Option<Bonds> {
    let drains = |bonds| Drains::of(&Setting { bonds, ..*setting });
    let neat = |amount: Wei, enough: &dyn Fn(Wei) -> bool| {
        let rounded = amount.up_to_two_digits();
        if enough(rounded) { rounded } else { amount }
    };
    // A greater dispute bond puts more of the attacker's at stake, and leaves the honest side less for gas: of what it
    // does not need for the first challenge and the last defence, a half for each is best.
    let first = setting.terms.worst(setting.gas.unanswered() + setting.gas.challenger());
    let most_dispute = (setting.budget - first).part(2);
    // One answered claim must burn the whole value at worst: a quarter of its bond does.
    let most_claim = (setting.value + Wei::ETHER).times(8).max(setting.bonds.claim);
    let mut lowest = setting.bonds.dispute;
    for _ in 0..20 {
        let enough = |dispute| drains(Bonds { dispute, ..setting.bonds }).defences.needed <= setting.budget;
        let dispute = neat(least(lowest, most_dispute, enough)?, &enough);
        let enough = |claim| drains(Bonds { claim, dispute }).claims.needed <= setting.budget;
        let claim = neat(least(setting.bonds.claim, most_claim, enough)?, &enough);
        let bonds = Bonds { claim, dispute };
        let raised = raised_bonds(&setting.gas, &setting.terms, bonds).ok()?;
        if raised == bonds {
            return Some(bonds);
        }
        lowest = raised.dispute;
    }
    None
}

/// The least amount of whole gwei from `low` to `high` that is enough, if more is never less.
fn least(low: Wei, high: Wei, enough: impl Fn(Wei) -> bool) -> Option<Wei> {
    if enough(low) {
        return Some(low);
    }
    let (mut low, mut high) = (low.0 / Wei::GWEI.0, high.0 / Wei::GWEI.0);
    if high <= low || !enough(Wei::GWEI.times(high)) {
        return None;
    }
    while high - low > 1 {
        let middle = low.midpoint(high);
        if enough(Wei::GWEI.times(middle)) {
            high = middle;
        } else {
            low = middle;
        }
    }
    Some(Wei::GWEI.times(high))
}

/// Capital for claims and for challenges together, when the claim bond is chosen to need the least of both.
///
/// Open claims lock `n · bond`; challengers need about `4 · value · c / bond`, where `c` answers one claim. The sum is
/// least where they are equal.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Balance {
    /// That claim bond.
    pub claim_bond: Wei,
    /// What honest proposers have locked at a time.
    pub proposers: Wei,
    /// What challengers must have at hand.
    pub challengers: Wei,
}

impl Balance {
    /// Works it out; to about one part in a million, because a root is taken.
    pub fn of(setting: &Setting) -> Self {
        #[allow(clippy::cast_precision_loss)]
        let open = setting.open_claims() as f64;
        let each = setting.challenge_capital();
        let best = Wei::about_ether((4.0 * setting.value.as_ether() * each.as_ether() / open).sqrt());
        let claim_bond = best.max(setting.bonds.claim);
        let changed = Setting { bonds: Bonds { claim: claim_bond, ..setting.bonds }, ..*setting };
        Self {
            claim_bond,
            proposers: claim_bond.times(u128::from(setting.open_claims())),
            challengers: Drains::of(&changed).claims.needed,
        }
    }
}
