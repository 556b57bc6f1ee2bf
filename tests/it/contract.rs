//! The contract holds what it promises: every method says what it is, everything has a comment, the shapes of requests
//! follow from what the methods declare.

use std::{collections::BTreeSet, fs, path::Path};

use prost_reflect::{DescriptorPool, FileDescriptor, MessageDescriptor, MethodDescriptor};
use ticketing::{
    access::{administers, granted},
    ctx::Role,
    error::Reason,
    serve::{Access, Audience, Idempotency, MethodPolicy, Policies},
};

/// Lists that are bounded by nature and have no pages.
const WITHOUT_PAGES: &[&str] = &[
    "ListTicketActions", // as long as the table of verbs
    "ListEvents",        // goes on by cursor, not by page
];

/// Writes on something that exists, by request_id, that take no etag.
const WITHOUT_ETAG: &[&str] = &[
    "RedactComment",  // a comment changes once in its life, and this is the change
    "RedeliverEvent", // to send again is right in every state
];

/// Reasons that no line of `src` names by itself.
const WITHOUT_USE: &[Reason] = &[Reason::Unspecified];

#[test]
fn everything_has_a_comment() {
    let mut bare = Vec::new();
    for file in files() {
        let mut check = |name: &str, path: &[i32]| {
            if comment(&file, path).is_empty() {
                bare.push(name.to_owned());
            }
        };
        for service in file.services() {
            check(service.full_name(), service.path());
            service.methods().for_each(|method| check(method.full_name(), method.path()));
        }
        for message in file.messages() {
            check(message.full_name(), message.path());
            message.fields().for_each(|field| check(field.full_name(), field.path()));
        }
        for it in file.enums() {
            check(it.full_name(), it.path());
            it.values().for_each(|value| check(value.full_name(), value.path()));
        }
    }
    assert!(bare.is_empty(), "without a comment: {bare:#?}");
}

#[test]
fn shapes_follow_from_what_methods_declare() {
    let mut faults = Vec::new();
    for (method, policy) in methods() {
        let (request, response) = (method.input(), method.output());
        let mut need = |message: &MessageDescriptor, field: &str, needed: bool| {
            if has(message, field) != needed {
                let verb = if needed { "lacks" } else { "should not have" };
                faults.push(format!("{}: {} {verb} {field}", method.name(), message.name()));
            }
        };
        let by_request_id = policy.idempotency == Idempotency::RequestId;
        need(&request, "request_id", by_request_id);
        need(&response, "replayed", by_request_id);
        if by_request_id && has(&request, "name") {
            need(&request, "etag", !WITHOUT_ETAG.contains(&method.name()));
        }
        if method.name().starts_with("List") && !WITHOUT_PAGES.contains(&method.name()) {
            need(&request, "page_size", true);
            need(&request, "page_token", true);
            need(&response, "next_page_token", true);
        }
        if policy.idempotency == Idempotency::NoSideEffects {
            need(&request, "validate_only", false);
        }
    }
    assert!(faults.is_empty(), "{faults:#?}");
}

/// Nothing but the permission is enforced, so the audiences that a method names must be what its permission implies.
#[test]
fn a_method_is_for_those_who_hold_its_permission_and_for_no_others() {
    let audience = |role: &Role| match role {
        Role::Customer => Audience::Customer,
        Role::Agent | Role::Specialist => Audience::Agent,
        Role::Manager | Role::SlaManager => Audience::Manager,
        Role::Admin => Audience::Admin,
        Role::Service => Audience::Service,
        Role::Operator => Audience::Operator,
    };
    let mut faults = Vec::new();
    for (method, policy) in methods() {
        let Access::Granted { permission, audiences } = policy.access else { continue };
        let mut holders: Vec<Audience> =
            Role::ALL.iter().filter(|role| granted(**role).contains(&permission)).map(audience).collect();
        holders.dedup();
        if audiences != holders {
            faults.push(format!("{}: names {audiences:?}, {permission:?} says {holders:?}", method.name()));
        }
    }
    assert!(faults.is_empty(), "{faults:#?}");
}

/// What an agent may not do and somebody above may, is administration.
#[test]
fn what_those_above_may_write_and_agents_may_not_is_audited() {
    let mut faults = Vec::new();
    for (method, policy) in methods() {
        let Access::Granted { permission, .. } = policy.access else { continue };
        let writes = policy.idempotency != Idempotency::NoSideEffects;
        let above = !granted(Role::Agent).contains(&permission);
        if writes && above && !policy.action().administers {
            faults.push(format!("{}: {permission:?} leaves no entry in the audit log", method.name()));
        }
        if !writes && administers(permission) {
            faults.push(format!("{}: reads, and {permission:?} is for acts", method.name()));
        }
    }
    assert!(faults.is_empty(), "{faults:#?}");
}

