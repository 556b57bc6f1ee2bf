//! `ticketing.v1.EventService`: wire in, wire out.

use std::{sync::Arc, time::Duration};

use futures_util::stream::BoxStream;
use ticketing_proto::v1::{
    self as pb,
    event_service_server::{EventService, EventServiceServer},
    list_events_request, watch_events_request, watch_events_response,
};
use tonic::{Request, Response, Status};

use super::{
    cursor::{Start, cursor},
    list::{List, list},
    project::Notice,
    watch::{Body, Message, Watch, watch},
    wire,
};
use crate::{
    app::App,
    call::{Call, MAX_REQUEST, service},
    ctx::Ctx,
    error::{Result, Violations},
    ids::{TenantId, tenant_of},
    serve::Leaving,
    tickets::wire::{View, ticket, timestamp},
    webhooks::rpc::{
        create_subscription, delete_subscription, get_subscription, list_deliveries, list_subscriptions,
        pause_subscription, redeliver_event, replay_subscription, resume_subscription,
        rotate_subscription_secret, update_subscription,
    },
};

/// Events in a page: by default, at most.
const PAGE: (usize, usize) = (200, 1000);
/// The longest wait for an event.
const MAX_WAIT: Duration = Duration::from_secs(30);

#[derive(Debug)]
struct Rpc(Arc<App>);

/// The service, ready to be mounted.
pub fn server(app: Arc<App>) -> EventServiceServer<impl EventService> {
    EventServiceServer::new(Rpc(app)).max_decoding_message_size(MAX_REQUEST)
}

service! { EventService, "EventService":
    list_events(ListEventsRequest) -> ListEventsResponse,
    create_subscription(CreateSubscriptionRequest) -> CreateSubscriptionResponse,
    get_subscription(GetSubscriptionRequest) -> GetSubscriptionResponse,
    list_subscriptions(ListSubscriptionsRequest) -> ListSubscriptionsResponse,
    update_subscription(UpdateSubscriptionRequest) -> UpdateSubscriptionResponse,
    delete_subscription(DeleteSubscriptionRequest) -> DeleteSubscriptionResponse,
    pause_subscription(PauseSubscriptionRequest) -> PauseSubscriptionResponse,
    resume_subscription(ResumeSubscriptionRequest) -> ResumeSubscriptionResponse,
    replay_subscription(ReplaySubscriptionRequest) -> ReplaySubscriptionResponse,
    rotate_subscription_secret(RotateSubscriptionSecretRequest) -> RotateSubscriptionSecretResponse,
    list_deliveries(ListDeliveriesRequest) -> ListDeliveriesResponse,
    redeliver_event(RedeliverEventRequest) -> RedeliverEventResponse;

    type WatchEventsStream = BoxStream<'static, Result<pb::WatchEventsResponse, Status>>;

    async fn watch_events(
        &self,
        request: Request<pb::WatchEventsRequest>,
    ) -> Result<Response<Self::WatchEventsStream>, Status> {
        let leaving = request.extensions().get().cloned();
        let (call, body) = Call::open(&self.0, "EventService/watch_events", request)?;
        call.answer(watch_events(&call, body, leaving).await)
    }
}

async fn list_events(call: &Call, request: pb::ListEventsRequest) -> Result<pb::ListEventsResponse> {
    let ctx = call.read(tenant_of(&request.parent)?)?;
    let mut faults = Violations::default();
    let (from, since) = match &request.start {
        Some(list_events_request::Start::Cursor(cursor)) => (Some(cursor), None),
        Some(list_events_request::Start::StartTime(time)) => (None, Some(time)),
        None => (None, None),
    };
    let wanted = List {
        start: wire::start(&mut faults, from, since, Start::Oldest),
        filter: wire::filter(&mut faults, &ctx.tenant, request.filter.as_ref()),
        size: match usize::try_from(request.page_size) {
            Ok(0) => PAGE.0,
            Ok(size) => size.min(PAGE.1),
            Err(_) => {
                faults.add("page_size", "must not be negative");
                0
            }
        },
        wait: wire::wait(&mut faults, request.wait_duration.as_ref(), MAX_WAIT),
    };
    faults.into_result()?;
    let page = list(&call.app, &ctx, &wanted).await?;
    Ok(pb::ListEventsResponse {
        events: events(&call.app, &ctx.tenant, &page.notices)?,
        cursor: cursor(&call.app, &ctx.tenant, page.through)?,
        more: page.more,
    })
}

async fn watch_events(
    call: &Call,
    request: pb::WatchEventsRequest,
    leaving: Option<Leaving>,
) -> Result<BoxStream<'static, Result<pb::WatchEventsResponse, Status>>> {
    let ctx = call.read(tenant_of(&request.parent)?)?;
    let mut faults = Violations::default();
    let (from, since) = match &request.start {
        Some(watch_events_request::Start::Cursor(cursor)) => (Some(cursor), None),
        Some(watch_events_request::Start::StartTime(time)) => (None, Some(time)),
        None => (None, None),
    };
    if request.include_initial_state && request.start.is_some() {
        faults.add("include_initial_state", "goes with a start now only");
    }
    let wanted = Watch {
        start: wire::start(&mut faults, from, since, Start::Now),
        filter: wire::filter(&mut faults, &ctx.tenant, request.filter.as_ref()),
        include_initial_state: request.include_initial_state,
    };
    faults.into_result()?;
    let messages = watch(&call.app, &ctx, wanted, leaving).await?;
    let app = Arc::clone(&call.app);
    Ok(call.stream(messages, move |message| response(&app, &ctx, message)))
}

fn response(app: &App, ctx: &Ctx, message: Message) -> Result<pb::WatchEventsResponse> {
    use watch_events_response::Body as Wire;
    let body = match message.body {
        Body::Events(notices) => Wire::Events(pb::EventBatch { events: events(app, &ctx.tenant, &notices)? }),
        Body::Bookmark(time) => Wire::Bookmark(pb::Bookmark { time: Some(timestamp(time)) }),
        Body::SnapshotChunk(tickets) => Wire::SnapshotChunk(pb::SnapshotChunk {
            tickets: tickets.into_iter().map(|one| ticket(one, View::Basic)).collect(),
        }),
        Body::SnapshotComplete(count) => Wire::SnapshotComplete(pb::SnapshotComplete { ticket_count: count }),
        Body::Goodbye(reason) => Wire::Goodbye(wire::goodbye(reason)),
    };
    let cursor = message.position.map(|position| cursor(app, &ctx.tenant, position)).transpose()?;
    Ok(pb::WatchEventsResponse { cursor: cursor.unwrap_or_default(), body: Some(body) })
}

fn events(app: &App, tenant: &TenantId, notices: &[Arc<Notice>]) -> Result<Vec<pb::Event>> {
    let told = |notice: &Arc<Notice>| Ok(wire::event(notice, cursor(app, tenant, notice.position)?));
    notices.iter().map(told).collect()
}
