//! Clients below gRPC: what they send and see is what is on the wire.

use std::net::SocketAddr;

use http::{HeaderMap, Request, Response, StatusCode, header::CONTENT_TYPE};
use http_body_util::{BodyExt as _, Full};
use hyper::{
    body::{Bytes, Incoming},
    client::conn::{http1, http2},
};
use hyper_util::rt::{TokioIo, TokioTimer};
use prost::Message;
use tokio::net::TcpStream;
use tokio_util::task::TaskTracker;
use tonic::Status;
use tonic_types::StatusExt as _;

pub type Body = Full<Bytes>;

/// An HTTP/2 connection.
pub async fn h2(addr: SocketAddr) -> http2::SendRequest<Body> {
    let stream = TcpStream::connect(addr).await.expect("connected");
    let tasks = TaskTracker::new();
    let (sender, connection) = http2::Builder::new(Spawn(tasks.clone()))
        .timer(TokioTimer::new())
        .handshake(TokioIo::new(stream))
        .await
        .expect("a handshake");
    tasks.spawn(connection);
    sender
}

#[derive(Clone)]
struct Spawn(TaskTracker);

impl<F: Future<Output: Send> + Send + 'static> hyper::rt::Executor<F> for Spawn {
    fn execute(&self, task: F) {
        self.0.spawn(task);
    }
}

/// An HTTP/1.1 connection.
pub async fn h1(addr: SocketAddr) -> http1::SendRequest<Body> {
    let stream = TcpStream::connect(addr).await.expect("connected");
    let (sender, connection) = http1::handshake(TokioIo::new(stream)).await.expect("a handshake");
    TaskTracker::new().spawn(connection);
    sender
}

/// A message in its gRPC frame.
pub fn frame(message: &impl Message) -> Bytes {
    let message = message.encode_to_vec();
    let length = u32::try_from(message.len()).expect("small").to_be_bytes();
    [&[0][..], &length, &message].concat().into()
}

/// A gRPC call of this path with an empty message and a good token.
pub fn grpc(addr: SocketAddr, path: &str, headers: &[(&str, &str)]) -> Request<Body> {
    request(addr, path, "application/grpc", headers)
}

/// The same from a browser at the allowed origin.
pub fn web(addr: SocketAddr, path: &str, headers: &[(&str, &str)]) -> Request<Body> {
    let mut request = request(addr, path, "application/grpc-web+proto; charset=utf-8", headers);
    request.headers_mut().insert("origin", "https://desk.example".parse().expect("a value"));
    request
}

fn request(addr: SocketAddr, path: &str, content_type: &str, headers: &[(&str, &str)]) -> Request<Body> {
    let mut request = Request::post(format!("http://{addr}{path}"))
        .header("host", addr.to_string())
        .header("te", "trailers")
        .header(CONTENT_TYPE, content_type);
    if !headers.iter().any(|(name, _)| *name == "authorization") {
        request = request.header("authorization", "Bearer good");
    }
    for (name, value) in headers {
        request = request.header(*name, *value);
    }
    request.body(Body::from(frame(&()))).expect("a request")
}

/// A whole answer; the trailers are those of gRPC-Web too.
#[derive(Debug)]
pub struct Answer {
    pub http: StatusCode,
    pub headers: HeaderMap,
    pub body: Bytes,
    pub trailers: HeaderMap,
}

impl Answer {
    pub async fn read(response: Response<Incoming>) -> Self {
        let (head, body) = response.into_parts();
        let body = body.collect().await.expect("a whole body");
        let mut trailers = body.trailers().cloned().unwrap_or_default();
        let mut body = body.to_bytes();
        if head
            .headers
            .get(CONTENT_TYPE)
            .is_some_and(|value| value.as_bytes().starts_with(b"application/grpc-web"))
        {
            (body, trailers) = unframe(body);
        }
        Self { http: head.status, headers: head.headers, body, trailers }
    }

    /// The failure, wherever it stands.
    pub fn status(&self) -> Status {
        Status::from_header_map(&self.headers)
            .or_else(|| Status::from_header_map(&self.trailers))
            .expect("a status")
    }

    /// The reason in its `ErrorInfo`.
    pub fn reason(&self) -> String {
        self.status().get_details_error_info().expect("an ErrorInfo").reason
    }

    pub fn header(&self, name: &str) -> &str {
        self.headers.get(name).map_or("", |value| value.to_str().expect("text"))
    }

    /// The messages in the body.
    pub fn messages<M: Message + Default>(&self) -> Vec<M> {
        frames(self.body.clone()).map(|(_, message)| M::decode(message).expect("a message")).collect()
    }
}

fn frames(mut body: Bytes) -> impl Iterator<Item = (u8, Bytes)> {
    std::iter::from_fn(move || {
        if body.is_empty() {
            return None;
        }
        let head = body.split_to(5);
        let length = u32::from_be_bytes(head[1..].try_into().expect("four bytes"));
        Some((head[0], body.split_to(length as usize)))
    })
}

/// Splits a gRPC-Web body into messages and trailers.
fn unframe(body: Bytes) -> (Bytes, HeaderMap) {
    let mut messages = Vec::new();
    let mut trailers = HeaderMap::new();
    for (flag, content) in frames(body) {
        if flag & 0x80 == 0 {
            messages.push(flag);
            messages.extend(u32::try_from(content.len()).expect("small").to_be_bytes());
            messages.extend(&content);
            continue;
        }
        for line in std::str::from_utf8(&content).expect("text").lines().filter(|line| !line.is_empty()) {
            let (name, value) = line.split_once(':').expect("a header");
            let name = http::HeaderName::from_bytes(name.as_bytes()).expect("a name");
            trailers.insert(name, value.trim().parse().expect("a value"));
        }
    }
    (messages.into(), trailers)
}

/// Calls over HTTP/2 and reads the whole answer.
pub async fn call(addr: SocketAddr, path: &str, headers: &[(&str, &str)]) -> Answer {
    let response = h2(addr).await.send_request(grpc(addr, path, headers)).await.expect("an answer");
    Answer::read(response).await
}

/// Calls as a browser does, over HTTP/1.1.
pub async fn call_web(addr: SocketAddr, path: &str, headers: &[(&str, &str)]) -> Answer {
    let response = h1(addr).await.send_request(web(addr, path, headers)).await.expect("an answer");
    Answer::read(response).await
}
