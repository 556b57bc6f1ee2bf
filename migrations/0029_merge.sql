-- The ticket in which one goes on; null: it goes on by itself. Nothing moves when tickets are merged.
alter table tickets add column merged_into uuid;

-- How tickets stand to each other: the first one is the incident CAUSED_BY the second, and so on. MERGED_INTO says again what
-- `tickets.merged_into` says, so that a survivor finds its own by a small index.
create table ticket_links (
    tenant_id   text        not null,
    ticket_id   uuid        not null,
    type        text        not null check (type in ('PARENT', 'DUPLICATES', 'BLOCKS', 'CAUSED_BY', 'RELATES', 'FOLLOW_UP',
                                                     'MERGED_INTO')),
    other_id    uuid        not null,
    create_time timestamptz not null,
    -- Of CAUSED_BY: since when the first one is to be told of the other one's resolution; null: there is nothing to tell.
    offer_due_time timestamptz,
    primary key (tenant_id, ticket_id, type, other_id),
    check (ticket_id <> other_id)
);

create index ticket_links_other on ticket_links (tenant_id, other_id, type);
-- Incidents that are to be told, of all tenants.
create index ticket_links_due on ticket_links (offer_due_time) where offer_due_time is not null;

-- An id as names spell it (`src/ids.rs`): what filters compare.
create function spelt(id uuid) returns text language sql immutable strict parallel safe as $$
    select string_agg(substr('0123456789abcdefghjkmnpqrstvwxyz',
                             1 + substring(bits from 1 + 5 * place for 5)::int, 1), '' order by place)
    from (select ('x' || replace(id::text, '-', ''))::bit(128) || B'00' as bits) all_bits, generate_series(0, 25) place
$$;

-- Behind the wall of 0019.
alter table ticket_links enable row level security;
alter table ticket_links force row level security;
create policy tenant on ticket_links to ticketing_app using (tenant_id = current_setting('ticketing.tenant'));
create policy jobs on ticket_links to ticketing_jobs using (true);

grant select, insert, update, delete on ticket_links to ticketing_app;
-- What waits to be offered: keys and times.
grant select (tenant_id, ticket_id, offer_due_time) on ticket_links to ticketing_jobs;
