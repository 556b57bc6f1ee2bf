//! `ticketing.v1.FeedbackService`: wire in, wire out.

use std::sync::Arc;

use ticketing_proto::v1::{
    self as pb,
    feedback_service_server::{FeedbackService, FeedbackServiceServer},
};

use super::{
    issue, read,
    submit::{self, Answer, no_token},
    token::Token,
    wire,
};
use crate::{
    app::App,
    call::{Call, MAX_REQUEST, service},
    error::{Result, Violations},
    ids::tenant_of,
    tickets::{MAX_NOTE, wire as ticket_wire},
};

#[derive(Debug)]
struct Rpc(Arc<App>);

/// The service, ready to be mounted.
pub fn server(app: Arc<App>) -> FeedbackServiceServer<impl FeedbackService> {
    FeedbackServiceServer::new(Rpc(app)).max_decoding_message_size(MAX_REQUEST)
}

service! { FeedbackService, "FeedbackService":
    issue_feedback_token(IssueFeedbackTokenRequest) -> IssueFeedbackTokenResponse,
    submit_feedback(SubmitFeedbackRequest) -> SubmitFeedbackResponse,
    get_feedback(GetFeedbackRequest) -> GetFeedbackResponse,
    list_feedback(ListFeedbackRequest) -> ListFeedbackResponse,
    summarize_feedback(SummarizeFeedbackRequest) -> SummarizeFeedbackResponse,
}

async fn issue_feedback_token(
    call: &Call,
    request: pb::IssueFeedbackTokenRequest,
) -> Result<pb::IssueFeedbackTokenResponse> {
    let (tenant, ticket, id) = wire::feedback_name(&request.name)?;
    let ctx = call.read(tenant)?;
    let (token, feedback) = issue::issue(&call.app, &ctx, ticket, id).await?;
    Ok(pb::IssueFeedbackTokenResponse { token: token.spell(), feedback: Some(wire::feedback(feedback)) })
}

async fn submit_feedback(
    call: &Call,
    request: pb::SubmitFeedbackRequest,
) -> Result<pb::SubmitFeedbackResponse> {
    let token = Token::parse(&request.token).ok_or_else(no_token)?;
    let ctx = call.write(token.tenant.clone(), &request.request_id, &request)?;
    let mut faults = Violations::default();
    if request.score.is_none() {
        faults.add("score", "is required");
    }
    let comment = ticket_wire::text(&mut faults, "comment", &request.comment, MAX_NOTE);
    faults.into_result()?;
    let answer = Answer { score: request.score.unwrap_or_default(), comment };
    let replayed = submit::submit(&call.app, &ctx, &token, &answer).await?;
    Ok(pb::SubmitFeedbackResponse { replayed })
}

async fn get_feedback(call: &Call, request: pb::GetFeedbackRequest) -> Result<pb::GetFeedbackResponse> {
    let (tenant, ticket, id) = wire::feedback_name(&request.name)?;
    let ctx = call.read(tenant)?;
    let found = read::get(&call.app, &ctx, ticket, id).await?;
    Ok(pb::GetFeedbackResponse { feedback: Some(wire::feedback(found)) })
}

async fn list_feedback(call: &Call, request: pb::ListFeedbackRequest) -> Result<pb::ListFeedbackResponse> {
    let (tenant, ticket) = wire::parent(&request.parent)?;
    let ctx = call.read(tenant)?;
    let pb::ListFeedbackRequest { filter, page_size, page_token, .. } = request;
    let (page, next_page_token) =
        read::list(&call.app, &ctx, ticket, &filter, page_size, &page_token).await?;
    Ok(pb::ListFeedbackResponse { feedback: page.into_iter().map(wire::feedback).collect(), next_page_token })
}

async fn summarize_feedback(
    call: &Call,
    request: pb::SummarizeFeedbackRequest,
) -> Result<pb::SummarizeFeedbackResponse> {
    let ctx = call.read(tenant_of(&request.parent)?)?;
    let mut faults = Violations::default();
    let window = ticket_wire::window(&mut faults, request.start_time.as_ref(), request.end_time.as_ref());
    if request.survey.is_empty() {
        faults.add("survey", "is required");
    }
    let survey = ticket_wire::text(&mut faults, "survey", &request.survey, 64);
    faults.into_result()?;
    let wanted = read::Wanted { survey, from: window.from, until: window.until, filter: request.filter };
    let summary = read::sum_up(&call.app, &ctx, &wanted).await?;
    Ok(pb::SummarizeFeedbackResponse { summary: Some(wire::summary(wanted.survey, summary)) })
}
