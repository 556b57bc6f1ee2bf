//! Calls: how long they take, how many there are, why they fail.

use std::{sync::Arc, time::Duration};

use opentelemetry::{
    KeyValue,
    metrics::{Counter, Histogram, Meter},
};

use super::{
    Inside, Level,
    instruments::{asked, counter, histogram},
    table as t,
};
use crate::error::{Reason, ReasonName as _};

/// Codes that count against the server, as the conventions for gRPC have it.
const BLAMED: [&str; 6] =
    ["UNKNOWN", "DEADLINE_EXCEEDED", "UNIMPLEMENTED", "INTERNAL", "UNAVAILABLE", "DATA_LOSS"];
/// The method of a call that there is not: strangers make names up.
const OTHER: &str = "_OTHER";

#[derive(Debug)]
pub struct Calls {
    duration: Histogram<f64>,
    failed: Counter<u64>,
    unary: Level,
    streams: Level,
}

impl Calls {
    pub(super) fn new(meter: &Meter) -> Self {
        let (unary, streams) = (Level::default(), Level::default());
        let (calls, long) = (unary.clone(), streams.clone());
        let kinds = ["unary", "stream"].map(|kind| [KeyValue::new("kind", kind)]);
        asked(meter, &t::CALLS_OPEN, move |gauge| {
            gauge.observe(calls.get(), &kinds[0]);
            gauge.observe(long.get(), &kinds[1]);
        });
        Self {
            duration: histogram(meter, &t::CALL_DURATION),
            failed: counter(meter, &t::CALLS_FAILED),
            unary,
            streams,
        }
    }

    /// A call begins; it is open until the answer is dropped.
    pub fn begin(&self, streaming: bool) -> Inside {
        if streaming { self.streams.enter() } else { self.unary.enter() }
    }

    /// A call is over. `method`: its full name, if there is such a method; `code`: as gRPC's documents write it.
    pub fn end(&self, method: Option<&Arc<str>>, code: &'static str, took: Duration) {
        let method = match method {
            Some(method) => KeyValue::new("rpc.method", Arc::clone(method)),
            None => KeyValue::new("rpc.method", OTHER),
        };
        let system = KeyValue::new("rpc.system.name", "grpc");
        let status = KeyValue::new("rpc.response.status_code", code);
        let took = took.as_secs_f64();
        if BLAMED.contains(&code) {
            let error = KeyValue::new("error.type", code);
            self.duration.record(took, &[system, method, status, error]);
        } else {
            self.duration.record(took, &[system, method, status]);
        }
    }

    /// A call failed for this reason; one that is not the contract's counts as `_OTHER`.
    pub fn failed(&self, reason: &str) {
        let known = Reason::from_str_name(&format!("ERROR_REASON_{reason}"));
        self.failed.add(1, &[KeyValue::new("reason", known.map_or(OTHER, |reason| reason.name()))]);
    }
}
