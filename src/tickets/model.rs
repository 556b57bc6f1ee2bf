//! The ticket as the service keeps it: field names are the columns of the table `tickets` and, but for keys that are
//! shown as names, those of the API.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};
use serde_json::Value;
pub use sqlx::types::Json;

use crate::{
    configuration::Configuration,
    entitlements::Decision,
    events::Facts,
    ids::{Id, TenantId},
    time::Time,
};

/// Limits, in characters unless they say otherwise.
pub const MAX_TITLE: usize = 300;
pub const MAX_TEXT: usize = 65_536;
pub const MAX_NOTE: usize = 16_384;
/// Of the note that a held ticket shows as its reason.
pub const MAX_HOLD_REASON: usize = 1_000;
pub const MAX_TAGS: usize = 50;
pub const MAX_FOLLOWERS: usize = 50;
/// Bytes of all annotations together.
pub const MAX_ANNOTATIONS: usize = 4096;

/// A closed list of codes: the same word in Rust, SQL and, behind the enum's prefix, on the wire.
macro_rules! codes {
    ($(#[$doc:meta])* $name:ident { $($variant:ident = $code:literal,)* }) => {
        $(#[$doc])*
        #[derive(
            Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, serde::Serialize, serde::Deserialize, sqlx::Type,
        )]
        #[sqlx(type_name = "text")]
        pub enum $name {
            $(#[serde(rename = $code)] #[sqlx(rename = $code)] $variant,)*
        }

        impl $name {
            pub const ALL: &[Self] = &[$(Self::$variant,)*];
            pub const NAMES: &[&str] = &[$($code,)*];

            pub fn name(self) -> &'static str {
                match self { $(Self::$variant => $code,)* }
            }

            pub fn parse(code: &str) -> Option<Self> {
                match code { $($code => Some(Self::$variant),)* _ => None }
            }
        }
    };
}
pub(crate) use codes;

codes! {
    /// Where a ticket stands; `status.rs` says how it moves.
    State {
        New = "NEW",
        Open = "OPEN",
        WaitingOnCustomer = "WAITING_ON_CUSTOMER",
        WaitingOnVendor = "WAITING_ON_VENDOR",
        OnHold = "ON_HOLD",
        Resolved = "RESOLVED",
        Closed = "CLOSED",
        Cancelled = "CANCELLED",
        Merged = "MERGED",
    }
}

codes! {
    /// What kind of request it is.
    Kind {
        Question = "QUESTION",
        Incident = "INCIDENT",
        Request = "REQUEST",
        Complaint = "COMPLAINT",
        Problem = "PROBLEM",
    }
}

codes! {
    /// Where it came in.
    Channel {
        Phone = "PHONE",
        Email = "EMAIL",
        Chat = "CHAT",
        Social = "SOCIAL",
        Portal = "PORTAL",
        Api = "API",
        Remote = "REMOTE",
        OnSite = "ON_SITE",
        Letter = "LETTER",
    }
}

codes! {
    /// How much is affected.
    Impact { Low = "LOW", Medium = "MEDIUM", High = "HIGH", Major = "MAJOR", }
}

codes! {
    /// How soon it hurts.
    Urgency { Low = "LOW", Medium = "MEDIUM", High = "HIGH", Critical = "CRITICAL", }
}

codes! {
    /// For whom or what a ticket waits.
    HoldKind { Customer = "CUSTOMER", Vendor = "VENDOR", Other = "OTHER", }
}

/// How much of a ticket an answer carries.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum View {
    Basic,
    Full,
}

