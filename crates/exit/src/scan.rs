//! What the derived chain says of an account: withdrawals that it started, and tokens that exist.

use alloy_primitives::{Address, B256, Bloom, BloomInput, Log, U256};
use alloy_sol_types::{SolCall, SolEvent};
use duplex_chain::Chain;
use duplex_contracts::{
    bindings::{IL2Bridge, IMessagePasser, Withdrawal},
    l2_token_address,
};
use duplex_l1::TokenInfo;
use duplex_primitives::predeploys;

use crate::{
    ExitError,
    abi::{Bridge, Factory, Payout},
};

/// A withdrawal in an L2 block.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Leaving {
    /// The L2 block that started it.
    pub block: u64,
    /// What L1 will be asked to do.
    pub withdrawal: Withdrawal,
    /// Id of the asset that it takes along.
    pub asset: Address,
    /// How much.
    pub amount: U256,
    /// Who receives it on L1.
    pub to: Address,
}

impl Leaving {
    fn new(block: u64, withdrawal: Withdrawal) -> Self {
        // Tokens leave as a message of the bridge to the Vault, which then pays them out.
        let payout = (withdrawal.sender == predeploys::L2_BRIDGE && withdrawal.value.is_zero())
            .then(|| Payout::finalizeWithdrawalCall::abi_decode(&withdrawal.data).ok())
            .flatten();
        let (asset, amount, to) = match payout {
            Some(call) => (l2_token_address(call.l1Token), call.amount, call.to),
            None => (predeploys::ETH_TOKEN, withdrawal.value, withdrawal.target),
        };
        Self { block, withdrawal, asset, amount, to }
    }
}

/// Reads the derived chain, once.
#[derive(Debug)]
pub(crate) struct Scan {
    owner: Address,
    at: Option<(u64, B256)>,
    /// Withdrawals that the owner started, and deposits of it that L2 sent back.
    pub(crate) leaving: Vec<Leaving>,
    /// Tokens that were created.
    pub(crate) tokens: Vec<TokenInfo>,
}

impl Scan {
    pub(crate) const fn new(owner: Address) -> Self {
        Self { owner, at: None, leaving: Vec::new(), tokens: Vec::new() }
    }

    /// Reads on up to block `to`. Blocks that were replaced since are read again.
    pub(crate) fn advance(&mut self, chain: &Chain, to: u64) -> Result<(), ExitError> {
        if let Some((number, hash)) = self.at
            && (number > to || chain.hash_of(number)? != Some(hash))
        {
            *self = Self::new(self.owner);
        }
        let owner = Bloom::from(BloomInput::Raw(self.owner.into_word().as_slice()));
        let factory = Bloom::from(BloomInput::Raw(predeploys::BRIDGED_TOKEN_FACTORY.as_slice()));
        let mut parent = self.at;
        for number in parent.map_or(1, |(number, _)| number + 1)..=to {
            let header = chain.header(number)?.ok_or(ExitError::ChainMoved)?;
            if parent.is_some_and(|(_, hash)| hash != header.parent_hash) {
                return Err(ExitError::ChainMoved);
            }
            let bloom = header.logs_bloom;
            if bloom.contains(&owner) || bloom.contains(&factory) {
                let block = chain.block(number)?.ok_or(ExitError::ChainMoved)?;
                for receipt in &block.receipts {
                    self.receipt(number, &receipt.logs);
                }
                parent = Some((number, block.hash()));
            } else {
                parent = Some((number, header.hash_slow()));
            }
            self.at = parent;
        }
        Ok(())
    }

