//! What no caller should send: each is refused with a code, a reason and all fields that are at fault, and leaves no
//! trace in any table.

use std::collections::BTreeMap;

use sqlx::{AssertSqlSafe, PgPool};
use ticketing::{configuration::wire, ids::TenantId};
use ticketing_proto::v1::{
    self as pb, agent_service_client::AgentServiceClient,
    configuration_service_client::ConfigurationServiceClient, customer_service_client::CustomerServiceClient,
    escalation_service_client::EscalationServiceClient, event_service_client::EventServiceClient,
    ticket_service_client::TicketServiceClient,
};
use tonic::{Request, Response, Status, client::Grpc, codegen::http::uri::PathAndQuery};
use tonic_types::StatusExt;

use crate::support::{Client, Desk, Raw, facts, put_in_force, reason, sample};

const INVALID: &str = "InvalidArgument FIELD_INVALID";

/// How many rows each table has.
async fn rows(pool: &PgPool) -> BTreeMap<String, i64> {
    let tables: Vec<String> =
        sqlx::query_scalar("select tablename::text from pg_tables where schemaname = 'public'")
            .fetch_all(pool)
            .await
            .expect("tables");
    let mut rows = BTreeMap::new();
    for table in tables {
        let sql = AssertSqlSafe(format!("select count(*) from {table}"));
        rows.insert(table, sqlx::query_scalar(sql).fetch_one(pool).await.expect("a count"));
    }
    rows
}

/// Cases of bad input; what went otherwise is told at the end, all of it.
struct Cases {
    desk: Desk,
    before: BTreeMap<String, i64>,
    faults: Vec<String>,
}

impl Cases {
    async fn of(desk: Desk) -> Self {
        let before = rows(desk.root()).await;
        Self { desk, before, faults: Vec::new() }
    }

    /// The call must be refused so.
    fn refused<T>(
        &mut self,
        what: &str,
        answer: Result<Response<T>, Status>,
        expected: &str,
        fields: &[&str],
    ) {
        if answer.is_ok() {
            return self.faults.push(format!("{what}: it worked"));
        }
        let found = (reason(&answer), violations(&answer));
        if found.0 != expected || found.1 != fields {
            self.faults.push(format!("{what}: {found:?}"));
        }
    }

    fn invalid<T>(&mut self, what: &str, answer: Result<Response<T>, Status>, fields: &[&str]) {
        self.refused(what, answer, INVALID, fields);
    }

    async fn finish(self) {
        assert!(self.faults.is_empty(), "{:#?}", self.faults);
        assert_eq!(rows(self.desk.root()).await, self.before);
        self.desk.finish().await;
    }
}

/// The fields that are at fault; none, where it is not about fields.
fn violations<T>(answer: &Result<Response<T>, Status>) -> Vec<String> {
    let status = answer.as_ref().err().expect("a refusal");
    let bad = status.get_details_bad_request().map(|bad| bad.field_violations).unwrap_or_default();
    bad.into_iter().map(|violation| violation.field).collect()
}

fn tickets(desk: &Desk) -> TicketServiceClient<Client> {
    TicketServiceClient::new(desk.agent("anna"))
}

fn titled(title: &str) -> pb::Ticket {
    pb::Ticket { title: title.to_owned(), ..Default::default() }
}

fn create(desk: &Desk, ticket: pb::Ticket) -> pb::CreateTicketRequest {
    pb::CreateTicketRequest { parent: desk.parent(), ticket: Some(ticket), ..Default::default() }
}

async fn record(desk: &Desk, title: &str) -> pb::Ticket {
    let created = tickets(desk).create_ticket(create(desk, titled(title))).await.expect("recorded");
    created.into_inner().ticket.expect("a ticket")
}

fn at(seconds: i64, nanos: i32) -> prost_types::Timestamp {
    prost_types::Timestamp { seconds, nanos }
}

fn value(kind: pb::field_value::Kind) -> pb::FieldValue {
    pb::FieldValue { kind: Some(kind) }
}

