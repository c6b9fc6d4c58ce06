//! Users who go on using a rollup while it is killed under them.

use std::{
    collections::BTreeMap,
    sync::{Arc, Mutex, PoisonError},
    time::Duration,
};

use alloy_primitives::{Address, B256, U256};
use alloy_signer_local::PrivateKeySigner;
use duplex_bridge::{Asset, Bridge, Quiet};
use duplex_l1::Deployment;
use tokio::task::JoinHandle;

use crate::devnet::{Dice, say};

/// What a user waits for at most before doing the next thing. What was sent may have been lost
/// with the process that had it in memory.
const IMPATIENCE: Duration = Duration::from_secs(8);
/// Pause after something failed.
const PAUSE: Duration = Duration::from_millis(100);

/// The key of development account `index`.
///
/// # Panics
/// If the deployment is no devnet's.
pub fn dev_key(deployment: &Deployment, index: usize) -> PrivateKeySigner {
    PrivateKeySigner::from_bytes(&deployment.accounts[index].private_key).expect("a development key")
}

/// An address that nobody used before.
pub fn fresh(dice: &mut Dice) -> Address {
    let mut bytes = [0; 20];
    for chunk in bytes.chunks_mut(8) {
        let random = dice.below(u64::MAX).to_be_bytes();
        chunk.copy_from_slice(&random[..chunk.len()]);
    }
    // Never a precompile or predeploy.
    bytes[0] = 0xd0;
    Address::from(bytes)
}

/// What users were told.
#[derive(Debug, Clone, Default)]
pub struct Told(Arc<Mutex<Story>>);

/// What users were told.
#[derive(Debug, Clone, Default)]
pub struct Story {
    /// L2 transfers with a receipt: hash, block, receiver, amount.
    pub transfers: Vec<(B256, u64, Address, U256)>,
    /// Deposits that arrived.
    pub deposits: u64,
    /// Withdrawals with a receipt on L2.
    pub started: Vec<B256>,
    /// Withdrawals that were paid.
    pub paid: u64,
    /// What failed, and how often.
    pub failed: BTreeMap<&'static str, u64>,
}

impl Told {
    fn with(&self, tell: impl FnOnce(&mut Story)) {
        tell(&mut self.0.lock().unwrap_or_else(PoisonError::into_inner));
    }

    /// Everything so far.
    pub fn story(&self) -> Story {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    fn failed(&self, what: &'static str) {
        self.with(|story| *story.failed.entry(what).or_default() += 1);
    }
}

/// Users at work, each with an account of its own, until stopped.
#[derive(Debug)]
pub struct Load {
    told: Told,
    tasks: Vec<JoinHandle<()>>,
}

async fn soon<T, E>(work: impl Future<Output = Result<T, E>>) -> Option<T> {
    let done = tokio::time::timeout(IMPATIENCE, work).await.ok().and_then(Result::ok);
    if done.is_none() {
        tokio::time::sleep(PAUSE).await;
    }
    done
}

impl Load {
    /// Starts them: account 1 pays, 2 deposits ETH, 3 deposits UNI, 4 withdraws, 5 pays for
    /// releases. Whoever receives is new each time.
    pub fn start(bridge: &Bridge, dice: &mut Dice) -> Self {
        let told = Told::default();
        let keys: Vec<_> = (0..6).map(|index| dev_key(&bridge.deployment, index)).collect();
        let uni = bridge.deployment.token("UNI").cloned().map(Asset::Token).expect("a devnet has UNI");
        let tasks = vec![
            tokio::spawn(pay(bridge.clone(), keys[1].clone(), told.clone(), dice.fork())),
            tokio::spawn(deposit(bridge.clone(), keys[2].clone(), Asset::Eth, told.clone(), dice.fork())),
            tokio::spawn(deposit(bridge.clone(), keys[3].clone(), uni, told.clone(), dice.fork())),
            tokio::spawn(withdraw(bridge.clone(), keys[4].clone(), told.clone(), dice.fork())),
            tokio::spawn(finish(bridge.clone(), keys[5].clone(), told.clone())),
        ];
        Self { told, tasks }
    }

    /// Everything that users were told so far.
    pub fn story(&self) -> Story {
        self.told.story()
    }

    /// Stops them; what is in flight stays in flight.
    pub async fn stop(self) -> Story {
        for task in &self.tasks {
            task.abort();
        }
        for task in self.tasks {
            if let Err(error) = task.await {
                assert!(error.is_cancelled(), "a user panicked: {error}");
            }
        }
        let story = self.told.story();
        say(&format!(
            "  users: {} transfers, {} deposits, {} withdrawals started and {} paid; failed: {:?}",
            story.transfers.len(),
            story.deposits,
            story.started.len(),
            story.paid,
            story.failed
        ));
        story
    }
}

async fn pay(bridge: Bridge, key: PrivateKeySigner, told: Told, mut dice: Dice) {
    loop {
        let (to, amount) = (fresh(&mut dice), U256::from(1 + dice.below(1_000_000)));
        match soon(bridge.transfer(&key, &Asset::Eth, to, amount)).await {
            Some(sent) => told.with(|story| {
                let block = sent.receipt.block_number.to();
                story.transfers.push((sent.receipt.transaction_hash, block, to, amount));
            }),
            None => told.failed("transfer"),
        }
    }
}

async fn deposit(bridge: Bridge, key: PrivateKeySigner, asset: Asset, told: Told, mut dice: Dice) {
    loop {
        let (to, amount) = (fresh(&mut dice), U256::from(1 + dice.below(1_000_000)));
        match soon(bridge.deposit(&key, &asset, to, amount, &Quiet)).await {
            Some(_) => told.with(|story| story.deposits += 1),
            None => told.failed("deposit"),
        }
    }
}

async fn withdraw(bridge: Bridge, key: PrivateKeySigner, told: Told, mut dice: Dice) {
    loop {
        let (to, amount) = (fresh(&mut dice), U256::from(1 + dice.below(1_000_000)));
        match soon(bridge.start_withdrawal(&key, &Asset::Eth, to, amount)).await {
            Some(sent) => told.with(|story| story.started.push(sent.receipt.transaction_hash)),
            None => told.failed("withdrawal"),
        }
        // Each is finished later, one after the other.
        tokio::time::sleep(Duration::from_secs(2)).await;
    }
}

async fn finish(bridge: Bridge, key: PrivateKeySigner, told: Told) {
    let mut next = 0;
    loop {
        let Some(hash) = told.story().started.get(next).copied() else {
            tokio::time::sleep(PAUSE).await;
            continue;
        };
        // After a reorganisation of L1 the transaction may be in another block, or not yet in one.
        match soon(bridge.finish_withdrawal(&key, hash, &Quiet)).await {
            Some(_) => {
                told.with(|story| story.paid += 1);
                next += 1;
            }
            None => told.failed("release"),
        }
    }
}
