//! Errors by what the caller does next, and the only mapping of them to gRPC codes. A refusal is a "no" that the caller
//! can act on; its reason is part of the contract. What went wrong inside is logged once, here at the edge, and never told.

use std::{collections::HashMap, error::Error as StdError, time::Duration};

pub use ticketing_proto::v1::ErrorReason as Reason;
use tonic::{Code, Status};
use tonic_types::{ErrorDetails, QuotaViolation, StatusExt};

use crate::filter::FilterError;

/// The domain of every `google.rpc.ErrorInfo` of this service.
pub const DOMAIN: &str = "ticketing";

/// Larger statuses are dropped by HTTP/2 stacks on the way; so many violations, with so many bytes each, stay below that.
const MAX_VIOLATIONS: usize = 25;
const MAX_FIELD: usize = 128;
const MAX_VIOLATION: usize = 160;
const MAX_TEXT: usize = 512;

pub type Result<T, E = Error> = std::result::Result<T, E>;

/// Why a call did not do what was asked.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// The input is wrong in these places. Fix it.
    #[error("{}", summary(.1))]
    Invalid(Reason, Vec<Violation>),
    /// There is no such thing, or it is not the caller's to see.
    #[error("{kind} {name} not found")]
    NotFound { kind: &'static str, name: String },
    /// There is one already, under this name.
    #[error("{kind} {name} has this external key already")]
    AlreadyExists { kind: &'static str, name: String },
    /// A rule says no.
    #[error("{}", .0.text)]
    Refused(Box<Refusal>),
    /// The resource changed since the caller read it. Read again, decide again.
    #[error("{kind} {name} has changed since it was read; read it again")]
    Stale { kind: &'static str, name: String },
    /// A concurrent transaction got in between. Repeat the call.
    #[error("a concurrent call got in between; repeat the call with the same request_id")]
    Conflict,
    /// Nobody knows who is calling.
    #[error("{0}")]
    Unauthenticated(String),
    /// The caller may not do this.
    #[error("needs the permission {permission}")]
    Forbidden { permission: String },
    /// The reader is slower than the events come, or its place is gone.
    #[error("{}", .0.text)]
    OutOfRange(Box<Refusal>),
    /// Too much for this caller.
    #[error("{text}")]
    Exhausted { reason: Reason, text: String, metadata: Vec<(&'static str, String)> },
    /// More than the caller's or the tenant's share. Come again after a while.
    #[error("{}", .0.text)]
    OverQuota(Box<OverQuota>),
    /// Not now; the same call may work later.
    #[error("{text}")]
    Unavailable { reason: Reason, text: &'static str, retry_after: Duration },
    /// The time was over.
    #[error("the deadline passed before the work was done")]
    DeadlineExceeded,
    /// No such method.
    #[error("no such method: {0}")]
    Unimplemented(String),
    /// The message is compressed.
    #[error("no compression is taken; send the message without")]
    Compressed,
    /// A fault of ours.
    #[error("internal error")]
    Internal(#[source] Box<dyn StdError + Send + Sync>),
}

/// A share that is used up.
#[derive(Debug)]
pub struct OverQuota {
    pub reason: Reason,
    /// Whose share it is, for instance `tenant:acme`.
    pub subject: String,
    pub limit: u32,
    pub text: String,
    /// After this time the same call fits, if nobody else takes the room.
    pub retry_after: Duration,
}

/// One field that is wrong: its path and what it must be.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Violation {
    pub field: String,
    pub text: String,
}

/// A "no" by a rule: stable reason, a sentence, and the facts that the caller needs to act.
#[derive(Debug)]
pub struct Refusal {
    pub reason: Reason,
    pub text: String,
    pub metadata: HashMap<String, String>,
}

impl Refusal {
    pub fn new(reason: Reason, text: impl Into<String>) -> Self {
        Self { reason, text: text.into(), metadata: HashMap::new() }
    }

    #[must_use]
    pub fn with(mut self, key: &str, value: impl ToString) -> Self {
        self.metadata.insert(key.to_owned(), value.to_string());
        self
    }
}

impl From<Refusal> for Error {
    fn from(refusal: Refusal) -> Self {
        Self::Refused(Box::new(refusal))
    }
}

impl From<FilterError> for Error {
    fn from(error: FilterError) -> Self {
        let text = error.to_string();
        Self::Invalid(Reason::FilterInvalid, vec![Violation { field: "filter".into(), text }])
    }
}

impl Error {
    /// One wrong field.
    pub fn field(field: &str, text: &str) -> Self {
        Self::Invalid(Reason::FieldInvalid, vec![Violation { field: field.into(), text: text.into() }])
    }

    pub fn not_found(kind: &'static str, name: impl ToString) -> Self {
        Self::NotFound { kind, name: name.to_string() }
    }

    pub fn internal(source: impl Into<Box<dyn StdError + Send + Sync>>) -> Self {
        Self::Internal(source.into())
    }

    /// The same about a part of the input that stands at `path`.
    #[must_use]
    pub fn at(mut self, path: &str) -> Self {
        if let Self::Invalid(_, violations) = &mut self {
            for violation in violations {
                violation.field = format!("{path}.{}", violation.field);
            }
        }
        self
    }

    /// Whether the same call, unchanged, may work when it is repeated at once.
    pub fn is_conflict(&self) -> bool {
        matches!(self, Self::Conflict)
    }

    /// The reason that goes on the wire.
    pub fn reason(&self) -> Reason {
        match self {
            Self::Invalid(reason, _) | Self::Exhausted { reason, .. } | Self::Unavailable { reason, .. } => {
                *reason
            }
            Self::NotFound { .. } => Reason::ResourceNotFound,
            Self::AlreadyExists { .. } => Reason::ExternalKeyExists,
            Self::Refused(refusal) | Self::OutOfRange(refusal) => refusal.reason,
            Self::OverQuota(over) => over.reason,
            Self::Stale { .. } => Reason::EtagMismatch,
            Self::Conflict => Reason::Conflict,
            Self::Unauthenticated(_) => Reason::TokenInvalid,
            Self::Forbidden { .. } => Reason::PermissionMissing,
            Self::DeadlineExceeded => Reason::Deadline,
            Self::Unimplemented(_) => Reason::MethodUnknown,
            Self::Compressed => Reason::CompressionUnsupported,
            Self::Internal(_) => Reason::Internal,
        }
    }

    fn code(&self) -> Code {
        match self {
            Self::Invalid(..) => Code::InvalidArgument,
            Self::NotFound { .. } => Code::NotFound,
            Self::AlreadyExists { .. } => Code::AlreadyExists,
            Self::Refused(_) => Code::FailedPrecondition,
            Self::Stale { .. } | Self::Conflict => Code::Aborted,
            Self::Unauthenticated(_) => Code::Unauthenticated,
            Self::Forbidden { .. } => Code::PermissionDenied,
            Self::OutOfRange(_) => Code::OutOfRange,
            Self::Exhausted { .. } | Self::OverQuota(_) => Code::ResourceExhausted,
            Self::Unavailable { .. } => Code::Unavailable,
            Self::DeadlineExceeded => Code::DeadlineExceeded,
            Self::Unimplemented(_) | Self::Compressed => Code::Unimplemented,
            Self::Internal(_) => Code::Internal,
        }
    }

    /// The status that the caller gets. Logs what must not be told, with its whole chain, once.
    pub fn into_status(self, request_id: &str) -> Status {
        if let Self::Internal(source) = &self {
            tracing::error!(request_id, error = chain(source.as_ref()), "call failed inside");
        }
        let mut details = ErrorDetails::new();
        let mut metadata = HashMap::new();
        match &self {
            Self::Invalid(_, violations) => {
                for violation in violations.iter().take(MAX_VIOLATIONS) {
                    // A path can hold a key that the caller made up.
                    details.add_bad_request_violation(
                        cut(&violation.field, MAX_FIELD),
                        cut(&violation.text, MAX_VIOLATION),
                    );
                }
                if violations.len() > MAX_VIOLATIONS {
                    metadata
                        .insert("violations_omitted".into(), (violations.len() - MAX_VIOLATIONS).to_string());
                }
            }
            Self::NotFound { kind, name }
            | Self::AlreadyExists { kind, name }
            | Self::Stale { kind, name } => {
                details.set_resource_info(format!("ticketing/{kind}"), cut(name, 256), "", "");
            }
            Self::Refused(refusal) => {
                metadata.extend(refusal.metadata.clone());
                details.add_precondition_failure_violation(
                    refusal.reason.name(),
                    "",
                    cut(&refusal.text, MAX_TEXT),
                );
            }
            Self::OutOfRange(refusal) => metadata.extend(refusal.metadata.clone()),
            Self::Exhausted { metadata: facts, .. } => {
                metadata.extend(facts.iter().map(|(key, value)| ((*key).to_owned(), value.clone())));
            }
            Self::OverQuota(over) => {
                let mut violation =
                    QuotaViolation::new(cut(&over.subject, MAX_FIELD), cut(&over.text, MAX_TEXT));
                violation.quota_value = over.limit.into();
                details.set_quota_failure([violation]);
                details.set_retry_info(Some(over.retry_after));
            }
            Self::Forbidden { permission } => _ = metadata.insert("permission".into(), permission.clone()),
            Self::Unavailable { retry_after, .. } => _ = details.set_retry_info(Some(*retry_after)),
            Self::Conflict => _ = details.set_retry_info(Some(Duration::from_millis(50))),
            Self::Internal(_) => {
                metadata.insert("request_id".into(), request_id.to_owned());
                details.set_request_info(request_id, "");
            }
            Self::Unauthenticated(_) | Self::DeadlineExceeded | Self::Unimplemented(_) | Self::Compressed => {
            }
        }
        details.set_error_info(self.reason().name(), DOMAIN, metadata);
        Status::with_error_details(self.code(), cut(&self.to_string(), MAX_TEXT), details)
    }
}

/// The status to send in place of one that no `Error` made: faults keep their text to themselves, and what tonic refuses
/// by itself gets its reason.
pub fn dressed(status: &Status, path: &str, request_id: &str) -> Option<Status> {
    if !status.details().is_empty() {
        return None;
    }
    let text = status.message().to_owned();
    let error = match status.code() {
        // Of a compression that it does not know, and of one that is not named.
        Code::Unimplemented | Code::Internal if text.contains("compressed") => Error::Compressed,
        Code::Internal | Code::Unknown | Code::DataLoss => match unreadable(&text) {
            Some(violation) => Error::Invalid(Reason::FieldInvalid, vec![violation]),
            None => Error::internal(text),
        },
        Code::Unimplemented => Error::Unimplemented(path.to_owned()),
        // tonic says OUT_OF_RANGE for a message over the limit; a caller would take it for the end of a list.
        Code::OutOfRange => Error::Exhausted { reason: Reason::PayloadTooLarge, text, metadata: Vec::new() },
        _ => return None,
    };
    Some(error.into_status(request_id))
}

/// What the decoder says of a message that is none, for instance text that is not UTF-8. tonic takes that for a fault of
/// the server; it is the caller's. The path comes innermost first: `Ticket.title: CreateTicketRequest.ticket: …`.
fn unreadable(text: &str) -> Option<Violation> {
    let mut text = text.strip_prefix("failed to decode Protobuf message: ")?;
    let mut path = Vec::new();
    while let Some((part, rest)) = text.split_once(": ")
        && let Some((_, field)) = part.split_once('.').filter(|_| !part.contains(' '))
    {
        path.push(field);
        text = rest;
    }
    path.reverse();
    Some(Violation { field: path.join("."), text: text.to_owned() })
}

/// What the operator thinks of a failed call.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Severity {
    /// The server is at fault: somebody must look.
    Fault,
    /// The server could not, for now; somebody must look when there are many.
    Strain,
    /// The caller was told no; all is well.
    Refusal,
}

/// What the operator thinks of a call that ends so.
pub fn severity(code: Code) -> Severity {
    match code {
        Code::Internal | Code::Unknown | Code::DataLoss => Severity::Fault,
        Code::Unavailable | Code::DeadlineExceeded => Severity::Strain,
        _ => Severity::Refusal,
    }
}

/// The code as gRPC's documents write it, for instance `DEADLINE_EXCEEDED`.
pub fn code_name(code: Code) -> &'static str {
    match code {
        Code::Ok => "OK",
        Code::Cancelled => "CANCELLED",
        Code::Unknown => "UNKNOWN",
        Code::InvalidArgument => "INVALID_ARGUMENT",
        Code::DeadlineExceeded => "DEADLINE_EXCEEDED",
        Code::NotFound => "NOT_FOUND",
        Code::AlreadyExists => "ALREADY_EXISTS",
        Code::PermissionDenied => "PERMISSION_DENIED",
        Code::ResourceExhausted => "RESOURCE_EXHAUSTED",
        Code::FailedPrecondition => "FAILED_PRECONDITION",
        Code::Aborted => "ABORTED",
        Code::OutOfRange => "OUT_OF_RANGE",
        Code::Unimplemented => "UNIMPLEMENTED",
        Code::Internal => "INTERNAL",
        Code::Unavailable => "UNAVAILABLE",
        Code::DataLoss => "DATA_LOSS",
        Code::Unauthenticated => "UNAUTHENTICATED",
    }
}

/// The reason's name on the wire: the enum value without its prefix.
pub trait ReasonName {
    fn name(&self) -> &'static str;
}

impl ReasonName for Reason {
    fn name(&self) -> &'static str {
        self.as_str_name().trim_start_matches("ERROR_REASON_")
    }
}

/// Collects every violation of one input, so that the caller sees them all at once.
#[derive(Clone, Debug, Default)]
pub struct Violations(Vec<Violation>);

impl Violations {
    pub fn add(&mut self, field: impl Into<String>, text: impl Into<String>) {
        self.add_with(field, || text);
    }

    /// As [`Self::add`], with a text that costs something. Of those that no status has room for only the number is kept:
    /// a message of a megabyte can have hundreds of thousands.
    pub fn add_with<T: Into<String>>(&mut self, field: impl Into<String>, text: impl FnOnce() -> T) {
        self.0.push(if self.0.len() < MAX_VIOLATIONS {
            Violation { field: field.into(), text: text().into() }
        } else {
            Violation::default()
        });
    }

    /// Takes over what another parse found; any other error ends the parse at once.
    pub fn absorb<T>(&mut self, result: Result<T>) -> Result<Option<T>> {
        match result {
            Ok(value) => Ok(Some(value)),
            Err(Error::Invalid(_, violations)) => {
                self.0.extend(violations);
                Ok(None)
            }
            Err(other) => Err(other),
        }
    }

    /// As [`Self::absorb`], for a part of the input that stands at `path`.
    pub fn absorb_at<T>(&mut self, path: &str, result: Result<T>) -> Result<Option<T>> {
        self.absorb(result.map_err(|error| error.at(path)))
    }

    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    pub fn into_result(self) -> Result<()> {
        self.into_result_as(Reason::FieldInvalid)
    }

    pub fn into_result_as(self, reason: Reason) -> Result<()> {
        if self.0.is_empty() { Ok(()) } else { Err(Error::Invalid(reason, self.0)) }
    }
}

/// How Postgres said no, read for what the caller does next.
impl From<sqlx::Error> for Error {
    fn from(error: sqlx::Error) -> Self {
        let code = error.as_database_error().and_then(|db| db.code()).map(|code| code.into_owned());
        match code.as_deref() {
            // Serialization failure, deadlock, and a unique key that a concurrent twin of this call took first: each
            // is found in order when the call runs again.
            Some("40001" | "40P01" | "23505") => Self::Conflict,
            Some(code) if code.starts_with("08") || code.starts_with("57P") || code == "53300" => {
                Self::database_down()
            }
            None if matches!(
                error,
                sqlx::Error::Io(_) | sqlx::Error::PoolTimedOut | sqlx::Error::PoolClosed
            ) =>
            {
                tracing::warn!(error = chain(&error), "database out of reach");
                Self::database_down()
            }
            Some(_) | None => Self::internal(error),
        }
    }
}

impl Error {
    pub(crate) fn database_down() -> Self {
        Self::Unavailable {
            reason: Reason::DependencyDown,
            text: "the database cannot be reached; retry",
            retry_after: Duration::from_millis(500),
        }
    }
}

fn summary(violations: &[Violation]) -> String {
    match violations {
        [one] => format!("{}: {}", one.field, one.text),
        [first, rest @ ..] => format!("{}: {} (and {} more)", first.field, first.text, rest.len()),
        [] => "invalid".to_owned(),
    }
}

/// An error with all its causes, for logs.
pub fn chain(error: &(dyn StdError + 'static)) -> String {
    let mut text = error.to_string();
    let mut source = error.source();
    while let Some(cause) = source {
        text.push_str(": ");
        text.push_str(&cause.to_string());
        source = cause.source();
    }
    text
}

/// At most `max` bytes of the text, in whole characters.
fn cut(text: &str, max: usize) -> String {
    text[..text.floor_char_boundary(max)].to_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn inside_stays_inside() {
        let status = Error::internal("password of the database").into_status("r1");
        assert_eq!((status.code(), status.message()), (Code::Internal, "internal error"));
        assert!(!format!("{status:?}").contains("password"));
    }

    #[test]
    fn every_violation_arrives_up_to_what_a_status_can_carry() {
        let mut violations = Violations::default();
        for n in 0..40 {
            violations
                .add(format!("requests[{n}].ticket.custom_fields.{}", "k".repeat(4000)), "ü".repeat(4000));
        }
        let status = violations.into_result().expect_err("40 violations").into_status("r1");
        let details = status.get_error_details();
        assert_eq!(details.bad_request().map(|bad| bad.field_violations.len()), Some(25));
        assert!(status.details().len() < 8 * 1024, "{}", status.details().len());
        let info = details.error_info().cloned().expect("an ErrorInfo");
        assert_eq!((info.reason.as_str(), info.domain.as_str()), ("FIELD_INVALID", DOMAIN));
        assert_eq!(info.metadata["violations_omitted"], "15");
    }

    #[test]
    fn what_no_status_has_room_for_is_counted_without_a_text() {
        let mut violations = Violations::default();
        for _ in 0..MAX_VIOLATIONS {
            violations.add("tags", "is wrong");
        }
        violations.add_with("tags", || -> String { unreachable!("nobody will read it") });
        let status = violations.into_result().expect_err("26 violations").into_status("r1");
        let info = status.get_error_details().error_info().cloned().expect("an ErrorInfo");
        assert_eq!(info.metadata["violations_omitted"], "1");
    }
}
