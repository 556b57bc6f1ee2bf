-- The second wall between tenants. The first: every query says whose rows it wants. If one forgets, PostgreSQL shows it
-- nothing, and writes nothing, of any tenant but the one that its transaction was begun for (`src/db/mod.rs`).
--
-- Two roles, as which nobody logs in; whoever serves is a member of both:
--   ticketing_app   works for one tenant, in transactions that name it. One that does not fails.
--   ticketing_jobs  looks across tenants for what is due and gives events their place, and reaches nothing else.
-- Neither owns anything, or passes by a policy. Roles belong to the whole server: databases share them, and whoever may
-- not create roles has them created before.
do $$
declare
    wanted name;
begin
    foreach wanted in array array['ticketing_app', 'ticketing_jobs'] loop
        if not exists (select from pg_roles where rolname = wanted) then
            execute format('create role %I', wanted);
        end if;
        if exists (select from pg_roles where rolname = wanted and (rolsuper or rolbypassrls)) then
            raise exception 'role % passes by row-level security; alter role % nosuperuser nobypassrls', wanted, wanted;
        end if;
        begin
            execute format('grant %I to current_user', wanted);
        exception when insufficient_privilege then
            -- Whoever serves is somebody else then, to whom an administrator grants it.
        end;
        execute format('grant usage on schema %I to %I', current_schema(), wanted);
    end loop;
end $$;

-- A policy that finds no tenant set raises an error: nothing is better than an answer for nobody.
do $$
declare
    tenants_own name;
begin
    foreach tenants_own in array array[
        'tickets', 'events', 'outbox', 'stream', 'idempotency', 'configurations', 'agents', 'organizations', 'contacts',
        'comments', 'escalations', 'sla_clocks', 'outages', 'subscriptions', 'deliveries', 'erasures'
    ] loop
        execute format('alter table %I enable row level security', tenants_own);
        execute format('alter table %I force row level security', tenants_own);
        execute format(
            'create policy tenant on %I to ticketing_app using (tenant_id = current_setting(''ticketing.tenant''))',
            tenants_own);
        execute format('create policy jobs on %I to ticketing_jobs using (true)', tenants_own);
    end loop;
end $$;

alter table tenants enable row level security;
alter table tenants force row level security;
create policy tenant on tenants to ticketing_app using (id = current_setting('ticketing.tenant'));
create policy jobs on tenants to ticketing_jobs using (true);

grant select, insert, update on
    tenants, tickets, events, agents, organizations, contacts, comments, escalations, sla_clocks, outages, subscriptions,
    deliveries, erasures, idempotency to ticketing_app;
grant select, insert on outbox, configurations to ticketing_app;
grant select on stream, stream_heads to ticketing_app;
grant delete on agents, contacts, subscriptions, deliveries, idempotency to ticketing_app;

-- Keys and times of what is due; no word that anybody wrote.
grant select (id) on tenants to ticketing_jobs;
grant select (tenant_id) on configurations to ticketing_jobs;
grant select (tenant_id, id, state, queue, queue_time, offer_expire_time, auto_close_time, hold_until_time)
    on tickets to ticketing_jobs;
grant select (tenant_id, ticket_id, state, expire_time) on escalations to ticketing_jobs;
grant select (tenant_id, ticket_id, fire_time) on sla_clocks to ticketing_jobs;
grant select (tenant_id, id, state, position) on subscriptions to ticketing_jobs;
grant select (tenant_id, subscription_id, ticket_id, version, state, due_time, claim_until_time, settle_time)
    on deliveries to ticketing_jobs;
-- What is old enough is deleted; to lock a row takes the right to update one of its columns.
grant update (settle_time), delete on deliveries to ticketing_jobs;
grant select (tenant_id, principal, method, request_id, create_time), update (create_time), delete
    on idempotency to ticketing_jobs;
-- Events get their place, and the broker is told of them.
grant select, delete on outbox to ticketing_jobs;
grant select, insert on stream to ticketing_jobs;
grant select, update on stream_heads to ticketing_jobs;
grant select on events to ticketing_jobs;
grant select, insert, update, delete on relay_heads, relay_owners to ticketing_jobs;
-- Which migrations there were: a server looks before it starts.
do $$
begin
    if to_regclass('_sqlx_migrations') is not null then
        grant select on _sqlx_migrations to ticketing_jobs;
    end if;
end $$;
-- Keys that all replicas share.
grant select, insert on secrets to ticketing_jobs;
