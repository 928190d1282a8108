-- Recordings are browsed newest first, and counted by age.
CREATE INDEX recordings_by_start ON recordings (opened_at, call_sid, stream, track);
-- Jobs are listed by state, newest first; failed ones stay.
CREATE INDEX jobs_by_state ON jobs (state, id);