/// So many different keys.
fn many(count: usize) -> impl Iterator<Item = String> {
    (0..count).map(|n| format!("k{n}"))
}

/// Times that no calendar of ours has.
const ABSURD: [(i64, i32); 4] = [(i64::MAX, 0), (i64::MIN, 0), (-377_000_000_000, 0), (0, -1)];

#[tokio::test]
async fn tickets_that_lack_something() {
    let mut cases = Cases::of(Desk::open().await).await;
    let desk = &cases.desk;
    let mut anna = tickets(desk);
    let good = create(desk, titled("Drucker"));
    let ticket = |ticket: pb::Ticket| pb::CreateTicketRequest { ticket: Some(ticket), ..good.clone() };
    let list: Vec<(&str, pb::CreateTicketRequest, &[&str])> = vec![
        ("nothing", pb::CreateTicketRequest { ticket: None, ..good.clone() }, &["ticket.title"]),
        ("no title", ticket(titled(" ")), &["ticket.title"]),
        ("a title of 301", ticket(titled(&"ü".repeat(301))), &["ticket.title"]),
        ("no parent", pb::CreateTicketRequest { parent: String::new(), ..good.clone() }, &["parent"]),
        ("no tenant", pb::CreateTicketRequest { parent: "tenants/".into(), ..good.clone() }, &["parent"]),
    ];
    for (what, request, fields) in list {
        let answer = anna.create_ticket(request).await;
        cases.invalid(what, answer, fields);
    }
    let elsewhere = pb::CreateTicketRequest { parent: "tenants/globex".into(), ..good.clone() };
    cases.refused("another tenant", anna.create_ticket(elsewhere).await, "NotFound RESOURCE_NOT_FOUND", &[]);
    cases.finish().await;
}

#[tokio::test]
async fn tickets_that_name_what_there_is_not() {
    let mut cases = Cases::of(Desk::open().await).await;
    let desk = &cases.desk;
    let mut anna = tickets(desk);
    let good = create(desk, titled("Drucker"));
    let ticket = |ticket: pb::Ticket| pb::CreateTicketRequest { ticket: Some(ticket), ..good.clone() };
    let key = |source: &str, id: &str| pb::ExternalKey { source: source.into(), id: id.into() };
    let list: Vec<(&str, pb::CreateTicketRequest, &[&str])> = vec![
        (
            "unknown values",
            pb::CreateTicketRequest {
                on_conflict: 99,
                ..ticket(pb::Ticket {
                    kind: 99,
                    channel: -1,
                    impact: 99,
                    urgency: i32::MAX,
                    ..titled("Drucker")
                })
            },
            &["on_conflict", "ticket.kind", "ticket.channel", "ticket.impact", "ticket.urgency"],
        ),
        (
            "names of elsewhere and of nobody",
            ticket(pb::Ticket {
                requester: "tenants/globex/contacts/c1".into(),
                organization: "acme".into(),
                ..titled("Drucker")
            }),
            &["ticket.requester", "ticket.organization"],
        ),
        (
            "what is not configured",
            ticket(pb::Ticket {
                category: "moon".into(),
                custom_fields: [("moon".to_owned(), value(pb::field_value::Kind::IntValue(1)))].into(),
                ..titled("Drucker")
            }),
            &["ticket.category", "ticket.custom_fields.moon"],
        ),
        (
            "a custom field without a value, half an external key",
            ticket(pb::Ticket {
                custom_fields: [("serial_number".to_owned(), pb::FieldValue::default())].into(),
                external_key: Some(key("", "1")),
                ..titled("Drucker")
            }),
            &["ticket.custom_fields.serial_number", "ticket.external_key.source"],
        ),
    ];
    for (what, request, fields) in list {
        let answer = anna.create_ticket(request).await;
        cases.invalid(what, answer, fields);
    }
    for (seconds, nanos) in ABSURD {
        let time = value(pb::field_value::Kind::TimeValue(at(seconds, nanos)));
        let since = pb::Ticket { custom_fields: [("since".to_owned(), time)].into(), ..titled("Drucker") };
        let answer = anna.create_ticket(ticket(since)).await;
        cases.invalid("an absurd time", answer, &["ticket.custom_fields.since"]);
    }
    cases.finish().await;
}

