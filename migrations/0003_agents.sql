-- The people who work on tickets. What an agent owns is counted from `tickets` under the agent's row lock: there is no
-- second number that could differ.

create table agents (
    tenant_id               text        not null references tenants (id),
    key                     text        not null,
    version                 bigint      not null,
    display_name            text        not null,
    -- The first is home.
    teams                   text[]      not null,
    -- {"skill": level}
    skills                  jsonb       not null,
    capacity                int         not null check (capacity between 0 and 1000),
    availability            text        not null check (availability in ('AVAILABLE', 'AWAY')),
    -- When AWAY ends by itself.
    availability_until_time timestamptz,
    create_time             timestamptz not null,
    update_time             timestamptz not null,
    primary key (tenant_id, key)
);
