//! What leaving will do, cost and take, said before it starts.

use std::collections::BTreeSet;

use alloy_primitives::{Address, U256};
use duplex_primitives::predeploys;
use serde::Serialize;

use crate::{Assets, Delays, Estimate, ExitError, OnL1, Purpose, Seen, Work};

/// Something that the account has on L2, or will have when L2 consumes its deposits.
#[derive(Debug, Clone, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Holding {
    /// Id of the asset.
    pub asset: Address,
    /// Its symbol.
    pub symbol: String,
    /// In its smallest unit.
    pub amount: U256,
    /// The part of it that deposits in the queue bring.
    pub arriving: U256,
    /// For people.
    pub text: String,
    /// Why it stays; it leaves if there is no reason.
    pub stays: Option<&'static str>,
}

/// A withdrawal, or a message, that is on its way already.
#[derive(Debug, Clone, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct OnItsWay {
    /// What it is.
    pub what: String,
    /// How far it has come.
    pub stage: String,
}

/// What leaving will do, cost and take.
#[derive(Debug, Clone, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Plan {
    /// Who leaves.
    pub account: Address,
    /// Who is paid on L1.
    pub recipient: Address,
    /// The L2 block to which the balances belong.
    pub l2_block: u64,
    /// What the account has on L2.
    pub holdings: Vec<Holding>,
    /// What is on its way already.
    pub on_its_way: Vec<OnItsWay>,
    /// What it costs on L1.
    pub cost: Estimate,
    /// Wei that must be spent.
    pub least: U256,
    /// Wei that are spent if nobody else does anything, without the bond.
    pub most: U256,
    /// Wei that the account has on L1.
    pub l1_balance: U256,
    /// Seconds until the sequencer must have taken the messages, or can post nothing more.
    pub inclusion: u64,
    /// Seconds until anyone, this program too, may post in its place.
    pub takeover: u64,
    /// Seconds for which a claim can be challenged.
    pub window: u64,
    /// Seconds that all of it takes at most.
    pub seconds_at_most: u64,
}

impl Plan {
    /// Whether there is nothing to do.
    pub fn is_empty(&self) -> bool {
        self.cost.sure.is_empty() && self.cost.perhaps.is_empty()
    }

    /// Checks that the account can pay for what must be done.
    ///
    /// # Errors
    /// If it cannot.
    pub fn check_funds(&self) -> Result<(), ExitError> {
        if self.l1_balance >= self.least {
            return Ok(());
        }
        let (address, balance, needed) = (self.account, self.l1_balance, self.least);
        Err(ExitError::Unfunded { address, balance, needed, what: "leaving".into() })
    }
}

