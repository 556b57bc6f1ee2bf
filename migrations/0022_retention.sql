-- Tickets that have been over for long enough go, with all that belongs to them (`src/tickets/retire.rs`).
grant delete on tickets, events, stream, comments, escalations, sla_clocks to ticketing_app;
