//! What is measured: an embedded Postgres that keeps its promises (fsync on) and a tenant whose tickets have four running
//! clocks each. The service itself records a few tickets of every kind; the others are copies of these rows, with ids and
//! numbers of their own, since it is the firing that is measured.

use std::{sync::Arc, time::Duration};

use indicatif::ProgressBar;
use sqlx::{AssertSqlSafe, Connection, PgConnection, PgPool};
use ticketing::{
    app::{App, Setup},
    configuration::Configuration,
    ctx::{Clock, Ids},
    db::{
        Db,
        embedded::{Embedded, Options},
    },
    events,
    ids::TenantId,
    serve::{Health, Quotas, Server, Settings},
    time::Time,
    tokens::Insecure,
};
use ticketing_proto::v1::{self as pb, ticket_service_client::TicketServiceClient};
use tokio::net::TcpListener;
use tokio_util::sync::CancellationToken;
use tonic::transport::Channel;

use super::proof;

pub struct Stage {
    pub folder: tempfile::TempDir,
    pub configuration: Configuration,
    postgres: Option<Embedded>,
}

/// Tickets that came in one after the other.
#[derive(Clone, Copy, Debug)]
pub struct Crowd {
    pub tickets: usize,
    /// Of the first.
    pub start: Time,
    /// Between one that the service records and the next; its copies have its time.
    pub step: Duration,
    pub templates: usize,
}

impl Stage {
    pub async fn set() -> anyhow::Result<Self> {
        let folder = tempfile::tempdir()?;
        let mut stage =
            Self { folder, configuration: Configuration::new(1, proof::document()?), postgres: None };
        stage.start_postgres()?;
        // So that it can be asked when each event was there for others to see.
        let mut connection = PgConnection::connect(stage.url()).await?;
        sqlx::query("alter system set track_commit_timestamp = on").execute(&mut connection).await?;
        connection.close().await?;
        stage.postgres.take().map_or(Ok(()), Embedded::stop)?;
        stage.start_postgres()?;
        let db = Db::connect(stage.url(), 2).await?;
        db.migrate().await?;
        db.close().await;
        let mut owner = PgConnection::connect(stage.url()).await?;
        sqlx::query("insert into tenants (id, create_time) values ('bench', '2026-01-01')")
            .execute(&mut owner)
            .await?;
        sqlx::query(
            "insert into configurations (tenant_id, revision, document, author, comment, create_time)
             values ('bench', 1, $1, 'bench', '', '2026-01-01')",
        )
        .bind(serde_json::to_value(&stage.configuration.document)?)
        .execute(&mut owner)
        .await?;
        Ok(stage)
    }

    /// Also after it was killed, with what it recovers then; until the last process of the one before has gone.
    pub fn start_postgres(&mut self) -> anyhow::Result<()> {
        self.postgres = None;
        let dir = self.folder.path().join("pg");
        let options = Options { dir, durable: true, max_connections: 100, bin_dir: None };
        let mut tries = 0;
        self.postgres = loop {
            match Embedded::start(&options) {
                Ok(postgres) => break Some(postgres),
                Err(error) if tries >= 100 => return Err(error.into()),
                Err(_) => tries += 1,
            }
        };
        Ok(())
    }

    pub fn postgres(&self) -> &Embedded {
        self.postgres.as_ref().expect("it runs while the stage is set")
    }

    pub fn url(&self) -> &str {
        self.postgres().url()
    }

    pub async fn fill(&self, crowds: &[Crowd]) -> anyhow::Result<()> {
        let tickets: usize = crowds.iter().map(|crowd| crowd.tickets).sum();
        let bar = ProgressBar::new(tickets as u64).with_message("recording tickets");
        let mut connection = PgConnection::connect(self.url()).await?;
        sqlx::raw_sql("set synchronous_commit = off; set timezone = 'UTC'").execute(&mut connection).await?;
        for crowd in crowds {
            let templates = self.record(crowd).await?;
            let share = crowd.tickets / templates.len();
            for template in templates {
                copy(&mut connection, template, share - 1).await?;
                bar.inc(share as u64);
            }
        }
        bar.finish_and_clear();
        for settle in ["vacuum analyze", "checkpoint"] {
            sqlx::raw_sql(settle).execute(&mut connection).await?;
        }
        connection.close().await?;
        Ok(())
    }

