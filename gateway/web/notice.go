package web

import (
	"net/http"
	"strings"
	"time"

	"offramp/gateway/confirmation"
	"offramp/gateway/language"
)

// rendered is one fixed page for people and for programs.
type rendered struct {
	status     int
	html, text []byte
}

// notice is a fixed page for a request that has no list to show.
type notice int

const (
	noticeInvalid notice = iota
	noticeExpired
	noticeCodeExpired
	noticeThrottled
	noticeUnavailable
	noticeNothing
	noticeMethod
)

// noticeKeys are the texts of a notice.
type noticeKeys struct {
	status int
	prefix string        // of title and what
	steps  []string      // what to do, after an introduction
	life   time.Duration // of the links it is about, said in days
}

// noticeTexts never depend on what is stored: a wrong link learns nothing.
func noticeTexts() map[notice]noticeKeys {
	return map[notice]noticeKeys{
		noticeInvalid: {http.StatusNotFound, "page.wrong.",
			[]string{"page.wrong.try", "page.wrong.open", "page.wrong.program", "page.wrong.answer"}, 0},
		noticeExpired:     {http.StatusGone, "page.expired.", nil, confirmation.Life},
		noticeCodeExpired: {http.StatusGone, "page.expired.", nil, confirmation.CodeLife},
		noticeThrottled:   {http.StatusTooManyRequests, "page.throttled.", nil, 0},
		noticeUnavailable: {http.StatusServiceUnavailable, "page.unavailable.", nil, 0},
		noticeNothing:     {http.StatusNotFound, "page.nothing.", nil, 0},
		noticeMethod:      {http.StatusMethodNotAllowed, "page.method.", nil, 0},
	}
}

// noticeView is a notice in one language.
type noticeView struct {
	frame
	Heading    string
	Paragraphs []string
	Steps      []string
}

func (k noticeKeys) in(say *language.Speaker) noticeView {
	v := noticeView{
		Heading:    say.Say(k.prefix + "title"),
		Paragraphs: []string{say.Count(k.prefix+"what", int64(k.life/(24*time.Hour)))},
	}
	for i, step := range k.steps {
		if i == 0 {
			v.Paragraphs = append(v.Paragraphs, say.Say(step))
			continue
		}
		v.Steps = append(v.Steps, say.Say(step))
	}
	return v
}

func (v noticeView) plain() []byte {
	var b strings.Builder
	b.WriteString(v.Heading + "\n")
	for _, p := range v.Paragraphs {
		b.WriteString(p + "\n")
	}
	for _, s := range v.Steps {
		b.WriteString("- " + s + "\n")
	}
	return []byte(b.String())
}
