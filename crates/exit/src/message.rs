//! Messages to L2 that take assets out of it, and what messages on the way mean for an account.

use alloy_primitives::{Address, Bytes, U256};
use alloy_sol_types::SolCall;
use duplex_contracts::{bindings::IL2Bridge, l2_token_address};
use duplex_l1::TokenInfo;
use duplex_primitives::{L1Message, alias_l1_address, predeploys};

use crate::abi::{Bridge, Passer, Weth};

/// L2 gas of a message that withdraws ETH: about 150,000 is used.
const ETH_GAS: u64 = 250_000;
/// L2 gas of a message that unwraps WETH: about 40,000 is used.
const UNWRAP_GAS: u64 = 100_000;
/// L2 gas of a message that withdraws a token: about 180,000 is used.
const TOKEN_GAS: u64 = 400_000;
/// L1 gas that the recipient gets at least; for tokens beyond that of a usual transfer.
const RECIPIENT_GAS: u32 = 200_000;

/// A call on L2 that goes through the queue on L1.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Call {
    /// What is called.
    pub target: Address,
    /// Wei, from the sender's balance on L2.
    pub value: U256,
    /// L2 gas.
    pub gas: u64,
    /// Input.
    pub data: Bytes,
}

impl Purpose {
    /// What a deposit brings `account`: the asset's id and the amount.
    pub fn brings(&self, account: Address) -> Option<(Address, U256)> {
        match *self {
            Self::Deposit { l1_token, amount, to } if to == account => {
                Some((l1_token.map_or(predeploys::ETH_TOKEN, l2_token_address), amount))
            }
            _ => None,
        }
    }
}

impl Call {
    /// Takes ETH to `recipient` on L1.
    pub fn withdraw_eth(recipient: Address, amount: U256) -> Self {
        Self { value: amount, gas: ETH_GAS, ..Self::withdraw_token(predeploys::ETH_TOKEN, recipient, amount) }
    }

    /// Makes ETH of WETH.
    pub fn unwrap(amount: U256) -> Self {
        let data = Weth::withdrawCall { amount }.abi_encode().into();
        Self { target: predeploys::WETH, value: U256::ZERO, gas: UNWRAP_GAS, data }
    }

    /// Takes a token to `recipient` on L1.
    pub fn withdraw_token(l2_token: Address, recipient: Address, amount: U256) -> Self {
        let call = IL2Bridge::withdrawToCall {
            l2Token: l2_token,
            to: recipient,
            amount,
            minGasLimit: RECIPIENT_GAS,
            extraData: Bytes::new(),
        };
        let data = call.abi_encode().into();
        Self { target: predeploys::L2_BRIDGE, value: U256::ZERO, gas: TOKEN_GAS, data }
    }
}

/// What a message means for an account.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Purpose {
    /// Takes an asset (by its [id](crate::Asset::id)) of the account to L1.
    Withdraw {
        /// Which.
        asset: Address,
        /// How much.
        amount: U256,
    },
    /// Makes ETH of WETH.
    Unwrap {
        /// How much.
        amount: U256,
    },
    /// Brings what the account deposited on L1.
    Deposit {
        /// The token on L1; `None` is ETH.
        l1_token: Option<Address>,
        /// How much.
        amount: U256,
        /// To whom, on L2.
        to: Address,
    },
    /// Any other call by the account.
    Call,
}

/// What a message means for `owner`: one that it sent, or that carries its deposit through `vault`.
/// `None` if it is somebody else's.
pub fn purpose(message: &L1Message, owner: Address, vault: Address) -> Option<Purpose> {
    if message.from == alias_l1_address(vault) && message.target == predeploys::L2_BRIDGE {
        return deposit(&message.data, owner);
    }
    if message.from != owner {
        return None;
    }
    let data = &message.data;
    let withdraw = |asset, amount| Some(Purpose::Withdraw { asset, amount });
    let asset_of = |l2_token: Address, amount: U256| match l2_token {
        predeploys::ETH_TOKEN => withdraw(predeploys::ETH_TOKEN, message.value),
        token => withdraw(token, amount),
    };
    match message.target {
        predeploys::MESSAGE_PASSER
            if data.is_empty() || Passer::initiateWithdrawalCall::abi_decode(data).is_ok() =>
        {
            withdraw(predeploys::ETH_TOKEN, message.value)
        }
        predeploys::L2_BRIDGE => match IL2Bridge::withdrawToCall::abi_decode(data) {
            Ok(call) => asset_of(call.l2Token, call.amount),
            Err(_) => match Bridge::withdrawCall::abi_decode(data) {
                Ok(call) => asset_of(call.l2Token, call.amount),
                Err(_) => Some(Purpose::Call),
            },
        },
        predeploys::WETH => Some(match Weth::withdrawCall::abi_decode(data) {
            Ok(call) => Purpose::Unwrap { amount: call.amount },
            Err(_) => Purpose::Call,
        }),
        _ => Some(Purpose::Call),
    }
}

