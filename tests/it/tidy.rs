//! The laws of the house, held by reading its text. The lists of exceptions may only shrink.

use std::{
    fs,
    path::{Path, PathBuf},
};

/// Concept files that are pure by name: no I/O, no clock, no wire.
const PURE: &[&str] = &[
    "model.rs",
    "availability.rs",
    "business_time.rs",
    "outages.rs",
    "status.rs",
    "change.rs",
    "decide.rs",
    "condition.rs",
    "bounds.rs",
    "typing.rs",
    "cost.rs",
    "candidates.rs",
    "hours.rs",
    "holidays.rs",
    "target.rs",
    "cloud_event.rs",
    "outline.rs",
    "intake.rs",
    "openings.rs",
    "shift.rs",
    "year.rs",
    "zone.rs",
    "validate.rs",
    "plan.rs",
    "project.rs",
    "reports/story.rs",
    "intervals.rs",
    "rank.rs",
    "grams.rs",
    "words.rs",
    "relation.rs",
    "vinst.rs",
    "jsonl.rs",
    "rate.rs",
    "deltas.rs",
];
const NOT_PURE: &[&str] = &[
    "async fn",
    ".await",
    "sqlx::query",
    "tonic::",
    "tokio::",
    "Timestamp::now",
    "SystemTime",
    "rand::",
    "now_v7",
];

/// Files that may see the wire's types: the vocabulary that the contract itself defines.
const SEES_PROTO: &[&str] = &["error.rs", "access.rs", "call.rs", "lib.rs", "app.rs"];

#[test]
fn files_say_what_they_decide_and_stay_short() {
    let mut faults = Vec::new();
    for (path, text) in sources(&["src", "tests", "benches", "proto/src", "examples", "fuzz"]) {
        let max = if path.starts_with("src") { 500 } else { 700 };
        let lines = text.lines().count();
        if lines > max {
            faults.push(format!(
                "{}: {lines} lines, {max} are allowed; split it by what it decides",
                path.display()
            ));
        }
        if !text.starts_with("//!") {
            faults.push(format!(
                "{}: the first line must be //! and say what the file decides",
                path.display()
            ));
        }
    }
    report(&faults);
}

#[test]
fn no_drawers_for_odds_and_ends() {
    let drawers = ["common", "util", "utils", "helpers", "helper", "manager", "types", "misc", "base"];
    let faults: Vec<_> = sources(&["src", "tests"])
        .into_iter()
        .filter(|(path, _)| {
            path.iter().any(|part| {
                drawers.contains(&Path::new(part).file_stem().and_then(|s| s.to_str()).unwrap_or_default())
            })
        })
        .map(|(path, _)| format!("{}: name it after what it decides", path.display()))
        .collect();
    report(&faults);
}

#[test]
fn rules_are_pure() {
    let mut faults = Vec::new();
    for (path, text) in sources(&["src"]) {
        if !PURE.iter().any(|name| path.ends_with(name)) {
            continue;
        }
        let code = before_tests(&text);
        for word in NOT_PURE {
            if code.contains(word) {
                faults.push(format!("{}: {word} does not belong into a rule", path.display()));
            }
        }
    }
    report(&faults);
}

#[test]
fn sql_stands_in_stores_and_names_a_table_in_one_slice() {
    let mut faults = Vec::new();
    let mut owners: std::collections::BTreeMap<String, String> = std::collections::BTreeMap::new();
    let tables = tables();
    for (path, text) in sources(&["src"]) {
        let code = before_tests(&text);
        let name = path.file_name().and_then(|name| name.to_str()).unwrap_or_default();
        let queries = code.contains("query!(")
            || code.contains("query_as!(")
            || code.contains("query_scalar!(")
            || code.contains("QueryBuilder::new");
        let slice = path.iter().nth(1).and_then(|part| part.to_str()).unwrap_or_default().to_owned();
        let may = name.starts_with("store")
            || path.starts_with("src/db")
            || path.starts_with("src/cli")
            || path.ends_with("src/idempotency.rs")
            || path.to_string_lossy().contains("/store/");
        if queries && !may {
            faults.push(format!("{}: SQL stands in store.rs", path.display()));
        }
        if !queries {
            continue;
        }
        for table in &tables {
            let named = ["from ", "into ", "update ", "join "].iter().any(|before| {
                code.match_indices(&format!("{before}{table}")).any(|(at, found)| {
                    !code[at + found.len()..].starts_with(|c: char| c.is_ascii_alphanumeric() || c == '_')
                })
            });
            if named {
                let owner = owners.entry(table.clone()).or_insert_with(|| slice.clone());
                if *owner != slice {
                    faults.push(format!("{}: the table {table} belongs to {owner}", path.display()));
                }
            }
        }
    }
    report(&faults);
}

