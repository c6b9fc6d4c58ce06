//! Reading replies to `eth_sendRawTransaction` without paying for it.
//!
//! As long as a reply holds no error, counting its results is all that happens. Only a reply with
//! an error in it is parsed.

use crate::rpc::ReplyError;
use core::ops::Range;
use hyper::StatusCode;
use serde::Deserialize;
use serde_json::value::RawValue;

/// What the endpoint said of one transaction.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Verdict {
    /// It has it.
    Accepted,
    /// Not now: the same transaction may be taken later.
    Later(String),
    /// Never.
    Rejected(String),
}

/// What the endpoint said of the transactions of a request.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Verdicts {
    /// The same of all of them.
    All(Verdict),
    /// One verdict each, in the order of the request.
    Each(Vec<(u32, Verdict)>),
}

#[derive(Deserialize)]
struct Element<'a> {
    #[serde(default)]
    id: Option<u32>,
    #[serde(borrow, default)]
    result: Option<&'a RawValue>,
    #[serde(default)]
    error: Option<ReplyError>,
}

impl Element<'_> {
    fn verdict(self) -> Verdict {
        match (self.error, self.result) {
            (Some(error), _) => judge(error),
            (None, Some(_)) => Verdict::Accepted,
            (None, None) => Verdict::Later("a reply without a result".to_owned()),
        }
    }
}

/// Judges the reply to a request that carried `transactions`, whose ids are their numbers.
pub(crate) fn read(status: StatusCode, body: &[u8], transactions: &[u32]) -> Verdicts {
    let text = String::from_utf8_lossy(body);
    if status.is_success()
        && !text.contains("\"error\"")
        && text.matches("\"result\"").count() == transactions.len()
    {
        return Verdicts::All(Verdict::Accepted);
    }
    if text.trim_start().starts_with('[')
        && let Ok(elements) = serde_json::from_str::<Vec<Element<'_>>>(&text)
    {
        let mut answers = elements.into_iter().filter_map(|e| Some((e.id?, e))).collect::<Vec<_>>();
        answers.sort_by_key(|(id, _)| *id);
        let mut answers = answers.into_iter().peekable();
        let mut sorted = transactions.to_vec();
        sorted.sort_unstable();
        let each = sorted.into_iter().map(|number| {
            while answers.next_if(|(id, _)| *id < number).is_some() {}
            let verdict = answers
                .next_if(|(id, _)| *id == number)
                .map_or_else(|| Verdict::Later("no reply in the batch".to_owned()), |(_, e)| e.verdict());
            (number, verdict)
        });
        return Verdicts::Each(each.collect());
    }
    if let Ok(element) = serde_json::from_str::<Element<'_>>(&text) {
        let verdict = element.verdict();
        // One result for a batch would be no answer for the rest of it.
        if verdict != Verdict::Accepted || transactions.len() == 1 {
            return Verdicts::All(verdict);
        }
    }
    let excerpt: String = text.chars().take(80).collect();
    let message = format!("HTTP {}: {excerpt}", status.as_u16());
    let temporary = status == StatusCode::TOO_MANY_REQUESTS || status.is_server_error();
    Verdicts::All(if temporary { Verdict::Later(message) } else { Verdict::Rejected(message) })
}

/// Messages that say that the node has the transaction already.
const KNOWN: [&str; 4] = ["already known", "already imported", "alreadyknown", "already in the pool"];

/// Messages that ask to come back later.
const LATER: [&str; 18] = [
    "pool is full",
    "pool full",
    "is full",
    "queue full",
    "limit exceeded",
    "limit reached",
    "rate limit",
    "too many",
    "try again",
    "retry",
    "busy",
    "overload",
    "timeout",
    "timed out",
    "nonce too high",
    "nonce gap",
    "gapped",
    "temporarily",
];

/// JSON-RPC's "limit exceeded" (EIP-1474).
const LIMIT_EXCEEDED: i64 = -32005;

/// What to do about an error of `eth_sendRawTransaction`.
pub(crate) fn judge(error: ReplyError) -> Verdict {
    let message = error.message.to_lowercase();
    let says = |phrases: &[&str]| phrases.iter().any(|phrase| message.contains(phrase));
    // "nonce too low" is the answer to a transaction that was included before it was repeated.
    if says(&KNOWN) || says(&["nonce too low"]) {
        return Verdict::Accepted;
    }
    // A transaction over the gas limit of a block stays so.
    let hopeless = says(&["gas limit", "insufficient funds", "underpriced", "intrinsic gas"]);
    if !hopeless && (error.code == LIMIT_EXCEEDED || says(&LATER)) {
        return Verdict::Later(error.message);
    }
    Verdict::Rejected(error.message)
}

