//! Erasing a person: nothing of the person stays, everything else does, and whoever dies in between is followed by another.

mod life;

use std::{collections::BTreeSet, time::Duration};

use futures_util::{StreamExt as _, stream};
use life::{CANARY, PETER, comment, contact_name, full, live, word};
use sqlx::{AssertSqlSafe, PgPool};
use ticketing::{audit, ids::TenantId, tickets::ERASED};
use ticketing_proto::v1::{
    self as pb, customer_service_client::CustomerServiceClient, event_service_client::EventServiceClient,
    list_events_request::Start, watch_events_request::Start as Since, watch_events_response::Body,
};
use tonic::{Response, Status};

use crate::{
    comments::comments,
    contract::methods,
    support::{
        Client, Desk, Process, START, Trip, When, Wire, broken_laws, fresh_database, put_in_force, reason,
        sample,
    },
    tickets::{read, record, recording, tickets, titled},
    webhooks::{self, Answer, Receiver},
};

/// Where the canary stands before.
const EVERYWHERE: &[&str] = &[
    "article_revisions.body",
    "article_revisions.title",
    "attachments.author_id",
    "attachments.file_name",
    "audit_people.key",
    "comments.author_id",
    "comments.text",
    "contacts.annotations",
    "contacts.display_name",
    "contacts.email",
    "contacts.key",
    "contacts.phone",
    "deliveries.attempts",
    "deliveries.body",
    "escalations.justification",
    "escalations.settle_note",
    "events.actor_id",
    "events.changes",
    "events.note",
    "events.reason",
    "events.request_id",
    "idempotency.principal",
    "idempotency.receipt",
    "idempotency.request_id",
    "search_documents.words",
    "search_grams.word",
    "search_vocabulary.word",
    "search_words.word",
    "tickets.annotations",
    "tickets.custom_fields",
    "tickets.description",
    "tickets.external_id",
    "tickets.hold_reason",
    "tickets.requester",
    "tickets.resolution",
    "tickets.tags",
    "tickets.title",
    "tickets.vendor_reference",
];

/// The columns of the database in which this text stands.
pub async fn found(pool: &PgPool, text: &str) -> Vec<String> {
    let columns: Vec<(String, String, String)> = sqlx::query_as(
        "select table_name::text, column_name::text, data_type::text from information_schema.columns
         where table_schema = 'public' order by 1, 2",
    )
    .fetch_all(pool)
    .await
    .expect("a catalog");
    let mut found = Vec::new();
    for (table, column, kind) in columns {
        let stands = match kind.as_str() {
            "bytea" => format!("position(convert_to($1, 'UTF8') in {column}) > 0"),
            _ => format!("position($1 in {column}::text) > 0"),
        };
        let sql = AssertSqlSafe(format!("select exists (select from {table} where {stands})"));
        if sqlx::query_scalar(sql).bind(text).fetch_one(pool).await.expect("a scan") {
            found.push(format!("{table}.{column}"));
        }
    }
    found
}

fn customers(client: Client) -> CustomerServiceClient<Client> {
    CustomerServiceClient::new(client)
}

fn erasing(desk: &Desk, key: &str, request_id: &str) -> pb::EraseContactRequest {
    let request_id = request_id.to_owned();
    pb::EraseContactRequest { name: contact_name(desk, key), request_id, ..Default::default() }
}

async fn erase(
    desk: &Desk,
    request: pb::EraseContactRequest,
) -> Result<Response<pb::EraseContactResponse>, Status> {
    customers(desk.admin()).erase_contact(request).await
}

/// Carla, of whom nobody speaks: the names of what is hers.
async fn carla(desk: &Desk) -> String {
    let contact = pb::Contact {
        name: contact_name(desk, "carla"),
        display_name: "Carla".into(),
        email: "carla@initech.example".into(),
        ..Default::default()
    };
    let request = pb::UpsertContactRequest { contact: Some(contact), validate_only: false };
    customers(desk.agent("anna")).upsert_contact(request).await.expect("recorded");
    let ticket = pb::Ticket { requester: contact_name(desk, "carla"), ..titled("Telefon stumm") };
    let name = record(desk, ticket).await.name;
    comment(desk, desk.customer("carla"), &name, "Es klingelt nicht.").await;
    name
}

