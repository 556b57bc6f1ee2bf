-- Where a tenant's events go by HTTP, and what is on its way.
create table subscriptions (
    tenant_id            text        not null references tenants (id),
    id                   uuid        not null,
    version              bigint      not null,
    display_name         text        not null,
    url                  text        not null,
    -- Which events.
    wanted               jsonb       not null,
    state                text        not null check (state in ('ACTIVE', 'PAUSED', 'DISABLED')),
    -- Null: it is not disabled.
    disable_reason       text,
    -- Sealed; the old ones, too, as long as they sign.
    keys                 jsonb       not null,
    -- Deliveries of all events up to this place in the stream are there.
    position             bigint      not null,
    last_success_time    timestamptz,
    last_failure_time    timestamptz,
    failing_since_time   timestamptz,
    consecutive_failures integer     not null,
    create_time          timestamptz not null,
    update_time          timestamptz not null,
    primary key (tenant_id, id)
);

-- One event on its way to one subscriber.
create table deliveries (
    tenant_id        text        not null,
    subscription_id  uuid        not null,
    ticket_id        uuid        not null,
    -- The ticket's version after the event.
    version          bigint      not null,
    type             text        not null,
    position         bigint      not null,
    state            text        not null check (state in ('PENDING', 'DELIVERED', 'DEAD')),
    -- What is sent: the same bytes at each attempt.
    body             text        not null,
    -- Attempts ever: whoever writes a result must know the number of its own.
    attempt          integer     not null,
    -- Attempts since it was last made due by hand: the place in the schedule.
    tries            integer     not null,
    due_time         timestamptz not null,
    -- Null: nobody is at it.
    claim_until_time timestamptz,
    attempts         jsonb       not null,
    create_time      timestamptz not null,
    settle_time      timestamptz,
    primary key (tenant_id, subscription_id, ticket_id, version),
    foreign key (tenant_id, subscription_id) references subscriptions (tenant_id, id) on delete cascade
);

-- What is due of a subscription; what is older of a ticket is found by the key.
create index deliveries_due on deliveries (tenant_id, subscription_id, due_time) where state = 'PENDING';
-- What is done, oldest first, to be forgotten.
create index deliveries_settled on deliveries (settle_time) where state = 'DELIVERED';
-- A subscription's deliveries, newest first.
create index deliveries_position on deliveries (tenant_id, subscription_id, position);
