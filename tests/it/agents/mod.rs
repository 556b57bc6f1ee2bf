//! Agents over real gRPC: what is recorded, who is there, what they have to do.

mod availability;
mod records;
mod shifts;

use ticketing_proto::v1::{self as pb, agent_service_client::AgentServiceClient};

use crate::support::{Client, Desk};

pub fn agents(client: Client) -> AgentServiceClient<Client> {
    AgentServiceClient::new(client)
}

/// An agent of one team.
pub fn agent(desk: &Desk, key: &str, team: &str, capacity: i32) -> pb::Agent {
    pb::Agent {
        name: format!("{}/agents/{key}", desk.parent()),
        display_name: key.to_uppercase(),
        teams: vec![team.to_owned()],
        capacity,
        ..Default::default()
    }
}

/// Records an agent.
pub async fn record(desk: &Desk, agent: pb::Agent) -> pb::Agent {
    let request = pb::UpsertAgentRequest { agent: Some(agent), validate_only: false };
    let recorded = agents(desk.manager()).upsert_agent(request).await.expect("recorded");
    recorded.into_inner().agent.expect("an agent")
}

/// Records an agent of one team, with skills.
pub async fn employ(desk: &Desk, key: &str, team: &str, capacity: i32, skills: &[&str]) -> pb::Agent {
    let skills = skills.iter().map(|skill| pb::AgentSkill { skill: (*skill).to_owned(), level: 3 });
    record(desk, pb::Agent { skills: skills.collect(), ..agent(desk, key, team, capacity) }).await
}

/// How many live tickets the agent owns.
pub async fn used(desk: &Desk, key: &str) -> i32 {
    let name = format!("{}/agents/{key}", desk.parent());
    let workload = agents(desk.agent(key)).get_workload(pb::GetWorkloadRequest { name }).await;
    workload.expect("a workload").into_inner().workload.expect("a workload").used
}
