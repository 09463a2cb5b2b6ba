package database

import (
	"database/sql"
	"errors"
	"net"
	"net/url"
	"strings"
	"time"

	"github.com/go-sql-driver/mysql"
	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/stdlib"
)

// Dialect is the SQL that a server speaks.
type Dialect int

// The dialects.
const (
	PostgreSQL Dialect = iota
	MySQL              // and MariaDB
)

// Limits of a connection.
const (
	connectWithin = 10 * time.Second
	batchWithin   = 20 * time.Second // one batch
	idleAfter     = time.Minute
)

// server is where and how a database is reached. Exactly one of postgres and
// mysql is set.
type server struct {
	dialect  Dialect
	postgres *pgx.ConnConfig
	mysql    *mysql.Config
}

var errURL = errors.New("invalid URL: write one such as postgres://user:password@host/database or mysql://user:password@host/database, with %40 for an @ in the password")

// readServer reads the URL of a database. No error repeats it: it holds a password.
func readServer(text string) (server, error) {
	scheme, _, _ := strings.Cut(text, "://")
	switch scheme {
	case "postgres", "postgresql":
		c, err := pgx.ParseConfig(text)
		if err != nil {
			return server{}, errURL
		}
		if c.ConnectTimeout == 0 || c.ConnectTimeout > connectWithin {
			c.ConnectTimeout = connectWithin
		}
		if c.RuntimeParams["application_name"] == "" {
			c.RuntimeParams["application_name"] = "offramp"
		}
		return server{dialect: PostgreSQL, postgres: c}, nil
	case "mysql", "mariadb":
		c, err := readMySQL(text)
		return server{dialect: MySQL, mysql: c}, err
	}
	return server{}, errURL
}

// readMySQL reads the URL of a MySQL or MariaDB. Of the many parameters of the
// driver only those are taken that say how the server is reached: others would have
// it read files, or join texts instead of binding them.
func readMySQL(text string) (*mysql.Config, error) {
	u, err := url.Parse(text)
	if err != nil {
		return nil, errURL
	}
	c := mysql.NewConfig()
	c.User = u.User.Username()
	c.Passwd, _ = u.User.Password()
	c.DBName = strings.TrimPrefix(u.Path, "/")
	port := u.Port()
	if port == "" {
		port = "3306"
	}
	c.Net, c.Addr = "tcp", net.JoinHostPort(u.Hostname(), port)
	for name, values := range u.Query() {
		switch name {
		case "tls":
			c.TLSConfig = values[0]
		case "socket":
			c.Net, c.Addr = "unix", values[0]
		default:
			return nil, errors.New("has a parameter other than tls and socket")
		}
	}
	if u.Hostname() == "" && c.Net == "tcp" || c.DBName == "" {
		return nil, errURL
	}
	c.Timeout, c.ReadTimeout, c.WriteTimeout = connectWithin, batchWithin, batchWithin
	c.Loc, c.RejectReadOnly = time.UTC, true
	c.Params = map[string]string{"time_zone": "'+00:00'"}
	c.Logger = &mysql.NopLogger{}
	if _, err := mysql.NewConnector(c); err != nil {
		return nil, errors.New("has an unknown tls: use true, false, skip-verify or preferred")
	}
	return c, nil
}

// open returns a pool; nothing is connected yet. Its one connection is closed
// where it was not used for a while.
func (s server) open() (*sql.DB, error) {
	var db *sql.DB
	if s.dialect == PostgreSQL {
		db = stdlib.OpenDB(*s.postgres)
	} else {
		connector, err := mysql.NewConnector(s.mysql)
		if err != nil {
			return nil, err
		}
		db = sql.OpenDB(connector)
	}
	db.SetMaxOpenConns(1)
	db.SetConnMaxIdleTime(idleAfter)
	return db, nil
}
