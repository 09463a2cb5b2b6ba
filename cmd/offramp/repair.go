package main

import (
	"context"

	"github.com/spf13/cobra"

	"offramp/store/sqlite"
)

func (a *app) repairCommand() *cobra.Command {
	return &cobra.Command{
		Use: "repair", Short: "Repair damaged records of people's choices and a damaged queue; exits 1 when something stays damaged", Args: exactly(),
		Long: "Repair a damaged data folder, while no server runs.\n\n" +
			"Of a damaged spool.db every whole message is saved into a new one, and the others\n" +
			"are named; the damaged file stays beside it under another name.\n\n" +
			"In offramp.db damaged or lost records that stop mail are repaired.\n" +
			"What checksums or the ledger prove is put back. Who may have lost more is\n" +
			"unsubscribed from all lists and named. Nothing that stops mail is removed or\n" +
			"loosened. Copy the data folder first, and have disk and memory tested.",
		RunE: func(cmd *cobra.Command, _ []string) error { return a.repair(cmd.Context()) },
	}
}

// repairView is what a repair did, for --json.
type repairView struct {
	peopleView
	Spool spoolView `json:"spool"`
}

func (a *app) repair(ctx context.Context) error {
	s, err := a.lenientSettings()
	if err != nil {
		return err
	}
	if _, err := sqlite.Begun(s.DataDir); err != nil {
		return storeFault(s.DataDir, err)
	}
	var v repairView
	// First the spool: with a damaged one the folder does not open.
	if v.Spool, err = a.repairSpool(ctx, s); err != nil {
		return err
	}
	if !a.asJSON {
		a.printRepairedSpool(v.Spool)
	}
	if v.peopleView, err = a.repairPeople(ctx, s); err != nil {
		return err
	}
	if a.asJSON {
		if err := a.printJSON(v); err != nil {
			return err
		}
	} else {
		a.printRepairedPeople(v.peopleView)
	}
	if !v.OK || len(v.Spool.Lost) > 0 {
		return silent{exitFailed}
	}
	return nil
}
