//! Outages are recorded, corrected and counted.

use std::time::Duration;

use ticketing::ctx::{ActorKind, Role};
use ticketing_proto::v1::{
    self as pb, sla_service_client::SlaServiceClient, ticket_service_client::TicketServiceClient,
};

use super::{at, keeper, seconds};
use crate::support::{Client, Desk, fields, reason};

/// Of the service with office hours.
fn outage(start: &str, end: Option<&str>) -> pb::Outage {
    pb::Outage {
        service: "erp".into(),
        start_time: at(start),
        end_time: end.and_then(at),
        ..Default::default()
    }
}

fn request(desk: &Desk, outage: pb::Outage) -> pb::RecordOutageRequest {
    pb::RecordOutageRequest { parent: desk.parent(), outage: Some(outage), ..Default::default() }
}

async fn record(desk: &Desk, outage: pb::Outage) -> pb::Outage {
    let recorded = keeper(desk).record_outage(request(desk, outage)).await.expect("recorded");
    recorded.into_inner().outage.expect("an outage")
}

/// The week of the desk's first day, as it was.
fn week(desk: &Desk) -> pb::GetAvailabilityRequest {
    pb::GetAvailabilityRequest {
        parent: desk.parent(),
        service: "erp".into(),
        start_time: at("2026-03-02T00:00:00Z"),
        end_time: at("2026-03-09T00:00:00Z"),
        ..Default::default()
    }
}

async fn availability(desk: &Desk, request: pb::GetAvailabilityRequest) -> pb::GetAvailabilityResponse {
    let mut sla = SlaServiceClient::new(desk.agent("anna"));
    sla.get_availability(request).await.expect("counted").into_inner()
}

fn days(days: u64) -> Duration {
    Duration::from_hours(24 * days)
}

#[tokio::test]
async fn the_example_of_the_guide_is_what_the_service_says() {
    let desk = Desk::open().await;
    desk.advance(days(7));
    let planned =
        pb::Outage { planned: true, ..outage("2026-03-06T12:00:00Z", Some("2026-03-06T14:00:00Z")) };
    let half =
        pb::Outage { severity_percent: 50, ..outage("2026-03-03T09:30:00Z", Some("2026-03-03T11:30:00Z")) };
    let recorded = [
        record(&desk, planned).await,
        record(&desk, outage("2026-03-03T09:00:00Z", Some("2026-03-03T10:00:00Z"))).await,
        record(&desk, half).await,
        record(&desk, outage("2026-03-05T15:00:00Z", Some("2026-03-05T19:00:00Z"))).await,
    ];
    let told = availability(&desk, week(&desk)).await;
    let guide = include_str!("../../../docs/availability.md");
    let whole = |duration: &Option<prost_types::Duration>| duration.expect("a duration").seconds;
    for row in [
        format!("| `agreed_duration` | {} s |", whole(&told.agreed_duration)),
        format!("| `down_duration` | {} s |", whole(&told.down_duration)),
        format!("| `availability` | {:.6} |", told.availability.expect("hours were agreed")),
        format!("| `target_met` | {} |", told.target_met.expect("99.9 is promised")),
    ] {
        assert!(guide.contains(&row), "{row}");
    }
    assert_eq!((told.agreed_duration, told.down_duration), (seconds(147_600), seconds(9_900)));
    assert_eq!((told.availability_target_percent, told.truncated), (99.9, false));
    assert_eq!((told.counted_until_time, told.time_zone.as_str()), (week(&desk).end_time, "Europe/Berlin"));
    let shares: Vec<_> =
        told.outages.iter().map(|it| (it.outage.as_str(), it.duration, it.down_duration)).collect();
    assert_eq!(
        shares,
        [
            (recorded[1].name.as_str(), seconds(3600), seconds(3600)),
            (recorded[2].name.as_str(), seconds(5400), seconds(2700)),
            (recorded[3].name.as_str(), seconds(3600), seconds(3600)),
            (recorded[0].name.as_str(), seconds(0), seconds(0)),
        ]
    );
    assert_eq!(told.outages[3].excluded_duration, seconds(7200));
    let counted = pb::GetAvailabilityRequest { count_planned: true, ..week(&desk) };
    let told = availability(&desk, counted).await;
    assert_eq!((told.agreed_duration, told.down_duration), (seconds(154_800), seconds(17_100)));
    desk.finish().await;
}

