-- Of an outbound call, the number that was called is the one that is asked for.
CREATE INDEX leads_by_called ON leads (to_number, created_at);
