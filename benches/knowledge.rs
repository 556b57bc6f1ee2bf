//! How soon articles are found: ten thousand of them in use, each made of common and of rare words, asked for by words and
//! by tickets, over real gRPC, on a Postgres that keeps its promises.
//!
//! `cargo bench --bench knowledge` (or `make bench`); `-- 1000` makes a thousand questions of each kind (default 400).

use std::{
    sync::Arc,
    time::{Duration, Instant},
};

use comfy_table::{Table, presets};
use futures_util::{StreamExt as _, TryStreamExt as _, stream};
use indicatif::ProgressBar;
use sqlx::{Connection as _, PgConnection};
use ticketing::{
    app::{App, Setup},
    configuration::Document,
    ctx::{ActorKind, Clock, Ids, Role},
    db::{
        Db,
        embedded::{Embedded, Options},
    },
    serve::{Health, Quotas, Server, Settings},
    tokens::{Claims, Insecure},
};
use ticketing_proto::v1::{
    self as pb, configuration_service_client::ConfigurationServiceClient,
    knowledge_service_client::KnowledgeServiceClient, suggest_articles_request::Subject,
};
use tokio::net::TcpListener;
use tokio_util::sync::CancellationToken;
use tonic::{Request, transport::Channel};

const ARTICLES: usize = 10_000;
/// What the service promises of proposals, on two cores.
const BOUND: Duration = Duration::from_millis(50);

const THINGS: &[&str] = &[
    "Drucker",
    "Netzwerkdrucker",
    "Passwort",
    "Rechnung",
    "Zertifikat",
    "Einwahl",
    "Postfach",
    "Kalender",
    "Lizenz",
    "Schnittstelle",
    "Auftrag",
    "Lieferschein",
    "Bildschirm",
    "Sicherung",
    "Freigabe",
    "Formular",
    "Etikett",
    "Scanner",
];
const DEEDS: &[&str] = &[
    "zurücksetzen",
    "einrichten",
    "erneuern",
    "prüfen",
    "freischalten",
    "neu starten",
    "übertragen",
    "archivieren",
    "zuordnen",
    "wiederherstellen",
    "sperren",
    "abgleichen",
];
const CATEGORIES: &[&str] =
    &["hardware", "hardware.printer", "network", "software", "software.error", "software.howto", "contract"];

fn main() -> anyhow::Result<()> {
    let questions = std::env::args().find_map(|arg| arg.parse().ok()).unwrap_or(400);
    let folder = tempfile::tempdir()?;
    let options =
        Options { dir: folder.path().join("pg"), durable: true, max_connections: 50, bin_dir: None };
    let postgres = Embedded::start(&options)?;
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build()?;
    let rows = runtime.block_on(measure(postgres.url(), questions))?;
    let mut table = Table::new();
    table.load_style(presets::UTF8_BORDERS_ONLY);
    table.set_header(["question", "calls", "p50", "p95", "p99", "bound of p95"]);
    for (question, mut times) in rows {
        times.sort_unstable();
        let at = |share: usize| times[(times.len() - 1) * share / 100];
        let shown = |time: Duration| format!("{:.1} ms", time.as_secs_f64() * 1000.0);
        let kept = if at(95) <= BOUND { "kept" } else { "MISSED" };
        table.add_row([
            question.to_owned(),
            times.len().to_string(),
            shown(at(50)),
            shown(at(95)),
            shown(at(99)),
            format!("<= {} {kept}", shown(BOUND)),
        ]);
    }
    println!("{table}");
    Ok(())
}

/// Publishes the articles, and asks for them one after the other.
async fn measure(url: &str, questions: usize) -> anyhow::Result<Vec<(&'static str, Vec<Duration>)>> {
    let db = Db::connect(url, 16).await?;
    db.migrate().await?;
    let app = App::start(db, Clock::system(), Ids::random(), Setup::default()).await?;
    let channel = serve(&app).await?;
    configure(&channel).await?;
    let begin = Instant::now();
    publish(&channel).await?;
    let rate = ARTICLES as f64 / begin.elapsed().as_secs_f64();
    println!("{rate:.0} articles a second were written, submitted, published and put into the index.");
    sqlx::query("vacuum analyze").execute(&mut PgConnection::connect(url).await?).await?;
    let mut rows = Vec::new();
    for (name, question) in
        [("SuggestArticles, a draft", suggest as fn(usize) -> Question), ("SearchArticles, words", search)]
    {
        let mut times = Vec::with_capacity(questions);
        // The first ones fill the caches.
        for n in 0..questions + 20 {
            let begin = Instant::now();
            let found = ask(&channel, question(n)).await?;
            if n >= 20 {
                times.push(begin.elapsed());
            }
            anyhow::ensure!(found > 0, "nothing answers question {n}");
        }
        rows.push((name, times));
    }
    Ok(rows)
}

