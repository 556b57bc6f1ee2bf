-- When services were not there. A correction is a new version, and none is ever changed: a report as of a time can be made
-- again, whatever was corrected since.
create table outages (
    tenant_id        text        not null references tenants (id),
    id               uuid        not null,
    version          bigint      not null,
    -- Key of the service in the configuration.
    service          text        not null,
    start_time       timestamptz not null,
    -- Null: it is still on.
    end_time         timestamptz,
    -- How much of the service was away, 1 to 100.
    severity_percent integer     not null check (severity_percent between 1 and 100),
    planned          boolean     not null,
    -- Recorded in error: counts nowhere.
    withdrawn        boolean     not null,
    note             text        not null,
    tickets          uuid[]      not null,
    author_kind      text        not null,
    author_id        text        not null,
    -- When the first version was recorded, and when this one was.
    create_time      timestamptz not null,
    record_time      timestamptz not null,
    primary key (tenant_id, id, version),
    check (end_time > start_time)
);

-- What was there in this time, newest first; and what had to do with this service, in whatever version.
create index outages_start_time on outages (tenant_id, start_time desc, id desc);
create index outages_service on outages (tenant_id, service, id);
