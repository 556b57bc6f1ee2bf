//! What the operator sees of a call: its id, a span if it is sampled, one line in the log if it failed. And what the
//! caller sees of a fault: the id, nothing else.

use std::{
    pin::Pin,
    sync::Arc,
    task::{Context, Poll},
    time::Instant,
};

use http::{HeaderMap, HeaderName, HeaderValue};
use hyper::body::{Body as HttpBody, Bytes, Frame, SizeHint};
use tonic::{Status, body::Body};
use tonic_types::StatusExt as _;
use tracing::{Instrument as _, Span};

use super::{
    layer::{Answer, Call, Reply},
    policy::{MethodPolicy, Policies},
    trace,
};
use crate::{
    call::CallId,
    error::{self, Severity},
    metrics::{Inside, Metrics},
};

pub(super) const REQUEST_ID: HeaderName = HeaderName::from_static("x-request-id");
const MAX_REQUEST_ID: usize = 128;

/// The id that a call bears in the log, in `x-request-id` and in a fault: the caller's own if it is up to 128 characters
/// of `A-Z a-z 0-9 - _ . :`, else a random one.
fn id(headers: &HeaderMap) -> CallId {
    let plain = |byte: u8| byte.is_ascii_alphanumeric() || b"-_.:".contains(&byte);
    let own = headers.get(REQUEST_ID).and_then(|value| value.to_str().ok());
    match own.filter(|id| (1..=MAX_REQUEST_ID).contains(&id.len()) && id.bytes().all(plain)) {
        Some(id) => CallId(id.into()),
        None => CallId(format!("{:016x}", fastrand::u64(..)).into()),
    }
}

/// The id that `Observe` gave.
pub(super) fn call_id(call: &Call) -> CallId {
    call.extensions().get().cloned().expect("the observer stands outside of every layer that asks")
}

/// Watches each call from its first byte to the last of its answer.
pub(super) struct Observe<A> {
    /// The share of the calls that get a span although no caller asked for one, 0 to 1.
    pub(super) trace_ratio: f64,
    pub(super) metrics: Arc<Metrics>,
    /// Which methods there are.
    pub(super) policies: Policies,
    pub(super) next: A,
}

impl<A: Answer> Answer for Observe<A> {
    async fn answer(&self, mut call: Call) -> Reply {
        let id = id(call.headers());
        let path = call.uri().path().trim_start_matches('/').to_owned();
        let span = trace::span(call.headers_mut(), &path, &id.0, self.trace_ratio);
        call.extensions_mut().insert(id.clone());
        let mut header = HeaderValue::from_str(&id.0).expect("an id is of plain characters");
        // It comes once: kept out of HTTP/2's table, it drives out nothing that comes again.
        header.set_sensitive(true);
        let policy = self.policies.get(call.uri().path()).cloned();
        let mut record = Record {
            path,
            id,
            span: span.clone(),
            start: Instant::now(),
            open: true,
            _inside: self.metrics.calls.begin(policy.as_ref().is_some_and(|policy| policy.streaming)),
            policy,
            metrics: Arc::clone(&self.metrics),
        };
        let mut reply = self.next.answer(call).instrument(span).await;
        reply.headers_mut().insert(REQUEST_ID, header);
        if let Some(status) = failure(reply.headers()) {
            record.failed(&status, reply.headers_mut());
        } else if reply.body().is_end_stream() {
            record.succeeded();
        } else {
            return reply.map(|body| Body::new(Observed { body, record }));
        }
        reply
    }
}

/// The failure in these headers, or trailers.
fn failure(headers: &HeaderMap) -> Option<Status> {
    headers.get(Status::GRPC_STATUS).filter(|code| *code != "0")?;
    Status::from_header_map(headers)
}

/// One call, open until its outcome is known.
struct Record {
    path: String,
    id: CallId,
    span: Span,
    start: Instant,
    open: bool,
    _inside: Inside,
    /// None: there is no such method.
    policy: Option<Arc<MethodPolicy>>,
    metrics: Arc<Metrics>,
}