#[tokio::test]
async fn an_outage_that_is_on_counts_until_now_and_a_sunday_has_no_availability() {
    let desk = Desk::open().await;
    // 09:00 in Berlin, an hour after the office opened.
    record(&desk, outage("2026-03-02T07:30:00Z", None)).await;
    let month = || pb::GetAvailabilityRequest { end_time: at("2026-04-01T00:00:00Z"), ..week(&desk) };
    let told = availability(&desk, month()).await;
    let so_far = |minutes: i64| seconds(minutes * 60 + 2);
    assert_eq!(
        (told.agreed_duration, told.down_duration),
        (so_far(60), so_far(30)),
        "nothing to come counts"
    );
    assert_eq!(told.counted_until_time, told.as_of_time);
    assert_eq!(told.outages[0].end_time, None);
    desk.advance(Duration::from_hours(1));
    let told = availability(&desk, month()).await;
    assert_eq!((told.agreed_duration, told.down_duration), (so_far(120), so_far(90)));
    desk.advance(days(7));
    let sunday = pb::GetAvailabilityRequest {
        start_time: at("2026-03-08T00:00:00Z"),
        end_time: at("2026-03-08T20:00:00Z"),
        ..week(&desk)
    };
    let told = availability(&desk, sunday).await;
    assert_eq!((told.availability, told.target_met, told.agreed_duration), (None, None, seconds(0)));
    assert_eq!(told.outages, []);
    desk.finish().await;
}

#[tokio::test]
async fn corrections_are_versions_and_reports_can_be_made_again() {
    let desk = Desk::open().await;
    desk.advance(days(7));
    let first = record(&desk, outage("2026-03-03T09:00:00Z", Some("2026-03-03T11:00:00Z"))).await;
    assert_eq!((first.version, first.severity_percent), (1, 100));
    let reported = availability(&desk, week(&desk)).await;
    assert_eq!(reported.down_duration, seconds(7200));

    desk.advance(days(1));
    let corrects = pb::Outage {
        end_time: at("2026-03-03T10:00:00Z"),
        note: "the clock was wrong".into(),
        ..first.clone()
    };
    let second = record(&desk, corrects.clone()).await;
    assert_eq!((second.version, second.create_time), (2, first.create_time));
    assert_eq!(availability(&desk, week(&desk)).await.down_duration, seconds(3600));
    let again = pb::GetAvailabilityRequest { as_of_time: reported.as_of_time, ..week(&desk) };
    assert_eq!(availability(&desk, again.clone()).await, reported);
    let stale = keeper(&desk).record_outage(request(&desk, corrects)).await;
    assert_eq!(reason(&stale), "Aborted ETAG_MISMATCH");
    let same = record(&desk, second.clone()).await;
    assert_eq!(same, second, "nothing new is no version");

    desk.advance(days(1));
    let gone = record(&desk, pb::Outage { withdrawn: true, ..second.clone() }).await;
    let now = availability(&desk, week(&desk)).await;
    assert_eq!((now.down_duration, now.outages.len(), now.target_met), (seconds(0), 0, Some(true)));
    assert_eq!(availability(&desk, again).await, reported);
    // Recorded for the wrong service: it moves, and its history with it.
    let moved = record(&desk, pb::Outage { service: "vpn".into(), withdrawn: false, ..gone.clone() }).await;
    assert_eq!(availability(&desk, week(&desk)).await.outages.len(), 0);
    let vpn = pb::GetAvailabilityRequest { service: "vpn".into(), ..week(&desk) };
    assert_eq!(availability(&desk, vpn).await.outages[0].version, 4);

    let mut anna = SlaServiceClient::new(desk.agent("anna"));
    for (version, expected) in [(1, &first), (2, &second), (3, &gone), (4, &moved), (0, &moved)] {
        let get = pb::GetOutageRequest { name: first.name.clone(), version };
        let found = anna.get_outage(get).await.expect("kept").into_inner().outage;
        assert_eq!(found.as_ref(), Some(expected));
    }
    let get = |name: &str, version| pb::GetOutageRequest { name: name.to_owned(), version };
    assert_eq!(reason(&anna.get_outage(get(&first.name, 5)).await), "NotFound RESOURCE_NOT_FOUND");
    let nowhere = format!("{}/outages/nowhere", desk.parent());
    assert_eq!(reason(&anna.get_outage(get(&nowhere, 0)).await), "NotFound RESOURCE_NOT_FOUND");
    desk.finish().await;
}