#[tokio::test]
async fn tickets_with_what_cannot_be_kept() {
    let mut cases = Cases::of(Desk::open().await).await;
    let desk = &cases.desk;
    let (mut anna, parent) = (tickets(desk), desk.parent());
    let good = create(desk, titled("Drucker"));
    let ticket = |ticket: pb::Ticket| pb::CreateTicketRequest { ticket: Some(ticket), ..good.clone() };
    let nul = "a\0b".to_owned();
    let key = |source: &str, id: &str| pb::ExternalKey { source: source.into(), id: id.into() };
    let list: Vec<(&str, pb::CreateTicketRequest, &[&str])> = vec![
        (
            "NUL wherever there is text",
            ticket(pb::Ticket {
                description: nul.clone(),
                requester: format!("{parent}/contacts/{nul}"),
                organization: format!("{parent}/organizations/{nul}"),
                product: nul.clone(),
                language_code: nul.clone(),
                custom_fields: [(
                    "serial_number".to_owned(),
                    value(pb::field_value::Kind::StringValue(nul.clone())),
                )]
                .into(),
                tags: vec!["vip".into(), nul.clone()],
                annotations: [(nul.clone(), String::new())].into(),
                external_key: Some(key(&nul, &nul)),
                ..titled(&nul)
            }),
            &[
                "ticket.title",
                "ticket.description",
                "ticket.requester",
                "ticket.organization",
                "ticket.product",
                "ticket.language_code",
                "ticket.custom_fields.serial_number",
                "ticket.tags[1]",
                "ticket.annotations",
                "ticket.external_key.source",
                "ticket.external_key.id",
            ],
        ),
        (
            "a request_id with NUL",
            pb::CreateTicketRequest { request_id: nul.clone(), ..good.clone() },
            &["request_id"],
        ),
    ];
    for (what, request, fields) in list {
        let answer = anna.create_ticket(request).await;
        cases.invalid(what, answer, fields);
    }
    cases.finish().await;
}

#[tokio::test]
async fn tickets_with_too_much() {
    let mut cases = Cases::of(Desk::open().await).await;
    let desk = &cases.desk;
    let (mut anna, parent) = (tickets(desk), desk.parent());
    let good = create(desk, titled("Drucker"));
    let ticket = |ticket: pb::Ticket| pb::CreateTicketRequest { ticket: Some(ticket), ..good.clone() };
    let list: Vec<(&str, pb::CreateTicketRequest, &[&str])> = vec![
        ("200 tags", ticket(pb::Ticket { tags: many(200).collect(), ..titled("Drucker") }), &["ticket.tags"]),
        (
            "1000 annotations",
            ticket(pb::Ticket {
                annotations: many(1000).map(|key| (key, "x".into())).collect(),
                ..titled("Drucker")
            }),
            &["ticket.annotations"],
        ),
        (
            "a request_id of 10000",
            pb::CreateTicketRequest { request_id: "r".repeat(10_000), ..good.clone() },
            &["request_id"],
        ),
    ];
    for (what, request, fields) in list {
        let answer = anna.create_ticket(request).await;
        cases.invalid(what, answer, fields);
    }

    // More faults than an answer can carry: the first are told, the others counted.
    let made_up: BTreeMap<_, _> = many(1000)
        .map(|key| (key + &"é".repeat(500), value(pb::field_value::Kind::BoolValue(true))))
        .collect();
    let answer = anna.create_ticket(ticket(pb::Ticket { custom_fields: made_up, ..titled("x") })).await;
    assert_eq!((reason(&answer).as_str(), violations(&answer).len()), (INVALID, 25));
    assert_eq!(facts(&answer, "violations_omitted"), "975");

    let batch = pb::BatchCreateTicketsRequest { parent, requests: vec![good; 101], ..Default::default() };
    cases.invalid("a batch of 101", anna.batch_create_tickets(batch).await, &["requests"]);
    cases.finish().await;
}

