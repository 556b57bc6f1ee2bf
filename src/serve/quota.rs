//! What each caller and each tenant may have: so much work a second, so many calls and streams at a time. Who wants more is
//! told when to come again, while that is still cheap; nobody else notices.

use std::{
    fmt,
    hash::{BuildHasher as _, RandomState},
    sync::{Arc, Mutex, PoisonError},
};

use serde::Deserialize;

use super::{
    layer::{Answer, Call, Reply, keep},
    origin::Origin,
    policy::{Access, policy},
    refuse,
    share::{Place, Share},
};
use crate::{
    ctx::Actor,
    error::{Reason, Result},
    ids::TenantId,
};

/// What one caller, or one tenant, may have. 0: as much as it likes.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Quota {
    /// Work a second, by the weight of the calls that the contract declares.
    pub rate: u32,
    /// Work that may come at once after a rest; 0: as much as a second's.
    pub burst: u32,
    /// Calls at work at a time.
    pub calls: u32,
    /// Streams open at a time.
    pub streams: u32,
}

impl Quota {
    /// As much as anybody likes.
    pub const NONE: Self = Self { rate: 0, burst: 0, calls: 0, streams: 0 };
}

/// The quotas of everybody.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Quotas {
    /// Of each caller.
    pub caller: Quota,
    /// Of each tenant, whoever calls for it.
    pub tenant: Quota,
}

impl Default for Quotas {
    fn default() -> Self {
        Self {
            caller: Quota { rate: 500, burst: 1000, calls: 32, streams: 16 },
            tenant: Quota { rate: 2000, burst: 4000, calls: 128, streams: 512 },
        }
    }
}

impl Quotas {
    /// As much as anybody likes.
    pub const NONE: Self = Self { caller: Quota::NONE, tenant: Quota::NONE };
}

/// What all have together.
pub(super) struct Shares {
    /// A name that somebody makes long takes no more room than its hash, and nobody can choose one that meets another's.
    hasher: RandomState,
    callers: Share,
    tenants: Share,
}

impl Shares {
    pub(super) fn new(quotas: &Quotas) -> Self {
        Self {
            hasher: RandomState::new(),
            callers: Share::new(
                &quotas.caller,
                "caller",
                [Reason::CallerRateExceeded, Reason::CallerCallsExceeded, Reason::CallerStreamsExceeded],
            ),
            tenants: Share::new(
                &quotas.tenant,
                "tenant",
                [Reason::TenantRateExceeded, Reason::TenantCallsExceeded, Reason::TenantStreamsExceeded],
            ),
        }
    }
}

/// Gives each caller its share. Who calls is known here; for which tenant, only to whoever reads the request, who asks
/// for the tenant's share by the [`Allowance`] that goes along.
pub(super) struct Apportion<A> {
    pub(super) shares: Arc<Shares>,
    pub(super) next: A,
}

impl<A: Answer> Answer for Apportion<A> {
    async fn answer(&self, mut call: Call) -> Reply {
        let policy = policy(&call);
        let actor = call.extensions().get::<Actor>().filter(|_| policy.cost > 0);
        // Whoever calls what is open has no name.
        let Some(actor) = actor else { return self.next.answer(call).await };
        // Two tenants may each have an `anna`; who has no name is known by where the call comes from.
        let origin =
            (policy.access == Access::Anybody).then(|| call.extensions().get::<Origin>().copied()).flatten();
        let key = self.shares.hasher.hash_one((actor.kind, &actor.id, &actor.tenants, origin));
        let name = origin.map_or_else(|| actor.id.clone(), |origin| origin.to_string());
        let place = match self.shares.callers.take(key, &name, policy.cost, policy.streaming) {
            Ok(place) => place,
            Err(error) => return refuse(error),
        };
        let allowance = Allowance(Arc::new(Claim {
            shares: Arc::clone(&self.shares),
            cost: policy.cost,
            streaming: policy.streaming,
            tenant: Mutex::default(),
        }));
        call.extensions_mut().insert(allowance.clone());
        keep(self.next.answer(call).await, (place, allowance))
    }
}

/// Lets a call ask for its tenant's share. In the call's extensions.
#[derive(Clone)]
pub struct Allowance(Arc<Claim>);

struct Claim {
    shares: Arc<Shares>,
    cost: u32,
    streaming: bool,
    /// The tenant that was asked for, and the place that it gave.
    tenant: Mutex<Option<(TenantId, Option<Place>)>>,
}

impl Allowance {
    /// Takes the call's part of the tenant's share, which is given back when the answer has left. A call that enters the
    /// tenant again has it already.
    pub fn enter(&self, tenant: &TenantId) -> Result<()> {
        let Claim { shares, cost, streaming, tenant: entered } = &*self.0;
        let mut entered = entered.lock().unwrap_or_else(PoisonError::into_inner);
        if entered.as_ref().is_none_or(|(own, _)| own != tenant) {
            let key = shares.hasher.hash_one(tenant);
            let place = shares.tenants.take(key, tenant.as_str(), *cost, *streaming)?;
            *entered = Some((tenant.clone(), place));
        }
        Ok(())
    }
}

impl fmt::Debug for Allowance {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Allowance").field("cost", &self.0.cost).finish_non_exhaustive()
    }
}
