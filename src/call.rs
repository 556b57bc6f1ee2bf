//! One gRPC call, from the request's envelope to the answer's: who calls, for which tenant, under which request_id; and
//! errors as statuses. What the `rpc.rs` of every slice stands on.

use std::sync::Arc;

use futures_util::{StreamExt as _, stream::BoxStream};
use prost::Message;
use sha2::{Digest, Sha256};
use tonic::{Request, Response, Status};

use crate::{
    app::App,
    ctx::{Actor, Ctx, RequestKey},
    error::{Error, Result},
    ids::TenantId,
    serve::{Allowance, MethodPolicy},
};

/// The largest request, bytes; one that brings in history may be as large as [`MAX_BULK`].
pub const MAX_REQUEST: usize = 1024 * 1024;
pub const MAX_BULK: usize = 8 * MAX_REQUEST;

/// The id under which a call is found in the logs; the outermost layers put it into the request.
#[derive(Clone, Debug, Default)]
pub struct CallId(pub Arc<str>);

/// The envelope of a call.
#[derive(Debug)]
pub struct Call {
    pub app: Arc<App>,
    pub actor: Actor,
    method: &'static str,
    traceparent: String,
    allowance: Option<Allowance>,
    id: CallId,
    policy: Arc<MethodPolicy>,
}

impl Call {
    /// Opens the envelope.
    pub fn open<T>(app: &Arc<App>, method: &'static str, request: Request<T>) -> Result<(Self, T), Status> {
        let (metadata, mut extensions, body) = request.into_parts();
        let id = extensions.remove::<CallId>().unwrap_or_default();
        let allowance = extensions.remove();
        // Without the authentication layer nobody is somebody.
        let actor = extensions
            .remove::<Actor>()
            .ok_or_else(|| Error::Unauthenticated("no caller".to_owned()).into_status(&id.0))?;
        let policy = extensions
            .remove::<Arc<MethodPolicy>>()
            .ok_or_else(|| Error::internal("a method without a policy").into_status(&id.0))?;
        let traceparent =
            metadata.get("traceparent").and_then(|value| value.to_str().ok()).unwrap_or_default().to_owned();
        Ok((Self { app: Arc::clone(app), actor, method, traceparent, allowance, id, policy }, body))
    }

    /// The context of a read, if the tenant has room for the call.
    pub fn read(&self, tenant: TenantId) -> Result<Ctx> {
        self.actor.enter(&tenant)?;
        self.allowance.as_ref().map_or(Ok(()), |allowance| allowance.enter(&tenant))?;
        let now = self.app.clock.now();
        Ok(Ctx {
            tenant,
            actor: self.actor.clone(),
            now,
            recorded: now,
            request: None,
            traceparent: self.traceparent.clone(),
            action: self.policy.action(),
            call_id: Arc::clone(&self.id.0),
        })
    }

    /// The context of a write: `message` is what a repetition under the same request_id must equal.
    pub fn write(&self, tenant: TenantId, request_id: &str, message: &impl Message) -> Result<Ctx> {
        let ctx = self.read(tenant)?;
        if request_id.is_empty() {
            return Ok(ctx);
        }
        if request_id.chars().count() > 128 || request_id.contains('\0') {
            return Err(Error::field("request_id", "must be at most 128 characters without NUL"));
        }
        let fingerprint = Sha256::digest(message.encode_to_vec()).to_vec();
        Ok(Ctx {
            request: Some(RequestKey { method: self.method, request_id: request_id.to_owned(), fingerprint }),
            ..ctx
        })
    }

    /// Closes the envelope.
    pub fn answer<R>(&self, result: Result<R>) -> Result<Response<R>, Status> {
        result.map(Response::new).map_err(|error| error.into_status(&self.id.0))
    }

    /// Closes the envelope of a stream, whose errors are told as those of any answer.
    pub fn stream<P: 'static, R: 'static>(
        &self,
        parts: BoxStream<'static, Result<P>>,
        show: impl Fn(P) -> Result<R> + Send + 'static,
    ) -> BoxStream<'static, Result<R, Status>> {
        let id = self.id.clone();
        parts.map(move |part| part.and_then(&show).map_err(|error| error.into_status(&id.0))).boxed()
    }

    /// The id under which the call is found in the logs; a stream's later errors are told with it.
    pub fn id(&self) -> &CallId {
        &self.id
    }
}

/// Implements a generated service trait by functions of the same names that take `(&Call, Request)` and return `Result`.
macro_rules! service {
    ($trait:path, $name:literal: $($method:ident($request:ident) -> $response:ident),* $(,)? $(; $($rest:item)*)?) => {
        #[tonic::async_trait]
        impl $trait for Rpc {
            $(async fn $method(
                &self,
                request: tonic::Request<pb::$request>,
            ) -> Result<tonic::Response<pb::$response>, tonic::Status> {
                let (call, body) = $crate::call::Call::open(&self.0, concat!($name, "/", stringify!($method)), request)?;
                call.answer($method(&call, body).await)
            })*
            $($($rest)*)?
        }
    };
}
pub(crate) use service;

/// Repeats a write that a concurrent one got in the way of. A third clash is the caller's to repeat.
pub async fn retrying<T, F: Future<Output = Result<T>>>(mut attempt: impl FnMut() -> F) -> Result<T> {
    for _ in 0..2 {
        match attempt().await {
            Err(error) if error.is_conflict() => {}
            settled => return settled,
        }
    }
    attempt().await
}
