//! Recording that a service was not there, and correcting it: each correction is a version of its own, none is overwritten.

use std::time::Duration;

use futures_util::future::join_all;

use super::{
    business_time::known as in_known_years,
    outages::{MAX_TICKETS, Outage},
    store_outages as store,
};
use crate::{
    app::App,
    audit::{self, Target},
    call::retrying,
    configuration::{Configuration, no_such},
    ctx::Ctx,
    error::{Error, Result, Violations},
    idempotency,
    ids::Id,
    tickets,
    time::Time,
};

/// What clocks of different machines may be apart: so far ahead is not the future.
const SKEW: Duration = Duration::from_mins(5);

/// What to record, as it came in.
#[derive(Clone, Debug)]
pub struct Record {
    /// Whether it names an outage to correct; else it is a new one.
    pub corrects: bool,
    /// The outage of that name; nothing, where the name was a fault.
    pub id: Option<Id>,
    /// The version that the caller saw.
    pub version: Option<i64>,
    pub service: String,
    pub start_time: Option<Time>,
    pub end_time: Option<Time>,
    pub severity_percent: i32,
    pub planned: bool,
    pub withdrawn: bool,
    pub note: String,
    /// In the order of the message; nothing, where a name was a fault.
    pub tickets: Vec<Option<Id>>,
    pub validate_only: bool,
}

/// What was recorded, and whether an earlier call with the same request_id did it.
#[derive(Clone, Debug)]
pub struct Recorded {
    pub outage: Outage,
    pub replayed: bool,
}

/// Every fault that the message itself cannot show. `latest` is what is known of the outage.
pub fn check(
    configuration: &Configuration,
    now: Time,
    latest: Option<&Outage>,
    record: &Record,
    faults: &mut Violations,
) {
    // A service may be gone from the configuration; what is recorded of it can still be put right.
    let stays = latest.is_some_and(|latest| latest.service == record.service);
    if record.service.is_empty() {
        faults.add("outage.service", "is required");
    } else if !stays && configuration.service(&record.service).is_none() {
        let services = &configuration.document.services;
        faults.add("outage.service", no_such("services", &record.service, services));
    }
    let is_future = |time: Time| time > now.after(SKEW) && !record.planned;
    if let Some(start) = record.start_time {
        in_known_years(start, "outage.start_time", faults);
        if is_future(start) {
            faults.add("outage.start_time", "must not be in the future, unless it is planned");
        }
    }
    if let Some(end) = record.end_time {
        in_known_years(end, "outage.end_time", faults);
        if record.start_time.is_some_and(|start| end <= start) {
            faults.add("outage.end_time", "must be after start_time");
        } else if is_future(end) {
            faults.add("outage.end_time", "must not be in the future; leave it out until it is over");
        }
    }
    if !(1..=100).contains(&record.severity_percent) {
        faults.add("outage.severity_percent", "must be 1 to 100");
    }
    match (record.corrects, record.version) {
        (true, None) if faults.is_empty() => {
            faults.add("outage.etag", "is required to correct an outage; send back the one that was read");
        }
        (false, Some(_)) => faults.add("outage.name", "is required with an etag: which one is corrected"),
        (false, None) if record.withdrawn => {
            faults.add("outage.withdrawn", "goes with a correction: name the one that was recorded in error");
        }
        _ => {}
    }
    if record.tickets.len() > MAX_TICKETS {
        faults.add("outage.tickets", format!("must be at most {MAX_TICKETS}"));
    }
}

/// The rule. What says nothing new changes nothing, not even the version. `id` is for a new outage.
pub fn decide(ctx: &Ctx, latest: Option<&Outage>, record: &Record, id: Id) -> Result<Outage> {
    let start_time = record.start_time.ok_or_else(|| Error::field("outage.start_time", "is required"))?;
    let next = Outage {
        tenant_id: ctx.tenant.clone(),
        id: latest.map_or(id, |latest| latest.id),
        version: latest.map_or(0, |latest| latest.version) + 1,
        service: record.service.clone(),
        start_time,
        end_time: record.end_time,
        severity_percent: record.severity_percent,
        planned: record.planned,
        withdrawn: record.withdrawn,
        note: record.note.clone(),
        tickets: record.tickets.iter().flatten().copied().collect(),
        author_kind: ctx.actor.kind,
        author_id: ctx.actor.id.clone(),
        create_time: latest.map_or(ctx.now, |latest| latest.create_time),
        record_time: ctx.now,
    };
    match latest {
        Some(latest) if record.version != Some(latest.version) => {
            Err(Error::Stale { kind: "outage", name: latest.name() })
        }
        Some(latest) if latest.says_the_same(&next) => Ok(latest.clone()),
        _ => Ok(next),
    }
}

