//! What is not as it was announced does not get onto a ticket, and what the server cannot keep it says so.

use std::{fs, time::Duration};

use ticketing::attachments::objects::{Objects, Place};
use ticketing_proto::v1::{self as pb, system_service_client::SystemServiceClient};
use tonic::codegen::http::Method;

use super::{
    S3, Stage, TEXT, adding, announce, ask, asked, attach, attachments, completing, fetching, publicly, put,
};
use crate::{
    support::{Desk, facts, fields, reason},
    tickets::edit,
};

/// As long as [`TEXT`], and another.
const OTHER: &[u8] = b"Drucker druckt  nicht\n";

#[tokio::test]
async fn a_store_takes_nothing_but_what_was_announced() {
    for stage in Stage::both().await {
        let desk = &stage.desk;
        let ticket = asked(desk).await;
        let request = adding(&ticket.name, "a.txt", TEXT);
        let (announced, upload) = announce(desk.agent("anna"), request).await;
        let mut anna = attachments(desk.agent("anna"));
        for wrong in [&TEXT[1..], &[TEXT, b"!"].concat(), OTHER, b""] {
            let status = put(&upload, wrong).await;
            assert!((400..500).contains(&status), "{status} for {wrong:?}");
            assert_eq!(stage.lying(), [""; 0], "{wrong:?}");
            let refused = anna.complete_attachment(completing(&announced.name)).await;
            assert_eq!(reason(&refused), "FailedPrecondition ATTACHMENT_NOT_UPLOADED");
        }
        let spoilt = pb::AttachmentUpload { url: format!("{}0", upload.url), ..upload.clone() };
        assert_eq!(put(&spoilt, TEXT).await, 403, "a URL is whole or nothing");
        assert_eq!(put(&upload, TEXT).await, 200, "what failed before does not stand in the way");
        anna.complete_attachment(completing(&announced.name)).await.expect("there");
        stage.desk.finish().await;
    }
}

#[tokio::test]
async fn what_lies_there_is_measured_when_it_is_completed() {
    for stage in Stage::both().await {
        let desk = &stage.desk;
        let ticket = asked(desk).await;
        let request = adding(&ticket.name, "a.txt", TEXT);
        let (announced, upload) = announce(desk.agent("anna"), request).await;
        assert_eq!(put(&upload, TEXT).await, 200);
        // Past the store: somebody who has the disk.
        let object = stage.place().join(&stage.lying()[0]);
        fs::write(&object, b"longer than what was announced").expect("written");
        let mut anna = attachments(desk.agent("anna"));
        let refused = anna.complete_attachment(completing(&announced.name)).await;
        assert_eq!(reason(&refused), "FailedPrecondition ATTACHMENT_SIZE_MISMATCH");
        assert_eq!((facts(&refused, "expected"), facts(&refused, "found")), ("22".into(), "30".into()));
        fs::write(&object, TEXT).expect("written");
        anna.complete_attachment(completing(&announced.name)).await.expect("there");
        stage.desk.finish().await;
    }
}

#[tokio::test]
async fn a_store_that_knows_the_digest_is_asked_for_it() {
    let stage = Stage::bucket().await;
    let desk = &stage.desk;
    let ticket = asked(desk).await;
    let request = adding(&ticket.name, "a.txt", TEXT);
    let (announced, upload) = announce(desk.agent("anna"), request).await;
    assert_eq!(put(&upload, TEXT).await, 200);
    let set = |digest: &'static str| {
        sqlx::query("update attachments set sha256 = sha256(convert_to($1, 'UTF8'))")
            .bind(digest)
            .execute(desk.root())
    };
    set("another").await.expect("spoilt");
    let mut anna = attachments(desk.agent("anna"));
    let refused = anna.complete_attachment(completing(&announced.name)).await;
    assert_eq!(reason(&refused), "FailedPrecondition ATTACHMENT_CHECKSUM_MISMATCH");
    set("Drucker druckt nicht.\n").await.expect("mended");
    anna.complete_attachment(completing(&announced.name)).await.expect("there");
    stage.desk.finish().await;
}

