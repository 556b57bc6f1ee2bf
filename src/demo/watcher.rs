//! The one who watches the event stream beside the day: counts what comes, and knows who has which ticket.

use std::{
    collections::{BTreeMap, HashMap},
    sync::PoisonError,
    time::Duration,
};

use anyhow::{Context as _, bail};
use ticketing_proto::v1::{
    self as pb, event_service_client::EventServiceClient, watch_events_response::Body,
};
use tokio::sync::watch;
use tokio_util::task::TaskTracker;
use tonic::Streaming;

use super::person::{Ledger, Person, key, parent, version};

/// How long an event may take from the commit to the watcher.
const PATIENCE: Duration = Duration::from_secs(20);

/// What the watcher knows.
#[derive(Debug, Default)]
pub struct Log {
    /// Events by their type.
    pub types: BTreeMap<String, u64>,
    /// Seconds of work that was entered, units that are charged, and what they come to, in cents.
    pub worked: i64,
    pub units: i64,
    pub amount: i64,
    /// Version and assignee of each ticket.
    tickets: HashMap<String, (i64, String)>,
    /// Why the stream ended.
    end: Option<String>,
}

#[derive(Debug)]
pub struct Watcher(watch::Receiver<Log>);

impl Watcher {
    /// Watches from now on.
    pub async fn start(tasks: &TaskTracker, person: &Person) -> anyhow::Result<Self> {
        let request = pb::WatchEventsRequest { parent: parent(), ..Default::default() };
        let stream = EventServiceClient::new(person.channel.clone()).watch_events(person.ask(request)).await;
        let stream = stream.context("the events cannot be watched")?.into_inner();
        let (sender, receiver) = watch::channel(Log::default());
        tasks.spawn(follow(stream, sender));
        Ok(Self(receiver))
    }

    pub fn log(&self) -> watch::Ref<'_, Log> {
        self.0.borrow()
    }

    /// Who was given the ticket since it was as it is here.
    pub async fn owner(&self, ticket: &pb::Ticket) -> anyhow::Result<String> {
        let seen = version(ticket);
        let log = self
            .until(|log| {
                log.tickets.get(&ticket.name).is_some_and(|(now, owner)| *now > seen && !owner.is_empty())
            })
            .await?;
        let owner = &log.tickets.get(&ticket.name).context("it was just there")?.1;
        Ok(key(owner).to_owned())
    }

    /// Waits for everything that anybody was told.
    pub async fn catch_up(&self, ledger: &Ledger) -> anyhow::Result<()> {
        let told = ledger.lock().unwrap_or_else(PoisonError::into_inner).clone();
        let caught_up = |log: &Log| {
            let seen = |name: &String| log.tickets.get(name).map_or(0, |(version, _)| *version);
            told.iter().all(|(name, version)| seen(name) >= *version)
        };
        self.until(caught_up).await.map(drop)
    }

    async fn until(&self, condition: impl Fn(&Log) -> bool) -> anyhow::Result<watch::Ref<'_, Log>> {
        // Each waits on a receiver of its own; what came is read from the one that stays.
        let mut receiver = self.0.clone();
        let due = receiver.wait_for(|log| log.end.is_some() || condition(log));
        let waited = tokio::time::timeout(PATIENCE, due).await;
        waited.context("an event that was waited for did not come")??;
        let log = self.0.borrow();
        if let Some(end) = &log.end {
            bail!("the event stream ended: {end}");
        }
        Ok(log)
    }
}

async fn follow(mut stream: Streaming<pb::WatchEventsResponse>, log: watch::Sender<Log>) {
    loop {
        let end = match stream.message().await {
            Ok(Some(message)) => match message.body {
                Some(Body::Events(batch)) => {
                    log.send_modify(|log| batch.events.iter().for_each(|event| log.see(event)));
                    continue;
                }
                Some(Body::Goodbye(_)) => "the server said goodbye".to_owned(),
                _ => continue,
            },
            Ok(None) => "without a word".to_owned(),
            Err(status) => status.message().to_owned(),
        };
        return log.send_modify(|log| log.end = Some(end));
    }
}

impl Log {
    fn see(&mut self, event: &pb::Event) {
        *self.types.entry(event.r#type.clone()).or_default() += 1;
        let facts = event.facts.clone().unwrap_or_default();
        self.tickets.insert(event.resource.clone(), (event.ticket_version, facts.assignee));
        self.worked += event.work.as_ref().and_then(|work| work.duration).map_or(0, |it| it.seconds);
        for line in &event.billables {
            let amount = line.amount.clone().unwrap_or_default();
            self.units += line.units;
            self.amount += amount.units * 100 + i64::from(amount.nanos) / 10_000_000;
        }
    }
}
