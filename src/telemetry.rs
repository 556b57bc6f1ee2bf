//! Where the process tells what happens: one line per event to standard error; spans, and the lines if so wished, to a collector if
//! there is one.

pub mod hop;
mod statements;

use std::{
    backtrace::{Backtrace, BacktraceStatus},
    io::{self, IsTerminal as _},
    time::Duration,
};

use opentelemetry::{KeyValue, trace::TracerProvider as _};
use opentelemetry_appender_tracing::layer::OpenTelemetryTracingBridge;
use opentelemetry_otlp::{ExporterBuildError, LogExporter, SpanExporter, WithExportConfig as _};
use opentelemetry_sdk::{
    Resource,
    logs::SdkLoggerProvider,
    trace::{Sampler, SdkTracerProvider},
};
use serde::Deserialize;
use tracing::{Dispatch, Level, Metadata};
use tracing_subscriber::{
    EnvFilter, Layer as _,
    filter::{FilterFn, ParseError},
    fmt::{self, MakeWriter},
    layer::SubscriberExt as _,
};

use self::statements::Statements;

/// How long the last spans may take to reach the collector.
const FLUSH: Duration = Duration::from_secs(5);
const NAME: &str = "ticketing";

/// What the operator decides about telling.
#[derive(Clone, Debug, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Settings {
    /// What goes to the log, in the language of `tracing_subscriber::EnvFilter`, for instance `info,ticketing=debug`.
    pub filter: String,
    /// How a line looks.
    pub format: Format,
    /// Where spans go, OTLP over gRPC, for instance `http://collector:4317`; none: there are no traces.
    pub otlp_endpoint: Option<String>,
    /// Whether the log goes there, too.
    pub otlp_logs: bool,
}

impl Default for Settings {
    fn default() -> Self {
        Self { filter: "info".to_owned(), format: Format::Text, otlp_endpoint: None, otlp_logs: false }
    }
}

/// How a line of the log looks.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Format {
    /// For people.
    #[default]
    Text,
    /// For machines: one JSON object a line.
    Json,
}

/// Why nothing can be told.
#[derive(Debug, thiserror::Error)]
pub enum TelemetryError {
    /// The filter does not parse.
    #[error("the log filter is wrong: {0}")]
    Filter(#[from] ParseError),
    /// The endpoint is wrong.
    #[error("spans cannot be exported: {0}")]
    Exporter(#[from] ExporterBuildError),
    /// Something else tells already.
    #[error(transparent)]
    Set(#[from] tracing::dispatcher::SetGlobalDefaultError),
}

/// Keeps the exporters; shut it down last.
#[must_use]
pub struct Telemetry {
    spans: Option<SdkTracerProvider>,
    logs: Option<SdkLoggerProvider>,
}

/// Tells from now on, for the whole process, panics too. Inside a tokio runtime.
pub fn start(settings: &Settings) -> Result<Telemetry, TelemetryError> {
    let (dispatch, telemetry) = build(settings, io::stderr)?;
    tracing::dispatcher::set_global_default(dispatch)?;
    std::panic::set_hook(Box::new(|panic| {
        let place = panic.location().map(tracing::field::display);
        let text = panic.payload_as_str().unwrap_or("of no text");
        let backtrace = Backtrace::capture();
        let backtrace =
            (backtrace.status() == BacktraceStatus::Captured).then(|| tracing::field::display(backtrace));
        tracing::error!(place, text, backtrace, "panic");
    }));
    Ok(telemetry)
}

/// What `start` installs, telling its lines to `writer`.
pub fn build<W>(settings: &Settings, writer: W) -> Result<(Dispatch, Telemetry), TelemetryError>
where
    W: for<'a> MakeWriter<'a> + Send + Sync + 'static,
{
    let lines = fmt::layer().with_writer(writer).with_ansi(io::stderr().is_terminal());
    let lines = match settings.format {
        Format::Text => lines.boxed(),
        Format::Json => lines.json().flatten_event(true).boxed(),
    };
    let endpoint = settings.otlp_endpoint.as_deref();
    let provider = endpoint.map(tracer).transpose()?;
    let logger = endpoint.filter(|_| settings.otlp_logs).map(logger).transpose()?;
    // Spans leave whatever the log shows, but only ours: the exporter's own would breed more of them.
    let ours = FilterFn::new(|meta: &Metadata| {
        meta.is_span() && *meta.level() <= Level::INFO && meta.target().starts_with(NAME)
    });
    let spans = provider
        .as_ref()
        .map(|provider| tracing_opentelemetry::layer().with_tracer(provider.tracer(NAME)).with_filter(ours));
    let statements =
        provider.as_ref().map(|provider| Statements(provider.tracer(NAME)).with_filter(Statements::filter()));
    let logs = logger.as_ref().map(|logger| OpenTelemetryTracingBridge::new(logger).with_filter(others()));
    let logs = logs.map(|logs| Ok::<_, ParseError>(logs.with_filter(EnvFilter::try_new(&settings.filter)?)));
    let subscriber = tracing_subscriber::registry()
        .with(lines.with_filter(EnvFilter::try_new(&settings.filter)?))
        .with(spans)
        .with(statements)
        .with(logs.transpose()?);
    Ok((Dispatch::new(subscriber), Telemetry { spans: provider, logs: logger }))
}

/// All lines but those of whatever carries lines: each would bring about the next.
fn others() -> FilterFn {
    FilterFn::new(|meta: &Metadata| {
        !["opentelemetry", "tonic", "h2", "hyper", "tower"].iter().any(|name| meta.target().starts_with(name))
    })
}

fn resource() -> Resource {
    let version = KeyValue::new("service.version", env!("CARGO_PKG_VERSION"));
    Resource::builder().with_service_name(NAME).with_attribute(version).build()
}

fn tracer(endpoint: &str) -> Result<SdkTracerProvider, ExporterBuildError> {
    let exporter = SpanExporter::builder().with_tonic().with_endpoint(endpoint).build()?;
    Ok(SdkTracerProvider::builder()
        // Who asks for a span has decided that it is wanted; see the serving stack.
        .with_sampler(Sampler::AlwaysOn)
        .with_batch_exporter(exporter)
        .with_resource(resource())
        .build())
}

fn logger(endpoint: &str) -> Result<SdkLoggerProvider, ExporterBuildError> {
    let exporter = LogExporter::builder().with_tonic().with_endpoint(endpoint).build()?;
    Ok(SdkLoggerProvider::builder().with_batch_exporter(exporter).with_resource(resource()).build())
}

impl Telemetry {
    /// Sends the last spans and lines, for at most 5 seconds, and stops.
    pub async fn shutdown(self) {
        let Self { spans, logs } = self;
        let flush = move || {
            let told = logs.map_or(Ok(()), |logs| logs.shutdown_with_timeout(FLUSH / 2));
            spans.map_or(Ok(()), |spans| spans.shutdown_with_timeout(FLUSH / 2)).and(told)
        };
        if let Ok(Err(error)) = tokio::task::spawn_blocking(flush).await {
            tracing::warn!(%error, "the last spans or lines did not reach the collector");
        }
    }
}
