//! What the help desk knows in the morning, and what it learns: articles, written by one and reviewed by another.

use std::collections::HashMap;

use anyhow::Context as _;
use ticketing_proto::v1::{
    self as pb, ArticleAudience as Audience, ArticleKind as Kind,
    knowledge_service_client::KnowledgeServiceClient, suggest_articles_request::Subject,
};
use tonic::transport::Channel;

use super::{
    cast::Cast,
    person::{Person, parent},
};

/// An article: what the demo calls it, what it is, and for whom.
struct Known {
    key: &'static str,
    kind: Kind,
    audience: Audience,
    lowest_level: &'static str,
    category: &'static str,
    title: &'static str,
    text: &'static str,
}

const KNOWN: &[Known] = &[
    Known {
        key: "password",
        kind: Kind::StandardAnswer,
        audience: Audience::Customer,
        lowest_level: "",
        category: "software.howto",
        title: "Passwort zurücksetzen",
        text: "Im Kundenportal auf „Kennwort vergessen“; wer gesperrt ist, wird am Telefon freigeschaltet.",
    },
    Known {
        key: "sensor",
        kind: Kind::StandardAnswer,
        audience: Audience::Internal,
        lowest_level: "",
        category: "hardware.printer",
        title: "Etikettendrucker druckt leer: Sensor kalibrieren",
        text: "Deckel öffnen, Vorschub fünf Sekunden halten, bis die Leuchte zweimal blinkt.",
    },
    Known {
        key: "lock",
        kind: Kind::Workaround,
        audience: Audience::Internal,
        lowest_level: "L2",
        category: "software.error",
        title: "Import hängt: Sperre des Auftrags lösen",
        text: "Sperre des Auftrags aufheben, Auftrag neu starten. Hilft das nicht, den Auftrag neu anlegen.",
    },
    Known {
        key: "line",
        kind: Kind::HowTo,
        audience: Audience::Internal,
        lowest_level: "L2",
        category: "network",
        title: "Standort ohne Netz: Leitung prüfen und Lieferanten einschalten",
        text: "Router anpingen, Gegenstelle messen, Störung mit der Leitungsnummer melden.",
    },
    Known {
        key: "rights",
        kind: Kind::HowTo,
        audience: Audience::Internal,
        lowest_level: "L2",
        category: "",
        title: "Rechte und Zugänge freischalten",
        text: "Rolle prüfen, Freigabe der Leitung einholen, Rolle zuweisen.",
    },
    Known {
        key: "change",
        kind: Kind::Solution,
        audience: Audience::Internal,
        lowest_level: "L2",
        category: "software.error",
        title: "Fehler mit Änderung behoben: was dem Kunden zu sagen ist",
        text: "Nummer der Auslieferung nennen, Kunden prüfen lassen, dann schließen.",
    },
];

/// What they are called by the service.
pub type Articles = HashMap<&'static str, pb::Article>;

/// Writes down what is known; what is known already stays.
pub async fn record(cast: &Cast) -> anyhow::Result<Articles> {
    let (author, reviewer) = (cast.of("jonas"), cast.of("petra"));
    let mut articles = Articles::new();
    for known in KNOWN {
        let article = match find(reviewer, known.title).await? {
            Some(article) => article,
            None => publish(author, reviewer, known.article()).await?,
        };
        articles.insert(known.key, article);
    }
    Ok(articles)
}

impl Known {
    fn article(&self) -> pb::Article {
        pb::Article {
            kind: self.kind.into(),
            audience: self.audience.into(),
            lowest_level: self.lowest_level.to_owned(),
            category: self.category.to_owned(),
            title: self.title.to_owned(),
            text: self.text.to_owned(),
            language_code: "de".to_owned(),
            ..Default::default()
        }
    }
}

fn client(person: &Person) -> KnowledgeServiceClient<Channel> {
    KnowledgeServiceClient::new(person.channel.clone())
}

async fn find(reader: &Person, title: &str) -> anyhow::Result<Option<pb::Article>> {
    let filter = format!("published = true AND title = \"{title}\"");
    let request = pb::ListArticlesRequest { parent: parent(), filter, ..Default::default() };
    let page =
        client(reader).list_articles(reader.ask(request)).await.context("articles cannot be listed")?;
    Ok(page.into_inner().articles.into_iter().next())
}

/// One writes it, another says that it is right.
pub async fn publish(
    author: &Person,
    reviewer: &Person,
    article: pb::Article,
) -> anyhow::Result<pb::Article> {
    let what = || format!("the article {:?} cannot be published", article.title);
    let request =
        pb::CreateArticleRequest { parent: parent(), article: Some(article.clone()), ..Default::default() };
    let made = client(author).create_article(author.ask(request)).await.with_context(what)?.into_inner();
    let name = made.article.unwrap_or_default().name;
    let request = pb::SubmitArticleRequest { name: name.clone(), ..Default::default() };
    client(author).submit_article(author.ask(request)).await.with_context(what)?;
    let request = pb::PublishArticleRequest { name, ..Default::default() };
    let done = client(reviewer).publish_article(reviewer.ask(request)).await.with_context(what)?;
    Ok(done.into_inner().article.unwrap_or_default())
}

/// The article that suits a ticket best.
pub async fn suggest(agent: &Person, ticket: &pb::Ticket) -> anyhow::Result<pb::Article> {
    let subject = Some(Subject::Ticket(ticket.name.clone()));
    let request = pb::SuggestArticlesRequest { parent: parent(), subject, max_results: 1 };
    let found = client(agent).suggest_articles(agent.ask(request)).await.context("nothing is proposed")?;
    let best = found.into_inner().suggestions.into_iter().next().and_then(|hit| hit.article);
    best.with_context(|| format!("no article suits {:?}", ticket.title))
}
