//! How connections live and age.

use std::time::Duration;

use http_body_util::BodyExt as _;
use ticketing::serve::{Limits, Settings};
use ticketing_proto::v1::{GoodbyeReason, WatchEventsResponse, watch_events_response::Body};
use tokio::{
    io::{AsyncReadExt as _, AsyncWriteExt as _},
    net::TcpStream,
};
use tonic::Code;

use crate::{
    frames::{GOAWAY, hello, read},
    toy::{INFO, WATCH, once, pass, run, settings},
    wire::{Answer, call, grpc, h2},
};

const SETTINGS: u8 = 4;

fn with(limits: impl FnOnce(&mut Limits)) -> Settings {
    let mut settings = settings();
    limits(&mut settings.limits);
    settings
}

#[tokio::test]
async fn the_server_says_its_limits() {
    let server = run(settings()).await;
    let payload = read(&mut hello(server.addr).await, SETTINGS).await.expect("a frame");
    let setting = |id: u8| {
        let found = payload.chunks(6).find(|entry| entry[..2] == [0, id]).expect("the setting");
        u32::from_be_bytes(found[2..].try_into().expect("four bytes"))
    };
    assert_eq!(setting(3), 128, "streams at a time");
    assert_eq!(setting(6), 16 * 1024, "header list");
}

#[tokio::test]
async fn a_connection_over_the_cap_is_closed_and_a_place_comes_free() {
    let server = run(with(|limits| limits.connections = 1)).await;
    let mut first = hello(server.addr).await;
    read(&mut first, SETTINGS).await.expect("a frame");
    let mut second = TcpStream::connect(server.addr).await.expect("connected");
    assert_eq!(second.read(&mut [0]).await.expect("an end"), 0, "the second one is closed");
    first.shutdown().await.expect("shut down");
    first.read_to_end(&mut Vec::new()).await.expect("the server closes too");
    read(&mut hello(server.addr).await, SETTINGS).await.expect("a frame");
}

#[tokio::test]
async fn who_does_not_speak_in_time_is_closed() {
    let server = run(with(|limits| limits.opening = Duration::from_millis(50))).await;
    for said in ["", "PRI * HTTP/2.0\r\n", "POST / HTTP/1.1\r\nhost: x\r\n"] {
        let mut stream = TcpStream::connect(server.addr).await.expect("connected");
        stream.write_all(said.as_bytes()).await.expect("sent");
        stream.read_to_end(&mut Vec::new()).await.expect("an end");
    }
}

#[tokio::test]
async fn an_old_connection_is_asked_to_go() {
    let server = run(settings()).await;
    let mut idle = hello(server.addr).await;
    read(&mut idle, SETTINGS).await.expect("a frame");
    let mut connection = h2(server.addr).await;
    let polite = grpc(server.addr, WATCH, &[("toy", "polite")]);
    let response = connection.send_request(polite).await.expect("an answer");
    let answer = server.tasks.spawn(Answer::read(response));
    once(&server.toy.entered).await;

    pass(settings().limits.age.mul_f64(1.2)).await;
    read(&mut idle, GOAWAY).await.expect("a frame");
    // A stream says goodbye in its own time, and new calls find another connection.
    let answer = answer.await.expect("an answer");
    let last = answer.messages::<WatchEventsResponse>().pop().expect("a goodbye");
    assert!(matches!(last.body, Some(Body::Goodbye(goodbye)) if goodbye.reason() == GoodbyeReason::MaxAge));
    assert_eq!(answer.status().code(), Code::Ok);
    assert!(connection.ready().await.is_err(), "the old connection takes no more calls");
    assert_eq!(call(server.addr, INFO, &[]).await.status().code(), Code::Ok);
}

#[tokio::test]
async fn an_old_connection_is_cut_after_its_grace() {
    let server = run(with(|limits| {
        (limits.age_grace, limits.drain_grace) = (Duration::from_millis(50), Duration::ZERO);
    }))
    .await;
    let mut connection = h2(server.addr).await;
    let mut body =
        connection.send_request(grpc(server.addr, WATCH, &[])).await.expect("an answer").into_body();
    assert!(body.frame().await.is_some_and(|frame| frame.is_ok()));
    pass(settings().limits.age.mul_f64(1.2)).await;
    assert!(body.frame().await.is_some_and(|frame| frame.is_err()), "the stream breaks");
    once(&server.toy.dropped).await;
}
