//! Tickets as messages and back. Every fault of a message is named at once, by its path.

mod caller;
mod found;
mod import;
mod parse;
mod show;
mod tie;
mod timeline;

pub use caller::{for_caller, shown};
pub use found::found;
pub use import::{histories, imported};
use jiff::Timestamp;
pub use parse::{MAX_BATCH, batch, create, some_tags, update};
pub use show::{action, actor_kind, revision, state, ticket, wire, written};
use ticketing_proto::v1 as pb;
pub use tie::{how, link, merged, other, relation, tie};
pub use timeline::entry;

pub use super::View;
use super::{HoldKind, MAX_NOTE, Receipt, Resolution, Target, Window};
use crate::{
    error::{Error, Result, Violations},
    ids::{Id, TenantId, child_of},
    time::Time,
};

/// The view that was asked for, or the method's default.
pub fn view(field: &str, view: i32, default: View) -> Result<View> {
    match pb::TicketView::try_from(view) {
        Ok(pb::TicketView::Unspecified) => Ok(default),
        Ok(pb::TicketView::Basic) => Ok(View::Basic),
        Ok(pb::TicketView::Full) => Ok(View::Full),
        Err(_) => Err(Error::field(field, "is no known view")),
    }
}

/// An enum value of a message as one of our codes: `PREFIX_CODE` without its prefix. Unspecified is `None`.
pub fn code<P: TryFrom<i32>, C>(
    faults: &mut Violations,
    field: &str,
    value: i32,
    name: fn(&P) -> &'static str,
    prefix: &str,
    parse: fn(&str) -> Option<C>,
) -> Option<C> {
    if value == 0 {
        return None;
    }
    let known = P::try_from(value).ok().and_then(|value| parse(name(&value).strip_prefix(prefix)?));
    if known.is_none() {
        faults.add(field, format!("{value} is no known value"));
    }
    known
}

/// Text within its limit, without characters that Postgres cannot keep.
pub fn text(faults: &mut Violations, field: &str, text: &str, max: usize) -> String {
    if text.chars().count() > max {
        faults.add(field, format!("must be at most {max} characters"));
    } else if text.contains('\0') {
        faults.add(field, "must not contain NUL");
    }
    text.to_owned()
}

/// A reference by name (`tenants/{tenant}/{collection}/{key}`) as the key; empty stays empty.
pub fn reference(
    faults: &mut Violations,
    field: &str,
    name: &str,
    tenant: &TenantId,
    collection: &str,
) -> String {
    if name.is_empty() {
        return String::new();
    }
    match child_of(field, name, collection) {
        Ok((found, key)) if found == *tenant => return key.to_owned(),
        Ok(_) => faults.add(field, "must be of the same tenant"),
        Err(_) => faults.add(field, format!("must be tenants/{{tenant}}/{collection}/{{key}}")),
    }
    String::new()
}

/// As [`reference`]; empty is a fault.
pub fn required_reference(
    faults: &mut Violations,
    field: &str,
    name: &str,
    tenant: &TenantId,
    collection: &str,
) -> String {
    if name.is_empty() {
        faults.add(field, "is required");
    }
    reference(faults, field, name, tenant, collection)
}

/// The first second of the year 1, where the wire's times begin. Postgres knows none before 4713 BC.
const FIRST_SECOND: i64 = -62_135_596_800;

/// An instant of a message; out of range is a fault.
pub fn time(faults: &mut Violations, field: &str, time: Option<&prost_types::Timestamp>) -> Option<Time> {
    let time = time?;
    let timestamp = (time.seconds >= FIRST_SECOND && time.nanos >= 0)
        .then(|| Timestamp::new(time.seconds, time.nanos).ok())
        .flatten();
    if timestamp.is_none() {
        faults.add(field, "is no valid time");
    }
    timestamp.map(Time::new)
}

/// The tickets that came in between two times; the filter is parsed by itself, since its faults are of another kind.
pub fn window(
    faults: &mut Violations,
    start: Option<&prost_types::Timestamp>,
    end: Option<&prost_types::Timestamp>,
) -> Window {
    let from = time(faults, "start_time", start);
    let until = time(faults, "end_time", end);
    if from.zip(until).is_some_and(|(from, until)| from >= until) {
        faults.add("end_time", "must be after start_time");
    }
    Window { from, until, ..Window::default() }
}

pub fn timestamp(time: Time) -> prost_types::Timestamp {
    prost_types::Timestamp { seconds: time.as_second(), nanos: time.subsec_nanosecond() }
}

/// The version that an etag stands for.
pub fn version(faults: &mut Violations, field: &str, etag: &str) -> Option<i64> {
    if etag.is_empty() {
        return None;
    }
    let version = etag.strip_prefix('"').and_then(|rest| rest.strip_suffix('"')).and_then(|v| v.parse().ok());
    if version.is_none() {
        faults.add(field, "is no etag of this service; send back the one that was read");
    }
    version
}

/// The write that a read must not miss; empty: any.
pub fn min_revision(faults: &mut Violations, revision: &str) -> Option<Receipt> {
    if revision.is_empty() {
        return None;
    }
    let parse = |(ticket, version): (&str, &str)| {
        Some(Receipt { ticket: ticket.parse().ok()?, version: version.parse().ok()? })
    };
    let parsed = revision.split_once('.').and_then(parse);
    if parsed.is_none() {
        faults.add("min_revision", "is no revision of this service; send back the one that a write returned");
    }
    parsed
}

/// Takes `tenants/{tenant}/tickets/{id}` apart; a number is for GetTicket alone.
pub fn ticket_name(field: &str, name: &str) -> Result<(TenantId, Id)> {
    let (tenant, id) = child_of(field, name, "tickets")?;
    let id = id.parse().map_err(|()| Error::not_found("ticket", name))?;
    Ok((tenant, id))
}

/// The fields that every verb on a ticket has.
pub fn target(
    faults: &mut Violations,
    id: Id,
    etag: &str,
    validate_only: bool,
    note: &str,
    reason: &str,
) -> Target {
    Target {
        id,
        version: version(faults, "etag", etag),
        validate_only,
        note: text(faults, "note", note, MAX_NOTE),
        reason: text(faults, "reason", reason, 64),
    }
}

pub fn hold_kind(faults: &mut Violations, field: &str, kind: i32) -> HoldKind {
    let name = |kind: &pb::HoldKind| kind.as_str_name();
    code(faults, field, kind, name, "HOLD_KIND_", HoldKind::parse).unwrap_or(HoldKind::Other)
}

/// Its article is the last part of the article's name.
pub fn resolution(
    faults: &mut Violations,
    field: &str,
    resolution: Option<&pb::Resolution>,
    tenant: &TenantId,
) -> Resolution {
    let Some(resolution) = resolution else {
        faults.add(field, "is required");
        return Resolution::default();
    };
    Resolution {
        code: text(faults, &format!("{field}.code"), &resolution.code, 64),
        summary: text(faults, &format!("{field}.summary"), &resolution.summary, MAX_NOTE),
        article: reference(faults, &format!("{field}.article"), &resolution.article, tenant, "articles"),
        no_article_reason: text(
            faults,
            &format!("{field}.no_article_reason"),
            &resolution.no_article_reason,
            1000,
        ),
    }
}