/// The body that carries only `keep` of a batch: `body` is an array of the transactions of
/// `numbers` in order, or the single object of a request that is not a batch.
pub(crate) fn subset(body: &[u8], numbers: Range<u32>, keep: &[u32]) -> Vec<u8> {
    let text = core::str::from_utf8(body).unwrap_or_default();
    let Some(inside) = text.strip_prefix("[{").and_then(|t| t.strip_suffix("}]")) else {
        return body.to_vec();
    };
    // The elements hold no nested objects, see `sign`.
    let kept = inside.split("},{").zip(numbers).filter(|(_, number)| keep.contains(number));
    let elements: Vec<String> = kept.map(|(element, _)| format!("{{{element}}}")).collect();
    format!("[{}]", elements.join(",")).into_bytes()
}

/// An error message without the numbers in it, so that alike messages count as one.
pub(crate) fn generalise(message: &str) -> String {
    let mut general = String::new();
    for word in message.split_whitespace() {
        let digits = word.chars().filter(char::is_ascii_digit).count();
        let number = word.starts_with("0x") || (digits > 0 && digits * 2 >= word.chars().count());
        if !general.is_empty() {
            general.push(' ');
        }
        general.push_str(if number { "#" } else { word });
        if general.len() > 160 {
            break;
        }
    }
    general
}

#[cfg(test)]
mod tests {
    use super::*;

    fn single(body: &str) -> Verdicts {
        read(StatusCode::OK, body.as_bytes(), &[7])
    }

    #[test]
    fn results_are_counted_without_parsing() {
        assert_eq!(single(r#"{"jsonrpc":"2.0","id":7,"result":"0x1"}"#), Verdicts::All(Verdict::Accepted));
        let batch = br#"[{"id":1,"result":"0x1"},{"id":2,"result":"0x2"}]"#;
        assert_eq!(read(StatusCode::OK, batch, &[1, 2]), Verdicts::All(Verdict::Accepted));
    }

    #[test]
    fn errors_are_sorted_by_what_to_do() {
        let error = |message: &str| {
            single(&format!(r#"{{"jsonrpc":"2.0","id":7,"error":{{"code":-32000,"message":"{message}"}}}}"#))
        };
        assert!(matches!(error("txpool is full"), Verdicts::All(Verdict::Later(_))));
        assert!(matches!(error("exceeds block gas limit"), Verdicts::All(Verdict::Rejected(_))));
        assert!(matches!(error("insufficient funds for gas"), Verdicts::All(Verdict::Rejected(_))));
        assert_eq!(error("already known"), Verdicts::All(Verdict::Accepted));
        let code = r#"{"id":7,"error":{"code":-32005,"message":"daily"}}"#;
        assert!(matches!(single(code), Verdicts::All(Verdict::Later(_))));
    }

    #[test]
    fn a_mixed_batch_is_judged_by_id() {
        let body = br#"[{"id":12,"result":"0x2"},{"id":10,"error":{"code":1,"message":"pool is full"}}]"#;
        let Verdicts::Each(each) = read(StatusCode::OK, body, &[10, 11, 12]) else { panic!("one verdict") };
        assert!(matches!(&each[0], (10, Verdict::Later(m)) if m == "pool is full"));
        assert!(matches!(&each[1], (11, Verdict::Later(_))));
        assert_eq!(each[2], (12, Verdict::Accepted));
    }

    #[test]
    fn http_errors() {
        let read = |status| read(status, b"<html>", &[1, 2]);
        assert!(matches!(read(StatusCode::SERVICE_UNAVAILABLE), Verdicts::All(Verdict::Later(_))));
        assert!(matches!(read(StatusCode::PAYLOAD_TOO_LARGE), Verdicts::All(Verdict::Rejected(_))));
        let refused = br#"{"id":null,"error":{"code":-32600,"message":"batch too large"}}"#;
        let verdicts = super::read(StatusCode::OK, refused, &[1, 2]);
        assert!(matches!(verdicts, Verdicts::All(Verdict::Rejected(m)) if m == "batch too large"));
    }

    #[test]
    fn subsets_of_bodies() {
        let body = br#"[{"id":4,"p":["a"]},{"id":5,"p":["b"]},{"id":6,"p":["c"]}]"#;
        assert_eq!(subset(body, 4..7, &[4, 6]), br#"[{"id":4,"p":["a"]},{"id":6,"p":["c"]}]"#);
        assert_eq!(subset(br#"{"id":4}"#, 4..5, &[4]), br#"{"id":4}"#);
    }

    #[test]
    fn messages_lose_their_numbers() {
        assert_eq!(generalise("nonce 12, account 0xabcd has 13"), "nonce # account # has #");
    }
}
