//! Going back, and looking back.

use ticketing_proto::v1 as pb;
use tonic::Code;

use super::{apply, document, fields, get, name, reason, revisions, service};
use crate::support::Desk;

#[tokio::test]
async fn going_back_is_a_new_revision() {
    let desk = Desk::open().await;
    let mut admin = service(desk.admin());
    let original = get(&mut admin, name(&desk), 1).await.expect("the first");
    let mut wanted = document(&desk);
    wanted.escalation = Some(pb::EscalationPolicy { allow_skip: true, expire_duration: None });
    apply(&mut admin, wanted).await.expect("applied");
    let request = pb::RollbackConfigurationRequest {
        name: name(&desk),
        revision: 1,
        etag: "\"2\"".into(),
        request_id: "back".into(),
        comment: "too loose".into(),
    };
    let done = admin.rollback_configuration(request.clone()).await.expect("back").into_inner();
    let now = done.configuration.clone().expect("a configuration");
    assert_eq!((now.revision, now.comment.as_str()), (3, "too loose"));
    assert_eq!(now.escalation, original.escalation);
    let plan = done.plan.clone().expect("a plan");
    let paths: Vec<_> = plan.changes.iter().map(|it| it.path.as_str()).collect();
    assert_eq!(paths, ["escalation.allow_skip", "escalation.expire_duration"]);
    assert!(
        !desk.app.configurations.get(&desk.tenant).await.expect("in force").document.escalation.allow_skip
    );

    let again = admin.rollback_configuration(request.clone()).await.expect("repeated").into_inner();
    assert_eq!(again, pb::RollbackConfigurationResponse { replayed: true, ..done });
    let late = pb::RollbackConfigurationRequest { request_id: "late".into(), ..request.clone() };
    let refused = admin.rollback_configuration(late).await.expect_err("revision 3 is in force");
    assert_eq!(reason(&refused), "ETAG_MISMATCH");
    let unknown =
        pb::RollbackConfigurationRequest { revision: 9, request_id: String::new(), ..request.clone() };
    let refused = admin.rollback_configuration(unknown).await.expect_err("no such revision");
    assert_eq!(refused.code(), Code::NotFound);
    let unsaid = pb::RollbackConfigurationRequest { revision: 0, etag: "2".into(), ..request };
    let refused = admin.rollback_configuration(unsaid).await.expect_err("two faults");
    assert_eq!(fields(&refused), ["revision", "etag"]);
    assert_eq!(revisions(&mut admin, name(&desk)).await, [3, 2, 1]);
    desk.finish().await;
}

#[tokio::test]
async fn revisions_are_listed_newest_first_page_by_page() {
    let desk = Desk::open().await;
    let mut admin = service(desk.admin());
    for n in 0..6 {
        let mut wanted = document(&desk);
        wanted.comment = format!("change {n}");
        wanted.teams[0].display_name = format!("Team {n}");
        apply(&mut admin, wanted).await.expect("applied");
    }
    let mut seen = Vec::new();
    let mut request =
        pb::ListConfigurationRevisionsRequest { name: name(&desk), page_size: 3, ..Default::default() };
    loop {
        let page = admin.list_configuration_revisions(request.clone()).await.expect("a page").into_inner();
        assert!(page.revisions.len() <= 3);
        seen.extend(page.revisions.iter().map(|stamp| (stamp.revision, stamp.comment.clone())));
        if page.next_page_token.is_empty() {
            break;
        }
        request.page_token = page.next_page_token;
    }
    assert_eq!(seen.iter().map(|(revision, _)| *revision).collect::<Vec<_>>(), [7, 6, 5, 4, 3, 2, 1]);
    assert_eq!(seen[0].1, "change 5");
    let foreign = pb::ListConfigurationRevisionsRequest { page_token: "junk".into(), ..request.clone() };
    let refused = admin.list_configuration_revisions(foreign).await.expect_err("a broken token");
    assert_eq!(reason(&refused), "PAGE_TOKEN_INVALID");
    let negative = pb::ListConfigurationRevisionsRequest { page_size: -1, ..request };
    let refused = admin.list_configuration_revisions(negative).await.expect_err("a negative size");
    assert_eq!(fields(&refused), ["page_size"]);
    let refused = get(&mut admin, name(&desk), 99).await.expect_err("no such revision");
    assert_eq!(refused.code(), Code::NotFound);
    desk.finish().await;
}