    fn receipt(&mut self, block: u64, logs: &[Log]) {
        // The bridge says whose withdrawal it is right after the message; of a deposit that it
        // returns, right before.
        let (mut bridged, mut returned) = (None, false);
        for log in logs {
            match log.address {
                predeploys::MESSAGE_PASSER => {
                    let Ok(event) = IMessagePasser::MessagePassed::decode_log(log) else { continue };
                    let event = event.data;
                    let withdrawal = Withdrawal {
                        nonce: event.nonce,
                        sender: event.sender,
                        target: event.target,
                        value: event.value,
                        gasLimit: event.gasLimit,
                        data: event.data,
                    };
                    if event.sender == self.owner || std::mem::take(&mut returned) {
                        self.leaving.push(Leaving::new(block, withdrawal));
                    } else if event.sender == predeploys::L2_BRIDGE {
                        bridged = Some(withdrawal);
                    }
                }
                predeploys::L2_BRIDGE => {
                    let started = IL2Bridge::WithdrawalInitiated::decode_log(log);
                    if started.is_ok_and(|event| event.from == self.owner)
                        && let Some(withdrawal) = bridged.take()
                    {
                        self.leaving.push(Leaving::new(block, withdrawal));
                    }
                    returned =
                        Bridge::DepositReturned::decode_log(log).is_ok_and(|event| event.from == self.owner);
                }
                predeploys::BRIDGED_TOKEN_FACTORY => {
                    let Ok(event) = Factory::TokenCreated::decode_log(log) else { continue };
                    self.tokens.push(TokenInfo {
                        symbol: event.symbol.clone(),
                        name: event.name.clone(),
                        decimals: event.decimals,
                        l1: event.l1Token,
                        l2: event.l2Token,
                    });
                }
                _ => {}
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use alloy_primitives::Bytes;

    use super::*;

    const OWNER: Address = Address::repeat_byte(1);

    fn log(address: Address, event: &impl SolEvent) -> Log {
        Log { address, data: event.encode_log_data() }
    }

    fn passed(nonce: u64, sender: Address, target: Address, value: u64, data: Bytes) -> Log {
        let event = IMessagePasser::MessagePassed {
            nonce: U256::from(nonce),
            sender,
            target,
            value: U256::from(value),
            gasLimit: U256::from(1),
            data,
            withdrawalHash: B256::ZERO,
        };
        log(predeploys::MESSAGE_PASSER, &event)
    }

    fn initiated(from: Address) -> Log {
        let event = IL2Bridge::WithdrawalInitiated {
            l1Token: Address::ZERO,
            l2Token: predeploys::ETH_TOKEN,
            from,
            to: from,
            amount: U256::from(5),
            extraData: Bytes::new(),
        };
        log(predeploys::L2_BRIDGE, &event)
    }

    fn returned(from: Address) -> Log {
        let (l1, l2) = (Address::ZERO, predeploys::ETH_TOKEN);
        let amount = U256::from(5);
        log(
            predeploys::L2_BRIDGE,
            &Bridge::DepositReturned { l1Token: l1, l2Token: l2, from, to: OWNER, amount },
        )
    }

    fn nonces(logs: &[Log]) -> Vec<u64> {
        let mut scan = Scan::new(OWNER);
        scan.receipt(1, logs);
        scan.leaving.iter().map(|leaving| leaving.withdrawal.nonce.to()).collect()
    }

    #[test]
    fn own_withdrawals_are_told_from_those_of_others() {
        let (other, bridge) = (Address::repeat_byte(2), predeploys::L2_BRIDGE);
        let logs = [
            passed(1, OWNER, other, 5, Bytes::new()),
            passed(2, other, OWNER, 5, Bytes::new()),
            passed(3, bridge, other, 5, Bytes::new()),
            initiated(OWNER),
            passed(4, bridge, OWNER, 5, Bytes::new()),
            initiated(other),
            returned(OWNER),
            passed(5, bridge, OWNER, 5, Bytes::new()),
            returned(other),
            passed(6, bridge, other, 5, Bytes::new()),
        ];
        assert_eq!(nonces(&logs), [1, 3, 5]);
    }

    #[test]
    fn only_the_contracts_themselves_are_believed() {
        let mut logs = [passed(1, OWNER, OWNER, 5, Bytes::new()), initiated(OWNER)];
        for log in &mut logs {
            log.address = Address::repeat_byte(7);
        }
        assert!(nonces(&logs).is_empty());
    }

    #[test]
    fn a_token_that_leaves_is_named_by_its_twin() {
        let (token, to) = (Address::repeat_byte(8), Address::repeat_byte(9));
        let payout = Payout::finalizeWithdrawalCall {
            l1Token: token,
            from: OWNER,
            to,
            amount: U256::from(77),
            extraData: Bytes::new(),
        };
        let data: Bytes = payout.abi_encode().into();
        let mut scan = Scan::new(OWNER);
        let vault = Address::repeat_byte(6);
        scan.receipt(4, &[passed(1, predeploys::L2_BRIDGE, vault, 0, data.clone()), initiated(OWNER)]);
        let found = &scan.leaving[0];
        assert_eq!((found.asset, found.amount, found.to), (l2_token_address(token), U256::from(77), to));
        // Anybody may send the same bytes; they then take no token along.
        scan.receipt(5, &[passed(2, OWNER, vault, 0, data)]);
        assert_eq!((scan.leaving[1].asset, scan.leaving[1].to), (predeploys::ETH_TOKEN, vault));
    }
}
