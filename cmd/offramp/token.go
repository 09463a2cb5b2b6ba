package main

import (
	"context"
	"encoding/hex"
	"errors"
	"net/url"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"offramp/listunsub"
	"offramp/store"
)

// tokenView is what a link or address says.
type tokenView struct {
	Valid   bool       `json:"valid"`
	Kind    string     `json:"kind,omitempty"`
	Email   string     `json:"email,omitempty"`
	List    string     `json:"list,omitempty"`
	ListKey uint64     `json:"list_key,omitempty"`
	Issued  *time.Time `json:"issued,omitempty"`
	// Code is in an address in place of a long recipient; Email is then what the
	// data says, and Note why it says nothing.
	Code string `json:"code,omitempty"`
	Note string `json:"note,omitempty"`

	code listunsub.PersonCode
}

func (a *app) tokenCommand() *cobra.Command {
	return group("token", "Inspect unsubscribe links", &cobra.Command{
		Use: "inspect LINK|TOKEN|ADDRESS", Short: "Show the person and list of a link or feedback address; exits 1 when it is not valid here",
		Args: exactly("LINK|TOKEN|ADDRESS"),
		RunE: func(cmd *cobra.Command, args []string) error {
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
			v := inspect(ring, args[0])
			if v.code != (listunsub.PersonCode{}) {
				if err := s.lookUp(cmd.Context(), &v); err != nil {
					return err
				}
			}
			return a.printToken(v)
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
	v := tokenView{Valid: true, Kind: kind, Email: c.Recipient, ListKey: c.ListKey}
	if c.Code != (listunsub.PersonCode{}) {
		v.code, v.Code = c.Code, hex.EncodeToString(c.Code[:])
	}
	return v
}

// lookUp finds the recipient of a code.
func (s *settings) lookUp(ctx context.Context, v *tokenView) error {
	address, err := s.addressOfCode(ctx, v.code)
	switch {
	case errors.Is(err, store.ErrNotFound):
		v.Note = "the data does not know this code: it is of another installation with these keys, or lost with an older copy; mail to the address is deferred (451)"
	case err != nil:
		return err
	case address == "":
		v.Note = "the person was erased; mail to the address is accepted and changes nothing"
	default:
		v.Email = address
	}
	return nil
}

func (a *app) printToken(v tokenView) error {
	switch {
	case a.asJSON:
		if err := a.printJSON(v); err != nil {
			return err
		}
	case v.Valid:
		rows := [][]string{{"kind", v.Kind}}
		if v.Email != "" {
			rows = append(rows, []string{"recipient", v.Email})
		}
		if v.Code != "" {
			rows = append(rows, []string{"code", v.Code})
		}
		if v.Note != "" {
			rows = append(rows, []string{"note", v.Note})
		}
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
