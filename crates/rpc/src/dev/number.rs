//! Numbers in whichever form tools send them.

use alloy_primitives::U256;
use serde::Deserialize;

use crate::{RpcError, RpcResult, params::Args};

/// A number: hex string, decimal string or JSON number.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(try_from = "Form")]
pub(super) struct Number(pub(super) U256);

#[derive(Deserialize)]
#[serde(untagged)]
enum Form {
    Integer(u64),
    Text(String),
}

impl TryFrom<Form> for Number {
    type Error = String;

    fn try_from(form: Form) -> Result<Self, String> {
        match form {
            Form::Integer(number) => Ok(Self(U256::from(number))),
            // Some tools send "0x" for zero.
            Form::Text(text) if text == "0x" => Ok(Self(U256::ZERO)),
            Form::Text(text) if text.is_empty() => Err("an empty string is not a number".into()),
            Form::Text(text) => text.parse().map(Self).map_err(|error| format!("not a number: {error}")),
        }
    }
}

impl Number {
    pub(super) fn u64(self, name: &str) -> RpcResult<u64> {
        u64::try_from(self.0).map_err(|_| RpcError::param(name, format!("{} is above 2^64 - 1", self.0)))
    }

    /// The next parameter, which must be there and fit 64 bits.
    pub(super) fn required(args: &mut Args<'_>, name: &str) -> RpcResult<u64> {
        args.required::<Self>(name)?.u64(name)
    }

    /// The next parameter, which must fit 64 bits if it is there.
    pub(super) fn optional(args: &mut Args<'_>, name: &str) -> RpcResult<Option<u64>> {
        args.optional::<Self>(name)?.map(|number| number.u64(name)).transpose()
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn test_number_takes_every_form() {
        for form in [json!(255), json!("0xff"), json!("255"), json!("0x00ff")] {
            assert_eq!(serde_json::from_value::<Number>(form).unwrap(), Number(U256::from(255)));
        }
        assert_eq!(serde_json::from_value::<Number>(json!("0x")).unwrap(), Number(U256::ZERO));
        for wrong in [json!(-1), json!(1.5), json!(""), json!("0xzz"), json!("ten"), json!([]), json!({})] {
            assert!(serde_json::from_value::<Number>(wrong.clone()).is_err(), "{wrong}");
        }
    }
}
