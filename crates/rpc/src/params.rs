//! Positional parameters, with errors that name the bad one.

use alloy_eips::BlockId;
use jsonrpsee::types::Params;
use serde::de::DeserializeOwned;
use serde_json::value::RawValue;

use crate::{RpcError, RpcResult};

/// Longest piece of a bad value that an error repeats.
const SHOWN: usize = 80;
/// Longest explanation, which may repeat the value as well.
const EXPLAINED: usize = 200;

/// The parameters of one request.
#[derive(Debug)]
pub(crate) struct Args<'a> {
    values: std::vec::IntoIter<&'a RawValue>,
    read: usize,
}

impl<'a> Args<'a> {
    /// The parameters of a request. Absent parameters are none.
    pub(crate) fn new(params: &'a Params<'_>) -> RpcResult<Self> {
        let values: Vec<&'a RawValue> = match params.as_str() {
            None | Some("") => Vec::new(),
            Some(text) => serde_json::from_str(text)
                .map_err(|_| RpcError::InvalidParams("params must be a list of values".into()))?,
        };
        Ok(Self { values: values.into_iter(), read: 0 })
    }

    /// The next parameter, which must be there.
    pub(crate) fn required<T: DeserializeOwned>(&mut self, name: &str) -> RpcResult<T> {
        let at = self.read;
        self.optional(name)?.ok_or_else(|| {
            RpcError::InvalidParams(format!("missing value for required argument {at} ({name})"))
        })
    }

    /// The next parameter; `None` if it is absent or null.
    pub(crate) fn optional<T: DeserializeOwned>(&mut self, name: &str) -> RpcResult<Option<T>> {
        let at = self.read;
        self.read += 1;
        let Some(raw) = self.values.next().map(RawValue::get) else { return Ok(None) };
        if raw == "null" {
            return Ok(None);
        }
        serde_json::from_str(raw).map(Some).map_err(|error| {
            let (error, shown) = (cut(&error.to_string(), EXPLAINED), cut(raw, SHOWN));
            RpcError::InvalidParams(format!("invalid argument {at} ({name}): {error}, in {shown}"))
        })
    }

    /// The next parameter as the name of a block; `latest` if it is absent.
    pub(crate) fn block(&mut self) -> RpcResult<BlockId> {
        Ok(self.optional("block")?.unwrap_or_default())
    }
}

/// The beginning of a text that may be as long as a request.
fn cut(text: &str, length: usize) -> String {
    match text.char_indices().nth(length) {
        Some((end, _)) => format!("{}…", &text[..end]),
        None => text.into(),
    }
}
