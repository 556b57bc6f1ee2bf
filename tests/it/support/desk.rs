//! A service of its own for one test: database, clock, port. [`Desk::finish`] asserts the laws that hold after any story.

use std::{path::Path, sync::Arc, time::Duration};

use sqlx::{
    AssertSqlSafe, PgPool, Row,
    postgres::{PgConnectOptions, PgPoolOptions},
};
use tempfile::TempDir;
use ticketing::{
    app::{App, Setup},
    attachments::objects::{Folder, Objects, Place, door},
    configuration::Document,
    ctx::{ActorKind, Clock, Ids, Role},
    db::Db,
    events::relay::Relay,
    ids::TenantId,
    serve::{Health, Quotas, Server, Settings, files},
    sla,
    time::Time,
    tokens::{Claims, Insecure},
    webhooks::{Bounds, Reach},
};
use tokio::net::TcpListener;
use tokio_util::sync::CancellationToken;
use tonic::{
    Request, Status,
    metadata::MetadataValue,
    service::{Interceptor, interceptor::InterceptedService},
    transport::Channel,
};

/// When every manual clock begins: a Monday morning.
pub const START: &str = "2026-03-02T08:00:00Z";

/// A channel that bears a caller's token.
pub type Client = InterceptedService<Channel, Bearer>;

/// A running service.
pub struct Desk {
    pub app: Arc<App>,
    /// The tenant with the sample configuration.
    pub tenant: TenantId,
    pub address: String,
    pub url: String,
    root: PgPool,
    channel: Channel,
    drain: CancellationToken,
    /// Where its files lie, if it has a folder for them.
    folder: Option<TempDir>,
}

/// Where a service keeps files.
enum Keeps {
    /// In a folder of its own.
    Own,
    There(Option<Objects>),
}

impl Desk {
    /// A service with the sample configuration for tenant `acme`.
    pub async fn open() -> Self {
        Self::open_on(&super::cluster::fresh_database().await).await
    }

    /// The same on a database that has the whole schema and nothing else.
    pub async fn open_on(url: &str) -> Self {
        let tenant = TenantId::parse("acme").expect("a tenant");
        let clock = Clock::manual(START.parse().expect("a time"));
        Self::on(url, tenant, clock, None, Quotas::NONE, Keeps::Own).await
    }

    /// A service that gives each caller and each tenant so much and no more.
    pub async fn open_with_quotas(quotas: Quotas) -> Self {
        let tenant = TenantId::parse("acme").expect("a tenant");
        let clock = Clock::manual(START.parse().expect("a time"));
        Self::on(&super::cluster::fresh_database().await, tenant, clock, None, quotas, Keeps::Own).await
    }

    /// A service that tells this broker of what happens.
    pub async fn open_with(relay: Relay) -> Self {
        let tenant = TenantId::parse("acme").expect("a tenant");
        let clock = Clock::manual(START.parse().expect("a time"));
        Self::on(
            &super::cluster::fresh_database().await,
            tenant,
            clock,
            Some(relay),
            Quotas::NONE,
            Keeps::Own,
        )
        .await
    }

    /// A service that keeps files there; with none, nowhere.
    pub async fn open_keeping(objects: Option<Objects>) -> Self {
        let tenant = TenantId::parse("acme").expect("a tenant");
        let clock = Clock::manual(START.parse().expect("a time"));
        let url = super::cluster::fresh_database().await;
        Self::on(&url, tenant, clock, None, Quotas::NONE, Keeps::There(objects)).await
    }

    /// A second replica on the same database.
    pub async fn replica(&self) -> Self {
        self.another(None).await
    }

    /// A second replica that tells the broker, too.
    pub async fn replica_with(&self, relay: Relay) -> Self {
        self.another(Some(relay)).await
    }

    /// A second replica that is not told where files lie.
    pub async fn blind(&self) -> Self {
        let (tenant, clock) = (self.tenant.clone(), self.app.clock.clone());
        Self::on(&self.url, tenant, clock, None, Quotas::NONE, Keeps::There(None)).await
    }

