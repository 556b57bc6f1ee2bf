//! The program as its users start it, with a private PostgreSQL and quotas of tenants that an attack can be far over.

use std::{
    fs::{self, File},
    net::{SocketAddr, TcpListener},
    pin::pin,
    process::{Child, Command, Stdio},
    time::Duration,
};

use anyhow::{Context as _, bail, ensure};
use ticketing::{
    ctx::{ActorKind, Role},
    ids::TenantId,
    tokens::Claims,
};
use tokio::{
    runtime::Runtime,
    time::{sleep, timeout},
};
use tonic::{Request, metadata::AsciiMetadataValue, transport::Channel};

/// Work a second of each tenant.
pub const TENANT_RATE: u32 = 100;
/// A private PostgreSQL takes a moment to be made.
const START: Duration = Duration::from_mins(1);
/// How often the memory is looked at.
const LOOK: Duration = Duration::from_millis(20);

pub struct Stage {
    pub address: SocketAddr,
    server: Child,
    folder: tempfile::TempDir,
}

impl Stage {
    pub async fn set() -> anyhow::Result<Self> {
        let folder = tempfile::tempdir()?;
        // Free a moment ago.
        let address = TcpListener::bind("127.0.0.1:0")?.local_addr()?;
        let rate = TENANT_RATE.to_string();
        let server = Command::new(env!("CARGO_BIN_EXE_ticketing"))
            .args(["serve", "--insecure", "--listen", &address.to_string()])
            .args(["--tenant-rate", &rate, "--tenant-burst", &rate])
            .arg("--embedded")
            .arg(folder.path().join("pg"))
            .env_clear()
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(File::create(folder.path().join("log"))?)
            .spawn()?;
        let mut stage = Self { address, server, folder };
        let ready = timeout(START, async {
            while channel(stage.address).await.is_err() && stage.server.try_wait()?.is_none() {
                sleep(LOOK).await;
            }
            anyhow::Ok(())
        });
        ready.await.context("the server does not start")??;
        stage.alive()?;
        Ok(stage)
    }

    /// Resident memory of the server, bytes.
    pub fn memory(&self) -> anyhow::Result<u64> {
        let status = fs::read_to_string(format!("/proc/{}/status", self.server.id()))?;
        let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:"));
        let kilobytes: u64 =
            line.context("a running process has memory")?.trim_end_matches("kB").trim().parse()?;
        Ok(kilobytes * 1024)
    }

    /// Does the work; with its result, the most memory that the server had meanwhile.
    pub async fn peak<T>(&self, work: impl Future<Output = T>) -> anyhow::Result<(T, u64)> {
        let mut work = pin!(work);
        let mut peak = self.memory()?;
        loop {
            let done = tokio::select! {
                done = &mut work => Some(done),
                () = sleep(LOOK) => None,
            };
            peak = peak.max(self.memory()?);
            if let Some(done) = done {
                return Ok((done, peak));
            }
        }
    }

    /// The server is there, and nothing in it panicked.
    pub fn check(mut self) -> anyhow::Result<()> {
        self.alive()?;
        let log = fs::read_to_string(self.folder.path().join("log"))?;
        let panics: Vec<&str> = log.lines().filter(|line| line.contains("panic")).take(5).collect();
        ensure!(panics.is_empty(), "something panicked: {panics:#?}");
        Ok(())
    }

    fn alive(&mut self) -> anyhow::Result<()> {
        if let Some(status) = self.server.try_wait()? {
            let log = fs::read_to_string(self.folder.path().join("log"))?;
            bail!("the server ended ({status}):\n{log}");
        }
        Ok(())
    }
}

/// A connection of one's own.
pub async fn channel(at: SocketAddr) -> anyhow::Result<Channel> {
    Ok(Channel::from_shared(format!("http://{at}"))?.connect().await?)
}

/// Threads for those who mean harm. They would be other machines; here they get what the server and the others leave of
/// the processors, or the others would wait for the attackers and not for the server.
#[allow(unsafe_code)] // nobody offers it as a safe call
pub fn elsewhere() -> anyhow::Result<Runtime> {
    let last = || {
        // SAFETY: it takes numbers and changes nothing but when this thread runs.
        let done = unsafe { libc::setpriority(libc::PRIO_PROCESS, 0, 19) };
        assert_eq!(done, 0, "anybody may come last");
    };
    Ok(tokio::runtime::Builder::new_multi_thread().enable_all().on_thread_start(last).build()?)
}

impl Drop for Stage {
    fn drop(&mut self) {
        // In order, so that its PostgreSQL ends with it.
        _ = Command::new("kill").arg(self.server.id().to_string()).status();
        _ = self.server.wait();
    }
}

/// A call of this caller, who may do everything in the tenant.
pub fn by<T>(caller: &str, tenant: &str, message: T) -> anyhow::Result<Request<T>> {
    let claims = Claims {
        sub: caller.to_owned(),
        kind: ActorKind::Service,
        roles: vec![Role::Admin, Role::Manager, Role::Service],
        tenants: Some(vec![TenantId::parse(tenant).context("a tenant")?]),
    };
    let bearer: AsciiMetadataValue = format!("Bearer {}", claims.encode()).parse()?;
    let mut request = Request::new(message);
    request.metadata_mut().insert("authorization", bearer);
    Ok(request)
}
