//! What attackers do in a year.

use serde::Serialize;

/// A year's attacks. Attackers with capital have a multiple of the honest side's budget.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize)]
#[serde(rename_all = "camelCase")]
pub enum Scenario {
    /// Nobody attacks.
    Calm,
    /// A false claim every week, defended to the last step.
    LoneClaims,
    /// A false claim every week, and five copies of every honest challenge before it.
    Copies,
    /// Always one challenge of the claim that would be final next, which lets its clock run out.
    Delay,
    /// Every quarter as many challenges of one honest claim as the same capital as the honest side's pays for.
    Spam,
    /// The same with ten times the capital.
    RichSpam,
    /// Every quarter as many false claims at once as the same capital as the honest side's pays for. Each is defended at
    /// the last moment, and the defence lets its clock run out: that locks up the honest side's capital longest.
    Claims,
    /// The same with ten times the capital.
    RichClaims,
    /// Every quarter one false claim, with as many defences as ten times the honest side's capital pays for.
    RichDefences,
    /// A false claim and ten challenges every month, while gas costs twenty times as much for three days.
    GasStorm,
    /// Twice a year all watchers fail together, for two days on average, and a false claim is made at once.
    Outage,
}

impl Scenario {
    /// All of them.
    pub const ALL: [Self; 11] = [
        Self::Calm,
        Self::LoneClaims,
        Self::Copies,
        Self::Delay,
        Self::Spam,
        Self::RichSpam,
        Self::Claims,
        Self::RichClaims,
        Self::RichDefences,
        Self::GasStorm,
        Self::Outage,
    ];

    /// In a few words.
    pub const fn title(self) -> &'static str {
        match self {
            Self::Calm => "nobody attacks",
            Self::LoneClaims => "a false claim a week, defended",
            Self::Copies => "a false claim a week, copied",
            Self::Delay => "a challenge at all times",
            Self::Spam => "challenges, same capital",
            Self::RichSpam => "challenges, 10 x capital",
            Self::Claims => "false claims, same capital",
            Self::RichClaims => "false claims, 10 x capital",
            Self::RichDefences => "defences, 10 x capital",
            Self::GasStorm => "gas at 20 x, attack in it",
            Self::Outage => "all watchers fail together",
        }
    }

    /// Name in files.
    pub const fn key(self) -> &'static str {
        match self {
            Self::Calm => "calm",
            Self::LoneClaims => "lone-claims",
            Self::Copies => "copies",
            Self::Delay => "delay",
            Self::Spam => "spam",
            Self::RichSpam => "rich-spam",
            Self::Claims => "claims",
            Self::RichClaims => "rich-claims",
            Self::RichDefences => "rich-defences",
            Self::GasStorm => "gas-storm",
            Self::Outage => "outage",
        }
    }

    /// Hours between attacks, on average; `None` where they are not waves.
    pub(super) const fn period(self) -> Option<f64> {
        match self {
            Self::Calm | Self::Delay => None,
            Self::LoneClaims | Self::Copies => Some(168.0),
            Self::GasStorm => Some(730.0),
            Self::Spam | Self::RichSpam | Self::Claims | Self::RichClaims | Self::RichDefences => {
                Some(2190.0)
            }
            Self::Outage => Some(4380.0),
        }
    }

    /// The attacker's capital, in the honest side's budgets.
    pub(super) const fn wealth(self) -> f64 {
        match self {
            Self::RichSpam | Self::RichClaims | Self::RichDefences => 10.0,
            _ => 1.0,
        }
    }
}
