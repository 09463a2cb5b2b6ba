package main

import (
	"go/ast"
	"go/parser"
	"go/token"
	"io/fs"
	"maps"
	"os"
	"path"
	"path/filepath"
	"slices"
	"strings"
	"testing"
)

// room is one package of the house: its floor and what it never imports.
type room struct {
	floor int
	never []string // import paths; one that ends in a slash is a whole tree
}

// Drivers reach a database; the engines are drivers to the rooms above them.
var (
	drivers  = []string{"github.com/mattn/go-sqlite3", "github.com/jackc/", "github.com/pressly/goose/", "database/sql", "offramp/store/sqlite", "offramp/store/postgres"}
	netHTTP  = []string{"net/http"}
	goSMTP   = []string{"github.com/emersion/go-smtp"}
	ourRooms = []string{"offramp/gateway/", "offramp/store", "offramp/store/", "offramp/listunsub"}
)

func never(groups ...[]string) []string { return slices.Concat(groups...) }

// house is DESIGN section 2. A new package is entered here, with its floor.
var house = map[string]room{
	"listunsub":                {0, never(ourRooms, netHTTP, goSMTP, []string{"database/sql"})},
	"store":                    {0, never(drivers, []string{"offramp/gateway/"})},
	"store/failpoint":          {0, never(ourRooms, drivers)},
	"store/powerloss":          {0, never(ourRooms, drivers)},
	"gateway/envelope":         {0, ourRooms},
	"testdata":                 {0, ourRooms},
	"store/sqlite":             {1, []string{"offramp/store/postgres", "offramp/gateway/"}},
	"store/storetest":          {3, []string{"github.com/mattn/go-sqlite3", "github.com/jackc/"}},
	"gateway/metric":           {1, never(netHTTP, goSMTP, drivers)},
	"gateway/mime":             {1, never(netHTTP, goSMTP, drivers, []string{"offramp/store", "offramp/store/", "offramp/listunsub", "net"})},
	"gateway/stream":           {2, []string{"offramp/store", "net", "net/http"}},
	"gateway/traffic":          {3, never(netHTTP, goSMTP, drivers)},
	"gateway/exchange":         {2, never(netHTTP, goSMTP, drivers, []string{"net", "os"})},
	"gateway/jobs":             {3, never(netHTTP, goSMTP, drivers)},
	"gateway/dkim":             {1, never(netHTTP, []string{"offramp/store"})},
	"gateway/sink":             {1, never(ourRooms, goSMTP)},
	"gateway/language":         {1, never(ourRooms, netHTTP, goSMTP, drivers)},
	"gateway/clock":            {1, never(ourRooms, netHTTP, goSMTP, drivers)},
	"gateway/callout":          {1, never(ourRooms, goSMTP, drivers)},
	"gateway/throttle":         {1, never(ourRooms, netHTTP, goSMTP)},
	"gateway/access":           {2, never(goSMTP, drivers)},
	"gateway/record":           {2, never(netHTTP, goSMTP, drivers)},
	"gateway/consent":          {2, never(netHTTP, goSMTP, drivers)},
	"gateway/history":          {2, never(netHTTP, goSMTP, drivers)},
	"gateway/confirmation":     {2, never(netHTTP, goSMTP, drivers)},
	"gateway/ledger":           {2, never(netHTTP, goSMTP, drivers)},
	"gateway/footer":           {2, never(netHTTP, goSMTP, drivers, []string{"net"})},
	"gateway/render":           {3, never(netHTTP, goSMTP, drivers, []string{"net"})},
	"gateway/nexthop":          {2, never(netHTTP, goSMTP, drivers, []string{"offramp/store", "offramp/store/", "offramp/gateway/mime", "offramp/gateway/render"})},
	"gateway/relay":            {3, never(netHTTP, goSMTP, drivers)},
	"gateway/queue":            {4, never(netHTTP, goSMTP, drivers, []string{"offramp/gateway/relay"})},
	"gateway/outbox":           {3, never(netHTTP, goSMTP, drivers)},
	"gateway/webhook":          {4, never(goSMTP, drivers)},
	"gateway/diagnosis":        {2, never(netHTTP, goSMTP, drivers, []string{"offramp/store"})},
	"gateway/feedback":         {3, never(netHTTP, goSMTP, drivers)},
	"gateway/smtpd":            {4, never(netHTTP, drivers)},
	"gateway/hook":             {4, never(goSMTP, drivers, []string{"offramp/store"})},
	"gateway/compat":           {4, never(goSMTP, drivers)},
	"gateway/policy":           {4, never(netHTTP, goSMTP, drivers)},
	"gateway/web":              {4, never(goSMTP, drivers)},
	"gateway/preview":          {4, never(netHTTP, goSMTP, drivers)},
	"gateway/chain":            {4, never(goSMTP, drivers)},
	"gateway/program":          {4, never(netHTTP, goSMTP, drivers)},
	"gateway/database":         {4, never(netHTTP, goSMTP)},
	"gateway/database/servers": {1, never(ourRooms, netHTTP, goSMTP)},
	"gateway/api":              {4, never(goSMTP, drivers)},
	"gateway":                  {5, drivers},
	"cmd/offramp":              {6, nil},

	"cmd/offramp/internal/terminal":   {0, never(ourRooms, netHTTP, goSMTP, drivers)},
	"cmd/offramp/internal/demo/inbox": {2, never(drivers, goSMTP)},
	"cmd/offramp/internal/demo":       {3, never(drivers, []string{"offramp/gateway"})},
}

