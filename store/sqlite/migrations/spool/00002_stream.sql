-- +goose Up

ALTER TABLE messages ADD COLUMN untouched INTEGER NOT NULL DEFAULT 0; -- leaves without our fields; its list's opt-outs hold
ALTER TABLE messages ADD COLUMN mark TEXT NOT NULL DEFAULT ''; -- what made it list mail or not
ALTER TABLE messages ADD COLUMN unmarked INTEGER NOT NULL DEFAULT 0; -- a default decided
