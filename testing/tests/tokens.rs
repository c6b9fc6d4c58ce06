//! Tokens that do not behave, there and back by the commands, whoever convinces the receiving side.

use std::path::{Path, PathBuf};

use alloy_primitives::{Address, Bytes, U256, hex, keccak256};
use alloy_signer_local::PrivateKeySigner;
use alloy_sol_types::{SolCall, sol};
use duplex_bridge::{Bridge, send_transaction};
use duplex_contracts::bindings::{IERC20, IVault};
use duplex_testing::{
    devnet::{Finished, Process, bridge, free_port, until, words},
    load::dev_key,
};
use serde_json::Value;

sol! {
    function mint(address to, uint256 amount);
    function setRefuses(bool refuses);
    function setBlocked(address account, bool isBlocked);
    function setHook(address hook, bytes calldata data);
    function rebase(uint256 percent);
    function hookSucceeded() returns (bool);
}

/// Creation code of the tokens.
const TOKENS: [(&str, &str); 8] = [
    ("PlainToken", include_str!("../../contracts/artifacts/PlainToken.json")),
    ("FeeToken", include_str!("../../contracts/artifacts/FeeToken.json")),
    ("NoReturnToken", include_str!("../../contracts/artifacts/NoReturnToken.json")),
    ("FalseToken", include_str!("../../contracts/artifacts/FalseToken.json")),
    ("BlacklistToken", include_str!("../../contracts/artifacts/BlacklistToken.json")),
    ("HookToken", include_str!("../../contracts/artifacts/HookToken.json")),
    ("HugeNameToken", include_str!("../../contracts/artifacts/HugeNameToken.json")),
    ("RebasingToken", include_str!("../../contracts/artifacts/RebasingToken.json")),
];

struct World {
    file: PathBuf,
    bridge: Bridge,
    key: PrivateKeySigner,
    #[allow(dead_code, reason = "ends with it")]
    devnet: Process,
}

impl World {
    async fn run(&self, command: &str) -> Finished {
        Process::run(&words(&format!("{command} --deployment {}", self.file.display()))).await
    }

    async fn json(&self, command: &str) -> Value {
        self.run(&format!("{command} --json")).await.json()
    }

    /// Deploys a token; the user has 1,000 (of its smallest unit, a million each).
    async fn token(&self, name: &str) -> Address {
        let (_, json) = TOKENS.iter().find(|(found, _)| *found == name).unwrap();
        let json: Value = serde_json::from_str(json).unwrap();
        let code = hex::decode(json["bytecode"].as_str().unwrap()).unwrap();
        let nonce = self.bridge.l1.nonce(self.key.address(), true).await.unwrap();
        send_transaction(&self.bridge.l1, &self.key, None, U256::ZERO, code.into()).await.unwrap();
        let token = self.key.address().create(nonce);
        self.tell(token, mintCall { to: self.key.address(), amount: U256::from(1_000_000_000u64) }).await;
        token
    }

    async fn tell<C: SolCall>(&self, token: Address, call: C) {
        let data: Bytes = call.abi_encode().into();
        send_transaction(&self.bridge.l1, &self.key, Some(token), U256::ZERO, data).await.unwrap();
    }

    async fn on_l2(&self, token: Address) -> U256 {
        let vault = self.bridge.deployment.contracts.vault;
        let call = IVault::l2TokenAddressCall { l1Token: token };
        let l2 = self.bridge.l1.call(vault, &call).await.unwrap();
        let call = IERC20::balanceOfCall { account: self.key.address() };
        self.bridge.l2.call(l2, &call).await.unwrap()
    }

    async fn on_l1(&self, token: Address, account: Address) -> U256 {
        self.bridge.l1.call(token, &IERC20::balanceOfCall { account }).await.unwrap()
    }

    async fn locked(&self, token: Address) -> U256 {
        let vault = self.bridge.deployment.contracts.vault;
        self.bridge.l1.call(vault, &IVault::lockedCall { l1Token: token }).await.unwrap()
    }
}

/// The text of an amount in the smallest units of a token with so many digits.
fn amount(units: u64, decimals: u8) -> String {
    duplex_bridge::format_units(U256::from(units), decimals)
}

/// An address as JSON has it.
fn text(address: Address) -> Value {
    serde_json::to_value(address).unwrap()
}

