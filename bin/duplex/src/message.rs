//! `duplex message`.

use std::time::Duration;

use alloy_primitives::{Address, B256, Bytes, U256};
use clap::{Args, Subcommand, ValueEnum};
use duplex_bridge::{
    Bridge, BridgeError, Delivery, LaneToken, MessageRequest, TokenRequest, format_units, parse_units,
};
use duplex_exit::duration;
use duplex_lane::{By, DeliveryState, Direction, Sent};
use eyre::bail;
use serde_json::{Value, json};

use crate::{
    args::{ConnectArgs, KeyArgs, LaneArgs, LayerArg, OutputArgs},
    output::{self, Told},
};

/// Send messages from one layer to the other, or from one L2 to another, and follow them.
///
/// A message calls a contract on the other layer, pays an account, or brings it tokens. Relays prove it there for its fee;
/// its sender, or anyone else, can do so too. What is not delivered by its deadline is paid back.
///
/// With --siblings FILE the other side is another L2 of the same L1.
#[derive(Debug, Subcommand)]
pub(crate) enum MessageCommand {
    Send(SendArgs),
    /// Show where a message stands.
    Status(NameArgs),
    Deliver(DeliverArgs),
    /// Try a message again that was delivered and failed.
    Retry(ActArgs),
    Expire(ActArgs),
    /// Take back, in exodus, a message that the other side never got; or tokens that could not be paid back when their message
    /// was.
    Reclaim(ActArgs),
}

#[derive(Debug, Clone, Copy, ValueEnum)]
enum ByArg {
    /// The accumulator in the state of the layer that sent it.
    Slot,
    /// The event in the receipt of the transaction that sent it.
    Receipt,
}

impl ByArg {
    const fn by(self) -> By {
        match self {
            Self::Slot => By::Slot,
            Self::Receipt => By::Receipt,
        }
    }
}

/// Send a message to the other layer.
#[derive(Debug, Args)]
pub(crate) struct SendArgs {
    /// Layer to send it from: L1 unless given, with --siblings L2.
    #[arg(long, value_name = "LAYER", value_enum)]
    from: Option<LayerArg>,
    /// Who is called on the other layer.
    #[arg(long, value_name = "ADDRESS")]
    to: Address,
    /// ETH of the call; with --token, how many of it.
    #[arg(long, value_name = "AMOUNT", default_value = "0")]
    value: String,
    /// Send an ERC-20 instead: UNI, DAI, or its address where it is sent from.
    #[arg(long, value_name = "TOKEN", conflicts_with = "data")]
    token: Option<String>,
    /// Input of the call.
    #[arg(long, value_name = "HEX", default_value = "0x")]
    data: Bytes,
    /// Gas that the call gets, at least; with --token, beyond what a usual token needs.
    #[arg(long, value_name = "GAS", default_value_t = 100_000)]
    gas: u64,
    /// ETH for who delivers it; what that costs now and half as much again unless given.
    #[arg(long, value_name = "ETH")]
    fee: Option<String>,
    /// Seconds in which it can be delivered; after that it can be taken back. Unless given: twice what its way takes at the
    /// worst, and a day.
    #[arg(long, value_name = "SECS")]
    lifetime: Option<u64>,
    /// Wait until it is delivered.
    #[arg(long)]
    wait: bool,
    #[command(flatten)]
    key: KeyArgs,
    #[command(flatten)]
    connect: ConnectArgs,
    #[command(flatten)]
    lane: LaneArgs,
    #[command(flatten)]
    output: OutputArgs,
}

/// Which message.
#[derive(Debug, Args)]
pub(crate) struct NameArgs {
    /// Its id, or the transaction that sent it.
    #[arg(value_name = "ID|TX")]
    message: B256,
    #[command(flatten)]
    connect: ConnectArgs,
    #[command(flatten)]
    lane: LaneArgs,
    #[command(flatten)]
    output: OutputArgs,
}

/// Deliver a message yourself: prove it to the other layer, and earn its fee.
#[derive(Debug, Args)]
pub(crate) struct DeliverArgs {
    #[command(flatten)]
    name: NameArgs,
    /// By what it is proved.
    #[arg(long, value_enum, default_value_t = ByArg::Slot)]
    by: ByArg,
    #[command(flatten)]
    key: KeyArgs,
}

