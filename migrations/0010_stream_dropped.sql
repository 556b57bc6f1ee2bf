-- The stream is dropped from its old end some day. A reader who comes back to what is gone is told so, not led past it.
alter table stream_heads add column dropped bigint not null default 0;
comment on column stream_heads.dropped is 'Positions up to here are gone; a cursor before it has expired.';
