//! Reading outages, and what they did to the availability of a service.

use std::time::Duration;

use super::{
    availability::{Account, Share, account, counted_until},
    business_time::{find as find_calendar, known as in_known_years},
    outages::{Outage, Span},
    record_outage::missing,
    store_outages::{self as store, List},
};
use crate::{
    app::App,
    configuration::{Percent, no_such},
    ctx::Ctx,
    error::{Error, Result, Violations},
    ids::Id,
    seal::Page,
    time::Time,
};

/// Outages that an answer about availability lists at most.
const MAX_COUNTED: usize = 500;
const MAX_WINDOW: Duration = Duration::from_hours(3660 * 24);

pub async fn get(app: &App, ctx: &Ctx, id: Id, version: Option<i64>) -> Result<Outage> {
    let found = store::find(&mut *app.db.read(&ctx.tenant).await?, &ctx.tenant, id, version).await?;
    found.ok_or_else(|| missing(ctx, id))
}

/// Which outages a list is of.
#[derive(Clone, Debug)]
pub struct Selection {
    /// Empty: of all services.
    pub service: String,
    pub start: Option<Time>,
    pub end: Option<Time>,
    pub withdrawn: bool,
}

/// A page, the latest start first, and where the next one begins.
pub async fn list(
    app: &App,
    ctx: &Ctx,
    selection: &Selection,
    size: i32,
    token: &str,
) -> Result<(Vec<Outage>, String)> {
    let purpose = format!("{} ListOutages {selection:?}", ctx.tenant);
    let page = Page::<(Time, Id)>::parse(&app.sealer, &purpose, size, token)?;
    let wanted = List {
        service: &selection.service,
        start: selection.start,
        end: selection.end,
        withdrawn: selection.withdrawn,
        after: page.after,
        limit: page.limit(),
    };
    let outages = store::list(&mut *app.db.read(&ctx.tenant).await?, &ctx.tenant, wanted).await?;
    let bytes = |outage: &Outage| outage.note.len() + 64 * outage.tickets.len();
    page.finish_within(&app.sealer, &purpose, outages, |outage| (outage.start_time, outage.id), bytes)
}

/// What is asked about a service, as it came in; what is missing was a fault.
#[derive(Clone, Debug)]
pub struct Ask {
    pub service: String,
    pub start: Option<Time>,
    pub end: Option<Time>,
    /// Nothing: now.
    pub as_of: Option<Time>,
    pub count_planned: bool,
}

/// How a service did.
#[derive(Clone, Debug)]
pub struct Availability {
    pub account: Account,
    pub target: Percent,
    /// Those that counted, at most [`MAX_COUNTED`].
    pub outages: Vec<(Span, Share)>,
    pub truncated: bool,
    pub counted_until: Time,
    pub as_of: Time,
    pub time_zone: String,
    pub revision: i64,
}

pub async fn availability(app: &App, ctx: &Ctx, ask: &Ask, mut faults: Violations) -> Result<Availability> {
    let configuration = app.configurations.get(&ctx.tenant).await?;
    let service = configuration.service(&ask.service);
    if ask.service.is_empty() {
        faults.add("service", "is required");
    } else if service.is_none() {
        faults.add("service", no_such("services", &ask.service, &configuration.document.services));
    }
    check_window(ctx.now, ask, &mut faults);
    let calendar = service.and_then(|it| find_calendar(&configuration, &it.calendar, "service", &mut faults));
    faults.into_result()?;
    let (Some(service), Some((calendar, time_zone)), Some(start), Some(end)) =
        (service, calendar, ask.start, ask.end)
    else {
        return Err(Error::internal("what is missing was told as a fault"));
    };
    let as_of = ask.as_of.unwrap_or(ctx.now);
    let until = counted_until(end, as_of);
    let spans =
        store::spans(&mut *app.db.read(&ctx.tenant).await?, &ctx.tenant, &service.key, (start, until), as_of)
            .await?;
    let account = account(calendar.intervals(start, until), &spans, ask.count_planned);
    let shares = account.shares.iter().copied();
    let counts = |(_, share): &(Span, Share)| share.time + share.excluded > 0;
    let mut outages: Vec<_> = spans.into_iter().zip(shares).filter(counts).collect();
    let truncated = outages.len() > MAX_COUNTED;
    outages.truncate(MAX_COUNTED);
    Ok(Availability {
        account,
        target: service.availability_target_percent,
        outages,
        truncated,
        counted_until: until.max(start),
        as_of,
        time_zone,
        revision: configuration.revision,
    })
}

fn check_window(now: Time, ask: &Ask, faults: &mut Violations) {
    for (field, time) in [("start_time", ask.start), ("end_time", ask.end)] {
        if let Some(time) = time {
            in_known_years(time, field, faults);
        }
    }
    if let (Some(start), Some(end)) = (ask.start, ask.end) {
        if end <= start {
            faults.add("end_time", "must be after start_time");
        } else if end > start.after(MAX_WINDOW) {
            faults.add("end_time", "must be at most 3,660 days after start_time");
        }
    }
    if ask.as_of.is_some_and(|as_of| as_of > now) {
        faults.add("as_of_time", "must not be in the future");
    }
}
