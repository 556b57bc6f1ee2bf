-- Everything that a tenant decides, as immutable revisions of one document.

create table configurations (
    tenant_id   text        not null references tenants (id),
    revision    bigint      not null,
    document    jsonb       not null,
    author      text        not null,
    comment     text        not null,
    create_time timestamptz not null,
    primary key (tenant_id, revision)
);
