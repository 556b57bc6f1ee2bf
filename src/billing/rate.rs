//! What work costs. Pure: the same work, the same contracts and the same prices lead to the same lines, however often and in
//! whichever order it was entered.
//!
//! Each worklog is cut where something changes: what was sold, what is open, what a unit costs, the day. Each piece is decided
//! as of its own time. What is chargeable is counted together by the tariff's aggregation; free time goes first, the
//! earliest first; then each rate is rounded up to units by itself, and the sum of units is kept within the tariff's bounds.

use std::collections::{BTreeMap, BTreeSet, HashMap};

use jiff::{Timestamp, ToSpan, tz::TimeZone};
use serde::{Deserialize, Serialize};

use crate::{
    configuration::{Aggregation, Configuration, Tariff},
    entitlements::{Decision, Entitlement, Outcome, Subject, Terms, Used, check},
    ids::Id,
    time::Time,
};

/// Work that was done, and counts. Times are whole seconds.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Work {
    pub id: Id,
    /// The ticket to which it counts.
    pub ticket: Id,
    pub agent: String,
    pub subject: Subject,
    pub start_time: Time,
    pub seconds: i64,
    pub billable: bool,
}

/// By what is rated.
#[derive(Clone, Copy, Debug)]
pub struct Book<'a> {
    pub configuration: &'a Configuration,
    /// All versions of what was sold, by organization.
    pub sold: &'a HashMap<String, Vec<Entitlement>>,
    /// How many incidents came before a ticket in its period, by ticket and entitlement.
    pub incidents: &'a HashMap<(Id, String), i64>,
}

/// What belongs together on a bill, and is never counted twice: of one ticket, one price.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct Key {
    pub organization: String,
    pub tariff: String,
    /// By the tariff's aggregation: a worklog, `ticket`, a day, or a day and an agent.
    pub group: String,
    pub rate: String,
}

/// Units of one price.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Line {
    pub key: Key,
    pub units: i64,
    /// Of chargeable work, after what is free.
    pub seconds: i64,
    /// In the smallest unit of the currency.
    pub amount: i64,
    pub price: i64,
    pub currency: String,
    /// When the first of it was done.
    pub work_time: Time,
    pub needs_consent: bool,
}

/// A part of a worklog for which one decision holds.
#[derive(Clone, Debug, PartialEq)]
pub struct Piece<'a> {
    pub work: &'a Work,
    /// Seconds since 1970.
    pub start: i64,
    pub seconds: i64,
    pub decision: Decision,
}

/// The lines of a ticket. `works` are all that draw on the same allowances; without a bound of time, the ticket's own do.
pub fn rate(book: Book<'_>, ticket: Id, works: &[Work]) -> Vec<Line> {
    let pieces = decided(book, works);
    let own = pieces.into_iter().filter(|piece| piece.work.ticket == ticket);
    let slices = own.filter(|it| it.decision.outcome == Outcome::Chargeable).flat_map(|it| slices(book, &it));
    let mut groups: BTreeMap<(String, String, String), Vec<Slice>> = BTreeMap::new();
    for slice in slices {
        let Key { organization, tariff, group, .. } = slice.key.clone();
        groups.entry((organization, tariff, group)).or_default().push(slice);
    }
    let lines = groups
        .into_iter()
        .filter_map(|((_, tariff, _), slices)| Some(count(book.configuration.tariff(&tariff)?, slices)));
    lines.flatten().collect()
}

/// Every billable piece with its decision, in the order in which the work was done: allowances of time go to the earliest.
pub fn decided<'a>(book: Book<'_>, works: &'a [Work]) -> Vec<Piece<'a>> {
    let mut cut: Vec<(i64, i64, &Work)> = Vec::new();
    for work in works.iter().filter(|work| work.billable) {
        let sold = book.sold.get(&work.subject.organization).map(Vec::as_slice).unwrap_or_default();
        let edges = edges(book.configuration, sold, work);
        cut.extend(apart(work, edges).map(|(start, seconds)| (start, seconds, work)));
    }
    cut.sort_by_key(|(start, _, work)| (*start, work.id));
    let mut gone: HashMap<(String, Time), i64> = HashMap::new();
    cut.into_iter().flat_map(|(start, seconds, work)| draw(book, work, start, seconds, &mut gone)).collect()
}

