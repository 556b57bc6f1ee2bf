//! What a document must be, what a plan says, and that a document is the same in every form.

mod plans;
mod properties;
mod wire;

use std::sync::LazyLock;

use super::{Document, validate};
use crate::error::{Error, Reason, Violations};

fn sample() -> Document {
    static SAMPLE: LazyLock<Document> = LazyLock::new(|| read(include_str!("../../demo/configuration.yaml")));
    SAMPLE.clone()
}

fn read(yaml: &str) -> Document {
    serde_saphyr::from_str(yaml).unwrap_or_else(|error| panic!("{error}\n{yaml}"))
}

/// `path: text` of every fault.
fn faults(document: &Document) -> Vec<String> {
    let mut faults = Violations::default();
    validate(document, &mut faults);
    told(faults)
}

fn told(faults: Violations) -> Vec<String> {
    match faults.into_result_as(Reason::ConfigurationInvalid) {
        Ok(()) => Vec::new(),
        Err(Error::Invalid(Reason::ConfigurationInvalid, violations)) => {
            violations.into_iter().map(|fault| format!("{}: {}", fault.field, fault.text)).collect()
        }
        Err(other) => panic!("{other:?}"),
    }
}

#[test]
fn the_sample_has_no_fault() {
    assert_eq!(faults(&sample()), Vec::<String>::new());
}

#[test]
fn the_smallest_document_of_the_guide_has_no_fault() {
    let guide = include_str!("../../docs/configuration.md");
    let document =
        guide.split("```yaml").nth(1).and_then(|rest| rest.split("```").next()).expect("an example");
    assert_eq!(faults(&read(document)), Vec::<String>::new());
}

#[test]
fn the_promises_and_ladders_of_the_guide_have_no_fault() {
    let guide = include_str!("../../docs/sla.md");
    let mut document = sample();
    for example in guide.split("```yml").skip(1).filter_map(|rest| rest.split("```").next()) {
        let parts = read(example);
        let given = (!parts.sla_policies.is_empty(), !parts.ladders.is_empty());
        assert!(given.0 != given.1, "an example of one part");
        if given.0 { document.sla_policies = parts.sla_policies } else { document.ladders = parts.ladders }
    }
    assert_eq!(faults(&document), Vec::<String>::new());
}

#[test]
fn an_empty_document_lacks_all_that_is_needed() {
    assert_eq!(
        faults(&Document::default()),
        [
            "levels: must not be empty",
            "teams: must not be empty",
            "queues: must not be empty",
            "priorities: must not be empty",
            "resolution_codes: must not be empty",
            "default_priority: is required",
            "default_queue: is required",
        ]
    );
}

/// The parts of a small document; each case replaces one.
const PARTS: &[(&str, &str)] = &[
    ("levels", "[{key: L1}, {key: L2}]"),
    ("teams", "[{key: desk, level: L1}, {key: back, level: L2, queue: back}]"),
    ("queues", "[{key: first, team: desk}, {key: back, team: back}]"),
    ("skills", "[{key: german}]"),
    ("categories", "[{key: hardware}, {key: printer, parent: hardware}]"),
    ("custom_fields", "[{key: serial}]"),
    ("priorities", "[{key: P1}, {key: P2}]"),
    ("priority_matrix", "[{impact: LOW, urgency: LOW, priority: P2}]"),
    ("default_priority", "P2"),
    ("resolution_codes", "[{key: fixed}]"),
    ("routing_rules", "[{key: all, queue: first}]"),
    ("default_queue", "first"),
    ("lifecycle", "{}"),
    ("knowledge", "{}"),
    ("escalation", "{}"),
    ("default_language_code", "en"),
    (
        "calendars",
        "[{key: office, time_zone: UTC, hours: [{days: [MONDAY], open: '08:00', close: '18:00'}]}]",
    ),
    ("load_weights", "[]"),
    ("sla_policies", "[]"),
    ("ladders", "[]"),
];

/// The small document with this part instead.
fn with(part: &str, value: &str) -> Document {
    let known = PARTS.iter().any(|(name, _)| *name == part);
    assert!(known, "{part} is no part");
    let lines = PARTS.iter().map(|(name, usual)| {
        let value = if *name == part { value } else { usual };
        format!("{name}: {value}\n")
    });
    read(&lines.collect::<String>())
}

