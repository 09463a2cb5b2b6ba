-- +goose Up

-- Work on files. At most store.MaxJobs of them. until 0: nobody holds it.
CREATE TABLE jobs (
	id       TEXT PRIMARY KEY,
	version  INTEGER NOT NULL,
	state    TEXT NOT NULL,
	created  INTEGER NOT NULL,
	changed  INTEGER NOT NULL,
	who      TEXT NOT NULL,
	name     TEXT NOT NULL,
	settings BLOB NOT NULL,
	report   BLOB NOT NULL,
	total    INTEGER NOT NULL,
	done     INTEGER NOT NULL,
	added    INTEGER NOT NULL,
	dated    INTEGER NOT NULL,
	same     INTEGER NOT NULL,
	kept     INTEGER NOT NULL,
	holder   TEXT NOT NULL,
	until    INTEGER NOT NULL
) STRICT, WITHOUT ROWID;
