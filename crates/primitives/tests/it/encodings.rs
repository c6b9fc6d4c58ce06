//! Transactions and receipts are what Ethereum's and the OP Stack's own types say.

use alloy_consensus::{
    EthereumTxEnvelope, ReceiptEnvelope, ReceiptWithBloom, SignableTransaction, TxEip4844, TxLegacy, TxType,
    proofs::ordered_trie_root_with_encoder, transaction::SignerRecoverable,
};
use alloy_eips::eip2718::{Decodable2718, Encodable2718};
use alloy_primitives::{Address, B256, Bytes, Log, Signature, TxKind, U256, address, b256, hex, keccak256};
use alloy_rlp::{Decodable, Encodable};
use duplex_primitives::{
    Header, L1Message, Receipt, Transaction, anchor_deposit, predeploys, receipts_root, transactions_root,
};
use op_alloy_consensus::{OpReceiptEnvelope, OpTxEnvelope};
use proptest::prelude::*;

use crate::strategies::{
    address, bytes, deposit, eip1559, eip2930, eip4844, eip7702, hash, legacy, number, word,
};

/// Checks every encoding of `ours` against a type that others wrote.
fn same<T>(ours: &Transaction) -> Result<(), TestCaseError>
where
    T: Decodable2718 + Encodable2718 + Encodable + Decodable + serde::Serialize + serde::de::DeserializeOwned,
{
    let raw = ours.raw();
    let theirs = T::decode_2718_exact(&raw).unwrap();
    prop_assert_eq!(theirs.encoded_2718(), &raw[..]);
    prop_assert_eq!(theirs.trie_hash(), ours.hash());
    prop_assert_eq!(keccak256(&raw), ours.hash());
    prop_assert_eq!(raw.len(), ours.encode_2718_len());
    prop_assert_eq!(&Transaction::decode_2718_exact(&raw).unwrap(), ours);

    let network = alloy_rlp::encode(ours);
    prop_assert_eq!(&alloy_rlp::encode(&theirs), &network);
    prop_assert_eq!(network.len(), ours.length());
    prop_assert_eq!(&Transaction::decode(&mut &network[..]).unwrap(), ours);

    let json = serde_json::to_value(ours).unwrap();
    prop_assert_eq!(&serde_json::to_value(&theirs).unwrap(), &json);
    prop_assert_eq!(&serde_json::from_value::<Transaction>(json.clone()).unwrap(), ours);
    prop_assert_eq!(serde_json::from_value::<T>(json).unwrap().encoded_2718(), raw);
    Ok(())
}

fn topics() -> impl Strategy<Value = Vec<B256>> {
    prop::collection::vec(hash(), 0..5)
}

fn receipt() -> impl Strategy<Value = Receipt> {
    let log = (address(), topics(), bytes())
        .prop_map(|(address, topics, data)| Log::new_unchecked(address, topics, data));
    let kind = prop::sample::select(vec![0u8, 1, 2, 4, 0x7e]);
    (kind, any::<bool>(), number(), prop::collection::vec(log, 0..4), 0..u64::MAX).prop_map(
        |(tx_type, success, cumulative_gas_used, logs, nonce)| Receipt {
            tx_type,
            success,
            cumulative_gas_used,
            logs,
            deposit_nonce: (tx_type == 0x7e).then_some(nonce),
        },
    )
}

fn op_receipt(receipt: &Receipt) -> OpReceiptEnvelope {
    OpReceiptEnvelope::from_parts(
        receipt.success,
        receipt.cumulative_gas_used,
        &receipt.logs,
        receipt.tx_type.try_into().unwrap(),
        receipt.deposit_nonce,
        receipt.deposit_nonce.map(|_| 1),
    )
}

fn eth_receipt(receipt: &Receipt) -> ReceiptEnvelope {
    let inner = alloy_consensus::Receipt {
        status: receipt.success.into(),
        cumulative_gas_used: receipt.cumulative_gas_used,
        logs: receipt.logs.clone(),
    };
    let with_bloom = ReceiptWithBloom { logs_bloom: receipt.bloom(), receipt: inner };
    ReceiptEnvelope::from_typed(TxType::try_from(receipt.tx_type).unwrap(), with_bloom)
}