/// A request for support.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Ticket {
    pub tenant_id: TenantId,
    pub id: Id,
    pub number: i64,
    pub version: i64,
    pub state: State,
    pub kind: Kind,
    pub channel: Channel,
    pub title: String,
    pub description: String,
    /// A contact's key; empty: nobody in particular.
    pub requester: String,
    /// An organization's key.
    pub organization: String,
    pub category: String,
    pub product: String,
    pub language_code: String,
    pub impact: Impact,
    pub urgency: Urgency,
    pub priority: String,
    /// Place of the priority in the configuration, 0 the most pressing.
    pub priority_rank: i32,
    pub custom_fields: Json<BTreeMap<String, FieldValue>>,
    pub tags: Vec<String>,
    pub annotations: Json<BTreeMap<String, String>>,
    pub external_source: Option<String>,
    pub external_id: Option<String>,
    pub level: String,
    pub queue: String,
    pub team: String,
    /// An agent's key.
    pub assignee: Option<String>,
    pub followers: Vec<String>,
    pub escalated: bool,
    pub pending_escalation: Option<Id>,
    pub vendor_reference: String,
    pub hold_reason: String,
    pub hold_until_time: Option<Time>,
    pub resolution: Option<Json<Resolution>>,
    pub follow_up_of: Option<Id>,
    pub first_level: String,
    pub highest_level: String,
    pub teams: Vec<String>,
    pub transfer_count: i32,
    pub return_count: i32,
    pub reopen_count: i32,
    pub imported: bool,
    pub configuration_revision: i64,
    pub create_time: Time,
    pub update_time: Time,
    pub queue_time: Option<Time>,
    pub assign_time: Option<Time>,
    pub resolve_time: Option<Time>,
    pub close_time: Option<Time>,
    pub auto_close_time: Option<Time>,
    /// Key of the rule by which it stands in its queue; empty: it came otherwise.
    pub routing_rule: String,
    /// What that rule asks of an agent.
    pub skills: Json<Vec<Need>>,
    /// Key of the agent who is asked to take it.
    pub offered_to: Option<String>,
    pub offer_expire_time: Option<Time>,
    /// Until when it is not offered again, by agent.
    pub cool_downs: Json<BTreeMap<String, Time>>,
    /// Who had it last.
    pub former_assignee: Option<String>,
    /// Waits although nobody can take it.
    pub routing_exhausted: bool,
    /// Keys of the SLA policies that hold for it.
    pub sla_policies: Vec<String>,
    /// Of the configuration by which they hold; 0: nothing was ever promised.
    pub sla_revision: i64,
    /// Key of the plan that its organization had when it was set; empty: none.
    #[serde(default)]
    pub plan: String,
    /// Seen by few, and every read of it is kept.
    #[serde(default)]
    pub restricted: bool,
    /// The ticket in which it goes on.
    #[serde(default)]
    pub merged_into: Option<Id>,
    /// Whether support is covered, as of its recording, and what the customer said to the price.
    pub entitlement: Option<Json<Box<Decision>>>,
}

/// A skill that a ticket asks of the agent who gets it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Need {
    pub skill: String,
    pub min_level: i32,
    /// Seconds of waiting after which it does without; `None`: never.
    pub drop_after: Option<i64>,
}

/// A ticket's place in the order in which a queue is served: escalated ones first, then by priority, then the longest
/// waiting.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Turn {
    pub escalated: bool,
    pub priority_rank: i32,
    pub queue_time: Time,
    pub id: Id,
}

/// How many live tickets of one kind an agent owns, or is asked to take.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Held {
    pub agent: String,
    /// Only asked.
    pub offered: bool,
    pub channel: Channel,
    pub state: State,
    /// Empty: of none of those that were asked for.
    pub organization: String,
    pub count: i64,
}

/// How many live tickets stand in one place.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Standing {
    pub level: String,
    pub team: String,
    pub queue: String,
    pub count: i64,
}

/// The value of a custom field. Kept as plain JSON, but for an instant: a text may read like one and stays a text.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(untagged)]
pub enum FieldValue {
    Bool(bool),
    Int(i64),
    Time { time: Time },
    String(String),
}

