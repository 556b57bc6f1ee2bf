-- What is promised about time, and the clocks that measure it.

alter table tickets
    -- Keys of the SLA policies that hold for it, at most one for each agreement.
    add column sla_policies text[] not null default '{}',
    -- Revision of the configuration by which they hold; 0: nothing was ever promised.
    add column sla_revision bigint not null default 0;

-- A row is what the ticket's events make of its clock; `ticketing doctor --verify-clocks` makes it again and compares.
create table sla_clocks (
    tenant_id              text        not null,
    ticket_id              uuid        not null,
    -- 1, 2, 3 … within the ticket.
    number                 integer     not null,
    agreement              text        not null,
    policy                 text        not null,
    kind                   text        not null,
    -- For LEVEL and ACCEPTANCE: whose; else empty.
    level                  text        not null,
    priority               text        not null,
    -- Of the policy and its calendar.
    configuration_revision bigint      not null,
    -- Empty: around the clock.
    calendar               text        not null,
    target_seconds         bigint      not null,
    carried_seconds        bigint      not null,
    state                  text        not null,
    -- [{"time", "version", "signal"}]: what happened to it.
    signals                jsonb       not null,
    elapsed_seconds        bigint      not null,
    start_time             timestamptz not null,
    due_time               timestamptz,
    end_time               timestamptz,
    breach_time            timestamptz,
    detect_time            timestamptz,
    breached_on_apply      boolean     not null,
    supersedes             integer,
    -- What has been told of it.
    told                   jsonb       not null,
    -- When there is something to tell next.
    fire_time              timestamptz,
    time_zone_release      text        not null,
    primary key (tenant_id, ticket_id, number),
    foreign key (tenant_id, ticket_id) references tickets (tenant_id, id)
);

-- What is due, tenant by tenant; clocks that are over are in none of the two.
create index sla_clocks_fire on sla_clocks (tenant_id, fire_time) where fire_time is not null;
create index sla_clocks_due on sla_clocks (tenant_id, due_time, ticket_id, number)
    where state in ('RUNNING', 'PAUSED', 'BREACHING');
