-- +goose Up

-- Single values: scrub (page that is looked at next, there is a row while the
-- overwriting of free pages goes on), ready (how often a write was tried).
CREATE TABLE meta (
	name  TEXT PRIMARY KEY,
	value BLOB NOT NULL
) STRICT, WITHOUT ROWID;

-- Earlier releases used it to overwrite free pages.
DROP TABLE IF EXISTS scratch;
