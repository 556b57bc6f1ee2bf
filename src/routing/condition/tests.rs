//! What conditions are refused with, what they answer, and that neither the types nor the costs can be got around.

mod properties;

use super::*;
use crate::{
    routing::view::FIELDS,
    tickets::{FieldValue, State, fixture},
};

fn fields() -> Vec<CustomField> {
    let fields = "[{key: serial}, {key: seats, type: INT}, {key: production, type: BOOL}, {key: since, type: TIME}, \
                  {key: environment, type: CHOICE, options: [production, test]}]";
    serde_saphyr::from_str(fields).expect("fields")
}

fn compiled(condition: &str) -> Condition {
    compile(condition, &fields()).unwrap_or_else(|fault| panic!("{condition}: {fault}"))
}

fn fault(condition: &str) -> String {
    compile(condition, &fields()).map(|_| ()).expect_err(condition)
}

fn ticket() -> Ticket {
    let mut ticket = fixture::ticket(State::New);
    ticket.title = "Störung im Netz".to_owned();
    ticket.tags = vec!["vip".to_owned(), "sec-7".to_owned()];
    ticket.custom_fields.0.insert("seats".to_owned(), FieldValue::Int(12));
    ticket.custom_fields.0.insert("production".to_owned(), FieldValue::Bool(true));
    ticket.custom_fields.0.insert("since".to_owned(), FieldValue::Time { time: fixture::start() });
    ticket.annotations.0.insert("crm".to_owned(), "4711".to_owned());
    ticket
}

fn asked(condition: &str, ticket: &Ticket) -> Result<bool, String> {
    Conditions(vec![Ok(Some(compiled(condition)))]).ask(ticket).matches(0)
}

#[test]
fn the_document_lists_what_a_condition_sees() {
    let document = include_str!("../../../docs/routing.md");
    let rows = document.lines().filter_map(|line| line.strip_prefix("| `")?.split('`').next());
    assert_eq!(rows.collect::<Vec<_>>(), FIELDS);
}

#[test]
fn the_document_shows_the_faults_as_they_are_told() {
    let document = include_str!("../../../docs/routing.md");
    let mut shown = 0;
    for line in document.lines().filter(|line| line.starts_with("line 1, column ")) {
        let (told, condition) = line.split_once("    ").expect("a fault and its condition");
        assert_eq!(fault(condition.trim()), told.trim());
        shown += 1;
    }
    assert_eq!(shown, 4);
}

