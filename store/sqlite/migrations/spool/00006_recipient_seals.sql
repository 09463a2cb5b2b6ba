-- +goose Up

-- Checksum of what never changes of a recipient: which it is, where its mail
-- goes, and what its sender is told. 0: from an earlier release, not checked.
ALTER TABLE recipients ADD COLUMN seal INTEGER NOT NULL DEFAULT 0;
