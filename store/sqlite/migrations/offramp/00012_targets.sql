-- +goose Up

-- Where the system that sends a list takes a person's opt-out itself.
CREATE TABLE targets (
	recipient TEXT NOT NULL,
	list      TEXT NOT NULL,
	uri       TEXT NOT NULL,
	since     INTEGER NOT NULL,
	PRIMARY KEY (recipient, list)
) STRICT, WITHOUT ROWID;
CREATE INDEX targets_since ON targets (since);
