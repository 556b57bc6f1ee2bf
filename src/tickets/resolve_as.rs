//! Saying that an incident is solved as its problem was: by the problem's resolution, if it is offered, and then as any.

use super::{
    Act, Change, Relation, Ticket, hidden,
    link::MAX_LINKS,
    resolve::{self, Resolve},
    store_links,
    write::Target,
};
use crate::{
    configuration::Configuration,
    ctx::Ctx,
    db::Tx,
    error::{Reason, Refusal, Result},
    ids::Id,
    knowledge::{self, Cited},
};

#[derive(Clone, Debug)]
pub struct ResolveAs {
    pub target: Target,
    pub problem: Id,
}

/// The resolution of the problem among those that are solved.
fn offered(ctx: &Ctx, solved: &[Ticket], resolve: &ResolveAs) -> Result<Resolve> {
    let offered = solved.iter().find(|problem| problem.id == resolve.problem);
    let Some(resolution) = offered.and_then(|problem| problem.resolution.clone()) else {
        let text = "the ticket is no incident of that problem, or the problem is not solved";
        let problem = format!("tenants/{}/tickets/{}", ctx.tenant, resolve.problem);
        return Err(Refusal::new(Reason::ResolutionNotOffered, text).with("problem", problem).into());
    };
    Ok(Resolve { target: resolve.target.clone(), resolution: resolution.0, draft_article: false })
}

/// The rule for an incident.
fn decide(
    ctx: &Ctx,
    configuration: &Configuration,
    incident: Ticket,
    resolve: &Resolve,
    cited: Option<&Cited>,
    problem: Id,
) -> Result<Change> {
    let mut change = resolve::decide(ctx, configuration, incident, resolve, cited)?;
    if let Some(event) = change.events.last_mut() {
        Relation::CAUSED_BY.tell(event, &[problem]);
    }
    Ok(change)
}

impl Act for ResolveAs {
    type Extra = ();

    async fn act(
        &self,
        tx: &mut Tx,
        ctx: &Ctx,
        configuration: &Configuration,
        incident: Ticket,
    ) -> Result<(Change, ())> {
        let solved = store_links::solved_causes(tx, &ctx.tenant, incident.id, MAX_LINKS).await?;
        let hidden = hidden(tx, ctx, &solved.iter().map(|it| it.id).collect::<Vec<_>>()).await?;
        let solved: Vec<Ticket> = solved.into_iter().filter(|it| !hidden.contains(&it.id)).collect();
        let resolve = offered(ctx, &solved, self)?;
        let cited = knowledge::cite_in(tx, ctx, configuration, &incident, &resolve.resolution, None).await;
        // What the problem's level wrote or used, the incident's may have no use for; its duty is its own then.
        let cited = match cited {
            Err(error) if matches!(error.reason(), Reason::ArticleNotUsable | Reason::FieldInvalid) => None,
            cited => cited?,
        };
        let change = decide(ctx, configuration, incident, &resolve, cited.as_ref(), self.problem)?;
        if let Some(cited) = &cited {
            knowledge::tell_in(tx, ctx, &change, cited).await?;
        }
        Ok((change, ()))
    }
}
