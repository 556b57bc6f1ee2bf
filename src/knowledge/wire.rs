//! Articles as messages and back, and what an event tells of one.

use ticketing_proto::v1 as pb;

use super::{
    Audience, Kind, Link, Reference, Relation, State,
    create::Create,
    model::{MAX_LANGUAGE_CODE, MAX_PRODUCT, MAX_TEXT, MAX_TITLE, Usage, name},
    read::Told,
    revise::Edit,
    store::Shown,
    suggest::Matter,
    write::Target,
};
use crate::{
    ctx::{ActorKind, Ctx},
    error::{Error, Result, Violations},
    events::Event,
    ids::{Id, TenantId, child_of},
    tickets::{self, wire},
};

/// `tenants/{tenant}/articles/{article}`, by id or by number.
pub fn named(field: &str, name: &str) -> Result<(TenantId, Reference)> {
    let (tenant, part) = child_of(field, name, "articles")?;
    let reference = Reference::parse(part).ok_or_else(|| Error::not_found("article", name))?;
    Ok((tenant, reference))
}

/// An article of this tenant; a name of nothing is a fault.
pub fn reference(faults: &mut Violations, field: &str, name: &str, tenant: &TenantId) -> Option<Reference> {
    let key = wire::required_reference(faults, field, name, tenant, "articles");
    let reference = Reference::parse(&key);
    if reference.is_none() && !key.is_empty() {
        faults.add(field, "names no article");
    }
    reference
}

/// What every verb on an article has.
pub fn target(field: &str, name: &str, etag: &str) -> Result<(TenantId, Target)> {
    let (tenant, article) = named(field, name)?;
    let mut faults = Violations::default();
    let etag_field = field.strip_suffix("name").map_or_else(String::new, |before| format!("{before}etag"));
    let version = wire::version(&mut faults, &etag_field, etag);
    faults.into_result()?;
    Ok((tenant, Target { article, version }))
}

fn kind(faults: &mut Violations, field: &str, kind: i32) -> Kind {
    if kind == 0 {
        faults.add(field, "is required");
    }
    let name = |it: &pb::ArticleKind| it.as_str_name();
    wire::code(faults, field, kind, name, "ARTICLE_KIND_", Kind::parse).unwrap_or(Kind::HowTo)
}

fn audience(faults: &mut Violations, field: &str, audience: i32) -> Option<Audience> {
    let name = |it: &pb::ArticleAudience| it.as_str_name();
    wire::code(faults, field, audience, name, "ARTICLE_AUDIENCE_", Audience::parse)
}

pub fn relation(faults: &mut Violations, field: &str, relation: i32) -> Relation {
    let name = |it: &pb::ArticleRelation| it.as_str_name();
    if relation == 0 {
        faults.add(field, "is required");
    }
    let relation = wire::code(faults, field, relation, name, "ARTICLE_RELATION_", Relation::parse);
    relation.unwrap_or(Relation::Used)
}

pub fn create(article: Option<&pb::Article>) -> Create {
    let empty = pb::Article::default();
    let said = article.unwrap_or(&empty);
    let mut faults = Violations::default();
    let mut text = |field: &str, it: &str, max| wire::text(&mut faults, &format!("article.{field}"), it, max);
    let title = text("title", &said.title, MAX_TITLE);
    let body = text("text", &said.text, MAX_TEXT);
    let product = text("product", &said.product, MAX_PRODUCT);
    let language_code = text("language_code", &said.language_code, MAX_LANGUAGE_CODE);
    let lowest_level = text("lowest_level", &said.lowest_level, MAX_PRODUCT);
    let category = text("category", &said.category, MAX_PRODUCT);
    if said.source_revision != 0 {
        faults.add("article.source_revision", "is a translation's; begin one by TranslateArticle");
    }
    Create {
        kind: kind(&mut faults, "article.kind", said.kind),
        audience: audience(&mut faults, "article.audience", said.audience).unwrap_or(Audience::Internal),
        lowest_level,
        category,
        product,
        language_code,
        title,
        text: body,
        faults,
    }
}

