//! The folder's own HTTP: what pages may do, what an answer says, and what is left behind by whoever dies.

use std::fs::{self, File};

use tonic::codegen::http::Method;

use super::{Stage, TEXT, adding, announce, ask, asked, attach, attachments, completing, fetching, put};

#[tokio::test]
async fn pages_of_the_origins_may_put_and_get() {
    let stage = Stage::folder().await;
    let desk = &stage.desk;
    let ticket = asked(desk).await;
    let (announced, upload) = announce(desk.agent("anna"), adding(&ticket.name, "a.txt", TEXT)).await;
    let preflight = |origin: &'static str| {
        let headers = [("origin", origin), ("access-control-request-method", "PUT")];
        let url = upload.url.clone();
        async move { ask(Method::OPTIONS, &url, &headers, b"").await }
    };
    let allowed = preflight("https://desk.example.com").await;
    assert_eq!(allowed.status, 200);
    assert_eq!(allowed.headers["access-control-allow-origin"], "https://desk.example.com");
    assert_eq!(allowed.headers["access-control-allow-methods"], "PUT,GET");
    let denied = preflight("https://evil.example.com").await;
    assert!(denied.headers.get("access-control-allow-origin").is_none());
    let page = [("origin", "https://desk.example.com"), ("content-type", "text/plain")];
    let answer = ask(Method::PUT, &upload.url, &page, TEXT).await;
    assert_eq!(answer.status, 200);
    assert_eq!(answer.headers["access-control-allow-origin"], "https://desk.example.com");
    attachments(desk.agent("anna")).complete_attachment(completing(&announced.name)).await.expect("there");
    stage.desk.finish().await;
}

#[tokio::test]
async fn nothing_of_a_file_runs_as_a_page_and_urls_do_what_they_say() {
    let stage = Stage::folder().await;
    let desk = &stage.desk;
    let ticket = asked(desk).await;
    let script = b"<script>alert(1)</script>";
    let mut request = adding(&ticket.name, "a.html", script);
    request.attachment.as_mut().expect("an attachment").media_type = "text/html".into();
    let file = attach(desk.agent("anna"), request, script).await;
    let answer = attachments(desk.agent("anna")).create_attachment_download(fetching(&file.name)).await;
    let url = answer.expect("a URL").into_inner().url;
    let got = ask(Method::GET, &url, &[], b"").await;
    assert_eq!(got.body, script);
    for (name, value) in [
        ("content-type", "text/html"),
        ("content-disposition", "attachment; filename=\"a.html\"; filename*=UTF-8''a.html"),
        ("x-content-type-options", "nosniff"),
        ("content-security-policy", "sandbox; default-src 'none'"),
        ("cache-control", "private, no-store"),
        ("content-length", "25"),
    ] {
        assert_eq!(got.headers[name], value, "{name}");
    }
    let (_, upload) = announce(desk.agent("anna"), adding(&ticket.name, "b.txt", TEXT)).await;
    assert_eq!(ask(Method::GET, &upload.url, &[], b"").await.status, 403, "to put is not to get");
    assert_eq!(ask(Method::PUT, &url, &[], TEXT).await.status, 403, "to get is not to put");
    assert_eq!(ask(Method::POST, &upload.url, &[], TEXT).await.status, 405);
    let (base, _) = url.split_once("/attachments/").expect("a path");
    for (path, status) in
        [("/", 404), ("/attachments/", 403), ("/attachments/../../etc/passwd", 403), ("/etc/passwd", 404)]
    {
        assert_eq!(ask(Method::GET, &format!("{base}{path}"), &[], b"").await.status, status, "{path}");
    }
    let id = file.name.rsplit('/').next().expect("an id");
    fs::remove_file(stage.place().join(id)).expect("removed");
    assert_eq!(ask(Method::GET, &url, &[], b"").await.status, 404);
    stage.desk.finish().await;
}

#[tokio::test]
async fn one_sends_at_a_time_and_what_a_dead_one_left_is_written_over() {
    let stage = Stage::folder().await;
    let desk = &stage.desk;
    let ticket = asked(desk).await;
    let (announced, upload) = announce(desk.agent("anna"), adding(&ticket.name, "a.txt", TEXT)).await;
    let id = announced.name.rsplit('/').next().expect("an id").to_owned();
    fs::create_dir_all(stage.place()).expect("a folder");
    let part = stage.place().join(format!("{id}.part"));
    fs::write(&part, b"half of something that was never finished, longer than the file").expect("written");
    let other = File::open(&part).expect("it is there");
    other.lock().expect("nobody has it");
    assert_eq!(put(&upload, TEXT).await, 409);
    drop(other);
    assert_eq!(put(&upload, TEXT).await, 200);
    assert_eq!(stage.lying(), std::slice::from_ref(&id));
    assert_eq!(fs::read(stage.place().join(&id)).expect("a file"), TEXT);
    stage.desk.finish().await;
}
