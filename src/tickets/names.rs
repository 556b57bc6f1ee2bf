//! A ticket as it is shown: with the names of whom it is about, so that a list needs no second call.

use std::{collections::HashMap, ops::Deref};

use sqlx::PgConnection;

use super::Ticket;
use crate::{agents, customers, error::Result, ids::TenantId};

/// A ticket with the display names that ride along; empty where there is no record of that name.
#[derive(Clone, Debug)]
pub struct Shown {
    pub ticket: Ticket,
    pub requester_display_name: String,
    pub organization_display_name: String,
    pub assignee_display_name: String,
}

impl Deref for Shown {
    type Target = Ticket;
    fn deref(&self) -> &Ticket {
        &self.ticket
    }
}

/// Looks the names of all these tickets up together.
pub async fn name(db: &mut PgConnection, tenant: &TenantId, tickets: Vec<Ticket>) -> Result<Vec<Shown>> {
    let contacts = distinct(tickets.iter().map(|ticket| ticket.requester.as_str()));
    let organizations = distinct(tickets.iter().map(|ticket| ticket.organization.as_str()));
    let assignees = distinct(tickets.iter().filter_map(|ticket| ticket.assignee.as_deref()));
    let customers = customers::names(&mut *db, tenant, &contacts, &organizations).await?;
    let agents = agents::names(&mut *db, tenant, &assignees).await?;
    let name = |names: &HashMap<String, String>, key: &str| names.get(key).cloned().unwrap_or_default();
    let shown = tickets.into_iter().map(|ticket| Shown {
        requester_display_name: name(&customers.contacts, &ticket.requester),
        organization_display_name: name(&customers.organizations, &ticket.organization),
        assignee_display_name: name(&agents, ticket.assignee.as_deref().unwrap_or_default()),
        ticket,
    });
    Ok(shown.collect())
}

fn distinct<'a>(keys: impl Iterator<Item = &'a str>) -> Vec<String> {
    let mut keys: Vec<&str> = keys.filter(|key| !key.is_empty()).collect();
    keys.sort_unstable();
    keys.dedup();
    keys.into_iter().map(str::to_owned).collect()
}
