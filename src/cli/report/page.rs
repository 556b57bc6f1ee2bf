//! The figures as one page: charts drawn here, nothing that is fetched and no script, so that it can be mailed and printed.

use anyhow::Context as _;
use charts_rs::{BarChart, ChartBase, HorizontalBarChart, LineChart, Series};
use jiff::tz::TimeZone;
use maud::{DOCTYPE, Markup, PreEscaped, html};
use ticketing_proto::v1::{self as pb, ReportInterval};

use super::{
    Reports,
    asked::Answer,
    figures::{self, Figures, Spread},
};
use crate::time::Time;

const WIDTH: f32 = 920.0;
const HALF: f32 = 450.0;
/// Intervals that are still told apart in a chart.
const MAX_INTERVALS: usize = 60;
/// In what a chart tells values.
const ONE: f64 = 1.0;
const HOUR: f64 = 3600.0;
const PERCENT: f64 = 0.01;
const STYLE: &str = include_str!("page.css");

/// What the charts and the table show interval by interval.
const SERIES: &[&str] = &[
    "created",
    "solved",
    "backlog",
    "escalations",
    "reopenings",
    "first_contact_rate",
    "push_to_front_rate",
    "sla_attainment",
    "csat_satisfied_rate",
    "first_response_p50",
    "resolution_p50",
    "resolution_p90",
];

/// The page.
pub async fn page(reports: &mut Reports) -> anyhow::Result<String> {
    let figures = figures::figures(reports).await?;
    let metrics = reports.metrics().await?;
    let (interval, series) = series(reports).await?;
    let zone = TimeZone::get(reports.time_zone())
        .context("a time zone that the server knows and this program does not")?;
    let starts: Vec<String> = (0..series.rows()).map(|row| start(&series, row, interval, &zone)).collect();
    let first = series.start(0).map(|time| day(time, &zone)).unwrap_or_default();
    let as_of = reports.as_of().map(|time| minute(time, &zone)).unwrap_or_default();
    let tenant = reports.parent().trim_start_matches("tenants/").to_owned();
    let markup = html! {
        (DOCTYPE)
        html lang="en" {
            head {
                meta charset="utf-8";
                meta name="viewport" content="width=device-width, initial-scale=1";
                // Nothing is fetched, not even a favourite icon.
                meta http-equiv="Content-Security-Policy" content="default-src 'none'; style-src 'unsafe-inline'; img-src data:";
                link rel="icon" href="data:,";
                title { "Support report: " (tenant) }
                style { (PreEscaped(STYLE)) }
            }
            body {
                header {
                    h1 { "Support report: " (tenant) }
                    p { "From " (first) ", as of " (as_of) " (" (reports.time_zone()) "). " (words(interval)) "." }
                }
                main {
                    (tiles(&figures, &series))
                    (charts(&figures, &series, &starts)?)
                    (table(&series, &starts, &metrics))
                    (definitions(&metrics))
                }
            }
        }
    };
    Ok(markup.into_string())
}

/// The figures by the shortest interval that leaves few enough of them, until the last in which anything happened.
async fn series(reports: &mut Reports) -> anyhow::Result<(ReportInterval, Answer)> {
    let mut series = reports.ask(SERIES, &[], ReportInterval::Month).await?;
    if let Some(end) = series.end_of_what_happened(&["created", "solved", "escalations", "reopenings"]) {
        reports.until(end);
        series = reports.ask(SERIES, &[], ReportInterval::Month).await?;
    }
    let mut chosen = ReportInterval::Month;
    // A month has at most so many of each.
    for (interval, most) in
        [(ReportInterval::Week, 6), (ReportInterval::Day, 31), (ReportInterval::Hour, 745)]
    {
        if series.rows() * most > 4 * MAX_INTERVALS {
            break;
        }
        let finer = reports.ask(SERIES, &[], interval).await?;
        if finer.rows() > MAX_INTERVALS {
            break;
        }
        (chosen, series) = (interval, finer);
    }
    Ok((chosen, series))
}

