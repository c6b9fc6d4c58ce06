//! What an account can have on L2 and take to L1.

use std::collections::{BTreeMap, BTreeSet};

use alloy_primitives::{Address, U256};
use duplex_bridge::format_units;
use duplex_chain::StateAt;
use duplex_contracts::token_balance_slot;
use duplex_l1::TokenInfo;
use duplex_primitives::predeploys;
use revm::DatabaseRef;

use crate::ExitError;

/// What an account can have on L2 and take to L1.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Asset {
    /// Ether.
    Eth,
    /// Ether as a token; it leaves as ether.
    Weth,
    /// The twin of a token on L1.
    Token(TokenInfo),
}

impl Asset {
    /// What it is known by here: its address on L2, or that which stands for ETH.
    pub const fn id(&self) -> Address {
        match self {
            Self::Eth => predeploys::ETH_TOKEN,
            Self::Weth => predeploys::WETH,
            Self::Token(token) => token.l2,
        }
    }

    /// Its symbol.
    pub fn symbol(&self) -> &str {
        match self {
            Self::Eth => "ETH",
            Self::Weth => "WETH",
            Self::Token(token) => &token.symbol,
        }
    }

    /// An amount with its symbol. What a token calls itself is shown without control characters.
    pub fn format(&self, amount: U256) -> String {
        let decimals = match self {
            Self::Token(token) => token.decimals,
            _ => 18,
        };
        let symbol: String = self.symbol().chars().filter(|c| !c.is_control()).take(20).collect();
        // More digits than a number has cannot be written with a point.
        match decimals {
            0..=77 => format!("{} {symbol}", format_units(amount, decimals)),
            _ => format!("{amount} units of {symbol}"),
        }
    }

    /// What an account has of it.
    pub(crate) fn balance(&self, state: &StateAt, account: Address) -> Result<U256, ExitError> {
        Ok(match self {
            Self::Eth => state.sender(account).map_err(duplex_chain::ChainError::from)?.balance,
            _ => state
                .storage_ref(self.id(), token_balance_slot(account))
                .map_err(duplex_chain::ChainError::from)?,
        })
    }
}

/// All assets that a rollup has.
#[derive(Debug, Clone, Default)]
pub struct Assets {
    by_id: BTreeMap<Address, Asset>,
}

impl Assets {
    /// ETH, WETH, and these tokens.
    pub fn new(tokens: impl IntoIterator<Item = TokenInfo>) -> Self {
        let all = [Asset::Eth, Asset::Weth].into_iter().chain(tokens.into_iter().map(Asset::Token));
        Self { by_id: all.map(|asset| (asset.id(), asset)).collect() }
    }

    /// Adds a token, unless it is known.
    pub fn add(&mut self, token: TokenInfo) {
        self.by_id.entry(token.l2).or_insert(Asset::Token(token));
    }

    /// All of them: ETH, WETH, then tokens.
    pub fn iter(&self) -> impl Iterator<Item = &Asset> {
        let first = [predeploys::ETH_TOKEN, predeploys::WETH];
        let tokens = self.by_id.values().filter(move |asset| !first.contains(&asset.id()));
        first.into_iter().filter_map(|id| self.by_id.get(&id)).chain(tokens)
    }

    /// The asset with this id.
    pub fn get(&self, id: Address) -> Option<&Asset> {
        self.by_id.get(&id)
    }

    /// An amount of the asset with this id, for people.
    pub fn format(&self, id: Address, amount: U256) -> String {
        self.get(id).map_or_else(|| format!("{amount} units of {id}"), |asset| asset.format(amount))
    }

    /// The ids of assets that a user names: `ETH`, `WETH`, a symbol, or an address on either layer. WETH
    /// leaves as ETH, so whoever names it names ETH too.
    ///
    /// # Errors
    /// If there is none of that name, or several tokens have that symbol.
    pub fn choose(&self, names: &[String]) -> Result<BTreeSet<Address>, ExitError> {
        let mut chosen = BTreeSet::new();
        for name in names {
            let address: Option<Address> = name.parse().ok();
            let named = |asset: &&Asset| match (address, *asset) {
                (Some(address), Asset::Token(token)) => address == token.l1 || address == token.l2,
                (Some(address), asset) => address == asset.id(),
                (None, asset) => asset.symbol().eq_ignore_ascii_case(name),
            };
            let found: Vec<&Asset> = self.iter().filter(named).collect();
            match found[..] {
                [] => return Err(ExitError::UnknownAsset { name: name.clone() }),
                // Anyone can make a token that calls itself ETH: the real one is meant.
                [first, ..] if matches!(first, Asset::Eth | Asset::Weth) => drop(chosen.insert(first.id())),
                [one] => drop(chosen.insert(one.id())),
                ref several => {
                    let addresses = several.iter().map(|asset| asset.id().to_string()).collect();
                    return Err(ExitError::AmbiguousAsset { name: name.clone(), addresses });
                }
            }
        }
        if chosen.contains(&predeploys::WETH) {
            chosen.insert(predeploys::ETH_TOKEN);
        }
        Ok(chosen)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn token(symbol: &str, byte: u8) -> TokenInfo {
        let (l1, l2) = (Address::repeat_byte(byte), Address::repeat_byte(byte + 1));
        TokenInfo { symbol: symbol.into(), name: symbol.into(), decimals: 6, l1, l2 }
    }

    #[test]
    fn assets_are_chosen_by_symbol_or_address() {
        let assets = Assets::new([token("DAI", 1), token("UNI", 3), token("uni", 5), token("ETH", 7)]);
        let choose =
            |names: &[&str]| assets.choose(&names.iter().map(|name| (*name).to_owned()).collect::<Vec<_>>());
        assert_eq!(choose(&["dai"]).unwrap(), BTreeSet::from([Address::repeat_byte(2)]));
        assert_eq!(choose(&["eth"]).unwrap(), BTreeSet::from([predeploys::ETH_TOKEN]));
        assert_eq!(choose(&["weth"]).unwrap().len(), 2);
        let (l1, l2) = (Address::repeat_byte(3).to_string(), Address::repeat_byte(4).to_string());
        assert_eq!(choose(&[&l1]).unwrap(), choose(&[&l2]).unwrap());
        let error = choose(&["UNI"]).unwrap_err().to_string();
        assert!(error.contains(&l2) && error.contains("several"), "{error}");
        assert!(choose(&["LINK"]).unwrap_err().to_string().contains("LINK"));
    }

    #[test]
    fn a_token_cannot_write_on_the_terminal_what_it_likes() {
        let mut scam = token("\x1b[2JX\n", 1);
        assert_eq!(Asset::Token(scam.clone()).format(U256::from(1_500_000)), "1.5 [2JX");
        scam.decimals = 255;
        assert_eq!(Asset::Token(scam).format(U256::from(7)), "7 units of [2JX");
    }
}
