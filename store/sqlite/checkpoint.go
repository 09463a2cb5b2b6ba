package sqlite

// checkpoint copies the log back into the file once it is long enough. It
// runs between batches, after the answers went out.
func (w *writer) checkpoint() {
	if w.batches++; w.c == nil || w.batches%8 != 0 && !w.full {
		return
	}
	var pages int64
	_, err := w.c.one("PRAGMA wal_checkpoint(NOOP)", func(r row) { pages = r.int(1) - r.int(2) })
	if err == nil && pages < w.checkpointPages && !w.full {
		return
	}
	w.full = false
	if err == nil {
		_, err = w.c.one("PRAGMA wal_checkpoint(PASSIVE)", func(row) {})
	}
	if err != nil && !w.stuck {
		w.log.Warn("write-ahead log not checkpointed", "file", w.name, "error", err)
	}
	w.stuck = err != nil
	if distrusts(err) {
		w.distrust(err)
	}
}
