package compat

import (
	"context"
	"net/http"
	"slices"
	"strconv"
	"strings"
	"unicode"
	"unicode/utf8"

	"offramp/gateway/envelope"
	"offramp/listunsub"
	"offramp/store"
)

// sgGroup is a list as a group of unsubscribes (ASM). How many people left it and
// when it was last sent is not counted here.
type sgGroup struct {
	ID          int64  `json:"id"`
	Name        string `json:"name"`
	Description string `json:"description"`
	Default     bool   `json:"is_default"`
}

// groupID is the number of a list: 53 bits of its key, which a JSON number holds
// in every language. The same list has the same number on every server.
func groupID(list string) int64 { return int64(listunsub.ListKey(list) & (1<<53 - 1)) }

func groupOf(l store.List) sgGroup {
	g := sgGroup{ID: groupID(l.ID), Name: l.Name, Description: l.Description}
	if g.Name == "" {
		g.Name = l.ID
	}
	return g
}

// lists returns those that the client's key is for.
func (c *call) lists() ([]store.List, error) {
	all, err := c.Lists.Lists(c.ctx)
	return slices.DeleteFunc(slices.Clone(all), func(l store.List) bool { return c.within(l.ID) != nil }), err
}

// group returns the list of the number in the path.
func (c *call) group() (store.List, error) {
	id, err := strconv.ParseInt(c.r.PathValue("id"), 10, 64)
	if err != nil {
		return store.List{}, badRequest("the id of a group is a number")
	}
	all, err := c.Lists.Lists(c.ctx)
	if err != nil {
		return store.List{}, err
	}
	for _, l := range all {
		if groupID(l.ID) == id {
			return l, c.within(l.ID)
		}
	}
	// Whoever is for some lists learns nothing about others.
	if c.grant.Lists != nil {
		return store.List{}, c.within(store.AllLists)
	}
	return store.List{}, store.ErrNotFound
}

func (c *call) sgGroups() error {
	all, err := c.lists()
	groups := []sgGroup{}
	wanted := c.r.URL.Query()["id"]
	for _, l := range all {
		if g := groupOf(l); len(wanted) == 0 || slices.Contains(wanted, strconv.FormatInt(g.ID, 10)) {
			groups = append(groups, g)
		}
	}
	return c.result(groups, err)
}

func (c *call) sgGroup() error {
	l, err := c.group()
	return c.result(groupOf(l), err)
}

// groupText is what is said of a group.
type groupText struct {
	Name        *string `json:"name"`
	Description *string `json:"description"`
}

// Most characters of a list's texts, as in the API of this server.
const (
	mostName        = 200
	mostDescription = 500
)

func (t groupText) put(l *store.List) error {
	for _, one := range []struct {
		name string
		text *string
		to   *string
		most int
	}{{"name", t.Name, &l.Name, mostName}, {"description", t.Description, &l.Description, mostDescription}} {
		switch {
		case one.text == nil:
		case !utf8.ValidString(*one.text) || utf8.RuneCountInString(*one.text) > one.most || strings.ContainsFunc(*one.text, unicode.IsControl):
			return badRequest("%s must be one line of at most %d characters", one.name, one.most)
		default:
			*one.to = *one.text
		}
	}
	return nil
}

// sgGroupAdd adds a list. Its name is its identifier too, as mail of that group
// would have it in List-Id.
func (c *call) sgGroupAdd() error {
	var q groupText
	if err := c.body(&q); err != nil {
		return err
	}
	if q.Name == nil || strings.TrimSpace(*q.Name) == "" {
		return badRequest("name is missing")
	}
	id := listunsub.CanonicalID(*q.Name)
	l := store.List{ID: id, Key: listunsub.ListKey(id), Created: c.now().UTC()}
	if err := q.put(&l); err != nil {
		return err
	}
	l, err := c.Lists.EnsureList(c.ctx, l)
	if err != nil {
		return err
	}
	return c.answer(http.StatusCreated, groupOf(l))
}

