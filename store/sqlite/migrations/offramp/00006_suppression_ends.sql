-- +goose Up

-- 0: until it is removed. A suppression that has ended stops nothing.
ALTER TABLE suppressions ADD COLUMN until INTEGER NOT NULL DEFAULT 0;
CREATE INDEX suppressions_until ON suppressions (until) WHERE until > 0;
