//! Calendars of the document: applied, told in plans, refused by path, in force at once.

use ticketing_proto::v1 as pb;

use super::{apply, document, fields, get, name, reason, service};
use crate::support::Desk;

#[tokio::test]
async fn a_calendar_is_part_of_the_document() {
    let desk = Desk::open().await;
    let mut admin = service(desk.admin());
    let mut wanted = document(&desk);
    let nights = pb::Calendar {
        key: "nights".into(),
        time_zone: "America/New_York".into(),
        hours: vec![pb::WeeklyHours {
            days: vec![pb::Weekday::Monday.into(), pb::Weekday::Sunday.into()],
            open: "22:00".into(),
            close: "06:00".into(),
        }],
        ..Default::default()
    };
    wanted.calendars.push(nights.clone());
    wanted.calendars[1].exceptions[0].hours[0].close = "13:00".into();
    wanted.teams[0].calendar = "nights".into();
    let plan = apply(&mut admin, wanted).await.expect("applied").plan.expect("a plan");
    let paths: Vec<_> = plan.changes.iter().map(|it| it.path.as_str()).collect();
    assert_eq!(
        paths,
        [
            "teams[key=\"desk-de\"].calendar",
            "calendars[key=\"office-hours\"].exceptions[date=\"2026-12-24\"].hours",
            "calendars[key=\"nights\"]",
        ]
    );
    let now = get(&mut admin, name(&desk), 0).await.expect("in force");
    assert_eq!(now.calendars.last(), Some(&nights));
    let configuration = desk.app.configurations.get(&desk.tenant).await.expect("in force");
    let hours = std::time::Duration::from_hours;
    let on: Vec<bool> = [0, 3, 19]
        .map(|later| configuration.on_shift("", "desk-de", desk.now().after(hours(later))))
        .to_vec();
    assert_eq!(on, [true, false, true], "03:00, 06:00 and 22:00 of a Monday in New York");
    desk.finish().await;
}

#[tokio::test]
async fn every_fault_of_a_calendar_is_told_by_its_path() {
    let desk = Desk::open().await;
    let mut admin = service(desk.admin());
    let mut wanted = document(&desk);
    wanted.calendars[0].time_zone = "Europe/Berln".into();
    wanted.calendars[0].hours[0].close = "00:00".into();
    let office = &mut wanted.calendars[1];
    office.hours[1].days.push(pb::Weekday::Monday.into());
    office.exceptions[1].date = "2026-12-24".into();
    office.exceptions[2].closed = false;
    wanted.teams[2].calendar = "office".into();
    let refused = apply(&mut admin, wanted).await.expect_err("faults");
    assert_eq!(reason(&refused), "CONFIGURATION_INVALID");
    assert_eq!(
        fields(&refused),
        [
            "teams[key=\"applications\"].calendar",
            "calendars[key=\"around-the-clock\"].time_zone",
            "calendars[key=\"around-the-clock\"].hours[0].close",
            "calendars[key=\"office-hours\"].hours[1]",
            "calendars[key=\"office-hours\"].exceptions[1].date",
            "calendars[key=\"office-hours\"].exceptions[date=\"2027-01-01\"].hours",
        ]
    );
    desk.finish().await;
}