#[tokio::test]
async fn a_url_of_a_folder_is_good_for_a_while() {
    let stage = Stage::folder().await;
    let desk = &stage.desk;
    let ticket = asked(desk).await;
    let there = attach(desk.agent("anna"), adding(&ticket.name, "a.txt", TEXT), TEXT).await;
    let (_, upload) = announce(desk.agent("anna"), adding(&ticket.name, "b.txt", TEXT)).await;
    let answer = attachments(desk.agent("anna")).create_attachment_download(fetching(&there.name)).await;
    let url = answer.expect("a URL").into_inner().url;
    desk.advance(Duration::from_mins(15) - Duration::from_secs(1));
    assert_eq!(ask(Method::GET, &url, &[], b"").await.status, 200);
    desk.advance(Duration::from_secs(1));
    assert_eq!(ask(Method::GET, &url, &[], b"").await.status, 403);
    assert_eq!(put(&upload, TEXT).await, 403);
    stage.desk.finish().await;
}

/// By the clock of the store, which nobody moves: the test asks until it is over.
#[tokio::test]
async fn a_url_of_a_bucket_is_good_for_a_while() {
    let s3 = S3::start().await;
    let place = Place::Bucket(Box::new(s3.bucket()));
    let objects = Objects { place, lifetime: Duration::from_secs(1), ..Desk::keeping() };
    let desk = Desk::open_keeping(Some(objects)).await;
    let ticket = asked(&desk).await;
    let (_, upload) = announce(desk.agent("anna"), adding(&ticket.name, "a.txt", TEXT)).await;
    let refused = loop {
        match put(&upload, TEXT).await {
            200 => {}
            status => break status,
        }
    };
    assert_eq!(refused, 403);
    desk.finish().await;
}

#[tokio::test]
async fn every_fault_of_a_request_is_named() {
    let stage = Stage::folder().await;
    let desk = &stage.desk;
    let ticket = asked(desk).await;
    let mut anna = attachments(desk.agent("anna"));
    let bare = pb::CreateAttachmentRequest { parent: ticket.name.clone(), ..Default::default() };
    assert_eq!(fields(&anna.create_attachment(bare).await), ["attachment.sha256", "attachment.file_name"]);
    let mut bad = adding(&ticket.name, "../../etc/passwd", TEXT);
    let attachment = bad.attachment.as_mut().expect("an attachment");
    attachment.media_type = "text/plain; charset=utf-8".into();
    attachment.visibility = 7;
    attachment.comment = "tenants/acme/tickets/x/comments/y".into();
    assert_eq!(
        fields(&anna.create_attachment(bad).await),
        ["attachment.visibility", "attachment.file_name", "attachment.media_type", "attachment.comment"]
    );
    for byte_count in [0, (1 << 20) + 1] {
        let mut wrong = adding(&ticket.name, "a.txt", TEXT);
        wrong.attachment.as_mut().expect("an attachment").byte_count = byte_count;
        assert_eq!(fields(&anna.create_attachment(wrong).await), ["attachment.byte_count"]);
    }
    edit(desk, &ticket.name, |ticket| ticket.level = "L3".into()).await;
    let public = anna.create_attachment(publicly(adding(&ticket.name, "a.txt", TEXT))).await;
    assert_eq!(reason(&public), "FailedPrecondition LEVEL_WITHOUT_CUSTOMER_CONTACT");
    let mut customer = attachments(desk.customer("peter"));
    assert!(customer.create_attachment(adding(&ticket.name, "a.txt", TEXT)).await.is_ok());
    let denied = attachments(desk.agent("anna")).delete_attachment(super::deleting(&ticket.name)).await;
    assert_eq!(reason(&denied), "PermissionDenied PERMISSION_MISSING");
    stage.desk.finish().await;
}

