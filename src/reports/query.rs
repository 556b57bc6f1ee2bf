//! Answers a question for figures: what is asked of which source, and how the answers become one table.

use std::collections::{BTreeSet, HashMap};

use jiff::tz::TimeZone;

use super::{
    intervals::{self, Length},
    metrics::{By, Measure, Metric, Source, Terms, Which},
    store,
    store_query::{self, Ask},
};
use crate::{
    app::App,
    ctx::Ctx,
    db::Tx,
    error::{Error, Result, Violations},
    events,
    filter::{self, Expr, Field},
    time::Time,
};

/// Metrics of one question at most.
pub const MAX_METRICS: usize = 30;
/// Dimensions of one question at most.
pub const MAX_DIMENSIONS: usize = 3;
/// Rows of an answer at most.
pub const MAX_ROWS: usize = 10_000;

/// A question.
#[derive(Debug)]
pub struct Query<'a> {
    pub metrics: Vec<&'static Metric>,
    pub dimensions: &'a [String],
    pub filter: &'a str,
    /// `None`: from the first ticket on.
    pub start: Option<Time>,
    pub end: Time,
    pub length: Length,
    pub zone: TimeZone,
}

/// What a figure is in one row.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct Cell {
    pub value: f64,
    /// Of how many it is told.
    pub count: i64,
}

/// What one statement answers for an interval and the values of the dimensions.
#[derive(Debug)]
pub struct Group {
    /// 1, 2, 3 …; 0: before the first.
    pub interval: usize,
    pub values: Vec<String>,
    pub cells: Vec<Cell>,
}

/// The answer: one row for each interval and each combination of values that there is.
#[derive(Debug)]
pub struct Table {
    pub starts: Vec<Time>,
    /// Of each dimension its values, row by row.
    pub dimensions: Vec<Vec<String>>,
    /// Of each metric its cells, row by row.
    pub columns: Vec<Vec<Cell>>,
    pub state: State,
}

/// How far the figures have come.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct State {
    /// `None`: nothing was counted yet.
    pub as_of: Option<Time>,
    pub rebuilding: bool,
    /// More is committed than is counted.
    pub waiting: bool,
}

/// Nothing was counted yet.
const NOTHING: State = State { as_of: None, rebuilding: true, waiting: true };

pub async fn state(tx: &mut Tx, now: Time) -> Result<State> {
    let Some(head) = store::head(tx).await? else { return Ok(NOTHING) };
    let current = events::is_all_in(tx, head.position).await?;
    let as_of = if current { now } else { head.record_time };
    Ok(State { as_of: Some(as_of), rebuilding: !head.is_whole(), waiting: !current })
}

/// The dimensions of a metric by these keys, and its filter.
pub fn divided(
    faults: &mut Violations,
    metric: &'static Metric,
    dimensions: &[String],
    filter: &str,
) -> Result<(Vec<&'static Field>, Option<Expr>)> {
    let mut fields = Vec::with_capacity(dimensions.len());
    for (place, key) in dimensions.iter().enumerate() {
        match metric.dimension(key) {
            Some(field) => fields.push(field),
            None => faults.add_with(format!("dimensions[{place}]"), || {
                let known: Vec<&str> = metric.dimensions().0.iter().map(|field| field.name).collect();
                format!("{} has no dimension {key:?}; it has {}", metric.key, known.join(", "))
            }),
        }
    }
    Ok((fields, filter::parse(filter, metric.dimensions())?))
}

/// Metrics that one statement answers: of one source, by one instant, and of steps of one kind alone.
type Batch = (Source, By, Option<Which>, bool);

fn batch(metric: &Metric) -> Batch {
    let (step, level) = match metric.measure {
        Measure::Level(which) => (Some(which), true),
        Measure::Sum(_, which) if metric.source == Source::Steps => (Some(which), false),
        _ => (None, false),
    };
    (metric.source, metric.by, step, level)
}

