//! ERC-20s through the lane.

use std::time::Duration;

use alloy_primitives::{Address, U256};
use alloy_signer_local::PrivateKeySigner;
use alloy_sol_types::SolCall;
use duplex_contracts::bindings::{IERC20, ITokenPort};
use duplex_l1::Crossing;
use duplex_lane::{Direction, Lane, Layer, Sent as SentMessage};
use serde::Serialize;

use crate::{Bridge, BridgeError, Sent, format_units, send::send_transaction};

/// Gas that a port's message takes at its destination beyond what the sender adds: `TokenPort.MINT_GAS` and `RELEASE_GAS`.
const MINT_GAS: u64 = 900_000;
const RELEASE_GAS: u64 = 300_000;
/// For how long tokens may be on their way: a little less than `TokenPort.LONGEST`, since clocks differ.
const LONGEST: Duration = Duration::from_secs(364 * 24 * 3600);
/// Longest payload of one: name and symbol are cut.
const PORT_PAYLOAD: u64 = 420;

/// Tokens to be sent.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TokenRequest {
    /// Which way.
    pub direction: Direction,
    /// The token where it is sent from.
    pub token: Address,
    /// Who gets them.
    pub to: Address,
    /// How many, in the smallest unit.
    pub amount: U256,
    /// Gas at the destination beyond what a usual token needs.
    pub gas: u32,
    /// For how long they can be delivered; [`Bridge::lifetime`] unless given.
    pub lifetime: Option<Duration>,
    /// Wei for who delivers; what that costs and half as much again unless given.
    pub relay_fee: Option<U256>,
}

/// What a message of a port carries.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct LaneToken {
    /// The token where it is at home.
    pub home: Address,
    /// Who sent it.
    pub from: Address,
    /// Who gets it.
    pub to: Address,
    /// How many, in the smallest unit.
    pub amount: U256,
    /// Whether it went back to who sent it.
    pub taken_back: bool,
}

impl Bridge {
    /// Sends tokens through the lane; gives the message, the transaction that sent it, and what all transactions cost, an
    /// approval included.
    ///
    /// # Errors
    /// If there is no lane, it is no token, the sender has too little, or its layer refuses.
    pub async fn send_tokens(
        &self,
        key: &PrivateKeySigner,
        request: &TokenRequest,
    ) -> Result<(SentMessage, Sent, U256), BridgeError> {
        let TokenRequest { direction, token, to, amount, gas, .. } = *request;
        let lane = self.lane_for(direction)?;
        self.refuse_ended(direction).await?;
        let source = direction.source();
        let (rpc, _) = lane.end(source);
        let port = lane.port(source);
        let refused = |why: &str| BridgeError::NotSendable { token, layer: source, why: why.into() };
        if rpc.code(token).await?.is_empty() {
            return Err(refused("there is no contract"));
        }
        let home = rpc.call(port, &ITokenPort::homeOfCall { token }).await?;
        if source == Layer::L2 && lane.sibling.is_none() && home.is_zero() {
            return Err(refused("only what came from L1 can go there"));
        }
        let from = key.address();
        let has = rpc.call(token, &IERC20::balanceOfCall { account: from }).await?;
        if has < amount {
            let decimals = rpc.call(token, &IERC20::decimalsCall {}).await.unwrap_or(18);
            let (has, needs) = (format_units(has, decimals), format_units(amount, decimals));
            return Err(BridgeError::Balance { address: from, has, needs, layer: name(source) });
        }
        let relay_fee = match request.relay_fee {
            Some(fee) => fee,
            None => {
                let port_gas = if home.is_zero() { MINT_GAS } else { RELEASE_GAS };
                let fee = lane.quote(direction, port_gas + u64::from(gas), PORT_PAYLOAD).await?;
                // Tokens are proved: nobody who signs has a share.
                if lane.crossing == Crossing::Multisig { fee / U256::from(2) } else { fee }
            }
        };
        if lane.sibling.is_some() && !relay_fee.is_zero() {
            return Err(BridgeError::NoEth(relay_fee));
        }
        self.check_eth(&lane, source, from, relay_fee).await?;
        let mut cost = relay_fee;
        // What is at home here is taken by its keeper, which needs leave.
        let keeper = if source == Layer::L1 { self.deployment.contracts.vault } else { port };
        if home.is_zero() {
            let allowance = rpc.call(token, &IERC20::allowanceCall { owner: from, spender: keeper }).await?;
            if allowance < amount {
                // Some tokens change only what is zero.
                if !allowance.is_zero() {
                    let none = IERC20::approveCall { spender: keeper, value: U256::ZERO }.abi_encode();
                    let cleared = send_transaction(rpc, key, Some(token), U256::ZERO, none.into()).await?;
                    cost += cleared.receipt.cost();
                }
                let approve = IERC20::approveCall { spender: keeper, value: amount }.abi_encode();
                let approved = send_transaction(rpc, key, Some(token), U256::ZERO, approve.into()).await?;
                cost += approved.receipt.cost();
            }
        }
        if request.lifetime.is_some_and(|lifetime| lifetime > LONGEST) {
            return Err(BridgeError::TooLong);
        }
        let lifetime = request.lifetime.unwrap_or_else(|| self.lifetime(direction)).min(LONGEST);
        let deadline = self.deadline(&lane, direction, Some(lifetime)).await?;
        let call = ITokenPort::sendCall { token, to, amount, minGasLimit: gas, deadline };
        let sent = send_transaction(rpc, key, Some(port), relay_fee, call.abi_encode().into()).await?;
        cost += sent.receipt.cost();
        Ok((lane.find(sent.receipt.transaction_hash).await?, sent, cost))
    }

