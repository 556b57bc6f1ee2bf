//! Every table of tenants is behind the wall, and whoever works for one tenant cannot see over it.

use sqlx::{AssertSqlSafe, Connection as _, PgConnection};
use ticketing::{
    db::{APP_ROLE, Db, JOBS_ROLE, Tx},
    ids::TenantId,
};

use crate::support::{Desk, fresh_database, root};

/// Tables without a tenant: keys and places of buckets, and which migrations there were.
const OF_NOBODY: [&str; 7] = [
    "_sqlx_migrations",
    "migration_lease",
    "relay_heads",
    "relay_owners",
    "schema_floor",
    "secrets",
    "stream_heads",
];

const TABLES: &str = "
    select c.relname::text, c.relrowsecurity and c.relforcerowsecurity,
           array(select format('%s %s %s %s', polname, (select string_agg(r::regrole::text, ',') from unnest(polroles) r),
                               pg_get_expr(polqual, polrelid), coalesce(pg_get_expr(polwithcheck, polrelid), '-'))
                 from pg_policy where polrelid = c.oid order by polname)
    from pg_class c where relnamespace = 'public'::regnamespace and relkind in ('r', 'p', 'v', 'm') order by 1";

fn tenant(name: &str) -> TenantId {
    TenantId::parse(name).expect("a tenant")
}

async fn run(tx: &mut Tx, sql: &str) -> Result<u64, String> {
    let done = sqlx::raw_sql(AssertSqlSafe(sql.to_owned())).execute(&mut **tx).await;
    done.map(|done| done.rows_affected()).map_err(|error| error.to_string())
}

#[tokio::test]
async fn every_table_of_tenants_is_behind_the_wall() {
    let pool = root(&fresh_database().await);
    let tables: Vec<(String, bool, Vec<String>)> =
        sqlx::query_as(TABLES).fetch_all(&pool).await.expect("the catalog reads");
    let mut faults = Vec::new();
    for (table, forced, policies) in &tables {
        let key = if table == "tenants" { "id" } else { "tenant_id" };
        let wall = [
            format!("jobs {JOBS_ROLE} true -"),
            format!("tenant {APP_ROLE} ({key} = current_setting('ticketing.tenant'::text)) -"),
        ];
        if OF_NOBODY.contains(&table.as_str()) {
            continue;
        }
        if !forced || *policies != wall {
            faults.push(format!("{table}: forced {forced}, {policies:?}"));
        }
    }
    assert_eq!(faults, Vec::<String>::new(), "a table of tenants has both policies, enabled and forced");
    let without: Vec<String> = sqlx::query_scalar(
        "select t.name::text from unnest($1) t (name) where exists (
             select from information_schema.columns c where c.table_name = t.name and c.column_name = 'tenant_id')",
    )
    .bind(OF_NOBODY.map(str::to_owned).to_vec())
    .fetch_all(&pool)
    .await
    .expect("the catalog reads");
    assert_eq!(without, Vec::<String>::new(), "a table with a tenant is nobody's");
    assert!(tables.len() > OF_NOBODY.len() + 15, "the tables were found");
}

#[tokio::test]
async fn the_roles_own_nothing_and_pass_by_nothing() {
    let pool = root(&fresh_database().await);
    let faults: Vec<String> = sqlx::query_scalar(
        "select format('%s may too much', rolname) from pg_roles
         where rolname = any($1) and (rolsuper or rolbypassrls or rolcreaterole or rolcreatedb or rolcanlogin)
         union all
         select format('%s owns %s', r.rolname, c.relname) from pg_class c join pg_roles r on r.oid = c.relowner
         where r.rolname = any($1)
         union all
         select format('%s is a member of %s', m.member::regrole, m.roleid::regrole) from pg_auth_members m
         where m.member::regrole::text = any($1)
         union all
         select format('%s may %s on %s', r.rolname, p.privilege, c.relname)
         from pg_class c, pg_roles r, unnest(array['TRUNCATE', 'REFERENCES', 'TRIGGER']) p (privilege)
         where r.rolname = any($1) and c.relnamespace = 'public'::regnamespace and c.relkind in ('r', 'p')
           and has_table_privilege(r.oid, c.oid, p.privilege)",
    )
    .bind([APP_ROLE, JOBS_ROLE].map(str::to_owned).to_vec())
    .fetch_all(&pool)
    .await
    .expect("the catalog reads");
    assert_eq!(faults, Vec::<String>::new());
}

