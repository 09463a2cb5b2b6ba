package queue

import (
	"context"
	"fmt"
	"runtime/debug"
	"time"
)

// recheckEvery is how often mail that is held as damaged is read again.
const recheckEvery = time.Hour

// recheck has mail queued again that was held as damaged and can be read by
// now: at the start, since somebody may have restored a file, and then by the
// hour.
func (q *Queue) recheck(ctx context.Context) {
	tick := time.NewTicker(recheckEvery)
	defer tick.Stop()
	for {
		q.recheckAll(ctx)
		select {
		case <-ctx.Done():
			return
		case <-tick.C:
		}
	}
}

func (q *Queue) recheckAll(ctx context.Context) {
	defer func() {
		if cause := recover(); cause != nil {
			q.Stats.Panics.Add(1)
			q.Log.Error("panic while mail was read again", "error", fmt.Sprint(cause), "stack", string(debug.Stack()))
		}
	}()
	n, err := q.Spool.Recheck(ctx)
	if err != nil && ctx.Err() == nil {
		q.Log.Error("mail that is held as damaged cannot be read again", "error", err)
	}
	if n > 0 {
		q.Log.Info("mail that was held as damaged can be read again, and is queued", "recipients", n)
		q.Wake()
	}
}
