//! Read transactions that wait for the next reader of their tenant.

use ticketing::{
    db::{Db, Tx},
    ids::TenantId,
};

use crate::support::{fresh_database, root};

/// Which transaction it is, and how many tenants it shows.
async fn look(tx: &mut Tx) -> (String, i64) {
    let sql = "select pg_backend_pid() || ' ' || transaction_timestamp(), (select count(*) from tenants)";
    sqlx::query_as(sql).fetch_one(&mut **tx).await.expect("read")
}

#[tokio::test]
async fn the_next_reader_of_a_tenant_goes_on_in_the_same_transaction_and_sees_what_is_new() {
    let url = fresh_database().await;
    let (db, pool) = (Db::connect(&url, 16).await.expect("connected"), root(&url));
    let [acme, globex] = ["acme", "globex"].map(|name| TenantId::parse(name).expect("a tenant"));
    // Whoever comes too late begins one; on a busy machine that happens.
    let (one, mut reader) = loop {
        let mut first = db.read(&acme).await.expect("begun");
        let one = look(&mut first).await;
        first.keep();
        let mut second = db.read(&acme).await.expect("begun");
        if look(&mut second).await == one {
            break (one, second);
        }
    };
    assert_eq!(one.1, 0);
    sqlx::query("insert into tenants (id, create_time) select unnest($1::text[]), '2026-01-01'")
        .bind(vec!["acme".to_owned(), "globex".to_owned()])
        .execute(&pool)
        .await
        .expect("two tenants");
    assert_eq!(look(&mut reader).await, (one.0.clone(), 1));
    let mut third = db.read(&acme).await.expect("begun");
    assert_ne!(look(&mut third).await.0, one.0, "two at once have one each");
    reader.keep();
    let mut other = db.read(&globex).await.expect("begun");
    let (its, seen) = look(&mut other).await;
    assert!(its != one.0 && seen == 1, "another tenant's reader has a transaction of its own");
    // Not for ever, however many come.
    let begun = look(&mut third).await.0;
    loop {
        third.keep();
        third = db.read(&acme).await.expect("begun");
        if look(&mut third).await.0 != begun {
            break;
        }
    }
    third.keep();
    other.keep();
    let waiting = "select count(*) from pg_stat_activity
                   where datname = current_database() and state like 'idle in transaction%'";
    while sqlx::query_scalar::<_, i64>(waiting).fetch_one(&pool).await.expect("read") > 0 {}
    let mut last = db.read(&acme).await.expect("begun");
    assert_eq!(look(&mut last).await.1, 1);
    drop(last);
    db.close().await;
}

/// What writes is not lent on, whatever it says.
#[tokio::test]
async fn a_writer_is_not_kept() {
    let url = fresh_database().await;
    let db = Db::connect(&url, 1).await.expect("connected");
    let acme = TenantId::parse("acme").expect("a tenant");
    let mut writer = db.begin(&acme).await.expect("begun");
    sqlx::query("insert into tenants (id, create_time) values ('acme', '2026-01-01')")
        .execute(&mut *writer)
        .await
        .expect("written");
    writer.keep();
    let mut reader = db.read(&acme).await.expect("begun");
    assert_eq!(look(&mut reader).await.1, 0);
}
