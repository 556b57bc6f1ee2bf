//! Who is there on the day: the tenant's configuration, its people and its customers, recorded through the API.

use std::{collections::HashMap, sync::Arc};

use anyhow::Context as _;
use ticketing_proto::v1::{
    self as pb, agent_service_client::AgentServiceClient,
    configuration_service_client::ConfigurationServiceClient, customer_service_client::CustomerServiceClient,
    entitlement_service_client::EntitlementServiceClient,
};
use tonic::transport::Channel;

use super::{
    TENANT,
    person::{Ledger, Person, parent},
};
use crate::{
    configuration::{Document, wire},
    ctx::{ActorKind, Role},
    ids::TenantId,
    tokens::Claims,
};

/// Key, name, what the person does, team, skills, capacity. The first of each level has a token printed.
type Agent = (&'static str, &'static str, &'static str, &'static str, &'static [&'static str], i32);

const AGENTS: &[Agent] = &[
    ("anna", "Anna Berger", "L1, Service Desk Deutsch", "desk-de", &["german", "billing"], 25),
    ("ben", "Ben Schuster", "L1, Service Desk Deutsch", "desk-de", &["german", "english"], 25),
    ("emily", "Emily Clarke", "L1, Service desk English", "desk-en", &["english", "billing"], 25),
    ("liam", "Liam O'Connor", "L1, Service desk English", "desk-en", &["english"], 25),
    ("jonas", "Jonas Keller", "L2, Anwendungsbetreuung", "applications", &["german", "english"], 40),
    ("meera", "Meera Nair", "L2, Anwendungsbetreuung", "applications", &["english"], 40),
    ("katrin", "Katrin Vogt", "L2, Infrastruktur", "infrastructure", &["german"], 40),
    ("tomasz", "Tomasz Wrona", "L3, Entwicklung", "engineering", &["english"], 20),
    ("lea", "Lea Hofmann", "L3, Datenkorrektur", "data", &["german"], 20),
    ("nora", "Nora Lindt", "Netzwerk-Lieferant", "netvendor", &["german"], 20),
];

/// Key, name, plan.
const ORGANIZATIONS: &[(&str, &str, &str)] = &[
    ("muehlenbach", "Mühlenbach Logistik GmbH", "gold"),
    ("stadtwerke", "Stadtwerke Rheinau", ""),
    ("harrow", "Harrow & Finch Ltd", "gold"),
    ("praxis-seidl", "Praxis Dr. Seidl", ""),
];

/// The beginning of 2024.
const SOLD_SINCE: prost_types::Timestamp = prost_types::Timestamp { seconds: 1_704_067_200, nanos: 0 };

/// Key, name, organization, language.
const CONTACTS: &[(&str, &str, &str, &str)] = &[
    ("sabine", "Sabine Krüger", "muehlenbach", "de"),
    ("murat", "Murat Yıldız", "muehlenbach", "de"),
    ("ulrike", "Ulrike Behrens", "stadtwerke", "de"),
    ("dieter", "Dieter Pohl", "stadtwerke", "de"),
    ("seidl", "Dr. Eva Seidl", "praxis-seidl", "de"),
    ("grace", "Grace Harrow", "harrow", "en"),
    ("oliver", "Oliver Finch", "harrow", "en"),
    ("priya", "Priya Shah", "harrow", "en"),
];

/// Everybody, by key.
pub struct Cast {
    people: HashMap<&'static str, Person>,
    pub ledger: Ledger,
}

impl Cast {
    pub fn new(channel: &Channel) -> Self {
        let ledger = Ledger::default();
        let person = |key, display_name, part, kind, roles| {
            let tenants = TenantId::parse(TENANT).map(|tenant| vec![tenant]);
            let token = Claims { sub: String::from(key), kind, roles, tenants }.encode();
            let (channel, ledger) = (channel.clone(), Arc::clone(&ledger));
            (key, Person { key, display_name, part, token, channel, ledger })
        };
        let petra = person(
            "petra",
            "Petra Lange",
            "administrator and manager",
            ActorKind::Agent,
            vec![Role::Admin, Role::Manager],
        );
        let agents = AGENTS
            .iter()
            .map(|(key, name, part, ..)| person(key, name, part, ActorKind::Agent, vec![Role::Agent]));
        let customers = CONTACTS
            .iter()
            .map(|(key, name, ..)| person(key, name, "customer", ActorKind::Customer, vec![Role::Customer]));
        Self { people: agents.chain(customers).chain([petra]).collect(), ledger }
    }

