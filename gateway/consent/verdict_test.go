package consent_test

import (
	"context"
	"errors"
	"strings"
	"testing"
	"time"

	"offramp/gateway/consent"
	"offramp/gateway/envelope"
	"offramp/store"

	"github.com/google/go-cmp/cmp"
)

var (
	before = stored.Add(-time.Microsecond)
	after  = stored.Add(time.Microsecond)
)

// records are what a store holds about anna@example.net before a test.
type records []func(*fakeStore)

func choice(list string, s store.State) func(*fakeStore) {
	return chosen(store.Choice{List: list, State: s})
}

func chosen(c store.Choice) func(*fakeStore) {
	return func(f *fakeStore) {
		c.Recipient = "anna@example.net"
		f.choices = append(f.choices, c)
	}
}

func paused(list string, until time.Time, then store.Frequency) func(*fakeStore) {
	return chosen(store.Choice{List: list, State: store.Paused, Until: until, Every: then})
}

func limited(list string, every store.Frequency) func(*fakeStore) {
	return chosen(store.Choice{List: list, State: store.Limited, Every: every})
}

func suppressed(list string, r store.Reason) func(*fakeStore) {
	return func(f *fakeStore) {
		f.suppressions = append(f.suppressions, store.Suppression{Recipient: "anna@example.net", List: list, Reason: r})
	}
}

func refuses(f *fakeStore) {
	f.sharing = append(f.sharing, store.Sharing{Recipient: "anna@example.net", Refused: true})
}

func thirdParty(f *fakeStore) {
	f.lists = append(f.lists, store.List{ID: "news", ThirdParty: true})
}

func erased(f *fakeStore) {
	if err := f.Erase(context.Background(), "anna@example.net", store.Event{}); err != nil {
		panic(err)
	}
}

func (r records) store() *fakeStore {
	f := &fakeStore{}
	for _, add := range r {
		add(f)
	}
	return f
}

