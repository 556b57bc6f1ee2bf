//! Recording a ticket: what intake asks for, what follows from the configuration, where it goes first.

use std::collections::{BTreeMap, HashMap};

use serde::{Deserialize, Serialize};

use super::{
    Change, Channel, FieldValue, Impact, Json, Kind, State, Ticket, Urgency,
    intake::{check_annotations, check_category, check_custom_field, check_priority, check_tags},
    lines::{Draft, Party},
    restricted::{self, visible},
    store,
};
use crate::{
    access::Permission,
    app::App,
    configuration::Configuration,
    ctx::Ctx,
    customers::{Account, Customer},
    db::Tx,
    entitlements::{self, Entitlement},
    error::{Error, Result, Violations},
    ids::Id,
    routing, sla,
};

/// What to record; keys are plain.
#[derive(Clone, Debug)]
pub struct Create {
    /// What is wrong with it already, so that the rule can name everything at once.
    pub faults: Violations,
    pub kind: Kind,
    pub channel: Channel,
    pub title: String,
    pub description: String,
    pub requester: String,
    pub organization: String,
    /// The organization's, which nobody gives: see [`take_account`].
    pub plan: String,
    pub restricted: bool,
    pub category: String,
    pub product: String,
    pub language_code: String,
    pub impact: Impact,
    pub urgency: Urgency,
    pub priority: String,
    pub custom_fields: BTreeMap<String, FieldValue>,
    pub tags: Vec<String>,
    pub annotations: BTreeMap<String, String>,
    pub external_key: Option<(String, String)>,
    pub follow_up_of: Option<Id>,
    pub on_conflict: OnConflict,
    pub validate_only: bool,
}

/// What to do when the external key is taken.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum OnConflict {
    Fail,
    ReturnExisting,
    AddComment,
}

/// Which version of which ticket a call led to: the answer of a repetition is that version, read back.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Receipt {
    pub ticket: Id,
    pub version: i64,
}

impl Receipt {
    pub fn of(ticket: &Ticket) -> Self {
        Self { ticket: ticket.id, version: ticket.version }
    }
}

/// What a write answers.
#[derive(Clone, Debug)]
pub struct Written {
    pub ticket: Ticket,
    pub replayed: bool,
    /// The external key led to a ticket that was there.
    pub existing: bool,
}

impl Create {
    /// Who asks: a customer, unless it is said, in the own name.
    fn requester<'a>(&'a self, ctx: &'a Ctx) -> &'a str {
        if self.requester.is_empty() && ctx.actor.is_customer() { &ctx.actor.id } else { &self.requester }
    }

    /// For whom it is, as far as the caller says.
    pub fn customer(&self, ctx: &Ctx) -> Customer {
        Customer { organization: self.organization.clone(), contact: self.requester(ctx).to_owned() }
    }

    /// It is for this organization, by the plan that was sold to it.
    pub fn take(&mut self, Account { organization, plan }: Account) {
        self.organization = organization;
        self.plan = plan;
    }
}

/// The ticket as it would come in, before it is routed. Every fault is named at once.
pub fn draft(
    ctx: &Ctx,
    configuration: &Configuration,
    create: &Create,
    id: Id,
    number: i64,
) -> Result<Ticket> {
    let mut faults = create.faults.clone();
    check(ctx, configuration, create, &mut faults);
    if !create.priority.is_empty() {
        ctx.actor.require(Permission::TicketsDispatch)?;
    }
    faults.into_result()?;
    Ok(intake(ctx, configuration, create, id, number))
}

/// The rule.
pub fn decide(
    ctx: &Ctx,
    configuration: &Configuration,
    create: &Create,
    id: Id,
    number: i64,
) -> Result<Change> {
    let mut ticket = draft(ctx, configuration, create, id, number)?;
    let decision = routing::decide(configuration, &ticket);
    decision.settle(configuration, &mut ticket, ctx.now);
    sla::promise(configuration, &mut ticket);
    Ok(sla::begin(configuration, Change::created(ctx, ticket, |event| decision.explain(event))))
}

