//! A file's life, in both stores.

use std::time::Duration;

use ticketing::attachments::{lapse, remove};
use ticketing_proto::v1::{self as pb, AttachmentState};

use super::{
    MISSING, Stage, TEXT, adding, announce, asked, attach, attachments, completing, deleting, fetching, get,
    listing, named, publicly, put, told,
};
use crate::{
    comments::comments,
    support::{facts, reason},
    tickets::{read, tickets},
};

#[tokio::test]
async fn a_file_goes_to_the_store_and_comes_back() {
    for stage in Stage::both().await {
        let desk = &stage.desk;
        let ticket = asked(desk).await;
        let mut anna = attachments(desk.agent("anna"));
        let request = adding(&ticket.name, "Überblick \"1\".txt", TEXT);
        let (announced, upload) = announce(desk.agent("anna"), request).await;
        assert_eq!((announced.state(), announced.etag.as_str()), (AttachmentState::Pending, "\"1\""));
        assert_eq!(announced.visibility(), pb::AttachmentVisibility::Internal);
        let seconds = |time: &Option<prost_types::Timestamp>| time.as_ref().expect("a time").seconds;
        assert!(seconds(&announced.expire_time) > seconds(&upload.expire_time) && upload.method == "PUT");
        assert_eq!(read(desk, &ticket.name).await.etag, ticket.etag, "nothing has happened to the ticket");
        let early = anna.create_attachment_download(fetching(&announced.name)).await;
        assert_eq!(reason(&early), "FailedPrecondition ATTACHMENT_NOT_AVAILABLE");

        assert_eq!(put(&upload, TEXT).await, 200);
        assert_eq!(put(&upload, TEXT).await, 200, "whoever was not answered sends again");
        let done = anna.complete_attachment(completing(&announced.name)).await.expect("there").into_inner();
        let there = done.attachment.expect("an attachment");
        assert_eq!((there.state(), there.etag.as_str()), (AttachmentState::Available, "\"2\""));
        assert!(there.expire_time.is_none() && there.complete_time.is_some());
        let seen = pb::GetTicketRequest {
            name: ticket.name.clone(),
            min_revision: done.revision,
            ..Default::default()
        };
        tickets(desk.agent("anna")).get_ticket(seen).await.expect("the write is seen");

        let answer = get(desk.agent("anna"), &there.name).await;
        assert_eq!((answer.status, answer.body.as_slice()), (200, TEXT));
        let header = |name: &str| answer.headers[name].to_str().expect("text").to_owned();
        assert_eq!(header("content-type"), "text/plain");
        let disposition =
            "attachment; filename=\"_berblick _1_.txt\"; filename*=UTF-8''%C3%9Cberblick%20%221%22.txt";
        assert_eq!(header("content-disposition"), disposition);
        let page = anna.list_attachments(listing(&ticket.name)).await.expect("a page").into_inner();
        assert_eq!(page.attachments, std::slice::from_ref(&there));

        let why = "ein Passwort".to_owned();
        let delete = pb::DeleteAttachmentRequest { reason: why, ..deleting(&there.name) };
        let left = attachments(desk.manager()).delete_attachment(delete).await.expect("deleted").into_inner();
        let left = left.attachment.expect("what is left");
        assert_eq!((left.state(), left.byte_count), (AttachmentState::Deleted, TEXT.len() as i64));
        assert_eq!((left.file_name.as_str(), left.media_type.as_str(), left.sha256.len()), ("", "", 0));
        let again = attachments(desk.manager()).delete_attachment(deleting(&there.name)).await;
        assert_eq!(reason(&again), "FailedPrecondition ATTACHMENT_NOT_AVAILABLE");
        assert_eq!(facts(&again, "state"), "DELETED");
        let late = anna.create_attachment_download(fetching(&there.name)).await;
        assert_eq!(reason(&late), "FailedPrecondition ATTACHMENT_NOT_AVAILABLE");
        let name = there.name.clone();
        let expected = ["ticket.attachment_added", "ticket.attachment_deleted"];
        assert_eq!(told(desk).await, expected.map(|kind| (kind.to_owned(), name.clone())));

        assert_eq!(stage.lying().len(), 1);
        assert_eq!(remove::run_once(&desk.app, 10).await.expect("a tick").done, 1);
        assert_eq!(stage.lying(), [""; 0]);
        stage.desk.finish().await;
    }
}

