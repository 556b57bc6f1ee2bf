//! The tickets that wait in a queue, in the order in which they are served.

use crate::{
    app::App,
    ctx::Ctx,
    error::{Error, Result},
    seal::Page,
    tickets::{self, Shown, Ticket, Turn, queue as waiting},
};

/// A page, and where the next one begins.
pub async fn list(app: &App, ctx: &Ctx, queue: &str, size: i32, token: &str) -> Result<(Vec<Shown>, String)> {
    let configuration = app.configurations.get(&ctx.tenant).await?;
    if configuration.queue(queue).is_none() {
        return Err(Error::field("queue", &format!("no queue {queue:?} is configured")));
    }
    let purpose = format!("{} ListQueueTickets {queue}", ctx.tenant);
    let page = Page::<Option<Turn>>::parse(&app.sealer, &purpose, size, token)?;
    let after = page.after.clone().flatten();
    let tickets = waiting::waiting(app, &ctx.tenant, queue, after.as_ref(), page.limit()).await?;
    let (tickets, next) = page.finish(&app.sealer, &purpose, tickets, Ticket::turn)?;
    let tickets = tickets::see(app, ctx, tickets).await?;
    Ok((app.names.put_on(&mut *app.db.read(&ctx.tenant).await?, &ctx.tenant, tickets).await?, next))
}