impl FieldValue {
    /// As it is shown where values have no types: an instant as text.
    pub fn plain(&self) -> Value {
        match self {
            Self::Bool(value) => (*value).into(),
            Self::Int(value) => (*value).into(),
            Self::Time { time } => time.to_string().into(),
            Self::String(value) => value.as_str().into(),
        }
    }
}

/// How a ticket was solved.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Resolution {
    pub code: String,
    pub summary: String,
    pub article: String,
    pub no_article_reason: String,
}

impl State {
    /// Not at its end, and not solved.
    pub fn is_live(self) -> bool {
        matches!(
            self,
            Self::New | Self::Open | Self::WaitingOnCustomer | Self::WaitingOnVendor | Self::OnHold
        )
    }
}

impl Ticket {
    pub fn name(&self) -> String {
        format!("tenants/{}/tickets/{}", self.tenant_id, self.id)
    }

    /// Looked at before it is recorded: it has no number, and its name stands for nothing.
    pub fn is_draft(&self) -> bool {
        self.number == 0
    }

    /// Proof of one version.
    pub fn etag(&self) -> String {
        format!("\"{}\"", self.version)
    }

    /// Puts it into a queue, and with it into the queue's team and level; counts the move. Nobody has it then, and it asks
    /// for no skills: those belong to the rule that sends it.
    pub fn place(&mut self, configuration: &Configuration, queue: &str, now: Time) {
        let place = configuration.place(queue);
        self.queue = place.queue;
        self.routing_rule.clear();
        self.skills.0.clear();
        if self.team != place.team {
            self.enter_team(configuration, &place.team, &place.level);
        }
        self.release(now);
    }

    /// Counts a change of team: transfers, distinct teams, returns, first and highest level.
    pub fn enter_team(&mut self, configuration: &Configuration, team: &str, level: &str) {
        if !self.team.is_empty() {
            self.transfer_count += 1;
        }
        if self.teams.iter().any(|had| had == team) {
            self.return_count += 1;
        } else {
            self.teams.push(team.to_owned());
        }
        team.clone_into(&mut self.team);
        self.enter_level(configuration, level);
    }

    /// Counts a change of level: first and highest.
    pub fn enter_level(&mut self, configuration: &Configuration, level: &str) {
        level.clone_into(&mut self.level);
        if self.first_level.is_empty() {
            level.clone_into(&mut self.first_level);
        }
        if configuration.level_rank(level) >= configuration.level_rank(&self.highest_level) {
            level.clone_into(&mut self.highest_level);
        }
    }

    /// Gives it a priority, and with it the priority's place in the configuration.
    pub fn prioritise(&mut self, configuration: &Configuration, priority: &str) {
        priority.clone_into(&mut self.priority);
        self.priority_rank = configuration.priority_rank(priority).map_or(i32::MAX, |rank| rank as i32);
    }

    /// Nobody has it: it stands in its queue since this time.
    pub fn release(&mut self, since: Time) {
        self.former_assignee = self.assignee.take().or(self.former_assignee.take());
        self.assign_time = None;
        self.queue_time = Some(since);
        self.end_offer();
        self.routing_exhausted = false;
    }

    pub fn assign(&mut self, agent: &str, now: Time) {
        let before = self.assignee.replace(agent.to_owned()).filter(|before| before != agent);
        self.former_assignee = before.or(self.former_assignee.take());
        self.assign_time = Some(now);
        self.queue_time = None;
        self.end_offer();
        self.cool_downs.0.clear();
        self.routing_exhausted = false;
    }

    pub fn offer(&mut self, agent: &str, until: Time) {
        self.offered_to = Some(agent.to_owned());
        self.offer_expire_time = Some(until);
        self.routing_exhausted = false;
    }

    /// Nobody is asked any more.
    pub fn end_offer(&mut self) {
        self.offered_to = None;
        self.offer_expire_time = None;
    }

