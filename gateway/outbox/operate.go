package outbox

import (
	"context"
	"errors"
	"fmt"
	"regexp"
	"slices"
	"time"

	"offramp/store"
)

// What is wrong with what an operator asks for. Each is wrapped in a sentence.
var (
	ErrName  = errors.New("a name has 1 to 64 characters: lower-case letters, digits, and . _ - after the first")
	ErrKind  = errors.New("no such kind of consumer")
	ErrTaken = errors.New("there is a consumer of that name already")
	ErrOwn   = errors.New("is set in the environment, and can be paused, resumed and replayed here, but not be changed")
	// ErrSettings is for rooms that know a kind: what wraps it is for the operator.
	ErrSettings = errors.New("invalid settings")
	ErrEvent    = errors.New("no such event in the ledger")
)

var validName = regexp.MustCompile(`^[a-z0-9][a-z0-9._-]{0,63}$`)

// Start is where a consumer begins.
type Start struct {
	Event int64     // after this event
	Time  time.Time // with the first event of that time or later
	Now   bool      // with what comes from now on
}

// Add adds a consumer. Its Name, Kind, Settings, Lists and Kinds are used.
func (o *Outbox) Add(ctx context.Context, c store.Consumer, from Start) (store.Consumer, error) {
	o.begin()
	if !validName.MatchString(c.Name) {
		return c, ErrName
	}
	if _, known := o.Kinds[c.Kind]; !known {
		return c, fmt.Errorf("%w: %q", ErrKind, c.Kind)
	}
	var err error
	if c.Cursor, err = o.cursor(ctx, from); err != nil {
		return c, err
	}
	c.State, c.Created = store.ConsumerActive, o.Now().UTC()
	if err := o.Consumers.AddConsumer(ctx, c); err != nil {
		if errors.Is(err, store.ErrChanged) {
			return c, fmt.Errorf("%w: %q", ErrTaken, c.Name)
		}
		return c, err
	}
	o.wake()
	return o.Consumers.Consumer(ctx, c.Name)
}

// cursor is the event before the one to start with.
func (o *Outbox) cursor(ctx context.Context, from Start) (int64, error) {
	head, err := o.Ledger.Head(ctx)
	switch {
	case err != nil:
		return 0, err
	case from.Now:
		return head.ID, nil
	case !from.Time.IsZero():
		first, err := o.Ledger.Events(ctx, store.EventFilter{Since: from.Time, Limit: 1})
		if err != nil {
			return 0, err
		}
		if len(first) == 0 {
			return head.ID, nil
		}
		return first[0].ID - 1, nil
	case from.Event < head.First || from.Event > head.ID:
		return 0, fmt.Errorf("%w: it has those from %d to %d", ErrEvent, head.First+1, head.ID)
	}
	return from.Event, nil
}

// All returns all consumers by name, with the settings that they have.
func (o *Outbox) All(ctx context.Context) ([]store.Consumer, error) {
	o.begin()
	all, _, err := o.all(ctx)
	return all, err
}

// One returns a consumer or [store.ErrNotFound].
func (o *Outbox) One(ctx context.Context, name string) (store.Consumer, error) {
	c, err := o.Consumers.Consumer(ctx, name)
	return o.withOwn(c), err
}

// all adds what the settings name and the store does not have yet. missing says why
// one of those cannot be added, which holds up no other.
func (o *Outbox) all(ctx context.Context) (all []store.Consumer, missing, err error) {
	if all, err = o.Consumers.Consumers(ctx); err != nil {
		return nil, nil, err
	}
	for i := range all {
		all[i] = o.withOwn(all[i])
	}
	for _, own := range o.Own {
		if slices.ContainsFunc(all, func(c store.Consumer) bool { return c.Name == own.Name }) {
			continue
		}
		c, err := o.Add(ctx, own, Start{Now: true})
		if errors.Is(err, ErrTaken) {
			c, err = o.One(ctx, own.Name)
		}
		if err != nil {
			missing = errors.Join(missing, fmt.Errorf("consumer %s: %w", own.Name, err))
			continue
		}
		all = append(all, c)
	}
	return all, missing, nil
}

// withOwn gives a consumer that the settings name what they say.
func (o *Outbox) withOwn(c store.Consumer) store.Consumer {
	for _, own := range o.Own {
		if own.Name == c.Name && own.Kind == c.Kind {
			c.Settings, c.Lists, c.Kinds = own.Settings, own.Lists, own.Kinds
		}
	}
	return c
}

func (o *Outbox) isOwn(name string) bool {
	return slices.ContainsFunc(o.Own, func(c store.Consumer) bool { return c.Name == name })
}

// tries is how often a change is made again that another one came before.
const tries = 5

// Change changes a consumer as change says, and forgets what held it up.
func (o *Outbox) Change(ctx context.Context, name string, change func(*store.Consumer) error) (c store.Consumer, err error) {
	if o.isOwn(name) {
		return c, fmt.Errorf("%s %w", name, ErrOwn)
	}
	return o.change(ctx, name, change)
}

func (o *Outbox) change(ctx context.Context, name string, change func(*store.Consumer) error) (c store.Consumer, err error) {
	o.begin()
	for range tries {
		if c, err = o.Consumers.Consumer(ctx, name); err != nil {
			return c, err
		}
		if err = change(&c); err != nil {
			return c, err
		}
		if err = o.Consumers.ChangeConsumer(ctx, c); !errors.Is(err, store.ErrChanged) {
			break
		}
	}
	if err != nil {
		return c, err
	}
	o.wake()
	return o.One(ctx, name)
}

// Remove removes a consumer. What it was sent stays sent.
func (o *Outbox) Remove(ctx context.Context, name string) error {
	o.begin()
	if o.isOwn(name) {
		return fmt.Errorf("%s %w", name, ErrOwn)
	}
	err := o.Consumers.RemoveConsumer(ctx, name)
	o.wake()
	return err
}

// Pause has nothing sent to a consumer until Resume.
func (o *Outbox) Pause(ctx context.Context, name string) (store.Consumer, error) {
	return o.change(ctx, name, func(c *store.Consumer) error {
		c.State = store.ConsumerPaused
		return nil
	})
}

// Resume goes on after the last acknowledged event, at once.
func (o *Outbox) Resume(ctx context.Context, name string) (store.Consumer, error) {
	return o.change(ctx, name, func(c *store.Consumer) error {
		c.State = store.ConsumerActive
		return nil
	})
}

// Replay sends everything from there on, again or not, and goes on after it.
func (o *Outbox) Replay(ctx context.Context, name string, from Start) (store.Consumer, error) {
	cursor, err := o.cursor(ctx, from)
	if err != nil {
		return store.Consumer{}, err
	}
	return o.change(ctx, name, func(c *store.Consumer) error {
		c.Cursor, c.Done, c.Skip, c.State = cursor, nil, 0, store.ConsumerActive
		return nil
	})
}

// Skip passes over one event that is not acknowledged, and goes on.
func (o *Outbox) Skip(ctx context.Context, name string, event int64) (store.Consumer, error) {
	head, err := o.Ledger.Head(ctx)
	if err != nil {
		return store.Consumer{}, err
	}
	return o.change(ctx, name, func(c *store.Consumer) error {
		if event <= c.Cursor || event > head.ID || slices.Contains(c.Done, event) {
			return fmt.Errorf("%w that waits to be sent: those after %d do", ErrEvent, c.Cursor)
		}
		c.Skip, c.State = event, store.ConsumerActive
		return nil
	})
}

// wake has changes seen at once by the Run of this process.
func (o *Outbox) wake() {
	select {
	case o.changed <- struct{}{}:
	default:
	}
}
