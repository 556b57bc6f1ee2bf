//! Every method, called with requests that are made of the contract and of a table of samples: what a caller must not know
//! of is answered like what does not exist, and told by no method at all.

mod customers;
mod samples;
mod tenants;

use std::{
    collections::{BTreeMap, BTreeSet},
    time::Duration,
};

use prost::Message as _;
use prost_reflect::{DynamicMessage, MessageDescriptor, MethodDescriptor, Value};
use ticketing::{
    ctx::{ActorKind, Role},
    feedback::request as questions,
    ids::TenantId,
};
use tonic::{Request, Status, client::Grpc, codegen::http::uri::PathAndQuery};
use tonic_types::StatusExt as _;

use crate::{
    contract::methods,
    support::{Client, Desk, Raw, caller, put_in_force, sample},
    webhooks::fan_out,
};
use samples::{SAMPLES, SET_UP};

/// Names by what they stand for: `ticket`, `agent` …
type Names = BTreeMap<&'static str, String>;

/// What came first, or the refusal.
type Outcome = Result<Vec<u8>, Status>;

/// What a name of the kind stands in; the keys of the others are those of the sample configuration.
const COLLECTIONS: [(&str, &str); 15] = [
    ("organization", "organizations"),
    ("contact", "contacts"),
    ("agent", "agents"),
    ("entitlement", "entitlements"),
    ("ticket", "tickets"),
    ("feedback", "feedback"),
    ("comment", "comments"),
    ("worklog", "worklogs"),
    ("billable", "billables"),
    ("attachment", "attachments"),
    ("article", "articles"),
    ("escalation", "escalations"),
    ("subscription", "subscriptions"),
    ("outage", "outages"),
    ("delivery", "deliveries"),
];

fn tenant(name: &str) -> TenantId {
    TenantId::parse(name).expect("a tenant")
}

/// Who holds every role in a tenant, and none in any other.
fn everybody(desk: &Desk, tenant: &TenantId) -> Client {
    let roles: Vec<Role> = Role::ALL.into_iter().filter(|role| *role != Role::Customer).collect();
    caller(desk.channel(), tenant, ActorKind::Agent, &format!("anna-{tenant}"), &roles)
}

fn method(name: &str) -> MethodDescriptor {
    let methods = methods().into_iter().map(|(method, _)| method);
    methods.into_iter().find(|method| method.name() == name).unwrap_or_else(|| panic!("no method {name}"))
}

fn request(method: &MethodDescriptor, json: &str, names: &Names) -> Vec<u8> {
    let mut text = json.to_owned();
    for (token, name) in names {
        text = text.replace(&format!("\"@{token}\""), &format!("\"{name}\""));
    }
    let mut reader = serde_json::Deserializer::from_str(&text);
    DynamicMessage::deserialize(method.input(), &mut reader)
        .unwrap_or_else(|error| panic!("{}: {error}: {text}", method.name()))
        .encode_to_vec()
}

async fn call(client: &Client, method: &MethodDescriptor, request: Vec<u8>) -> Outcome {
    let mut grpc = Grpc::new(client.clone());
    grpc.ready().await.expect("ready");
    let path = format!("/{}/{}", method.parent_service().full_name(), method.name());
    let path: PathAndQuery = path.parse().expect("a path");
    let mut answer = grpc.server_streaming(Request::new(request), path, Raw).await?.into_inner();
    Ok(answer.message().await?.unwrap_or_default())
}

/// The first name in a message that stands in this collection.
fn name_in(contract: MessageDescriptor, bytes: &[u8], collection: &str) -> Option<String> {
    fn walk(value: &Value, wanted: &str) -> Option<String> {
        match value {
            Value::String(text) => {
                let (place, _) = text.rsplit_once('/')?;
                place.ends_with(wanted).then(|| text.clone())
            }
            Value::List(values) => values.iter().find_map(|value| walk(value, wanted)),
            Value::Message(message) => message.fields().find_map(|(_, value)| walk(value, wanted)),
            _ => None,
        }
    }
    let message = DynamicMessage::decode(contract, bytes).expect("an answer");
    walk(&Value::Message(message), &format!("/{collection}"))
}

