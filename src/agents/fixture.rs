//! An agent for the tests of rules: available, a member of the team `desk-de`, without skills.

use std::collections::{BTreeMap, BTreeSet};

use super::{Agent, Availability, Loaded};
use crate::{ids::TenantId, tickets::Json, time::Time};

pub fn agent(key: &str, capacity: i32) -> Agent {
    let recorded: Time = "2026-01-05T08:00:00Z".parse().expect("a time");
    Agent {
        tenant_id: TenantId::parse("acme").expect("a tenant"),
        key: key.to_owned(),
        version: 1,
        display_name: key.to_owned(),
        teams: vec!["desk-de".to_owned()],
        skills: Json(BTreeMap::new()),
        capacity,
        availability: Availability::Available,
        availability_until_time: None,
        calendar: String::new(),
        create_time: recorded,
        update_time: recorded,
        last_assign_time: None,
        cool_down_until_time: None,
    }
}

pub fn loaded(key: &str, capacity: i32, used: i64) -> Loaded {
    Loaded { agent: agent(key, capacity), used, tickets: used, organizations: BTreeSet::new() }
}