/// Every row that is carla's alone, as text.
async fn rows(desk: &Desk, ticket: &str) -> Vec<String> {
    let number = read(desk, ticket).await.number;
    let of_ticket = ["events", "comments", "deliveries", "escalations", "sla_clocks"].map(|table| {
        format!("select to_jsonb(x)::text from {table} x join tickets t on t.tenant_id = x.tenant_id and t.id = x.ticket_id where t.number = {number}")
    });
    let sql = format!(
        "select to_jsonb(t)::text from tickets t where number = {number}
         union all select to_jsonb(c)::text from contacts c where key = 'carla'
         union all select to_jsonb(r)::text from idempotency r where principal = 'Customer:carla'
         union all {} order by 1",
        of_ticket.join(" union all ")
    );
    sqlx::query_scalar(AssertSqlSafe(sql)).fetch_all(desk.root()).await.expect("rows")
}

/// What the figures say: the report, the tickets by state, and how many rows there are.
async fn figures(desk: &Desk) -> (String, Vec<pb::CountGroup>, Vec<i64>) {
    crate::reports::count(desk).await;
    let report = ["report", "--json", "--address", &desk.address, "--tenant", "acme"];
    let (code, report, error) = crate::cli::run(&report).await;
    assert_eq!(code, Some(0), "{error}");
    let request =
        pb::CountTicketsRequest { parent: desk.parent(), group_by: "state".into(), ..Default::default() };
    let groups =
        tickets(desk.agent("anna")).count_tickets(request).await.expect("counts").into_inner().groups;
    let counts = sqlx::query_scalar(
        "select count(*) from tickets union all select sum(version)::bigint from tickets
         union all select count(*) from events union all select count(*) from comments
         union all select count(*) from escalations union all select count(*) from contacts
         union all select count(*) from deliveries union all select count(*) from sla_clocks
         union all select count(distinct requester) from tickets",
    );
    (report, groups, counts.fetch_all(desk.root()).await.expect("counts"))
}

/// The whole log from its oldest event.
async fn log(desk: &Desk) -> Vec<pb::Event> {
    let mut client = EventServiceClient::new(desk.agent("anna"));
    let (mut all, mut start) = (Vec::new(), None);
    loop {
        let request = pb::ListEventsRequest {
            parent: desk.parent(),
            start: start.map(Start::Cursor),
            page_size: 50,
            ..Default::default()
        };
        let page = client.list_events(request).await.expect("a page").into_inner();
        all.extend(page.events.into_iter().map(without_cursor));
        if !page.more {
            return all;
        }
        start = Some(page.cursor);
    }
}

/// A cursor is sealed anew each time.
fn without_cursor(event: pb::Event) -> pb::Event {
    pb::Event { cursor: String::new(), ..event }
}

/// What a watcher is told who begins in the past, as far as so many events.
async fn watched(desk: &Desk, count: usize) -> Vec<pb::Event> {
    let start = prost_types::Timestamp { seconds: 0, nanos: 0 };
    let request = pb::WatchEventsRequest {
        parent: desk.parent(),
        start: Some(Since::StartTime(start)),
        ..Default::default()
    };
    let mut stream = EventServiceClient::new(desk.agent("anna"))
        .watch_events(request)
        .await
        .expect("a stream")
        .into_inner();
    let read = async {
        let mut all = Vec::new();
        while all.len() < count {
            if let Some(Body::Events(batch)) = stream.message().await.expect("no error").expect("no end").body
            {
                all.extend(batch.events.into_iter().map(without_cursor));
            }
        }
        all
    };
    tokio::time::timeout(Duration::from_secs(30), read).await.expect("all events")
}

/// Every call by which something can be said about a ticket must have been made.
async fn assert_all_said(pool: &PgPool) {
    let made: Vec<String> = sqlx::query_scalar("select distinct method from idempotency")
        .fetch_all(pool)
        .await
        .expect("receipts");
    let made: BTreeSet<String> =
        made.iter().map(|method| method.rsplit('/').next().expect("a method").replace('_', "")).collect();
    let says = ["note", "reason", "justification", "ticket", "tags", "requests"];
    let of_tickets =
        ["TicketService", "CommentService", "AttachmentService", "RoutingService", "EscalationService"];
    let missing: Vec<String> = methods()
        .iter()
        .filter(|(method, _)| of_tickets.contains(&method.parent_service().name()))
        .filter(|(method, _)| method.input().get_field_by_name("request_id").is_some())
        .filter(|(method, _)| says.iter().any(|field| method.input().get_field_by_name(field).is_some()))
        .map(|(method, _)| method.name().to_owned())
        .filter(|name| !made.contains(&name.to_lowercase()))
        .collect();
    assert_eq!(missing, Vec::<String>::new(), "nothing was said by these");
}

