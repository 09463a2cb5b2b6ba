-- +goose Up

-- API keys. hash is of the whole key, which is kept nowhere; lists is a sequence
-- of texts, each after its length (uvarint). Times of 0: never.
CREATE TABLE api_keys (
	id      TEXT PRIMARY KEY,
	hash    BLOB NOT NULL,
	name    TEXT NOT NULL,
	scope   TEXT NOT NULL,
	lists   BLOB NOT NULL,
	created INTEGER NOT NULL,
	expires INTEGER NOT NULL,
	revoked INTEGER NOT NULL,
	used    INTEGER NOT NULL
) STRICT, WITHOUT ROWID;

-- Requests with an Idempotency-Key. id, digest and answer can only be read with
-- the request. answer is NULL while it runs.
CREATE TABLE requests (
	id     BLOB PRIMARY KEY,
	caller TEXT NOT NULL,
	digest BLOB NOT NULL,
	started  INTEGER NOT NULL,
	holder BLOB NOT NULL,
	until  INTEGER NOT NULL,
	answer BLOB
) STRICT;
CREATE INDEX requests_started ON requests (started);

-- How many of them a caller has, and the bytes of their answers; '': all callers.
CREATE TABLE request_shares (
	caller TEXT PRIMARY KEY,
	count  INTEGER NOT NULL,
	bytes  INTEGER NOT NULL
) STRICT, WITHOUT ROWID;