// environmentReaders may read the process environment. Settings come to all
// other code as values.
var environmentReaders = []string{"cmd/offramp", "store/failpoint", "gateway/database/servers"}

// A room imports only rooms on lower floors, and never what its row forbids.
func TestImportsPointDown(t *testing.T) {
	packages := imports(t, filepath.Join("..", ".."))
	for _, name := range slices.Sorted(maps.Keys(packages)) {
		here, known := house[name]
		if !known {
			t.Errorf("%s is no room of the house: enter it into the table of this test and of DESIGN section 2", name)
			continue
		}
		for _, imported := range packages[name] {
			if below, ok := strings.CutPrefix(imported, "offramp/"); ok {
				if other, ok := house[below]; ok && other.floor >= here.floor {
					t.Errorf("%s (floor %d) imports %s (floor %d): imports point down only", name, here.floor, below, other.floor)
				}
			}
			for _, forbidden := range here.never {
				if imported == forbidden || strings.HasSuffix(forbidden, "/") && strings.HasPrefix(imported, forbidden) {
					t.Errorf("%s imports %s, which it never may", name, imported)
				}
			}
		}
	}
}

// forTests are rooms that only tests import.
var forTests = []string{"store/powerloss", "store/storetest", "gateway/database/servers"}

// What only tests need is not in the program, nor in any room of it.
func TestTestRoomsStayOutOfTheProgram(t *testing.T) {
	for name, imported := range imports(t, filepath.Join("..", "..")) {
		for _, room := range forTests {
			if slices.Contains(imported, "offramp/"+room) {
				t.Errorf("%s imports %s, which is for tests", name, room)
			}
		}
	}
}

// imports returns what each package of the module imports, tests left out.
func imports(t *testing.T, root string) map[string][]string {
	t.Helper()
	found := map[string][]string{}
	err := filepath.WalkDir(root, func(file string, d fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		name := d.Name()
		if d.IsDir() && (name == ".git" || name == "torture" || name == "bench") {
			return filepath.SkipDir
		}
		if _, err := os.Stat(filepath.Join(file, "go.mod")); d.IsDir() && err == nil && file != root {
			return filepath.SkipDir // another module, such as clients of vendors for tests
		}
		if d.IsDir() || !strings.HasSuffix(name, ".go") || strings.HasSuffix(name, "_test.go") {
			return nil
		}
		relative, err := filepath.Rel(root, filepath.Dir(file))
		if err != nil {
			return err
		}
		room := path.Clean(filepath.ToSlash(relative))
		source, err := parser.ParseFile(token.NewFileSet(), file, nil, parser.SkipObjectResolution)
		if err != nil {
			return err
		}
		for _, spec := range source.Imports {
			found[room] = append(found[room], strings.Trim(spec.Path.Value, `"`))
		}
		if !slices.Contains(environmentReaders, room) && readsEnvironment(source) {
			t.Errorf("%s reads the environment: only cmd/offramp does", file)
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	if len(found) == 0 {
		t.Fatal("no packages found")
	}
	return found
}

// readsEnvironment looks for os.Getenv and its relatives.
func readsEnvironment(file *ast.File) bool {
	found := false
	ast.Inspect(file, func(n ast.Node) bool {
		if s, ok := n.(*ast.SelectorExpr); ok {
			if x, ok := s.X.(*ast.Ident); ok && x.Name == "os" {
				found = found || slices.Contains([]string{"Getenv", "LookupEnv", "Environ", "ExpandEnv"}, s.Sel.Name)
			}
		}
		return true
	})
	return found
}
