//! A wire between a server and its database on which a test can strike at the n-th round trip: before Postgres hears of
//! it, or after Postgres has done it and before the server knows.

#![allow(clippy::disallowed_methods)] // the connections end with the test; no drain waits for them

use std::{
    future::Future,
    io,
    pin::Pin,
    str::FromStr,
    sync::{Arc, Mutex, PoisonError},
};

use sqlx::postgres::PgConnectOptions;
use tokio::{
    io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt, BufReader},
    net::{TcpListener, TcpStream, UnixStream},
    task::AbortHandle,
};

/// On which side of the work of Postgres the stroke falls.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum When {
    /// Postgres never hears of the trip.
    Before,
    /// Postgres has done it; its answer never arrives.
    After,
}

/// At which trip the stroke falls.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Trip {
    /// The n-th from now on, counted from 1 over all connections.
    Nth(usize),
    /// The next one that ends a transaction for good.
    Commit,
}

type Stroke = Pin<Box<dyn Future<Output = ()> + Send>>;

/// The stroke that is to come, and how many trips are to go.
#[derive(Default)]
struct Plan {
    pending: Option<(Trip, When, Stroke)>,
}

/// A listening wire; it goes with its value.
pub struct Wire {
    /// What the server is told to connect to.
    pub url: String,
    plan: Arc<Mutex<Plan>>,
    listening: AbortHandle,
}

/// A piece of SQL that never arrives.
pub type Lost = Option<&'static str>;

impl Wire {
    /// A wire to the database of this URL.
    pub async fn to(database: &str) -> Self {
        Self::losing(database, None).await
    }

    /// A wire on which a piece of SQL is lost on its way: a fault that a test plants.
    pub async fn losing(database: &str, lost: Lost) -> Self {
        let options = PgConnectOptions::from_str(database).expect("a URL of a database");
        let folder = options.get_socket().expect("the cluster of the tests listens on a socket");
        let socket = folder.join(format!(".s.PGSQL.{}", options.get_port()));
        let listener = TcpListener::bind("127.0.0.1:0").await.expect("a free port");
        let address = listener.local_addr().expect("bound");
        let name = options.get_database().expect("a database");
        let plan = Arc::new(Mutex::new(Plan::default()));
        let shared = Arc::clone(&plan);
        let listening = tokio::spawn(async move {
            loop {
                let (server, _) = listener.accept().await.expect("a connection");
                let database = UnixStream::connect(&socket).await.expect("the cluster takes connections");
                // Whoever hangs up ends the connection; that is no fault of the wire.
                tokio::spawn(carry(Arc::clone(&shared), lost, server, database));
            }
        });
        Self {
            url: format!("postgres://postgres@{address}/{name}?sslmode=disable"),
            plan,
            listening: listening.abort_handle(),
        }
    }

    /// Strikes at a trip from now on. The connection of that trip is cut.
    pub fn arm(&self, trip: Trip, when: When, stroke: impl Future<Output = ()> + Send + 'static) {
        lock(&self.plan).pending = Some((trip, when, Box::pin(stroke)));
    }

    /// Puts the stroke off for good; says whether it had fallen.
    pub fn disarm(&self) -> bool {
        lock(&self.plan).pending.take().is_none()
    }
}

impl Drop for Wire {
    fn drop(&mut self) {
        self.listening.abort();
    }
}

impl Plan {
    /// One trip begins; the stroke, if it falls on this one.
    fn trip(&mut self, is_commit: bool) -> Option<(When, Stroke)> {
        let falls = match &mut self.pending.as_mut()?.0 {
            Trip::Commit => is_commit,
            Trip::Nth(left) => {
                *left -= 1;
                *left == 0
            }
        };
        let (_, when, stroke) = self.pending.take_if(|_| falls)?;
        Some((when, stroke))
    }
}

/// What one connection waits for.
#[derive(Default)]
struct Trips {
    /// Trips that Postgres has not answered.
    open: usize,
    /// Falls when Postgres has answered all of them.
    stroke: Option<Stroke>,
}

async fn carry(plan: Arc<Mutex<Plan>>, lost: Lost, server: TcpStream, database: UnixStream) {
    server.set_nodelay(true).expect("a socket");
    let (from_server, to_server) = server.into_split();
    let (from_database, to_database) = database.into_split();
    let trips = Mutex::new(Trips::default());
    tokio::select! {
        ended = ask(&plan, lost, &trips, BufReader::new(from_server), to_database) => ended,
        ended = answer(&trips, BufReader::new(from_database), to_server) => ended,
    }
    .unwrap_or_default();
}

/// Carries what the server says. A trip ends with Sync or is a simple Query.
async fn ask(
    plan: &Mutex<Plan>,
    lost: Lost,
    trips: &Mutex<Trips>,
    mut from: impl AsyncRead + Unpin,
    mut to: impl AsyncWrite + Unpin,
) -> io::Result<()> {
    // The first message has no type.
    to.write_all(&message(&mut from, 0).await?).await?;
    loop {
        let mut message = message(&mut from, 1).await?;
        if let (b'P', Some(lost)) = (message[0], lost) {
            blank(&mut message, lost.as_bytes());
        }
        if matches!(message[0], b'S' | b'Q') {
            let is_commit = message[5..].eq_ignore_ascii_case(b"commit\0");
            let due = lock(plan).trip(is_commit);
            match due {
                Some((When::Before, stroke)) => return strike(stroke).await,
                Some((When::After, stroke)) => lock(trips).stroke = Some(stroke),
                None => {}
            }
            lock(trips).open += 1;
        }
        to.write_all(&message).await?;
    }
}

/// Puts blanks in the place of a piece of a statement, which keeps its length.
fn blank(statement: &mut [u8], piece: &[u8]) {
    if let Some(at) = statement.windows(piece.len()).position(|window| window == piece) {
        statement[at..at + piece.len()].fill(b' ');
    }
}

/// Carries what Postgres says; ReadyForQuery ends the answer to a trip.
async fn answer(
    trips: &Mutex<Trips>,
    mut from: impl AsyncRead + Unpin,
    mut to: impl AsyncWrite + Unpin,
) -> io::Result<()> {
    loop {
        let message = message(&mut from, 1).await?;
        let (held, stroke) = {
            let mut trips = lock(trips);
            let held = trips.stroke.is_some();
            if message[0] == b'Z' {
                // The one that ends the handshake answers no trip.
                trips.open = trips.open.saturating_sub(1);
            }
            (held, if trips.open == 0 { trips.stroke.take() } else { None })
        };
        if let Some(stroke) = stroke {
            return strike(stroke).await;
        }
        if !held {
            to.write_all(&message).await?;
        }
    }
}

/// On a task of its own: the stroke may end this connection, and must not end with it.
async fn strike(stroke: Stroke) -> io::Result<()> {
    tokio::spawn(stroke).await.map_err(io::Error::other)
}

/// One whole message: `head` bytes of type, then its length, which counts itself.
async fn message(from: &mut (impl AsyncRead + Unpin), head: usize) -> io::Result<Vec<u8>> {
    let mut bytes = vec![0; head + 4];
    from.read_exact(&mut bytes).await?;
    let length = u32::from_be_bytes(bytes[head..].try_into().expect("four bytes")) as usize;
    bytes.resize(head + length, 0);
    from.read_exact(&mut bytes[head + 4..]).await?;
    Ok(bytes)
}

fn lock<T>(shared: &Mutex<T>) -> std::sync::MutexGuard<'_, T> {
    shared.lock().unwrap_or_else(PoisonError::into_inner)
}