/// Give up a message whose deadline is over. Its refund is a message back, which `deliver` then brings.
#[derive(Debug, Args)]
pub(crate) struct ActArgs {
    #[command(flatten)]
    name: NameArgs,
    #[command(flatten)]
    key: KeyArgs,
}

pub(crate) async fn run(command: MessageCommand) -> eyre::Result<()> {
    match command {
        MessageCommand::Send(args) => send(args).await,
        MessageCommand::Status(args) => {
            let (bridge, sent) = args.find().await?;
            show(&bridge.delivery(sent).await?, args.output.json)
        }
        MessageCommand::Deliver(DeliverArgs { name, by, key }) => {
            let (bridge, sent) = name.find().await?;
            let key = key.signer(&bridge.deployment)?;
            if by.by() == By::Receipt && sent.direction != Direction::Down {
                bail!(
                    "of an L2 the last block of each claim is known only: its messages are proved by --by slot"
                );
            }
            if needed(&bridge, &sent).await? == DeliveryState::Failed {
                return Err(BridgeError::MessageFailed(sent.id).into());
            }
            if bridge.deliver_message(&key, &sent, by.by(), &Told).await?.is_none() {
                output::note("somebody else delivered it meanwhile, and has its fee");
            }
            show(&bridge.delivery(sent).await?, name.output.json)
        }
        MessageCommand::Retry(ActArgs { name, key }) => {
            let (bridge, sent) = name.find().await?;
            let key = key.signer(&bridge.deployment)?;
            let state = bridge.delivery(sent.clone()).await?.state;
            if state != DeliveryState::Failed {
                bail!("message {} has not failed: it is {}", sent.id, word(state));
            }
            if bridge.retry_message(&key, &sent).await?.is_none() {
                output::note("somebody else retried it meanwhile");
            }
            show(&bridge.delivery(sent).await?, name.output.json)
        }
        MessageCommand::Reclaim(ActArgs { name, key }) => {
            let (bridge, sent) = name.find().await?;
            let key = key.signer(&bridge.deployment)?;
            let delivery = bridge.delivery(sent.clone()).await?;
            let open =
                |delivery: &Delivery| delivery.tokens.as_ref().is_some_and(|tokens| !tokens.taken_back);
            if delivery.refunded && !open(&delivery) {
                bail!("message {} has been paid back already", sent.id);
            }
            if !delivery.refunded {
                bridge.reclaim_message(&key, &sent).await?;
            }
            // Its tokens came along, unless who sent them cannot have them.
            if open(&bridge.delivery(sent.clone()).await?) {
                bridge.take_back(&key, &sent).await?;
            }
            show(&bridge.delivery(sent).await?, name.output.json)
        }
        MessageCommand::Expire(ActArgs { name, key }) => {
            let (bridge, sent) = name.find().await?;
            let key = key.signer(&bridge.deployment)?;
            let failed = needed(&bridge, &sent).await? == DeliveryState::Failed;
            let now = bridge.lane()?.time(sent.direction.destination()).await?;
            let (what, deadline) = match failed {
                true => ("retried", sent.message.deadline.saturating_add(RETRY_PERIOD)),
                false => ("delivered", sent.message.deadline),
            };
            if deadline >= now {
                let left = duration(deadline - now);
                bail!(
                    "message {} can be {what} for {left} more; only after that it can be given up",
                    sent.id
                );
            }
            let (refund, _) = bridge.expire_message(&key, &sent).await?;
            output::note(&format!("given up; bring its refund with: duplex message deliver {}", refund.id));
            show(&bridge.delivery(refund).await?, name.output.json)
        }
    }
}

/// For how long a failed message can be retried after its deadline: `Endpoint.RETRY_PERIOD`.
const RETRY_PERIOD: u64 = 24 * 3600;

/// Refuses what needs nothing more; gives its state, which is none or failed.
async fn needed(bridge: &Bridge, sent: &Sent) -> eyre::Result<DeliveryState> {
    match bridge.delivery(sent.clone()).await?.state {
        state @ (DeliveryState::None | DeliveryState::Failed) => Ok(state),
        state => bail!("message {} needs nothing more: it is {}", sent.id, word(state)),
    }
}

impl NameArgs {
    async fn find(&self) -> eyre::Result<(Bridge, Sent)> {
        let bridge = self.lane.bridge(&self.connect).await?;
        let sent = bridge.lane()?.find(self.message).await?;
        Ok((bridge, sent))
    }
}

