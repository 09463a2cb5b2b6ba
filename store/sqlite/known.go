package sqlite

import (
	"sync"

	"offramp/store"
)

// maxKnown bounds the lists that are kept in memory. An installation has few;
// one that makes a list for each message reads the rest from the file.
const maxKnown = 4096

// known is lists as the file has them, since nearly every message asks for its
// list twice. Only a process that holds the lock of the data may keep them:
// nobody else changes them then.
type known struct {
	mu      sync.RWMutex
	changes uint64 // grows with every change, so that an older answer is not kept
	lists   map[string]store.List
}

// get returns the list and whether it is known; changes is for put.
func (k *known) get(id string) (l store.List, ok bool, changes uint64) {
	k.mu.RLock()
	defer k.mu.RUnlock()
	l, ok = k.lists[id]
	return l, ok, k.changes
}

// put keeps what was read after get returned changes, unless a list changed
// in between.
func (k *known) put(l store.List, changes uint64) {
	k.mu.Lock()
	defer k.mu.Unlock()
	if changes != k.changes || len(k.lists) >= maxKnown {
		return
	}
	if k.lists == nil {
		k.lists = make(map[string]store.List)
	}
	k.lists[l.ID] = l
}

// forget is called once a change was tried, whatever came of it.
func (k *known) forget(id string) {
	k.mu.Lock()
	defer k.mu.Unlock()
	k.changes++
	delete(k.lists, id)
}
