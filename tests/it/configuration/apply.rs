//! Applying: the plan, the revision, at once in force, one effect, one winner.

use std::{collections::BTreeSet, time::Duration};

use ticketing_proto::v1::{
    self as pb, agent_service_client::AgentServiceClient,
    configuration_service_client::ConfigurationServiceClient, ticket_service_client::TicketServiceClient,
};
use tonic::Code;

use super::{apply, document, fields, get, name, reason, revisions, service};
use crate::support::Desk;

#[tokio::test]
async fn a_document_becomes_a_revision_with_its_plan() {
    let desk = Desk::open().await;
    let mut admin = service(desk.admin());
    let mut wanted = document(&desk);
    wanted.levels[0].bounce_limit = 5;
    wanted.comment = "more patience".into();
    let done = apply(&mut admin, wanted.clone()).await.expect("applied");
    let plan = done.plan.expect("a plan");
    let changes: Vec<_> = plan.changes.iter().map(|it| (it.path.as_str(), it.kind())).collect();
    assert_eq!(changes, [("levels[key=\"L1\"].bounce_limit", pb::ConfigurationChangeKind::Changed)]);
    assert_eq!((plan.changes[0].before_json.as_str(), plan.changes[0].after_json.as_str()), ("3", "5"));

    let now = done.configuration.expect("a configuration");
    assert_eq!((now.revision, now.etag.as_str(), now.author.as_str()), (2, "\"2\"", "admin"));
    assert_eq!(now.comment, "more patience");
    assert_eq!(get(&mut admin, name(&desk), 0).await.expect("in force"), now);
    let before = get(&mut admin, name(&desk), 1).await.expect("the revision before");
    assert_eq!(before.levels[0].bounce_limit, 3);

    let again = apply(&mut admin, wanted).await.expect("applied again");
    assert_eq!(again.configuration.expect("a configuration").revision, 2, "nothing changed, so no revision");
    assert_eq!(again.plan.expect("a plan").changes, []);
    assert_eq!(revisions(&mut admin, name(&desk)).await, [2, 1]);
    desk.finish().await;
}

#[tokio::test]
async fn a_revision_is_in_force_here_at_once_and_on_a_replica_soon() {
    let desk = Desk::open().await;
    let replica = desk.replica().await;
    let mut wanted = document(&desk);
    wanted.routing_rules.clear();
    wanted.default_queue = "data".into();
    let applied = apply(&mut service(desk.admin()), wanted).await.expect("applied");
    let revision = applied.configuration.expect("a configuration").revision;
    assert_eq!(queue_of_a_new_ticket(&desk).await, "data");
    desk.advance(Duration::from_secs(1));
    assert_eq!(queue_of_a_new_ticket(&replica).await, "data");
    assert_eq!(desk.app.configurations.get(&desk.tenant).await.expect("in force").revision, revision);
    replica.finish().await;
    desk.finish().await;
}

async fn queue_of_a_new_ticket(desk: &Desk) -> String {
    let request = pb::CreateTicketRequest {
        parent: desk.parent(),
        ticket: Some(pb::Ticket { title: "Frage".into(), ..Default::default() }),
        ..Default::default()
    };
    let answer = TicketServiceClient::new(desk.agent("anna")).create_ticket(request).await.expect("created");
    answer.into_inner().ticket.expect("a ticket").queue
}

#[tokio::test]
async fn a_plan_alone_changes_nothing_and_counts_whom_it_touches() {
    let desk = Desk::open().await;
    let mut admin = service(desk.admin());
    for _ in 0..3 {
        assert_eq!(queue_of_a_new_ticket(&desk).await, "desk-de");
    }
    let mut agents = AgentServiceClient::new(desk.manager());
    for (key, team) in [("anna", "desk-de"), ("ben", "desk-en")] {
        let agent = pb::Agent {
            name: format!("{}/agents/{key}", desk.parent()),
            display_name: key.into(),
            teams: vec![team.into()],
            skills: ["german", "english", "billing"]
                .map(|skill| pb::AgentSkill { skill: skill.into(), level: 1 })
                .into(),
            capacity: 1,
            ..Default::default()
        };
        let request = pb::UpsertAgentRequest { agent: Some(agent), validate_only: false };
        agents.upsert_agent(request).await.expect("an agent");
    }
    let mut wanted = document(&desk);
    wanted.teams.retain(|team| team.key != "desk-de");
    wanted.teams[1].display_name = "Fachanwendungen".into();
    wanted.queues[0].team = "desk-en".into();
    let request = pb::ApplyConfigurationRequest {
        configuration: Some(wanted),
        request_id: "plan".into(),
        validate_only: true,
        ..Default::default()
    };
    for _ in 0..2 {
        let planned = admin.apply_configuration(request.clone()).await.expect("planned").into_inner();
        let plan = planned.plan.expect("a plan");
        let paths: Vec<_> = plan.changes.iter().map(|it| it.path.as_str()).collect();
        assert_eq!(
            paths,
            [
                "teams[key=\"applications\"].display_name",
                "teams[key=\"desk-de\"]",
                "queues[key=\"desk-de\"].team"
            ]
        );
        assert_eq!((plan.affected_ticket_count, plan.affected_agent_count), (3, 1));
        assert_eq!(
            plan.warnings,
            [
                "teams[key=\"desk-de\"]: goes while live tickets stand in it (3); move them",
                "teams[key=\"applications\"]: nobody is a member",
            ]
        );
        assert_eq!((planned.configuration.expect("as it would be").revision, planned.replayed), (2, false));
    }
    assert_eq!(revisions(&mut admin, name(&desk)).await, [1]);
    desk.finish().await;
}

