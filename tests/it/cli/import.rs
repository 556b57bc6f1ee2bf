//! `ticketing import` and `ticketing report`: files as they come, with wrong lines, twice.

use std::{
    collections::BTreeMap,
    fs,
    path::{Path, PathBuf},
};

use ticketing::serve::{Quota, Quotas};
use ticketing_proto::v1::{self as pb, configuration_service_client::ConfigurationServiceClient};

use super::run;
use crate::support::Desk;

const LOG: &str = "\
incident,at,status,sub_status,team,level,impact,product,owner
7,2011-03-01T08:00:00+01:00,Queued,Awaiting Assignment,A1,L1,Low,PROD1,Siebel
7,2011-03-01T08:01:00+01:00,Accepted,In Progress,A1,L1,Low,PROD1,anna
7,2011-03-01T08:02:00+01:00,Queued,Awaiting Assignment,Z9,L2/L3,Low,PROD1,anna
8,2011-03-01T08:02:00+01:00,Accepted,In Progress,A1,L1,High,PROD2,anna
8,2011-03-01T08:02:00+01:00,Accepted,Wait - User,A1,L1,High,PROD2,anna
8,2011-03-01T08:32:00+01:00,Completed,In Call,A1,L1,High,PROD2,anna
9,2011-03-01T08:03:00+01:00,Accepted,In Progress,A1,L1,Low,PROD1,bert
9,2011-03-01T08:04:00+01:00,Accepted,Asleep,A1,L1,Low,PROD1,bert
9,2011-03-01T08:05:00+01:00,Completed,Closed,A1,L1,Low,PROD1,bert
7,2011-03-01T09:00:00+01:00,Accepted,In Progress,A1,L1,Low,PROD1,anna
7,2011-03-01T09:01:00+01:00,Completed,Resolved,A1,L1,Low,PROD1,anna
7,2011-03-01T09:01:00+01:00,Completed,Closed,A1,L1,Low,PROD1,cora
7,2011-03-01T10:00:00+01:00,Accepted,In Progress,A1,L1,Low,PROD1,anna
";

fn file(folder: &tempfile::TempDir, name: &str, text: &str) -> PathBuf {
    let path = folder.path().join(name);
    fs::write(&path, text).expect("written");
    path
}

pub async fn import(
    desk: &Desk,
    tenant: &str,
    format: &str,
    path: &Path,
    more: &[&str],
) -> (Option<i32>, String, String) {
    import_at(&desk.address, tenant, format, path, more).await
}

/// As [`import`], into the service at this address.
pub async fn import_at(
    address: &str,
    tenant: &str,
    format: &str,
    path: &Path,
    more: &[&str],
) -> (Option<i32>, String, String) {
    let path = path.to_str().expect("a path");
    let arguments = ["import", "--format", format, path, "--address", address, "--tenant", tenant];
    run(&[&arguments, more].concat()).await
}

pub async fn report(desk: &Desk, tenant: &str, more: &[&str]) -> String {
    crate::reports::count(desk).await;
    let arguments = ["report", "--address", &desk.address, "--tenant", tenant];
    let (code, out, err) = run(&[&arguments, more].concat()).await;
    assert_eq!(code, Some(0), "{err}");
    out
}

#[tokio::test]
async fn a_log_is_brought_in_once_and_told_in_figures() {
    let desk = Desk::open().await;
    let folder = tempfile::tempdir().expect("a folder");
    let log = file(&folder, "log.csv", LOG);
    let (code, out, err) = import(&desk, "acme", "vinst", &log, &[]).await;
    assert_eq!(code, Some(1), "{out}{err}");
    assert!(err.contains("line 9: status: \"Accepted\"/\"Asleep\" is unknown"), "{err}");
    assert!(out.contains("1 levels (L2/L3)") && out.contains("2 teams (A1, Z9)"), "{out}");
    assert!(out.contains("Imported 2 tickets with 10 events"), "{out}");
    assert!(out.contains("Wrong lines: 1; tickets left out for them: 1."), "{out}");
    let refusals: BTreeMap<&str, &str> = out
        .lines()
        .filter_map(|line| match line.split_whitespace().collect::<Vec<_>>().as_slice() {
            [_, reason, "1"] => Some((*reason, "1")),
            _ => None,
        })
        .collect();
    // From L1 to L2/L3, over L2; and the closed one that goes on.
    assert_eq!(refusals.into_keys().collect::<Vec<_>>(), ["ESCALATION_SKIPS_LEVEL", "TICKET_STATE_CONFLICT"]);

    let (code, out, _) = import(&desk, "acme", "vinst", &log, &["--skip-bad"]).await;
    assert_eq!(code, Some(0));
    assert!(out.contains("Nothing changed: all 2 tickets were there already."), "{out}");

    let figures: serde_json::Value =
        serde_json::from_str(&report(&desk, "acme", &["--json"]).await).expect("JSON");
    assert_eq!(
        (&figures["incidents"], &figures["events"], &figures["returns"]),
        (&2.into(), &10.into(), &1.into())
    );
    assert_eq!(figures["highest_level"], serde_json::json!({"L1": 1, "L2/L3": 1}));
    assert_eq!(figures["first_level"], serde_json::json!({"L1": 2}));
    assert_eq!(figures["waiting_on_customer_seconds"], 1800);
    let table = report(&desk, "acme", &[]).await;
    assert!(
        table.lines().any(|line| line.split_whitespace().eq(["highest", "level", "L2/L3", "1", "50.0", "%"])),
        "{table}"
    );

    let name = "tenants/acme/configuration".to_owned();
    let found = ConfigurationServiceClient::new(desk.admin())
        .get_configuration(pb::GetConfigurationRequest { name, revision: 0 })
        .await
        .expect("a configuration");
    let levels = found.into_inner().configuration.expect("a document").levels;
    assert_eq!(
        levels.iter().map(|level| level.key.as_str()).collect::<Vec<_>>(),
        ["L1", "L2", "L2/L3", "L3"]
    );
    desk.finish().await;
}

