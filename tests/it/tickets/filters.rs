//! What a filter selects in Postgres is what it says about the tickets themselves.

use std::{collections::BTreeMap, time::Duration};

use jiff::Timestamp;
use proptest::{
    prelude::*,
    strategy::ValueTree,
    test_runner::{Config, RngSeed, TestRunner},
};
use ticketing::{
    ctx::Ctx,
    filter::{self, Field, Kind, Lookup, Scope, Value},
    tickets::{Json, Resolution, Shown, State, Ticket, fields::FIELDS, get},
};
use ticketing_proto::v1 as pb;

use super::{Tickets, edit, record};
use crate::support::Desk;

const WORDS: &[&str] = &["anna", "Bert", "x_1", "50%", "ÄÖ", "l2"];

/// A ticket as filters see it.
struct Row(BTreeMap<&'static str, Held>);

enum Held {
    Text(String),
    Set(Vec<String>),
    Int(i64),
    Bool(bool),
    Time(Timestamp),
    Map(serde_json::Value),
}

impl Row {
    fn of(ticket: &Ticket) -> Self {
        let fields = serde_json::to_value(ticket).expect("plain data");
        let held = |field: &Field| {
            let value = match field.name {
                "resolution_code" => fields["resolution"]["code"].clone(),
                "team_count" => ticket.teams.len().into(),
                name => fields[name].clone(),
            };
            let text = || value.as_str().map(str::to_owned);
            Some(match field.kind {
                Kind::Text | Kind::Enum(_) => Held::Text(text()?),
                Kind::TextSet => Held::Set(serde_json::from_value(value).ok()?),
                Kind::Int => Held::Int(value.as_i64()?),
                Kind::Bool => Held::Bool(value.as_bool()?),
                Kind::Time => Held::Time(text()?.parse().expect("a time")),
                Kind::Json => Held::Map(value),
            })
        };
        Self(FIELDS.0.iter().filter_map(|field| Some((field.name, held(field)?))).collect())
    }
}

impl Lookup for Row {
    fn get(&self, field: &str) -> Option<Value<'_>> {
        Some(match self.0.get(field)? {
            Held::Text(text) => Value::Text(text),
            Held::Set(set) => Value::TextSet(set),
            Held::Int(number) => Value::Int(*number),
            Held::Bool(value) => Value::Bool(*value),
            Held::Time(time) => Value::Time(*time),
            Held::Map(map) => Value::Json(map),
        })
    }
}

/// One comparison of any field with a value that may well occur.
fn some_test() -> impl Strategy<Value = String> {
    let word = || prop::sample::select(WORDS).prop_map(|word| format!("\"{word}\""));
    (0..FIELDS.0.len()).prop_flat_map(move |field| {
        let field = &FIELDS.0[field];
        let name = field.name;
        let orders = prop::sample::select(&["=", "!=", "<", "<=", ">", ">="][..]);
        let set = Just(format!("{name}:*"));
        match field.kind {
            Kind::Text => prop_oneof![
                2 => (prop::sample::select(&["=", "!=", ":"][..]), word()).prop_map(move |(o, w)| format!("{name} {o} {w}")),
                1 => Just(format!("{name} = \"\"")),
                1 => Just(format!("{name} = A*")),
                1 => Just(format!("{name} = me()")),
                1 => set,
            ]
            .boxed(),
            Kind::TextSet => prop_oneof![3 => word().prop_map(move |w| format!("{name}:{w}")), 1 => set].boxed(),
            Kind::Enum(names) => (prop::sample::select(&["=", "!="][..]), prop::sample::select(names))
                .prop_map(move |(o, value)| format!("{name} {o} {value}"))
                .boxed(),
            Kind::Int => (orders, 0..4_i64).prop_map(move |(o, n)| format!("{name} {o} {n}")).boxed(),
            Kind::Bool => any::<bool>().prop_map(move |value| format!("{name} = {value}")).boxed(),
            Kind::Time => prop_oneof![
                (orders, 0..90_i64).prop_map(move |(o, s)| {
                    let time: Timestamp = crate::support::START.parse().expect("a time");
                    let time = Timestamp::from_second(time.as_second() + s).expect("in range");
                    format!("{name} {o} {time}")
                }),
                Just(format!("{name} < now()")),
                set,
            ]
            .boxed(),
            Kind::Json => prop_oneof![
                (prop::sample::select(&["serial_number", "k", "production"][..]), word())
                    .prop_map(move |(key, w)| format!("{name}.{key} = {w}")),
                Just(format!("{name}.production = true")),
                Just(format!("{name}.k:*")),
            ]
            .boxed(),
        }
    })
}

