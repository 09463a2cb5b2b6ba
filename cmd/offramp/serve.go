package main

import (
	"context"
	"errors"
	"log/slog"
	"net"
	"os"
	"os/signal"
	"path/filepath"
	"strings"
	"syscall"
	"time"

	"github.com/coreos/go-systemd/v22/daemon"
	"github.com/spf13/cobra"
	"golang.org/x/sync/errgroup"

	"offramp/gateway"
	"offramp/store"
	"offramp/store/sqlite"
)

func (a *app) serveCommand() *cobra.Command {
	var newData bool
	cmd := &cobra.Command{
		Use: "serve", Short: "Run the server", Args: exactly(),
		Long: "Run the server until SIGTERM or SIGINT: it then accepts no new mail, finishes what\n" +
			"is running and exits. A second signal stops it at once; no accepted mail is lost.\n" +
			"SIGHUP reads the settings again, as `offramp config reload` does.\n\n" +
			"It does not start without the databases that `offramp init` made in the data folder:\n" +
			"a volume that is not mounted looks like a new installation, and people who opted out\n" +
			"would get mail. With --new-data it makes keys and databases itself, once: where there\n" +
			"is data already, the flag is refused, so that it does not stay in a unit file.",
		RunE: func(cmd *cobra.Command, _ []string) error {
			s, err := a.servingSettings()
			if err != nil {
				return errors.Join(s.lostVolume(), err)
			}
			if newData {
				if err := a.firstData(cmd.Context(), s); err != nil {
					return err
				}
			}
			return a.serve(cmd.Context(), s)
		},
	}
	cmd.Flags().BoolVar(&newData, "new-data", false, "make the databases and keys of a new installation; refused where there is data")
	return cmd
}

// firstData makes what the first start needs.
func (a *app) firstData(ctx context.Context, s *settings) error {
	log, err := s.logger(a.stderr)
	if err != nil {
		return err
	}
	if err := s.refuseData(); err != nil {
		return err
	}
	m, err := a.makeData(ctx, s, log)
	if err != nil {
		return err
	}
	log.Info("new data: nobody's opt-out is known in it", "data", s.DataDir)
	if m.tokens {
		log.Info("created the token keys: keep a copy, every link sent needs them", "file", filepath.Join(s.DataDir, tokenKeysFile))
	}
	if m.ledger {
		log.Info("created the ledger key: keep a copy, it signs receipts and recognises erased people", "file", s.ledgerKeyPath())
	}
	return nil
}

func (a *app) serve(ctx context.Context, s *settings) error {
	r := &reloader{app: a, level: new(slog.LevelVar), current: s}
	level, err := s.level()
	if err != nil {
		return err
	}
	r.level.Set(level)
	r.log = s.loggerAt(a.stderr, r.level)
	log := r.log
	limit, err := maxOpenFiles()
	if err != nil {
		return err
	}
	s.fitOpenFiles(limit, log)
	if err := s.refuseUndecided(); err != nil {
		return err
	}
	parts, err := a.parts(s, log)
	if err != nil {
		return err
	}
	db, err := a.openWhenFree(ctx, s, log, func() bool { return s.adminAnswers(ctx) })
	if err != nil {
		return err
	}
	defer func() {
		if err := db.Close(); err != nil {
			log.Error("store not closed", "error", err)
		}
	}()
	// No other process is in the data folder from here on.
	if err := s.kept(ctx, db, &parts.Parts, log); err != nil {
		return err
	}
	sockets, err := passedSockets()
	if err != nil {
		return err
	}
	parts.Listen = sockets.listen(net.Listen)
	parts.Reload, r.certs = r.Reload, parts.certificates
	parts.Environ = programEnviron(a.env)
	g, err := gateway.New(s.Gateway, parts.Parts)
	if err != nil {
		return err
	}
	if len(parts.Keys.All()) == 0 {
		log.Warn("no DKIM keys: mail goes out unsigned, and mailbox providers ignore its one-click header: see `offramp keygen dkim` and OFFRAMP_DKIM_KEYS")
	}
	for _, addr := range sockets.unused() {
		log.Warn("a socket of the service manager is not used: no OFFRAMP_..._ADDR has its port", "addr", addr)
	}
	announce(log, s, g.Addrs())
	r.mu.Lock()
	r.gateway = g
	r.mu.Unlock()
	return a.supervise(ctx, g, r)
}

