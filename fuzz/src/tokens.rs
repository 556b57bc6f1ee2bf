//! Page tokens and cursors: what we sealed opens for its purpose alone, and nothing else opens.

use std::sync::LazyLock;

use serde_json::Value;
use ticketing::{
    events::{behind, cursor as seal_cursor},
    ids::{Id, TenantId},
    seal::{Page, Sealer},
    time::Time,
};
use uuid::Uuid;

use super::house::HOUSE;

static SEALER: LazyLock<Sealer> = LazyLock::new(Sealer::alone);

/// The parts of which the sort keys of lists are made.
type Key = (Time, i64, Id, String);

pub fn page_token(bytes: &[u8]) {
    let open =
        |purpose: &str, token: &str| Page::<Key>::parse(&SEALER, purpose, 0, token).map(|page| page.after);
    if let Ok(text) = str::from_utf8(bytes) {
        assert_eq!(open("acme ListTickets", text).is_ok(), text.is_empty());
    }
    let key = key(bytes);
    let token = SEALER.seal("acme ListTickets", &key).expect("a token");
    assert_eq!(open("acme ListTickets", &token).expect("what we sealed opens"), Some(key));
    assert!(open("acme ListContacts", &token).is_err());
    assert!(open("acme ListTickets", &with_a_change(&token, bytes)).is_err());
    // What an older version sealed may say something else.
    if let Ok(other) = serde_json::from_slice::<Value>(bytes) {
        let token = SEALER.seal("acme ListTickets", &other).expect("a token");
        let ours = serde_json::from_value::<Key>(other).is_ok();
        assert_eq!(open("acme ListTickets", &token).is_ok(), ours);
    }
}

pub fn cursor(bytes: &[u8]) {
    let house = &*HOUSE;
    let globex = TenantId::parse("globex").expect("a tenant");
    if let Ok(text) = str::from_utf8(bytes) {
        assert!(behind(&house.app, &house.tenant, text).is_err());
    }
    let position = number(bytes);
    let cursor = seal_cursor(&house.app, &house.tenant, position).expect("a cursor");
    assert_eq!(behind(&house.app, &house.tenant, &cursor).ok(), Some(position));
    assert!(behind(&house.app, &globex, &cursor).is_err());
    assert!(behind(&house.app, &house.tenant, &with_a_change(&cursor, bytes)).is_err());
    let token = house.app.sealer.seal("acme ListTickets", &key(bytes)).expect("a token");
    assert!(behind(&house.app, &house.tenant, &token).is_err());
}

/// The first eight bytes as a number.
fn number(bytes: &[u8]) -> i64 {
    bytes.iter().take(8).fold(0, |sum, byte| sum << 8 | i64::from(*byte))
}

fn key(bytes: &[u8]) -> Key {
    let number = number(bytes);
    let time = jiff::Timestamp::from_microsecond(number).unwrap_or(jiff::Timestamp::MAX);
    let id = Id(Uuid::from_u128(u128::from(number.cast_unsigned()) << 64 | bytes.len() as u128));
    (Time::new(time), number, id, String::from_utf8_lossy(bytes).into_owned())
}

/// The token with another character at a place that the input chooses.
fn with_a_change(token: &str, bytes: &[u8]) -> String {
    let at =
        bytes.iter().fold(bytes.len(), |sum, byte| sum * 31 % token.len() + usize::from(*byte)) % token.len();
    let other = if token.as_bytes()[at] == b'A' { "B" } else { "A" };
    [&token[..at], other, &token[at + 1..]].concat()
}