#[tokio::test]
async fn a_repetition_records_once() {
    let desk = Desk::open().await;
    let wanted = pb::RecordOutageRequest {
        request_id: "alarm-7".into(),
        ..request(&desk, outage("2026-03-02T07:30:00Z", None))
    };
    let dry = pb::RecordOutageRequest { validate_only: true, request_id: String::new(), ..wanted.clone() };
    keeper(&desk).record_outage(dry).await.expect("all is well");
    let (mut one, mut two) = (keeper(&desk), keeper(&desk));
    let (first, second) = tokio::join!(one.record_outage(wanted.clone()), two.record_outage(wanted.clone()));
    let (first, second) = (first.expect("recorded").into_inner(), second.expect("recorded").into_inner());
    assert_eq!(first.outage, second.outage);
    assert!(first.replayed != second.replayed, "one of them did it");
    // The service goes, and the answer to the repetition stays.
    let mut bare = crate::support::sample();
    bare.services.clear();
    desk.configure(&bare).await;
    let third = keeper(&desk).record_outage(wanted.clone()).await.expect("replayed").into_inner();
    assert_eq!((third.outage, third.replayed), (first.outage.clone(), true));
    let other = pb::RecordOutageRequest { outage: Some(outage("2026-03-02T07:31:00Z", None)), ..wanted };
    let reused = keeper(&desk).record_outage(other).await;
    assert_eq!(reason(&reused), "FailedPrecondition REQUEST_ID_REUSED");
    assert_eq!(listed(&desk, pb::ListOutagesRequest::default()).await.len(), 1);
    // Two who correct the same version: one has to read again.
    let corrects = |note: &str| pb::Outage { note: note.into(), ..first.outage.clone().expect("an outage") };
    let (left, right) = tokio::join!(
        one.record_outage(request(&desk, corrects("left"))),
        two.record_outage(request(&desk, corrects("right")))
    );
    let lost = if left.is_ok() { right } else { left };
    assert_eq!(reason(&lost), "Aborted ETAG_MISMATCH");
    desk.finish().await;
}

/// The names' last parts on all pages, two at a time.
async fn listed(desk: &Desk, request: pb::ListOutagesRequest) -> Vec<pb::Outage> {
    let mut sla = SlaServiceClient::new(desk.agent("anna"));
    let (mut found, mut page_token) = (Vec::new(), String::new());
    loop {
        let asked =
            pb::ListOutagesRequest { parent: desk.parent(), page_size: 2, page_token, ..request.clone() };
        let page = sla.list_outages(asked).await.expect("a page").into_inner();
        found.extend(page.outages);
        page_token = page.next_page_token;
        if page_token.is_empty() {
            return found;
        }
    }
}

#[tokio::test]
async fn outages_are_listed_by_service_and_window() {
    let desk = Desk::open().await;
    desk.advance(days(7));
    for day in 2..7 {
        let (start, end) = (format!("2026-03-0{day}T09:00:00Z"), format!("2026-03-0{day}T10:00:00Z"));
        record(&desk, outage(&start, Some(&end))).await;
    }
    let on = pb::Outage { service: "vpn".into(), ..outage("2026-03-04T09:30:00Z", None) };
    record(&desk, on).await;
    let starts = |outages: Vec<pb::Outage>| -> Vec<_> {
        outages.iter().map(|it| it.start_time.expect("a start").seconds % 604_800 / 86_400).collect()
    };
    let all = listed(&desk, pb::ListOutagesRequest::default()).await;
    assert_eq!(all.len(), 6);
    assert!(all.is_sorted_by_key(|it| std::cmp::Reverse(it.start_time.expect("a start").seconds)));
    let window = pb::ListOutagesRequest {
        start_time: at("2026-03-03T10:00:00Z"),
        end_time: at("2026-03-05T09:00:00Z"),
        ..Default::default()
    };
    assert_eq!(listed(&desk, window.clone()).await.len(), 2, "the one of the fourth, and the one that is on");
    let later = pb::ListOutagesRequest { start_time: at("2026-03-06T12:00:00Z"), ..Default::default() };
    assert_eq!(listed(&desk, later).await.len(), 1, "what is on is on");
    let of_erp = pb::ListOutagesRequest { service: "erp".into(), ..window };
    let found = listed(&desk, of_erp.clone()).await;
    assert_eq!(found.len(), 1);
    record(&desk, pb::Outage { withdrawn: true, ..found[0].clone() }).await;
    assert_eq!(starts(listed(&desk, of_erp.clone()).await), Vec::<i64>::new());
    let shown = listed(&desk, pb::ListOutagesRequest { show_withdrawn: true, ..of_erp }).await;
    assert_eq!((shown.len(), shown[0].version, shown[0].withdrawn), (1, 2, true));
    desk.finish().await;
}

