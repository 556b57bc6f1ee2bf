//! `ticketing.v1.CommentService`: wire in, wire out.

use std::sync::Arc;

use ticketing_proto::v1::{
    self as pb,
    comment_service_server::{CommentService, CommentServiceServer},
    create_comment_request,
};

use super::{
    Comment, Draft, Visibility,
    create::{self, Create, Then},
    read,
    redact::{self, Redact},
};
use crate::{
    app::App,
    call::{Call, MAX_REQUEST, service},
    ctx::{ActorKind, Ctx},
    error::{Error, Result, Violations},
    ids::{Id, TenantId, grandchild_of},
    tickets::{
        MAX_TEXT,
        wire::{self, View},
    },
};

/// Characters of the reason for a redaction.
const MAX_WHY: usize = 1000;

#[derive(Debug)]
struct Rpc(Arc<App>);

/// The service, ready to be mounted.
pub fn server(app: Arc<App>) -> CommentServiceServer<impl CommentService> {
    CommentServiceServer::new(Rpc(app)).max_decoding_message_size(MAX_REQUEST)
}

service! { CommentService, "CommentService":
    create_comment(CreateCommentRequest) -> CreateCommentResponse,
    get_comment(GetCommentRequest) -> GetCommentResponse,
    list_comments(ListCommentsRequest) -> ListCommentsResponse,
    redact_comment(RedactCommentRequest) -> RedactCommentResponse,
}

async fn create_comment(call: &Call, request: pb::CreateCommentRequest) -> Result<pb::CreateCommentResponse> {
    let (tenant, id) = wire::ticket_name("parent", &request.parent)?;
    let ctx = call.write(tenant, &request.request_id, &request)?;
    let mut faults = Violations::default();
    let create = Create {
        target: wire::target(&mut faults, id, &request.etag, false, "", ""),
        draft: draft(&mut faults, request.comment.as_ref()),
        then: request.then.as_ref().map(|then| transition(&mut faults, &ctx.tenant, then)),
    };
    faults.into_result()?;
    let said = create::create(&call.app, &ctx, &create).await?;
    Ok(pb::CreateCommentResponse {
        comment: Some(comment(&ctx, said.comment)),
        revision: wire::revision(&said.ticket),
        ticket: Some(wire::for_caller(&ctx, wire::ticket(said.ticket, View::Full))),
        replayed: said.replayed,
    })
}

fn draft(faults: &mut Violations, comment: Option<&pb::Comment>) -> Draft {
    let empty = pb::Comment::default();
    let comment = comment.unwrap_or(&empty);
    if comment.text.trim().is_empty() {
        faults.add("comment.text", "is required");
    }
    let name = |visibility: &pb::CommentVisibility| visibility.as_str_name();
    let prefix = "COMMENT_VISIBILITY_";
    Draft {
        visibility: wire::code(
            faults,
            "comment.visibility",
            comment.visibility,
            name,
            prefix,
            Visibility::parse,
        ),
        text: wire::text(faults, "comment.text", &comment.text, MAX_TEXT),
        automatic: comment.automatic,
    }
}

fn transition(faults: &mut Violations, tenant: &TenantId, then: &create_comment_request::Then) -> Then {
    use create_comment_request::Then as Wanted;
    match then {
        Wanted::Hold(hold) => Then::Hold(
            wire::hold_kind(faults, "hold.kind", hold.kind),
            wire::time(faults, "hold.until_time", hold.until_time.as_ref()),
        ),
        Wanted::Resume(_) => Then::Resume,
        Wanted::Resolve(resolve) => {
            let said = resolve.resolution.as_ref();
            let said = wire::resolution(faults, "resolve.resolution", said, tenant);
            Then::Resolve(said, resolve.draft_article)
        }
        Wanted::Reopen(_) => Then::Reopen,
    }
}

async fn get_comment(call: &Call, request: pb::GetCommentRequest) -> Result<pb::GetCommentResponse> {
    let (tenant, ticket, id) = comment_name(&request.name)?;
    let ctx = call.read(tenant)?;
    let found = read::get(&call.app, &ctx, ticket, id).await?;
    Ok(pb::GetCommentResponse { comment: Some(comment(&ctx, found)) })
}

async fn list_comments(call: &Call, request: pb::ListCommentsRequest) -> Result<pb::ListCommentsResponse> {
    let (tenant, ticket) = wire::ticket_name("parent", &request.parent)?;
    let ctx = call.read(tenant)?;
    let (page, next_page_token) =
        read::list(&call.app, &ctx, ticket, request.page_size, &request.page_token).await?;
    let comments = page.into_iter().map(|found| comment(&ctx, found)).collect();
    Ok(pb::ListCommentsResponse { comments, next_page_token })
}

async fn redact_comment(call: &Call, request: pb::RedactCommentRequest) -> Result<pb::RedactCommentResponse> {
    let (tenant, ticket, id) = comment_name(&request.name)?;
    let ctx = call.write(tenant, &request.request_id, &request)?;
    let mut faults = Violations::default();
    if request.reason.trim().is_empty() {
        faults.add("reason", "is required");
    }
    let why = wire::text(&mut faults, "reason", &request.reason, MAX_WHY);
    faults.into_result()?;
    let (redacted, replayed) = redact::redact(&call.app, &ctx, &Redact { ticket, comment: id, why }).await?;
    Ok(pb::RedactCommentResponse { comment: Some(comment(&ctx, redacted)), replayed })
}

fn comment_name(name: &str) -> Result<(TenantId, Id, Id)> {
    let (tenant, ticket, id) = grandchild_of("name", name, "comments")?;
    let id = id.parse().map_err(|()| Error::not_found("comment", name))?;
    Ok((tenant, ticket, id))
}

/// A customer learns that an agent wrote it, not which.
fn comment(ctx: &Ctx, comment: Comment) -> pb::Comment {
    let hidden = ctx.actor.is_customer() && comment.author_kind != ActorKind::Customer;
    pb::Comment {
        name: comment.name(),
        visibility: match comment.visibility {
            Visibility::Public => pb::CommentVisibility::Public,
            Visibility::Internal => pb::CommentVisibility::Internal,
        }
        .into(),
        author: Some(pb::Actor {
            kind: wire::actor_kind(comment.author_kind),
            id: if hidden { String::new() } else { comment.author_id },
        }),
        text: comment.text,
        automatic: comment.automatic,
        create_time: Some(wire::timestamp(comment.create_time)),
        redact_time: comment.redact_time.map(wire::timestamp),
    }
}
