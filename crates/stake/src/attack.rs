//! What each attack costs both sides.

use serde::Serialize;

use crate::{Net, Setting, Wei, amount::span};

/// How many challenges, or defences, the rows about several have.
pub const SEVERAL: u64 = 10;

/// An attack on the game.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize)]
#[serde(rename_all = "camelCase")]
pub enum Attack {
    /// A false claim that nobody looks at.
    Unchallenged,
    /// A false claim whose challenge nobody answers.
    Challenged,
    /// A false claim, defended to the last step.
    Defended,
    /// A false claim with several defences, each to the last step.
    ManyDefences,
    /// Several challenges of honest claims.
    Spam,
    /// A challenge of an honest claim that lets its clock run out.
    Delay,
    /// A false claim that its maker challenges and rejects itself.
    SelfChallenge,
    /// A false claim whose maker copies the honest challenge before it is mined, and is the winner.
    Copies,
    /// The same with so many copies that others take every share before the honest challenge does.
    CrowdedChallenge,
    /// A challenge of an honest claim that its maker defends too, and loses to itself before the honest defence wins.
    CrowdedDefence,
}

/// What an attack comes to. The honest side pays gas at the price that the bonds still cover, the attacker at the
/// ordinary one, so both numbers are the ones that are worst for the honest side.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Outcome {
    /// Which one.
    pub attack: Attack,
    /// It in a few words.
    pub title: &'static str,
    /// The least that the attacker loses.
    pub attacker_loses: Wei,
    /// What the attacker must have at hand.
    pub attacker_capital: Wei,
    /// What the honest side gains and pays.
    pub honest: Net,
    /// What the honest side must have at hand.
    pub honest_capital: Wei,
    /// Seconds by which finality is later.
    pub delay: u64,
    /// Whether the assumption holds under which the bonds pay: somebody honest challenges, and is first, or among
    /// the first four others.
    pub assumed: bool,
    /// What to know about the numbers.
    pub note: String,
}

impl Attack {
    /// All of them, in the order in which they are told.
    pub const ALL: [Self; 10] = [
        Self::Unchallenged,
        Self::Challenged,
        Self::Defended,
        Self::ManyDefences,
        Self::Spam,
        Self::Delay,
        Self::SelfChallenge,
        Self::Copies,
        Self::CrowdedChallenge,
        Self::CrowdedDefence,
    ];

