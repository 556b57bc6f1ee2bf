//! The configuration through the API: plans, revisions, who was faster, what it does to tickets.

mod apply;
mod calendars;
mod rollback;
mod services;

use ticketing::configuration::wire;
use ticketing_proto::v1::{self as pb, configuration_service_client::ConfigurationServiceClient};
use tonic::Status;
use tonic_types::StatusExt;

use crate::support::{Client, Desk, sample};

type Service = ConfigurationServiceClient<Client>;

fn service(client: Client) -> Service {
    ConfigurationServiceClient::new(client)
}

fn name(desk: &Desk) -> String {
    format!("{}/configuration", desk.parent())
}

/// The sample as a message, to be changed and applied.
fn document(desk: &Desk) -> pb::Configuration {
    pb::Configuration { name: name(desk), ..wire::message(&sample()) }
}

async fn apply(
    service: &mut Service,
    configuration: pb::Configuration,
) -> Result<pb::ApplyConfigurationResponse, Status> {
    let request = pb::ApplyConfigurationRequest { configuration: Some(configuration), ..Default::default() };
    service.apply_configuration(request).await.map(tonic::Response::into_inner)
}

async fn get(service: &mut Service, name: String, revision: i64) -> Result<pb::Configuration, Status> {
    let answer = service.get_configuration(pb::GetConfigurationRequest { name, revision }).await?;
    Ok(answer.into_inner().configuration.expect("a configuration"))
}

/// The revisions that there are, newest first.
async fn revisions(service: &mut Service, name: String) -> Vec<i64> {
    let request = pb::ListConfigurationRevisionsRequest { name, ..Default::default() };
    let answer = service.list_configuration_revisions(request).await.expect("a list").into_inner();
    answer.revisions.iter().map(|stamp| stamp.revision).collect()
}

fn reason(status: &Status) -> String {
    status.get_details_error_info().map(|info| info.reason).unwrap_or_default()
}

/// `field` of every violation.
fn fields(status: &Status) -> Vec<String> {
    let bad = status.get_details_bad_request().map(|bad| bad.field_violations).unwrap_or_default();
    bad.into_iter().map(|violation| violation.field).collect()
}
