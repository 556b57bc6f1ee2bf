//! What one caller may have, and that others do not notice. What a tenant may have is told in `tests/it/quotas.rs`.

use std::time::Duration;

use http_body_util::BodyExt as _;
use ticketing::serve::{Quota, Quotas, Settings};
use tonic::Code;
use tonic_types::StatusExt as _;

use crate::{
    toy::{INFO, WATCH, once, run, settings},
    wire::{call, call_web, grpc, h2},
};

const OTHER: (&str, &str) = ("authorization", "Bearer other");

fn each_caller(caller: Quota) -> Settings {
    Settings { quotas: Quotas { caller, ..Quotas::NONE }, ..settings() }
}

#[tokio::test]
async fn a_caller_with_too_much_work_is_told_when_to_come_again() {
    let server = run(each_caller(Quota { rate: 1, burst: 3, ..Quota::NONE })).await;
    for web in [false, true] {
        // As fast as they come, more than one a second.
        let answer = loop {
            let answer =
                if web { call_web(server.addr, INFO, &[]).await } else { call(server.addr, INFO, &[]).await };
            if answer.status().code() != Code::Ok {
                break answer;
            }
        };
        let status = answer.status();
        assert_eq!((status.code(), &*answer.reason()), (Code::ResourceExhausted, "CALLER_RATE_EXCEEDED"));
        let after = status.get_details_retry_info().and_then(|info| info.retry_delay).expect("a time");
        assert!(after > Duration::ZERO && after <= Duration::from_secs(1), "{after:?}");
        let quota = status.get_details_quota_failure().expect("a QuotaFailure").violations.remove(0);
        assert_eq!((&*quota.subject, quota.quota_value), ("caller:someone", 1));
        assert_eq!(quota.description, "the caller someone has all that it may have: 1 a second");
    }
    assert_eq!(call(server.addr, INFO, &[OTHER]).await.status().code(), Code::Ok);
    for _ in 0..20 {
        let health = call(server.addr, "/grpc.health.v1.Health/Check", &[]).await;
        assert_eq!(health.status().code(), Code::Ok, "health is never turned away");
    }
}

#[tokio::test]
async fn a_caller_has_so_many_calls_and_streams_until_they_end() {
    let server = run(each_caller(Quota { calls: 1, streams: 1, ..Quota::NONE })).await;
    let connection = h2(server.addr).await;
    let (mut first, mut stream) = (connection.clone(), connection.clone());
    let held = server.tasks.spawn(first.send_request(grpc(server.addr, INFO, &[("toy", "hang")])));
    once(&server.toy.entered).await;
    let refused = call(server.addr, INFO, &[]).await;
    assert_eq!(
        (refused.status().code(), &*refused.reason()),
        (Code::ResourceExhausted, "CALLER_CALLS_EXCEEDED")
    );
    assert_eq!(call(server.addr, INFO, &[OTHER]).await.status().code(), Code::Ok);

    // A stream is counted for itself, and until its body ends.
    let mut open = stream.send_request(grpc(server.addr, WATCH, &[])).await.expect("an answer").into_body();
    assert!(open.frame().await.is_some_and(|frame| frame.is_ok()));
    assert_eq!(call(server.addr, WATCH, &[]).await.reason(), "CALLER_STREAMS_EXCEEDED");

    held.abort();
    drop(open);
    once(&server.toy.dropped).await;
    once(&server.toy.dropped).await;
    assert_eq!(call(server.addr, INFO, &[]).await.status().code(), Code::Ok);
    // Whoever ends it: here the server does, twice.
    for _ in 0..2 {
        let ended = call(server.addr, WATCH, &[("grpc-timeout", "50m")]).await;
        assert_eq!(ended.status().code(), Code::DeadlineExceeded);
    }
    // What fails gives back, too.
    for _ in 0..2 {
        assert_eq!(call(server.addr, INFO, &[("toy", "panic")]).await.status().code(), Code::Internal);
    }
}
