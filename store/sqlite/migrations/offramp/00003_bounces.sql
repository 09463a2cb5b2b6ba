-- +goose Up

-- Soft bounces that came in a run. sent is the first mail that went out after
-- the last of them; 0: none.
CREATE TABLE bounces (
	recipient TEXT PRIMARY KEY,
	count     INTEGER NOT NULL,
	first     INTEGER NOT NULL,
	last      INTEGER NOT NULL,
	sent      INTEGER NOT NULL
) STRICT, WITHOUT ROWID;
CREATE INDEX bounces_last ON bounces (last);
