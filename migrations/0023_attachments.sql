-- Files on tickets. Their bytes lie in an object store, under the tenant and the id; the row comes before the object, and
-- outlives it.
create table attachments (
    tenant_id     text        not null,
    ticket_id     uuid        not null,
    id            uuid        not null,
    version       bigint      not null,
    state         text        not null check (state in ('PENDING', 'AVAILABLE', 'DELETED')),
    visibility    text        not null check (visibility in ('PUBLIC', 'INTERNAL')),
    -- Empty once it is deleted, as are media type and digest.
    file_name     text        not null,
    media_type    text        not null,
    byte_count    bigint      not null,
    sha256        bytea       not null,
    -- Null: it belongs to the ticket alone.
    comment_id    uuid,
    author_kind   text        not null,
    author_id     text        not null,
    create_time   timestamptz not null,
    -- Until when it can be completed: no URL to put its bytes is good for longer.
    expire_time   timestamptz not null,
    complete_time timestamptz,
    delete_time   timestamptz,
    primary key (tenant_id, ticket_id, id)
);

-- What is due: announced, and never completed.
create index attachments_pending on attachments (expire_time) where state = 'PENDING';

-- Objects that are to be removed. The row is written with whatever makes the object superfluous, and goes when the store has
-- said that it is gone.
create table attachment_removals (
    tenant_id text        not null,
    -- The attachment's; the object is named after it.
    id        uuid        not null,
    due_time  timestamptz not null,
    -- Until when a URL that was given away might put it there again: it is removed once more then.
    last_time timestamptz not null,
    -- Attempts in a row that failed.
    failures  integer     not null,
    primary key (tenant_id, id)
);

create index attachment_removals_due on attachment_removals (due_time);

-- How many files an erasure took. Null: a release began it that knew of none.
alter table erasures add column attachments bigint;

-- Behind the wall of 0019.
do $$
declare
    tenants_own name;
begin
    foreach tenants_own in array array['attachments', 'attachment_removals'] loop
        execute format('alter table %I enable row level security', tenants_own);
        execute format('alter table %I force row level security', tenants_own);
        execute format(
            'create policy tenant on %I to ticketing_app using (tenant_id = current_setting(''ticketing.tenant''))',
            tenants_own);
        execute format('create policy jobs on %I to ticketing_jobs using (true)', tenants_own);
    end loop;
end $$;

grant select, insert, update, delete on attachments, attachment_removals to ticketing_app;
-- Keys and times of what is due; no name of a file.
grant select (tenant_id, ticket_id, id, state, expire_time) on attachments to ticketing_jobs;
grant select (tenant_id, id, due_time) on attachment_removals to ticketing_jobs;
