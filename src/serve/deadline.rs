//! How long a call may take, and that it is told so: when its time is over the work is dropped and the caller reads
//! DEADLINE_EXCEEDED, in the middle of a body too. Streams without a deadline end when their connection does.

use std::{
    pin::Pin,
    sync::Arc,
    task::{Context, Poll},
    time::Duration,
};

use futures_util::future::BoxFuture;
use http::HeaderMap;
use hyper::body::{Body as HttpBody, Bytes, Frame, SizeHint};
use tokio_util::sync::CancellationToken;
use tonic::{Status, body::Body};

use super::{
    layer::{Answer, Call, Reply},
    policy::policy,
    refuse, trailers,
};
use crate::error::{Error, Reason};

/// Tells a stream when to say goodbye and end: its connection is to close. In the call's extensions.
#[derive(Clone, Debug)]
pub struct Leaving(Arc<Tokens>); // shared: to clone a token locks, and every call gets this

#[derive(Debug)]
struct Tokens {
    connection: CancellationToken,
    server: CancellationToken,
}

/// Why a connection is to close.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Why {
    /// It has lived long enough; the next one may lead to another server.
    Age,
    /// The server goes down.
    Drain,
}

impl Leaving {
    pub(super) fn new(connection: CancellationToken, server: CancellationToken) -> Self {
        Self(Arc::new(Tokens { connection, server }))
    }

    /// Waits until the connection is to close.
    pub async fn wait(&self) -> Why {
        self.0.connection.cancelled().await;
        if self.0.server.is_cancelled() { Why::Drain } else { Why::Age }
    }
}

/// Ends calls whose time is over.
pub(super) struct Deadline<A> {
    /// How long a stream has for its goodbye before it is ended from here.
    pub(super) goodbye: Duration,
    pub(super) next: A,
}

impl<A: Answer> Answer for Deadline<A> {
    async fn answer(&self, call: Call) -> Reply {
        let policy = policy(&call);
        let time = policy.time(asked(call.headers()));
        let leaving = call.extensions().get::<Leaving>().filter(|_| policy.streaming).cloned();
        let mut end: BoxFuture<'static, Error> = Box::pin(end(time, leaving, self.goodbye));
        tokio::select! {
            biased;
            reply = self.next.answer(call) => {
                reply.map(|body| Body::new(Bounded { body: Some(body), end, streaming: policy.streaming }))
            }
            error = &mut end => refuse(error),
        }
    }
}

/// Resolves when the call must end, with the reason.
async fn end(time: Option<Duration>, leaving: Option<Leaving>, goodbye: Duration) -> Error {
    let over = async {
        match time {
            Some(time) => tokio::time::sleep(time).await,
            None => std::future::pending().await,
        }
    };
    let left = async {
        match leaving {
            Some(leaving) => {
                leaving.wait().await;
                tokio::time::sleep(goodbye).await;
            }
            None => std::future::pending().await,
        }
    };
    tokio::select! {
        () = over => Error::DeadlineExceeded,
        () = left => Error::Unavailable {
            reason: Reason::ShuttingDown,
            text: "the connection closes; retry on another",
            retry_after: Duration::ZERO,
        },
    }
}

/// What the caller asks for in `grpc-timeout`: up to eight digits and a unit. Anything else counts as nothing.
fn asked(headers: &HeaderMap) -> Option<Duration> {
    let text = headers.get("grpc-timeout")?.to_str().ok()?;
    let (digits, unit) = text.split_at_checked(text.len().checked_sub(1)?)?;
    if digits.len() > 8 || !digits.bytes().all(|digit| digit.is_ascii_digit()) {
        return None;
    }
    let count: u64 = digits.parse().ok()?;
    match unit {
        "H" => Some(Duration::from_secs(count * 3600)),
        "M" => Some(Duration::from_secs(count * 60)),
        "S" => Some(Duration::from_secs(count)),
        "m" => Some(Duration::from_millis(count)),
        "u" => Some(Duration::from_micros(count)),
        "n" => Some(Duration::from_nanos(count)),
        _ => None,
    }
}

/// A body that is cut when its time is over. While the caller does not read, nobody asks for frames and nothing is
/// cut; such a caller goes when its connection ages.
struct Bounded {
    body: Option<Body>,
    end: BoxFuture<'static, Error>,
    streaming: bool,
}

impl HttpBody for Bounded {
    type Data = Bytes;
    type Error = Status;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, Status>>> {
        let Self { body: slot, end, streaming } = &mut *self;
        let Some(body) = slot else { return Poll::Ready(None) };
        // The one message of a unary call is there as a rule, and no timer is needed. A stream that never pauses would
        // never end, were it asked first.
        if !*streaming && let Poll::Ready(frame) = Pin::new(&mut *body).poll_frame(context) {
            return Poll::Ready(frame);
        }
        if let Poll::Ready(error) = end.as_mut().poll(context) {
            *slot = None;
            return Poll::Ready(Some(Ok(trailers(error.into_status("")))));
        }
        if *streaming { Pin::new(body).poll_frame(context) } else { Poll::Pending }
    }

    fn is_end_stream(&self) -> bool {
        self.body.as_ref().is_none_or(Body::is_end_stream)
    }

    fn size_hint(&self) -> SizeHint {
        self.body.as_ref().map_or_else(|| SizeHint::with_exact(0), Body::size_hint)
    }
}

#[cfg(test)]
mod tests {
    use http::HeaderValue;

    use super::*;

    #[test]
    fn the_asked_time_is_eight_digits_and_a_unit() {
        for (text, expected) in [
            ("1H", Some(Duration::from_hours(1))),
            ("2M", Some(Duration::from_mins(2))),
            ("99999999S", Some(Duration::from_secs(99_999_999))),
            ("0m", Some(Duration::ZERO)),
            ("7u", Some(Duration::from_micros(7))),
            ("7n", Some(Duration::from_nanos(7))),
            ("100000000S", None),
            ("+1S", None),
            ("1s", None),
            ("S", None),
            ("10", None),
            ("", None),
        ] {
            let headers = HeaderMap::from_iter([(
                http::HeaderName::from_static("grpc-timeout"),
                HeaderValue::from_static(text),
            )]);
            assert_eq!(asked(&headers), expected, "{text:?}");
        }
    }
}
