-- The stream by bucket, and how far the broker has it.

-- Of the tenant. What goes to the broker is read bucket by bucket, whoever lives there.
alter table stream add column bucket smallint;
update stream set bucket = get_byte(sha256(convert_to(tenant_id, 'UTF8')), 0);
alter table stream alter column bucket set not null;
create unique index stream_bucket on stream (bucket, position);

-- A bucket is told to the broker by one process at a time, which holds its lease.
create table relay_heads (
    bucket      smallint    primary key,
    -- The broker has confirmed everything up to here.
    position    bigint      not null default 0,
    owner       uuid,
    -- Counts the owners; what one with a lower number says is not believed.
    token       bigint      not null default 0,
    -- By the database's clock.
    expire_time timestamptz not null default '-infinity'
);
insert into relay_heads (bucket) select n from generate_series(0, 255) n;

-- Who would take leases: each has a fair share of them.
create table relay_owners (
    owner       uuid        primary key,
    expire_time timestamptz not null
);
