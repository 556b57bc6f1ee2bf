//! What a good token makes of its bearer.

use serde_json::json;
use ticketing_proto::v1::configuration_service_client::ConfigurationServiceClient;

use super::{
    issuer::{Issuer, Key, Token},
    *,
};

async fn create(
    channel: &Channel,
    parent: &str,
    token: &str,
) -> Result<Response<pb::CreateTicketResponse>, Status> {
    let ticket = Some(pb::Ticket { title: "Drucker".into(), ..Default::default() });
    let message = pb::CreateTicketRequest { parent: parent.into(), ticket, ..Default::default() };
    TicketServiceClient::new(channel.clone()).create_ticket(bearing(message, token)).await
}

#[tokio::test]
async fn a_bearer_is_what_the_token_says_in_the_tenant_that_it_names() {
    let desk = Desk::open().await;
    let key = Key::p256();
    let issuer = Issuer::open(&desk, &[key.shown("a")]).await;
    let channel = channel(&guard(&desk, &issuer.document(), None).await).await;
    let good = || Token::good(&issuer, "a", &key);
    let roles = |roles: &[&str]| good().claim("realm_access", json!({"roles": roles})).signed(&key);

    let session = session(&channel, &good().claim("aud", json!(["account", "ticketing"])).signed(&key)).await;
    let actor = session.expect("a session").into_inner().actor.expect("an actor");
    assert_eq!((actor.id.as_str(), actor.kind()), ("anna", pb::ActorKind::Agent));
    create(&channel, "tenants/acme", &roles(&["desk"])).await.expect("created");
    let foreign = create(&channel, "tenants/beta", &roles(&["desk"])).await;
    assert_eq!(reason(&foreign), "NotFound RESOURCE_NOT_FOUND");
    let both = good().claim("tenant", json!(["beta", "acme"])).signed(&key);
    create(&channel, "tenants/acme", &both).await.expect("created");

    let nobody = create(&channel, "tenants/acme", &roles(&["cook"])).await;
    assert_eq!(reason(&nobody), "PermissionDenied PERMISSION_MISSING");
    create(&channel, "tenants/acme", &roles(&["portal"])).await.expect("a customer creates");
    let list = pb::ListConfigurationRevisionsRequest {
        name: "tenants/acme/configuration".into(),
        ..Default::default()
    };
    let mut configurations = ConfigurationServiceClient::new(channel.clone());
    let inside = configurations.list_configuration_revisions(bearing(list, &roles(&["portal"]))).await;
    assert_eq!(reason(&inside), "PermissionDenied PERMISSION_MISSING");
    desk.finish().await;
}

#[tokio::test]
async fn a_service_account_is_known_by_its_subject_and_its_audience() {
    let desk = Desk::open().await;
    let key = Key::rsa();
    let issuer = Issuer::open(&desk, &[key.shown("cluster")]).await;
    let document = format!(
        "issuers:
  - issuer: {}
    audiences: [ticketing]
    algorithms: [RS256]
    tenants: {{fixed: [acme]}}
    subjects: {{'system:serviceaccount:crm:sync': [SERVICE]}}
",
        issuer.url
    );
    let channel = channel(&guard(&desk, &document, None).await).await;
    let token = |sub: &str, aud: &str| {
        let token = Token::good(&issuer, "cluster", &key).claim("sub", json!(sub)).claim("aud", json!([aud]));
        token.claim("tenant", json!(null)).claim("realm_access", json!(null)).signed(&key)
    };
    let sync = "system:serviceaccount:crm:sync";
    create(&channel, "tenants/acme", &token(sync, "ticketing")).await.expect("created");
    let elsewhere = create(&channel, "tenants/beta", &token(sync, "ticketing")).await;
    assert_eq!(reason(&elsewhere), "NotFound RESOURCE_NOT_FOUND");
    let usual = create(&channel, "tenants/acme", &token(sync, "https://kubernetes.default.svc")).await;
    assert_eq!(reason(&usual), "Unauthenticated TOKEN_INVALID", "the token that every pod has");
    let other =
        create(&channel, "tenants/acme", &token("system:serviceaccount:crm:other", "ticketing")).await;
    assert_eq!(reason(&other), "PermissionDenied PERMISSION_MISSING");
    desk.finish().await;
}
