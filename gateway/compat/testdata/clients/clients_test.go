// Package clients uses the suppression APIs at URL with KEY as programs that use
// SendGrid's and Mailgun's own libraries do. It fails at the first answer that
// those libraries do not understand, or that is not what the vendor would say.
package clients

import (
	"context"
	"encoding/json"
	"fmt"
	"os"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/mailgun/mailgun-go/v4"
	"github.com/sendgrid/rest"
	"github.com/sendgrid/sendgrid-go"
)

var base, key = os.Getenv("URL"), os.Getenv("KEY")

func check(what string, err error) {
	if err != nil {
		panic(fmt.Sprintf("%s: %v", what, err))
	}
}

func same(what string, got, want any) {
	if g, w := fmt.Sprint(got), fmt.Sprint(want); g != w {
		panic(fmt.Sprintf("%s: %s, want %s", what, g, w))
	}
}

// call sends one request of SendGrid's library and reads the answer into out.
func call(status int, method rest.Method, path string, query map[string]string, body, out any) {
	r := sendgrid.GetRequest(key, path, base+"/compat/sendgrid")
	r.Method, r.QueryParams = method, query
	if body != nil {
		r.Body, _ = json.Marshal(body)
	}
	res, err := sendgrid.API(r)
	check(path, err)
	same(string(method)+" "+path+" "+res.Body, res.StatusCode, status)
	if out != nil {
		check(path+" "+res.Body, json.Unmarshal([]byte(res.Body), out))
	}
}

type emails struct {
	Emails []string `json:"recipient_emails"`
}

func TestSendGrid(*testing.T) {
	var bounces []struct {
		Created               int64
		Email, Reason, Status string
	}
	call(200, rest.Get, "/v3/suppression/bounces", map[string]string{"limit": "2", "offset": "1"}, nil, &bounces)
	same("second page of bounces", len(bounces), 2)
	same("bounce", bounces[0].Email+" "+bounces[0].Reason+" "+bounces[0].Status, "bounced1@example.com 550 5.1.1 no such user 5.1.1")
	call(200, rest.Get, "/v3/suppression/bounces", map[string]string{"start_time": fmt.Sprint(time.Now().Unix() + 60)}, nil, &bounces)
	same("bounces to come", len(bounces), 0)
	call(200, rest.Get, "/v3/suppression/bounces/bounced0@example.com", nil, nil, &bounces)
	same("one bounce", len(bounces), 1)
	call(204, rest.Delete, "/v3/suppression/bounces/bounced0@example.com", nil, nil, nil)
	call(404, rest.Delete, "/v3/suppression/bounces/bounced0@example.com", nil, nil, nil)
	call(204, rest.Delete, "/v3/suppression/bounces", nil, map[string]any{"emails": []string{"bounced1@example.com"}}, nil)
	call(204, rest.Delete, "/v3/suppression/bounces", nil, map[string]any{"delete_all": true}, nil)
	call(200, rest.Get, "/v3/suppression/bounces", nil, nil, &bounces)
	same("bounces at the end", len(bounces), 0)
	call(200, rest.Get, "/v3/suppression/blocks", nil, nil, &bounces)
	call(200, rest.Get, "/v3/suppression/invalid_emails", nil, nil, &bounces)
	call(200, rest.Get, "/v3/suppression/spam_reports", nil, nil, &bounces)
	same("spam reports", len(bounces), 1)

	var echo emails
	call(201, rest.Post, "/v3/asm/suppressions/global", nil, emails{[]string{"ada@example.com", "Bob@Example.com"}}, &echo)
	same("added", echo.Emails, []string{"ada@example.com", "Bob@Example.com"})
	var found map[string]string
	call(200, rest.Get, "/v3/asm/suppressions/global/bob@example.com", nil, nil, &found)
	same("found", found["recipient_email"], "bob@example.com")
	call(204, rest.Delete, "/v3/asm/suppressions/global/bob@example.com", nil, nil, nil)
	found = nil
	call(200, rest.Get, "/v3/asm/suppressions/global/bob@example.com", nil, nil, &found)
	same("removed", len(found), 0)

	var group struct {
		ID                int64
		Name, Description string
	}
	call(201, rest.Post, "/v3/asm/groups", nil, map[string]any{"name": "offers.example.org", "description": "Offers", "is_default": false}, &group)
	path := fmt.Sprintf("/v3/asm/groups/%d", group.ID)
	call(200, rest.Patch, path, nil, map[string]any{"name": "Offers of the week"}, &group)
	same("renamed", group.Name+" "+group.Description, "Offers of the week Offers")
	call(201, rest.Post, path+"/suppressions", nil, emails{[]string{"cyd@example.com"}}, &echo)
	var members []string
	call(200, rest.Get, path+"/suppressions", nil, nil, &members)
	same("members", members, []string{"cyd@example.com"})
	call(200, rest.Post, path+"/suppressions/search", nil, emails{[]string{"ada@example.com", "cyd@example.com"}}, &members)
	same("search", members, []string{"cyd@example.com"})
	var all []struct {
		Email string
		Group int64 `json:"group_id"`
	}
	call(200, rest.Get, "/v3/asm/suppressions", nil, nil, &all)
	if !slices.ContainsFunc(all, func(m struct {
		Email string
		Group int64 `json:"group_id"`
	}) bool {
		return m.Email == "cyd@example.com" && m.Group == group.ID
	}) {
		panic(fmt.Sprint("all: ", all))
	}
	var of struct {
		Suppressions []struct {
			ID         int64
			Suppressed bool
		}
	}
	call(200, rest.Get, "/v3/asm/suppressions/cyd@example.com", nil, nil, &of)
	for _, g := range of.Suppressions {
		same(fmt.Sprint("suppressed in ", g.ID), g.Suppressed, g.ID == group.ID)
	}
	call(204, rest.Delete, path+"/suppressions/cyd@example.com", nil, nil, nil)
	call(200, rest.Get, path+"/suppressions", nil, nil, &members)
	same("members at the end", len(members), 0)
	call(405, rest.Delete, path, nil, nil, nil)

	r := sendgrid.GetRequest(key+"x", "/v3/asm/groups", base+"/compat/sendgrid")
	res, err := sendgrid.API(r)
	check("wrong key", err)
	same("wrong key", res.StatusCode, 401)
	if !strings.Contains(res.Body, `"errors":[{"message":`) {
		panic(res.Body)
	}
}