/// Statements that ask for another tenant's rows, or for all, and what they come to behind the wall of globex.
#[tokio::test]
async fn who_works_for_one_tenant_reaches_no_other_whatever_it_asks() {
    let desk = Desk::open().await;
    let db = &desk.app.db;
    let globex = tenant("globex");
    let mut tx = db.begin(&globex).await.expect("a transaction");
    let who: (String, String) =
        sqlx::query_as("select current_user::text, current_setting('ticketing.tenant')")
            .fetch_one(&mut *tx)
            .await
            .expect("read");
    assert_eq!(who, (APP_ROLE.to_owned(), "globex".to_owned()));
    for (sql, rows) in [
        ("select from tenants where id = 'acme'", Ok(0)),
        ("select from configurations", Ok(0)),
        ("update tenants set next_number = 7 where id = 'acme'", Ok(0)),
        ("insert into tenants (id, create_time) values ('globex', '2026-01-01')", Ok(1)),
        ("select from tenants", Ok(1)),
        ("savepoint here", Ok(0)),
        (
            "insert into tenants (id, create_time) values ('initech', '2026-01-01')",
            Err("violates row-level security"),
        ),
        ("rollback to here", Ok(0)),
        ("update tenants set id = 'initech'", Err("violates row-level security")),
        ("rollback to here", Ok(0)),
        ("select from secrets", Err("permission denied")),
        ("rollback to here", Ok(0)),
        ("truncate tickets", Err("permission denied")),
        ("rollback to here", Ok(0)),
        ("alter table tickets disable row level security", Err("must be owner")),
    ] {
        match (run(&mut tx, sql).await, rows) {
            (Ok(found), Ok(expected)) => assert_eq!(found, expected, "{sql}"),
            (Err(error), Err(part)) => assert!(error.contains(part), "{sql}: {error}"),
            (found, _) => panic!("{sql}: {found:?}"),
        }
    }
    drop(tx);
    let mut tx = db.read(&globex).await.expect("a transaction");
    let refused = run(&mut tx, "update tenants set next_number = 7").await;
    assert!(refused.as_ref().is_err_and(|error| error.contains("read-only")), "{refused:?}");
    drop(tx);
    desk.finish().await;
}

#[tokio::test]
async fn a_transaction_that_names_no_tenant_fails() {
    let mut connection =
        PgConnection::connect(&fresh_database().await).await.expect("the database takes connections");
    let begin = format!("begin; set local role {APP_ROLE}");
    sqlx::raw_sql(AssertSqlSafe(begin)).execute(&mut connection).await.expect("begun");
    let refused = sqlx::raw_sql("select from tickets").execute(&mut connection).await;
    assert!(refused.is_err_and(|error| error.to_string().contains("ticketing.tenant")), "it was answered");
}

/// What looks across tenants sees when something is due, and no word that anybody wrote but in the events that it tells.
#[tokio::test]
async fn who_looks_across_tenants_reads_no_words_and_writes_no_tickets() {
    let db = Db::connect(&fresh_database().await, 1).await.expect("connected");
    for sql in [
        "select title from tickets",
        "select * from contacts",
        "select * from comments",
        "select document from configurations",
        "select body from deliveries",
        "select title from article_revisions",
        "select id from articles",
        "select actor_id from audit",
        "select key from audit_people",
        "select justification from escalations",
        "update tickets set state = 'CLOSED'",
        "update events set note = ''",
        "insert into tenants (id, create_time) values ('initech', '2026-01-01')",
    ] {
        let refused = sqlx::raw_sql(sql).execute(db.across()).await;
        assert!(refused.is_err_and(|error| error.to_string().contains("permission denied")), "{sql}");
    }
    sqlx::raw_sql("select tenant_id, id, state from tickets").execute(db.across()).await.expect("keys");
}

/// No superuser is needed: an owner that may do nothing else migrates, a login that owns nothing serves.
#[tokio::test]
async fn an_owner_migrates_and_a_login_that_owns_nothing_serves() {
    let url = fresh_database().await;
    let mut admin = PgConnection::connect(&url).await.expect("the cluster takes connections");
    let (server, name) = url.rsplit_once('/').expect("a URL ends with its database");
    for sql in [
        format!("create role {name}_owner login"),
        format!("create role {name}_login login"),
        format!("create database {name}_own owner {name}_owner"),
        format!("grant {APP_ROLE}, {JOBS_ROLE} to {name}_login"),
    ] {
        sqlx::raw_sql(AssertSqlSafe(sql)).execute(&mut admin).await.expect("an administrator may do this");
    }
    let of =
        |user: &str| format!("{}/{name}_own", server.replace("//postgres@", &format!("//{name}_{user}@")));
    Db::connect(&of("owner"), 1).await.expect("connected").migrate().await.expect("an owner migrates");
    let (_, told, _) = crate::cli::run(&["doctor", "--database-url", &of("login")]).await;
    assert!(told.contains(&format!("{name}_login owns nothing")), "{told}");
    let (code, told, _) = crate::cli::run(&["doctor", "--database-url", &of("owner")]).await;
    let grant = format!("`grant {APP_ROLE}, {JOBS_ROLE} to {name}_owner`");
    assert!(code == Some(1) && told.contains(&grant), "{told}");
    Desk::open_on(&of("login")).await.finish().await;
}