    async fn another(&self, relay: Option<Relay>) -> Self {
        let (tenant, clock) = (self.tenant.clone(), self.app.clock.clone());
        let keeps = Keeps::There(self.app.objects.clone());
        Self::on(&self.url, tenant, clock, relay, Quotas::NONE, keeps).await
    }

    async fn on(
        url: &str,
        tenant: TenantId,
        clock: Clock,
        relay: Option<Relay>,
        quotas: Quotas,
        keeps: Keeps,
    ) -> Self {
        let db = Db::connect(url, 16).await.expect("the test database takes connections");
        // The receivers of the tests are here, and one that does not answer is not waited for.
        let webhooks =
            Bounds { reach: Reach { private: true }, whole: Duration::from_secs(2), ..Bounds::default() };
        let door = TcpListener::bind("127.0.0.1:0").await.expect("a free port");
        let (folder, objects) = match keeps {
            Keeps::There(objects) => (None, objects),
            Keeps::Own => {
                let folder = tempfile::tempdir().expect("a folder");
                let base = format!("http://{}", door.local_addr().expect("bound"));
                let place = Place::Folder(Folder::new(folder.path().to_owned(), &base));
                (Some(folder), Some(Objects { place, ..Self::keeping() }))
            }
        };
        let app =
            App::start(db, clock, Ids::random(), Setup { relay, objects, webhooks, ..Setup::default() })
                .await
                .expect("the service starts");
        let listener = TcpListener::bind("127.0.0.1:0").await.expect("a free port");
        let address = listener.local_addr().expect("bound").to_string();
        let drain = CancellationToken::new();
        let settings = Settings { quotas, ..Settings::default() };
        let contract = ticketing_proto::DESCRIPTOR;
        let health = Health::of(contract).await.expect("the contract is whole");
        let server =
            Server::new(&settings, contract, app.routes(), Arc::new(Insecure), &health, &app.metrics)
                .expect("the contract is whole");
        health.set_ready(true).await;
        app.tasks.spawn(server.run(listener, None, drain.clone()));
        let handler = Arc::clone(&app);
        let answer = move |request| door::answer(Arc::clone(&handler), request);
        let pages = Settings { origins: vec!["https://desk.example.com".into()], ..Settings::default() };
        app.tasks.spawn(files(door, None, answer, &pages, drain.clone()).expect("an origin"));
        let channel = Channel::from_shared(format!("http://{address}"))
            .expect("an address")
            .connect()
            .await
            .expect("the service takes connections");
        let desk =
            Self { app, tenant, address, url: url.to_owned(), root: root(url), channel, drain, folder };
        desk.configure(&sample()).await;
        desk
    }

    /// Files of so many bytes at most, by URLs that are good for so long.
    pub fn keeping() -> Objects {
        let place = Place::Folder(Folder::new("/nowhere".into(), ""));
        Objects { place, max_bytes: 1 << 20, lifetime: Duration::from_mins(15) }
    }

    /// Where its files lie.
    pub fn folder(&self) -> &Path {
        self.folder.as_ref().expect("a folder of its own").path()
    }

    /// `tenants/acme`.
    pub fn parent(&self) -> String {
        format!("tenants/{}", self.tenant)
    }

    /// A channel for this caller, to make any client of.
    pub fn caller(&self, kind: ActorKind, id: &str, roles: &[Role]) -> Client {
        caller(self.channel.clone(), &self.tenant, kind, id, roles)
    }

    pub fn admin(&self) -> Client {
        self.caller(ActorKind::Agent, "admin", &[Role::Admin, Role::Manager])
    }

    pub fn manager(&self) -> Client {
        self.caller(ActorKind::Agent, "manager", &[Role::Manager])
    }

    pub fn agent(&self, id: &str) -> Client {
        self.caller(ActorKind::Agent, id, &[Role::Agent])
    }

    pub fn customer(&self, id: &str) -> Client {
        self.caller(ActorKind::Customer, id, &[Role::Customer])
    }

    /// A channel without a token.
    pub fn channel(&self) -> Channel {
        self.channel.clone()
    }

    /// The database past all walls, to look at what lies there and to spoil it.
    pub fn root(&self) -> &PgPool {
        &self.root
    }

    pub fn now(&self) -> Time {
        self.app.clock.now()
    }

