-- +goose Up

ALTER TABLE lists ADD COLUMN public INTEGER NOT NULL DEFAULT 0;
ALTER TABLE lists ADD COLUMN third_party INTEGER NOT NULL DEFAULT 0;
ALTER TABLE lists ADD COLUMN language TEXT NOT NULL DEFAULT '';
ALTER TABLE lists ADD COLUMN sender TEXT NOT NULL DEFAULT '';
ALTER TABLE lists ADD COLUMN footer TEXT NOT NULL DEFAULT '';

ALTER TABLE choices ADD COLUMN until INTEGER NOT NULL DEFAULT 0; -- 0: not paused
ALTER TABLE choices ADD COLUMN every TEXT NOT NULL DEFAULT '';

-- Whether a person refuses that their data is shared. No row: never said.
CREATE TABLE sharing (
	recipient TEXT PRIMARY KEY,
	refused   INTEGER NOT NULL,
	since     INTEGER NOT NULL,
	way       TEXT NOT NULL
) STRICT, WITHOUT ROWID;

-- What was sent to whom. holder is the message that took the last turn of a
-- limit, previous the last before it; both only count for limits.
CREATE TABLE contacts (
	recipient TEXT NOT NULL,
	list      TEXT NOT NULL,
	first     INTEGER NOT NULL, -- 0: nothing was sent yet
	last      INTEGER NOT NULL,
	count     INTEGER NOT NULL,
	holder    TEXT NOT NULL,
	previous  INTEGER NOT NULL,
	retaken   INTEGER NOT NULL, -- the holder had this turn before it took it again
	PRIMARY KEY (recipient, list)
) STRICT, WITHOUT ROWID;
CREATE INDEX contacts_last ON contacts (last);

-- Keyed hashes of people who had everything erased.
CREATE TABLE erased (
	hash  TEXT PRIMARY KEY,
	since INTEGER NOT NULL
) STRICT, WITHOUT ROWID;

CREATE TABLE readers (
	name    TEXT PRIMARY KEY,
	through INTEGER NOT NULL,
	since   INTEGER NOT NULL
) STRICT, WITHOUT ROWID;

-- Single values: person-key (its fingerprint), scrub (due when there is a
-- row), ledger-start (number and link of the last event that was retired).
CREATE TABLE meta (
	name  TEXT PRIMARY KEY,
	value BLOB NOT NULL
) STRICT, WITHOUT ROWID;

-- The ledger. Contents are NULL once they were erased. An event of schema 1
-- has no link until the first start that finds it.
CREATE TABLE ledger (
	id         INTEGER PRIMARY KEY,
	time       INTEGER NOT NULL,
	kind       TEXT,
	recipient  TEXT,
	list       TEXT,
	way        TEXT,
	reason     TEXT,
	ref        INTEGER,
	queue_id   TEXT,
	message_id TEXT,
	ip         TEXT,
	user_agent TEXT,
	who        TEXT,
	detail     TEXT,
	salt       BLOB,
	erased     INTEGER NOT NULL, -- event that emptied this one; 0: none
	digest     BLOB NOT NULL,
	link       BLOB NOT NULL,
	once       BLOB -- keyed hash; NULL: may be repeated
) STRICT;

INSERT INTO ledger (id, time, kind, recipient, list, way, reason, ref, queue_id, message_id, ip, user_agent, who, detail, erased, digest, link, once)
	SELECT id, time, kind, recipient, list, way, reason, 0, queue_id, message_id, ip, user_agent, who, detail, 0, x'', x'', CAST(once AS BLOB)
	FROM events;
DROP TABLE events;
ALTER TABLE ledger RENAME TO events;

CREATE INDEX events_recipient ON events (recipient, id) WHERE recipient IS NOT NULL;
CREATE INDEX events_time ON events (time);
CREATE INDEX events_ref ON events (ref) WHERE ref > 0;
CREATE INDEX events_erased ON events (erased) WHERE erased > 0;
CREATE UNIQUE INDEX events_once ON events (once) WHERE once IS NOT NULL;