#[test]
fn the_small_document_has_no_fault() {
    assert_eq!(faults(&with("levels", PARTS[0].1)), Vec::<String>::new());
}

const FIELDS: &str = "custom_fields.KEY (of a configured KEY), description, requester, organization, category, product, \
                      language_code, tags, external_key";
const KEY: &str = "must be 1 to 64 characters without control characters or blanks at either end";

/// Part, what it is instead, and every fault that this makes.
#[rustfmt::skip]
const FAULTS: &[(&str, &str, &[&str])] = &[
    // Keys and names.
    ("skills", "[{key: ''}]", &["skills[0].key: {KEY}"]),
    ("skills", "[{key: ' german'}]", &["skills[0].key: {KEY}"]),
    ("skills", "[{key: \"a\\tb\"}]", &["skills[0].key: {KEY}"]),
    ("skills", "[{key: g}, {key: x}, {key: g}]", &["skills[2].key: \"g\" is the key of skills[0] already"]),
    ("skills", "[{key: g, display_name: \"a\\nb\"}]",
        &["skills[key=\"g\"].display_name: must be at most 128 characters without control characters"]),
    // Levels.
    ("levels", "[{key: L1, bounce_limit: -1}, {key: L2, bounce_limit: 1001}]", &[
        "levels[key=\"L1\"].bounce_limit: must be 0 to 1000; 0 is no limit",
        "levels[key=\"L2\"].bounce_limit: must be 0 to 1000; 0 is no limit"]),
    ("levels", "[{key: L1, acceptance_target_duration: 0s}, {key: L2, acceptance_target_duration: 1.5s}]", &[
        "levels[key=\"L1\"].acceptance_target_duration: must be whole seconds, 1 s to 366 days",
        "levels[key=\"L2\"].acceptance_target_duration: must be whole seconds, 1 s to 366 days"]),
    // Teams and queues.
    ("teams", "[{key: desk, level: L9}, {key: back}]", &[
        "teams[key=\"desk\"].level: there is no \"L9\" in levels",
        "teams[key=\"back\"].level: is required"]),
    ("teams", "[{key: desk, level: L1}, {key: back, level: L2}, {key: idle, level: L2}]",
        &["teams[key=\"idle\"].queue: the team has no queue: name one, or add one that names the team"]),
    ("teams", "[{key: desk, level: L1, queue: back}, {key: back, level: L2, queue: gone}]", &[
        "teams[key=\"desk\"].queue: \"back\" is the queue of the team \"back\"",
        "teams[key=\"back\"].queue: there is no \"gone\" in queues"]),
    ("queues", "[{key: first, team: desk}, {key: back, team: back}, {key: a/b, team: gone}, {key: c}]", &[
        "queues[key=\"a/b\"].team: there is no \"gone\" in teams",
        "queues[key=\"a/b\"].key: must not contain /",
        "queues[key=\"c\"].team: is required"]),
    // Calendars; the rest is told beside their rules.
    ("calendars", "[{key: office, display_name: \"a\\nb\"}]", &[
        "calendars[key=\"office\"].time_zone: is required, for instance Europe/Berlin",
        "calendars[key=\"office\"].hours: the calendar never opens",
        "calendars[key=\"office\"].display_name: must be at most 128 characters without control characters"]),
    ("teams", "[{key: desk, level: L1, calendar: ofice}, {key: back, level: L2, calendar: moon}]", &[
        "teams[key=\"desk\"].calendar: there is no \"ofice\" in calendars; did you mean \"office\"?",
        "teams[key=\"back\"].calendar: there is no \"moon\" in calendars"]),
    // Categories.
    ("categories", "[{key: a, parent: gone}]", &["categories[key=\"a\"].parent: there is no \"gone\" in categories"]),
    ("categories", "[{key: a, parent: a}]", &["categories[key=\"a\"].parent: leads back to itself: a -> a; let one of them lead elsewhere"]),
    ("categories", "[{key: x, parent: b}, {key: b, parent: c}, {key: c, parent: b}, {key: d, parent: d}]", &[
        "categories[key=\"b\"].parent: leads back to itself: b -> c -> b; let one of them lead elsewhere",
        "categories[key=\"d\"].parent: leads back to itself: d -> d; let one of them lead elsewhere"]),
    ("categories", "[{key: a, required_fields: [product, titel, custom_fields.serial, custom_fields.gone]}]", &[
        "categories[key=\"a\"].required_fields[1]: \"titel\" is none of {FIELDS}",
        "categories[key=\"a\"].required_fields[3]: \"custom_fields.gone\" is none of {FIELDS}"]),
    // Custom fields.
    ("custom_fields", "[{key: Serial}]", &["custom_fields[key=\"Serial\"].key: must be of lower-case letters, digits and _"]),
    ("custom_fields", "[{key: a, options: [x]}, {key: b, type: CHOICE}, {key: c, type: CHOICE, options: [x, ' ', x]}]", &[
        "custom_fields[key=\"a\"].options: goes with the type CHOICE only",
        "custom_fields[key=\"b\"].options: must not be empty for the type CHOICE",
        "custom_fields[key=\"c\"].options[1]: must be 1 to 128 characters without control characters",
        "custom_fields[key=\"c\"].options[2]: \"x\" is an option already"]),
    // Priorities.
    ("priority_matrix", "[{impact: HUGE, urgency: now, priority: P1}]", &[
        "priority_matrix[0].impact: \"HUGE\" is none of LOW, MEDIUM, HIGH, MAJOR",
        "priority_matrix[0].urgency: \"now\" is none of LOW, MEDIUM, HIGH, CRITICAL"]),
    ("priority_matrix",
        "[{impact: LOW, urgency: LOW, priority: P1}, {impact: LOW, urgency: LOW, priority: P9}, {impact: LOW, urgency: HIGH}]", &[
        "priority_matrix[1]: the cell LOW, LOW is there already",
        "priority_matrix[1].priority: there is no \"P9\" in priorities",
        "priority_matrix[2].priority: is required"]),
    ("default_priority", "P9", &["default_priority: there is no \"P9\" in priorities"]),
    // Routing.
    ("routing_rules", "[{key: german}]", &["routing_rules[key=\"german\"].queue: a rule needs a queue or a team"]),
    ("routing_rules", "[{key: german, queue: frist}]",
        &["routing_rules[key=\"german\"].queue: there is no \"frist\" in queues; did you mean \"first\"?"]),
    ("routing_rules", "[{key: german, queue: gone}]",
        &["routing_rules[key=\"german\"].queue: there is no \"gone\" in queues"]),
    ("routing_rules", "[{key: german, queue: first, team: gone}]", &[
        "routing_rules[key=\"german\"].team: a rule has either a queue or a team, not both",
        "routing_rules[key=\"german\"].team: there is no \"gone\" in teams"]),
    ("routing_rules", "[{key: a, team: desk, required_skills: [german, '', french]}]", &[
        "routing_rules[key=\"a\"].required_skills[1].skill: is required",
        "routing_rules[key=\"a\"].required_skills[2].skill: there is no \"french\" in skills"]),
    ("routing_rules", "[{key: a, team: desk, priority_floor: P9, required_skills: [{skill: german, min_level: 6}, german]}]", &[
        "routing_rules[key=\"a\"].priority_floor: there is no \"P9\" in priorities",
        "routing_rules[key=\"a\"].required_skills[0].min_level: must be 1 (knows it) to 5 (teaches it)",
        "routing_rules[key=\"a\"].required_skills[1].skill: \"german\" is asked for already"]),
    ("routing_rules", "[{key: a, team: desk, preferred_skills: [{skill: german, drop_after_duration: 0s}, {skill: x, drop_after_duration: 31d}]}]", &[
        "routing_rules[key=\"a\"].preferred_skills[1].skill: there is no \"x\" in skills",
        "routing_rules[key=\"a\"].preferred_skills[0].drop_after_duration: must be whole seconds, 1 s to 30 days",
        "routing_rules[key=\"a\"].preferred_skills[1].drop_after_duration: must be whole seconds, 1 s to 30 days"]),
    ("routing_rules",
        "[{key: a, team: desk, preferred_skills: [{skill: german, drop_after_duration: 2m}, {skill: german, drop_after_duration: 1m}]}]", &[
        "routing_rules[key=\"a\"].preferred_skills[1].skill: \"german\" is asked for already",
        "routing_rules[key=\"a\"].preferred_skills[1].drop_after_duration: is shorter than that of the one before; skills drop in the order of the list"]),
    // Queues that give their tickets away.
    ("queues", "[{key: first, team: desk, offer_duration: 1m, cool_down_duration: 1m, overflow_queue: back, overflow_after_duration: 1m}, {key: back, team: back}]", &[
        "queues[key=\"first\"].offer_duration: goes with the dispatch OFFER only",
        "queues[key=\"first\"].cool_down_duration: goes with the dispatch OFFER only",
        "queues[key=\"first\"].overflow_after_duration: goes with the dispatch PUSH or OFFER only",
        "queues[key=\"first\"].overflow_queue: goes with the dispatch PUSH or OFFER only: from a PULL queue agents take what they can"]),
    ("queues", "[{key: first, team: desk, dispatch: OFFER, offer_duration: 4s, cool_down_duration: 8d, overflow_queue: gone, overflow_after_duration: 31d}, {key: back, team: back}]", &[
        "queues[key=\"first\"].offer_duration: must be whole seconds, 5 s to 1 days",
        "queues[key=\"first\"].cool_down_duration: must be whole seconds, 0 s to 7 days",
        "queues[key=\"first\"].overflow_after_duration: must be whole seconds, 0 s to 30 days",
        "queues[key=\"first\"].overflow_queue: there is no \"gone\" in queues"]),
    ("queues", "[{key: first, team: desk, dispatch: PUSH, overflow_queue: back}, {key: back, team: back}]", &[
        "queues[key=\"first\"].overflow_queue: \"back\" is a queue of another level; between levels tickets move by escalation"]),
    ("queues",
        "[{key: first, team: desk, dispatch: PUSH, overflow_queue: second}, {key: second, team: desk, dispatch: PUSH, overflow_queue: first}, {key: back, team: back}]", &[
        "queues[key=\"first\"].overflow_queue: leads back to itself: first -> second -> first; let one of them lead elsewhere"]),
    // Weights.
    ("load_weights", "[{weight: 1}, {channel: FAX, weight: 101}, {state: NEW}, {state: OPEN}, {state: OPEN, weight: 2}]", &[
        "load_weights[0]: needs a channel, a state or both",
        "load_weights[1].channel: \"FAX\" is none of PHONE, EMAIL, CHAT, SOCIAL, PORTAL, API, REMOTE, ON_SITE, LETTER",
        "load_weights[1].weight: must be 0 to 100",
        "load_weights[2].state: \"NEW\" is none of OPEN, WAITING_ON_CUSTOMER, WAITING_ON_VENDOR, ON_HOLD",
        "load_weights[4]: is there already"]),
    ("routing_rules", "[{key: a, queue: first, condition: 'ticket.product = \"x\"'}]", &[
        "routing_rules[key=\"a\"].condition: line 1, column 16: a single =; write == to compare"]),
    ("routing_rules", "[{key: a, queue: first, condition: 'ticket.custom_fields.serial > 5'}]", &[
        "routing_rules[key=\"a\"].condition: line 1, column 29: serial is text: write \"5\""]),
    ("routing_rules", "[{key: a, queue: first, condition: 'has(ticket.custom_fields.seats)'}]", &[
        "routing_rules[key=\"a\"].condition: line 1, column 26: no custom field \"seats\" is configured; add it to custom_fields"]),
    ("routing_rules", "[{key: a, queue: first, condition: 'ticket.prodct == \"x\"'}]", &[
        "routing_rules[key=\"a\"].condition: line 1, column 8: a ticket has no field \"prodct\"; did you mean \"product\"?"]),
    ("default_queue", "gone", &["default_queue: there is no \"gone\" in queues"]),
    // The rest.
    ("lifecycle", "{auto_close_duration: 3661d, reopen_window_duration: 0.5s}", &[
        "lifecycle.auto_close_duration: must be whole seconds, 0 s to 3660 days",
        "lifecycle.reopen_window_duration: must be whole seconds, 0 s to 3660 days"]),
    ("knowledge", "{stale_reopen_count: -1, stale_reopen_percent: 0}", &[
        "knowledge.stale_reopen_count: must be 0 to 1000000",
        "knowledge.stale_reopen_percent: must be 1 to 100"]),
    ("lifecycle", "{retention_duration: 29d}", &[
        "lifecycle.retention_duration: must be whole seconds, 2592000 s to 36600 days"]),
    ("lifecycle", "{retention_duration: 30d, reopen_window_duration: 31d}", &[
        "lifecycle.retention_duration: is shorter than the time in which a ticket may be reopened"]),
    ("escalation", "{expire_duration: 0s}", &["escalation.expire_duration: must be whole seconds, 1 s to 366 days"]),
    ("default_language_code", "deutsch!", &["default_language_code: must be a BCP 47 language tag, for instance en or de-AT"]),
    ("default_language_code", "''", &["default_language_code: must be a BCP 47 language tag, for instance en or de-AT"]),
];

