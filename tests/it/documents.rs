//! The documents tell the truth: their tables are those of the contract and the code, and what they name is there.

use std::{
    collections::{BTreeMap, BTreeSet},
    fs,
    path::{Path, PathBuf},
    time::Duration,
};

use prost_reflect::Kind;
use serde_json::json;
use ticketing::{
    access::{self, Permission},
    config::{KEYS, Key},
    configuration::Document,
    ctx::Role,
    metrics::table::{Kind as MetricKind, PROCESS, TABLE},
    reports::{METRICS, Metric},
    serve::Access,
};

use crate::contract::{comment, methods, pool};

const ROLES: [Role; 8] = [
    Role::Customer,
    Role::Agent,
    Role::Specialist,
    Role::Manager,
    Role::SlaManager,
    Role::Admin,
    Role::Service,
    Role::Operator,
];

/// The messages of which an event is made.
const EVENT_MESSAGES: [&str; 14] = [
    "Event",
    "Actor",
    "Cause",
    "FieldChange",
    "TicketFacts",
    "ClockNotice",
    "EventAudience",
    "PassedOver",
    "TicketTie",
    "Consent",
    "WorkNotice",
    "Billable",
    "CreditNotice",
    "Money",
];

#[test]
fn the_readme_lists_every_method() {
    let mut rows =
        vec!["| service | RPC | what it does | permission |".to_owned(), "| --- | --- | --- | --- |".into()];
    for (method, policy) in methods() {
        let text = comment(&method.parent_service().parent_file(), method.path());
        let permission = match policy.access {
            Access::Granted { permission, .. } => permission,
            Access::Anybody | Access::Open => Permission::Anybody,
        };
        rows.push(format!(
            "| {} | {} | {} | {} |",
            method.parent_service().name().trim_end_matches("Service"),
            method.name(),
            first_sentence(&text),
            access::name(permission),
        ));
    }
    assert_table("README.md", "rpcs", &rows);
}

#[test]
fn the_readme_lists_every_setting() {
    let mut rows =
        vec!["| setting | value | default | meaning |".to_owned(), "| --- | --- | --- | --- |".into()];
    for Key { name, kind, default, doc, .. } in KEYS {
        let default = if default.is_empty() { String::new() } else { format!("`{default}`") };
        rows.push(format!("| `{name}` | {kind} | {default} | {doc} |"));
    }
    assert_table("README.md", "settings", &rows);
}

#[test]
fn the_page_on_permissions_is_the_table_that_is_enforced() {
    let permissions = pool().get_enum_by_name("ticketing.v1.Permission").expect("in the contract");
    let names =
        ROLES.map(|role| serde_json::to_value(role).expect("a name").as_str().expect("a text").to_owned());
    let mut rows = vec![
        format!("| permission | grants | {} |", names.join(" | ")),
        format!("| --- | --- |{}", " :-: |".repeat(ROLES.len())),
    ];
    for value in permissions.values().skip(1) {
        let permission = Permission::try_from(value.number()).expect("generated from the same contract");
        let granted = ROLES.map(|role| if access::granted(role).contains(&permission) { "yes" } else { "" });
        let text = comment(&permissions.parent_file(), value.path());
        rows.push(format!(
            "| {} | {} | {} |",
            access::name(permission),
            text.trim_end_matches('.'),
            granted.join(" | ")
        ));
    }
    assert_table("docs/permissions.md", "permissions", &rows);
}

#[test]
fn the_page_on_the_audit_log_lists_what_administers() {
    let mut methods_of: BTreeMap<Permission, Vec<String>> = BTreeMap::new();
    for (method, policy) in methods().into_iter().filter(|(_, policy)| policy.action().administers) {
        let Access::Granted { permission, .. } = policy.access else { panic!("declared, so granted") };
        methods_of.entry(permission).or_default().push(method.name().to_owned());
    }
    let mut rows = vec!["| permission | methods |".to_owned(), "| --- | --- |".into()];
    for (permission, methods) in methods_of {
        rows.push(format!("| {} | {} |", access::name(permission), methods.join(", ")));
    }
    assert_table("docs/audit.md", "administers", &rows);
}

#[test]
fn the_page_on_metrics_lists_every_metric() {
    let mut rows =
        vec!["| metric | kind | labels | meaning |".to_owned(), "| --- | --- | --- | --- |".into()];
    for metric in TABLE {
        let kind = match metric.kind {
            MetricKind::Counter => "counter",
            MetricKind::Gauge => "gauge",
            MetricKind::Histogram(_) => "histogram",
        };
        let labels: Vec<_> =
            metric.labels.iter().map(|label| format!("`{}`", label.replace('.', "_"))).collect();
        let kind = format!("{kind}, {}", if metric.unit.is_empty() { "1" } else { metric.unit });
        rows.push(format!("| `{}` | {kind} | {} | {} |", metric.prometheus(), labels.join(" "), metric.doc));
    }
    assert_table("docs/metrics.md", "metrics", &rows);
    let mut rows = vec!["| metric | kind | meaning |".to_owned(), "| --- | --- | --- |".into()];
    rows.extend(PROCESS.iter().map(|(name, kind, doc)| format!("| `{name}` | {kind} | {doc} |")));
    assert_table("docs/metrics.md", "process", &rows);
}

