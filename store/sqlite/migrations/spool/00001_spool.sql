-- +goose Up

-- Times are microseconds since 1970 in UTC. num grows with every message
-- begun; the columns of one message never change.
CREATE TABLE messages (
	num          INTEGER PRIMARY KEY,
	id           TEXT NOT NULL UNIQUE, -- queue id
	received     INTEGER NOT NULL,
	reverse_path TEXT NOT NULL,
	client       TEXT NOT NULL,
	login        TEXT NOT NULL,
	message_id   TEXT NOT NULL,
	list         TEXT NOT NULL,
	eight_bit    INTEGER NOT NULL,
	utf8         INTEGER NOT NULL,
	require_tls  INTEGER NOT NULL,
	ret          TEXT NOT NULL,
	envelope_id  TEXT NOT NULL,
	parts        TEXT, -- JSON; NULL: none
	size         INTEGER NOT NULL, -- octets of the whole body
	chunks       INTEGER NOT NULL, -- rows of the body in table chunks
	sum          INTEGER NOT NULL, -- CRC-32C of trace, header and tail
	body_hash    BLOB,
	trace        BLOB,
	header       BLOB,
	tail         BLOB -- the body, or what follows its chunks
) STRICT;

-- Full chunks of large bodies, written while they arrive: also those of
-- messages that are not committed yet, hence no foreign key.
CREATE TABLE chunks (
	message INTEGER NOT NULL,
	n       INTEGER NOT NULL,
	sum     INTEGER NOT NULL, -- CRC-32C of data
	data    BLOB NOT NULL,
	PRIMARY KEY (message, n)
) STRICT, WITHOUT ROWID;

CREATE TABLE recipients (
	message  INTEGER NOT NULL REFERENCES messages (num),
	n        INTEGER NOT NULL,
	address  TEXT NOT NULL,
	domain   TEXT NOT NULL,
	notify   TEXT NOT NULL,
	original TEXT NOT NULL,
	state    TEXT NOT NULL, -- queued, held, failed
	attempts INTEGER NOT NULL,
	next     INTEGER NOT NULL,
	code     INTEGER NOT NULL,
	enhanced TEXT NOT NULL,
	text     TEXT NOT NULL,
	host     TEXT NOT NULL,
	PRIMARY KEY (message, n)
) STRICT, WITHOUT ROWID;

CREATE INDEX recipients_failed ON recipients (message) WHERE state = 'failed';