#[rustfmt::skip]
const FAULTS: &[(&str, &str)] = &[
    // The grammar.
    ("ticket.product == ", "line 1, column 19: ends where a value is due"),
    ("ticket.product = \"x\"", "line 1, column 16: a single =; write == to compare"),
    ("true &&\n  && false", "line 2, column 3: unexpected token"),
    ("ticket.title == \"ä\" \"b\"", "line 1, column 21: did not expect '\"b\"' here, but <EOF>"),
    // Names.
    ("tickt.product == \"x\"", "line 1, column 1: there is no \"tickt\"; did you mean `ticket`?"),
    ("true && title == \"x\"", "line 1, column 9: there is no \"title\"; a condition knows `ticket`; write ticket.title"),
    ("ticket.prodct == \"x\"", "line 1, column 8: a ticket has no field \"prodct\"; did you mean \"product\"?"),
    ("\"ä\" == ticket[\"prodct\"]", "line 1, column 15: a ticket has no field \"prodct\"; did you mean \"product\"?"),
    ("has(ticket.prodct)", "line 1, column 12: a ticket has no field \"prodct\"; did you mean \"product\"?"),
    ("ticket.custom_fields.seat > 1", "line 1, column 22: no custom field \"seat\" is configured; did you mean \"seats\"?"),
    ("has(ticket.custom_fields.xyz)", "line 1, column 26: no custom field \"xyz\" is configured; add it to custom_fields"),
    ("\"seat\" in ticket.custom_fields", "line 1, column 1: no custom field \"seat\" is configured; did you mean \"seats\"?"),
    ("ticket.title.contain(\"x\")", "line 1, column 14: there is no function \"contain\"; did you mean \"contains\"?"),
    ("lower(ticket.title) == \"x\"", "line 1, column 1: there is no function \"lower\"; docs/routing.md lists those that there are"),
    ("ticket.tags.exists(t)", "line 1, column 13: exists is called otherwise: list.exists(item, …)"),
    ("Ticket{title: \"x\"}", "line 1, column 1: makes a message; there is none here, compare the fields of ticket"),
    ("ticket == ticket", "line 1, column 1: a ticket is read by its fields, which are written out: ticket.title, ticket.tags …"),
    ("ticket[ticket.title] == \"x\"", "line 1, column 8: a field of a ticket must be written out: ticket.title"),
    // Types.
    ("ticket.title > 5", "line 1, column 14: title is text: write \"5\""),
    ("ticket.kind == \"INCIDENT\" && ticket.title > 5", "line 1, column 43: title is text: write \"5\""),
    ("ticket.priority == 1", "line 1, column 17: priority is text: write \"1\""),
    ("1 == ticket.priority", "line 1, column 3: priority is text: write \"1\""),
    ("ticket.custom_fields.seats > \"10\"", "line 1, column 28: seats is a whole number: write 10"),
    ("ticket.custom_fields[\"production\"] == \"true\"", "line 1, column 36: production is true or false: write true"),
    ("ticket.custom_fields.since > timestamp(\"2026-01-01T00:00:00Z\")",
        "line 1, column 28: since is text and is compared with a timestamp; compare like with like"),
    ("ticket.title == null", "line 1, column 14: title is text and is compared with null; compare like with like"),
    ("ticket.tags == \"vip\"", "line 1, column 13: tags is a list and is compared with text; compare like with like"),
    ("ticket.tags < ticket.tags", "line 1, column 1: tags has no order, so < cannot compare it"),
    ("ticket.tags + 1 == 2", "line 1, column 13: + cannot be used with a list and a whole number"),
    ("ticket.title + 1 == \"x1\"",
        "line 1, column 14: + cannot be used with text and a whole number; text is made with string(…), numbers with int(…)"),
    ("1 + 1.0 > 2", "line 1, column 3: + cannot be used with a whole number and a decimal number; make them alike with int(…) or double(…)"),
    ("ticket.title && true", "line 1, column 1: title is text, where true or false is needed; compare it, for instance … != \"\""),
    ("!ticket.tags", "line 1, column 2: tags is a list, where true or false is needed; compare it, for instance size(…) > 0"),
    ("ticket.tags.exists(t, t)", "line 1, column 23: t is text, where true or false is needed; compare it, for instance … != \"\""),
    ("ticket.title ? true : false", "line 1, column 1: title is text, where true or false is needed; compare it, for instance … != \"\""),
    ("size(5) > 1", "line 1, column 1: size takes text, bytes, a list, a map, not a whole number"),
    ("ticket.tags.contains(\"x\")", "line 1, column 13: a list has no contains; write \"x\" in ticket.tags"),
    ("ticket.title.startsWith(3)", "line 1, column 14: startsWith takes text, not a whole number; write \"3\""),
    ("ticket.title.startsWith()", "line 1, column 14: startsWith takes 1 arguments, not 0"),
    ("startsWith(ticket.title, \"x\")", "line 1, column 1: startsWith is called otherwise: ticket.title.startsWith(\"x\")"),
    ("ticket.tags.startsWith(\"x\")", "line 1, column 13: startsWith belongs to text, not a list"),
    ("\"a\" in ticket.title",
        "line 1, column 5: in looks into a list or a map, and title is text; write ticket.title.contains(\"a\")"),
    ("1 in ticket.tags", "line 1, column 3: a whole number is never in tags, which has text"),
    ("ticket.title.x == 1", "line 1, column 14: title has no fields"),
    ("ticket.tags[\"x\"] == \"y\"", "line 1, column 13: tags is read by its place, from 0, not by text"),
    ("ticket.title[0] == \"y\"", "line 1, column 1: title is neither a list nor a map"),
    ("ticket.title.all(t, true)", "line 1, column 1: loops over a list or a map; title is text"),
    ("ticket.custom_fields.map(k, k)[0] == \"x\"",
        "line 1, column 1: map and filter need a list, since the keys of a map have no order; use all, exists or exists_one"),
    ("{[1]: 2} == {}", "line 1, column 2: a list is no key of a map; a key is text or a number"),
    ("ticket.title", "line 1, column 1: gives text, not true or false; compare it with something"),
    ("ticket.tags.map(t, t)", "line 1, column 1: gives a list, not true or false; compare it with something"),
    // Codes.
    ("ticket.impact == \"SEVERE\"", "line 1, column 18: impact is never \"SEVERE\"; it is one of LOW, MEDIUM, HIGH, MAJOR"),
    ("\"Incident\" != ticket.kind", "line 1, column 1: kind is never \"Incident\"; did you mean \"INCIDENT\"?"),
    ("ticket.urgency in [\"HIGH\", \"CRITCAL\"]", "line 1, column 28: urgency is never \"CRITCAL\"; did you mean \"CRITICAL\"?"),
    // Patterns.
    ("ticket.title.matches(ticket.product)", "line 1, column 22: the pattern of matches must be written out, in quotes"),
    ("ticket.title.matches(\"(a\")", "line 1, column 22: is no pattern: unclosed group"),
    ("ticket.title.matches(\"\\\\w{100}\")",
        "line 1, column 22: is too large a pattern; repeat less, or write [a-z] for \\w and [0-9] for \\d"),
    // Sizes.
    ("[1].all(a, [1].all(b, [1].all(c, true)))", "line 1, column 23: has more than 2 loops in each other; split the rule"),
    ("((1 < 2) == true) && [[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]] == []",
        "line 1, column 1: is nested more than 32 deep; split the rule"),
];