pub async fn record_outage(app: &App, ctx: &Ctx, record: Record, faults: Violations) -> Result<Recorded> {
    let configuration = app.configurations.get(&ctx.tenant).await?;
    let named = record.tickets.iter().take(MAX_TICKETS).enumerate();
    let named: Vec<(usize, Id)> = named.filter_map(|(place, ticket)| Some((place, (*ticket)?))).collect();
    // At once, so that they share a statement.
    let found = join_all(named.iter().map(|(_, ticket)| tickets::get(app, ctx, *ticket))).await;
    let mut unknown = Vec::new();
    for ((place, _), found) in named.iter().zip(found) {
        match found {
            Ok(_) => {}
            Err(Error::NotFound { .. }) => unknown.push(*place),
            Err(other) => return Err(other),
        }
    }
    let known = Known { configuration: &configuration, unknown_tickets: &unknown, faults };
    let id = app.ids.next();
    retrying(|| attempt(app, ctx, &known, &record, id)).await
}

/// What was found out before the transaction.
struct Known<'a> {
    configuration: &'a Configuration,
    /// Places in the list of tickets.
    unknown_tickets: &'a [usize],
    /// What is wrong with the message itself.
    faults: Violations,
}

async fn attempt(app: &App, ctx: &Ctx, known: &Known<'_>, record: &Record, id: Id) -> Result<Recorded> {
    let mut tx = app.db.begin(&ctx.tenant).await?;
    if let Some((id, version)) = idempotency::recall::<(Id, i64)>(&mut tx, ctx).await? {
        let outage = store::find_in(&mut tx, id, Some(version)).await?;
        let outage = outage.ok_or_else(|| Error::internal("a receipt without its outage"))?;
        return Ok(Recorded { outage, replayed: true });
    }
    let latest = match record.id {
        Some(id) => Some(store::find_in(&mut tx, id, None).await?.ok_or_else(|| missing(ctx, id))?),
        None => None,
    };
    let mut faults = known.faults.clone();
    check(known.configuration, ctx.now, latest.as_ref(), record, &mut faults);
    for place in known.unknown_tickets {
        faults.add(format!("outage.tickets[{place}]"), "there is no such ticket");
    }
    faults.into_result()?;
    let outage = decide(ctx, latest.as_ref(), record, id)?;
    if !record.validate_only {
        if latest.as_ref() != Some(&outage) {
            store::insert(&mut tx, &outage).await?;
            let target = Target::Named(outage.name());
            audit::act_in(app, &mut tx, ctx, target, [latest.as_ref(), Some(&outage)]).await?;
        }
        idempotency::keep(&mut tx, ctx, &(outage.id, outage.version)).await?;
        tx.commit().await?;
    }
    Ok(Recorded { outage, replayed: false })
}

