// Package servers starts database servers of the distribution for tests, each with a
// folder and a port of its own.
package servers

import (
	"cmp"
	"database/sql"
	"fmt"
	"net"
	"net/url"
	"os"
	"os/exec"
	"os/user"
	"path/filepath"
	"strconv"
	"syscall"
	"testing"
	"time"

	_ "github.com/go-sql-driver/mysql"
	_ "github.com/jackc/pgx/v5/stdlib"
)

func must(t testing.TB, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

// lacking fails or skips a test because of a peer.
func lacking(t testing.TB, peer string) {
	t.Helper()
	if os.Getenv("CI") == "true" {
		t.Fatalf("%s is not installed", peer)
	}
	t.Skipf("left out: %s is not installed", peer)
}

// Server is one that runs until the test ends.
type Server struct {
	t       testing.TB
	dir     string
	user    *syscall.Credential // none of them runs as root
	program []string
	running *exec.Cmd
	// URL is that of its database, as OFFRAMP_SQL_URL has it.
	URL string
	db  func() (*sql.DB, error)
}

// newServer makes the folder.
func newServer(t testing.TB) *Server {
	t.Helper()
	dir, err := os.MkdirTemp("", "offramp-database-")
	must(t, err)
	p := &Server{t: t, dir: dir}
	t.Cleanup(func() {
		p.Stop()
		_ = os.RemoveAll(dir)
	})
	if os.Getuid() == 0 {
		nobody, err := user.Lookup("nobody")
		must(t, err)
		uid, _ := strconv.Atoi(nobody.Uid)
		gid, _ := strconv.Atoi(nobody.Gid)
		must(t, os.Chown(dir, uid, gid))
		p.user = &syscall.Credential{Uid: uint32(uid), Gid: uint32(gid)}
	}
	return p
}

func (p *Server) command(program string, args ...string) *exec.Cmd {
	c := exec.Command(program, args...)
	c.Dir = p.dir
	c.Env = []string{"PATH=/usr/sbin:/usr/bin:/sbin:/bin", "LC_ALL=C", "HOME=" + p.dir}
	c.SysProcAttr = &syscall.SysProcAttr{Credential: p.user, Pdeathsig: syscall.SIGKILL}
	return c
}

func (p *Server) run(program string, args ...string) {
	p.t.Helper()
	if out, err := p.command(program, args...).CombinedOutput(); err != nil {
		p.t.Fatalf("%s: %v\n%s", program, err, out)
	}
}

// Start starts it, also once more.
func (p *Server) Start() {
	p.t.Helper()
	p.running = p.command(p.program[0], p.program[1:]...)
	said, err := os.OpenFile(filepath.Join(p.dir, "said"), os.O_CREATE|os.O_APPEND|os.O_WRONLY, 0o600)
	must(p.t, err)
	defer said.Close()
	p.running.Stdout, p.running.Stderr = said, said
	must(p.t, p.running.Start())
}

// Stop kills it, as a crash does.
func (p *Server) Stop() {
	if p.running != nil {
		_ = p.running.Process.Kill()
		_ = p.running.Wait()
		p.running = nil
	}
}

// Open returns a connection of the test's own, once the server answers.
func (p *Server) Open() *sql.DB {
	p.t.Helper()
	db, err := p.db()
	must(p.t, err)
	p.t.Cleanup(func() { db.Close() })
	for end := time.Now().Add(time.Minute); ; time.Sleep(50 * time.Millisecond) {
		if err = db.Ping(); err == nil {
			return db
		}
		if time.Now().After(end) {
			said, _ := os.ReadFile(filepath.Join(p.dir, "said"))
			p.t.Fatalf("%v\n%s", err, said)
		}
	}
}

func freePort(t testing.TB) string {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	must(t, err)
	defer l.Close()
	return strconv.Itoa(l.Addr().(*net.TCPAddr).Port)
}

// PostgreSQL starts PostgreSQL as Debian has it.
func PostgreSQL(t testing.TB) *Server {
	t.Helper()
	found, _ := filepath.Glob("/usr/lib/postgresql/*/bin/initdb")
	if len(found) == 0 {
		lacking(t, "postgresql")
	}
	bin := filepath.Dir(found[len(found)-1])
	p := newServer(t)
	data, port := filepath.Join(p.dir, "data"), freePort(t)
	must(t, os.WriteFile(filepath.Join(p.dir, "password"), []byte("se/cr@t\n"), 0o644))
	p.run(filepath.Join(bin, "initdb"), "-D", data, "-U", "crm", "-A", "scram-sha-256", "--pwfile=password", "--no-sync", "-E", "UTF8")
	p.program = []string{filepath.Join(bin, "postgres"), "-D", data, "-p", port, "-k", p.dir, "-c", "listen_addresses=127.0.0.1"}
	p.URL = fmt.Sprintf("postgres://crm:%s@127.0.0.1:%s/postgres?sslmode=disable", url.QueryEscape("se/cr@t"), port)
	p.db = func() (*sql.DB, error) { return sql.Open("pgx", p.URL) }
	p.Start()
	return p
}

// MariaDB starts MariaDB, of Debian's package, which is unpacked only.
func MariaDB(t testing.TB) *Server {
	t.Helper()
	home, err := os.UserHomeDir()
	must(t, err)
	root := filepath.Join(cmp.Or(os.Getenv("TEST_PEERS"), filepath.Join(home, ".cache/offramp-tests")), "mariadb-server-core")
	program, share := filepath.Join(root, "usr/sbin/mariadbd"), filepath.Join(root, "usr/share/mysql")
	if _, err := os.Stat(program); err != nil {
		lacking(t, "mariadb-server-core")
	}
	p := newServer(t)
	if p.user != nil { // it does not get into root's folder
		must(t, os.CopyFS(filepath.Join(p.dir, "share"), os.DirFS(share)))
		content, err := os.ReadFile(program)
		must(t, err)
		program, share = filepath.Join(p.dir, "mariadbd"), filepath.Join(p.dir, "share")
		must(t, os.WriteFile(program, content, 0o755))
	}
	data, port := filepath.Join(p.dir, "data"), freePort(t)
	must(t, os.Mkdir(data, 0o777))
	must(t, os.Chmod(data, 0o777))
	start := filepath.Join(p.dir, "start.sql")
	must(t, os.WriteFile(start, []byte("CREATE DATABASE crm CHARACTER SET utf8mb4;\n"), 0o644))
	// Without its own tables it checks no names and passwords.
	p.program = []string{program, "--no-defaults", "--datadir=" + data, "--lc-messages-dir=" + share, "--skip-grant-tables", "--skip-networking=0",
		"--bind-address=127.0.0.1", "--port=" + port, "--socket=" + filepath.Join(p.dir, "socket"), "--pid-file=" + filepath.Join(p.dir, "pid"),
		"--innodb-flush-log-at-trx-commit=1", "--innodb-buffer-pool-size=16M"}
	if _, err := os.Stat(filepath.Join(data, "crm")); err != nil {
		p.program = append(p.program, "--init-file="+start)
	}
	p.URL = "mysql://crm:secret@127.0.0.1:" + port + "/crm"
	p.db = func() (*sql.DB, error) {
		return sql.Open("mysql", "crm:secret@tcp(127.0.0.1:"+port+")/crm?time_zone=%27%2B00:00%27")
	}
	p.Start()
	p.Open() // the database was made
	p.program = p.program[:len(p.program)-1]
	return p
}
