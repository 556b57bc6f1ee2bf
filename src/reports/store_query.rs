//! The SQL of figures, put together from the table of metrics: what callers wrote is bound, never part of the text.

use sqlx::{PgConnection, Postgres, QueryBuilder, Row as _, postgres::PgRow};

use super::{
    metrics::{Amount, By, Measure, Metric, Source, Terms, Which},
    query::{Cell, Group},
};
use crate::{
    ctx::Ctx,
    error::Result,
    filter::{Expr, Field, Scope},
    ids::Id,
    time::Time,
};

/// Of how many a figure is told.
const COUNT: &str = "count(*)";

/// What is asked of one source, by one instant.
#[derive(Clone, Copy, Debug)]
pub struct Ask<'a> {
    pub ctx: &'a Ctx,
    pub terms: &'a Terms,
    pub source: Source,
    pub by: By,
    pub dimensions: &'a [&'static Field],
    pub filter: Option<&'a Expr>,
    /// `None`: from the first on.
    pub start: Option<Time>,
    pub end: Time,
}

impl Source {
    fn table(self) -> &'static str {
        match self {
            Self::Tickets => "report_tickets",
            Self::Steps => "report_steps",
            Self::Clocks => "report_clocks",
        }
    }
}

impl Amount {
    fn sql(self, source: Source) -> &'static str {
        match self {
            Self::One if source == Source::Steps => "amount",
            Self::One => "1",
            Self::Events => "events",
            Self::UntilResponse => "extract(epoch from first_response_time - create_time)",
            Self::UntilResolution => "extract(epoch from resolve_time - create_time)",
            Self::Live => "live_micros / 1e6",
            Self::Customer => "customer_micros / 1e6",
            Self::Vendor => "vendor_micros / 1e6",
            Self::Hold => "hold_micros / 1e6",
            Self::OpenTime => "elapsed_seconds",
        }
    }
}

impl Which {
    fn push(self, query: &mut QueryBuilder<Postgres>, terms: &Terms) {
        let condition = match self {
            Self::All => "true",
            Self::FirstContact => {
                query.push("resolution_code = any(").push_bind(terms.first_contact.clone()).push(")");
                return;
            }
            Self::AtLowestLevel => {
                query.push("highest_level = ").push_bind(terms.lowest_level.clone());
                return;
            }
            Self::Escalated => "escalations > 0",
            Self::Returned => "returns > 0",
            Self::Reopened => "reopens > 0",
            Self::WaitedOnCustomer => "customer_waits > 0",
            Self::WithArticle => "article",
            Self::Backlog => "step = 'backlog'",
            Self::Escalation => "step = 'escalated'",
            Self::HandBack => "step = 'handed_back'",
            Self::Transfer => "step = 'transferred'",
            Self::Return => "step = 'returned'",
            Self::Reopening => "step = 'reopened'",
            Self::Work => "step = 'worked'",
            Self::Charge => "step = 'charged'",
            Self::Bill => "step = 'billed'",
            Self::Asked => "step = 'asked'",
            Self::Answered => "step = 'answered'",
            Self::Csat => "step = 'csat'",
            Self::Satisfied => "step = 'csat' and amount >= 4",
            Self::Nps => "step = 'nps'",
            Self::Ces => "step = 'ces'",
            Self::Kept => "kept",
            Self::Broken => "not kept",
            Self::FirstResponseClock => "clock = 'FIRST_RESPONSE' and elapsed_seconds is not null",
            Self::ResolutionClock => "clock = 'TOTAL_RESOLUTION' and elapsed_seconds is not null",
        };
        query.push(condition);
    }
}

impl Metric {
    /// Its value and of how many it is told, as two columns; of shares the value is the part.
    fn push(&self, query: &mut QueryBuilder<Postgres>, terms: &Terms) {
        let amount = |amount: Amount| amount.sql(self.source);
        let mut filtered = |what: String, which: Which| {
            let kind = if what == COUNT { "bigint" } else { "float8" };
            query.push(", (").push(what).push(" filter (where ");
            which.push(query, terms);
            query.push("))::").push(kind);
        };
        match self.measure {
            Measure::Sum(what, which) => {
                filtered(format!("sum({})", amount(what)), which);
                filtered(COUNT.to_owned(), which);
            }
            Measure::Mean(which) => {
                filtered(format!("avg({})", amount(Amount::One)), which);
                filtered(COUNT.to_owned(), which);
            }
            Measure::Level(which) => {
                filtered(format!("sum({})", amount(Amount::One)), which);
                filtered(COUNT.to_owned(), which);
            }
            Measure::Share { part, whole } => {
                filtered("sum(1)".to_owned(), part);
                filtered(COUNT.to_owned(), whole);
            }
            Measure::Ratio(part, whole) => {
                let (part, whole) = (amount(part), amount(whole));
                query.push(format_args!(", (sum({part}) / nullif(sum({whole}), 0))::float8, {COUNT}"));
            }
            Measure::Percentile(percent, what, which) => {
                let share = f64::from(percent) / 100.0;
                let what = amount(what);
                filtered(format!("percentile_cont({share}) within group (order by ({what})::float8)"), which);
                filtered(COUNT.to_owned(), which);
            }
        }
    }

