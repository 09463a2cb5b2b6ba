-- +goose Up

-- The recipients' page shows public lists and a person's own, of any number.
CREATE INDEX lists_public ON lists (id) WHERE public <> 0;
CREATE INDEX lists_third_party ON lists (id) WHERE third_party <> 0;