#[tokio::test]
async fn nothing_of_a_person_stays_and_everything_else_does() {
    let desk = Desk::open().await;
    let pool = desk.root();
    let receiver = Receiver::open(&desk).await;
    webhooks::subscribe(&desk, &receiver).await;
    let (names, lent) = live(&desk).await;
    receiver.answer(&[Answer::Raw("HTTP/1.1 500 Oops\r\ncontent-length: 16\r\n\r\nkanari-7f3 sorry")]);
    webhooks::send(&desk).await;
    let other = carla(&desk).await;
    webhooks::send(&desk).await;
    assert!(receiver.came().iter().any(|it| it.body.contains(CANARY)), "reasons go out");
    assert_all_said(pool).await;
    assert_eq!(found(pool, CANARY).await, EVERYWHERE);
    // A report tells of what was before now.
    desk.advance(Duration::from_secs(1));
    let (before, hers) = (figures(&desk).await, rows(&desk, &other).await);
    let chain = assert_chained(&desk).await;
    desk.advance(Duration::from_mins(1));

    let answer = erase(&desk, erasing(&desk, PETER, "e1")).await.expect("erased").into_inner();
    let done = answer.erasure.expect("a report");
    assert_eq!(found(pool, CANARY).await, Vec::<String>::new());
    assert_eq!((figures(&desk).await, rows(&desk, &other).await), (before, hers));
    assert_eq!((done.ticket_count, answer.replayed), (names.len() as i64 + 1, false));
    assert!(done.comment_count > 5 && done.event_count > 50 && done.delivery_count > 50, "{done:?}");
    // Four escalations, one of them to a manager, which is no row; their receipts, and those of peter's own calls.
    assert_eq!(done.escalation_count, 3);
    assert!(done.receipt_count > 8, "{done:?}");

    assert_eq!(assert_chained(&desk).await, chain + 1, "the erasure is audited, and the rest still holds");
    assert_read(&desk, &names, &done.contact).await;
    assert_lent(&desk, &lent).await;
    let log = log(&desk).await;
    assert_eq!(watched(&desk, log.len()).await, log);
    assert!(!format!("{log:?}").contains(CANARY));
    // What is still to be sent goes out as the events read now.
    desk.advance(Duration::from_hours(7));
    webhooks::send(&desk).await;
    let came = receiver.came();
    assert!(!came.is_empty() && came.iter().all(|it| !it.body.contains(CANARY)));
    assert_eq!(found(pool, CANARY).await, Vec::<String>::new());
    desk.finish().await;
}

/// The audit log holds what it held; answers how many entries those are.
async fn assert_chained(desk: &Desk) -> i64 {
    audit::extend::run_once(&desk.app, 1000).await.expect("a tick");
    let verified = audit::verify(&desk.app.db, &desk.tenant, None, |_| ()).await.expect("read");
    assert!(verified.is_sound() && verified.waiting == 0, "{verified:?}");
    verified.head.position
}

/// Every ticket, its past, its timeline and its comments read, and name the one who was erased by the new name.
async fn assert_read(desk: &Desk, names: &[String], alias: &str) {
    let mut anna = tickets(desk.agent("anna"));
    for name in names {
        let now = read(desk, name).await;
        assert_eq!((now.title.as_str(), now.requester.as_str()), (ERASED, alias), "{name}");
        assert_eq!(now.requester_display_name, ERASED);
        let request = pb::ListTimelineRequest { name: name.clone(), page_size: 200, ..Default::default() };
        let entries = anna.list_timeline(request).await.expect("a timeline").into_inner().entries;
        let versions: Vec<i64> = entries.iter().map(|entry| entry.ticket_version).collect();
        assert_eq!(versions, (1..=entries.len() as i64).collect::<Vec<_>>(), "{name}");
        assert_eq!(now.etag, format!("\"{}\"", entries.len()), "to be erased is no event");
        for entry in &entries {
            let request = pb::GetTicketRequest {
                name: name.clone(),
                read_time: entry.record_time,
                ..Default::default()
            };
            let then = anna.get_ticket(request).await.expect("the past").into_inner().ticket;
            assert_eq!(then.expect("a ticket").requester, alias, "{name}");
        }
        let request = pb::ListCommentsRequest { parent: name.clone(), ..Default::default() };
        let said = comments(desk.agent("anna")).list_comments(request).await.expect("a page").into_inner();
        assert!(said.comments.iter().all(|it| it.text.is_empty() && it.redact_time.is_some()));
    }
    let request = pb::GetContactRequest { name: alias.to_owned() };
    let contact = customers(desk.agent("anna")).get_contact(request).await.expect("a record").into_inner();
    let contact = contact.contact.expect("a contact");
    assert_eq!((contact.display_name.as_str(), contact.email.as_str()), (ERASED, ""));
}

