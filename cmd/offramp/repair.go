package main

import (
	"context"

	"github.com/spf13/cobra"
)

func (a *app) repairCommand() *cobra.Command {
	return &cobra.Command{
		Use: "repair", Short: "Save what is whole of a damaged data folder; exits 1 when something is not", Args: exactly(),
		Long: "Save every whole message of a damaged spool.db into a new one, and name the\n" +
			"others, while no server runs. The damaged file stays beside it under another\n" +
			"name. Copy the data folder first.",
		RunE: func(cmd *cobra.Command, _ []string) error { return a.repair(cmd.Context()) },
	}
}

func (a *app) repair(ctx context.Context) error {
	s, err := a.lenientSettings()
	if err != nil {
		return err
	}
	v, err := a.repairSpool(ctx, s)
	if err != nil {
		return err
	}
	if a.asJSON {
		if err := a.printJSON(v); err != nil {
			return err
		}
	} else {
		a.printRepairedSpool(v)
	}
	if len(v.Lost) > 0 {
		return silent{exitFailed}
	}
	return nil
}
