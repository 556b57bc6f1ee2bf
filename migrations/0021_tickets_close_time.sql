-- no-transaction
-- Which tickets have been over for long enough (`src/tickets/retire.rs`). Built while tickets are written.
create index concurrently if not exists tickets_close_time on tickets (tenant_id, close_time) where close_time is not null;
