//! A report that comes again, under an external key that a ticket bears already: what it says becomes an internal
//! comment there, so that a storm of alerts is one ticket.

use super::{Act, Change, State, Target, Ticket, Written, lock_in, union, write_with};
use crate::{
    app::App,
    comments::{self, Draft, Visibility},
    configuration::Configuration,
    ctx::{ActorKind, Ctx},
    db::Tx,
    error::{Error, Result},
    ids::Id,
};

/// The report as a comment: its description, or at least its title.
fn draft(ctx: &Ctx, report: &Ticket) -> Draft {
    let said = if report.description.trim().is_empty() { &report.title } else { &report.description };
    Draft {
        visibility: Some(Visibility::Internal),
        text: said.clone(),
        automatic: ctx.actor.kind == ActorKind::Service,
    }
}

/// Adds the report to the ticket that is there, or to the one in which that goes on. The transaction has locked the first.
pub async fn add_in(
    tx: &mut Tx,
    ctx: &Ctx,
    configuration: &Configuration,
    ticket: Ticket,
    report: &Ticket,
    comment: Id,
) -> Result<Change> {
    let ticket = if ticket.state == State::Merged { survivor_of(tx, ctx, ticket).await? } else { ticket };
    comments::create_in(tx, ctx, configuration, Change::of(ticket), &draft(ctx, report), comment).await
}

/// The ticket in which this one goes on, locked. It stays so: the way back takes the lock of the merged one, too. Whoever
/// locks both in the other order meanwhile makes one of the two begin again.
async fn survivor_of(tx: &mut Tx, ctx: &Ctx, merged: Ticket) -> Result<Ticket> {
    let survivor = union::survivor_in(tx, merged.id).await?.unwrap_or(merged.id);
    let ticket = lock_in(tx, ctx, survivor).await?;
    // The chain may have grown before the lock.
    if ticket.state == State::Merged { Err(Error::Conflict) } else { Ok(ticket) }
}

struct Again<'a> {
    report: &'a Ticket,
    comment: Id,
}

impl Act for Again<'_> {
    type Extra = ();

    async fn act(
        &self,
        tx: &mut Tx,
        ctx: &Ctx,
        configuration: &Configuration,
        ticket: Ticket,
    ) -> Result<(Change, ())> {
        Ok((add_in(tx, ctx, configuration, ticket, self.report, self.comment).await?, ()))
    }
}

/// Adds the report to the ticket that is there.
pub async fn add(app: &App, ctx: &Ctx, id: Id, report: &Ticket) -> Result<Written> {
    let again = Again { report, comment: app.ids.next() };
    let done: Written = write_with(app, ctx, &Target::of(id), &again).await?.into();
    Ok(Written { existing: true, ..done })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{
        ctx::Role,
        tickets::{State, fixture},
    };

    #[test]
    fn a_report_says_its_description_or_at_least_its_title() {
        let ctx = fixture::ctx(Role::Agent);
        let mut report = fixture::ticket(State::New);
        report.title = "disk full".to_owned();
        assert_eq!(draft(&ctx, &report).text, "disk full");
        report.description = "sda1 at 100 %".to_owned();
        assert_eq!(draft(&ctx, &report).text, "sda1 at 100 %");
    }
}
