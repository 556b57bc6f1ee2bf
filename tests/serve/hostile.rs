//! Who means harm gets little for it, and nobody else notices. `benches/siege.rs` has the same at length, with what it costs.

use flate2::{Compression, write::GzEncoder};
use http::{Request, StatusCode};
use tokio::io::AsyncWriteExt as _;
use tonic::Code;

use crate::{
    frames::{self, GOAWAY, hello, read},
    toy::{INFO, once, run, settings},
    wire::{Answer, Body, call, grpc, h2},
};

/// Error codes of HTTP/2.
const COMPRESSION_ERROR: u32 = 9;
const ENHANCE_YOUR_CALM: u32 = 11;

/// The code in a GOAWAY.
fn code(goaway: &[u8]) -> u32 {
    u32::from_be_bytes(goaway[4..8].try_into().expect("four bytes"))
}

#[tokio::test]
async fn who_takes_back_all_calls_is_sent_away() {
    let server = run(settings()).await;
    let mut rapid = hello(server.addr).await;
    let storm: Vec<u8> = (0..500)
        .flat_map(|n| [frames::call(2 * n + 1, INFO, 0), frames::reset(2 * n + 1)].concat())
        .collect();
    rapid.write_all(&storm).await.expect("sent");
    assert_eq!(code(&read(&mut rapid, GOAWAY).await.expect("a frame")), ENHANCE_YOUR_CALM);
    assert_eq!(call(server.addr, INFO, &[]).await.status().code(), Code::Ok);
}

#[tokio::test]
async fn headers_without_end_are_refused() {
    let server = run(settings()).await;
    // A little too much fails its own call.
    let filler = "x".repeat(20 * 1024);
    let wordy = grpc(server.addr, INFO, &[("x-filler", &filler)]);
    let answer = h2(server.addr).await.send_request(wordy).await.expect("an answer");
    assert_eq!(answer.status(), StatusCode::REQUEST_HEADER_FIELDS_TOO_LARGE);
    // Far too much ends the connection.
    let mut endless = hello(server.addr).await;
    // The server need not read it all.
    _ = endless.write_all(&frames::call(1, INFO, 1024 * 1024)).await;
    let end = read(&mut endless, GOAWAY).await.ok().map(|goaway| code(&goaway));
    assert!(end.is_none_or(|code| code == COMPRESSION_ERROR), "{end:?}");
    assert_eq!(call(server.addr, INFO, &[]).await.status().code(), Code::Ok);
}

/// A message in its gRPC frame.
fn framed(compressed: bool, message: &[u8]) -> Vec<u8> {
    let length = u32::try_from(message.len()).expect("small").to_be_bytes();
    [&[u8::from(compressed)][..], &length, message].concat()
}

async fn send(request: Request<Body>, body: Vec<u8>, addr: std::net::SocketAddr) -> Answer {
    let request = request.map(|_| Body::from(body));
    Answer::read(h2(addr).await.send_request(request).await.expect("an answer")).await
}

#[tokio::test]
async fn nothing_is_unpacked() {
    let server = run(settings()).await;
    let mut bomb = GzEncoder::new(Vec::new(), Compression::best());
    std::io::copy(&mut std::io::Read::take(std::io::repeat(0), 1024 * 1024), &mut bomb).expect("packed");
    let body = framed(true, &bomb.finish().expect("packed"));
    for named in [&[("grpc-encoding", "gzip")][..], &[]] {
        let answer = send(grpc(server.addr, INFO, named), body.clone(), server.addr).await;
        assert_eq!(
            (answer.status().code(), &*answer.reason()),
            (Code::Unimplemented, "COMPRESSION_UNSUPPORTED"),
            "{answer:?}"
        );
    }
}

#[tokio::test]
async fn a_message_too_deep_to_read_is_the_callers_fault() {
    let server = run(settings()).await;
    // Groups inside of groups, each of a field that nobody knows.
    let answer = send(grpc(server.addr, INFO, &[]), framed(false, &[0x7b; 1000]), server.addr).await;
    let status = answer.status();
    assert_eq!((status.code(), &*answer.reason()), (Code::InvalidArgument, "FIELD_INVALID"), "{status:?}");
    assert!(status.message().contains("recursion"), "{status:?}");
}

#[tokio::test]
async fn the_silent_ones_leave_room_when_their_time_is_over() {
    let mut settings = settings();
    (settings.limits.connections, settings.limits.opening) = (20, std::time::Duration::from_millis(200));
    let server = run(settings).await;
    let mut connection = h2(server.addr).await;
    let hanging = grpc(server.addr, INFO, &[("toy", "hang"), ("grpc-timeout", "1H")]);
    let held = server.tasks.spawn(connection.send_request(hanging));
    once(&server.toy.entered).await;
    for round in 0..5 {
        let mut silent = Vec::new();
        for n in 0..19 {
            let mut stream = tokio::net::TcpStream::connect(server.addr).await.expect("connected");
            if n % 2 == 0 {
                stream.write_all(b"PRI * HTTP/2.0").await.expect("sent");
            }
            silent.push(stream);
        }
        for mut stream in silent {
            // Closed, or reset because what was sent was not read to its end.
            _ = tokio::io::AsyncReadExt::read_to_end(&mut stream, &mut Vec::new()).await;
        }
        assert!(!held.is_finished(), "who was there before stays, in round {round}");
    }
    assert_eq!(call(server.addr, INFO, &[]).await.status().code(), Code::Ok);
}