#[tokio::test]
async fn who_still_has_a_url_puts_nothing_back_for_good() {
    for stage in Stage::both().await {
        let desk = &stage.desk;
        let ticket = asked(desk).await;
        let request = adding(&ticket.name, "a.txt", TEXT);
        let (announced, upload) = announce(desk.agent("anna"), request).await;
        assert_eq!(put(&upload, TEXT).await, 200);
        attachments(desk.agent("anna"))
            .complete_attachment(completing(&announced.name))
            .await
            .expect("there");
        attachments(desk.manager()).delete_attachment(deleting(&announced.name)).await.expect("deleted");
        assert_eq!(remove::run_once(&desk.app, 10).await.expect("a tick").done, 1);
        assert_eq!(put(&upload, TEXT).await, 200, "the URL is still good");
        assert_eq!(remove::run_once(&desk.app, 10).await.expect("a tick").done, 0, "it is not due");
        assert_eq!(stage.lying().len(), 1);
        desk.advance(Duration::from_hours(26));
        assert_eq!(remove::run_once(&desk.app, 10).await.expect("a tick").done, 1);
        assert_eq!(stage.lying(), [""; 0]);
        let rows: i64 = sqlx::query_scalar("select count(*) from attachment_removals")
            .fetch_one(desk.root())
            .await
            .expect("a count");
        assert_eq!(rows, 0, "there is nothing left to do");
        stage.desk.finish().await;
    }
}

#[tokio::test]
async fn what_is_never_completed_goes() {
    for stage in Stage::both().await {
        let desk = &stage.desk;
        let ticket = asked(desk).await;
        let request = pb::CreateAttachmentRequest {
            request_id: "r1".to_owned(),
            ..adding(&ticket.name, "a.txt", TEXT)
        };
        let (announced, upload) = announce(desk.agent("anna"), request.clone()).await;
        assert_eq!(put(&upload, TEXT).await, 200);
        desk.advance(Duration::from_hours(24) - Duration::from_secs(1));
        assert_eq!(lapse::run_once(&desk.app, 10).await.expect("a tick").done, 0, "a second too early");
        desk.advance(Duration::from_secs(1));
        let mut anna = attachments(desk.agent("anna"));
        let expired = "FailedPrecondition ATTACHMENT_EXPIRED";
        assert_eq!(reason(&anna.complete_attachment(completing(&announced.name)).await), expired);
        assert_eq!(reason(&anna.create_attachment(request.clone()).await), expired);
        assert_eq!(lapse::run_once(&desk.app, 10).await.expect("a tick").done, 1);
        assert_eq!(lapse::run_once(&desk.app, 10).await.expect("a tick").done, 0);
        assert_eq!(reason(&anna.get_attachment(named(&announced.name)).await), MISSING);
        assert_eq!(reason(&anna.complete_attachment(completing(&announced.name)).await), MISSING);
        assert_eq!(reason(&anna.create_attachment(request).await), expired, "the receipt outlives it");
        assert_eq!(remove::run_once(&desk.app, 10).await.expect("a tick").done, 1);
        assert_eq!(stage.lying(), [""; 0]);
        assert_eq!(told(desk).await, [], "nothing has happened to the ticket");
        stage.desk.finish().await;
    }
}

#[tokio::test]
async fn a_repetition_has_one_effect_and_a_new_url() {
    for stage in Stage::both().await {
        let desk = &stage.desk;
        let ticket = asked(desk).await;
        let mut anna = attachments(desk.agent("anna"));
        let request = pb::CreateAttachmentRequest {
            request_id: "r1".to_owned(),
            ..adding(&ticket.name, "a.txt", TEXT)
        };
        let (announced, _) = announce(desk.agent("anna"), request.clone()).await;
        desk.advance(Duration::from_mins(16));
        let again = anna.create_attachment(request.clone()).await.expect("again").into_inner();
        assert_eq!((again.replayed, again.attachment), (true, Some(announced.clone())));
        let upload = again.upload.expect("it is not there yet");
        assert_eq!(put(&upload, TEXT).await, 200);
        let other = pb::CreateAttachmentRequest { parent: asked(desk).await.name, ..request.clone() };
        assert_eq!(reason(&anna.create_attachment(other).await), "FailedPrecondition REQUEST_ID_REUSED");

        let stale = pb::CompleteAttachmentRequest { etag: "\"7\"".into(), ..completing(&announced.name) };
        assert_eq!(reason(&anna.complete_attachment(stale).await), "Aborted ETAG_MISMATCH");
        let complete = pb::CompleteAttachmentRequest {
            request_id: "r2".into(),
            etag: "\"1\"".into(),
            ..completing(&announced.name)
        };
        let first = anna.complete_attachment(complete.clone()).await.expect("there").into_inner();
        let second = anna.complete_attachment(complete).await.expect("there").into_inner();
        assert_eq!((first.replayed, second.replayed), (false, true));
        assert_eq!((&first.attachment, &first.revision), (&second.attachment, &second.revision));
        let anew = anna.complete_attachment(completing(&announced.name)).await;
        assert_eq!(reason(&anew), "FailedPrecondition ATTACHMENT_NOT_PENDING");
        assert_eq!(facts(&anew, "state"), "AVAILABLE");
        let again = anna.create_attachment(request).await.expect("again").into_inner();
        assert!(again.replayed && again.upload.is_none(), "there is nothing to put any more");

        let delete = pb::DeleteAttachmentRequest {
            request_id: "r3".into(),
            etag: "\"2\"".into(),
            ..deleting(&announced.name)
        };
        let mut manager = attachments(desk.manager());
        let stale = pb::DeleteAttachmentRequest { etag: "\"1\"".into(), ..deleting(&announced.name) };
        assert_eq!(reason(&manager.delete_attachment(stale).await), "Aborted ETAG_MISMATCH");
        for replayed in [false, true] {
            let gone = manager.delete_attachment(delete.clone()).await.expect("deleted").into_inner();
            assert_eq!(gone.replayed, replayed);
        }
        assert_eq!(told(desk).await.len(), 2, "added once, deleted once");
        stage.desk.finish().await;
    }
}

