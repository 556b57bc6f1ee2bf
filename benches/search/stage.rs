//! What is measured: an embedded Postgres with fsync on, the service on a port of its own, a tenant with tickets and articles.

use std::{
    sync::Arc,
    time::{Duration, Instant},
};

use anyhow::Context as _;
use futures_util::{StreamExt as _, TryStreamExt as _, stream};
use indicatif::ProgressBar;
use sqlx::{PgPool, postgres::PgPoolOptions};
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
    search::{self, Corpus, Field, Passage, Scope, Wanted},
    serve::{Health, Quotas, Server, Settings},
    tickets,
    tokens::Insecure,
};
use ticketing_proto::v1::{
    self as pb, comment_service_client::CommentServiceClient, ticket_service_client::TicketServiceClient,
};
use tokio::net::TcpListener;
use tokio_util::sync::CancellationToken;
use tonic::transport::Channel;

use super::texts::Dice;

const PARENT: &str = "tenants/bench";
/// Tickets of which every so manieth has a comment.
const COMMENTED: usize = 10;
/// A round of CreateTicket.
const ROUND: Duration = Duration::from_secs(4);

pub struct Stage {
    app: Arc<App>,
    channel: Channel,
    root: PgPool,
    tenant: TenantId,
    _postgres: Embedded,
    _folder: tempfile::TempDir,
}

impl Stage {
    pub async fn set() -> anyhow::Result<Self> {
        let folder = tempfile::tempdir()?;
        let options =
            Options { dir: folder.path().join("pg"), durable: true, max_connections: 100, bin_dir: None };
        let postgres = Embedded::start(&options)?;
        let root = PgPoolOptions::new().max_connections(2).connect_lazy(postgres.url())?;
        let db = Db::connect(postgres.url(), 16).await?;
        db.migrate().await?;
        let mut document: Document = serde_saphyr::from_str(include_str!("../../demo/configuration.yaml"))?;
        document.queues.iter_mut().for_each(|queue| queue.dispatch = Dispatch::Pull);
        sqlx::query("insert into tenants (id, create_time) values ('bench', '2026-01-01')")
            .execute(&root)
            .await?;
        sqlx::query(
            "insert into configurations (tenant_id, revision, document, author, comment, create_time)
             values ('bench', 1, $1, 'bench', '', '2026-01-01')",
        )
        .bind(serde_json::to_value(&document)?)
        .execute(&root)
        .await?;
        let app = App::start(db, Clock::system(), Ids::random(), Setup::default()).await?;
        let listener = TcpListener::bind("127.0.0.1:0").await?;
        let address = listener.local_addr()?;
        let settings = Settings { quotas: Quotas::NONE, ..Settings::default() };
        let contract = ticketing_proto::DESCRIPTOR;
        let health = Health::of(contract).await?;
        let server =
            Server::new(&settings, contract, app.routes(), Arc::new(Insecure), &health, &app.metrics)?;
        health.set_ready(true).await;
        app.tasks.spawn(server.run(listener, None, CancellationToken::new()));
        let channel = Channel::from_shared(format!("http://{address}"))?.connect().await?;
        let tenant = TenantId::parse("bench").context("a tenant")?;
        Ok(Self { app, channel, root, tenant, _postgres: postgres, _folder: folder })
    }

    /// Records tickets, and a comment on some.
    pub async fn fill(&self, dice: &mut Dice, count: usize) -> anyhow::Result<()> {
        let bar = ProgressBar::new(count as u64).with_message("recording tickets");
        let batches: Vec<Vec<(pb::Ticket, Option<String>)>> = (0..count.div_ceil(100))
            .map(|_| {
                let ticket = |n: usize| (draft(dice), (n % COMMENTED == 0).then(|| dice.text(false, 20)));
                (0..100).map(ticket).collect()
            })
            .collect();
        let filled = stream::iter(batches.into_iter().map(|batch| {
            let bar = bar.clone();
            async move {
                let mut tickets = TicketServiceClient::new(self.channel.clone());
                let requests = batch.iter().map(|(ticket, _)| pb::CreateTicketRequest {
                    parent: PARENT.into(),
                    ticket: Some(ticket.clone()),
                    ..Default::default()
                });
                let request = pb::BatchCreateTicketsRequest {
                    parent: PARENT.into(),
                    requests: requests.collect(),
                    ..Default::default()
                };
                let made = tickets.batch_create_tickets(request).await?.into_inner().tickets;
                for (ticket, text) in made.iter().zip(batch.into_iter().map(|it| it.1)) {
                    let Some(text) = text else { continue };
                    let comment = Some(pb::Comment { text, ..Default::default() });
                    let request = pb::CreateCommentRequest {
                        parent: ticket.name.clone(),
                        comment,
                        ..Default::default()
                    };
                    CommentServiceClient::new(self.channel.clone()).create_comment(request).await?;
                }
                bar.inc(100);
                anyhow::Ok(())
            }
        }));
        filled.buffer_unordered(4).try_collect::<Vec<()>>().await?;
        while events::sequencer::run_once(&self.app, 10_000).await?.done > 0 {}
        bar.finish_and_clear();
        Ok(())
    }

    /// Has the job index what there is; says how much.
    pub async fn index(&self) -> anyhow::Result<usize> {
        let mut indexed = 0;
        loop {
            let report = tickets::index::run_once(&self.app, 200).await?;
            indexed += report.done;
            if report.done == 0 && !report.full {
                return Ok(indexed);
            }
        }
    }

