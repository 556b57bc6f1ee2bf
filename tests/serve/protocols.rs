//! What callers of each protocol get: answers, refusals, and word of what this port speaks.

use http::{Request, StatusCode};
use ticketing_proto::v1::{
    GetServerInfoRequest, GetServerInfoResponse, GetSessionResponse,
    system_service_client::SystemServiceClient,
};
use tonic::{Code, transport::Endpoint};
use tonic_reflection::pb::v1::{
    ServerReflectionRequest, server_reflection_client::ServerReflectionClient,
    server_reflection_request::MessageRequest, server_reflection_response::MessageResponse,
};

use crate::{
    toy::{INFO, SESSION, WATCH, run, settings},
    wire::{Answer, Body, call, call_web, h1, h2},
};

#[tokio::test]
async fn a_stock_client_gets_its_answer() {
    let server = run(settings()).await;
    let channel =
        Endpoint::new(format!("http://{}", server.addr)).expect("a uri").connect().await.expect("a channel");
    let mut client = SystemServiceClient::with_interceptor(channel, |mut request: tonic::Request<()>| {
        request.metadata_mut().insert("authorization", "Bearer good".parse().expect("a value"));
        Ok(request)
    });
    let answer = client.get_server_info(GetServerInfoRequest {}).await.expect("an answer").into_inner();
    assert_eq!(answer.version, "1.2.3");
}

#[tokio::test]
async fn a_browser_gets_its_answer_over_http1() {
    let server = run(settings()).await;
    let answer = call_web(server.addr, INFO, &[("grpc-accept-encoding", "gzip")]).await;
    assert_eq!(answer.http, StatusCode::OK);
    assert_eq!(answer.messages::<GetServerInfoResponse>()[0].version, "1.2.3");
    assert_eq!(answer.status().code(), Code::Ok);
    assert_eq!(answer.header("access-control-allow-origin"), "https://desk.example");
    assert_eq!(
        answer.header("access-control-expose-headers"),
        "grpc-status,grpc-message,grpc-status-details-bin,x-request-id"
    );
}

#[tokio::test]
async fn a_browser_asks_first() {
    let server = run(settings()).await;
    let preflight = |origin: &'static str| async move {
        let request = Request::options(format!("http://{}{INFO}", server.addr))
            .header("host", "x")
            .header("origin", origin)
            .header("access-control-request-method", "POST")
            .header("access-control-request-headers", "content-type,x-grpc-web,authorization")
            .body(Body::default())
            .expect("a request");
        Answer::read(h1(server.addr).await.send_request(request).await.expect("an answer")).await
    };
    let allowed = preflight("https://desk.example").await;
    assert_eq!(allowed.http, StatusCode::OK);
    assert_eq!(allowed.header("access-control-allow-origin"), "https://desk.example");
    assert_eq!(allowed.header("access-control-max-age"), "7200");
    assert_eq!(allowed.header("access-control-allow-methods"), "POST");
    let headers: Vec<_> = allowed.header("access-control-allow-headers").split(',').collect();
    for name in ["content-type", "authorization", "x-grpc-web", "grpc-timeout", "traceparent", "x-request-id"]
    {
        assert!(headers.contains(&name), "{name} is missing in {headers:?}");
    }
    assert_eq!(preflight("https://elsewhere.example").await.header("access-control-allow-origin"), "");
}

#[tokio::test]
async fn the_request_id_is_kept_or_made() {
    let server = run(settings()).await;
    let answer = call(server.addr, SESSION, &[("x-request-id", "desk-42")]).await;
    assert_eq!(answer.header("x-request-id"), "desk-42");
    assert_eq!(answer.messages::<GetSessionResponse>()[0].tenants, ["someone", "desk-42"]);

    let answer = call_web(server.addr, SESSION, &[]).await;
    let id = answer.header("x-request-id").to_owned();
    assert_eq!(id.len(), 16);
    assert_eq!(answer.messages::<GetSessionResponse>()[0].tenants, ["someone".to_owned(), id]);
}

#[tokio::test]
async fn strangers_and_the_unentitled_stay_outside() {
    let server = run(settings()).await;
    for (path, token, code, reason) in [
        (INFO, "", Code::Unauthenticated, "TOKEN_INVALID"),
        (INFO, "Bearer bad", Code::Unauthenticated, "TOKEN_INVALID"),
        (INFO, "Bearer poor", Code::PermissionDenied, "PERMISSION_MISSING"),
        (WATCH, "", Code::Unauthenticated, "TOKEN_INVALID"),
    ] {
        for answer in [
            call(server.addr, path, &[("authorization", token)]).await,
            call_web(server.addr, path, &[("authorization", token)]).await,
        ] {
            assert_eq!((answer.status().code(), &*answer.reason()), (code, reason), "{path} with {token:?}");
        }
    }
    let open = call(server.addr, "/grpc.health.v1.Health/Check", &[("authorization", "")]).await;
    assert_eq!(open.status().code(), Code::Ok);
}