fn tiles(figures: &Figures, series: &Answer) -> Markup {
    let judged: u64 = figures.sla_attainment.values().map(|it| it.judged).sum();
    let kept: u64 = figures.sla_attainment.values().map(|it| it.kept).sum();
    let backlog = series.rows().checked_sub(1).map_or(0.0, |last| series.value("backlog", last));
    let promises = if judged == 0 { "–".to_owned() } else { percent(share(kept, judged)) };
    let tile = |value: String, label: &str, note: String| {
        html! { div class="tile" { strong { (value) } span { (label) } small { (note) } } }
    };
    let spread = |label: &str, spread: Spread| {
        let note = format!("nine of ten: {} · n = {}", duration(spread.p90), spread.count);
        tile(duration(spread.p50), label, note)
    };
    html! {
        section class="tiles" {
            (tile(figures.incidents.to_string(), "recorded", format!("{} solved", figures.solved)))
            (tile(format!("{backlog:.0}"), "live now", format!("{} escalations", figures.escalations)))
            (tile(percent(figures.first_contact_rate), "first-contact rate", part(figures.first_contact, figures.solved)))
            (tile(percent(figures.push_to_front_rate), "push to front", part(figures.push_to_front, figures.solved)))
            (spread("first response, median", figures.first_response_seconds))
            (spread("resolution, median", figures.resolution_seconds))
            (tile(promises, "promises kept", part(kept, judged)))
            (tile(percent(figures.reopen_rate), "reopened", format!("{} tickets", figures.reopened)))
            (tile(percent(figures.waiting_on_customer_share), "of their life waiting for the customer", part(figures.waited_on_customer, figures.incidents)))
            (tile(figures.returns.to_string(), "tickets came back to a team", format!("{} times, {} hand-backs", figures.return_count, figures.hand_backs)))
        }
    }
}

fn charts(figures: &Figures, series: &Answer, starts: &[String]) -> anyhow::Result<Markup> {
    let line = |name: &str, metric: &str, scale: f64| -> Series {
        // Where there is nothing to tell of, the line has a gap; a number of things is a value, and so is none of them.
        let told = |(value, count): (f64, i64)| (count > 0 || scale == ONE).then_some((value / scale) as f32);
        let data: Vec<Option<f32>> = (0..series.rows()).map(|row| told(series.cell(metric, row))).collect();
        let mut line: Series = (name, Vec::<f32>::new()).into();
        line.data = data;
        line
    };
    let flow = vec![line("recorded", "created", ONE), line("solved", "solved", ONE)];
    let backlog = vec![line("live at the end", "backlog", ONE)];
    let hours = vec![
        line("half solved within", "resolution_p50", HOUR),
        line("half answered within", "first_response_p50", HOUR),
    ];
    let rates = vec![
        line("first contact", "first_contact_rate", PERCENT),
        line("push to front", "push_to_front_rate", PERCENT),
        line("promises kept", "sla_attainment", PERCENT),
        line("satisfied", "csat_satisfied_rate", PERCENT),
    ];
    let levels: Vec<(&str, f64)> =
        figures.highest_level.iter().map(|(key, n)| (key.as_str(), *n as f64)).collect();
    let reasons: Vec<(&str, f64)> =
        figures.escalations_by_reason.iter().map(|(key, n)| (key.as_str(), *n as f64)).collect();
    let work: Vec<(&str, f64)> =
        figures.work_seconds.iter().map(|(key, seconds)| (key.as_str(), *seconds as f64 / 3600.0)).collect();
    let kept: Vec<(&str, f64)> =
        figures.sla_attainment.iter().map(|(key, kept)| (key.as_str(), 100.0 * kept.rate)).collect();
    Ok(html! {
        section class="charts" {
            (figure("Recorded and solved", "Tickets in each interval.", &bars(flow, starts)?))
            (figure("Backlog", "Tickets neither solved nor ended at the end of each interval.", &lines(backlog, starts, "")?))
            (figure("How long it took", "Hours from the recording; half of the tickets took at most this.", &lines(hours, starts, " h")?))
            (figure("Rates", "Percent of what was solved, of what was promised, and of the customers who said, in each interval.", &lines(rates, starts, " %")?))
            div class="pair" {
                (figure("Highest level", "Tickets by the highest level that had them.", &across(&levels)?))
                (figure("Escalations by reason", "How often.", &across(&reasons)?))
            }
            @if !work.is_empty() {
                (figure("Work", "Hours entered, by the level that had the ticket.", &across(&work)?))
            }
            @if !kept.is_empty() {
                (figure("Promises kept", "Percent, by agreement and clock.", &across(&kept)?))
            }
        }
    })
}

fn figure(title: &str, caption: &str, svg: &str) -> Markup {
    html! { figure { h2 { (title) } (PreEscaped(svg)) figcaption { (caption) } } }
}

/// What all charts have in common; a chart tells its values where the pointer is.
fn dress(chart: &mut ChartBase, width: f32, height: f32) {
    (chart.width, chart.height) = (width, height);
    "system-ui, sans-serif".clone_into(&mut chart.font_family);
    // The viewer's letters may be wider than those by which it is laid out.
    chart.margin.left += 12.0;
    chart.margin.right += 24.0;
    (chart.tooltip.show, chart.compact) = (true, true);
    chart.empty_text = Some("nothing in this time".to_owned());
}

fn bars(series: Vec<Series>, starts: &[String]) -> anyhow::Result<String> {
    let mut chart = BarChart::new(series, starts.to_vec());
    dress(&mut chart, WIDTH, 300.0);
    Ok(chart.svg()?)
}