    pub async fn articles(&self, dice: &mut Dice, count: usize) -> anyhow::Result<()> {
        for _ in 0..count.div_ceil(100) {
            let documents: Vec<search::Document> = (0..100)
                .map(|_| search::Document {
                    id: self.app.ids.next(),
                    language_code: "de".into(),
                    passages: vec![
                        Passage { field: Field::Title, hidden: false, text: dice.text(false, 6) },
                        Passage { field: Field::Body, hidden: false, text: dice.text(false, 120) },
                    ],
                })
                .collect();
            let mut tx = self.app.db.begin(&self.tenant).await?;
            search::index_in(&mut tx, Corpus::Articles, &documents).await?;
            tx.commit().await?;
        }
        Ok(())
    }

    /// As autovacuum would leave it.
    pub async fn settle(&self) -> anyhow::Result<()> {
        sqlx::query("vacuum analyze").execute(&self.root).await?;
        Ok(())
    }

    pub async fn size(&self) -> anyhow::Result<String> {
        let sql = "select format('%s words of tickets and articles, %s; vocabulary and letters %s; tickets and events %s',
                       (select count(*) from search_words), pg_size_pretty(pg_total_relation_size('search_words') + pg_total_relation_size('search_documents')),
                       pg_size_pretty(pg_total_relation_size('search_vocabulary') + pg_total_relation_size('search_grams')),
                       pg_size_pretty(pg_total_relation_size('tickets') + pg_total_relation_size('events')))";
        Ok(sqlx::query_scalar(sql).fetch_one(&self.root).await?)
    }

    /// A page of the newest, as SQL reads it.
    pub async fn pages(&self) -> anyhow::Result<Vec<Duration>> {
        let mut times = Vec::new();
        for _ in 0..200 {
            let begin = Instant::now();
            let sql =
                "select * from tickets where tenant_id = 'bench' order by create_time desc, id desc limit 51";
            sqlx::query(sql).fetch_all(&self.root).await?;
            times.push(begin.elapsed());
        }
        Ok(times)
    }

    pub async fn search(&self, query: &str) -> anyhow::Result<Duration> {
        let request = pb::SearchTicketsRequest {
            parent: PARENT.into(),
            query: query.to_owned(),
            page_size: 20,
            ..Default::default()
        };
        let begin = Instant::now();
        let found =
            TicketServiceClient::new(self.channel.clone()).search_tickets(request).await?.into_inner();
        let took = begin.elapsed();
        anyhow::ensure!(!found.behind, "the index is behind");
        Ok(took)
    }

    pub async fn searches(&self, queries: &[String], callers: usize) -> anyhow::Result<Vec<Duration>> {
        stream::iter(queries.iter().map(|query| self.search(query)))
            .buffer_unordered(callers)
            .try_collect()
            .await
    }

    /// Articles like these texts.
    pub async fn suggest(&self, drafts: &[String]) -> anyhow::Result<Vec<Duration>> {
        let mut times = Vec::new();
        for draft in drafts {
            let begin = Instant::now();
            let mut tx = self.app.db.read(&self.tenant).await?;
            let plan = search::plan_in(&mut tx, Corpus::Articles, draft, Wanted::Any, false).await?;
            let hits = search::find_in(&mut tx, &plan, Scope::default(), 20).await?;
            tx.keep();
            times.push(begin.elapsed());
            anyhow::ensure!(!hits.is_empty(), "nothing is like {draft:?}");
        }
        Ok(times)
    }

    /// Tickets a second that 32 callers record, with events getting their places and, if so, the job beside.
    pub async fn creates(&self, dice: &mut Dice, indexing: bool) -> anyhow::Result<f64> {
        self.index().await?;
        let drafts: Vec<pb::Ticket> = (0..1000).map(|_| draft(dice)).collect();
        let end = Instant::now() + ROUND;
        let app = Arc::clone(&self.app);
        let jobs = tokio::spawn(async move {
            while Instant::now() < end {
                events::sequencer::run_once(&app, 1000).await?;
                tokio::time::sleep(Duration::from_millis(10)).await;
            }
            anyhow::Ok(())
        });
        let app = Arc::clone(&self.app);
        let index = tokio::spawn(async move {
            while indexing && Instant::now() < end {
                tickets::index::run_once(&app, 200).await?;
                tokio::time::sleep(Duration::from_millis(100)).await;
            }
            anyhow::Ok(())
        });
        let callers = (0..32).map(|caller| {
            let drafts = &drafts;
            async move {
                let mut tickets = TicketServiceClient::new(self.channel.clone());
                let mut done = 0;
                while Instant::now() < end {
                    let ticket = drafts[(caller * 31 + done) % drafts.len()].clone();
                    let request = pb::CreateTicketRequest {
                        parent: PARENT.into(),
                        ticket: Some(ticket),
                        ..Default::default()
                    };
                    tickets.create_ticket(request).await?;
                    done += 1;
                }
                anyhow::Ok(done)
            }
        });
        let done: Vec<usize> = futures_util::future::try_join_all(callers).await?;
        jobs.await??;
        index.await??;
        while events::sequencer::run_once(&self.app, 10_000).await?.done > 0 {}
        Ok(done.into_iter().sum::<usize>() as f64 / ROUND.as_secs_f64())
    }
}

fn draft(dice: &mut Dice) -> pb::Ticket {
    let english = dice.below(4) == 0;
    pb::Ticket {
        title: dice.text(english, 6),
        description: dice.text(english, 30),
        requester: format!("{PARENT}/contacts/{}", dice.below(5000)),
        language_code: if english { "en" } else { "de" }.into(),
        ..Default::default()
    }
}
