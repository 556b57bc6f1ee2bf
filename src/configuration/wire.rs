//! The document as a message and back: field by field the same names. Every fault of a message is named at once, by its
//! path in the document.

use std::time::Duration;

use ticketing_proto::v1 as pb;

use super::{
    Aggregation, Agreement, Allowance, AllowancePeriod, Applied, Calendar, CalendarException, Category,
    ClockKind, CustomField, DayHours, Dispatch, Document, EntitlementPolicy, EscalationPolicy, FeedbackScale,
    FieldType, KnowledgeDuty, KnowledgePolicy, Ladder, LadderAction, LadderStep, Level, Lifecycle,
    LoadWeight, OnChange, OnStale, Percent, Plan, PreferredSkill, Priority, PriorityRule, Queue,
    ResolutionCode, Revision, RoutingRule, Service, Skill, SkillRequirement, SlaClock, SlaPolicy, SlaTarget,
    SlaThreshold, Stamp, SupportPlan, SupportType, Survey, Tariff, TariffRate, Team, Weekday, WeeklyHours,
    WithoutConsent, apply::name, path, plan::Change,
};
use crate::{
    error::{Error, Result, Violations},
    ids::TenantId,
    tickets::wire::timestamp,
};

/// A part of the document and the part of the message that says the same.
trait Wire {
    type Message;

    fn read(message: &Self::Message, at: &str, faults: &mut Violations) -> Self;

    fn write(&self) -> Self::Message;

    /// How the item at this place of a list is found.
    fn selector(_: &Self::Message, place: usize) -> String {
        path::by_place("", place)
    }
}

/// Takes `tenants/{tenant}/configuration` apart.
pub fn tenant(field: &str, name: &str) -> Result<TenantId> {
    let tenant = name.strip_prefix("tenants/").and_then(|rest| rest.strip_suffix("/configuration"));
    tenant
        .and_then(TenantId::parse)
        .ok_or_else(|| Error::field(field, "must be tenants/{tenant}/configuration"))
}

/// The document that a message says.
pub fn document(message: &pb::Configuration, faults: &mut Violations) -> Document {
    let mut document = Document::read(message, "", faults);
    if document.default_language_code.is_empty() {
        document.default_language_code = Document::default().default_language_code;
    }
    document
}

/// The message that says the document; what the server adds is empty.
pub fn message(document: &Document) -> pb::Configuration {
    document.write()
}

/// A revision as the API shows it.
pub fn configuration(tenant: &TenantId, revision: &Revision) -> pb::Configuration {
    let Stamp { revision: number, author, comment, create_time } = revision.stamp.clone();
    pb::Configuration {
        name: name(tenant),
        revision: number,
        etag: format!("\"{number}\""),
        create_time: Some(timestamp(create_time)),
        author,
        comment,
        ..message(&revision.document)
    }
}

pub fn stamp(stamp: Stamp) -> pb::ConfigurationRevision {
    let Stamp { revision, author, comment, create_time } = stamp;
    pb::ConfigurationRevision { revision, author, comment, create_time: Some(timestamp(create_time)) }
}

/// What the answer of apply and rollback says.
pub fn applied(
    tenant: &TenantId,
    applied: Applied,
) -> (Option<pb::Configuration>, Option<pb::ConfigurationPlan>, bool) {
    let Plan { changes, affected_ticket_count, affected_agent_count, warnings } = applied.plan;
    let plan = pb::ConfigurationPlan {
        changes: changes.into_iter().map(change).collect(),
        affected_ticket_count,
        affected_agent_count,
        warnings,
    };
    (Some(configuration(tenant, &applied.revision)), Some(plan), applied.replayed)
}

fn change(change: Change) -> pb::ConfigurationChange {
    let kind = match (&change.before, &change.after) {
        (None, _) => pb::ConfigurationChangeKind::Added,
        (_, None) => pb::ConfigurationChangeKind::Removed,
        _ => pb::ConfigurationChangeKind::Changed,
    };
    let json = |value: Option<serde_json::Value>| value.map(|value| value.to_string()).unwrap_or_default();
    pb::ConfigurationChange {
        path: change.path,
        kind: kind.into(),
        before_json: json(change.before),
        after_json: json(change.after),
    }
}

/// Parts that are the same on both sides.
macro_rules! plain {
    ($($type:ty),*) => {
        $(impl Wire for $type {
            type Message = Self;

            fn read(message: &Self, _: &str, _: &mut Violations) -> Self {
                message.clone()
            }

            fn write(&self) -> Self {
                self.clone()
            }
        })*
    };
}
plain!(String, bool, i32, i64);

