//! What a tenant and a caller may have, as clients meet it: who wants more is told when to come again, and it is true; who is
//! beside them notices nothing.

use std::time::{Duration, Instant};

use ticketing::{
    ctx::{ActorKind, Role},
    ids::TenantId,
    serve::{Quota, Quotas},
};
use ticketing_proto::v1::{
    self as pb, event_service_client::EventServiceClient, ticket_service_client::TicketServiceClient,
};
use tokio::{task::JoinSet, time::timeout};
use tonic::{Code, Response, Status, Streaming, transport::Channel};
use tonic_types::StatusExt as _;

use crate::support::{Client, Desk, caller, put_in_force, reason, sample};

/// Nothing here takes so long; who waits for longer waits for ever.
const PATIENCE: Duration = Duration::from_secs(30);

async fn create(client: Client, parent: &str) -> Result<Response<pb::CreateTicketResponse>, Status> {
    let ticket = Some(pb::Ticket { title: "Drucker druckt nicht".into(), ..Default::default() });
    let request = pb::CreateTicketRequest { parent: parent.into(), ticket, ..Default::default() };
    TicketServiceClient::new(client).create_ticket(request).await
}

async fn watch(desk: &Desk, agent: &str) -> Result<Response<Streaming<pb::WatchEventsResponse>>, Status> {
    let request = pb::WatchEventsRequest { parent: desk.parent(), ..Default::default() };
    EventServiceClient::new(desk.agent(agent)).watch_events(request).await
}

/// The time that a refusal tells, and whose share it is.
fn told<T>(result: &Result<Response<T>, Status>) -> (Duration, String) {
    let Err(status) = result else { panic!("the call worked") };
    let after = status.get_details_retry_info().and_then(|info| info.retry_delay).expect("a time");
    let quota = status.get_details_quota_failure().expect("a QuotaFailure").violations.remove(0);
    (after, quota.subject)
}

/// Lets time pass at once.
async fn pass(time: Duration) {
    tokio::time::pause();
    tokio::time::advance(time).await;
    tokio::time::resume();
}

#[tokio::test]
async fn a_flood_of_one_tenant_does_not_hurt_another() {
    let tenant = Quota { rate: 20, burst: 200, calls: 8, ..Quota::NONE };
    let desk = Desk::open_with_quotas(Quotas { tenant, ..Quotas::NONE }).await;
    let quiet = TenantId::parse("quiet").expect("a tenant");
    put_in_force(desk.root(), &quiet, &sample(), desk.now()).await;

    let began = Instant::now();
    let mut flood = JoinSet::new();
    let (refused, mut first) = tokio::sync::mpsc::unbounded_channel();
    for n in 0..16 {
        let (client, parent, refused) = (desk.agent(&format!("a{n}")), desk.parent(), refused.clone());
        flood.spawn(async move {
            let mut created = 0;
            // Goes on until nobody listens.
            while !refused.is_closed() {
                match create(client.clone(), &parent).await {
                    Ok(_) => created += 1,
                    Err(status) => {
                        assert_eq!(status.code(), Code::ResourceExhausted, "{status:?}");
                        _ = refused.send(status);
                    }
                }
            }
            created
        });
    }
    let status = timeout(PATIENCE, first.recv()).await.expect("in time").expect("a refusal");
    let info = status.get_details_error_info().expect("an ErrorInfo").reason;
    assert!(["TENANT_RATE_EXCEEDED", "TENANT_CALLS_EXCEEDED"].contains(&info.as_str()), "{info}");

    while first.try_recv().is_ok() {}

    // Whoever may not enter a tenant takes nothing of its share.
    let parent = format!("tenants/{quiet}");
    for _ in 0..100 {
        assert_eq!(reason(&create(desk.agent("anna"), &parent).await), "NotFound RESOURCE_NOT_FOUND");
    }
    // 100 creates weigh 200: all that may come at once.
    let ben = caller(desk.channel(), &quiet, ActorKind::Agent, "ben", &[Role::Agent]);
    for n in 0..100 {
        let created = create(ben.clone(), &parent).await;
        assert!(created.is_ok(), "call {n} of the quiet tenant: {created:?}");
    }
    assert!(first.try_recv().is_ok(), "the flood was refused meanwhile");
    drop(first);
    let created: usize = flood.join_all().await.into_iter().sum();
    let due = 200.0 + 20.0 * began.elapsed().as_secs_f64();
    assert!(created > 0 && 2.0 * created as f64 <= due, "{created} creates, work for {due} is due");
    desk.finish().await;
}

/// A channel of its own: whoever lets time pass lets connections go stale.
async fn anna(desk: &Desk) -> Client {
    let address = format!("http://{}", desk.address);
    let channel = Channel::from_shared(address).expect("an address").connect().await.expect("connected");
    caller(channel, &desk.tenant, ActorKind::Agent, "anna", &[Role::Agent])
}

