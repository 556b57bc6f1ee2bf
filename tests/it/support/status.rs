//! Reading a refusal as a client does: its reason, its facts, the fields that are at fault.

use tonic::{Response, Status};
use tonic_types::StatusExt;

/// `CODE REASON` of a refusal; panics when the call worked.
pub fn reason<T>(result: &Result<Response<T>, Status>) -> String {
    let Err(status) = result else { panic!("the call worked") };
    let info = status.get_error_details().error_info().cloned().expect("every error has an ErrorInfo");
    assert_eq!(info.domain, "ticketing");
    format!("{:?} {}", status.code(), info.reason)
}

/// A fact that a refusal tells; empty when it does not.
pub fn facts<T>(result: &Result<Response<T>, Status>, key: &str) -> String {
    let Err(status) = result else { panic!("the call worked") };
    let info = status.get_error_details().error_info().cloned().expect("every error has an ErrorInfo");
    info.metadata.get(key).cloned().unwrap_or_default()
}

/// The fields that are at fault, in their order; panics when the call worked.
pub fn fields<T>(result: &Result<Response<T>, Status>) -> Vec<String> {
    let Err(status) = result else { panic!("the call worked") };
    let details = status.get_error_details();
    let bad = details.bad_request().unwrap_or_else(|| panic!("no BadRequest in {status:?}"));
    bad.field_violations.iter().map(|violation| violation.field.clone()).collect()
}
