//! What goes wrong inside reaches every caller as a status in its protocol, under CORS, and says no more than it may.

use std::time::Duration;

use http_body_util::BodyExt as _;
use ticketing::serve::Settings;
use ticketing_proto::v1::WatchEventsResponse;
use tonic::Code;
use tonic_types::StatusExt as _;

use crate::{
    toy::{INFO, WATCH, once, pass, run, settings},
    wire::{call, call_web, grpc, h2},
};

#[tokio::test]
async fn a_call_out_of_time_is_told_so_and_its_work_dropped() {
    let server = run(settings()).await;
    for web in [false, true] {
        let headers = [("toy", "hang"), ("grpc-timeout", "50m")];
        let answer = if web {
            call_web(server.addr, INFO, &headers).await
        } else {
            call(server.addr, INFO, &headers).await
        };
        assert_eq!(
            (answer.status().code(), &*answer.reason()),
            (Code::DeadlineExceeded, "DEADLINE"),
            "web: {web}"
        );
        once(&server.toy.dropped).await;
        if web {
            assert_eq!(answer.header("content-type"), "application/grpc-web+proto");
            assert_eq!(answer.header("access-control-allow-origin"), "https://desk.example");
            assert!(answer.header("access-control-expose-headers").contains("grpc-status-details-bin"));
            assert_eq!(answer.header("x-request-id").len(), 16);
        }
    }
}

#[tokio::test]
async fn a_stream_out_of_time_is_cut_with_its_status() {
    let server = run(settings()).await;
    for web in [false, true] {
        let headers = [("grpc-timeout", "1M")];
        let answer = server.tasks.spawn(async move {
            if web {
                call_web(server.addr, WATCH, &headers).await
            } else {
                call(server.addr, WATCH, &headers).await
            }
        });
        once(&server.toy.entered).await;
        pass(Duration::from_mins(1)).await;
        let answer = answer.await.expect("an answer");
        assert_eq!(answer.messages::<WatchEventsResponse>()[0].cursor, "first");
        assert_eq!((answer.status().code(), &*answer.reason()), (Code::DeadlineExceeded, "DEADLINE"));
        assert!(!answer.trailers.contains_key("content-type"), "trailers are no headers");
        once(&server.toy.dropped).await;
    }
}

#[tokio::test]
async fn a_fault_says_nothing_but_the_request_id() {
    let server = run(settings()).await;
    let id = ("x-request-id", "desk-42");
    for (path, toy) in [(INFO, "panic"), (INFO, "fail"), (INFO, "bare"), (WATCH, "panic")] {
        let answers = [
            call(server.addr, path, &[("toy", toy), id]).await,
            call_web(server.addr, path, &[("toy", toy), id]).await,
        ];
        for answer in answers {
            let status = answer.status();
            assert_eq!(status.code(), Code::Internal, "{path} {toy}");
            assert_eq!(status.message(), "internal error");
            let info = status.get_details_error_info().expect("an ErrorInfo");
            assert_eq!((&*info.reason, &*info.metadata["request_id"]), ("INTERNAL", "desk-42"));
            assert!(!format!("{answer:?}").contains("secret"), "{answer:?}");
        }
        let web = call_web(server.addr, path, &[("toy", toy)]).await;
        assert_eq!(web.header("access-control-allow-origin"), "https://desk.example");
    }
    // The connection and the server live on.
    assert_eq!(call(server.addr, INFO, &[]).await.status().code(), Code::Ok);
}

#[tokio::test]
async fn a_call_without_room_is_told_to_come_again() {
    let server = run(Settings { max_calls: 1, max_streams: 1, ..settings() }).await;
    let connection = h2(server.addr).await;
    let (mut first, mut stream) = (connection.clone(), connection.clone());
    let held = server.tasks.spawn(first.send_request(grpc(server.addr, INFO, &[("toy", "hang")])));
    once(&server.toy.entered).await;
    for answer in [call(server.addr, INFO, &[]).await, call_web(server.addr, INFO, &[]).await] {
        let status = answer.status();
        assert_eq!((status.code(), &*answer.reason()), (Code::Unavailable, "OVERLOADED"));
        let after = status.get_details_retry_info().expect("a RetryInfo").retry_delay;
        assert!(after.is_some_and(|delay| delay > Duration::ZERO));
    }
    let health = call(server.addr, "/grpc.health.v1.Health/Check", &[]).await;
    assert_eq!(health.status().code(), Code::Ok, "health is never turned away");

    // A stream has room of its own, and keeps it until its body ends.
    let mut open = stream.send_request(grpc(server.addr, WATCH, &[])).await.expect("an answer").into_body();
    assert!(open.frame().await.is_some_and(|frame| frame.is_ok()));
    assert_eq!(call(server.addr, WATCH, &[]).await.reason(), "OVERLOADED");

    held.abort();
    drop(open);
    once(&server.toy.dropped).await;
    once(&server.toy.dropped).await;
    assert_eq!(call(server.addr, INFO, &[]).await.status().code(), Code::Ok);
    assert_eq!(
        call(server.addr, WATCH, &[("grpc-timeout", "50m")]).await.status().code(),
        Code::DeadlineExceeded
    );
}
