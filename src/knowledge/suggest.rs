//! Proposing articles for a ticket, or for one that might be recorded. Read only.

use std::collections::{BTreeMap, HashMap};

use super::{
    model::Usage,
    rank::{self, Candidate},
    read::{Told, sight},
    search::Found,
    sight::Levels,
    store::Shown,
    store_links,
    store_shown::{self, Which},
};
use crate::{
    app::App,
    configuration::Configuration,
    ctx::Ctx,
    error::Result,
    ids::Id,
    search::{self, Corpus, Scope, Wanted},
    tickets::{self, Ticket},
};

/// How many are looked at: those whose words answer best, and those of the category.
const BY_WORDS: usize = 100;
const BY_CATEGORY: i64 = 50;

/// For what.
#[derive(Clone, Debug)]
pub enum Subject {
    Ticket(Id),
    Draft(Matter),
}

/// What is known of a ticket, or of one that might come in.
#[derive(Clone, Debug, Default)]
pub struct Matter {
    pub title: String,
    pub description: String,
    pub category: String,
    pub product: String,
    pub language_code: String,
    /// The level that has it. `None`: nobody has.
    pub level: Option<String>,
}

impl Matter {
    fn of(ticket: &Ticket) -> Self {
        Self {
            title: ticket.title.clone(),
            description: ticket.description.clone(),
            category: ticket.category.clone(),
            product: ticket.product.clone(),
            language_code: ticket.language_code.clone(),
            level: Some(ticket.level.clone()),
        }
    }
}

/// The best for it, at most `most`.
pub async fn suggest(app: &App, ctx: &Ctx, subject: Subject, most: usize) -> Result<Vec<Found>> {
    let matter = match subject {
        Subject::Draft(matter) => matter,
        Subject::Ticket(id) => Matter::of(&tickets::get(app, ctx, id).await?.ticket),
    };
    let configuration = app.configurations.get(&ctx.tenant).await?;
    let mut tx = app.db.read(&ctx.tenant).await?;
    let sight = sight(app, &mut tx, ctx).await?;
    let text = format!("{}\n{}", matter.title, matter.description);
    let hidden = !ctx.actor.is_customer();
    let plan = search::plan_in(&mut tx, Corpus::Articles, &text, Wanted::Any, hidden).await?;
    let hits = search::find_in(&mut tx, &plan, Scope::default(), BY_WORDS).await?;
    let words: HashMap<Id, i64> = hits.iter().map(|hit| (hit.id, hit.score)).collect();
    let ids: Vec<Id> = hits.iter().map(|hit| hit.id).collect();
    let mut shown = store_shown::find_all(&mut tx, ctx, &sight, &ids, Which::Published).await?;
    if !matter.category.is_empty() {
        let of = store_shown::of_category(&mut tx, ctx, &sight, &matter.category, BY_CATEGORY).await?;
        shown.extend(of);
    }
    // Customers work at no level.
    if let Some(level) = matter.level.as_ref().filter(|_| hidden) {
        let levels = Levels::up_to(&configuration, level);
        shown.retain(|it| levels.holds(&it.revision.lowest_level));
    }
    let mut shown: BTreeMap<Id, Shown> = shown.into_iter().map(|it| (it.article.id, it)).collect();
    let ids: Vec<Id> = shown.keys().copied().collect();
    let usage = store_links::usage(&mut tx, &ctx.tenant, &ids).await?;
    tx.keep();
    let candidates = candidates(&configuration, &matter, &words, shown.values(), &usage);
    let best = rank::rank(&candidates).into_iter().take(most);
    let found = best.filter_map(|(score, id)| {
        let usage = hidden.then(|| usage.get(&id).copied().unwrap_or_default());
        Some(Found { told: Told { shown: shown.remove(&id)?, usage }, score })
    });
    Ok(found.collect())
}

fn candidates<'a>(
    configuration: &Configuration,
    matter: &Matter,
    words: &HashMap<Id, i64>,
    shown: impl Iterator<Item = &'a Shown>,
    usage: &HashMap<Id, Usage>,
) -> Vec<Candidate> {
    let best = words.values().copied().max().unwrap_or(1).max(1) as f64;
    let candidate = |it: &Shown| Candidate {
        id: it.article.id,
        words: words.get(&it.article.id).map_or(0.0, |score| *score as f64 / best),
        category: rank::nearness(configuration, &matter.category, &it.revision.category),
        product: !matter.product.is_empty() && it.revision.product == matter.product,
        foreign: !rank::alike(&matter.language_code, &it.article.language_code),
        stale: it.article.stale_time.is_some(),
        usage: usage.get(&it.article.id).copied().unwrap_or_default(),
    };
    shown.map(candidate).collect()
}
