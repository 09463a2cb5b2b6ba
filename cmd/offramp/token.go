package main

import (
	"net/url"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"offramp/listunsub"
)

// tokenView is what a link or address says.
type tokenView struct {
	Valid   bool       `json:"valid"`
	Kind    string     `json:"kind,omitempty"`
	Email   string     `json:"email,omitempty"`
	List    string     `json:"list,omitempty"`
	ListKey uint64     `json:"list_key,omitempty"`
	Issued  *time.Time `json:"issued,omitempty"`
}

func (a *app) tokenCommand() *cobra.Command {
	return group("token", "Inspect unsubscribe links", &cobra.Command{
		Use: "inspect LINK|TOKEN|ADDRESS", Short: "Show the person and list of a link or feedback address; exits 1 when it is not valid here",
		Args: exactly("LINK|TOKEN|ADDRESS"),
		RunE: func(_ *cobra.Command, args []string) error {
			s, err := a.lenientSettings()
			if err != nil {
				return err
			}
			if err := s.needTokenKeys(); err != nil {
				return err
			}
			ring, _, err := s.tokenKeys()
			if err != nil {
				return err
			}
			return a.printToken(inspect(ring, args[0]))
		},
	})
}

// inspect opens a token in any form it is met in.
func inspect(ring *listunsub.KeyRing, text string) tokenView {
	text = strings.Trim(strings.TrimSpace(text), "<>")
	if rest, ok := strings.CutPrefix(strings.ToLower(text), "mailto:"); ok {
		rest, _, _ = strings.Cut(rest, "?")
		if plain, err := url.PathUnescape(rest); err == nil {
			text = plain
		}
	}
	if local, _, ok := strings.Cut(text, "@"); ok {
		return inspectAddress(ring, local)
	}
	if u, err := url.Parse(text); err == nil && u.Host != "" {
		text = u.Path
	}
	text = text[strings.LastIndexByte(text, '/')+1:]
	for _, p := range []struct {
		purpose listunsub.Purpose
		kind    string
	}{{listunsub.HeaderLink, "header link"}, {listunsub.BodyLink, "body link"}, {listunsub.ConfirmLink, "confirmation link"},
		{listunsub.ReturnPath, "return path"}, {listunsub.FeedbackID, "feedback id"}} {
		if c, err := ring.Open(text, p.purpose); err == nil {
			issued := c.Issued.UTC()
			return tokenView{Valid: true, Kind: p.kind, Email: c.Recipient, List: c.List, Issued: &issued}
		}
	}
	return inspectAddress(ring, text)
}

func inspectAddress(ring *listunsub.KeyRing, local string) tokenView {
	c, err := ring.OpenAddress(local)
	if err != nil {
		return tokenView{}
	}
	kind := "opt-out address"
	if c.Kind == listunsub.BounceAddress {
		kind = "bounce address"
	}
	return tokenView{Valid: true, Kind: kind, Email: c.Recipient, ListKey: c.ListKey}
}

func (a *app) printToken(v tokenView) error {
	switch {
	case a.asJSON:
		if err := a.printJSON(v); err != nil {
			return err
		}
	case v.Valid:
		rows := [][]string{{"kind", v.Kind}, {"recipient", v.Email}}
		if v.List != "" {
			rows = append(rows, []string{"list", v.List})
		}
		if v.Issued != nil {
			rows = append(rows, []string{"issued", v.Issued.Format(time.RFC3339)})
		}
		if err := a.printTable(rows); err != nil {
			return err
		}
	default:
		a.say("Not a link or address made with these token keys: it is damaged, foreign or forged.")
	}
	if !v.Valid {
		return silent{exitFailed}
	}
	return nil
}