#[test]
fn every_fault_is_named_by_its_path() {
    for (part, value, expected) in FAULTS {
        let expected: Vec<String> =
            expected.iter().map(|fault| fault.replace("{KEY}", KEY).replace("{FIELDS}", FIELDS)).collect();
        assert_eq!(faults(&with(part, value)), expected, "{part}: {value}");
    }
}

#[test]
fn lists_are_bounded() {
    let list = |count: usize, rest: &str| {
        let items = (0..count).map(|n| format!("{{key: k{n}{rest}}}"));
        format!("[{}]", items.collect::<Vec<_>>().join(", "))
    };
    assert_eq!(faults(&with("skills", &list(1000, ""))), Vec::<String>::new());
    assert_eq!(faults(&with("skills", &list(1001, ""))), ["skills: must be at most 1000; these are 1001"]);
    // Then nothing else is looked at: what refers to one of too many would be compared with all of them.
    let lost = Document { default_queue: "gone".to_owned(), ..with("skills", &list(1001, "")) };
    assert_eq!(faults(&lost), ["skills: must be at most 1000; these are 1001"]);
    assert_eq!(
        faults(&with("routing_rules", &list(501, ", queue: first"))),
        ["routing_rules: must be at most 500; these are 501"]
    );
    let options = (0..101).map(|n| format!("o{n}")).collect::<Vec<_>>().join(", ");
    assert_eq!(
        faults(&with("custom_fields", &format!("[{{key: serial, type: CHOICE, options: [{options}]}}]"))),
        ["custom_fields[key=\"serial\"].options: must be at most 100; these are 101"]
    );
    let condition = format!("ticket.title == \"{}\"", "x".repeat(2048));
    assert_eq!(
        faults(&with("routing_rules", &format!("[{{key: a, queue: first, condition: '{condition}'}}]"))),
        ["routing_rules[key=\"a\"].condition: must be at most 2048 bytes; split the rule"]
    );
}