    /// The kinds of steps that it is about, which are read alone, by the index. Of other sources: none.
    fn steps(&self) -> Vec<Which> {
        match self.measure {
            _ if self.source != Source::Steps => Vec::new(),
            Measure::Sum(_, which) | Measure::Level(which) | Measure::Mean(which) => vec![which],
            Measure::Share { part, whole } => vec![part, whole],
            Measure::Ratio(..) | Measure::Percentile(..) => Vec::new(),
        }
    }
}

impl Ask<'_> {
    /// Rows of the source that are in question; what was merged into another ticket is in no figure.
    fn push_where(&self, query: &mut QueryBuilder<Postgres>, only: &[Which]) {
        let column = self.by.column();
        query.push(format_args!(" from {} where tenant_id = ", self.source.table()));
        query.push_bind(self.ctx.tenant.as_str().to_owned());
        for (place, which) in only.iter().enumerate() {
            query.push(if place == 0 { " and (" } else { " or " });
            which.push(query, self.terms);
        }
        if !only.is_empty() {
            query.push(")");
        }
        query.push(format_args!(" and {column} < ")).push_bind(self.end);
        if let Some(start) = self.start {
            query.push(format_args!(" and {column} >= ")).push_bind(start);
        }
        // What there was to do, there was, also on those that were merged later; and work and its price are told where they count.
        let counts_all = matches!(only, [Which::Backlog | Which::Work | Which::Charge | Which::Bill]);
        match self.source {
            Source::Tickets => _ = query.push(" and state <> 'MERGED'"),
            Source::Steps if !counts_all => _ = query.push(" and not merged"),
            Source::Steps | Source::Clocks => {}
        }
        if let Some(filter) = self.filter {
            query.push(" and ");
            filter.push_sql(query, &Scope { now: *self.ctx.now, me: &self.ctx.actor.id });
        }
    }

    fn push_dimensions(&self, query: &mut QueryBuilder<Postgres>) {
        for field in self.dimensions {
            query.push(format_args!(", {}::text", field.column));
        }
    }
}

/// The cells of these metrics, which all are of the source and by the instant: by interval (those that begin at `starts`; 0: before
/// them) and by the values of the dimensions.
pub async fn cells(
    db: &mut PgConnection,
    ask: Ask<'_>,
    metrics: &[&'static Metric],
    starts: &[Time],
) -> Result<Vec<Group>> {
    let mut query = QueryBuilder::new(format!("select width_bucket({}, ", ask.by.column()));
    query.push_bind(starts.to_vec()).push(")");
    ask.push_dimensions(&mut query);
    for metric in metrics {
        metric.push(&mut query, ask.terms);
    }
    let only = if let [metric] = metrics { metric.steps() } else { Vec::new() };
    ask.push_where(&mut query, &only);
    let columns: Vec<String> = (1..=ask.dimensions.len() + 1).map(|place| place.to_string()).collect();
    query.push(format_args!(" group by {}", columns.join(", ")));
    let rows = query.build().fetch_all(db).await?;
    rows.iter().map(|row| group(row, ask.dimensions.len(), metrics)).collect()
}

fn group(row: &PgRow, dimensions: usize, metrics: &[&'static Metric]) -> Result<Group> {
    let interval: i32 = row.try_get(0)?;
    let values = (1..=dimensions).map(|place| row.try_get(place)).collect::<Result<_, _>>()?;
    let mut cells = Vec::with_capacity(metrics.len());
    for place in 0..metrics.len() {
        let at = 1 + dimensions + 2 * place;
        let value: Option<f64> = row.try_get(at)?;
        cells.push(Cell { value: value.unwrap_or_default(), count: row.try_get(at + 1)? });
    }
    Ok(Group { interval: interval as usize, values, cells })
}

/// The tickets behind a figure, in the order of their ids, behind one.
pub async fn tickets(
    db: &mut PgConnection,
    ask: Ask<'_>,
    metric: &'static Metric,
    whole: bool,
    after: Option<Id>,
    limit: i64,
) -> Result<Vec<Id>> {
    let which = match metric.measure {
        Measure::Share { part, .. } if !whole => part,
        Measure::Share { whole, .. } => whole,
        Measure::Sum(_, which)
        | Measure::Level(which)
        | Measure::Mean(which)
        | Measure::Percentile(_, _, which) => which,
        Measure::Ratio(..) => Which::All,
    };
    let mut query = QueryBuilder::new("select ticket_id");
    ask.push_where(&mut query, &[which]);
    if let Some(after) = after {
        query.push(" and ticket_id > ").push_bind(after);
    }
    query.push(" group by ticket_id");
    if matches!(metric.measure, Measure::Level(_)) {
        query.push(" having sum(amount) > 0");
    }
    query.push(" order by ticket_id limit ").push_bind(limit);
    Ok(query.build_query_scalar().fetch_all(db).await?)
}

/// When the first ticket was recorded.
pub async fn first(db: &mut PgConnection, ctx: &Ctx) -> Result<Option<Time>> {
    let first = sqlx::query_scalar!(
        r#"select min(create_time) as "first: Time" from report_tickets where tenant_id = $1"#,
        ctx.tenant.as_str()
    )
    .fetch_one(db)
    .await?;
    Ok(first)
}
