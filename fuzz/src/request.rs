//! Every request of the contract, through the router, the decoder and our own reading of the message up to the first
//! question to the database. An input is two bytes that choose the method, one that chooses the caller, and the message.

use std::{
    collections::BTreeMap,
    sync::{Arc, LazyLock},
};

use http_body_util::{BodyExt, Full};
use prost::bytes::{BufMut, Bytes, BytesMut};
use prost_reflect::DescriptorPool;
use sha2::{Digest, Sha256};
use ticketing::{
    ctx::{Actor, ActorKind, Role},
    error::{Severity, dressed, severity},
};
use tonic::{Code, Status, body::Body, codegen::http};
use tower::{Service, ServiceExt};

use super::house::HOUSE;

/// Bytes in front of the message.
const HEAD: usize = 3;
/// What a status may take, so that it passes through every HTTP/2 stack on the way.
const MAX_DETAILS: usize = 8 * 1024;

static METHODS: LazyLock<BTreeMap<[u8; 2], String>> = LazyLock::new(methods);

/// The path of each method by the two bytes that choose it. They come from the path, so that no method that is added
/// changes what the kept inputs mean.
pub fn methods() -> BTreeMap<[u8; 2], String> {
    let pool = DescriptorPool::decode(ticketing_proto::DESCRIPTOR).expect("the contract reads");
    let mut methods = BTreeMap::new();
    for method in pool.services().flat_map(|service| service.methods().collect::<Vec<_>>()) {
        let path = format!("/{}/{}", method.parent_service().full_name(), method.name());
        let digest = Sha256::digest(&path);
        let before = methods.insert([digest[0], digest[1]], path);
        assert_eq!(before, None, "two methods are chosen by the same bytes");
    }
    methods
}

pub fn send(input: &[u8]) {
    let Some(([first, second, who], message)) = input.split_first_chunk::<HEAD>() else { return };
    // The next one behind the two bytes; behind the last comes the first.
    let found = METHODS.range([*first, *second]..).next().or_else(|| METHODS.first_key_value());
    let (_, path) = found.expect("the contract has methods");
    let status = answer(path, actor(*who), message);
    let status = dressed(&status, path, "fuzz").unwrap_or(status);
    assert!(severity(status.code()) != Severity::Fault, "{path}: {status:?}");
    assert!(status.details().len() < MAX_DETAILS, "{path}: {} bytes of details", status.details().len());
}

/// How the service answers; what it could not be asked without a database is UNAVAILABLE.
fn answer(path: &str, actor: Actor, message: &[u8]) -> Status {
    let house = &*HOUSE;
    let mut frame = BytesMut::with_capacity(5 + message.len());
    frame.put_u8(0);
    frame.put_u32(message.len() as u32);
    frame.put_slice(message);
    let request = http::Request::post(path)
        .header(http::header::CONTENT_TYPE, "application/grpc")
        .header(http::header::TE, "trailers")
        .extension(actor)
        .extension(Arc::clone(house.policies.get(path).expect("it is one of the contract")))
        .body(Body::new(Full::new(Bytes::from(frame))))
        .expect("a request");
    house.runtime.block_on(async {
        let mut routes = house.routes.clone();
        let Ok(ready) = ServiceExt::<http::Request<Body>>::ready(&mut routes).await;
        let Ok(response) = ready.call(request).await;
        if let Some(status) = Status::from_header_map(response.headers()) {
            return status;
        }
        let whole = response.into_body().collect().await.expect("an answer");
        let trailers = whole.trailers().expect("an answer ends with a status");
        Status::from_header_map(trailers).unwrap_or_else(|| Status::new(Code::Unknown, "no status"))
    })
}

/// A customer, or somebody who may do everything.
fn actor(who: u8) -> Actor {
    let (kind, id, roles) = match who % 2 {
        0 => (ActorKind::Agent, "anna", Role::ALL.to_vec()),
        _ => (ActorKind::Customer, "c1", vec![Role::Customer]),
    };
    Actor { kind, id: id.to_owned(), roles, tenants: Some(vec![HOUSE.tenant.clone()]) }
}
