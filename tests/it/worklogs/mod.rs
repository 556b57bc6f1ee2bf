//! Work and what it costs, over real gRPC: entries and reversals, rating, the books.

mod books;
mod merging;
mod stories;

use std::{collections::BTreeMap, time::Duration};

use ticketing_proto::v1::{
    self as pb, billing_service_client::BillingServiceClient, worklog_service_client::WorklogServiceClient,
};

use crate::{
    entitlements::{at, of_orion},
    support::{Client, Desk},
    tickets::record,
};

pub fn worklogs(client: Client) -> WorklogServiceClient<Client> {
    WorklogServiceClient::new(client)
}

pub fn billing(client: Client) -> BillingServiceClient<Client> {
    BillingServiceClient::new(client)
}

/// A service in which a day of work is over.
async fn evening() -> Desk {
    let desk = Desk::open().await;
    desk.advance(Duration::from_hours(24));
    desk
}

/// A ticket of extended support, which is charged.
async fn training(desk: &Desk) -> pb::Ticket {
    record(desk, of_orion(desk, "training")).await
}

/// Work of the Monday, from a time on.
fn work(agent: &str, start: &str, minutes: i64) -> pb::Worklog {
    pb::Worklog {
        agent: if agent.is_empty() { String::new() } else { format!("tenants/acme/agents/{agent}") },
        activity: "call".to_owned(),
        start_time: Some(at(&format!("2026-03-02T{start}Z"))),
        duration: Some(prost_types::Duration { seconds: minutes * 60, nanos: 0 }),
        billable: true,
        note: "telefoniert".to_owned(),
        ..Default::default()
    }
}

fn entering(ticket: &str, worklog: pb::Worklog) -> pb::CreateWorklogRequest {
    pb::CreateWorklogRequest { parent: ticket.to_owned(), worklog: Some(worklog), ..Default::default() }
}

fn reversing(name: &str) -> pb::ReverseWorklogRequest {
    pb::ReverseWorklogRequest { name: name.to_owned(), note: "vertippt".to_owned(), ..Default::default() }
}

async fn enter(desk: &Desk, ticket: &str, worklog: pb::Worklog) -> pb::Worklog {
    let request = entering(ticket, worklog);
    let done = worklogs(desk.manager()).create_worklog(request).await.expect("entered").into_inner();
    done.worklog.expect("an entry")
}

/// The books, all of them, or what of them is asked for.
async fn books(desk: &Desk, request: pb::ListBillablesRequest) -> (Vec<pb::Billable>, String) {
    let request = pb::ListBillablesRequest { parent: desk.parent(), page_size: 200, ..request };
    let page = billing(desk.admin()).list_billables(request).await.expect("a page").into_inner();
    (page.billables, page.snapshot)
}

/// Units and amount of each ticket, as the books sum up; what comes to nothing is left out.
async fn bill(desk: &Desk) -> BTreeMap<String, (i64, i64)> {
    let mut sums: BTreeMap<String, (i64, i64)> = BTreeMap::new();
    for one in books(desk, pb::ListBillablesRequest::default()).await.0 {
        let amount = one.amount.expect("an amount");
        let sum = sums.entry(one.ticket).or_default();
        *sum = (sum.0 + one.units, sum.1 + amount.units * 100 + i64::from(amount.nanos) / 10_000_000);
    }
    sums.retain(|_, sum| *sum != (0, 0));
    sums
}

/// Rates what is marked.
async fn rerate(desk: &Desk) {
    while ticketing::billing::run_once(&desk.app, 100).await.expect("a tick").done > 0 {}
}
