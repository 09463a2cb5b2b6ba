package compat

import (
	"context"
	"encoding/json"
	"errors"
	"mime"
	"net/http"
	"strconv"
	"strings"
	"time"

	"offramp/gateway/consent"
	"offramp/gateway/envelope"
	"offramp/store"
)

// mgNew is a record to be added, as JSON has it.
type mgNew struct {
	Address string   `json:"address"`
	Code    mgText   `json:"code"`
	Error   string   `json:"error"`
	Tag     string   `json:"tag"`
	Tags    []string `json:"tags"`
	Created string   `json:"created_at"`
	// Older is another spelling of it that some clients have.
	Older string `json:"createdAt"`
}

// mgText is a text that may be a number as well.
type mgText string

// UnmarshalJSON implements [json.Unmarshaler].
func (t *mgText) UnmarshalJSON(raw []byte) error {
	*t = mgText(strings.Trim(string(raw), `"`))
	return nil
}

// mgRow is a record that was checked.
type mgRow struct {
	address envelope.Address
	since   time.Time
	note    string
	lists   []string
}

// mgAdd adds one record (a form) or up to 1000 (a JSON array). One that is
// invalid refuses all of them.
func (c *call) mgAdd() error {
	w, err := c.mgWant()
	if err != nil {
		return err
	}
	all, err := c.mgBody()
	if err != nil {
		return err
	}
	if len(all) == 0 || len(all) > mgMost {
		return badRequest("the number of addresses must be from 1 to %d", mgMost)
	}
	rows := make([]mgRow, len(all))
	for i, one := range all {
		if rows[i], err = c.mgRow(w, one); err != nil {
			return err
		}
	}
	if err := c.mgStore(w, rows); err != nil {
		return err
	}
	kind := c.r.PathValue("kind")
	if len(rows) == 1 {
		return c.answer(http.StatusOK, map[string]string{"message": "Address has been added to the " + kind + " table", "address": all[0].Address})
	}
	return c.answer(http.StatusOK, map[string]string{"message": strconv.Itoa(len(rows)) + " addresses have been added to the " + kind + " table"})
}

// mgRow checks a record.
func (c *call) mgRow(w want, one mgNew) (row mgRow, err error) {
	if row.address, err = parse(one.Address); err != nil {
		return row, badRequest("%q is not a valid mail address", cut(one.Address, 100))
	}
	text := one.Created
	if text == "" {
		text = one.Older
	}
	if row.since, err = mgParseTime(text); err != nil {
		return row, err
	}
	if row.since.IsZero() {
		row.since = c.now()
	}
	if !w.choices {
		code := string(one.Code)
		if code == "" && one.Error != "" {
			code = "550"
		}
		row.note = strings.TrimSpace(code + " " + one.Error)
		return row, nil
	}
	tags := one.Tags
	if one.Tag != "" {
		tags = append(tags, one.Tag)
	}
	if len(tags) == 0 {
		tags = []string{allTags}
	}
	for _, tag := range tags {
		list := listOfTag(tag)
		if err := c.within(list); err != nil {
			return row, err
		}
		row.lists = append(row.lists, list)
	}
	return row, nil
}

// cut shortens a text for an answer.
func cut(s string, most int) string {
	if len(s) > most {
		return strings.ToValidUTF8(s[:most], "") + "…"
	}
	return s
}

func (c *call) mgStore(w want, rows []mgRow) error {
	known := map[string]bool{}
	for _, row := range rows {
		for _, list := range row.lists {
			if known[list] {
				continue
			}
			known[list] = true
			if err := c.ensure(list); err != nil {
				return err
			}
		}
	}
	return c.each(len(rows), func(ctx context.Context, i int) error {
		row := rows[i]
		for _, list := range row.lists {
			if err := c.optOut(ctx, row.address, list, row.since); err != nil {
				return err
			}
		}
		if w.choices {
			return nil
		}
		return c.suppress(ctx, consent.Stop{Subject: consent.Subject{Recipient: row.address, List: store.AllLists}, Reason: w.reasons[0], Note: row.note}, row.since)
	})
}

// mgBody reads a JSON array, one JSON object, or a form of either kind.
func (c *call) mgBody() ([]mgNew, error) {
	kind, _, _ := mime.ParseMediaType(c.r.Header.Get("Content-Type"))
	var err error
	switch kind {
	case "application/x-www-form-urlencoded":
		err = c.r.ParseForm()
	case "multipart/form-data":
		err = c.r.ParseMultipartForm(maxBody)
	default:
		return c.mgJSON()
	}
	if err != nil {
		var tooLarge *http.MaxBytesError
		if errors.As(err, &tooLarge) {
			return nil, err
		}
		return nil, badRequest("the form cannot be read")
	}
	f := c.r.Form
	if len(f["address"]) > 1 {
		return nil, badRequest("a form has one address; send several as a JSON array")
	}
	return []mgNew{{
		Address: f.Get("address"), Code: mgText(f.Get("code")), Error: f.Get("error"), Created: f.Get("created_at"),
		Tags: append(f["tag"], f["tags"]...),
	}}, nil
}

func (c *call) mgJSON() ([]mgNew, error) {
	raw, err := c.read()
	if err != nil {
		return nil, err
	}
	var all []mgNew
	if json.Unmarshal(raw, &all) == nil {
		return all, nil
	}
	var one mgNew
	if json.Unmarshal(raw, &one) == nil {
		return []mgNew{one}, nil
	}
	return nil, badRequest("the body is not a form, nor the JSON that this call takes")
}
