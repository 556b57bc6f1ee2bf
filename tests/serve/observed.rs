//! What the operator sees: a line per failed call, a span per sampled one.

use std::{
    io::{self, Write},
    sync::{Arc, Mutex},
};

use hyper::body::Incoming;
use hyper_util::{
    rt::{TokioExecutor, TokioIo},
    server::conn::auto::Builder,
    service::TowerToHyperService,
};
use opentelemetry_proto::tonic::{
    collector::{
        logs::v1::{
            ExportLogsServiceRequest, ExportLogsServiceResponse,
            logs_service_server::{LogsService, LogsServiceServer},
        },
        trace::v1::{
            ExportTraceServiceRequest, ExportTraceServiceResponse,
            trace_service_server::{TraceService, TraceServiceServer},
        },
    },
    logs::v1::LogRecord,
    trace::v1::Span,
};
use serde_json::Value;
use ticketing::telemetry::{Format, Settings, build};
use tokio::{net::TcpListener, sync::mpsc};
use tokio_util::task::TaskTracker;
use tonic::{Request, Response, Status, service::Routes};
use tower::ServiceExt as _;

use crate::{
    toy::{INFO, WATCH, run, settings},
    wire::{call, call_web},
};

#[derive(Clone, Default)]
struct Lines(Arc<Mutex<Vec<u8>>>);

impl Lines {
    /// What was told since the last look.
    fn take(&self) -> Vec<Value> {
        let text = std::mem::take(&mut *self.0.lock().expect("no panic while told"));
        let text = String::from_utf8(text).expect("text");
        text.lines().map(|line| serde_json::from_str(line).expect("JSON")).collect()
    }
}