#[test]
fn the_wire_ends_at_rpc() {
    let mut faults = Vec::new();
    for (path, text) in sources(&["src"]) {
        let at_the_edge = path.ends_with("rpc.rs")
            || path.ends_with("wire.rs")
            || path.components().any(|part| {
                ["rpc", "wire", "serve", "cli", "demo"]
                    .contains(&part.as_os_str().to_str().unwrap_or_default())
            })
            || SEES_PROTO.iter().any(|name| path == Path::new("src").join(name));
        if !at_the_edge && before_tests(&text).contains("ticketing_proto") {
            faults.push(format!("{}: messages end at rpc.rs", path.display()));
        }
        if before_tests(&text).contains("tonic::Code") && !path.ends_with("src/error.rs") {
            faults.push(format!("{}: only error.rs names gRPC codes", path.display()));
        }
    }
    report(&faults);
}

#[test]
fn sql_takes_its_time_from_the_caller() {
    let mut faults = Vec::new();
    for (path, text) in sources(&["src"]) {
        for call in ["now()", "current_timestamp", "clock_timestamp()"] {
            let in_sql = text.lines().any(|line| {
                let line = line.trim_start();
                !line.starts_with("//")
                    && (line.starts_with('"') || line.contains(" where ") || line.contains(" set "))
                    && line.contains(call)
            });
            // Leases end by the one clock that all replicas share.
            let leases = path.ends_with("events/relay/store.rs") || path.ends_with("db/migrate.rs");
            let excused = leases || path.starts_with("src/filter");
            if in_sql && !excused {
                faults.push(format!("{}: {call} in SQL; pass ctx.now", path.display()));
            }
        }
    }
    report(&faults);
}

#[test]
fn tests_wait_for_conditions_not_for_time() {
    let faults: Vec<_> = sources(&["tests"])
        .into_iter()
        .filter(|(path, _)| !path.ends_with("tidy.rs"))
        .filter(|(_, text)| {
            text.contains("#[ignore") || text.contains("thread::sleep") || text.contains("time::sleep(")
        })
        .map(|(path, _)| format!("{}: sleeps or is ignored", path.display()))
        .collect();
    report(&faults);
}

#[test]
fn every_checked_crate_has_a_use() {
    let manifest = fs::read_to_string(root().join("Cargo.toml")).expect("the manifest");
    let code: String =
        sources(&["src", "tests", "benches", "proto/src"]).into_iter().map(|(_, text)| text).collect();
    let dependencies = manifest.split("[dependencies]").nth(1).expect("a list of dependencies");
    let mut faults = Vec::new();
    for line in dependencies.lines().take_while(|line| !line.starts_with("[profile")) {
        let Some((name, _)) = line.split_once(" = ").filter(|(name, _)| !name.starts_with('#')) else {
            continue;
        };
        let name = name.trim().replace('-', "_");
        if !code.contains(&format!("{name}::")) && !code.contains(&format!("use {name}")) {
            faults.push(format!("Cargo.toml: {name} is used nowhere"));
        }
    }
    report(&faults);
}

/// The tables of the schema.
fn tables() -> Vec<String> {
    let mut tables = Vec::new();
    for entry in fs::read_dir(root().join("migrations")).expect("migrations") {
        let path = entry.expect("an entry").path();
        if path.extension().is_some_and(|extension| extension == "sql") {
            let text = fs::read_to_string(&path).expect("a migration");
            tables.extend(text.lines().filter_map(|line| {
                Some(line.strip_prefix("create table ")?.split([' ', '(']).next()?.to_owned())
            }));
        }
    }
    assert!(!tables.is_empty(), "no tables found");
    tables
}

fn before_tests(text: &str) -> &str {
    text.split("#[cfg(test)]").next().unwrap_or(text)
}

fn root() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR"))
}

/// Every Rust file below the folders, with its path from the root.
fn sources(folders: &[&str]) -> Vec<(PathBuf, String)> {
    let mut found = Vec::new();
    let mut pending: Vec<PathBuf> =
        folders.iter().map(|folder| root().join(folder)).filter(|path| path.exists()).collect();
    while let Some(folder) = pending.pop() {
        for entry in fs::read_dir(&folder).expect("a folder") {
            let path = entry.expect("an entry").path();
            if path.ends_with("target") {
                continue; // of an example that was built where it stands
            }
            if path.is_dir() {
                pending.push(path);
            } else if path.extension().is_some_and(|extension| extension == "rs") {
                let text = fs::read_to_string(&path).expect("a text file");
                found.push((path.strip_prefix(root()).expect("below the root").to_owned(), text));
            }
        }
    }
    assert!(!found.is_empty(), "no sources found");
    found.sort();
    found
}

#[track_caller]
fn report(faults: &[String]) {
    assert!(faults.is_empty(), "\n{}", faults.join("\n"));
}
