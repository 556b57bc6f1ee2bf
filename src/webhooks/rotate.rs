//! Rotating the keys of a subscription: new ones sign at once, old ones beside them for a while, so that the receiver can
//! change over when it likes.

use std::time::Duration;

use super::{
    create::{Shown, make_keys},
    model::{Key, Scheme, Subscription},
    store,
    write::{Target, Waiting, Written, missing, write},
};
use crate::{app::App, ctx::Ctx, error::Result, tickets::Json, time::Time};

pub async fn rotate(app: &App, ctx: &Ctx, target: Target, overlap: Duration) -> Result<(Written, Shown)> {
    let found = store::find(&mut *app.db.read(&ctx.tenant).await?, &ctx.tenant, target.id).await?;
    let mut schemes: Vec<Scheme> =
        found.ok_or_else(|| missing(ctx, target.id))?.keys.iter().map(|key| key.scheme).collect();
    schemes.sort_unstable();
    schemes.dedup();
    let (keys, shown) = make_keys(app, ctx, target.id, &schemes)?;
    let decide = |before: &Subscription| Subscription {
        keys: Json(rotated(&before.keys, &keys, ctx.now.after(overlap), ctx.now)),
        ..before.clone()
    };
    let written = write(app, ctx, target, decide, Waiting::Stay).await?;
    let shown = if written.replayed { Vec::new() } else { shown };
    Ok((written, shown))
}

/// The keys behind a rotation: the new ones, and the old ones until `expire_time`.
pub fn rotated(old: &[Key], new: &[Key], expire_time: Time, now: Time) -> Vec<Key> {
    let stays = |key: &&Key| expire_time > now && key.expire_time.is_none_or(|expire| now < expire);
    let old = old.iter().filter(stays).map(|key| {
        let expire = key.expire_time.map_or(expire_time, |expire| expire.min(expire_time));
        Key { expire_time: Some(expire), ..key.clone() }
    });
    new.iter().cloned().chain(old).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn old_keys_sign_until_they_expire_and_never_longer_than_was_said() {
        let time = |text: &str| text.parse::<Time>().expect("a time");
        let key = |sealed: &str, expire: Option<&str>| Key {
            scheme: Scheme::V1,
            sealed: sealed.into(),
            public: String::new(),
            expire_time: expire.map(time),
        };
        let now = time("2026-03-02T08:00:00Z");
        let old = [
            key("now", None),
            key("before", Some("2026-03-02T09:00:00Z")),
            key("gone", Some("2026-03-02T08:00:00Z")),
        ];
        let kept = |until: &str| {
            let keys = rotated(&old, &[key("new", None)], time(until), now);
            keys.into_iter()
                .map(|it| (it.sealed, it.expire_time.map(|it| it.to_string())))
                .collect::<Vec<_>>()
        };
        let at = |name: &str, time: Option<&str>| (name.to_owned(), time.map(str::to_owned));
        assert_eq!(
            kept("2026-03-03T08:00:00Z"),
            [
                at("new", None),
                at("now", Some("2026-03-03T08:00:00Z")),
                at("before", Some("2026-03-02T09:00:00Z"))
            ]
        );
        assert_eq!(kept("2026-03-02T08:00:00Z"), [at("new", None)]);
    }
}
