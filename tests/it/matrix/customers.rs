//! What a customer must not know of: internal comments, who works on it and where, what the house says of it, other
//! customers and their tickets. No method tells, whatever names it is given.

use super::{
    Names, Outcome, call, everybody, method, missing, name_in, request, samples::SAMPLES, set_up, tenant,
    told,
};
use crate::support::{Client, Desk};
use ticketing::ctx::{ActorKind, Role};

/// Stands in all that is the house's own, or another customer's.
const HIDDEN: &str = "verborgen";

/// What nobody outside needs: who has it, and where it lies.
const INSIDE: [&str; 3] = [HIDDEN, "anna-acme", "applications"];

/// Another customer with a ticket, and what the house does and says on a ticket.
const FURNISHING: &[(&str, &str, &str, &str)] = &[
    (
        "",
        "",
        "UpsertAgent",
        r#"{"agent": {"name": "@agent", "display_name": "verborgen", "teams": ["applications"], "capacity": 5}}"#,
    ),
    (
        "",
        "",
        "UpsertContact",
        r#"{"contact": {"name": "@other", "display_name": "verborgen", "email": "verborgen@example.com"}}"#,
    ),
    (
        "theirs",
        "tickets",
        "CreateTicket",
        r#"{"parent": "@tenant", "ticket": {"title": "verborgen", "requester": "@other"}}"#,
    ),
    (
        "inside",
        "comments",
        "CreateComment",
        r#"{"parent": "@ticket", "comment": {"text": "verborgen", "visibility": "COMMENT_VISIBILITY_INTERNAL"}}"#,
    ),
    (
        "file",
        "attachments",
        "CreateAttachment",
        r#"{"parent": "@ticket", "attachment": {"file_name": "verborgen", "byte_count": "3",
            "sha256": "AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA="}}"#,
    ),
    (
        "internal",
        "articles",
        "CreateArticle",
        r#"{"parent": "@tenant", "article": {"kind": "ARTICLE_KIND_HOW_TO", "title": "verborgen", "text": "verborgen",
            "lowest_level": "L1"}}"#,
    ),
    ("", "", "AddTags", r#"{"name": "@ticket", "tags": ["verborgen"]}"#),
    (
        "",
        "",
        "EscalateTicket",
        r#"{"name": "@ticket", "team": "applications", "escalation_reason": "ESCALATION_REASON_COMPLEXITY",
            "justification": "verborgen"}"#,
    ),
    ("", "", "AcceptEscalation", r#"{"name": "@pending", "note": "verborgen"}"#),
    ("", "", "AssignTicket", r#"{"name": "@ticket", "assignee": "@agent", "note": "verborgen"}"#),
    (
        "",
        "",
        "HoldTicket",
        r#"{"name": "@ticket", "note": "verborgen", "vendor_reference": "", "reason": "verborgen"}"#,
    ),
];

/// What stands for a name of the same kind that is not the customer's.
const OTHERS: [(&str, &str); 6] = [
    ("ticket", "theirs"),
    ("comment", "inside"),
    ("attachment", "file"),
    ("article", "internal"),
    ("contact", "other"),
    ("escalation", "pending"),
];

async fn furnish(desk: &Desk) -> Names {
    let acme = tenant("acme");
    let mut names = set_up(desk, &acme).await;
    let house = everybody(desk, &acme);
    names.insert("other", format!("{}/contacts/milton-acme", names["tenant"]));
    for (token, collection, name, json) in FURNISHING {
        let method = method(name);
        let done = call(&house, &method, request(&method, json, &names)).await;
        let done = done.unwrap_or_else(|status| panic!("{name}: {status:?}"));
        if *name == "EscalateTicket" {
            let pending = name_in(method.output(), &done, "escalations").expect("it waits for an answer");
            names.insert("pending", pending);
        }
        if !token.is_empty() {
            let made = name_in(method.output(), &done, collection).expect("it was made");
            names.insert(token, made);
        }
    }
    names
}

fn kim(desk: &Desk) -> Client {
    desk.caller(ActorKind::Customer, "kim-acme", &[Role::Customer])
}

fn tells(outcome: &Outcome) -> Option<&'static str> {
    let told = match outcome {
        Ok(bytes) => String::from_utf8_lossy(bytes).into_owned(),
        Err(status) => format!("{status:?}"),
    };
    INSIDE.into_iter().find(|inside| told.contains(inside))
}

#[tokio::test]
async fn no_method_tells_a_customer_what_is_not_for_customers() {
    let desk = Desk::open().await;
    let names = furnish(&desk).await;
    let (mut faults, mut answered) = (Vec::new(), 0);
    for (name, json) in SAMPLES {
        let method = method(name);
        let ask = async |names: &Names| call(&kim(&desk), &method, request(&method, json, names)).await;
        let own = ask(&names).await;
        answered += usize::from(own.is_ok());
        if own.is_ok()
            && let Some(inside) = tells(&own)
        {
            faults.push(format!("{name} tells {inside:?}"));
        }
        for (token, other) in OTHERS {
            if !json.contains(&format!("\"@{token}\"")) {
                continue;
            }
            let with = |value: &str| {
                let mut names = names.clone();
                names.insert(token, value.to_owned());
                names
            };
            let (real, gone) = (names[other].as_str(), missing(&names[other]));
            let outcomes = [ask(&with(real)).await, ask(&with(&gone)).await];
            if outcomes[0].is_ok()
                && let Some(inside) = tells(&outcomes[0])
            {
                faults.push(format!("{name} of {other} tells {inside:?}"));
            }
            let [first, second] = [told(&outcomes[0], &[real]), told(&outcomes[1], &[&gone])];
            if first != second {
                faults.push(format!("{name} of {other}: {first}, but of nothing: {second}"));
            }
        }
    }
    assert_eq!(faults, Vec::<String>::new());
    assert!(answered >= 10, "{answered} methods answered");
}

#[tokio::test]
async fn the_matrix_sees_what_an_agent_is_told() {
    let desk = Desk::open().await;
    let names = furnish(&desk).await;
    let anna = desk.agent("anna-acme");
    let told = [
        "GetTicket",
        "ListComments",
        "ListAttachments",
        "ListArticles",
        "ListTimeline",
        "ListTickets",
        "SearchTickets",
        "GetAgent",
    ];
    for name in told {
        let (method, json) = (method(name), SAMPLES.iter().find(|(it, _)| *it == name).expect("a sample").1);
        let outcome = call(&anna, &method, request(&method, json, &names)).await;
        assert!(outcome.is_ok() && tells(&outcome).is_some(), "{name}: {outcome:?}");
    }
}
