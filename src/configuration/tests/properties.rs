//! What holds for every document: the rules never panic, and it is the same document in every form.

use std::sync::LazyLock;

use proptest::{prelude::*, sample::Index};
use serde_json::Value;

use super::{faults, sample};
use crate::{
    configuration::{
        Document, Lifecycle,
        plan::{differences, touched, warnings},
        wire,
    },
    error::Violations,
};

/// What is done to one value of a document.
#[derive(Clone, Debug)]
enum Twist {
    Text(String),
    Double,
    Drop,
    Number(i32),
}

fn twist() -> impl Strategy<Value = Twist> {
    let text = prop_oneof![
        prop::sample::select(vec![
            "", " ", "L1", "desk-de", "a/b", "P1", "hardware", "PUSH", "90s", "7d", "de"
        ]),
        Just("ticket.title == \"x\""),
        Just("(((((((((((((((((((((((((((((((((((((((((((("),
    ];
    prop_oneof![
        4 => text.prop_map(|text| Twist::Text(text.to_owned())),
        2 => ".{0,80}".prop_map(Twist::Text),
        1 => Just(Twist::Double),
        1 => Just(Twist::Drop),
        1 => any::<i32>().prop_map(Twist::Number),
    ]
}

static SAMPLE: LazyLock<Value> =
    LazyLock::new(|| serde_json::to_value(sample()).expect("a document is plain data"));

/// The sample with some of its values twisted; what serde refuses to read is no document.
fn documents() -> impl Strategy<Value = Document> {
    prop::collection::vec((any::<Index>(), twist()), 0..12).prop_filter_map("no document", |twists| {
        let mut value = SAMPLE.clone();
        for (index, twist) in twists {
            apply(&mut value, index.get::<String>(&PATHS), twist);
        }
        serde_json::from_value(value).ok()
    })
}

/// The places of the sample's values and items.
static PATHS: LazyLock<Vec<String>> = LazyLock::new(|| {
    let mut paths = Vec::new();
    walk(&SAMPLE, String::new(), &mut paths);
    paths
});

fn walk(value: &Value, path: String, paths: &mut Vec<String>) {
    match value {
        Value::Object(fields) => {
            fields.iter().for_each(|(name, it)| walk(it, format!("{path}/{name}"), paths));
        }
        Value::Array(items) => items.iter().enumerate().for_each(|(place, it)| {
            paths.push(format!("{path}/{place}"));
            walk(it, format!("{path}/{place}"), paths);
        }),
        _ => paths.push(path),
    }
}

fn apply(document: &mut Value, path: &str, twist: Twist) {
    let (list, place) = path.rsplit_once('/').expect("paths begin with /");
    let items = place.parse::<usize>().ok().zip(document.pointer_mut(list).and_then(Value::as_array_mut));
    match (twist, items) {
        (Twist::Double, Some((place, items))) if place < items.len() => {
            items.insert(place, items[place].clone());
        }
        (Twist::Drop, Some((place, items))) if place < items.len() => _ = items.remove(place),
        (Twist::Text(text), _) => put(document, path, Value::String(text)),
        (Twist::Number(number), _) => put(document, path, Value::from(number)),
        (Twist::Double | Twist::Drop, _) => {}
    }
}

/// Only where a value of this kind stood, so that the document can still be read more often than not.
fn put(document: &mut Value, path: &str, new: Value) {
    if let Some(old) = document.pointer_mut(path).filter(|old| old.is_string() == new.is_string()) {
        *old = new;
    }
}

proptest! {
    #[test]
    fn the_rules_never_panic(before in documents(), after in documents()) {
        let _ = faults(&after);
        let _ = (differences(&before, &after), touched(&before, &after), warnings(&before, &after, &[], &[]));
    }

}

proptest! {
    // Reading YAML takes its time in a debug build.
    #![proptest_config(ProptestConfig::with_cases(64))]

    #[test]
    fn a_document_is_the_same_in_every_form(document in documents()) {
        prop_assume!(!document.default_language_code.is_empty());
        let mut none = Violations::default();
        prop_assert_eq!(&wire::document(&wire::message(&document), &mut none), &document);
        prop_assert!(none.is_empty());
        prop_assume!(faults(&document).is_empty());
        let yaml = serde_saphyr::to_string(&document).expect("a document can be written");
        prop_assert_eq!(&super::read(&yaml), &document);
        let json = serde_json::to_string(&document).expect("a document can be written");
        prop_assert_eq!(&serde_json::from_str::<Document>(&json).expect("and read"), &document);
    }

    #[test]
    fn a_plan_is_empty_exactly_for_equal_documents(after in documents()) {
        prop_assume!(faults(&after).is_empty());
        prop_assert_eq!(differences(&sample(), &after).is_empty(), after == sample());
    }
}

#[test]
fn spans_are_whole_seconds_in_every_form() {
    let yaml = "lifecycle: {auto_close_duration: 1h 30m, reopen_window_duration: P2D}";
    let document = super::read(yaml);
    let Lifecycle { auto_close_duration, reopen_window_duration, .. } = document.lifecycle.clone();
    assert_eq!((auto_close_duration.as_secs(), reopen_window_duration.as_secs()), (5400, 2 * 86_400));
    assert_eq!(super::read(&serde_saphyr::to_string(&document).expect("YAML")), document);
}
