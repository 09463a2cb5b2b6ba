package main

import (
	"context"

	"github.com/spf13/cobra"
)

func (a *app) repairCommand() *cobra.Command {
	return &cobra.Command{
		Use: "repair", Short: "Repair damaged records of people's choices; exits 1 when some stay damaged", Args: exactly(),
		Long: "Repair damaged or lost records of offramp.db that stop mail, while no server runs.\n" +
			"What checksums or the ledger prove is put back. Who may have lost more is\n" +
			"unsubscribed from all lists and named. Nothing that stops mail is removed or\n" +
			"loosened. Copy the data folder first, and have disk and memory tested.",
		RunE: func(cmd *cobra.Command, _ []string) error { return a.repair(cmd.Context()) },
	}
}

func (a *app) repair(ctx context.Context) error {
	s, err := a.lenientSettings()
	if err != nil {
		return err
	}
	v, err := a.repairPeople(ctx, s)
	if err != nil {
		return err
	}
	if a.asJSON {
		if err := a.printJSON(v); err != nil {
			return err
		}
	} else {
		a.printRepairedPeople(v)
	}
	if !v.OK {
		return silent{exitFailed}
	}
	return nil
}