/// Ids of assets that leave, and the plan for it. `chosen` are those that the user named; all if empty.
pub fn plan(
    account: Address,
    recipient: Address,
    seen: &Seen,
    assets: &Assets,
    chosen: &BTreeSet<Address>,
    prices: (u128, U256, U256),
    delays: &Delays,
) -> (BTreeSet<Address>, Plan) {
    let (gas_price, bond, l1_balance) = prices;
    let cost_of =
        |work: &[Work]| work.iter().map(|work| U256::from(work.gas()) * U256::from(gas_price)).sum();
    let mut leaves = BTreeSet::new();
    let mut holdings = Vec::new();
    for asset in assets.iter() {
        let id = asset.id();
        let (amount, arriving) =
            (seen.view.total(id), seen.view.arriving.get(&id).copied().unwrap_or_default());
        if amount.is_zero() {
            continue;
        }
        let worthless: U256 = match id {
            predeploys::ETH_TOKEN => cost_of(&[Work::ForceEth, Work::ReleaseEth]),
            predeploys::WETH => cost_of(&[Work::Unwrap]),
            _ => U256::ZERO,
        };
        let stays = match chosen.is_empty() {
            false if !chosen.contains(&id) => Some("not asked for"),
            true if amount <= worthless => {
                Some("worth less than the gas; name it with --token to take it anyway")
            }
            _ => None,
        };
        if stays.is_none() {
            leaves.insert(id);
        }
        let text = asset.format(amount);
        holdings.push(Holding { asset: id, symbol: asset.symbol().into(), amount, arriving, text, stays });
    }
    // What is unwrapped leaves as ETH.
    if leaves.contains(&predeploys::WETH) {
        leaves.insert(predeploys::ETH_TOKEN);
        if let Some(eth) = holdings.iter_mut().find(|holding| holding.asset == predeploys::ETH_TOKEN) {
            eth.stays = None;
        }
    }
    let (sure, perhaps) = work(seen, &leaves);
    let cost = Estimate::new(&sure, &perhaps, gas_price, bond);
    let mut plan = Plan {
        account,
        recipient,
        l2_block: seen.block,
        holdings,
        on_its_way: on_its_way(seen, assets, delays),
        least: cost.least(),
        most: cost.most(),
        cost,
        l1_balance,
        inclusion: delays.forced_inclusion,
        takeover: delays.sequencer_timeout,
        window: delays.window,
        seconds_at_most: delays.at_most(),
    };
    if plan.is_empty() {
        plan.seconds_at_most = 0;
    }
    (leaves, plan)
}

/// Work that must be done with the key, and work that somebody else may do.
fn work(seen: &Seen, leaves: &BTreeSet<Address>) -> (Vec<Work>, Vec<Work>) {
    let (mut sure, mut perhaps) = (Vec::new(), Vec::new());
    let release = |asset: Address| match asset {
        predeploys::ETH_TOKEN => Work::ReleaseEth,
        _ => Work::ReleaseToken,
    };
    let mut settled = true;
    // What a message takes out already is not forced once more.
    let busy = |asset: &Address| {
        seen.view.waiting.iter().any(|waiting| match waiting.purpose {
            Purpose::Withdraw { asset: leaving, .. } => leaving == *asset,
            Purpose::Unwrap { .. } => *asset == predeploys::WETH,
            _ => false,
        })
    };
    for asset in leaves.iter().filter(|asset| !busy(asset)) {
        match *asset {
            predeploys::WETH => sure.push(Work::Unwrap),
            predeploys::ETH_TOKEN => sure.extend([Work::ForceEth, Work::ReleaseEth]),
            _ => sure.extend([Work::ForceToken, Work::ReleaseToken]),
        }
        settled = false;
    }
    for waiting in &seen.view.waiting {
        if let Purpose::Withdraw { asset, .. } = waiting.purpose {
            sure.push(release(asset));
            settled = false;
        }
    }
    if !settled {
        perhaps.push(Work::Append);
    }
    for unpaid in &seen.view.unpaid {
        let asset = seen.leaving.get(&unpaid.hash).map_or(predeploys::ETH_TOKEN, |leaving| leaving.asset);
        sure.push(release(asset));
        let is_final = matches!(seen.view.paths.get(&unpaid.batch), Some(crate::Path::Final { .. }));
        settled &= unpaid.on_l1 == OnL1::Failed || is_final;
    }
    if !settled {
        perhaps.extend([Work::Propose, Work::Finalize, Work::Collect]);
    }
    (sure, perhaps)
}

