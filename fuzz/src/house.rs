//! A service without a database: it reads all that it is sent and says at the first question to the database that it
//! cannot go on. One tenant, `acme`, has the sample configuration in memory; the clock stands.

use std::sync::{Arc, LazyLock};

use ticketing::{
    app::{App, Seals, Setup},
    configuration::{Configuration, Document},
    ctx::{Clock, Ids},
    db::Db,
    ids::TenantId,
    seal::Sealer,
    serve::Policies,
};
use tokio::runtime::{Builder, Runtime};
use tonic::service::Routes;

pub static HOUSE: LazyLock<House> = LazyLock::new(House::open);

/// The configuration that the tenant has.
pub static SAMPLE: LazyLock<Document> = LazyLock::new(|| {
    serde_saphyr::from_str(include_str!("../../demo/configuration.yaml")).expect("the sample reads")
});

pub struct House {
    pub runtime: Runtime,
    pub app: Arc<App>,
    pub tenant: TenantId,
    pub routes: Routes,
    pub policies: Policies,
}

impl House {
    fn open() -> Self {
        let runtime = Builder::new_current_thread().enable_time().build().expect("a runtime");
        let now = "2026-03-02T09:00:00Z".parse().expect("a time");
        let app = runtime.block_on(async {
            let db = Db::nowhere().await;
            App::wire(
                db,
                Seals { tokens: Sealer::alone(), cursors: Sealer::alone() },
                Clock::manual(now),
                Ids::sequential(),
                Setup::default(),
            )
        });
        let app = app.expect("wired");
        let tenant = TenantId::parse("acme").expect("a tenant");
        app.configurations.put(tenant.clone(), Arc::new(Configuration::new(1, SAMPLE.clone())));
        let policies =
            Policies::declared(ticketing_proto::DESCRIPTOR).expect("every method declares a policy");
        Self { runtime, routes: app.routes(), app, tenant, policies }
    }
}
