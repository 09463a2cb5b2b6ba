-- +goose Up

-- What the history needs of a recipient in the queue: checksum of its
-- Message-ID, lookup key, attempts so far. NULL: from an earlier release.
ALTER TABLE recipients ADD COLUMN track BLOB;

-- What became of messages, each for one recipient, in the order in which they
-- ended. Rows are only added at the end, and removed: the oldest first, or a
-- person's.
CREATE TABLE fates (
	id    INTEGER PRIMARY KEY,
	total INTEGER NOT NULL, -- octets of all rows ever, up to this one
	data  BLOB NOT NULL     -- the record, with a CRC-32C at its end
) STRICT;

-- The index of fates: segments of entries (hash, id), sorted, which are written
-- once and then only merged. What ended since the last segment has no entries.
CREATE TABLE fate_segments (
	id    INTEGER PRIMARY KEY,
	level INTEGER NOT NULL, -- how often it was merged
	low   INTEGER NOT NULL, -- the fates it is about: first
	high  INTEGER NOT NULL  -- and last
) STRICT;

CREATE TABLE fate_blocks (
	id      INTEGER PRIMARY KEY,
	segment INTEGER NOT NULL,
	first   INTEGER NOT NULL, -- hash of the first entry
	data    BLOB NOT NULL     -- entries, each hash and id, 16 octets
) STRICT;

CREATE INDEX fate_blocks_first ON fate_blocks (segment, first);