#[tokio::test]
async fn a_title_of_10_mib_does_not_break_the_connection() {
    let desk = Desk::open().await;
    let mut cases = Cases::of(desk).await;
    let mut anna = tickets(&cases.desk);
    let large = create(&cases.desk, titled(&"x".repeat(10 << 20)));
    let answer = anna.create_ticket(large).await;
    cases.refused("10 MiB", answer, "ResourceExhausted PAYLOAD_TOO_LARGE", &[]);
    let list = pb::ListTicketsRequest { parent: cases.desk.parent(), ..Default::default() };
    anna.list_tickets(list).await.expect("the same connection goes on");
    cases.finish().await;
}

#[tokio::test]
async fn bytes_that_are_no_message() {
    let desk = Desk::open().await;
    let mut cases = Cases::of(desk).await;
    // Field 1 is the parent; field 2 the ticket, of which field 7 is the title.
    let (text, cut, wire_type) = (vec![0x0a, 2, 0xc3, 0x28], vec![0x0a, 200, b'x'], vec![0x0d, 0, 0, 0, 0]);
    let mut nested = prost::Message::encode_to_vec(&create(&cases.desk, titled("?????")));
    let title = nested.windows(5).position(|bytes| bytes == b"?????").expect("the title");
    nested[title] = 0xff;
    for (what, bytes, fields) in [
        ("a name that is not UTF-8", text, &["parent"]),
        ("a title that is not UTF-8", nested, &["ticket.title"]),
        ("another wire type", wire_type, &["parent"]),
        ("cut off", cut, &["parent"]),
        ("noise", vec![0xff; 64], &[""]),
    ] {
        let mut grpc = Grpc::new(cases.desk.agent("anna"));
        grpc.ready().await.expect("ready");
        let path = PathAndQuery::from_static("/ticketing.v1.TicketService/CreateTicket");
        let answer = grpc.unary(Request::new(bytes), path, Raw).await;
        cases.invalid(what, answer, fields);
    }
    cases.finish().await;
}

#[tokio::test]
async fn verbs_that_make_no_sense() {
    let desk = Desk::open().await;
    let ticket = record(&desk, "Drucker").await;
    let name = ticket.name.clone();
    let note = pb::HoldTicketRequest { name: name.clone(), note: "x".into(), ..Default::default() };
    tickets(&desk).hold_ticket(note.clone()).await.expect("held");
    let mut cases = Cases::of(desk).await;
    let mut anna = tickets(&cases.desk);

    let stale = pb::ResumeTicketRequest { name: name.clone(), etag: ticket.etag, ..Default::default() };
    cases.refused(
        "an etag of yesterday",
        anna.resume_ticket(stale.clone()).await,
        "Aborted ETAG_MISMATCH",
        &[],
    );
    let junk = pb::ResumeTicketRequest { etag: "W/yesterday".into(), ..stale };
    cases.invalid("an etag of somebody else", anna.resume_ticket(junk).await, &["etag"]);
    let wrong = pb::HoldTicketRequest {
        kind: 99,
        until_time: Some(at(i64::MAX, 0)),
        vendor_reference: "x".repeat(1000),
        note: "x".repeat(100_000),
        reason: "a\0".into(),
        etag: "1".into(),
        ..note.clone()
    };
    let fields = ["etag", "note", "reason", "kind", "until_time", "vendor_reference"];
    cases.invalid("all at once", anna.hold_ticket(wrong).await, &fields);
    for (seconds, nanos) in ABSURD {
        let hold = pb::HoldTicketRequest { until_time: Some(at(seconds, nanos)), ..note.clone() };
        cases.invalid("an absurd hold", anna.hold_ticket(hold).await, &["until_time"]);
        let read = pb::GetTicketRequest {
            name: name.clone(),
            read_time: Some(at(seconds, nanos)),
            ..Default::default()
        };
        cases.invalid("an absurd read_time", anna.get_ticket(read).await, &["read_time"]);
    }
    for bad in ["", "tenants/acme", "tenants/acme/tickets/", "tenants/acme/tickets/a\0", "tickets/1", "x"] {
        let hold = pb::HoldTicketRequest { name: bad.into(), ..Default::default() };
        cases.invalid(bad, anna.hold_ticket(hold).await, &["name"]);
    }
    let get = pb::GetTicketRequest { view: 99, min_revision: "x".into(), name, ..Default::default() };
    cases.invalid("a view of the moon", anna.get_ticket(get).await, &["view", "min_revision"]);
    let foreign = pb::HoldTicketRequest { name: note.name.replace("acme", "globex"), ..Default::default() };
    cases.refused("another tenant", anna.hold_ticket(foreign).await, "NotFound RESOURCE_NOT_FOUND", &[]);
    cases.finish().await;
}

