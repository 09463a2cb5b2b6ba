-- +goose Up

-- Codes that stand in mail addresses for recipients who are too long for them.
-- recipient and address are NULL once the person was erased.
CREATE TABLE codes (
	code      BLOB PRIMARY KEY,
	recipient TEXT,
	address   TEXT
) STRICT, WITHOUT ROWID;
CREATE INDEX codes_recipient ON codes (recipient) WHERE recipient IS NOT NULL;
