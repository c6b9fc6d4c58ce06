//! What to do next, from what is seen on L1 and in the derived chain. Nothing else is remembered that
//! would be missed if the program were stopped.

use std::collections::{BTreeMap, BTreeSet};

use alloy_primitives::{Address, B256, U256};
use duplex_primitives::predeploys;

use crate::{Delays, Purpose, claims::Path};

/// A message of the account that L2 has not consumed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Waiting {
    /// Position in the queue.
    pub index: u64,
    /// What it means.
    pub purpose: Purpose,
    /// L1 time at which it was sent.
    pub sent_at: u64,
}

/// Where L1 has a withdrawal.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum OnL1 {
    /// It was not released.
    Open,
    /// It was released, and its call failed.
    Failed,
}

/// A withdrawal that has not arrived.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Unpaid {
    /// Its hash.
    pub hash: B256,
    /// The batch with its block.
    pub batch: u64,
    /// L1 time of that batch.
    pub posted_at: u64,
    /// Where L1 has it.
    pub on_l1: OnL1,
}

/// What is seen.
#[derive(Debug, Clone)]
pub struct View {
    /// L1 time.
    pub now: u64,
    /// Whether L1 transactions of the key are under way.
    pub in_flight: bool,
    /// What the account has on L2, by asset, in the newest batch on L1.
    pub holdings: BTreeMap<Address, U256>,
    /// What deposits bring it that wait in the queue, by asset: L2 executes them before anything that is
    /// queued now.
    pub arriving: BTreeMap<Address, U256>,
    /// Messages of the account that no batch on L1 has consumed.
    pub waiting: Vec<Waiting>,
    /// Withdrawals of the account that have not arrived.
    pub unpaid: Vec<Unpaid>,
    /// For each batch with such a withdrawal, what is left to do until a final claim covers it.
    pub paths: BTreeMap<u64, Path>,
    /// Claims of the key itself that can become final now.
    pub own_ripe: Option<u64>,
    /// Whether the key has bonds to take back.
    pub credit: U256,
}

impl View {
    /// What the account has, or will have once L2 has consumed what is in the queue now.
    pub fn total(&self, asset: Address) -> U256 {
        let of = |amounts: &BTreeMap<Address, U256>| amounts.get(&asset).copied().unwrap_or_default();
        of(&self.holdings).saturating_add(of(&self.arriving))
    }
}

/// What a run wants, and has done.
#[derive(Debug, Clone, Default)]
pub struct Goal {
    /// Assets, by id, that are still to be withdrawn.
    pub assets: BTreeSet<Address>,
    /// Withdrawals whose release failed in this run: the recipient refuses, and trying again at once
    /// would only cost gas.
    pub refused: BTreeSet<B256>,
}

/// What to do next.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Step {
    /// Wait for L1 to mine what was sent.
    Mining,
    /// Send messages that withdraw these.
    Force {
        /// Assets by id, with the amount.
        assets: Vec<(Address, U256)>,
    },
    /// Wait until L2 consumes the messages.
    Inclusion {
        /// L1 time from which on the sequencer cannot leave the oldest one out of its batches.
        due: u64,
        /// L1 time from which on anyone may append.
        open_at: u64,
        /// Whether anyone may now.
        open: bool,
    },
    /// Wait for somebody to claim this batch.
    Claimant {
        /// The batch.
        batch: u64,
        /// L1 time from which on it is done here.
        until: u64,
    },
    /// Make a claim.
    Propose {
        /// The claim to build on.
        parent: u64,
        /// The last batch to cover.
        last_batch: u64,
    },
    /// Wait for a challenge window.
    Window {
        /// The claim.
        claim: u64,
        /// L1 time at which it is over.
        until: u64,
    },
    /// Make a claim final.
    Finalize {
        /// The claim.
        claim: u64,
    },
    /// Prove and release withdrawals, each against a final claim.
    Release {
        /// Hash of the withdrawal, the claim, and where L1 has it.
        withdrawals: Vec<(B256, u64, OnL1)>,
    },
    /// Wait for a batch that can be claimed without a rival.
    Blocked {
        /// The batch that no claim can cover.
        batch: u64,
    },
    /// Wait for a proof.
    Proof {
        /// The batch that no proof covers.
        batch: u64,
    },
    /// Take back bonds.
    Collect {
        /// Wei.
        amount: U256,
    },
    /// Nothing is left to do.
    Done,
}

