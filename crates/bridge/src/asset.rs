//! ETH and tokens.

use alloy_primitives::{Address, U256};
use duplex_contracts::bindings::{IBridgedToken, IERC20, IVault};
use duplex_l1::TokenInfo;

use crate::{Bridge, BridgeError};

/// What can be moved between the layers.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Asset {
    /// Ether.
    Eth,
    /// An ERC-20.
    Token(TokenInfo),
}

impl Asset {
    /// Its symbol.
    pub fn symbol(&self) -> &str {
        match self {
            Self::Eth => "ETH",
            Self::Token(token) => &token.symbol,
        }
    }

    /// Digits after the point.
    pub const fn decimals(&self) -> u8 {
        match self {
            Self::Eth => 18,
            Self::Token(token) => token.decimals,
        }
    }

    /// The token's address on L1; `None` for ETH.
    pub fn l1(&self) -> Option<Address> {
        match self {
            Self::Eth => None,
            Self::Token(token) => Some(token.l1),
        }
    }

    /// The token's address on L2; `None` for ETH.
    pub fn l2(&self) -> Option<Address> {
        match self {
            Self::Eth => None,
            Self::Token(token) => Some(token.l2),
        }
    }

    /// Reads an amount such as `1.5`.
    ///
    /// # Errors
    /// If it is none.
    pub fn parse(&self, text: &str) -> Result<U256, BridgeError> {
        parse_units(text, self.decimals()).ok_or_else(|| BridgeError::Amount {
            text: text.into(),
            symbol: self.symbol().into(),
            decimals: self.decimals(),
        })
    }

    /// Writes an amount with its symbol.
    pub fn format(&self, amount: U256) -> String {
        format!("{} {}", format_units(amount, self.decimals()), self.symbol())
    }
}

/// Reads a decimal number with at most `decimals` digits after the point.
pub fn parse_units(text: &str, decimals: u8) -> Option<U256> {
    let (whole, fraction) = text.split_once('.').unwrap_or((text, ""));
    let digits = |part: &str| part.bytes().all(|byte| byte.is_ascii_digit());
    if (whole.is_empty() && fraction.is_empty()) || !digits(whole) || !digits(fraction) {
        return None;
    }
    if fraction.len() > usize::from(decimals) {
        return None;
    }
    let padded = format!("{whole}{fraction:0<width$}", width = usize::from(decimals));
    U256::from_str_radix(&padded, 10).ok()
}

/// Writes an amount as a decimal number without needless zeros.
pub fn format_units(amount: U256, decimals: u8) -> String {
    let digits = format!("{amount:0>width$}", width = usize::from(decimals) + 1);
    let (whole, fraction) = digits.split_at(digits.len() - usize::from(decimals));
    match fraction.trim_end_matches('0') {
        "" => whole.to_owned(),
        fraction => format!("{whole}.{fraction}"),
    }
}

impl Bridge {
    /// ETH, a token of the deployment by symbol, or any ERC-20 by its address on either layer.
    ///
    /// # Errors
    /// If there is no such token.
    pub async fn asset(&self, name: Option<&str>) -> Result<Asset, BridgeError> {
        let Some(name) = name.filter(|name| !name.eq_ignore_ascii_case("ETH")) else { return Ok(Asset::Eth) };
        if let Some(token) = self.deployment.token(name) {
            return Ok(Asset::Token(token.clone()));
        }
        let unknown = || BridgeError::Token(name.into());
        let address: Address = name.parse().map_err(|_| unknown())?;
        let l1 = if !self.l1.code(address).await?.is_empty() {
            address
        } else if !self.l2.code(address).await?.is_empty() {
            self.l2.call(address, &IBridgedToken::l1TokenCall {}).await.map_err(|_| unknown())?
        } else {
            return Err(unknown());
        };
        let l2 = self
            .l1
            .call(self.deployment.contracts.vault, &IVault::l2TokenAddressCall { l1Token: l1 })
            .await?;
        let decimals = self.l1.call(l1, &IERC20::decimalsCall {}).await.map_err(|_| unknown())?;
        let symbol = self.l1.call(l1, &IERC20::symbolCall {}).await.unwrap_or_else(|_| "tokens".into());
        let name = self.l1.call(l1, &IERC20::nameCall {}).await.unwrap_or_default();
        Ok(Asset::Token(TokenInfo { symbol, name, decimals, l1, l2 }))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn units_round_trip() {
        for (text, decimals, value) in [
            ("1.5", 18, 1_500_000_000_000_000_000u128),
            ("0.000001", 6, 1),
            ("12", 0, 12),
            (".5", 1, 5),
            ("7.", 2, 700),
        ] {
            assert_eq!(parse_units(text, decimals), Some(U256::from(value)), "{text}");
        }
        assert_eq!(format_units(U256::from(1_500_000u64), 6), "1.5");
        assert_eq!(format_units(U256::ZERO, 18), "0");
        assert_eq!(format_units(U256::from(5), 0), "5");
        assert_eq!(format_units(U256::from(1), 18), "0.000000000000000001");
    }

    #[test]
    fn what_is_no_amount_is_refused() {
        for text in ["", ".", "-1", "1e3", "1.2.3", "0x10", "1,5", " 1", "1.0000001"] {
            assert_eq!(parse_units(text, 6), None, "{text}");
        }
        assert_eq!(parse_units(&"9".repeat(90), 18), None);
    }
}