func TestVerdict(t *testing.T) {
	anna := address(t, "anna@example.net")
	tests := map[string]struct {
		records records
		news    store.Reason // for mail of the list; empty: deliver
		exempt  store.Reason // for exempt mail
	}{
		"nothing":                  {nil, "", ""},
		"subscribed":               {records{choice("news", store.Subscribed)}, "", ""},
		"left":                     {records{choice("news", store.Unsubscribed)}, "unsubscribed", ""},
		"left another":             {records{choice("shop", store.Unsubscribed)}, "", ""},
		"left all":                 {records{choice("", store.Unsubscribed)}, "unsubscribed-all", ""},
		"left all, wants one":      {records{choice("", store.Unsubscribed), choice("news", store.Subscribed)}, "unsubscribed-all", ""},
		"took all back, left one":  {records{choice("", store.Subscribed), choice("news", store.Unsubscribed)}, "unsubscribed", ""},
		"left both":                {records{choice("", store.Unsubscribed), choice("news", store.Unsubscribed)}, "unsubscribed", ""},
		"state of a later release": {records{choice("news", "muted")}, "unsubscribed", ""},

		"paused":                       {records{paused("news", after, "")}, "paused", ""},
		"paused another":               {records{paused("shop", after, "")}, "", ""},
		"paused all":                   {records{paused("", after, "")}, "paused-all", ""},
		"paused until now":             {records{paused("news", stored, "")}, "", ""},
		"paused until a while ago":     {records{paused("", before, "")}, "", ""},
		"paused, limited now":          {records{paused("", before, store.Daily)}, "", ""},
		"paused both":                  {records{paused("news", after, ""), paused("", after, "")}, "paused", ""},
		"left all before paused":       {records{paused("news", after, ""), choice("", store.Unsubscribed)}, "unsubscribed-all", ""},
		"limited is judged later":      {records{limited("news", store.Daily), limited("", store.Monthly)}, "", ""},
		"a limit beside a pause":       {records{limited("news", store.Daily), paused("", after, "")}, "paused-all", ""},
		"refuses sharing":              {records{refuses, thirdParty}, "sharing-refused", ""},
		"refuses sharing, own list":    {records{refuses, func(f *fakeStore) { f.lists = []store.List{{ID: "news"}} }}, "", ""},
		"refuses sharing, new list":    {records{refuses}, "", ""},
		"third-party, never said":      {records{thirdParty}, "", ""},
		"paused before sharing":        {records{refuses, thirdParty, paused("", after, "")}, "paused-all", ""},
		"sharing before bounced":       {records{refuses, thirdParty, suppressed("", store.ReasonBounced)}, "sharing-refused", "bounced"},
		"erased":                       {records{erased}, "erased", ""},
		"erased, left the list before": {records{choice("news", store.Unsubscribed), erased}, "unsubscribed", ""},

		"bounced":                    {records{suppressed("", store.ReasonBounced)}, "bounced", "bounced"},
		"bounced on the list":        {records{suppressed("news", store.ReasonBounced)}, "bounced", ""},
		"manual":                     {records{suppressed("", store.ReasonManual)}, "manual", "manual"},
		"manual for the list":        {records{suppressed("news", store.ReasonManual)}, "manual", ""},
		"manual for another":         {records{suppressed("shop", store.ReasonManual)}, "", ""},
		"complained":                 {records{suppressed("", store.ReasonComplained)}, "complained", ""},
		"complained about the list":  {records{suppressed("news", store.ReasonComplained)}, "complained", ""},
		"reason of a later release":  {records{suppressed("", "deceased")}, "deceased", ""},
		"complained before bounced":  {records{suppressed("", store.ReasonBounced), suppressed("news", store.ReasonComplained)}, "complained", "bounced"},
		"bounced before manual":      {records{suppressed("", store.ReasonManual), suppressed("", store.ReasonBounced)}, "bounced", "bounced"},
		"complained before left":     {records{choice("news", store.Unsubscribed), suppressed("", store.ReasonComplained)}, "complained", ""},
		"left before bounced":        {records{choice("", store.Unsubscribed), suppressed("", store.ReasonBounced)}, "unsubscribed-all", "bounced"},
		"subscribed does not revive": {records{choice("news", store.Subscribed), suppressed("", store.ReasonBounced)}, "bounced", "bounced"},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			f := test.records.store()
			c := newConsent(f)
			check := func(recipient envelope.Address, list string, want store.Reason) {
				t.Helper()
				got, err := c.Verdict(context.Background(), recipient, list)
				// What is asked for nothing says nothing about the person either.
				erased := strings.HasPrefix(name, "erased") && recipient.Key() == anna.Key() && c.Config.TransactionalDead
				if diff := cmp.Diff(store.Verdict{Drop: want != "", Reason: want, Erased: erased}, got); diff != "" || err != nil {
					t.Errorf("list %q: %v, verdict (-want +got):\n%s", list, err, diff)
				}
			}
			check(anna, "news", test.news)
			check(address(t, "ANNA@Example.NET"), "news", test.news) // the same person
			check(address(t, "ann@example.net"), "news", "")
			check(envelope.Address{}, "news", "")
			check(anna, "", test.exempt)
			c.Config.TransactionalDead = false
			reads := f.reads
			check(anna, "", "")
			if f.reads != reads {
				t.Error("the store was asked for nothing")
			}
			if len(f.turns) > 0 {
				t.Error("a verdict took a turn")
			}
		})
	}
}

// Whether a list is third-party decides on the mail, so it must be known.
func TestNoVerdictWithoutTheList(t *testing.T) {
	f := records{refuses, thirdParty}.store()
	f.fails = map[string]error{"List": store.ErrUnavailable}
	if _, err := newConsent(f).Verdict(t.Context(), address(t, "anna@example.net"), "news"); !errors.Is(err, store.ErrUnavailable) {
		t.Errorf("error %v", err)
	}
}

func TestRetention(t *testing.T) {
	for hours, ok := range map[time.Duration]bool{0: true, 1488: true, 26280: true, 1487: false, -1: false} {
		err := consent.Config{Retention: hours * time.Hour}.Validate()
		if (err == nil) != ok {
			t.Errorf("%dh: %v", hours, err)
		}
	}
}
