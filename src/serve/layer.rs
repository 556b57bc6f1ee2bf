//! What a layer of the serving stack is: it answers a call, mostly by asking the next one.

use std::{
    convert::Infallible,
    sync::Arc,
    task::{Context, Poll},
};

use futures_util::future::BoxFuture;
use http_body_util::BodyExt as _;
use tonic::{body::Body, service::Routes};
use tower::Service;

/// A call on its way in.
pub(super) type Call = http::Request<Body>;
/// Its answer on its way out.
pub(super) type Reply = http::Response<Body>;

/// tower's `Service` without readiness, since no layer here waits before it takes a call, and without a named
/// future, so that a layer is one `async fn` and the whole stack one future.
pub(super) trait Answer: Send + Sync + 'static {
    /// Answers; a failure is an answer too.
    fn answer(&self, call: Call) -> impl Future<Output = Reply> + Send;
}

/// Keeps `held` until the answer has left or is given up, not only until it begins.
pub(super) fn keep<T: Send + 'static>(reply: Reply, held: T) -> Reply {
    reply.map(|body| {
        Body::new(body.map_frame(move |frame| {
            let _held = &held;
            frame
        }))
    })
}

/// The innermost answer: the services themselves.
impl Answer for Routes {
    async fn answer(&self, call: Call) -> Reply {
        let Ok(reply) = self.clone().call(call).await;
        reply
    }
}

/// Lets tower's own layers stand around ours.
pub(super) struct Tower<A>(Arc<A>);

impl<A> Tower<A> {
    pub(super) fn new(next: A) -> Self {
        Self(Arc::new(next))
    }
}

impl<A> Clone for Tower<A> {
    fn clone(&self) -> Self {
        Self(Arc::clone(&self.0))
    }
}

impl<A: Answer> Service<Call> for Tower<A> {
    type Response = Reply;
    type Error = Infallible;
    type Future = BoxFuture<'static, Result<Reply, Infallible>>;

    fn poll_ready(&mut self, _: &mut Context<'_>) -> Poll<Result<(), Infallible>> {
        Poll::Ready(Ok(()))
    }

    fn call(&mut self, call: Call) -> Self::Future {
        let next = Arc::clone(&self.0);
        Box::pin(async move { Ok(next.answer(call).await) })
    }
}
