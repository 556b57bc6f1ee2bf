//! What is measured: an embedded Postgres that keeps its promises (fsync on), the service with its jobs on a port of its
//! own, and a tenant with tickets.

use std::{net::SocketAddr, path::PathBuf, sync::Arc};

use anyhow::Context as _;
use sqlx::{
    AssertSqlSafe, PgPool, Row,
    postgres::{PgPoolOptions, PgRow},
};
use ticketing::{
    app::{App, Setup},
    configuration::{Dispatch, Document},
    ctx::{Clock, Ids},
    db::{
        Db,
        embedded::{Embedded, Options},
    },
    events,
    ids::TenantId,
    serve::{Health, Quotas, Server, Settings},
    tokens::Insecure,
};
use tokio::{net::TcpListener, runtime::Runtime};
use tokio_util::sync::CancellationToken;

pub struct Stage {
    pub runtime: Runtime,
    pub address: SocketAddr,
    app: Arc<App>,
    /// The database as its owner.
    root: PgPool,
    postgres: Embedded,
    folder: tempfile::TempDir,
}

impl Stage {
    /// Starts everything and records `tickets` tickets; their ids are 1, 2, 3 … so that pgbench can name them too.
    pub fn set(tickets: u64) -> anyhow::Result<Self> {
        let folder = tempfile::tempdir()?;
        let options =
            Options { dir: folder.path().join("pg"), durable: true, max_connections: 100, bin_dir: None };
        let postgres = Embedded::start(&options)?;
        let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build()?;
        let root = runtime
            .block_on(async { PgPoolOptions::new().max_connections(1).connect_lazy(postgres.url()) })?;
        let (app, address) = runtime.block_on(serve(postgres.url(), &root))?;
        let stage = Self { runtime, address, app, root, postgres, folder };
        stage.runtime.block_on(super::grpc::record(&stage, tickets))?;
        stage.settle()?;
        // Not left to chance: autovacuum would do it some time within the first minute, in the middle of a round.
        stage.runtime.block_on(sqlx::query("vacuum analyze").execute(&stage.root))?;
        Ok(stage)
    }

    pub fn url(&self) -> &str {
        self.postgres.url()
    }

    pub fn folder(&self) -> PathBuf {
        self.folder.path().to_owned()
    }

    /// pgbench, beside the Postgres that is measured.
    pub fn pgbench(&self) -> PathBuf {
        self.postgres.bin_dir().join("pgbench")
    }

    /// Gives every event that waits its place in the stream, and waits until the jobs behind it have come as far, so that no
    /// round leaves work to the next.
    pub fn settle(&self) -> anyhow::Result<()> {
        self.runtime.block_on(async {
            while events::sequencer::run_once(&self.app, 10_000).await?.done > 0 {}
            super::followed::followed(&self.root).await
        })
    }

    /// One statement that writes the rows of one CreateTicket, copied from a ticket that the service wrote, with fresh
    /// keys.
    pub fn create_statement(&self) -> anyhow::Result<String> {
        self.runtime.block_on(async {
            let newest = "(select max(ticket_id::text)::uuid from events)";
            let mut rows = self.copies("tickets", &format!("id = {newest}")).await?;
            rows.extend(self.copies("events", &format!("ticket_id = {newest}")).await?);
            rows.extend(self.copies("sla_clocks", &format!("ticket_id = {newest}")).await?);
            rows.extend(self.copies("idempotency", "request_id = 'bench-1'").await?);
            let bucket = TenantId::parse("bench").context("a tenant")?.bucket();
            let inserts: Vec<String> =
                (0..).zip(rows).map(|(n, row)| format!("row_{n} as ({row})")).collect();
            let inserts = inserts.join(",\n");
            Ok(format!(
                "\\set n random(1000000000, 9000000000000000000)\n\
                 with fresh as (select gen_random_uuid() as id),\n{inserts}\n\
                 insert into outbox (bucket, tenant_id, ticket_id, version) select {bucket}, 'bench', id, 1 from fresh;\n",
            ))
        })
    }

    /// For each row that is meant, an insert of its like: values as literals, keys fresh.
    async fn copies(&self, table: &str, condition: &str) -> anyhow::Result<Vec<String>> {
        // Colons are written as escapes: pgbench takes `:name` for a variable of its own, also within a literal. Lists are
        // written in the brackets of Postgres; what is JSON in the table stays JSON, arrays too.
        let sql = format!(
            r"select string_agg(quote_ident(key), ', ') as columns,
                     string_agg(case when key = 'number' and '{table}' = 'tickets' then ':n'
                                     when key = 'request_id' then 'id::text'
                                     when key in ('ticket_id', 'id') then 'id'
                                     else 'E''' || replace(replace(replace(text, '\', '\\'), '''', ''''''),
                                                           ':', '\x3a') || '''' end, ', ') as row_values
              from (select *, row_number() over () as nth from {table} where tenant_id = 'bench' and {condition}) r,
                   lateral jsonb_each(to_jsonb(r))
                   join information_schema.columns c on c.table_name = '{table}' and c.column_name = key,
                   lateral (select case c.data_type when 'ARRAY' then translate(value::text, '[]', '{{}}')
                                                    else value #>> '{{}}' end as text) t
              where value <> 'null' group by nth"
        );
        let rows = sqlx::query(AssertSqlSafe(sql)).fetch_all(&self.root).await?;
        anyhow::ensure!(!rows.is_empty(), "the service wrote nothing into {table}");
        let insert = |row: &PgRow| {
            let (columns, values): (&str, &str) = (row.get("columns"), row.get("row_values"));
            format!("insert into {table} ({columns}) select {values} from fresh")
        };
        Ok(rows.iter().map(insert).collect())
    }
}

async fn serve(url: &str, root: &PgPool) -> anyhow::Result<(Arc<App>, SocketAddr)> {
    let db = Db::connect(url, 16).await?;
    db.migrate().await?;
    let mut document: Document = serde_saphyr::from_str(include_str!("../../demo/configuration.yaml"))?;
    // Nobody works here: tickets wait in their queues, and pushing them is not what is measured.
    document.queues.iter_mut().for_each(|queue| queue.dispatch = Dispatch::Pull);
    sqlx::query("insert into tenants (id, create_time) values ('bench', '2026-01-01')").execute(root).await?;
    sqlx::query(
        "insert into configurations (tenant_id, revision, document, author, comment, create_time)
         values ('bench', 1, $1, 'bench', '', '2026-01-01')",
    )
    .bind(serde_json::to_value(&document)?)
    .execute(root)
    .await?;
    let app = App::start(db, Clock::system(), Ids::sequential(), Setup::default()).await?;
    let listener = TcpListener::bind("127.0.0.1:0").await?;
    let address = listener.local_addr()?;
    // What is measured is the service, not what it lets one caller have.
    let settings = Settings { quotas: Quotas::NONE, ..Settings::default() };
    let contract = ticketing_proto::DESCRIPTOR;
    let health = Health::of(contract).await?;
    let server = Server::new(&settings, contract, app.routes(), Arc::new(Insecure), &health, &app.metrics)?;
    health.set_ready(true).await;
    app.spawn_jobs();
    app.tasks.spawn(server.run(listener, None, CancellationToken::new()));
    Ok((app, address))
}