// kept gives the gateway what is in the data folder: the contracts of the engine,
// the keys, and what the data was served with.
func (s *settings) kept(ctx context.Context, db *sqlite.DB, p *gateway.Parts, log *slog.Logger) (err error) {
	keepIn(db, p)
	if err := s.keptTokenKeys(ctx, db.Consent()); err != nil {
		return err
	}
	if p.EarlierStream, err = s.keptStream(ctx, db.Consent(), log); err != nil {
		return err
	}
	var made bool
	if p.Tokens, made, err = s.tokenKeys(); err != nil {
		return err
	}
	if made {
		log.Info("created the token keys: keep a copy, every link sent needs them", "file", filepath.Join(s.DataDir, tokenKeysFile))
	}
	p.Receipts, err = s.receipts()
	return err
}

// keptStream keeps the meaning of data that was served before there was a
// choice, until the operator makes it.
func (s *settings) keptStream(ctx context.Context, data store.Consent, log *slog.Logger) (string, error) {
	if s.Gateway.Relay.DefaultStream != "" {
		return "", nil
	}
	earlier, err := data.EarlierStream(ctx)
	if err != nil {
		return "", storeFault(s.DataDir, err)
	}
	if earlier != "" {
		log.Warn("OFFRAMP_DEFAULT_STREAM is not set, and an earlier release served this data: mail without any mark of a list still counts as list mail, password resets too; "+
			"see `offramp check`, then set OFFRAMP_DEFAULT_STREAM=auto, or list to keep it", "default_stream", earlier)
	}
	return earlier, nil
}

// announce logs where the server is reached: one line with everything.
func announce(log *slog.Logger, s *settings, at gateway.Addrs) {
	log.Info("offramp started", "version", readBuild().Version,
		"public_url", s.Gateway.PublicURL, "smtp", strings.Join(at.SMTP, ","), "smtps", strings.Join(at.SMTPS, ","),
		"http", at.HTTP, "admin", at.Admin, "feedback_domain", s.Gateway.Feedback(), "data", s.DataDir)
}

// supervise runs the gateway beside what the process itself owes: the service
// manager's notifications and SIGHUP.
func (a *app) supervise(ctx context.Context, g *gateway.Gateway, r *reloader) error {
	log := r.log
	// The signal context is ended by the first signal; the others end with Run.
	ctx, stop := context.WithCancel(ctx)
	defer stop()
	hangup := make(chan os.Signal, 1)
	signal.Notify(hangup, syscall.SIGHUP)
	defer signal.Stop(hangup)

	var group errgroup.Group
	group.Go(func() error {
		defer stop()
		return g.Run(ctx)
	})
	group.Go(func() error {
		for {
			select {
			case <-ctx.Done():
				return nil
			case <-hangup:
				r.hangUp(ctx)
			}
		}
	})
	group.Go(func() error { return watchdog(ctx, log) })
	group.Go(func() error {
		<-ctx.Done()
		notify(log, daemon.SdNotifyStopping)
		log.Info("stopping: no new mail is accepted, running deliveries finish")
		return nil
	})
	notify(log, daemon.SdNotifyReady)
	err := group.Wait()
	log.Info("stopped")
	return err
}

// notify tells the service manager (sd_notify(3)); without one it does nothing.
func notify(log *slog.Logger, state string) {
	if _, err := daemon.SdNotify(false, state); err != nil {
		log.Warn("service manager not notified", "error", err)
	}
}

// watchdog tells the service manager that the process lives, twice in each
// interval it asks for.
func watchdog(ctx context.Context, log *slog.Logger) error {
	interval, err := daemon.SdWatchdogEnabled(false)
	if err != nil || interval == 0 {
		return nil
	}
	tick := time.NewTicker(interval / 2)
	defer tick.Stop()
	for {
		select {
		case <-ctx.Done():
			return nil
		case <-tick.C:
			notify(log, daemon.SdNotifyWatchdog)
		}
	}
}

// parts are what the process gives the gateway.
type parts struct {
	gateway.Parts
	certificates []*certificate // from files
}

// parts loads keys and certificates. The store and the token keys come later,
// from the data folder.
func (a *app) parts(s *settings, log *slog.Logger) (parts, error) {
	p := parts{}
	build := readBuild()
	p.Log, p.Now, p.Version, p.Revision = log, a.now, build.Version, build.Revision
	p.FeedbackDir, p.IncomingDir, p.ImportDir = s.feedbackDir(), s.DataDir, s.importDir()
	keys, err := s.dkimKeys()
	if err != nil {
		return p, err
	}
	p.Keys = keys
	return p, a.loadCertificates(&p, s)
}
