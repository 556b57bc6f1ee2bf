//! A tick that goes from tenant to tenant: one tenant's trouble keeps no other waiting.

use std::collections::BTreeMap;

use super::Report;
use crate::{
    error::{Error, Result},
    ids::TenantId,
};

/// What is due, by tenant, each in its order.
pub fn by_tenant<T>(due: impl IntoIterator<Item = (TenantId, T)>) -> BTreeMap<TenantId, Vec<T>> {
    let mut tenants: BTreeMap<TenantId, Vec<T>> = BTreeMap::new();
    for (tenant, one) in due {
        tenants.entry(tenant).or_default().push(one);
    }
    tenants
}

/// What was done of it, tenant after tenant.
#[derive(Debug, Default)]
pub struct Tally {
    report: Report,
    failure: Option<Error>,
}

impl Tally {
    pub fn add(&mut self, tenant: Result<Report>) {
        match tenant {
            Ok(one) => {
                self.report.done += one.done;
                self.report.full |= one.full;
            }
            Err(error) => self.failure = Some(error),
        }
    }

    /// The tick has failed if it has for any of them.
    pub fn finish(self) -> Result<Report> {
        self.failure.map_or(Ok(self.report), Err)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_went_wrong_for_one_is_told_when_all_are_through() {
        let report = |done, full| Ok(Report { done, full });
        let mut tally = Tally::default();
        tally.add(report(2, false));
        tally.add(report(3, true));
        tally.add(report(1, false));
        assert_eq!(tally.finish().ok(), Some(Report { done: 6, full: true }));
        let mut tally = Tally::default();
        tally.add(Err(Error::Conflict));
        tally.add(report(1, false));
        assert!(tally.finish().is_err_and(|error| error.is_conflict()));
    }

    #[test]
    fn each_tenant_has_what_is_its_own_in_its_order() {
        let tenant = |name: &str| TenantId::parse(name).expect("a tenant");
        let due = [(tenant("b"), 3), (tenant("a"), 2), (tenant("b"), 1)];
        assert_eq!(
            by_tenant(due).into_iter().collect::<Vec<_>>(),
            [(tenant("a"), vec![2]), (tenant("b"), vec![3, 1])]
        );
    }
}
