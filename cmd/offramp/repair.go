package main

import (
	"context"

	"github.com/spf13/cobra"
)

func (a *app) repairCommand() *cobra.Command {
	return &cobra.Command{
		Use: "repair", Short: "Repair a damaged data folder; exits 1 when something stays damaged or is lost", Args: exactly(),
		Long: "Repair a damaged data folder, while no server runs. Copy the folder first, and\n" +
			"have disk and memory tested.\n\n" +
			"Every whole message of a damaged spool.db is saved into a new one, and the others\n" +
			"are named; the damaged file stays beside it under another name.\n\n" +
			"Damaged or lost records of offramp.db that stop mail are put back where checksums\n" +
			"or the ledger prove them. Who may have lost more is unsubscribed from all lists\n" +
			"and named. Nothing that stops mail is removed or loosened.",
		RunE: func(cmd *cobra.Command, _ []string) error { return a.repair(cmd.Context()) },
	}
}

// repairView is what a repair did, for --json.
type repairView struct {
	Mail   spoolView  `json:"mail"`
	People peopleView `json:"people"`
}

// repair begins with the mail: the records of people are opened beside it.
func (a *app) repair(ctx context.Context) error {
	s, err := a.lenientSettings()
	if err != nil {
		return err
	}
	var v repairView
	if v.Mail, err = a.repairSpool(ctx, s); err != nil {
		return err
	}
	if !a.asJSON {
		a.printRepairedSpool(v.Mail)
	}
	if v.People, err = a.repairPeople(ctx, s); err != nil {
		return err
	}
	if a.asJSON {
		if err := a.printJSON(v); err != nil {
			return err
		}
	} else {
		a.printRepairedPeople(v.People)
	}
	if !v.People.OK || len(v.Mail.Lost) > 0 {
		return silent{exitFailed}
	}
	return nil
}