impl World {
    async fn start(dir: &Path, options: &str) -> Self {
        let data = dir.join("devnet");
        let command = format!(
            "up --json --data-dir {} --l1-port {} --l2-port {} --block-time 100 --challenge-window 2 {options}",
            data.display(),
            free_port(),
            free_port()
        );
        let mut devnet = Process::duplex(&words(&command));
        let bridge = bridge(devnet.deployment().await);
        let key = dev_key(&bridge.deployment, 0);
        Self { file: data.join("deployment.json"), bridge, key, devnet }
    }
}

/// What nobody delivers in time goes back to who sent it, and if the token then refuses, later to whom they say.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn tokens_that_were_given_up_go_back() {
    let dir = tempfile::tempdir().unwrap();
    // Faster blocks would let the time of L1 run ahead of ours, and deadlines with it.
    let world = World::start(dir.path(), "--bridge spv --l1-block-time 1000").await;
    let own = world.key.address();
    let token = world.token("BlacklistToken").await;
    let (before, locked) = (world.on_l1(token, own).await, world.locked(token).await);
    for refuses in [false, true] {
        let options = format!("--token {token} --value 0.25 --to {own} --fee 0 --lifetime 10");
        let id = world.json(&format!("message send {options}")).await["id"].as_str().unwrap().to_owned();
        assert_eq!(world.locked(token).await - locked, U256::from(250_000));
        let early = world.run(&format!("message reclaim {id}")).await;
        early.assert_refused(&["in exodus"]);
        let refund = until("its deadline", || async {
            let refund = world.run(&format!("message expire {id} --json")).await;
            if refund.code != Some(0) {
                tokio::time::sleep(std::time::Duration::from_millis(500)).await;
                return None;
            }
            Some(refund.json()["id"].as_str().unwrap().to_owned())
        })
        .await;
        world.tell(token, setBlockedCall { account: own, isBlocked: refuses }).await;
        let done = world.json(&format!("message deliver {refund}")).await;
        assert_eq!(done["state"], "done", "{done}");
        let status = world.json(&format!("message status {id}")).await;
        assert_eq!((&status["refunded"], &status["tokens"]["takenBack"]), (&true.into(), &(!refuses).into()));
        if refuses {
            world.run(&format!("message reclaim {id}")).await.assert_refused(&["revert"]);
            world.tell(token, setBlockedCall { account: own, isBlocked: false }).await;
            let back = world.json(&format!("message reclaim {id}")).await;
            assert_eq!(back["tokens"]["takenBack"], true, "{back}");
        }
        assert_eq!((world.on_l1(token, own).await, world.locked(token).await), (before, locked));
        let again = world.run(&format!("message reclaim {id}")).await;
        again.assert_refused(&["paid back already"]);
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn awkward_tokens_by_derivation() {
    awkward_tokens_go_there_and_back("derived").await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn awkward_tokens_by_proofs() {
    awkward_tokens_go_there_and_back("spv").await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn awkward_tokens_where_relayers_vouch() {
    awkward_tokens_go_there_and_back("multisig").await;
}

/// Where there is a lane, deposits take it, and withdrawals both it and the derived way.
async fn awkward_tokens_go_there_and_back(kind: &str) {
    let by_lane = kind != "derived";
    let dir = tempfile::tempdir().unwrap();
    let world = World::start(dir.path(), &format!("--bridge {kind} --l1-block-time 200")).await;
    let vault = world.bridge.deployment.contracts.vault;
    let own = world.key.address();

    // 6 digits; a fee for every transfer; nothing returned; names as long as they come.
    let tokens = [
        ("PlainToken", 6, 1_000_000),
        ("FeeToken", 6, 990_000),
        ("NoReturnToken", 18, 1_000_000),
        ("HugeNameToken", 6, 1_000_000),
    ];
    // Where relayers vouch tokens are proved all the same: two show that.
    let count = if kind == "multisig" { 2 } else { tokens.len() };
    for (name, decimals, arrives) in tokens.into_iter().take(count) {
        let token = world.token(name).await;
        world.json(&format!("deposit {} --token {token}", amount(1_000_000, decimals))).await;
        assert_eq!(world.on_l2(token).await, U256::from(arrives), "{name}");
        assert_eq!(world.locked(token).await, U256::from(arrives), "{name}");
        let before = world.on_l1(token, own).await;
        world.json(&format!("withdraw {} --token {token}", amount(500_000, decimals))).await;
        assert_eq!(world.on_l2(token).await, U256::from(arrives - 500_000), "{name}");
        assert_eq!(world.locked(token).await, U256::from(arrives - 500_000), "{name}");
        let received = if name == "FeeToken" { 495_000 } else { 500_000 };
        assert_eq!(world.on_l1(token, own).await - before, U256::from(received), "{name}");
        assert_eq!(world.on_l1(token, vault).await, world.locked(token).await, "{name}");
        if by_lane {
            let before = world.on_l1(token, own).await;
            let value = amount(100_000, decimals);
            let l2 = duplex_contracts::l2_token_address(token);
            let up = format!("message send --from l2 --token {l2} --value {value} --to {own} --wait");
            let report = world.json(&up).await;
            assert_eq!((&report["state"], &report["tokens"]["home"]), (&"done".into(), &text(token)));
            let received = if name == "FeeToken" { 99_000 } else { 100_000 };
            assert_eq!(world.on_l1(token, own).await - before, U256::from(received), "{name}");
            assert_eq!(world.on_l2(token).await, U256::from(arrives - 600_000), "{name}");
            assert_eq!(world.on_l1(token, vault).await, world.locked(token).await, "{name}");
        }
    }

    if kind == "multisig" {
        return;
    }

    // One that answers false and moves nothing: no deposit; a withdrawal waits until it moves again.
    let token = world.token("FalseToken").await;
    world.json(&format!("deposit 1 --token {token}")).await;
    world.tell(token, setRefusesCall { refuses: true }).await;
    world.run(&format!("deposit 1 --token {token}")).await.assert_refused(&["revert"]);
    let started = world.run(&format!("withdraw 0.25 --token {token} --no-wait")).await;
    let hash = started.stdout.trim().to_owned();
    let refused = world.run(&format!("withdraw --resume {hash}")).await;
    refused.assert_refused(&["failed", "duplex withdraw --resume"]);
    assert_eq!(world.locked(token).await, U256::from(1_000_000));
    world.tell(token, setRefusesCall { refuses: false }).await;
    world.json(&format!("withdraw --resume {hash}")).await;
    assert_eq!(world.locked(token).await, U256::from(750_000));

    // One that keeps an account out: the others are not held up.
    let token = world.token("BlacklistToken").await;
    world.json(&format!("deposit 1 --token {token}")).await;
    world.tell(token, setBlockedCall { account: own, isBlocked: true }).await;
    let to = Address::from_slice(&keccak256("somebody else")[12..]);
    world.json(&format!("withdraw 0.5 --token {token} --to {to}")).await;
    assert_eq!(world.on_l1(token, to).await, U256::from(500_000));
    world.run(&format!("withdraw 0.5 --token {token}")).await.assert_refused(&["failed"]);
    assert_eq!(world.locked(token).await, U256::from(500_000));

    // One that calls back into the Vault while it is moved.
    let token = world.token("HookToken").await;
    let l2_token = {
        let call = IVault::l2TokenAddressCall { l1Token: token };
        world.bridge.l1.call(vault, &call).await.unwrap()
    };
    let again = IVault::depositERC20ToCall {
        l1Token: token,
        l2Token: l2_token,
        to: own,
        amount: U256::from(1),
        minGasLimit: 100_000,
        extraData: Bytes::new(),
    };
    world.tell(token, setHookCall { hook: vault, data: again.abi_encode().into() }).await;
    world.json(&format!("deposit 1 --token {token}")).await;
    assert!(!world.bridge.l1.call(token, &hookSucceededCall {}).await.unwrap());
    assert_eq!(
        (world.on_l2(token).await, world.locked(token).await),
        (U256::from(1_000_000), U256::from(1_000_000))
    );

    // One whose balances shrink: who leaves first is paid, the books say what is owed.
    let token = world.token("RebasingToken").await;
    world.json(&format!("deposit {} --token {token}", amount(1_000_000, 18))).await;
    world.tell(token, rebaseCall { percent: U256::from(50) }).await;
    world.json(&format!("withdraw {} --token {token}", amount(400_000, 18))).await;
    assert_eq!(world.locked(token).await, U256::from(600_000));
    assert_eq!(world.on_l1(token, vault).await, U256::from(100_000));
    world.run(&format!("withdraw {} --token {token}", amount(200_000, 18))).await.assert_refused(&["failed"]);
    assert_eq!(world.locked(token).await, U256::from(600_000));
    // ETH and the other tokens go on.
    let report = world.json("deposit 0.5").await;
    assert!(report["l2Transaction"].as_str().is_some(), "{report}");
}
