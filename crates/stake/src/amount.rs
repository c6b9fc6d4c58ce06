//! Amounts of ether and shares of them, in whole numbers.

use core::{
    fmt,
    iter::Sum,
    ops::{Add, Sub},
    str::FromStr,
};

use serde::{Serialize, Serializer};

use crate::StakeError;

/// An amount of ether in wei. Sums and products that would overflow stay at the greatest amount, 3.4e20 ETH,
/// which is more than there is; a difference is never below zero.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Wei(pub u128);

impl Wei {
    /// Nothing.
    pub const ZERO: Self = Self(0);
    /// 10^9 wei.
    pub const GWEI: Self = Self(1_000_000_000);
    /// 10^18 wei.
    pub const ETHER: Self = Self(1_000_000_000_000_000_000);
    /// The greatest amount, which stands for "more than any number that means something".
    pub const MAX: Self = Self(u128::MAX);

    /// Whole ether.
    pub const fn ether(amount: u64) -> Self {
        Self(Self::ETHER.0 * amount as u128)
    }

    /// Whole gwei.
    pub const fn gwei(amount: u64) -> Self {
        Self(Self::GWEI.0 * amount as u128)
    }

    /// Reads gwei, such as `30` or `0.25`.
    ///
    /// # Errors
    /// [`StakeError::Amount`] if it is no decimal number, has more than nine decimals, or is above 10^12.
    pub fn from_gwei_text(text: &str) -> Result<Self, StakeError> {
        decimal(text, 9).map(Self).ok_or_else(|| StakeError::Amount {
            given: text.into(),
            unit: "gwei",
            decimals: 9,
        })
    }

    /// `count` times this.
    pub const fn times(self, count: u128) -> Self {
        Self(self.0.saturating_mul(count))
    }

    /// `numerator / denominator` of this, rounded up to whole wei. `denominator` is not zero.
    pub const fn share_up(self, numerator: u128, denominator: u128) -> Self {
        // Apart, so that what is multiplied stays small.
        let whole = (self.0 / denominator).saturating_mul(numerator);
        let rest = (self.0 % denominator).saturating_mul(numerator).div_ceil(denominator);
        Self(whole.saturating_add(rest))
    }

    /// A part of this, rounded down, as the contracts divide. `parts` is not zero.
    pub const fn part(self, parts: u128) -> Self {
        Self(self.0 / parts)
    }

    /// The next whole gwei.
    pub const fn up_to_gwei(self) -> Self {
        Self(self.0.div_ceil(Self::GWEI.0).saturating_mul(Self::GWEI.0))
    }

    /// The least amount that is not below this and has two digits that are not zero.
    pub fn up_to_two_digits(self) -> Self {
        let digits = self.0.checked_ilog10().unwrap_or(0);
        let unit = 10u128.pow(digits.saturating_sub(1));
        self.0.div_ceil(unit).checked_mul(unit).map_or(self, Self)
    }

    /// In ether, for drawing and for chances; not exact.
    #[allow(clippy::cast_precision_loss)]
    pub const fn as_ether(self) -> f64 {
        self.0 as f64 / 1e18
    }

    /// From ether that need not be exact; negative ones and what is no number are zero.
    #[allow(clippy::cast_possible_truncation, clippy::cast_sign_loss)]
    pub const fn about_ether(ether: f64) -> Self {
        Self((ether * 1e18) as u128)
    }
}

/// A decimal number with at most `decimals` of them, times `10^decimals`.
fn decimal(text: &str, decimals: usize) -> Option<u128> {
    let (whole, fraction) = text.split_once('.').unwrap_or((text, ""));
    let digits = |part: &str| part.bytes().all(|byte| byte.is_ascii_digit());
    if (whole.is_empty() && fraction.is_empty()) || !digits(whole) || !digits(fraction) {
        return None;
    }
    if whole.len() > 12 || fraction.len() > decimals {
        return None;
    }
    format!("{whole}{fraction:0<decimals$}").parse().ok()
}

/// Reads ether, such as `1000` or `0.25`.
impl FromStr for Wei {
    type Err = StakeError;