pub async fn query(app: &App, ctx: &Ctx, query: &Query<'_>) -> Result<Table> {
    let mut faults = Violations::default();
    let mut divisions = Vec::with_capacity(query.metrics.len());
    for metric in &query.metrics {
        divisions.push(divided(&mut faults, metric, query.dimensions, query.filter)?);
    }
    faults.into_result()?;
    let terms = Terms::of(&app.configurations.get(&ctx.tenant).await?.document);
    let mut tx = app.db.snapshot(&ctx.tenant).await?;
    let state = state(&mut tx, ctx.now).await?;
    let start = match query.start {
        Some(start) => start,
        None => store_query::first(&mut tx, ctx).await?.unwrap_or(query.end),
    };
    let starts = intervals::starts(query.length, &query.zone, start, query.end).ok_or_else(too_many)?;
    let mut answers: Vec<HashMap<(usize, Vec<String>), Cell>> = vec![HashMap::new(); query.metrics.len()];
    for (batch, places) in batches(&query.metrics) {
        let (dimensions, filter) = &divisions[places[0]];
        let (source, by, _, level) = batch;
        let start = (!level).then_some(start);
        let filter = filter.as_ref();
        let ask = Ask { ctx, terms: &terms, source, by, dimensions, filter, start, end: query.end };
        let metrics: Vec<&'static Metric> = places.iter().map(|place| query.metrics[*place]).collect();
        for group in store_query::cells(&mut tx, ask, &metrics, &starts).await? {
            for (place, cell) in places.iter().zip(group.cells) {
                answers[*place].insert((group.interval, group.values.clone()), cell);
            }
        }
    }
    table(&query.metrics, query.dimensions.len(), &starts, answers, state)
}