    pub fn advance(&self, span: Duration) {
        self.app.clock.advance(span);
    }

    /// Puts a document in force without asking the rules; the tests of the configuration go through the API.
    pub async fn configure(&self, document: &Document) {
        put_in_force(self.root(), &self.tenant, document, self.now()).await;
        // What was in force is fresh for a second of the desk's own clock.
        self.advance(Duration::from_secs(2));
    }

    /// Asserts the laws and ends the service.
    pub async fn finish(self) {
        assert_eq!(broken_laws(self.root()).await, Vec::<String>::new());
        let differences = sla::verify(&self.app.db, &self.app.configurations).await.expect("read");
        assert_eq!(differences, Vec::<String>::new(), "a clock is what the ticket's events make of it");
        self.drain.cancel();
        self.app.drain.cancel();
    }
}

/// The database as its superuser, past all walls.
pub fn root(url: &str) -> PgPool {
    let options: PgConnectOptions = url.parse().expect("a URL");
    PgPoolOptions::new().max_connections(4).connect_lazy_with(options.username("postgres"))
}

/// A channel to any service for this caller.
pub fn caller(channel: Channel, tenant: &TenantId, kind: ActorKind, id: &str, roles: &[Role]) -> Client {
    let claims =
        Claims { sub: id.to_owned(), kind, roles: roles.to_vec(), tenants: Some(vec![tenant.clone()]) };
    let bearer = format!("Bearer {}", claims.encode()).parse().expect("a token is ASCII");
    InterceptedService::new(channel, Bearer(bearer))
}

/// Puts a document in force, past the rules.
pub async fn put_in_force(pool: &PgPool, tenant: &TenantId, document: &Document, now: Time) {
    let json = serde_json::to_value(document).expect("a document is plain data");
    sqlx::query("insert into tenants (id, create_time) values ($1, $2) on conflict do nothing")
        .bind(tenant.as_str())
        .bind(now)
        .execute(pool)
        .await
        .expect("the tenant is new");
    sqlx::query(
        "insert into configurations (tenant_id, revision, document, author, comment, create_time)
         select $1, coalesce(max(revision), 0) + 1, $2, 'test', '', $3 from configurations where tenant_id = $1",
    )
    .bind(tenant.as_str())
    .bind(json)
    .bind(now)
    .execute(pool)
    .await
    .expect("a revision");
}

/// The laws that do not hold, each with the rows that break it.
pub async fn broken_laws(pool: &PgPool) -> Vec<String> {
    let mut faults = Vec::new();
    for (law, sql) in LAWS {
        let broken = sqlx::query(AssertSqlSafe(*sql)).fetch_all(pool).await.expect("a law is SQL");
        let rows: Vec<String> = broken.iter().map(|row| row.get(0)).collect();
        if !rows.is_empty() {
            faults.push(format!("{law}: {rows:?}"));
        }
    }
    faults
}

