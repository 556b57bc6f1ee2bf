//! Pages lose nothing and double nothing, whatever happens between them, in every order.

use std::{collections::HashSet, time::Duration};

use proptest::{
    prelude::*,
    strategy::ValueTree,
    test_runner::{Config, RngSeed, TestRunner},
};
use ticketing_proto::v1 as pb;

use super::{Tickets, edit, record};
use crate::support::Desk;

const ORDERS: &[&str] = &[
    "create_time",
    "create_time desc",
    "update_time",
    "update_time desc",
    "priority",
    "priority desc",
    "number",
    "number desc",
];
const PRIORITIES: usize = 4;

/// Something that happens between two pages.
#[derive(Clone, Debug)]
enum Happens {
    Create,
    Touch(prop::sample::Index),
    Prioritise(prop::sample::Index, usize),
}

#[derive(Clone, Debug)]
struct Story {
    order: &'static str,
    page_size: i32,
    priorities: Vec<usize>,
    /// What happens after each page; nothing more when they run out.
    between: Vec<Vec<Happens>>,
}

fn some_happening() -> impl Strategy<Value = Happens> {
    prop_oneof![
        1 => Just(Happens::Create),
        2 => any::<prop::sample::Index>().prop_map(Happens::Touch),
        3 => (any::<prop::sample::Index>(), 0..PRIORITIES).prop_map(|(which, rank)| Happens::Prioritise(which, rank)),
    ]
}

fn some_story() -> impl Strategy<Value = Story> {
    (
        prop::sample::select(ORDERS),
        1..5,
        prop::collection::vec(0..PRIORITIES, 1..12),
        prop::collection::vec(prop::collection::vec(some_happening(), 0..6), 0..8),
    )
        .prop_map(|(order, page_size, priorities, between)| Story {
            order,
            page_size,
            priorities,
            between,
        })
}

/// Stories of one desk: each has a product of its own, by which it is filtered.
struct Teller<'a> {
    desk: &'a Desk,
    tickets: Tickets,
    product: String,
    /// Every ticket of the story, in the order of creation.
    names: Vec<String>,
}

impl Teller<'_> {
    async fn create(&mut self) {
        let ticket = pb::Ticket { title: "t".into(), product: self.product.clone(), ..Default::default() };
        let created = record(self.desk, ticket).await;
        self.names.push(created.name);
    }

    async fn prioritise(&self, name: &str, rank: usize) {
        edit(self.desk, name, |ticket| {
            ticket.priority = format!("P{}", rank + 1);
            ticket.priority_rank = rank as i32;
        })
        .await;
    }

    async fn happen(&mut self, happening: &Happens) {
        self.desk.advance(Duration::from_millis(1));
        match happening {
            Happens::Create => self.create().await,
            Happens::Touch(which) => {
                let name = which.get(&self.names).clone();
                edit(self.desk, &name, |ticket| ticket.title.push('!')).await;
            }
            Happens::Prioritise(which, rank) => {
                let name = which.get(&self.names).clone();
                self.prioritise(&name, *rank).await;
            }
        }
    }

    async fn page(&mut self, order: &str, page_size: i32, page_token: String) -> (Vec<String>, String) {
        let request = pb::ListTicketsRequest {
            parent: self.desk.parent(),
            filter: format!("product = {}", self.product),
            order_by: order.into(),
            page_size,
            page_token,
            ..Default::default()
        };
        let page = self.tickets.list_tickets(request).await.expect("a page").into_inner();
        (page.tickets.into_iter().map(|ticket| ticket.name).collect(), page.next_page_token)
    }
}

async fn tell(desk: &Desk, number: usize, story: &Story) {
    let tickets = Tickets::new(desk.agent("anna"));
    let mut teller = Teller { desk, tickets, product: format!("story-{number}"), names: Vec::new() };
    for rank in &story.priorities {
        desk.advance(Duration::from_millis(1));
        teller.create().await;
        let name = teller.names.last().expect("just created").clone();
        teller.prioritise(&name, *rank).await;
    }
    desk.advance(Duration::from_millis(1));
    // All at once, before anything happens: the order that the pages must keep.
    let (expected, _) = teller.page(story.order, 200, String::new()).await;
    assert_eq!(expected.len(), story.priorities.len(), "{story:?}");

    let mut read = Vec::new();
    let mut token = String::new();
    let mut between = story.between.iter();
    loop {
        let (page, next) = teller.page(story.order, story.page_size, token).await;
        assert!(page.len() <= story.page_size as usize);
        read.extend(page);
        if next.is_empty() {
            break;
        }
        for happening in between.next().into_iter().flatten() {
            teller.happen(happening).await;
        }
        token = next;
    }
    let distinct: HashSet<&String> = read.iter().collect();
    assert_eq!(distinct.len(), read.len(), "something came twice: {read:?} in {story:?}");
    let old: Vec<&String> = read.iter().filter(|name| expected.contains(name)).collect();
    assert_eq!(old, expected.iter().collect::<Vec<_>>(), "lost or out of order: {story:?}");
}

#[tokio::test]
async fn nothing_is_lost_or_doubled_while_tickets_are_recorded_and_changed() {
    let desk = Desk::open().await;
    let mut runner = TestRunner::new(Config { rng_seed: RngSeed::Fixed(7), ..Config::default() });
    for number in 0..60 {
        let story = some_story().new_tree(&mut runner).expect("a story").current();
        tell(&desk, number, &story).await;
    }
    desk.finish().await;
}

#[tokio::test]
async fn a_page_ends_near_a_mebibyte() {
    let desk = Desk::open().await;
    let mut tickets = Tickets::new(desk.agent("anna"));
    for _ in 0..20 {
        let ticket =
            pb::Ticket { title: "long".into(), description: "ä".repeat(65_536), ..Default::default() };
        record(&desk, ticket).await;
    }
    let mut seen = 0;
    let mut page_token = String::new();
    loop {
        let request = pb::ListTicketsRequest {
            parent: desk.parent(),
            page_size: 200,
            view: pb::TicketView::Full.into(),
            page_token,
            ..Default::default()
        };
        let page = tickets.list_tickets(request).await.expect("a page").into_inner();
        let bytes: usize = page.tickets.iter().map(prost::Message::encoded_len).sum();
        assert!(bytes <= 1 << 20, "{bytes}");
        assert!(page.tickets.iter().all(|ticket| ticket.description.chars().count() == 65_536));
        seen += page.tickets.len();
        page_token = page.next_page_token;
        if page_token.is_empty() {
            break;
        }
        assert_eq!(page.tickets.len(), 7, "as many as fit");
    }
    assert_eq!(seen, 20);
    desk.finish().await;
}
