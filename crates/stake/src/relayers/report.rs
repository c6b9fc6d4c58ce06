//! The answer about relayers, for people and for programs.

use core::fmt;

use serde::Serialize;

use super::{RelayerSetting, RelayerSummary, simulate_relayers};
use crate::{
    Chart, StakeError, Wei,
    amount::{digits, span},
    chart::relayer_charts,
    report::{Block, Section, document, write_section},
};

/// Everything that is known of relayers in a setting.
#[derive(Debug, Clone, PartialEq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct RelayerReport {
    /// What was asked about.
    pub setting: RelayerSetting,
    /// How many must sign.
    pub threshold: u32,
    /// What they may vouch for at a time, on each lane.
    pub limit: Wei,
    /// What as few as must sign can take within the windows.
    pub taken: Wei,
    /// What they lose.
    pub lost: Wei,
    /// What a relayer earns a year.
    pub earned: Wei,
    /// What it costs a year.
    pub costs: Wei,
    /// Messages a day from which it pays.
    pub break_even: Option<u32>,
    /// Seconds until which collusion must be found out.
    pub pays_after: u64,
    /// What came of simulated collusions.
    pub simulation: Option<RelayerSummary>,
    /// Whether collusion costs more than it takes, and did in every run.
    pub safe: bool,
}

impl RelayerReport {
    /// Works everything out, and simulates unless `runs` is 0.
    ///
    /// # Errors
    /// If the setting makes no sense.
    pub fn new(setting: RelayerSetting, runs: u32, seed: u64) -> Result<Self, StakeError> {
        setting.check()?;
        let simulation = (runs > 0).then(|| simulate_relayers(&setting, runs, seed));
        let unpaid = simulation.is_none_or(|summary| summary.paid == 0.0);
        Ok(Self {
            threshold: setting.threshold(),
            limit: setting.limit(),
            taken: setting.taken_in_windows(),
            lost: setting.lost(),
            earned: setting.earned(),
            costs: setting.costs(),
            break_even: setting.break_even(),
            pays_after: setting.pays_after(),
            safe: unpaid && setting.lost() > setting.taken_in_windows(),
            simulation,
            setting,
        })
    }

    /// The charts.
    pub fn charts(&self) -> Vec<Chart> {
        relayer_charts(&self.setting)
    }

    /// A page that needs nothing but itself, with the charts.
    pub fn html(&self) -> String {
        document(
            "How much stake of relayers is enough",
            &self.headline(),
            self.safe,
            &[],
            self.sections(),
            &self.charts(),
        )
    }

    fn headline(&self) -> String {
        let (taken, lost) = (self.taken, self.lost);
        if self.safe {
            return format!(
                "SAFE: {} who lie together take at most {taken} and lose {lost}.",
                self.threshold
            );
        }
        let paid = self.simulation.map_or(0.0, |summary| summary.paid * 100.0);
        format!(
            "NOT SAFE: nobody looks often enough. Those who lied gained in {} % of the runs, although {lost} are at stake: it \
             takes more watchers, or some that are there more often.",
            digits(paid)
        )
    }

    fn sections(&self) -> Vec<Section> {
        let s = &self.setting;
        let row = |name: &str, value: String| vec![name.to_owned(), value];
        let asked = vec![
            row("relayers", format!("{}, {} must sign", s.relayers, self.threshold)),
            row("stake of each", s.stake.to_string()),
            row("a lie about L2 is shown within", span(s.l1_window)),
            row("a lie about L1 is shown, and L2 told, within", span(s.l2_window)),
            row(
                "watchers",
                format!("{}, each there in {} % of all hours", s.watchers, digits(s.uptime * 100.0)),
            ),
            row("messages", format!("{} a day of {} each", s.messages, s.value)),
            row("fee of a message", format!("{}, half for who signed, half for who delivers", s.fee())),
        ];
        let bound = vec![
            row("vouched for at a time, on each lane", self.limit.to_string()),
            row("in a day, both lanes", s.throughput().to_string()),
            row("taken at most within the windows, both lanes", self.taken.to_string()),
            row("lost by as few as must sign", self.lost.to_string()),
            row("lost for each ETH taken, at least", format!("{} ETH", digits(s.margin()))),
            row("collusion pays if nobody reports it for", span(self.pays_after)),
        ];
        let explained = format!(
            "The contracts keep limit = 18 % of what the {} who must sign have at stake at least. A full bucket and a window's \
             refill on both lanes are four times that, 72 %; of the stake 90 % is lost, since who reports gets a tenth and can be \
             one of them. So a lie costs a quarter more than it takes, however often sets change. To vouch for 100 ETH at a time \
             each must stake {}.",
            self.threshold,
            s.stake_for(Wei::ether(100))
        );
        let work = vec![
            row("messages vouched for in a year", s.vouched_messages().to_string()),
            row("fees of a relayer, less gas", self.earned.to_string()),
            row("its costs: locked stake and running", self.costs.to_string()),
            row(
                "pays from",
                self.break_even
                    .map_or_else(|| "never".into(), |messages| format!("{messages} messages a day")),
            ),
        ];
        let sloth = vec![
            row("not signing when summoned", s.absence().to_string()),
            row("being silent for a year", format!("{} of fees", self.earned)),
            row(
                "silent relayers who stop the rest",
                format!("{}, with {} at stake", s.blockers(), s.blockers_stake()),
            ),
        ];
        let silence = "When too few sign, nothing is lost and nothing stops: messages are proved instead. Those to L2 then take \
                       some seconds more, those to L1 wait for a final claim."
            .to_owned();
        let mut sections = vec![
            Section { title: "What is asked", blocks: vec![table(asked)] },
            Section {
                title: "Collusion",
                blocks: vec![
                    table(bound),
                    Block::Text(explained),
                    Block::Chart("relayers-collusion.svg"),
                    Block::Chart("relayers-stake.svg"),
                ],
            },
            Section { title: "Work", blocks: vec![table(work), Block::Chart("relayers-income.svg")] },
            Section { title: "Sloth", blocks: vec![table(sloth), Block::Text(silence)] },
        ];
        if let Some(summary) = self.simulation {
            let rows = vec![
                row("collusions", summary.runs.to_string()),
                row("taken on average", format!("{} ETH", digits(summary.mean_taken))),
                row("taken at most", format!("{} ETH", digits(summary.most_taken))),
                row("lost on average, less what was taken", format!("{} ETH", digits(summary.mean_net_loss))),
                row("that paid", format!("{} %", digits(summary.paid * 100.0))),
                row("hours until somebody reported, at most", summary.most_hours.to_string()),
            ];
            sections.push(Section { title: "Simulated", blocks: vec![table(rows)] });
        }
        sections
    }
}

fn table(rows: Vec<Vec<String>>) -> Block {
    Block::Table(vec!["", ""], rows)
}

impl fmt::Display for RelayerReport {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for section in self.sections() {
            write_section(f, section)?;
        }
        writeln!(f, "{}", self.headline())
    }
}
