//! Open time by the calendars of the configuration in force, as callers ask for it.

use ticketing::calendar::zone;
use ticketing_proto::v1::{self as pb, sla_service_client::SlaServiceClient};
use tonic_types::StatusExt as _;

use super::{at, keeper, seconds};
use crate::support::{Desk, fields, reason};

#[tokio::test]
async fn time_is_counted_by_the_calendar_in_force_and_back() {
    let desk = Desk::open().await;
    let mut sla = SlaServiceClient::new(desk.agent("anna"));
    // Christmas Eve is short, Christmas is off, and then comes a weekend.
    let between = pb::ComputeBusinessTimeRequest {
        parent: desk.parent(),
        calendar: "office-hours".into(),
        start_time: at("2026-12-24T10:00:00Z"),
        end_time: at("2026-12-28T08:00:00Z"),
        business_duration: None,
    };
    let counted = sla.compute_business_time(between.clone()).await.expect("counted").into_inner();
    assert_eq!((counted.business_duration, counted.end_time), (seconds(7200), between.end_time));
    assert_eq!(
        counted.openings,
        [
            pb::Opening { start_time: between.start_time, end_time: at("2026-12-24T11:00:00Z") },
            pb::Opening { start_time: at("2026-12-28T07:00:00Z"), end_time: between.end_time },
        ]
    );
    assert_eq!((counted.truncated, counted.time_zone.as_str()), (false, "Europe/Berlin"));
    assert_eq!((counted.time_zone_release.as_str(), counted.configuration_revision), (zone::release(), 1));
    let after = pb::ComputeBusinessTimeRequest {
        end_time: None,
        business_duration: counted.business_duration,
        ..between
    };
    assert_eq!(sla.compute_business_time(after).await.expect("counted").into_inner(), counted);

    let night = pb::ComputeBusinessTimeRequest {
        parent: desk.parent(),
        calendar: "around-the-clock".into(),
        start_time: at("2026-10-24T22:00:00Z"),
        end_time: at("2026-10-25T23:00:00Z"),
        business_duration: None,
    };
    let counted = sla.compute_business_time(night).await.expect("counted").into_inner();
    assert_eq!(counted.business_duration, seconds(25 * 3600), "a Sunday of 25 hours");
    desk.finish().await;
}

#[tokio::test]
async fn what_cannot_be_counted_is_told_field_by_field() {
    let desk = Desk::open().await;
    let mut sla = SlaServiceClient::new(desk.agent("anna"));
    let good = pb::ComputeBusinessTimeRequest {
        parent: desk.parent(),
        calendar: String::new(),
        start_time: at("2026-03-02T08:00:00Z"),
        end_time: None,
        business_duration: seconds(1),
    };
    let absurd = Some(prost_types::Timestamp { seconds: i64::MIN, nanos: 0 });
    let cases: Vec<(pb::ComputeBusinessTimeRequest, &[&str])> = vec![
        (pb::ComputeBusinessTimeRequest { start_time: None, ..good.clone() }, &["start_time"]),
        (pb::ComputeBusinessTimeRequest { business_duration: None, ..good.clone() }, &["end_time"]),
        (
            pb::ComputeBusinessTimeRequest { end_time: good.start_time, ..good.clone() },
            &["business_duration"],
        ),
        (
            pb::ComputeBusinessTimeRequest {
                start_time: absurd,
                business_duration: seconds(-1),
                calendar: "office".into(),
                ..good.clone()
            },
            &["business_duration", "start_time", "calendar"],
        ),
        (
            pb::ComputeBusinessTimeRequest { business_duration: seconds(i64::MAX), ..good.clone() },
            &["business_duration"],
        ),
        (
            pb::ComputeBusinessTimeRequest {
                end_time: at("2026-03-02T07:59:59Z"),
                business_duration: None,
                ..good.clone()
            },
            &["end_time"],
        ),
        (pb::ComputeBusinessTimeRequest { parent: "acme".into(), ..good.clone() }, &["parent"]),
    ];
    for (request, expected) in cases {
        let refused = sla.compute_business_time(request.clone()).await;
        assert_eq!(reason(&refused), "InvalidArgument FIELD_INVALID", "{request:?}");
        assert_eq!(fields(&refused), expected, "{request:?}");
    }
    let near = pb::ComputeBusinessTimeRequest { calendar: "office-hour".into(), ..good.clone() };
    let refused = sla.compute_business_time(near).await.expect_err("no such calendar");
    let told = refused.get_error_details().bad_request().expect("a field").field_violations[0].clone();
    assert_eq!(told.description, "there is no \"office-hour\" in calendars; did you mean \"office-hours\"?");

    let mut customer = SlaServiceClient::new(desk.customer("peter"));
    let refused = customer.compute_business_time(good.clone()).await;
    assert_eq!(reason(&refused), "PermissionDenied PERMISSION_MISSING");
    assert!(keeper(&desk).compute_business_time(good).await.is_ok());
    desk.finish().await;
}