async fn create_batch(desk: &Desk) -> Result<Response<pb::BatchCreateTicketsResponse>, Status> {
    let ticket = Some(pb::Ticket { title: "Drucker druckt nicht".into(), ..Default::default() });
    let request = pb::CreateTicketRequest { parent: desk.parent(), ticket, ..Default::default() };
    let requests = vec![request; 3];
    let request = pb::BatchCreateTicketsRequest { parent: desk.parent(), requests, ..Default::default() };
    TicketServiceClient::new(anna(desk).await).batch_create_tickets(request).await
}

#[tokio::test]
async fn who_comes_again_when_told_is_let_in() {
    // A batch weighs 50; nobody works for so long as it takes until there is room again.
    let quota = Quota { rate: 1, burst: 50, ..Quota::NONE };
    for (quotas, subject) in [
        (Quotas { caller: quota, ..Quotas::NONE }, "caller:anna"),
        (Quotas { tenant: quota, ..Quotas::NONE }, "tenant:acme"),
    ] {
        let desk = Desk::open_with_quotas(quotas).await;
        create_batch(&desk).await.expect("the first batch fits");
        let mut left = Duration::from_secs(50);
        for _ in 0..2 {
            let refused = create_batch(&desk).await;
            let (after, whose) = told(&refused);
            assert!(reason(&refused).ends_with("_RATE_EXCEEDED"), "{refused:?}");
            assert!(after <= left && !after.is_zero(), "{after:?} of {left:?}");
            assert_eq!(whose, subject);
            left = after / 2;
            pass(left).await;
        }
        // Jobs are nobody's calls.
        while ticketing::events::sequencer::run_once(&desk.app, 1000).await.expect("a pass").done > 0 {}
        let (after, _) = told(&create_batch(&desk).await);
        pass(after).await;
        create_batch(&desk).await.expect("it fits when it was said to");
        desk.finish().await;
    }
}

#[tokio::test]
async fn a_watch_is_a_stream_until_it_ends() {
    let quotas =
        Quotas { caller: Quota { streams: 1, ..Quota::NONE }, tenant: Quota { streams: 2, ..Quota::NONE } };
    let desk = Desk::open_with_quotas(quotas).await;
    let first = watch(&desk, "anna").await.expect("a stream");
    let second = watch(&desk, "anna").await;
    assert_eq!(reason(&second), "ResourceExhausted CALLER_STREAMS_EXCEEDED");
    assert_eq!(told(&second), (Duration::from_secs(10), "caller:anna".to_owned()));
    let _other = watch(&desk, "ben").await.expect("a stream");
    let third = watch(&desk, "carol").await;
    assert_eq!(reason(&third), "ResourceExhausted TENANT_STREAMS_EXCEEDED");
    assert_eq!(told(&third).1, "tenant:acme");
    // Calls are not in the way of streams, nor streams of calls.
    create(desk.agent("anna"), &desk.parent()).await.expect("created");

    drop(first);
    let again = timeout(PATIENCE, async {
        loop {
            // The server hears of the end a moment later.
            match watch(&desk, "carol").await {
                Ok(stream) => break stream,
                refused => assert_eq!(reason(&refused), "ResourceExhausted TENANT_STREAMS_EXCEEDED"),
            }
        }
    });
    let _again = again.await.expect("the place is free again");
    assert_eq!(reason(&watch(&desk, "anna").await), "ResourceExhausted TENANT_STREAMS_EXCEEDED");
    desk.finish().await;
}

#[tokio::test]
async fn a_tenant_has_so_many_calls_at_work() {
    let tenant = Quota { calls: 1, ..Quota::NONE };
    let desk = Desk::open_with_quotas(Quotas { tenant, ..Quotas::NONE }).await;
    let mut events = EventServiceClient::new(desk.agent("anna"));
    let request = pb::ListEventsRequest {
        parent: desk.parent(),
        wait_duration: Some(prost_types::Duration { seconds: 30, nanos: 0 }),
        ..Default::default()
    };
    let mut waiting = JoinSet::new();
    // Whoever comes second is refused, and may be this one.
    waiting.spawn(async move { while events.list_events(request.clone()).await.is_err() {} });
    let refused = async {
        // The other call arrives at a time of its own, and waits for an event that nobody writes.
        loop {
            let listed = TicketServiceClient::new(desk.agent("ben"))
                .list_tickets(pb::ListTicketsRequest { parent: desk.parent(), ..Default::default() })
                .await;
            if listed.is_err() {
                break listed;
            }
        }
    };
    let refused = timeout(PATIENCE, refused).await.expect("in time");
    assert_eq!(reason(&refused), "ResourceExhausted TENANT_CALLS_EXCEEDED");
    assert_eq!(told(&refused), (Duration::from_secs(1), "tenant:acme".to_owned()));
    waiting.shutdown().await;
    let room = async { while create(desk.agent("ben"), &desk.parent()).await.is_err() {} };
    timeout(PATIENCE, room).await.expect("the place is free again");
    desk.finish().await;
}
