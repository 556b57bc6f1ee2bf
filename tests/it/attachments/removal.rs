//! Objects that nobody needs go, whoever dies on the way.

use std::{fs, time::Duration};

use ticketing::{
    attachments::{lapse, remove},
    events::sequencer,
    tickets::retire,
};
use ticketing_proto::v1::{self as pb, customer_service_client::CustomerServiceClient};

use super::{
    MISSING, Stage, TEXT, adding, announce, asked, attach, attachments, deleting, named, publicly, put,
};
use crate::{
    support::{Desk, reason, sample},
    tickets::tickets,
};

async fn delete(desk: &Desk, name: &str) {
    attachments(desk.manager()).delete_attachment(deleting(name)).await.expect("deleted");
}

async fn removed(desk: &Desk) -> usize {
    remove::run_once(&desk.app, 10).await.expect("a tick").done
}

#[tokio::test]
async fn a_store_that_is_away_keeps_what_it_has_to_remove() {
    let mut stage = Stage::bucket().await;
    let ticket = asked(&stage.desk).await;
    let file = attach(stage.desk.agent("anna"), adding(&ticket.name, "a.txt", TEXT), TEXT).await;
    delete(&stage.desk, &file.name).await;
    stage.s3.as_mut().expect("a bucket").kill().await;
    assert_eq!(removed(&stage.desk).await, 0);
    stage.s3.as_mut().expect("a bucket").restart().await;
    assert_eq!(removed(&stage.desk).await, 0, "it is tried again after a pause");
    stage.desk.advance(Duration::from_secs(30));
    assert_eq!((removed(&stage.desk).await, stage.lying()), (1, Vec::new()));
    stage.desk.finish().await;
}

#[tokio::test]
async fn who_died_between_row_and_object_is_followed_by_another() {
    for stage in Stage::both().await {
        let desk = &stage.desk;
        let ticket = asked(desk).await;
        let files = [
            attach(desk.agent("anna"), adding(&ticket.name, "a.txt", TEXT), TEXT).await,
            attach(desk.agent("anna"), adding(&ticket.name, "b.txt", TEXT), TEXT).await,
        ];
        for file in &files {
            delete(desk, &file.name).await;
        }
        assert_eq!(stage.lying().len(), 2, "the rows are written, and nobody has been at the objects");
        // Another had removed one of them and died before it could say so.
        fs::remove_file(stage.place().join(&stage.lying()[0])).expect("removed");
        let other = desk.replica().await;
        assert_eq!((removed(&other).await, stage.lying()), (2, Vec::new()));
        assert_eq!(removed(desk).await, 0);
        // Two at once do no harm.
        desk.advance(Duration::from_hours(26));
        let (one, two) = tokio::join!(removed(desk), removed(&other));
        assert!((2..=4).contains(&(one + two)), "{one} and {two}");
        let rows: i64 = sqlx::query_scalar("select count(*) from attachment_removals")
            .fetch_one(desk.root())
            .await
            .expect("a count");
        assert_eq!(rows, 0);
        other.finish().await;
        stage.desk.finish().await;
    }
}

#[tokio::test]
async fn files_go_with_their_ticket() {
    for stage in Stage::both().await {
        let desk = &stage.desk;
        let mut document = sample();
        document.lifecycle.retention_duration = Duration::from_hours(24);
        desk.configure(&document).await;
        let (over, open) = (asked(desk).await, asked(desk).await);
        let gone = attach(desk.agent("anna"), adding(&over.name, "a.txt", TEXT), TEXT).await;
        let stays = attach(desk.agent("anna"), adding(&open.name, "b.txt", TEXT), TEXT).await;
        let (_, upload) = announce(desk.agent("anna"), adding(&over.name, "c.txt", TEXT)).await;
        assert_eq!(put(&upload, TEXT).await, 200);
        let cancel = pb::CancelTicketRequest { name: over.name.clone(), ..Default::default() };
        tickets(desk.manager()).cancel_ticket(cancel).await.expect("cancelled");
        while sequencer::run_once(&desk.app, 1000).await.expect("a pass").done > 0 {}
        desk.advance(Duration::from_hours(25));
        assert_eq!(retire::run_once(&desk.app, 10).await.expect("a tick").done, 1);
        assert_eq!(reason(&attachments(desk.agent("anna")).get_attachment(named(&gone.name)).await), MISSING);
        assert_eq!(lapse::run_once(&desk.app, 10).await.expect("a tick").done, 0, "it went with the ticket");
        assert_eq!(removed(desk).await, 2);
        let left = stays.name.rsplit('/').next().expect("an id").to_owned();
        assert_eq!(stage.lying(), [left]);
        stage.desk.finish().await;
    }
}

#[tokio::test]
async fn files_of_a_person_who_is_erased_go() {
    for stage in Stage::both().await {
        let desk = &stage.desk;
        let (ticket, other) = (asked(desk).await, asked(desk).await);
        let theirs = attach(desk.customer("peter"), adding(&ticket.name, "Ausweis.pdf", TEXT), TEXT).await;
        let ours = attach(desk.agent("anna"), publicly(adding(&ticket.name, "Peter.txt", TEXT)), TEXT).await;
        let (pending, upload) = announce(desk.agent("anna"), adding(&ticket.name, "Peter 2", TEXT)).await;
        assert_eq!(put(&upload, TEXT).await, 200);
        // A ticket that peter asked and that is carla's by now: what peter added goes, what anna did stays.
        let added = attach(desk.customer("peter"), adding(&other.name, "Peters Foto", TEXT), TEXT).await;
        let stays = attach(desk.agent("anna"), adding(&other.name, "Plan.pdf", TEXT), TEXT).await;
        let requester = format!("{}/contacts/carla", desk.parent());
        let carlas = pb::Ticket { name: other.name.clone(), requester, ..Default::default() };
        let update = pb::UpdateTicketRequest { ticket: Some(carlas), ..Default::default() };
        tickets(desk.agent("anna")).update_ticket(update).await.expect("handed over");

        let erase = pb::EraseContactRequest {
            name: format!("{}/contacts/peter", desk.parent()),
            ..Default::default()
        };
        let erased = CustomerServiceClient::new(desk.admin()).erase_contact(erase).await.expect("erased");
        assert_eq!(erased.into_inner().erasure.expect("a tally").attachment_count, 4);
        for file in [&theirs, &ours, &pending, &added] {
            let answer =
                attachments(desk.manager()).get_attachment(named(&file.name)).await.expect("a trace");
            let left = answer.into_inner().attachment.expect("what is left");
            assert_eq!((left.state(), left.file_name.as_str()), (pb::AttachmentState::Deleted, ""));
            let author = left.author.expect("an author");
            assert!(author.id == "anna" || author.id.starts_with("erased-"), "{author:?}");
        }
        assert_eq!(removed(desk).await, 4);
        let left = stays.name.rsplit('/').next().expect("an id").to_owned();
        assert_eq!(stage.lying(), [left]);
        assert_eq!(crate::customers::found(desk.root(), "Peter").await, [""; 0]);
        stage.desk.finish().await;
    }
}