#[tokio::test]
async fn a_ticket_has_room_for_so_many() {
    let stage = Stage::folder().await;
    let desk = &stage.desk;
    let ticket = asked(desk).await;
    announce(desk.agent("anna"), adding(&ticket.name, "0", TEXT)).await;
    sqlx::query(
        "insert into attachments select tenant_id, ticket_id, gen_random_uuid(), version, state, visibility, file_name,
             media_type, byte_count, sha256, comment_id, author_kind, author_id, create_time, expire_time
         from attachments, generate_series(1, 199)",
    )
    .execute(desk.root())
    .await
    .expect("a crowd");
    let mut anna = attachments(desk.agent("anna"));
    let refused = anna.create_attachment(adding(&ticket.name, "200", TEXT)).await;
    assert_eq!(reason(&refused), "FailedPrecondition ATTACHMENT_LIMIT_REACHED");
    assert_eq!(facts(&refused, "limit"), "200");
    let other = asked(desk).await;
    assert!(anna.create_attachment(adding(&other.name, "0", TEXT)).await.is_ok());
    stage.desk.finish().await;
}

#[tokio::test]
async fn a_server_without_a_store_says_so() {
    let desk = Desk::open_keeping(None).await;
    let ticket = asked(&desk).await;
    let off = "FailedPrecondition ATTACHMENTS_OFF";
    let mut anna = attachments(desk.agent("anna"));
    let refused = anna.create_attachment(adding(&ticket.name, "a.txt", TEXT)).await;
    assert_eq!(reason(&refused), off);
    assert!(refused.expect_err("off").message().contains("attachments_url"));
    let info = |desk: &Desk| {
        let mut system = SystemServiceClient::new(desk.agent("anna"));
        async move {
            let info = system.get_server_info(pb::GetServerInfoRequest {}).await.expect("told").into_inner();
            let able = info.capabilities.contains(&"attachments".to_owned());
            (able, info.limits.expect("limits").max_attachment_bytes)
        }
    };
    assert_eq!(info(&desk).await, (false, 0));

    // One that had a store, and lost it.
    let stage = Stage::folder().await;
    assert_eq!(info(&stage.desk).await, (true, 1 << 20));
    let ticket = asked(&stage.desk).await;
    let there = attach(stage.desk.agent("anna"), adding(&ticket.name, "a.txt", TEXT), TEXT).await;
    let (pending, _) = announce(stage.desk.agent("anna"), adding(&ticket.name, "b.txt", TEXT)).await;
    let blind = stage.desk.blind().await;
    let mut anna = attachments(blind.agent("anna"));
    assert_eq!(reason(&anna.create_attachment_download(fetching(&there.name)).await), off);
    assert_eq!(reason(&anna.complete_attachment(completing(&pending.name)).await), off);
    let mut manager = attachments(blind.manager());
    manager.delete_attachment(super::deleting(&there.name)).await.expect("what is known of it goes");
    assert_eq!(ticketing::attachments::remove::run_once(&blind.app, 10).await.expect("a tick").done, 0);
    let seen = ticketing::attachments::remove::run_once(&stage.desk.app, 10).await.expect("a tick");
    assert_eq!(seen.done, 1, "the object waits for a store");
    blind.finish().await;
    stage.desk.finish().await;
    desk.finish().await;
}

#[tokio::test]
async fn a_store_that_is_away_is_no_fault_of_the_file() {
    let mut stage = Stage::bucket().await;
    let ticket = asked(&stage.desk).await;
    let request = adding(&ticket.name, "a.txt", TEXT);
    let (announced, upload) = announce(stage.desk.agent("anna"), request).await;
    assert_eq!(put(&upload, TEXT).await, 200);
    let s3 = stage.s3.as_mut().expect("a bucket");
    s3.kill().await;
    let mut anna = attachments(stage.desk.agent("anna"));
    let refused = anna.complete_attachment(completing(&announced.name)).await;
    assert_eq!(reason(&refused), "Unavailable OBJECT_STORE_DOWN");
    s3.restart().await;
    anna.complete_attachment(completing(&announced.name)).await.expect("there");
    stage.desk.finish().await;
}
