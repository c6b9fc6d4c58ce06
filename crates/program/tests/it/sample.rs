//! The sample: two batches that a committed proof is of, and that the contracts' tests post, claim, prove and withdraw from
//! (`contracts/test/validity-sample.json`). `DUPLEX_SAMPLE=DIR` writes it there, with its bundle.

use std::path::Path;

use alloy_primitives::{Address, B256, Bytes, TxKind, U256, hex, keccak256};
use alloy_sol_types::{SolCall, SolValue, sol};
use duplex_primitives::{OutputRoot, Withdrawal, predeploys};
use duplex_program::{RangeStatement, host::bundle};

use crate::world::{PROVER, Place, Plan, World, signer};

sol! {
    function initiateWithdrawal(address target, uint256 gasLimit, bytes data) external payable returns (bytes32);
    function deposit() external payable;
}

const COMMITTED: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/../../contracts/test/validity-sample.json");
const PROOF: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/../../contracts/test/validity-proof.json");

/// What `DEPOSIT` of ETH into WETH, and the withdrawal, are worth.
const WRAPPED: u64 = 3_000;
const WITHDRAWN: u64 = 5_000;

struct Sample {
    world: World,
    data: [Bytes; 2],
    withdrawal: Withdrawal,
}

/// Transfers, a contract call and a withdrawal in three blocks of two batches.
fn sample() -> Sample {
    let mut world = World::new(2, &[]);
    let to = Address::repeat_byte(9);
    let transfer = |world: &World, index| world.call(index, to.into(), 5, 21_000, Bytes::new());
    let mut data = [Bytes::new(), Bytes::new()];

    let wrap = depositCall {}.abi_encode().into();
    let wrap = world.call(1, TxKind::Call(predeploys::WETH), WRAPPED, 100_000, wrap);
    let plans = [
        Plan { seconds: 12, anchors: 1, messages: 0, transactions: vec![transfer(&world, 0), wrap] },
        Plan { seconds: 12, anchors: 0, messages: 0, transactions: vec![transfer(&world, 0)] },
    ];
    world.post_as(&plans, Place::Calldata, |bytes| data[0] = bytes.clone().into());

    let withdrawal = Withdrawal {
        nonce: U256::from(1) << 240,
        sender: signer(1).address(),
        target: Address::repeat_byte(0xb0),
        value: U256::from(WITHDRAWN),
        gasLimit: U256::from(50_000),
        data: Bytes::new(),
    };
    let call = initiateWithdrawalCall {
        target: withdrawal.target,
        gasLimit: withdrawal.gasLimit,
        data: withdrawal.data.clone(),
    };
    let call = call.abi_encode().into();
    let withdraw = world.call(1, TxKind::Call(predeploys::MESSAGE_PASSER), WITHDRAWN, 300_000, call);
    let plans =
        [Plan { seconds: 12, anchors: 1, messages: 0, transactions: vec![withdraw, transfer(&world, 0)] }];
    world.post_as(&plans, Place::Calldata, |bytes| data[1] = bytes.clone().into());
    assert_eq!(
        (world.transactions(1), world.transactions(3)),
        (3, 3),
        "an anchor's transaction and two more"
    );
    Sample { world, data, withdrawal }
}

impl Sample {
    fn statement(&self) -> RangeStatement {
        self.world.range(1..=2)
    }

    fn bundle(&self) -> Vec<u8> {
        let statement = self.statement();
        let (witness, output) = self.world.range_witness(&statement);
        assert_eq!(output, statement.output);
        bundle(&statement, &[witness]).unwrap()
    }

    /// For the contracts' tests, in ABI encoding.
    fn to_json(&self) -> String {
        let world = &self.world;
        let head = world.chain.header(3).unwrap().unwrap();
        let output = OutputRoot::of(&head, head.hash_slow());
        let proof = world.chain.state_at(3).unwrap().unwrap();
        let slot = U256::from_be_bytes(self.withdrawal.storage_slot().0);
        let proof = proof.prove(predeploys::MESSAGE_PASSER, &[slot]).unwrap();
        assert_eq!(proof.storage[0].value, U256::from(1), "it was sent");
        let outputs: Vec<B256> = (1..=3).map(|number| world.output(number)).collect();
        let text = |bytes: Vec<u8>| hex::encode_prefixed(bytes);
        let parts = [
            ("configHash", world.config.hash().to_string()),
            ("genesisOutput", world.output(0).to_string()),
            ("prover", PROVER.to_string()),
            ("statement", self.statement().hash().to_string()),
            ("genesis", text(world.batches[0].abi_encode())),
            ("first", text(world.batches[1].abi_encode())),
            ("last", text(world.batches[2].abi_encode())),
            ("firstData", self.data[0].to_string()),
            ("lastData", self.data[1].to_string()),
            ("outputs", text(outputs.abi_encode())),
            ("withdrawal", text(self.withdrawal.abi_encode())),
            ("output", text(output.encode().to_vec())),
            ("proof", text(proof.storage[0].proof.abi_encode())),
        ];
        let lines: Vec<String> =
            parts.iter().map(|(name, value)| format!("  \"{name}\": \"{value}\"")).collect();
        format!("{{\n{}\n}}\n", lines.join(",\n"))
    }
}

/// A value of one of the committed files, which are flat.
fn value<'a>(json: &'a str, name: &str) -> &'a str {
    let at = json.find(&format!("\"{name}\"")).unwrap_or_else(|| panic!("no {name}")) + name.len() + 2;
    json[at..].split('"').nth(1).unwrap()
}

#[test]
fn the_committed_sample_is_what_the_chain_makes_of_it() {
    let sample = sample();
    sample.world.check_ranges();
    if let Some(dir) = std::env::var_os("DUPLEX_SAMPLE") {
        std::fs::write(Path::new(&dir).join("sample.json"), sample.to_json()).unwrap();
        std::fs::write(Path::new(&dir).join("sample.bundle"), sample.bundle()).unwrap();
        return;
    }
    let again = "the rules have changed: `cargo xtask validity --prove` makes a new sample and proof";
    assert_eq!(std::fs::read_to_string(COMMITTED).unwrap(), sample.to_json(), "{again}");
    let proof = std::fs::read_to_string(PROOF).unwrap();
    assert_eq!(value(&proof, "statement"), sample.statement().hash().to_string(), "{again}");
    // The sample is what the contracts' tests think it is.
    assert_eq!(sample.world.balance(Address::repeat_byte(9)), U256::from(15));
    assert_eq!(sample.world.balance(predeploys::WETH), U256::from(WRAPPED));
    assert_ne!(keccak256(&sample.data[0]), keccak256(&sample.data[1]));
}
