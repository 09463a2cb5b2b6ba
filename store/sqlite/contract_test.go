package sqlite

import (
	"context"
	"errors"
	"testing"

	"offramp/store"
	"offramp/store/storetest"
)

// newData is a data folder for the suite of all engines.
func newData(t *testing.T) storetest.Data {
	dir := t.TempDir()
	var db *DB
	closeDB := func() {
		if db == nil {
			return
		}
		// Whatever the suite did, no writer may forget a checksum or guard.
		ctx := context.Background()
		if err := errors.Join(db.consent.Verified(ctx), db.consent.verify(ctx)); err != nil {
			t.Error(err)
		}
		if i := db.consent.Integrity(); i.Damage != "" {
			t.Errorf("damage nobody did: %+v", i)
		}
		if err := db.spool.inspect(ctx); err != nil || db.spool.Integrity().Damage != "" {
			t.Errorf("damage to mail nobody did: %+v, %v", db.spool.Integrity(), err)
		}
		if err := db.Close(); err != nil {
			t.Error(err)
		}
		db = nil
	}
	t.Cleanup(closeDB)
	return storetest.Data{
		Open: func(t *testing.T) (store.Consent, store.Spool) {
			t.Helper()
			closeDB()
			var err error
			if db, err = Open(context.Background(), Options{Dir: dir, PersonKey: testKey}); err != nil {
				t.Fatal(err)
			}
			if err := db.Consent().Verified(context.Background()); err != nil {
				t.Fatal(err)
			}
			return db.Consent(), db.Spool()
		},
		History: func(*testing.T) store.History { return db.Spool() },
		Damage: func(t *testing.T, id string) {
			t.Helper()
			err := db.spool.file.write(context.Background(), &op{run: func(c *conn) error {
				n, err := c.exec(`UPDATE chunks SET data = CAST(x'00' || substr(data, 2) AS BLOB) WHERE message = (SELECT num FROM messages WHERE id = ?) AND n = 1`, id)
				if err != nil || n > 0 {
					return err
				}
				_, err = c.exec("UPDATE messages SET tail = CAST(x'00' || substr(tail, 2) AS BLOB) WHERE id = ?", id)
				return err
			}})
			if err != nil {
				t.Fatal(err)
			}
		},
	}
}

func TestConsent(t *testing.T) { storetest.Consent(t, newData) }

func TestTargets(t *testing.T)   { storetest.Targets(t, newData) }
func TestKeys(t *testing.T)      { storetest.Keys(t, newData) }
func TestConsumers(t *testing.T) { storetest.Consumers(t, newData) }
func TestJobs(t *testing.T)      { storetest.Jobs(t, newData) }

func TestSpool(t *testing.T) { storetest.Spool(t, newData) }

func TestHistory(t *testing.T) { storetest.History(t, newData) }

func TestLeaks(t *testing.T) { storetest.Leaks(t, newData) }
