//! Which policies hold for a ticket: of each agreement the first whose condition matches.

use crate::{
    configuration::{Agreement, Configuration},
    tickets::Ticket,
};

/// The rule: keys of the policies, in the order of their agreements. A condition that cannot be answered counts as no.
pub fn select(configuration: &Configuration, ticket: &Ticket) -> Vec<String> {
    let policies = &configuration.document.sla_policies;
    if policies.is_empty() {
        return Vec::new();
    }
    let asked = configuration.sla_conditions().ask(ticket);
    let first = |agreement: &Agreement| {
        let mut matching = policies.iter().enumerate();
        matching.find(|(place, policy)| {
            policy.agreement == *agreement && asked.matches(*place).unwrap_or_default()
        })
    };
    Agreement::ALL.iter().filter_map(first).map(|(_, policy)| policy.key.clone()).collect()
}