    /// Whose capacity it takes: who has it, or is asked to take it.
    pub fn holder(&self) -> Option<&String> {
        self.assignee.as_ref().or(self.offered_to.as_ref()).filter(|_| self.state.is_live())
    }

    /// What it takes of its holder's capacity, by the configuration.
    pub fn weight(&self, configuration: &Configuration) -> i64 {
        configuration.weight(self.channel, self.state)
    }

    /// What it would add to what an agent has to do: nothing where it takes its room already.
    pub fn burden(&self, configuration: &Configuration, agent: &str) -> i64 {
        let held = self.holder().is_some_and(|holder| holder == agent);
        if held { 0 } else { self.weight(configuration) }
    }

    /// Its place in the queue, while it waits there for an agent.
    pub fn turn(&self) -> Option<Turn> {
        let Self { escalated, priority_rank, id, .. } = *self;
        let queue_time = self.queue_time.filter(|_| matches!(self.state, State::New | State::Open))?;
        Some(Turn { escalated, priority_rank, queue_time, id })
    }

    /// Whatever it waited for is over.
    pub fn end_hold(&mut self) {
        self.hold_reason.clear();
        self.hold_until_time = None;
    }

    /// What goes out with every event about it.
    pub fn facts(&self) -> Facts {
        Facts {
            number: self.number,
            state: self.state.name().to_owned(),
            kind: self.kind.name().to_owned(),
            channel: self.channel.name().to_owned(),
            priority: self.priority.clone(),
            category: self.category.clone(),
            product: self.product.clone(),
            level: self.level.clone(),
            queue: self.queue.clone(),
            team: self.team.clone(),
            assignee: self.assignee.clone().unwrap_or_default(),
            organization: self.organization.clone(),
            resolution_code: self.resolution.as_ref().map(|r| r.code.clone()).unwrap_or_default(),
            restricted: self.restricted,
        }
    }
}

/// A new ticket of tenant `acme`, for the tests of rules.
#[cfg(test)]
#[allow(clippy::too_many_lines)] // a line for each field
pub fn sample() -> Ticket {
    let time: Time = "2026-01-05T09:00:00Z".parse().expect("a time");
    Ticket {
        tenant_id: TenantId::parse("acme").expect("a tenant"),
        id: Id(uuid::Uuid::from_u128(1)),
        number: 1,
        version: 1,
        state: State::New,
        kind: Kind::Incident,
        channel: Channel::Phone,
        title: "No dial tone".into(),
        description: String::new(),
        requester: String::new(),
        organization: String::new(),
        category: String::new(),
        product: String::new(),
        language_code: "en".into(),
        impact: Impact::Medium,
        urgency: Urgency::Medium,
        priority: "P3".into(),
        priority_rank: 2,
        custom_fields: Json::default(),
        tags: Vec::new(),
        annotations: Json::default(),
        external_source: None,
        external_id: None,
        level: "L1".into(),
        queue: "desk".into(),
        team: "desk".into(),
        assignee: None,
        followers: Vec::new(),
        escalated: false,
        pending_escalation: None,
        vendor_reference: String::new(),
        hold_reason: String::new(),
        hold_until_time: None,
        resolution: None,
        follow_up_of: None,
        first_level: "L1".into(),
        highest_level: "L1".into(),
        teams: vec!["desk".into()],
        transfer_count: 0,
        return_count: 0,
        reopen_count: 0,
        imported: false,
        configuration_revision: 1,
        create_time: time,
        update_time: time,
        queue_time: Some(time),
        assign_time: None,
        resolve_time: None,
        close_time: None,
        auto_close_time: None,
        routing_rule: String::new(),
        skills: Json::default(),
        offered_to: None,
        offer_expire_time: None,
        cool_downs: Json::default(),
        former_assignee: None,
        routing_exhausted: false,
        sla_policies: Vec::new(),
        sla_revision: 0,
        plan: String::new(),
        restricted: false,
        merged_into: None,
        entitlement: None,
    }
}
