-- What uploaded files are about, and how their data is asked for. A row without a prompt is in the making.
CREATE TABLE prompts (
    domain TEXT NOT NULL,
    category TEXT NOT NULL,
    prompt TEXT,
    made_by TEXT NOT NULL,
    created_at BIGINT NOT NULL,
    updated_at BIGINT NOT NULL,
    PRIMARY KEY (domain, category)
);
INSERT INTO prompts (domain, category, prompt, made_by, created_at, updated_at) VALUES
('healthcare', 'appointment_scheduling', 'appointment_date, appointment_time, provider (whom the patient sees), department, location, reason (for the visit), is_new_patient, insurance_provider', 'start', 0, 0),
('healthcare', 'billing_inquiry', 'account_number, bill_date, amount, service (that was billed), insurance_provider, payment_method, dispute_reason', 'start', 0, 0),
('healthcare', 'prescription_refill', 'medication, dosage, quantity, pharmacy, prescription_number, prescriber, pickup_date', 'start', 0, 0),
('insurance', 'claim_inquiry', 'claim_number, policy_number, incident_date, incident_type, amount, claim_status, adjuster', 'start', 0, 0),
('insurance', 'policy_inquiry', 'policy_number, policy_type, coverage (that was asked about), start_date, end_date, deductible', 'start', 0, 0),
('insurance', 'premium_payment', 'policy_number, amount, due_date, payment_method, payment_date, confirmation_number', 'start', 0, 0),
('internet', 'technical_support', 'account_number, device, issue, since (when it began), steps_tried, ticket_number, technician_visit_date', 'start', 0, 0);
