//! Attachments as messages, and what an event tells of one.

use ticketing_proto::v1 as pb;

use super::{
    Attachment, State,
    create::Draft,
    model::{DIGEST, MAX_FILE_NAME, MAX_MEDIA_TYPE},
    objects::Upload,
};
use crate::{
    comments::Visibility,
    ctx::{ActorKind, Ctx},
    error::{Error, Result, Violations},
    events::Event,
    ids::{Id, TenantId, grandchild_of},
    tickets::wire,
};

/// What is called so when nobody says what it is.
const ANYTHING: &str = "application/octet-stream";

pub fn attachment_name(name: &str) -> Result<(TenantId, Id, Id)> {
    let (tenant, ticket, id) = grandchild_of("name", name, "attachments")?;
    let id = id.parse().map_err(|()| Error::not_found("attachment", name))?;
    Ok((tenant, ticket, id))
}

/// What the request wants to add to the ticket.
pub fn draft(
    faults: &mut Violations,
    tenant: &TenantId,
    ticket: Id,
    attachment: Option<&pb::Attachment>,
) -> Draft {
    let empty = pb::Attachment::default();
    let said = attachment.unwrap_or(&empty);
    let name = |visibility: &pb::AttachmentVisibility| visibility.as_str_name();
    let (field, prefix) = ("attachment.visibility", "ATTACHMENT_VISIBILITY_");
    if said.sha256.len() != DIGEST {
        faults.add("attachment.sha256", format!("must be {DIGEST} bytes"));
    }
    Draft {
        visibility: wire::code(faults, field, said.visibility, name, prefix, Visibility::parse),
        file_name: file_name(faults, &said.file_name),
        media_type: media_type(faults, &said.media_type),
        byte_count: said.byte_count,
        sha256: said.sha256.clone(),
        comment: comment(faults, tenant, ticket, &said.comment),
    }
}

fn file_name(faults: &mut Violations, name: &str) -> String {
    let field = "attachment.file_name";
    if name.trim().is_empty() {
        faults.add(field, "is required");
    } else if name.chars().any(|it| it.is_control() || it == '/' || it == '\\') || [".", ".."].contains(&name)
    {
        faults.add(field, "must be a file's name, without /, \\ and control characters");
    }
    wire::text(faults, field, name, MAX_FILE_NAME)
}

/// `type/subtype` in the characters of RFC 6838, in lower case.
fn media_type(faults: &mut Violations, text: &str) -> String {
    if text.is_empty() {
        return ANYTHING.to_owned();
    }
    let named = |it: &str| {
        it.starts_with(|first: char| first.is_ascii_alphanumeric())
            && it.bytes().all(|it| it.is_ascii_alphanumeric() || b"!#$&-^_.+".contains(&it))
    };
    let well = text.split_once('/').is_some_and(|(kind, of)| named(kind) && named(of));
    if !well || text.len() > MAX_MEDIA_TYPE {
        let fault =
            format!("must be such as image/png, at most {MAX_MEDIA_TYPE} characters, without parameters");
        faults.add("attachment.media_type", fault);
    }
    text.to_ascii_lowercase()
}

fn comment(faults: &mut Violations, tenant: &TenantId, ticket: Id, name: &str) -> Option<Id> {
    if name.is_empty() {
        return None;
    }
    let found = grandchild_of("attachment.comment", name, "comments").ok();
    let found = found.filter(|(of, on, _)| of == tenant && *on == ticket);
    let id = found.and_then(|(_, _, id)| id.parse().ok());
    if id.is_none() {
        faults.add("attachment.comment", "names no comment of this ticket");
    }
    id
}

/// A customer learns that an agent added it, not which.
pub fn attachment(ctx: &Ctx, it: Attachment) -> pb::Attachment {
    let hidden = ctx.actor.is_customer() && it.author_kind != ActorKind::Customer;
    let pending = it.state == State::Pending;
    let ticket = format!("tenants/{}/tickets/{}", it.tenant_id, it.ticket_id);
    pb::Attachment {
        name: it.name(),
        etag: it.etag(),
        file_name: it.file_name,
        media_type: it.media_type,
        byte_count: it.byte_count,
        sha256: it.sha256,
        visibility: match it.visibility {
            Visibility::Public => pb::AttachmentVisibility::Public,
            Visibility::Internal => pb::AttachmentVisibility::Internal,
        }
        .into(),
        comment: it.comment_id.map_or_else(String::new, |id| format!("{ticket}/comments/{id}")),
        state: match it.state {
            State::Pending => pb::AttachmentState::Pending,
            State::Available => pb::AttachmentState::Available,
            State::Deleted => pb::AttachmentState::Deleted,
        }
        .into(),
        author: Some(pb::Actor {
            kind: wire::actor_kind(it.author_kind),
            id: if hidden { String::new() } else { it.author_id },
        }),
        create_time: Some(wire::timestamp(it.create_time)),
        expire_time: pending.then(|| wire::timestamp(it.expire_time)),
        complete_time: it.complete_time.map(wire::timestamp),
        delete_time: it.delete_time.map(wire::timestamp),
    }
}

pub fn upload(upload: Upload) -> pb::AttachmentUpload {
    let header = |(name, value): (&str, String)| pb::UploadHeader { name: name.to_owned(), value };
    pb::AttachmentUpload {
        method: "PUT".to_owned(),
        url: upload.url,
        headers: upload.headers.into_iter().map(header).collect(),
        expire_time: Some(wire::timestamp(upload.expire_time)),
    }
}

/// The file that an event is about, by name; empty: none.
pub fn of_event(event: &Event) -> String {
    let id = event.details.get("attachment").and_then(|id| id.as_str());
    let ticket = || format!("tenants/{}/tickets/{}", event.tenant_id, event.ticket_id);
    id.map_or_else(String::new, |id| format!("{}/attachments/{id}", ticket()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_file_is_called_what_it_can_be_stored_as() {
        let faults = |name: &str| {
            let mut faults = Violations::default();
            file_name(&mut faults, name);
            !faults.is_empty()
        };
        let long = "a".repeat(MAX_FILE_NAME + 1);
        for bad in ["", " ", ".", "..", "a/b", "..\\b", "a\nb", "a\u{0}b", long.as_str()] {
            assert!(faults(bad), "{bad:?}");
        }
        for good in ["a", ".profile", "Foto 1 (2).jpeg", "Überweisung.pdf", &long[1..]] {
            assert!(!faults(good), "{good:?}");
        }
    }

    #[test]
    fn what_kind_of_file_it_is_fits_into_a_header() {
        let read = |text: &str| {
            let mut faults = Violations::default();
            let kind = media_type(&mut faults, text);
            faults.is_empty().then_some(kind)
        };
        assert_eq!(read(""), Some(ANYTHING.to_owned()));
        assert_eq!(read("Image/PNG"), Some("image/png".to_owned()));
        assert_eq!(read("application/vnd.a+xml"), Some("application/vnd.a+xml".to_owned()));
        let long = format!("a/{}", "b".repeat(MAX_MEDIA_TYPE));
        for bad in
            ["image", "/png", "image/", "a/b/c", "text/plain; charset=utf-8", "a/b\r\nx: y", "ä/b", &long]
        {
            assert_eq!(read(bad), None, "{bad:?}");
        }
    }
}
