//! What there is to tell of a clock on its way: warnings before it is due, the breach, and the steps of its ladder. Each is
//! told once, at its place in open time, so that pauses move what is left of them.

use std::time::Duration;

use serde::{Deserialize, Serialize};

use super::{
    evaluate::{Meter, Phase, Reading},
    model::{Clock, Terms},
};
use crate::{
    configuration::{Configuration, SlaThreshold},
    time::Time,
};

/// One of them, by its place in the policy's warnings, or in the steps of its ladder.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Point {
    Warning(usize),
    Breach,
    Step(usize),
}

/// A clock that runs is late from the second after its due instant; who comes in that second is in time.
const GRACE: Duration = Duration::from_secs(1);

/// What is left to tell of a running clock, each with its time, the earliest first.
pub fn ahead(clock: &Clock, configuration: &Configuration, reading: &Reading) -> Vec<(Time, Point)> {
    let Some(terms) = Terms::of(configuration, clock).filter(|_| reading.phase == Phase::Running) else {
        return Vec::new();
    };
    let meter = Meter {
        target: clock.target_seconds.unsigned_abs(),
        carried: 0,
        calendar: configuration.calendar(&clock.calendar),
        count_resolved: false,
    };
    let from = reading.last();
    let at = |threshold: &SlaThreshold| {
        meter.add(from.start, threshold.reached_at(meter.target).saturating_sub(from.before))
    };
    let late = reading.breach.is_some();
    let mut ahead: Vec<(Time, Point)> = Vec::new();
    if !late && !clock.breached_on_apply {
        let warnings = terms.clock.warnings.iter().enumerate();
        ahead.extend(warnings.filter_map(|(place, it)| Some((at(it)?, Point::Warning(place)))));
    }
    if !clock.breached_on_apply {
        ahead.extend(reading.due.map(|due| (due.after(GRACE), Point::Breach)));
    }
    let steps = configuration.ladder_steps(&terms.clock.ladder).into_iter().enumerate();
    ahead.extend(steps.filter_map(|(place, step)| Some((at(&step.at)?, Point::Step(place)))));
    ahead.retain(|(_, point)| !clock.told.contains(point));
    ahead.sort_unstable();
    ahead
}

/// Where in the course of a clock it lies, as it is told; empty where the policy knows nothing of it.
pub fn threshold(clock: &Clock, configuration: &Configuration, point: Point) -> String {
    let Some(terms) = Terms::of(configuration, clock) else { return String::new() };
    let at = match point {
        Point::Warning(place) => terms.clock.warnings.get(place).map(SlaThreshold::told),
        Point::Breach => Some("due".to_owned()),
        Point::Step(place) => {
            configuration.ladder_steps(&terms.clock.ladder).get(place).map(|step| step.at.told())
        }
    };
    at.unwrap_or_default()
}

/// When there is something to tell next.
pub fn next(clock: &Clock, configuration: &Configuration, reading: &Reading) -> Option<Time> {
    ahead(clock, configuration, reading).first().map(|(time, _)| *time)
}

/// What is to be told by now, in its order.
pub fn due(clock: &Clock, configuration: &Configuration, now: Time) -> Vec<Point> {
    let reading = clock.read(configuration, now);
    let ahead = ahead(clock, configuration, &reading);
    ahead.into_iter().take_while(|(time, _)| *time <= now).map(|(_, point)| point).collect()
}
