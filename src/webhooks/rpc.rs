//! The methods of `ticketing.v1.EventService` that are about webhooks: wire in, wire out.

use ticketing_proto::v1 as pb;

use super::{
    create::create, delete::delete, model::Subscription, pause::pause, read, redeliver::redeliver,
    replay::replay, resume::resume, rotate::rotate, update::update, wire, write,
};
use crate::{
    call::Call,
    ctx::Ctx,
    error::{Result, Violations},
    events,
    ids::tenant_of,
    tickets::wire as ticket_wire,
};

async fn show(call: &Call, ctx: &Ctx, it: &Subscription) -> Result<Option<pb::Subscription>> {
    Ok(show_all(call, ctx, std::slice::from_ref(it)).await?.pop())
}

async fn show_all(call: &Call, ctx: &Ctx, all: &[Subscription]) -> Result<Vec<pb::Subscription>> {
    let backlogs = read::backlogs(&call.app, ctx, all).await?;
    let shown = all.iter().zip(backlogs).map(|(it, backlog)| {
        let cursor = events::cursor(&call.app, &ctx.tenant, it.position)?;
        Ok(wire::subscription(it, backlog, cursor, ctx.now))
    });
    shown.collect()
}

pub async fn create_subscription(
    call: &Call,
    request: pb::CreateSubscriptionRequest,
) -> Result<pb::CreateSubscriptionResponse> {
    let ctx = call.write(tenant_of(&request.parent)?, &request.request_id, &request)?;
    let mut faults = Violations::default();
    let said = wire::said(&mut faults, &ctx.tenant, &request.subscription.clone().unwrap_or_default());
    let schemes = wire::schemes(&mut faults, &request.schemes);
    let (written, shown) = create(&call.app, &ctx, said, &schemes, faults).await?;
    Ok(pb::CreateSubscriptionResponse {
        subscription: show(call, &ctx, &written.subscription).await?,
        secrets: wire::secrets(shown),
        replayed: written.replayed,
    })
}

pub async fn get_subscription(
    call: &Call,
    request: pb::GetSubscriptionRequest,
) -> Result<pb::GetSubscriptionResponse> {
    let (tenant, id) = wire::named("name", &request.name)?;
    let ctx = call.read(tenant)?;
    let found = read::get(&call.app, &ctx, id).await?;
    Ok(pb::GetSubscriptionResponse { subscription: show(call, &ctx, &found).await? })
}

pub async fn list_subscriptions(
    call: &Call,
    request: pb::ListSubscriptionsRequest,
) -> Result<pb::ListSubscriptionsResponse> {
    let ctx = call.read(tenant_of(&request.parent)?)?;
    let (found, next_page_token) =
        read::list(&call.app, &ctx, request.page_size, &request.page_token).await?;
    let subscriptions = show_all(call, &ctx, &found).await?;
    Ok(pb::ListSubscriptionsResponse { subscriptions, next_page_token })
}

pub async fn update_subscription(
    call: &Call,
    request: pb::UpdateSubscriptionRequest,
) -> Result<pb::UpdateSubscriptionResponse> {
    let wanted = request.subscription.clone().unwrap_or_default();
    let (tenant, id) = wire::named("subscription.name", &wanted.name)?;
    let ctx = call.write(tenant, &request.request_id, &request)?;
    let mut faults = Violations::default();
    let version = ticket_wire::version(&mut faults, "subscription.etag", &wanted.etag);
    let said = wire::said(&mut faults, &ctx.tenant, &wanted);
    let written = update(&call.app, &ctx, write::Target { id, version }, said, faults).await?;
    let subscription = show(call, &ctx, &written.subscription).await?;
    Ok(pb::UpdateSubscriptionResponse { subscription, replayed: written.replayed })
}

pub async fn delete_subscription(
    call: &Call,
    request: pb::DeleteSubscriptionRequest,
) -> Result<pb::DeleteSubscriptionResponse> {
    let (tenant, target) = wire::target(&request.name, &request.etag)?;
    let ctx = call.write(tenant, &request.request_id, &request)?;
    Ok(pb::DeleteSubscriptionResponse { replayed: delete(&call.app, &ctx, target).await? })
}

pub async fn pause_subscription(
    call: &Call,
    request: pb::PauseSubscriptionRequest,
) -> Result<pb::PauseSubscriptionResponse> {
    let (tenant, target) = wire::target(&request.name, &request.etag)?;
    let ctx = call.write(tenant, &request.request_id, &request)?;
    let written = pause(&call.app, &ctx, target).await?;
    let subscription = show(call, &ctx, &written.subscription).await?;
    Ok(pb::PauseSubscriptionResponse { subscription, replayed: written.replayed })
}

pub async fn resume_subscription(
    call: &Call,
    request: pb::ResumeSubscriptionRequest,
) -> Result<pb::ResumeSubscriptionResponse> {
    let (tenant, target) = wire::target(&request.name, &request.etag)?;
    let ctx = call.write(tenant, &request.request_id, &request)?;
    let written = resume(&call.app, &ctx, target).await?;
    let subscription = show(call, &ctx, &written.subscription).await?;
    Ok(pb::ResumeSubscriptionResponse { subscription, replayed: written.replayed })
}

pub async fn replay_subscription(
    call: &Call,
    request: pb::ReplaySubscriptionRequest,
) -> Result<pb::ReplaySubscriptionResponse> {
    let (tenant, target) = wire::target(&request.name, &request.etag)?;
    let ctx = call.write(tenant, &request.request_id, &request)?;
    let mut faults = Violations::default();
    let start = wire::start(&mut faults, request.start.as_ref());
    faults.into_result()?;
    let written = replay(&call.app, &ctx, target, start).await?;
    let subscription = show(call, &ctx, &written.subscription).await?;
    Ok(pb::ReplaySubscriptionResponse { subscription, replayed: written.replayed })
}

pub async fn rotate_subscription_secret(
    call: &Call,
    request: pb::RotateSubscriptionSecretRequest,
) -> Result<pb::RotateSubscriptionSecretResponse> {
    let (tenant, target) = wire::target(&request.name, &request.etag)?;
    let ctx = call.write(tenant, &request.request_id, &request)?;
    let mut faults = Violations::default();
    let overlap = wire::overlap(&mut faults, request.overlap_duration.as_ref());
    faults.into_result()?;
    let (written, shown) = rotate(&call.app, &ctx, target, overlap).await?;
    Ok(pb::RotateSubscriptionSecretResponse {
        subscription: show(call, &ctx, &written.subscription).await?,
        secrets: wire::secrets(shown),
        replayed: written.replayed,
    })
}

pub async fn list_deliveries(
    call: &Call,
    request: pb::ListDeliveriesRequest,
) -> Result<pb::ListDeliveriesResponse> {
    let (tenant, id) = wire::named("parent", &request.parent)?;
    let ctx = call.read(tenant)?;
    let page = (request.page_size, request.page_token.as_str());
    let (found, next_page_token) = read::list_deliveries(&call.app, &ctx, id, &request.filter, page).await?;
    Ok(pb::ListDeliveriesResponse { deliveries: found.iter().map(wire::delivery).collect(), next_page_token })
}

pub async fn redeliver_event(
    call: &Call,
    request: pb::RedeliverEventRequest,
) -> Result<pb::RedeliverEventResponse> {
    let (tenant, which) = wire::delivery_named(&request.name)?;
    let ctx = call.write(tenant, &request.request_id, &request)?;
    let (delivery, replayed) = redeliver(&call.app, &ctx, which).await?;
    Ok(pb::RedeliverEventResponse { delivery: Some(wire::delivery(&delivery)), replayed })
}