/// Words: the same variants on both sides; UNSPECIFIED is the default.
macro_rules! words {
    ($($name:ident: $($word:ident),*;)*) => {
        $(impl Wire for $name {
            type Message = i32;

            fn read(message: &i32, at: &str, faults: &mut Violations) -> Self {
                if *message == 0 {
                    return Self::default();
                }
                match pb::$name::try_from(*message) {
                    $(Ok(pb::$name::$word) => Self::$word,)*
                    _ => {
                        faults.add(at, format!("{message} is no known value"));
                        Self::default()
                    }
                }
            }

            fn write(&self) -> i32 {
                match self {
                    $(Self::$word => pb::$name::$word.into(),)*
                }
            }
        })*
    };
}
words! {
    KnowledgeDuty: None, Link, CreateOrLink;
    Dispatch: Pull, Push, Offer;
    SupportType: Unspecified, Technical, Customer, Product, It;
    FieldType: String, Int, Bool, Time, Choice;
    Agreement: Sla, Ola, Underpinning;
    OnChange: Rebase, CarryFraction, Restart;
    ClockKind: Unspecified, FirstResponse, NextResponse, PeriodicUpdate, FirstResolution, TotalResolution, Level,
        Acceptance, Vendor;
    AllowancePeriod: Term, Month, Quarter, Year;
    Aggregation: Unspecified, Entry, Ticket, TicketDay, TicketAgentDay;
    OnStale: FailOpen, FailClosed;
    WithoutConsent: Refuse, Mark;
    FeedbackScale: Unspecified, Csat, Nps, Ces;
    LadderAction: Unspecified, Notify, RaisePriority, Escalate, EscalateToManager, Page;
    Weekday: Unspecified, Monday, Tuesday, Wednesday, Thursday, Friday, Saturday, Sunday;
}

/// Messages: the same fields on both sides, but for those that are named.
macro_rules! fields {
    ($name:ident as $message:ident $(by $key:ident)?: $($field:ident $(as $other:ident)?),*; $($rest:tt)*) => {
        impl Wire for $name {
            type Message = pb::$message;

            fn read(message: &pb::$message, at: &str, faults: &mut Violations) -> Self {
                Self {
                    $($field: {
                        let name = fields!(@name $field $($other)?).trim_start_matches("r#");
                        let at = if at.is_empty() { name.to_owned() } else { format!("{at}.{name}") };
                        Wire::read(&fields!(@field message $field $($other)?), &at, faults)
                    },)*
                }
            }

            fn write(&self) -> pb::$message {
                let mut message = pb::$message::default();
                $(fields!(@field message $field $($other)?) = self.$field.write();)*
                message
            }

            $(fn selector(message: &pb::$message, place: usize) -> String {
                path::item("", place, &message.$key)
            })?
        }
        fields! { $($rest)* }
    };
    (@field $message:ident $field:ident) => { $message.$field };
    (@field $message:ident $field:ident $other:ident) => { $message.$other };
    (@name $field:ident) => { stringify!($field) };
    (@name $field:ident $other:ident) => { stringify!($other) };
    () => {};
}
fields! {
    Document as Configuration: levels, teams, queues, skills, categories, custom_fields, priorities, priority_matrix,
        default_priority, resolution_codes, routing_rules, default_queue, lifecycle, escalation, default_language_code,
        calendars, services, load_weights, sla_policies, ladders, knowledge, plans, tariffs, entitlement, surveys;
    Level as Level by key: key, display_name, customer_contact, knowledge_duty, acceptance_target_duration, bounce_limit;
    Team as Team by key: key, display_name, level, queue, vendor, calendar, managers;
    Queue as Queue by key: key, display_name, team, dispatch, offer_duration, cool_down_duration, overflow_queue,
        overflow_after_duration;
    Skill as Skill by key: key, display_name;
    Category as Category by key: key, display_name, parent, support_type, required_fields, extended;
    CustomField as CustomField by key: key, display_name, kind as r#type, options;
    Priority as Priority by key: key, display_name;
    PriorityRule as PriorityRule: impact, urgency, priority;
    ResolutionCode as ResolutionCode by key: key, display_name, first_contact;
    RoutingRule as RoutingRule by key: key, condition, queue, team, required_skills, priority_floor,
        preferred_skills;
    Calendar as Calendar by key: key, display_name, time_zone, hours, exceptions;
    WeeklyHours as WeeklyHours: days, open, close;
    DayHours as DayHours: open, close;
    Service as Service by key: key, display_name, calendar, availability_target_percent;
    LoadWeight as LoadWeight: channel, state, weight;
    SlaPolicy as SlaPolicy by key: key, display_name, agreement, condition, calendar, on_change, clocks;
    SlaClock as SlaClock: clock, targets, target_duration, calendar, pause_in, warnings, ladder, level, count_resolved;
    SlaThreshold as SlaThreshold: percent, before_duration, after_duration;
    Ladder as Ladder by key: key, display_name, steps, next_ladder;
    SupportPlan as SupportPlan by key: key, display_name, products, channels, levels, sla_policy, calendar, allowance,
        tariff;
    Tariff as Tariff by key: key, display_name, currency_code, aggregation, increment_duration, free_duration,
        minimum_units, maximum_units, consent, rates;
    TariffRate as TariffRate by key: key, calendar, price;
    Survey as Survey by key: key, display_name, scale, condition, delay_duration, sample_percent, token_lifetime_duration,
        quiet_duration;
}

