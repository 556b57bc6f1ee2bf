//! Sixteen callers that change tickets as fast as they are let, and never give up on a change: what was not answered is
//! asked again under the same request_id, of whichever server is there.

use std::{
    sync::{
        Arc,
        atomic::{AtomicBool, AtomicUsize, Ordering},
    },
    time::Duration,
};

use anyhow::Context as _;
use ticketing_proto::v1::{
    self as pb, event_service_client::EventServiceClient, ticket_service_client::TicketServiceClient,
};
use tokio::task::JoinSet;
use tonic::{
    Code,
    transport::{Channel, Endpoint},
};

/// Whether it is worth asking again.
fn passes(code: Code) -> bool {
    matches!(
        code,
        Code::Unavailable
            | Code::Aborted
            | Code::DeadlineExceeded
            | Code::Unknown
            | Code::Internal
            | Code::Cancelled
            | Code::ResourceExhausted
    )
}

pub fn channel(address: &str) -> anyhow::Result<Channel> {
    let endpoint = Endpoint::from_shared(address.to_owned())?.connect_timeout(Duration::from_secs(1));
    // A server that was killed does not say goodbye to those who only listen.
    Ok(endpoint.http2_keep_alive_interval(Duration::from_secs(1)).keep_alive_while_idle(true).connect_lazy())
}

/// Records so many tickets, spread over the tenants; answers their names.
pub async fn record(address: &str, tickets: usize, tenants: usize) -> anyhow::Result<Vec<String>> {
    let client = TicketServiceClient::new(channel(address)?);
    let mut names = Vec::new();
    for n in 0..tickets {
        let request = pb::CreateTicketRequest {
            parent: format!("tenants/t{}", n % tenants),
            ticket: Some(pb::Ticket {
                title: "storm".into(),
                language_code: "de".into(),
                ..Default::default()
            }),
            request_id: format!("storm-ticket-{n}"),
            ..Default::default()
        };
        let created = again(|| {
            let (mut client, request) = (client.clone(), request.clone());
            async move { client.create_ticket(request).await }
        })
        .await?;
        names.push(created.into_inner().ticket.context("a ticket")?.name);
    }
    Ok(names)
}

/// How far they are, and whether they shall stop: those who write, and then those who watch.
#[derive(Debug, Default)]
pub struct Progress {
    pub done: AtomicUsize,
    pub enough: AtomicBool,
    pub stop: AtomicBool,
}

/// Has the tickets changed until there were so many changes.
pub fn change(
    addresses: &[String],
    tickets: &[String],
    writers: usize,
    changes: usize,
    progress: &Arc<Progress>,
) -> anyhow::Result<JoinSet<anyhow::Result<()>>> {
    let clients: Vec<_> = addresses
        .iter()
        .map(|address| anyhow::Ok(TicketServiceClient::new(channel(address)?)))
        .collect::<anyhow::Result<_>>()?;
    let next = Arc::new(AtomicUsize::new(0));
    let mut callers = JoinSet::new();
    for writer in 0..writers {
        let (clients, tickets) = (clients.clone(), tickets.to_vec());
        let (next, progress) = (Arc::clone(&next), Arc::clone(progress));
        callers.spawn(async move {
            let mut turn = writer;
            loop {
                let n = next.fetch_add(1, Ordering::Relaxed);
                if n >= changes || progress.enough.load(Ordering::Relaxed) {
                    return Ok(());
                }
                let request = pb::UpdateTicketRequest {
                    ticket: Some(pb::Ticket {
                        name: tickets[n * 7919 % tickets.len()].clone(),
                        title: format!("change {n}"),
                        ..Default::default()
                    }),
                    update_mask: Some(prost_types::FieldMask { paths: vec!["title".into()] }),
                    request_id: format!("storm-{n}"),
                    ..Default::default()
                };
                again(|| {
                    turn += 1;
                    let (mut client, request) = (clients[turn % clients.len()].clone(), request.clone());
                    async move { client.update_ticket(request).await }
                })
                .await
                .with_context(|| format!("change {n}"))?;
                progress.done.fetch_add(1, Ordering::Relaxed);
            }
        });
    }
    Ok(callers)
}

async fn again<T, F>(mut call: impl FnMut() -> F) -> anyhow::Result<T>
where
    F: Future<Output = Result<T, tonic::Status>>,
{
    loop {
        match tokio::time::timeout(Duration::from_secs(10), call()).await {
            Ok(Ok(answer)) => return Ok(answer),
            Ok(Err(status)) if passes(status.code()) => tokio::time::sleep(Duration::from_millis(20)).await,
            Ok(Err(status)) => return Err(status.into()),
            Err(_) => {}
        }
    }
}

/// Where a watcher begins.
#[derive(Clone, Copy, Debug)]
pub enum From {
    TheBeginning,
    Now,
}

/// A watcher of one tenant, that resumes wherever it was cut; gives what it hears to `hear`, until `stop`.
pub async fn watch(
    addresses: Vec<String>,
    tenant: String,
    from: From,
    progress: Arc<Progress>,
    mut hear: impl FnMut(pb::Event),
) -> anyhow::Result<()> {
    let clients: Vec<_> = addresses
        .iter()
        .map(|address| anyhow::Ok(EventServiceClient::new(channel(address)?)))
        .collect::<anyhow::Result<_>>()?;
    let (mut cursor, mut turn) = (None, 0);
    while !progress.stop.load(Ordering::Relaxed) {
        turn += 1;
        let start = match (&cursor, from) {
            (Some(cursor), _) => Some(pb::watch_events_request::Start::Cursor(String::clone(cursor))),
            (None, From::TheBeginning) => {
                Some(pb::watch_events_request::Start::StartTime(prost_types::Timestamp::default()))
            }
            (None, From::Now) => None,
        };
        let request =
            pb::WatchEventsRequest { parent: format!("tenants/{tenant}"), start, ..Default::default() };
        let mut client = clients[turn % clients.len()].clone();
        let mut stream = match client.watch_events(request).await {
            Ok(stream) => stream.into_inner(),
            Err(status) if passes(status.code()) => {
                tokio::time::sleep(Duration::from_millis(20)).await;
                continue;
            }
            Err(status) => return Err(status.into()),
        };
        while !progress.stop.load(Ordering::Relaxed) {
            // Silence is no fault: a dead connection is found by its pings.
            let Ok(next) = tokio::time::timeout(Duration::from_secs(1), stream.message()).await else {
                continue;
            };
            let Ok(Some(message)) = next else { break };
            cursor = Some(message.cursor).filter(|cursor| !cursor.is_empty()).or(cursor);
            if let Some(pb::watch_events_response::Body::Events(batch)) = message.body {
                batch.events.into_iter().for_each(&mut hear);
            }
        }
    }
    Ok(())
}
