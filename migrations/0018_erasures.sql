-- People whose data was erased: that it happened, by whom, and how much it was. Of the person nothing stays.
create table erasures (
    tenant_id     text        not null references tenants (id),
    -- Names what stands in the person's place: `erased-{id}`.
    id            uuid        not null,
    -- The contact's key as long as there is something to do; null: it is done.
    contact       text,
    author_kind   text        not null,
    author_id     text        not null,
    create_time   timestamptz not null,
    complete_time timestamptz,
    tickets       bigint      not null,
    comments      bigint      not null,
    events        bigint      not null,
    escalations   bigint      not null,
    deliveries    bigint      not null,
    receipts      bigint      not null,
    primary key (tenant_id, id),
    check ((contact is null) = (complete_time is not null))
);

-- Whoever comes back goes on, under the same name.
create unique index erasures_contact on erasures (tenant_id, contact) where contact is not null;

-- In whose name a ticket was asked before; few tickets change hands.
create index events_former_requester on events (tenant_id, (changes -> 'requester' ->> 0))
    where changes -> 'requester' ->> 0 <> '';
