//! Asking customers and their answers, over real gRPC: who is asked, what a token is good for, what it comes to.

mod answers;
mod questions;

use std::time::Duration;

use ticketing::{
    configuration::{Document, FeedbackScale, Survey},
    ctx::{ActorKind, Role},
    feedback::request,
};
use ticketing_proto::v1::{self as pb, feedback_service_client::FeedbackServiceClient};
use tonic::{Response, Status, transport::Channel};

use crate::{
    support::{Client, Desk, sample},
    tickets::{record, resolve, titled},
};

const DAY: Duration = Duration::from_hours(24);

fn feedback(client: Client) -> FeedbackServiceClient<Client> {
    FeedbackServiceClient::new(client)
}

/// Whoever writes to customers.
fn mailer(desk: &Desk) -> FeedbackServiceClient<Client> {
    feedback(desk.caller(ActorKind::Service, "mailer", &[Role::Service]))
}

/// The page behind the link, without a token of its own.
fn page(desk: &Desk) -> FeedbackServiceClient<Channel> {
    FeedbackServiceClient::new(desk.channel())
}

/// A service that asks everybody at once, by this scale.
async fn asking(scale: FeedbackScale, change: impl FnOnce(&mut Survey)) -> Desk {
    let mut survey = everybody(scale);
    change(&mut survey);
    let desk = Desk::open().await;
    desk.configure(&Document { surveys: vec![survey], ..sample() }).await;
    desk
}

/// A survey that leaves nobody out, and waits for nothing.
fn everybody(scale: FeedbackScale) -> Survey {
    Survey { key: "satisfaction".into(), scale, ..Survey::default() }
}

/// Asks a customer, whatever the configuration says, and makes the token.
pub async fn administer(desk: &Desk) {
    desk.configure(&Document { surveys: vec![everybody(FeedbackScale::Csat)], ..sample() }).await;
    let name = question(desk, "kim").await.name;
    token(desk, &name).await;
    desk.configure(&sample()).await;
}

/// A ticket of a customer that an agent resolved.
async fn solved(desk: &Desk, contact: &str) -> pb::Ticket {
    let requester = format!("{}/contacts/{contact}", desk.parent());
    let ticket = record(desk, pb::Ticket { requester, ..titled("VPN") }).await;
    resolve(desk, &ticket.name).await
}

/// Asks all that is due.
async fn ask(desk: &Desk) {
    while request::run_once(&desk.app, 100).await.expect("a tick").done > 0 {}
}

/// What was asked and answered, the newest question first.
async fn all(desk: &Desk, filter: &str) -> Vec<pb::Feedback> {
    let request =
        pb::ListFeedbackRequest { parent: desk.parent(), filter: filter.into(), ..Default::default() };
    feedback(desk.agent("anna")).list_feedback(request).await.expect("a page").into_inner().feedback
}

/// The question about a ticket that was resolved just now.
async fn question(desk: &Desk, contact: &str) -> pb::Feedback {
    solved(desk, contact).await;
    ask(desk).await;
    all(desk, "").await.remove(0)
}

async fn issue(desk: &Desk, name: &str) -> Result<Response<pb::IssueFeedbackTokenResponse>, Status> {
    mailer(desk).issue_feedback_token(pb::IssueFeedbackTokenRequest { name: name.into() }).await
}

async fn token(desk: &Desk, name: &str) -> String {
    issue(desk, name).await.expect("a token").into_inner().token
}

fn saying(token: &str, score: i32) -> pb::SubmitFeedbackRequest {
    let comment = "Danke, Anna!".to_owned();
    pb::SubmitFeedbackRequest { token: token.into(), score: Some(score), comment, ..Default::default() }
}

async fn submit(
    desk: &Desk,
    token: &str,
    score: i32,
) -> Result<Response<pb::SubmitFeedbackResponse>, Status> {
    page(desk).submit_feedback(saying(token, score)).await
}

async fn summary(desk: &Desk, filter: &str) -> pb::FeedbackSummary {
    let request = pb::SummarizeFeedbackRequest {
        parent: desk.parent(),
        survey: "satisfaction".into(),
        filter: filter.into(),
        ..Default::default()
    };
    let done = feedback(desk.manager()).summarize_feedback(request).await.expect("summed up");
    done.into_inner().summary.expect("a summary")
}
