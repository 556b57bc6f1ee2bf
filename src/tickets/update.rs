//! Changing what was recorded at intake. Never moves the ticket; the priority follows from impact and urgency unless
//! it is given.

use std::collections::BTreeMap;

use super::{
    Change, FieldValue, Impact, Kind, Ticket, Urgency, Verb, Written, advance,
    intake::{check_annotations, check_category, check_custom_field, check_priority},
    write::{Act, Target, write_with},
};
use crate::{
    access::Permission,
    app::App,
    configuration::Configuration,
    ctx::Ctx,
    customers,
    db::Tx,
    error::{Result, Violations},
    events::EventType,
};

#[derive(Clone, Debug)]
pub struct Update {
    pub target: Target,
    pub edits: Vec<Edit>,
    /// What is wrong with it already, so that the rule can name everything at once.
    pub faults: Violations,
}

/// One field and its new value; empty clears it.
#[derive(Clone, Debug, PartialEq)]
pub enum Edit {
    Title(String),
    Description(String),
    Kind(Kind),
    Requester(String),
    Organization(String),
    Category(String),
    Product(String),
    /// Empty: the configuration's default.
    LanguageCode(String),
    Impact(Impact),
    Urgency(Urgency),
    /// Empty: the one that follows from impact and urgency.
    Priority(String),
    Restricted(bool),
    /// All of them.
    CustomFields(BTreeMap<String, FieldValue>),
    CustomField(String, Option<FieldValue>),
    /// All of them.
    Annotations(BTreeMap<String, String>),
    Annotation(String, Option<String>),
}

impl Update {
    /// The organization to which it gives the ticket, if that is another one.
    fn organization(&self, ticket: &Ticket) -> Option<&str> {
        let named = self.edits.iter().rev().find_map(|edit| match edit {
            Edit::Organization(organization) => Some(organization.as_str()),
            _ => None,
        });
        named.filter(|organization| *organization != ticket.organization)
    }
}

/// The rule. Every fault is named at once; an update that changes nothing is no event. `plan`: of the organization to which
/// the ticket goes; if it stays where it is, so does its plan.
pub fn decide(
    ctx: &Ctx,
    configuration: &Configuration,
    ticket: Ticket,
    update: &Update,
    plan: &str,
) -> Result<Change> {
    advance(ticket.state, Verb::Update)?;
    let mut next = ticket.clone();
    for edit in &update.edits {
        edit.clone().apply(configuration, &mut next);
    }
    if next.organization != ticket.organization {
        plan.clone_into(&mut next.plan);
    }
    let mut faults = update.faults.clone();
    check(configuration, &ticket, &next, &mut faults);
    faults.into_result()?;
    prioritise(ctx, configuration, &ticket, &mut next, &update.edits)?;
    if next == ticket {
        return Ok(Change::of(ticket));
    }
    Ok(Change::of(ticket).step(ctx, EventType::TicketUpdated, |ticket, event| {
        let (version, update_time) = (ticket.version, ticket.update_time);
        *ticket = Ticket { version, update_time, ..next };
        event.configuration_revision = configuration.revision;
    }))
}

impl Edit {
    fn apply(self, configuration: &Configuration, ticket: &mut Ticket) {
        match self {
            Self::Title(value) => ticket.title = value,
            Self::Description(value) => ticket.description = value,
            Self::Kind(value) => ticket.kind = value,
            Self::Requester(value) => ticket.requester = value,
            Self::Organization(value) => ticket.organization = value,
            Self::Category(value) => ticket.category = value,
            Self::Product(value) => ticket.product = value,
            Self::LanguageCode(value) if value.is_empty() => {
                ticket.language_code.clone_from(&configuration.document.default_language_code);
            }
            Self::LanguageCode(value) => ticket.language_code = value,
            Self::Impact(value) => ticket.impact = value,
            Self::Urgency(value) => ticket.urgency = value,
            Self::Priority(value) => ticket.priority = value,
            Self::Restricted(value) => ticket.restricted = value,
            Self::CustomFields(values) => ticket.custom_fields.0 = values,
            Self::CustomField(key, Some(value)) => _ = ticket.custom_fields.insert(key, value),
            Self::CustomField(key, None) => _ = ticket.custom_fields.remove(&key),
            Self::Annotations(values) => ticket.annotations.0 = values,
            Self::Annotation(key, Some(value)) => _ = ticket.annotations.insert(key, value),
            Self::Annotation(key, None) => _ = ticket.annotations.remove(&key),
        }
    }
}