proptest! {
    #[test]
    fn l2_transactions_are_op_alloys(
        transaction in prop_oneof![legacy(), eip2930(), eip1559(), eip7702(), deposit()],
    ) {
        same::<OpTxEnvelope>(&transaction)?;
    }

    #[test]
    fn l1_transactions_are_alloys(
        transaction in prop_oneof![legacy(), eip2930(), eip1559(), eip4844(), eip7702()],
    ) {
        same::<EthereumTxEnvelope<TxEip4844>>(&transaction)?;
    }

    #[test]
    fn transactions_root_is_over_the_raw_bytes(list in prop::collection::vec(prop_oneof![legacy(), eip1559(), deposit()], 0..8)) {
        let raw: Vec<Vec<u8>> = list.iter().map(Transaction::raw).collect();
        let expected = ordered_trie_root_with_encoder(&raw, |bytes, out| out.extend_from_slice(bytes));
        prop_assert_eq!(transactions_root(&list), expected);
    }

    #[test]
    fn l2_receipts_are_op_alloys(list in prop::collection::vec(receipt(), 0..6)) {
        for receipt in &list {
            prop_assert_eq!(receipt.encoded_2718(), op_receipt(receipt).encoded_2718());
            prop_assert_eq!(receipt.encode_2718_len(), receipt.encoded_2718().len());
        }
        let theirs: Vec<_> = list.iter().map(op_receipt).collect();
        let expected = ordered_trie_root_with_encoder(&theirs, |receipt, out| receipt.encode_2718(out));
        prop_assert_eq!(receipts_root(&list), expected);
    }

    #[test]
    fn l1_receipts_are_alloys(mut receipt in receipt(), blob in any::<bool>()) {
        if receipt.deposit_nonce.take().is_some() {
            receipt.tx_type = 3 * u8::from(blob);
        }
        prop_assert_eq!(receipt.encoded_2718(), eth_receipt(&receipt).encoded_2718());
        prop_assert_eq!(receipt.encode_2718_len(), receipt.encoded_2718().len());
    }

    #[test]
    fn stored_receipts_come_back(receipt in receipt()) {
        let stored = alloy_rlp::encode(&receipt);
        prop_assert_eq!(Receipt::decode(&mut &stored[..]).unwrap(), receipt);
    }

    /// The deposit that delivers a message says what the message says.
    #[test]
    fn messages_become_deposits(
        (from, target, accumulator) in (address(), address(), hash()),
        (mint, value, gas_limit, data) in (any::<u128>(), word(), number(), bytes()),
    ) {
        let message = L1Message {
            index: 3, from, target, mint: U256::from(mint), value, gas_limit, data: data.clone(), l1_block: 9, accumulator,
        };
        let transaction = message.to_deposit();
        let deposit = transaction.as_deposit().unwrap();
        let source = keccak256([B256::ZERO.as_slice(), accumulator.as_slice()].concat());
        prop_assert_eq!(deposit.source_hash, source);
        prop_assert_eq!((deposit.from, deposit.to), (from, TxKind::Call(target)));
        prop_assert_eq!((deposit.mint, deposit.value, deposit.gas_limit), (mint, value, gas_limit));
        prop_assert_eq!(&deposit.input, &data);
        prop_assert!(!deposit.is_system_transaction);
        prop_assert_eq!(transaction.sender(), Some(from));
    }

    /// The anchor update calls the `L1Block` contract as its ABI says, and has a source hash that
    /// no message can have.
    #[test]
    fn anchor_deposits_call_the_contract(
        (number, timestamp, base_fee) in (any::<u64>(), any::<u64>(), any::<u64>()),
        (anchor_hash, block, blob_fee) in (hash(), any::<u64>(), any::<u128>()),
    ) {
        let anchor = Header { number, timestamp, base_fee_per_gas: Some(base_fee), ..Default::default() };
        let transaction = anchor_deposit(&anchor, anchor_hash, block, blob_fee);
        let deposit = transaction.as_deposit().unwrap();
        prop_assert_eq!(deposit.from, predeploys::DEPOSITOR);
        prop_assert_eq!(deposit.to, TxKind::Call(predeploys::L1_BLOCK));
        prop_assert_eq!((deposit.mint, deposit.value), (0, U256::ZERO));

        let inner = keccak256([anchor_hash.as_slice(), U256::from(block).to_be_bytes::<32>().as_slice()].concat());
        let outer = keccak256([U256::from(1).to_be_bytes::<32>().as_slice(), inner.as_slice()].concat());
        prop_assert_eq!(deposit.source_hash, outer);

        let arguments =
            [U256::from(number), U256::from(timestamp), U256::from(base_fee), anchor_hash.into(), U256::from(blob_fee)];
        let mut input = set_anchor_selector().to_vec();
        input.extend(arguments.iter().flat_map(|word| word.to_be_bytes::<32>()));
        prop_assert_eq!(&deposit.input[..], &input[..]);
    }
}

