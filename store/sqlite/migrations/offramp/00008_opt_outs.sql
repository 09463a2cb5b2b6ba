-- +goose Up

-- Opt-outs are read by ID, for a receipt and for the report; between two of
-- them there may be any number of other events.
CREATE INDEX events_opt_outs ON events (id) WHERE kind = 'unsubscribed';
