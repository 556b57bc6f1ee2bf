-- How long entries wait for their place in the chain is measured. Of an entry that is no more than its time.
grant select (time) on audit to ticketing_jobs;
