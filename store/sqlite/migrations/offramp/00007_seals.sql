-- +goose Up

-- A row that says what may be sent carries a checksum of all its columns under
-- a key of the data, so that damage is found before it counts. 0: not made yet.
ALTER TABLE choices ADD COLUMN seal INTEGER NOT NULL DEFAULT 0;
ALTER TABLE suppressions ADD COLUMN seal INTEGER NOT NULL DEFAULT 0;
ALTER TABLE sharing ADD COLUMN seal INTEGER NOT NULL DEFAULT 0;
ALTER TABLE erased ADD COLUMN seal INTEGER NOT NULL DEFAULT 0;
ALTER TABLE lists ADD COLUMN seal INTEGER NOT NULL DEFAULT 0;
ALTER TABLE codes ADD COLUMN seal INTEGER NOT NULL DEFAULT 0;
ALTER TABLE meta ADD COLUMN seal INTEGER NOT NULL DEFAULT 0;

-- How many of those rows each name has, and the sum of their checksums: what
-- finds a row that is lost. id is a keyed hash of the name.
CREATE TABLE guards (
	id    INTEGER PRIMARY KEY,
	count INTEGER NOT NULL,
	sum   INTEGER NOT NULL,
	seal  INTEGER NOT NULL
) STRICT;

-- meta guards: sums over all guards and rows. meta unsealed: rows of earlier
-- releases have no checksums yet; the first start makes them.
INSERT INTO meta (name, value) VALUES ('unsealed', x'01');
