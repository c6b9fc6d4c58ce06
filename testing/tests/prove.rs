//! `duplex prove` against chains that run, and the contract that reads the same proofs on them.

use std::path::Path;

use alloy_consensus::{SignableTransaction, TxEip1559, TxEip2930, TxEip7702, TxLegacy};
use alloy_eips::{eip2718::Encodable2718, eip7702::Authorization};
use alloy_primitives::{Address, B256, Bytes, Signature, U256, keccak256};
use alloy_signer::SignerSync;
use alloy_signer_local::PrivateKeySigner;
use duplex_bridge::send_transaction;
use duplex_contracts::{artifact, bindings::IProofReader};
use duplex_l1::{Rpc, TxReceipt};
use duplex_primitives::{Transaction, predeploys};
use duplex_spv::{ItemProof, Proof, StorageProof};
use duplex_testing::{
    devnet::{Finished, Process, anvil_bin, free_port, say, until, words},
    load::dev_key,
};
use serde_json::Value;

/// The first development account, on anvil and here.
const KEY: &str = "0xac0974bec39a17e36ba4a6b4d238ff944bacb478cbed5efcae784d7bf4f2ff80";
const GAS: u64 = 200_000;
const PRICE: u128 = 20_000_000_000;

/// A chain with a contract that has events, and with `ProofReader`.
struct Chain {
    rpc: Rpc,
    key: PrivateKeySigner,
    weth: Address,
    reader: Address,
}

impl Chain {
    async fn new(url: &str) -> Self {
        let rpc = Rpc::new(url).unwrap();
        let key: PrivateKeySigner = KEY.parse().unwrap();
        let mut made = Vec::new();
        for name in ["WETH9", "ProofReader"] {
            let sent = send_transaction(&rpc, &key, None, U256::ZERO, artifact(name).bytecode.clone()).await;
            made.push(sent.unwrap().receipt.contract_address.unwrap());
        }
        Self { rpc, key, weth: made[0], reader: made[1] }
    }

    async fn send(&self, tx: impl SignableTransaction<Signature> + Into<Kind>) -> TxReceipt {
        let signature = self.key.sign_hash_sync(&tx.signature_hash()).unwrap();
        let raw = tx.into().signed(signature);
        let hash = self.rpc.send_raw(&raw).await.unwrap();
        let receipt = until("the receipt", || async { self.rpc.receipt(hash).await.unwrap() }).await;
        assert!(receipt.is_success());
        receipt
    }

    /// A transaction of each type that every chain takes, each with an event.
    async fn all_types(&self) -> Vec<TxReceipt> {
        let chain_id = self.rpc.chain_id().await.unwrap();
        let first = self.rpc.nonce(self.key.address(), true).await.unwrap();
        let (to, value) = (self.weth.into(), U256::from(5));
        let input = Bytes::copy_from_slice(&keccak256("deposit()")[..4]);
        let legacy = TxLegacy {
            chain_id: Some(chain_id),
            nonce: first,
            gas_price: PRICE,
            gas_limit: GAS,
            to,
            value,
            input: input.clone(),
        };
        let listed = TxEip2930 {
            chain_id,
            nonce: first + 1,
            gas_price: PRICE,
            gas_limit: GAS,
            to,
            value,
            access_list: Default::default(),
            input: input.clone(),
        };
        let usual = TxEip1559 {
            chain_id,
            nonce: first + 2,
            gas_limit: GAS,
            max_fee_per_gas: PRICE,
            max_priority_fee_per_gas: 1,
            to,
            value,
            access_list: Default::default(),
            input: input.clone(),
        };
        // Its own signer may delegate: the nonce is that after the transaction.
        let grant = Authorization { chain_id: U256::from(chain_id), address: self.reader, nonce: first + 4 };
        let signature = self.key.sign_hash_sync(&grant.signature_hash()).unwrap();
        let delegating = TxEip7702 {
            chain_id,
            nonce: first + 3,
            gas_limit: GAS,
            max_fee_per_gas: PRICE,
            max_priority_fee_per_gas: 1,
            to: self.weth,
            value,
            access_list: Default::default(),
            authorization_list: vec![grant.into_signed(signature)],
            input,
        };
        vec![
            self.send(legacy).await,
            self.send(listed).await,
            self.send(usual).await,
            self.send(delegating).await,
        ]
    }

