//! Reading escalations back: of a ticket, of all, by what they are.

use std::time::Duration;

use ticketing_proto::v1 as pb;

use super::{accept, annas_ticket, escalate, escalations, handing_back};
use crate::support::{Desk, reason};

async fn list(desk: &Desk, parent: &str, filter: &str) -> Vec<pb::Escalation> {
    let mut client = escalations(desk.agent("anna"));
    let mut request = pb::ListEscalationsRequest {
        parent: parent.to_owned(),
        filter: filter.to_owned(),
        page_size: 1,
        ..Default::default()
    };
    let mut all = Vec::new();
    loop {
        let page = client.list_escalations(request.clone()).await.expect("a page").into_inner();
        all.extend(page.escalations);
        request.page_token = page.next_page_token;
        if request.page_token.is_empty() {
            return all;
        }
    }
}

#[tokio::test]
async fn newest_first_by_ticket_or_all_and_by_filter() {
    let desk = Desk::open().await;
    let name = annas_ticket(&desk).await.name;
    let mut asked = Vec::new();
    for (from, to, team) in [("anna", "bea", "applications"), ("bea", "eva", "engineering")] {
        let done = escalate(&desk, from, &name, team).await.expect("escalated").into_inner();
        let escalation = done.escalation.expect("an escalation").name;
        accept(&desk, to, &escalation).await.expect("accepted");
        asked.push(escalation);
        desk.advance(Duration::from_mins(1));
    }
    escalations(desk.agent("eva")).hand_back_ticket(handing_back(&name)).await.expect("handed back");
    let names = |list: Vec<pb::Escalation>| list.into_iter().map(|it| it.name).collect::<Vec<_>>();
    let newest_first = [asked[1].clone(), asked[0].clone()];
    let everywhere = format!("{}/tickets/-", desk.parent());
    for parent in [&name, &everywhere] {
        assert_eq!(names(list(&desk, parent, "").await), newest_first);
        assert_eq!(names(list(&desk, parent, "to_level = L3 state = ACCEPTED").await), asked[1..]);
        assert_eq!(names(list(&desk, parent, "from_team = desk-de mode = HANDOVER").await), asked[..1]);
        assert!(list(&desk, parent, "reason = SECURITY").await.is_empty());
    }
    let mut anna = escalations(desk.agent("anna"));
    let wrong =
        pb::ListEscalationsRequest { parent: name, filter: "colour = 1".into(), ..Default::default() };
    assert_eq!(reason(&anna.list_escalations(wrong).await), "InvalidArgument FILTER_INVALID");
    let parent = format!("{}/tickets/00000000000000000000000000", desk.parent());
    let missing = pb::ListEscalationsRequest { parent, ..Default::default() };
    assert_eq!(reason(&anna.list_escalations(missing).await), "NotFound RESOURCE_NOT_FOUND");
    desk.finish().await;
}
