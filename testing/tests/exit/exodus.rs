//! Nobody is left to claim.

use alloy_primitives::{Bytes, U256, hex};
use alloy_signer_local::PrivateKeySigner;
use alloy_sol_types::SolCall;
use duplex_bridge::{Asset, Quiet, send_transaction};
use duplex_contracts::bindings::{IERC20, IMessageQueue, IVault};
use duplex_l1::{Rpc, TxReceipt};
use duplex_testing::{
    devnet::{Dice, Process, until},
    load::{dev_key, fresh},
    truth::sync_status,
};
use serde_json::Value;

use crate::world::{ETH, Expected, World, embedded, everyone_is_gone, on_l2, posted, use_it};

/// Moves L1's clock.
async fn later(l1: &Rpc, seconds: u64) {
    let _: Value = l1.request("evm_increaseTime", (seconds,)).await.unwrap();
    let _: Value = l1.request("evm_mine", ()).await.unwrap();
}

async fn pay_vault(world: &World, key: &PrivateKeySigner, wei: U256, call: impl SolCall) -> TxReceipt {
    let vault = world.deployment.contracts.vault;
    send_transaction(&world.rpc(), key, Some(vault), wei, call.abi_encode().into()).await.unwrap().receipt
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_exodus_pays_everyone_once() {
    let mut dice = Dice::seeded(73);
    let dir = tempfile::tempdir().unwrap();
    let (devnet, whole) = embedded(&dir).await;
    let home = use_it(&whole, 6, &mut dice).await;
    posted(&whole).await;
    until("everything to be final", || async {
        let status = sync_status(&whole.l2).await.ok()?;
        (status.finalized == status.r#unsafe).then_some(())
    })
    .await;
    let owned = on_l2(&whole, dev_key(&whole.deployment, 6).address()).await;
    let world = everyone_is_gone(dir, devnet, &whole).await;
    let (l1, key) = (world.rpc(), |index: usize| hex::encode(world.key(index).to_bytes()));

    // Deposits that L2 will never take.
    let (late, uni) = (world.key(7), world.deployment.token("UNI").unwrap().clone());
    let extra = Bytes::new();
    let wei = U256::from(12_345);
    let eth = IVault::depositETHToCall { to: fresh(&mut dice), minGasLimit: 0, extraData: extra.clone() };
    pay_vault(&world, &late, wei, eth).await;
    let approve = IERC20::approveCall { spender: world.deployment.contracts.vault, value: wei };
    send_transaction(&l1, &late, Some(uni.l1), U256::ZERO, approve.abi_encode().into()).await.unwrap();
    let tokens = IVault::depositERC20ToCall {
        l1Token: uni.l1,
        l2Token: uni.l2,
        to: fresh(&mut dice),
        amount: wei,
        minGasLimit: 0,
        extraData: extra,
    };
    pay_vault(&world, &late, U256::ZERO, tokens).await;
    let forced = Process::run(&world.command(&format!(
        "force --json --l1-key {} --to {} --value 1 --mint 0.5",
        key(7),
        fresh(&mut dice)
    )))
    .await
    .json();
    assert_eq!(forced["forced"]["message"]["index"].as_u64(), Some(message_count(&world).await - 1));
    let expected = Expected::note(&world, owned, world.key(6).address()).await;
    let refunds = (U256::from(12_345 + ETH / 2), wei);
    let refunded = Expected::note(&world, refunds, late.address()).await;

    let early = Process::run(&world.command(&format!("exodus start --key {}", key(5)))).await;
    early.assert_refused(&["can be started in"]);
    let claim = |index: usize| {
        world.command(&format!(
            "exodus claim --json --key {} --data-dir {}",
            key(index),
            world.path(&format!("exodus{index}")).display()
        ))
    };
    Process::run(&claim(6)).await.assert_refused(&["is not in exodus"]);
    later(&l1, 400).await;
    let status = Process::run(&world.command("exodus status --json")).await.json();
    assert_eq!(status["started"], false, "{status}");
    assert!(status["now"].as_u64() > status["opensAt"].as_u64(), "{status}");
    let started = Process::run(&world.command(&format!("exodus start --json --key {}", key(5)))).await.json();
    assert_eq!(started["started"], true, "{started}");

    for _ in 0..2 {
        for (index, count) in [(6, 4), (7, 3)] {
            let report = Process::run(&claim(index)).await.json();
            let rows = report["exodus"].as_array().unwrap();
            // Account 7 has its genesis balance, too.
            assert_eq!(rows.len(), if index == 7 { count + 1 } else { count }, "{report:#}");
            assert!(rows.iter().all(|row| row["paid"] == true), "{report:#}");
        }
    }
    expected.check(&world).await;
    assert_eq!(l1.balance(home).await.unwrap(), U256::from(ETH / 10 * 3));
    let genesis = Expected { eth: (refunded.eth.0, refunded.eth.1 + U256::from(100 * ETH)), ..refunded };
    genesis.check(&world).await;

    // `exit` goes the same way, and there is nothing left for it.
    let report = Process::run(&world.exit(6, "exodus6")).await.json();
    assert!(
        report["exodus"].as_array().unwrap().iter().all(|row| row["outcome"] == "was paid before"),
        "{report:#}"
    );
    let locked = l1.call(world.deployment.contracts.vault, &IVault::lockedETHCall {}).await.unwrap();
    assert_eq!(l1.balance(world.deployment.contracts.vault).await.unwrap(), locked);
    let refused = world.l1_only().deposit(&late, &Asset::Eth, late.address(), wei, &Quiet).await;
    assert!(refused.is_err(), "no deposits in exodus: {refused:?}");
}

async fn message_count(world: &World) -> u64 {
    world.rpc().call(world.deployment.contracts.message_queue, &IMessageQueue::countCall {}).await.unwrap()
}
