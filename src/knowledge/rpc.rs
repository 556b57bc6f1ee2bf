//! `ticketing.v1.KnowledgeService`: wire in, wire out.

use std::sync::Arc;

use ticketing_proto::v1::{
    self as pb,
    knowledge_service_server::{KnowledgeService, KnowledgeServiceServer},
    suggest_articles_request::Subject as Wanted,
};

use super::{
    archive::archive,
    create, deflect,
    link::{self, LinkArticle},
    model::{MAX_LANGUAGE_CODE, MAX_NOTE, MAX_TEXT, MAX_TITLE},
    publish::publish,
    read::{self, List, Told},
    reject::reject,
    restore::restore,
    revise::{self, Revise},
    search::{self, Found},
    submit::submit,
    suggest::{self, Subject},
    translate::{self, Translate},
    wire,
    write::Written,
};
use crate::{
    app::App,
    call::{Call, MAX_REQUEST, service},
    ctx::Ctx,
    error::{Error, Result, Violations},
    ids::tenant_of,
    tickets::{self, wire as ticket_wire},
};

/// Articles that are proposed.
const SUGGESTIONS: i32 = 5;
const MOST_SUGGESTIONS: i32 = 20;

#[derive(Debug)]
struct Rpc(Arc<App>);

/// The service, ready to be mounted.
pub fn server(app: Arc<App>) -> KnowledgeServiceServer<impl KnowledgeService> {
    KnowledgeServiceServer::new(Rpc(app)).max_decoding_message_size(MAX_REQUEST)
}

service! { KnowledgeService, "KnowledgeService":
    create_article(CreateArticleRequest) -> CreateArticleResponse,
    get_article(GetArticleRequest) -> GetArticleResponse,
    list_articles(ListArticlesRequest) -> ListArticlesResponse,
    update_article(UpdateArticleRequest) -> UpdateArticleResponse,
    translate_article(TranslateArticleRequest) -> TranslateArticleResponse,
    submit_article(SubmitArticleRequest) -> SubmitArticleResponse,
    publish_article(PublishArticleRequest) -> PublishArticleResponse,
    reject_article(RejectArticleRequest) -> RejectArticleResponse,
    archive_article(ArchiveArticleRequest) -> ArchiveArticleResponse,
    restore_article(RestoreArticleRequest) -> RestoreArticleResponse,
    list_article_revisions(ListArticleRevisionsRequest) -> ListArticleRevisionsResponse,
    link_article(LinkArticleRequest) -> LinkArticleResponse,
    list_article_links(ListArticleLinksRequest) -> ListArticleLinksResponse,
    search_articles(SearchArticlesRequest) -> SearchArticlesResponse,
    suggest_articles(SuggestArticlesRequest) -> SuggestArticlesResponse,
    report_deflection(ReportDeflectionRequest) -> ReportDeflectionResponse,
}

/// The article of an answer, and whether it is a repetition.
fn written(ctx: &Ctx, written: Written) -> (Option<pb::Article>, bool) {
    let told = Told { shown: written.shown, usage: None };
    (Some(wire::article(ctx, told)), written.replayed)
}

async fn create_article(call: &Call, request: pb::CreateArticleRequest) -> Result<pb::CreateArticleResponse> {
    let ctx = call.write(tenant_of(&request.parent)?, &request.request_id, &request)?;
    let wanted = wire::create(request.article.as_ref());
    let (article, replayed) = written(&ctx, create::create(&call.app, &ctx, &wanted).await?);
    Ok(pb::CreateArticleResponse { article, replayed })
}

async fn get_article(call: &Call, request: pb::GetArticleRequest) -> Result<pb::GetArticleResponse> {
    let (tenant, article) = wire::named("name", &request.name)?;
    let ctx = call.read(tenant)?;
    if request.read_revision < 0 {
        return Err(Error::field("read_revision", "must not be negative"));
    }
    let told = read::get(&call.app, &ctx, article, request.read_revision).await?;
    Ok(pb::GetArticleResponse { article: Some(wire::article(&ctx, told)) })
}

