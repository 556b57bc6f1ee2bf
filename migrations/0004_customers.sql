-- Customers, as far as support needs to know them. The CRM owns them; its keys are the keys here.

create table organizations (
    tenant_id    text        not null references tenants (id),
    key          text        not null,
    version      bigint      not null,
    display_name text        not null,
    annotations  jsonb       not null,
    create_time  timestamptz not null,
    update_time  timestamptz not null,
    primary key (tenant_id, key)
);

-- `organization` is no foreign key: the CRM sends its records in any order, and tickets name whom nobody knows yet.
create table contacts (
    tenant_id     text        not null references tenants (id),
    key           text        not null,
    version       bigint      not null,
    display_name  text        not null,
    organization  text        not null,
    email         text        not null,
    phone         text        not null,
    language_code text        not null,
    annotations   jsonb       not null,
    create_time   timestamptz not null,
    update_time   timestamptz not null,
    primary key (tenant_id, key)
);

-- Who belongs to this customer, and who wrote this mail? Contacts change rarely, so both are cheap.
create index contacts_organization on contacts (tenant_id, organization, key) where organization <> '';
create index contacts_email on contacts (tenant_id, email, key) where email <> '';