    /// The person of this key, whom the cast must have.
    pub fn of(&self, key: &str) -> &Person {
        self.people.get(key).unwrap_or_else(|| panic!("nobody is called {key}"))
    }

    /// One of each kind.
    pub fn some(&self) -> impl Iterator<Item = &Person> {
        ["petra", "anna", "jonas", "tomasz", "sabine"].into_iter().map(|key| self.of(key))
    }
}

/// The contacts who write in this language.
pub fn customers(language: &str) -> Vec<&'static str> {
    CONTACTS.iter().filter(|(.., speaks)| *speaks == language).map(|(key, ..)| *key).collect()
}

/// The organization of a contact.
pub fn organization(contact: &str) -> &'static str {
    CONTACTS.iter().find(|(key, ..)| *key == contact).map_or("", |(_, _, organization, _)| organization)
}

/// Puts the sample configuration in force.
pub async fn configure(cast: &Cast) -> anyhow::Result<Document> {
    let document: Document = serde_saphyr::from_str(include_str!("../../demo/configuration.yaml"))?;
    let petra = cast.of("petra");
    let configuration = pb::Configuration {
        name: format!("{}/configuration", parent()),
        comment: "the demo".to_owned(),
        ..wire::message(&document)
    };
    let request = pb::ApplyConfigurationRequest { configuration: Some(configuration), ..Default::default() };
    let applied =
        ConfigurationServiceClient::new(petra.channel.clone()).apply_configuration(petra.ask(request)).await;
    applied.context("the configuration cannot be applied")?;
    Ok(document)
}

/// Records agents, organizations and contacts; those who are known already stay.
pub async fn record(cast: &Cast) -> anyhow::Result<()> {
    let petra = cast.of("petra");
    let mut agents = AgentServiceClient::new(petra.channel.clone());
    for (key, display_name, _, team, skills, capacity) in AGENTS {
        let skills = skills.iter().map(|skill| pb::AgentSkill { skill: (*skill).to_owned(), level: 3 });
        let agent = pb::Agent {
            name: format!("{}/agents/{key}", parent()),
            display_name: (*display_name).to_owned(),
            teams: vec![(*team).to_owned()],
            skills: skills.collect(),
            capacity: *capacity,
            ..Default::default()
        };
        agents
            .upsert_agent(petra.ask(pb::UpsertAgentRequest { agent: Some(agent), validate_only: false }))
            .await
            .with_context(|| format!("agent {key} cannot be recorded"))?;
    }
    let mut customers = CustomerServiceClient::new(petra.channel.clone());
    for (key, display_name, plan) in ORGANIZATIONS {
        let organization = Some(pb::Organization {
            name: format!("{}/organizations/{key}", parent()),
            display_name: (*display_name).to_owned(),
            plan: (*plan).to_owned(),
            ..Default::default()
        });
        customers
            .upsert_organization(
                petra.ask(pb::UpsertOrganizationRequest { organization, ..Default::default() }),
            )
            .await
            .with_context(|| format!("organization {key} cannot be recorded"))?;
    }
    sell(petra).await?;
    for (key, display_name, organization, language_code) in CONTACTS {
        let contact = Some(pb::Contact {
            name: format!("{}/contacts/{key}", parent()),
            display_name: (*display_name).to_owned(),
            organization: format!("{}/organizations/{organization}", parent()),
            email: format!("{key}@{organization}.example"),
            language_code: (*language_code).to_owned(),
            ..Default::default()
        });
        customers
            .upsert_contact(petra.ask(pb::UpsertContactRequest { contact, ..Default::default() }))
            .await
            .with_context(|| format!("contact {key} cannot be recorded"))?;
    }
    Ok(())
}

/// What was sold to the organizations that have a plan.
async fn sell(petra: &Person) -> anyhow::Result<()> {
    let mut entitlements = EntitlementServiceClient::new(petra.channel.clone());
    for (key, _, plan) in ORGANIZATIONS.iter().filter(|(.., plan)| !plan.is_empty()) {
        let entitlement = Some(pb::Entitlement {
            name: format!("{}/entitlements/{key}", parent()),
            organization: format!("{}/organizations/{key}", parent()),
            plan: (*plan).to_owned(),
            start_time: Some(SOLD_SINCE),
            ..Default::default()
        });
        entitlements
            .upsert_entitlement(petra.ask(pb::UpsertEntitlementRequest { entitlement, validate_only: false }))
            .await
            .with_context(|| format!("what was sold to {key} cannot be recorded"))?;
    }
    Ok(())
}
