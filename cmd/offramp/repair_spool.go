package main

import (
	"context"
	"errors"
	"fmt"
	"path/filepath"
	"strings"

	"offramp/store"
	"offramp/store/sqlite"
)

// spoolView is what a repair of the spool did, for --json.
type spoolView struct {
	Damaged bool       `json:"damaged"`
	Kept    int        `json:"kept"`
	Lost    []lostView `json:"lost,omitempty"`
	Old     string     `json:"old,omitempty"` // the damaged file
}

// lostView is a message that could not be saved, or not for all recipients.
type lostView struct {
	ID         string   `json:"queue_id,omitempty"`
	Sender     string   `json:"sender,omitempty"`
	Recipients []string `json:"recipients,omitempty"`
	Why        string   `json:"why"`
}

// repairSpool makes spool.db anew of what is whole in it, when it is damaged. No
// server may have the folder open, nor this process.
func (a *app) repairSpool(ctx context.Context, s *settings) (spoolView, error) {
	done, err := sqlite.Salvage(ctx, sqlite.Options{Dir: s.DataDir, Now: a.now})
	if errors.Is(err, store.ErrNotFound) {
		return spoolView{}, nil // there was no mail
	}
	if err != nil {
		return spoolView{}, storeFault(s.DataDir, err)
	}
	if err := giveAllToFolder(s.DataDir); err != nil { // also after a repair that was cut off
		return spoolView{}, err
	}
	v := spoolView{Damaged: done.Damaged, Kept: done.Kept, Old: done.Old}
	for _, l := range done.Lost {
		v.Lost = append(v.Lost, lostView(l))
	}
	return v, nil
}

func (a *app) printRepairedSpool(v spoolView) {
	if !v.Damaged {
		return
	}
	a.print("Saved: %s of queued mail.", plural(v.Kept, "message"))
	for _, l := range v.Lost {
		id := l.ID
		if id == "" {
			id = "(queue id not legible)"
		}
		line := "Not saved: " + printable(id)
		if strings.HasPrefix(l.Why, "further") {
			line = "Saved in part: " + printable(id)
		}
		if l.Sender != "" {
			line += " from " + printable(l.Sender)
		}
		if len(l.Recipients) > 0 {
			line += " to " + printable(strings.Join(l.Recipients, ", "))
		}
		a.print("%s: %s", line, l.Why)
	}
	a.print("%s", fmt.Sprintf("The damaged file is kept as %s. It holds mail, also of people who were erased: remove it when you need it no more. Have disk and memory tested.", filepath.Base(v.Old)))
}
