//! Whether work may be given to an agent.

use std::time::Duration;

use ticketing_proto::v1 as pb;

use super::{agents, employ};
use crate::support::{Desk, fields, reason};

fn away(desk: &Desk, key: &str, minutes: Option<i64>) -> pb::SetAvailabilityRequest {
    let until = |minutes| prost_types::Timestamp { seconds: desk.now().as_second() + 60 * minutes, nanos: 0 };
    pb::SetAvailabilityRequest {
        name: format!("{}/agents/{key}", desk.parent()),
        availability: pb::Availability::Away.into(),
        until_time: minutes.map(until),
    }
}

async fn list_away(desk: &Desk) -> usize {
    let filter = "availability = AWAY".to_owned();
    let request = pb::ListAgentsRequest { parent: desk.parent(), filter, ..Default::default() };
    agents(desk.agent("anna")).list_agents(request).await.expect("a page").into_inner().agents.len()
}

#[tokio::test]
async fn an_absence_ends_by_itself() {
    let desk = Desk::open().await;
    employ(&desk, "anna", "desk-de", 4, &[]).await;
    let mut anna = agents(desk.agent("anna"));
    let set = anna.set_availability(away(&desk, "anna", Some(30))).await.expect("set").into_inner();
    assert_eq!(set.agent.expect("an agent").availability(), pb::Availability::Away);
    assert_eq!(list_away(&desk).await, 1);
    desk.advance(Duration::from_mins(30));
    assert_eq!(list_away(&desk).await, 0);
    let name = format!("{}/agents/anna", desk.parent());
    let agent = anna.get_agent(pb::GetAgentRequest { name: name.clone() }).await.expect("read").into_inner();
    let agent = agent.agent.expect("an agent");
    assert_eq!((agent.availability(), agent.availability_until_time), (pb::Availability::Available, None));

    anna.set_availability(away(&desk, "anna", None)).await.expect("away until she says so");
    desk.advance(Duration::from_hours(1000));
    assert_eq!(list_away(&desk).await, 1);
    let here = pb::SetAvailabilityRequest {
        name,
        availability: pb::Availability::Available.into(),
        until_time: None,
    };
    anna.set_availability(here).await.expect("back");
    assert_eq!(list_away(&desk).await, 0);
    desk.finish().await;
}

#[tokio::test]
async fn others_need_the_right_to_keep_agents() {
    let desk = Desk::open().await;
    employ(&desk, "anna", "desk-de", 4, &[]).await;
    let refused = agents(desk.agent("bert")).set_availability(away(&desk, "anna", None)).await;
    assert_eq!(reason(&refused), "PermissionDenied PERMISSION_MISSING");
    agents(desk.manager()).set_availability(away(&desk, "anna", None)).await.expect("a manager may");
    let missing = agents(desk.manager()).set_availability(away(&desk, "nobody", None)).await;
    assert_eq!(reason(&missing), "NotFound RESOURCE_NOT_FOUND");

    let mut anna = agents(desk.agent("anna"));
    let past = anna.set_availability(away(&desk, "anna", Some(0))).await;
    assert_eq!(fields(&past), ["until_time"]);
    let nothing = pb::SetAvailabilityRequest { availability: 0, ..away(&desk, "anna", Some(-1)) };
    assert_eq!(fields(&anna.set_availability(nothing).await), ["availability", "until_time"]);
    desk.finish().await;
}