/// What an update is to set: what the mask names or, without one, what is set.
pub fn edits(
    faults: &mut Violations,
    said: &pb::Article,
    mask: Option<&prost_types::FieldMask>,
) -> Vec<Edit> {
    let paths: Vec<String> = match mask {
        None => populated(said),
        Some(mask) => {
            if mask.paths.is_empty() {
                let text = "names nothing; leave it out to set the fields that are set";
                faults.add("update_mask", text);
            }
            mask.paths.clone()
        }
    };
    let mut edits = Vec::new();
    for (place, path) in paths.iter().enumerate() {
        match edit(faults, said, path) {
            Some(edit) => edits.push(edit),
            None => faults.add(
                format!("update_mask.paths[{place}]"),
                format!("{path:?} is no field that UpdateArticle sets"),
            ),
        }
    }
    edits
}

fn edit(faults: &mut Violations, said: &pb::Article, path: &str) -> Option<Edit> {
    let field = format!("article.{path}");
    let mut text = |it: &str, max| wire::text(faults, &field, it, max);
    Some(match path {
        "title" => Edit::Title(text(&said.title, MAX_TITLE)),
        "text" => Edit::Text(text(&said.text, MAX_TEXT)),
        "lowest_level" => Edit::LowestLevel(text(&said.lowest_level, MAX_PRODUCT)),
        "category" => Edit::Category(text(&said.category, MAX_PRODUCT)),
        "product" => Edit::Product(text(&said.product, MAX_PRODUCT)),
        "source_revision" => Edit::SourceRevision(said.source_revision),
        "audience" => Edit::Audience(audience(faults, &field, said.audience).unwrap_or(Audience::Internal)),
        "kind" => Edit::Kind(kind(faults, &field, said.kind)),
        _ => return None,
    })
}

fn populated(said: &pb::Article) -> Vec<String> {
    let set = [
        ("kind", said.kind != 0),
        ("title", !said.title.is_empty()),
        ("text", !said.text.is_empty()),
        ("audience", said.audience != 0),
        ("lowest_level", !said.lowest_level.is_empty()),
        ("category", !said.category.is_empty()),
        ("product", !said.product.is_empty()),
        ("source_revision", said.source_revision != 0),
    ];
    set.into_iter().filter(|(_, is_set)| *is_set).map(|(field, _)| field.to_owned()).collect()
}

/// A ticket as it might come in, as far as articles suit it.
pub fn matter(faults: &mut Violations, draft: &pb::Ticket) -> Matter {
    let mut text = |field: &str, it: &str, max| wire::text(faults, &format!("draft.{field}"), it, max);
    Matter {
        title: text("title", &draft.title, tickets::MAX_TITLE),
        description: text("description", &draft.description, tickets::MAX_TEXT),
        category: text("category", &draft.category, MAX_PRODUCT),
        product: text("product", &draft.product, MAX_PRODUCT),
        language_code: text("language_code", &draft.language_code, MAX_LANGUAGE_CODE),
        level: None,
    }
}

/// The article as its reader may see it. A customer sees what is in use, and not who works on it.
pub fn article(ctx: &Ctx, told: Told) -> pb::Article {
    let Told { shown: Shown { article, revision, outdated }, usage } = told;
    let public = pb::Article {
        name: article.name(),
        number: article.number,
        etag: article.etag(),
        state: pb::ArticleState::Published.into(),
        kind: 1 + revision.kind as i32,
        title: revision.title,
        text: revision.body,
        language_code: article.language_code,
        audience: 1 + revision.audience as i32,
        category: revision.category,
        product: revision.product,
        translation_of: article.translation_of.map(|id| name(&article.tenant_id, id)).unwrap_or_default(),
        source_revision: revision.source_revision.unwrap_or_default(),
        outdated,
        revision: revision.revision,
        author: Some(author(revision.author_kind, String::new())),
        create_time: Some(wire::timestamp(article.create_time)),
        update_time: Some(wire::timestamp(article.update_time)),
        revise_time: Some(wire::timestamp(revision.revise_time)),
        publish_time: article.publish_time.map(wire::timestamp),
        ..pb::Article::default()
    };
    if ctx.actor.is_customer() {
        return public;
    }
    pb::Article {
        state: state(article.state),
        lowest_level: revision.lowest_level,
        latest_revision: article.latest_revision,
        published_revision: article.published_revision.unwrap_or_default(),
        author: Some(author(revision.author_kind, revision.author_id)),
        unrevised: revision.unrevised,
        review_note: article.review_note,
        stale_time: article.stale_time.map(wire::timestamp),
        usage: usage.map(|usage| self::usage(&usage)),
        ..public
    }
}

