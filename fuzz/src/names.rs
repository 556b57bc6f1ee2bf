//! Names of resources, ids and keys: what is read is what was written, so that no two names are one resource.

use ticketing::{
    configuration::wire::tenant as tenant_of_configuration,
    ids::{Id, TenantId, child_of, grandchild_of, is_key, tenant_of},
    tickets::wire::ticket_name,
};

/// The collections below a tenant, and those below a ticket.
const CHILDREN: [&str; 7] =
    ["agents", "contacts", "organizations", "outages", "queues", "subscriptions", "tickets"];
const GRANDCHILDREN: [&str; 3] = ["clocks", "comments", "escalations"];

pub fn read(bytes: &[u8]) {
    let Ok(text) = str::from_utf8(bytes) else { return };
    if let Some(tenant) = TenantId::parse(text) {
        assert_eq!(tenant.as_str(), text);
    }
    if let Ok(id) = text.parse::<Id>() {
        assert_eq!(id.to_string(), text);
    }
    if is_key(text) {
        assert!(!text.contains(['/', '\0']) && !text.is_empty());
    }
    if let Ok(tenant) = tenant_of(text) {
        assert_eq!(format!("tenants/{tenant}"), text);
    }
    if let Ok(tenant) = tenant_of_configuration("name", text) {
        assert_eq!(format!("tenants/{tenant}/configuration"), text);
    }
    for kind in CHILDREN {
        if let Ok((tenant, id)) = child_of("name", text, kind) {
            assert_eq!(format!("tenants/{tenant}/{kind}/{id}"), text);
        }
    }
    if let Ok((tenant, id)) = ticket_name("name", text) {
        assert_eq!(format!("tenants/{tenant}/tickets/{id}"), text);
    }
    for kind in GRANDCHILDREN {
        if let Ok((tenant, ticket, id)) = grandchild_of("name", text, kind) {
            assert_eq!(format!("tenants/{tenant}/tickets/{ticket}/{kind}/{id}"), text);
        }
    }
}