#[tokio::test]
async fn masks_and_escalations_that_lead_nowhere() {
    let desk = Desk::open().await;
    let name = record(&desk, "Drucker").await.name;
    let mut cases = Cases::of(desk).await;
    let mut anna = tickets(&cases.desk);
    let mask = |paths: &[&str]| {
        let paths = paths.iter().map(|path| (*path).to_owned()).collect();
        pb::UpdateTicketRequest {
            ticket: Some(pb::Ticket { name: name.clone(), ..titled("Plotter") }),
            update_mask: Some(prost_types::FieldMask { paths }),
            ..Default::default()
        }
    };
    let paths = ["title", "state", "", "moon", "custom_fields.", "ticket.title", "annotations"];
    let places =
        ["update_mask.paths[1]", "update_mask.paths[2]", "update_mask.paths[3]", "update_mask.paths[5]"];
    cases.invalid("a mask of the moon", anna.update_ticket(mask(&paths)).await, &places);
    cases.invalid("an empty mask", anna.update_ticket(mask(&[])).await, &["update_mask"]);

    let mut escalations = EscalationServiceClient::new(cases.desk.agent("anna"));
    let wrong = pb::EscalateTicketRequest { name: name.clone(), mode: 99, ..Default::default() };
    let fields = ["mode", "target", "escalation_reason", "justification"];
    cases.invalid("nowhere", escalations.escalate_ticket(wrong).await, &fields);
    let nul = pb::GetEscalationRequest { name: format!("{name}/escalations/\0") };
    cases.refused("NUL", escalations.get_escalation(nul).await, "NotFound RESOURCE_NOT_FOUND", &[]);
    cases.finish().await;
}

/// A list of pages of one.
fn page(parent: &str, filter: &str) -> pb::ListTicketsRequest {
    pb::ListTicketsRequest {
        parent: parent.into(),
        filter: filter.into(),
        page_size: 1,
        ..Default::default()
    }
}

/// What lists have in common, asked of ListTickets.
#[tokio::test]
async fn pages_of_somebody_else() {
    let desk = Desk::open().await;
    let globex = TenantId::parse("globex").expect("a tenant");
    put_in_force(desk.root(), &globex, &sample(), desk.now()).await;
    let mut anybody = TicketServiceClient::new(desk.channel());
    for parent in ["tenants/acme", "tenants/acme", "tenants/globex", "tenants/globex"] {
        let request = pb::CreateTicketRequest { parent: parent.into(), ..create(&desk, titled("Drucker")) };
        anybody.create_ticket(request).await.expect("recorded");
    }
    let good = page("tenants/acme", "state = NEW");
    let token = anybody.list_tickets(good.clone()).await.expect("a page").into_inner().next_page_token;
    assert!(!token.is_empty());
    let mut cases = Cases::of(desk).await;
    let not_this_list = "InvalidArgument PAGE_TOKEN_INVALID";
    for (what, request) in [
        ("another tenant's", page("tenants/globex", "state = NEW")),
        ("another filter's", page("tenants/acme", "state = OPEN")),
        ("another order's", pb::ListTicketsRequest { order_by: "number".into(), ..good.clone() }),
    ] {
        let request = pb::ListTicketsRequest { page_token: token.clone(), ..request };
        cases.refused(what, anybody.list_tickets(request).await, not_this_list, &["page_token"]);
    }
    for junk in ["x", "ä\0", &"A".repeat(100_000), &token[1..]] {
        let request = pb::ListTicketsRequest { page_token: junk.to_owned(), ..good.clone() };
        cases.refused("junk", anybody.list_tickets(request).await, not_this_list, &["page_token"]);
    }
    let mut customers = CustomerServiceClient::new(cases.desk.channel());
    let request = pb::ListContactsRequest {
        parent: "tenants/acme".into(),
        page_token: token.clone(),
        ..Default::default()
    };
    cases.refused("another method's", customers.list_contacts(request).await, not_this_list, &["page_token"]);
    cases.finish().await;
}