    /// Proves a transaction and its receipt by the command, and has the contract read both.
    async fn proves(&self, dir: &Path, receipt: &TxReceipt) {
        let (hash, url) = (receipt.transaction_hash, self.rpc.url());
        let (header, index, proof) = match self.proof(dir, &format!("transaction {hash}")).await {
            Proof::Transaction(ItemProof { header, index, proof, value }) => {
                assert_eq!(keccak256(&value), hash);
                (header, U256::from(index), proof)
            }
            other => panic!("{other:?}"),
        };
        let call = IProofReader::transactionCall { header, index, proof };
        let said = self.rpc.call(self.reader, &call).await.unwrap();
        assert_eq!((said.blockHash, keccak256(&said.raw)), (receipt.block_hash, hash));

        let file = dir.join("proof.json").display().to_string();
        let Proof::Receipt(ItemProof { header, proof, .. }) =
            self.proof(dir, &format!("receipt {hash}")).await
        else {
            panic!("no receipt")
        };
        for (i, log) in receipt.logs.iter().enumerate() {
            let call = IProofReader::logCall {
                header: header.clone(),
                index,
                proof: proof.clone(),
                logIndex: U256::from(i),
            };
            let said = self.rpc.call(self.reader, &call).await.unwrap();
            assert!(said.success);
            assert_eq!((said.blockHash, said.emitter), (receipt.block_hash, log.address()));
            assert_eq!((said.topics, said.data), (log.topics().to_vec(), log.data().data.clone()));
        }
        // Checked again, against the node, against a hash, and against another one.
        let checked = run(&format!("prove check {file} --rpc {url} --json")).await.json();
        assert_eq!(checked["blockHash"], receipt.block_hash.to_string());
        run(&format!("prove check {file} --block-hash {} --json", receipt.block_hash)).await.json();
        run(&format!("prove check {file} --block-hash {hash}"))
            .await
            .assert_refused(&[&receipt.block_hash.to_string()]);
    }

    /// Proves by the command, and reads what it wrote.
    async fn proof(&self, dir: &Path, what: &str) -> Proof {
        let file = dir.join("proof.json").display().to_string();
        let said = run(&format!("prove {what} --rpc {} --out {file} --json", self.rpc.url())).await.json();
        assert_eq!(said["file"], file);
        serde_json::from_slice(&std::fs::read(&file).unwrap()).unwrap()
    }

    /// Proves slots of an account, and compares with what the node says without proof.
    async fn proves_slots(&self, dir: &Path, address: Address, slots: &[u64]) -> Vec<U256> {
        let list: Vec<_> = slots.iter().map(ToString::to_string).collect();
        let proof = self.proof(dir, &format!("storage {address} {}", list.join(" "))).await;
        let proven = proof.check().unwrap();
        let Proof::Storage(StorageProof { header, account, account_proof, slots: shown, .. }) = proof else {
            panic!("no storage")
        };
        let code = self.rpc.code(address).await.unwrap();
        assert_eq!(account.map(|account| account.code_hash), (!code.is_empty()).then(|| keccak256(&code)));
        let mut values = Vec::new();
        for slot in shown {
            let at = format!("{:#x}", proven.block_number);
            let said: U256 = self.rpc.request("eth_getStorageAt", (address, slot.slot, at)).await.unwrap();
            assert_eq!(slot.value, said);
            values.push(slot.value);
            let call = IProofReader::slotCall {
                header: header.clone(),
                account: address,
                key: slot.slot,
                accountProof: account_proof.clone(),
                slotProof: slot.proof,
            };
            match self.rpc.call(self.reader, &call).await {
                Ok(said) => assert_eq!((said.blockHash, said.value), (proven.block_hash, slot.value)),
                Err(_) => assert!(slot.value.is_zero(), "only what is there can be shown"),
            }
        }
        values
    }