    /// Has the service record the templates of a crowd, and give their events a place.
    async fn record(&self, crowd: &Crowd) -> anyhow::Result<Vec<uuid::Uuid>> {
        let clock = Clock::manual(crowd.start);
        let app =
            App::start(Db::connect(self.url(), 8).await?, clock, Ids::random(), Setup::default()).await?;
        let mut service = TicketServiceClient::new(serve(&app).await?);
        let mut names = Vec::new();
        for n in 0..crowd.templates {
            let ticket = pb::Ticket {
                title: "VPN bricht nach zehn Minuten ab".into(),
                language_code: "de".into(),
                category: "network".into(),
                organization: format!("tenants/bench/organizations/{}", n % 500),
                ..Default::default()
            };
            let parent = "tenants/bench".to_owned();
            let request = pb::CreateTicketRequest { parent, ticket: Some(ticket), ..Default::default() };
            let created = service.create_ticket(request).await?.into_inner().ticket.unwrap_or_default();
            let id: ticketing::ids::Id = created
                .name
                .rsplit('/')
                .next()
                .unwrap_or_default()
                .parse()
                .map_err(|()| anyhow::anyhow!("{} is no ticket", created.name))?;
            names.push(id.0);
            app.clock.advance(crowd.step);
        }
        while events::sequencer::run_once(&app, 1000).await?.done > 0 {}
        app.drain.cancel();
        app.db.close().await;
        Ok(names)
    }
}

/// Copies a ticket with everything that belongs to it.
async fn copy(connection: &mut PgConnection, template: uuid::Uuid, copies: usize) -> anyhow::Result<()> {
    let bucket = TenantId::parse("bench").expect("a tenant").bucket();
    let sql = format!(
        "create temp table if not exists copies (id uuid, number bigint, nth bigint);
         truncate copies;
         with numbers as (
             update tenants set next_number = next_number + {copies} where id = 'bench' returning next_number - {copies} as first
         )
         insert into copies
         select (lpad(to_hex((extract(epoch from create_time) * 1000)::bigint), 12, '0') || '70008'
                 || lpad(to_hex(first + nth - 1), 15, '0'))::uuid, first + nth - 1, nth
         from tickets, numbers, generate_series(1, {copies}) nth where id = '{template}';
         insert into tickets select n.* from copies c join tickets t on t.id = '{template}',
             lateral jsonb_populate_record(t, jsonb_build_object('id', c.id, 'number', c.number)) n;
         insert into events select n.* from copies c join events e on e.ticket_id = '{template}',
             lateral jsonb_populate_record(e, jsonb_build_object('ticket_id', c.id,
                 'changes', jsonb_set(changes, '{{number,1}}', to_jsonb(number)),
                 'facts', jsonb_set(facts, '{{number}}', to_jsonb(number)))) n;
         insert into sla_clocks select n.* from copies c join sla_clocks k on k.ticket_id = '{template}',
             lateral jsonb_populate_record(k, jsonb_build_object('ticket_id', c.id)) n;
         insert into stream (tenant_id, position, bucket, ticket_id, version, record_time)
             select tenant_id, h.position + nth, bucket, id, 1, create_time from copies
             join tickets using (id), stream_heads h where bucket = {bucket};
         update stream_heads set position = position + {copies} where bucket = {bucket};"
    );
    sqlx::raw_sql(AssertSqlSafe(sql)).execute(connection).await?;
    Ok(())
}

async fn serve(app: &Arc<App>) -> anyhow::Result<Channel> {
    let listener = TcpListener::bind("127.0.0.1:0").await?;
    let address = listener.local_addr()?;
    // What is measured is the service, not what it lets one caller have.
    let settings = Settings { quotas: Quotas::NONE, ..Settings::default() };
    let contract = ticketing_proto::DESCRIPTOR;
    let health = Health::of(contract).await?;
    let server = Server::new(&settings, contract, app.routes(), Arc::new(Insecure), &health, &app.metrics)?;
    health.set_ready(true).await;
    app.tasks.spawn(server.run(listener, None, CancellationToken::new()));
    Ok(Channel::from_shared(format!("http://{address}"))?.connect().await?)
}

/// How many events have their place in the stream, and the time.
pub async fn placed(pool: &PgPool) -> sqlx::Result<(i64, Time)> {
    let bucket = TenantId::parse("bench").expect("a tenant").bucket();
    sqlx::query_as("select position, clock_timestamp() from stream_heads where bucket = $1")
        .bind(bucket)
        .fetch_one(pool)
        .await
}
