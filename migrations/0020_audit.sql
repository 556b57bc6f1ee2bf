-- Who administered what, and who read what is restricted. Entries are added and never change; a job gives each its place
-- in its tenant's chain. Nothing refers to other tables: what it tells of may be gone.
create table audit (
    tenant_id  text        not null,
    id         uuid        not null,
    -- Place in the tenant's chain; null: it has none yet.
    position   bigint      check (position > 0),
    time       timestamptz not null,
    actor_kind text        not null,
    -- Of a customer, and of a contact in the target, the pseudonym.
    actor_id   text        not null,
    action     text        not null,
    target     text        not null,
    request_id text        not null,
    -- SHA-256 of what stood there; null: nothing did, or nothing is kept of it.
    before     bytea,
    after      bytea,
    -- SHA-256 of the link before and this entry.
    link       bytea,
    primary key (tenant_id, id),
    check ((position is null) = (link is null))
);

create unique index audit_position on audit (tenant_id, position) where position is not null;
-- What waits for its place, of all tenants.
create index audit_waiting on audit (tenant_id, time, id) where link is null;
-- Lists, newest first.
create index audit_time on audit (tenant_id, time, id);

-- Where each tenant's chain ends.
create table audit_heads (
    tenant_id text   primary key,
    position  bigint not null,
    link      bytea  not null
);

-- By what name the chain calls a contact: SHA-256 of salt and key. Erasing the contact deletes the row, and what the name
-- stood for can be neither read nor guessed any more.
create table audit_people (
    tenant_id text  not null,
    key       text  not null,
    salt      bytea not null,
    pseudonym text  not null,
    primary key (tenant_id, key)
);

create unique index audit_people_pseudonym on audit_people (tenant_id, pseudonym);

-- The service does not change entries; this is for whoever might by mistake. Who means to, switches it off, and the chain
-- tells.
create function audit_is_added_to() returns trigger language plpgsql as $$
begin
    if tg_op = 'INSERT' then
        if new.link is null then
            return new;
        end if;
    elsif tg_op = 'UPDATE' then
        if old.link is null and new.link is not null
            and to_jsonb(new) - array['position', 'link'] = to_jsonb(old) - array['position', 'link'] then
            return new;
        end if;
    end if;
    raise exception 'the audit log is added to, and nothing else';
end $$;

create trigger audit_is_added_to before insert or update or delete on audit
    for each row execute function audit_is_added_to();
create trigger audit_is_not_emptied before truncate on audit
    for each statement execute function audit_is_added_to();

-- Behind the wall of 0019. Who works for a tenant adds entries, gives them their place, and forgets people.
do $$
declare
    tenants_own name;
begin
    foreach tenants_own in array array['audit', 'audit_heads', 'audit_people'] loop
        execute format('alter table %I enable row level security', tenants_own);
        execute format('alter table %I force row level security', tenants_own);
        execute format(
            'create policy tenant on %I to ticketing_app using (tenant_id = current_setting(''ticketing.tenant''))',
            tenants_own);
        execute format('create policy jobs on %I to ticketing_jobs using (true)', tenants_own);
    end loop;
end $$;

grant select, insert on audit, audit_heads, audit_people to ticketing_app;
grant update (position, link) on audit, audit_heads to ticketing_app;
grant delete on audit_people to ticketing_app;
-- Where something waits for its place, and who has a chain.
grant select (tenant_id, link) on audit to ticketing_jobs;
grant select (tenant_id) on audit_heads to ticketing_jobs;

alter table tickets
    -- Seen by its requester, its assignee, its team and who may see all; every read is in the audit log.
    add column restricted boolean not null default false;