/// What changed must be valid by the configuration in force; what stays is not questioned again.
fn check(configuration: &Configuration, before: &Ticket, after: &Ticket, faults: &mut Violations) {
    if after.category != before.category {
        check_category(configuration, &after.category, faults);
    }
    if after.priority != before.priority {
        check_priority(configuration, &after.priority, faults);
    }
    for (key, value) in &*after.custom_fields {
        if before.custom_fields.get(key) != Some(value) {
            check_custom_field(configuration, key, value, faults);
        }
    }
    if after.annotations != before.annotations {
        check_annotations(&after.annotations, "ticket.annotations", faults);
    }
}

/// Whoever sets another priority than the one that would follow needs the right to.
fn prioritise(
    ctx: &Ctx,
    configuration: &Configuration,
    before: &Ticket,
    after: &mut Ticket,
    edits: &[Edit],
) -> Result<()> {
    let matrix = configuration.priority_for(after.impact.name(), after.urgency.name());
    let weighed_anew = (after.impact, after.urgency) != (before.impact, before.urgency);
    let follows = if weighed_anew { matrix } else { &before.priority };
    let priority = edits.iter().rev().find_map(|edit| match edit {
        Edit::Priority(given) if given.is_empty() => Some(matrix),
        Edit::Priority(given) => Some(given),
        _ => None,
    });
    let priority = priority.unwrap_or(follows);
    if priority != follows {
        ctx.actor.require(Permission::TicketsDispatch)?;
    }
    if priority == before.priority {
        after.priority.clone_from(&before.priority);
    } else {
        after.prioritise(configuration, priority);
    }
    Ok(())
}

impl Act for Update {
    type Extra = ();

    async fn act(
        &self,
        tx: &mut Tx,
        ctx: &Ctx,
        configuration: &Configuration,
        ticket: Ticket,
    ) -> Result<(Change, ())> {
        let plan = match self.organization(&ticket) {
            Some(organization) => customers::plan_of(&mut **tx, &ctx.tenant, organization).await?,
            None => String::new(),
        };
        Ok((decide(ctx, configuration, ticket, self, &plan)?, ()))
    }
}

