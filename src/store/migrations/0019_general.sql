-- What was read out of uploaded files: what all have, and beside it what those of one domain have, as JSON.
CREATE TABLE general (
    id TEXT PRIMARY KEY,
    call_sid TEXT NOT NULL UNIQUE REFERENCES calls (sid) ON DELETE CASCADE,
    file_name TEXT NOT NULL,
    version BIGINT NOT NULL,
    domain TEXT NOT NULL,
    category TEXT NOT NULL,
    confidence BIGINT NOT NULL,
    detected_by TEXT,
    extracted_by TEXT,
    sentiment TEXT,
    agent_name TEXT,
    customer_name TEXT,
    resolution TEXT,
    topics TEXT NOT NULL,
    action_items TEXT NOT NULL,
    stage1_input BIGINT NOT NULL,
    stage1_output BIGINT NOT NULL,
    stage2_input BIGINT NOT NULL,
    stage2_output BIGINT NOT NULL,
    total_tokens BIGINT NOT NULL,
    notes TEXT NOT NULL,
    failed_stage BIGINT,
    failed TEXT,
    created_at BIGINT NOT NULL,
    updated_at BIGINT NOT NULL
);
CREATE TABLE domain_specific (
    general_id TEXT PRIMARY KEY REFERENCES general (id) ON DELETE CASCADE,
    data TEXT NOT NULL
);
