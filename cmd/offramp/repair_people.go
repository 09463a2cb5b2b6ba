package main

import (
	"context"
	"errors"

	"offramp/listunsub"
	"offramp/store"
	"offramp/store/sqlite"
)

// peopleView is what a repair did, for --json.
type peopleView struct {
	OK         bool     `json:"ok"` // nothing is damaged any more
	Corrected  int64    `json:"corrected"`
	FromLedger int64    `json:"from_ledger"`
	Checksums  int64    `json:"checksums"`
	Stopped    []string `json:"stopped,omitempty"`
	Lists      []string `json:"lists,omitempty"`
	Unnamed    int64    `json:"unnamed"`
	Damage     string   `json:"damage,omitempty"`
	AllStopped bool     `json:"all_stopped"`
}

// repairPeople repairs offramp.db. No server may have the folder open, nor this
// process.
func (a *app) repairPeople(ctx context.Context, s *settings) (peopleView, error) {
	switch begun, err := sqlite.Begun(s.DataDir); {
	case err != nil:
		return peopleView{}, storeFault(s.DataDir, err)
	case !begun:
		return peopleView{}, fault("OFFRAMP_DATA_DIR: no data in %s: name the server's data folder", s.DataDir)
	}
	if err := s.needLedgerKey(); err != nil {
		return peopleView{}, err
	}
	log, err := s.logger(a.stderr)
	if err != nil {
		return peopleView{}, err
	}
	db, err := a.openWhenFree(ctx, s, log, func() bool { return s.adminAnswers(ctx) })
	if errors.Is(err, store.ErrDamaged) {
		return peopleView{}, &dataDirError{s.DataDir, "has an offramp.db that is damaged too much to be opened, and cannot be repaired: restore a backup of it", err}
	}
	if err != nil {
		return peopleView{}, err
	}
	done, err := db.Consent().Repair(ctx, a.now(), listunsub.ListKey)
	if err := errors.Join(err, db.Close()); err != nil {
		return peopleView{}, storeFault(s.DataDir, err)
	}
	return peopleView{
		OK: done.Integrity.Damage == "", Corrected: done.Corrected, FromLedger: done.FromLedger, Checksums: done.Guards,
		Stopped: done.Stopped, Lists: done.Lists, Unnamed: done.Unnamed, Damage: done.Integrity.Damage, AllStopped: done.Integrity.Stopped,
	}, nil
}

func (a *app) printRepairedPeople(v peopleView) {
	if v.Corrected+v.FromLedger+v.Checksums+v.Unnamed == 0 && len(v.Stopped)+len(v.Lists) == 0 && v.OK {
		a.print("The records of people's choices are not damaged.")
		return
	}
	a.print("Put back: %s that their checksums prove, %s from the ledger.", plural(int(v.Corrected), "record"), plural(int(v.FromLedger), "record"))
	if v.Checksums > 0 {
		a.print("Made again: %s over records that are whole.", plural(int(v.Checksums), "checksum"))
	}
	for _, name := range v.Stopped {
		a.print("Unsubscribed from all lists, since more may be lost: %s", printable(name))
	}
	for _, id := range v.Lists {
		a.print("Neither transactional nor your own any more, until you say so again (`%s`): %s", a.command("lists set"), printable(id))
	}
	if v.Unnamed > 0 {
		a.print("%s cannot be named: whoever they are, they are sent nothing.", plural(int(v.Unnamed), "person", "people"))
	}
	switch {
	case v.AllStopped:
		a.print("Still damaged, and nobody can say who else left: no list mail is sent. Restore a backup.")
	case !v.OK:
		a.print("Still damaged: %s.", v.Damage)
	}
}
