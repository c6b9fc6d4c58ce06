//! The connections: prepared bodies out, verdicts in.

use crate::http::HttpConnection;
use crate::reply::{self, Verdict, Verdicts};
use crate::shared::{Shared, add};
use crate::sign::Request;
use core::time::Duration;
use hyper::body::Bytes;
use std::rc::Rc;
use tokio::time::{Instant, sleep, sleep_until};

/// Pause before a transaction is offered again.
const RETRY: Duration = Duration::from_millis(20);

/// Pause while too many transactions wait for inclusion.
const BACK_PRESSURE: Duration = Duration::from_millis(2);

/// Sends the requests of one connection in order, one outstanding at a time, until the window is
/// over. `interval` is the time between the starts of two requests, where the rate is limited.
///
/// What the endpoint puts off is offered again until it is taken, even past the end of the window:
/// the later nonces of its sender would wait for it forever.
pub(crate) async fn drive(
    shared: Rc<Shared>,
    mut connection: HttpConnection,
    requests: Vec<Request>,
    interval: Option<Duration>,
    delay: Duration,
) {
    let mut due = shared.start + delay;
    for request in requests {
        if let Some(interval) = interval {
            sleep_until(due.min(shared.start + shared.window)).await;
            due += interval;
        }
        while shared.outstanding.get() >= shared.max_pending && shared.elapsed() < shared.window {
            sleep(BACK_PRESSURE).await;
        }
        if shared.elapsed() >= shared.window {
            break;
        }
        deliver(&shared, &mut connection, request).await;
    }
    shared.note_closed();
}

async fn deliver(shared: &Shared, connection: &mut HttpConnection, request: Request) {
    let mut open: Vec<u32> = request.transactions.clone().collect();
    loop {
        shared.retain_sendable(&mut open);
        if open.is_empty() {
            return;
        }
        let body = if open.len() == request.transactions.len() {
            request.body.clone()
        } else {
            Bytes::from(reply::subset(&request.body, request.transactions.clone(), &open))
        };
        shared.note_sent(&open);
        let posted = Instant::now();
        match connection.post(body).await {
            Ok((status, bytes)) => {
                shared.note_request(posted.elapsed());
                open = settle(shared, reply::read(status, &bytes, &open), open);
            }
            Err(reason) => {
                add(&shared.transport_errors, 1);
                shared.note_error(&reason);
            }
        }
        if open.is_empty() || shared.elapsed() >= shared.give_up {
            return;
        }
        add(&shared.retries, open.len() as u64);
        sleep(RETRY).await;
    }
}

/// Books the verdicts and returns what is to be offered again.
fn settle(shared: &Shared, verdicts: Verdicts, open: Vec<u32>) -> Vec<u32> {
    let mut later = Vec::new();
    let mut book = |number: u32, verdict: &Verdict| match verdict {
        Verdict::Accepted => shared.note_accepted(number),
        Verdict::Later(message) => {
            shared.note_error(message);
            later.push(number);
        }
        Verdict::Rejected(message) => shared.note_rejected(number, message),
    };
    match verdicts {
        Verdicts::All(verdict) => open.iter().for_each(|number| book(*number, &verdict)),
        Verdicts::Each(each) => each.iter().for_each(|(number, verdict)| book(*number, verdict)),
    }
    later
}