func (c *call) sgGroupChange() error {
	var q groupText
	if err := c.body(&q); err != nil {
		return err
	}
	l, err := c.group()
	if err == nil {
		err = q.put(&l)
	}
	if err == nil {
		err = c.Lists.UpdateList(c.ctx, l)
	}
	return c.result(groupOf(l), err)
}

func (c *call) sgGroupDelete() error {
	if _, err := c.group(); err != nil {
		return err
	}
	return refusal{http.StatusMethodNotAllowed, "Lists cannot be removed: who unsubscribed from one must stay so."}
}

func (c *call) sgMembers() error {
	l, err := c.group()
	if err != nil {
		return err
	}
	all := []string{}
	for p, err := range c.people(c.ctx, unsubscribed(&l.ID), "") {
		if err != nil {
			return err
		}
		all = append(all, p.address)
	}
	return c.answer(http.StatusOK, all)
}

func (c *call) sgMemberAdd() error {
	l, err := c.group()
	if err != nil {
		return err
	}
	q, all, err := c.emails()
	if err != nil {
		return err
	}
	if err := c.optOutAll(all, l.ID); err != nil {
		return err
	}
	return c.answer(http.StatusCreated, q)
}

func (c *call) sgMemberSearch() error {
	l, err := c.group()
	if err != nil {
		return err
	}
	q, all, err := c.emails()
	if err != nil {
		return err
	}
	out := []string{}
	for i, a := range all {
		p, err := c.one(c.ctx, unsubscribed(&l.ID), a)
		if err != nil {
			return err
		}
		if len(p.entries) > 0 {
			out = append(out, q.Emails[i])
		}
	}
	return c.answer(http.StatusOK, out)
}

// sgMemberDelete takes the opt-out of one person from one list back, also the
// person's own: that is what the call means.
func (c *call) sgMemberDelete() error {
	l, err := c.group()
	if err != nil {
		return err
	}
	return c.sgRemove(unsubscribed(&l.ID))
}

// sgAll lists who left which list, by address.
func (c *call) sgAll() error {
	type member struct {
		Email   string `json:"email"`
		Group   int64  `json:"group_id"`
		Name    string `json:"group_name"`
		Created int64  `json:"created_at"`
	}
	lists, err := c.lists()
	if err != nil {
		return err
	}
	names := map[string]sgGroup{}
	for _, l := range lists {
		names[l.ID] = groupOf(l)
	}
	all := []member{}
	for p, err := range c.people(c.ctx, unsubscribed(nil), "") {
		if err != nil {
			return err
		}
		for i, e := range p.entries {
			again := slices.ContainsFunc(p.entries[:i], func(before entry) bool { return before.list == e.list })
			if g, ok := names[e.list]; ok && !again {
				all = append(all, member{p.address, g.ID, g.Name, e.since.Unix()})
			}
		}
	}
	return c.answer(http.StatusOK, all)
}

// sgOfOne says for each list whether one person left it.
func (c *call) sgOfOne() error {
	type group struct {
		sgGroup
		Suppressed bool `json:"suppressed"`
	}
	a, err := parse(c.r.PathValue("email"))
	if err != nil {
		return err
	}
	lists, err := c.lists()
	if err != nil {
		return err
	}
	p, err := c.one(c.ctx, unsubscribed(nil), a)
	all := []group{}
	for _, l := range lists {
		all = append(all, group{groupOf(l), slices.ContainsFunc(p.entries, func(e entry) bool { return e.list == l.ID })})
	}
	return c.result(map[string][]group{"suppressions": all}, err)
}

// optOutAll records that people want no mail of a list, or of any.
func (c *call) optOutAll(all []envelope.Address, list string) error {
	if err := c.ensure(list); err != nil {
		return err
	}
	now := c.now()
	return c.each(len(all), func(ctx context.Context, i int) error { return c.optOut(ctx, all[i], list, now) })
}