/// The selector of `L1Block.setAnchor`, from the compiled contract.
fn set_anchor_selector() -> [u8; 4] {
    let path = concat!(env!("CARGO_MANIFEST_DIR"), "/../../contracts/artifacts/L1Block.json");
    let artifact: serde_json::Value = serde_json::from_slice(&std::fs::read(path).unwrap()).unwrap();
    let entry =
        artifact["abi"].as_array().unwrap().iter().find(|entry| entry["name"] == "setAnchor").unwrap();
    let types: Vec<&str> =
        entry["inputs"].as_array().unwrap().iter().map(|input| input["type"].as_str().unwrap()).collect();
    assert_eq!(types, ["uint64", "uint64", "uint256", "bytes32", "uint256"]);
    keccak256(format!("setAnchor({})", types.join(",")))[..4].try_into().unwrap()
}

/// The example of EIP-155.
fn example() -> Transaction {
    let raw = hex!(
        "f86c098504a817c800825208943535353535353535353535353535353535353535880de0b6b3a76400008025a0"
        "28ef61340bd939bc2195fe537567866003e1a15d3c71ff63e1590620aa636276a0"
        "67cbe9d8997f761aecb703304b3800ccf555c9f3dc64214b297fb1966a3b6d83"
    );
    Transaction::decode_2718_exact(&raw).unwrap()
}

#[test]
fn senders_are_recovered() {
    let transaction = example();
    assert_eq!(transaction.sender(), Some(address!("9d8A62f656a8d1615C1294fd71e9CFb3E4855A4F")));
    assert_eq!(transaction.hash(), b256!("33469b22e9f636356c4160a87eb19df52b7412e8eac32a4a55ffe88ea8350788"));
}

/// The other root of the same signature recovers to the same key, and is refused (EIP-2).
#[test]
fn high_s_is_refused() {
    let Transaction::Ethereum(EthereumTxEnvelope::Legacy(signed)) = example() else { panic!("legacy") };
    let order =
        U256::from_be_slice(&hex!("fffffffffffffffffffffffffffffffebaaedce6af48a03bbfd25e8cd0364141"));
    let good = *signed.signature();
    let other = Signature::new(good.r(), order - good.s(), !good.v());
    let malleated = signed.tx().clone().into_signed(other);
    assert_eq!(malleated.recover_signer_unchecked().ok(), example().sender());
    assert_eq!(Transaction::from(malleated).sender(), None);
}

#[test]
fn impossible_signatures_have_no_sender() {
    let legacy = || TxLegacy { chain_id: Some(1), ..Default::default() };
    for (r, s) in [(U256::ZERO, U256::ZERO), (U256::MAX, U256::from(1)), (U256::from(1), U256::ZERO)] {
        let transaction: Transaction = legacy().into_signed(Signature::new(r, s, false)).into();
        assert_eq!(transaction.sender(), None);
    }
}

/// A deposit names its sender; nobody signs it.
#[test]
fn deposit_receipts_need_their_nonce() {
    let with = |deposit_nonce| Receipt { tx_type: 0x7e, success: true, deposit_nonce, ..Default::default() };
    assert_ne!(with(Some(0)).encoded_2718(), with(None).encoded_2718());
    for receipt in [with(Some(0)), with(None)] {
        let stored = alloy_rlp::encode(&receipt);
        assert_eq!(Receipt::decode(&mut &stored[..]).unwrap(), receipt);
    }
}

/// A mint that no chain can back is cut, so that the transaction still exists.
#[test]
fn mints_beyond_128_bits_are_cut() {
    let message = L1Message {
        index: 0,
        from: Address::ZERO,
        target: Address::ZERO,
        mint: U256::MAX,
        value: U256::MAX,
        gas_limit: 21_000,
        data: Bytes::new(),
        l1_block: 0,
        accumulator: B256::ZERO,
    };
    assert_eq!(message.to_deposit().as_deposit().unwrap().mint, u128::MAX);
}
