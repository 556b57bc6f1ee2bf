//! Which role holds which right. Denied unless a line here grants it; `docs/permissions.md` is checked against this
//! table, and every method's need is an option on the method itself.

pub use ticketing_proto::v1::Permission;

use crate::{
    ctx::{Actor, ActorKind, Role},
    error::{Error, Result},
};

const READ: &[Permission] = &[
    Permission::TicketsRead,
    Permission::CommentsRead,
    Permission::AttachmentsRead,
    Permission::RoutingRead,
    Permission::AgentsRead,
    Permission::CustomersRead,
    Permission::ConfigurationRead,
    Permission::EventsRead,
    Permission::SlaRead,
    Permission::KnowledgeRead,
    Permission::EntitlementsRead,
    Permission::WorklogsRead,
    Permission::FeedbackRead,
];

const WORK: &[Permission] = &[
    Permission::TicketsCreate,
    Permission::TicketsWork,
    Permission::CommentsWrite,
    Permission::AttachmentsWrite,
    Permission::EscalationsWork,
    Permission::AgentsAvailability,
    Permission::CustomersWrite,
    Permission::KnowledgeWrite,
    Permission::WorklogsWrite,
];

const LEAD: &[Permission] = &[
    Permission::TicketsDispatch,
    Permission::TicketsRestricted,
    Permission::CommentsRedact,
    Permission::AttachmentsDelete,
    Permission::AgentsWrite,
    Permission::ReportsRead,
    Permission::KnowledgeReview,
];

const HOOKS: &[Permission] = &[Permission::WebhooksRead, Permission::WebhooksWrite];

/// The rights of a role.
pub fn granted(role: Role) -> Vec<Permission> {
    let sets: &[&[Permission]] = match role {
        Role::Customer => &[&[
            Permission::TicketsRead,
            Permission::TicketsCreate,
            Permission::CommentsRead,
            Permission::CommentsWrite,
            Permission::AttachmentsRead,
            Permission::AttachmentsWrite,
            Permission::KnowledgeRead,
        ]],
        Role::Agent => &[READ, WORK],
        Role::Specialist => &[READ, WORK, &[Permission::KnowledgeReview]],
        Role::Manager => &[READ, WORK, LEAD],
        Role::SlaManager => &[READ, &[Permission::SlaWrite, Permission::ReportsRead]],
        Role::Admin => &[
            READ,
            WORK,
            LEAD,
            &[
                Permission::ConfigurationWrite,
                Permission::TicketsImport,
                Permission::SlaWrite,
                Permission::CustomersErase,
                Permission::AuditRead,
                Permission::EntitlementsWrite,
                Permission::BillingWrite,
                Permission::FeedbackWrite,
            ],
            HOOKS,
        ],
        Role::Service => &[
            READ,
            &[
                Permission::TicketsCreate,
                Permission::TicketsWork,
                Permission::CommentsWrite,
                Permission::AttachmentsWrite,
                Permission::CustomersWrite,
                Permission::AgentsWrite,
                Permission::AgentsAvailability,
                Permission::ReportsRead,
                Permission::KnowledgeWrite,
                Permission::EntitlementsWrite,
                Permission::WorklogsWrite,
                Permission::BillingWrite,
                Permission::FeedbackWrite,
            ],
            HOOKS,
        ],
        // Runs the platform, sees no content.
        Role::Operator => &[],
    };
    let mut rights: Vec<Permission> = sets.concat();
    rights.push(Permission::SystemRead);
    rights
}

/// Whether what is done by this right is administration, of which the audit log tells. What is done on tickets, their
/// timelines tell; what is done to them from above, both do.
pub fn administers(permission: Permission) -> bool {
    match permission {
        Permission::TicketsDispatch
        | Permission::TicketsImport
        | Permission::CommentsRedact
        | Permission::AttachmentsDelete
        | Permission::AgentsWrite
        | Permission::CustomersWrite
        | Permission::CustomersErase
        | Permission::ConfigurationWrite
        | Permission::SlaWrite
        | Permission::WebhooksWrite
        | Permission::KnowledgeReview
        | Permission::EntitlementsWrite
        | Permission::BillingWrite
        | Permission::FeedbackWrite => true,
        Permission::Unspecified
        | Permission::SystemRead
        | Permission::TicketsRead
        | Permission::TicketsCreate
        | Permission::TicketsWork
        | Permission::TicketsRestricted
        | Permission::CommentsRead
        | Permission::CommentsWrite
        | Permission::AttachmentsRead
        | Permission::AttachmentsWrite
        | Permission::RoutingRead
        | Permission::EscalationsWork
        | Permission::AgentsRead
        | Permission::AgentsAvailability
        | Permission::CustomersRead
        | Permission::ConfigurationRead
        | Permission::ReportsRead
        | Permission::EventsRead
        | Permission::SlaRead
        | Permission::WebhooksRead
        | Permission::AuditRead
        | Permission::KnowledgeRead
        | Permission::KnowledgeWrite
        | Permission::EntitlementsRead
        | Permission::WorklogsRead
        | Permission::WorklogsWrite
        | Permission::FeedbackRead
        | Permission::Anybody => false,
    }
}

/// The right's name without its prefix, as in metadata and documents.
pub fn name(permission: Permission) -> &'static str {
    permission.as_str_name().trim_start_matches("PERMISSION_")
}

impl Actor {
    /// Whether one of the caller's roles grants the right. The service itself may do all.
    pub fn may(&self, permission: Permission) -> bool {
        self.kind == ActorKind::System || self.roles.iter().any(|role| granted(*role).contains(&permission))
    }

    pub fn require(&self, permission: Permission) -> Result<()> {
        if self.may(permission) {
            Ok(())
        } else {
            Err(Error::Forbidden { permission: name(permission).to_owned() })
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_operator_sees_no_content_and_a_customer_no_insides() {
        assert_eq!(granted(Role::Operator), [Permission::SystemRead]);
        for inside in
            [Permission::AgentsRead, Permission::EventsRead, Permission::RoutingRead, Permission::TicketsWork]
        {
            assert!(!granted(Role::Customer).contains(&inside), "{inside:?}");
        }
    }

    #[test]
    fn nobody_but_an_administrator_configures_erases_and_audits() {
        for right in [Permission::ConfigurationWrite, Permission::CustomersErase, Permission::AuditRead] {
            let may = |role: &Role| granted(*role).contains(&right);
            assert_eq!(Role::ALL.iter().filter(|role| may(role)).collect::<Vec<_>>(), [&Role::Admin]);
        }
    }
}
