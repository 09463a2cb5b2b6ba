-- +goose Up

-- Drops are counted by application; between two of them there may be any number of
-- other events.
CREATE INDEX events_drops ON events (id) WHERE kind = 'dropped';

-- When a reader had come how far, at the end of each hour in which it moved. Triggers
-- keep it, since more than one statement moves a reader.
CREATE TABLE notified (
	reader  TEXT NOT NULL,
	hour    INTEGER NOT NULL, -- since 1970
	through INTEGER NOT NULL,
	since   INTEGER NOT NULL,
	PRIMARY KEY (reader, hour)
) STRICT, WITHOUT ROWID;
INSERT INTO notified (reader, hour, through, since) SELECT name, since / 3600000000, through, since FROM readers;

-- +goose StatementBegin
CREATE TRIGGER readers_added AFTER INSERT ON readers BEGIN
	INSERT INTO notified (reader, hour, through, since) VALUES (new.name, new.since / 3600000000, new.through, new.since)
		ON CONFLICT (reader, hour) DO UPDATE SET through = excluded.through, since = excluded.since;
END;
-- +goose StatementEnd

-- +goose StatementBegin
CREATE TRIGGER readers_moved AFTER UPDATE OF through ON readers WHEN new.through > old.through BEGIN
	INSERT INTO notified (reader, hour, through, since) VALUES (new.name, new.since / 3600000000, new.through, new.since)
		ON CONFLICT (reader, hour) DO UPDATE SET through = excluded.through, since = excluded.since;
	DELETE FROM notified WHERE reader = new.name AND hour < new.since / 3600000000 - 9600; -- 400 days
END;
-- +goose StatementEnd

-- +goose StatementBegin
CREATE TRIGGER readers_gone AFTER DELETE ON readers BEGIN
	DELETE FROM notified WHERE reader = old.name;
END;
-- +goose StatementEnd