impl Wire for CalendarException {
    type Message = pb::CalendarException;

    fn read(message: &Self::Message, at: &str, faults: &mut Violations) -> Self {
        let pb::CalendarException { date, display_name, closed, hours } = message;
        let hours = Wire::read(hours, &format!("{at}.hours"), faults);
        Self { date: date.clone(), display_name: display_name.clone(), closed: *closed, hours }
    }

    fn write(&self) -> Self::Message {
        let Self { date, display_name, closed, hours } = self.clone();
        pb::CalendarException { date, display_name, closed, hours: hours.write() }
    }

    fn selector(message: &Self::Message, place: usize) -> String {
        path::dated("", place, &message.date)
    }
}

impl<T: Wire> Wire for Vec<T> {
    type Message = Vec<T::Message>;

    fn read(message: &Self::Message, at: &str, faults: &mut Violations) -> Self {
        let items = message.iter().enumerate();
        items
            .map(|(place, item)| T::read(item, &format!("{at}{}", T::selector(item, place)), faults))
            .collect()
    }

    fn write(&self) -> Self::Message {
        self.iter().map(Wire::write).collect()
    }
}

impl Wire for Percent {
    type Message = f64;

    fn read(message: &f64, at: &str, faults: &mut Violations) -> Self {
        Self::try_from(*message).unwrap_or_else(|text| {
            faults.add(at, text);
            Self::default()
        })
    }

    fn write(&self) -> f64 {
        (*self).into()
    }
}

impl Wire for Option<Duration> {
    type Message = Option<prost_types::Duration>;

    fn read(message: &Self::Message, at: &str, faults: &mut Violations) -> Self {
        let duration = Duration::try_from((*message)?);
        if duration.is_err() {
            faults.add(at, "must not be negative");
        }
        duration.ok()
    }

    fn write(&self) -> Self::Message {
        self.map(|span| prost_types::Duration {
            seconds: i64::try_from(span.as_secs()).unwrap_or(i64::MAX),
            nanos: span.subsec_nanos() as i32,
        })
    }
}

/// A level that is not given is the lowest.
fn min_level(given: i32) -> i32 {
    if given == 0 { 1 } else { given }
}

impl Wire for SkillRequirement {
    type Message = pb::SkillRequirement;

    fn read(message: &Self::Message, _: &str, _: &mut Violations) -> Self {
        Self { skill: message.skill.clone(), min_level: min_level(message.min_level) }
    }

    fn write(&self) -> Self::Message {
        pb::SkillRequirement { skill: self.skill.clone(), min_level: self.min_level }
    }
}

impl Wire for PreferredSkill {
    type Message = pb::PreferredSkill;

    fn read(message: &Self::Message, at: &str, faults: &mut Violations) -> Self {
        let at = format!("{at}.drop_after_duration");
        let drop_after = Option::<Duration>::read(&message.drop_after_duration, &at, faults);
        Self {
            skill: message.skill.clone(),
            min_level: min_level(message.min_level),
            drop_after_duration: drop_after.unwrap_or_default(),
        }
    }

    fn write(&self) -> Self::Message {
        pb::PreferredSkill {
            skill: self.skill.clone(),
            min_level: self.min_level,
            drop_after_duration: Some(self.drop_after_duration).write(),
        }
    }
}

impl Wire for SlaTarget {
    type Message = pb::SlaTarget;

    fn read(message: &Self::Message, at: &str, faults: &mut Violations) -> Self {
        let at = format!("{at}.target_duration");
        let target = Option::<Duration>::read(&message.target_duration, &at, faults);
        Self { priority: message.priority.clone(), target_duration: target.unwrap_or_default() }
    }

    fn write(&self) -> Self::Message {
        pb::SlaTarget { priority: self.priority.clone(), target_duration: Some(self.target_duration).write() }
    }
}

impl Wire for LadderStep {
    type Message = pb::LadderStep;

