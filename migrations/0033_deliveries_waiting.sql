-- no-transaction
-- What waits for a receiver, the oldest first: by when it is due, what was put off the longest would come last.
create index concurrently if not exists deliveries_waiting on deliveries (tenant_id, subscription_id, create_time) where state = 'PENDING';
