package sqlite

import (
	"crypto/hkdf"
	"crypto/sha256"
	"encoding/binary"

	"github.com/cespare/xxhash/v2"

	"offramp/store"
)

// sealer makes the checksums of rows. They are to find damage, not malice: who
// can write the file can also read the key beside it. The key has every
// installation's checksums differ, so that nobody can choose names that collide.
type sealer struct{ key [16]byte }

func newSealer(personKey []byte) (*sealer, error) {
	key, err := hkdf.Key(sha256.New, personKey, nil, "offramp seals", 16)
	if err != nil {
		return nil, err
	}
	return &sealer{key: [16]byte(key)}, nil
}

// The tables, in their checksums.
const (
	sealedChoice byte = iota + 1
	sealedSuppression
	sealedSharing
	sealedErased
	sealedList
	sealedCode
	sealedMeta
	sealedGuard
	sealedName
	sealedConsumer
)

// class says whose name it is that a guard is of.
type class byte

const (
	person class = iota + 1 // a lookup key, a hash, or a pattern
	aList
	aValue
)

// sealRoom is enough for nearly every row, so that none allocates.
const sealRoom = 384

func (k *sealer) begin(room []byte, table byte) []byte {
	return append(append(room, k.key[:]...), table)
}

// putText cannot run into the next field, since its length precedes it.
func putText[T ~string | ~[]byte](b []byte, s T) []byte {
	return append(binary.AppendUvarint(b, uint64(len(s))), s...)
}

func putInt(b []byte, n int64) []byte { return binary.LittleEndian.AppendUint64(b, uint64(n)) }

func putBool(b []byte, v bool) []byte {
	if v {
		return append(b, 1)
	}
	return append(b, 0)
}

// finish is never 0, which is what a row has that has no checksum.
func finish(b []byte) uint64 { return max(xxhash.Sum64(b), 1) }

func (k *sealer) choice(c store.Choice) uint64 {
	var room [sealRoom]byte
	b := putText(k.begin(room[:0], sealedChoice), c.Recipient)
	b = putText(b, c.List)
	b = putText(b, c.State)
	b = putInt(b, optional(c.Until))
	b = putText(b, c.Every)
	b = putInt(b, micros(c.Since))
	return finish(putText(b, c.Way))
}

func (k *sealer) suppression(s store.Suppression) uint64 {
	var room [sealRoom]byte
	b := putText(k.begin(room[:0], sealedSuppression), s.Recipient)
	b = putText(b, s.List)
	b = putText(b, s.Reason)
	b = putInt(b, micros(s.Since))
	b = putText(b, s.Note)
	return finish(putInt(b, optional(s.Until)))
}

func (k *sealer) sharing(s store.Sharing) uint64 {
	var room [sealRoom]byte
	b := putText(k.begin(room[:0], sealedSharing), s.Recipient)
	b = putBool(b, s.Refused)
	b = putInt(b, micros(s.Since))
	return finish(putText(b, s.Way))
}

func (k *sealer) erased(hash string, since int64) uint64 {
	var room [sealRoom]byte
	return finish(putInt(putText(k.begin(room[:0], sealedErased), hash), since))
}

func (k *sealer) list(l store.List) uint64 {
	var room [2 * sealRoom]byte
	b := putText(k.begin(room[:0], sealedList), l.ID)
	b = putInt(b, int64(l.Key))
	b = putText(b, l.Name)
	b = putText(b, l.Description)
	for _, flag := range []bool{l.Transactional, l.Public, l.ThirdParty} {
		b = putBool(b, flag)
	}
	b = putText(b, l.Language)
	b = putText(b, l.Sender)
	b = putText(b, l.Footer)
	return finish(putInt(b, micros(l.Created)))
}

func (k *sealer) code(id []byte, recipient, address string) uint64 {
	var room [2 * sealRoom]byte
	return finish(putText(putText(putText(k.begin(room[:0], sealedCode), id), recipient), address))
}

func (k *sealer) value(name string, value []byte) uint64 {
	var room [sealRoom]byte
	return finish(putText(putText(k.begin(room[:0], sealedMeta), name), value))
}

// consumer is the checksum of a consumer, with its settings as they are on the disk;
// who holds it is left out.
func (k *sealer) consumer(one store.Consumer, settings []byte) uint64 {
	var room [2 * sealRoom]byte
	b := putText(putText(k.begin(room[:0], sealedConsumer), one.Name), one.Kind)
	b = putText(b, settings)
	b = putInt(b, int64(len(one.Lists)))
	for _, list := range one.Lists {
		b = putText(b, list)
	}
	b = putInt(b, int64(len(one.Kinds)))
	for _, kind := range one.Kinds {
		b = putText(b, kind)
	}
	b = putText(b, appendNumbers(one.Cursor, one.Done))
	b = putText(putText(b, one.State), one.Error)
	for _, n := range []int64{
		micros(one.Created), one.Cursor, one.Skip, optional(one.Failing), one.Stuck, int64(one.Attempts), optional(one.Next), one.Missed, one.Version,
	} {
		b = putInt(b, n)
	}
	return finish(b)
}

func (k *sealer) guard(g guard) uint64 {
	var room [64]byte
	return finish(putInt(putInt(putInt(k.begin(room[:0], sealedGuard), g.id), g.count), int64(g.sum)))
}

// messageSeal is the checksum of what says whose mail a message is and how it
// leaves. The spool has no key, and needs none to find damage.
func messageSeal(num int64, m *store.Message) uint64 {
	var room [2 * sealRoom]byte
	b := putInt(room[:0], num)
	for _, text := range []string{m.ID, m.ReversePath, m.Client, m.Login, m.MessageID, m.List, m.Mark, m.Return, m.EnvelopeID} {
		b = putText(b, text)
	}
	b = putInt(b, micros(m.Received))
	for _, flag := range []bool{m.EightBit, m.UTF8, m.RequireTLS, m.Untouched, m.Unmarked, m.LongLines} {
		b = putBool(b, flag)
	}
	return finish(b)
}

// recipientSeal is the checksum of what never changes of a recipient.
func recipientSeal(num, n int64, r store.Recipient) uint64 {
	var room [sealRoom]byte
	b := putInt(putInt(room[:0], num), n)
	b = putText(putText(b, r.Address), r.Domain)
	return finish(putText(putText(b, r.Notify), r.Original))
}

// id is the key of a name's guard: 63 bits, so that a collision is not to be
// expected; two names that collide share one guard, which still adds up.
func (k *sealer) id(of class, name string) int64 {
	var room [sealRoom]byte
	b := append(k.begin(room[:0], sealedName), byte(of))
	return int64(xxhash.Sum64(append(b, name...)) >> 1)
}
