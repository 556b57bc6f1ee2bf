//! `ticketing config` and `ticketing token` against a running service.

use std::io::Write as _;

use tokio::io::AsyncWriteExt as _;

use super::{run, ticketing, told};
use crate::support::Desk;

fn file(text: &str) -> tempfile::NamedTempFile {
    let mut file = tempfile::NamedTempFile::new().expect("a file");
    file.write_all(text.as_bytes()).expect("written");
    file
}

/// `ticketing config ARGUMENTS` with the desk's server and tenant.
async fn config(desk: &Desk, arguments: &[&str]) -> (Option<i32>, String, String) {
    let all =
        [&["config"], arguments, &["--address", &desk.address, "--tenant", desk.tenant.as_str()]].concat();
    run(&all).await
}

#[tokio::test]
async fn a_document_is_planned_applied_and_read_back() {
    let desk = Desk::open().await;
    let (code, sample, _) = run(&["config", "sample"]).await;
    assert_eq!(code, Some(0));
    let changed = file(&sample.replacen("bounce_limit: 3", "bounce_limit: 4", 1));
    let path = changed.path().to_str().expect("UTF-8");

    let (code, out, err) = config(&desk, &["plan", "-f", path]).await;
    assert_eq!((code, err.as_str()), (Some(0), ""));
    assert!(out.contains("~  levels[key=\"L1\"].bounce_limit  3 -> 4"), "{out}");
    assert!(out.ends_with("Applied, this would be revision 2 of acme.\n"), "{out}");
    let (code, out, _) = config(&desk, &["apply", "-f", path, "--comment", "patience", "--seen", "1"]).await;
    assert_eq!(code, Some(0));
    assert!(out.ends_with("Revision 2 of acme is in force.\n"), "{out}");
    let (code, _, err) = config(&desk, &["apply", "-f", path, "--seen", "1"]).await;
    assert!(code == Some(1) && err.contains("ETAG_MISMATCH"), "{err}");

    let (code, yaml, _) = config(&desk, &["get"]).await;
    assert_eq!(code, Some(0));
    assert!(yaml.starts_with("# Revision 2 of acme, applied by anonymous.\nlevels:\n"), "{yaml}");
    let (code, before, _) = config(&desk, &["get", "--revision", "1"]).await;
    assert!(code == Some(0) && before != yaml);
    let mut plan = ticketing(&["config", "plan", "-f", "-"]);
    plan.env("TICKETING_ADDRESS", &desk.address).env("TICKETING_TENANT", "acme");
    plan.stdin(std::process::Stdio::piped()).stdout(std::process::Stdio::piped());
    let mut plan = plan.spawn().expect("the binary runs");
    let mut input = plan.stdin.take().expect("piped");
    input.write_all(yaml.as_bytes()).await.expect("it reads");
    drop(input);
    let (_, out, _) = told(plan.wait_with_output().await.expect("it ends"));
    assert_eq!(out, "Nothing changes: revision 2 of acme says the same.\n");
    desk.finish().await;
}

#[tokio::test]
async fn faults_are_told_with_their_paths() {
    let desk = Desk::open().await;
    let (_, sample, _) = run(&["config", "sample"]).await;
    let faulty =
        file(&sample.replace("team: infrastructure, priority_floor", "team: gone, priority_floor").replace(
            "key: hardware, display_name: Hardware,",
            "key: hardware, parent: hardware.printer, display_name: Hardware,",
        ));
    let (code, out, err) = config(&desk, &["apply", "-f", faulty.path().to_str().expect("UTF-8")]).await;
    assert_eq!((code, out.as_str()), (Some(1), ""));
    assert_eq!(
        err,
        "error: the server refuses (CONFIGURATION_INVALID):\n  \
         categories[key=\"hardware\"].parent: leads back to itself: hardware -> hardware.printer -> hardware; let one of them lead elsewhere\n  \
         routing_rules[key=\"outage\"].team: there is no \"gone\" in teams\n"
    );
    let broken = file("levels:\n  - key: L1\n    colour: red\n");
    let (code, _, err) = config(&desk, &["plan", "-f", broken.path().to_str().expect("UTF-8")]).await;
    assert!(code == Some(1) && err.contains("line 3") && err.contains("colour"), "{err}");
    let (code, _, err) = config(&desk, &["plan", "-f", "no/such.yaml"]).await;
    assert!(code == Some(1) && err.contains("no/such.yaml cannot be read"), "{err}");
    desk.finish().await;
}

#[tokio::test]
async fn a_token_says_who_calls() {
    let desk = Desk::open().await;
    let (_, agent, _) = run(&["token", "anna", "--tenant", "acme"]).await;
    let (_, sample, _) = run(&["config", "sample"]).await;
    let same = file(&sample);
    let path = same.path().to_str().expect("UTF-8");
    let (code, _, err) = config(&desk, &["apply", "-f", path, "--token", agent.trim()]).await;
    assert!(code == Some(1) && err.contains("CONFIGURATION_WRITE"), "{err}");
    let (code, ..) = config(&desk, &["get", "--token", agent.trim()]).await;
    assert_eq!(code, Some(0));
    let (_, stranger, _) = run(&["token", "eve", "--role", "admin", "--tenant", "other"]).await;
    let (code, _, err) = config(&desk, &["get", "--token", stranger.trim()]).await;
    assert!(code == Some(1) && err.contains("RESOURCE_NOT_FOUND"), "{err}");
    desk.finish().await;
}