#[tokio::test]
async fn lists_of_nothing_that_is() {
    let mut cases = Cases::of(Desk::open().await).await;
    let mut anybody = TicketServiceClient::new(cases.desk.channel());
    let good = page("tenants/acme", "");
    for (what, request, expected, field) in [
        ("less than nothing", pb::ListTicketsRequest { page_size: -1, ..good.clone() }, INVALID, "page_size"),
        (
            "an order of the moon",
            pb::ListTicketsRequest { order_by: "title".into(), ..good.clone() },
            INVALID,
            "order_by",
        ),
        ("no filter", page("tenants/acme", "((("), "InvalidArgument FILTER_INVALID", "filter"),
        ("NUL", page("tenants/acme", "title = \"\0\""), "InvalidArgument FILTER_INVALID", "filter"),
        (
            "a filter without end",
            page("tenants/acme", &"a".repeat(100_000)),
            "InvalidArgument FILTER_INVALID",
            "filter",
        ),
        ("no such view", pb::ListTicketsRequest { view: -7, ..good.clone() }, INVALID, "view"),
    ] {
        cases.refused(what, anybody.list_tickets(request).await, expected, &[field]);
    }
    let names = vec![format!("tenants/acme/tickets/{}", "0".repeat(26)); 101];
    let request = pb::BatchGetTicketsRequest { parent: "tenants/acme".into(), names, view: 99 };
    cases.invalid("101 names", anybody.batch_get_tickets(request).await, &["view", "names"]);
    let mut events = EventServiceClient::new(cases.desk.channel());
    for (seconds, nanos) in ABSURD {
        let start = pb::list_events_request::Start::StartTime(at(seconds, nanos));
        let request = pb::ListEventsRequest {
            parent: "tenants/acme".into(),
            start: Some(start),
            page_size: -1,
            ..Default::default()
        };
        let answer = events.list_events(request).await;
        cases.invalid("events of no time", answer, &["start_time", "page_size"]);
    }
    cases.finish().await;
}

