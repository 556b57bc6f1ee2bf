//! Beginning an article: a draft, of which the caller is the author.

use super::{
    Article, Audience, Kind, Revision,
    write::{Written, begin_in, recall_in},
};
use crate::{
    app::App,
    call::retrying,
    configuration::Configuration,
    ctx::Ctx,
    error::{Result, Violations},
    ids::Id,
};

/// What is to be known; texts are within their limits.
#[derive(Clone, Debug)]
pub struct Create {
    pub kind: Kind,
    pub audience: Audience,
    pub lowest_level: String,
    pub category: String,
    pub product: String,
    /// Empty: the configuration's.
    pub language_code: String,
    pub title: String,
    pub text: String,
    /// What is wrong with it already, so that the rule can name everything at once.
    pub faults: Violations,
}

/// The rule. Every fault is named at once.
fn decide(
    ctx: &Ctx,
    configuration: &Configuration,
    create: &Create,
    identity: (Id, i64),
) -> Result<(Article, Revision)> {
    let mut faults = create.faults.clone();
    let first = Revision {
        article_id: identity.0,
        revision: 1,
        kind: create.kind,
        audience: create.audience,
        lowest_level: create.lowest_level.clone(),
        category: create.category.clone(),
        product: create.product.clone(),
        title: create.title.clone(),
        body: create.text.clone(),
        unrevised: false,
        source_revision: None,
        author_kind: ctx.actor.kind,
        author_id: ctx.actor.id.clone(),
        revise_time: ctx.now,
        issue_time: None,
    };
    first.check(configuration, "article.", &mut faults);
    faults.into_result()?;
    let standard = &configuration.document.default_language_code;
    let language = if create.language_code.is_empty() { standard } else { &create.language_code };
    Ok((Article::new(ctx, identity, language), first))
}

pub async fn create(app: &App, ctx: &Ctx, create: &Create) -> Result<Written> {
    let configuration = app.configurations.get(&ctx.tenant).await?;
    // What is at fault takes no number.
    let id = app.ids.next();
    decide(ctx, &configuration, create, (id, 0))?;
    let identity = (id, app.numbers.take(&ctx.tenant, 1).await?[0]);
    retrying(|| attempt(app, ctx, &configuration, create, identity)).await
}

async fn attempt(
    app: &App,
    ctx: &Ctx,
    configuration: &Configuration,
    create: &Create,
    identity: (Id, i64),
) -> Result<Written> {
    let mut tx = app.db.begin(&ctx.tenant).await?;
    if let Some(written) = recall_in(&mut tx, ctx).await? {
        return Ok(written);
    }
    let (article, first) = decide(ctx, configuration, create, identity)?;
    let written = begin_in(app, &mut tx, ctx, article, first).await?;
    tx.commit().await?;
    Ok(written)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{ctx::Role, knowledge::State, tickets::fixture};

    fn wanted() -> Create {
        Create {
            kind: Kind::Workaround,
            audience: Audience::Customer,
            lowest_level: String::new(),
            category: "network".into(),
            product: "vpn".into(),
            language_code: String::new(),
            title: "Einwahl".into(),
            text: "Neu anmelden.".into(),
            faults: Violations::default(),
        }
    }

    fn decided(create: &Create) -> Result<(Article, Revision)> {
        let identity = (fixture::id(5), 815);
        decide(&fixture::ctx(Role::Agent), fixture::configuration(), create, identity)
    }

    #[test]
    fn it_begins_as_a_draft_of_its_author() {
        let (article, first) = decided(&wanted()).expect("begun");
        assert_eq!((article.state, article.version, article.number), (State::Draft, 1, 815));
        assert_eq!((article.latest_revision, article.published_revision), (1, None));
        assert_eq!(article.language_code, fixture::document().default_language_code);
        assert_eq!((first.revision, first.author_id.as_str(), first.unrevised), (1, "anna", false));
        let french = Create { language_code: "fr".into(), ..wanted() };
        assert_eq!(decided(&french).expect("begun").0.language_code, "fr");
    }

    #[test]
    fn every_fault_is_named_at_once() {
        let mut faults = Violations::default();
        faults.add("article.audience", "is unheard of");
        let bad = Create { category: "magic".into(), title: String::new(), faults, ..wanted() };
        let expected = ["article.audience", "article.title", "article.category"];
        assert_eq!(fixture::faults(decided(&bad)), expected);
    }
}