/// As many teams as the largest log that we have seen, five times over.
#[test]
fn an_import_of_many_teams_fits() {
    let mut document = with("lifecycle", "{}");
    for n in 0..1998 {
        document.teams.push(read_part(&format!("{{key: team {n}, level: L1}}")));
        document.queues.push(read_part(&format!("{{key: team {n}, team: team {n}}}")));
    }
    assert_eq!(faults(&document), Vec::<String>::new());
}

fn read_part<T: serde::de::DeserializeOwned>(yaml: &str) -> T {
    serde_saphyr::from_str(yaml).expect("a part")
}

#[test]
fn yaml_that_is_no_document_is_refused_with_its_place() {
    for (yaml, place, word) in [
        ("levels:\n  - key: L1\n    colour: red\n", "line 3", "colour"),
        ("lifecycle:\n  auto_close_duration: soon\n", "line 2", "soon"),
        ("lifecycle: {auto_close_duration: -1h}\n", "line 1", "-1h"),
        ("queues: [{key: a, dispatch: THROW}]\n", "line 1", "THROW"),
        ("levels: [{key: L1, key: L2}]\n", "line 1", "key"),
    ] {
        let fault = serde_saphyr::from_str::<Document>(yaml).expect_err(yaml).to_string();
        assert!(fault.contains(place) && fault.contains(word), "{yaml}: {fault}");
    }
}