/// Peter's words are gone from carla's ticket, hers and the agent's stay.
async fn assert_lent(desk: &Desk, name: &str) {
    let ticket = read(desk, name).await;
    assert_eq!((ticket.title.as_str(), ticket.description.as_str()), ("Carlas Anliegen", ERASED));
    assert_eq!(ticket.requester, contact_name(desk, "carla"));
    let request = pb::ListCommentsRequest { parent: name.to_owned(), ..Default::default() };
    let said = comments(desk.customer("carla")).list_comments(request).await.expect("a page").into_inner();
    let texts: Vec<&str> = said.comments.iter().map(|it| it.text.as_str()).collect();
    assert_eq!(texts, ["", "Meins, richtig."]);
}

#[tokio::test]
async fn who_may_of_whom_and_how_often() {
    let desk = Desk::open().await;
    let missing = "NotFound RESOURCE_NOT_FOUND";
    assert_eq!(reason(&erase(&desk, erasing(&desk, "nobody", "")).await), missing);
    let upsert = pb::UpsertContactRequest {
        contact: Some(pb::Contact {
            name: contact_name(&desk, PETER),
            display_name: word("name"),
            ..Default::default()
        }),
        validate_only: false,
    };
    let contact = customers(desk.agent("anna")).upsert_contact(upsert).await.expect("recorded").into_inner();
    let etag = contact.contact.expect("a contact").etag;
    let refused = customers(desk.manager()).erase_contact(erasing(&desk, PETER, "")).await;
    assert_eq!(reason(&refused), "PermissionDenied PERMISSION_MISSING");
    let stale = pb::EraseContactRequest { etag: "\"9\"".into(), ..erasing(&desk, PETER, "") };
    assert_eq!(reason(&erase(&desk, stale).await), "Aborted ETAG_MISMATCH");
    let bad = pb::EraseContactRequest { etag: "9".into(), ..erasing(&desk, PETER, "") };
    assert_eq!(reason(&erase(&desk, bad).await), "InvalidArgument FIELD_INVALID");
    assert_ne!(found(desk.root(), CANARY).await, Vec::<String>::new());

    let request = pb::EraseContactRequest { etag, ..erasing(&desk, PETER, "e1") };
    let first = erase(&desk, request.clone()).await.expect("erased").into_inner();
    assert_eq!(first.erasure.as_ref().map(|it| (it.ticket_count, it.receipt_count)), Some((0, 0)));
    let again = erase(&desk, request).await.expect("told").into_inner();
    assert_eq!(again, pb::EraseContactResponse { replayed: true, ..first.clone() });
    assert_eq!(reason(&erase(&desk, erasing(&desk, PETER, "e2")).await), missing);
    let other = erasing(&desk, "carla", "e1");
    assert_eq!(reason(&erase(&desk, other).await), "FailedPrecondition REQUEST_ID_REUSED");

    // Somebody whom nobody has recorded, and of whom a ticket speaks.
    record(&desk, full(&desk, None)).await;
    let second = erase(&desk, erasing(&desk, PETER, "e3")).await.expect("erased").into_inner();
    let second = second.erasure.expect("a report");
    assert_eq!(second.ticket_count, 1);
    assert_ne!(Some(second.contact), first.erasure.map(|it| it.contact));
    assert_eq!(found(desk.root(), CANARY).await, Vec::<String>::new());
    desk.finish().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn whoever_writes_meanwhile_leaves_nothing_behind() {
    let desk = Desk::open().await;
    let replica = desk.replica().await;
    let receiver = Receiver::open(&desk).await;
    webhooks::subscribe(&desk, &receiver).await;
    let requests = (0..120).map(|_| recording(&desk, full(&desk, None))).collect::<Vec<_>>();
    let mut names = Vec::new();
    for part in requests.chunks(60) {
        let batch = pb::BatchCreateTicketsRequest {
            parent: desk.parent(),
            requests: part.to_vec(),
            ..Default::default()
        };
        let done = tickets(desk.agent("anna")).batch_create_tickets(batch).await.expect("recorded");
        names.extend(done.into_inner().tickets.into_iter().map(|ticket| ticket.name));
    }
    let speak = |name: &String| {
        let request = pb::CreateCommentRequest {
            parent: name.clone(),
            comment: Some(pb::Comment { text: word("late"), ..Default::default() }),
            request_id: name.clone(),
            ..Default::default()
        };
        let mut peter = comments(desk.customer(PETER));
        async move { peter.create_comment(request).await }
    };
    let carry = async {
        for _ in 0..20 {
            webhooks::fan_out(&desk).await;
        }
    };
    let (first, second, said, ()) = tokio::join!(
        erase(&desk, erasing(&desk, PETER, "e1")),
        erase(&replica, erasing(&desk, PETER, "e1")),
        // No more at once than there are connections: who waits for one too long is told something else.
        stream::iter(names.iter().map(speak)).buffered(12).collect::<Vec<_>>(),
        carry,
    );
    let (first, second) = (first.expect("erased").into_inner(), second.expect("erased").into_inner());
    assert_eq!(first.erasure, second.erasure);
    assert!(first.replayed != second.replayed, "one of them did it");
    assert_eq!(first.erasure.expect("a report").ticket_count, 120);
    for refused in said.iter().filter(|said| said.is_err()) {
        assert_eq!(reason(refused), "NotFound RESOURCE_NOT_FOUND", "the ticket is nobody's by then");
    }
    webhooks::send(&desk).await;
    assert_eq!(found(desk.root(), CANARY).await, Vec::<String>::new());
    replica.finish().await;
    desk.finish().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn who_is_killed_anywhere_is_followed_by_another_who_goes_on() {
    let database = fresh_database().await;
    let pool = PgPool::connect(&database).await.expect("the database takes connections");
    let tenant = TenantId::parse("acme").expect("a tenant");
    put_in_force(&pool, &tenant, &sample(), START.parse().expect("a time")).await;
    let wire = Wire::to(&database).await;
    let mut server = Process::start(&wire.url).await;
    let mut service =
        ticketing_proto::v1::ticket_service_client::TicketServiceClient::new(server.channel.clone());
    for _ in 0..3 {
        let requests = (0..60).map(|_| pb::CreateTicketRequest {
            ticket: Some(pb::Ticket {
                requester: format!("tenants/acme/contacts/{PETER}"),
                ..titled(&word("title"))
            }),
            ..Default::default()
        });
        let batch = pb::BatchCreateTicketsRequest {
            parent: "tenants/acme".into(),
            requests: requests.collect(),
            ..Default::default()
        };
        service.batch_create_tickets(batch).await.expect("recorded");
    }
    let (mut struck, mut told) = (0, None);
    let request = pb::EraseContactRequest {
        name: format!("tenants/acme/contacts/{PETER}"),
        request_id: "e1".into(),
        ..Default::default()
    };
    // The stroke falls later each time, and each time less is left to do.
    for n in 1.. {
        wire.arm(Trip::Nth(n), if n % 2 == 0 { When::Before } else { When::After }, server.kill());
        let answer = CustomerServiceClient::new(admin(&server)).erase_contact(request.clone()).await;
        if !wire.disarm() {
            told = Some(answer.expect("erased").into_inner());
            break;
        }
        struck += 1;
        server.kill().await;
        server = Process::start(&wire.url).await;
    }
    let done = told.expect("it came to its end").erasure.expect("a report");
    assert!(struck > 5, "struck {struck} times only");
    assert_eq!((done.ticket_count, done.event_count), (180, 180));
    assert_eq!(found(&pool, CANARY).await, Vec::<String>::new());
    let names: Vec<String> =
        sqlx::query_scalar("select distinct requester from tickets").fetch_all(&pool).await.expect("names");
    assert_eq!(names, [done.contact.replace("tenants/acme/contacts/", "")], "one name, however many calls");
    assert_eq!(broken_laws(&pool).await, Vec::<String>::new());
}

/// An administrator of this server.
fn admin(server: &Process) -> Client {
    use ticketing::ctx::{ActorKind, Role};
    let tenant = TenantId::parse("acme").expect("a tenant");
    crate::support::caller(server.channel.clone(), &tenant, ActorKind::Agent, "admin", &[Role::Admin])
}