#[test]
fn the_page_on_figures_lists_every_metric() {
    let mut rows =
        vec!["| metric | unit | by | what it counts |".to_owned(), "| --- | --- | --- | --- |".into()];
    for metric in METRICS {
        let unit = format!("{:?}", metric.unit).to_lowercase();
        rows.push(format!(
            "| `{}` | {unit} | `{}` | {} |",
            metric.key,
            metric.by.column(),
            metric.definition
        ));
    }
    assert_table("docs/reports.md", "metrics", &rows);
    let names =
        |metric: &Metric| metric.dimensions().0.iter().map(|it| format!("`{}`", it.name)).collect::<Vec<_>>();
    let mut rows = vec!["| counted by | dimensions |".to_owned(), "| --- | --- |".into()];
    for (what, key) in [("tickets", "created"), ("steps", "escalations"), ("clocks", "sla_attainment")] {
        let metric = METRICS.iter().find(|metric| metric.key == key).expect("a metric");
        rows.push(format!("| {what}, as `{key}` | {} |", names(metric).join(" ")));
    }
    assert_table("docs/reports.md", "dimensions", &rows);
}

#[test]
fn every_alert_has_a_runbook_and_reads_what_is_measured() {
    let mut measured: BTreeSet<String> = PROCESS.iter().map(|(name, ..)| (*name).to_owned()).collect();
    for metric in TABLE {
        let ends: &[&str] = match metric.kind {
            MetricKind::Histogram(_) => &["_bucket", "_sum", "_count"],
            _ => &[""],
        };
        measured.extend(ends.iter().map(|end| format!("{}{end}", metric.prometheus())));
    }
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let names = |folder: &str, end: &str| -> BTreeSet<String> {
        let entries =
            fs::read_dir(root.join(folder)).expect("a folder").map(|entry| entry.expect("an entry"));
        let names = entries.filter_map(|it| Some(it.file_name().to_str()?.strip_suffix(end)?.to_owned()));
        names.filter(|name| name != "README").collect()
    };
    let alerts = names("helm/ticketing/files/alerts", ".yaml");
    assert_eq!(alerts, names("docs/runbooks", ".md"), "a runbook for each alert, and an alert for each");
    let mut unknown = BTreeSet::new();
    let dashboard = "helm/ticketing/files/dashboard.json".to_owned();
    let values = "helm/ticketing/values.yaml".to_owned();
    let files = alerts.iter().map(|name| format!("helm/ticketing/files/alerts/{name}.yaml"));
    for file in files.chain([dashboard, values]) {
        let text = fs::read_to_string(root.join(&file)).expect("a file");
        let words = text.split(|it: char| !it.is_ascii_alphanumeric() && it != '_');
        let words: Vec<&str> = words
            .filter(|word| {
                ["ticketing_", "rpc_", "db_", "messaging_", "process_"].iter().any(|it| word.starts_with(it))
            })
            .filter(|word| !LABELS.contains(word))
            .collect();
        assert!(!words.is_empty() || file.ends_with("values.yaml"), "{file} reads nothing");
        unknown
            .extend(words.iter().filter(|it| !measured.contains(**it)).map(|it| format!("{it} in {file}")));
    }
    assert_eq!(unknown, BTreeSet::new());
}

/// Names of labels that look like names of metrics.
const LABELS: [&str; 3] = ["rpc_method", "rpc_response_status_code", "db_operation_name"];

#[test]
fn the_page_on_the_configuration_has_every_part() {
    let document = serde_json::to_value(Document::default()).expect("plain data");
    let parts: BTreeSet<&str> = document.as_object().expect("an object").keys().map(String::as_str).collect();
    let page = include_str!("../../docs/configuration.md");
    let rows = page.lines().filter_map(|line| line.strip_prefix("| `")?.split('`').next());
    assert_eq!(rows.collect::<BTreeSet<_>>(), parts);
}

#[test]
fn the_page_on_events_lists_every_type() {
    let pool = pool();
    let option = pool.get_extension_by_name("ticketing.v1.type_name").expect("in the contract");
    let types = pool.get_enum_by_name("ticketing.v1.EventType").expect("in the contract");
    let mut rows = vec!["| type | meaning |".to_owned(), "| --- | --- |".into()];
    for value in types.values().skip(1) {
        let name = value.options().get_extension(&option).as_str().expect("a text").to_owned();
        rows.push(format!("| `{name}` | {} |", comment(&types.parent_file(), value.path())));
    }
    assert_table("docs/events.md", "types", &rows);
}

