//! Traces that an event crosses from one process to the next. Whoever works on an event later is no part of the call that brought it
//! about: each works in a trace of its own, linked to that one.

use std::collections::HashMap;

use opentelemetry::{Context, propagation::TextMapPropagator as _, trace::TraceContextExt as _};
use opentelemetry_sdk::propagation::TraceContextPropagator;
use tracing::Span;
use tracing_opentelemetry::OpenTelemetrySpanExt as _;

/// The name of the header, of gRPC, HTTP and NATS alike.
pub const TRACEPARENT: &str = "traceparent";

/// Links the span to the call of this `traceparent`.
pub fn link(span: &Span, traceparent: &str) {
    let origin = origin(traceparent);
    span.add_link(origin.span().span_context().clone());
}

/// Whether the call of this `traceparent` is traced.
pub fn is_traced(traceparent: &str) -> bool {
    !traceparent.is_empty() && origin(traceparent).span().span_context().is_sampled()
}

/// What the next process has to know to link to this span; nothing if it is not traced.
pub fn traceparent(span: &Span) -> Option<String> {
    let mut headers = HashMap::new();
    TraceContextPropagator::new().inject_context(&span.context(), &mut headers);
    headers.remove(TRACEPARENT)
}

/// One span above the work that several callers wait for: under the first that is traced, and linked from the others.
pub fn shared(callers: &[Span]) -> Span {
    let mut traced = callers.iter().filter(|span| !span.is_none());
    let Some(first) = traced.next() else { return Span::none() };
    let span = tracing::info_span!(parent: first, "batch", callers = callers.len());
    let context = span.context().span().span_context().clone();
    traced.for_each(|other| other.add_link(context.clone()));
    span
}

fn origin(traceparent: &str) -> Context {
    let headers = HashMap::from([(TRACEPARENT.to_owned(), traceparent.to_owned())]);
    TraceContextPropagator::new().extract_with_context(&Context::new(), &headers)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_what_is_sampled_is_traced() {
        for (text, traced) in [
            ("", false),
            ("nonsense", false),
            ("00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-00", false),
            ("00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01", true),
        ] {
            assert_eq!(is_traced(text), traced, "{text}");
        }
    }

    #[test]
    fn work_for_nobody_who_is_traced_has_no_span() {
        assert!(shared(&[Span::none(), Span::none()]).is_none());
        assert_eq!(traceparent(&Span::none()), None);
    }
}