/// What refers to the configuration must be there, and a customer asks for nobody else.
fn check(ctx: &Ctx, configuration: &Configuration, create: &Create, faults: &mut Violations) {
    check_category(configuration, &create.category, faults);
    check_priority(configuration, &create.priority, faults);
    check_tags(&create.tags, "ticket.tags", faults);
    for (key, value) in &create.custom_fields {
        check_custom_field(configuration, key, value, faults);
    }
    check_annotations(&create.annotations, "ticket.annotations", faults);
    if ctx.actor.is_customer() && !create.requester.is_empty() && create.requester != ctx.actor.id {
        faults.add("ticket.requester", "must be the caller");
    }
    // A follow-up is what its original is, whoever asks for it.
    if ctx.actor.is_customer() && create.restricted && create.follow_up_of.is_none() {
        faults.add("ticket.restricted", "is not for customers to say");
    }
}

#[allow(clippy::too_many_lines)] // a line for each field
fn intake(ctx: &Ctx, configuration: &Configuration, create: &Create, id: Id, number: i64) -> Ticket {
    let or =
        |given: &str, default: &str| if given.is_empty() { default.to_owned() } else { given.to_owned() };
    let priority =
        or(&create.priority, configuration.priority_for(create.impact.name(), create.urgency.name()));
    Ticket {
        tenant_id: ctx.tenant.clone(),
        id,
        number,
        version: 1,
        state: State::New,
        kind: create.kind,
        channel: create.channel,
        title: create.title.clone(),
        description: create.description.clone(),
        requester: create.requester(ctx).to_owned(),
        organization: create.organization.clone(),
        category: create.category.clone(),
        product: create.product.clone(),
        language_code: or(&create.language_code, &configuration.document.default_language_code),
        impact: create.impact,
        urgency: create.urgency,
        priority_rank: configuration.priority_rank(&priority).map_or(i32::MAX, |rank| rank as i32),
        priority,
        custom_fields: Json(create.custom_fields.clone()),
        tags: create.tags.clone(),
        annotations: Json(create.annotations.clone()),
        external_source: create.external_key.as_ref().map(|(source, _)| source.clone()),
        external_id: create.external_key.as_ref().map(|(_, id)| id.clone()),
        level: String::new(),
        queue: String::new(),
        team: String::new(),
        assignee: None,
        followers: Vec::new(),
        escalated: false,
        pending_escalation: None,
        vendor_reference: String::new(),
        hold_reason: String::new(),
        hold_until_time: None,
        resolution: None,
        follow_up_of: create.follow_up_of,
        first_level: String::new(),
        highest_level: String::new(),
        teams: Vec::new(),
        transfer_count: 0,
        return_count: 0,
        reopen_count: 0,
        imported: false,
        configuration_revision: configuration.revision,
        create_time: ctx.now,
        update_time: ctx.now,
        queue_time: None,
        assign_time: None,
        resolve_time: None,
        close_time: None,
        auto_close_time: None,
        routing_rule: String::new(),
        skills: Json::default(),
        offered_to: None,
        offer_expire_time: None,
        cool_downs: Json::default(),
        former_assignee: None,
        routing_exhausted: false,
        sla_policies: Vec::new(),
        sla_revision: 0,
        plan: create.plan.clone(),
        restricted: create.restricted,
        merged_into: None,
        entitlement: None,
    }
}

/// Takes the requester's organization where none is named, and the organization's plan. Comes before the rule: conditions
/// look at both.
pub async fn take_account(app: &App, ctx: &Ctx, create: &mut Create) -> Result<()> {
    take_party(app, ctx, create, false).await.map(drop)
}

/// The same; answers what was sold to the organization, if that is asked for.
async fn take_party(app: &App, ctx: &Ctx, create: &mut Create, sells: bool) -> Result<Vec<Entitlement>> {
    let customer = create.customer(ctx);
    if customer.is_nobody() {
        return Ok(Vec::new());
    }
    let Party { account, sold } = app.lines.party(ctx.tenant.clone(), customer, sells).await?;
    create.take(account);
    Ok(sold)
}

/// Records a ticket; answers when it is on disk.
pub async fn create(app: &App, ctx: &Ctx, mut create: Create) -> Result<Written> {
    let configuration = app.configurations.get(&ctx.tenant).await?;
    let sold = take_party(app, ctx, &mut create, entitlements::sells(&configuration)).await?;
    let number = if create.validate_only { 0 } else { app.numbers.take(&ctx.tenant, 1).await?[0] };
    let change = decide(ctx, &configuration, &create, app.ids.next(), number)?;
    let change = entitlements::entitle_one(app, ctx, &configuration, &sold, change).await?;
    if create.validate_only {
        let mut tx = app.db.begin(&ctx.tenant).await?;
        let existing = existing_in(&mut tx, ctx, std::slice::from_ref(&create)).await?.into_values().next();
        drop(tx);
        restricted::note(app, ctx, existing.as_slice()).await?;
        return Ok(Written {
            existing: existing.is_some(),
            ticket: existing.unwrap_or(change.next),
            replayed: false,
        });
    }
    let external = create.external_key.is_some();
    let written =
        app.lines.create(app, Draft { ctx: ctx.clone(), change, external }, create.on_conflict).await?;
    routing::dispatch::wake(app, &configuration, &written.ticket, false);
    Ok(written)
}

