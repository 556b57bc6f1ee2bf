//! `ticketing serve` from its first line to an orderly end.

use std::process::Stdio;

use ticketing_proto::v1::{self as pb, system_service_client::SystemServiceClient};
use tokio::{
    io::{AsyncBufReadExt as _, BufReader, Lines},
    process::{Child, ChildStderr, Command},
};

use super::{run, ticketing};
use crate::support::Desk;

/// Starts a server and reads its log up to the line that says where it listens.
async fn start(more: &[&str]) -> (Child, Lines<BufReader<ChildStderr>>, serde_json::Value) {
    let mut arguments = vec!["serve", "--insecure", "--log-format", "json", "--listen", "127.0.0.1:0"];
    arguments.extend(["--database-connections", "4"]);
    arguments.extend(more);
    let mut server = ticketing(&arguments).stderr(Stdio::piped()).spawn().expect("the binary runs");
    let mut log = BufReader::new(server.stderr.take().expect("piped")).lines();
    while let Some(line) = log.next_line().await.expect("a log") {
        let line: serde_json::Value = serde_json::from_str(&line).expect("a line of JSON");
        if line["message"] == "serving" {
            return (server, log, line);
        }
    }
    panic!("the server ended before it served: {:?}", server.wait().await);
}

async fn terminate(server: &Child) {
    let id = server.id().expect("it runs").to_string();
    let sent = Command::new("kill").args(["-TERM", &id]).status().await.expect("kill runs");
    assert!(sent.success());
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

#[tokio::test]
async fn a_server_says_why_it_cannot_start() {
    let desk = Desk::open().await;
    let (server, _) = desk.url.rsplit_once('/').expect("a URL ends with its database");
    let empty = format!("{server}/postgres");
    let (code, _, err) = run(&["serve", "--insecure", "--database-url", &empty]).await;
    assert!(code == Some(1) && err.contains("run `ticketing migrate` first"), "{err}");
    let taken = ["serve", "--insecure", "--listen", &desk.address, "--database-url", &desk.url];
    let (code, _, err) = run(&taken).await;
    assert!(code == Some(1) && err.contains(&format!("nobody can listen on {}", desk.address)), "{err}");
    let (code, _, err) = run(&["serve", "--insecure", "--database-url", "postgres://x@127.0.0.1:1/x"]).await;
    assert!(code == Some(1) && err.contains("refused"), "{err}");
    desk.finish().await;
}