#[test]
fn comments_name_errors_that_exist() {
    let mut faults = Vec::new();
    for (method, _) in methods() {
        let text = comment(&method.parent_service().parent_file(), method.path());
        let errors = text.split_once("Errors: ").map_or("", |(_, errors)| errors);
        let names = errors
            .split(|it: char| !it.is_ascii_uppercase() && it != '_')
            .filter(|name| name.contains('_') && name.len() > 1);
        for name in names {
            if Reason::from_str_name(&format!("ERROR_REASON_{name}")).is_none() {
                faults.push(format!("{}: {name} is no reason", method.name()));
            }
        }
    }
    assert!(faults.is_empty(), "{faults:#?}");
}

#[test]
fn every_reason_is_somebodys_and_says_its_code() {
    let code = sources(Path::new(env!("CARGO_MANIFEST_DIR")).join("src").as_path());
    let codes = [
        "INVALID_ARGUMENT",
        "UNAUTHENTICATED",
        "PERMISSION_DENIED",
        "NOT_FOUND",
        "ALREADY_EXISTS",
        "FAILED_PRECONDITION",
        "ABORTED",
        "OUT_OF_RANGE",
        "RESOURCE_EXHAUSTED",
        "UNAVAILABLE",
        "DEADLINE_EXCEEDED",
        "UNIMPLEMENTED",
        "INTERNAL",
    ];
    let reasons = pool().get_enum_by_name("ticketing.v1.ErrorReason").expect("in the contract");
    let mut faults = Vec::new();
    for value in reasons.values() {
        let reason = Reason::try_from(value.number()).expect("generated from the same contract");
        let used = code.contains(&format!("Reason::{reason:?}"));
        if used == WITHOUT_USE.contains(&reason) {
            faults.push(format!("{reason:?} is used: {used}"));
        }
        let text = comment(&reasons.parent_file(), value.path());
        let says = codes.iter().any(|code| text.starts_with(&format!("{code}. ")));
        if !says && reason != Reason::Unspecified {
            faults.push(format!("{reason:?}: the comment begins with no gRPC code"));
        }
    }
    assert!(faults.is_empty(), "{faults:#?}");
}

pub fn pool() -> DescriptorPool {
    DescriptorPool::decode(ticketing_proto::DESCRIPTOR).expect("the contract reads")
}

/// The files of the contract, without what they import.
fn files() -> Vec<FileDescriptor> {
    pool().files().filter(|file| file.package_name() == "ticketing.v1").collect()
}

/// All methods in the order of the contract, with what they declare.
pub fn methods() -> Vec<(MethodDescriptor, MethodPolicy)> {
    let policies = Policies::declared(ticketing_proto::DESCRIPTOR).expect("every method declares a policy");
    let pool = pool();
    let methods = pool.services().flat_map(|service| service.methods().collect::<Vec<_>>()).map(|method| {
        let path = format!("/{}/{}", method.parent_service().full_name(), method.name());
        let policy = policies.get(&path).expect("read from the same descriptor");
        (method, MethodPolicy::clone(policy))
    });
    let mut methods: Vec<_> = methods.collect();
    // Tickets first: they are what it is about.
    methods.sort_by_key(|(method, _)| method.parent_service().name() != "TicketService");
    let names: BTreeSet<&str> = methods.iter().map(|(method, _)| method.name()).collect();
    assert_eq!(names.len(), methods.len(), "two methods of one name");
    methods
}

fn has(message: &MessageDescriptor, field: &str) -> bool {
    message.get_field_by_name(field).is_some()
}

/// The comment above whatever stands at this path of the file, as one line.
pub fn comment(file: &FileDescriptor, path: &[i32]) -> String {
    let info = file.file_descriptor_proto().source_code_info.as_ref().expect("comments are kept");
    let text = info.location.iter().find(|location| location.path == path).map(|it| it.leading_comments());
    text.unwrap_or_default().split_whitespace().collect::<Vec<_>>().join(" ")
}

/// Everything that stands in the Rust files below a folder.
fn sources(folder: &Path) -> String {
    let entries = fs::read_dir(folder).expect("a folder").map(|entry| entry.expect("an entry").path());
    entries
        .map(|path| match path.extension() {
            _ if path.is_dir() => sources(&path),
            Some(extension) if extension == "rs" => fs::read_to_string(&path).expect("a text file"),
            _ => String::new(),
        })
        .collect()
}