#[tokio::test]
async fn documents_that_cannot_be() {
    let desk = Desk::open().await;
    let mut cases = Cases::of(desk).await;
    let mut admin = ConfigurationServiceClient::new(cases.desk.admin());
    let good = pb::Configuration {
        name: format!("{}/configuration", cases.desk.parent()),
        ..wire::message(&sample())
    };
    let apply = |document: pb::Configuration| pb::ApplyConfigurationRequest {
        configuration: Some(document),
        ..Default::default()
    };
    let mut wrong = good.clone();
    wrong.categories[0].parent = "hardware.printer".into();
    wrong.routing_rules[3].queue = "gone".into();
    let fields = ["categories[key=\"hardware\"].parent", "routing_rules[key=\"german\"].queue"];
    let answer = admin.apply_configuration(apply(wrong)).await;
    cases.refused("a cycle and a rule to nowhere", answer, "InvalidArgument CONFIGURATION_INVALID", &fields);

    let mut wrong = good.clone();
    wrong.routing_rules[3].condition = "ticket.title == \"\0\"".into();
    wrong.teams[0].display_name = "a\0".into();
    let fields = ["teams[key=\"desk-de\"].display_name", "routing_rules[key=\"german\"].condition"];
    let answer = admin.apply_configuration(apply(wrong)).await;
    cases.refused("NUL", answer, "InvalidArgument CONFIGURATION_INVALID", &fields);

    let mut wrong = good.clone();
    wrong.routing_rules[0].condition = "ticket.kind == \"INCIDENT\" && ticket.title > 5".into();
    wrong.routing_rules[1].condition = "ticket.impact == \"SEVERE\"".into();
    wrong.routing_rules[2].condition = "ticket.custom_fields.gone == \"x\"".into();
    wrong.routing_rules[3].condition = "ticket.title.matches(\"(\")".into();
    let fields = ["outage", "english", "invoices", "german"]
        .map(|key| format!("routing_rules[key={key:?}].condition"));
    let fields = fields.each_ref().map(String::as_str);
    let answer = admin.apply_configuration(apply(wrong)).await;
    cases.refused("conditions that cannot work", answer, "InvalidArgument CONFIGURATION_INVALID", &fields);
    let stale = pb::ApplyConfigurationRequest { etag: "\"7\"".into(), ..apply(good) };
    cases.refused("another's etag", admin.apply_configuration(stale).await, "Aborted ETAG_MISMATCH", &[]);
    cases.finish().await;
}

#[tokio::test]
async fn plans_that_cannot_be() {
    let mut cases = Cases::of(Desk::open().await).await;
    let name = format!("{}/organizations/o1", cases.desk.parent());
    let mut customers = CustomerServiceClient::new(cases.desk.manager());
    for plan in [" ", "gold ", "a\0", &"x".repeat(65)] {
        let organization = pb::Organization {
            name: name.clone(),
            display_name: "O".into(),
            plan: plan.into(),
            ..Default::default()
        };
        let request =
            pb::UpsertOrganizationRequest { organization: Some(organization), ..Default::default() };
        cases.invalid(plan, customers.upsert_organization(request).await, &["organization.plan"]);
    }
    cases.finish().await;
}

#[tokio::test]
async fn people_who_cannot_be() {
    let mut cases = Cases::of(Desk::open().await).await;
    let parent = cases.desk.parent();
    let mut agents = AgentServiceClient::new(cases.desk.manager());
    for (what, agent, fields) in [
        ("nobody", pb::Agent::default(), &["agent.name"] as &[&str]),
        ("no key", pb::Agent { name: format!("{parent}/agents/ "), ..Default::default() }, &["agent.name"]),
        (
            "all at once",
            pb::Agent {
                name: format!("{parent}/agents/bert"),
                etag: "x".into(),
                teams: vec!["moon".into()],
                skills: vec![pb::AgentSkill { skill: "a\0".into(), level: 9 }],
                capacity: -1,
                ..Default::default()
            },
            &[
                "agent.etag",
                "agent.display_name",
                "agent.capacity",
                "agent.teams[0]",
                "agent.skills[0]",
                "agent.skills[0].level",
            ],
        ),
    ] {
        let request = pb::UpsertAgentRequest { agent: Some(agent), validate_only: false };
        cases.invalid(what, agents.upsert_agent(request).await, fields);
    }
    let mut customers = CustomerServiceClient::new(cases.desk.manager());
    let contact = pb::Contact {
        name: format!("{parent}/contacts/c1"),
        etag: "x".into(),
        display_name: "a\0".into(),
        organization: "tenants/globex/organizations/o".into(),
        email: "x".repeat(1000),
        phone: "a\0".into(),
        language_code: "x".repeat(1000),
        annotations: (0..100).map(|n| (n.to_string(), "x".into())).collect(),
        ..Default::default()
    };
    let fields = [
        "contact.etag",
        "contact.display_name",
        "contact.organization",
        "contact.email",
        "contact.phone",
        "contact.language_code",
        "contact.annotations",
    ];
    let request = pb::UpsertContactRequest { contact: Some(contact), validate_only: false };
    cases.invalid("a contact, all at once", customers.upsert_contact(request).await, &fields);
    cases.finish().await;
}
