//! What Prometheus reads: calls by method and outcome, what is open, what was turned away, and how the server goes down.

use std::time::Duration;

use http::{Request, StatusCode};
use ticketing::serve::Settings;
use tokio::net::TcpStream;

use crate::{
    toy::{INFO, Running, SESSION, WATCH, once, run, settings},
    wire::{Answer, Body, call, call_web, grpc, h1, h2},
};

/// What the operations port shows.
async fn scrape(server: &Running) -> String {
    let request = Request::get("/metrics").header("host", "x").body(Body::default()).expect("a request");
    let answer =
        Answer::read(h1(server.operations).await.send_request(request).await.expect("an answer")).await;
    assert_eq!(answer.http, StatusCode::OK);
    assert_eq!(answer.header("content-type"), "text/plain; version=0.0.4; charset=utf-8");
    String::from_utf8(answer.body.to_vec()).expect("text")
}

/// The value of a series, written as Prometheus writes it; 0 when it is not there.
fn value(text: &str, series: &str) -> f64 {
    let line = text.lines().find_map(|line| line.strip_prefix(series)?.strip_prefix(' '));
    line.map_or(0.0, |value| value.parse().expect("a number"))
}

#[track_caller]
fn assert_value(text: &str, series: &str, expected: f64) {
    let found = value(text, series);
    assert!((found - expected).abs() < f64::EPSILON, "{series} is {found} and not {expected}:\n{text}");
}

fn calls(method: &str, code: &str, blamed: bool) -> String {
    let error = if blamed { format!("error_type=\"{code}\",") } else { String::new() };
    let method = method.trim_start_matches('/');
    format!(
        "rpc_server_call_duration_seconds_count{{{error}rpc_method=\"{method}\",\
         rpc_response_status_code=\"{code}\",rpc_system_name=\"grpc\"}}"
    )
}

#[tokio::test]
async fn calls_are_counted_by_method_and_outcome() {
    let server = run(settings()).await;
    for web in [false, true] {
        for headers in [
            &[][..],
            &[("toy", "fail")],
            &[("toy", "panic")],
            &[("toy", "hang"), ("grpc-timeout", "50m")],
            &[("authorization", "")],
        ] {
            if web {
                call_web(server.addr, INFO, headers).await;
            } else {
                call(server.addr, INFO, headers).await;
            }
        }
    }
    call(server.addr, WATCH, &[("toy", "panic")]).await;
    call(server.addr, "/made.up.Service/Number1", &[]).await;
    call(server.addr, "/made.up.Service/Number2", &[]).await;
    let text = scrape(&server).await;
    for (method, code, blamed, count) in [
        (INFO, "OK", false, 2.0),
        (INFO, "INTERNAL", true, 4.0),
        (INFO, "DEADLINE_EXCEEDED", true, 2.0),
        (INFO, "UNAUTHENTICATED", false, 2.0),
        (WATCH, "INTERNAL", true, 1.0),
        ("_OTHER", "UNIMPLEMENTED", true, 2.0),
    ] {
        assert_value(&text, &calls(method, code, blamed), count);
    }
    assert!(!text.contains("made.up"), "strangers make no series");
    for (reason, count) in
        [("INTERNAL", 5.0), ("DEADLINE", 2.0), ("TOKEN_INVALID", 2.0), ("METHOD_UNKNOWN", 2.0)]
    {
        assert_value(&text, &format!("ticketing_calls_failed_total{{reason=\"{reason}\"}}"), count);
    }
    assert!(
        text.contains(&calls(INFO, "OK", false).replace("_count{", "_bucket{").replace('}', ",le=\"0.25\"}"))
    );
    for kind in ["unary", "stream"] {
        assert_value(&text, &format!("ticketing_calls_open{{kind=\"{kind}\"}}"), 0.0);
    }
}

