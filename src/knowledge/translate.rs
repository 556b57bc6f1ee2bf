//! Beginning a translation: an article of its own, that says which revision of the original it renders.

use super::{
    Article, Revision,
    model::name,
    status::{Verb, advance},
    store,
    write::{Locked, Target, Written, begin_in, lock_in, recall_in},
};
use crate::{
    app::App,
    call::retrying,
    configuration::Configuration,
    ctx::Ctx,
    error::{Reason, Refusal, Result, Violations},
    ids::Id,
};

/// What to say; texts are within their limits.
#[derive(Clone, Debug)]
pub struct Translate {
    pub target: Target,
    pub language_code: String,
    pub title: String,
    pub text: String,
    /// 0: the latest.
    pub source_revision: i32,
    pub faults: Violations,
}

/// The rule. `existing` is the translation into that language, if there is one.
fn decide(
    ctx: &Ctx,
    configuration: &Configuration,
    original: &Locked,
    translate: &Translate,
    existing: Option<Id>,
    identity: (Id, i64),
) -> Result<(Article, Revision)> {
    let Locked { article, latest } = original;
    advance(article.state, Verb::Translate)?;
    let mut faults = translate.faults.clone();
    if article.translation_of.is_some() {
        faults.add("name", "is a translation itself; translate the original");
    }
    if translate.language_code.is_empty() {
        faults.add("language_code", "is required");
    } else if translate.language_code == article.language_code {
        faults.add("language_code", "is the original's");
    }
    let source = match translate.source_revision {
        0 => latest.revision,
        given => given,
    };
    if !(1..=latest.revision).contains(&source) {
        faults.add("source_revision", format!("must be 1 to {}, the original's latest", latest.revision));
    }
    let first = Revision {
        article_id: identity.0,
        revision: 1,
        title: translate.title.clone(),
        body: translate.text.clone(),
        source_revision: Some(source),
        ..latest.next(ctx)
    };
    first.check(configuration, "", &mut faults);
    faults.into_result()?;
    if let Some(existing) = existing {
        let text = format!("there is a translation into {}; revise it", translate.language_code);
        let refusal = Refusal::new(Reason::ArticleTranslationExists, text);
        return Err(refusal.with("article", name(&ctx.tenant, existing)).into());
    }
    let translation = Article::new(ctx, identity, &translate.language_code);
    Ok((Article { translation_of: Some(article.id), ..translation }, first))
}

pub async fn translate(app: &App, ctx: &Ctx, translate: &Translate) -> Result<Written> {
    let identity = (app.ids.next(), app.numbers.take(&ctx.tenant, 1).await?[0]);
    retrying(|| attempt(app, ctx, translate, identity)).await
}

async fn attempt(app: &App, ctx: &Ctx, translate: &Translate, identity: (Id, i64)) -> Result<Written> {
    let configuration = app.configurations.get(&ctx.tenant).await?;
    let mut tx = app.db.begin(&ctx.tenant).await?;
    // The original's lock makes two translators stand in line.
    let original = lock_in(&mut tx, &configuration, ctx, translate.target.article).await?;
    if let Some(written) = recall_in(&mut tx, ctx).await? {
        return Ok(written);
    }
    original.article.require(translate.target.version)?;
    let existing = store::translation(&mut tx, original.article.id, &translate.language_code).await?;
    let (article, first) = decide(ctx, &configuration, &original, translate, existing, identity)?;
    let written = begin_in(app, &mut tx, ctx, article, first).await?;
    tx.commit().await?;
    Ok(written)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{
        ctx::Role,
        knowledge::{Audience, Reference, State, model::fixture},
        tickets::fixture as tickets,
    };

    fn into(language_code: &str, source_revision: i32) -> Translate {
        Translate {
            target: Target { article: Reference::Number(5), version: None },
            language_code: language_code.into(),
            title: "Reset a password".into(),
            text: "Click on forgotten.".into(),
            source_revision,
            faults: Violations::default(),
        }
    }

    fn decided(article: Article, translate: &Translate, existing: Option<Id>) -> Result<(Article, Revision)> {
        let latest = Revision { revision: 3, audience: Audience::Public, ..fixture::revision() };
        let original = Locked { article: Article { latest_revision: 3, ..article }, latest };
        let (ctx, identity) = (tickets::ctx(Role::Agent), (tickets::id(6), 6));
        decide(&ctx, tickets::configuration(), &original, translate, existing, identity)
    }

    #[test]
    fn a_translation_is_an_article_of_its_own_that_says_what_it_renders() {
        for (given, renders) in [(0, 3), (2, 2)] {
            let done = decided(fixture::article(State::Draft), &into("en", given), None);
            let (article, first) = done.expect("begun");
            assert_eq!((article.translation_of, article.state), (Some(tickets::id(5)), State::Draft));
            assert_eq!((article.language_code.as_str(), article.latest_revision), ("en", 1));
            assert_eq!((first.source_revision, first.revision), (Some(renders), 1));
            assert_eq!((first.audience, first.title.as_str()), (Audience::Public, "Reset a password"));
        }
    }

    #[test]
    fn there_is_one_for_a_language_and_none_of_a_translation() {
        let original = fixture::article(State::Draft);
        let faults = |article: &Article, translate: &Translate| {
            tickets::faults(decided(article.clone(), translate, None))
        };
        assert_eq!(faults(&original, &into("de", 4)), ["language_code", "source_revision"]);
        assert_eq!(faults(&original, &into("", -1)), ["language_code", "source_revision"]);
        let other = Article { translation_of: Some(tickets::id(9)), ..original.clone() };
        assert_eq!(faults(&other, &into("en", 0)), ["name"]);
        let refused = decided(original, &into("en", 0), Some(tickets::id(9))).expect_err("there is one");
        assert_eq!(refused.reason(), Reason::ArticleTranslationExists);
        let gone = decided(fixture::article(State::Archived), &into("en", 0), None).expect_err("archived");
        assert_eq!(gone.reason(), Reason::ArticleStateConflict);
    }
}
