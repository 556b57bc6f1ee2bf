//! What is asked about time, as messages and back. Every fault of a message is named at once, by its path.

use ticketing_proto::v1 as pb;

use super::business_time::{Ask, Counted, Until};
use crate::{
    calendar::{Opening, zone},
    error::Violations,
    tickets::wire::{time, timestamp},
    time::Time,
};

/// What ComputeBusinessTime asks for.
pub fn ask(faults: &mut Violations, request: &pb::ComputeBusinessTimeRequest) -> Ask {
    let end = request.end_time.as_ref();
    let until = match (end, &request.business_duration) {
        (Some(end), None) => time(faults, "end_time", Some(end)).map(Until::End),
        (None, Some(span)) => seconds(faults, "business_duration", span).map(Until::Open),
        (None, None) => {
            faults.add("end_time", "is required, or business_duration");
            None
        }
        (Some(_), Some(_)) => {
            faults.add("business_duration", "goes without end_time: one of them is the answer");
            None
        }
    };
    Ask {
        calendar: request.calendar.clone(),
        start: required_time(faults, "start_time", request.start_time.as_ref()),
        until,
    }
}

/// What ComputeBusinessTime answers.
pub fn counted(counted: Counted, configuration_revision: i64) -> pb::ComputeBusinessTimeResponse {
    pb::ComputeBusinessTimeResponse {
        end_time: Some(timestamp(counted.end)),
        business_duration: Some(duration(counted.open)),
        openings: counted.openings.iter().map(opening).collect(),
        truncated: counted.truncated,
        time_zone: counted.time_zone,
        time_zone_release: zone::release().to_owned(),
        configuration_revision,
    }
}

fn opening(opening: &Opening) -> pb::Opening {
    pb::Opening { start_time: Some(timestamp(opening.start)), end_time: Some(timestamp(opening.end)) }
}

fn duration(seconds: u64) -> prost_types::Duration {
    prost_types::Duration { seconds: i64::try_from(seconds).unwrap_or(i64::MAX), nanos: 0 }
}

/// A time that must be there.
fn required_time(
    faults: &mut Violations,
    field: &str,
    given: Option<&prost_types::Timestamp>,
) -> Option<Time> {
    if given.is_none() {
        faults.add(field, "is required");
    }
    time(faults, field, given)
}

/// Whole seconds of a message.
fn seconds(faults: &mut Violations, field: &str, span: &prost_types::Duration) -> Option<u64> {
    let seconds = u64::try_from(span.seconds).ok().filter(|_| span.nanos == 0);
    if seconds.is_none() {
        faults.add(field, "must be whole seconds, and not negative");
    }
    seconds
}
