//! Knowledge over real gRPC: articles and their review, who sees which, what a resolution owes, what came of them, and how they
//! are found.

mod counts;
mod duty;
mod erase;
mod find;
mod life;
mod sight;
mod translations;

use ticketing_proto::v1::{self as pb, knowledge_service_client::KnowledgeServiceClient};

use crate::{
    support::{Client, Desk},
    tickets::{record, titled},
};

pub type Knowledge = KnowledgeServiceClient<Client>;

pub const MISSING: &str = "NotFound RESOURCE_NOT_FOUND";

pub fn knowledge(client: Client) -> Knowledge {
    KnowledgeServiceClient::new(client)
}

/// An article as its author would have it.
pub fn saying(title: &str, text: &str) -> pb::Article {
    pb::Article {
        kind: pb::ArticleKind::StandardAnswer.into(),
        title: title.to_owned(),
        text: text.to_owned(),
        language_code: "de".to_owned(),
        ..Default::default()
    }
}

pub fn creating(desk: &Desk, article: pb::Article) -> pb::CreateArticleRequest {
    pb::CreateArticleRequest { parent: desk.parent(), article: Some(article), ..Default::default() }
}

/// A draft of anna's.
pub async fn draft(desk: &Desk, article: pb::Article) -> pb::Article {
    let request = creating(desk, article);
    let made = knowledge(desk.agent("anna")).create_article(request).await.expect("begun").into_inner();
    made.article.expect("an article")
}

/// Reviewed by the manager, and in use.
pub async fn publish(desk: &Desk, name: &str) -> pb::Article {
    let submit = pb::SubmitArticleRequest { name: name.to_owned(), ..Default::default() };
    knowledge(desk.agent("anna")).submit_article(submit).await.expect("submitted");
    let publish = pb::PublishArticleRequest { name: name.to_owned(), ..Default::default() };
    let done = knowledge(desk.manager()).publish_article(publish).await.expect("published").into_inner();
    done.article.expect("an article")
}

pub async fn published(desk: &Desk, article: pb::Article) -> pb::Article {
    let name = draft(desk, article).await.name;
    publish(desk, &name).await
}

pub fn named(name: &str) -> pb::GetArticleRequest {
    pb::GetArticleRequest { name: name.to_owned(), ..Default::default() }
}

pub async fn get(client: Client, name: &str) -> pb::Article {
    let found = knowledge(client).get_article(named(name)).await.expect("read").into_inner();
    found.article.expect("an article")
}

/// What came of an article.
pub async fn usage(desk: &Desk, name: &str) -> pb::ArticleUsage {
    get(desk.manager(), name).await.usage.expect("the house sees it")
}

/// A ticket at a level: each of the sample's has a queue that a category and an impact lead to, or an escalation.
pub async fn ticket_at(desk: &Desk, level: &str) -> pb::Ticket {
    let ticket = record(desk, titled("Drucker druckt nicht")).await;
    let (team, level) = match level {
        "L1" => return ticket,
        "L2" => ("applications", "L2"),
        _ => ("engineering", "L3"),
    };
    crate::tickets::edit(desk, &ticket.name, |ticket| {
        level.clone_into(&mut ticket.level);
        team.clone_into(&mut ticket.team);
        team.clone_into(&mut ticket.queue);
    })
    .await;
    crate::tickets::read(desk, &ticket.name).await
}

/// A request that resolves the ticket with this article; empty: with none.
pub fn resolving(ticket: &str, article: &str) -> pb::ResolveTicketRequest {
    let mut request = crate::tickets::resolving(ticket);
    article.clone_into(&mut request.resolution.as_mut().expect("a resolution").article);
    request
}

pub fn linking(ticket: &str, article: &str, relation: pb::ArticleRelation) -> pb::LinkArticleRequest {
    pb::LinkArticleRequest {
        parent: ticket.to_owned(),
        article: article.to_owned(),
        relation: relation.into(),
        ..Default::default()
    }
}

pub async fn links(client: Client, article: &str) -> Vec<pb::ArticleLink> {
    let request = pb::ListArticleLinksRequest { parent: article.to_owned(), ..Default::default() };
    knowledge(client).list_article_links(request).await.expect("a page").into_inner().links
}
