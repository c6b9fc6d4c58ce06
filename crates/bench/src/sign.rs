//! Signing everything beforehand, down to the bytes of the HTTP bodies.

use crate::keys;
use crate::load::Recipients;
use crate::plan::{Plan, Slot};
use crate::token::transfer_call;
use crate::{BenchError, Progress};
use alloy_consensus::{SignableTransaction, TxEip1559};
use alloy_eips::eip2718::Encodable2718;
use alloy_primitives::{Address, B256, Bytes, TxKind, U256, hex};
use alloy_signer::SignerSync;
use alloy_signer_local::PrivateKeySigner;
use core::ops::Range;
use rayon::prelude::*;

/// Transactions between two reports of progress.
const STRIDE: usize = 8_192;

/// Fees and limits that every transaction of a load shares.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Terms {
    pub(crate) chain_id: u64,
    pub(crate) max_fee_per_gas: u128,
    pub(crate) max_priority_fee_per_gas: u128,
    pub(crate) gas_limit: u64,
}

impl Terms {
    /// Signs one transaction; returns its EIP-2718 bytes and its hash.
    pub(crate) fn sign(
        &self,
        signer: &PrivateKeySigner,
        nonce: u64,
        to: TxKind,
        value: U256,
        input: Bytes,
    ) -> Result<(Vec<u8>, B256), BenchError> {
        let transaction = TxEip1559 {
            chain_id: self.chain_id,
            nonce,
            gas_limit: self.gas_limit,
            max_fee_per_gas: self.max_fee_per_gas,
            max_priority_fee_per_gas: self.max_priority_fee_per_gas,
            to,
            value,
            input,
            access_list: Default::default(),
        };
        let signature = signer.sign_hash_sync(&transaction.signature_hash())?;
        let signed = transaction.into_signed(signature);
        Ok((signed.encoded_2718(), *signed.hash()))
    }
}

/// What the transactions of a load do.
#[derive(Debug)]
pub(crate) struct Workload {
    pub(crate) terms: Terms,
    pub(crate) senders: Vec<PrivateKeySigner>,
    pub(crate) token: Option<Address>,
    pub(crate) recipients: Recipients,
    pub(crate) seed: B256,
    pub(crate) run_nonce: u64,
}

impl Workload {
    fn recipient(&self, number: u32, slot: Slot) -> Address {
        match self.recipients {
            Recipients::Fresh => keys::fresh_recipient(self.seed, self.run_nonce, u64::from(number)),
            // Another account each time, so that pairs do not repeat for as long as possible.
            Recipients::Senders => {
                let count = self.senders.len() as u32;
                let step = 1 + slot.nonce % (count - 1).max(1);
                self.senders[((slot.account + step) % count) as usize].address()
            }
        }
    }

    fn transaction(&self, number: u32, slot: Slot) -> Result<(Vec<u8>, B256), BenchError> {
        let to = self.recipient(number, slot);
        let one = U256::from(1);
        let (to, value, input) = match self.token {
            Some(token) => (token, U256::ZERO, transfer_call(to, one).into()),
            None => (to, one, Bytes::new()),
        };
        let sender = &self.senders[slot.account as usize];
        self.terms.sign(sender, u64::from(slot.nonce), TxKind::Call(to), value, input)
    }
}

/// One HTTP body, ready to be sent.
#[derive(Debug)]
pub(crate) struct Request {
    pub(crate) body: hyper::body::Bytes,
    pub(crate) transactions: Range<u32>,
}

/// A load that is ready to be sent.
#[derive(Debug)]
pub(crate) struct Signed {
    /// The requests of each connection, in order.
    pub(crate) requests: Vec<Vec<Request>>,
    /// The hash of each transaction.
    pub(crate) hashes: Vec<B256>,
}

/// Signs and serialises the whole plan on all processors. A `batch` of one makes plain requests,
/// any other makes JSON-RPC batches.
pub(crate) fn sign_all(
    plan: &Plan,
    workload: &Workload,
    batched: bool,
    progress: &mut dyn FnMut(Progress),
) -> Result<Signed, BenchError> {
    let total = plan.total();
    let mut signed = Signed { requests: Vec::new(), hashes: Vec::with_capacity(total as usize) };
    for connection in 0..plan.connections() {
        let ranges: Vec<Range<u32>> = plan.requests(connection).collect();
        let mut requests = Vec::with_capacity(ranges.len());
        let stride = ranges.first().map_or(1, |range| (STRIDE / range.len()).max(1));
        for chunk in ranges.chunks(stride) {
            let made: Vec<(Request, Vec<B256>)> = chunk
                .par_iter()
                .map(|range| request(plan, workload, batched, range.clone()))
                .collect::<Result<_, _>>()?;
            for (request, hashes) in made {
                requests.push(request);
                signed.hashes.extend(hashes);
            }
            progress(Progress::Signing { done: signed.hashes.len() as u64, total: u64::from(total) });
        }
        signed.requests.push(requests);
    }
    Ok(signed)
}