/// What to do next.
pub fn next(view: &View, goal: &Goal, delays: &Delays) -> Step {
    if view.in_flight {
        return Step::Mining;
    }
    // Money first.
    let payable = |unpaid: &Unpaid| match view.paths.get(&unpaid.batch) {
        Some(Path::Final { claim }) if !goal.refused.contains(&unpaid.hash) => {
            Some((unpaid.hash, *claim, unpaid.on_l1))
        }
        // What was released once needs no proof again.
        _ if unpaid.on_l1 == OnL1::Failed && !goal.refused.contains(&unpaid.hash) => {
            Some((unpaid.hash, 0, unpaid.on_l1))
        }
        _ => None,
    };
    let withdrawals: Vec<_> = view.unpaid.iter().filter_map(payable).collect();
    if !withdrawals.is_empty() {
        return Step::Release { withdrawals };
    }
    let assets = to_force(view, goal);
    if !assets.is_empty() {
        return Step::Force { assets };
    }
    let leaving = view.waiting.iter().filter(|waiting| takes_out(&waiting.purpose));
    if let Some(sent) = leaving.map(|waiting| waiting.sent_at).min() {
        let (due, open_at) = (sent + delays.forced_inclusion, sent + delays.sequencer_timeout);
        return Step::Inclusion { due, open_at, open: open_at < view.now };
    }
    let open = view.unpaid.iter().filter(|unpaid| unpaid.on_l1 == OnL1::Open);
    // The newest: a claim that covers it covers all.
    let last = open.filter(|unpaid| !goal.refused.contains(&unpaid.hash)).max_by_key(|unpaid| unpaid.batch);
    if let Some(unpaid) = last
        && let Some(path) = view.paths.get(&unpaid.batch)
    {
        return settle(*path, unpaid, view, delays);
    }
    match view.own_ripe {
        Some(claim) => Step::Finalize { claim },
        None if !view.credit.is_zero() => Step::Collect { amount: view.credit },
        None => Step::Done,
    }
}

fn settle(path: Path, unpaid: &Unpaid, view: &View, delays: &Delays) -> Step {
    let now = view.now;
    match path {
        // Payable, and handled above; only a refused one comes here.
        Path::Final { .. } => Step::Done,
        // Whoever made the claim wants its bond back, and will mostly be faster.
        Path::Finalize { claim, since } => match since + delays.grace() {
            until if now < until && view.own_ripe != Some(claim) => Step::Window { claim, until },
            _ => Step::Finalize { claim },
        },
        Path::Window { claim, until } => Step::Window { claim, until },
        Path::Claim { parent, last_batch } => {
            let until = unpaid.posted_at + delays.patience;
            if now < until {
                Step::Claimant { batch: unpaid.batch, until }
            } else {
                Step::Propose { parent, last_batch }
            }
        }
        Path::Blocked => Step::Blocked { batch: unpaid.batch },
        Path::Proof => Step::Proof { batch: unpaid.batch },
    }
}

const fn takes_out(purpose: &Purpose) -> bool {
    matches!(purpose, Purpose::Withdraw { .. } | Purpose::Unwrap { .. })
}

/// What is wanted, is there, and has no message on the way yet. WETH is unwrapped first and leaves with
/// the ETH, in messages that L2 executes in this order.
fn to_force(view: &View, goal: &Goal) -> Vec<(Address, U256)> {
    let (eth, weth) = (predeploys::ETH_TOKEN, predeploys::WETH);
    let busy: BTreeSet<Address> = view
        .waiting
        .iter()
        .filter_map(|waiting| match waiting.purpose {
            Purpose::Withdraw { asset, .. } => Some(asset),
            Purpose::Unwrap { .. } => Some(weth),
            _ => None,
        })
        .collect();
    let has = |asset: Address| view.total(asset);
    let wanted =
        |asset: &Address| goal.assets.contains(asset) && !busy.contains(asset) && !has(*asset).is_zero();
    // ETH that is on its way out must be gone before the rest is counted.
    let weth_goes = wanted(&weth) && !busy.contains(&eth);
    let mut list = Vec::new();
    if weth_goes {
        list.push((weth, has(weth)));
    }
    if weth_goes || (wanted(&eth) && !busy.contains(&weth)) {
        let unwrapped = if weth_goes { has(weth) } else { U256::ZERO };
        list.push((eth, has(eth) + unwrapped));
    }
    let tokens = goal.assets.iter().filter(|asset| **asset != eth && **asset != weth && wanted(asset));
    list.extend(tokens.map(|asset| (*asset, has(*asset))));
    list
}

