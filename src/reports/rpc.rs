//! `ticketing.v1.ReportService`: wire in, wire out.

use std::sync::Arc;

use ticketing_proto::v1::{
    self as pb,
    report_service_server::{ReportService, ReportServiceServer},
};

use super::{
    drill::{self, Drill},
    query::{self, Query},
    snapshot,
    table::METRICS,
    wire,
};
use crate::{
    app::App,
    call::{Call, MAX_REQUEST, service},
    error::{Result, Violations},
    ids::tenant_of,
    seal::Page,
    tickets::{View, wire as ticket_wire},
};

#[derive(Debug)]
struct Rpc(Arc<App>);

/// The service, ready to be mounted.
pub fn server(app: Arc<App>) -> ReportServiceServer<impl ReportService> {
    ReportServiceServer::new(Rpc(app)).max_decoding_message_size(MAX_REQUEST)
}

service! { ReportService, "ReportService":
    list_metrics(ListMetricsRequest) -> ListMetricsResponse,
    query_metrics(QueryMetricsRequest) -> QueryMetricsResponse,
    list_metric_tickets(ListMetricTicketsRequest) -> ListMetricTicketsResponse,
    get_queue_snapshot(GetQueueSnapshotRequest) -> GetQueueSnapshotResponse,
}

#[allow(clippy::unused_async)] // a method is a future, whether it waits or not
async fn list_metrics(call: &Call, request: pb::ListMetricsRequest) -> Result<pb::ListMetricsResponse> {
    let ctx = call.read(tenant_of(&request.parent)?)?;
    let purpose = format!("{} ListMetrics", ctx.tenant);
    let page = Page::<usize>::parse(&call.app.sealer, &purpose, request.page_size, &request.page_token)?;
    let rows = METRICS.iter().enumerate().skip(page.after.map_or(0, |last| last + 1)).collect();
    let (rows, next_page_token) = page.finish(&call.app.sealer, &purpose, rows, |(place, _)| *place)?;
    let metrics = rows.into_iter().map(|(_, metric)| wire::metric(metric)).collect();
    Ok(pb::ListMetricsResponse { metrics, next_page_token })
}

async fn query_metrics(call: &Call, request: pb::QueryMetricsRequest) -> Result<pb::QueryMetricsResponse> {
    let ctx = call.read(tenant_of(&request.parent)?)?;
    let mut faults = Violations::default();
    let metrics = wire::metrics(&mut faults, &request.metrics);
    if request.dimensions.len() > query::MAX_DIMENSIONS {
        faults.add("dimensions", format!("must be at most {}", query::MAX_DIMENSIONS));
    }
    let (start, end) = wire::window(&mut faults, request.start_time.as_ref(), request.end_time.as_ref());
    let length = wire::length(&mut faults, request.interval);
    let zone = wire::zone(&mut faults, &request.time_zone);
    faults.into_result()?;
    let asked = Query {
        metrics,
        dimensions: &request.dimensions,
        filter: &request.filter,
        start,
        end: end.unwrap_or(ctx.now),
        length,
        zone,
    };
    let table = query::query(&call.app, &ctx, &asked).await?;
    Ok(wire::table(&asked, table))
}

async fn list_metric_tickets(
    call: &Call,
    request: pb::ListMetricTicketsRequest,
) -> Result<pb::ListMetricTicketsResponse> {
    let ctx = call.read(tenant_of(&request.parent)?)?;
    let mut faults = Violations::default();
    let metric = wire::metrics(&mut faults, std::slice::from_ref(&request.metric));
    let (start, end) = wire::window(&mut faults, request.start_time.as_ref(), request.end_time.as_ref());
    let whole = wire::whole(&mut faults, request.part);
    faults.into_result()?;
    let drill = Drill {
        metric: metric[0],
        filter: &request.filter,
        start,
        end,
        whole,
        page_size: request.page_size,
        page_token: &request.page_token,
    };
    let (tickets, next_page_token) = drill::tickets(&call.app, &ctx, drill).await?;
    Ok(pb::ListMetricTicketsResponse {
        tickets: tickets.into_iter().map(|it| ticket_wire::shown(&ctx, it, View::Basic)).collect(),
        next_page_token,
    })
}

async fn get_queue_snapshot(
    call: &Call,
    request: pb::GetQueueSnapshotRequest,
) -> Result<pb::GetQueueSnapshotResponse> {
    let ctx = call.read(tenant_of(&request.parent)?)?;
    let loads = snapshot::snapshot(&call.app, &ctx).await?;
    Ok(pb::GetQueueSnapshotResponse {
        queues: loads.into_iter().map(|load| wire::load(&ctx.tenant, load)).collect(),
    })
}