func TestMailgun(*testing.T) {
	ctx, cancel := context.WithTimeout(context.Background(), time.Minute)
	defer cancel()
	mg := mailgun.NewMailgun("mg.example.org", key)
	mg.SetAPIBase(base + "/compat/mailgun/v3")

	check("add a bounce", mg.AddBounce(ctx, "dan@example.com", "550", "No such user"))
	var many []mailgun.Bounce
	for i := range 25 {
		many = append(many, mailgun.Bounce{Address: fmt.Sprintf("m%02d@example.com", i), Code: "551", Error: "Gone"})
	}
	check("add bounces", mg.AddBounces(ctx, many))
	b, err := mg.GetBounce(ctx, "dan@example.com")
	check("get a bounce", err)
	same("bounce", b.Address+" "+b.Code+" "+b.Error, "dan@example.com 550 No such user")
	if d := time.Since(time.Time(b.CreatedAt)); d < -time.Minute || d > time.Minute {
		panic(fmt.Sprint("created ", b.CreatedAt))
	}
	it := mg.ListBounces(&mailgun.ListOptions{Limit: 10})
	var page []mailgun.Bounce
	var pages [][]string
	for it.Next(ctx, &page) {
		var addresses []string
		for _, b := range page {
			addresses = append(addresses, b.Address)
		}
		pages = append(pages, addresses)
	}
	check("list bounces", it.Err())
	same("pages", fmt.Sprint(len(pages), len(pages[0]), len(pages[2])), "3 10 6")
	if !it.First(ctx, &page) || page[0].Address != pages[0][0] {
		panic(fmt.Sprint("first: ", page, it.Err()))
	}
	if !it.Next(ctx, &page) || page[0].Address != pages[1][0] {
		panic(fmt.Sprint("next after first: ", page, it.Err()))
	}
	if !it.Previous(ctx, &page) || page[0].Address != pages[0][0] {
		panic(fmt.Sprint("previous: ", page, it.Err()))
	}
	if !it.Last(ctx, &page) || page[len(page)-1].Address != pages[2][5] {
		panic(fmt.Sprint("last: ", page, it.Err()))
	}
	check("delete a bounce", mg.DeleteBounce(ctx, "dan@example.com"))
	_, err = mg.GetBounce(ctx, "dan@example.com")
	same("a bounce that is gone", mailgun.GetStatusFromErr(err), 404)
	check("delete all bounces", mg.DeleteBounceList(ctx))

	check("unsubscribe", mg.CreateUnsubscribe(ctx, "eve@example.com", "*"))
	check("unsubscribe from a tag", mg.CreateUnsubscribe(ctx, "fay@example.com", "news.example.org"))
	check("unsubscribe many", mg.CreateUnsubscribes(ctx, []mailgun.Unsubscribe{
		{Address: "gus@example.com", Tags: []string{"news.example.org", "offers.example.org"}}, {Address: "hal@example.com"},
	}))
	u, err := mg.GetUnsubscribe(ctx, "gus@example.com")
	check("get an unsubscribe", err)
	same("tags", u.Tags, []string{"news.example.org", "offers.example.org"})
	check("delete with a tag", mg.DeleteUnsubscribeWithTag(ctx, "gus@example.com", "news.example.org"))
	u, err = mg.GetUnsubscribe(ctx, "gus@example.com")
	check("get it again", err)
	same("tags left", u.Tags, []string{"offers.example.org"})
	check("delete", mg.DeleteUnsubscribe(ctx, "hal@example.com"))
	_, err = mg.GetUnsubscribe(ctx, "hal@example.com")
	same("an unsubscribe that is gone", mailgun.GetStatusFromErr(err), 404)
	var left []mailgun.Unsubscribe
	names := []string{}
	for it := mg.ListUnsubscribes(nil); it.Next(ctx, &left); {
		for _, u := range left {
			names = append(names, u.Address)
		}
	}
	for _, want := range []string{"eve@example.com", "fay@example.com", "gus@example.com"} {
		if !slices.Contains(names, want) {
			panic(fmt.Sprint(want, " is not in ", names))
		}
	}

	check("complaint", mg.CreateComplaint(ctx, "ivy@example.com"))
	check("complaints", mg.CreateComplaints(ctx, []string{"jon@example.com", "kim@example.com"}))
	c, err := mg.GetComplaint(ctx, "ivy@example.com")
	check("get a complaint", err)
	same("complaint", fmt.Sprint(c.Address, c.Count), "ivy@example.com1")
	check("delete a complaint", mg.DeleteComplaint(ctx, "ivy@example.com"))
	var complaints []mailgun.Complaint
	n := 0
	for it := mg.ListComplaints(nil); it.Next(ctx, &complaints); {
		n += len(complaints)
	}
	same("complaints", n, 3) // with one that was there

	wrong := mailgun.NewMailgun("mg.example.org", key+"x")
	wrong.SetAPIBase(base + "/compat/mailgun/v3")
	_, err = wrong.GetBounce(ctx, "dan@example.com")
	same("wrong key", mailgun.GetStatusFromErr(err), 401)
}
