-- How often a process that had the call died: what makes it a dead letter. Attempts count retries as well.
ALTER TABLE call ADD COLUMN deaths int4 NOT NULL DEFAULT 0;