/// Makes one of everything in a tenant.
async fn set_up(desk: &Desk, tenant: &TenantId) -> Names {
    let mut document = sample();
    // Everybody, and at once.
    (document.surveys[0].delay_duration, document.surveys[0].sample_percent) = (None, 100);
    put_in_force(desk.root(), tenant, &document, desk.now()).await;
    desk.advance(Duration::from_secs(2));
    let client = everybody(desk, tenant);
    let parent = format!("tenants/{tenant}");
    let mut names = Names::from([
        ("tenant", parent.clone()),
        ("configuration", format!("{parent}/configuration")),
        ("queue", format!("{parent}/queues/applications")),
    ]);
    for (token, key) in
        [("organization", "orion"), ("contact", "kim"), ("agent", "anna"), ("entitlement", "contract")]
    {
        let collection = COLLECTIONS.into_iter().find(|it| it.0 == token).expect("known").1;
        names.insert(token, format!("{parent}/{collection}/{key}-{tenant}"));
    }
    for (name, json) in SET_UP {
        let method = method(name);
        let json = json.replace("@canary", &canary(tenant));
        match *name {
            "ListDeliveries" => fan_out(desk).await,
            "ListFeedback" => while questions::run_once(&desk.app, 100).await.expect("a tick").done > 0 {},
            _ => {}
        }
        let made = call(&client, &method, request(&method, &json, &names)).await;
        let made = made.unwrap_or_else(|status| panic!("{name}: {status:?}"));
        for (token, collection) in COLLECTIONS {
            if let Some(found) = name_in(method.output(), &made, collection) {
                let before = names.insert(token, found);
                if let Some(twin) = before.filter(|before| token == "ticket" && *before != names[token]) {
                    names.insert("twin", twin);
                }
            }
        }
    }
    names.insert("clock", format!("{}/clocks/1", names["ticket"]));
    names
}

/// What stands in all that was written in the tenant.
fn canary(tenant: &TenantId) -> String {
    format!("kanarienvogel-{tenant}")
}

/// A name like this one, of nothing. An id's last character holds fewer bits than the others.
fn missing(name: &str) -> String {
    if let Some(tenant) = name.strip_suffix("/configuration") {
        return format!("{}/configuration", missing(tenant));
    }
    let last = name.rsplit('/').next().unwrap_or_default();
    let place = name.len() - if last.len() == 26 { 2 } else { 1 };
    let (before, changed, after) = (&name[..place], &name[place..=place], &name[place + 1..]);
    format!("{before}{}{after}", if changed == "9" { "8" } else { "9" })
}

/// Without names: a word with one is masked whole.
fn masked(text: &str, names: &[&str]) -> String {
    let keys: Vec<&str> = names.iter().filter_map(|name| name.rsplit('/').next()).collect();
    let mask = |word: &str| {
        if word.contains("tenants/") || keys.iter().any(|key| key.len() > 3 && word.contains(key)) {
            "<name>".to_owned()
        } else {
            word.to_owned()
        }
    };
    text.split(' ').map(mask).collect::<Vec<_>>().join(" ")
}

/// What is told by an outcome, whatever the names were.
fn told(outcome: &Outcome, names: &[&str]) -> String {
    let Err(status) = outcome else { return "an answer".to_owned() };
    let details = status.get_error_details();
    let info = details.error_info().expect("every error has an ErrorInfo");
    let facts: BTreeMap<&str, String> = info
        .metadata
        .iter()
        .filter(|(key, _)| *key != "request_id")
        .map(|(key, value)| (key.as_str(), masked(value, names)))
        .collect();
    let resource = details.resource_info().map(|it| it.resource_type.as_str()).unwrap_or_default();
    let message = masked(status.message(), names);
    format!("{:?} {} {facts:?} {resource} {message}", status.code(), info.reason)
}

#[test]
fn every_method_has_a_sample() {
    let samples: BTreeSet<&str> = SAMPLES.iter().map(|(method, _)| *method).collect();
    let methods = methods();
    let methods: BTreeSet<&str> = methods.iter().map(|(method, _)| method.name()).collect();
    assert_eq!(samples, methods);
}