async fn send(args: SendArgs) -> eyre::Result<()> {
    let bridge = args.lane.bridge(&args.connect).await?;
    let key = args.key.signer(&bridge.deployment)?;
    let from = args.from.unwrap_or(if args.lane.siblings.is_some() { LayerArg::L2 } else { LayerArg::L1 });
    let direction = from.direction(&args.lane);
    let lifetime = args.lifetime.map(Duration::from_secs);
    let relay_fee = args.fee.as_deref().map(|fee| eth(fee, "--fee")).transpose()?;
    let sent = match &args.token {
        None => {
            let request = MessageRequest {
                direction,
                target: args.to,
                value: eth(&args.value, "--value")?,
                payload: args.data,
                gas_limit: args.gas,
                lifetime,
                relay_fee,
            };
            bridge.send_message(&key, &request).await?.0
        }
        Some(name) => {
            let (token, decimals) = bridge.token_at(direction, name).await?;
            let Some(amount) = parse_units(&args.value, decimals).filter(|amount| !amount.is_zero()) else {
                bail!("--value {:?} is not an amount of {name}, which has {decimals} decimals", args.value);
            };
            let Ok(gas) = u32::try_from(args.gas) else {
                bail!("--gas {} is more than any chain gives", args.gas)
            };
            let request = TokenRequest { direction, token, to: args.to, amount, gas, lifetime, relay_fee };
            bridge.send_tokens(&key, &request).await?.0
        }
    };
    if !args.wait {
        return show(&bridge.delivery(sent).await?, args.output.json);
    }
    output::note(&format!("  sent as {}; waiting for a relay to deliver it", sent.id));
    show(&bridge.wait_for_delivery(sent).await?, args.output.json)
}

pub(crate) fn eth(text: &str, flag: &str) -> eyre::Result<U256> {
    parse_units(text, 18).ok_or_else(|| eyre::eyre!("{flag} {text:?} is not an amount of ETH such as 1.5"))
}

const fn word(state: DeliveryState) -> &'static str {
    match state {
        DeliveryState::None => "not delivered",
        DeliveryState::Done => "delivered",
        DeliveryState::Failed => "delivered, and its call failed",
        DeliveryState::Expired => "given up",
    }
}

/// A message as scripts see it.
fn as_json(delivery: &Delivery) -> Value {
    let Sent { direction, message, id, block, transaction, .. } = &delivery.sent;
    json!({
        "id": id,
        "nonce": message.nonce,
        "from": direction.source(),
        "to": direction.destination(),
        "sender": message.sender,
        "target": message.target,
        "value": message.value,
        "relayFee": message.relayFee,
        "gasLimit": message.gasLimit,
        "deadline": message.deadline,
        "payload": message.payload,
        "sent": { "block": block, "transaction": transaction },
        "state": delivery.state,
        "refunded": delivery.refunded,
        "tokens": delivery.tokens,
        "delivered": delivery.transaction.map(|hash| json!({ "block": delivery.block, "transaction": hash })),
    })
}

pub(crate) fn show(delivery: &Delivery, json: bool) -> eyre::Result<()> {
    if json {
        return output::json(&as_json(delivery));
    }
    let Sent { direction, message, id, block, transaction, .. } = &delivery.sent;
    let row = |name: &str, value: String| output::line(&format!("  {name:<12}{value}"));
    let (from, to) = (direction.source(), direction.destination());
    output::line(&format!("message {} from {from} to {to}: {}", message.nonce, word(delivery.state)));
    row("id", id.to_string());
    row("sender", message.sender.to_string());
    row("target", format!("{} with {} ETH", message.target, format_units(message.value, 18)));
    row("relay fee", format!("{} ETH", format_units(message.relayFee, 18)));
    row("sent", format!("{transaction} ({from} block {block})"));
    if let (Some(hash), Some(block)) = (delivery.transaction, delivery.block) {
        row("delivered", format!("{hash} ({to} block {block})"));
    }
    if let Some(LaneToken { home, from, to, amount, .. }) = &delivery.tokens {
        row("tokens", format!("{amount} units of {home} from {from} for {to}"));
    }
    match &delivery.tokens {
        Some(LaneToken { taken_back: true, from: owner, .. }) => {
            row("refunded", format!("its tokens went back to {owner}"));
        }
        Some(_) if delivery.refunded => {
            row("refunded", format!("take its tokens back with: duplex message reclaim {id}"));
        }
        None if delivery.refunded => row("refunded", format!("to its sender on {from}")),
        _ => {}
    }
    Ok(())
}