fn on_its_way(seen: &Seen, assets: &Assets, delays: &Delays) -> Vec<OnItsWay> {
    let mut list = Vec::new();
    for waiting in &seen.view.waiting {
        let what = match waiting.purpose {
            Purpose::Withdraw { asset, amount } => format!("withdrawal of {}", assets.format(asset, amount)),
            Purpose::Unwrap { amount } => {
                format!("unwrapping of {}", assets.format(predeploys::WETH, amount))
            }
            Purpose::Deposit { l1_token: None, amount, to } => {
                format!("deposit of {} for {to}", assets.format(predeploys::ETH_TOKEN, amount))
            }
            Purpose::Deposit { l1_token: Some(token), amount, to } => {
                let id = duplex_contracts::l2_token_address(token);
                format!("deposit of {} for {to}", assets.format(id, amount))
            }
            Purpose::Call => "a call on L2".into(),
        };
        let left = |delay: u64| match (waiting.sent_at + delay).saturating_sub(seen.view.now) {
            0 => "now".to_owned(),
            left => format!("in {}", duration(left)),
        };
        let stage = format!(
            "message {} waits for L2: the sequencer must take it {}, anyone may {}",
            waiting.index,
            left(delays.forced_inclusion),
            left(delays.sequencer_timeout)
        );
        list.push(OnItsWay { what, stage });
    }
    for unpaid in &seen.view.unpaid {
        let Some(leaving) = seen.leaving.get(&unpaid.hash) else { continue };
        let what =
            format!("withdrawal of {} to {}", assets.format(leaving.asset, leaving.amount), leaving.to);
        let stage = match (unpaid.on_l1, seen.view.paths.get(&unpaid.batch)) {
            (OnL1::Failed, _) => "the recipient refused it on L1; it is tried again".into(),
            (_, Some(crate::Path::Final { claim })) => format!("claim {claim} is final: L1 pays now"),
            (_, Some(crate::Path::Window { claim, until })) => {
                let left = duration(until.saturating_sub(seen.view.now));
                format!("claim {claim} can become final in {left}")
            }
            (_, Some(crate::Path::Finalize { claim, .. })) => format!("claim {claim} can become final now"),
            _ => format!("in batch {}, which no claim covers yet", unpaid.batch),
        };
        list.push(OnItsWay { what, stage });
    }
    list
}

