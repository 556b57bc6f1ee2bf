//! Which protocol a request speaks, and what a browser may do. Inside of here every call is gRPC, so an error made
//! by any inner layer reaches a browser in gRPC-Web and under CORS without a word about either.

use std::{
    convert::Infallible,
    sync::Arc,
    task::{Context, Poll},
    time::Duration,
};

use futures_util::future::{BoxFuture, Either, Ready, ready};
use http::{
    HeaderMap, HeaderName, HeaderValue, Method, StatusCode, Uri, Version,
    header::{ACCEPT_ENCODING, AUTHORIZATION, CONTENT_TYPE, ORIGIN},
};
use tonic::body::Body;
use tonic_web::{GrpcWebLayer, GrpcWebService};
use tower::{Layer as _, Service};
use tower_http::cors::{self, AllowOrigin, CorsLayer};

use super::{
    ServeError,
    layer::{Answer, Call, Reply, Tower},
    observe::REQUEST_ID,
};

/// How long a browser keeps the answer to a preflight; the longest that browsers honour.
const PREFLIGHT_AGE: Duration = Duration::from_hours(2);

const GRPC: &str = "application/grpc";
const GRPC_WEB: &str = "application/grpc-web";

/// CORS for these origins, or for any with `*` alone. Without credentials: callers send tokens, never cookies.
pub(super) fn cors(origins: &[String]) -> Result<CorsLayer, ServeError> {
    let allowed = allowed(origins)?;
    let name = HeaderName::from_static;
    Ok(CorsLayer::new()
        .allow_origin(allowed)
        .allow_methods([Method::POST])
        .allow_headers([
            CONTENT_TYPE,
            ACCEPT_ENCODING,
            AUTHORIZATION,
            name("grpc-timeout"),
            name("x-grpc-web"),
            name("x-user-agent"),
            name("traceparent"),
            name("tracestate"),
            REQUEST_ID,
        ])
        .expose_headers([
            name("grpc-status"),
            name("grpc-message"),
            name("grpc-status-details-bin"),
            REQUEST_ID,
        ])
        .max_age(PREFLIGHT_AGE))
}

/// The same for files: what a URL lets be done needs no token.
pub(super) fn cors_of_files(origins: &[String]) -> Result<CorsLayer, ServeError> {
    Ok(CorsLayer::new()
        .allow_origin(allowed(origins)?)
        .allow_methods([Method::PUT, Method::GET])
        .allow_headers([CONTENT_TYPE])
        .max_age(PREFLIGHT_AGE))
}

fn allowed(origins: &[String]) -> Result<AllowOrigin, ServeError> {
    Ok(match origins {
        [any] if any == "*" => AllowOrigin::any(),
        some => AllowOrigin::list(some.iter().map(|text| origin(text)).collect::<Result<Vec<_>, _>>()?),
    })
}

fn origin(text: &str) -> Result<HeaderValue, ServeError> {
    let value = HeaderValue::from_str(text).ok().filter(|_| is_origin(text));
    value.ok_or_else(|| ServeError::Origin(text.to_owned()))
}

/// Whether it is an origin as browsers send it: scheme, host and port, nothing after. Any other text would never match.
pub fn is_origin(text: &str) -> bool {
    text.parse::<Uri>().is_ok_and(|uri| match (uri.scheme_str(), uri.authority()) {
        (Some(scheme), Some(authority)) => text == format!("{scheme}://{authority}"),
        _ => false,
    })
}

/// CORS for the calls of pages. Other callers have no use for its headers, which made a third of the stack's cost.
#[derive(Clone)]
pub(super) struct Pages<S> {
    pub(super) cors: Arc<CorsLayer>,
    pub(super) next: S,
}

impl<S> Service<Call> for Pages<S>
where
    S: Service<Call, Response = Reply, Error = Infallible> + Clone,
{
    type Response = Reply;
    type Error = Infallible;
    type Future = Either<cors::ResponseFuture<S::Future>, S::Future>;

    fn poll_ready(&mut self, context: &mut Context<'_>) -> Poll<Result<(), Infallible>> {
        self.next.poll_ready(context)
    }

    fn call(&mut self, call: Call) -> Self::Future {
        if call.headers().contains_key(ORIGIN) {
            Either::Left(self.cors.layer(self.next.clone()).call(call))
        } else {
            Either::Right(self.next.call(call))
        }
    }
}

/// Leads a request by its protocol.
pub(super) struct Split<A> {
    grpc: Tower<A>,
    web: GrpcWebService<Tower<A>>,
}

impl<A: Answer> Split<A> {
    pub(super) fn new(next: A) -> Self {
        let grpc = Tower::new(next);
        Self { web: GrpcWebLayer::new().layer(grpc.clone()), grpc }
    }
}

impl<A> Clone for Split<A> {
    fn clone(&self) -> Self {
        Self { grpc: self.grpc.clone(), web: self.web.clone() }
    }
}

type Answered = BoxFuture<'static, Result<Reply, Infallible>>;
type Told = Ready<Result<Reply, Infallible>>;

impl<A: Answer> Service<Call> for Split<A> {
    type Response = Reply;
    type Error = Infallible;
    type Future = Either<Answered, Told>;

    fn poll_ready(&mut self, _: &mut Context<'_>) -> Poll<Result<(), Infallible>> {
        Poll::Ready(Ok(()))
    }