fn author(kind: ActorKind, id: String) -> pb::Actor {
    pb::Actor { kind: wire::actor_kind(kind), id }
}

fn state(state: State) -> i32 {
    1 + state as i32
}

fn usage(usage: &Usage) -> pb::ArticleUsage {
    pb::ArticleUsage {
        used_count: usage.used,
        reused_count: usage.reused,
        reopened_count: usage.reopened,
        did_not_help_count: usage.did_not_help,
        deflection_count: usage.deflections,
    }
}

pub fn link(link: Link) -> pb::ArticleLink {
    pb::ArticleLink {
        article: name(&link.tenant_id, link.article_id),
        ticket: format!("tenants/{}/tickets/{}", link.tenant_id, link.ticket_id),
        relation: 1 + link.relation as i32,
        revision: link.revision,
        author: Some(author(link.author_kind, link.author_id)),
        create_time: Some(wire::timestamp(link.create_time)),
        reopen_time: link.reopen_time.map(wire::timestamp),
    }
}

/// The name of an article that is kept by its id; what is no id is from before there were articles, and stays as it is.
pub fn shown(tenant: &TenantId, key: &str) -> String {
    key.parse().map_or_else(|()| key.to_owned(), |id: Id| name(tenant, id))
}

/// The article that an event is about, by name; empty: none.
pub fn of_event(event: &Event) -> String {
    let key = event.details.get("article").and_then(|key| key.as_str());
    let id = key.and_then(|key| key.parse::<Id>().ok());
    id.map_or_else(String::new, |id| name(&event.tenant_id, id))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_contract_counts_as_we_do() {
        fn names<P: TryFrom<i32>>(count: usize, name: fn(&P) -> &'static str) -> Vec<&'static str> {
            (1..=count as i32).map(|n| P::try_from(n).map_or("none", |it| name(&it))).collect()
        }
        let prefixed = |prefix: &str, codes: &[&str]| -> Vec<String> {
            codes.iter().map(|code| format!("{prefix}{code}")).collect()
        };
        let states = names(State::ALL.len(), pb::ArticleState::as_str_name);
        assert_eq!(states, prefixed("ARTICLE_STATE_", State::NAMES));
        let kinds = names(Kind::ALL.len(), pb::ArticleKind::as_str_name);
        assert_eq!(kinds, prefixed("ARTICLE_KIND_", Kind::NAMES));
        let audiences = names(Audience::ALL.len(), pb::ArticleAudience::as_str_name);
        assert_eq!(audiences, prefixed("ARTICLE_AUDIENCE_", Audience::NAMES));
        let relations = names(Relation::ALL.len(), pb::ArticleRelation::as_str_name);
        assert_eq!(relations, prefixed("ARTICLE_RELATION_", Relation::NAMES));
    }

    #[test]
    fn an_update_sets_what_is_set_or_what_the_mask_names() {
        let wanted = edits;
        let said = pb::Article { title: "Neu".into(), category: "network".into(), ..Default::default() };
        let edits = |mask: Option<&[&str]>| {
            let paths = |mask: &[&str]| mask.iter().map(|path| (*path).to_owned()).collect();
            let mask = mask.map(|mask| prost_types::FieldMask { paths: paths(mask) });
            let mut faults = Violations::default();
            let edits = wanted(&mut faults, &said, mask.as_ref());
            faults.into_result().map(|()| edits).map_err(|error| error.to_string())
        };
        let (title, category) = (Edit::Title("Neu".into()), Edit::Category("network".into()));
        assert_eq!(edits(None), Ok(vec![title.clone(), category]));
        assert_eq!(edits(Some(&["title"])), Ok(vec![title]));
        assert_eq!(edits(Some(&["product"])), Ok(vec![Edit::Product(String::new())]));
        for bad in [&[][..], &["kind"], &["state"], &["number", "title"]] {
            assert!(edits(Some(bad)).is_err(), "{bad:?}");
        }
    }

    #[test]
    fn a_key_from_before_there_were_articles_stays_as_it_is() {
        let tenant = TenantId::parse("acme").expect("a tenant");
        assert_eq!(shown(&tenant, "KB-0815"), "KB-0815");
        assert_eq!(shown(&tenant, ""), "");
        let id = tickets::fixture::id(5);
        assert_eq!(shown(&tenant, &id.to_string()), format!("tenants/acme/articles/{id}"));
    }
}
