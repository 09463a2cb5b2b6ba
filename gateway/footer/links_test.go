package footer

import (
	"strings"
	"testing"
	"time"
)

// What is a way out, and what only looks like one.
func TestOwnInHTML(t *testing.T) {
	const shop = `<p>Read more in <a href="https://shop.example.org/">the shop</a>.`
	for _, tt := range []struct {
		name, source string
		own          bool
	}{
		{"said behind", `<p><a href="https://t.example/1">Click here</a> to unsubscribe.</p>`, true},
		{"said in the next paragraph", shop + `</p><p>Reply STOP to unsubscribe.</p>`, false},
		{"said in the next cell, of no link", `<table><tr><td>` + shop + `<td>Who can unsubscribe?</table>`, false},
		{"a dead link beside one that lives", shop + ` <a href="#">Unsubscribe</a></p>`, false},
		{"a dead link before one that lives", `<a href="*|UNSUB|*">Unsubscribe</a> <a href="https://shop.example.org/">Shop</a>`, false},
		{"a dead link that was not closed", `<a href="{{unsubscribe}}">Unsubscribe <a href="https://shop.example.org/">Shop</a>`, false},
		{"a name that is no link", `<p><a name="end">To unsubscribe, click</a> <a href="https://t.example/1">here</a>`, true},
		{"an address not filled to its end", `<a href="https://example.org/unsubscribe/{{token}}">Unsubscribe</a>`, false},
		{"an image map", `<map name="m"><area href="https://t.example/1" alt="Unsubscribe"></map>`, true},
		{"the last of very many links", strings.Repeat(shop, 20000) + `<p><a href="https://t.example/1">Unsubscribe</a>`, true},
	} {
		t.Run(tt.name, func(t *testing.T) {
			if got := readHTML([]byte(tt.source), "utf-8", "https://ours.example").own; got != tt.own {
				t.Errorf("%v, want %v", got, tt.own)
			}
		})
	}
}

func TestOwnInPlain(t *testing.T) {
	for _, tt := range []struct {
		name, text string
		own        bool
	}{
		{"said behind", "https://t.example/1 (unsubscribe)\r\n", true},
		{"said on the next line", "https://t.example/1\r\nUnsubscribe with this link\r\n", true},
		{"said in the next paragraph", "https://shop.example.org/\r\n\r\nReply STOP to unsubscribe.\r\n", false},
		{"an address not filled", "Unsubscribe: https://example.org/u/{{token}}\r\n", false},
	} {
		if got := ownInPlain([]byte(tt.text), "https://ours.example"); got != tt.own {
			t.Errorf("%s: %v, want %v", tt.name, got, tt.own)
		}
	}
}

// Two megabytes made to be slow are read in time: it would take minutes if every
// element or address were compared with all before it.
func TestPagesTakeTimeByTheirLength(t *testing.T) {
	const size = 2 << 20
	many := func(pieces ...string) string {
		var out strings.Builder
		for _, p := range pieces {
			out.WriteString(strings.Repeat(p, size/len(pieces)/len(p)))
		}
		return out.String()
	}
	for name, text := range map[string]string{
		"links": many("<a href=//a>"), "links with text": many("<a href=//a>b</a>c"), "addresses": many("a@b "), "hosts": many("//www.a "),
		"escapes": many("<a href=//%2525>"), "one word": many("a") + "@b", "never closed": many("<td><b>"), "closed by others": many("<b>", "</i>"),
		"formatting behind its end": many("<div><b>", "</div>", "</i>"), "paragraphs": many("<p>"), "a page of blanks": many(" "), "ampersands": many("&"),
	} {
		began := time.Now()
		readHTML([]byte(text), "utf-8", "https://ours.example")
		ownInPlain([]byte(text), "https://ours.example")
		took := time.Since(began)
		t.Logf("%s: %v", name, took)
		if took > 10*time.Second {
			t.Errorf("%s: took %v", name, took)
		}
	}
}
