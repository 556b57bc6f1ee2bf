//! Keys that change, and an issuer that is away.

use std::{
    sync::atomic::{AtomicUsize, Ordering},
    time::Duration,
};

use futures_util::future::join_all;
use serde_json::json;
use tokio::{task::JoinSet, time::timeout};

use super::{
    issuer::{Issuer, Key, Token},
    *,
};

/// Longer than any of this takes.
const LONG: Duration = Duration::from_secs(30);
/// Calls until a key is in use by all.
const OFTEN: usize = 50;

#[tokio::test]
async fn keys_change_under_load_and_no_good_token_is_refused() {
    let desk = Desk::open().await;
    let keys = Arc::new([Key::p256(), Key::ed25519(), Key::p256()]);
    let shown = |n: usize| keys[n].shown(&n.to_string());
    let issuer = Issuer::open(&desk, &[shown(0)]).await;
    let channel = channel(&guard(&desk, &issuer.document(), None).await).await;
    let newest = Arc::new(AtomicUsize::new(0));
    // How often each was used.
    let used: Arc<[AtomicUsize; 3]> = Arc::default();
    let mut callers = JoinSet::new();
    for _ in 0..8 {
        let (channel, issuer, keys) = (channel.clone(), issuer.clone(), Arc::clone(&keys));
        let (newest, used) = (Arc::clone(&newest), Arc::clone(&used));
        callers.spawn(async move {
            while used[2].load(Ordering::SeqCst) < OFTEN {
                let n = newest.load(Ordering::SeqCst);
                let token = Token::good(&issuer, &n.to_string(), &keys[n]).signed(&keys[n]);
                session(&channel, &token).await.unwrap_or_else(|status| panic!("key {n}: {status}"));
                used[n].fetch_add(1, Ordering::SeqCst);
            }
        });
    }
    for n in [1, 2] {
        let common = async {
            while used[n - 1].load(Ordering::SeqCst) < OFTEN {
                tokio::task::yield_now().await;
            }
        };
        timeout(LONG, common).await.expect("the key before is in use");
        // The old one goes on signing for a while, so both are shown.
        issuer.show(&[shown(n - 1), shown(n)]);
        newest.store(n, Ordering::SeqCst);
    }
    let all = async {
        while let Some(caller) = callers.join_next().await {
            caller.expect("no token was refused");
        }
    };
    timeout(LONG, all).await.expect("the last key is in use");
    desk.finish().await;
}

#[tokio::test]
async fn a_flood_of_unknown_keys_does_not_reach_the_issuer() {
    let desk = Desk::open().await;
    let key = Key::p256();
    let issuer = Issuer::open(&desk, &[key.shown("a")]).await;
    let channel = channel(&guard(&desk, &issuer.document(), None).await).await;
    let good = Token::good(&issuer, "a", &key).signed(&key);
    session(&channel, &good).await.expect("a session");
    let before = issuer.fetches();
    for round in 0..10 {
        let flood = (0..100).map(|n| {
            let kid = format!("{round}-{n}");
            let token = Token::good(&issuer, &kid, &key).signed(&key);
            let channel = channel.clone();
            async move { reason(&session(&channel, &token).await) }
        });
        assert!(join_all(flood).await.iter().all(|it| it == "Unauthenticated TOKEN_INVALID"));
        session(&channel, &good).await.expect("others are not in its way");
    }
    assert!(issuer.fetches() <= before + 2, "{} after {before}", issuer.fetches());
    desk.finish().await;
}

#[tokio::test]
async fn without_the_issuer_known_keys_go_on_and_a_server_that_knows_none_says_so() {
    let desk = Desk::open().await;
    let key = Key::p256();
    let issuer = Issuer::open(&desk, &[key.shown("a")]).await;
    let old = channel(&guard(&desk, &issuer.document(), None).await).await;
    let good = Token::good(&issuer, "a", &key).signed(&key);
    session(&old, &good).await.expect("a session");
    issuer.fail();
    let unknown = Token::good(&issuer, "b", &key).signed(&key);
    assert_eq!(reason(&session(&old, &unknown).await), "Unauthenticated TOKEN_INVALID");
    session(&old, &good).await.expect("a session as before");
    let new = channel(&guard(&desk, &issuer.document(), None).await).await;
    assert_eq!(reason(&session(&new, &good).await), "Unavailable ISSUER_DOWN");
    issuer.show(&[key.shown("a"), json!({"kty": "of the future"})]);
    session(&new, &good).await.expect("a session as soon as the issuer is back");
    desk.finish().await;
}
