//! An event as CloudEvents 1.0 names things: the same attributes whichever way it leaves.

use super::project::Notice;

/// How the names of our types begin; a shape that old consumers could not read would begin with another.
pub const TYPE_PREFIX: &str = "ticketing.v1.";
/// The message that the data is.
pub const DATA_SCHEMA: &str = "urn:protobuf:ticketing.v1.Event";

/// Names and values of the context attributes, in the order of the specification, without `datacontenttype`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Attributes(pub Vec<(&'static str, String)>);

impl Attributes {
    pub fn of(notice: &Notice) -> Self {
        let ticket = notice.ticket_id;
        let mut attributes = vec![
            ("specversion", "1.0".to_owned()),
            ("id", notice.id()),
            ("source", format!("/tenants/{}", notice.tenant_id)),
            ("type", format!("{TYPE_PREFIX}{}", notice.kind.name())),
            ("subject", format!("tenants/{}/tickets/{ticket}", notice.tenant_id)),
            ("time", notice.occur_time.to_string()),
            ("dataschema", DATA_SCHEMA.to_owned()),
            // Compared as text by those who compare it, so all are equally long.
            ("sequence", format!("{:019}", notice.version)),
            ("partitionkey", ticket.to_string()),
            ("recordedtime", notice.record_time.to_string()),
        ];
        if !notice.traceparent.is_empty() {
            attributes.push(("traceparent", notice.traceparent.clone()));
        }
        Self(attributes)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{
        ctx::Ctx,
        events::{Event, EventType, project::project, store_stream::Placed},
        ids::{Id, TenantId},
    };

    #[test]
    fn an_event_has_the_attributes_of_its_ticket() {
        let tenant = TenantId::parse("acme").expect("a tenant");
        let mut ctx = Ctx::system(tenant, "anna", "2026-01-01T00:00:00Z".parse().expect("a time"));
        ctx.traceparent = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01".into();
        let event = Event::new(&ctx, EventType::TicketResolved, Id(uuid::Uuid::from_u128(7)), 3);
        let Attributes(attributes) = Attributes::of(&project(Placed { position: 9, event }));
        let expected = [
            ("specversion", "1.0"),
            ("id", "0000000000000000000000000w-3"),
            ("source", "/tenants/acme"),
            ("type", "ticketing.v1.ticket.resolved"),
            ("subject", "tenants/acme/tickets/0000000000000000000000000w"),
            ("time", "2026-01-01T00:00:00Z"),
            ("dataschema", DATA_SCHEMA),
            ("sequence", "0000000000000000003"),
            ("partitionkey", "0000000000000000000000000w"),
            ("recordedtime", "2026-01-01T00:00:00Z"),
            ("traceparent", "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01"),
        ];
        assert_eq!(attributes, expected.map(|(name, value)| (name, value.to_owned())));
    }
}
