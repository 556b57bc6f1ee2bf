//! Holds the filter language to its tables: what is read, what is refused and where, what SQL it becomes.

use serde_json::json;
use sqlx::{Postgres, QueryBuilder};

use super::*;

mod properties;

static FIELDS: [Field; 9] = [
    Field { name: "status", column: "t.status", kind: Kind::Enum(&["NEW", "OPEN", "RESOLVED"]) },
    Field { name: "subject", column: "t.subject", kind: Kind::Text },
    Field { name: "assignee", column: "t.assignee", kind: Kind::Text },
    Field { name: "tags", column: "t.tags", kind: Kind::TextSet },
    Field { name: "priority", column: "t.priority", kind: Kind::Int },
    Field { name: "paused", column: "t.paused", kind: Kind::Bool },
    Field { name: "create_time", column: "t.created_at", kind: Kind::Time },
    Field { name: "custom_fields", column: "t.custom_fields", kind: Kind::Json },
    Field { name: "annotations", column: "t.annotations", kind: Kind::Json },
];
const SCHEMA: Schema = Schema(&FIELDS);
const SCOPE: Scope = Scope { now: Timestamp::UNIX_EPOCH, me: "agent-7" };

fn read(text: &str) -> Expr {
    parse(text, &SCHEMA).unwrap_or_else(|error| panic!("{text}: {error}")).expect("not blank")
}

fn refusal(text: &str) -> FilterError {
    parse(text, &SCHEMA).expect_err(text)
}

fn sql(text: &str) -> String {
    let mut query = QueryBuilder::<Postgres>::new("");
    read(text).push_sql(&mut query, &SCOPE);
    query.into_string()
}

