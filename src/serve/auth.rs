//! Who calls: asked once per call, before any work is done for it.

use std::sync::Arc;

use futures_util::future::BoxFuture;
use http::HeaderMap;

use super::{
    layer::{Answer, Call, Reply},
    policy::{Access, MethodPolicy, policy},
    refuse,
    tls::Peer,
};
use crate::{ctx::Actor, error::Error};

/// Tells callers apart and decides whether this one may call this method.
pub trait Authenticate: Send + Sync + 'static {
    /// The caller behind these headers and this client certificate, if it may call the method. Asked for every method that
    /// asks for a right.
    fn authenticate<'a>(
        &'a self,
        headers: &'a HeaderMap,
        peer: Option<&'a Peer>,
        method: &'a MethodPolicy,
    ) -> BoxFuture<'a, Result<Actor, Error>>;
}

/// Puts the caller as an `Actor` into the call's extensions.
pub(super) struct Authentication<A> {
    pub(super) authenticate: Arc<dyn Authenticate>,
    pub(super) next: A,
}

impl<A: Answer> Answer for Authentication<A> {
    async fn answer(&self, mut call: Call) -> Reply {
        let policy = policy(&call);
        match policy.access {
            Access::Open => return self.next.answer(call).await,
            Access::Anybody => {
                call.extensions_mut().insert(Actor::anybody());
                return self.next.answer(call).await;
            }
            Access::Granted { .. } => {}
        }
        // The body cannot be lent to others meanwhile.
        let (mut parts, body) = call.into_parts();
        let peer = parts.extensions.get::<Peer>();
        match self.authenticate.authenticate(&parts.headers, peer, &policy).await {
            Ok(actor) => parts.extensions.insert(actor),
            Err(error) => return refuse(error),
        };
        self.next.answer(Call::from_parts(parts, body)).await
    }
}
