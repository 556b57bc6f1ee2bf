//! Services of the document: applied, told in plans, refused by path.

use super::{apply, document, fields, get, name, reason, service};
use crate::support::Desk;

#[tokio::test]
async fn a_service_is_part_of_the_document_and_its_target_a_percentage() {
    let desk = Desk::open().await;
    let mut admin = service(desk.admin());
    let mut wanted = document(&desk);
    wanted.services[0].availability_target_percent = 99.95;
    wanted.services[1].calendar = String::new();
    let plan = apply(&mut admin, wanted.clone()).await.expect("applied").plan.expect("a plan");
    let told: Vec<_> = plan.changes.iter().map(|it| (it.path.as_str(), it.after_json.as_str())).collect();
    assert_eq!(
        told,
        [
            ("services[key=\"vpn\"].availability_target_percent", "99.95"),
            ("services[key=\"erp\"].calendar", ""),
        ]
    );
    let now = get(&mut admin, name(&desk), 0).await.expect("in force");
    assert_eq!(now.services, wanted.services);

    wanted.services[0].availability_target_percent = 99.9999;
    wanted.services[1].availability_target_percent = -1.0;
    wanted.services[1].calendar = "office".into();
    let refused = apply(&mut admin, wanted).await.expect_err("faults");
    assert_eq!(reason(&refused), "CONFIGURATION_INVALID");
    assert_eq!(
        fields(&refused),
        [
            "services[key=\"vpn\"].availability_target_percent",
            "services[key=\"erp\"].availability_target_percent",
            "services[key=\"erp\"].calendar",
        ]
    );
    desk.finish().await;
}
