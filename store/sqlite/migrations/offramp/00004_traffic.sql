-- +goose Up

-- What passes, by sender, login, list and what decided.
CREATE TABLE traffic (
	sender      TEXT NOT NULL,
	login       TEXT NOT NULL,
	list        TEXT NOT NULL,
	mark        TEXT NOT NULL,
	unmarked    INTEGER NOT NULL,
	messages    INTEGER NOT NULL,
	recipients  INTEGER NOT NULL,
	dropped     INTEGER NOT NULL,
	repeated    INTEGER NOT NULL,
	peak        INTEGER NOT NULL,
	precedence  INTEGER NOT NULL,
	feedback_id INTEGER NOT NULL,
	first       INTEGER NOT NULL,
	last        INTEGER NOT NULL,
	PRIMARY KEY (sender, login, list, mark)
) STRICT, WITHOUT ROWID;
CREATE INDEX traffic_last ON traffic (last);

-- Data that an earlier release has opened (it left a key fingerprint, or with
-- schema 1 some record) was served with every unmarked message as list mail.
-- That stays until the operator chooses: meta default-stream.
INSERT INTO meta (name, value)
	SELECT 'default-stream', CAST('list' AS BLOB)
	WHERE EXISTS (SELECT 1 FROM meta WHERE name = 'person-key') OR EXISTS (SELECT 1 FROM lists) OR EXISTS (SELECT 1 FROM events);
