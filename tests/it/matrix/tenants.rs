//! Names of another tenant's: what is answered is what does not exist, and nothing of that tenant is told or changed. It
//! holds with both walls between tenants, and with each of them alone.

use std::collections::{BTreeMap, BTreeSet};

use sqlx::{AssertSqlSafe, PgPool};
use ticketing::ids::TenantId;

use super::{
    Names, Outcome, call, canary, everybody, method, missing, request,
    samples::{FREE, SAMPLES},
    set_up, tenant, told,
};
use crate::support::{Client, Desk};

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
                if !["tenant", "configuration", "queue", "billable"].contains(&token) {
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
    for method in [
        "GetTicket",
        "ListTickets",
        "SearchTickets",
        "ListEvents",
        "WatchEvents",
        "GetContact",
        "CloseTicket",
    ] {
        assert!(open.contains(method), "{method} is not told of: {open:?}");
    }
    let after = rows(world.desk.root(), &tenant("acme")).await;
    assert_ne!(after["tickets"], world.before["tickets"]);
}