#[tokio::test]
async fn an_unknown_method_is_unimplemented() {
    let server = run(settings()).await;
    for path in [
        "/ticketing.v1.SystemService/Nothing",
        "/nobody/Nothing",
        "/",
        // Declared by the contract, and served by nobody here: tonic's own refusal.
        "/ticketing.v1.TicketService/GetTicket",
    ] {
        let answer = call(server.addr, path, &[]).await;
        assert_eq!(
            (answer.status().code(), &*answer.reason()),
            (Code::Unimplemented, "METHOD_UNKNOWN"),
            "{path}"
        );
    }
}

#[tokio::test]
async fn what_is_no_call_is_told_so() {
    let server = run(settings()).await;
    for (method, content_type, status) in [
        ("GET", "", StatusCode::NOT_FOUND),
        ("POST", "application/json", StatusCode::UNSUPPORTED_MEDIA_TYPE),
        ("POST", "application/grpc", StatusCode::UNSUPPORTED_MEDIA_TYPE),
    ] {
        let request = Request::builder()
            .method(method)
            .uri(INFO)
            .header("host", "x")
            .header("origin", "https://desk.example")
            .header("content-type", content_type)
            .body(Body::default())
            .expect("a request");
        let answer =
            Answer::read(h1(server.addr).await.send_request(request).await.expect("an answer")).await;
        assert_eq!(answer.http, status, "{method} {content_type}");
        assert!(answer.body.ends_with(b"."), "no sentence: {:?}", answer.body);
        assert_eq!(answer.header("access-control-allow-origin"), "https://desk.example");
    }
}

#[tokio::test]
async fn a_message_over_the_limit_is_too_large() {
    let server = run(settings()).await;
    let mut request = crate::wire::grpc(server.addr, INFO, &[]);
    *request.body_mut() = Body::from(crate::wire::frame(&"x".repeat(2000)));
    let answer = Answer::read(h2(server.addr).await.send_request(request).await.expect("an answer")).await;
    assert_eq!((answer.status().code(), &*answer.reason()), (Code::ResourceExhausted, "PAYLOAD_TOO_LARGE"));
}

#[tokio::test]
async fn headers_over_the_limit_are_refused_by_both_protocols() {
    let server = run(settings()).await;
    let large = "x".repeat(17 * 1024);
    let headers = [("toy", &*large)];
    let over_h2 = h2(server.addr).await.send_request(crate::wire::grpc(server.addr, INFO, &headers)).await;
    assert_eq!(over_h2.expect("an answer").status(), StatusCode::REQUEST_HEADER_FIELDS_TOO_LARGE);
    let over_h1 = h1(server.addr).await.send_request(crate::wire::web(server.addr, INFO, &headers)).await;
    assert_eq!(over_h1.expect("an answer").status(), StatusCode::REQUEST_HEADER_FIELDS_TOO_LARGE);
}

#[tokio::test]
async fn strangers_read_the_contract_with_its_options_if_they_may() {
    let server = run(settings()).await;
    let ask = |addr| async move {
        let channel =
            Endpoint::new(format!("http://{addr}")).expect("a uri").connect().await.expect("a channel");
        let request = ServerReflectionRequest {
            host: String::new(),
            message_request: Some(MessageRequest::FileContainingSymbol(
                "ticketing.v1.SystemService".to_owned(),
            )),
        };
        let asked = tokio_stream::once(request);
        let mut answers =
            ServerReflectionClient::new(channel).server_reflection_info(asked).await?.into_inner();
        answers.message().await
    };
    let answer = ask(server.addr).await.expect("reflection").expect("an answer");
    let Some(MessageResponse::FileDescriptorResponse(files)) = answer.message_response else {
        panic!("no file: {answer:?}")
    };
    // The key of field 50201 with a length, as only the kept option has it.
    let key = [0xca, 0xc1, 0x18];
    assert!(files.file_descriptor_proto[0].windows(3).any(|bytes| bytes == key), "the options are lost");

    let server = run(ticketing::serve::Settings { reflection: false, ..settings() }).await;
    assert_eq!(ask(server.addr).await.expect_err("no reflection").code(), Code::Unimplemented);
}
