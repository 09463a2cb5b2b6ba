package nexthop

import (
	"encoding/base64"
	"errors"
	"slices"
	"strings"
)

// maxAuthLine is what a command line may hold before its end; a longer initial
// response must wait for the prompt (RFC 4954 section 4).
const maxAuthLine = 510

// authenticate logs in with PLAIN (RFC 4616), or with LOGIN where that is all
// there is or PLAIN turns out not to be known.
func (d *dialogue) authenticate(h hop, offered string) error {
	mechanisms := strings.Fields(strings.ToUpper(offered))
	plain, login := slices.Contains(mechanisms, "PLAIN"), slices.Contains(mechanisms, "LOGIN")
	if !plain && !login {
		return errors.New("AUTH PLAIN or LOGIN is not offered")
	}
	if plain {
		err := d.exchange("PLAIN", "\x00"+h.user+"\x00"+h.password)
		refused, ok := errors.AsType[*refusal](err)
		if !login || !ok || refused.code != 504 {
			return err
		}
	}
	return d.exchange("LOGIN", h.user, h.password)
}

// exchange runs AUTH. The first response goes with the command; a server that
// does not take it there refuses the syntax, and is then asked without.
// Prompts are answered in order, whatever they say.
func (d *dialogue) exchange(mechanism string, responses ...string) error {
	line, next := "AUTH "+mechanism+" "+encode(responses[0]), 1
	if len(line) > maxAuthLine {
		line, next = "AUTH "+mechanism, 0
	}
	r, err := d.command(line)
	if err == nil && next == 1 && badSyntax(r.code) {
		next = 0
		r, err = d.command("AUTH " + mechanism)
	}
	for prompts := 0; err == nil && r.code == 334; prompts++ {
		if prompts == 0 && (next == len(responses) || asksUser(r.text)) {
			next = 0 // what came with the command was ignored
		}
		if next == len(responses) {
			// An exchange is cancelled by "*" (RFC 4954 section 4).
			if _, err = d.command("*"); err == nil {
				err = errors.New("AUTH does not end")
			}
			break
		}
		r, err = d.command(encode(responses[next]))
		next++
	}
	_, err = wanted(2, r, err)
	return err
}

// badSyntax says whether a code is about the command, not the credentials.
func badSyntax(code int) bool { return code >= 500 && code <= 503 }

// asksUser says whether the prompt of AUTH LOGIN is the first one. Servers
// write it in several ways.
func asksUser(prompt string) bool {
	raw, err := base64.StdEncoding.DecodeString(strings.TrimSpace(prompt))
	return err == nil && strings.Contains(strings.ToLower(string(raw)), "user")
}

func encode(s string) string { return base64.StdEncoding.EncodeToString([]byte(s)) }
