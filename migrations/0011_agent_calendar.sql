-- Who is on shift when.

alter table agents
    -- Key of the calendar of the agent's own shift; empty: that of the team for which it would work.
    add column calendar text not null default '';
