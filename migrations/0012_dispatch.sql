-- How tickets find their agents: what they ask for, whom they were offered to, whom they should not bother for a while.

alter table tickets
    -- Key of the routing rule by which it stands in its queue; empty: it came otherwise, or by default.
    add column routing_rule      text        not null default '',
    -- [{"skill", "min_level", "drop_after"}]: what the rule that sent it here asks of an agent; seconds of waiting after
    -- which it does without, null: never.
    add column skills            jsonb       not null default '[]',
    -- Who is asked to take it. Takes room as if it were owned.
    add column offered_to        text,
    add column offer_expire_time timestamptz,
    -- {"agent": until when it is not offered to the agent again}
    add column cool_downs        jsonb       not null default '{}',
    -- Who had it last.
    add column former_assignee   text,
    -- Waits although nobody can take it.
    add column routing_exhausted boolean     not null default false;

-- What takes an agent's room without being owned, and the timer of offers; both are few at any time.
create index tickets_offered_to on tickets (tenant_id, offered_to) where offered_to is not null;
create index tickets_offer_expire on tickets (offer_expire_time) where offer_expire_time is not null;

alter table agents
    -- When it was last given a ticket: who has been idle longest comes first.
    add column last_assign_time     timestamptz,
    -- Let an offer lapse, and is offered nothing until then.
    add column cool_down_until_time timestamptz;
