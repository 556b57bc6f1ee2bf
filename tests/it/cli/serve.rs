//! `ticketing serve` from its first line to an orderly end.

use std::process::Stdio;

use sqlx::Executor as _;
use ticketing_proto::v1::{self as pb, system_service_client::SystemServiceClient};
use tokio::{
    io::{AsyncBufReadExt as _, BufReader, Lines},
    process::{Child, ChildStderr, Command},
};
use tonic::{
    Streaming,
    transport::{Channel, Endpoint},
};
use tonic_health::pb::{
    HealthCheckRequest, HealthCheckResponse, health_check_response::ServingStatus,
    health_client::HealthClient,
};

use super::{run, ticketing};
use crate::support::{Desk, empty_database, root};

/// Starts a server and reads its log up to the line that says where it listens.
async fn start(more: &[&str]) -> (Child, Lines<BufReader<ChildStderr>>, serde_json::Value) {
    let (server, mut log) = begin(more);
    let line = said(&mut log, "serving").await;
    (server, log, line)
}

fn begin(more: &[&str]) -> (Child, Lines<BufReader<ChildStderr>>) {
    let mut arguments = vec!["serve", "--insecure", "--log-format", "json", "--listen", "127.0.0.1:0"];
    arguments.extend(["--database-connections", "4"]);
    arguments.extend(more);
    let mut server = ticketing(&arguments).stderr(Stdio::piped()).spawn().expect("the binary runs");
    let log = BufReader::new(server.stderr.take().expect("piped")).lines();
    (server, log)
}

/// Reads on to the line of which this is a part.
async fn said(log: &mut Lines<BufReader<ChildStderr>>, what: &str) -> serde_json::Value {
    while let Some(line) = log.next_line().await.expect("a log") {
        let line: serde_json::Value = serde_json::from_str(&line).expect("a line of JSON");
        if line["message"].as_str().is_some_and(|text| text.contains(what)) {
            return line;
        }
    }
    panic!("the server ended without a word of {what}");
}

async fn terminate(server: &Child) {
    let id = server.id().expect("it runs").to_string();
    let sent = Command::new("kill").args(["-TERM", &id]).status().await.expect("kill runs");
    assert!(sent.success());
}

async fn end(mut server: Child) {
    terminate(&server).await;
    assert_eq!(server.wait().await.expect("it ends").code(), Some(0));
}

#[tokio::test]
async fn a_server_serves_until_it_is_told_to_end() {
    let desk = Desk::open().await;
    let (mut server, mut log, line) = start(&["--database-url", &desk.url]).await;
    let address = format!("http://{}", line["listen"].as_str().expect("an address"));
    let mut system = SystemServiceClient::connect(address).await.expect("it takes connections");
    let session = system.get_session(pb::GetSessionRequest {}).await.expect("a session").into_inner();
    assert_eq!(session.actor.map(|actor| actor.id).as_deref(), Some("anonymous"));
    terminate(&server).await;
    assert_eq!(server.wait().await.expect("it ends").code(), Some(0));
    while let Some(line) = log.next_line().await.expect("a log") {
        assert!(!line.contains("was cut"), "nothing that never ends is waited for: {line}");
    }
    desk.finish().await;
}

#[tokio::test]
async fn a_private_database_comes_and_goes_with_its_server() {
    let folder = tempfile::tempdir().expect("a folder");
    let dir = folder.path().join("desk");
    let pid = dir.join("data").join("postmaster.pid");
    for revision in 1..=2 {
        let (mut server, _log, line) = start(&["--embedded", dir.to_str().expect("UTF-8")]).await;
        assert!(pid.exists());
        let (_, sample, _) = run(&["config", "sample"]).await;
        let document = folder.path().join("desk.yaml");
        std::fs::write(&document, sample.replace("Service desk English", &format!("Desk {revision}")))
            .expect("written");
        let address = line["listen"].as_str().expect("an address");
        let apply = ["config", "apply", "--address", address, "-f", document.to_str().expect("UTF-8")];
        let (code, out, err) = run(&apply).await;
        assert_eq!((code, err.as_str()), (Some(0), ""));
        assert!(out.ends_with(&format!("Revision {revision} of default is in force.\n")), "{out}");
        terminate(&server).await;
        assert_eq!(server.wait().await.expect("it ends").code(), Some(0));
        assert!(!pid.exists(), "the database ended with its server");
    }
}

