//! Bills what is resolved: one line of an invoice for each `ticket.resolved` that NATS JetStream tells of, and never two,
//! whoever dies in between. README.md says how.

mod inbox;
mod price;

use std::time::Duration;

use anyhow::Context as _;
use async_nats::jetstream::{
    self, AckKind, Message,
    consumer::{AckPolicy, PullConsumer, pull, pull::MessagesErrorKind},
};
use clap::Parser;
use futures_util::StreamExt as _;
use inbox::{Taken, take};
use prost::Message as _;
use sqlx::{Connection as _, PgConnection};
use ticketing_proto::v1::{self as pb, event_service_client::EventServiceClient};
use tokio::signal::unix::{SignalKind, signal};

/// How long a message is put off that came before its time; longer each time.
const PUT_OFF: Duration = Duration::from_millis(500);
/// After so many deliveries the messages before it are not on their way any more: they are asked for.
const PATIENCE: i64 = 4;

/// Writes a line of an invoice for each resolved ticket that NATS JetStream tells of, exactly once.
#[derive(Parser, Debug)]
#[command(version)]
struct Args {
    /// The NATS server.
    #[arg(long, env, default_value = "nats://127.0.0.1:4222")]
    nats_url: String,
    /// The JetStream stream of the ticketing service.
    #[arg(long, env, default_value = "TICKETING")]
    stream: String,
    /// The name of the durable consumer; processes that share it share the work.
    #[arg(long, env, default_value = "billing")]
    consumer: String,
    /// The PostgreSQL database for the invoices, postgres://user:password@host:5432/database.
    #[arg(long, env, hide_env_values = true)]
    database_url: String,
    /// The ticketing service, asked for what the broker lost.
    #[arg(long, env, default_value = "http://127.0.0.1:50051")]
    api: String,
    /// How long a message may be at work before another process gets it, in seconds.
    #[arg(long, env, default_value_t = 30)]
    ack_wait: u64,
}

#[tokio::main(flavor = "current_thread")]
async fn main() -> anyhow::Result<()> {
    let args = Args::parse();
    let mut database = PgConnection::connect(&args.database_url).await.context("the database")?;
    sqlx::raw_sql(include_str!("schema.sql")).execute(&mut database).await.context("the schema")?;
    let nats = async_nats::connect(&args.nats_url).await.context("NATS")?;
    let consumer = consumer(&args, jetstream::new(nats.clone())).await?;
    let mut messages = consumer.stream().max_messages_per_batch(64).messages().await?;
    let (mut term, mut int) = (signal(SignalKind::terminate())?, signal(SignalKind::interrupt())?);
    eprintln!("billing: listening to {} as {}", args.stream, args.consumer);
    loop {
        // A message that was begun is finished; then the signal is looked at.
        let message = tokio::select! {
            biased;
            _ = term.recv() => break,
            _ = int.recv() => break,
            message = messages.next() => message.context("the consumer is gone")?,
        };
        match message {
            Ok(message) => answer(&args, &mut database, &message).await?,
            Err(error) if error.kind() == MessagesErrorKind::MissingHeartbeat => {
                eprintln!("billing: {error}")
            }
            Err(error) => return Err(error).context("the stream of messages"),
        }
    }
    nats.drain().await?; // the last acknowledgements leave
    Ok(())
}

/// The place in the stream is the broker's to keep: it goes on where acknowledgements end.
async fn consumer(args: &Args, context: jetstream::Context) -> anyhow::Result<PullConsumer> {
    let stream = context.get_stream(&args.stream).await.with_context(|| {
        format!("there is no stream {}: does the service run with nats_url?", args.stream)
    })?;
    let config = pull::Config {
        durable_name: Some(args.consumer.clone()),
        description: Some("Invoices for resolved tickets".into()),
        ack_policy: AckPolicy::Explicit,
        ack_wait: Duration::from_secs(args.ack_wait),
        filter_subject: "ticketing.v1.>".into(), // all types: the versions of a ticket must have no gap
        ..pull::Config::default()
    };
    stream.get_or_create_consumer(&args.consumer, config).await.context("the consumer")
}

/// Takes a message in and tells the broker, in this order: a crash in between brings it again, and it is known then.
async fn answer(args: &Args, database: &mut PgConnection, message: &Message) -> anyhow::Result<()> {
    let kind = match pb::Event::decode(message.payload.clone()) {
        Ok(event) => match take(database, &event).await? {
            Taken::Now | Taken::Before => AckKind::Ack,
            Taken::TooEarly => {
                let delivered = message.info().map_or(1, |info| info.delivered);
                if delivered >= PATIENCE {
                    catch_up(&args.api, database, &event).await?;
                }
                AckKind::Nak(Some(PUT_OFF * delivered.clamp(1, 60) as u32))
            }
        },
        Err(error) => {
            // It will not become an event by coming again.
            eprintln!("billing: a message on {} is no event: {error}", message.subject);
            AckKind::Term
        }
    };
    message.ack_with(kind).await.map_err(anyhow::Error::from_boxed)
}

/// Takes in all that the service knows of the ticket, in order. The event log outlives the broker's 30 days, and has what
/// the broker lost. A service that does not answer is asked again when the message comes again.
async fn catch_up(api: &str, database: &mut PgConnection, event: &pb::Event) -> anyhow::Result<()> {
    let events = match history(api, &event.resource).await {
        Ok(events) => events,
        Err(error) => {
            eprintln!("billing: what is missing of {} could not be read: {error:#}", event.resource);
            return Ok(());
        }
    };
    eprintln!("billing: {} of {} by the event log", events.len(), event.resource);
    for event in &events {
        take(database, event).await?;
    }
    Ok(())
}

async fn history(api: &str, ticket: &str) -> anyhow::Result<Vec<pb::Event>> {
    let mut client = EventServiceClient::connect(api.to_owned()).await?;
    let tenant: Vec<&str> = ticket.splitn(3, '/').take(2).collect();
    let mut request = pb::ListEventsRequest {
        parent: tenant.join("/"),
        filter: Some(pb::EventFilter { ticket: ticket.into(), ..Default::default() }),
        page_size: 1000,
        ..Default::default()
    };
    let mut events = Vec::new();
    loop {
        let page = client.list_events(request.clone()).await?.into_inner();
        events.extend(page.events);
        if !page.more {
            return Ok(events);
        }
        request.start = Some(pb::list_events_request::Start::Cursor(page.cursor));
    }
}