    /// Gives the tokens of a message back to who sent them, once it was given up and refunded.
    ///
    /// # Errors
    /// If it carries none, was not refunded, they went back before, or its layer refuses.
    pub async fn take_back(&self, key: &PrivateKeySigner, sent: &SentMessage) -> Result<Sent, BridgeError> {
        let delivery = self.delivery(sent.clone()).await?;
        let refused = |why| BridgeError::NothingToTakeBack(sent.id, why);
        let tokens = delivery.tokens.ok_or_else(|| refused("carries no tokens"))?;
        if tokens.taken_back {
            return Err(refused("has been taken back already"));
        }
        if !delivery.refunded {
            return Err(refused(
                "has not been refunded: once its deadline is over, give it up with `duplex message expire`, and bring its \
                 refund with `duplex message deliver`",
            ));
        }
        let lane = self.lane()?;
        let source = sent.direction.source();
        let (rpc, _) = lane.end(source);
        let call = ITokenPort::takeBackCall { message: sent.message.clone(), to: tokens.from };
        send_transaction(rpc, key, Some(lane.port(source)), U256::ZERO, call.abi_encode().into()).await
    }

    /// The tokens that a message carries, if its sender is the port.
    pub(crate) async fn tokens_of(
        &self,
        lane: &Lane,
        sent: &SentMessage,
    ) -> Result<Option<LaneToken>, BridgeError> {
        let source = sent.direction.source();
        let port = lane.port(source);
        if port.is_zero() || sent.message.sender != port {
            return Ok(None);
        }
        let Some(read) = read_payload(&sent.message.payload) else { return Ok(None) };
        let (rpc, _) = lane.end(source);
        let taken_back = rpc.call(port, &ITokenPort::isTakenBackCall { id: sent.id }).await?;
        Ok(Some(LaneToken { taken_back, ..read }))
    }