#[tokio::test]
async fn a_worker_takes_no_calls() {
    let desk = Desk::open().await;
    let (mut server, mut log, line) = start(&["--role", "worker", "--database-url", &desk.url]).await;
    assert_eq!(line["listen"], serde_json::Value::Null);
    terminate(&server).await;
    assert_eq!(server.wait().await.expect("it ends").code(), Some(0));
    while let Some(line) = log.next_line().await.expect("a log") {
        assert!(!line.contains("ERROR"), "{line}");
    }
    desk.finish().await;
}

async fn watch(health: &HealthClient<Channel>, name: &str) -> Streaming<HealthCheckResponse> {
    let about = HealthCheckRequest { service: name.to_owned() };
    health.clone().watch(about).await.expect("it is known").into_inner()
}

async fn next(watch: &mut Streaming<HealthCheckResponse>) -> ServingStatus {
    watch.message().await.expect("an answer").expect("goes on").status()
}

/// No orchestrator ends it meanwhile: it lives.
#[tokio::test]
async fn a_server_waits_for_its_schema_and_takes_no_calls_when_the_schema_leaves_it_behind() {
    let url = empty_database().await;
    let (server, mut log) = begin(&["--database-url", &url, "--health-listen", "127.0.0.1:0"]);
    let line = said(&mut log, "telling health").await;
    let address = format!("http://{}", line["listen"].as_str().expect("an address"));
    let endpoint = Endpoint::from_shared(address).expect("an address");
    let health = HealthClient::new(endpoint.connect().await.expect("it takes connections"));
    let line = said(&mut log, "not ready").await["message"].as_str().expect("a text").to_owned();
    assert!(line.contains("(version 0 of ") && line.contains("run `ticketing migrate`"), "{line}");
    for name in ["startup", "liveness"] {
        assert_eq!(next(&mut watch(&health, name).await).await, ServingStatus::Serving, "{name}");
    }
    let mut ready = watch(&health, "readiness").await;
    assert_eq!(next(&mut ready).await, ServingStatus::NotServing);

    assert_eq!(run(&["migrate", "--database-url", &url]).await.0, Some(0));
    said(&mut log, "serving").await;
    assert_eq!(next(&mut ready).await, ServingStatus::Serving);

    let beyond = "insert into schema_floor (version) values (9001)";
    root(&url).execute(beyond).await.expect("an administrator may do this");
    assert_eq!(next(&mut ready).await, ServingStatus::NotServing);
    let reason = said(&mut log, "readiness changed").await["reason"].as_str().expect("a text").to_owned();
    assert!(reason.contains("needed is 9001): run a newer one"), "{reason}");
    assert_eq!(next(&mut watch(&health, "liveness").await).await, ServingStatus::Serving);
    end(server).await;
}

#[tokio::test]
async fn a_server_that_waits_for_its_schema_ends_when_it_is_told_to() {
    let url = empty_database().await;
    let (server, mut log) = begin(&["--database-url", &url]);
    said(&mut log, "not ready").await;
    end(server).await;
}

#[tokio::test]
async fn a_server_says_why_it_cannot_start() {
    let desk = Desk::open().await;
    let taken = ["serve", "--insecure", "--listen", &desk.address, "--database-url", &desk.url];
    let (code, _, err) = run(&taken).await;
    assert!(code == Some(1) && err.contains(&format!("nobody can listen on {}", desk.address)), "{err}");
    let (code, _, err) = run(&["serve", "--insecure", "--database-url", "postgres://x@127.0.0.1:1/x"]).await;
    assert!(code == Some(1) && err.contains("refused"), "{err}");
    desk.finish().await;
}
