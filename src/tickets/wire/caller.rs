//! The ticket's message as its reader may see it: with the names that ride along, and for a customer the public side.

use ticketing_proto::v1 as pb;

use super::{View, ticket};
use crate::{ctx::Ctx, entitlements, tickets::Shown};

/// The ticket for the caller.
pub fn shown(ctx: &Ctx, shown: Shown, view: View) -> pb::Ticket {
    let message = pb::Ticket {
        requester_display_name: shown.requester_display_name,
        organization_display_name: shown.organization_display_name,
        assignee_display_name: shown.assignee_display_name,
        ..ticket(shown.ticket, view)
    };
    for_caller(ctx, message)
}

/// A customer sees the matter and what became of it; who works on it and how stays in the house.
pub fn for_caller(ctx: &Ctx, ticket: pb::Ticket) -> pb::Ticket {
    if !ctx.actor.is_customer() {
        return ticket;
    }
    pb::Ticket {
        name: ticket.name,
        number: ticket.number,
        etag: ticket.etag,
        state: ticket.state,
        kind: ticket.kind,
        channel: ticket.channel,
        title: ticket.title,
        description: ticket.description,
        requester: ticket.requester,
        requester_display_name: ticket.requester_display_name,
        organization: ticket.organization,
        organization_display_name: ticket.organization_display_name,
        category: ticket.category,
        product: ticket.product,
        language_code: ticket.language_code,
        impact: ticket.impact,
        urgency: ticket.urgency,
        priority: ticket.priority,
        custom_fields: ticket.custom_fields,
        external_key: ticket.external_key,
        resolution: ticket.resolution.map(|resolution| pb::Resolution {
            code: resolution.code,
            summary: resolution.summary,
            ..pb::Resolution::default()
        }),
        entitlement: ticket.entitlement.map(|it| Box::new(entitlements::wire::for_caller(ctx, *it))),
        follow_up_of: ticket.follow_up_of,
        merged_into: ticket.merged_into,
        create_time: ticket.create_time,
        update_time: ticket.update_time,
        resolve_time: ticket.resolve_time,
        close_time: ticket.close_time,
        auto_close_time: ticket.auto_close_time,
        ..pb::Ticket::default()
    }
}
