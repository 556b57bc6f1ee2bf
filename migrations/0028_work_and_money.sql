-- What was sold, version by version.
create table entitlements (
    tenant_id           text        not null,
    key                 text        not null,
    version             bigint      not null,
    organization        text        not null,
    plan                text        not null,
    start_time          timestamptz not null,
    -- Null: it does not end.
    end_time            timestamptz,
    products            text[]      not null,
    channels            text[]      not null,
    levels              text[]      not null,
    sla_policy          text        not null,
    calendar            text        not null,
    -- Null: the plan's allowance holds.
    allowance_period    text        check (allowance_period in ('TERM', 'MONTH', 'QUARTER', 'YEAR')),
    allowance_incidents integer     not null,
    allowance_seconds   bigint,
    -- From when the version holds.
    effective_time      timestamptz not null,
    create_time         timestamptz not null,
    -- When it was last said to be so; of the newest version alone it moves.
    confirm_time        timestamptz not null,
    primary key (tenant_id, key, version)
);

create index entitlements_organization on entitlements (tenant_id, organization, key, version);

-- What was decided when the ticket was recorded, and what the customer said to it. Null: nothing was sold by plans then.
alter table tickets add column entitlement jsonb;

-- Work that was done. A row never changes, but for its note, which erasure empties; a reversal is a row of its own.
create table worklogs (
    tenant_id              text        not null,
    ticket_id              uuid        not null,
    id                     uuid        not null,
    -- Of the ticket's event that tells of it.
    version                bigint      not null,
    -- The ticket to which it counts: its own, or the one into which that was merged.
    root_ticket_id         uuid        not null,
    agent                  text        not null,
    activity               text        not null,
    start_time             timestamptz not null,
    -- Of a reversal as many as it takes back, below zero: sums are right by themselves.
    seconds                bigint      not null check (seconds <> 0),
    billable               boolean     not null,
    note                   text        not null,
    -- How the ticket stood when it was entered.
    organization           text        not null,
    product                text        not null,
    channel                text        not null,
    category               text        not null,
    level                  text        not null,
    team                   text        not null,
    configuration_revision bigint      not null,
    -- The entry that this one takes back.
    reverses               uuid,
    author_kind            text        not null,
    author_id              text        not null,
    create_time            timestamptz not null,
    primary key (tenant_id, ticket_id, id)
);

-- Taken back once.
create unique index worklogs_reverses on worklogs (tenant_id, reverses) where reverses is not null;
create index worklogs_root on worklogs (tenant_id, root_ticket_id);
create index worklogs_agent on worklogs (tenant_id, agent, start_time);
create index worklogs_organization on worklogs (tenant_id, organization, start_time);

-- What was told of the bill: signed differences, in the order in which they were committed. A row never changes.
create table billables (
    tenant_id              text        not null,
    position               bigint      not null,
    ticket_id              uuid        not null,
    version                bigint      not null,
    organization           text        not null,
    tariff                 text        not null,
    -- What was counted together.
    grouping_key           text        not null,
    rate                   text        not null,
    -- 1, 2, 3 … of each line.
    sequence               bigint      not null,
    units                  bigint      not null,
    amount                 bigint      not null,
    price                  bigint      not null,
    currency               text        not null,
    -- Whether a consent was needed, and was there.
    consent                text        not null check (consent in ('NOT_NEEDED', 'GIVEN', 'MISSING')),
    work_time              timestamptz not null,
    -- To which period it belongs: that of the work, or the first that was open.
    post_time              timestamptz not null,
    record_time            timestamptz not null,
    configuration_revision bigint      not null,
    primary key (tenant_id, position),
    unique (tenant_id, ticket_id, organization, tariff, grouping_key, rate, sequence)
);

create index billables_posted on billables (tenant_id, post_time, position);

-- How far the books are: one row of each tenant, locked while something is posted, so that positions are commits in order.
create table billing_accounts (
    tenant_id    text        primary key,
    last_position bigint     not null,
    -- What is posted before is billed, and does not change.
    locked_until timestamptz
);

-- Periods that were handed over.
create table billing_locks (
    tenant_id   text        not null,
    end_time    timestamptz not null,
    -- Null: the first.
    start_time  timestamptz,
    position    bigint      not null,
    author_kind text        not null,
    author_id   text        not null,
    create_time timestamptz not null,
    primary key (tenant_id, end_time)
);

-- What is given back of what was billed.
create table credit_notes (
    tenant_id    text        not null,
    id           uuid        not null,
    position     bigint      not null,
    ticket_id    uuid        not null,
    version      bigint      not null,
    organization text        not null,
    amount       bigint      not null check (amount > 0),
    currency     text        not null,
    reason       text        not null,
    author_kind  text        not null,
    author_id    text        not null,
    create_time  timestamptz not null,
    primary key (tenant_id, id)
);

create index credit_notes_billable on credit_notes (tenant_id, position);

-- Tickets that are to be rated again, because something else changed what they cost.
create table rerates (
    tenant_id text        not null,
    ticket_id uuid        not null,
    due_time  timestamptz not null,
    primary key (tenant_id, ticket_id)
);

create index rerates_due on rerates (due_time);

-- Behind the wall of 0019.
do $$
declare
    tenants_own name;
begin
    foreach tenants_own in array array['entitlements', 'worklogs', 'billables', 'billing_accounts', 'billing_locks',
                                       'credit_notes', 'rerates'] loop
        execute format('alter table %I enable row level security', tenants_own);
        execute format('alter table %I force row level security', tenants_own);
        execute format(
            'create policy tenant on %I to ticketing_app using (tenant_id = current_setting(''ticketing.tenant''))',
            tenants_own);
        execute format('create policy jobs on %I to ticketing_jobs using (true)', tenants_own);
    end loop;
end $$;

grant select, insert, update, delete on entitlements, worklogs, billables, billing_accounts, billing_locks, credit_notes,
    rerates to ticketing_app;
-- Keys and times of what is due.
grant select (tenant_id, ticket_id, due_time) on rerates to ticketing_jobs;
