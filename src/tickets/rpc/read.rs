//! The reads of `ticketing.v1.TicketService`: wire in, wire out.

use std::sync::Arc;

use ticketing_proto::v1 as pb;

use crate::{
    call::Call,
    error::{Error, Result, Violations},
    ids::{child_of, tenant_of},
    tickets::{
        list::{self, List, Order},
        read,
        search::{self, Results, Search},
        timeline,
        wire::{self, View},
    },
};

/// Names in one BatchGetTickets.
const MAX_BATCH: usize = 100;

pub(super) async fn get_ticket(call: &Call, request: pb::GetTicketRequest) -> Result<pb::GetTicketResponse> {
    let (tenant, part) = child_of("name", &request.name, "tickets")?;
    let ctx = call.read(tenant)?;
    let mut faults = Violations::default();
    let view = faults.absorb(wire::view("view", request.view, View::Full))?.unwrap_or(View::Full);
    let read_time = wire::time(&mut faults, "read_time", request.read_time.as_ref());
    if read_time.is_some_and(|time| time > ctx.now) {
        faults.add("read_time", "must not be in the future");
    }
    let min_revision = wire::min_revision(&mut faults, &request.min_revision);
    faults.into_result()?;
    let id = read::resolve(&call.app, &ctx.tenant, part).await?;
    read::await_revision(&call.app, &ctx, min_revision).await?;
    let found = match read_time {
        Some(time) => read::at_time(&call.app, &ctx, id, time).await,
        None => read::get(&call.app, &ctx, id).await,
    };
    // Under the name that was asked for: the id behind a number is the business of those who may see the ticket.
    let ticket = found.map_err(|error| match error {
        Error::NotFound { kind, .. } => Error::not_found(kind, &request.name),
        other => other,
    })?;
    Ok(pb::GetTicketResponse {
        revision: wire::revision(&ticket),
        ticket: Some(wire::shown(&ctx, Arc::unwrap_or_clone(ticket), view)),
    })
}

pub(super) async fn batch_get_tickets(
    call: &Call,
    request: pb::BatchGetTicketsRequest,
) -> Result<pb::BatchGetTicketsResponse> {
    let ctx = call.read(tenant_of(&request.parent)?)?;
    let mut faults = Violations::default();
    let view = faults.absorb(wire::view("view", request.view, View::Basic))?.unwrap_or(View::Basic);
    if request.names.is_empty() || request.names.len() > MAX_BATCH {
        faults.add("names", format!("must be 1 to {MAX_BATCH}"));
    }
    let mut ids = Vec::with_capacity(request.names.len());
    for (place, name) in request.names.iter().enumerate() {
        let field = format!("names[{place}]");
        match faults.absorb(wire::ticket_name(&field, name))? {
            Some((tenant, id)) if tenant == ctx.tenant => ids.push(id),
            Some(_) => faults.add(field, "must be below the parent"),
            None => {}
        }
    }
    faults.into_result()?;
    let tickets = list::batch(&call.app, &ctx, &ids).await?;
    Ok(pb::BatchGetTicketsResponse {
        tickets: tickets.into_iter().map(|ticket| wire::shown(&ctx, ticket, view)).collect(),
    })
}

pub(super) async fn list_tickets(
    call: &Call,
    request: pb::ListTicketsRequest,
) -> Result<pb::ListTicketsResponse> {
    let ctx = call.read(tenant_of(&request.parent)?)?;
    let mut faults = Violations::default();
    let view = faults.absorb(wire::view("view", request.view, View::Basic))?.unwrap_or(View::Basic);
    let order = faults.absorb(Order::parse(&request.order_by))?.unwrap_or_default();
    let min_revision = wire::min_revision(&mut faults, &request.min_revision);
    faults.into_result()?;
    read::await_revision(&call.app, &ctx, min_revision).await?;
    let list = List {
        page_size: request.page_size,
        page_token: &request.page_token,
        filter: &request.filter,
        order,
        view,
    };
    let (tickets, next_page_token) = list::list(&call.app, &ctx, list).await?;
    Ok(pb::ListTicketsResponse {
        tickets: tickets.into_iter().map(|ticket| wire::shown(&ctx, ticket, view)).collect(),
        next_page_token,
    })
}

pub(super) async fn search_tickets(
    call: &Call,
    request: pb::SearchTicketsRequest,
) -> Result<pb::SearchTicketsResponse> {
    let ctx = call.read(tenant_of(&request.parent)?)?;
    let mut faults = Violations::default();
    if request.query.trim().is_empty() {
        faults.add("query", "is required");
    } else if request.query.len() > search::LONGEST {
        faults.add("query", format!("must be at most {} bytes", search::LONGEST));
    } else if request.query.contains('\0') {
        faults.add("query", "must not contain NUL");
    }
    if request.page_size < 0 {
        faults.add("page_size", "must not be negative");
    }
    let min_revision = wire::min_revision(&mut faults, &request.min_revision);
    faults.into_result()?;
    let search = Search {
        query: &request.query,
        filter: &request.filter,
        page_size: request.page_size,
        page_token: &request.page_token,
        min_revision,
    };
    let Results { found, next, behind } = search::search(&call.app, &ctx, search).await?;
    Ok(pb::SearchTicketsResponse {
        results: found.into_iter().map(|found| wire::found(&ctx, found)).collect(),
        next_page_token: next,
        behind,
    })
}

pub(super) async fn count_tickets(
    call: &Call,
    request: pb::CountTicketsRequest,
) -> Result<pb::CountTicketsResponse> {
    let ctx = call.read(tenant_of(&request.parent)?)?;
    let count = list::count(&call.app, &ctx, &request.filter, &request.group_by).await?;
    Ok(pb::CountTicketsResponse {
        count: count.total,
        capped: count.capped,
        groups: count.groups.into_iter().map(|(value, count)| pb::CountGroup { value, count }).collect(),
    })
}

pub(super) async fn list_timeline(
    call: &Call,
    request: pb::ListTimelineRequest,
) -> Result<pb::ListTimelineResponse> {
    let (tenant, id) = wire::ticket_name("name", &request.name)?;
    let ctx = call.read(tenant)?;
    let (events, next_page_token) =
        timeline::list(&call.app, &ctx, id, request.page_size, &request.page_token).await?;
    Ok(pb::ListTimelineResponse { entries: events.iter().map(wire::entry).collect(), next_page_token })
}
