//! What was published stays readable: every event ever recorded in `tests/corpus` reads today as it did then, and whatever
//! the service tells today is recorded there.

use std::{
    collections::{BTreeMap, BTreeSet},
    fmt::Write as _,
    fs,
    path::{Path, PathBuf},
};

use data_encoding::HEXLOWER;
use prost::Message as _;
use prost_reflect::{DescriptorPool, DynamicMessage, Kind, MessageDescriptor, Value as Reflected};
use prost_types::FileDescriptorSet;
use serde_json::Value;
use sha2::{Digest as _, Sha256};
use ticketing_proto::v1 as pb;

use super::examples::examples;

const FOLDER: &str = "tests/corpus/events/v1";
/// A line for each file: its SHA-256 and its name, as `sha256sum` writes them.
const MANIFEST: &str = "manifest.sha256";

fn root() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR"))
}

fn hash(bytes: &[u8]) -> String {
    HEXLOWER.encode(&Sha256::digest(bytes))
}

/// Names and hashes of what was published.
fn manifest() -> BTreeMap<String, String> {
    let text = fs::read_to_string(root().join(FOLDER).join(MANIFEST)).unwrap_or_default();
    let line = |line: &str| line.split_once("  ").map(|(hash, name)| (name.to_owned(), hash.to_owned()));
    text.lines().filter_map(line).collect()
}

fn published(name: &str) -> Vec<u8> {
    fs::read(root().join(FOLDER).join(name)).unwrap_or_else(|error| panic!("{name}: {error}"))
}

/// Names of the events that were published.
fn events() -> Vec<String> {
    manifest().into_keys().filter(|name| has_extension(name, "binpb")).collect()
}

fn has_extension(name: &str, wanted: &str) -> bool {
    Path::new(name).extension().is_some_and(|extension| extension == wanted)
}

fn message(pool: &DescriptorPool) -> MessageDescriptor {
    pool.get_message_by_name("ticketing.v1.Event").expect("in the contract")
}

fn contract() -> MessageDescriptor {
    message(&DescriptorPool::decode(ticketing_proto::DESCRIPTOR).expect("the contract reads"))
}

fn json(event: &DynamicMessage) -> Value {
    serde_json::to_value(event).expect("events have a reading")
}

/// Reads an event by a contract; says what is not as it was.
fn read(contract: &MessageDescriptor, bytes: &[u8], expected: &Value) -> Result<DynamicMessage, String> {
    let event = DynamicMessage::decode(contract.clone(), bytes).map_err(|error| error.to_string())?;
    let mut unknown = Vec::new();
    walk(&event, "Event", &mut |path, message| {
        unknown.extend(message.unknown_fields().map(|field| format!("{path}, number {}", field.number())));
    });
    if !unknown.is_empty() {
        return Err(format!("fields that nobody knows any more: {unknown:?}"));
    }
    let today = json(&event);
    if today != *expected {
        return Err(format!("reads {today:#} and not {expected:#}"));
    }
    Ok(event)
}

/// Visits a message and all that it holds.
fn walk(message: &DynamicMessage, path: &str, visit: &mut impl FnMut(&str, &DynamicMessage)) {
    visit(path, message);
    for (field, value) in message.fields() {
        let path = format!("{path}.{}", field.name());
        match value {
            Reflected::Message(inner) => walk(inner, &path, visit),
            Reflected::List(many) => {
                many.iter().filter_map(Reflected::as_message).for_each(|inner| walk(inner, &path, visit));
            }
            _ => {}
        }
    }
}

/// Every field below a message of ours, with its path.
fn fields(message: &MessageDescriptor, path: &str, found: &mut BTreeSet<String>) {
    for field in message.fields() {
        let path = format!("{path}.{}", field.name());
        if let Kind::Message(inner) = field.kind()
            && inner.package_name() == "ticketing.v1"
        {
            fields(&inner, &path, found);
        }
        found.insert(path);
    }
}

