//! Whether everything that was due was told once, whatever happened in between: what was told against what the terms say
//! by plain arithmetic, and the rows that are kept against what the log makes of them.

use std::collections::{BTreeMap, HashMap};

use sqlx::{PgPool, Row};
use ticketing::{
    configuration::{Calendar, Configuration, Dispatch, Document, Ladder, SlaPolicy},
    events::Event,
    ids::Id,
    sla::{Book, Clock, Revisions},
    time::Time,
};

/// Four clocks in a calendar that is always open. `EXPECTED` says the same in SQL.
const POLICY: &str = r"
key: gold
calendar: always
clocks:
  - {clock: FIRST_RESPONSE, target_duration: 10h, warnings: [{percent: 50}], ladder: late}
  - {clock: FIRST_RESOLUTION, target_duration: 30d, warnings: [{percent: 50}]}
  - {clock: TOTAL_RESOLUTION, target_duration: 40d, warnings: [{percent: 50}]}
  - {clock: PERIODIC_UPDATE, target_duration: 20d, warnings: [{percent: 50}]}
";
const LADDER: &str = r"
key: late
steps:
  - {at: {percent: 150}, action: NOTIFY, audience: [TEAM]}
";
const CALENDAR: &str = r#"
key: always
time_zone: Europe/Berlin
hours:
  - {days: [MONDAY, TUESDAY, WEDNESDAY, THURSDAY, FRIDAY, SATURDAY, SUNDAY], open: "00:00", close: "24:00"}
"#;

/// The sample configuration with the terms of the storm; tickets wait in their queues.
pub fn document() -> anyhow::Result<Document> {
    let mut document: Document = serde_saphyr::from_str(include_str!("../../../../demo/configuration.yaml"))?;
    document.sla_policies = vec![serde_saphyr::from_str::<SlaPolicy>(POLICY)?];
    document.ladders = vec![serde_saphyr::from_str::<Ladder>(LADDER)?];
    document.calendars.push(serde_saphyr::from_str::<Calendar>(CALENDAR)?);
    document.queues.iter_mut().for_each(|queue| queue.dispatch = Dispatch::Pull);
    Ok(document)
}

/// What was told more or less often than once, where the terms say that it was due at `$1`; at most so many.
const TOLD: &str = r#"
    with clocks as (
        select ticket_id, number, kind, start_time as born, make_interval(secs => target_seconds) as target from sla_clocks
    ), expected as (
        select ticket_id, number, '"breach"'::jsonb as point from clocks where born + target + interval '1s' <= $1
        union all
        select ticket_id, number, '{"warning": 0}' from clocks where born + target / 2 <= $1 and born + target >= $1
        union all
        select ticket_id, number, '{"step": 0}' from clocks where kind = 'FIRST_RESPONSE' and born + target * 1.5 <= $1
    ), told as (
        select ticket_id, (details ->> 'clock')::int as number, details -> 'point' as point, count(*) as times,
               max(record_time) as last
        from events where type in ('sla.warned', 'sla.breached', 'ladder.climbed') group by 1, 2, 3
    )
    select case when times is null then 'lost: ' when e.point is null then 'too early: ' else 'doubled: ' end
           || coalesce(e.ticket_id, t.ticket_id) || ' ' || coalesce(e.number, t.number) || ' ' || coalesce(e.point, t.point)
    from expected e full join told t using (ticket_id, number, point) left join clocks c using (ticket_id, number)
    where (times is distinct from 1 or e.point is null)
      -- What is late by now may have been warned of in time.
      and not (e.point is null and times = 1 and t.point ? 'warning'
               and last >= born + target / 2 and last <= born + target + interval '1s')
    order by 1 limit 200"#;

/// Tickets whose version is not the number of their events.
const VERSIONS: &str = "
    select 'versions: ' || t.id || ' ' || t.version from tickets t
    left join (select ticket_id, count(*) as events, max(version) as last from events group by 1) e on e.ticket_id = t.id
    where t.version is distinct from e.events or t.version is distinct from e.last limit 20";

/// What is wrong, now that nothing is due at this time. The books of every `nth` ticket are made again.
pub async fn faults(
    pool: &PgPool,
    configuration: &Configuration,
    at: Time,
    nth: usize,
) -> anyhow::Result<Vec<String>> {
    let mut faults: Vec<String> = sqlx::query_scalar(TOLD).bind(at).fetch_all(pool).await?;
    faults.extend(sqlx::query_scalar::<_, String>(VERSIONS).fetch_all(pool).await?);
    let tickets: Vec<Id> = sqlx::query_scalar("select id from tickets order by id").fetch_all(pool).await?;
    let sample: Vec<Id> = tickets.into_iter().step_by(nth).collect();
    let revisions = Revisions::from([(configuration.revision, configuration)]);
    for chunk in sample.chunks(500) {
        faults.extend(strayed(pool, &revisions, chunk).await?);
    }
    Ok(faults)
}

/// The tickets whose kept clocks are not what their log makes.
async fn strayed(pool: &PgPool, revisions: &Revisions<'_>, tickets: &[Id]) -> anyhow::Result<Vec<String>> {
    let mut kept: HashMap<Id, Vec<Clock>> = HashMap::new();
    let clocks = "select * from sla_clocks where ticket_id = any($1) order by ticket_id, number";
    for clock in sqlx::query_as::<_, Clock>(clocks).bind(tickets).fetch_all(pool).await? {
        kept.entry(clock.ticket_id).or_default().push(clock);
    }
    let mut logs: BTreeMap<Id, Vec<Event>> = BTreeMap::new();
    let events = "select to_jsonb(e) from events e where ticket_id = any($1) order by ticket_id, version";
    for row in sqlx::query(events).bind(tickets).fetch_all(pool).await? {
        let event: Event = serde_json::from_value(row.get(0))?;
        logs.entry(event.ticket_id).or_default().push(event);
    }
    let strayed = logs.into_iter().filter(|(ticket, log)| {
        Book::recomputed(revisions, log).clocks != kept.remove(ticket).unwrap_or_default()
    });
    Ok(strayed.map(|(ticket, _)| format!("strayed: {}", ticket.0)).collect())
}
