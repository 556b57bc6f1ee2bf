//! The keys of an issuer: fetched before they are needed, fetched again when a token names one that is not known, and kept
//! when the issuer's server is away.

use std::{
    collections::{HashMap, VecDeque},
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    time::Duration,
};

use jsonwebtoken::{
    DecodingKey,
    jwk::{Jwk, PublicKeyUse},
};
use serde_json::Value;
use tokio::time::Instant;
use tokio_util::sync::CancellationToken;

use super::{Identity, document::Issuer, fetch::Source};
use crate::error::{Error, Reason, Result};

/// How often keys are fetched that nobody misses; each time varies by a fifth.
const REFRESH: Duration = Duration::from_mins(5);
/// How soon again after that failed.
const RETRY: Duration = Duration::from_secs(10);
/// How long keys are good for while the issuer's server does not answer.
const KEEP: Duration = Duration::from_hours(24);
/// Tokens that name unknown keys have them fetched so often within so long, and no oftener: anybody can make such tokens.
const MISSES: (usize, Duration) = (2, Duration::from_mins(1));

/// The keys of one issuer.
pub struct Keys {
    source: Source,
    state: Mutex<State>,
    begun: Instant,
    /// Held by the one who fetches; the others wait for what it brings.
    fetching: tokio::sync::Mutex<()>,
}

impl std::fmt::Debug for Keys {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Keys").field("source", &self.source).finish_non_exhaustive()
    }
}

#[derive(Default)]
struct State {
    keys: Arc<HashMap<String, DecodingKey>>,
    /// When they were fetched.
    fetched: Option<Instant>,
    /// When keys were fetched because somebody missed one.
    misses: VecDeque<Instant>,
}

impl State {
    fn known(&self, kid: &str, now: Instant) -> Option<DecodingKey> {
        self.fetched.filter(|fetched| now < *fetched + KEEP)?;
        self.keys.get(kid).cloned()
    }

    /// Whether a key that is missed may be fetched now.
    fn may_fetch(&mut self, now: Instant) -> bool {
        let (most, within) = MISSES;
        while self.misses.front().is_some_and(|first| *first + within <= now) {
            self.misses.pop_front();
        }
        let may = self.misses.len() < most;
        if may {
            self.misses.push_back(now);
        }
        may
    }
}

impl Keys {
    pub fn new(issuer: &Issuer) -> anyhow::Result<Self> {
        let source = Source::of(issuer)?;
        let (state, begun) = (Mutex::default(), Instant::now());
        Ok(Self { source, state, begun, fetching: tokio::sync::Mutex::default() })
    }

    /// How long ago they were fetched; if never, how long ago that was to begin.
    pub fn age(&self) -> Duration {
        self.state().fetched.unwrap_or(self.begun).elapsed()
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// The key of this name. One that is not known is looked for at the issuer, by one call for all that miss it.
    pub async fn find(&self, kid: &str) -> Result<DecodingKey> {
        if let Some(key) = self.state().known(kid, Instant::now()) {
            return Ok(key);
        }
        let _fetching = self.fetching.lock().await;
        let now = Instant::now();
        let may_fetch = {
            let mut state = self.state();
            if let Some(key) = state.known(kid, now) {
                return Ok(key);
            }
            state.may_fetch(now)
        };
        if may_fetch {
            self.fetch().await;
        }
        let state = self.state();
        match (state.known(kid, now), state.fetched) {
            (Some(key), _) => Ok(key),
            (None, Some(fetched)) if now < fetched + KEEP => Err(Error::Unauthenticated(
                "the access token is signed by a key that its issuer does not show".into(),
            )),
            _ => Err(Error::Unavailable {
                reason: Reason::IssuerDown,
                text: "the keys of the token's issuer cannot be fetched",
                retry_after: RETRY,
            }),
        }
    }

    /// How many usable keys the issuer shows now.
    pub async fn count(&self) -> std::result::Result<usize, String> {
        self.source.fetch().await.map(|keys| usable(&keys).len())
    }

    /// Fetches; what was known stays when that fails. Says whether it went well.
    async fn fetch(&self) -> bool {
        match self.source.fetch().await {
            Ok(keys) => {
                let mut state = self.state();
                state.keys = Arc::new(usable(&keys));
                state.fetched = Some(Instant::now());
                true
            }
            Err(fault) => {
                tracing::warn!(source = ?self.source, fault, "the keys of an issuer cannot be fetched");
                false
            }
        }
    }
}

/// The keys that sign and have a name; the first of each name.
fn usable(set: &[Value]) -> HashMap<String, DecodingKey> {
    let mut usable = HashMap::new();
    for key in set {
        let Ok(jwk) = serde_json::from_value::<Jwk>(key.clone()) else { continue };
        let Ok(decoding) = DecodingKey::from_jwk(&jwk) else { continue };
        let signs = matches!(jwk.common.public_key_use, None | Some(PublicKeyUse::Signature));
        if let (true, Some(kid)) = (signs, jwk.common.key_id) {
            usable.entry(kid).or_insert(decoding);
        }
    }
    usable
}

/// Keeps the keys of all issuers fresh, until the service goes down.
pub async fn follow(identity: Arc<Identity>, drain: CancellationToken) {
    let all = identity.keys().map(|trusted| async {
        loop {
            let guard = trusted.fetching.lock().await;
            let pause = if trusted.fetch().await { REFRESH } else { RETRY };
            drop(guard);
            tokio::time::sleep(pause.mul_f64(0.8 + 0.4 * fastrand::f64())).await;
        }
    });
    drain.run_until_cancelled(futures_util::future::join_all(all)).await;
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[tokio::test(start_paused = true)]
    async fn strangers_have_keys_fetched_twice_a_minute_and_no_oftener() {
        let mut state = State::default();
        let mut fetched = 0;
        for _ in 0..6000 {
            fetched += usize::from(state.may_fetch(Instant::now()));
            tokio::time::advance(Duration::from_millis(100)).await;
        }
        assert_eq!(fetched, 20, "in ten minutes");
    }

    #[tokio::test(start_paused = true)]
    async fn keys_outlive_their_issuer_for_a_day() {
        let key = DecodingKey::from_rsa_raw_components(&[1], &[3]);
        let keys = Arc::new(HashMap::from([("a".to_owned(), key)]));
        let state = State { keys, fetched: Some(Instant::now()), misses: VecDeque::new() };
        tokio::time::advance(KEEP.saturating_sub(Duration::from_secs(1))).await;
        assert!(state.known("a", Instant::now()).is_some());
        assert!(state.known("b", Instant::now()).is_none());
        tokio::time::advance(Duration::from_secs(1)).await;
        assert!(state.known("a", Instant::now()).is_none());
    }

    #[test]
    fn what_cannot_be_used_is_left_out() {
        let set = [
            json!({"kty": "RSA", "kid": "a", "use": "sig", "n": "AQAB", "e": "AQAB"}),
            json!({"kty": "RSA", "kid": "a", "n": "____", "e": "AQAB"}),
            json!({"kty": "RSA", "kid": "b", "use": "enc", "n": "AQAB", "e": "AQAB"}),
            json!({"kty": "RSA", "n": "AQAB", "e": "AQAB"}),
            json!({"kty": "new", "kid": "c"}),
            json!({"kty": "EC", "kid": "d", "crv": "P-256", "x": "AQAB", "y": "AQAB"}),
            json!("nonsense"),
        ];
        let mut names: Vec<String> = usable(&set).into_keys().collect();
        names.sort();
        assert_eq!(names, ["a", "d"]);
    }
}
