package main

import (
	"context"
	"fmt"
	"net/url"
	"strings"
	"unicode"
	"unicode/utf8"

	"offramp/gateway/feedback"
	"offramp/gateway/record"
)

// operator looks at what recipients learn about the sender, and whether what
// comes back is read.
func (c *checker) operator() {
	g := c.settings.Gateway
	if g.Web.OperatorName == "" {
		host := "a host name"
		if u, err := url.Parse(g.PublicURL); err == nil && u.Hostname() != "" {
			host = fmt.Sprintf("%q", u.Hostname())
		}
		c.add(findWarn, "operator", "OFFRAMP_OPERATOR_NAME is not set: the page says "+host+" where your name belongs, which looks like phishing", "")
	}
	if !g.BouncesComeBack() && g.Returns.ReturnPath != feedback.Keep {
		c.add(findWarn, "bounces", "OFFRAMP_FEEDBACK_DOMAIN is not set: bounces go to the senders, and dead addresses keep getting mail", "")
	}
}

// listNames looks for lists that people see by their identifier alone.
func (c *checker) listNames(ctx context.Context) {
	var lists record.ListPage
	err := c.operate(ctx, func(api *client) error { return api.call(ctx, "GET", "lists", nil, &lists) })
	if err != nil {
		return // no data yet, or reported by other findings
	}
	unnamed := 0
	for _, l := range lists.Items {
		if l.Name != "" || l.Transactional {
			continue
		}
		if unnamed++; unnamed <= mostNamed {
			c.add(findWarn, "lists", fmt.Sprintf("the list %s has no name: people see only that on the page", l.ID),
				c.app.command("lists set "+shellQuote(l.ID)+" --name "+shellQuote(likelyName(l.ID))))
		}
	}
	if unnamed > mostNamed {
		c.add(findWarn, "lists", fmt.Sprintf("and %s more have no name", plural(unnamed-mostNamed, "list")), c.app.command("lists"))
	}
}

// likelyName makes a name of a list's identifier: weekly-news.example.com is
// Weekly news.
func likelyName(id string) string {
	label, _, _ := strings.Cut(id, ".")
	words := strings.Fields(strings.NewReplacer("-", " ", "_", " ").Replace(label))
	if len(words) == 0 {
		return id
	}
	name := strings.Join(words, " ")
	first, size := utf8.DecodeRuneInString(name)
	return string(unicode.ToUpper(first)) + name[size:]
}