#[tokio::test]
async fn what_cannot_be_recorded_or_asked_is_told_field_by_field() {
    let desk = Desk::open().await;
    let mut sla = keeper(&desk);
    let good = outage("2026-03-02T07:30:00Z", None);
    let ticket = create(&desk.agent("anna"), &desk).await;
    let named = pb::Outage { tickets: vec![ticket.name.clone()], ..good.clone() };
    assert_eq!(record(&desk, named).await.tickets, [ticket.name]);
    let unknown = format!("{}/tickets/{}", desk.parent(), desk.app.ids.next());
    let cases: Vec<(pb::Outage, &[&str])> = vec![
        (pb::Outage::default(), &["outage.start_time", "outage.service"]),
        (
            pb::Outage { service: "epr".into(), severity_percent: 101, ..good.clone() },
            &["outage.service", "outage.severity_percent"],
        ),
        (pb::Outage { end_time: good.start_time, ..good.clone() }, &["outage.end_time"]),
        (pb::Outage { start_time: at("2026-03-02T09:00:00Z"), ..good.clone() }, &["outage.start_time"]),
        (pb::Outage { withdrawn: true, ..good.clone() }, &["outage.withdrawn"]),
        (pb::Outage { name: "tenants/other/outages/x".into(), ..good.clone() }, &["outage.name"]),
        (pb::Outage { etag: "\"1\"".into(), ..good.clone() }, &["outage.name"]),
        (
            pb::Outage { tickets: vec!["x".into(), unknown], note: "x".repeat(4001), ..good.clone() },
            &["outage.tickets[0]", "outage.note", "outage.tickets[1]"],
        ),
    ];
    for (outage, expected) in cases {
        let refused = sla.record_outage(request(&desk, outage.clone())).await;
        assert_eq!(reason(&refused), "InvalidArgument FIELD_INVALID");
        assert_eq!(fields(&refused), expected, "{:?}", pb::Outage { note: String::new(), ..outage });
    }
    let windows: Vec<(pb::GetAvailabilityRequest, &[&str])> = vec![
        (
            pb::GetAvailabilityRequest { service: String::new(), end_time: None, ..week(&desk) },
            &["end_time", "service"],
        ),
        (
            pb::GetAvailabilityRequest {
                service: "epr".into(),
                end_time: week(&desk).start_time,
                ..week(&desk)
            },
            &["service", "end_time"],
        ),
        (pb::GetAvailabilityRequest { end_time: at("2036-03-10T00:00:00Z"), ..week(&desk) }, &["end_time"]),
        (
            pb::GetAvailabilityRequest { as_of_time: at("2026-03-02T09:00:00Z"), ..week(&desk) },
            &["as_of_time"],
        ),
    ];
    for (request, expected) in windows {
        let refused = sla.get_availability(request.clone()).await;
        assert_eq!(fields(&refused), expected, "{request:?}");
    }
    let mut service = SlaServiceClient::new(desk.caller(ActorKind::Service, "monitor", &[Role::Service]));
    let refused = service.record_outage(request(&desk, good)).await;
    assert_eq!(reason(&refused), "PermissionDenied PERMISSION_MISSING");
    desk.finish().await;
}

async fn create(caller: &Client, desk: &Desk) -> pb::Ticket {
    let ticket = pb::Ticket { title: "ERP is away".into(), ..Default::default() };
    let request =
        pb::CreateTicketRequest { parent: desk.parent(), ticket: Some(ticket), ..Default::default() };
    let created = TicketServiceClient::new(caller.clone()).create_ticket(request).await.expect("recorded");
    created.into_inner().ticket.expect("a ticket")
}
