//! What events say about a clock: codes, times and numbers, which may leave the house.

use serde_json::json;

use super::{Clock, Point, points::threshold};
use crate::{configuration::Configuration, events::Event};

/// Says which clock an event is about, and what of it. `configuration`: the one that the clock is pinned to.
pub fn tell(event: &mut Event, configuration: &Configuration, clock: &Clock, point: Point) {
    let mut tell = |key: &str, value: serde_json::Value| event.details.insert(key.into(), value);
    tell("clock", clock.number.into());
    tell("point", json!(point));
    tell("threshold", threshold(clock, configuration, point).into());
    tell("clock_kind", clock.kind.name().into());
    tell("agreement", clock.agreement.name().into());
    tell("policy", clock.policy.as_str().into());
    if !clock.level.is_empty() {
        tell("level", clock.level.as_str().into());
    }
    let due = if point == Point::Breach { clock.breach_time.or(clock.due_time) } else { clock.due_time };
    if let Some(due) = due {
        tell(if point == Point::Breach { "breach_time" } else { "due_time" }, json!(due));
    }
    event.configuration_revision = clock.configuration_revision;
    event.rule.clone_from(&clock.policy);
}