#[tokio::test]
async fn every_fault_is_told_and_nothing_is_written() {
    let desk = Desk::open().await;
    let mut admin = service(desk.admin());
    let mut wanted = document(&desk);
    wanted.routing_rules[3].queue = "gone".into();
    wanted.categories[0].parent = "hardware.printer".into();
    wanted.levels[1].knowledge_duty = 42;
    let refused = apply(&mut admin, wanted).await.expect_err("faults");
    assert_eq!((refused.code(), reason(&refused).as_str()), (Code::InvalidArgument, "CONFIGURATION_INVALID"));
    assert_eq!(
        fields(&refused),
        [
            "levels[key=\"L2\"].knowledge_duty",
            "categories[key=\"hardware\"].parent",
            "routing_rules[key=\"german\"].queue",
        ]
    );
    let refused =
        admin.apply_configuration(pb::ApplyConfigurationRequest::default()).await.expect_err("empty");
    assert_eq!(fields(&refused), ["configuration"]);
    let mut wanted = document(&desk);
    wanted.comment = "x".repeat(1001);
    let request = pb::ApplyConfigurationRequest {
        configuration: Some(wanted),
        etag: "yesterday".into(),
        ..Default::default()
    };
    let refused = admin.apply_configuration(request).await.expect_err("two faults");
    assert_eq!(fields(&refused), ["etag", "configuration.comment"]);
    assert_eq!(revisions(&mut admin, name(&desk)).await, [1]);
    desk.finish().await;
}

#[tokio::test]
async fn one_request_id_has_one_effect() {
    let desk = Desk::open().await;
    let mut admin = service(desk.admin());
    let mut wanted = document(&desk);
    wanted.teams[0].display_name = "Empfang".into();
    let request = pb::ApplyConfigurationRequest {
        configuration: Some(wanted.clone()),
        request_id: "r1".into(),
        ..Default::default()
    };
    let first = admin.apply_configuration(request.clone()).await.expect("applied").into_inner();
    wanted.teams[0].display_name = "Tresen".into();
    apply(&mut admin, wanted.clone()).await.expect("somebody goes on");
    let second = admin.apply_configuration(request.clone()).await.expect("repeated").into_inner();
    assert_eq!(second, pb::ApplyConfigurationResponse { replayed: true, ..first });
    assert_eq!(
        desk.app.configurations.get(&desk.tenant).await.expect("in force").revision,
        3,
        "a repetition does not bring the old document back"
    );
    let other = pb::ApplyConfigurationRequest { configuration: Some(wanted), ..request };
    let refused = admin.apply_configuration(other).await.expect_err("another request");
    assert_eq!(reason(&refused), "REQUEST_ID_REUSED");
    assert_eq!(revisions(&mut admin, name(&desk)).await, [3, 2, 1]);
    desk.finish().await;
}

