-- Tickets that have been over for long enough go, with all that belongs to them (`src/tickets/retire.rs`).
create index tickets_close_time on tickets (tenant_id, close_time) where close_time is not null;

grant delete on tickets, events, stream, comments, escalations, sla_clocks to ticketing_app;
