//! Receipts of any chain that follows EIP-2718, as tries hold them.

use alloy_primitives::{B256, Bloom, Bytes, Log, logs_bloom};
use alloy_rlp::{BufMut, Decodable, Encodable, Header};
use serde::Serialize;

/// How a transaction ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub enum Outcome {
    /// It did what it was to do.
    Success,
    /// It reverted, or ran out of gas.
    Failure,
    /// The state after it: before EIP-658 that was all a receipt said.
    PostState(B256),
}

/// A receipt.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Receipt {
    /// EIP-2718 type of the transaction; 0 for legacy ones.
    pub tx_type: u8,
    /// How it ended.
    pub outcome: Outcome,
    /// Gas used in the block up to and including this transaction.
    pub cumulative_gas_used: u64,
    /// Filter over the logs.
    #[serde(skip)]
    pub bloom: Bloom,
    /// What it emitted.
    pub logs: Vec<Log>,
    /// What a rollup adds for deposits: the sender's nonce, and the version of the form.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub deposit: Vec<u64>,
}

impl Receipt {
    /// A receipt without what follows from the rest.
    pub fn new(tx_type: u8, outcome: Outcome, cumulative_gas_used: u64, logs: Vec<Log>) -> Self {
        let bloom = logs_bloom(&logs);
        Self { tx_type, outcome, cumulative_gas_used, bloom, logs, deposit: Vec::new() }
    }

    /// What the trie holds.
    pub fn encode(&self) -> Bytes {
        let mut fields = Vec::new();
        self.outcome.encode(&mut fields);
        self.cumulative_gas_used.encode(&mut fields);
        self.bloom.encode(&mut fields);
        self.logs.encode(&mut fields);
        for number in &self.deposit {
            number.encode(&mut fields);
        }
        let mut out = Vec::new();
        if self.tx_type != 0 {
            out.push(self.tx_type);
        }
        Header { list: true, payload_length: fields.len() }.encode(&mut out);
        out.extend(fields);
        out.into()
    }

    /// Reads what a trie holds, to the last byte.
    ///
    /// # Errors
    /// If it is anything else.
    pub fn decode(mut bytes: &[u8]) -> alloy_rlp::Result<Self> {
        // A list's first byte is 0xc0 at least, a type is below 0x80 (EIP-2718).
        let tx_type = match bytes.first() {
            Some(0) => return Err(alloy_rlp::Error::Custom("type 0 has no byte of its own")),
            Some(first @ 1..0x80) => {
                bytes = &bytes[1..];
                *first
            }
            _ => 0,
        };
        let mut fields = Header::decode_bytes(&mut bytes, true)?;
        let receipt = Self {
            tx_type,
            outcome: Outcome::decode(&mut fields)?,
            cumulative_gas_used: u64::decode(&mut fields)?,
            bloom: Bloom::decode(&mut fields)?,
            logs: Vec::decode(&mut fields)?,
            deposit: match fields {
                [] => Vec::new(),
                _ => vec![u64::decode(&mut fields)?, u64::decode(&mut fields)?],
            },
        };
        match (bytes, fields) {
            ([], []) => Ok(receipt),
            _ => Err(alloy_rlp::Error::UnexpectedLength),
        }
    }
}

impl Encodable for Outcome {
    fn encode(&self, out: &mut dyn BufMut) {
        match self {
            Self::Success => true.encode(out),
            Self::Failure => false.encode(out),
            Self::PostState(root) => root.encode(out),
        }
    }
}

impl Decodable for Outcome {
    fn decode(buf: &mut &[u8]) -> alloy_rlp::Result<Self> {
        match buf.first() {
            Some(0xa0) => B256::decode(buf).map(Self::PostState),
            _ => bool::decode(buf).map(|success| if success { Self::Success } else { Self::Failure }),
        }
    }
}

#[cfg(test)]
mod tests {
    use alloy_primitives::{Address, LogData};
    use proptest::{collection::vec, prelude::*};

    use super::*;

    fn log() -> impl Strategy<Value = Log> {
        (any::<[u8; 20]>(), vec(any::<[u8; 32]>(), 0..5), vec(any::<u8>(), 0..80)).prop_map(
            |(address, topics, data)| Log {
                address: Address::from(address),
                data: LogData::new_unchecked(topics.into_iter().map(B256::from).collect(), data.into()),
            },
        )
    }

    fn outcome() -> impl Strategy<Value = Outcome> {
        prop_oneof![
            Just(Outcome::Success),
            Just(Outcome::Failure),
            any::<[u8; 32]>().prop_map(|root| Outcome::PostState(root.into()))
        ]
    }

    proptest! {
        #[test]
        fn what_is_written_is_read(
            tx_type in 0..0x80u8,
            outcome in outcome(),
            gas in any::<u64>(),
            logs in vec(log(), 0..4),
            deposit in prop_oneof![Just(vec![]), any::<[u64; 2]>().prop_map(|pair| pair.to_vec())],
            end in any::<prop::sample::Index>(),
        ) {
            let receipt = Receipt { deposit, ..Receipt::new(tx_type, outcome, gas, logs) };
            let bytes = receipt.encode();
            prop_assert_eq!(Receipt::decode(&bytes), Ok(receipt));
            // Neither less nor more.
            prop_assert!(Receipt::decode(&bytes[..end.index(bytes.len())]).is_err());
            prop_assert!(Receipt::decode(&[&bytes[..], &[0]].concat()).is_err());
        }

        #[test]
        fn anything_is_read_to_an_end(bytes in vec(any::<u8>(), 0..200)) {
            if let Ok(receipt) = Receipt::decode(&bytes) {
                prop_assert_eq!(receipt.encode(), bytes);
            }
        }
    }
}
