//! A panic ends one call, not a connection: it is answered as a fault of ours.

use std::{
    any::Any,
    panic::{AssertUnwindSafe, catch_unwind},
    pin::Pin,
    task::{Context, Poll},
};

use futures_util::FutureExt as _;
use hyper::body::{Body as HttpBody, Bytes, Frame, SizeHint};
use tonic::{Status, body::Body};

use super::{
    layer::{Answer, Call, Reply},
    observe::call_id,
    trailers,
};
use crate::{call::CallId, error::Error};

/// Answers for a call that panicked.
pub(super) struct Guard<A> {
    pub(super) next: A,
}

impl<A: Answer> Answer for Guard<A> {
    async fn answer(&self, call: Call) -> Reply {
        let id = call_id(&call);
        match AssertUnwindSafe(self.next.answer(call)).catch_unwind().await {
            Ok(reply) => reply.map(|body| Body::new(Guarded { body: Some(body), id })),
            Err(panic) => fault(&*panic, &id).into_http(),
        }
    }
}

fn fault(panic: &(dyn Any + Send), id: &CallId) -> Status {
    let text =
        panic.downcast_ref::<&str>().copied().or_else(|| panic.downcast_ref::<String>().map(String::as_str));
    Error::internal(format!("panic: {}", text.unwrap_or("of no text"))).into_status(&id.0)
}

/// A body that may panic; after that it is gone.
struct Guarded {
    body: Option<Body>,
    id: CallId,
}

impl HttpBody for Guarded {
    type Data = Bytes;
    type Error = Status;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, Status>>> {
        let Some(body) = &mut self.body else { return Poll::Ready(None) };
        match catch_unwind(AssertUnwindSafe(|| Pin::new(body).poll_frame(context))) {
            Ok(polled) => polled,
            Err(panic) => {
                self.body = None;
                Poll::Ready(Some(Ok(trailers(fault(&*panic, &self.id)))))
            }
        }
    }

    fn is_end_stream(&self) -> bool {
        self.body.as_ref().is_none_or(Body::is_end_stream)
    }

    fn size_hint(&self) -> SizeHint {
        self.body.as_ref().map_or_else(|| SizeHint::with_exact(0), Body::size_hint)
    }
}
