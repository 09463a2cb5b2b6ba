-- +goose Up

-- Codes name, in mail addresses of Offramp, recipients whose own addresses are
-- too long to be part of them.
-- recipient and address are NULL once the person was erased.
CREATE TABLE codes (
	code      BLOB PRIMARY KEY,
	recipient TEXT,
	address   TEXT
) STRICT, WITHOUT ROWID;
CREATE INDEX codes_recipient ON codes (recipient) WHERE recipient IS NOT NULL;