fn lines(series: Vec<Series>, starts: &[String], unit: &str) -> anyhow::Result<String> {
    let mut chart = LineChart::new(series, starts.to_vec());
    dress(&mut chart, WIDTH, 300.0);
    for axis in &mut chart.y_axis_configs {
        axis.formatter = Some(format!("{{c}}{unit}"));
    }
    Ok(chart.svg()?)
}

/// Bars from left to right, each with its name.
fn across(values: &[(&str, f64)]) -> anyhow::Result<String> {
    let (names, numbers): (Vec<String>, Vec<f32>) =
        values.iter().rev().map(|(name, value)| ((*name).to_owned(), *value as f32)).unzip();
    let mut series: Series = ("", numbers).into();
    series.label_show = true;
    let mut chart = HorizontalBarChart::new(vec![series], names);
    dress(&mut chart, HALF, 80.0 + 34.0 * values.len() as f32);
    chart.legend.show = Some(false);
    Ok(chart.svg()?)
}

fn table(series: &Answer, starts: &[String], metrics: &[pb::Metric]) -> Markup {
    let metric = |key: &str| metrics.iter().find(|metric| metric.key == key);
    html! {
        section {
            h2 { "Interval by interval" }
            div class="scroll" {
                table {
                    thead {
                        tr { th { "From" } @for key in SERIES { th { (metric(key).map_or(*key, |it| it.display_name.as_str())) } } }
                    }
                    tbody {
                        @for (row, start) in starts.iter().enumerate() {
                            tr {
                                th scope="row" { (start) }
                                @for key in SERIES {
                                    td { (cell(series.cell(key, row), metric(key).map_or(pb::MetricUnit::Count, pb::Metric::unit))) }
                                }
                            }
                        }
                    }
                }
            }
        }
    }
}

/// A value as people read it; where there is none, nothing.
fn cell((value, count): (f64, i64), unit: pb::MetricUnit) -> String {
    match unit {
        pb::MetricUnit::Share | pb::MetricUnit::Seconds | pb::MetricUnit::Score if count == 0 => {
            "–".to_owned()
        }
        pb::MetricUnit::Score => format!("{value:.1}"),
        pb::MetricUnit::Share => percent(value),
        pb::MetricUnit::Seconds => duration(value),
        _ => format!("{value:.0}"),
    }
}

fn definitions(metrics: &[pb::Metric]) -> Markup {
    html! {
        section {
            h2 { "What the figures count" }
            dl {
                @for metric in metrics {
                    dt { (metric.display_name) " " code { (metric.key) } }
                    dd { (metric.definition) }
                }
            }
        }
    }
}

fn words(interval: ReportInterval) -> &'static str {
    match interval {
        ReportInterval::Hour => "By the hour",
        ReportInterval::Day => "By the day",
        ReportInterval::Week => "By the week, from Monday on",
        _ => "By the month",
    }
}

fn start(series: &Answer, row: usize, interval: ReportInterval, zone: &TimeZone) -> String {
    let format = match interval {
        ReportInterval::Hour => "%d %b %H:%M",
        ReportInterval::Month => "%b %Y",
        _ => "%d %b %y",
    };
    series.start(row).map(|time| time.to_zoned(zone.clone()).strftime(format).to_string()).unwrap_or_default()
}

fn day(time: Time, zone: &TimeZone) -> String {
    time.to_zoned(zone.clone()).strftime("%d %B %Y").to_string()
}

fn minute(time: Time, zone: &TimeZone) -> String {
    time.to_zoned(zone.clone()).strftime("%d %B %Y, %H:%M").to_string()
}

fn share(part: u64, whole: u64) -> f64 {
    if whole == 0 { 0.0 } else { part as f64 / whole as f64 }
}

fn part(part: u64, whole: u64) -> String {
    format!("{part} of {whole}")
}

fn percent(share: f64) -> String {
    format!("{:.1} %", 100.0 * share)
}

/// Seconds in the unit in which people would say them.
fn duration(seconds: f64) -> String {
    match seconds {
        ..60.0 => format!("{seconds:.0} s"),
        ..3600.0 => format!("{:.0} min", seconds / 60.0),
        ..172_800.0 => format!("{:.1} h", seconds / 3600.0),
        _ => format!("{:.1} d", seconds / 86_400.0),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn durations_are_told_as_people_say_them() {
        let told: Vec<String> =
            [0.0, 59.4, 60.0, 3599.0, 5400.0, 172_799.0, 864_000.0].map(duration).to_vec();
        assert_eq!(told, ["0 s", "59 s", "1 min", "60 min", "1.5 h", "48.0 h", "10.0 d"]);
    }

    #[test]
    fn what_others_named_stays_text() {
        let svg = across(&[("<script>alert(1)</script>\"&", 3.0)]).expect("a chart");
        assert!(!svg.contains("<script>") && svg.contains("&lt;script&gt;"), "{svg}");
        assert!(across(&[]).is_ok());
    }
}
