//! Why something a user asked for did not happen.

use alloy_primitives::{Address, B256, U256};
use thiserror::Error;

/// Why something a user asked for did not happen.
#[derive(Debug, Error)]
#[non_exhaustive]
pub enum BridgeError {
    /// A layer refused or could not be reached.
    #[error(transparent)]
    Rpc(#[from] duplex_l1::RpcError),
    /// The lane between the layers cannot be used.
    #[error(transparent)]
    Lane(#[from] duplex_lane::LaneError),
    /// No destination knows a message in time.
    #[error(
        "message {id} was sent, but {layer} has not taken it after {seconds} s; ask again with: duplex message status {id}"
    )]
    MessageSlow {
        /// Its id.
        id: B256,
        /// Where it should arrive.
        layer: duplex_lane::Layer,
        /// How long it was waited for.
        seconds: u64,
    },
    /// A message arrived and its call failed.
    #[error(
        "message {0} was delivered and its call failed; anyone may try it again with: duplex message retry {0}"
    )]
    MessageFailed(B256),
    /// A message was given up.
    #[error("message {0} was given up after its deadline; its refund is on the way back")]
    MessageExpired(B256),
    /// Signing failed.
    #[error("signing: {0}")]
    Signer(#[from] alloy_signer::Error),
    /// A transaction was mined and reverted.
    #[error("transaction {0} reverted")]
    Reverted(B256),
    /// A transaction was not mined in time.
    #[error("transaction {hash} was not mined within {seconds} s; it may still be")]
    NotMined {
        /// The transaction.
        hash: B256,
        /// How long it was waited for.
        seconds: u64,
    },
    /// The amount does not parse.
    #[error(
        "{text:?} is not an amount of {symbol}: expected a decimal number with at most {decimals} digits after the point"
    )]
    Amount {
        /// What was given.
        text: String,
        /// The asset.
        symbol: String,
        /// Its digits.
        decimals: u8,
    },
    /// The token is not known.
    #[error(
        "{0:?} is neither a token of this deployment nor the address of an ERC-20 on L1 or of a bridged token on L2"
    )]
    Token(String),
    /// The sender has too little.
    #[error("{address} has {has} on {layer}, needed are {needs}")]
    Balance {
        /// The sender.
        address: Address,
        /// What it has.
        has: String,
        /// What it needs.
        needs: String,
        /// `L1` or `L2`.
        layer: &'static str,
    },
    /// A deposit was not seen on L2 in time.
    #[error(
        "the deposit {hash} is on L1 but not yet on L2 after {seconds} s; ask again with: duplex status {hash}"
    )]
    DepositSlow {
        /// The L1 transaction.
        hash: B256,
        /// How long it was waited for.
        seconds: u64,
    },
    /// The transaction is no withdrawal.
    #[error("{0} is not an L2 transaction that started a withdrawal")]
    NotAWithdrawal(B256),
    /// L1 could not make the call that the withdrawal asks for.
    #[error(
        "L1 released withdrawal {0}, but the call to its target failed; anyone may try again with: duplex withdraw --resume"
    )]
    ReleaseFailed(B256),
    /// L2 answered with what this program does not know.
    #[error("L2 answered {method} with something unexpected: {why}")]
    Malformed {
        /// The method.
        method: &'static str,
        /// What is wrong.
        why: String,
    },
    /// A deposit's call on L2 failed.
    #[error("the deposit's call failed on L2 (transaction {0}); its value belongs to the sender there")]
    DepositFailed(B256),
    /// Between two L2s there is no ETH.
    #[error(
        "messages between two L2s carry no ETH and no fee ({wei} wei were to go): wrap it (WETH is at 0x4200000000000000000000000000000000000006) and send that with --token, or withdraw to L1 and deposit there",
        wei = .0
    )]
    NoEth(U256),
    /// Two rollups cannot be joined.
    #[error(
        "chains {0} and {1} are not two rollups of this L1: both Vaults must be on it, their chain ids must differ, and the \
         nodes in their deployment files must be theirs"
    )]
    NoSiblings(u64, u64),
    /// Somebody else used the key.
    #[error(
        "{0} sent other transactions on chain {1} meanwhile, so the contracts are not where they should be: join the two \
         again, with a key that nobody else uses"
    )]
    Disturbed(Address, u64),
    /// The key cannot pay.
    #[error("{0} has no ETH on chain {1} to pay for the contracts there")]
    NoGas(Address, u64),
    /// Nothing can be sent to an L2 that is in exodus.
    #[error(
        "{0} is in exodus, so nothing arrives there any more; what you hold there of tokens from here comes back with `duplex \
         siblings exit`"
    )]
    Ended(duplex_lane::Layer),
    /// There is nothing to have back.
    #[error("{0} held none of {1} there when it ended, or has been paid")]
    NothingHeld(Address, Address),
    /// Only when the other L2 is in exodus.
    #[error("{0} is not in exodus, or the other L2 does not know it yet: its tokens go back by message")]
    NotEnded(duplex_lane::Layer),
    /// A message carries no tokens that could be taken back.
    #[error("message {0} {1}")]
    NothingToTakeBack(B256, &'static str),
    /// The port kept no tokens: they are another one's on the other side.
    #[error("{token} is no token that can be sent from {layer}: {why}")]
    NotSendable {
        /// The token.
        token: Address,
        /// Where.
        layer: duplex_lane::Layer,
        /// Why.
        why: String,
    },
    /// Ports take tokens for a year at the most.
    #[error("tokens can be on their way for 364 days at the most: choose a shorter --lifetime")]
    TooLong,
    /// The value is out of range.
    #[error("{0} is more than exists")]
    TooMuch(U256),
}

impl BridgeError {
    /// Whether a contract refused, rather than the node or the way to it.
    pub(crate) fn is_refusal(&self) -> bool {
        match self {
            Self::Reverted(_) => true,
            Self::Rpc(error) => error.is_revert(),
            _ => false,
        }
    }
}
