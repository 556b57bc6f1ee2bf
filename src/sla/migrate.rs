//! Moving live tickets to the promises that are in force. Open clocks give way by the new policy's mode; what is over is never
//! judged again. Imported tickets were promised nothing here and stay so.

use serde::{Deserialize, Serialize};

use super::{Clock, Ledger, select};
use crate::{
    app::App,
    audit::{self, Target},
    call::retrying,
    configuration::{ClockKind, Configuration},
    ctx::Ctx,
    error::Result,
    events::EventType,
    idempotency,
    ids::Id,
    seal::Page,
    tickets::{self, Change, Live, Ticket},
    time::Time,
};

/// Which live tickets to move.
#[derive(Clone, Debug, Default)]
pub struct Migrate {
    pub ticket: Option<Id>,
    /// Empty: all.
    pub queues: Vec<String>,
    /// Empty: all.
    pub teams: Vec<String>,
    pub size: i32,
    pub token: String,
    pub validate_only: bool,
}

/// What became of one clock. Without an old one it is new, without a new one it has ended.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Moved {
    pub kind: ClockKind,
    pub level: String,
    pub old: Option<Terms>,
    pub new: Option<Terms>,
    pub breached_on_apply: bool,
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Terms {
    pub policy: String,
    pub target_seconds: i64,
    pub due_time: Option<Time>,
}

/// What became of a ticket.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Migrated {
    pub ticket: Id,
    pub from_revision: i64,
    pub policies: Vec<String>,
    pub clocks: Vec<Moved>,
}

#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Done {
    pub tickets: Vec<Migrated>,
    pub revision: i64,
    pub next_page_token: String,
    #[serde(skip)]
    pub replayed: bool,
}

/// The rule: nothing, where the promises are those in force.
fn decide(ctx: &Ctx, configuration: &Configuration, ticket: Ticket) -> Option<Change> {
    let current = ticket.sla_revision == configuration.revision;
    let promises = ticket.sla_revision > 0 || !configuration.document.sla_policies.is_empty();
    if current || ticket.imported || !ticket.state.is_live() || !promises {
        return None;
    }
    let policies = select(configuration, &ticket);
    Some(Change::of(ticket).step(ctx, EventType::SlaMigrated, |ticket, event| {
        ticket.sla_policies = policies;
        ticket.sla_revision = configuration.revision;
        event.configuration_revision = configuration.revision;
    }))
}

pub async fn migrate(app: &App, ctx: &Ctx, migrate: &Migrate) -> Result<Done> {
    retrying(|| attempt(app, ctx, migrate)).await
}

async fn attempt(app: &App, ctx: &Ctx, migrate: &Migrate) -> Result<Done> {
    let configuration = app.configurations.get(&ctx.tenant).await?;
    let purpose =
        format!("{} MigrateClocks {:?} {:?} {:?}", ctx.tenant, migrate.ticket, migrate.queues, migrate.teams);
    let page = Page::<Id>::parse(&app.sealer, &purpose, migrate.size, &migrate.token)?;
    let live = Live { ticket: migrate.ticket, queues: &migrate.queues, teams: &migrate.teams };
    let found = tickets::list_live(app, ctx, live, page.after, page.limit()).await?;
    let found: Vec<Id> = found.into_iter().map(|ticket| ticket.id).collect();
    let (ids, next_page_token) = page.finish(&app.sealer, &purpose, found, |id| *id)?;
    let mut tx = app.db.begin(&ctx.tenant).await?;
    if let Some(done) = idempotency::recall::<Done>(&mut tx, ctx).await? {
        return Ok(Done { replayed: true, ..done });
    }
    let locked = tickets::lock_all_in(&mut tx, &ids).await?;
    let changes: Vec<Change> =
        locked.into_iter().filter_map(|ticket| decide(ctx, &configuration, ticket)).collect();
    let ledger = {
        let tickets: Vec<&Ticket> = changes.iter().map(|change| &change.next).collect();
        Ledger::open_in(&mut tx, &app.configurations, &tickets).await?
    };
    let changes = ledger.enter_in(&mut tx, changes).await?;
    let tickets = changes.iter().map(|change| migrated(change, ledger.clocks(change.next.id))).collect();
    let done = Done { tickets, revision: configuration.revision, next_page_token, replayed: false };
    if !migrate.validate_only {
        tickets::write_in(&mut tx, &changes).await?;
        if !changes.is_empty() {
            let tenant = Target::Named(format!("tenants/{}", ctx.tenant));
            audit::act_in(app, &mut tx, ctx, tenant, [None, Some(&done)]).await?;
        }
        idempotency::keep(&mut tx, ctx, &done).await?;
        tx.commit().await?;
    }
    Ok(done)
}

fn migrated(change: &Change, before: &[Clock]) -> Migrated {
    let terms = |clock: &Clock| Terms {
        policy: clock.policy.clone(),
        target_seconds: clock.target_seconds,
        due_time: clock.due_time,
    };
    let old = |number: i32| before.iter().find(|clock| clock.number == number);
    let begun = change.clocks.iter().filter(|clock| old(clock.number).is_none());
    let mut clocks: Vec<Moved> = begun
        .map(|clock| Moved {
            kind: clock.kind,
            level: clock.level.clone(),
            old: clock.supersedes.and_then(old).map(terms),
            new: Some(terms(clock)),
            breached_on_apply: clock.breached_on_apply,
        })
        .collect();
    let succeeded = |number: i32| change.clocks.iter().any(|clock| clock.supersedes == Some(number));
    let ended = before.iter().filter(|clock| clock.is_open() && !succeeded(clock.number));
    clocks.extend(ended.map(|clock| Moved {
        kind: clock.kind,
        level: clock.level.clone(),
        old: Some(terms(clock)),
        new: None,
        breached_on_apply: false,
    }));
    let from = change.events.first().and_then(|event| event.changes.get("sla_revision")?.0.as_i64());
    Migrated {
        ticket: change.next.id,
        from_revision: from.unwrap_or_default(),
        policies: change.next.sla_policies.clone(),
        clocks,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{
        ctx::Role,
        sla::story::configuration,
        tickets::{State, fixture},
    };

    const POLICIES: &str = "[{key: gold, clocks: [{clock: FIRST_RESPONSE, target_duration: 1h}]}]";

    #[test]
    fn live_tickets_with_other_promises_are_moved_and_no_others() {
        let ctx = fixture::ctx(Role::SlaManager);
        let moves = |policies: &str, ticket: Ticket| {
            decide(&ctx, &configuration(7, policies), ticket).map(|change| change.next.sla_policies)
        };
        let promised = |revision, state| Ticket { sla_revision: revision, ..fixture::ticket(state) };
        assert_eq!(moves(POLICIES, promised(3, State::Open)), Some(vec!["gold".to_owned()]));
        assert_eq!(
            moves(POLICIES, promised(0, State::New)),
            Some(vec!["gold".to_owned()]),
            "nothing was promised"
        );
        assert_eq!(moves("[]", promised(3, State::Open)), Some(Vec::new()), "nothing is promised any more");
        assert_eq!(moves("[]", promised(0, State::Open)), None);
        assert_eq!(moves(POLICIES, promised(7, State::Open)), None);
        assert_eq!(moves(POLICIES, promised(3, State::Resolved)), None);
        assert_eq!(moves(POLICIES, Ticket { imported: true, ..promised(0, State::Open) }), None);
    }
}
