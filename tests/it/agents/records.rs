//! What is recorded of agents.

use ticketing_proto::v1 as pb;

use super::{agent, agents, employ, record};
use crate::{
    support::{Desk, facts, fields, reason},
    tickets::{self as story, titled},
};

async fn list(desk: &Desk, filter: &str) -> Vec<String> {
    let request =
        pb::ListAgentsRequest { parent: desk.parent(), filter: filter.to_owned(), ..Default::default() };
    let page = agents(desk.agent("anna")).list_agents(request).await.expect("a page").into_inner();
    page.agents.into_iter().map(|agent| agent.display_name).collect()
}

#[tokio::test]
async fn an_agent_is_recorded_changed_and_read() {
    let desk = Desk::open().await;
    let first = employ(&desk, "anna", "desk-de", 4, &["german"]).await;
    assert_eq!((first.etag.as_str(), first.availability()), ("\"1\"", pb::Availability::Available));
    assert_eq!(
        record(&desk, pb::Agent { etag: String::new(), ..first.clone() }).await,
        first,
        "the same again"
    );

    desk.advance(std::time::Duration::from_mins(1));
    let more = record(&desk, pb::Agent { capacity: 5, ..first.clone() }).await;
    assert_eq!((more.etag.as_str(), more.capacity), ("\"2\"", 5));
    assert!(more.update_time.expect("a time").seconds > more.create_time.expect("a time").seconds);
    let stale = pb::UpsertAgentRequest { agent: Some(first.clone()), validate_only: false };
    let refused = agents(desk.manager()).upsert_agent(stale).await;
    assert_eq!(reason(&refused), "Aborted ETAG_MISMATCH");
    let mine = pb::UpsertAgentRequest {
        agent: Some(pb::Agent { capacity: 99, ..more.clone() }),
        validate_only: false,
    };
    let refused = agents(desk.agent("anna")).upsert_agent(mine.clone()).await;
    assert_eq!(reason(&refused), "PermissionDenied PERMISSION_MISSING");
    let dry = agents(desk.manager())
        .upsert_agent(pb::UpsertAgentRequest { validate_only: true, ..mine })
        .await
        .expect("would be recorded")
        .into_inner();
    assert_eq!(dry.agent.expect("an agent").capacity, 99);
    let read = agents(desk.agent("bert"))
        .get_agent(pb::GetAgentRequest { name: first.name })
        .await
        .expect("read")
        .into_inner();
    assert_eq!(read.agent, Some(more));
    let missing = agents(desk.agent("anna"))
        .get_agent(pb::GetAgentRequest { name: format!("{}/agents/nobody", desk.parent()) })
        .await;
    assert_eq!(reason(&missing), "NotFound RESOURCE_NOT_FOUND");
    desk.finish().await;
}

#[tokio::test]
async fn every_fault_is_named_at_once() {
    let desk = Desk::open().await;
    let skill = |skill: &str, level| pb::AgentSkill { skill: skill.to_owned(), level };
    let wrong = pb::Agent {
        display_name: String::new(),
        teams: vec!["desk-de".into(), "moon".into()],
        skills: vec![skill("german", 6), skill("chess", 1)],
        capacity: -1,
        ..agent(&desk, "anna", "desk-de", 1)
    };
    let request = pb::UpsertAgentRequest { agent: Some(wrong), validate_only: true };
    let refused = agents(desk.manager()).upsert_agent(request).await;
    assert_eq!(reason(&refused), "InvalidArgument FIELD_INVALID");
    assert_eq!(
        fields(&refused),
        [
            "agent.display_name",
            "agent.capacity",
            "agent.teams[1]",
            "agent.skills[1]",
            "agent.skills[0].level"
        ]
    );
    desk.finish().await;
}

#[tokio::test]
async fn lists_select_by_what_agents_are() {
    let desk = Desk::open().await;
    employ(&desk, "anna", "desk-de", 4, &["german"]).await;
    employ(&desk, "bert", "desk-en", 4, &["english", "german"]).await;
    employ(&desk, "carl", "applications", 4, &[]).await;
    let both =
        pb::Agent { teams: vec!["desk-de".into(), "desk-en".into()], ..agent(&desk, "dora", "desk-de", 1) };
    record(&desk, both).await;
    assert_eq!(list(&desk, "").await, ["ANNA", "BERT", "CARL", "DORA"]);
    assert_eq!(list(&desk, "team:desk-en").await, ["BERT", "DORA"]);
    assert_eq!(list(&desk, "team:desk-de skill:german").await, ["ANNA"]);
    assert_eq!(list(&desk, "-skill:german AND availability = AVAILABLE").await, ["CARL", "DORA"]);
    assert_eq!(list(&desk, "display_name = \"B*\"").await, ["BERT"]);

    let mut anna = agents(desk.agent("anna"));
    let mut request = pb::ListAgentsRequest { parent: desk.parent(), page_size: 3, ..Default::default() };
    let page = anna.list_agents(request.clone()).await.expect("a page").into_inner();
    assert_eq!(page.agents.len(), 3);
    request.page_token = page.next_page_token;
    let page = anna.list_agents(request.clone()).await.expect("a page").into_inner();
    assert_eq!((page.agents.len(), page.next_page_token.as_str()), (1, ""));
    request.filter = "team:desk-de".to_owned();
    let refused = anna.list_agents(request).await;
    assert_eq!(reason(&refused), "InvalidArgument PAGE_TOKEN_INVALID");
    let request =
        pb::ListAgentsRequest { parent: desk.parent(), filter: "shoe = 42".into(), ..Default::default() };
    assert_eq!(reason(&anna.list_agents(request).await), "InvalidArgument FILTER_INVALID");
    desk.finish().await;
}

#[tokio::test]
async fn whoever_owns_live_tickets_is_not_deleted() {
    let desk = Desk::open().await;
    let anna = employ(&desk, "anna", "desk-de", 4, &[]).await;
    let ticket = story::record(&desk, titled("Drucker druckt nicht")).await;
    story::claim(&desk, "anna", &ticket.name).await.expect("claimed");
    let workload = agents(desk.agent("anna"))
        .get_workload(pb::GetWorkloadRequest { name: anna.name.clone() })
        .await
        .expect("a workload")
        .into_inner()
        .workload
        .expect("a workload");
    assert_eq!((workload.used, workload.capacity), (1, 4));
    assert_eq!(workload.states, [pb::StateCount { state: "OPEN".into(), count: 1 }]);

    let mut manager = agents(desk.manager());
    let delete = pb::DeleteAgentRequest { name: anna.name, request_id: "d1".into(), ..Default::default() };
    let refused = manager.delete_agent(delete.clone()).await;
    assert_eq!(reason(&refused), "FailedPrecondition AGENT_HAS_TICKETS");
    assert_eq!(facts(&refused, "tickets"), "1");
    story::resolve(&desk, &ticket.name).await;
    let stale = pb::DeleteAgentRequest { etag: "\"7\"".into(), request_id: String::new(), ..delete.clone() };
    assert_eq!(reason(&manager.delete_agent(stale).await), "Aborted ETAG_MISMATCH");
    assert!(!manager.delete_agent(delete.clone()).await.expect("deleted").into_inner().replayed);
    assert!(manager.delete_agent(delete.clone()).await.expect("deleted before").into_inner().replayed);
    let again = pb::DeleteAgentRequest { request_id: String::new(), ..delete };
    assert_eq!(reason(&manager.delete_agent(again).await), "NotFound RESOURCE_NOT_FOUND");
    desk.finish().await;
}