fn request(
    plan: &Plan,
    workload: &Workload,
    batched: bool,
    transactions: Range<u32>,
) -> Result<(Request, Vec<B256>), BenchError> {
    let mut body = String::new();
    let mut hashes = Vec::with_capacity(transactions.len());
    for number in transactions.clone() {
        let (raw, hash) = workload.transaction(number, plan.slot(number))?;
        hashes.push(hash);
        body.push(if number == transactions.start { '[' } else { ',' });
        body.push_str(r#"{"jsonrpc":"2.0","id":"#);
        body.push_str(&number.to_string());
        body.push_str(r#","method":"eth_sendRawTransaction","params":["0x"#);
        body.push_str(&hex::encode(&raw));
        body.push_str(r#""]}"#);
    }
    body.push(']');
    let mut body = hyper::body::Bytes::from(body.into_boxed_str().into_boxed_bytes());
    if !batched {
        body = body.slice(1..body.len() - 1);
    }
    Ok((Request { body, transactions }, hashes))
}

#[cfg(test)]
mod tests {
    use super::*;
    use alloy_consensus::transaction::SignerRecoverable;
    use alloy_consensus::{Transaction, TxEnvelope};
    use alloy_eips::eip2718::Decodable2718;
    use serde_json::Value;

    fn workload(token: Option<Address>, recipients: Recipients) -> Workload {
        Workload {
            terms: Terms {
                chain_id: 31337,
                max_fee_per_gas: 20,
                max_priority_fee_per_gas: 2,
                gas_limit: 21_000,
            },
            senders: keys::senders(B256::ZERO, 1, 5).unwrap(),
            token,
            recipients,
            seed: B256::ZERO,
            run_nonce: 1,
        }
    }

    fn decode(element: &Value) -> (u32, TxEnvelope) {
        assert_eq!(
            (&element["jsonrpc"], &element["method"]),
            (&"2.0".into(), &"eth_sendRawTransaction".into())
        );
        let raw = hex::decode(element["params"][0].as_str().unwrap()).unwrap();
        let transaction = TxEnvelope::decode_2718_exact(&raw).unwrap();
        (element["id"].as_u64().unwrap() as u32, transaction)
    }

    fn check(number: u32, transaction: &TxEnvelope, plan: &Plan, workload: &Workload, hashes: &[B256]) {
        let slot = plan.slot(number);
        assert_eq!(transaction.nonce(), u64::from(slot.nonce));
        assert_eq!(transaction.chain_id(), Some(31337));
        assert_eq!(*transaction.hash(), hashes[number as usize]);
        let sender = workload.senders[slot.account as usize].address();
        assert_eq!(transaction.recover_signer().unwrap(), sender);
    }

    #[test]
    fn batches_decode_to_what_was_planned() {
        let plan = Plan::new(53, 5, 2, 10).unwrap();
        let workload = workload(None, Recipients::Fresh);
        let signed = sign_all(&plan, &workload, true, &mut |_| {}).unwrap();
        let mut next = 0;
        for request in signed.requests.iter().flatten() {
            let Value::Array(elements) = serde_json::from_slice(&request.body).unwrap() else {
                panic!("no batch")
            };
            assert_eq!(elements.len(), request.transactions.len());
            for element in &elements {
                let (number, transaction) = decode(element);
                assert_eq!(number, next);
                next += 1;
                assert_eq!(transaction.value(), U256::from(1));
                check(number, &transaction, &plan, &workload, &signed.hashes);
            }
        }
        assert_eq!(next, 53);
        assert_eq!(signed.hashes.len(), 53);
    }

    #[test]
    fn single_requests_carry_token_transfers() {
        let plan = Plan::new(20, 5, 1, 1).unwrap();
        let token = Address::repeat_byte(0x70);
        let workload = workload(Some(token), Recipients::Senders);
        let signed = sign_all(&plan, &workload, false, &mut |_| {}).unwrap();
        for request in &signed.requests[0] {
            let (number, transaction) = decode(&serde_json::from_slice(&request.body).unwrap());
            assert_eq!(transaction.to(), Some(token));
            assert_eq!(transaction.value(), U256::ZERO);
            let recipient = Address::from_slice(&transaction.input()[16..36]);
            let sender = plan.slot(number).account as usize;
            let others = workload.senders.iter().enumerate().filter(|(index, _)| *index != sender);
            assert!(others.map(|(_, signer)| signer.address()).any(|address| address == recipient));
            check(number, &transaction, &plan, &workload, &signed.hashes);
        }
    }
}
