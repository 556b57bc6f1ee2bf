//! A ticket as it is shown: with the names of whom it is about, so that a list needs no second call. Few names stand on many
//! tickets, and seldom change: they are kept in memory for [`FRESH`]. What is renamed here is known here at once.

use std::{
    borrow::Borrow,
    collections::HashMap,
    ops::Deref,
    sync::{PoisonError, RwLock},
    time::Duration,
};

use sqlx::PgConnection;

use super::Ticket;
use crate::{agents, ctx::Clock, customers, error::Result, ids::TenantId, time::Time};

/// How long another replica's renaming goes unnoticed at most.
const FRESH: Duration = Duration::from_secs(1);
/// Names that are kept at most; then it begins anew.
const MAX_KNOWN: usize = 100_000;

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

impl Borrow<Ticket> for Shown {
    fn borrow(&self) -> &Ticket {
        &self.ticket
    }
}

/// Who has a name.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Whom {
    Contact,
    Organization,
    Agent,
}

impl Whom {
    const ALL: [Self; 3] = [Self::Contact, Self::Organization, Self::Agent];

    /// The key of this one on a ticket; empty: there is none.
    fn on(self, ticket: &Ticket) -> &str {
        match self {
            Self::Contact => &ticket.requester,
            Self::Organization => &ticket.organization,
            Self::Agent => ticket.assignee.as_deref().unwrap_or_default(),
        }
    }
}

/// By whom: what each key is called, and since when that is known.
type Known = [HashMap<String, (Time, String)>; 3];

/// What people and organizations are called.
#[derive(Debug)]
pub struct Names {
    clock: Clock,
    known: RwLock<HashMap<TenantId, Known>>,
}

impl Names {
    pub fn new(clock: Clock) -> Self {
        Self { clock, known: RwLock::default() }
    }

    /// The tickets with their names; those that are not known are looked up together.
    pub async fn put_on(
        &self,
        db: &mut PgConnection,
        tenant: &TenantId,
        tickets: Vec<Ticket>,
    ) -> Result<Vec<Shown>> {
        let now = self.clock.now();
        let (mut names, missing) = self.remembered(tenant, now, &tickets);
        let [contacts, organizations, assignees] = &missing;
        let customers = customers::names(&mut *db, tenant, contacts, organizations).await?;
        let agents = agents::names(&mut *db, tenant, assignees).await?;
        let mut found = [customers.contacts, customers.organizations, agents];
        for (whom, keys) in missing.iter().enumerate() {
            for key in keys {
                let name = found[whom].remove(key).unwrap_or_default();
                names[whom].insert(key.clone(), name);
            }
        }
        self.remember(tenant, now, &names, &missing);
        let name = |whom: Whom, ticket: &Ticket| {
            names[whom as usize].get(whom.on(ticket)).cloned().unwrap_or_default()
        };
        let shown = tickets.into_iter().map(|ticket| Shown {
            requester_display_name: name(Whom::Contact, &ticket),
            organization_display_name: name(Whom::Organization, &ticket),
            assignee_display_name: name(Whom::Agent, &ticket),
            ticket,
        });
        Ok(shown.collect())
    }

    /// It was renamed here, or is gone.
    pub fn forget(&self, tenant: &TenantId, whom: Whom, key: &str) {
        let mut known = self.known.write().unwrap_or_else(PoisonError::into_inner);
        if let Some(known) = known.get_mut(tenant) {
            known[whom as usize].remove(key);
        }
    }

    /// What is known of whom these tickets name, and the keys of the others.
    fn remembered(
        &self,
        tenant: &TenantId,
        now: Time,
        tickets: &[Ticket],
    ) -> ([HashMap<String, String>; 3], [Vec<String>; 3]) {
        let known = self.known.read().unwrap_or_else(PoisonError::into_inner);
        let known = known.get(tenant);
        let mut names = <[HashMap<String, String>; 3]>::default();
        let mut missing = <[Vec<String>; 3]>::default();
        for whom in Whom::ALL {
            let (names, missing) = (&mut names[whom as usize], &mut missing[whom as usize]);
            for key in tickets.iter().map(|ticket| whom.on(ticket)).filter(|key| !key.is_empty()) {
                if names.contains_key(key) {
                    continue;
                }
                match known.and_then(|known| known[whom as usize].get(key)) {
                    Some((since, name)) if now < since.after(FRESH) => {
                        names.insert(key.to_owned(), name.clone());
                    }
                    _ => missing.push(key.to_owned()),
                }
            }
            missing.sort_unstable();
            missing.dedup();
        }
        (names, missing)
    }

    fn remember(
        &self,
        tenant: &TenantId,
        now: Time,
        names: &[HashMap<String, String>; 3],
        new: &[Vec<String>; 3],
    ) {
        if new.iter().all(Vec::is_empty) {
            return;
        }
        let mut all = self.known.write().unwrap_or_else(PoisonError::into_inner);
        if all.values().flatten().map(HashMap::len).sum::<usize>() > MAX_KNOWN {
            all.clear();
        }
        let known = all.entry(tenant.clone()).or_default();
        for (whom, keys) in new.iter().enumerate() {
            let of = |key: &String| names[whom].get(key).map(|name| (key.clone(), (now, name.clone())));
            known[whom].extend(keys.iter().filter_map(of));
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::tickets::{State, fixture};

    fn tenant() -> TenantId {
        TenantId::parse("acme").expect("a tenant")
    }

    /// What would have to be asked about a ticket of this requester, who has it.
    fn asked(names: &Names, requester: &str) -> [Vec<String>; 3] {
        let ticket = Ticket {
            requester: requester.into(),
            organization: String::new(),
            assignee: Some("anna".into()),
            ..fixture::ticket(State::Open)
        };
        let now = names.clock.now();
        let (mut known, missing) = names.remembered(&tenant(), now, &[ticket.clone(), ticket]);
        for (whom, keys) in missing.iter().enumerate() {
            known[whom].extend(keys.iter().map(|key| (key.clone(), key.to_uppercase())));
        }
        names.remember(&tenant(), now, &known, &missing);
        missing
    }

    #[test]
    fn a_name_is_asked_for_once_a_second_or_when_it_was_changed_here() {
        let clock = Clock::manual(fixture::start());
        let names = Names::new(clock.clone());
        let (kim, anna) = (vec!["kim".to_owned()], vec!["anna".to_owned()]);
        assert_eq!(asked(&names, "kim"), [kim.clone(), vec![], anna.clone()]);
        assert!(asked(&names, "kim").iter().all(Vec::is_empty));
        assert_eq!(asked(&names, "peter"), [vec!["peter".to_owned()], vec![], vec![]]);
        names.forget(&tenant(), Whom::Contact, "kim");
        assert_eq!(asked(&names, "kim"), [kim.clone(), vec![], vec![]]);
        names.forget(&tenant(), Whom::Organization, "kim");
        clock.advance(FRESH);
        assert_eq!(asked(&names, "kim"), [kim, vec![], anna]);
    }
}