/// What must be empty after any story.
const LAWS: &[(&str, &str)] = &[
    (
        "a ticket's version is the number of its events",
        "select t.id::text from tickets t
         where t.version <> (select count(*) from events e where e.tenant_id = t.tenant_id and e.ticket_id = t.id)
            or t.version <> (select max(version) from events e where e.tenant_id = t.tenant_id and e.ticket_id = t.id)",
    ),
    (
        "an event is either waiting for its place in the stream or has one, never both, never neither",
        "select e.ticket_id::text || '-' || e.version from events e
         where (select count(*) from outbox o
                where o.tenant_id = e.tenant_id and o.ticket_id = e.ticket_id and o.version = e.version)
             + (select count(*) from stream s
                where s.tenant_id = e.tenant_id and s.ticket_id = e.ticket_id and s.version = e.version) <> 1",
    ),
    (
        "the stream has the versions of a ticket in their order",
        "select s.ticket_id::text from
             (select tenant_id, ticket_id, version,
                     lag(version) over (partition by tenant_id, ticket_id order by position) as before from stream) s
         where s.before is not null and s.version <> s.before + 1",
    ),
    (
        "a comment and its event say the same",
        "select c.id::text from comments c
         left join events e on e.tenant_id = c.tenant_id and e.ticket_id = c.ticket_id and e.version = c.version
         where e.note is distinct from c.text or e.type <> 'ticket.commented'",
    ),
    (
        "each file that came to a ticket was told of once",
        "select coalesce(a.ticket_id, e.ticket_id)::text
         from (select tenant_id, ticket_id, count(*) n from attachments where complete_time is not null group by 1, 2) a
         full join (select tenant_id, ticket_id, count(*) n from events where type = 'ticket.attachment_added'
                    group by 1, 2) e on e.tenant_id = a.tenant_id and e.ticket_id = a.ticket_id
         where a.n is distinct from e.n",
    ),
    (
        "of a file that is deleted nothing is left, and of no other",
        "select id::text from attachments
         where (state = 'DELETED') <> (file_name = '' and media_type = '' and sha256 = '' and delete_time is not null)",
    ),
    (
        "what a ticket says of an article, its event tells, and what the event tells, the ticket says",
        "select coalesce(l.ticket_id, e.ticket_id)::text from article_links l
         full join (select * from events where type = 'ticket.article_linked') e
             on e.tenant_id = l.tenant_id and e.ticket_id = l.ticket_id and e.version = l.version
         left join events r on r.tenant_id = l.tenant_id and r.ticket_id = l.ticket_id and r.version = l.version
         where l.ticket_id is null or r.type not in ('ticket.article_linked', 'ticket.resolved') or not r.details ? 'article'",
    ),
    (
        "an article's revisions are 1 to its latest, and the one in use came into use",
        "select a.id::text from articles a
         left join (select tenant_id, article_id, count(*) n, max(revision) last from article_revisions group by 1, 2) r
             on r.tenant_id = a.tenant_id and r.article_id = a.id
         left join article_revisions p
             on p.tenant_id = a.tenant_id and p.article_id = a.id and p.revision = a.published_revision
         where r.n is distinct from a.latest_revision or r.last is distinct from a.latest_revision
            or (a.published_revision is not null and p.issue_time is null)",
    ),
    (
        "the books count on without a gap, and each line does",
        "select b.tenant_id from (select tenant_id, count(*) n, max(position) m from billables group by 1) b
         left join billing_accounts a on a.tenant_id = b.tenant_id where b.n <> b.m or a.last_position is distinct from b.m
         union all
         select tariff from billables group by tenant_id, ticket_id, organization, tariff, grouping_key, rate
         having count(*) <> max(sequence)",
    ),
    (
        "what is taken back is what was entered, once",
        "select r.id::text from worklogs r
         left join worklogs o on o.tenant_id = r.tenant_id and o.ticket_id = r.ticket_id and o.id = r.reverses
         where r.reverses is not null and (o.seconds is distinct from -r.seconds or o.agent <> r.agent)
         union all
         select id::text from worklogs where (reverses is null) <> (seconds > 0)",
    ),
    (
        "a waiting ticket has nobody, an owned one waits nowhere",
        "select id::text from tickets where queue_time is not null and assignee is not null",
    ),
    (
        "a ticket waits for the answer to the escalation that is pending, and to no other",
        "select coalesce(t.id, e.ticket_id)::text
         from (select * from tickets where pending_escalation is not null) t
         full join (select * from escalations where state = 'PENDING') e
             on e.tenant_id = t.tenant_id and e.ticket_id = t.id and e.id = t.pending_escalation
         where t.id is null or e.id is null",
    ),
    (
        "what is over waits nowhere and counts down to nothing",
        "select id::text from tickets where state in ('CLOSED', 'CANCELLED', 'MERGED')
             and (queue_time is not null or hold_until_time is not null or auto_close_time is not null)",
    ),
];

/// The configuration of the demo, which is also the tests'.
pub fn sample() -> Document {
    let text = include_str!("../../../demo/configuration.yaml");
    serde_saphyr::from_str(text).expect("the sample configuration reads")
}

/// Puts the token on every call.
#[derive(Clone)]
pub struct Bearer(MetadataValue<tonic::metadata::Ascii>);

impl Interceptor for Bearer {
    fn call(&mut self, mut request: Request<()>) -> Result<Request<()>, Status> {
        request.metadata_mut().insert("authorization", self.0.clone());
        Ok(request)
    }
}