#[tokio::test]
async fn of_many_at_once_one_wins_by_etag_and_all_count_without() {
    let desk = Desk::open().await;
    let attempt = |n: usize, etag: &'static str| {
        let mut admin = service(desk.admin());
        let mut wanted = document(&desk);
        wanted.teams[0].display_name = format!("Empfang {etag} {n}");
        let request = pb::ApplyConfigurationRequest {
            configuration: Some(wanted),
            etag: etag.into(),
            request_id: format!("{etag}-{n}"),
            ..Default::default()
        };
        async move { admin.apply_configuration(request).await }
    };
    let answers = futures_util::future::join_all((0..16).map(|n| attempt(n, "\"1\""))).await;
    let (won, lost): (Vec<_>, Vec<_>) = answers.into_iter().partition(Result::is_ok);
    assert_eq!(won.len(), 1);
    for status in lost.into_iter().filter_map(Result::err) {
        assert_eq!((status.code(), reason(&status).as_str()), (Code::Aborted, "ETAG_MISMATCH"));
    }
    let answers = futures_util::future::join_all((0..16).map(|n| attempt(n, ""))).await;
    let made: BTreeSet<i64> = answers
        .into_iter()
        .map(|answer| answer.expect("applied").into_inner().configuration.expect("a document").revision)
        .collect();
    assert_eq!(made, (3..=18).collect());
    assert_eq!(desk.app.configurations.get(&desk.tenant).await.expect("in force").revision, 18);
    desk.finish().await;
}

#[tokio::test]
async fn an_unknown_tenant_is_made_by_its_first_document() {
    let desk = Desk::open().await;
    let mut anybody = ConfigurationServiceClient::new(desk.channel());
    let name = "tenants/fresh/configuration".to_owned();
    let refused = anybody
        .get_configuration(pb::GetConfigurationRequest { name: name.clone(), revision: 0 })
        .await
        .expect_err("none yet");
    assert_eq!(reason(&refused), "CONFIGURATION_MISSING");
    let mut request = pb::ApplyConfigurationRequest {
        configuration: Some(pb::Configuration { name: name.clone(), ..document(&desk) }),
        validate_only: true,
        ..Default::default()
    };
    let planned = anybody.apply_configuration(request.clone()).await.expect("planned").into_inner();
    assert_eq!(planned.configuration.map(|it| it.revision), Some(1));
    request.etag = "\"7\"".into();
    let refused = anybody.apply_configuration(request.clone()).await.expect_err("seen what is not there");
    assert_eq!(reason(&refused), "ETAG_MISMATCH");
    request.etag.clear();
    request.validate_only = false;
    let applied = anybody.apply_configuration(request).await.expect("applied").into_inner();
    assert_eq!(applied.configuration.map(|it| (it.revision, it.name)), Some((1, name)));
    desk.finish().await;
}

#[tokio::test]
async fn only_an_administrator_applies_and_only_at_home() {
    let desk = Desk::open().await;
    let mut manager = service(desk.manager());
    let refused = apply(&mut manager, document(&desk)).await.expect_err("a manager");
    assert_eq!((refused.code(), reason(&refused).as_str()), (Code::PermissionDenied, "PERMISSION_MISSING"));
    assert!(get(&mut manager, name(&desk), 0).await.is_ok());
    let mut admin = service(desk.admin());
    let foreign = pb::Configuration { name: "tenants/other/configuration".into(), ..document(&desk) };
    let refused = apply(&mut admin, foreign).await.expect_err("not this caller's tenant");
    assert_eq!(refused.code(), Code::NotFound);
    for bad in
        ["", "tenants/acme", "tenants/-/configuration", "acme/configuration", "tenants/acme/configuration/"]
    {
        let refused = get(&mut admin, bad.into(), 0).await.expect_err(bad);
        assert_eq!(
            (refused.code(), fields(&refused)),
            (Code::InvalidArgument, vec!["name".to_owned()]),
            "{bad}"
        );
    }
    desk.finish().await;
}

#[tokio::test]
async fn a_rule_that_nobody_can_serve_is_refused_once_its_team_has_agents() {
    let desk = Desk::open().await;
    let mut admin = service(desk.admin());
    let mut wanted = document(&desk);
    wanted.routing_rules[1].required_skills[0].min_level = 4;
    crate::agents::employ(&desk, "emma", "desk-en", 3, &["english"]).await;
    let refused = apply(&mut admin, wanted.clone()).await.expect_err("nobody can");
    assert_eq!(reason(&refused), "CONFIGURATION_INVALID");
    assert_eq!(fields(&refused), ["routing_rules[key=\"english\"].required_skills"]);
    let mut plan = pb::ApplyConfigurationRequest { validate_only: true, ..Default::default() };
    plan.configuration = Some(wanted.clone());
    assert_eq!(
        reason(&admin.apply_configuration(plan).await.expect_err("a plan too")),
        "CONFIGURATION_INVALID",
        "a plan says so too"
    );

    wanted.routing_rules[1].required_skills[0].min_level = 3;
    apply(&mut admin, wanted).await.expect("she is as good as that");
    desk.finish().await;
}
