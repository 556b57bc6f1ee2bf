-- What is said on tickets. The event that tells it has the text too; redaction removes it from both.

create table comments (
    tenant_id   text        not null,
    ticket_id   uuid        not null,
    -- The ticket's version by which it was said: the comments of a ticket in their order.
    version     bigint      not null,
    -- Unique by the way it is made; looked up among the comments of one ticket, which are few.
    id          uuid        not null,
    visibility  text        not null check (visibility in ('PUBLIC', 'INTERNAL')),
    text        text        not null,
    author_kind text        not null,
    author_id   text        not null,
    automatic   boolean     not null,
    create_time timestamptz not null,
    redact_time timestamptz,
    primary key (tenant_id, ticket_id, version)
);