    fn call(&mut self, mut call: Call) -> Self::Future {
        match Protocol::of(&call) {
            Ok(Protocol::Grpc) => Either::Left(self.grpc.call(call)),
            Ok(Protocol::GrpcWeb(content_type)) => {
                // tonic-web knows the bare names only, and no browser client reads compressed frames.
                call.headers_mut().insert(CONTENT_TYPE, HeaderValue::from_static(content_type));
                call.headers_mut().remove("grpc-accept-encoding");
                Either::Left(Box::pin(self.web.call(call)))
            }
            Err((status, sentence)) => Either::Right(ready(Ok(told(status, sentence)))),
        }
    }
}

/// What a request speaks.
#[derive(Debug, PartialEq)]
enum Protocol {
    Grpc,
    /// With the content type, bare of parameters.
    GrpcWeb(&'static str),
}

impl Protocol {
    fn of(call: &Call) -> Result<Self, (StatusCode, &'static str)> {
        if call.method() != Method::POST {
            return Err((
                StatusCode::NOT_FOUND,
                "There are no pages here: this port speaks gRPC and gRPC-Web, by POST.",
            ));
        }
        match essence(call.headers()).as_deref() {
            Some(GRPC | "application/grpc+proto") if call.version() == Version::HTTP_2 => Ok(Self::Grpc),
            Some(GRPC | "application/grpc+proto") => Err((
                StatusCode::UNSUPPORTED_MEDIA_TYPE,
                "gRPC needs HTTP/2; over HTTP/1.1 this port speaks gRPC-Web.",
            )),
            Some(GRPC_WEB) => Ok(Self::GrpcWeb(GRPC_WEB)),
            Some("application/grpc-web+proto") => Ok(Self::GrpcWeb("application/grpc-web+proto")),
            Some("application/grpc-web-text") => Ok(Self::GrpcWeb("application/grpc-web-text")),
            Some("application/grpc-web-text+proto") => Ok(Self::GrpcWeb("application/grpc-web-text+proto")),
            _ => Err((
                StatusCode::UNSUPPORTED_MEDIA_TYPE,
                "The content type must be application/grpc, application/grpc-web or application/grpc-web-text, \
                 each with or without +proto.",
            )),
        }
    }
}

/// The content type in lower case, without parameters such as a charset.
fn essence(headers: &HeaderMap) -> Option<String> {
    let value = headers.get(CONTENT_TYPE)?.to_str().ok()?;
    Some(value.split(';').next().unwrap_or(value).trim().to_ascii_lowercase())
}

/// An answer to something that is no call.
fn told(status: StatusCode, sentence: &'static str) -> Reply {
    let mut reply = Reply::new(Body::new(http_body_util::Full::from(sentence)));
    *reply.status_mut() = status;
    reply.headers_mut().insert(CONTENT_TYPE, HeaderValue::from_static("text/plain; charset=utf-8"));
    reply
}

#[cfg(test)]
mod tests {
    use super::*;

    fn protocol(method: Method, version: Version, content_type: Option<&str>) -> Result<Protocol, u16> {
        let mut call = http::Request::builder().method(method).version(version);
        if let Some(content_type) = content_type {
            call = call.header(CONTENT_TYPE, content_type);
        }
        let call = call.body(Body::empty()).expect("a request");
        Protocol::of(&call).map_err(|(status, _)| status.as_u16())
    }

    #[test]
    fn the_content_type_decides() {
        for (method, version, content_type, expected) in [
            (Method::POST, Version::HTTP_2, Some("application/grpc"), Ok(Protocol::Grpc)),
            (Method::POST, Version::HTTP_2, Some("application/grpc+proto"), Ok(Protocol::Grpc)),
            (Method::POST, Version::HTTP_2, Some("application/grpc+json"), Err(415)),
            (Method::POST, Version::HTTP_11, Some("application/grpc"), Err(415)),
            (Method::POST, Version::HTTP_11, Some("application/grpc-web"), Ok(Protocol::GrpcWeb(GRPC_WEB))),
            (
                Method::POST,
                Version::HTTP_11,
                Some("Application/gRPC-Web+Proto; charset=utf-8"),
                Ok(Protocol::GrpcWeb("application/grpc-web+proto")),
            ),
            (Method::POST, Version::HTTP_2, Some("application/json"), Err(415)),
            (Method::POST, Version::HTTP_2, None, Err(415)),
            (Method::GET, Version::HTTP_2, Some("application/grpc"), Err(404)),
            (Method::GET, Version::HTTP_11, None, Err(404)),
        ] {
            assert_eq!(protocol(method, version, content_type), expected, "{version:?} {content_type:?}");
        }
    }

    #[test]
    fn an_origin_that_would_never_match_is_refused() {
        for (text, fits) in [
            ("https://desk.example", true),
            ("http://localhost:5173", true),
            ("https://desk.example/", false),
            ("https://desk.example/app", false),
            ("desk.example", false),
            ("*", false),
            ("https://*.example\n", false),
        ] {
            assert_eq!(origin(text).is_ok(), fits, "{text}");
        }
        assert!(cors(&["*".to_owned()]).is_ok());
        assert!(cors(&["*".to_owned(), "https://desk.example".to_owned()]).is_err());
    }
}