const POLICY: &str = "[{key: gold, clocks: [{clock: FIRST_RESPONSE, target_duration: 1h}]}]";

#[test]
fn a_promise_that_cannot_be_kept_or_counted_is_refused_by_its_path() {
    let policy = |clock: &str| {
        faults(&with(
            "sla_policies",
            &format!("[{{key: gold, clocks: [{{clock: FIRST_RESPONSE, {clock}}}]}}]"),
        ))
    };
    let at = |rest: &str| vec![format!("sla_policies[key=\"gold\"].clocks[0].{rest}")];
    assert_eq!(faults(&with("sla_policies", POLICY)), Vec::<String>::new());
    for (clock, expected) in [
        ("", "target_duration: is required, unless there are targets by priority"),
        ("target_duration: 0s", "target_duration: must be whole seconds, 1 s to 366 days"),
        ("target_duration: 1h, calendar: moon", "calendar: there is no \"moon\" in calendars"),
        ("target_duration: 1h, ladder: up", "ladder: there is no \"up\" in ladders"),
        ("target_duration: 1h, level: L1", "level: goes with LEVEL and ACCEPTANCE only"),
        ("target_duration: 1h, count_resolved: true", "count_resolved: goes with TOTAL_RESOLUTION only"),
        (
            "target_duration: 1h, pause_in: [OPEN]",
            "pause_in[0]: \"OPEN\" is none of WAITING_ON_CUSTOMER, WAITING_ON_VENDOR, ON_HOLD",
        ),
        (
            "target_duration: 1h, warnings: [{percent: 100}]",
            "warnings[0].percent: must be 1 to 99: a warning comes before the clock is due",
        ),
        (
            "target_duration: 1h, warnings: [{after_duration: 5m}]",
            "warnings[0].after_duration: would warn when the clock is due already; let a ladder do that",
        ),
        (
            "target_duration: 1h, warnings: [{before_duration: 1h}]",
            "warnings[0].before_duration: must be shorter than the shortest target, 3600 s; with it, the clock would begin with a warning",
        ),
        (
            "target_duration: 1h, warnings: [{percent: 5, before_duration: 1m}]",
            "warnings[0]: must be one of percent, before_duration and after_duration",
        ),
        (
            "targets: [{priority: P9, target_duration: 1h}]",
            "targets[0].priority: there is no \"P9\" in priorities",
        ),
    ] {
        assert_eq!(policy(clock), at(expected), "{clock}");
    }
    let unknown =
        r#"[{key: gold, condition: 'ticket.planet == "x"', clocks: [{clock: LEVEL, target_duration: 1h}]}]"#;
    let fault = &faults(&with("sla_policies", unknown))[0];
    assert!(fault.starts_with("sla_policies[key=\"gold\"].condition: "), "{fault}");
}

