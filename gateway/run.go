package gateway

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/http"
	"runtime/debug"
	"time"

	"golang.org/x/sync/errgroup"
)

// httpDrain is how long a stop waits for requests that run.
const httpDrain = 15 * time.Second

// Run serves until ctx ends, then stops in order: no new mail (421) and no new
// requests, running ones end; running deliveries end and are counted; the
// admin listener goes last, so that the stop can be watched. It returns when every goroutine has
// ended. The store stays open: it belongs to the caller.
//
// A room that fails stops all the others, and Run returns its error.
func (g *Gateway) Run(ctx context.Context) error {
	if err := g.clock.Start(ctx); err != nil {
		return errors.Join(err, g.Close())
	}
	ctx, stop := context.WithCancel(ctx)
	defer stop()
	queueCtx, stopQueue := context.WithCancel(context.WithoutCancel(ctx))
	defer stopQueue()
	peopleCtx, stopPeople := context.WithCancel(context.WithoutCancel(ctx))
	defer stopPeople()
	adminCtx, stopAdmin := context.WithCancel(context.WithoutCancel(ctx))
	defer stopAdmin()

	var entrances, deliveries, counts, observers errgroup.Group
	start := func(group *errgroup.Group, name string, f func() error) {
		group.Go(func() error {
			err := guard(name, f)
			if err != nil {
				stop()
			}
			return err
		})
	}
	start(&observers, "admin", func() error { return serveHTTP(adminCtx, g.admin, g.api) })
	start(&observers, "access", func() error { return g.access.Run(adminCtx) })
	start(&counts, "consent", func() error { return g.people.Run(peopleCtx) })
	start(&counts, "scrub", func() error { return g.scrub.Run(peopleCtx) })
	start(&counts, "history", func() error { return g.history.Run(peopleCtx) })
	start(&counts, "imports", func() error { return g.jobs.Run(peopleCtx) })
	start(&counts, "clock", func() error { return g.clock.Run(peopleCtx) })
	start(&counts, "traffic", func() error { return g.traffic.Run(peopleCtx) })
	start(&deliveries, "outbox", func() error { return g.outbox.Run(queueCtx) })
	if g.database != nil {
		start(&deliveries, "database", func() error { return g.checkDatabase(queueCtx) })
	}
	start(&deliveries, "delivery", func() error { return g.queue.Run(queueCtx) })
	start(&entrances, "smtp", func() error { return g.smtp.Serve(ctx, g.mail...) })
	if g.policy != nil {
		start(&entrances, "policy", func() error { return g.policy.Serve(ctx, g.questions) })
	}
	start(&entrances, "web", func() error { return serveHTTP(ctx, g.web, g.site) })

	failed := entrances.Wait()
	stopQueue()
	failed = errors.Join(failed, deliveries.Wait(), g.closeDatabase())
	stopPeople()
	failed = errors.Join(failed, counts.Wait())
	stopAdmin()
	return errors.Join(failed, observers.Wait())
}

// guard makes a panic an error, so that a bug in one package ends the server in
// order instead of at once.
func guard(name string, f func() error) (err error) {
	defer func() {
		if cause := recover(); cause != nil {
			err = fmt.Errorf("%s: panic: %v\n%s", name, cause, debug.Stack())
		}
	}()
	if err := f(); err != nil {
		return fmt.Errorf("%s: %w", name, err)
	}
	return nil
}

// serveHTTP serves until ctx ends, then lets running requests end.
func serveHTTP(ctx context.Context, server *http.Server, l net.Listener) error {
	served := make(chan error, 1)
	go func() {
		served <- guard("accept", func() error {
			if server.TLSConfig != nil {
				return server.ServeTLS(l, "", "")
			}
			return server.Serve(l)
		})
	}()
	select {
	case err := <-served:
		return err
	case <-ctx.Done():
	}
	drain, cancel := context.WithTimeout(context.WithoutCancel(ctx), httpDrain)
	defer cancel()
	if err := server.Shutdown(drain); err != nil {
		server.Close()
	}
	if err := <-served; !errors.Is(err, http.ErrServerClosed) {
		return err
	}
	return nil
}