    fn read(message: &Self::Message, at: &str, faults: &mut Violations) -> Self {
        let pb::LadderStep { at: threshold, action, audience, priority, team } = message;
        Self {
            at: SlaThreshold::read(&threshold.unwrap_or_default(), &format!("{at}.at"), faults),
            action: Wire::read(action, &format!("{at}.action"), faults),
            audience: audience.clone(),
            priority: priority.clone(),
            team: team.clone(),
        }
    }

    fn write(&self) -> Self::Message {
        let Self { at, action, audience, priority, team } = self.clone();
        pb::LadderStep { at: Some(at.write()), action: action.write(), audience, priority, team }
    }
}

impl Wire for Lifecycle {
    type Message = Option<pb::Lifecycle>;

    fn read(message: &Self::Message, at: &str, faults: &mut Violations) -> Self {
        let message = message.unwrap_or_default();
        let standard = Self::default();
        let mut span = |field: &str, given: &Option<prost_types::Duration>, standard| {
            Option::<Duration>::read(given, &format!("{at}.{field}"), faults).unwrap_or(standard)
        };
        Self {
            auto_close_duration: span(
                "auto_close_duration",
                &message.auto_close_duration,
                standard.auto_close_duration,
            ),
            reopen_window_duration: span(
                "reopen_window_duration",
                &message.reopen_window_duration,
                standard.reopen_window_duration,
            ),
            retention_duration: span(
                "retention_duration",
                &message.retention_duration,
                standard.retention_duration,
            ),
            merge_keeps_earliest_start: message.merge_keeps_earliest_start,
        }
    }

    fn write(&self) -> Self::Message {
        Some(pb::Lifecycle {
            auto_close_duration: Some(self.auto_close_duration).write(),
            reopen_window_duration: Some(self.reopen_window_duration).write(),
            retention_duration: Some(self.retention_duration).write(),
            merge_keeps_earliest_start: self.merge_keeps_earliest_start,
        })
    }
}

impl Wire for KnowledgePolicy {
    type Message = Option<pb::KnowledgePolicy>;

    fn read(message: &Self::Message, _: &str, _: &mut Violations) -> Self {
        message.map_or_else(Self::default, |it| Self {
            stale_reopen_count: it.stale_reopen_count,
            stale_reopen_percent: it.stale_reopen_percent,
        })
    }

    fn write(&self) -> Self::Message {
        let Self { stale_reopen_count, stale_reopen_percent } = *self;
        Some(pb::KnowledgePolicy { stale_reopen_count, stale_reopen_percent })
    }
}

impl Wire for EscalationPolicy {
    type Message = Option<pb::EscalationPolicy>;

    fn read(message: &Self::Message, at: &str, faults: &mut Violations) -> Self {
        let message = message.unwrap_or_default();
        Self {
            allow_skip: message.allow_skip,
            expire_duration: Wire::read(&message.expire_duration, &format!("{at}.expire_duration"), faults),
        }
    }

    fn write(&self) -> Self::Message {
        Some(pb::EscalationPolicy {
            allow_skip: self.allow_skip,
            expire_duration: self.expire_duration.write(),
        })
    }
}

impl Wire for Allowance {
    type Message = Option<pb::Allowance>;

    fn read(message: &Self::Message, at: &str, faults: &mut Violations) -> Self {
        let message = message.unwrap_or_default();
        Self {
            incidents: message.incidents,
            duration: Wire::read(&message.duration, &format!("{at}.duration"), faults),
            period: Wire::read(&message.period, &format!("{at}.period"), faults),
        }
    }

    fn write(&self) -> Self::Message {
        (*self != Self::default()).then(|| pb::Allowance {
            incidents: self.incidents,
            duration: self.duration.write(),
            period: self.period.write(),
        })
    }
}

impl Wire for EntitlementPolicy {
    type Message = Option<pb::EntitlementPolicy>;

    fn read(message: &Self::Message, at: &str, faults: &mut Violations) -> Self {
        let message = message.clone().unwrap_or_default();
        let stale = format!("{at}.stale_after_duration");
        Self {
            time_zone: message.time_zone,
            default_tariff: message.default_tariff,
            stale_after_duration: Wire::read(&message.stale_after_duration, &stale, faults),
            on_stale: Wire::read(&message.on_stale, &format!("{at}.on_stale"), faults),
            without_consent: Wire::read(&message.without_consent, &format!("{at}.without_consent"), faults),
        }
    }

    fn write(&self) -> Self::Message {
        let Self { time_zone, default_tariff, .. } = self.clone();
        Some(pb::EntitlementPolicy {
            time_zone,
            default_tariff,
            stale_after_duration: self.stale_after_duration.write(),
            on_stale: self.on_stale.write(),
            without_consent: self.without_consent.write(),
        })
    }
}
