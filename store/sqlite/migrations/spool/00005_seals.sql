-- +goose Up

-- Checksum of what says whose mail a message is and how it leaves; the header
-- and the body have their own. 0: from an earlier release, not checked.
ALTER TABLE messages ADD COLUMN seal INTEGER NOT NULL DEFAULT 0;
