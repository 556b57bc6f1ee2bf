//! Plans: differences by path in the document's order, whom they touch, warnings.

use serde_json::{Value, json};

use super::{read_part, sample, with};
use crate::{
    agents::Member,
    configuration::{
        Document,
        plan::{Change, Touched, differences, touched, warnings},
    },
    tickets::Standing,
};

fn change(path: &str, before: Option<Value>, after: Option<Value>) -> Change {
    Change { path: path.to_owned(), before, after }
}

#[test]
fn equal_documents_differ_nowhere() {
    assert_eq!(differences(&sample(), &sample()), []);
    assert_eq!(touched(&sample(), &sample()), Touched::default());
}

#[test]
fn differences_stand_in_the_order_of_the_document() {
    let before = with("levels", "[{key: L1, bounce_limit: 3}, {key: L2}]");
    let mut after = with(
        "levels",
        "[{key: L1, display_name: Desk, bounce_limit: 2, acceptance_target_duration: 1h}, {key: L2}]",
    );
    after.teams.push(read_part("{key: new, level: L2, queue: new}"));
    after.queues.push(read_part("{key: new, team: new}"));
    after.skills.clear();
    after.categories[1].required_fields = vec!["product".into()];
    after.priority_matrix[0].priority = "P1".into();
    after.escalation.allow_skip = true;
    after.default_language_code = "de".into();
    assert_eq!(
        differences(&before, &after),
        [
            change("levels[key=\"L1\"].display_name", None, Some(json!("Desk"))),
            change("levels[key=\"L1\"].acceptance_target_duration", None, Some(json!("3600s"))),
            change("levels[key=\"L1\"].bounce_limit", Some(json!(3)), Some(json!(2))),
            change(
                "teams[key=\"new\"]",
                None,
                Some(
                    json!({"key": "new", "display_name": "", "level": "L2", "queue": "new", "vendor": false, "calendar": "", "managers": []})
                )
            ),
            change(
                "queues[key=\"new\"]",
                None,
                Some(json!({
                    "key": "new", "display_name": "", "team": "new", "dispatch": "PULL", "offer_duration": null,
                    "cool_down_duration": null, "overflow_queue": "", "overflow_after_duration": null
                }))
            ),
            change("skills[key=\"german\"]", Some(json!({"key": "german", "display_name": ""})), None),
            change("categories[key=\"printer\"].required_fields", None, Some(json!(["product"]))),
            change(
                "priority_matrix[impact=\"LOW\",urgency=\"LOW\"].priority",
                Some(json!("P2")),
                Some(json!("P1"))
            ),
            change("escalation.allow_skip", Some(json!(false)), Some(json!(true))),
            change("default_language_code", Some(json!("en")), Some(json!("de"))),
        ]
    );
}

#[test]
fn exceptions_of_a_calendar_are_found_by_their_dates() {
    let calendar = |exceptions: &str| {
        let hours = "hours: [{days: [MONDAY], open: '08:00', close: '18:00'}]";
        with("calendars", &format!("[{{key: office, time_zone: UTC, {hours}, exceptions: [{exceptions}]}}]"))
    };
    let before = calendar("{date: 2026-12-24, closed: true}, {date: 2026-12-25, closed: true}");
    let after = calendar("{date: 2026-12-25, closed: true}, {date: 2027-01-01, closed: true}");
    let closed = |date: &str| json!({"date": date, "display_name": "", "closed": true, "hours": []});
    let list = "calendars[key=\"office\"].exceptions";
    assert_eq!(
        differences(&before, &after),
        [
            change(&format!("{list}[date=\"2027-01-01\"]"), None, Some(closed("2027-01-01"))),
            change(&format!("{list}[date=\"2026-12-24\"]"), Some(closed("2026-12-24")), None),
        ]
    );
}

#[test]
fn another_order_is_a_difference_of_its_own() {
    let before = with("priorities", "[{key: P1}, {key: P2}, {key: P3}]");
    let after = with("priorities", "[{key: P2}, {key: P4}, {key: P1}]");
    let named = |key: &str| json!({"key": key, "display_name": ""});
    assert_eq!(
        differences(&before, &after),
        [
            change("priorities[key=\"P4\"]", None, Some(named("P4"))),
            change("priorities[key=\"P3\"]", Some(named("P3")), None),
            change(
                "priorities",
                Some(json!(["[key=\"P1\"]", "[key=\"P2\"]"])),
                Some(json!(["[key=\"P2\"]", "[key=\"P1\"]"]))
            ),
        ]
    );
}

#[test]
fn the_first_document_is_all_new() {
    let changes = differences(&Document::default(), &sample());
    assert!(changes.iter().any(|it| it.path == "levels[key=\"L1\"]" && it.before.is_none()));
    assert!(changes.iter().any(|it| it.path == "default_queue" && it.before.is_none()));
    assert!(changes.iter().all(|it| it.after.is_some()), "{changes:?}");
    assert!(!changes.iter().any(|it| it.path.starts_with("lifecycle")), "what is as by default is no change");
}

#[test]
fn touched_is_what_changes_or_goes_but_not_what_comes() {
    let before = sample();
    let mut after = sample();
    after.levels[0].bounce_limit += 1;
    after.teams.remove(1);
    after.queues[0].display_name = "Vorne".into();
    after.queues.push(read_part("{key: new, team: data}"));
    assert_eq!(
        touched(&before, &after),
        Touched { levels: vec!["L1".into()], teams: vec!["desk-en".into()], queues: vec!["desk-de".into()] }
    );
}

#[test]
fn warnings_name_what_looks_unintended() {
    let before = sample();
    assert_eq!(warnings(&before, &before, &[], &[]), Vec::<String>::new());
    let mut after = with("levels", "[{key: L1}, {key: L2, customer_contact: true}]");
    after.routing_rules.push(read_part("{key: late, queue: first, condition: 'true'}"));
    let standing = |level: &str, team: &str, queue: &str, count| Standing {
        level: level.into(),
        team: team.into(),
        queue: queue.into(),
        count,
    };
    let live = [
        standing("L1", "desk-de", "desk-de", 2),
        standing("L3", "engineering", "engineering", 3),
        standing("L3", "data", "data", 1),
    ];
    let member = Member {
        teams: vec!["desk".into(), "data".into()],
        skills: crate::tickets::Json::default(),
        capacity: 1,
    };
    assert_eq!(
        warnings(&before, &after, &live, &[member]),
        [
            "levels[key=\"L3\"]: goes while live tickets stand in it (4); move them",
            "teams[key=\"desk-de\"]: goes while live tickets stand in it (2); move them",
            "teams[key=\"engineering\"]: goes while live tickets stand in it (3); move them",
            "teams[key=\"data\"]: goes while live tickets stand in it (1); move them",
            "queues[key=\"desk-de\"]: goes while live tickets stand in it (2); move them",
            "queues[key=\"engineering\"]: goes while live tickets stand in it (3); move them",
            "queues[key=\"data\"]: goes while live tickets stand in it (1); move them",
            "levels[key=\"L1\"].customer_contact: the lowest level cannot answer the customer",
            "teams[key=\"back\"]: nobody is a member",
            "routing_rules[key=\"late\"]: is never reached, since \"all\" before it always matches",
        ]
    );
}