async fn list_articles(call: &Call, request: pb::ListArticlesRequest) -> Result<pb::ListArticlesResponse> {
    let ctx = call.read(tenant_of(&request.parent)?)?;
    let mut faults = Violations::default();
    let translation_of = match request.translation_of.as_str() {
        "" => None,
        name => wire::reference(&mut faults, "translation_of", name, &ctx.tenant),
    };
    faults.into_result()?;
    let list = List {
        page_size: request.page_size,
        page_token: &request.page_token,
        filter: &request.filter,
        translation_of,
    };
    let (page, next_page_token) = read::list(&call.app, &ctx, list).await?;
    let articles = page.into_iter().map(|told| wire::article(&ctx, told)).collect();
    Ok(pb::ListArticlesResponse { articles, next_page_token })
}

async fn update_article(call: &Call, request: pb::UpdateArticleRequest) -> Result<pb::UpdateArticleResponse> {
    let said = request.article.clone().unwrap_or_default();
    let (tenant, target) = wire::target("article.name", &said.name, &said.etag)?;
    let ctx = call.write(tenant, &request.request_id, &request)?;
    let mut faults = Violations::default();
    let edits = wire::edits(&mut faults, &said, request.update_mask.as_ref());
    let wanted = Revise { target, edits, faults };
    let (article, replayed) = written(&ctx, revise::revise(&call.app, &ctx, &wanted).await?);
    Ok(pb::UpdateArticleResponse { article, replayed })
}

async fn translate_article(
    call: &Call,
    request: pb::TranslateArticleRequest,
) -> Result<pb::TranslateArticleResponse> {
    let (tenant, target) = wire::target("name", &request.name, &request.etag)?;
    let ctx = call.write(tenant, &request.request_id, &request)?;
    let mut faults = Violations::default();
    let mut text = |field: &str, it: &str, max| ticket_wire::text(&mut faults, field, it, max);
    let language_code = text("language_code", &request.language_code, MAX_LANGUAGE_CODE);
    let title = text("title", &request.title, MAX_TITLE);
    let text = text("text", &request.text, MAX_TEXT);
    let source_revision = request.source_revision;
    let wanted = Translate { target, language_code, title, text, source_revision, faults };
    let (article, replayed) = written(&ctx, translate::translate(&call.app, &ctx, &wanted).await?);
    Ok(pb::TranslateArticleResponse { article, replayed })
}

/// The verbs that move an article: they share the envelope.
macro_rules! moves {
    ($($method:ident($request:ident) -> $response:ident: |$app:ident, $ctx:ident, $target:ident, $why:ident| $done:expr,
        why: $reason:expr;)*) => {$(
        async fn $method(call: &Call, request: pb::$request) -> Result<pb::$response> {
            let (tenant, $target) = wire::target("name", &request.name, &request.etag)?;
            let ctx = call.write(tenant, &request.request_id, &request)?;
            let reason: fn(&pb::$request) -> Result<String> = $reason;
            let $why = reason(&request)?;
            let ($app, $ctx) = (&call.app, &ctx);
            let (article, replayed) = written(&ctx, $done.await?);
            Ok(pb::$response { article, replayed })
        }
    )*};
}

moves! {
    submit_article(SubmitArticleRequest) -> SubmitArticleResponse:
        |app, ctx, target, _why| submit(app, ctx, target), why: |_| Ok(String::new());
    publish_article(PublishArticleRequest) -> PublishArticleResponse:
        |app, ctx, target, _why| publish(app, ctx, target), why: |_| Ok(String::new());
    reject_article(RejectArticleRequest) -> RejectArticleResponse:
        |app, ctx, target, why| reject(app, ctx, target, &why), why: |request| why(&request.reason, true);
    archive_article(ArchiveArticleRequest) -> ArchiveArticleResponse:
        |app, ctx, target, why| archive(app, ctx, target, &why), why: |request| why(&request.reason, false);
    restore_article(RestoreArticleRequest) -> RestoreArticleResponse:
        |app, ctx, target, _why| restore(app, ctx, target), why: |_| Ok(String::new());
}

fn why(reason: &str, required: bool) -> Result<String> {
    let mut faults = Violations::default();
    if required && reason.trim().is_empty() {
        faults.add("reason", "is required");
    }
    let reason = ticket_wire::text(&mut faults, "reason", reason, MAX_NOTE);
    faults.into_result()?;
    Ok(reason)
}

