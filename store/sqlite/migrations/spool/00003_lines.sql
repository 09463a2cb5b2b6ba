-- +goose Up

ALTER TABLE messages ADD COLUMN long_lines INTEGER NOT NULL DEFAULT 0; -- the body has lines over 998 bytes
