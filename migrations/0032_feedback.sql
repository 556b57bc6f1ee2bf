-- What customers are asked about resolutions, and what they say.
create table feedback (
    tenant_id         text        not null,
    id                uuid        not null,
    ticket_id         uuid        not null,
    survey            text        not null,
    scale             text        not null check (scale in ('CSAT', 'NPS', 'CES')),
    state             text        not null check (state in ('REQUESTED', 'GIVEN')),
    -- Who is asked; empty: the person was erased.
    contact           text        not null,
    -- How the ticket stood when it was time to ask.
    agent             text        not null,
    level             text        not null,
    team              text        not null,
    queue             text        not null,
    organization      text        not null,
    -- The resolution that it is about.
    resolve_time      timestamptz not null,
    request_time      timestamptz not null,
    -- SHA-256 of the secret that answers, which nobody keeps; null: there is none. It stays when it was used, to say so.
    token_hash        bytea,
    token_expire_time timestamptz,
    token_issuer_kind text,
    token_issuer_id   text,
    score             integer,
    comment           text        not null,
    give_time         timestamptz,
    primary key (tenant_id, id),
    check ((state = 'GIVEN') = (score is not null)),
    check ((state = 'GIVEN') = (give_time is not null)),
    check ((token_hash is null) or (token_expire_time is not null and token_issuer_kind is not null and token_issuer_id is not null))
);

-- Asked once for each resolution.
create unique index feedback_resolution on feedback (tenant_id, ticket_id, resolve_time);
create index feedback_request_time on feedback (tenant_id, request_time, id);
create index feedback_survey on feedback (tenant_id, survey, request_time);
-- Whom to leave in peace.
create index feedback_contact on feedback (tenant_id, contact, request_time);

-- Resolutions that are to be asked about, the last of each ticket. Whether it still stands is looked at when it is time.
create table feedback_due (
    tenant_id    text        not null,
    ticket_id    uuid        not null,
    survey       text        not null,
    resolve_time timestamptz not null,
    due_time     timestamptz not null,
    primary key (tenant_id, ticket_id)
);

create index feedback_due_time on feedback_due (due_time);

-- Behind the wall of 0019.
do $$
declare
    tenants_own name;
begin
    foreach tenants_own in array array['feedback', 'feedback_due'] loop
        execute format('alter table %I enable row level security', tenants_own);
        execute format('alter table %I force row level security', tenants_own);
        execute format(
            'create policy tenant on %I to ticketing_app using (tenant_id = current_setting(''ticketing.tenant''))',
            tenants_own);
        execute format('create policy jobs on %I to ticketing_jobs using (true)', tenants_own);
    end loop;
end $$;

grant select, insert, update, delete on feedback, feedback_due to ticketing_app;
-- What is due: keys and times.
grant select (tenant_id, ticket_id, due_time) on feedback_due to ticketing_jobs;