/// What a deposit of a token says of it; its twin on L2 may not exist yet.
pub(crate) fn deposited_token(data: &[u8]) -> Option<TokenInfo> {
    let call = Bridge::finalizeERC20DepositCall::abi_decode(data).ok()?;
    let (symbol, name, decimals, l1) = (call.symbol, call.name, call.decimals, call.l1Token);
    Some(TokenInfo { symbol, name, decimals, l1, l2: l2_token_address(l1) })
}

fn deposit(data: &[u8], owner: Address) -> Option<Purpose> {
    let (l1_token, from, to, amount) = match Bridge::finalizeETHDepositCall::abi_decode(data) {
        Ok(call) => (None, call.from, call.to, call.amount),
        Err(_) => {
            let call = Bridge::finalizeERC20DepositCall::abi_decode(data).ok()?;
            (Some(call.l1Token), call.from, call.to, call.amount)
        }
    };
    (from == owner).then_some(Purpose::Deposit { l1_token, amount, to })
}

#[cfg(test)]
mod tests {
    use alloy_primitives::B256;

    use super::*;

    const OWNER: Address = Address::repeat_byte(1);
    const VAULT: Address = Address::repeat_byte(2);

    fn message(from: Address, call: Call) -> L1Message {
        L1Message {
            index: 0,
            from,
            target: call.target,
            mint: U256::ZERO,
            value: call.value,
            gas_limit: call.gas,
            data: call.data,
            l1_block: 1,
            accumulator: B256::ZERO,
        }
    }

    #[test]
    fn own_withdrawals_are_recognised() {
        let (amount, token) = (U256::from(7), Address::repeat_byte(9));
        let meaning = |call| purpose(&message(OWNER, call), OWNER, VAULT);
        let eth = Purpose::Withdraw { asset: predeploys::ETH_TOKEN, amount };
        assert_eq!(meaning(Call::withdraw_eth(Address::repeat_byte(5), amount)), Some(eth));
        assert_eq!(
            meaning(Call::withdraw_token(token, OWNER, amount)),
            Some(Purpose::Withdraw { asset: token, amount })
        );
        assert_eq!(meaning(Call::unwrap(amount)), Some(Purpose::Unwrap { amount }));
        let passed = Passer::initiateWithdrawalCall {
            target: OWNER,
            gasLimit: U256::from(RECIPIENT_GAS),
            data: Bytes::new(),
        };
        let data = passed.abi_encode().into();
        assert_eq!(
            meaning(Call { target: predeploys::MESSAGE_PASSER, value: amount, gas: 1, data }),
            Some(eth)
        );
        let plain = Call { target: predeploys::MESSAGE_PASSER, value: amount, gas: 1, data: Bytes::new() };
        assert_eq!(meaning(plain), Some(eth));
        let bridge = Bridge::withdrawCall {
            l2Token: predeploys::ETH_TOKEN,
            amount,
            minGasLimit: 0,
            extraData: Bytes::new(),
        };
        let data = bridge.abi_encode().into();
        assert_eq!(meaning(Call { target: predeploys::L2_BRIDGE, value: amount, gas: 1, data }), Some(eth));
        let other = Call { target: token, value: amount, gas: 1, data: Bytes::new() };
        assert_eq!(meaning(other), Some(Purpose::Call));
    }

    #[test]
    fn messages_of_others_are_nobodys_business() {
        let call = Call::withdraw_eth(OWNER, U256::from(7));
        assert_eq!(purpose(&message(Address::repeat_byte(3), call), OWNER, VAULT), None);
    }

    #[test]
    fn deposits_belong_to_who_paid_them_on_l1() {
        let (to, amount) = (Address::repeat_byte(4), U256::from(7));
        let deposit = |from: Address, sender: Address| {
            let call = Bridge::finalizeETHDepositCall { from, to, amount, extraData: Bytes::new() };
            let data = call.abi_encode().into();
            let call = Call { target: predeploys::L2_BRIDGE, value: amount, gas: 1, data };
            purpose(&message(sender, call), OWNER, VAULT)
        };
        let alias = alias_l1_address(VAULT);
        assert_eq!(deposit(OWNER, alias), Some(Purpose::Deposit { l1_token: None, amount, to }));
        assert_eq!(deposit(to, alias), None);
        // Only the Vault speaks for depositors.
        assert_eq!(deposit(OWNER, VAULT), None);
    }
}
