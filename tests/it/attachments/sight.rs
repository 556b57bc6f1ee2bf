//! Who sees which files, and what is kept of reading them.

use ticketing_proto::v1::{
    self as pb, audit_service_client::AuditServiceClient, ticket_service_client::TicketServiceClient,
};

use super::{
    MISSING, Stage, TEXT, adding, announce, asked, attach, attachments, completing, deleting, fetching, get,
    listing, named, publicly, put,
};
use crate::{
    agents::employ,
    support::{Client, Desk, reason},
    tickets::{record, titled},
};

/// What a caller comes to know of a file by each method that takes its name.
async fn answers(client: Client, name: &str) -> [Option<String>; 3] {
    let mut client = attachments(client);
    let told = |refusal: Result<(), String>| refusal.err();
    let get = client.get_attachment(named(name)).await;
    let download = client.create_attachment_download(fetching(name)).await;
    let complete = client.complete_attachment(completing(name)).await;
    [
        told(get.as_ref().map(|_| ()).map_err(|_| reason(&get))),
        told(download.as_ref().map(|_| ()).map_err(|_| reason(&download))),
        told(complete.as_ref().map(|_| ()).map_err(|_| reason(&complete))),
    ]
}

#[tokio::test]
async fn a_customer_sees_the_public_ones_on_own_tickets_by_every_method() {
    let stage = Stage::folder().await;
    let desk = &stage.desk;
    let ticket = asked(desk).await;
    let internal = attach(desk.agent("anna"), adding(&ticket.name, "Nervensäge.txt", TEXT), TEXT).await;
    let public =
        attach(desk.agent("anna"), publicly(adding(&ticket.name, "Anleitung.txt", TEXT)), TEXT).await;
    let own = attach(desk.customer("peter"), adding(&ticket.name, "Foto.jpg", TEXT), TEXT).await;
    assert_eq!(own.visibility(), pb::AttachmentVisibility::Public);

    let mut peter = attachments(desk.customer("peter"));
    let page = peter.list_attachments(listing(&ticket.name)).await.expect("a page").into_inner();
    let seen: Vec<(&str, &str)> = page
        .attachments
        .iter()
        .map(|it| (it.file_name.as_str(), it.author.as_ref().map_or("", |author| &author.id)))
        .collect();
    assert_eq!(seen, [("Anleitung.txt", ""), ("Foto.jpg", "peter")], "an agent's identity is the house's");
    let missing = Some(MISSING.to_owned());
    assert_eq!(
        answers(desk.customer("peter"), &internal.name).await,
        [missing.clone(), missing.clone(), missing.clone()]
    );
    let done = Some("FailedPrecondition ATTACHMENT_NOT_PENDING".to_owned());
    assert_eq!(answers(desk.customer("peter"), &public.name).await, [None, None, done]);
    assert_eq!(get(desk.customer("peter"), &public.name).await.body, TEXT);
    let (pending, upload) = announce(desk.agent("anna"), adding(&ticket.name, "intern.txt", TEXT)).await;
    assert_eq!(put(&upload, TEXT).await, 200);
    assert_eq!(reason(&peter.complete_attachment(completing(&pending.name)).await), MISSING);

    for file in [&internal, &public, &own] {
        let answers = answers(desk.customer("milton"), &file.name).await;
        assert_eq!(answers, [missing.clone(), missing.clone(), missing.clone()], "{}", file.file_name);
    }
    let mut milton = attachments(desk.customer("milton"));
    assert_eq!(reason(&milton.list_attachments(listing(&ticket.name)).await), MISSING);
    assert_eq!(reason(&milton.create_attachment(adding(&ticket.name, "a", TEXT)).await), MISSING);

    let request = pb::ListTimelineRequest { name: ticket.name.clone(), ..Default::default() };
    let timeline = async |client: Client| -> Vec<String> {
        let page = TicketServiceClient::new(client).list_timeline(request.clone()).await.expect("a page");
        let entries = page.into_inner().entries.into_iter();
        entries.map(|entry| entry.attachment).filter(|name| !name.is_empty()).collect()
    };
    assert_eq!(timeline(desk.customer("peter")).await, [public.name.clone(), own.name.clone()]);
    assert_eq!(timeline(desk.agent("anna")).await, [internal.name, public.name, own.name]);
    stage.desk.finish().await;
}

#[tokio::test]
async fn files_of_a_restricted_ticket_are_as_it_is_and_every_read_is_kept() {
    let stage = Stage::folder().await;
    let desk = &stage.desk;
    employ(desk, "anna", "desk-de", 4, &[]).await;
    employ(desk, "bert", "applications", 4, &[]).await;
    let ticket = record(desk, pb::Ticket { restricted: true, ..titled("Gehalt") }).await;
    let file = attach(desk.agent("anna"), adding(&ticket.name, "Gehalt.pdf", TEXT), TEXT).await;

    let missing = Some(MISSING.to_owned());
    assert_eq!(answers(desk.agent("bert"), &file.name).await, [missing.clone(), missing.clone(), missing]);
    let mut bert = attachments(desk.agent("bert"));
    assert_eq!(reason(&bert.list_attachments(listing(&ticket.name)).await), MISSING);
    assert_eq!(reason(&bert.create_attachment(adding(&ticket.name, "a", TEXT)).await), MISSING);
    assert_eq!(kept(desk, "bert", &ticket.name).await, [""; 0]);

    let mut manager = attachments(desk.manager());
    manager.get_attachment(named(&file.name)).await.expect("read");
    manager.list_attachments(listing(&ticket.name)).await.expect("read");
    manager.create_attachment_download(fetching(&file.name)).await.expect("read");
    manager.create_attachment(adding(&ticket.name, "b.txt", TEXT)).await.expect("announced");
    manager.delete_attachment(deleting(&file.name)).await.expect("deleted");
    let expected = [
        "CreateAttachment",
        "CreateAttachmentDownload",
        "DeleteAttachment",
        "GetAttachment",
        "ListAttachments",
    ];
    assert_eq!(kept(desk, "manager", &ticket.name).await, expected);
    stage.desk.finish().await;
}

/// By which methods the caller is on record with the ticket.
async fn kept(desk: &Desk, actor: &str, ticket: &str) -> Vec<String> {
    let filter = format!("actor = \"{actor}\" AND target = \"{ticket}\"");
    let request = pb::ListAuditEntriesRequest { parent: desk.parent(), filter, ..Default::default() };
    let page = AuditServiceClient::new(desk.admin()).list_audit_entries(request).await.expect("a page");
    let mut methods: Vec<String> = page
        .into_inner()
        .entries
        .into_iter()
        .map(|entry| entry.action.replace("ticketing.v1.AttachmentService/", ""))
        .collect();
    methods.sort();
    methods
}
