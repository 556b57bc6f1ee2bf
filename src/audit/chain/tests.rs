//! Whatever is done to a chain afterwards is found, and the first place where it was done is named.

use proptest::prelude::*;
use uuid::Uuid;

use super::*;
use crate::{
    ctx::ActorKind,
    ids::{Id, TenantId},
    time::Time,
};

fn time(seconds: i64) -> Time {
    Time::new(jiff::Timestamp::from_second(seconds).expect("a time"))
}

fn entry(number: u128) -> Entry {
    Entry {
        tenant_id: TenantId::parse("acme").expect("a tenant"),
        id: Id(Uuid::from_u128(number)),
        position: None,
        time: time(number as i64),
        actor_kind: ActorKind::Agent,
        actor_id: "anna".into(),
        action: "ticketing.v1.AgentService/UpsertAgent".into(),
        target: format!("tenants/acme/agents/{number}"),
        request_id: String::new(),
        before: None,
        after: Some(vec![number as u8; LINK]),
        link: None,
    }
}

/// Gives the entries their places, in their order.
fn chained(mut entries: Vec<Entry>) -> (Vec<Entry>, Head) {
    let mut head = Head::default();
    for entry in &mut entries {
        entry.position = Some(head.position + 1);
        head = head.extended(entry);
        entry.link = Some(head.link.clone());
    }
    (entries, head)
}

fn chain(count: u128) -> (Vec<Entry>, Head) {
    chained((1..=count).map(entry).collect())
}

fn verified(entries: &[Entry], end: &Head, noted: Option<&Head>) -> Result<Head, Fault> {
    let mut verifier = Verifier::new(end.clone(), noted.cloned());
    entries.iter().try_for_each(|entry| verifier.step(entry))?;
    verifier.finish()
}

#[test]
fn the_canonical_text_is_as_the_document_has_it() {
    let mut entry = entry(7);
    entry.position = Some(3);
    entry.request_id = "a\"b".into();
    assert_eq!(
        canonical(&entry),
        concat!(
            r#"[1,"acme",3,"0000000000000000000000000w","1970-01-01T00:00:07Z","AGENT","anna","#,
            r#""ticketing.v1.AgentService/UpsertAgent","tenants/acme/agents/7","a\"b",null,"#,
            r#""0707070707070707070707070707070707070707070707070707070707070707"]"#
        )
    );
}

/// A way to alter an entry, one for each column but the place.
const ALTERATIONS: &[(&str, fn(&mut Entry))] = &[
    ("tenant_id", |it| it.tenant_id = TenantId::parse("evil").expect("a tenant")),
    ("id", |it| it.id = Id(Uuid::from_u128(u128::MAX))),
    ("time", |it| it.time = time(0)),
    ("actor_kind", |it| it.actor_kind = ActorKind::Service),
    ("actor_id", |it| it.actor_id.push('x')),
    ("action", |it| it.action.clear()),
    ("target", |it| it.target.push('x')),
    ("request_id", |it| it.request_id.push('x')),
    ("before", |it| it.before = Some(Vec::new())),
    ("after", |it| it.after = None),
    ("link", |it| it.link = Some(vec![7; LINK])),
];

#[test]
fn an_altered_column_is_found_whichever_it_is() {
    let (entries, head) = chain(3);
    assert_eq!(verified(&entries, &head, None), Ok(head.clone()));
    for (column, alter) in ALTERATIONS {
        let mut altered = entries.clone();
        alter(&mut altered[1]);
        assert_eq!(verified(&altered, &head, None), Err(Fault::Altered(2)), "{column}");
    }
}

#[test]
fn what_moves_between_two_neighbours_is_an_alteration() {
    let moved = |target: &str, request_id: &str| {
        canonical(&Entry { target: target.into(), request_id: request_id.into(), ..entry(1) })
    };
    assert_ne!(moved("ab", "c"), moved("a", "bc"));
    assert_ne!(moved("a\",\"b", ""), moved("a", "b"));
    assert_ne!(canonical(&Entry { before: Some(Vec::new()), ..entry(1) }), canonical(&entry(1)));
}

#[test]
fn the_ends_are_watched_too() {
    let (entries, head) = chain(3);
    assert_eq!(verified(&[], &Head::default(), None), Ok(Head::default()));
    assert_eq!(verified(&entries[1..], &head, None), Err(Fault::Missing(1)));
    assert_eq!(verified(&entries[..2], &head, None), Err(Fault::Missing(3)));
    assert_eq!(verified(&[], &head, None), Err(Fault::Missing(1)));
    // Rightly linked, but the chain does not say that it goes so far.
    let (longer, _) = chain(4);
    assert_eq!(verified(&longer, &head, None), Err(Fault::Inserted(4)));
    let altered = Head { link: vec![7; LINK], ..head.clone() };
    assert_eq!(verified(&entries, &altered, None), Err(Fault::Head(3)));
    // The last entry is gone, and whoever did it thought of the head: nobody knows but who noted it.
    let shorter = chain(2);
    assert!(verified(&shorter.0, &shorter.1, None).is_ok());
    assert_eq!(verified(&shorter.0, &shorter.1, Some(&head)), Err(Fault::Missing(3)));
}

