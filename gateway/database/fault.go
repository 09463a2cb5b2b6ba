package database

import (
	"database/sql"
	"database/sql/driver"
	"errors"
	"fmt"
	"net"
	"slices"
	"strings"

	"github.com/go-sql-driver/mysql"
	"github.com/jackc/pgx/v5/pgconn"

	"offramp/gateway/outbox"
)

// refusals are the errors of MySQL and MariaDB about the values of one row:
// duplicates, NULL, too long, out of range, wrong types, foreign keys, checks, and
// what a trigger signals.
var refusals = []uint16{1022, 1048, 1062, 1216, 1217, 1264, 1265, 1292, 1366, 1406, 1451, 1452, 1525, 1644, 3819, 4025}

// statements are those about the statement and rights, whose texts hold no values.
var statements = []uint16{1044, 1045, 1049, 1054, 1064, 1142, 1143, 1146, 1305, 1364}

// failure is what the outbox may show of an error: what a server says about values
// could name a person. Where it is about the values, others may get through.
func failure(err error) error {
	var pg *pgconn.PgError
	var my *mysql.MySQLError
	switch {
	case away(err):
		return &outbox.Failure{Text: "the database cannot be reached, or broke off the connection"}
	case errors.As(err, &pg):
		class := pg.Code[:min(2, len(pg.Code))]
		text := "the server says SQLSTATE " + pg.Code
		if slices.Contains([]string{"28", "3D", "42"}, class) {
			text += ": " + pg.Message
		}
		// Data, integrity, views' checks, and what a function raises.
		return &outbox.Failure{Text: text, Refused: slices.Contains([]string{"21", "22", "23", "44", "P0"}, class)}
	case errors.As(err, &my):
		text := fmt.Sprintf("the server says error %d", my.Number)
		if slices.Contains(statements, my.Number) {
			text += ": " + my.Message
		}
		return &outbox.Failure{Text: text, Refused: slices.Contains(refusals, my.Number)}
	}
	return err
}

// away says whether the connection failed, and not the statement.
func away(err error) bool {
	var pg *pgconn.PgError
	if errors.As(err, &pg) { // 08: connection, 53: resources, 57: the operator stops it
		return slices.Contains([]string{"08", "53", "57"}, pg.Code[:min(2, len(pg.Code))])
	}
	var lost net.Error
	var connect *pgconn.ConnectError
	return errors.Is(err, driver.ErrBadConn) || errors.Is(err, mysql.ErrInvalidConn) || errors.Is(err, sql.ErrConnDone) || errors.As(err, &connect) || errors.As(err, &lost) ||
		strings.Contains(err.Error(), "unexpected EOF")
}
