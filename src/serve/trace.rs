//! Which calls are traced, and as part of whose trace. Decided before a span exists: a span that is thrown away later
//! costs a fifth of the throughput.

use http::{HeaderMap, HeaderName, HeaderValue};
use opentelemetry::{
    Context,
    propagation::{Extractor, Injector, TextMapPropagator as _},
    trace::TraceContextExt as _,
};
use opentelemetry_sdk::propagation::TraceContextPropagator;
use tracing::Span;
use tracing_opentelemetry::OpenTelemetrySpanExt as _;

const TRACEPARENT: &str = "traceparent";
const TRACESTATE: &str = "tracestate";

/// The span of a call that is sampled: by its caller, or as one of the share `ratio` of those whose callers do not
/// trace. `Span::none()` for the others. Leaves in the headers the trace that all the call causes is part of, if any.
pub(super) fn span(headers: &mut HeaderMap, path: &str, request_id: &str, ratio: f64) -> Span {
    let parent = parent(headers);
    let sampled = match &parent {
        Some(parent) => parent.span().span_context().is_sampled(),
        None => fastrand::f64() < ratio,
    };
    if !sampled {
        return Span::none();
    }
    let span = tracing::info_span!(
        "call",
        otel.name = path,
        otel.kind = "server",
        otel.status_code = tracing::field::Empty,
        rpc.system.name = "grpc",
        rpc.method = path,
        rpc.response.status_code = tracing::field::Empty,
        request_id,
    );
    if let Some(parent) = parent {
        // Fails only where nobody collects traces.
        let _ = span.set_parent(parent);
    }
    TraceContextPropagator::new().inject_context(&span.context(), &mut Headers(headers));
    span
}

/// The caller's span. What does not read as one is removed: the header is stored with what the call changes.
fn parent(headers: &mut HeaderMap) -> Option<Context> {
    if !headers.contains_key(TRACEPARENT) {
        return None;
    }
    let parent = TraceContextPropagator::new().extract_with_context(&Context::new(), &Headers(headers));
    if parent.span().span_context().is_valid() {
        return Some(parent);
    }
    headers.remove(TRACEPARENT);
    headers.remove(TRACESTATE);
    None
}

/// The headers as the propagator takes them.
struct Headers<'a>(&'a mut HeaderMap);

impl Extractor for Headers<'_> {
    fn get(&self, key: &str) -> Option<&str> {
        self.0.get(key)?.to_str().ok()
    }

    fn keys(&self) -> Vec<&str> {
        self.0.keys().map(HeaderName::as_str).collect()
    }
}

impl Injector for Headers<'_> {
    fn set(&mut self, key: &str, value: String) {
        if let (Ok(name), Ok(value)) = (HeaderName::try_from(key), HeaderValue::try_from(value)) {
            self.0.insert(name, value);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const FLAGGED: &str = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01";
    const UNFLAGGED: &str = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-00";

    #[test]
    fn the_caller_decides_before_the_ratio_and_nonsense_is_no_word() {
        let _guard = tracing::subscriber::set_default(tracing_subscriber::registry());
        for (traceparent, ratio, sampled, kept) in [
            (None, 1.0, true, false),
            (None, 0.0, false, false),
            (Some(FLAGGED), 0.0, true, true),
            (Some(UNFLAGGED), 1.0, false, true),
            (Some("nonsense"), 1.0, true, false),
            (Some("00-00000000000000000000000000000000-b7ad6b7169203331-01"), 0.0, false, false),
        ] {
            let mut headers = HeaderMap::new();
            if let Some(value) = traceparent {
                headers.insert(TRACEPARENT, HeaderValue::from_static(value));
            }
            let span = span(&mut headers, "s/m", "r", ratio);
            assert_eq!(!span.is_none(), sampled, "{traceparent:?} at {ratio}");
            assert_eq!(headers.contains_key(TRACEPARENT), kept, "{traceparent:?}");
        }
    }
}
