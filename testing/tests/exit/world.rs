//! A rollup of which only L1 is left.

use std::path::PathBuf;

use alloy_primitives::{Address, B256, Bytes, U64, U256, hex};
use alloy_signer_local::PrivateKeySigner;
use alloy_sol_types::{SolCall, sol};
use duplex_bridge::{Asset, Bridge, Quiet, send_transaction};
use duplex_contracts::bindings::{IERC20, ISettlement};
use duplex_l1::{Deployment, Rpc};
use duplex_primitives::predeploys;
use duplex_testing::{
    devnet::{Dice, Process, bridge, free_port, until, words},
    load::{dev_key, fresh},
    truth::sync_status,
};
use serde_json::Value;

/// Short ones. The embedded L1 makes three blocks a second here, each a second later than the last.
pub(crate) const DELAYS: &str =
    "--challenge-window 4 --forced-inclusion-delay 10 --sequencer-timeout 20 --exodus-delay 300";
pub(crate) const ETH: u128 = 1_000_000_000_000_000_000;

sol! {
    function deposit() external payable;
}

/// An L1 on which a rollup is, and nothing else any more.
pub(crate) struct World {
    pub(crate) dir: tempfile::TempDir,
    pub(crate) _l1: Process,
    pub(crate) url: String,
    /// As it was, with the development accounts.
    pub(crate) deployment: Deployment,
}

impl World {
    pub(crate) fn path(&self, name: &str) -> PathBuf {
        self.dir.path().join(name)
    }

    pub(crate) fn rpc(&self) -> Rpc {
        Rpc::new(&self.url).unwrap()
    }

    pub(crate) fn key(&self, index: usize) -> PrivateKeySigner {
        dev_key(&self.deployment, index)
    }

    /// A view of L1 alone.
    pub(crate) fn l1_only(&self) -> Bridge {
        bridge(Deployment { l1_rpc: self.url.clone(), l2_rpc: self.url.clone(), ..self.deployment.clone() })
    }

    /// Arguments of a command that knows nothing but L1's URL.
    pub(crate) fn command(&self, command: &str) -> Vec<String> {
        words(&format!("{command} --l1 {}", self.url))
    }

    /// Those of `exit`.
    pub(crate) fn exit(&self, index: usize, dir: &str) -> Vec<String> {
        let key = hex::encode(self.key(index).to_bytes());
        let dir = self.path(dir).display().to_string();
        self.command(&format!("exit --yes --json --key {key} --data-dir {dir}"))
    }
}

/// A devnet with an embedded L1, and a view of it.
pub(crate) async fn embedded(dir: &tempfile::TempDir) -> (Process, Bridge) {
    let mut devnet = Process::duplex(&words(&format!(
        "up --json --data-dir {} --l1-port 0 --l2-port 0 --batch-age 1 --claim-interval 1 --block-time 150 \
         --l1-block-time 330 {DELAYS}",
        dir.path().join("devnet").display(),
    )));
    let deployment = devnet.deployment().await;
    (devnet, bridge(deployment))
}

/// Kills a devnet, deletes its L2, and starts its L1 again.
pub(crate) async fn everyone_is_gone(dir: tempfile::TempDir, mut devnet: Process, whole: &Bridge) -> World {
    devnet.kill();
    let data = dir.path().join("devnet");
    std::fs::remove_dir_all(data.join("l2")).unwrap();
    std::fs::remove_file(data.join("deployment.json")).unwrap();
    let port = free_port();
    let url = format!("http://127.0.0.1:{port}");
    let args = format!("l1 --l1-port {port} --l1-block-time 330 --data-dir {}", data.join("l1").display());
    let mut l1 = Process::duplex(&words(&args));
    l1.answers(&url).await;
    World { dir, _l1: l1, url, deployment: whole.deployment.clone() }
}

pub(crate) async fn hash_of(rpc: &Rpc, number: u64) -> B256 {
    rpc.header(number).await.unwrap().expect("the block is there").hash
}

/// Waits until all of L2 is in batches; gives its last block.
pub(crate) async fn posted(whole: &Bridge) -> (u64, B256) {
    until("everything to be in batches", || async {
        let status = sync_status(&whole.l2).await.ok()?;
        let done = status.safe == status.r#unsafe && status.messages_consumed == status.messages_on_l1;
        done.then_some((status.safe.number.to(), status.safe.hash))
    })
    .await
}

