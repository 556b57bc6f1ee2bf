//! Going on after the end: what a customer says when a ticket can no longer be reopened opens another one, which
//! continues it.

use crate::{
    configuration::Configuration,
    ctx::Ctx,
    error::{Result, Violations},
    ids::Id,
    tickets::{Change, Create, MAX_TITLE, OnConflict, Ticket, decide_create, intake::check_custom_field},
};

/// What a follow-up needs beside the ticket that it continues.
#[derive(Clone, Debug)]
pub struct Opening {
    pub id: Id,
    pub number: i64,
    /// The organization's.
    pub plan: String,
}

/// What stands before the title of a follow-up, once.
const PREFIX: &str = "Re: ";

/// The new ticket: about the same, for the same, by the configuration of today and the plan that the organization has today.
/// Its description stays empty; the comment says what there is to say, and can be redacted.
pub fn decide(
    ctx: &Ctx,
    configuration: &Configuration,
    original: &Ticket,
    opening: &Opening,
) -> Result<Change> {
    let configured = |key: &String, value: &_| {
        let mut faults = Violations::default();
        check_custom_field(configuration, key, value, &mut faults);
        faults.is_empty()
    };
    let mut custom_fields = original.custom_fields.0.clone();
    custom_fields.retain(|key, value| configured(key, value));
    let known = configuration.category(&original.category).is_some();
    let create = Create {
        faults: Violations::default(),
        kind: original.kind,
        channel: original.channel,
        title: title(&original.title),
        description: String::new(),
        requester: original.requester.clone(),
        organization: original.organization.clone(),
        plan: opening.plan.clone(),
        restricted: original.restricted,
        category: if known { original.category.clone() } else { String::new() },
        product: original.product.clone(),
        language_code: original.language_code.clone(),
        impact: original.impact,
        urgency: original.urgency,
        priority: String::new(),
        custom_fields,
        tags: Vec::new(),
        annotations: std::collections::BTreeMap::new(),
        external_key: None,
        follow_up_of: Some(original.id),
        on_conflict: OnConflict::Fail,
        validate_only: false,
    };
    decide_create(ctx, configuration, &create, opening.id, opening.number)
}

fn title(original: &str) -> String {
    let bare = original.strip_prefix(PREFIX).unwrap_or(original);
    PREFIX.chars().chain(bare.chars()).take(MAX_TITLE).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{
        ctx::Role,
        tickets::{FieldValue, State, fixture},
    };

    #[test]
    fn a_title_bears_the_prefix_once_and_keeps_its_limit() {
        assert_eq!(title("Drucker"), "Re: Drucker");
        assert_eq!(title("Re: Drucker"), "Re: Drucker");
        assert_eq!(title(&"ä".repeat(300)).chars().count(), 300);
    }

    #[test]
    fn it_is_about_the_same_and_by_the_configuration_of_today() {
        let mut original = fixture::ticket(State::Closed);
        original.requester = "anna".to_owned();
        original.organization = "initech".to_owned();
        original.category = "gone".to_owned();
        original.tags = vec!["vip".to_owned()];
        original.custom_fields.insert("gone".to_owned(), FieldValue::Int(1));
        original.custom_fields.insert("affected_users".to_owned(), FieldValue::Int(3));
        original.plan = "silver".to_owned();
        original.restricted = true;
        let opening = Opening { id: fixture::id(2), number: 2, plan: "gold".to_owned() };
        let change = decide(&fixture::ctx(Role::Customer), fixture::configuration(), &original, &opening)
            .expect("recorded");
        let next = change.next;
        assert_eq!((next.plan.as_str(), next.restricted), ("gold", true));
        assert_eq!((next.follow_up_of, next.state, next.number), (Some(original.id), State::New, 2));
        assert_eq!((next.requester.as_str(), next.organization.as_str()), ("anna", "initech"));
        assert_eq!((next.category.as_str(), next.tags.len(), next.description.as_str()), ("", 0, ""));
        assert_eq!(next.custom_fields.keys().collect::<Vec<_>>(), ["affected_users"]);
    }
}