#[test]
fn a_chain_that_was_made_again_is_not_the_one_that_was_noted() {
    let (_, noted) = chain(3);
    let mut forged: Vec<Entry> = (1..=5).map(entry).collect();
    forged[0].actor_id = "somebody else".into();
    let (forged, head) = chained(forged);
    assert!(verified(&forged, &head, None).is_ok());
    assert_eq!(verified(&forged, &head, Some(&noted)), Err(Fault::Remade(3)));
    let (grown, head) = chain(5);
    assert_eq!(verified(&grown, &head, Some(&noted)), Ok(head.clone()));
}

fn any_entry() -> impl Strategy<Value = Entry> {
    let texts = (".*", ".*", ".*", ".*");
    let digest = || proptest::option::of(proptest::collection::vec(any::<u8>(), 0..40));
    (any::<u128>(), -9_000_000_000..9_000_000_000_i64, texts, digest(), digest(), any::<bool>()).prop_map(
        |(id, seconds, (actor_id, action, target, request_id), before, after, agent)| Entry {
            id: Id(Uuid::from_u128(id)),
            position: Some(1),
            time: time(seconds),
            actor_kind: if agent { ActorKind::Agent } else { ActorKind::Customer },
            actor_id,
            action,
            target,
            request_id,
            before,
            after,
            ..entry(1)
        },
    )
}

/// What somebody does to a chain of entries that have their places.
#[derive(Clone, Debug)]
enum Tampering {
    Alter(usize),
    /// The places behind stay.
    Remove,
    /// The entries behind move up.
    Close,
    Swap,
    /// A copy, and the entries behind move on.
    Insert,
}

proptest! {
    #[test]
    fn the_canonical_text_reads_back(entry in any_entry()) {
        let text = canonical(&entry);
        let read: serde_json::Value = serde_json::from_str(&text).expect("JSON");
        let hex = |digest: &Option<Vec<u8>>| serde_json::json!(digest.as_ref().map(|it| HEXLOWER.encode(it)));
        prop_assert_eq!(&read[3], &entry.id.to_string());
        prop_assert_eq!(&read[4], &entry.time.to_string());
        prop_assert_eq!(&read[6], &entry.actor_id);
        prop_assert_eq!(&read[7], &entry.action);
        prop_assert_eq!(&read[8], &entry.target);
        prop_assert_eq!(&read[9], &entry.request_id);
        prop_assert_eq!(&read[10], &hex(&entry.before));
        prop_assert_eq!(&read[11], &hex(&entry.after));
        prop_assert_eq!(read.as_array().map(Vec::len), Some(12));
    }

    #[test]
    fn the_first_place_where_somebody_tampered_is_named(
        count in 2..20_usize,
        place: prop::sample::Index,
        other: prop::sample::Index,
        what in prop_oneof![
            (0..ALTERATIONS.len()).prop_map(Tampering::Alter),
            Just(Tampering::Remove),
            Just(Tampering::Close),
            Just(Tampering::Swap),
            Just(Tampering::Insert),
        ],
    ) {
        let (sound, head) = chain(count as u128);
        let place = place.index(count);
        let other = other.index(count);
        let mut entries = sound.clone();
        let first = place as i64 + 1;
        let renumber = |entries: &mut [Entry]| {
            for (place, entry) in entries.iter_mut().enumerate() {
                entry.position = Some(place as i64 + 1);
            }
        };
        let expected = match what {
            Tampering::Alter(column) => {
                ALTERATIONS[column].1(&mut entries[place]);
                Fault::Altered(first)
            }
            Tampering::Remove => {
                entries.remove(place);
                Fault::Missing(first)
            }
            Tampering::Close => {
                entries.remove(place);
                renumber(&mut entries);
                if place + 1 == count { Fault::Missing(first) } else { Fault::Altered(first) }
            }
            Tampering::Swap => {
                prop_assume!(place != other);
                entries.swap(place, other);
                renumber(&mut entries);
                Fault::Altered(place.min(other) as i64 + 1)
            }
            Tampering::Insert => {
                entries.insert(place, Entry { actor_id: "mallory".into(), ..sound[place].clone() });
                renumber(&mut entries);
                Fault::Altered(first)
            }
        };
        prop_assert_eq!(verified(&entries, &head, None), Err(expected));
        prop_assert_eq!(verified(&sound, &head, Some(&head)), Ok(head.clone()));
    }
}