/// What an account spent for gas on L1 from block `from` on.
async fn gas_spent(l1: &Rpc, account: Address, from: u64) -> U256 {
    let mut spent = U256::ZERO;
    for number in from..=l1.block_number().await.unwrap() {
        let block: Value = l1.request("eth_getBlockByNumber", (U64::from(number), true)).await.unwrap();
        for tx in block["transactions"].as_array().unwrap() {
            if serde_json::from_value::<Address>(tx["from"].clone()).unwrap() == account {
                let hash: B256 = serde_json::from_value(tx["hash"].clone()).unwrap();
                spent += l1.receipt(hash).await.unwrap().expect("it is mined").cost();
            }
        }
    }
    spent
}

/// Wei that an account has in claims, or may take back.
async fn bonds(l1: &Rpc, deployment: &Deployment, account: Address) -> U256 {
    let settlement = deployment.contracts.settlement;
    let mut sum = l1.call(settlement, &ISettlement::creditCall { account }).await.unwrap();
    for id in 1..l1.call(settlement, &ISettlement::claimCountCall {}).await.unwrap() {
        let claim = l1.call(settlement, &ISettlement::claimCall { id }).await.unwrap();
        if claim.proposer == account && claim.finalizedAt == 0 {
            sum += deployment.parameters.bond;
        }
    }
    sum
}

pub(crate) async fn token(rpc: &Rpc, token: Address, account: Address) -> U256 {
    match rpc.code(token).await.unwrap().is_empty() {
        true => U256::ZERO,
        false => rpc.call(token, &IERC20::balanceOfCall { account }).await.unwrap(),
    }
}

/// What an account has: ETH and WETH, and UNI.
pub(crate) async fn on_l2(whole: &Bridge, account: Address) -> (U256, U256) {
    let uni = whole.deployment.token("UNI").unwrap().l2;
    let eth = whole.l2.balance(account).await.unwrap() + token(&whole.l2, predeploys::WETH, account).await;
    (eth, token(&whole.l2, uni, account).await)
}

/// Deposits, wraps, transfers and withdraws, so that there is something of everything; gives who is to be
/// paid by a withdrawal that is not finished.
pub(crate) async fn use_it(whole: &Bridge, index: usize, dice: &mut Dice) -> Address {
    let (key, home) = (dev_key(&whole.deployment, index), fresh(dice));
    let uni = Asset::Token(whole.deployment.token("UNI").unwrap().clone());
    let eth = |tenths: u128| U256::from(ETH / 10 * tenths);
    whole.deposit(&key, &Asset::Eth, key.address(), eth(20), &Quiet).await.unwrap();
    whole.deposit(&key, &uni, key.address(), eth(50), &Quiet).await.unwrap();
    let wrap: Bytes = depositCall {}.abi_encode().into();
    send_transaction(&whole.l2, &key, Some(predeploys::WETH), eth(7), wrap).await.unwrap();
    whole.transfer(&key, &uni, fresh(dice), eth(5)).await.unwrap();
    whole.start_withdrawal(&key, &Asset::Eth, home, eth(3)).await.unwrap();
    home
}

/// L1 balances of an account before it leaves, and what it must gain.
pub(crate) struct Expected {
    pub(crate) account: Address,
    pub(crate) from: u64,
    pub(crate) eth: (U256, U256),
    pub(crate) uni: (U256, U256),
}

impl Expected {
    pub(crate) async fn note(world: &World, whole: (U256, U256), account: Address) -> Self {
        let l1 = world.rpc();
        let uni = world.deployment.token("UNI").unwrap().l1;
        Self {
            account,
            from: l1.block_number().await.unwrap() + 1,
            eth: (l1.balance(account).await.unwrap(), whole.0),
            uni: (token(&l1, uni, account).await, whole.1),
        }
    }

    /// Checks that it has gained that, to the wei.
    pub(crate) async fn check(&self, world: &World) {
        let (l1, account) = (world.rpc(), self.account);
        let uni = world.deployment.token("UNI").unwrap().l1;
        assert_eq!(token(&l1, uni, account).await, self.uni.0 + self.uni.1, "UNI of {account}");
        let spent = gas_spent(&l1, account, self.from).await;
        let bonds = bonds(&l1, &world.deployment, account).await;
        let has = l1.balance(account).await.unwrap();
        assert_eq!(
            has + spent + bonds,
            self.eth.0 + self.eth.1,
            "{account} spent {spent}, has {bonds} in bonds"
        );
        assert!(spent > U256::ZERO);
    }
}