    /// A token by its symbol in a deployment file, or by its address where it is sent from; and its decimals.
    ///
    /// # Errors
    /// If there is none.
    pub async fn token_at(&self, direction: Direction, name: &str) -> Result<(Address, u8), BridgeError> {
        let lane = self.lane_for(direction)?;
        let source = direction.source();
        let of = match &self.sibling {
            Some(sibling) if source == Layer::Sibling => &sibling.deployment,
            _ => &self.deployment,
        };
        let known = of.token(name).map(|token| if source == Layer::L1 { token.l1 } else { token.l2 });
        let unknown = || BridgeError::Token(name.into());
        let token = known.or_else(|| name.parse().ok()).ok_or_else(unknown)?;
        let (rpc, _) = lane.end(source);
        if rpc.code(token).await?.is_empty() {
            let why = match known {
                Some(_) => "nothing of it has come there yet; deposit some first".into(),
                None => "there is no contract".into(),
            };
            return Err(BridgeError::NotSendable { token, layer: source, why });
        }
        // Not every token says.
        let decimals = match rpc.call(token, &IERC20::decimalsCall {}).await {
            Err(error) if error.is_temporary() => return Err(error.into()),
            decimals => decimals.unwrap_or(18),
        };
        Ok((token, decimals))
    }

    /// Where a token that is sent there has its counterpart, or where it is at home.
    ///
    /// # Errors
    /// If a layer cannot be reached, or it is no token that can be sent.
    pub async fn counterpart(&self, direction: Direction, token: Address) -> Result<Address, BridgeError> {
        let lane = self.lane_for(direction)?;
        let (rpc, _) = lane.end(direction.source());
        let home = rpc.call(lane.port(direction.source()), &ITokenPort::homeOfCall { token }).await?;
        if !home.is_zero() {
            return Ok(home);
        }
        if lane.sibling.is_none() {
            return Ok(duplex_contracts::l2_token_address(token));
        }
        let (rpc, _) = lane.end(direction.destination());
        let call = duplex_contracts::bindings::ISiblingPort::tokenAddressCall { home: token };
        Ok(rpc.call(lane.port(direction.destination()), &call).await?)
    }

    /// Checks that an address has so much ETH where a message is sent from.
    pub(crate) async fn check_eth(
        &self,
        lane: &Lane,
        layer: Layer,
        address: Address,
        wei: U256,
    ) -> Result<(), BridgeError> {
        let (rpc, _) = lane.end(layer);
        let has = rpc.balance(address).await?;
        if has >= wei {
            return Ok(());
        }
        let text = |wei| format!("{} ETH", format_units(wei, 18));
        Err(BridgeError::Balance { address, has: text(has), needs: text(wei), layer: name(layer) })
    }
}

const fn name(layer: Layer) -> &'static str {
    match layer {
        Layer::L1 => "L1",
        Layer::L2 => "L2",
        Layer::Sibling => "the sibling",
    }
}

/// What a port's message says.
fn read_payload(payload: &[u8]) -> Option<LaneToken> {
    let plain = |home, from, to, amount| LaneToken { home, from, to, amount, taken_back: false };
    if let Ok(ITokenPort::mintCall { home, from, to, amount, .. }) = ITokenPort::mintCall::abi_decode(payload)
    {
        return Some(plain(home, from, to, amount));
    }
    let ITokenPort::releaseCall { home, from, to, amount } =
        ITokenPort::releaseCall::abi_decode(payload).ok()?;
    Some(plain(home, from, to, amount))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_a_port_says_is_read() {
        let [home, from, to] = [1, 2, 3].map(Address::repeat_byte);
        let amount = U256::from(7);
        let mint = ITokenPort::mintCall {
            home,
            from,
            to,
            amount,
            name: "A token".repeat(10),
            symbol: "A".into(),
            decimals: 6,
        };
        let expected = LaneToken { home, from, to, amount, taken_back: false };
        assert_eq!(read_payload(&mint.abi_encode()), Some(expected.clone()));
        let release = ITokenPort::releaseCall { home, from, to, amount };
        assert_eq!(read_payload(&release.abi_encode()), Some(expected));
        assert_eq!(read_payload(&release.abi_encode()[..99]), None);
        assert_eq!(read_payload(&[]), None);
        assert!(mint.abi_encode().len() as u64 <= PORT_PAYLOAD);
    }
}
