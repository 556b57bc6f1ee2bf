//! Decisions explain themselves: before, by a preview, and after, by what was kept.

use std::sync::Arc;

use ticketing::{
    agents as roster,
    configuration::Configuration,
    ids::Id,
    routing::{Decision, Fate, Roster},
    tickets::{Ticket, queue},
};
use ticketing_proto::v1::{self as pb, preview_routing_request::Subject};

use super::{push_once, routing};
use crate::{
    agents::employ,
    support::{Desk, fields, reason},
    tickets::{read, record, titled},
};

pub async fn decisions(desk: &Desk, parent: &str, size: i32) -> Vec<pb::RoutingDecision> {
    let mut client = routing(desk.agent("anna"));
    let mut request = pb::ListRoutingDecisionsRequest {
        parent: parent.to_owned(),
        page_size: size,
        page_token: String::new(),
    };
    let mut all = Vec::new();
    loop {
        let page = client.list_routing_decisions(request.clone()).await.expect("a page").into_inner();
        all.extend(page.decisions);
        request.page_token = page.next_page_token;
        if request.page_token.is_empty() {
            return all;
        }
    }
}

fn told(decision: &pb::RoutingDecision) -> Vec<(&str, &str)> {
    decision.candidates.iter().map(|it| (it.agent.as_str(), it.rejection.as_str())).collect()
}

#[tokio::test]
async fn what_was_decided_is_kept_with_its_reasons() {
    let desk = Desk::open().await;
    employ(&desk, "anna", "desk-de", 2, &["german"]).await;
    employ(&desk, "bert", "desk-de", 1, &["german"]).await;
    employ(&desk, "emma", "desk-de", 9, &["english"]).await;
    let ticket = record(&desk, titled("Drucker druckt nicht")).await;
    push_once(&desk).await;

    for size in [0, 1] {
        let [given, created] = <[_; 2]>::try_from(decisions(&desk, &ticket.name, size).await).expect("two");
        assert_eq!(created.name, format!("{}/routingDecisions/1", ticket.name));
        assert_eq!((created.rule.as_str(), created.assignee.as_str()), ("german", ""));
        let trials: Vec<_> = created.trials.iter().map(|it| (it.rule.as_str(), it.matched)).collect();
        assert_eq!(trials, [("outage", false), ("english", false), ("invoices", false), ("german", true)]);
        assert_eq!(given.name, format!("{}/routingDecisions/2", ticket.name));
        assert_eq!(
            (given.rule.as_str(), given.queue.as_str(), given.level.as_str()),
            ("german", "desk-de", "L1")
        );
        assert_eq!(given.assignee, "tenants/acme/agents/anna");
        assert_eq!(
            told(&given),
            [
                ("tenants/acme/agents/anna", ""),
                ("tenants/acme/agents/bert", "LESS_ROOM"),
                ("tenants/acme/agents/emma", "MISSING_SKILL")
            ]
        );
        assert_eq!((given.candidates[0].used, given.candidates[0].capacity), (0, 2));
    }
    let customer = routing(desk.customer("kunde"))
        .list_routing_decisions(pb::ListRoutingDecisionsRequest { parent: ticket.name, ..Default::default() })
        .await;
    assert_eq!(reason(&customer), "PermissionDenied PERMISSION_MISSING");
    desk.finish().await;
}

#[tokio::test]
async fn a_preview_says_what_would_happen_and_nothing_happens() {
    let desk = Desk::open().await;
    employ(&desk, "anna", "desk-de", 2, &["german"]).await;
    let mut anna = routing(desk.agent("anna"));
    let mut preview = async |subject| {
        let request =
            pb::PreviewRoutingRequest { parent: desk.parent(), subject: Some(subject), ..Default::default() };
        anna.preview_routing(request).await
    };
    let draft = pb::Ticket { category: "contract".into(), ..titled("Rechnung falsch") };
    let decision = preview(Subject::Draft(draft)).await.expect("a preview").into_inner().decision;
    let decision = decision.expect("a decision");
    assert_eq!((decision.name.as_str(), decision.rule.as_str()), ("", "invoices"));
    assert_eq!((decision.queue.as_str(), decision.assignee.as_str()), ("desk-de", ""));
    assert_eq!(told(&decision), [("tenants/acme/agents/anna", "MISSING_SKILL")]);

    let ticket = record(&desk, titled("Drucker druckt nicht")).await;
    for name in [ticket.name.clone(), format!("{}/tickets/{}", desk.parent(), ticket.number)] {
        let decision = preview(Subject::Ticket(name)).await.expect("a preview").into_inner().decision;
        assert_eq!(decision.expect("a decision").assignee, "tenants/acme/agents/anna");
    }
    assert_eq!(read(&desk, &ticket.name).await, ticket);

    let network = pb::Ticket {
        category: "network".into(),
        impact: pb::Impact::Major.into(),
        urgency: pb::Urgency::Low.into(),
        ..titled("Netz weg")
    };
    let decision = preview(Subject::Draft(network)).await.expect("a preview").into_inner().decision;
    let decision = decision.expect("a decision");
    assert_eq!((decision.team.as_str(), decision.priority.as_str()), ("infrastructure", "P1"));
    assert!(decision.candidates.is_empty(), "a queue that is pulled");

    let wrong = preview(Subject::Draft(pb::Ticket { category: "moon".into(), ..Default::default() })).await;
    assert_eq!(fields(&wrong), ["draft.title", "draft.category"]);
    let missing = preview(Subject::Ticket(format!("{}/tickets/999999", desk.parent()))).await;
    assert_eq!(reason(&missing), "NotFound RESOURCE_NOT_FOUND");
    desk.finish().await;
}

