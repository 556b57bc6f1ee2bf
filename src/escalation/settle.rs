//! An escalation is answered once.

use super::{Escalation, State};
use crate::{
    ctx::Ctx,
    error::{Reason, Refusal},
};

/// The escalation, answered; refuses when it was answered before.
pub fn settle(ctx: &Ctx, escalation: &Escalation, state: State, note: &str) -> Result<Escalation, Refusal> {
    if escalation.state != State::Pending {
        let before = escalation.state.name();
        let text = format!("the escalation is {before} already");
        return Err(Refusal::new(Reason::EscalationNotPending, text).with("state", before));
    }
    Ok(Escalation {
        state,
        settle_time: Some(ctx.now),
        settler_kind: Some(ctx.actor.kind),
        settler_id: Some(ctx.actor.id.clone()),
        settle_note: note.to_owned(),
        ..escalation.clone()
    })
}