pub fn missing(ctx: &Ctx, id: Id) -> Error {
    Error::not_found("outage", format!("tenants/{}/outages/{id}", ctx.tenant))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{
        configuration::{Document, Service},
        ids::TenantId,
    };

    fn time(text: &str) -> Time {
        text.parse().expect("a time")
    }

    fn ctx() -> Ctx {
        Ctx::system(TenantId::parse("acme").expect("a tenant"), "test", time("2026-03-02T08:00:00Z"))
    }

    fn configuration() -> Configuration {
        let vpn = Service { key: "vpn".into(), ..Service::default() };
        Configuration::new(1, Document { services: vec![vpn], ..Document::default() })
    }

    fn id(number: u128) -> Id {
        Id(uuid::Uuid::from_u128(number))
    }

    fn record() -> Record {
        Record {
            corrects: false,
            id: None,
            version: None,
            service: "vpn".into(),
            start_time: Some(time("2026-03-02T07:00:00Z")),
            end_time: None,
            severity_percent: 100,
            planned: false,
            withdrawn: false,
            note: String::new(),
            tickets: Vec::new(),
            validate_only: false,
        }
    }

    fn fields(latest: Option<&Outage>, record: &Record) -> Vec<String> {
        let mut faults = Violations::default();
        check(&configuration(), ctx().now, latest, record, &mut faults);
        match faults.into_result() {
            Err(Error::Invalid(_, faults)) => faults.into_iter().map(|fault| fault.field).collect(),
            _ => Vec::new(),
        }
    }

    #[test]
    fn what_is_wrong_is_told_all_at_once() {
        assert_eq!(fields(None, &record()), Vec::<String>::new());
        let later = |text: &str| Some(time(text));
        let cases: Vec<(&str, Record, &[&str])> = vec![
            ("another service", Record { service: "vnp".into(), ..record() }, &["outage.service"]),
            ("no service", Record { service: String::new(), ..record() }, &["outage.service"]),
            (
                "an end before the start",
                Record { end_time: record().start_time, ..record() },
                &["outage.end_time"],
            ),
            (
                "what is to come",
                Record {
                    start_time: later("2026-03-02T08:05:01Z"),
                    end_time: later("2026-03-02T09:00:00Z"),
                    ..record()
                },
                &["outage.start_time", "outage.end_time"],
            ),
            ("a clock that is ahead", Record { start_time: later("2026-03-02T08:05:00Z"), ..record() }, &[]),
            (
                "what is planned",
                Record {
                    start_time: later("2026-04-01T00:00:00Z"),
                    end_time: later("2026-04-01T02:00:00Z"),
                    planned: true,
                    ..record()
                },
                &[],
            ),
            (
                "no severity, nothing to withdraw, before all calendars",
                Record {
                    severity_percent: 0,
                    withdrawn: true,
                    start_time: later("1969-12-31T00:00:00Z"),
                    ..record()
                },
                &["outage.start_time", "outage.severity_percent", "outage.withdrawn"],
            ),
            ("a correction without an etag", Record { corrects: true, ..record() }, &["outage.etag"]),
            ("an etag of no name", Record { version: Some(1), ..record() }, &["outage.name"]),
            (
                "too many tickets",
                Record { tickets: (0..51).map(|it| Some(id(it))).collect(), ..record() },
                &["outage.tickets"],
            ),
        ];
        for (what, record, expected) in cases {
            assert_eq!(fields(None, &record), expected, "{what}");
        }
    }

    #[test]
    fn a_correction_is_a_version_and_the_same_again_is_none() {
        let first = decide(&ctx(), None, &record(), id(7)).expect("recorded");
        assert_eq!((first.version, first.id), (1, id(7)));
        let corrects =
            Record { corrects: true, id: Some(id(7)), version: Some(1), severity_percent: 50, ..record() };
        let later = Ctx { now: time("2026-03-03T08:00:00Z"), ..ctx() };
        let second = decide(&later, Some(&first), &corrects, id(8)).expect("corrected");
        assert_eq!((second.version, second.id, second.severity_percent), (2, id(7), 50));
        assert_eq!((second.create_time, second.record_time), (first.create_time, later.now));
        let again = Record { version: Some(2), ..corrects.clone() };
        assert_eq!(decide(&ctx(), Some(&second), &again, id(9)).ok(), Some(second.clone()));
        for seen in [Some(1), Some(3), None] {
            let stale = Record { version: seen, ..corrects.clone() };
            assert!(matches!(decide(&later, Some(&second), &stale, id(9)), Err(Error::Stale { .. })));
        }
    }

    #[test]
    fn what_is_recorded_of_a_service_that_is_gone_can_be_put_right() {
        let of_erp = Record { service: "erp".into(), ..record() };
        let recorded = decide(&ctx(), None, &of_erp, id(7)).expect("recorded");
        let corrects =
            Record { corrects: true, id: Some(id(7)), version: Some(1), withdrawn: true, ..of_erp };
        assert_eq!(fields(Some(&recorded), &corrects), Vec::<String>::new());
        let moved = Record { service: "crm".into(), ..corrects };
        assert_eq!(fields(Some(&recorded), &moved), ["outage.service"]);
    }
}
