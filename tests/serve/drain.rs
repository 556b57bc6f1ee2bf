//! How the server goes down, and what probes and watchers hear of it.

use std::{net::SocketAddr, time::Duration};

use http::{Request, StatusCode};
use ticketing::serve::Settings;
use ticketing_proto::v1::{GoodbyeReason, WatchEventsResponse, watch_events_response::Body as Event};
use tokio::net::TcpStream;
use tonic::{Code, Streaming, transport::Endpoint};
use tonic_health::pb::{
    HealthCheckRequest, HealthCheckResponse, health_check_response::ServingStatus,
    health_client::HealthClient,
};

use crate::{
    toy::{INFO, Running, WATCH, once, pass, run, settings},
    wire::{Answer, Body, grpc, h1, h2},
};

async fn health(addr: SocketAddr) -> HealthClient<tonic::transport::Channel> {
    let endpoint = Endpoint::new(format!("http://{addr}")).expect("a uri");
    HealthClient::new(endpoint.connect().await.expect("a channel"))
}

fn about(service: &str) -> HealthCheckRequest {
    HealthCheckRequest { service: service.to_owned() }
}

async fn next(watch: &mut Streaming<HealthCheckResponse>) -> Option<ServingStatus> {
    Some(watch.message().await.ok()??.status())
}

async fn probe(server: &Running, path: &str) -> (StatusCode, String) {
    let request = Request::get(path).header("host", "x").body(Body::default()).expect("a request");
    let answer =
        Answer::read(h1(server.operations).await.send_request(request).await.expect("an answer")).await;
    (answer.http, String::from_utf8(answer.body.to_vec()).expect("text"))
}

#[tokio::test]
async fn health_follows_the_server() {
    let server = run(settings()).await;
    let mut watch = health(server.addr).await.watch(about("")).await.expect("a watch").into_inner();
    assert_eq!(next(&mut watch).await, Some(ServingStatus::NotServing), "not ready from the start");
    assert_eq!(probe(&server, "/livez").await, (StatusCode::OK, "alive\n".to_owned()));
    assert_eq!(probe(&server, "/readyz").await, (StatusCode::SERVICE_UNAVAILABLE, "not ready\n".to_owned()));

    server.health.set_ready(true).await;
    assert_eq!(next(&mut watch).await, Some(ServingStatus::Serving));
    assert_eq!(probe(&server, "/readyz").await, (StatusCode::OK, "ready\n".to_owned()));
    for name in ["startup", "liveness"] {
        let named = health(server.operations).await.check(about(name)).await.expect("a name");
        assert_eq!(named.into_inner().status(), ServingStatus::Serving, "{name}, ready or not");
    }
    for port in [server.addr, server.operations] {
        let named = health(port).await.check(about("ticketing.v1.TicketService")).await.expect("a service");
        assert_eq!(named.into_inner().status(), ServingStatus::Serving);
    }
    server.health.set_ready(false).await;
    assert_eq!(next(&mut watch).await, Some(ServingStatus::NotServing));
    server.health.set_ready(true).await;
    assert_eq!(next(&mut watch).await, Some(ServingStatus::Serving));

    server.health.set_draining().await;
    assert_eq!(next(&mut watch).await, Some(ServingStatus::NotServing));
    server.health.set_ready(true).await;
    assert!(!server.health.is_ready().await, "a drain is for good");
    assert_eq!(probe(&server, "/elsewhere").await.0, StatusCode::NOT_FOUND);
}

#[tokio::test]
async fn a_drain_lets_streams_say_goodbye_and_takes_no_more() {
    let server = run(settings()).await;
    server.health.set_ready(true).await;
    let mut connection = h2(server.addr).await;
    let polite = grpc(server.addr, WATCH, &[("toy", "polite")]);
    let response = connection.send_request(polite).await.expect("an answer");
    let answer = server.tasks.spawn(Answer::read(response));
    once(&server.toy.entered).await;

    server.drain.cancel();
    let answer = answer.await.expect("an answer");
    let last = answer.messages::<WatchEventsResponse>().pop().expect("a goodbye");
    assert!(matches!(last.body, Some(Event::Goodbye(goodbye)) if goodbye.reason() == GoodbyeReason::Drain));
    assert_eq!(answer.status().code(), Code::Ok);
    assert!(connection.ready().await.is_err(), "GOAWAY came");
    assert_eq!(server.end.await.expect("an end"), 0, "nothing had to be cut");
    assert!(!server.health.is_ready().await);
    for port in [server.addr, server.operations] {
        assert!(TcpStream::connect(port).await.is_err(), "the port is closed");
    }
}

#[tokio::test]
async fn a_drain_ends_streams_that_know_no_goodbye() {
    let server = run(Settings { goodbye: Duration::from_millis(50), ..settings() }).await;
    let mut connection = h2(server.addr).await;
    let response = connection.send_request(grpc(server.addr, WATCH, &[])).await.expect("an answer");
    let answer = server.tasks.spawn(Answer::read(response));
    let mut watch = health(server.addr).await.watch(about("")).await.expect("a watch").into_inner();
    assert_eq!(next(&mut watch).await, Some(ServingStatus::NotServing));
    once(&server.toy.entered).await;

    server.drain.cancel();
    let answer = answer.await.expect("an answer");
    assert_eq!((answer.status().code(), &*answer.reason()), (Code::Unavailable, "SHUTTING_DOWN"));
    let end = loop {
        if let Err(end) = watch.message().await.map(|last| last.expect("an end with a status")) {
            break end;
        }
    };
    assert_eq!(end.code(), Code::Unavailable, "health watchers too");
    assert_eq!(server.end.await.expect("an end"), 0);
}

#[tokio::test]
async fn a_drain_waits_for_calls_and_probes_see_it() {
    let server = run(settings()).await;
    server.health.set_ready(true).await;
    let mut connection = h2(server.addr).await;
    let hanging = grpc(server.addr, INFO, &[("toy", "hang")]);
    let answer = server.tasks.spawn(connection.send_request(hanging));
    once(&server.toy.entered).await;

    server.drain.cancel();
    let mut watch = health(server.operations).await.watch(about("")).await.expect("a watch").into_inner();
    while next(&mut watch).await != Some(ServingStatus::NotServing) {}
    assert_eq!(probe(&server, "/readyz").await.0, StatusCode::SERVICE_UNAVAILABLE);
    pass(Duration::from_secs(10)).await;
    let answer = Answer::read(answer.await.expect("a task").expect("an answer")).await;
    assert_eq!(answer.status().code(), Code::DeadlineExceeded, "the call had its whole time");
    assert_eq!(server.end.await.expect("an end"), 0);
}

#[tokio::test]
async fn what_outlives_the_grace_is_cut() {
    let mut settings = settings();
    settings.limits.drain_grace = Duration::from_millis(50);
    let server = run(settings).await;
    let mut connection = h2(server.addr).await;
    let hanging = grpc(server.addr, INFO, &[("toy", "hang")]);
    let answer = server.tasks.spawn(connection.send_request(hanging));
    // A silent peer holds its connection too.
    let _silent = TcpStream::connect(server.addr).await.expect("connected");
    once(&server.toy.entered).await;

    server.drain.cancel();
    assert!(answer.await.expect("a task").is_err(), "the call breaks");
    once(&server.toy.dropped).await;
    assert_eq!(server.end.await.expect("an end"), 1, "one connection was cut; the silent one went by itself");
    let text = server.metrics.text().expect("metrics");
    assert!(text.contains("\nticketing_drain_cut_total 1\n"), "{text}");
}
