//! A span for each statement of a traced call. sqlx says of a statement what it was and how long it took when it is over, as an
//! event; here that becomes a span under whatever is at work.

use std::time::{Duration, SystemTime};

use opentelemetry::{
    Context, KeyValue,
    trace::{Span as _, SpanKind, TraceContextExt, Tracer as _},
};
use opentelemetry_sdk::trace::SdkTracer;
use tracing::{
    Event, Level, Metadata, Subscriber,
    field::{Field, Visit},
    level_filters::LevelFilter,
    subscriber::Interest,
};
use tracing_subscriber::{
    Layer,
    filter::dynamic_filter_fn,
    layer::{self, Filter},
};

use crate::ctx::Clock;

/// What sqlx calls its events.
const TARGET: &str = "sqlx::query";

#[derive(Debug)]
pub(super) struct Statements(pub(super) SdkTracer);

impl Statements {
    /// What it looks at: statements, and of those only what belongs to a trace. Others cost a look at the thread's context.
    pub(super) fn filter<S: Subscriber>() -> impl Filter<S> {
        let is_one = |meta: &Metadata| meta.target() == TARGET && *meta.level() <= Level::DEBUG;
        dynamic_filter_fn(move |meta, _: &layer::Context<'_, S>| {
            is_one(meta) && Context::map_current(TraceContextExt::has_active_span)
        })
        .with_callsite_filter(
            move |meta| if is_one(meta) { Interest::sometimes() } else { Interest::never() },
        )
        .with_max_level_hint(LevelFilter::DEBUG)
    }
}

impl<S: Subscriber> Layer<S> for Statements {
    fn on_event(&self, event: &Event<'_>, _: layer::Context<'_, S>) {
        let mut told = Told::default();
        event.record(&mut told);
        let end = SystemTime::from(*Clock::system().now());
        let operation = told.summary.split([' ', ';']).next().unwrap_or_default().to_owned();
        let span = self
            .0
            .span_builder(told.summary.clone())
            .with_kind(SpanKind::Client)
            .with_start_time(end - told.took)
            .with_attributes([
                KeyValue::new("db.system.name", "postgresql"),
                KeyValue::new("db.operation.name", operation),
                KeyValue::new("db.query.summary", told.summary),
                KeyValue::new("db.response.returned_rows", told.returned as i64),
            ]);
        span.start_with_context(&self.0, &Context::current()).end_with_timestamp(end);
    }
}

/// What the event says. Statements are the program's own: their words name no data.
#[derive(Debug, Default)]
struct Told {
    summary: String,
    took: Duration,
    returned: u64,
}

impl Visit for Told {
    fn record_str(&mut self, field: &Field, value: &str) {
        if field.name() == "summary" {
            value.trim_end_matches(" …").clone_into(&mut self.summary);
        }
    }

    fn record_f64(&mut self, field: &Field, value: f64) {
        if field.name() == "elapsed_secs" {
            self.took = Duration::try_from_secs_f64(value).unwrap_or_default();
        }
    }

    fn record_u64(&mut self, field: &Field, value: u64) {
        if field.name() == "rows_returned" {
            self.returned = value;
        }
    }

    fn record_debug(&mut self, _: &Field, _: &dyn std::fmt::Debug) {}
}