async fn list_article_revisions(
    call: &Call,
    request: pb::ListArticleRevisionsRequest,
) -> Result<pb::ListArticleRevisionsResponse> {
    let (tenant, article) = wire::named("name", &request.name)?;
    let ctx = call.read(tenant)?;
    let (page, next_page_token) =
        read::revisions(&call.app, &ctx, article, request.page_size, &request.page_token).await?;
    let revisions = page.into_iter().map(|told| wire::article(&ctx, told)).collect();
    Ok(pb::ListArticleRevisionsResponse { revisions, next_page_token })
}

async fn link_article(call: &Call, request: pb::LinkArticleRequest) -> Result<pb::LinkArticleResponse> {
    let (tenant, ticket) = ticket_wire::ticket_name("parent", &request.parent)?;
    let ctx = call.write(tenant, &request.request_id, &request)?;
    let (of, article) = wire::named("article", &request.article)?;
    if of != ctx.tenant {
        return Err(Error::field("article", "must be of the same tenant"));
    }
    let mut faults = Violations::default();
    let relation = wire::relation(&mut faults, "relation", request.relation);
    faults.into_result()?;
    let (linked, done) = link::link(&call.app, &ctx, &LinkArticle { ticket, article, relation }).await?;
    Ok(pb::LinkArticleResponse {
        link: Some(wire::link(linked)),
        revision: ticket_wire::revision(&done.ticket),
        replayed: done.replayed,
    })
}

async fn list_article_links(
    call: &Call,
    request: pb::ListArticleLinksRequest,
) -> Result<pb::ListArticleLinksResponse> {
    let (tenant, article) = wire::named("parent", &request.parent)?;
    let ctx = call.read(tenant)?;
    let (page, next_page_token) =
        read::links(&call.app, &ctx, article, request.page_size, &request.page_token).await?;
    Ok(pb::ListArticleLinksResponse { links: page.into_iter().map(wire::link).collect(), next_page_token })
}

fn hit(ctx: &Ctx, found: Found) -> pb::ArticleHit {
    pb::ArticleHit { article: Some(wire::article(ctx, found.told)), score: found.score }
}

async fn search_articles(
    call: &Call,
    request: pb::SearchArticlesRequest,
) -> Result<pb::SearchArticlesResponse> {
    let ctx = call.read(tenant_of(&request.parent)?)?;
    let (page, next_page_token) =
        search::search(&call.app, &ctx, &request.query, request.page_size, &request.page_token).await?;
    let results = page.into_iter().map(|found| hit(&ctx, found)).collect();
    Ok(pb::SearchArticlesResponse { results, next_page_token })
}

async fn suggest_articles(
    call: &Call,
    request: pb::SuggestArticlesRequest,
) -> Result<pb::SuggestArticlesResponse> {
    let ctx = call.read(tenant_of(&request.parent)?)?;
    let mut faults = Violations::default();
    let most = match request.max_results {
        0 => SUGGESTIONS,
        most if (1..=MOST_SUGGESTIONS).contains(&most) => most,
        _ => {
            faults.add("max_results", format!("must be 1 to {MOST_SUGGESTIONS}"));
            SUGGESTIONS
        }
    };
    let subject = match &request.subject {
        None => {
            faults.add("subject", "is required: a ticket, or a draft of one");
            None
        }
        Some(Wanted::Draft(draft)) => Some(Subject::Draft(wire::matter(&mut faults, draft))),
        Some(Wanted::Ticket(name)) => {
            let part = ticket_wire::required_reference(&mut faults, "ticket", name, &ctx.tenant, "tickets");
            if part.is_empty() {
                None
            } else {
                Some(Subject::Ticket(tickets::resolve(&call.app, &ctx.tenant, &part).await?))
            }
        }
    };
    faults.into_result()?;
    let subject = subject.ok_or_else(|| Error::field("subject", "is required"))?;
    let found = suggest::suggest(&call.app, &ctx, subject, most as usize).await?;
    let suggestions = found.into_iter().map(|found| hit(&ctx, found)).collect();
    Ok(pb::SuggestArticlesResponse { suggestions })
}

async fn report_deflection(
    call: &Call,
    request: pb::ReportDeflectionRequest,
) -> Result<pb::ReportDeflectionResponse> {
    let (tenant, article) = wire::named("article", &request.article)?;
    let ctx = call.write(tenant, &request.request_id, &request)?;
    Ok(pb::ReportDeflectionResponse { replayed: deflect::deflect(&call.app, &ctx, article).await? })
}
