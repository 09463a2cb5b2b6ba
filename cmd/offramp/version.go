package main

import (
	"fmt"
	"runtime"
	"runtime/debug"

	"github.com/spf13/cobra"
)

// buildInfo is what the binary knows about itself.
type buildInfo struct {
	Version  string `json:"version"`
	Revision string `json:"revision,omitempty"`
	Modified bool   `json:"modified,omitempty"` // built from a tree with changes
	Go       string `json:"go"`
	Platform string `json:"platform"`
}

// version is set by the linker (-X main.version, in Makefile and Dockerfile): an
// image is built without the repository that the version could be read from.
var version string

// readBuild reads what the linker wrote: the version it was given, else that of
// version control, else "devel".
func readBuild() buildInfo {
	b := buildInfo{Version: "devel", Go: runtime.Version(), Platform: runtime.GOOS + "/" + runtime.GOARCH}
	info, ok := debug.ReadBuildInfo()
	if !ok {
		info = &debug.BuildInfo{}
	}
	if v := info.Main.Version; v != "" && v != "(devel)" {
		b.Version = v
	}
	if version != "" {
		b.Version = version
	}
	for _, s := range info.Settings {
		switch s.Key {
		case "vcs.revision":
			b.Revision = s.Value[:min(12, len(s.Value))]
		case "vcs.modified":
			b.Modified = s.Value == "true"
		}
	}
	return b
}

// String is the line that version and --version print.
func (b buildInfo) String() string {
	if b.Revision == "" {
		return fmt.Sprintf("offramp %s (%s, %s)", b.Version, b.Go, b.Platform)
	}
	return fmt.Sprintf("offramp %s (%s, %s, %s)", b.Version, b.Revision, b.Go, b.Platform)
}

func (a *app) versionCommand() *cobra.Command {
	return &cobra.Command{
		Use: "version", Short: "Show the version", Args: exactly(),
		RunE: func(*cobra.Command, []string) error {
			b := readBuild()
			if a.asJSON {
				return a.printJSON(b)
			}
			a.print("%s", b)
			return nil
		},
	}
}