#[test]
fn a_fault_says_where_and_what_to_do() {
    let told = FAULTS.iter().map(|(condition, expected)| (*condition, fault(condition), *expected));
    let wrong: Vec<_> = told.filter(|(_, told, expected)| told != expected).collect();
    assert!(wrong.is_empty(), "{wrong:#?}");
    let chain = fault(&format!("{}true", "1 < 2 == ".repeat(40)));
    assert!(chain.ends_with("is nested more than 32 deep; split the rule"), "{chain}");
    assert!(fault(&"x".repeat(MAX_CONDITION + 1)).contains("2048 bytes"));
    assert!(fault(&"\u{1F600}".repeat(500)).chars().count() < 200);
}

#[rustfmt::skip]
const ANSWERS: &[(&str, bool)] = &[
    ("true", true),
    ("ticket.title == \"Störung im Netz\" && \"vip\" in ticket.tags", true),
    ("ticket.tags.exists(tag, tag.startsWith(\"sec-\"))", true),
    ("has(ticket.custom_fields.serial) && ticket.custom_fields.serial.matches(\"^A[0-9]+$\")", false),
    ("ticket.custom_fields[\"seats\"] > 10", true),
    ("ticket.custom_fields.seats > 10.5 && ticket.custom_fields.production", true),
    ("ticket.custom_fields.since == \"2026-03-02T08:00:00Z\"", true),
    ("timestamp(ticket.custom_fields.since).getHours() == 8", true),
    ("type(ticket.title) == string && type(ticket.tags) == list && type(ticket.annotations) == map", true),
    ("ticket.category.startsWith(\"hardware\") ? ticket.impact == \"HIGH\" : false", false),
    ("ticket[\"title\"].matches(\"(?i)st\\u00F6rung\") // long", true),
    ("matches(ticket.title, \"Netz$\") && !ticket.title.matches(\"Netz.\")", true),
    ("ticket.tags.map(t, t.size()).filter(n, n > 3) == [5]", true),
    ("ticket.tags.exists_one(t, t.matches(\"^v\"))", true),
    ("ticket.custom_fields.exists(key, key == \"seats\" && ticket.custom_fields[key] == 12)", true),
    ("ticket.annotations.all(key, ticket.annotations[key].size() == 4) && \"crm\" in ticket.annotations", true),
    ("ticket.annotations == {\"crm\": \"4711\"} && size(ticket.custom_fields) == 3", true),
    ("[].all(x, x > 1) && ticket.impact in [\"LOW\", \"MEDIUM\", \"HIGH\", \"MAJOR\"]", true),
    ("[ticket].exists(t, true) || true", true),
    ("dyn(ticket.title) == 5 || ticket.priority != \"P9\"", true),
];

#[test]
fn what_works_is_answered() {
    let ticket = ticket();
    for (condition, expected) in ANSWERS {
        if condition.starts_with("[ticket]") {
            assert!(fault(condition).contains("read by its fields"));
            continue;
        }
        assert_eq!(asked(condition, &ticket), Ok(*expected), "{condition}");
    }
}

#[test]
fn what_a_ticket_lacks_is_an_error_that_keeps_its_values() {
    let ticket = ticket();
    let lacks = "asks for a key that the ticket does not have";
    assert_eq!(asked("ticket.custom_fields.serial == \"x\"", &ticket), Err(lacks.to_owned()));
    assert_eq!(asked("ticket.annotations.none == \"x\"", &ticket), Err(lacks.to_owned()));
    let unlike = "> cannot be used with what the ticket has there";
    let condition = "ticket.custom_fields.exists(key, ticket.custom_fields[key] > {})";
    assert_eq!(asked(&condition.replace("{}", "\"x\""), &ticket), Err(unlike.to_owned()));
    let cannot = "cannot be answered for this ticket";
    assert_eq!(asked("ticket.tags[7] == \"x\"", &ticket), Err(cannot.to_owned()));
    assert_eq!(asked("int(ticket.title) == 7", &ticket), Err(cannot.to_owned()));
}