    async fn refuses(&self, dir: &Path) {
        let url = self.rpc.url();
        let unknown = B256::repeat_byte(7);
        run(&format!("prove receipt {unknown} --rpc {url}")).await.assert_refused(&[&unknown.to_string()]);
        run(&format!("prove receipt 5 --rpc {url}")).await.assert_refused(&["\"5\"", "--block-file"]);
        let far = format!("prove storage {} 0 --block 99999999 --rpc {url}", self.weth);
        run(&far).await.assert_refused(&["99999999"]);
        let text = dir.join("text.json").display().to_string();
        std::fs::write(&text, "no proof").unwrap();
        run(&format!("prove check {text}")).await.assert_refused(&[&text, "duplex prove"]);
        run(&format!("prove receipt 0 --block-file {text}")).await.assert_refused(&[&text, "header"]);
        // A byte that was changed on the way.
        let file = dir.join("proof.json").display().to_string();
        let mut proof: Value = serde_json::from_slice(&std::fs::read(&file).unwrap()).unwrap();
        let header = proof["header"].as_str().unwrap().replacen("a0", "a1", 1);
        proof["header"] = header.into();
        std::fs::write(&text, proof.to_string()).unwrap();
        run(&format!("prove check {text}")).await.assert_refused(&["proves nothing"]);
    }
}

/// A transaction of one of the types.
enum Kind {
    Legacy(TxLegacy),
    Listed(TxEip2930),
    Usual(TxEip1559),
    Delegating(TxEip7702),
}

macro_rules! kinds {
    ($($kind:ident: $tx:ty),*) => {
        $(impl From<$tx> for Kind {
            fn from(tx: $tx) -> Self {
                Self::$kind(tx)
            }
        })*

        impl Kind {
            fn signed(self, signature: Signature) -> Bytes {
                let tx: Transaction = match self {
                    $(Self::$kind(tx) => tx.into_signed(signature).into()),*
                };
                tx.encoded_2718().into()
            }
        }
    };
}

kinds!(Legacy: TxLegacy, Listed: TxEip2930, Usual: TxEip1559, Delegating: TxEip7702);

async fn run(command: &str) -> Finished {
    Process::run(&words(command)).await
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn both_layers_are_proved() {
    let dir = tempfile::tempdir().unwrap();
    let mut devnet = Process::duplex(&words(&format!(
        "up --json --data-dir {} --l1-port 0 --l2-port 0 --block-time 100 --l1-block-time 200",
        dir.path().join("devnet").display()
    )));
    let deployment = devnet.deployment().await;
    for url in [&deployment.l1_rpc, &deployment.l2_rpc] {
        let chain = Chain::new(url).await;
        for receipt in chain.all_types().await {
            chain.proves(dir.path(), &receipt).await;
        }
        chain.refuses(dir.path()).await;
        chain.proves_slots(dir.path(), Address::repeat_byte(0xdd), &[0]).await;
        chain.proves_slots(dir.path(), chain.weth, &[0, 1, 2]).await;
    }
    // What only a rollup has: deposits, and an L1 block's hash in a slot.
    let chain = Chain::new(&deployment.l2_rpc).await;
    let (user, l1) = (dev_key(&deployment, 1), Rpc::new(&deployment.l1_rpc).unwrap());
    let bridge = duplex_testing::devnet::bridge(deployment.clone());
    let asset = duplex_bridge::Asset::Eth;
    let to = Address::repeat_byte(9);
    let report = bridge.deposit(&user, &asset, to, U256::from(3), &duplex_bridge::Quiet).await.unwrap();
    let receipt = chain.rpc.receipt(report.l2_transaction).await.unwrap().unwrap();
    chain.proves(dir.path(), &receipt).await;
    let slots = chain.proves_slots(dir.path(), predeploys::L1_BLOCK, &[0, 2, 5]).await;
    let number = slots[0] & U256::from(u64::MAX);
    let anchor = l1.header(number.to()).await.unwrap().unwrap();
    assert_eq!(slots[1], U256::from_be_bytes(anchor.hash.0));
    assert_eq!(slots[2], U256::ZERO);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn anvil_is_proved() {
    let Some(anvil) = anvil_bin() else {
        return say("skipped: no anvil on PATH or in DUPLEX_ANVIL");
    };
    let dir = tempfile::tempdir().unwrap();
    let port = free_port();
    let mut l1 = Process::start(&anvil, &words(&format!("--port {port} --silent")));
    let url = format!("http://127.0.0.1:{port}");
    l1.answers(&url).await;
    let chain = Chain::new(&url).await;
    for receipt in chain.all_types().await {
        chain.proves(dir.path(), &receipt).await;
    }
    chain.refuses(dir.path()).await;
    chain.proves_slots(dir.path(), Address::repeat_byte(0xdd), &[0]).await;
    chain.proves_slots(dir.path(), chain.weth, &[0, 1, 2]).await;
}
