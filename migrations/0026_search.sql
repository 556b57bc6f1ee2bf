-- Words and where they stand. Behind the wall PostgreSQL may not use an index for `@@`, `%` or `like`, which are not leakproof;
-- equality and order of texts are, so words are found by those alone (`docs/decisions/0017`).

-- What is searched, and how far it is known. Whoever changes the words of a tenant's corpus has this row locked.
create table search_corpora (
    tenant_id text     not null,
    -- 1 tickets, 2 articles
    corpus    smallint not null,
    documents bigint   not null,
    -- The events up to this place in the stream are in the words; of what is indexed as it is written, 0.
    position  bigint   not null,
    primary key (tenant_id, corpus)
);

-- Where a word stands, the newest by the last ids: they are made in the order of time.
create table search_words (
    tenant_id text     not null,
    corpus    smallint not null,
    word      text     collate "C" not null,
    id        uuid     not null,
    -- How much it says of what everybody may read of it, and of the whole; 0: not in there.
    shown     smallint not null,
    whole     smallint not null,
    primary key (tenant_id, corpus, word, id) include (shown, whole)
);

-- The words of each, to find them again when they change or go.
create table search_documents (
    tenant_id text       not null,
    corpus    smallint   not null,
    id        uuid       not null,
    words     text[]     not null,
    shown     smallint[] not null,
    whole     smallint[] not null,
    primary key (tenant_id, corpus, id)
);

-- Which words there are.
create table search_vocabulary (
    tenant_id text     not null,
    corpus    smallint not null,
    word      text     collate "C" not null,
    primary key (tenant_id, corpus, word)
);

-- Each three letters in a row of them: for words that contain another, or are nearly the same.
create table search_grams (
    tenant_id text     not null,
    corpus    smallint not null,
    gram      text     collate "C" not null,
    word      text     collate "C" not null,
    primary key (tenant_id, corpus, gram, word)
);

-- Behind the wall of 0019.
do $$
declare
    tenants_own name;
begin
    foreach tenants_own in array array['search_corpora', 'search_words', 'search_documents', 'search_vocabulary',
        'search_grams'] loop
        execute format('alter table %I enable row level security', tenants_own);
        execute format('alter table %I force row level security', tenants_own);
        execute format(
            'create policy tenant on %I to ticketing_app using (tenant_id = current_setting(''ticketing.tenant''))',
            tenants_own);
        execute format('create policy jobs on %I to ticketing_jobs using (true)', tenants_own);
    end loop;
end $$;

grant select, insert, update, delete on search_corpora, search_words, search_documents, search_vocabulary, search_grams
    to ticketing_app;
-- How far each is; no word of anybody.
grant select (tenant_id, corpus, position) on search_corpora to ticketing_jobs;
