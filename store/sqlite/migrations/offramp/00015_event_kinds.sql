-- +goose Up

-- Events are counted by day and kind, out of this index alone. An index that
-- begins with the kind would draw other statements to it.
DROP INDEX events_time;
CREATE INDEX events_time ON events (time, kind);
