//! Saying that a ticket is solved, and how: completely recorded, by a configured code, and with what the level owes the
//! knowledge base.

use super::{
    Change, Json, Resolution, Ticket, Verb, Written, enter, intake,
    status::finish,
    write::{Target, write},
};
use crate::{
    app::App,
    configuration::{Configuration, KnowledgeDuty},
    ctx::Ctx,
    error::{Error, Reason, Refusal, Result},
    events::EventType,
};

#[derive(Clone, Debug)]
pub struct Resolve {
    pub target: Target,
    pub resolution: Resolution,
}

/// The rule.
pub fn decide(ctx: &Ctx, configuration: &Configuration, ticket: Ticket, resolve: &Resolve) -> Result<Change> {
    let state = finish(&ticket, Verb::Resolve)?;
    if configuration.resolution_code(&resolve.resolution.code).is_none() {
        let codes = &configuration.document.resolution_codes;
        let codes: Vec<&str> = codes.iter().map(|code| code.key.as_str()).collect();
        return Err(Error::field("resolution.code", &format!("must be one of: {}", codes.join(", "))));
    }
    intake::complete(configuration, &ticket)?;
    pay_knowledge_duty(configuration, &ticket, &resolve.resolution)?;
    let quiet = configuration.document.lifecycle.auto_close_duration;
    Ok(Change::of(ticket).step(ctx, EventType::TicketResolved, |ticket, event| {
        enter(ticket, state);
        ticket.resolution = Some(Json(resolve.resolution.clone()));
        ticket.resolve_time = Some(ctx.now);
        ticket.auto_close_time = (!quiet.is_zero()).then(|| ctx.now.after(quiet));
        ticket.queue_time = None;
        event.configuration_revision = configuration.revision;
        if !resolve.resolution.article.is_empty() {
            event.details.insert("article".into(), resolve.resolution.article.clone().into());
        }
        resolve.target.tell(event);
    }))
}

/// A level with a duty names the article, or says why none is reusable.
fn pay_knowledge_duty(
    configuration: &Configuration,
    ticket: &Ticket,
    resolution: &Resolution,
) -> Result<(), Refusal> {
    let duty = configuration.level(&ticket.level).map_or(KnowledgeDuty::None, |level| level.knowledge_duty);
    let paid = !resolution.article.is_empty() || !resolution.no_article_reason.trim().is_empty();
    if duty == KnowledgeDuty::None || paid {
        return Ok(());
    }
    let what = match duty {
        KnowledgeDuty::CreateOrLink => "names the article that was used or written",
        _ => "names the article that was used",
    };
    let text = format!("level {} {what}, or says why none is reusable", ticket.level);
    Err(Refusal::new(Reason::KnowledgeDutyOpen, text).with("level", &ticket.level))
}

pub async fn resolve(app: &App, ctx: &Ctx, resolve: Resolve) -> Result<Written> {
    write(app, ctx, &resolve.target, |configuration, ticket| decide(ctx, configuration, ticket, &resolve))
        .await
}