#[test]
fn what_is_told_today_is_recorded() {
    let (mut manifest, contract) = (manifest(), contract());
    let draft = root().join("target/corpus/events/v1");
    let mut missing = Vec::new();
    for (kind, example) in examples() {
        let bytes = example.encode_to_vec();
        let of_type =
            |name: &&String| has_extension(name, "binpb") && name.rsplitn(3, '.').nth(2) == Some(kind.name());
        let known: Vec<&String> = manifest.keys().filter(of_type).collect();
        if known.iter().any(|name| published(name) == bytes) {
            continue;
        }
        let name = format!("{}.{}", kind.name(), known.len() + 1);
        let event = DynamicMessage::decode(contract.clone(), bytes.as_slice()).expect("an event");
        let reading = format!("{:#}\n", json(&event)).into_bytes();
        fs::create_dir_all(&draft).expect("a folder");
        for (name, bytes) in [(format!("{name}.binpb"), bytes), (format!("{name}.json"), reading)] {
            fs::write(draft.join(&name), &bytes).expect("written");
            manifest.insert(name, hash(&bytes));
        }
        missing.push(name);
    }
    if missing.is_empty() {
        return;
    }
    let mut text = String::new();
    for (name, hash) in manifest {
        writeln!(text, "{hash}  {name}").expect("a text takes everything");
    }
    fs::write(draft.join(MANIFEST), text).expect("written");
    panic!(
        "what the service tells is not recorded: {missing:?}. If docs/events.md allows the change, publish it:\n\
         cp target/corpus/events/v1/* {FOLDER}/"
    );
}

#[test]
fn every_field_was_published_with_a_value() {
    let contract = contract();
    let mut all = BTreeSet::new();
    fields(&contract, "Event", &mut all);
    for name in events() {
        let event = DynamicMessage::decode(contract.clone(), published(&name).as_slice()).expect("an event");
        walk(&event, "Event", &mut |path, message| {
            for (field, _) in message.fields() {
                all.remove(&format!("{path}.{}", field.name()));
            }
        });
    }
    assert!(all.is_empty(), "in no example (src/events/wire/examples.rs): {all:#?}");
}

#[test]
fn what_was_published_reads_as_it_did() {
    let contract = contract();
    for name in events() {
        let bytes = published(&name);
        let expected = published(&name.replace(".binpb", ".json"));
        let expected: Value = serde_json::from_slice(&expected).expect("JSON");
        let event = read(&contract, &bytes, &expected).unwrap_or_else(|fault| panic!("{name}: {fault}"));
        // The generated code, too, loses nothing of it.
        let again = pb::Event::decode(bytes.as_slice()).expect("an event").encode_to_vec();
        let again = DynamicMessage::decode(contract.clone(), again.as_slice()).expect("an event");
        assert_eq!(again, event, "{name}");
    }
}

#[test]
fn what_was_published_does_not_change() {
    let manifest = manifest();
    assert!(!manifest.is_empty(), "nothing is published");
    for (name, expected) in &manifest {
        assert_eq!(hash(&published(name)), *expected, "{name} was changed after it was published");
    }
    let there =
        fs::read_dir(root().join(FOLDER)).expect("a folder").map(|entry| entry.expect("an entry").path());
    let name = |path: PathBuf| path.file_name().and_then(|name| name.to_str()).unwrap_or_default().to_owned();
    let there: BTreeSet<String> = there.map(name).filter(|name| name != MANIFEST).collect();
    assert_eq!(there, manifest.into_keys().collect(), "the manifest lists what is there");
}

#[test]
fn a_contract_that_breaks_its_word_is_caught() {
    type Doctor = fn(&mut Vec<prost_types::FieldDescriptorProto>);
    fn named<'a>(
        fields: &'a mut [prost_types::FieldDescriptorProto],
        name: &str,
    ) -> &'a mut prost_types::FieldDescriptorProto {
        fields.iter_mut().find(|field| field.name() == name).expect("a field of Event")
    }
    let doctored: [(&str, Doctor); 5] = [
        ("nothing", |_| {}),
        ("renumbered", |fields| named(fields, "reason").number = Some(99)),
        ("renamed", |fields| {
            let field = named(fields, "reason");
            (field.name, field.json_name) = (Some("why".into()), Some("why".into()));
        }),
        ("gone", |fields| fields.retain(|field| field.name() != "imported")),
        ("of another type", |fields| {
            named(fields, "ticket_version").set_type(prost_types::field_descriptor_proto::Type::Sint64);
        }),
    ];
    for (what, doctor) in doctored {
        let mut files = FileDescriptorSet::decode(ticketing_proto::DESCRIPTOR).expect("the contract reads");
        let messages = files.file.iter_mut().flat_map(|file| &mut file.message_type);
        let event = messages.into_iter().find(|message| message.name() == "Event").expect("in the contract");
        doctor(&mut event.field);
        let contract = message(&DescriptorPool::from_file_descriptor_set(files).expect("still a contract"));
        let reads = |name: &String| {
            let expected = published(&name.replace(".binpb", ".json"));
            let expected = serde_json::from_slice(&expected).expect("JSON");
            read(&contract, &published(name), &expected).is_ok()
        };
        assert_eq!(events().iter().all(reads), what == "nothing", "a field that is {what}");
    }
}