#[test]
fn a_ladder_comes_to_an_end_and_says_what_to_do() {
    let ladder = |ladders: &str| faults(&with("ladders", ladders));
    let step = "{at: {percent: 50}, action: NOTIFY, audience: [OWNER]}";
    assert_eq!(ladder(&format!("[{{key: a, steps: [{step}]}}]")), Vec::<String>::new());
    assert_eq!(
        ladder(&format!(
            "[{{key: a, steps: [{step}], next_ladder: b}}, {{key: b, steps: [{step}], next_ladder: a}}]"
        )),
        ["ladders[key=\"a\"].next_ladder: leads back to itself: a -> b -> a; let one of them lead elsewhere"]
    );
    for (step, expected) in [
        ("at: {percent: 50}", "action: is required, for instance NOTIFY"),
        ("at: {percent: 50}, action: NOTIFY", "audience: is required: whom is it for?"),
        ("at: {}, action: RAISE_PRIORITY", "at: must be one of percent, before_duration and after_duration"),
        ("at: {percent: 5000}, action: RAISE_PRIORITY", "at.percent: must be 1 to 1,000"),
        ("at: {percent: 50}, action: RAISE_PRIORITY, team: x", "team: goes with ESCALATE only"),
        ("at: {percent: 50}, action: ESCALATE, team: moon", "team: there is no \"moon\" in teams"),
        (
            "at: {percent: 50}, action: PAGE, audience: [everybody]",
            "audience[0]: \"everybody\" is none of OWNER, TEAM, MANAGER, agent:KEY, team:KEY",
        ),
    ] {
        assert_eq!(
            ladder(&format!("[{{key: a, steps: [{{{step}}}]}}]")),
            [format!("ladders[key=\"a\"].steps[0].{expected}")],
            "{step}"
        );
    }
}
