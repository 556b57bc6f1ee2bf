-- Every event that was taken in. What is older than the broker keeps events (30 days) may be deleted.
create table if not exists inbox (
    event text primary key,
    receive_time timestamptz not null default now()
);

-- How far each ticket is known, and what of it an invoice asks for.
create table if not exists tickets (
    ticket text primary key,
    version bigint not null default 0,
    plan text not null default ''
);

-- One line for each resolution. No key keeps doubles out: the inbox does.
create table if not exists invoice_lines (
    line bigint generated always as identity primary key,
    event text not null,
    ticket text not null,
    number bigint not null,
    organization text not null,
    plan text not null,
    level text not null,
    code text not null,
    cents bigint not null,
    resolve_time timestamptz not null
);
