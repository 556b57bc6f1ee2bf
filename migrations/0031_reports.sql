-- What the figures are counted from: of each ticket one row, of each thing that is counted by itself a step, and of each clock
-- that was kept or not. All of it is made from the event log by `src/reports/story.rs`, and can be made again.

create table report_tickets (
    tenant_id                  text        not null,
    ticket_id                  uuid        not null,
    -- The ticket's version up to which its events are in here.
    version                    bigint      not null,
    -- By which revision of the rules.
    revision                   integer     not null,
    state                      text        not null,
    kind                       text        not null,
    channel                    text        not null,
    priority                   text        not null,
    category                   text        not null,
    product                    text        not null,
    organization               text        not null,
    level                      text        not null,
    queue                      text        not null,
    team                       text        not null,
    assignee                   text        not null,
    first_level                text        not null,
    highest_level              text        not null,
    resolution_code            text        not null,
    imported                   boolean     not null,
    -- Whether its resolution names an article.
    article                    boolean     not null,
    events                     bigint      not null,
    escalations                bigint      not null,
    returns                    bigint      not null,
    reopens                    bigint      not null,
    -- How often it began to wait for the customer.
    customer_waits             bigint      not null,
    -- Up to its last event.
    live_micros               bigint      not null,
    customer_micros           bigint      not null,
    vendor_micros             bigint      not null,
    hold_micros               bigint      not null,
    create_time                timestamptz not null,
    last_time                  timestamptz not null,
    first_response_time        timestamptz,
    first_resolve_time         timestamptz,
    resolve_time               timestamptz,
    cancel_time                timestamptz,
    primary key (tenant_id, ticket_id)
);

create index report_tickets_create_time on report_tickets (tenant_id, create_time);
create index report_tickets_resolve_time on report_tickets (tenant_id, resolve_time) where resolve_time is not null;

create table report_steps (
    tenant_id    text        not null,
    ticket_id    uuid        not null,
    -- Of the event.
    version      bigint      not null,
    -- 1, 2, 3 … of those that the event is.
    number       integer     not null,
    step         text        not null,
    -- 1, seconds of work, units, or smallest units of a currency; below zero where it takes something away.
    amount       bigint      not null,
    step_time    timestamptz not null,
    -- Whether the ticket goes on in another one: it is counted there.
    merged       boolean     not null,
    -- Of an escalation; else empty.
    reason       text        not null,
    -- Of a charge; else empty.
    currency     text        not null,
    kind         text        not null,
    channel      text        not null,
    priority     text        not null,
    category     text        not null,
    product      text        not null,
    organization text        not null,
    level        text        not null,
    queue        text        not null,
    team         text        not null,
    primary key (tenant_id, ticket_id, version, number)
);

create index report_steps_time on report_steps (tenant_id, step, step_time);

create table report_clocks (
    tenant_id       text        not null,
    ticket_id       uuid        not null,
    number          integer     not null,
    agreement       text        not null,
    policy          text        not null,
    clock           text        not null,
    -- Whether it was kept.
    kept            boolean     not null,
    -- When that was decided: at the due time of one that was not, at its end of one that was.
    judge_time      timestamptz not null,
    -- Null: it runs on, late.
    elapsed_seconds bigint,
    kind            text        not null,
    channel         text        not null,
    priority        text        not null,
    category        text        not null,
    product         text        not null,
    organization    text        not null,
    level           text        not null,
    queue           text        not null,
    team            text        not null,
    primary key (tenant_id, ticket_id, number)
);

create index report_clocks_judge_time on report_clocks (tenant_id, judge_time);

-- How far a tenant's events are counted.
create table report_heads (
    tenant_id   text        primary key,
    -- Of the stream.
    position    bigint      not null,
    -- The rules by which the tickets were, or are being, counted from their beginning.
    revision    integer     not null,
    -- The last ticket that was counted from its beginning; null: all were.
    walked_to   uuid,
    -- Of the last event up to `position`.
    record_time timestamptz not null
);

-- Behind the wall of 0019.
do $$
declare
    tenants_own name;
begin
    foreach tenants_own in array array['report_tickets', 'report_steps', 'report_clocks', 'report_heads'] loop
        execute format('alter table %I enable row level security', tenants_own);
        execute format('alter table %I force row level security', tenants_own);
        execute format(
            'create policy tenant on %I to ticketing_app using (tenant_id = current_setting(''ticketing.tenant''))',
            tenants_own);
        execute format('create policy jobs on %I to ticketing_jobs using (true)', tenants_own);
    end loop;
end $$;

grant select, insert, update, delete on report_tickets, report_steps, report_clocks, report_heads to ticketing_app;
-- Places in streams.
grant select on report_heads to ticketing_jobs;