#[tokio::test]
async fn a_tenant_without_a_configuration_gets_one_and_a_cut_file_nothing() {
    let desk = Desk::open().await;
    let folder = tempfile::tempdir().expect("a folder");
    let broken = folder.path().join("log.csv.gz");
    fs::write(&broken, [0x1f, 0x8b, 8, 0, 0, 0, 0, 0]).expect("written");
    let (code, out, err) = import(&desk, "fresh", "vinst", &broken, &[]).await;
    assert_eq!(code, Some(1));
    assert!(
        err.contains("line 1: the file breaks off here") && out.contains("Nothing was imported."),
        "{out}{err}"
    );
    let (code, out, _) =
        import(&desk, "fresh", "vinst", &file(&folder, "log.csv", LOG), &["--skip-bad"]).await;
    assert_eq!(code, Some(0), "{out}");
    assert!(out.contains("2 levels (L1, L2/L3)") && out.contains("Imported 2 tickets"), "{out}");
    desk.finish().await;
}

/// A ticket with one step, as a line of JSON.
fn line(id: &str, category: &str, time: &str) -> String {
    format!(
        r#"{{"ticket": {{"external_key": {{"source": "old", "id": "{id}"}}, "title": "{id}", "category": "{category}"}}, "steps": [{{"occur_time": "{time}", "state": "NEW", "level": "L1", "team": "desk-de"}}]}}"#
    )
}

#[tokio::test]
async fn an_import_waits_as_it_is_told() {
    // A call weighs 100: of two at once one comes again.
    let caller = Quota { rate: 200, burst: 100, ..Quota::NONE };
    let desk = Desk::open_with_quotas(Quotas { caller, ..Quotas::NONE }).await;
    let folder = tempfile::tempdir().expect("a folder");
    let text: Vec<String> =
        (0..101).map(|id| line(&id.to_string(), "hardware", "2020-01-01T00:00:00Z")).collect();
    let (code, out, err) =
        import(&desk, "acme", "jsonl", &file(&folder, "h.jsonl", &text.join("\n")), &[]).await;
    assert_eq!((code, err.as_str()), (Some(0), ""), "{out}");
    assert!(out.contains("Imported 101 tickets with 101 events"), "{out}");
    desk.finish().await;
}

#[tokio::test]
async fn what_the_server_finds_wrong_is_named_by_its_line_and_left_out() {
    let desk = Desk::open().await;
    let folder = tempfile::tempdir().expect("a folder");
    let text = [
        line("1", "", "2020-01-01T00:00:00Z"),
        line("2", "moon", "2020-01-01T00:00:00Z"),
        line("3", "hardware", "2120-01-01T00:00:00Z"),
        line("4", "hardware", "2020-01-01T00:00:00Z"),
    ];
    let (code, out, err) =
        import(&desk, "acme", "jsonl", &file(&folder, "h.jsonl", &text.join("\n")), &[]).await;
    assert_eq!(code, Some(1), "{out}{err}");
    assert!(err.contains("line 2: 2: ticket.category: no category \"moon\" is configured"), "{err}");
    assert!(err.contains("line 3: 3: steps[0].occur_time: must not be in the future"), "{err}");
    assert!(out.contains("Imported 2 tickets with 2 events"), "{out}");
    assert!(out.contains("Wrong lines: 2; tickets left out for them: 2."), "{out}");
    assert!(out.contains("Every step is by the rules."), "{out}");
    desk.finish().await;
}
