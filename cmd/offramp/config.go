package main

import (
	"strings"

	"github.com/spf13/cobra"

	"offramp/cmd/offramp/internal/terminal"
)

// mask stands for a secret that is set.
const mask = "********"

func (a *app) configCommand() *cobra.Command {
	var markdown bool
	cmd := &cobra.Command{
		Use: "config", Short: "Show every setting and its value, secrets masked", Args: unknownCommand,
		Long: "Show every setting with its value in effect, as NAME=value lines. Secrets are\n" +
			"masked. Every error goes to stderr, and the exit code is then 2.",
		RunE: func(*cobra.Command, []string) error {
			if markdown {
				_, err := a.stdout.Write([]byte(settingsTables()))
				return err
			}
			s, err := a.servingSettings()
			if printErr := a.printConfig(s); printErr != nil {
				return printErr
			}
			return err
		},
	}
	cmd.AddCommand(a.configReloadCommand())
	cmd.Flags().BoolVar(&markdown, "markdown", false, "write the tables of docs/settings.md")
	return cmd
}

// settingView is one setting as the command shows it.
type settingView struct {
	Name    string `json:"name"`
	Value   string `json:"value"`
	Default string `json:"default"`
	Secret  bool   `json:"secret,omitempty"`
	Doc     string `json:"doc"`
}

func (a *app) printConfig(s *settings) error {
	var views []settingView
	for _, f := range fieldsOf(s) {
		v := settingView{f.Name, f.text(), f.Default, f.Secret, f.Doc}
		if v.Secret && v.Value != "" {
			v.Value = mask
		}
		views = append(views, v)
	}
	if a.asJSON {
		return a.printJSON(views)
	}
	for _, v := range views {
		line := v.Name + "=" + printable(v.Value)
		if v.Value == v.Default {
			line = a.paint(line, terminal.Dim)
		}
		a.print("%s", line)
	}
	return nil
}

// reloads is what the tables say of a setting that can change while the server runs.
var reloads = map[string]string{"yes": " **(reloads)**", "its file": " **(its file reloads)**"}

// settingsTables are the tables of docs/settings.md, one for each topic, from
// the settings themselves.
func settingsTables() string {
	var b strings.Builder
	var topic string
	for _, f := range fieldsOf(new(settings)) {
		if f.Topic != topic {
			topic = f.Topic
			b.WriteString("\n## " + topic + "\n\n| Variable | Default | Meaning |\n|---|---|---|\n")
		}
		name := "`" + f.Name + "`"
		if f.Secret {
			name += ", or `" + f.Name + "_FILE`"
		}
		value := ""
		if f.Default != "" {
			value = "`" + f.Default + "`"
		}
		b.WriteString("| " + name + " | " + value + " | " + strings.ReplaceAll(f.Doc, "|", `\|`) + reloads[f.Reload] + " |\n")
	}
	return strings.TrimPrefix(b.String(), "\n")
}