/// Seconds since 1970 at which something may change for a piece of work, within it.
fn edges(configuration: &Configuration, sold: &[Entitlement], work: &Work) -> BTreeSet<i64> {
    let (from, to) = (work.start_time, end(work));
    let mut edges = BTreeSet::new();
    for version in sold {
        edges.extend([version.start_time.as_second(), version.effective_time.as_second()]);
        edges.extend(version.end_time.map(|end| end.as_second()));
        let Some(terms) = Terms::find(configuration, version) else { continue };
        edges.extend(openings(configuration, terms.calendar, from, to));
        if terms.allowance.duration.is_some() {
            let mut at = from;
            // A piece of work reaches into few periods.
            while let (_, Some(next)) = check::period(configuration, version, terms.allowance.period, at)
                && next > at
                && next < to
            {
                edges.insert(next.as_second());
                at = next;
            }
        }
    }
    edges
}

fn openings(configuration: &Configuration, calendar: &str, from: Time, to: Time) -> Vec<i64> {
    let Some(calendar) = configuration.calendar(calendar) else { return Vec::new() };
    let both = |opening: crate::calendar::Opening| [opening.start.as_second(), opening.end.as_second()];
    calendar.intervals(from, to).flat_map(both).collect()
}

/// A span of work cut at these seconds: start and length of each part, which together are the whole.
fn apart(work: &Work, edges: BTreeSet<i64>) -> impl Iterator<Item = (i64, i64)> + use<> {
    let start = work.start_time.as_second();
    let end = start + work.seconds;
    let inner: Vec<i64> = edges.into_iter().filter(|edge| start < *edge && *edge < end).collect();
    let ends = inner.clone().into_iter().chain([end]);
    std::iter::once(start).chain(inner).zip(ends).map(|(from, to)| (from, to - from)).filter(|it| it.1 > 0)
}

/// Decides a part, and takes from the allowances of time what it draws; what they no longer cover is decided anew.
fn draw<'a>(
    book: Book<'_>,
    work: &'a Work,
    mut start: i64,
    mut seconds: i64,
    gone: &mut HashMap<(String, Time), i64>,
) -> Vec<Piece<'a>> {
    let sold = book.sold.get(&work.subject.organization).map(Vec::as_slice).unwrap_or_default();
    let mut used = Used::default();
    for key in sold.iter().map(|version| &version.key) {
        let before = book.incidents.get(&(work.ticket, key.clone())).copied().unwrap_or_default();
        used.incidents.insert(key.clone(), before);
    }
    let mut pieces = Vec::new();
    while seconds > 0 {
        let at = instant(start);
        let decision = check::check(book.configuration, sold, &work.subject, at, &used);
        let bounded = decision.remaining_seconds.zip(account(book.configuration, sold, &decision, at));
        let mut taken = seconds;
        if let Some((allowed, account)) = bounded {
            let gone = gone.entry(account).or_default();
            taken = seconds.min(allowed - *gone).max(0);
            *gone += taken;
            if taken < seconds {
                used.spent.insert(decision.entitlement.clone());
            }
        }
        if taken > 0 {
            pieces.push(Piece { work, start, seconds: taken, decision });
        }
        (start, seconds) = (start + taken, seconds - taken);
    }
    pieces
}

/// The allowance from which a decision draws: which entitlement's, in which period.
fn account(
    configuration: &Configuration,
    sold: &[Entitlement],
    decision: &Decision,
    at: Time,
) -> Option<(String, Time)> {
    let by = |it: &&Entitlement| it.key == decision.entitlement && it.version == decision.version;
    let entitlement = sold.iter().find(by)?;
    let terms = Terms::find(configuration, entitlement)?;
    let (from, _) = check::period(configuration, entitlement, terms.allowance.period, at);
    Some((decision.entitlement.clone(), from))
}

/// A part of chargeable work for which one price holds.
#[derive(Clone, Debug)]
struct Slice {
    key: Key,
    start: i64,
    seconds: i64,
    price: i64,
    work: Id,
}

