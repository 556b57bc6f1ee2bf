-- Requests to more skill, and what became of them. A row is written under the lock of its ticket.

create table escalations (
    tenant_id           text        not null,
    ticket_id           uuid        not null,
    id                  uuid        not null,
    mode                text        not null check (mode in ('HANDOVER', 'CONSULT')),
    state               text        not null check (state in ('PENDING', 'ACCEPTED', 'DECLINED', 'WITHDRAWN', 'EXPIRED')),
    reason              text        not null,
    justification       text        not null,
    from_level          text        not null,
    from_team           text        not null,
    from_queue          text        not null,
    from_agent          text,
    to_level            text        not null,
    to_team             text        not null,
    to_queue            text        not null,
    -- Who took it up.
    to_agent            text,
    author_kind         text        not null,
    author_id           text        not null,
    create_time         timestamptz not null,
    acceptance_due_time timestamptz,
    expire_time         timestamptz,
    settle_time         timestamptz,
    settler_kind        text,
    settler_id          text,
    decline_reason      text,
    settle_note         text        not null,
    hand_back_reason    text,
    hand_back_time      timestamptz,
    primary key (tenant_id, ticket_id, id),
    foreign key (tenant_id, ticket_id) references tickets (tenant_id, id)
);

-- One question at a time.
create unique index escalations_pending on escalations (tenant_id, ticket_id) where state = 'PENDING';
create index escalations_create_time on escalations (tenant_id, create_time desc, id desc);
-- The job looks across tenants; what waits for an answer is little.
create index escalations_expire_time on escalations (expire_time)
    where state = 'PENDING' and expire_time is not null;
