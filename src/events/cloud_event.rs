//! An event as CloudEvents 1.0 name it: the attributes that stand beside the data, whatever carries them.

use super::Notice;

pub const SPEC_VERSION: &str = "1.0";
pub const DATA_CONTENT_TYPE: &str = "application/json";
/// What the data is a message of.
pub const DATA_SCHEMA: &str = "urn:ticketing:v1:Event";

/// What differs from event to event.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Attributes {
    pub id: String,
    pub source: String,
    pub kind: String,
    pub subject: String,
    pub time: String,
    /// The ticket's version, padded so that texts sort as numbers.
    pub sequence: String,
    pub partition_key: String,
    /// Empty: there is none.
    pub traceparent: String,
    pub recorded_time: String,
}

impl Attributes {
    pub fn of(notice: &Notice) -> Self {
        let tenant = &notice.tenant_id;
        Self {
            id: notice.id(),
            source: format!("/tenants/{tenant}"),
            kind: format!("ticketing.v1.{}", notice.kind.name()),
            subject: format!("tenants/{tenant}/tickets/{}", notice.ticket_id),
            time: notice.occur_time.to_string(),
            sequence: format!("{:019}", notice.version),
            partition_key: notice.ticket_id.to_string(),
            traceparent: notice.traceparent.clone(),
            recorded_time: notice.record_time.to_string(),
        }
    }

    /// All of them by name, the constant ones too; those that are empty are left out.
    pub fn named(&self) -> Vec<(&'static str, &str)> {
        let all = [
            ("specversion", SPEC_VERSION),
            ("id", &self.id),
            ("source", &self.source),
            ("type", &self.kind),
            ("subject", &self.subject),
            ("time", &self.time),
            ("datacontenttype", DATA_CONTENT_TYPE),
            ("dataschema", DATA_SCHEMA),
            ("sequence", &self.sequence),
            ("partitionkey", &self.partition_key),
            ("traceparent", &self.traceparent),
            ("recordedtime", &self.recorded_time),
        ];
        all.into_iter().filter(|(_, value)| !value.is_empty()).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{
        ctx::Ctx,
        events::{Event, EventType, project, store_stream::Placed},
        ids::{Id, TenantId},
    };

    #[test]
    fn names_and_values_are_those_of_the_standard() {
        let tenant = TenantId::parse("acme").expect("a tenant");
        let ctx = Ctx::system(tenant, "test", "2026-01-01T00:00:00Z".parse().expect("a time"));
        let event = Event::new(&ctx, EventType::TicketCreated, Id(uuid::Uuid::from_u128(7)), 12);
        let attributes = Attributes::of(&project(Placed { position: 3, event }));
        let ticket = Id(uuid::Uuid::from_u128(7)).to_string();
        let (id, subject) = (format!("{ticket}-12"), format!("tenants/acme/tickets/{ticket}"));
        assert_eq!(
            attributes.named(),
            [
                ("specversion", "1.0"),
                ("id", id.as_str()),
                ("source", "/tenants/acme"),
                ("type", "ticketing.v1.ticket.created"),
                ("subject", subject.as_str()),
                ("time", "2026-01-01T00:00:00Z"),
                ("datacontenttype", "application/json"),
                ("dataschema", "urn:ticketing:v1:Event"),
                ("sequence", "0000000000000000012"),
                ("partitionkey", ticket.as_str()),
                ("recordedtime", "2026-01-01T00:00:00Z"),
            ]
        );
        // An attribute's name is lower-case letters and digits alone.
        let plain = |name: &str| name.chars().all(|it| it.is_ascii_lowercase() || it.is_ascii_digit());
        assert!(attributes.named().iter().all(|(name, _)| plain(name)));
    }
}
