//! Those who only want to do their work: callers of several tenants who read tickets at a pace of their own, and take the
//! time from when they meant to call.

use std::{
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
    time::Duration,
};

use anyhow::Context as _;
use ticketing::configuration::{Document, wire};
use ticketing_proto::v1::{
    self as pb, configuration_service_client::ConfigurationServiceClient,
    ticket_service_client::TicketServiceClient,
};
use tokio::task::JoinSet;
use tonic::transport::Channel;

use super::stage::{Stage, by, channel};

const TENANTS: usize = 8;
/// Between two calls of one of them: below what a tenant may.
const PACE: Duration = Duration::from_micros(12_500);

/// Each with a connection of its own: tenant, and the name of the ticket.
pub struct Others(Vec<(Channel, String, String)>);

/// What they saw.
pub struct Seen {
    pub calls: usize,
    pub failed: usize,
    /// Milliseconds.
    pub p99: f64,
}

impl Others {
    pub async fn come(stage: &Stage) -> anyhow::Result<Self> {
        let document: Document = serde_saphyr::from_str(include_str!("../../demo/configuration.yaml"))?;
        let mut others = Vec::new();
        for n in 0..TENANTS {
            let (channel, tenant) = (channel(stage.address).await?, format!("quiet{n}"));
            let parent = format!("tenants/{tenant}");
            let configuration =
                pb::Configuration { name: format!("{parent}/configuration"), ..wire::message(&document) };
            let request =
                pb::ApplyConfigurationRequest { configuration: Some(configuration), ..Default::default() };
            let mut service = ConfigurationServiceClient::new(channel.clone());
            service.apply_configuration(by("admin", &tenant, request)?).await?;
            let ticket = Some(pb::Ticket { title: "Drucker druckt nicht".into(), ..Default::default() });
            let request = pb::CreateTicketRequest { parent, ticket, ..Default::default() };
            let mut service = TicketServiceClient::new(channel.clone());
            let created = service.create_ticket(by("desk", &tenant, request)?).await?.into_inner();
            others.push((channel, tenant, created.ticket.context("a ticket")?.name));
        }
        Ok(Self(others))
    }

    /// They work until something else is done; with its result, what they saw.
    pub async fn watch<T>(&self, work: impl Future<Output = T>) -> (T, Seen) {
        let over = Arc::new(AtomicBool::new(false));
        let mut workers = JoinSet::new();
        for (channel, tenant, ticket) in self.0.clone() {
            workers.spawn(read(channel, tenant, ticket, Arc::clone(&over)));
        }
        let done = work.await;
        over.store(true, Ordering::Relaxed);
        let (mut times, mut failed) = (Vec::new(), 0);
        for (more, wrong) in workers.join_all().await {
            times.extend(more);
            failed += wrong;
        }
        times.sort_by(f64::total_cmp);
        let p99 = times.get(times.len() * 99 / 100).copied().unwrap_or(f64::INFINITY);
        (done, Seen { calls: times.len() + failed, failed, p99 })
    }
}

/// Reads the ticket again and again; the times in milliseconds, and how many calls failed.
async fn read(channel: Channel, tenant: String, ticket: String, over: Arc<AtomicBool>) -> (Vec<f64>, usize) {
    let mut service = TicketServiceClient::new(channel);
    let mut pace = tokio::time::interval(PACE);
    let (mut times, mut failed) = (Vec::new(), 0);
    while !over.load(Ordering::Relaxed) {
        let meant = pace.tick().await;
        let request = pb::GetTicketRequest { name: ticket.clone(), ..Default::default() };
        let request = by("reader", &tenant, request).expect("its name is one");
        match service.get_ticket(request).await {
            Ok(_) => times.push(meant.elapsed().as_secs_f64() * 1e3),
            Err(_) => failed += 1,
        }
    }
    (times, failed)
}
