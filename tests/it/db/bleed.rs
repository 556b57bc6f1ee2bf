//! Transactions of many tenants take turns on two connections, and are committed, dropped, cancelled and broken off by
//! panics in the middle: none sees a row of another tenant, and none leaves its tenant to the next.
//!
//! No statement here says whose rows it wants: the wall of the database alone keeps the tenants apart.

use std::panic::resume_unwind;

use sqlx::AssertSqlSafe;
use ticketing::{
    db::{APP_ROLE, Db, JOBS_ROLE, Tx},
    error::Result,
    ids::TenantId,
};
use tokio::task::{JoinSet, yield_now};

use crate::support::{fresh_database, root};

const TENANTS: usize = 50;
const WORKERS: usize = 16;
const TRANSACTIONS: usize = 100_000;

/// What was seen and done.
#[derive(Debug)]
struct Tally {
    /// By tenant: what was acknowledged …
    committed: Vec<i64>,
    /// … and what was cancelled, and may have been committed.
    unknown: Vec<i64>,
    panics: usize,
    faults: Vec<String>,
}

impl Tally {
    fn new() -> Self {
        Self { committed: vec![0; TENANTS], unknown: vec![0; TENANTS], panics: 0, faults: Vec::new() }
    }

    fn add(&mut self, other: Self) {
        for n in 0..TENANTS {
            self.committed[n] += other.committed[n];
            self.unknown[n] += other.unknown[n];
        }
        self.panics += other.panics;
        self.faults.extend(other.faults);
    }
}

fn tenant(n: usize) -> TenantId {
    TenantId::parse(&format!("t{n}")).expect("a tenant")
}

/// Who the connection works as, and which tenants' rows it is shown.
async fn look(tx: &mut Tx) -> Result<Vec<String>> {
    let sql = "select current_user || ' ' || id from tenants";
    Ok(sqlx::query_scalar(sql).fetch_all(&mut **tx).await?)
}

/// The same, and the next reader of the tenant goes on there.
async fn look_and_keep(db: &Db, tenant: &TenantId) -> Result<Vec<String>> {
    let mut tx = db.read(tenant).await?;
    let seen = look(&mut tx).await?;
    tx.keep();
    Ok(seen)
}

/// Writes to whatever it is shown.
async fn write(tx: &mut Tx) -> Result<Vec<String>> {
    let sql = "update tenants set next_number = next_number + 1 returning current_user || ' ' || id";
    Ok(sqlx::query_scalar(sql).fetch_all(&mut **tx).await?)
}

async fn write_and_commit(db: &Db, tenant: &TenantId) -> Result<Vec<String>> {
    let mut tx = db.begin(tenant).await?;
    let rows = write(&mut tx).await?;
    tx.commit().await?;
    Ok(rows)
}

/// Writes, and panics with the transaction in hand; without the words that a hook prints.
async fn write_and_panic(db: Db, tenant: TenantId) {
    let mut tx = db.begin(&tenant).await.expect("begun");
    write(&mut tx).await.expect("written");
    resume_unwind(Box::new("in the middle"));
}

async fn yields(count: usize) {
    for _ in 0..count {
        yield_now().await;
    }
}

async fn work(db: Db, seed: u64, transactions: usize) -> Tally {
    let mut random = fastrand::Rng::with_seed(seed);
    let mut tally = Tally::new();
    for _ in 0..transactions {
        let n = random.usize(..TENANTS);
        let tenant = tenant(n);
        let own = vec![format!("{APP_ROLE} {tenant}")];
        let seen = match random.u8(..8) {
            0 => look(&mut db.read(&tenant).await.expect("begun")).await,
            1 => look_and_keep(&db, &tenant).await,
            2 => {
                tally.committed[n] += 1;
                write_and_commit(&db, &tenant).await
            }
            3 => write(&mut db.begin(&tenant).await.expect("begun")).await,
            4 => tokio::select! {
                biased;
                done = write_and_commit(&db, &tenant) => {
                    tally.committed[n] += 1;
                    done
                }
                () = yields(random.usize(..200)) => {
                    tally.unknown[n] += 1;
                    continue;
                }
            },
            5 => {
                let mut alone = JoinSet::new();
                alone.spawn(write_and_panic(db.clone(), tenant));
                let ended = alone.join_next().await.expect("one");
                tally.panics += usize::from(ended.is_err_and(|error| error.is_panic()));
                continue;
            }
            6 => {
                let mut tx = db.begin(&tenant).await.expect("begun");
                let failed = sqlx::raw_sql("select 1 / 0").execute(&mut *tx).await;
                assert!(failed.is_err(), "nothing is divided by nothing");
                continue;
            }
            _ => {
                let sql =
                    "select current_user || ' ' || coalesce(current_setting('ticketing.tenant', true), '')";
                let who: String = sqlx::query_scalar(sql).fetch_one(db.across()).await.expect("read");
                if who.trim() != JOBS_ROLE {
                    tally.faults.push(format!("across tenants works {who}"));
                }
                continue;
            }
        };
        let seen = seen.expect("no statement fails");
        if seen != own {
            tally.faults.push(format!("{tenant} was shown {seen:?}"));
        }
    }
    tally
}

/// So many transactions on two connections.
async fn play(db: &Db, transactions: usize) -> Tally {
    let mut workers = JoinSet::new();
    for seed in 0..WORKERS {
        workers.spawn(work(db.clone(), seed as u64, transactions / WORKERS));
    }
    let mut tally = Tally::new();
    for worker in workers.join_all().await {
        tally.add(worker);
    }
    tally
}

async fn open() -> (Db, String) {
    let url = fresh_database().await;
    let sql = format!(
        "insert into tenants (id, next_number, create_time)
         select 't' || n, 0, '2026-01-01' from generate_series(0, {TENANTS} - 1) n"
    );
    sqlx::raw_sql(AssertSqlSafe(sql)).execute(&root(&url)).await.expect("tenants");
    (Db::connect(&url, 2).await.expect("connected"), url)
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn no_transaction_sees_another_tenant_or_leaves_its_own_behind() {
    let (db, url) = open().await;
    let tally = play(&db, TRANSACTIONS).await;
    assert_eq!(tally.faults, Vec::<String>::new());
    assert!(tally.panics > TRANSACTIONS / 10, "{} panics", tally.panics);
    let unknown: i64 = tally.unknown.iter().sum();
    assert!(unknown > TRANSACTIONS as i64 / 50, "{unknown} were cancelled");
    let written: Vec<(String, i64)> =
        sqlx::query_as("select id, next_number from tenants").fetch_all(&root(&url)).await.expect("read");
    for (id, written) in written {
        let n: usize = id[1..].parse().expect("a number");
        let (least, most) = (tally.committed[n], tally.committed[n] + tally.unknown[n]);
        assert!((least..=most).contains(&written), "{id}: {written} were written, of {least} to {most}");
    }
}

/// A tenant that is set for longer than a transaction.
#[tokio::test]
async fn the_play_sees_a_connection_that_keeps_its_tenant() {
    let (db, _) = open().await;
    let keep = format!("set role {APP_ROLE}; set ticketing.tenant = 't7'");
    sqlx::raw_sql(AssertSqlSafe(keep)).execute(db.across()).await.expect("kept");
    let tally = play(&db, 1000).await;
    let wrong = format!("across tenants works {APP_ROLE} t7");
    assert!(tally.faults.contains(&wrong), "{:?}", tally.faults);
}