    fn from_str(text: &str) -> Result<Self, StakeError> {
        decimal(text, 18).map(Self).ok_or_else(|| StakeError::Amount {
            given: text.into(),
            unit: "ETH",
            decimals: 18,
        })
    }
}

impl Add for Wei {
    type Output = Self;

    fn add(self, other: Self) -> Self {
        Self(self.0.saturating_add(other.0))
    }
}

impl Sub for Wei {
    type Output = Self;

    fn sub(self, other: Self) -> Self {
        Self(self.0.saturating_sub(other.0))
    }
}

impl Sum for Wei {
    fn sum<I: Iterator<Item = Self>>(amounts: I) -> Self {
        amounts.fold(Self::ZERO, Add::add)
    }
}

/// Ether to four digits, gwei when it is very little.
impl fmt::Display for Wei {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(&match self.0 {
            0 => "0 ETH".to_owned(),
            u128::MAX => "beyond measure".to_owned(),
            wei if wei < 1_000_000_000_000 => format!("{} gwei", digits(self.as_ether() * 1e9)),
            _ => format!("{} ETH", digits(self.as_ether())),
        })
    }
}

/// Decimal text of the wei, because a JSON number of that size is not exact everywhere.
impl Serialize for Wei {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(&self.0)
    }
}

/// What one side gains and pays, which may leave it with less than before.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize)]
pub struct Net {
    /// Wei that it gets beyond what it put up.
    pub gains: Wei,
    /// Wei that it pays or loses.
    pub costs: Wei,
}

impl Net {
    /// What is left for it; zero after a loss.
    pub fn profit(self) -> Wei {
        self.gains - self.costs
    }

    /// What it is short of; zero after a profit.
    pub fn loss(self) -> Wei {
        self.costs - self.gains
    }
}

/// With its sign.
impl fmt::Display for Net {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(&if self.costs > self.gains {
            format!("-{}", self.loss())
        } else {
            format!("+{}", self.profit())
        })
    }
}

/// A multiple in hundredths: 300 is three times.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(transparent)]
pub struct Multiple(pub u32);

/// Reads a multiple, such as `3` or `1.5`.
impl FromStr for Multiple {
    type Err = StakeError;

    fn from_str(text: &str) -> Result<Self, StakeError> {
        decimal(text, 2)
            .and_then(|hundredths| u32::try_from(hundredths).ok())
            .map(Self)
            .ok_or_else(|| StakeError::Amount { given: text.into(), unit: "times", decimals: 2 })
    }
}

impl fmt::Display for Multiple {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(&digits(f64::from(self.0) / 100.0))
    }
}

/// A yearly rate in hundredths of a per cent: 500 is 5 % a year.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(transparent)]
pub struct YearlyRate(pub u32);

impl YearlyRate {
    /// Seconds in a year of 365.25 days.
    const YEAR: u128 = 31_557_600;

    /// What locking `amount` for `seconds` costs, rounded up.
    pub const fn of(self, amount: Wei, seconds: u64) -> Wei {
        amount.share_up(self.0 as u128 * seconds as u128, 10_000 * Self::YEAR)
    }
}

/// Reads per cent a year, such as `5` or `2.75`.
impl FromStr for YearlyRate {
    type Err = StakeError;

    fn from_str(text: &str) -> Result<Self, StakeError> {
        decimal(text, 2)
            .and_then(|hundredths| u32::try_from(hundredths).ok())
            .map(Self)
            .ok_or_else(|| StakeError::Amount { given: text.into(), unit: "per cent a year", decimals: 2 })
    }
}

impl fmt::Display for YearlyRate {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} %", digits(f64::from(self.0) / 100.0))
    }
}