/// The places of the metrics that are asked for together.
fn batches(metrics: &[&'static Metric]) -> Vec<(Batch, Vec<usize>)> {
    let mut batches: Vec<(Batch, Vec<usize>)> = Vec::new();
    for (place, metric) in metrics.iter().enumerate() {
        let of = batch(metric);
        match batches.iter_mut().find(|(other, _)| *other == of) {
            Some((_, places)) => places.push(place),
            None => batches.push((of, vec![place])),
        }
    }
    batches
}

/// Lays the answers out: every interval has a row for every combination of values that any interval has.
fn table(
    metrics: &[&'static Metric],
    dimensions: usize,
    starts: &[Time],
    answers: Vec<HashMap<(usize, Vec<String>), Cell>>,
    state: State,
) -> Result<Table> {
    let mut combinations: BTreeSet<&Vec<String>> =
        answers.iter().flat_map(|answer| answer.keys().map(|(_, values)| values)).collect();
    let all = Vec::new();
    if dimensions == 0 {
        combinations.insert(&all);
    }
    if combinations.len() * starts.len() > MAX_ROWS {
        return Err(too_many());
    }
    let rows: Vec<(usize, &Vec<String>)> = (1..=starts.len())
        .flat_map(|interval| combinations.iter().map(move |values| (interval, *values)))
        .collect();
    let columns =
        metrics.iter().zip(&answers).map(|(metric, answer)| column(metric, answer, &rows)).collect();
    Ok(Table {
        starts: rows.iter().map(|(interval, _)| starts[interval - 1]).collect(),
        dimensions: (0..dimensions)
            .map(|place| rows.iter().map(|(_, values)| values[place].clone()).collect())
            .collect(),
        columns,
        state,
    })
}

fn column(
    metric: &Metric,
    answer: &HashMap<(usize, Vec<String>), Cell>,
    rows: &[(usize, &Vec<String>)],
) -> Vec<Cell> {
    let cell = |interval: usize, values: &Vec<String>| {
        answer.get(&(interval, values.clone())).copied().unwrap_or_default()
    };
    let mut levels: HashMap<&Vec<String>, f64> = HashMap::new();
    rows.iter()
        .map(|(interval, values)| {
            let here = cell(*interval, values);
            match metric.measure {
                Measure::Level(_) => {
                    // What was there before the first interval is in the interval before.
                    let level = levels.entry(values).or_insert_with(|| cell(0, values).value);
                    *level += here.value;
                    Cell { value: *level, count: *level as i64 }
                }
                Measure::Share { .. } if here.count > 0 => {
                    Cell { value: here.value / here.count as f64, ..here }
                }
                _ => here,
            }
        })
        .collect()
}

fn too_many() -> Error {
    Error::field(
        "interval",
        &format!(
            "the answer would have more than {MAX_ROWS} rows or {} intervals; ask for longer intervals, less time or fewer dimensions",
            intervals::MAX
        ),
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    fn metric(key: &str) -> &'static Metric {
        Metric::find(key).expect(key)
    }

    fn at(hour: i64) -> Time {
        Time::new(jiff::Timestamp::from_second(hour * 3600).expect("a time"))
    }

    type Answer = HashMap<(usize, Vec<String>), Cell>;

    fn answer(cells: &[(usize, &str, f64, i64)]) -> Answer {
        cells
            .iter()
            .map(|(interval, value, number, count)| {
                ((*interval, vec![(*value).to_owned()]), Cell { value: *number, count: *count })
            })
            .collect()
    }

    #[test]
    fn a_level_carries_on_and_a_share_is_of_its_whole() {
        let metrics = [metric("backlog"), metric("first_contact_rate"), metric("created")];
        let answers = vec![
            answer(&[(0, "L1", 5.0, 9), (1, "L1", -2.0, 4), (3, "L2", 1.0, 1)]),
            answer(&[(2, "L1", 3.0, 4)]),
            answer(&[(1, "L1", 7.0, 7)]),
        ];
        let starts = [at(1), at(2), at(3)];
        let table = table(&metrics, 1, &starts, answers, NOTHING).expect("few rows");
        assert_eq!(table.starts, [at(1), at(1), at(2), at(2), at(3), at(3)]);
        assert_eq!(table.dimensions, [["L1", "L2", "L1", "L2", "L1", "L2"]]);
        let values = |place: usize| table.columns[place].iter().map(|cell| cell.value).collect::<Vec<_>>();
        assert_eq!(values(0), [3.0, 0.0, 3.0, 0.0, 3.0, 1.0]);
        assert_eq!(values(1), [0.0, 0.0, 0.75, 0.0, 0.0, 0.0]);
        assert_eq!(values(2), [7.0, 0.0, 0.0, 0.0, 0.0, 0.0]);
    }

    #[test]
    fn without_dimensions_every_interval_has_a_row() {
        let empty =
            table(&[metric("created")], 0, &[at(1), at(2)], vec![HashMap::new()], NOTHING).expect("two");
        assert_eq!((empty.starts.len(), empty.columns[0].len()), (2, 2));
        let many: Vec<Time> = (0..2000).map(at).collect();
        let cells: Vec<(usize, String)> = (0..6).map(|n| (1, n.to_string())).collect();
        let cells: Vec<_> =
            cells.iter().map(|(interval, value)| (*interval, value.as_str(), 1.0, 1)).collect();
        assert!(table(&[metric("created")], 1, &many, vec![answer(&cells)], NOTHING).is_err());
    }

    #[test]
    fn what_can_be_asked_together_is_one_statement() {
        let asked =
            ["created", "solved", "first_contact_rate", "escalations", "hand_backs", "returned", "backlog"];
        let metrics: Vec<_> = asked.iter().map(|key| metric(key)).collect();
        let places: Vec<Vec<usize>> = batches(&metrics).into_iter().map(|(_, places)| places).collect();
        assert_eq!(places, [vec![0, 5], vec![1, 2], vec![3], vec![4], vec![6]]);
    }
}
