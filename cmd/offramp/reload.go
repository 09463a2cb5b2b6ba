package main

import (
	"context"
	"log/slog"
	"reflect"
	"runtime/debug"
	"sync"

	"github.com/coreos/go-systemd/v22/daemon"
	"github.com/spf13/cobra"

	"offramp/gateway"
	"offramp/gateway/dkim"
	"offramp/gateway/record"
)

func (a *app) configReloadCommand() *cobra.Command {
	return &cobra.Command{
		Use: "reload", Short: "Have the running server read its settings again; exits 1 when it refuses them", Args: exactly(),
		Long: "Have the running server read its --env-file, the files that settings name and its\n" +
			"keys again, as SIGHUP does. What can change while it runs is in force at once; what\n" +
			"needs a restart is named. Settings with an error change nothing, and are named.\n" +
			"A server that has its settings from the environment alone (the systemd unit, a\n" +
			"container) reads only those files again: for a changed setting restart it.\n" +
			"docs/settings.md says of each setting which it is.",
		RunE: func(cmd *cobra.Command, _ []string) error {
			return a.operate(cmd.Context(), func(c *client) error {
				if c.files {
					return fault("config reload: no server runs on this data: the next start reads the settings anyway")
				}
				var done record.Reloaded
				if err := c.call(cmd.Context(), "POST", "config/reload", nil, &done); err != nil {
					return err
				}
				return a.printReloaded(done)
			})
		},
	}
}

func (a *app) printReloaded(done record.Reloaded) error {
	if a.asJSON {
		if err := a.printJSON(done); err != nil {
			return err
		}
	} else {
		for _, name := range done.Errors {
			a.print("%s", printable(name))
		}
		if len(done.Errors) > 0 {
			a.print("Nothing was changed.")
		}
		if done.Source == "" {
			a.print("not read    settings: the server was started without --env-file, so a changed setting is in force after a restart only")
		}
		for _, name := range done.Changed {
			a.print("in force    %s", name)
		}
		for _, name := range done.Files {
			a.print("read again  %s", printable(name))
		}
		for _, name := range done.Restart {
			a.print("restart     %s changed, and is in force after a restart only", name)
		}
	}
	if len(done.Errors) > 0 {
		return silent{exitFailed}
	}
	return nil
}

// reloader reads the settings of a running server again.
type reloader struct {
	app   *app
	log   *slog.Logger
	level *slog.LevelVar
	certs []*certificate

	mu      sync.Mutex
	gateway *gateway.Gateway // nil: not running yet
	current *settings        // in force
}

// Reload takes over what can change while the server runs. Everything is read
// and checked before anything changes.
func (r *reloader) Reload(context.Context) record.Reloaded {
	r.mu.Lock()
	defer r.mu.Unlock()
	done := record.Reloaded{Source: r.app.envFile, Changed: []string{}, Restart: []string{}, Files: []string{}}
	next, keys, err := r.read()
	if err == nil && r.gateway != nil {
		err = r.gateway.Reload(next.Gateway, keys)
	}
	if err != nil {
		done.Errors = lines(err)
		for _, fault := range done.Errors {
			r.log.Error("settings not reloaded, nothing was changed", "error", fault)
		}
		return done
	}
	level, _ := next.level() // was checked
	r.level.Set(level)
	for _, c := range r.certs {
		if err := c.Reload(); err != nil { // it could be read a moment ago
			r.log.Error("certificate not reloaded, the old one stays in use", "error", err)
			continue
		}
		done.Files = append(done.Files, c.files.cert)
		r.log.Info("certificate reloaded", "file", c.files.cert, "expires", c.Expires())
	}
	entries, _ := next.dkimEntries() // were read
	for _, e := range entries {
		done.Files = append(done.Files, e.path)
	}
	if rules := next.Gateway.Relay.StreamRules; rules != "" {
		done.Files = append(done.Files, rules)
	}
	done.Changed, done.Restart = r.adopt(next)
	r.log.Info("settings reloaded", "source", done.Source, "changed", done.Changed, "need_restart", done.Restart)
	return done
}

// read reads all that a reload needs.
func (r *reloader) read() (*settings, *dkim.Keys, error) {
	next, err := r.app.servingSettings()
	if err != nil {
		return nil, nil, err
	}
	for _, c := range r.certs {
		if _, err := newCertificate(c.files, nil, nil); err != nil {
			return nil, nil, err
		}
	}
	keys, err := next.dkimKeys()
	return next, keys, err
}

// adopt names what is different in next, and has what can change be in force.
func (r *reloader) adopt(next *settings) (changed, restart []string) {
	changed, restart = []string{}, []string{}
	fresh := fieldsOf(next)
	for i, f := range fieldsOf(r.current) {
		if reflect.DeepEqual(f.value.Interface(), fresh[i].value.Interface()) {
			continue
		}
		if f.Reload != "yes" {
			restart = append(restart, f.Name)
			continue
		}
		f.value.Set(fresh[i].value)
		changed = append(changed, f.Name)
	}
	return changed, restart
}

// hangUp is what SIGHUP asks for, and has the service manager know. A panic in it must
// not end the server.
func (r *reloader) hangUp(ctx context.Context) {
	notify(r.log, daemon.SdNotifyReloading)
	defer notify(r.log, daemon.SdNotifyReady)
	defer func() {
		if cause := recover(); cause != nil {
			r.log.ErrorContext(ctx, "panic while settings were reloaded", "error", cause, "stack", string(debug.Stack()))
		}
	}()
	r.Reload(ctx)
}