fn slices(book: Book<'_>, piece: &Piece<'_>) -> Vec<Slice> {
    let configuration = book.configuration;
    let Some(tariff) = configuration.tariff(&piece.decision.tariff) else { return Vec::new() };
    let zone = configuration.document.entitlement.zone();
    let part = Work { start_time: instant(piece.start), seconds: piece.seconds, ..piece.work.clone() };
    let (from, to) = (part.start_time, end(&part));
    let rates = tariff.rates.iter();
    let mut edges: BTreeSet<i64> =
        rates.flat_map(|rate| openings(configuration, &rate.calendar, from, to)).collect();
    if matches!(tariff.aggregation, Aggregation::TicketDay | Aggregation::TicketAgentDay) {
        edges.extend(midnights(&zone, from, to));
    }
    let priced = apart(&part, edges).filter_map(|(start, seconds)| {
        let rate = check::rate_at(configuration, tariff, instant(start))?;
        let key = Key {
            organization: part.subject.organization.clone(),
            tariff: tariff.key.clone(),
            group: group(tariff, &part, start, &zone),
            rate: rate.key.clone(),
        };
        Some(Slice { key, start, seconds, price: rate.price, work: part.id })
    });
    priced.collect()
}

/// What is counted together with it.
fn group(tariff: &Tariff, work: &Work, start: i64, zone: &TimeZone) -> String {
    let day = || instant(start).to_zoned(zone.clone()).date().to_string();
    match tariff.aggregation {
        Aggregation::Unspecified | Aggregation::Entry => work.id.to_string(),
        Aggregation::Ticket => "ticket".to_owned(),
        Aggregation::TicketDay => day(),
        Aggregation::TicketAgentDay => format!("{} {}", day(), work.agent),
    }
}

fn midnights(zone: &TimeZone, from: Time, to: Time) -> Vec<i64> {
    let mut midnights = Vec::new();
    let mut day = from.to_zoned(zone.clone()).date();
    while let Ok(next) = day.checked_add(1.day()) {
        let Ok(midnight) = next.to_zoned(zone.clone()) else { break };
        if midnight.timestamp() >= *to {
            break;
        }
        midnights.push(midnight.timestamp().as_second());
        day = next;
    }
    midnights
}

/// The units of what is counted together.
fn count(tariff: &Tariff, mut slices: Vec<Slice>) -> Vec<Line> {
    slices.sort_by_key(|slice| (slice.start, slice.work));
    let mut free = tariff.free();
    let mut lines: Vec<Line> = Vec::new();
    for mut slice in slices {
        let spared = free.min(slice.seconds);
        (free, slice.seconds) = (free - spared, slice.seconds - spared);
        if slice.seconds == 0 {
            continue;
        }
        if let Some(line) = lines.iter_mut().find(|line| line.key == slice.key) {
            line.seconds += slice.seconds;
        } else {
            lines.push(Line {
                key: slice.key,
                units: 0,
                seconds: slice.seconds,
                amount: 0,
                price: slice.price,
                currency: tariff.currency_code.clone(),
                work_time: instant(slice.start + spared),
                needs_consent: tariff.consent,
            });
        }
    }
    for line in &mut lines {
        line.units = started(line.seconds, tariff.increment());
    }
    bound(tariff, &mut lines);
    for line in &mut lines {
        line.amount = line.units * line.price;
    }
    lines
}

/// How many units are begun: each that is counts whole, and nothing is nothing.
fn started(seconds: i64, increment: i64) -> i64 {
    (seconds + increment - 1) / increment
}

/// What is missing to the least is put on the first price, what is above the most comes off the last.
fn bound(tariff: &Tariff, lines: &mut [Line]) {
    let total: i64 = lines.iter().map(|line| line.units).sum();
    if let Some(first) = lines.first_mut() {
        first.units += (i64::from(tariff.minimum_units) - total).max(0);
    }
    if tariff.maximum_units > 0 {
        let mut left = i64::from(tariff.maximum_units);
        for line in lines {
            line.units = line.units.min(left);
            left -= line.units;
        }
    }
}

fn instant(second: i64) -> Time {
    Timestamp::from_second(second).map(Time::new).unwrap_or_default()
}

fn end(work: &Work) -> Time {
    instant(work.start_time.as_second() + work.seconds)
}
