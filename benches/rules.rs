//! What the pure rules cost, without a database: `cargo bench --bench rules`.

use std::sync::Arc;

use divan::{Bencher, black_box};
use ticketing::{
    configuration::{Configuration, Document},
    ctx::{Action, Actor, ActorKind, Ctx, Role},
    events::EventType,
    filter::{self, Field, Kind, Schema},
    ids::{Id, TenantId},
    routing,
    tickets::{self, Change, State, Ticket, Verb, wire},
};
use ticketing_proto::v1 as pb;

fn main() {
    divan::main();
}

#[divan::bench]
fn state_table(bencher: Bencher) {
    bencher.bench(|| {
        for state in State::ALL {
            for verb in Verb::ALL {
                _ = black_box(tickets::advance(black_box(*state), *verb));
            }
        }
    });
}

#[divan::bench]
fn route_by_four_rules(bencher: Bencher) {
    let (configuration, ticket) = (configuration(), ticket());
    bencher.bench(|| routing::decide(black_box(&configuration), black_box(&ticket)));
}

/// A rule for each thing that a condition can spend its steps on.
const COSTLY: &[&str] = &[
    "ticket.tags.all(t, ticket.tags.all(u, t != ticket.title || u != \"\"))",
    "ticket.tags.map(t, ticket.tags.map(u, [t, u])).size() == 0",
    "ticket.tags.map(t, ticket.tags.map(u, {t + u: 1})).size() == 0",
    "ticket.tags.map(t, ticket.tags.map(u, t + u + ticket.title)).size() == 0",
    "ticket.tags.exists(t, ticket.description.contains(\"aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaab\"))",
    "ticket.tags.exists(t, ticket.description.contains(ticket.description + \"b\") || t == \"x\")",
    "ticket.tags.map(t, ticket.description + t).size() == 0",
    "ticket.tags.exists(t, bytes(ticket.description) == b\"a\" || t == \"x\")",
    "ticket.tags.exists(t, ticket.description.matches(\"[ab]*a[ab]{20}c\"))",
    "ticket.tags.exists(t, ticket.description.matches(\"(?i)(urgent|dringend|sofort)\"))",
    "ticket.description.matches(\"[ab]*a[ab]{200}c\")",
    "ticket.tags.exists(t, t.matches(\"[ab]*a(?:[ab]|[ab][ab]|[ab][ab][ab]){10}c\"))",
    "ticket.tags.all(t, ticket.tags.all(u, timestamp(\"2026-03-02T08:00:00Z\").getHours(\"Europe/Berlin\") < 30))",
    "ticket.tags.all(t, ticket.tags.all(u, string(double(\"1e300\")).size() > 3))",
];

/// The longest that a condition may take: each with as many tags, and then as long a description, as it is evaluated for.
#[divan::bench(args = COSTLY, sample_count = 20, sample_size = 1)]
fn route_by_a_costly_rule(bencher: Bencher, condition: &str) {
    let mut document = configuration().document;
    document.routing_rules.truncate(1);
    condition.clone_into(&mut document.routing_rules[0].condition);
    let configuration = Configuration::new(1, document);
    let with = |tags: usize, length: usize| {
        let mut ticket = ticket();
        let letters = (0..length).map(|n| if (n * n + n / 7) % 3 == 0 { 'b' } else { 'a' });
        ticket.description = letters.collect();
        ticket.tags = vec!["abababbaabbabaab".to_owned(); tags];
        ticket
    };
    let answered = |ticket: &Ticket| routing::decide(&configuration, ticket).trials[0].error.is_empty();
    let tags = (0..=50).rev().find(|tags| answered(&with(*tags, 0))).expect("a condition that compiles");
    let lengths: Vec<usize> = (0..=4096).map(|n| n * 64).collect();
    let length = lengths[lengths.partition_point(|length| answered(&with(tags, *length))) - 1];
    let ticket = with(tags, length);
    bencher.bench(|| routing::decide(black_box(&configuration), black_box(&ticket)));
}

#[divan::bench]
fn decide_create(bencher: Bencher) {
    let (ctx, configuration, request) = (ctx(), configuration(), request());
    bencher.bench(|| {
        let create = wire::create(&ctx.tenant, black_box(&request));
        tickets::decide_create(&ctx, &configuration, &create, id(), 1)
    });
}

#[divan::bench]
fn one_step_with_its_event(bencher: Bencher) {
    let ctx = ctx();
    bencher.with_inputs(ticket).bench_values(|ticket| {
        Change::of(ticket).step(&ctx, EventType::TicketHeld, |ticket, _| {
            tickets::enter(ticket, State::OnHold);
        })
    });
}

#[divan::bench]
fn parse_a_filter(bencher: Bencher) {
    const FIELDS: Schema = Schema(&[
        Field { name: "state", column: "state", kind: Kind::Enum(State::NAMES) },
        Field { name: "priority", column: "priority", kind: Kind::Text },
        Field { name: "create_time", column: "create_time", kind: Kind::Time },
    ]);
    let text =
        r#"state = OPEN AND (priority = "P1" OR priority = "P2") AND create_time > 2026-01-01T00:00:00Z"#;
    bencher.bench(|| filter::parse(black_box(text), &FIELDS));
}

fn configuration() -> Configuration {
    let text = include_str!("../demo/configuration.yaml");
    let document: Document = serde_saphyr::from_str(text).expect("the sample configuration reads");
    Configuration::new(1, document)
}

fn ctx() -> Ctx {
    let now = "2026-03-02T08:00:00Z".parse().expect("a time");
    let roles = vec![Role::Agent];
    Ctx {
        tenant: TenantId::parse("acme").expect("a tenant"),
        actor: Actor { kind: ActorKind::Agent, id: "anna".to_owned(), roles, tenants: None },
        now,
        recorded: now,
        request: None,
        traceparent: String::new(),
        action: Action { method: "bench".into(), administers: false },
        call_id: Arc::default(),
    }
}

fn id() -> Id {
    Id(uuid::Uuid::from_u128(1))
}

fn request() -> pb::CreateTicketRequest {
    let ticket = pb::Ticket {
        title: "VPN bricht nach zehn Minuten ab".to_owned(),
        description: "Seit dem letzten Update trennt sich das VPN alle zehn Minuten. ".repeat(4),
        category: "network".to_owned(),
        product: "VPN".to_owned(),
        ..Default::default()
    };
    pb::CreateTicketRequest { parent: "tenants/acme".to_owned(), ticket: Some(ticket), ..Default::default() }
}

fn ticket() -> Ticket {
    let ctx = ctx();
    let create = wire::create(&ctx.tenant, &request());
    tickets::draft(&ctx, &configuration(), &create, id(), 1).expect("a valid draft")
}
