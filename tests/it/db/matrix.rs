//! Every method, with every name in its request that of another tenant: the answer is the one for what does not exist,
//! and nothing of that tenant is told or changed. It holds with both walls, and with each of them alone.

use std::{
    collections::{BTreeMap, BTreeSet},
    time::Duration,
};

use prost::Message as _;
use prost_reflect::{DynamicMessage, MessageDescriptor, MethodDescriptor, Value};
use sqlx::{AssertSqlSafe, PgPool};
use ticketing::{
    ctx::{ActorKind, Role},
    ids::TenantId,
};
use tonic::{Request, Status, client::Grpc, codegen::http::uri::PathAndQuery};
use tonic_types::StatusExt as _;

use super::samples::{FREE, SAMPLES, SET_UP};
use crate::{
    contract::methods,
    support::{Client, Desk, Raw, caller, put_in_force, sample},
    webhooks::fan_out,
};

/// Names by what they stand for: `ticket`, `agent` …
type Names = BTreeMap<&'static str, String>;

/// What came first, or the refusal.
type Outcome = Result<Vec<u8>, Status>;

/// What a name of the kind stands in; the keys of the others are those of the sample configuration.
const COLLECTIONS: [(&str, &str); 9] = [
    ("organization", "organizations"),
    ("contact", "contacts"),
    ("agent", "agents"),
    ("ticket", "tickets"),
    ("comment", "comments"),
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
    put_in_force(desk.root(), tenant, &sample(), desk.now()).await;
    desk.advance(Duration::from_secs(2));
    let client = everybody(desk, tenant);
    let parent = format!("tenants/{tenant}");
    let mut names = Names::from([
        ("tenant", parent.clone()),
        ("configuration", format!("{parent}/configuration")),
        ("queue", format!("{parent}/queues/applications")),
    ]);
    for (token, key) in [("organization", "orion"), ("contact", "kim"), ("agent", "anna")] {
        let collection = COLLECTIONS.into_iter().find(|it| it.0 == token).expect("known").1;
        names.insert(token, format!("{parent}/{collection}/{key}-{tenant}"));
    }
    for (name, json) in SET_UP {
        let method = method(name);
        let json = json.replace("@canary", &canary(tenant));
        if *name == "ListDeliveries" {
            fan_out(desk).await;
        }
        let made = call(&client, &method, request(&method, &json, &names)).await;
        let made = made.unwrap_or_else(|status| panic!("{name}: {status:?}"));
        for (token, collection) in COLLECTIONS {
            if let Some(found) = name_in(method.output(), &made, collection) {
                names.insert(token, found);
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

/// All rows of a tenant, by table.
async fn rows(pool: &PgPool, tenant: &TenantId) -> BTreeMap<String, String> {
    let tables: Vec<String> = sqlx::query_scalar(
        "select table_name::text from information_schema.columns
         where table_schema = 'public' and column_name = 'tenant_id'",
    )
    .fetch_all(pool)
    .await
    .expect("the catalog reads");
    let mut rows = BTreeMap::new();
    for (table, key) in tables.iter().map(|table| (table.as_str(), "tenant_id")).chain([("tenants", "id")]) {
        let sql = format!(
            "select coalesce(string_agg(t::text, e'\\n' order by t::text), '') from {table} t where {key} = $1"
        );
        let text = sqlx::query_scalar(AssertSqlSafe(sql)).bind(tenant.as_str()).fetch_one(pool).await;
        rows.insert(table.to_owned(), text.expect("rows"));
    }
    rows
}

/// Two tenants with one of everything, and a wall that is torn down.
struct World {
    desk: Desk,
    acme: Names,
    globex: Names,
    before: BTreeMap<String, String>,
    faults: Vec<String>,
}

impl World {
    /// The statement is run for each table with tenants, `{table}`, and the column with their names, `{key}`.
    async fn with(spoil: &str) -> Self {
        let desk = Desk::open().await;
        let acme = set_up(&desk, &tenant("acme")).await;
        let globex = set_up(&desk, &tenant("globex")).await;
        let before = rows(desk.root(), &tenant("acme")).await;
        assert!(before["tickets"].contains("kanarienvogel-acme"), "{before:?}");
        for table in before.keys().filter(|_| !spoil.is_empty()) {
            let key = if table == "tenants" { "id" } else { "tenant_id" };
            let sql = spoil.replace("{table}", table).replace("{key}", key);
            sqlx::raw_sql(AssertSqlSafe(sql)).execute(desk.root()).await.expect("spoilt");
        }
        Self { desk, acme, globex, before, faults: Vec::new() }
    }

    fn look(&mut self, what: &str, outcome: &Outcome, named: &[&str]) {
        let mut theirs = vec![canary(&tenant("acme"))];
        let told = match outcome {
            Ok(bytes) => {
                // A refusal may say what it was asked for; an answer has no reason to.
                let ids = self.acme.values().filter(|name| !named.contains(&name.as_str()));
                let ids = ids.filter_map(|name| name.rsplit('/').next()).filter(|id| id.len() == 26);
                theirs.extend(ids.map(str::to_owned));
                String::from_utf8_lossy(bytes).into_owned()
            }
            Err(status) => format!("{status:?}"),
        };
        if theirs.iter().any(|theirs| told.contains(theirs)) {
            self.faults.push(format!("{what}: tells of what is another tenant's: {told}"));
        }
    }

    /// What does not concern the caller is answered like what is not there.
    /// `named` may be told, because the request says it.
    async fn compare(
        &mut self,
        client: &Client,
        what: &str,
        requests: [(Vec<u8>, &[&str]); 2],
        named: &[&str],
    ) -> String {
        let method = method(what.split(' ').next().expect("a method"));
        let [(real, real_names), (other, other_names)] = requests;
        let outcomes = [call(client, &method, real).await, call(client, &method, other).await];
        for outcome in &outcomes {
            self.look(what, outcome, named);
        }
        let [real, other] = [told(&outcomes[0], real_names), told(&outcomes[1], other_names)];
        if real != other {
            self.faults.push(format!("{what}: {real}, but of nothing: {other}"));
        }
        other
    }

    /// A caller of globex uses names of acme.
    async fn strangers(&mut self) {
        let client = everybody(&self.desk, &tenant("globex"));
        for (name, json) in SAMPLES {
            let method = method(name);
            let with = |token: &'static str, value: &str| {
                let mut names = self.globex.clone();
                names.insert(token, value.to_owned());
                request(&method, json, &names)
            };
            let mut of_nothing = BTreeMap::new();
            let mut cases = Vec::new();
            for (&token, theirs) in &self.acme {
                if !json.contains(&format!("\"@{token}\"")) {
                    continue;
                }
                let gone = missing(theirs);
                cases.push((token, theirs.clone(), gone.clone()));
                if !["tenant", "configuration", "queue"].contains(&token) {
                    let (mine, not_mine) =
                        (theirs.replace("/acme/", "/globex/"), gone.replace("/acme/", "/globex/"));
                    cases.push((token, mine, not_mine));
                }
            }
            let cases: Vec<_> = cases
                .into_iter()
                .map(|(token, real, gone)| {
                    let requests = [with(token, &real), with(token, &gone)];
                    (token, real, gone, requests)
                })
                .collect();
            let own = request(&method, json, &self.globex);
            for (token, real, gone, [first, second]) in cases {
                let what = format!("{name} of {real}");
                let requests = [(first, [real.as_str()]), (second, [gone.as_str()])];
                let requests = requests.each_ref().map(|(bytes, names)| (bytes.clone(), names.as_slice()));
                of_nothing.insert(token, self.compare(&client, &what, requests, &[&real]).await);
            }
            let own = told(&call(&client, &method, own).await, &[]);
            for (token, nothing) in of_nothing {
                if (own.split(' ').next() == nothing.split(' ').next()) != FREE.contains(&(name, token)) {
                    self.faults
                        .push(format!("{name}: @{token} makes a difference, or none: {own} / {nothing}"));
                }
            }
        }
    }

    /// A caller of acme, before whom the database hides all of acme, as it does with what is of other tenants.
    async fn hidden(&mut self) {
        let client = everybody(&self.desk, &tenant("acme"));
        let acme = self.acme.clone();
        for (name, json) in SAMPLES {
            let method = method(name);
            let mut nothing = acme.clone();
            for (token, name) in &mut nothing {
                if !["tenant", "configuration", "queue"].contains(token) {
                    *name = missing(name);
                }
            }
            let requests = [&acme, &nothing].map(|names| request(&method, json, names));
            let names =
                [&acme, &nothing].map(|names| names.values().rev().map(String::as_str).collect::<Vec<_>>());
            let [first, second] = requests;
            self.compare(&client, name, [(first, &names[0]), (second, &names[1])], &[]).await;
        }
    }

    async fn finish(self) {
        let after = rows(self.desk.root(), &tenant("acme")).await;
        let changed: Vec<&String> =
            after.keys().filter(|table| after[*table] != self.before[*table]).collect();
        assert_eq!(changed, Vec::<&String>::new(), "rows of acme changed");
        assert!(self.faults.is_empty(), "{:#?}", self.faults);
    }
}

#[test]
fn every_method_has_a_sample() {
    let samples: BTreeSet<&str> = SAMPLES.iter().map(|(method, _)| *method).collect();
    let methods = methods();
    let methods: BTreeSet<&str> = methods.iter().map(|(method, _)| method.name()).collect();
    assert_eq!(samples, methods);
}

#[tokio::test]
async fn strangers_find_nothing() {
    let mut world = World::with("").await;
    world.strangers().await;
    world.finish().await;
}

#[tokio::test]
async fn strangers_find_nothing_without_the_wall_of_the_database() {
    let mut world = World::with("alter table {table} disable row level security").await;
    world.strangers().await;
    world.finish().await;
}

/// The queries ask for acme's rows, and whoever calls may have them: as far as the program is concerned, there is no
/// wall. The database shows globex alone.
#[tokio::test]
async fn the_wall_of_the_database_holds_without_the_program() {
    let mut world = World::with("alter policy tenant on {table} using ({key} = 'globex')").await;
    world.hidden().await;
    world.finish().await;
}

#[tokio::test]
async fn the_matrix_sees_a_world_without_walls() {
    let mut world = World::with("alter table {table} disable row level security").await;
    world.hidden().await;
    let open: BTreeSet<&str> =
        world.faults.iter().filter_map(|fault| fault.split([' ', ':']).next()).collect();
    for method in ["GetTicket", "ListTickets", "ListEvents", "WatchEvents", "GetContact", "CloseTicket"] {
        assert!(open.contains(method), "{method} is not told of: {open:?}");
    }
    let after = rows(world.desk.root(), &tenant("acme")).await;
    assert_ne!(after["tickets"], world.before["tickets"]);
}