fn some_filter() -> impl Strategy<Value = String> {
    prop::collection::vec((any::<bool>(), some_test()), 1..4).prop_flat_map(|tests| {
        let tests: Vec<String> =
            tests.into_iter().map(|(not, test)| if not { format!("NOT {test}") } else { test }).collect();
        prop::sample::select(&[" AND ", " OR "][..]).prop_map(move |join| tests.join(join))
    })
}

/// A ticket with something in every field, or nothing.
fn furnish(ticket: &mut Ticket, pick: &mut impl FnMut(usize) -> usize) {
    let word = |pick: &mut dyn FnMut(usize) -> usize| {
        if pick(3) == 0 { String::new() } else { WORDS[pick(WORDS.len())].to_owned() }
    };
    for text in [
        &mut ticket.title,
        &mut ticket.requester,
        &mut ticket.organization,
        &mut ticket.plan,
        &mut ticket.category,
        &mut ticket.product,
        &mut ticket.level,
        &mut ticket.vendor_reference,
        &mut ticket.first_level,
    ] {
        *text = word(pick);
    }
    ticket.assignee = Some(word(pick)).filter(|agent| !agent.is_empty());
    ticket.queue_time = if ticket.assignee.is_some() { None } else { ticket.queue_time };
    ticket.tags = (0..pick(3)).map(|_| WORDS[pick(WORDS.len())].to_owned()).collect();
    ticket.followers = (0..pick(3)).map(|_| WORDS[pick(WORDS.len())].to_owned()).collect();
    ticket.state = State::ALL[pick(5)];
    ticket.reopen_count = pick(3) as i32;
    ticket.imported = false;
    ticket.resolve_time = (pick(2) == 0).then_some(ticket.create_time);
    ticket.resolution = (pick(2) == 0)
        .then(|| Json(Resolution { code: WORDS[pick(WORDS.len())].to_owned(), ..Resolution::default() }));
    if pick(2) == 0 {
        ticket.annotations.insert("k".into(), WORDS[pick(WORDS.len())].to_owned());
    }
    if pick(2) == 0 {
        let value = ticketing::tickets::FieldValue::Bool(pick(2) == 0);
        ticket.custom_fields.insert("production".into(), value);
    }
}

#[tokio::test]
async fn postgres_and_memory_agree_on_every_field() {
    let desk = Desk::open().await;
    let mut tickets = Tickets::new(desk.agent("anna"));
    let mut runner = TestRunner::new(Config { rng_seed: RngSeed::Fixed(3), ..Config::default() });
    let mut rows = Vec::new();
    let ctx = Ctx::system(desk.tenant.clone(), "test", desk.now());
    for _ in 0..25 {
        desk.advance(Duration::from_secs(3));
        let ticket = pb::Ticket { title: "t".into(), ..Default::default() };
        let name = record(&desk, ticket).await.name;
        let mut pick = |n: usize| (0..n).new_tree(&mut runner).expect("a number").current();
        edit(&desk, &name, |ticket| furnish(ticket, &mut pick)).await;
        let id = name.rsplit('/').next().expect("a name").parse().expect("an id");
        let shown: std::sync::Arc<Shown> = get(&desk.app, &ctx, id).await.expect("the ticket");
        rows.push((name, Row::of(&shown)));
    }
    let scope = Scope { now: *desk.now(), me: "anna" };
    let (mut some, mut none) = (0, 0);
    for _ in 0..400 {
        let text = some_filter().new_tree(&mut runner).expect("a filter").current();
        let expr = filter::parse(&text, &FIELDS).expect("a filter").expect("not blank");
        let mut expected: Vec<&str> =
            rows.iter().filter(|(_, row)| expr.matches(row, &scope)).map(|(name, _)| name.as_str()).collect();
        expected.sort_unstable();
        let request = pb::ListTicketsRequest {
            parent: desk.parent(),
            filter: text.clone(),
            page_size: 200,
            ..Default::default()
        };
        let page = tickets.list_tickets(request).await.expect("a page").into_inner().tickets;
        let mut found: Vec<&str> = page.iter().map(|ticket| ticket.name.as_str()).collect();
        found.sort_unstable();
        assert_eq!(found, expected, "{text}");
        let request = pb::CountTicketsRequest { parent: desk.parent(), filter: text, ..Default::default() };
        let count = tickets.count_tickets(request).await.expect("a count").into_inner();
        assert_eq!((count.count as usize, count.capped), (expected.len(), false));
        *(if expected.is_empty() { &mut none } else { &mut some }) += 1;
    }
    assert!(some > 100 && none > 20, "the filters must tell tickets apart: {some} {none}");
    desk.finish().await;
}
