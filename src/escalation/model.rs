//! An escalation as the service keeps it. Field names are the columns of the table `escalations`.

use serde::{Deserialize, Serialize};

use crate::{
    ctx::ActorKind,
    events::Event,
    ids::{Id, TenantId},
    tickets::codes,
    time::Time,
};

codes! {
    /// What it asks for.
    Mode { Handover = "HANDOVER", Consult = "CONSULT", }
}

codes! {
    /// How it stands.
    State {
        Pending = "PENDING",
        Accepted = "ACCEPTED",
        Declined = "DECLINED",
        Withdrawn = "WITHDRAWN",
        Expired = "EXPIRED",
    }
}

codes! {
    /// Why it was asked.
    Why {
        Complexity = "COMPLEXITY",
        MissingSkill = "MISSING_SKILL",
        MissingAccess = "MISSING_ACCESS",
        CodeChange = "CODE_CHANGE",
        DataChange = "DATA_CHANGE",
        Time = "TIME",
        BusinessImpact = "BUSINESS_IMPACT",
        CustomerRequest = "CUSTOMER_REQUEST",
        Security = "SECURITY",
        SlaRisk = "SLA_RISK",
        VendorDefect = "VENDOR_DEFECT",
    }
}

codes! {
    /// Why it was declined.
    DeclineReason {
        InfoMissing = "INFO_MISSING",
        NotOurArea = "NOT_OUR_AREA",
        Duplicate = "DUPLICATE",
        KnownSolution = "KNOWN_SOLUTION",
    }
}

codes! {
    /// Why the work, or the advice, went back.
    HandBackReason {
        SolutionReady = "SOLUTION_READY",
        InfoMissing = "INFO_MISSING",
        NotOurArea = "NOT_OUR_AREA",
    }
}

/// A request to more skill.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, sqlx::FromRow)]
pub struct Escalation {
    pub tenant_id: TenantId,
    pub ticket_id: Id,
    pub id: Id,
    pub mode: Mode,
    pub state: State,
    pub reason: Why,
    pub justification: String,
    pub from_level: String,
    pub from_team: String,
    pub from_queue: String,
    pub from_agent: Option<String>,
    pub to_level: String,
    pub to_team: String,
    pub to_queue: String,
    /// Who took it up.
    pub to_agent: Option<String>,
    pub author_kind: ActorKind,
    pub author_id: String,
    pub create_time: Time,
    pub acceptance_due_time: Option<Time>,
    pub expire_time: Option<Time>,
    pub settle_time: Option<Time>,
    pub settler_kind: Option<ActorKind>,
    pub settler_id: Option<String>,
    pub decline_reason: Option<DeclineReason>,
    pub settle_note: String,
    pub hand_back_reason: Option<HandBackReason>,
    pub hand_back_time: Option<Time>,
}

impl Escalation {
    pub fn name(&self) -> String {
        format!("tenants/{}/tickets/{}/escalations/{}", self.tenant_id, self.ticket_id, self.id)
    }

    /// Says on an event which escalation it is about.
    pub fn tell(&self, event: &mut Event) {
        let mut tell = |key: &str, value: &str| event.details.insert(key.into(), value.into());
        tell("escalation", &self.id.to_string());
        tell("mode", self.mode.name());
        tell("escalation_reason", self.reason.name());
        tell("from_level", &self.from_level);
        tell("from_team", &self.from_team);
        tell("to_level", &self.to_level);
        tell("to_team", &self.to_team);
    }
}
