package smtpd

import (
	"context"
	"crypto/hmac"
	"crypto/rand"
	"crypto/sha256"
	"encoding/binary"
	"errors"
	"fmt"
	"strings"
	"sync"
	"time"
)

// ErrLogins says that a list of logins cannot be read. Its texts name the
// entry by number and never repeat it.
var ErrLogins = errors.New("not a list of logins: write name:hash, with hashes made by offramp keygen smtp-user")

// Logins are the names and password hashes of clients that authenticate. It is
// safe for use by many sessions at once.
type Logins struct {
	hashes map[string]argonHash
	decoy  argonHash // checked for names that do not exist, so that it takes as long
	key    [32]byte  // of this process, for what is kept below
	gate   chan struct{}

	mu    sync.Mutex
	known map[[32]byte]time.Time // logins that were right, and until when that is believed
}

// A right password is believed for rememberFor without hashing it again: some
// senders log in for each message.
const (
	rememberFor  = time.Minute
	rememberMost = 1024
)

// ParseLogins reads entries "name:hash" divided by commas, white space or line
// ends; lines that begin with # are skipped. A hash is what HashPassword
// returns, or any argon2id hash in PHC string format. The commas inside it do
// not end an entry. An empty list gives nil.
func ParseLogins(s string) (*Logins, error) {
	l := &Logins{hashes: make(map[string]argonHash), known: make(map[[32]byte]time.Time), gate: make(chan struct{}, hashesAtOnce)}
	var lines []string
	for line := range strings.Lines(s) {
		if !strings.HasPrefix(strings.TrimSpace(line), "#") {
			lines = append(lines, line)
		}
	}
	rest := strings.Join(lines, "")
	for n := 1; ; n++ {
		rest = strings.TrimLeft(rest, ", \t\r\n")
		if rest == "" {
			break
		}
		name, after, ok := strings.Cut(rest, ":")
		if !ok || name == "" || strings.ContainsAny(name, ", \t\r\n$") {
			return nil, fmt.Errorf("entry %d is not name:hash: %w", n, ErrLogins)
		}
		hash, after, err := cutHash(after)
		if err != nil {
			return nil, fmt.Errorf("entry %d: %w: %w", n, err, ErrLogins)
		}
		if _, twice := l.hashes[name]; twice {
			return nil, fmt.Errorf("entry %d repeats a name: %w", n, ErrLogins)
		}
		l.hashes[name], rest = hash, after
		if hash.cost() > l.decoy.cost() {
			l.decoy = hash
		}
	}
	if len(l.hashes) == 0 {
		return nil, nil
	}
	rand.Read(l.key[:])
	l.decoy.sum = make([]byte, len(l.decoy.sum))
	return l, nil
}

// Verify says whether password is that of name. It takes as long for a name
// that does not exist. It fails only when ctx ends while it waits for its turn.
func (l *Logins) Verify(ctx context.Context, name, password string) (bool, error) {
	if l.remembers(name, password) {
		return true, nil
	}
	select {
	case l.gate <- struct{}{}:
		defer func() { <-l.gate }()
	case <-ctx.Done():
		return false, ctx.Err()
	}
	hash, exists := l.hashes[name]
	if !exists {
		hash = l.decoy
	}
	right := hash.matches(password) && exists
	if right {
		l.remember(name, password)
	}
	return right, nil
}

// digest means a login in memory.
func (l *Logins) digest(parts ...string) (d [32]byte) {
	mac := hmac.New(sha256.New, l.key[:])
	for _, p := range parts {
		mac.Write(binary.BigEndian.AppendUint64(nil, uint64(len(p))))
		mac.Write([]byte(p))
	}
	mac.Sum(d[:0])
	return d
}

// remembers says whether the login was right a moment ago. Finding an HMAC in
// the timing of a map reveals nothing without the key.
func (l *Logins) remembers(name, password string) bool {
	d := l.digest(name, password)
	l.mu.Lock()
	defer l.mu.Unlock()
	until, ok := l.known[d]
	return ok && time.Now().Before(until)
}

func (l *Logins) remember(name, password string) {
	d := l.digest(name, password)
	l.mu.Lock()
	defer l.mu.Unlock()
	if len(l.known) >= rememberMost {
		clear(l.known)
	}
	l.known[d] = time.Now().Add(rememberFor)
}