#[test]
fn reads_and_prints() {
    let table = [
        // Values of every kind.
        ("status=OPEN", "status = OPEN"),
        (r#"status != "NEW""#, "status != NEW"),
        ("subject = printer", r#"subject = "printer""#),
        (r#"subject = 'a "b" \'c\' \\ \n\t\r\*'"#, r#"subject = "a \"b\" 'c' \\ \n\t\r\*""#),
        ("subject = über-straße_1.2@x:y/z+", r#"subject = "über-straße_1.2@x:y/z+""#),
        ("subject = ab*", r#"subject = "ab*""#),
        (r#"subject != "a b*""#, r#"subject != "a b*""#),
        (r#"subject = "ab\*""#, r#"subject = "ab\*""#),
        ("subject:PRINTER", r#"subject:"PRINTER""#),
        ("assignee = me()", "assignee = me()"),
        ("assignee = me", r#"assignee = "me""#),
        ("assignee = ''", r#"assignee = """#),
        ("assignee != \"\"", r#"assignee != """#),
        ("tags:vip", r#"tags:"vip""#),
        ("tags: me( )", "tags:me()"),
        ("priority >= -5", "priority >= -5"),
        ("priority<3", "priority < 3"),
        ("priority != 3", "priority != 3"),
        ("paused = true", "paused = true"),
        ("create_time <= now()", "create_time <= now()"),
        ("create_time > 2026-01-31T09:00:00+01:00", "create_time > 2026-01-31T08:00:00Z"),
        ("create_time = \"2026-01-31T09:00:00.1234567Z\"", "create_time = 2026-01-31T09:00:00.123456Z"),
        ("custom_fields.serial = AB-1", r#"custom_fields.serial = "AB-1""#),
        ("custom_fields.asset-tag:AB*", r#"custom_fields.asset-tag = "AB*""#),
        ("annotations.\"example.com/source\" = x", r#"annotations."example.com/source" = "x""#),
        ("annotations.'AND' = x", r#"annotations."AND" = "x""#),
        // Whether something is set.
        ("annotations.source:*", "annotations.source:*"),
        ("assignee:\"*\"", "assignee:*"),
        ("-tags:*", "NOT tags:*"),
        ("status:* create_time:*", "status:* AND create_time:*"),
        // Structure.
        ("NOT status = NEW", "status != NEW"),
        ("NOT status != NEW", "NOT (status != NEW)"),
        ("-(priority < 3)", "NOT priority < 3"),
        ("NOT (NOT (priority < 3))", "NOT (NOT priority < 3)"),
        ("paused=true (priority=1)-tags:x", r#"paused = true AND priority = 1 AND NOT tags:"x""#),
        (
            "(status=NEW OR status=OPEN) AND NOT (tags:a AND tags:b)",
            r#"(status = NEW OR status = OPEN) AND NOT (tags:"a" AND tags:"b")"#,
        ),
        ("((((((((priority = 1))))))))", "priority = 1"),
    ];
    for (text, canonical) in table {
        assert_eq!(read(text).to_string(), canonical, "{text}");
    }
    assert_eq!(parse(" \n\t", &SCHEMA), Ok(None));
}

/// Each refusal: where, what was expected, and a piece of the hint.
#[test]
fn refuses_structure() {
    let table = [
        ("status", 6, "expected an operator (= != < <= > >= :), found the end", "`status = OPEN`"),
        ("status = ", 9, "expected a value, found the end", "a value is"),
        ("status = AND", 9, "expected a value, found `AND`", "quoted string"),
        ("status == NEW", 8, "expected a value, found `=`", "a value is"),
        ("status = (NEW OR OPEN)", 9, "expected a value, found `(`", "`a = x OR a = y`"),
        ("()", 1, "expected a field, found `)`", "a term is"),
        ("(paused = true", 14, "expected `)`, found the end", "the `(` of byte 0"),
        ("paused = true)", 13, "expected the end, found `)`", "no `(`"),
        ("paused = true = true", 14, "expected AND, OR or the end, found `=`", "a term is"),
        ("subject = 'it''s'", 14, "expected AND, OR or the end, found `'s'`", "a term is"),
        ("paused = true AND", 17, "expected a field, found the end", "a term is"),
        ("NOT NOT paused = true", 4, "expected a field, found `NOT`", "once before a term"),
        ("\"status\" = NEW", 0, "expected a field, found `\"status\"`", "a term is"),
        ("paused = true && paused = true", 14, "unexpected character `&`", "AND"),
        ("paused = true || paused = true", 14, "unexpected character `|`", "OR"),
        ("!paused = true", 0, "unexpected character `!`", "NOT"),
        ("subject = a%", 11, "unexpected character `%`", "quotes"),
        ("subject = \"é\" and paused = true", 15, "unknown field `and`", "AND is written in upper case"),
        ("subject = printer broken", 18, "unknown field `broken`", "text with spaces in quotes"),
        ("subject = \"abc", 10, "expected a closing \", found the end", "close the string"),
        ("subject = \"a\\qc\"", 12, "unknown escape", "the escapes are"),
        ("subject = \"a\\", 12, "unknown escape", "the escapes are"),
        ("subject = \"a\0\"", 12, "unexpected NUL", "no text"),
        ("subject = *a", 10, "a `*` is a wildcard only at the end of a value", "\\*"),
        ("subject = \"a*b\"", 12, "a `*` is a wildcard only at the end of a value", "\\*"),
        ("create_time < later()", 14, "unknown function", "now() and me()"),
        ("create_time < now(1)", 14, "unknown function", "without arguments"),
        ("custom_fields = x", 14, "expected `.` and a key, found `=`", "`custom_fields.key = value`"),
        ("custom_fields. = x", 15, "expected a key, found `=`", "word or quoted"),
        ("custom_fields.\"a*\" = x", 14, "expected a key, found `\"a*\"`", "word or quoted"),
        ("custom_fields.a.b = x", 15, "expected an operator (= != < <= > >= :), found `.`", "one dot"),
        ("subject.a = x", 7, "expected an operator, found `.`", "`subject` has no keys"),
    ];
    for (text, at, problem, hint) in table {
        let error = refusal(text);
        assert_eq!((error.at, error.problem.as_str()), (at, problem), "{text}");
        assert!(error.hint.contains(hint), "{text}: {}", error.hint);
    }
}

#[test]
fn refuses_what_a_field_does_not_take() {
    let table = [
        ("staus = NEW", 0, "unknown field `staus`", "did you mean `status`? the fields are status, subject,"),
        (
            "status = open",
            9,
            "expected one of its values for `status`",
            "did you mean `OPEN`? the values are NEW, OPEN, RESOLVED",
        ),
        ("status = \"\"", 9, "expected one of its values for `status`", "the values are"),
        ("status = NE*", 9, "expected one of its values for `status`", "the values are"),
        ("status = me()", 9, "expected one of its values for `status`", "the values are"),
        ("status > NEW", 7, "expected =, != or :* after `status`", "status = X OR status = Y"),
        ("status:NEW", 6, "expected =, != or :* after `status`", "OR"),
        ("subject > a", 8, "expected =, != or : after `subject`", "no order"),
        ("subject = *", 10, "expected text before the `*` for `subject`", "`field:*`"),
        ("subject:\"\"", 8, "expected some text for `subject`", "unset"),
        ("subject:ab*", 8, "expected text without a wildcard for `subject`", "`field = text*`"),
        ("subject:me()", 8, "expected text for `subject`", "me()"),
        ("subject = now()", 10, "expected text for `subject`", "now() is a time"),
        ("tags = vip", 5, "expected : after `tags`", "`NOT tags:x`"),
        ("tags:vi*", 5, "expected a whole element for `tags`", "whole"),
        ("priority:3", 8, "expected =, !=, <, <=, >, >= or :* after `priority`", "`priority >= …`"),
        ("priority = 3.5", 11, "expected a whole number for `priority`", "64 bits"),
        ("priority = \"3\"", 11, "expected a whole number for `priority`", "without quotes"),
        ("priority = 9223372036854775808", 11, "expected a whole number for `priority`", "64 bits"),
        ("paused = yes", 9, "expected true or false for `paused`", "lower case"),
        ("paused < true", 7, "expected =, != or :* after `paused`", "`paused = true`"),
        ("create_time > yesterday", 14, "expected a time for `create_time`", "RFC 3339"),
        ("create_time > 2026-01-31", 14, "expected a time for `create_time`", "RFC 3339"),
        ("create_time > 0000-12-31T23:59:59Z", 14, "expected a time for `create_time`", "years 0001"),
        ("create_time > me()", 14, "expected a time for `create_time`", "now()"),
        ("custom_fields.a < 3", 16, "expected =, != or : after `custom_fields`", "as text"),
    ];
    for (text, at, problem, hint) in table {
        let error = refusal(text);
        assert_eq!((error.at, error.problem.as_str()), (at, problem), "{text}");
        assert!(error.hint.contains(hint), "{text}: {}", error.hint);
    }
}

#[test]
fn suggests_only_what_is_near() {
    assert!(refusal("zebra = NEW").hint.starts_with("the fields are"));
    assert!(refusal("status = GONE").hint.starts_with("the values are"));
    assert!(refusal("status = NWE").hint.starts_with("did you mean `NEW`?"));
}

#[test]
fn shows_how_to_parenthesise() {
    let table = [
        (
            "status=NEW AND paused=true OR priority=1",
            27,
            "write `(status=NEW AND paused=true) OR …` or `… AND (paused=true OR …)`",
        ),
        (
            "priority=1 OR priority=2 paused=true",
            25,
            "write `(priority=1 OR priority=2) AND …` or `… OR (priority=2 AND …)`",
        ),
        (
            "tags:x (priority=1 OR NOT priority=2 AND paused=true)",
            37,
            "write `(priority=1 OR NOT priority=2) AND …` or `… OR (NOT priority=2 AND …)`",
        ),
    ];
    for (text, at, hint) in table {
        let error = refusal(text);
        assert_eq!((error.at, error.hint.as_str()), (at, hint), "{text}");
        assert!(error.problem.contains("need parentheses"), "{text}: {}", error.problem);
    }
}

#[test]
fn keeps_the_limits() {
    let longest = format!("subject = \"{}\"", "x".repeat(MAX_BYTES - 12));
    assert!(parse(&longest, &SCHEMA).is_ok());
    assert_eq!(refusal(&format!("{longest} ")).problem, "expected at most 2048 bytes, found 2049");

    let terms = |count| vec!["paused=true"; count].join(" OR ");
    assert!(parse(&terms(MAX_TERMS), &SCHEMA).is_ok());
    let error = refusal(&terms(MAX_TERMS + 1));
    assert_eq!((error.at, error.problem.as_str()), (MAX_TERMS * 15, "expected at most 50 comparisons"));

    let deep = |depth| format!("{}paused=true{}", "(".repeat(depth), ")".repeat(depth));
    assert!(parse(&deep(MAX_DEPTH), &SCHEMA).is_ok());
    let error = refusal(&deep(MAX_DEPTH + 1));
    assert_eq!((error.at, error.problem.as_str()), (MAX_DEPTH, "expected parentheses at most 8 deep"));

    let long = "x".repeat(1000);
    assert!(refusal(&format!("{long} = 1")).to_string().len() < 512, "messages stay short");
}

#[test]
fn writes_sql() {
    let table = [
        ("status = OPEN", "(t.status = $1)"),
        ("status != OPEN", "((t.status = $1) is not true)"),
        ("assignee = me()", "(t.assignee = $1)"),
        ("assignee = \"\"", "(t.assignee is null or t.assignee = '')"),
        ("assignee:*", "(t.assignee <> '')"),
        ("subject = ab*", "(t.subject like $1)"),
        ("subject:ab", "(t.subject ilike $1)"),
        ("tags:vip", "(t.tags @> array[$1])"),
        ("tags:*", "(t.tags <> '{}')"),
        ("priority <= 3", "(t.priority <= $1)"),
        ("paused = false", "(t.paused = $1)"),
        ("create_time < now()", "(t.created_at < $1)"),
        ("create_time:*", "(t.created_at is not null)"),
        (
            "custom_fields.serial = x",
            "(coalesce(t.custom_fields -> $1 ->> 'time', t.custom_fields ->> $2) = $3)",
        ),
        (
            "custom_fields.serial = \"\"",
            "(coalesce(t.custom_fields -> $1 ->> 'time', t.custom_fields ->> $2) is null \
             or coalesce(t.custom_fields -> $3 ->> 'time', t.custom_fields ->> $4) = '')",
        ),
        ("annotations.source:*", "(t.annotations ? $1)"),
        (
            "(paused=true OR priority=1) -tags:x",
            "(((t.paused = $1) or (t.priority = $2)) and ((t.tags @> array[$3]) is not true))",
        ),
        ("subject = \"'; drop table tickets; --\"", "(t.subject = $1)"),
    ];
    for (text, expected) in table {
        assert_eq!(sql(text), expected, "{text}");
    }
    assert_eq!(sql::like(r"50%_\"), r"50\%\_\\");
}

#[test]
fn the_examples_of_the_documentation_are_accepted() {
    let page = include_str!("../../docs/filter.md");
    let examples: Vec<_> =
        page.split("```filter\n").skip(1).filter_map(|rest| rest.split("```").next()).collect();
    assert!(!examples.is_empty());
    for line in examples.into_iter().flat_map(str::lines) {
        read(line);
    }
}

/// A row with a value, or none, for every field.
#[derive(Debug)]
struct Row {
    texts: [Option<String>; 3],
    tags: Option<Vec<String>>,
    priority: Option<i64>,
    paused: Option<bool>,
    create_time: Option<Timestamp>,
    maps: [Option<serde_json::Value>; 2],
}

impl Lookup for Row {
    fn get(&self, field: &str) -> Option<Value<'_>> {
        match field {
            "status" => self.texts[0].as_deref().map(Value::Text),
            "subject" => self.texts[1].as_deref().map(Value::Text),
            "assignee" => self.texts[2].as_deref().map(Value::Text),
            "tags" => self.tags.as_deref().map(Value::TextSet),
            "priority" => self.priority.map(Value::Int),
            "paused" => self.paused.map(Value::Bool),
            "create_time" => self.create_time.map(Value::Time),
            "custom_fields" => self.maps[0].as_ref().map(Value::Json),
            "annotations" => self.maps[1].as_ref().map(Value::Json),
            other => panic!("no field {other}"),
        }
    }
}

/// As it is kept: a text that looks the same is no instant.
#[test]
fn an_instant_is_compared_as_text() {
    let row = |since| Row {
        texts: [const { None }; 3],
        tags: None,
        priority: None,
        paused: None,
        create_time: None,
        maps: [Some(json!({ "since": since })), None],
    };
    for since in [json!({"time": "2026-01-01T00:00:00Z"}), json!("2026-01-01T00:00:00Z")] {
        for text in ["custom_fields.since = \"2026-01-01T00:00:00Z\"", "custom_fields.since = 2026*"] {
            assert!(read(text).matches(&row(since.clone()), &SCOPE), "{text} {since}");
        }
    }
}

#[test]
fn matches_rows() {
    let full = Row {
        texts: [Some("OPEN".into()), Some("Paper jam".into()), Some("agent-7".into())],
        tags: Some(vec!["vip".into(), "agent-7".into()]),
        priority: Some(2),
        paused: Some(true),
        create_time: Some(SCOPE.now),
        maps: [Some(json!({"serial": "AB-1", "gone": null, "floor": 3})), None],
    };
    let empty = Row {
        texts: [const { None }; 3],
        tags: None,
        priority: None,
        paused: None,
        create_time: None,
        maps: [None, None],
    };
    // The filter, whether it takes the full row, whether it takes the empty one.
    let table = [
        ("status = OPEN", true, false),
        ("status != OPEN", false, true),
        ("status:*", true, false),
        ("subject = 'Paper jam'", true, false),
        ("subject = Paper*", true, false),
        ("subject = jam*", false, false),
        ("subject != jam*", true, true),
        ("subject:'ER J'", true, false),
        ("assignee = me()", true, false),
        ("assignee != x", true, true),
        ("assignee = ''", false, true),
        ("assignee != ''", true, false),
        ("tags:vip", true, false),
        ("tags:VIP", false, false),
        ("tags:me()", true, false),
        ("-tags:vip", false, true),
        ("tags:*", true, false),
        ("priority = 2", true, false),
        ("priority < 2", false, false),
        ("priority <= 2", true, false),
        ("priority > 2", false, false),
        ("priority >= 2", true, false),
        ("NOT priority > 2", true, true),
        ("paused = false", false, false),
        ("paused != false", true, true),
        ("create_time = now()", true, false),
        ("create_time < 1970-01-01T00:00:00.000001Z", true, false),
        ("custom_fields.serial = AB*", true, false),
        ("custom_fields.serial:AB", false, false),
        ("custom_fields.floor = 3", true, false),
        ("custom_fields.gone:*", true, false),
        ("custom_fields.gone = ''", true, true),
        ("custom_fields.other = ''", true, true),
        ("annotations.source:*", false, false),
        ("paused=true OR subject=x", true, false),
        ("paused=true AND subject=x", false, false),
    ];
    for (text, takes_full, takes_empty) in table {
        let expr = read(text);
        let got = (expr.matches(&full, &SCOPE), expr.matches(&empty, &SCOPE));
        assert_eq!(got, (takes_full, takes_empty), "{text}");
    }
}
