//! What is read as of a time is what was read then.

use std::time::Duration;

use proptest::{
    prelude::*,
    strategy::ValueTree,
    test_runner::{Config, RngSeed, TestRunner},
};
use ticketing::tickets::State;
use ticketing_proto::v1 as pb;

use super::{Tickets, edit, record};
use crate::support::{Desk, reason};

#[derive(Clone, Debug)]
enum Happens {
    Hold(String, bool),
    Retitle(String),
    Assign(Option<String>),
    Tag(Vec<String>),
    Reopen,
    Nothing,
}

fn some_happening() -> impl Strategy<Value = Happens> {
    prop_oneof![
        ("[a-z ]{0,8}", any::<bool>()).prop_map(|(note, vendor)| Happens::Hold(note, vendor)),
        "[a-zäß]{1,8}".prop_map(Happens::Retitle),
        prop::option::of("[a-z]{1,4}").prop_map(Happens::Assign),
        prop::collection::vec("[a-z]{1,3}", 0..3).prop_map(Happens::Tag),
        Just(Happens::Reopen),
        Just(Happens::Nothing),
    ]
}

async fn happen(desk: &Desk, tickets: &mut Tickets, name: &str, happening: Happens) {
    match happening {
        Happens::Hold(note, vendor) => {
            let kind = if vendor { pb::HoldKind::Vendor } else { pb::HoldKind::Customer };
            let request =
                pb::HoldTicketRequest { name: name.into(), note, kind: kind.into(), ..Default::default() };
            tickets.hold_ticket(request).await.expect("held");
        }
        Happens::Retitle(title) => edit(desk, name, |ticket| ticket.title = title).await,
        Happens::Assign(agent) => {
            let now = desk.now();
            edit(desk, name, |ticket| match agent {
                Some(agent) => ticket.assign(&agent, now),
                None => ticket.release(now),
            })
            .await;
        }
        Happens::Tag(tags) => edit(desk, name, |ticket| ticket.tags = tags).await,
        Happens::Reopen => {
            edit(desk, name, |ticket| {
                ticket.state = State::Open;
                ticket.end_hold();
                ticket.reopen_count += 1;
            })
            .await;
        }
        Happens::Nothing => {}
    }
}

#[tokio::test]
async fn every_earlier_state_can_be_read_again() {
    let desk = Desk::open().await;
    let mut tickets = Tickets::new(desk.agent("anna"));
    let mut runner = TestRunner::new(Config { rng_seed: RngSeed::Fixed(11), ..Config::default() });
    for _ in 0..12 {
        let before = desk.now();
        desk.advance(Duration::from_micros(1));
        let ticket = pb::Ticket { title: "t".into(), description: "d".into(), ..Default::default() };
        let name = record(&desk, ticket).await.name;
        let story = prop::collection::vec(some_happening(), 1..10);
        let story = story.new_tree(&mut runner).expect("a story").current();
        let mut known = Vec::new();
        for happening in story.clone() {
            desk.advance(Duration::from_micros(1));
            happen(&desk, &mut tickets, &name, happening).await;
            let now = pb::GetTicketRequest { name: name.clone(), ..Default::default() };
            known.push((desk.now(), tickets.get_ticket(now).await.expect("read").into_inner()));
        }
        let at = |time: ticketing::time::Time| pb::GetTicketRequest {
            name: name.clone(),
            read_time: Some(prost_types::Timestamp {
                seconds: time.as_second(),
                nanos: time.subsec_nanosecond(),
            }),
            ..Default::default()
        };
        for (time, then) in known {
            let again = tickets.get_ticket(at(time)).await.expect("read").into_inner();
            assert_eq!(again, then, "as of {time} in {story:?}");
        }
        let missing = "NotFound RESOURCE_NOT_FOUND";
        assert_eq!(reason(&tickets.get_ticket(at(before)).await), missing);
        let future = at(desk.now().after(Duration::from_secs(1)));
        let invalid = "InvalidArgument FIELD_INVALID";
        assert_eq!(reason(&tickets.get_ticket(future).await), invalid);
    }
    desk.finish().await;
}

#[tokio::test]
async fn a_repeated_call_answers_with_the_ticket_as_the_first_left_it() {
    let desk = Desk::open().await;
    let mut tickets = Tickets::new(desk.agent("anna"));
    let ticket = pb::Ticket { title: "t".into(), ..Default::default() };
    let name = record(&desk, ticket).await.name;
    desk.advance(Duration::from_secs(1));
    let hold = pb::HoldTicketRequest {
        name: name.clone(),
        note: "first".into(),
        request_id: "r1".into(),
        ..Default::default()
    };
    let first = tickets.hold_ticket(hold.clone()).await.expect("held").into_inner();
    desk.advance(Duration::from_secs(1));
    edit(&desk, &name, |ticket| ticket.title.push('!')).await;
    let again = tickets.hold_ticket(hold).await.expect("held").into_inner();
    assert_eq!(again, pb::HoldTicketResponse { replayed: true, ..first });
    desk.finish().await;
}
