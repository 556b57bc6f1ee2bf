//! How tickets stand to each other, as messages and back.

use ticketing_proto::v1 as pb;

use super::{code, timestamp, wire};
use crate::{
    error::Violations,
    events::Event,
    ids::{Id, TenantId},
    tickets::{
        LinkKind, Relation, Target, Tie,
        merge::MAX_MERGE,
        resolve::{How, Resolve},
        resolve_as::ResolveAs,
    },
};

/// What an event ties its ticket to; nothing, if it is of another kind.
pub fn tie(event: &Event) -> Option<pb::TicketTie> {
    let relation = event.details.get("relation")?.as_str()?;
    let others = event.details.get("tickets")?.as_array()?;
    let name = |id: &serde_json::Value| Some(format!("tenants/{}/tickets/{}", event.tenant_id, id.as_str()?));
    Some(pb::TicketTie {
        relation: wire("TICKET_RELATION_", relation, pb::TicketRelation::from_str_name),
        tickets: others.iter().filter_map(name).collect(),
    })
}

pub fn link(tenant: &TenantId, tie: &Tie) -> pb::TicketLink {
    pb::TicketLink {
        relation: wire("TICKET_RELATION_", tie.relation.name(), pb::TicketRelation::from_str_name),
        ticket: format!("tenants/{tenant}/tickets/{}", tie.other),
        create_time: Some(timestamp(tie.create_time)),
    }
}

/// A relation that somebody may ask for.
pub fn relation(faults: &mut Violations, field: &str, relation: i32) -> Relation {
    let name = |relation: &pb::TicketRelation| relation.as_str_name();
    let asked = code(faults, field, relation, name, "TICKET_RELATION_", Relation::parse);
    match asked {
        Some(Relation { kind: LinkKind::MergedInto, .. }) => {
            faults.add(field, "is made by MergeTickets alone");
        }
        None if relation == 0 => faults.add(field, "is required"),
        _ => {}
    }
    asked.unwrap_or(Relation { kind: LinkKind::Relates, inverse: false })
}

/// A resolution of its own, or that of a problem.
pub fn how(
    faults: &mut Violations,
    tenant: &TenantId,
    target: Target,
    request: &pb::ResolveTicketRequest,
) -> How {
    if request.resolution_of.is_empty() {
        let resolution = super::resolution(faults, "resolution", request.resolution.as_ref(), tenant);
        return How::By(Resolve { target, resolution, draft_article: request.draft_article });
    }
    if request.draft_article {
        faults.add("draft_article", "must not be asked for when resolution_of says whose resolution it is");
    }
    if request.resolution.is_some() {
        faults.add("resolution", "must not be there when resolution_of says whose it is");
    }
    let problem = other(faults, "resolution_of", tenant, target.id, &request.resolution_of);
    How::As(ResolveAs { target, problem })
}

/// The tickets that are to go on in another one.
pub fn merged(
    faults: &mut Violations,
    tenant: &TenantId,
    survivor: Id,
    tickets: &[pb::MergedTicket],
) -> Vec<Target> {
    if tickets.is_empty() || tickets.len() > MAX_MERGE {
        faults.add("tickets", format!("must be 1 to {MAX_MERGE}"));
    }
    let mut targets: Vec<Target> = Vec::with_capacity(tickets.len());
    for (place, ticket) in tickets.iter().take(MAX_MERGE).enumerate() {
        let field = format!("tickets[{place}]");
        let id = other(faults, &format!("{field}.name"), tenant, survivor, &ticket.name);
        if id != survivor && targets.iter().any(|target| target.id == id) {
            faults.add(format!("{field}.name"), "must not be there twice");
        }
        let version = super::version(faults, &format!("{field}.etag"), &ticket.etag);
        targets.push(Target { version, ..Target::of(id) });
    }
    targets
}

/// Another ticket of the tenant.
pub fn other(faults: &mut Violations, field: &str, tenant: &TenantId, one: Id, name: &str) -> Id {
    match super::ticket_name(field, name) {
        Ok((found, id)) if found == *tenant && id != one => return id,
        Ok((found, _)) if found == *tenant => faults.add(field, "must be another ticket"),
        _ => faults.add(field, "must be tenants/{tenant}/tickets/{ticket} of the same tenant"),
    }
    one
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_contract_has_every_relation_and_no_other() {
        let mut names: Vec<&str> = LinkKind::ALL
            .iter()
            .flat_map(|kind| [false, true].map(|inverse| Relation { kind: *kind, inverse }.name()))
            .collect();
        names.dedup();
        let contract: Vec<String> = (1..=names.len() as i32)
            .map(|number| pb::TicketRelation::try_from(number).expect("a relation").as_str_name().to_owned())
            .collect();
        let prefixed: Vec<String> = names.iter().map(|name| format!("TICKET_RELATION_{name}")).collect();
        assert_eq!(contract, prefixed);
        assert!(pb::TicketRelation::try_from(1 + names.len() as i32).is_err());
    }
}
