//! Our side: callers over real gRPC channels, each with one call under way at a time.

use std::{
    sync::atomic::{AtomicU64, Ordering},
    time::{Duration, Instant},
};

use indicatif::ProgressBar;
use ticketing_proto::v1::{self as pb, ticket_service_client::TicketServiceClient};
use tonic::{Status, transport::Channel};

use super::{Round, stage::Stage};

/// Callers share this many connections.
const CONNECTIONS: usize = 4;

type Tickets = TicketServiceClient<Channel>;

static REQUEST: AtomicU64 = AtomicU64::new(0);

pub fn creates(stage: &Stage, clients: usize, round: Duration) -> anyhow::Result<Round> {
    measure(
        stage,
        clients,
        round,
        |mut tickets, _| async move { tickets.create_ticket(draft()).await.map(drop) },
    )
}

pub fn gets(stage: &Stage, among: u64, clients: usize, round: Duration) -> anyhow::Result<Round> {
    measure(stage, clients, round, move |mut tickets, turn| async move {
        // A stride that is prime to the number of tickets visits them all in no order that a cache would like.
        let id = ticketing::ids::Id(uuid::Uuid::from_u128(u128::from(1 + turn.wrapping_mul(7919) % among)));
        let name = format!("tenants/bench/tickets/{id}");
        tickets.get_ticket(pb::GetTicketRequest { name, ..Default::default() }).await.map(drop)
    })
}

pub fn lists(stage: &Stage, clients: usize, round: Duration) -> anyhow::Result<Round> {
    measure(stage, clients, round, |mut tickets, _| async move {
        let request =
            pb::ListTicketsRequest { parent: "tenants/bench".into(), page_size: 50, ..Default::default() };
        tickets.list_tickets(request).await.map(drop)
    })
}

/// Records tickets before anything is measured.
pub async fn record(stage: &Stage, count: u64) -> anyhow::Result<()> {
    let bar = ProgressBar::new(count).with_message("recording tickets");
    let channels = connect(stage).await?;
    let mut callers = tokio::task::JoinSet::new();
    for caller in 0..64 {
        let (mut tickets, bar) = (channels[caller % CONNECTIONS].clone(), bar.clone());
        callers.spawn(async move {
            for _ in 0..count.div_ceil(64) {
                tickets.create_ticket(draft()).await?;
                bar.inc(1);
            }
            Ok::<_, Status>(())
        });
    }
    while let Some(done) = callers.join_next().await {
        done??;
    }
    bar.finish_and_clear();
    Ok(())
}

fn measure<F>(
    stage: &Stage,
    clients: usize,
    round: Duration,
    call: impl Fn(Tickets, u64) -> F + Clone + Send + 'static,
) -> anyhow::Result<Round>
where
    F: Future<Output = Result<(), Status>> + Send,
{
    stage.runtime.block_on(async {
        let channels = connect(stage).await?;
        let start = Instant::now();
        let mut callers = tokio::task::JoinSet::new();
        for caller in 0..clients {
            let (tickets, call) = (channels[caller % CONNECTIONS].clone(), call.clone());
            callers.spawn(async move {
                let mut times = Vec::new();
                let mut turn = caller as u64 * 1_000_003;
                while start.elapsed() < round {
                    let begin = Instant::now();
                    call(tickets.clone(), turn).await?;
                    times.push(begin.elapsed());
                    turn += 1;
                }
                Ok::<_, Status>(times)
            });
        }
        let mut times = Vec::new();
        while let Some(done) = callers.join_next().await {
            times.extend(done??);
        }
        let spent = start.elapsed().as_secs_f64();
        times.sort();
        let at = |share: f64| times[((times.len() - 1) as f64 * share) as usize].as_secs_f64() * 1000.0;
        Ok(Round { rate: times.len() as f64 / spent, p50: at(0.5), p99: at(0.99) })
    })
}

async fn connect(stage: &Stage) -> anyhow::Result<Vec<Tickets>> {
    let mut channels = Vec::new();
    for _ in 0..CONNECTIONS {
        let channel =
            Channel::from_shared(format!("http://{}", stage.address))?.tcp_nodelay(true).connect().await?;
        channels.push(TicketServiceClient::new(channel));
    }
    Ok(channels)
}

/// A ticket as a help desk gets it.
fn draft() -> pb::CreateTicketRequest {
    pb::CreateTicketRequest {
        parent: "tenants/bench".into(),
        request_id: format!("bench-{}", REQUEST.fetch_add(1, Ordering::Relaxed)),
        ticket: Some(pb::Ticket {
            title: "VPN bricht nach zehn Minuten ab".into(),
            description: "Seit dem letzten Update trennt sich das VPN im Homeoffice etwa alle zehn Minuten. \
                          Neu verbinden geht sofort, offene Dateien auf dem Server sind dann aber gesperrt. "
                .repeat(2),
            requester: "tenants/bench/contacts/4711".into(),
            organization: "tenants/bench/organizations/100".into(),
            category: "network".into(),
            product: "VPN".into(),
            language_code: "de".into(),
            impact: pb::Impact::Medium.into(),
            urgency: pb::Urgency::High.into(),
            tags: vec!["vpn".into(), "home".into()],
            ..Default::default()
        }),
        ..Default::default()
    }
}
