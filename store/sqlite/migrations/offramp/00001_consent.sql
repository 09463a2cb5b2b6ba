-- +goose Up

-- Times are microseconds since 1970 in UTC.
CREATE TABLE lists (
	id            TEXT PRIMARY KEY,
	key           INTEGER NOT NULL UNIQUE, -- 64 bits, as a signed number
	name          TEXT NOT NULL,
	description   TEXT NOT NULL,
	transactional INTEGER NOT NULL,
	created       INTEGER NOT NULL
) STRICT, WITHOUT ROWID;

-- list '' is the scope of all lists. No row: the person chose nothing.
CREATE TABLE choices (
	recipient TEXT NOT NULL,
	list      TEXT NOT NULL,
	state     TEXT NOT NULL,
	since     INTEGER NOT NULL,
	way       TEXT NOT NULL,
	PRIMARY KEY (recipient, list)
) STRICT, WITHOUT ROWID;

CREATE TABLE suppressions (
	recipient TEXT NOT NULL,
	list      TEXT NOT NULL,
	reason    TEXT NOT NULL,
	since     INTEGER NOT NULL,
	note      TEXT NOT NULL,
	PRIMARY KEY (recipient, list, reason)
) STRICT, WITHOUT ROWID;

-- Only ever added to, so the next id is always the greatest.
CREATE TABLE events (
	id         INTEGER PRIMARY KEY,
	time       INTEGER NOT NULL,
	kind       TEXT NOT NULL,
	recipient  TEXT NOT NULL,
	list       TEXT NOT NULL,
	way        TEXT NOT NULL,
	reason     TEXT NOT NULL,
	queue_id   TEXT NOT NULL,
	message_id TEXT NOT NULL,
	ip         TEXT NOT NULL,
	user_agent TEXT NOT NULL,
	who        TEXT NOT NULL,
	detail     TEXT NOT NULL,
	once       TEXT -- NULL: may be repeated
) STRICT;

CREATE INDEX events_recipient ON events (recipient);
CREATE INDEX events_time ON events (time);
CREATE UNIQUE INDEX events_once ON events (once) WHERE once IS NOT NULL;
