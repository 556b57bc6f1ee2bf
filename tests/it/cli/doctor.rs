//! `ticketing doctor` and `ticketing migrate`.

use super::run;
use crate::support::{Broker, Desk, S3};

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

#[tokio::test]
async fn the_store_of_files_is_tried_when_the_settings_name_one() {
    let (desk, mut s3) = (Desk::open().await, S3::start().await);
    let folder = tempfile::tempdir().expect("a folder");
    let file = folder.path().join("ticketing.toml");
    let doctor = async |settings: String| {
        std::fs::write(&file, settings).expect("written");
        let file = file.to_str().expect("a path");
        let (code, out, _) = run(&["doctor", "--config", file, "--database-url", &desk.url]).await;
        (code, out)
    };
    let place = folder.path().join("files");
    let (code, out) = doctor(format!("attachments_url = \"file://{}\"", place.display())).await;
    assert!(code == Some(0) && out.contains("for trials on one machine"), "{out}");
    assert!(out.contains("to be removed from the store of files: 0"), "{out}");
    std::fs::remove_dir_all(&place).expect("it was made");
    std::fs::write(&place, b"no folder").expect("written");
    let (code, out) = doctor(format!("attachments_url = \"file://{}\"", place.display())).await;
    assert!(code == Some(1) && out.contains("attachments"), "{out}");

    let [id, key] = s3.keys();
    let bucket = |name: &str, key: &std::path::Path| {
        format!(
            "attachments_url = \"s3://{name}/files\"\nattachments_endpoint = \"{}\"\n\
             attachments_key_id_file = \"{}\"\nattachments_key_file = \"{}\"\n",
            s3.endpoint,
            id.display(),
            key.display()
        )
    };
    let (code, out) = doctor(bucket("desk", &key)).await;
    assert!(code == Some(0) && out.contains("keeps files and their SHA-256"), "{out}");
    let (code, out) = doctor(bucket("elsewhere", &key)).await;
    assert!(code == Some(1) && out.contains("404, NoSuchBucket"), "{out}");
    let (code, out) = doctor(bucket("desk", &id)).await;
    assert!(code == Some(1) && out.contains("403, SignatureDoesNotMatch"), "{out}");
    let (code, out) = doctor(bucket("desk", &folder.path().join("gone"))).await;
    assert!(code == Some(1) && out.contains("attachments_key_file"), "{out}");
    let settings = bucket("desk", &key);
    s3.kill().await;
    let (code, out) = doctor(settings).await;
    assert!(code == Some(1) && out.contains("attachments"), "{out}");
    desk.finish().await;
}