#[tokio::test]
async fn a_rule_that_cannot_be_answered_is_a_recorded_no() {
    let desk = Desk::open().await;
    let mut document = crate::support::sample();
    document.routing_rules[0].condition = "ticket.custom_fields.affected_users > 10".into();
    desk.configure(&document).await;
    let ticket = record(&desk, titled("Drucker druckt nicht")).await;
    let decision = decisions(&desk, &ticket.name, 0).await.remove(0);
    assert_eq!((decision.rule.as_str(), decision.trials[0].matched), ("german", false));
    assert!(!decision.trials[0].error.is_empty());
    desk.finish().await;
}

/// What the rule says of everything that waits now, in the order of service.
async fn expected(desk: &Desk, configuration: &Configuration) -> Vec<(Id, i64, Decision)> {
    let mut tx = desk.app.db.begin(&desk.tenant).await.expect("a transaction");
    let queues: Vec<String> = configuration.document.queues.iter().map(|queue| queue.key.clone()).collect();
    let teams: Vec<String> = configuration.document.teams.iter().map(|team| team.key.clone()).collect();
    let waiting: Vec<Ticket> =
        queue::unserved_in(&mut tx, &queues, &[], None, 1000).await.expect("what waits");
    let organizations: Vec<String> = waiting.iter().map(|ticket| ticket.organization.clone()).collect();
    let members =
        roster::members(&mut tx, configuration, &teams, &organizations).await.expect("who is there");
    let mut roster = Roster::new(members);
    let decided =
        waiting.iter().filter_map(|ticket| match roster.decide(configuration, ticket, desk.now()) {
            Fate::Given(decision) | Fate::Nobody(decision) => Some((ticket.id, ticket.version + 1, decision)),
            Fate::Waits => None,
        });
    decided.collect()
}

/// The decision that was kept with an event of a ticket.
async fn kept(desk: &Desk, ticket: Id, version: i64) -> Decision {
    let kept: serde_json::Value =
        sqlx::query_scalar("select details -> 'decision' from events where ticket_id = $1 and version = $2")
            .bind(ticket.0)
            .bind(version)
            .fetch_one(desk.root())
            .await
            .expect("a decision");
    serde_json::from_value(kept).expect("a decision")
}

#[tokio::test]
async fn what_was_kept_is_what_the_rule_says_again_and_nobody_is_without_a_reason() {
    let desk = Desk::open().await;
    super::adjust(&desk, |document| {
        document.queues[1].dispatch = ticketing::configuration::Dispatch::Offer;
        document.queues[0].overflow_queue = "desk-en".into();
    })
    .await;
    let configuration: Arc<Configuration> =
        desk.app.configurations.get(&desk.tenant).await.expect("a configuration");
    let mut random = fastrand::Rng::with_seed(7);
    let (mut reasons, mut decided) = (std::collections::BTreeSet::new(), 0);
    for round in 0..8 {
        for n in 0..4 {
            let skills = ["german", "english", "billing"].into_iter().filter(|_| random.bool());
            let skills: Vec<&str> = skills.collect();
            let team = ["desk-de", "desk-en"][random.usize(..2)];
            let key = format!("agent-{round}-{n}");
            employ(&desk, &key, team, random.i32(0..4), &skills).await;
            if random.u8(..4) == 0 {
                super::overflow::go_away(&desk, &key).await;
            }
        }
        for n in 0..12 {
            let ticket = pb::Ticket {
                language_code: ["de", "en"][random.usize(..2)].into(),
                category: ["", "contract"][random.usize(..2)].into(),
                organization: format!("{}/organizations/{}", desk.parent(), random.u8(..3)),
                ..titled(&format!("Anruf {n}"))
            };
            record(&desk, ticket).await;
        }
        let expected = expected(&desk, &configuration).await;
        push_once(&desk).await;
        for (ticket, version, again) in expected {
            let kept = kept(&desk, ticket, version).await;
            assert_eq!(kept, again);
            let got = usize::from(!kept.assignee.is_empty());
            assert!(kept.candidates.iter().skip(got).all(|it| it.rejection.is_some()), "{kept:?}");
            reasons.extend(kept.candidates.iter().filter_map(|it| Some(it.rejection?.name())));
            decided += 1;
        }
        desk.advance(std::time::Duration::from_mins(1));
        ticketing::routing::expire_offers::run_once(&desk.app, 5).await.expect("a tick");
    }
    assert!(decided > 30, "{decided} decisions");
    assert!(reasons.len() >= 6, "{reasons:?}");
    desk.finish().await;
}

#[tokio::test]
async fn a_rule_that_would_run_long_is_a_recorded_no() {
    let desk = Desk::open().await;
    let mut document = crate::support::sample();
    document.routing_rules[0].condition =
        "ticket.tags.exists(tag, ticket.description.contains(tag + \"!\"))".into();
    desk.configure(&document).await;
    let short = record(&desk, titled("Drucker druckt nicht")).await;
    assert_eq!(decisions(&desk, &short.name, 0).await.remove(0).trials[0].error, "");
    let long = pb::Ticket {
        description: "Protokoll ".repeat(6500),
        tags: (0..50).map(|n| format!("tag-{n}")).collect(),
        ..titled("Drucker druckt nicht")
    };
    let ticket = record(&desk, long).await;
    let decision = decisions(&desk, &ticket.name, 0).await.remove(0);
    assert_eq!((decision.rule.as_str(), decision.trials[0].matched), ("german", false));
    assert_eq!(decision.trials[0].error, "would take more than 100000 steps for this ticket");
    desk.finish().await;
}