impl Write for Lines {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.0.lock().expect("no panic while told").extend(bytes);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

fn told(
    otlp_endpoint: Option<String>,
    otlp_logs: bool,
) -> (Lines, tracing::Dispatch, ticketing::telemetry::Telemetry) {
    let lines = Lines::default();
    let writer = lines.clone();
    let settings =
        Settings { filter: "ticketing=info".to_owned(), format: Format::Json, otlp_endpoint, otlp_logs };
    let (dispatch, telemetry) = build(&settings, move || writer.clone()).expect("telemetry");
    (lines, dispatch, telemetry)
}

#[tokio::test]
async fn a_failed_call_is_one_line_at_its_level() {
    let (lines, dispatch, _telemetry) = told(None, false);
    let _guard = tracing::dispatcher::set_default(&dispatch);
    let server = run(settings()).await;
    call(server.addr, INFO, &[]).await;
    assert!(lines.take().is_empty(), "a call that goes well is not worth a line");

    for (path, headers, level, code, reason, cause) in [
        (INFO, &[("toy", "fail")][..], "ERROR", "INTERNAL", "INTERNAL", Some("secret of the fault")),
        (INFO, &[("toy", "panic")], "ERROR", "INTERNAL", "INTERNAL", Some("panic: secret of the panic")),
        (INFO, &[("toy", "bare")], "ERROR", "INTERNAL", "INTERNAL", Some("secret of the bare fault")),
        (WATCH, &[("toy", "panic")], "ERROR", "INTERNAL", "INTERNAL", Some("panic: secret of the panic")),
        (INFO, &[("toy", "hang"), ("grpc-timeout", "50m")], "WARN", "DEADLINE_EXCEEDED", "DEADLINE", None),
        (INFO, &[("authorization", "")], "INFO", "UNAUTHENTICATED", "TOKEN_INVALID", None),
    ] {
        for web in [false, true] {
            let headers = [headers, &[("x-request-id", "desk-42")]].concat();
            if web {
                call_web(server.addr, path, &headers).await;
            } else {
                call(server.addr, path, &headers).await;
            }
            let (told, behind): (Vec<_>, Vec<_>) =
                lines.take().into_iter().partition(|line| line["message"] == "call failed");
            let [line] = &told[..] else { panic!("not one line: {told:?}") };
            assert_eq!(
                behind.len(),
                usize::from(cause.is_some()),
                "what is behind a fault is told once: {behind:?}"
            );
            assert_eq!(behind.first().and_then(|line| line["error"].as_str()), cause);
            assert!(behind.iter().all(|line| line["request_id"] == "desk-42"));
            let (service, method) = path.trim_start_matches('/').split_once('/').expect("a path");
            assert_eq!(line["level"], level);
            assert_eq!((&line["rpc.service"], &line["rpc.method"]), (&service.into(), &method.into()));
            assert_eq!((&line["code"], &line["reason"]), (&code.into(), &reason.into()));
            assert_eq!(line["request_id"], "desk-42");
            assert!(line["duration"].is_string());
        }
    }
}

/// Serves exporters until the test ends.
async fn collect(listener: TcpListener, routes: Routes) {
    let connections = TaskTracker::new();
    while let Ok((stream, _)) = listener.accept().await {
        let service = routes
            .clone()
            .map_request(|request: http::Request<Incoming>| request.map(tonic::body::Body::new));
        connections.spawn(async move {
            let builder = Builder::new(TokioExecutor::new());
            builder.serve_connection(TokioIo::new(stream), TowerToHyperService::new(service)).await.map(drop)
        });
    }
}

struct LogCollector(mpsc::UnboundedSender<LogRecord>);

#[tonic::async_trait]
impl LogsService for LogCollector {
    async fn export(
        &self,
        request: Request<ExportLogsServiceRequest>,
    ) -> Result<Response<ExportLogsServiceResponse>, Status> {
        let lines = request.into_inner().resource_logs.into_iter().flat_map(|resource| resource.scope_logs);
        for line in lines.flat_map(|scope| scope.log_records) {
            self.0.send(line).expect("the test listens");
        }
        Ok(Response::new(ExportLogsServiceResponse::default()))
    }
}

struct Collector(mpsc::UnboundedSender<Span>);

#[tonic::async_trait]
impl TraceService for Collector {
    async fn export(
        &self,
        request: Request<ExportTraceServiceRequest>,
    ) -> Result<Response<ExportTraceServiceResponse>, Status> {
        let spans = request.into_inner().resource_spans.into_iter().flat_map(|resource| resource.scope_spans);
        for span in spans.flat_map(|scope| scope.spans) {
            self.0.send(span).expect("the test listens");
        }
        Ok(Response::new(ExportTraceServiceResponse::default()))
    }
}

#[tokio::test]
async fn a_sampled_call_leaves_a_span_and_no_other_does() {
    let (sender, mut spans) = mpsc::unbounded_channel();
    let listener = TcpListener::bind("127.0.0.1:0").await.expect("a port");
    let endpoint = format!("http://{}", listener.local_addr().expect("bound"));
    let (_lines, dispatch, telemetry) = told(Some(endpoint), false);
    let _guard = tracing::dispatcher::set_default(&dispatch);
    let server = run(settings()).await;
    server.tasks.spawn(collect(listener, Routes::new(TraceServiceServer::new(Collector(sender)))));

    call(server.addr, INFO, &[]).await;
    let unflagged = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-00";
    call(server.addr, INFO, &[("traceparent", unflagged)]).await;
    let flagged = "00-1af7651916cd43dd8448eb211c80319c-c7ad6b7169203331-01";
    call(server.addr, INFO, &[("traceparent", flagged), ("toy", "fail")]).await;
    telemetry.shutdown().await;

    let span = spans.recv().await.expect("a span");
    assert!(spans.try_recv().is_err(), "only the flagged call is traced");
    assert_eq!(span.name, "ticketing.v1.SystemService/GetServerInfo");
    assert_eq!(span.trace_id[..2], [0x1a, 0xf7]);
    assert_eq!(span.parent_span_id[..2], [0xc7, 0xad]);
    let attribute = |key: &str| format!("{:?}", span.attributes.iter().find(|pair| pair.key == key));
    assert!(attribute("rpc.response.status_code").contains("INTERNAL"), "{span:?}");
    assert!(attribute("rpc.system.name").contains("grpc"));
}

#[tokio::test]
async fn a_line_goes_to_the_collector_with_the_trace_of_its_call() {
    let ((sender, mut lines), (spans, _spans)) = (mpsc::unbounded_channel(), mpsc::unbounded_channel());
    let listener = TcpListener::bind("127.0.0.1:0").await.expect("a port");
    let endpoint = format!("http://{}", listener.local_addr().expect("bound"));
    let (_lines, dispatch, telemetry) = told(Some(endpoint), true);
    let _guard = tracing::dispatcher::set_default(&dispatch);
    let server = run(settings()).await;
    let routes = Routes::new(TraceServiceServer::new(Collector(spans)));
    server.tasks.spawn(collect(listener, routes.add_service(LogsServiceServer::new(LogCollector(sender)))));

    let flagged = "00-1af7651916cd43dd8448eb211c80319c-c7ad6b7169203331-01";
    call(server.addr, INFO, &[("traceparent", flagged), ("authorization", ""), ("x-request-id", "desk-42")])
        .await;
    telemetry.shutdown().await;

    let line = lines.recv().await.expect("a line");
    assert!(lines.try_recv().is_err(), "what is not worth a line is none there");
    assert_eq!((line.severity_text.as_str(), &line.trace_id[..2]), ("INFO", &[0x1a, 0xf7][..]));
    let said = format!("{line:?}");
    assert!(
        said.contains("call failed") && said.contains("desk-42") && said.contains("TOKEN_INVALID"),
        "{said}"
    );
}
