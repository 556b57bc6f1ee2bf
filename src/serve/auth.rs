//! Who calls: asked once per call, before any work is done for it.

use std::sync::Arc;

use http::HeaderMap;

use super::{
    layer::{Answer, Call, Reply},
    policy::{Access, MethodPolicy, policy},
    refuse,
};
use crate::{ctx::Actor, error::Error};

/// Tells callers apart and decides whether this one may call this method.
pub trait Authenticate: Send + Sync + 'static {
    /// The caller behind these headers, if it may call the method. Called for every method that is not open; must not
    /// block.
    fn authenticate(&self, headers: &HeaderMap, method: &MethodPolicy) -> Result<Actor, Error>;
}

/// Puts the caller as an `Actor` into the call's extensions.
pub(super) struct Authentication<A> {
    pub(super) authenticate: Arc<dyn Authenticate>,
    pub(super) next: A,
}

impl<A: Answer> Answer for Authentication<A> {
    async fn answer(&self, mut call: Call) -> Reply {
        let policy = policy(&call);
        if policy.access != Access::Open {
            match self.authenticate.authenticate(call.headers(), &policy) {
                Ok(actor) => call.extensions_mut().insert(actor),
                Err(error) => return refuse(error),
            };
        }
        self.next.answer(call).await
    }
}
