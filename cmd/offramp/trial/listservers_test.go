package trial

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"offramp/gateway/stream"
)

// Mailman's letters bear the List-Id of their list like its posts: people who
// unsubscribed must be able to come back.
func TestMailmanInFront(t *testing.T) {
	folder := cached(t, "mailman3")
	python(t, "falcon, aiosmtpd, alembic, authheaders, authres, click, dateutil, flufl.bounce, flufl.i18n, flufl.lock, lazr.config, passlib, public, requests, sqlalchemy, zope.component, zope.configuration, zope.event")
	sender{
		letters: []mailKind{
			{"needed to join the talk@", stream.Exempt, stream.ByAccount, ""},
			{`Welcome to the "Talk"`, stream.Exempt, stream.ByAccount, ""},
			{"[Talk] talk post", stream.Untouched, stream.ByUntouched, "talk.trial.example"},
			{"Talk Digest", stream.Untouched, stream.ByUntouched, "talk.trial.example"},
			{"unsubscribed from the Talk", stream.Exempt, stream.ByAccount, ""},
			{"needed to join the news@", stream.Exempt, stream.ByAccount, ""},
			{`Welcome to the "News"`, stream.Exempt, stream.ByAccount, ""},
			{"[News] news post", stream.Listed, stream.ByListID, "news.trial.example"},
			{"News Digest", stream.Listed, stream.ByListID, "news.trial.example"},
			{"unsubscribed from the News", stream.Exempt, stream.ByAccount, ""},
		},
		leave:    []string{"[News] news post"},
		suppress: []string{"talk.trial.example"},
		send: func(t *testing.T, port string) {
			runSender(t, "", "/usr/bin/python3", "testdata/senders/listserver.py", folder, t.TempDir(), port)
		},
	}.trial(t)
}

// mlmmj adds to a post what its administrator wrote to customheaders: here as
// its manual has it for a discussion, and for a list where nobody may post.
func TestMlmmjInFront(t *testing.T) {
	needs(t, "mlmmj-make-ml", "mlmmj-receive")
	sender{
		letters: []mailKind{
			{"subscription to talk@", stream.Exempt, stream.ByDefault, ""},
			{"Welcome to talk@", stream.Exempt, stream.ByDefault, ""},
			{"talk post", stream.Untouched, stream.ByUntouched, "talk.trial.example"},
			{"subscription to news@", stream.Exempt, stream.ByDefault, ""},
			{"Welcome to news@", stream.Exempt, stream.ByDefault, ""},
			{"news post", stream.Listed, stream.ByListID, "news.trial.example"},
			{"subscription to bare@", stream.Exempt, stream.ByDefault, ""},
			{"Welcome to bare@", stream.Exempt, stream.ByDefault, ""},
			{"bare post", stream.Exempt, stream.ByDefault, ""},
		},
		leave: []string{"news post"},
		send: func(t *testing.T, port string) {
			dir := t.TempDir()
			mlmmjList(t, dir, "talk", port, "List-Id: <talk.trial.example>\nList-Post: <mailto:talk@trial.example>\nList-Unsubscribe: <mailto:talk+unsubscribe@trial.example>\n")
			mlmmjList(t, dir, "news", port, "List-Id: <news.trial.example>\nList-Post: NO\nList-Unsubscribe: <mailto:news+unsubscribe@trial.example>\n")
			mlmmjList(t, dir, "bare", port, "")
		},
	}.trial(t)
}

// mlmmjList makes a list, has Ada join it, and posts to it.
func mlmmjList(t *testing.T, dir, name, port, headers string) {
	t.Helper()
	list := filepath.Join(dir, name)
	runSender(t, "trial.example\nroot@trial.example\nen\n", "/usr/bin/mlmmj-make-ml", "-L", name, "-s", dir)
	for file, text := range map[string]string{"relayhost": "127.0.0.1", "smtpport": port, "smtphelo": "lists.trial.example", "customheaders": headers} {
		must(t, os.WriteFile(filepath.Join(list, "control", file), []byte(text+"\n"), 0o644))
	}
	runSender(t, "", "/usr/bin/mlmmj-sub", "-L", list, "-a", "ada@dest.example", "-C")
	runSender(t, "", "/usr/bin/mlmmj-sub", "-L", list, "-a", "ada@dest.example", "-c", "-f", "-q")
	// As an MTA with the flags DRh hands it over.
	post := "Return-Path: <ben@trial.example>\nDelivered-To: " + name + "@trial.example\nFrom: Ben <ben@trial.example>\nTo: " + name + "@trial.example\nSubject: " + name + " post\nMessage-ID: <" + name + "@trial.example>\n\nHello\n"
	runSender(t, post, "/usr/bin/mlmmj-receive", "-F", "-L", list)
}

// Mailman 2 is in no Debian any more: the header forms are those of its
// source. An announce-only list has include_list_post_header off.
func TestMailman2InFront(t *testing.T) {
	const (
		news = "X-BeenThere: news@trial.example\r\nX-Mailman-Version: 2.1.39\r\nPrecedence: list\r\nList-Id: News of the museum <news.trial.example>\r\n"
		more = "List-Unsubscribe: <https://lists.trial.example/options/news>, <mailto:news-request@trial.example?subject=unsubscribe>\r\n" +
			"List-Help: <mailto:news-request@trial.example?subject=help>\r\nList-Subscribe: <mailto:news-request@trial.example?subject=subscribe>\r\n"
		admin = "X-List-Administrivia: yes\r\n"
	)
	sender{
		letters: []mailKind{
			{"news post", stream.Listed, stream.ByListID, "news.trial.example"},
			{"confirm 3f1c9a", stream.Untouched, stream.ByLetter, ""},
			{"Welcome to the news", stream.Untouched, stream.ByLetter, ""},
			{"Auto-response for your message", stream.Untouched, stream.ByLetter, ""},
			{"talk post", stream.Untouched, stream.ByUntouched, "talk.trial.example"},
		},
		leave:    []string{"news post"},
		suppress: []string{"talk.trial.example"},
		send: func(t *testing.T, port string) {
			c, err := dial("127.0.0.1:" + port)
			must(t, err)
			defer c.close()
			for subject, header := range map[string]string{
				"news post":                      news + more,
				"confirm 3f1c9a":                 news + admin,
				"Welcome to the news":            news + admin,
				"Auto-response for your message": news + admin + "X-Mailer: The Mailman Replybot\r\nX-Ack: No\r\n",
				"talk post":                      strings.ReplaceAll(news+more, "news", "talk") + "List-Post: <mailto:talk@trial.example>\r\n",
			} {
				text := "From: news-request@trial.example\r\nTo: ada@dest.example\r\nSubject: " + subject + "\r\n" + header + "\r\nHello\r\n"
				must(t, c.send("news-bounces@trial.example", []string{"ada@dest.example"}, []byte(text)))
			}
		},
	}.trial(t)
}