impl Record {
    /// How it ended, the first time that it is said.
    fn ended(&mut self, code: &'static str) {
        if std::mem::take(&mut self.open) {
            self.span.record("rpc.response.status_code", code);
            let method = self.policy.as_ref().map(|policy| &policy.name);
            self.metrics.calls.end(method, code, self.start.elapsed());
        }
    }

    fn succeeded(&mut self) {
        self.ended("OK");
    }

    /// Tells the operator, and leaves in the headers, or trailers, what the caller may know.
    fn failed(&mut self, status: &Status, headers: &mut HeaderMap) {
        let dressed = error::dressed(status, &self.path, &self.id.0);
        self.tell(dressed.as_ref().unwrap_or(status));
        if let Some(dressed) = dressed {
            for name in [Status::GRPC_STATUS, Status::GRPC_MESSAGE, Status::GRPC_STATUS_DETAILS] {
                headers.remove(name);
            }
            dressed.add_header(headers).expect("a status is made of what headers can carry");
        }
    }

    fn tell(&mut self, status: &Status) {
        let (code, severity) = (error::code_name(status.code()), error::severity(status.code()));
        self.ended(code);
        if severity != Severity::Refusal {
            self.span.record("otel.status_code", "ERROR");
        }
        let _in_span = self.span.enter();
        let (service, method) = self.path.split_once('/').unwrap_or((&self.path, ""));
        let (request_id, duration) = (&*self.id.0, self.start.elapsed());
        // The text stays out: it may repeat what the caller sent. What is behind a fault is in a line of its own.
        let reason = status.get_details_error_info().map(|info| info.reason);
        self.metrics.calls.failed(reason.as_deref().unwrap_or_default());
        macro_rules! line {
            ($level:ident) => {
                tracing::$level!(
                    rpc.service = service,
                    rpc.method = method,
                    code,
                    reason,
                    request_id,
                    ?duration,
                    "call failed"
                )
            };
        }
        match severity {
            Severity::Fault => line!(error),
            Severity::Strain => line!(warn),
            Severity::Refusal => line!(info),
        }
    }
}

impl Drop for Record {
    fn drop(&mut self) {
        if self.open {
            self.ended("CANCELLED");
            let duration = self.start.elapsed();
            tracing::debug!(parent: &self.span, rpc = self.path, request_id = &*self.id.0, ?duration, "call abandoned");
        }
    }
}

/// An answer's body, watched to its end.
struct Observed {
    body: Body,
    record: Record,
}

impl HttpBody for Observed {
    type Data = Bytes;
    type Error = Status;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, Status>>> {
        let Self { body, record } = &mut *self;
        let polled = record.span.in_scope(|| Pin::new(body).poll_frame(context));
        Poll::Ready(match std::task::ready!(polled) {
            Some(Ok(frame)) => Some(Ok(match frame.into_trailers() {
                Ok(mut trailers) => {
                    match failure(&trailers) {
                        Some(status) => record.failed(&status, &mut trailers),
                        None => record.succeeded(),
                    }
                    Frame::trailers(trailers)
                }
                Err(frame) => frame,
            })),
            Some(Err(status)) => {
                record.tell(&status);
                Some(Err(status))
            }
            None => {
                record.succeeded();
                None
            }
        })
    }

    fn is_end_stream(&self) -> bool {
        self.body.is_end_stream()
    }

    fn size_hint(&self) -> SizeHint {
        self.body.size_hint()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_plain_id_is_kept_and_any_other_replaced() {
        let given = |own: &str| {
            let value = HeaderValue::from_bytes(own.as_bytes()).expect("a value");
            id(&HeaderMap::from_iter([(REQUEST_ID, value)])).0
        };
        assert_eq!(&*given("desk-42:retry.1_A"), "desk-42:retry.1_A");
        assert_eq!(given(&"x".repeat(MAX_REQUEST_ID)).len(), MAX_REQUEST_ID);
        for bad in ["", "two words", "a\"quote", "a=b", "ä", &"x".repeat(MAX_REQUEST_ID + 1)] {
            assert_eq!(given(bad).len(), 16, "{bad:?}");
        }
        assert_ne!(id(&HeaderMap::new()).0, id(&HeaderMap::new()).0);
    }
}
