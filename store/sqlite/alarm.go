package sqlite

import (
	"context"
	"log/slog"
	"sync/atomic"
	"time"

	"offramp/store"
)

// alarm says what damage was found: in the log, and to who asks.
type alarm struct {
	log   *slog.Logger
	count atomic.Int64 // damaged records that were needed
	last  atomic.Int64 // when one was last logged
}

// quiet is how long one line in the log stands for those that follow.
const quiet = 10 * time.Minute

func (a *alarm) damage(sure *certainty) {
	a.log.Error("damage in the database of people's choices: `offramp repair` repairs it while no server runs", "file", consentFile, "damage", sure.text)
}

// found counts and logs damage to a record that was needed.
func (g *guards) found(err error) error {
	g.alarm.needed("a record that stops mail is damaged, mail that it may concern waits", consentFile, err)
	return err
}

// needed counts damage to a record that was needed, and logs what does not
// follow another too soon.
func (a *alarm) needed(message, file string, err error) {
	a.count.Add(1)
	now := time.Now().UnixNano()
	if last := a.last.Load(); (last == 0 || now-last > int64(quiet)) && a.last.CompareAndSwap(last, now) {
		a.log.Error(message, "file", file, "error", err)
	}
}

// Verified waits until all records were verified once.
func (s *Consent) Verified(ctx context.Context) error { return await(ctx, s.guards.ended) }

// verifiedOnce is Verified for who does not wait for what may never end.
func (s *Consent) verifiedOnce(ctx context.Context) error {
	select {
	case <-s.guards.ended:
		return nil
	case err := <-s.guards.failed:
		return err
	case <-ctx.Done():
		return ctx.Err()
	}
}

// Integrity says what is known of damage to the records.
func (s *Consent) Integrity() store.Integrity {
	i := store.Integrity{Found: s.guards.alarm.count.Load()}
	if sure := s.guards.certain.Load(); sure != nil {
		i.Verified, i.Stopped, i.Damage = true, sure.mode == stopped, sure.text
	}
	if i.Damage == "" && i.Found > 0 {
		i.Damage = "records that stop mail were found damaged or lost"
	}
	return i
}
