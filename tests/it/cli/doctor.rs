//! `ticketing doctor` and `ticketing migrate`.

use super::run;
use crate::support::{Broker, Desk};

#[tokio::test]
async fn a_healthy_database_is_called_so() {
    let desk = Desk::open().await;
    let (code, out, err) = run(&["doctor", "--database-url", &desk.url]).await;
    assert_eq!((code, err.as_str()), (Some(0), ""), "{out}");
    let zones = format!("IANA {}", ticketing::calendar::zone::release());
    for word in [
        zones.as_str(),
        "PostgreSQL",
        "up to date",
        "within 2000 ms",
        "postgres owns the tables",
        "tenants: 1, each with a configuration",
    ] {
        assert!(out.contains(word), "{word} is missing:\n{out}");
    }
    let (code, out, _) = run(&["migrate", "--database-url", &desk.url]).await;
    assert!(code == Some(0) && out.starts_with("The schema is up to date"), "{out}");
    desk.finish().await;
}

#[tokio::test]
async fn what_is_wrong_is_told_with_what_to_do() {
    let desk = Desk::open().await;
    sqlx::query("insert into tenants (id, create_time) values ('bare', '2026-01-01')")
        .execute(desk.root())
        .await
        .expect("a tenant");
    let (code, out, _) = run(&["doctor", "--database-url", &desk.url]).await;
    assert!(code == Some(1) && out.contains("without one: bare"), "{out}");
    let (server, _) = desk.url.rsplit_once('/').expect("a URL ends with its database");
    let (code, out, _) = run(&["doctor", "--database-url", &format!("{server}/postgres")]).await;
    assert!(code == Some(1) && out.contains("run `ticketing migrate`"), "{out}");
    let (code, out, _) = run(&["doctor", "--database-url", &format!("{server}/nowhere")]).await;
    assert!(code == Some(1) && out.contains("\"nowhere\" does not exist"), "{out}");
    let (code, out, err) = run(&["doctor", "--database-url", "postgres://me:hunter2@127.0.0.1:1/x"]).await;
    assert!(code == Some(1) && out.contains("cannot be reached") && !(out + &err).contains("hunter2"));
    desk.finish().await;
}

#[tokio::test]
async fn the_broker_is_looked_at_when_the_settings_name_one() {
    let (desk, mut broker) = (Desk::open().await, Broker::start().await);
    let folder = tempfile::tempdir().expect("a folder");
    let settings = folder.path().join("ticketing.toml");
    std::fs::write(&settings, format!("nats_url = \"{}\"", broker.url())).expect("written");
    let settings = settings.to_str().expect("a path");
    let doctor = ["doctor", "--config", settings, "--database-url", &desk.url];
    let (code, out, _) = run(&doctor).await;
    assert!(code == Some(0) && out.contains("NATS without TICKETING"), "{out}");
    let config = async_nats::jetstream::stream::Config {
        name: "TICKETING".into(),
        subjects: vec!["other.>".into()],
        ..Default::default()
    };
    broker.jetstream().await.create_stream(config).await.expect("a stream");
    let (code, out, _) = run(&doctor).await;
    assert!(code == Some(1) && out.contains("give it that subject"), "{out}");
    broker.kill().await;
    let (code, out, _) = run(&doctor).await;
    assert!(code == Some(1) && out.contains("nats_url"), "{out}");
    desk.finish().await;
}
