-- +goose Up

-- Consumers are other systems that are sent the events. settings are encrypted with
-- a key of the data; lists and kinds are texts, each after its length; done are
-- numbers, each as the difference from the one before; seal is a checksum of all columns but itself, holder and until, under a key of the data.
-- failing, next, until: 0 for none.
CREATE TABLE consumers (
	name     TEXT PRIMARY KEY,
	kind     TEXT NOT NULL,
	settings BLOB NOT NULL,
	lists    BLOB NOT NULL,
	kinds    BLOB NOT NULL,
	state    TEXT NOT NULL,
	created  INTEGER NOT NULL,
	cursor   INTEGER NOT NULL,
	done     BLOB NOT NULL,
	skip     INTEGER NOT NULL,
	failing  INTEGER NOT NULL,
	stuck    INTEGER NOT NULL,
	attempts INTEGER NOT NULL,
	next     INTEGER NOT NULL,
	error    TEXT NOT NULL,
	missed   INTEGER NOT NULL,
	version  INTEGER NOT NULL,
	seal     INTEGER NOT NULL,
	holder   BLOB NOT NULL,
	until    INTEGER NOT NULL
) STRICT;