#[cfg(test)]
mod tests {
    use super::*;

    const ETH: Address = predeploys::ETH_TOKEN;
    const WETH: Address = predeploys::WETH;
    const TOKEN: Address = Address::repeat_byte(7);
    const DELAYS: Delays =
        Delays { forced_inclusion: 100, sequencer_timeout: 200, window: 1000, patience: 10 };

    fn wei(n: u64) -> U256 {
        U256::from(n)
    }

    fn view() -> View {
        View {
            now: 1_000,
            in_flight: false,
            holdings: BTreeMap::new(),
            arriving: BTreeMap::new(),
            waiting: Vec::new(),
            unpaid: Vec::new(),
            paths: BTreeMap::new(),
            own_ripe: None,
            credit: U256::ZERO,
        }
    }

    fn goal(assets: &[Address]) -> Goal {
        Goal { assets: assets.iter().copied().collect(), ..Default::default() }
    }

    fn waiting(purpose: Purpose) -> Waiting {
        Waiting { index: 3, purpose, sent_at: 950 }
    }

    fn unpaid(byte: u8, batch: u64) -> Unpaid {
        Unpaid { hash: B256::repeat_byte(byte), batch, posted_at: 995, on_l1: OnL1::Open }
    }

    #[test]
    fn what_is_wanted_and_there_is_forced_once() {
        let mut view = view();
        view.holdings = BTreeMap::from([(ETH, wei(5)), (TOKEN, wei(9)), (WETH, wei(0))]);
        let all = goal(&[ETH, WETH, TOKEN]);
        let both = vec![(ETH, wei(5)), (TOKEN, wei(9))];
        assert_eq!(next(&view, &all, &DELAYS), Step::Force { assets: both });
        view.waiting.push(waiting(Purpose::Withdraw { asset: ETH, amount: wei(5) }));
        assert_eq!(next(&view, &all, &DELAYS), Step::Force { assets: vec![(TOKEN, wei(9))] });
        view.waiting.push(waiting(Purpose::Withdraw { asset: TOKEN, amount: wei(9) }));
        let wait = Step::Inclusion { due: 1050, open_at: 1150, open: false };
        assert_eq!(next(&view, &all, &DELAYS), wait);
        view.now = 1151;
        assert!(matches!(next(&view, &all, &DELAYS), Step::Inclusion { open: true, .. }));
        view.now = 1150;
        assert!(matches!(next(&view, &all, &DELAYS), Step::Inclusion { open: false, .. }));
    }

    #[test]
    fn what_is_not_wanted_stays() {
        let mut view = view();
        view.holdings = BTreeMap::from([(ETH, wei(5)), (TOKEN, wei(9))]);
        assert_eq!(next(&view, &goal(&[TOKEN]), &DELAYS), Step::Force { assets: vec![(TOKEN, wei(9))] });
        assert_eq!(next(&view, &goal(&[]), &DELAYS), Step::Done);
    }

    #[test]
    fn weth_is_unwrapped_and_leaves_with_the_eth() {
        let mut view = view();
        view.holdings = BTreeMap::from([(ETH, wei(5)), (WETH, wei(2))]);
        let all = goal(&[ETH, WETH]);
        let both = vec![(WETH, wei(2)), (ETH, wei(7))];
        assert_eq!(next(&view, &all, &DELAYS), Step::Force { assets: both });
        // Stopped between the two messages: what the first will make is not there to be counted yet.
        view.waiting.push(waiting(Purpose::Unwrap { amount: wei(2) }));
        assert!(matches!(next(&view, &all, &DELAYS), Step::Inclusion { .. }));
        view.waiting = vec![waiting(Purpose::Withdraw { asset: ETH, amount: wei(5) })];
        assert!(matches!(next(&view, &all, &DELAYS), Step::Inclusion { .. }));
    }

    #[test]
    fn nothing_is_sent_twice_while_l1_mines() {
        let mut view = view();
        view.holdings = BTreeMap::from([(ETH, wei(5))]);
        view.in_flight = true;
        assert_eq!(next(&view, &goal(&[ETH]), &DELAYS), Step::Mining);
    }

