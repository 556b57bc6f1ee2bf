//! `ticketing.v1.ConfigurationService`: wire in, wire out.

use std::sync::Arc;

use ticketing_proto::v1::{
    self as pb,
    configuration_service_server::{ConfigurationService, ConfigurationServiceServer},
};

use super::{
    Apply, Configuration, Rollback, apply,
    read::{get, list},
    rollback, validate, wire,
};
use crate::{
    app::App,
    call::{Call, MAX_REQUEST, service},
    ctx::Ctx,
    error::{Error, Reason, Result, Violations},
    tickets::wire::{text, version},
};

/// Longest comment on a revision, characters.
const MAX_COMMENT: usize = 1000;

#[derive(Debug)]
struct Rpc(Arc<App>);

/// The service, ready to be mounted.
pub fn server(app: Arc<App>) -> ConfigurationServiceServer<impl ConfigurationService> {
    ConfigurationServiceServer::new(Rpc(app)).max_decoding_message_size(MAX_REQUEST)
}

service! { ConfigurationService, "ConfigurationService":
    get_configuration(GetConfigurationRequest) -> GetConfigurationResponse,
    apply_configuration(ApplyConfigurationRequest) -> ApplyConfigurationResponse,
    list_configuration_revisions(ListConfigurationRevisionsRequest) -> ListConfigurationRevisionsResponse,
    rollback_configuration(RollbackConfigurationRequest) -> RollbackConfigurationResponse,
}

async fn get_configuration(
    call: &Call,
    request: pb::GetConfigurationRequest,
) -> Result<pb::GetConfigurationResponse> {
    let ctx = call.read(wire::tenant("name", &request.name)?)?;
    let revision = match request.revision {
        ..0 => return Err(Error::field("revision", "must not be negative")),
        0 => None,
        revision => Some(revision),
    };
    let found = get(&call.app, &ctx, revision).await?;
    Ok(pb::GetConfigurationResponse { configuration: Some(wire::configuration(&ctx.tenant, &found)) })
}

async fn apply_configuration(
    call: &Call,
    request: pb::ApplyConfigurationRequest,
) -> Result<pb::ApplyConfigurationResponse> {
    let Some(given) = &request.configuration else {
        return Err(Error::field("configuration", "is required"));
    };
    let ctx = call.write(wire::tenant("configuration.name", &given.name)?, &request.request_id, &request)?;
    let mut faults = Violations::default();
    let seen = version(&mut faults, "etag", &request.etag);
    let comment = text(&mut faults, "configuration.comment", &given.comment, MAX_COMMENT);
    faults.into_result()?;
    let mut faults = Violations::default();
    let document = wire::document(given, &mut faults);
    validate(&document, &mut faults);
    faults.into_result_as(Reason::ConfigurationInvalid)?;
    let wanted = Apply { document, comment, seen, validate_only: request.validate_only };
    let done = apply(&call.app, &ctx, wanted).await?;
    let (configuration, plan, replayed) = wire::applied(&ctx.tenant, done);
    Ok(pb::ApplyConfigurationResponse { configuration, plan, replayed })
}

async fn list_configuration_revisions(
    call: &Call,
    request: pb::ListConfigurationRevisionsRequest,
) -> Result<pb::ListConfigurationRevisionsResponse> {
    let ctx = call.read(wire::tenant("name", &request.name)?)?;
    let (stamps, next_page_token) = list(&call.app, &ctx, request.page_size, &request.page_token).await?;
    let revisions = stamps.into_iter().map(wire::stamp).collect();
    Ok(pb::ListConfigurationRevisionsResponse { revisions, next_page_token })
}

async fn rollback_configuration(
    call: &Call,
    request: pb::RollbackConfigurationRequest,
) -> Result<pb::RollbackConfigurationResponse> {
    let ctx = call.write(wire::tenant("name", &request.name)?, &request.request_id, &request)?;
    let mut faults = Violations::default();
    if request.revision < 1 {
        faults.add("revision", "is required: the number of the revision to go back to");
    }
    let wanted = Rollback {
        revision: request.revision,
        seen: version(&mut faults, "etag", &request.etag),
        comment: text(&mut faults, "comment", &request.comment, MAX_COMMENT),
    };
    faults.into_result()?;
    let (configuration, plan, replayed) =
        wire::applied(&ctx.tenant, rollback(&call.app, &ctx, wanted).await?);
    Ok(pb::RollbackConfigurationResponse { configuration, plan, replayed })
}

/// The configuration to try: the candidate, checked as if it were to be applied, else the one in force.
pub async fn tried(
    app: &App,
    ctx: &Ctx,
    candidate: Option<&pb::Configuration>,
) -> Result<Arc<Configuration>> {
    let Some(candidate) = candidate else { return app.configurations.get(&ctx.tenant).await };
    if !candidate.name.is_empty() && wire::tenant("configuration.name", &candidate.name)? != ctx.tenant {
        return Err(Error::field("configuration.name", "must be of the same tenant"));
    }
    let mut faults = Violations::default();
    let document = wire::document(candidate, &mut faults);
    validate(&document, &mut faults);
    faults.into_result_as(Reason::ConfigurationInvalid).map_err(|error| error.at("configuration"))?;
    Ok(Arc::new(Configuration::new(0, document)))
}