#[test]
fn the_page_on_events_lists_every_field() {
    for name in EVENT_MESSAGES {
        let message = pool().get_message_by_name(&format!("ticketing.v1.{name}")).expect("in the contract");
        let mut rows =
            vec!["| number | field | type | meaning |".to_owned(), "| --- | --- | --- | --- |".into()];
        for field in message.fields() {
            let kind = match field.kind() {
                Kind::Message(message) => format!("`{}`", message.name()),
                Kind::Enum(it) => format!("`{}`", it.name()),
                scalar => format!("{scalar:?}").to_lowercase(),
            };
            let many = if field.is_list() { "repeated " } else { "" };
            rows.push(format!(
                "| {} | `{}` | {many}{kind} | {} |",
                field.number(),
                field.name(),
                comment(&message.parent_file(), field.path())
            ));
        }
        assert_table("docs/events.md", name, &rows);
    }
}

/// A repetition of any call of ours is harmless, of writes by their `request_id`; streams are resumed by those who know the cursor.
#[test]
fn the_service_config_is_that_of_the_contract() {
    let mut by_time: BTreeMap<Duration, Vec<serde_json::Value>> = BTreeMap::new();
    for (method, policy) in methods().into_iter().filter(|(_, policy)| !policy.streaming) {
        let time = policy.default_deadline.expect("a call that is no stream has its time");
        let service = method.parent_service().full_name().to_owned();
        by_time.entry(time).or_default().push(json!({ "service": service, "method": method.name() }));
    }
    let retry = json!({
        "maxAttempts": 5,
        "initialBackoff": "0.1s",
        "maxBackoff": "2s",
        "backoffMultiplier": 2,
        "retryableStatusCodes": ["UNAVAILABLE"],
    });
    let methods = by_time.into_iter().map(|(time, names)| {
        json!({ "name": names, "timeout": format!("{}s", time.as_secs_f64()), "retryPolicy": retry })
    });
    let config = json!({
        "loadBalancingConfig": [{ "round_robin": {} }],
        "methodConfig": methods.collect::<Vec<_>>(),
        "retryThrottling": { "maxTokens": 100, "tokenRatio": 0.1 },
    });
    let config = format!("{config:#}\n");
    assert!(ticketing_proto::SERVICE_CONFIG == config, "proto/service_config.json should be:\n\n{config}");
}

#[test]
fn every_document_that_is_named_is_there() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let mut missing = BTreeSet::new();
    for (path, text) in texts(root) {
        // In code and comments by their path from the root, in documents by links from where they stand.
        let named = text.split(|it: char| !it.is_ascii_alphanumeric() && !"/._-".contains(it));
        let named = named
            .filter(|it| {
                it.starts_with("docs/") && Path::new(it).extension().is_some_and(|kind| kind == "md")
            })
            .map(|it| root.join(it));
        let links = text.split("](").skip(1).filter_map(|rest| rest.split([')', '#']).next());
        let links = links
            .filter(|it| !it.is_empty() && !it.contains("://"))
            .map(|it| path.with_file_name("").join(it));
        let links = links.filter(|_| path.extension().is_some_and(|extension| extension == "md"));
        missing.extend(
            named
                .chain(links)
                .filter(|it| !it.exists())
                .map(|it| format!("{} in {}", it.display(), path.display())),
        );
    }
    assert!(missing.is_empty(), "{missing:#?}");
}

/// The project's own texts, with their paths.
fn texts(folder: &Path) -> Vec<(PathBuf, String)> {
    let entries = fs::read_dir(folder).expect("a folder").map(|entry| entry.expect("an entry").path());
    let own = |path: &PathBuf| {
        let name = path.file_name().and_then(|name| name.to_str()).unwrap_or_default();
        !name.starts_with('.') && !["target", "node_modules"].contains(&name)
    };
    entries
        .filter(own)
        .flat_map(|path| match path.extension().and_then(|extension| extension.to_str()) {
            _ if path.is_dir() => texts(&path),
            Some("rs" | "proto" | "md" | "sql" | "yaml" | "toml" | "py") => {
                let text = fs::read_to_string(&path).expect("a text file");
                vec![(path, text)]
            }
            _ => Vec::new(),
        })
        .collect()
}

/// What stands between `<!-- name -->` and `<!-- /name -->` of a document must be these rows.
#[track_caller]
fn assert_table(document: &str, name: &str, rows: &[String]) {
    let text = fs::read_to_string(Path::new(env!("CARGO_MANIFEST_DIR")).join(document)).expect("a document");
    let (begin, end) = (format!("<!-- {name} -->"), format!("<!-- /{name} -->"));
    let table =
        text.split_once(&begin).and_then(|(_, rest)| rest.split_once(&end)).map(|(table, _)| table.trim());
    let rows = rows.join("\n");
    assert!(
        table == Some(rows.as_str()),
        "{document}: between {begin} and {end} there should be:\n\n{rows}\n"
    );
}

fn first_sentence(text: &str) -> &str {
    text.split_once(". ").map_or(text, |(first, _)| first).trim_end_matches('.')
}