/// A number for people: four digits that count, thousands apart, no zeros at the end.
pub fn digits(value: f64) -> String {
    if !value.is_finite() {
        return "beyond measure".into();
    }
    if value != 0.0 && (value.abs() < 1e-4 || value.abs() >= 1e15) {
        return format!("{value:.1e}");
    }
    let decimals = match value.abs() {
        v if v >= 1000.0 => 0,
        v if v >= 100.0 => 1,
        v if v >= 10.0 => 2,
        v if v >= 1.0 => 3,
        v if v >= 0.1 => 4,
        v if v >= 0.01 => 5,
        _ => 6,
    };
    let text = format!("{value:.decimals$}");
    let (whole, fraction) = text.split_once('.').unwrap_or((&text, ""));
    let fraction = fraction.trim_end_matches('0');
    let dot = if fraction.is_empty() { "" } else { "." };
    let (sign, whole) = whole.strip_prefix('-').map_or(("", whole), |rest| ("-", rest));
    let whole = grouped(whole);
    format!("{sign}{whole}{dot}{fraction}")
}

/// Digits with their thousands apart.
fn grouped(digits: &str) -> String {
    let mut grouped = String::new();
    for (index, digit) in digits.chars().enumerate() {
        if index > 0 && (digits.len() - index).is_multiple_of(3) {
            grouped.push(',');
        }
        grouped.push(digit);
    }
    grouped
}

/// A whole number for people, thousands apart.
pub(crate) fn whole(number: impl Into<u128>) -> String {
    grouped(&number.into().to_string())
}

/// A time for people, such as `7 days` or `1 day 6 hours`.
pub fn span(seconds: u64) -> String {
    let units = [("day", 86_400), ("hour", 3600), ("minute", 60), ("second", 1)];
    let mut rest = seconds;
    let mut parts = Vec::new();
    for (name, size) in units {
        let count = rest / size;
        rest %= size;
        if count > 0 && parts.len() < 2 {
            parts.push(format!("{count} {name}{}", if count == 1 { "" } else { "s" }));
        }
    }
    if parts.is_empty() { "no time".into() } else { parts.join(" ") }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn amounts_are_read_exactly() {
        assert_eq!("1".parse::<Wei>(), Ok(Wei::ETHER));
        assert_eq!("0.000000000000000001".parse::<Wei>(), Ok(Wei(1)));
        assert_eq!("12.5".parse::<Wei>(), Ok(Wei(12_500_000_000_000_000_000)));
        assert_eq!(".5".parse::<Wei>(), Ok(Wei(500_000_000_000_000_000)));
        assert_eq!(Wei::from_gwei_text("0.25"), Ok(Wei(250_000_000)));
        for bad in ["", ".", "-1", "1e3", "1,000", "0x10", "1.0000000000000000001", "1234567890123"] {
            assert!(bad.parse::<Wei>().is_err(), "{bad}");
        }
        assert!(Wei::from_gwei_text("0.1234567891").is_err());
    }

    #[test]
    fn shares_round_up_and_do_not_overflow() {
        assert_eq!(Wei(10).share_up(1, 3), Wei(4));
        assert_eq!(Wei(9).share_up(1, 3), Wei(3));
        assert_eq!(Wei::MAX.share_up(2, 1), Wei::MAX);
        // 120 million ETH for ten years at 50 %: about half of it a year.
        let all = YearlyRate(5000).of(Wei::ether(120_000_000), 315_576_000);
        assert_eq!(all, Wei::ether(600_000_000));
    }

    #[test]
    fn rounding_up_keeps_two_digits() {
        for (wei, up) in [(0, 0), (7, 7), (99, 99), (100, 100), (101, 110), (451_234, 460_000), (995, 1000)] {
            assert_eq!(Wei(wei).up_to_two_digits(), Wei(up));
        }
        assert_eq!(Wei(1).up_to_gwei(), Wei::GWEI);
        assert_eq!(Wei::GWEI.up_to_gwei(), Wei::GWEI);
    }

    #[test]
    fn texts_for_people() {
        assert_eq!(Wei::ether(1_234_567).to_string(), "1,234,567 ETH");
        assert_eq!(Wei(453_700_000_000_000_000).to_string(), "0.4537 ETH");
        assert_eq!(Wei::gwei(30).to_string(), "30 gwei");
        assert_eq!(Net { gains: Wei::ETHER, costs: Wei::ether(3) }.to_string(), "-2 ETH");
        assert_eq!(span(7 * 86_400), "7 days");
        assert_eq!(span(108_000), "1 day 6 hours");
        assert_eq!(digits(1000.0), "1,000");
        assert_eq!(digits(0.0), "0");
    }
}