#[tokio::test]
async fn twins_complete_a_file_once() {
    for stage in Stage::both().await {
        let desk = &stage.desk;
        let ticket = asked(desk).await;
        let request = adding(&ticket.name, "a.txt", TEXT);
        let (announced, upload) = announce(desk.agent("anna"), request).await;
        assert_eq!(put(&upload, TEXT).await, 200);
        let complete = |request_id: &str| {
            let request_id = request_id.to_owned();
            let request = pb::CompleteAttachmentRequest { request_id, ..completing(&announced.name) };
            let mut anna = attachments(desk.agent("anna"));
            async move { anna.complete_attachment(request).await }
        };
        let calls = ["same", "same", "other", ""].map(complete);
        let answers = futures_util::future::join_all(calls).await;
        let (well, refused): (Vec<_>, Vec<_>) = answers.into_iter().partition(Result::is_ok);
        let fresh = well.iter().flatten().filter(|answer| !answer.get_ref().replayed).count();
        assert_eq!(fresh, 1, "one of them did the work");
        for refusal in refused {
            assert_eq!(reason(&refusal), "FailedPrecondition ATTACHMENT_NOT_PENDING");
        }
        assert_eq!(told(desk).await.len(), 1);
        stage.desk.finish().await;
    }
}

#[tokio::test]
async fn a_file_belongs_to_a_comment_and_is_seen_as_it_is() {
    let stage = Stage::folder().await;
    let desk = &stage.desk;
    let ticket = asked(desk).await;
    let said = pb::Comment {
        text: "siehe Bild".to_owned(),
        visibility: pb::CommentVisibility::Public.into(),
        ..Default::default()
    };
    let request =
        pb::CreateCommentRequest { parent: ticket.name.clone(), comment: Some(said), ..Default::default() };
    let said = comments(desk.agent("anna")).create_comment(request).await.expect("said").into_inner();
    let comment = said.comment.expect("a comment").name;
    let of_it = |name: &str| {
        let mut request = adding(&ticket.name, name, TEXT);
        request.attachment.as_mut().expect("an attachment").comment.clone_from(&comment);
        request
    };
    let there = attach(desk.agent("anna"), of_it("bild.png"), TEXT).await;
    assert_eq!((&there.comment, there.visibility()), (&comment, pb::AttachmentVisibility::Public));
    let seen = attachments(desk.customer("peter")).get_attachment(named(&there.name)).await.expect("seen");
    assert_eq!(seen.into_inner().attachment.expect("one").comment, comment);
    let own = attach(desk.customer("peter"), of_it("antwort.png"), TEXT).await;
    assert_eq!(own.comment, comment);
    let mut anna = attachments(desk.agent("anna"));
    let mut elsewhere = publicly(of_it("a.txt"));
    elsewhere.parent = asked(desk).await.name;
    assert_eq!(crate::support::fields(&anna.create_attachment(elsewhere).await), ["attachment.comment"]);
    stage.desk.finish().await;
}

#[tokio::test]
async fn files_are_paged_in_their_order() {
    let stage = Stage::folder().await;
    let desk = &stage.desk;
    let ticket = asked(desk).await;
    for n in 0..5 {
        announce(desk.agent("anna"), adding(&ticket.name, &n.to_string(), TEXT)).await;
    }
    let mut anna = attachments(desk.agent("anna"));
    let (mut names, mut token) = (Vec::new(), String::new());
    loop {
        let request = pb::ListAttachmentsRequest { page_size: 2, page_token: token, ..listing(&ticket.name) };
        let page = anna.list_attachments(request).await.expect("a page").into_inner();
        names.extend(page.attachments.into_iter().map(|it| it.file_name));
        token = page.next_page_token;
        if token.is_empty() {
            break;
        }
        let foreign = pb::ListAttachmentsRequest { page_token: token.clone(), ..listing(&ticket.name) };
        let foreign = attachments(desk.customer("peter")).list_attachments(foreign).await;
        assert_eq!(reason(&foreign), "InvalidArgument PAGE_TOKEN_INVALID");
    }
    assert_eq!(names, ["0", "1", "2", "3", "4"]);
    let negative = pb::ListAttachmentsRequest { page_size: -1, ..listing(&ticket.name) };
    assert_eq!(reason(&anna.list_attachments(negative).await), "InvalidArgument FIELD_INVALID");
    stage.desk.finish().await;
}
