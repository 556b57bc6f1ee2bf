-- What is known. An article is a head that changes and revisions that do not, but for when they were published and for
-- erasure; a translation is an article of its own.
create table articles (
    tenant_id          text        not null,
    id                 uuid        not null,
    -- Of the same blocks as tickets' numbers.
    number             bigint      not null,
    version            bigint      not null,
    -- Of its latest revision, but for ARCHIVED.
    state              text        not null check (state in ('DRAFT', 'REVIEW', 'PUBLISHED', 'ARCHIVED')),
    language_code      text        not null,
    latest_revision    integer     not null,
    -- The one in use. Null: none is.
    published_revision integer,
    -- Null: it is an original.
    translation_of     uuid,
    review_note        text        not null,
    create_time        timestamptz not null,
    update_time        timestamptz not null,
    publish_time       timestamptz,
    -- Since when too many of its tickets were opened again. Null: it holds.
    stale_time         timestamptz,
    primary key (tenant_id, id),
    unique (tenant_id, number),
    check (published_revision <= latest_revision),
    check (state <> 'PUBLISHED' or published_revision = latest_revision),
    check (state <> 'ARCHIVED' or published_revision is null)
);

create unique index articles_translations on articles (tenant_id, translation_of, language_code)
    where translation_of is not null;

create table article_revisions (
    tenant_id       text        not null,
    article_id      uuid        not null,
    revision        integer     not null,
    kind            text        not null check (kind in ('STANDARD_ANSWER', 'WORKAROUND', 'SOLUTION', 'HOW_TO')),
    audience        text        not null check (audience in ('INTERNAL', 'CUSTOMER', 'PUBLIC')),
    -- Empty: any level may use it.
    lowest_level    text        not null,
    category        text        not null,
    product         text        not null,
    title           text        not null,
    body            text        not null,
    -- The text is a ticket's, as it was drafted, or an erased one's: it is not reviewed as it is.
    unrevised       boolean     not null,
    -- Of a translation: the revision of the original that it renders.
    source_revision integer,
    author_kind     text        not null,
    author_id       text        not null,
    revise_time     timestamptz not null,
    -- When it came into use. Null: it never did, and erasure takes its text.
    issue_time      timestamptz,
    primary key (tenant_id, article_id, revision)
);

-- What is proposed for tickets of a category.
create index article_revisions_category on article_revisions (tenant_id, category, article_id)
    where issue_time is not null;

-- What articles and tickets have to do with one another: as the ticket's event of that version tells.
create table article_links (
    tenant_id   text        not null,
    ticket_id   uuid        not null,
    version     bigint      not null,
    article_id  uuid        not null,
    relation    text        not null check (relation in ('USED', 'CREATED_FROM', 'DID_NOT_HELP')),
    revision    integer     not null,
    author_kind text        not null,
    author_id   text        not null,
    create_time timestamptz not null,
    -- When the ticket was opened again after it was used.
    reopen_time timestamptz,
    primary key (tenant_id, ticket_id, version)
);

-- Counts are read here, so that no row is everybody's.
create index article_links_of on article_links (tenant_id, article_id, ticket_id, version)
    include (relation, revision, reopen_time);

-- How often somebody found the answer: in several rows, so that nobody waits for another.
create table article_deflections (
    tenant_id  text     not null,
    article_id uuid     not null,
    shard      smallint not null,
    count      bigint   not null,
    primary key (tenant_id, article_id, shard)
);

-- How many articles lost texts by an erasure. Null: a release began it that knew of none.
alter table erasures add column articles bigint;

-- Behind the wall of 0019.
do $$
declare
    tenants_own name;
begin
    foreach tenants_own in array array['articles', 'article_revisions', 'article_links', 'article_deflections'] loop
        execute format('alter table %I enable row level security', tenants_own);
        execute format('alter table %I force row level security', tenants_own);
        execute format(
            'create policy tenant on %I to ticketing_app using (tenant_id = current_setting(''ticketing.tenant''))',
            tenants_own);
        execute format('create policy jobs on %I to ticketing_jobs using (true)', tenants_own);
    end loop;
end $$;

grant select, insert, update, delete on articles, article_revisions, article_links, article_deflections to ticketing_app;
