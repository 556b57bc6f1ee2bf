//! An S3-compatible server for one test: versitygw over a folder of its own. It listens on a socket in that folder, so that no two of
//! them want one port; what comes over TCP is led there.

#![allow(clippy::disallowed_methods)] // the tasks end with the runtime of the test; no drain waits for them

use std::{
    path::{Path, PathBuf},
    process::Stdio,
};

use tempfile::TempDir;
use ticketing::{
    attachments::objects::{Bucket, Keys},
    outbound::Trust,
};
use tokio::{
    io::copy_bidirectional,
    net::{TcpListener, UnixStream},
    process::{Child, Command},
};

const NAME: &str = "desk";

/// A running server; it is killed when its value goes.
pub struct S3 {
    folder: TempDir,
    child: Child,
    pub endpoint: String,
}

impl S3 {
    pub async fn start() -> Self {
        let folder = tempfile::tempdir().expect("a folder");
        std::fs::create_dir_all(folder.path().join("data").join(NAME)).expect("a bucket");
        std::fs::create_dir_all(folder.path().join("meta")).expect("a folder");
        std::fs::write(folder.path().join("id"), "AKIATEST\n").expect("a file");
        std::fs::write(folder.path().join("key"), "no-secret\n").expect("a file");
        let socket = folder.path().join("socket");
        let mut child = spawn(folder.path(), &socket);
        while UnixStream::connect(&socket).await.is_err() {
            assert!(child.try_wait().expect("the process is ours").is_none(), "versitygw ended");
            tokio::task::yield_now().await;
        }
        let listener = TcpListener::bind("127.0.0.1:0").await.expect("a free port");
        let endpoint = format!("http://{}", listener.local_addr().expect("bound"));
        tokio::spawn(async move {
            while let Ok((mut stream, _)) = listener.accept().await {
                let socket = socket.clone();
                tokio::spawn(async move {
                    // Without a server behind it, the connection ends.
                    if let Ok(mut server) = UnixStream::connect(&socket).await {
                        _ = copy_bidirectional(&mut stream, &mut server).await;
                    }
                });
            }
        });
        Self { folder, child, endpoint }
    }

    /// The bucket, as a service would see it.
    pub fn bucket(&self) -> Bucket {
        let keys = Keys::read(&self.folder.path().join("id"), &self.folder.path().join("key"));
        let trust = Trust::with(&[]).expect("roots");
        Bucket::new((NAME, "files"), Some(&self.endpoint), None, "us-east-1", keys.expect("keys"), trust)
            .expect("a bucket")
    }

    /// The files with an access key's id and with the key.
    pub fn keys(&self) -> [PathBuf; 2] {
        ["id", "key"].map(|name| self.folder.path().join(name))
    }

    /// Where the objects lie.
    pub fn objects(&self) -> PathBuf {
        self.folder.path().join("data").join(NAME).join("files")
    }

    /// `kill -9`.
    pub async fn kill(&mut self) {
        self.child.kill().await.expect("the process is ours");
    }

    /// Starts it again where it was.
    pub async fn restart(&mut self) {
        let socket = self.folder.path().join("socket");
        _ = std::fs::remove_file(&socket);
        self.child = spawn(self.folder.path(), &socket);
        while UnixStream::connect(&socket).await.is_err() {
            assert!(self.child.try_wait().expect("the process is ours").is_none(), "versitygw ended");
            tokio::task::yield_now().await;
        }
    }
}

fn spawn(folder: &Path, socket: &Path) -> Child {
    Command::new(program())
        .args(["--access", "AKIATEST", "--secret", "no-secret", "--quiet", "--port"])
        .arg(socket)
        .arg("posix")
        .arg("--sidecar")
        .arg(folder.join("meta"))
        .arg(folder.join("data"))
        .stdin(Stdio::null())
        .stdout(Stdio::null())
        .stderr(Stdio::inherit())
        .kill_on_drop(true)
        .spawn()
        .expect("versitygw starts")
}

fn program() -> PathBuf {
    let found = std::process::Command::new("scripts/s3").arg("bin").output().expect("scripts/s3 runs");
    assert!(found.status.success(), "there is no versitygw: run `make test`, or `scripts/s3 build`");
    String::from_utf8(found.stdout).expect("a path").trim().into()
}
