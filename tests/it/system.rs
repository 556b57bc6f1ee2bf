//! What the server says about itself and its callers.

use ticketing::ctx::{ActorKind, Role};
use ticketing_proto::v1::{self as pb, Permission, system_service_client::SystemServiceClient};
use tonic::Code;

use crate::support::Desk;

#[tokio::test]
async fn the_server_says_what_it_is() {
    let desk = Desk::open().await;
    let mut system = SystemServiceClient::new(desk.customer("c-17"));
    let info = system.get_server_info(pb::GetServerInfoRequest {}).await.expect("told").into_inner();
    assert_eq!(info.version, env!("CARGO_PKG_VERSION"));
    assert_eq!(info.schema_version, ticketing::db::Db::newest_schema_version());
    assert_eq!(info.time_zone_release, ticketing::calendar::zone::release());
    let limits = info.limits.expect("limits");
    assert_eq!((limits.max_page_size, limits.max_batch_size, limits.max_title_chars), (200, 100, 300));
    desk.finish().await;
}

#[tokio::test]
async fn a_session_says_who_one_is_and_what_one_may() {
    let desk = Desk::open().await;
    let mut system =
        SystemServiceClient::new(desk.caller(ActorKind::Agent, "anna", &[Role::Agent, Role::Specialist]));
    let session = system.get_session(pb::GetSessionRequest {}).await.expect("told").into_inner();
    let actor = session.actor.clone().expect("an actor");
    assert_eq!((actor.kind(), actor.id.as_str()), (pb::ActorKind::Agent, "anna"));
    assert_eq!(
        (session.tenants.as_slice(), session.roles.as_slice()),
        (&["tenants/acme".to_owned()][..], &["AGENT".to_owned(), "SPECIALIST".to_owned()][..])
    );
    let permissions: Vec<Permission> = session.permissions().collect();
    assert!(
        permissions.contains(&Permission::TicketsWork)
            && !permissions.contains(&Permission::ConfigurationWrite)
    );
    assert!(permissions.is_sorted() && !permissions.contains(&Permission::Unspecified));

    let mut anybody = SystemServiceClient::new(desk.channel());
    let session = anybody.get_session(pb::GetSessionRequest {}).await.expect("told").into_inner();
    assert_eq!(session.tenants, ["-"]);
    desk.finish().await;
}

#[tokio::test]
async fn a_request_that_is_too_large_is_told_so() {
    let desk = Desk::open().await;
    let mut admin = pb::configuration_service_client::ConfigurationServiceClient::new(desk.admin());
    let request = pb::RollbackConfigurationRequest { comment: "x".repeat(2 << 20), ..Default::default() };
    let refused = admin.rollback_configuration(request).await.expect_err("2 MiB");
    assert_eq!(refused.code(), Code::ResourceExhausted);
    desk.finish().await;
}