/// The tickets that bear the external keys already, locked. Refuses where there must be none, or where it is not the
/// caller's to see.
pub async fn existing_in(
    tx: &mut Tx,
    ctx: &Ctx,
    creates: &[Create],
) -> Result<HashMap<(String, String), Ticket>> {
    let on_conflict: HashMap<(String, String), OnConflict> = creates
        .iter()
        .filter_map(|create| Some((create.external_key.clone()?, create.on_conflict)))
        .collect();
    if on_conflict.is_empty() {
        return Ok(HashMap::new());
    }
    let keys: Vec<(String, String)> = on_conflict.keys().cloned().collect();
    let tickets = store::lock_by_external_keys(tx, &keys).await?;
    let taken = tickets
        .into_iter()
        .filter_map(|ticket| Some((ticket.external_source.clone().zip(ticket.external_id.clone())?, ticket)));
    let mut existing = HashMap::new();
    for (key, ticket) in taken {
        match on_conflict.get(&key) {
            Some(OnConflict::ReturnExisting | OnConflict::AddComment)
                if visible(tx, ctx, &ticket).await? =>
            {
                existing.insert(key, ticket);
            }
            _ => return Err(Error::AlreadyExists { kind: "ticket", name: ticket.name() }),
        }
    }
    Ok(existing)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{
        ctx::Role,
        tickets::fixture::{self, faults, outcome},
    };

    fn decided(role: Role, create: &Create) -> Result<Change> {
        decide(&fixture::ctx(role), fixture::configuration(), create, fixture::id(1), 1)
    }

    #[test]
    fn every_fault_is_named_at_once() {
        let mut create = Create {
            category: "moon".to_owned(),
            priority: "P9".to_owned(),
            tags: (0..51).map(|n| n.to_string()).collect(),
            custom_fields: [("colour".to_owned(), FieldValue::Int(1))].into(),
            annotations: [("a".to_owned(), "x".repeat(5000))].into(),
            ..fixture::create()
        };
        create.faults.add("ticket.title", "is required");
        assert_eq!(
            faults(decided(Role::Manager, &create)),
            [
                "ticket.title",
                "ticket.category",
                "ticket.priority",
                "ticket.tags",
                "ticket.custom_fields.colour",
                "ticket.annotations"
            ]
        );
    }

    #[test]
    fn a_customer_asks_in_the_customer_s_own_name() {
        let asks = |requester: &str| {
            let create = Create { requester: requester.to_owned(), ..fixture::create() };
            decided(Role::Customer, &create)
        };
        assert_eq!(asks("").expect("recorded").next.requester, "anna");
        assert_eq!(asks("anna").expect("recorded").next.requester, "anna");
        assert_eq!(faults(asks("bert")), ["ticket.requester"]);
        let create = Create { requester: "bert".to_owned(), ..fixture::create() };
        assert_eq!(decided(Role::Agent, &create).expect("recorded").next.requester, "bert");
        assert_eq!(decided(Role::Agent, &fixture::create()).expect("recorded").next.requester, "");
    }

    #[test]
    fn the_priority_follows_from_impact_and_urgency_unless_whoever_may_gives_it() {
        let create = Create { impact: Impact::High, urgency: Urgency::Critical, ..fixture::create() };
        let ticket = decided(Role::Agent, &create).expect("recorded").next;
        assert_eq!((ticket.priority.as_str(), ticket.priority_rank), ("P1", 0));
        let given = Create { priority: "P4".to_owned(), ..create };
        assert_eq!(outcome(&decided(Role::Agent, &given)), "PERMISSION_MISSING");
        let ticket = decided(Role::Manager, &given).expect("recorded").next;
        assert_eq!((ticket.priority.as_str(), ticket.priority_rank), ("P4", 3));
    }
}