/// Seconds, for people.
pub fn duration(seconds: u64) -> String {
    let (days, hours, minutes) = (seconds / 86_400, seconds / 3600, seconds / 60);
    let count = |n: u64, one: &str| if n == 1 { format!("1 {one}") } else { format!("{n} {one}s") };
    let and = |rest: u64, one: &str| if rest == 0 { String::new() } else { format!(" {}", count(rest, one)) };
    match (days, hours, minutes) {
        (0, 0, 0..2) => format!("{seconds} s"),
        (0, 0, _) => count(minutes, "minute"),
        (0, ..) => count(hours, "hour") + &and(minutes % 60, "minute"),
        _ => count(days, "day") + &and(hours % 24, "hour"),
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use super::*;
    use crate::{Unpaid, View, Waiting};

    const TOKEN: Address = Address::repeat_byte(7);
    const DELAYS: Delays =
        Delays { forced_inclusion: 100, sequencer_timeout: 200, window: 1000, patience: 10 };

    fn seen(holdings: &[(Address, u64)]) -> Seen {
        let holdings = holdings.iter().map(|(asset, amount)| (*asset, U256::from(*amount))).collect();
        let view = View {
            now: 1000,
            in_flight: false,
            holdings,
            arriving: BTreeMap::new(),
            waiting: Vec::new(),
            unpaid: Vec::new(),
            paths: BTreeMap::new(),
            own_ripe: None,
            credit: U256::ZERO,
        };
        let (leaving, outcomes) = (BTreeMap::new(), Vec::new());
        Seen { view, batch: 1, block: 9, leaving, outcomes, false_claims: Vec::new() }
    }

    fn make(seen: &Seen, chosen: &[Address]) -> (BTreeSet<Address>, Plan) {
        let token = duplex_l1::TokenInfo {
            symbol: "DAI".into(),
            name: "Dai".into(),
            decimals: 18,
            l1: Address::repeat_byte(8),
            l2: TOKEN,
        };
        let chosen = chosen.iter().copied().collect();
        let account = Address::repeat_byte(1);
        let prices = (1, U256::from(1_000_000u64), U256::ZERO);
        plan(account, account, seen, &Assets::new([token]), &chosen, prices, &DELAYS)
    }

    /// What work costs at one wei a gas.
    fn gas(work: &[Work]) -> U256 {
        work.iter().map(|work| U256::from(work.gas())).sum()
    }

    #[test]
    fn everything_leaves_that_is_worth_it() {
        let (eth, weth) = (predeploys::ETH_TOKEN, predeploys::WETH);
        let (leaves, plan) = make(&seen(&[(eth, 10_000_000), (TOKEN, 1)]), &[]);
        assert_eq!(leaves, BTreeSet::from([eth, TOKEN]));
        assert_eq!(
            plan.least,
            gas(&[Work::ForceEth, Work::ReleaseEth, Work::ForceToken, Work::ReleaseToken])
        );
        assert!(plan.most > plan.least && plan.cost.bond == U256::from(1_000_000u64));
        assert_eq!(plan.seconds_at_most, 200 + 20 + 1000 + 360);
        // Less than the gas stays, unless it is asked for.
        let dust = seen(&[(eth, gas(&[Work::ForceEth, Work::ReleaseEth]).to())]);
        assert!(make(&dust, &[]).0.is_empty());
        assert_eq!(make(&dust, &[]).1.seconds_at_most, 0);
        assert_eq!(make(&dust, &[eth]).0, BTreeSet::from([eth]));
        // WETH takes the ETH along.
        assert_eq!(make(&seen(&[(eth, 1), (weth, 10_000_000)]), &[]).0, BTreeSet::from([eth, weth]));
        assert_eq!(make(&seen(&[(eth, 10_000_000), (TOKEN, 1)]), &[TOKEN]).0, BTreeSet::from([TOKEN]));
    }

    #[test]
    fn what_is_on_its_way_costs_only_what_is_left() {
        let mut seen = seen(&[]);
        let unpaid = Unpaid { hash: Default::default(), batch: 1, posted_at: 0, on_l1: OnL1::Open };
        seen.view.unpaid.push(unpaid);
        seen.view.paths.insert(1, crate::Path::Final { claim: 1 });
        let (_, plan) = make(&seen, &[]);
        assert_eq!((plan.least, plan.most), (gas(&[Work::ReleaseEth]), gas(&[Work::ReleaseEth])));
        assert_eq!(plan.cost.bond, U256::ZERO);
        seen.view.paths.insert(1, crate::Path::Claim { parent: 0, last_batch: 1 });
        let (_, plan) = make(&seen, &[]);
        assert_eq!(plan.most - plan.least, gas(&[Work::Propose, Work::Finalize, Work::Collect]));
        let purpose = Purpose::Withdraw { asset: TOKEN, amount: U256::from(5) };
        seen.view.waiting.push(Waiting { index: 4, purpose, sent_at: 950 });
        let (_, plan) = make(&seen, &[]);
        assert_eq!(plan.least, gas(&[Work::ReleaseEth, Work::ReleaseToken]));
        // Its balance is still there, and costs nothing more.
        seen.view.holdings.insert(TOKEN, U256::from(5));
        assert_eq!(make(&seen, &[]).1.least, gas(&[Work::ReleaseEth, Work::ReleaseToken]));
        assert!(plan.on_its_way[0].stage.contains("message 4"), "{:?}", plan.on_its_way);
        assert!(
            plan.on_its_way[0].stage.contains("in 50 s, anyone may in 2 minutes"),
            "{:?}",
            plan.on_its_way
        );
    }

    #[test]
    fn durations_are_readable() {
        for (seconds, text) in [
            (5, "5 s"),
            (119, "119 s"),
            (120, "2 minutes"),
            (3600, "1 hour"),
            (5460, "1 hour 31 minutes"),
            (90_000, "1 day 1 hour"),
            (7 * 86_400, "7 days"),
        ] {
            assert_eq!(duration(seconds), text);
        }
    }
}