    /// What it costs in a setting.
    pub fn outcome(self, setting: &Setting) -> Outcome {
        let (gas, terms, bonds) = (&setting.gas, &setting.terms, &setting.bonds);
        let locked = terms.holding(bonds.dispute);
        let nothing = Outcome {
            attack: self,
            title: self.title(),
            attacker_loses: Wei::ZERO,
            attacker_capital: bonds.claim + terms.usual(gas.propose),
            honest: Net::default(),
            honest_capital: Wei::ZERO,
            delay: 0,
            assumed: true,
            note: String::new(),
        };
        let propose = terms.usual(gas.propose);
        match self {
            Self::Unchallenged => Outcome {
                attacker_loses: propose + terms.capital_cost.of(bonds.claim, terms.timing.challenge_window),
                honest: Net { gains: Wei::ZERO, costs: setting.value },
                assumed: false,
                note: "everything may be taken: somebody honest must look within the window".into(),
                ..nothing
            },
            Self::Challenged => Outcome {
                attacker_loses: bonds.claim + propose,
                honest: Net {
                    gains: bonds.challenger_reward(),
                    costs: terms.worst(gas.unanswered()) + locked,
                },
                honest_capital: bonds.dispute + terms.worst(gas.unanswered()),
                note: format!("rejected {} after the challenge", span(terms.timing.defence_period)),
                ..nothing
            },
            Self::Defended => Self::defences(setting, 1, nothing),
            Self::ManyDefences => Self::defences(setting, SEVERAL, nothing),
            Self::Spam => {
                let each = terms.worst(gas.defender()) + locked;
                let count = u128::from(SEVERAL);
                let all = (bonds.dispute + terms.usual(gas.challenge)).times(count);
                Outcome {
                    attacker_loses: all,
                    attacker_capital: all,
                    honest: Net {
                        gains: bonds.dispute_reward().times(count),
                        costs: each.times(count) + terms.holding(bonds.claim),
                    },
                    honest_capital: setting.defence_capital().times(count),
                    delay: setting.stalled(),
                    note: "each must be answered, with a bond".into(),
                    ..nothing
                }
            }
            Self::Delay => {
                let most = bonds.dispute + terms.usual(gas.challenge);
                Outcome {
                    attacker_loses: most,
                    attacker_capital: most,
                    honest: Net {
                        gains: bonds.dispute_reward(),
                        costs: terms.worst(gas.defender()) + locked + terms.holding(bonds.claim),
                    },
                    honest_capital: setting.defence_capital(),
                    delay: setting.stalled(),
                    note: format!("at most {} if the defence is slow", span(terms.timing.worst_challenge())),
                    ..nothing
                }
            }
            Self::SelfChallenge => Outcome {
                attacker_loses: setting.least_loss(),
                attacker_capital: nothing.attacker_capital + bonds.dispute,
                note: "the half that is not paid to the winner, less four sixteenths, is burnt".into(),
                ..nothing
            },
            Self::Copies => Outcome {
                attacker_loses: setting.least_loss() + bonds.other_reward(),
                attacker_capital: nothing.attacker_capital + bonds.dispute.times(4),
                honest: Net { gains: bonds.other_reward(), costs: terms.worst(gas.unanswered()) + locked },
                honest_capital: bonds.dispute + terms.worst(gas.unanswered()),
                note: "the claim is rejected all the same".into(),
                ..nothing
            },
            Self::CrowdedChallenge => Outcome {
                attacker_loses: setting.least_loss(),
                attacker_capital: nothing.attacker_capital + bonds.dispute.times(5),
                honest: Net { gains: Wei::ZERO, costs: terms.worst(gas.unanswered()) + locked },
                honest_capital: bonds.dispute + terms.worst(gas.unanswered()),
                assumed: false,
                note: "the honest side loses gas, the attacker more".into(),
                ..nothing
            },
            Self::CrowdedDefence => {
                let spent = terms.usual(gas.challenge + gas.defend + gas.timeout);
                Outcome {
                    attacker_loses: bonds.dispute - bonds.dispute_reward() + spent,
                    attacker_capital: bonds.dispute.times(2) + spent,
                    honest: Net {
                        gains: Wei::ZERO,
                        costs: terms.worst(gas.defender()) + locked + terms.holding(bonds.claim),
                    },
                    honest_capital: setting.defence_capital(),
                    delay: setting.stalled(),
                    assumed: false,
                    note: "the honest side loses gas, the attacker more".into(),
                    ..nothing
                }
            }
        }
    }

    fn defences(setting: &Setting, count: u64, nothing: Outcome) -> Outcome {
        let (gas, terms, bonds) = (&setting.gas, &setting.terms, &setting.bonds);
        let many = u128::from(count);
        let defence = (bonds.dispute + terms.usual(setting.losing_defence())).times(many);
        let play = terms.worst(gas.unanswered()) + terms.worst(gas.challenger()).times(many);
        Outcome {
            attacker_loses: nothing.attacker_capital + defence,
            attacker_capital: nothing.attacker_capital + defence,
            honest: Net {
                gains: bonds.challenger_reward() + bonds.dispute_reward().times(many),
                costs: play + terms.holding(bonds.dispute),
            },
            honest_capital: bonds.dispute + play,
            note: "one bond serves against all of them; gas is needed for each".into(),
            ..nothing
        }
    }

    const fn title(self) -> &'static str {
        match self {
            Self::Unchallenged => "false claim, nobody looks",
            Self::Challenged => "false claim, challenged",
            Self::Defended => "false claim, defended to the last step",
            Self::ManyDefences => "false claim, 10 defences to the last step",
            Self::Spam => "10 challenges of honest claims",
            Self::Delay => "challenge that lets its clock run out",
            Self::SelfChallenge => "false claim, challenged by its maker",
            Self::Copies => "false claim, honest challenge copied first",
            Self::CrowdedChallenge => "same, and 5 copies before it",
            Self::CrowdedDefence => "challenge lost to its maker's own defence",
        }
    }
}