/// The longest that a ticket can be.
fn longest(tag: &str) -> Ticket {
    let mut ticket = ticket();
    ticket.description = "a".repeat(crate::tickets::MAX_TEXT);
    ticket.tags = vec![tag.to_owned(); crate::tickets::MAX_TAGS];
    ticket
}

#[test]
fn what_is_reasonable_is_within_the_budget_for_the_longest_ticket() {
    let ticket = longest("sec-1234567890");
    for condition in [
        "ticket.tags.exists(t, t.startsWith(\"sec-\"))",
        "ticket.tags.exists(t, t in [\"a\", \"b\", \"c\"])",
        "ticket.tags.all(t, ticket.tags.exists(u, u == t))",
        "ticket.tags.filter(t, t.matches(\"^sec-[0-9]+$\")).size() > 3",
        "ticket.description.contains(\"Outlook\") || ticket.description.contains(\"Exchange\")",
        "ticket.description.matches(\"(?i)(urgent|dringend|asap|sofort)\")",
        "size(ticket.description) > 1000",
        "(ticket.title + \" \" + ticket.description).contains(\"VPN\")",
        "ticket.annotations.exists(k, ticket.annotations[k].contains(\"x\"))",
    ] {
        assert!(asked(condition, &ticket).is_ok(), "{condition}: {:?}", asked(condition, &ticket));
    }
}

#[test]
fn what_could_run_long_is_not_evaluated() {
    let (ticket, longest) = (ticket(), longest("x"));
    for condition in [
        "ticket.tags.map(x, ticket.tags.map(y, ticket.description + ticket.description)).size() > 0",
        "ticket.tags.exists(t, ticket.description.contains(t))",
        "ticket.tags.map(t, ticket.description).exists(d, d.contains(\"b\"))",
        "ticket.description.matches(\"(a|b)*a(a|b){50}c\")",
        "[ticket.description, ticket.description].map(d, [d, d, d]).exists(d, d.exists(e, e.matches(\"\\\\bz\")))",
    ] {
        assert!(asked(condition, &ticket).is_ok(), "{condition}: {:?}", asked(condition, &ticket));
        let long = Err("would take more than 100000 steps for this ticket".to_owned());
        assert_eq!(asked(condition, &longest), long, "{condition}");
    }
}

#[test]
fn a_condition_that_no_usual_ticket_makes_long_is_not_counted() {
    assert!(compiled("ticket.tags.exists(t, t == \"vip\") && ticket.impact == \"HIGH\"").short);
    assert!(!compiled("ticket.tags.exists(t, ticket.description.contains(t))").short);
    let mut ticket = ticket();
    assert!(Sizes::of(&ticket).within(&Sizes::USUAL) && Sizes::of(&longest("x")).within(&Sizes::USUAL));
    ticket.tags = vec![String::new(); 10_000];
    assert!(!Sizes::of(&ticket).within(&Sizes::USUAL));
    let condition = "ticket.tags.all(t, t == ticket.title)";
    assert!(compiled(condition).short && asked(condition, &ticket).is_err());
}

/// Each of these overflows the stack of a parser or an interpreter that does not count; on a test's 2 MiB too.
#[test]
fn no_condition_is_deep_enough_to_overflow_the_stack() {
    let ticket = ticket();
    for (open, core, close) in [
        ("(", "1", ")"),
        ("[", "", "]"),
        ("{1:", "1", "}"),
        ("size(", "1", ")"),
        ("ticket[", "1", "]"),
        ("[1].all(a,", "true", ")"),
        ("true?", "1", ":1"),
        ("false?1:", "1", ""),
        ("!", "true", ""),
        ("-", "1", ""),
        ("1+", "1", ""),
        ("1<", "1", ""),
        ("true&&", "true", ""),
        ("\"\"", "\"", ""),
        ("", "ticket", ".title"),
        ("", "ticket", "[0]"),
    ] {
        for n in [8, MAX_CONDITION / (open.len() + close.len()) - 2] {
            for close in [close, ""] {
                let condition = format!("{}{core}{}", open.repeat(n), close.repeat(n));
                if let Ok(condition) = compile(&condition, &[]) {
                    _ = condition.answer(&View::of(&ticket));
                }
            }
        }
    }
}