#[tokio::test]
async fn what_is_open_and_what_found_no_room_is_counted() {
    let server = run(Settings { max_calls: 1, ..settings() }).await;
    let mut connection = h2(server.addr).await;
    let hanging = server.tasks.spawn(connection.send_request(grpc(server.addr, INFO, &[("toy", "hang")])));
    let mut reader = h2(server.addr).await;
    let watching = reader.send_request(grpc(server.addr, WATCH, &[])).await.expect("an answer");
    once(&server.toy.entered).await;
    once(&server.toy.entered).await;
    let shed = call(server.addr, SESSION, &[]).await;
    assert_eq!(shed.reason(), "OVERLOADED");
    let text = scrape(&server).await;
    assert_value(&text, "ticketing_calls_open{kind=\"unary\"}", 1.0);
    assert_value(&text, "ticketing_calls_open{kind=\"stream\"}", 1.0);
    assert!(value(&text, "ticketing_connections_open") >= 2.0, "{text}");
    assert_value(&text, "ticketing_calls_failed_total{reason=\"OVERLOADED\"}", 1.0);
    assert_value(&text, &calls(SESSION, "UNAVAILABLE", true), 1.0);

    // Who goes is not open any more, and counts as one who took the call back.
    drop((watching, reader));
    hanging.abort();
    drop(connection);
    once(&server.toy.dropped).await;
    once(&server.toy.dropped).await;
    let gone = async {
        while value(&scrape(&server).await, &calls(WATCH, "CANCELLED", false)) < 1.0
            || value(&scrape(&server).await, &calls(INFO, "CANCELLED", false)) < 1.0
        {
            tokio::task::yield_now().await;
        }
    };
    tokio::time::timeout(Duration::from_secs(30), gone).await.expect("both are told of");
    let text = scrape(&server).await;
    assert_value(&text, "ticketing_calls_open{kind=\"unary\"}", 0.0);
    assert_value(&text, "ticketing_calls_open{kind=\"stream\"}", 0.0);
}

#[tokio::test]
async fn connections_without_room_are_counted() {
    let mut settings = settings();
    settings.limits.connections = 1;
    let server = run(settings).await;
    let _first = h2(server.addr).await;
    let second = TcpStream::connect(server.addr).await.expect("connected");
    let closed = async {
        let mut byte = [0];
        while second.readable().await.is_ok() && second.try_read(&mut byte).is_err() {}
    };
    tokio::time::timeout(Duration::from_secs(30), closed).await.expect("closed");
    let text = scrape(&server).await;
    assert_value(&text, "ticketing_connections_refused_total", 1.0);
    assert_value(&text, "ticketing_connections_open", 1.0);
}

#[tokio::test]
async fn readiness_and_the_drain_can_be_seen_while_they_last() {
    let server = run(settings()).await;
    let text = scrape(&server).await;
    assert_value(&text, "ticketing_ready", 0.0);
    server.health.set_ready(true).await;
    let text = scrape(&server).await;
    assert_value(&text, "ticketing_ready", 1.0);
    assert_value(&text, "ticketing_drain_elapsed_seconds", 0.0);

    let mut connection = h2(server.addr).await;
    let hanging = server.tasks.spawn(connection.send_request(grpc(server.addr, INFO, &[("toy", "hang")])));
    once(&server.toy.entered).await;
    server.drain.cancel();
    let text = loop {
        let text = scrape(&server).await;
        if value(&text, "ticketing_drain_elapsed_seconds") > 0.0 && value(&text, "ticketing_ready") < 1.0 {
            break text;
        }
    };
    assert_value(&text, "ticketing_calls_open{kind=\"unary\"}", 1.0);
    hanging.abort();
}

#[tokio::test]
async fn callers_do_not_see_it() {
    let server = run(settings()).await;
    let request = Request::get("/metrics").header("host", "x").body(Body::default()).expect("a request");
    let answer = Answer::read(h1(server.addr).await.send_request(request).await.expect("an answer")).await;
    assert_ne!(answer.http, StatusCode::OK);
    assert!(!String::from_utf8_lossy(&answer.body).contains("rpc_server"), "{:?}", answer.body);
}
