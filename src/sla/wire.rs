//! What is asked about time, as messages and back. Every fault of a message is named at once, by its path.

pub mod clocks;

use ticketing_proto::v1 as pb;

use super::{
    availability::Share,
    business_time::{Ask, Counted, Until},
    outages::{MAX_NOTE, Outage, Span},
    read_outages::{self, Availability, Selection},
    record_outage::Record,
};
use crate::{
    calendar::{Opening, zone},
    configuration::{Agreement, ClockKind},
    error::{Result, Violations},
    ids::{Id, TenantId, child_of},
    tickets::wire::{actor_kind, text, time, timestamp, version, wire},
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

pub fn agreement(agreement: Agreement) -> i32 {
    wire("AGREEMENT_", agreement.name(), pb::Agreement::from_str_name)
}

pub fn clock_kind(kind: ClockKind) -> i32 {
    wire("CLOCK_KIND_", kind.name(), pb::ClockKind::from_str_name)
}

pub fn duration(seconds: u64) -> prost_types::Duration {
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

/// What RecordOutage asks for.
pub fn record(faults: &mut Violations, tenant: &TenantId, request: &pb::RecordOutageRequest) -> Record {
    let empty = pb::Outage::default();
    let given = request.outage.as_ref().unwrap_or(&empty);
    let id = (!given.name.is_empty()).then(|| own(faults, "outage.name", &given.name, tenant, "outages"));
    let ticket = |(place, name): (usize, &String)| {
        own(faults, &format!("outage.tickets[{place}]"), name, tenant, "tickets")
    };
    let tickets = given.tickets.iter().enumerate().map(ticket).collect();
    Record {
        corrects: !given.name.is_empty(),
        id: id.flatten(),
        version: version(faults, "outage.etag", &given.etag),
        service: given.service.clone(),
        start_time: required_time(faults, "outage.start_time", given.start_time.as_ref()),
        end_time: time(faults, "outage.end_time", given.end_time.as_ref()),
        severity_percent: if given.severity_percent == 0 { 100 } else { given.severity_percent },
        planned: given.planned,
        withdrawn: given.withdrawn,
        note: text(faults, "outage.note", &given.note, MAX_NOTE),
        tickets,
        validate_only: request.validate_only,
    }
}

/// The id in a name of this tenant.
fn own(faults: &mut Violations, field: &str, name: &str, tenant: &TenantId, collection: &str) -> Option<Id> {
    let found = child_of(field, name, collection).ok().filter(|(found, _)| found == tenant);
    let id = found.and_then(|(_, id)| id.parse().ok());
    if id.is_none() {
        faults.add(field, format!("must be tenants/{tenant}/{collection}/{{id}}"));
    }
    id
}

/// The tenant and the id in the name of an outage.
pub fn outage_name(name: &str) -> Result<(TenantId, Option<Id>)> {
    let (tenant, id) = child_of("name", name, "outages")?;
    Ok((tenant, id.parse().ok()))
}

pub fn outage(outage: &Outage) -> pb::Outage {
    let author = pb::Actor { kind: actor_kind(outage.author_kind), id: outage.author_id.clone() };
    let ticket = |id: &Id| format!("tenants/{}/tickets/{id}", outage.tenant_id);
    pb::Outage {
        name: outage.name(),
        etag: format!("\"{}\"", outage.version),
        version: outage.version,
        service: outage.service.clone(),
        start_time: Some(timestamp(outage.start_time)),
        end_time: outage.end_time.map(timestamp),
        severity_percent: outage.severity_percent,
        planned: outage.planned,
        withdrawn: outage.withdrawn,
        note: outage.note.clone(),
        tickets: outage.tickets.iter().map(ticket).collect(),
        author: Some(author),
        create_time: Some(timestamp(outage.create_time)),
        record_time: Some(timestamp(outage.record_time)),
    }
}

/// What ListOutages asks for.
pub fn selection(faults: &mut Violations, request: &pb::ListOutagesRequest) -> Selection {
    Selection {
        service: text(faults, "service", &request.service, 64),
        start: time(faults, "start_time", request.start_time.as_ref()),
        end: time(faults, "end_time", request.end_time.as_ref()),
        withdrawn: request.show_withdrawn,
    }
}

/// What GetAvailability asks for.
pub fn ask_availability(faults: &mut Violations, request: &pb::GetAvailabilityRequest) -> read_outages::Ask {
    read_outages::Ask {
        service: request.service.clone(),
        start: required_time(faults, "start_time", request.start_time.as_ref()),
        end: required_time(faults, "end_time", request.end_time.as_ref()),
        as_of: time(faults, "as_of_time", request.as_of_time.as_ref()),
        count_planned: request.count_planned,
    }
}

/// What GetAvailability answers.
pub fn availability(tenant: &TenantId, found: &Availability) -> pb::GetAvailabilityResponse {
    pb::GetAvailabilityResponse {
        agreed_duration: Some(micros(found.account.agreed)),
        down_duration: Some(weighted(found.account.down)),
        availability: found.account.availability(),
        availability_target_percent: found.target.into(),
        target_met: found.account.meets(found.target),
        outages: found.outages.iter().map(|(span, share)| counted_outage(tenant, span, *share)).collect(),
        truncated: found.truncated,
        counted_until_time: Some(timestamp(found.counted_until)),
        as_of_time: Some(timestamp(found.as_of)),
        time_zone: found.time_zone.clone(),
        time_zone_release: zone::release().to_owned(),
        configuration_revision: found.revision,
    }
}

fn counted_outage(tenant: &TenantId, span: &Span, share: Share) -> pb::CountedOutage {
    pb::CountedOutage {
        outage: format!("tenants/{tenant}/outages/{}", span.id),
        version: span.version,
        start_time: Some(timestamp(span.start_time)),
        end_time: span.end_time.map(timestamp),
        severity_percent: span.severity_percent,
        planned: span.planned,
        duration: Some(micros(share.time)),
        down_duration: Some(weighted(share.down)),
        excluded_duration: Some(micros(share.excluded)),
    }
}

fn micros(micros: u64) -> prost_types::Duration {
    weighted(micros * 100)
}

/// A time in hundredths of microseconds, which are tens of nanoseconds.
fn weighted(hundredths: u64) -> prost_types::Duration {
    const SECOND: u64 = 100_000_000;
    let nanos = (hundredths % SECOND * 10) as i32;
    prost_types::Duration { nanos, ..duration(hundredths / SECOND) }
}
