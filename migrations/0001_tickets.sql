-- Tenants, tickets, and the event log that is their history, timeline and outbox.

create table tenants (
    id          text        primary key check (id ~ '^[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?$'),
    -- Numbers are handed out in blocks: one update of this row for many tickets.
    next_number bigint      not null default 1,
    create_time timestamptz not null
);

create table tickets (
    tenant_id              text        not null references tenants (id),
    id                     uuid        not null,
    number                 bigint      not null,
    version                bigint      not null,
    state                  text        not null check (state in ('NEW', 'OPEN', 'WAITING_ON_CUSTOMER',
                               'WAITING_ON_VENDOR', 'ON_HOLD', 'RESOLVED', 'CLOSED', 'CANCELLED', 'MERGED')),
    kind                   text        not null,
    channel                text        not null,
    title                  text        not null,
    description            text        not null,
    requester              text        not null,
    organization           text        not null,
    category               text        not null,
    product                text        not null,
    language_code          text        not null,
    impact                 text        not null,
    urgency                text        not null,
    priority               text        not null,
    -- Place of the priority in the configuration, 0 the most pressing: orders lists and queues.
    priority_rank          int         not null,
    custom_fields          jsonb       not null,
    tags                   text[]      not null,
    annotations            jsonb       not null,
    external_source        text,
    external_id            text,
    level                  text        not null,
    queue                  text        not null,
    team                   text        not null,
    assignee               text,
    followers              text[]      not null,
    -- Stands in its queue by an escalation, and is served before the others.
    escalated              boolean     not null,
    pending_escalation     uuid,
    vendor_reference       text        not null,
    hold_reason            text        not null,
    hold_until_time        timestamptz,
    resolution             jsonb,
    follow_up_of           uuid,
    first_level            text        not null,
    highest_level          text        not null,
    -- The teams that have had it, in the order of their first time.
    teams                  text[]      not null,
    transfer_count         int         not null,
    return_count           int         not null,
    reopen_count           int         not null,
    imported               boolean     not null,
    configuration_revision bigint      not null,
    create_time            timestamptz not null,
    update_time            timestamptz not null,
    queue_time             timestamptz,
    assign_time            timestamptz,
    resolve_time           timestamptz,
    close_time             timestamptz,
    auto_close_time        timestamptz,
    primary key (tenant_id, id)
);

create unique index tickets_number on tickets (tenant_id, number);
create unique index tickets_external_key on tickets (tenant_id, external_source, external_id)
    where external_source is not null;
-- The orders of lists. A new ticket goes to the right end of the first two, which costs next to nothing.
create index tickets_create_time on tickets (tenant_id, create_time desc, id desc);
-- Moves with every write, so no write of a ticket is a heap-only one. Few could be: states, queues and assignees are in
-- other indexes already. What is left are comments, labels and edits, which pay a third on top of the bare update and
-- write an event, an outbox row and a receipt besides. For that, "what happened last", which help desks ask all day,
-- reads a page and not the whole tenant, and a list in an order that moves finds what changed since its first page.
create index tickets_update_time on tickets (tenant_id, update_time desc, id desc);
-- The work at hand by priority; small, whatever the archive holds. Who orders the archive by priority has it sorted.
create index tickets_live on tickets (tenant_id, priority_rank, id)
    where state in ('NEW', 'OPEN', 'WAITING_ON_CUSTOMER', 'WAITING_ON_VENDOR', 'ON_HOLD');
-- A customer's own tickets: the row limit of everything that customers read. Moves only with the requester.
create index tickets_requester on tickets (tenant_id, requester, create_time desc, id desc);
-- What an agent owns and what counts against the capacity.
create index tickets_assignee on tickets (tenant_id, assignee)
    where assignee is not null and state not in ('RESOLVED', 'CLOSED', 'CANCELLED', 'MERGED');
-- A queue in the order of service.
create index tickets_queue on tickets (tenant_id, queue, escalated desc, priority_rank, queue_time, id)
    where queue_time is not null;
-- The timers of tickets; they are rare, so these indexes stay small. Jobs look across tenants.
create index tickets_auto_close on tickets (auto_close_time) where auto_close_time is not null;
create index tickets_hold_until on tickets (hold_until_time) where hold_until_time is not null;

-- One row is one change of one ticket, whole: texts included. What leaves the house is its projection.
create table events (
    tenant_id              text        not null,
    ticket_id              uuid        not null,
    version                bigint      not null,
    type                   text        not null,
    actor_kind             text        not null,
    actor_id               text        not null,
    request_id             text        not null,
    rule                   text        not null,
    configuration_revision bigint      not null,
    occur_time             timestamptz not null,
    record_time            timestamptz not null,
    traceparent            text        not null,
    -- {"field": [before, after]}
    changes                jsonb       not null,
    note                   text        not null,
    reason                 text        not null,
    -- What belongs to this type of event alone, for instance a comment's id.
    details                jsonb       not null,
    -- How the ticket stood after it: what subscribers filter by.
    facts                  jsonb       not null,
    imported               boolean     not null,
    primary key (tenant_id, ticket_id, version)
);

-- Committed events that have no place in the stream yet. `seq` orders the events of one ticket: it is drawn while the
-- ticket's row is locked. It promises nothing between tickets; the stream's position does.
create table outbox (
    bucket    smallint not null,
    seq       bigint   generated always as identity,
    tenant_id text     not null,
    ticket_id uuid     not null,
    version   bigint   not null,
    primary key (bucket, seq)
);

-- The place of each event in its tenant's stream. A tenant lives in one bucket, a bucket has one head.
create table stream (
    tenant_id   text        not null,
    position    bigint      not null,
    ticket_id   uuid        not null,
    version     bigint      not null,
    record_time timestamptz not null,
    primary key (tenant_id, position)
);
create index stream_record_time on stream (tenant_id, record_time, position);

create table stream_heads (
    bucket   smallint primary key,
    position bigint   not null
);
insert into stream_heads (bucket, position) select n, 0 from generate_series(0, 255) n;

-- What a request_id led to, written in the transaction that did it.
create table idempotency (
    tenant_id   text        not null,
    principal   text        not null,
    method      text        not null,
    request_id  text        not null,
    fingerprint bytea       not null,
    receipt     jsonb       not null,
    create_time timestamptz not null,
    primary key (tenant_id, principal, method, request_id)
);
create index idempotency_create_time on idempotency (create_time);

-- Keys that all replicas share: page tokens and cursors are sealed with them.
create table secrets (
    name text  primary key,
    key  bytea not null
);
