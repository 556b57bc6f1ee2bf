//! The document as a message: faults by their paths, defaults.

use ticketing_proto::v1 as pb;

use super::{told, with};
use crate::{
    configuration::{Document, Lifecycle, wire},
    error::Violations,
};

#[test]
fn faults_of_a_message_are_named_like_those_of_the_document() {
    let mut message = wire::message(&with("lifecycle", "{}"));
    message.levels[1].knowledge_duty = 99;
    message.queues.push(pb::Queue { key: String::new(), dispatch: 7, ..Default::default() });
    message.calendars = wire::message(&super::sample()).calendars;
    message.calendars[1].exceptions[0].hours.push(pb::DayHours::default());
    message.calendars[1].hours[0].days.push(9);
    message.lifecycle = Some(pb::Lifecycle {
        auto_close_duration: Some(prost_types::Duration { seconds: -1, nanos: 0 }),
        ..Default::default()
    });
    let mut faults = Violations::default();
    let document = wire::document(&message, &mut faults);
    assert_eq!(document.calendars[1].exceptions[0].hours.len(), 2);
    assert_eq!(
        told(faults),
        [
            "levels[key=\"L2\"].knowledge_duty: 99 is no known value",
            "queues[2].dispatch: 7 is no known value",
            "lifecycle.auto_close_duration: must not be negative",
            "calendars[key=\"office-hours\"].hours[0].days[4]: 9 is no known value",
        ]
    );
    assert_eq!(document.lifecycle, Lifecycle::default());
}

#[test]
fn what_a_message_leaves_out_has_its_default() {
    let mut faults = Violations::default();
    let document = wire::document(&pb::Configuration::default(), &mut faults);
    assert_eq!((document, told(faults)), (Document::default(), Vec::new()));
}