    #[test]
    fn what_arrives_before_a_withdrawal_leaves_with_it() {
        let mut view = view();
        view.holdings = BTreeMap::from([(ETH, wei(5))]);
        view.arriving = BTreeMap::from([(ETH, wei(2)), (TOKEN, wei(9))]);
        let both = vec![(ETH, wei(7)), (TOKEN, wei(9))];
        assert_eq!(next(&view, &goal(&[ETH, TOKEN]), &DELAYS), Step::Force { assets: both });
    }

    #[test]
    fn deposits_on_the_way_are_not_waited_for() {
        let mut view = view();
        view.waiting.push(waiting(Purpose::Deposit { l1_token: None, amount: wei(1), to: TOKEN }));
        view.waiting.push(waiting(Purpose::Call));
        assert_eq!(next(&view, &goal(&[ETH]), &DELAYS), Step::Done);
    }

    #[test]
    fn a_payable_withdrawal_comes_before_everything() {
        let mut view = view();
        view.holdings = BTreeMap::from([(ETH, wei(5))]);
        view.unpaid = vec![unpaid(1, 4), unpaid(2, 6)];
        view.paths =
            BTreeMap::from([(4, Path::Final { claim: 2 }), (6, Path::Claim { parent: 2, last_batch: 6 })]);
        let first = vec![(B256::repeat_byte(1), 2, OnL1::Open)];
        assert_eq!(next(&view, &goal(&[ETH]), &DELAYS), Step::Release { withdrawals: first });
    }

    #[test]
    fn others_are_given_time_to_claim() {
        let mut view = view();
        view.unpaid = vec![unpaid(2, 6)];
        view.paths = BTreeMap::from([(6, Path::Claim { parent: 2, last_batch: 8 })]);
        assert_eq!(next(&view, &goal(&[]), &DELAYS), Step::Claimant { batch: 6, until: 1005 });
        view.now = 1005;
        assert_eq!(next(&view, &goal(&[]), &DELAYS), Step::Propose { parent: 2, last_batch: 8 });
        view.paths = BTreeMap::from([(6, Path::Window { claim: 3, until: 2005 })]);
        assert_eq!(next(&view, &goal(&[]), &DELAYS), Step::Window { claim: 3, until: 2005 });
        view.paths = BTreeMap::from([(6, Path::Finalize { claim: 3, since: 1000 })]);
        assert_eq!(next(&view, &goal(&[]), &DELAYS), Step::Window { claim: 3, until: 1010 });
        view.own_ripe = Some(3);
        assert_eq!(next(&view, &goal(&[]), &DELAYS), Step::Finalize { claim: 3 });
        (view.own_ripe, view.now) = (None, 1010);
        assert_eq!(next(&view, &goal(&[]), &DELAYS), Step::Finalize { claim: 3 });
        view.paths = BTreeMap::from([(6, Path::Blocked)]);
        assert_eq!(next(&view, &goal(&[]), &DELAYS), Step::Blocked { batch: 6 });
        // Where claims are only taken with a proof, none is made here.
        view.paths = BTreeMap::from([(6, Path::Proof)]);
        assert_eq!(next(&view, &goal(&[]), &DELAYS), Step::Proof { batch: 6 });
    }

    #[test]
    fn a_recipient_that_refuses_is_tried_once_a_run() {
        let mut view = view();
        view.unpaid = vec![Unpaid { on_l1: OnL1::Failed, ..unpaid(1, 4) }];
        let retry = vec![(B256::repeat_byte(1), 0, OnL1::Failed)];
        assert_eq!(next(&view, &goal(&[]), &DELAYS), Step::Release { withdrawals: retry });
        let tried = Goal { refused: BTreeSet::from([B256::repeat_byte(1)]), ..Default::default() };
        assert_eq!(next(&view, &tried, &DELAYS), Step::Done);
    }

    #[test]
    fn bonds_come_back_at_the_end() {
        let mut view = view();
        view.own_ripe = Some(4);
        view.credit = wei(8);
        assert_eq!(next(&view, &goal(&[]), &DELAYS), Step::Finalize { claim: 4 });
        view.own_ripe = None;
        assert_eq!(next(&view, &goal(&[]), &DELAYS), Step::Collect { amount: wei(8) });
        view.waiting.push(waiting(Purpose::Withdraw { asset: ETH, amount: wei(5) }));
        assert!(matches!(next(&view, &goal(&[]), &DELAYS), Step::Inclusion { .. }));
    }
}