pub async fn update(app: &App, ctx: &Ctx, update: &Update) -> Result<Written> {
    Ok(write_with(app, ctx, &update.target, update).await?.into())
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::{
        ctx::Role,
        tickets::{
            Json, State,
            fixture::{self, faults, outcome},
        },
    };

    fn decided(role: Role, ticket: Ticket, edits: &[Edit]) -> Result<Change> {
        let update =
            Update { target: fixture::target(), edits: edits.to_vec(), faults: Violations::default() };
        decide(&fixture::ctx(role), fixture::configuration(), ticket, &update, "gold")
    }

    fn text(text: &str) -> String {
        text.to_owned()
    }

    #[test]
    fn what_is_over_stays_as_it_was() {
        for state in State::ALL {
            let expected = match state {
                State::Closed | State::Cancelled | State::Merged => "TICKET_STATE_CONFLICT",
                _ => "ticket.updated",
            };
            let said = decided(Role::Agent, fixture::ticket(*state), &[Edit::Title(text("x"))]);
            assert_eq!(outcome(&said), expected, "{state:?}");
        }
    }

    #[test]
    fn an_update_that_changes_nothing_is_no_event() {
        let ticket = fixture::ticket(State::Open);
        let same = [
            Edit::Title(ticket.title.clone()),
            Edit::LanguageCode(String::new()),
            Edit::Impact(ticket.impact),
            Edit::Priority(ticket.priority.clone()),
            Edit::CustomFields(BTreeMap::new()),
            Edit::Annotation(text("a"), None),
        ];
        let change = decided(Role::Agent, ticket.clone(), &same).expect("allowed");
        assert!(change.is_empty());
        assert_eq!(change.next, ticket);
    }

    #[test]
    fn the_priority_follows_unless_whoever_may_gives_it() {
        let priority = |role, before: &str, edits: &[Edit]| {
            let mut ticket = fixture::ticket(State::Open);
            ticket.prioritise(fixture::configuration(), before);
            match decided(role, ticket, edits) {
                Ok(change) => format!("{} {}", change.next.priority, change.next.priority_rank),
                error => outcome(&error),
            }
        };
        let (high, given) = (Edit::Impact(Impact::High), |key: &str| Edit::Priority(text(key)));
        let cases = [
            // Weighed anew.
            (Role::Agent, "P3", vec![high.clone()], "P2 1"),
            (Role::Agent, "P3", vec![Edit::Urgency(Urgency::Low)], "P4 3"),
            (Role::Agent, "P1", vec![high.clone()], "P2 1"),
            // Neither impact nor urgency changes: what was given stays.
            (Role::Agent, "P1", vec![Edit::Impact(Impact::Medium)], "P1 0"),
            (Role::Agent, "P1", vec![Edit::Title(text("x"))], "P1 0"),
            // Given by whoever may.
            (Role::Manager, "P3", vec![given("P1")], "P1 0"),
            (Role::Manager, "P3", vec![high.clone(), given("P4")], "P4 3"),
            (Role::Manager, "P3", vec![given("P4"), high.clone()], "P4 3"),
            (Role::Manager, "P1", vec![given("")], "P3 2"),
            // Given by whoever may not.
            (Role::Agent, "P3", vec![given("P1")], "PERMISSION_MISSING"),
            (Role::Agent, "P1", vec![given("")], "PERMISSION_MISSING"),
            (Role::Agent, "P3", vec![high.clone(), given("P3")], "PERMISSION_MISSING"),
            // What would follow anyway needs no right.
            (Role::Agent, "P3", vec![given("P3")], "P3 2"),
            (Role::Agent, "P3", vec![high, given("P2")], "P2 1"),
            (Role::Agent, "P3", vec![given("P9")], "FIELD_INVALID"),
        ];
        for (role, before, edits, expected) in cases {
            assert_eq!(priority(role, before, &edits), expected, "{role:?} {before} {edits:?}");
        }
    }

    #[test]
    fn a_plan_is_taken_with_another_organization_and_else_stays() {
        let before =
            Ticket { organization: text("initech"), plan: text("silver"), ..fixture::ticket(State::Open) };
        let to = |organization: &str| Edit::Organization(text(organization));
        let cases = [
            (vec![to("initrode")], Some("initrode"), "gold"),
            (vec![to("initech"), to("initrode")], Some("initrode"), "gold"),
            (vec![to("")], Some(""), ""),
            // Said again, it is not set again: what was sold since does not count.
            (vec![to("initech")], None, "silver"),
            (vec![to("initrode"), to("initech")], None, "silver"),
            (vec![Edit::Requester(text("peter"))], None, "silver"),
        ];
        for (edits, asked, expected) in cases {
            let update = Update { target: fixture::target(), edits, faults: Violations::default() };
            assert_eq!(update.organization(&before), asked, "{update:?}");
            let plan = if asked == Some("initrode") { "gold" } else { "" };
            let ctx = fixture::ctx(Role::Agent);
            let change =
                decide(&ctx, fixture::configuration(), before.clone(), &update, plan).expect("valid");
            assert_eq!(change.next.plan, expected, "{update:?}");
        }
    }

    #[test]
    fn maps_change_as_a_whole_or_by_key() {
        let custom = |pairs: &[(&str, i64)]| -> BTreeMap<String, FieldValue> {
            pairs.iter().map(|(key, value)| (text(key), FieldValue::Int(*value))).collect()
        };
        let before = Ticket {
            custom_fields: Json(custom(&[("affected_users", 1), ("no_longer_configured", 2)])),
            annotations: Json([(text("a"), text("1"))].into()),
            ..fixture::ticket(State::Open)
        };
        let after = |edits: &[Edit]| {
            let next = decided(Role::Agent, before.clone(), edits).expect("updated").next;
            (next.custom_fields.0, next.annotations.0)
        };
        let (fields, annotations) = after(&[
            Edit::CustomField(text("affected_users"), Some(FieldValue::Int(5))),
            Edit::Annotation(text("b"), Some(text("2"))),
        ]);
        assert_eq!(fields, custom(&[("affected_users", 5), ("no_longer_configured", 2)]));
        assert_eq!(annotations.len(), 2);
        let (fields, annotations) =
            after(&[Edit::CustomField(text("affected_users"), None), Edit::Annotations(BTreeMap::new())]);
        assert_eq!((fields, annotations.len()), (custom(&[("no_longer_configured", 2)]), 0));
        assert_eq!(after(&[Edit::CustomFields(BTreeMap::new())]).0, BTreeMap::new());
    }

    #[test]
    fn every_fault_of_what_changes_is_named_at_once() {
        let update = [
            Edit::Category(text("moon")),
            Edit::Priority(text("P9")),
            Edit::CustomField(text("affected_users"), Some(FieldValue::Bool(true))),
            Edit::Annotation(text("a"), Some("x".repeat(5000))),
        ];
        let mut said = Violations::default();
        said.add("ticket.title", "is required");
        let update = Update { target: fixture::target(), edits: update.to_vec(), faults: said };
        let ctx = fixture::ctx(Role::Agent);
        let ticket = fixture::ticket(State::Open);
        assert_eq!(
            faults(decide(&ctx, fixture::configuration(), ticket, &update, "")),
            [
                "ticket.title",
                "ticket.category",
                "ticket.priority",
                "ticket.custom_fields.affected_users",
                "ticket.annotations"
            ]
        );
        let gone = Ticket { category: text("gone"), ..fixture::ticket(State::Open) };
        let edits = [Edit::Category(text("gone")), Edit::Product(text("ERP"))];
        assert_eq!(
            outcome(&decided(Role::Agent, gone, &edits)),
            "ticket.updated",
            "what stays is not questioned"
        );
    }

    fn edit() -> impl Strategy<Value = Edit> {
        let value = prop_oneof![Just(String::new()), Just(text("x")), Just(text("y"))];
        prop_oneof![
            value.clone().prop_map(Edit::Title),
            value.clone().prop_map(Edit::Description),
            value.clone().prop_map(Edit::Requester),
            value.clone().prop_map(Edit::Organization),
            value.clone().prop_map(Edit::Product),
            value.clone().prop_map(Edit::LanguageCode),
            proptest::sample::select(Kind::ALL).prop_map(Edit::Kind),
            proptest::sample::select(Impact::ALL).prop_map(Edit::Impact),
            proptest::sample::select(Urgency::ALL).prop_map(Edit::Urgency),
            proptest::sample::select(vec!["", "P1", "P4"]).prop_map(|key| Edit::Priority(text(key))),
            proptest::sample::select(vec!["", "network", "contract"])
                .prop_map(|key| Edit::Category(text(key))),
            proptest::option::of(value.clone())
                .prop_map(|value| Edit::CustomField(text("serial_number"), value.map(FieldValue::String))),
            proptest::option::of(value).prop_map(|value| Edit::Annotation(text("a"), value)),
        ]
    }

    proptest! {
        #[test]
        fn an_update_moves_nothing_and_said_twice_is_said_once(edits in proptest::collection::vec(edit(), 0..6)) {
            let before = fixture::ticket(State::Open);
            let change = decided(Role::Manager, before.clone(), &edits).expect("valid edits");
            let next = change.next;
            prop_assert_eq!(next.version, before.version + change.events.len() as i64);
            prop_assert_eq!(
                (next.state, &next.queue, &next.team, &next.assignee, next.queue_time),
                (before.state, &before.queue, &before.team, &before.assignee, before.queue_time)
            );
            prop_assert_eq!(
                Some(next.priority_rank as usize),
                fixture::configuration().priority_rank(&next.priority)
            );
            let again = decided(Role::Manager, next.clone(), &edits).expect("valid edits");
            prop_assert!(again.is_empty(), "{:?}", again.events);
        }
    }
}
