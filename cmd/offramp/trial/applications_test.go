package trial

import (
	"cmp"
	"os"
	"os/exec"
	"path/filepath"
	"testing"

	"offramp/gateway/stream"
)

// Django writes its account and error mail itself; what a shop adds to it has
// the forms that its users write.
func TestDjangoInFront(t *testing.T) {
	python(t, "django")
	sender{
		letters: []mailKind{
			{"Password reset", stream.Exempt, stream.ByDefault, ""},
			{"ERROR: Internal Server Error", stream.Exempt, stream.ByDefault, ""},
			{"broken link", stream.Exempt, stream.ByDefault, ""},
			{"newsletter with List-Id", stream.Listed, stream.ByListID, "news.trial.example"},
			{"newsletter with a link", stream.Listed, stream.ByUnsubscribe, "trial.example"},
			{"newsletter with the control field", stream.Listed, stream.ByControl, "offers.trial.example"},
			{"mass mail without a mark", stream.Exempt, stream.ByDefault, ""},
			{"receipt with Precedence", stream.Exempt, stream.ByDefault, ""},
			{"code with a mailto", stream.Exempt, stream.ByDefault, ""},
			{"order with the control field", stream.Exempt, stream.ByControl, ""},
		},
		leave: []string{"newsletter with a link", "newsletter with List-Id"},
		send: func(t *testing.T, port string) {
			runSender(t, "", "/usr/bin/python3", "testdata/senders/shop.py", port)
		},
	}.trial(t)
}

func TestNodemailerInFront(t *testing.T) {
	needs(t, "node")
	folder := cached(t, "nodemailer/node_modules/nodemailer")
	sender{
		letters: []mailKind{
			{"password reset", stream.Exempt, stream.ByDefault, ""},
			{"newsletter by option", stream.Listed, stream.ByListID, "news.trial.example"},
			{"newsletter with a link", stream.Listed, stream.ByUnsubscribe, "trial.example"},
			{"newsletter with two links", stream.Listed, stream.ByUnsubscribe, "trial.example"},
			{"invitation", stream.Exempt, stream.ByDefault, ""},
			{"receipt of a mailto", stream.Exempt, stream.ByDefault, ""},
			{"automatic answer", stream.Untouched, stream.ByUntouched, ""},
			{"automatic notice", stream.Exempt, stream.ByDefault, ""},
		},
		leave: []string{"newsletter by option"},
		send: func(t *testing.T, port string) {
			runSender(t, "", "node", "testdata/senders/nodemailer.js", folder, port)
		},
	}.trial(t)
}

// Debian has no listmonk: the header forms are those of its source.
func TestListmonkInFront(t *testing.T) {
	needs(t, "python3")
	sender{
		letters: []mailKind{
			{"campaign one", stream.Listed, stream.ByCampaign, "trial.example"},
			{"campaign two", stream.Listed, stream.ByCampaign, "trial.example"},
			{"campaign with a List-Id", stream.Listed, stream.ByCampaign, "weekly.trial.example"},
			{"campaign of another List-Id", stream.Listed, stream.ByCampaign, "monthly.trial.example"},
			{"opt-in letter", stream.Exempt, stream.ByAccount, ""},
			{"opt-in without links", stream.Exempt, stream.ByAccount, ""},
			{"transactional API", stream.Exempt, stream.ByDefault, ""},
			{"notice to the administrator", stream.Exempt, stream.ByDefault, ""},
		},
		leave: []string{"campaign two", "campaign with a List-Id"},
		send: func(t *testing.T, port string) {
			runSender(t, "", "/usr/bin/python3", "testdata/senders/listmonk.py", port)
		},
	}.trial(t)
}

// python leaves a test out, or fails it, without a module of Debian's Python.
func python(t *testing.T, module string) {
	t.Helper()
	needs(t, "python3")
	if exec.Command("/usr/bin/python3", "-c", "import "+module).Run() != nil {
		lacking(t, "a Python module of "+module)
	}
}

// cached is a peer that is kept in the folder of the tests.
func cached(t *testing.T, name string) string {
	t.Helper()
	home, err := os.UserHomeDir()
	must(t, err)
	path := filepath.Join(cmp.Or(os.Getenv("TEST_PEERS"), filepath.Join(home, ".cache/offramp-tests")), name)
	if _, err := os.Stat(path); err != nil {
		lacking(t, name)
	}
	return path
}