enum Question {
    Suggest(Box<pb::SuggestArticlesRequest>),
    Search(pb::SearchArticlesRequest),
}

fn title(n: usize) -> String {
    format!("{} {}", THINGS[n % THINGS.len()], DEEDS[n / THINGS.len() % DEEDS.len()])
}

/// A word that few articles have.
fn rare(n: usize) -> String {
    format!("Fehlercode{}", n % 4000)
}

fn suggest(n: usize) -> Question {
    let draft = pb::Ticket {
        title: format!("{} geht nicht", title(7 * n)),
        description: format!(
            "Seit heute früh lässt sich nichts {}; es steht {} da.",
            DEEDS[n % DEEDS.len()],
            rare(n)
        ),
        category: CATEGORIES[n % CATEGORIES.len()].into(),
        language_code: "de".into(),
        ..Default::default()
    };
    let parent = "tenants/bench".into();
    Question::Suggest(Box::new(pb::SuggestArticlesRequest {
        parent,
        subject: Some(Subject::Draft(draft)),
        max_results: 5,
    }))
}

fn search(n: usize) -> Question {
    let query = match n % 4 {
        0 => title(n),
        1 => rare(n),
        2 => THINGS[n % THINGS.len()].to_owned(),
        _ => format!("{} Pasword", title(n)),
    };
    Question::Search(pb::SearchArticlesRequest {
        parent: "tenants/bench".into(),
        query,
        ..Default::default()
    })
}

async fn ask(channel: &Channel, question: Question) -> anyhow::Result<usize> {
    let mut client = KnowledgeServiceClient::new(channel.clone());
    Ok(match question {
        Question::Suggest(request) => client.suggest_articles(*request).await?.into_inner().suggestions.len(),
        Question::Search(request) => client.search_articles(request).await?.into_inner().results.len(),
    })
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

async fn configure(channel: &Channel) -> anyhow::Result<()> {
    let document: Document = serde_saphyr::from_str(include_str!("../demo/configuration.yaml"))?;
    let mut configuration = ticketing::configuration::wire::message(&document);
    configuration.name = "tenants/bench/configuration".into();
    let request = pb::ApplyConfigurationRequest { configuration: Some(configuration), ..Default::default() };
    ConfigurationServiceClient::new(channel.clone()).apply_configuration(request).await?;
    Ok(())
}

/// A request of a reviewer, who is not the author.
fn reviewer<T>(message: T) -> anyhow::Result<Request<T>> {
    let (sub, roles) = ("reviewer".to_owned(), vec![Role::Manager]);
    let token = Claims { sub, kind: ActorKind::Agent, roles, tenants: None }.encode();
    let mut request = Request::new(message);
    request.metadata_mut().insert("authorization", format!("Bearer {token}").parse()?);
    Ok(request)
}

async fn publish(channel: &Channel) -> anyhow::Result<()> {
    let bar = ProgressBar::new(ARTICLES as u64).with_message("publishing articles");
    stream::iter(0..ARTICLES)
        .map(|n| async move {
            let mut client = KnowledgeServiceClient::new(channel.clone());
            let article = pb::Article {
                kind: pb::ArticleKind::HowTo.into(),
                title: title(n),
                text: format!(
                    "Wer {} {} will, öffnet das Menü und wählt {}. Steht dort {}, hilft ein neuer Versuch.",
                    THINGS[n % THINGS.len()],
                    DEEDS[n % DEEDS.len()],
                    THINGS[n / 3 % THINGS.len()],
                    rare(n),
                ),
                category: CATEGORIES[n % CATEGORIES.len()].into(),
                language_code: "de".into(),
                ..Default::default()
            };
            let parent = "tenants/bench".into();
            let request = pb::CreateArticleRequest { parent, article: Some(article), ..Default::default() };
            let name = client.create_article(request).await?.into_inner().article.unwrap_or_default().name;
            client
                .submit_article(pb::SubmitArticleRequest { name: name.clone(), ..Default::default() })
                .await?;
            let publish = pb::PublishArticleRequest { name, ..Default::default() };
            client.publish_article(reviewer(publish)?).await?;
            anyhow::Ok(())
        })
        .buffer_unordered(8)
        .try_for_each(|()| {
            bar.inc(1);
            std::future::ready(Ok(()))
        })
        .await?;
    bar.finish_and_clear();
    Ok(())
}
