package sqlite

import (
	"strings"
	"sync"

	"offramp/store"
)

// patterns are the domains that suppressions of patterns name, in memory: the
// late check asks for every recipient, and only a few records are patterns. More
// than the file has costs a look-up, less would send mail, so nothing is ever
// removed, and what is added is added before the commit.
type patterns struct {
	mu     sync.RWMutex
	loaded bool                // false: this process does not see what others add, so the file is asked
	exact  map[string]struct{} // by domain
	below  map[string]struct{} // by the domain above
}

const (
	// Keys of addresses can begin with "@" too, where the local part does.
	selectPatterns  = "SELECT DISTINCT recipient FROM suppressions WHERE recipient >= '@' AND recipient < 'A'"
	selectPatternOf = `SELECT list, reason, since, note, until, seal FROM suppressions
		WHERE recipient = ?1 AND (?2 IS NULL OR +list = '' OR +list = ?2) ORDER BY list, reason`
)

// load reads all patterns.
func (p *patterns) load(c *conn) error {
	read := patterns{loaded: true, exact: map[string]struct{}{}, below: map[string]struct{}{}}
	if err := c.query(selectPatterns, func(r row) error {
		read.add(r.text(0))
		return nil
	}); err != nil {
		return err
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	p.exact, p.below, p.loaded = read.exact, read.below, true
	return nil
}

// add is told of every suppression, before it is committed.
func (p *patterns) add(recipient string) {
	if !store.IsPattern(recipient) {
		return
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	if !p.loaded {
		return
	}
	if domain, ok := strings.CutPrefix(recipient, "@*."); ok {
		p.below[domain] = struct{}{}
	} else {
		p.exact[recipient[1:]] = struct{}{}
	}
}

// may says whether a pattern may fit the lookup key.
func (p *patterns) may(key string) bool {
	p.mu.RLock()
	defer p.mu.RUnlock()
	if !p.loaded {
		return true
	}
	if len(p.exact)+len(p.below) == 0 {
		return false
	}
	domain := key[strings.LastIndexByte(key, '@')+1:]
	if _, ok := p.exact[domain]; ok {
		return true
	}
	for len(p.below) > 0 {
		_, above, ok := strings.Cut(domain, ".")
		if !ok {
			break
		}
		if _, ok := p.below[above]; ok {
			return true
		}
		domain = above
	}
	return false
}

// fitting are the suppressions of the patterns that fit a lookup key; list nil:
// of every list, as far as they are legible.
func (s *Consent) fitting(c *conn, key string, list *string) (all []store.Suppression, err error) {
	if !s.patterns.may(key) {
		return nil, nil
	}
	var f *filter
	if sure := s.guards.certain.Load(); sure != nil && list != nil {
		f = sure.filter
	}
	for _, pattern := range store.Patterns(key) {
		l := look{seals: s.guards.seals}
		if list != nil {
			l.list = *list
		}
		if err := c.query(selectPatternOf, func(r row) error {
			su := suppressionOf(r, 0, pattern)
			all = append(all, su)
			l.suppression(su, r.seal(5))
			return nil
		}, pattern, orNull(list)); err != nil {
			return nil, err
		}
		if list == nil {
			continue
		}
		if err := s.judge(c, f, pattern, &l); err != nil {
			return nil, err
		}
	}
	return all, nil
}
