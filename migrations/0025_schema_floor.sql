-- Which programs the schema still serves: those that know at least the migration that the greatest floor names. A migration that
-- takes away what the release before still uses inserts the first version whose program does without.
create table schema_floor (version bigint primary key);

grant select on schema_floor to ticketing_jobs;
