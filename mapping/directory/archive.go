package directory

import (
	"bytes"
	"context"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"strings"
	"time"
	"unicode/utf8"

	"github.com/redis/go-redis/v9"

	"github.com/scimcms/scimcms/queue"
)

// The format of a backup: lines of JSON. The first is a Header, the last a trailer, and between them each line has a key of the
// project, or a part of a long one.
const (
	archiveFormat  = "scimcms-backup"
	archiveVersion = 1
)

// archivePart is how many elements of a key one line has at most, archiveBatch how many keys or lines go to Redis at a time.
const (
	archivePart  = 1000
	archiveBatch = 200
)

// Header says what a backup holds.
type Header struct {
	Format  string    `json:"format"`
	Version int       `json:"version"`
	Prefix  string    `json:"prefix"`
	Project string    `json:"project"`
	Site    string    `json:"site"` // CMS site id; "" when the record was never bound to one
	When    time.Time `json:"when"`
}

// ArchiveCounts are what a restore compares at its end.
type ArchiveCounts struct {
	Users  int64 `json:"users"`
	Groups int64 `json:"groups"`
	Queued int64 `json:"queued"`
	Parked int64 `json:"parked"`
	Held   int64 `json:"held"`
	Audit  int64 `json:"audit"`
}

// ArchiveSummary is what a backup holds, or a restore has written.
type ArchiveSummary struct {
	Header
	Keys   int64
	Counts ArchiveCounts
}

// archived is one line of a key.
type archived struct {
	Key    string  `json:"k"`              // without the project's base
	Type   string  `json:"t"`              // as Redis names it
	Size   int64   `json:"n,omitempty"`    // elements of the whole key, in its first line
	TTL    int64   `json:"ttl,omitempty"`  // ms
	Part   bool    `json:"part,omitempty"` // goes on where the line before ended
	Values []bytex `json:"v"`
}

// trailer ends a backup that is whole.
type trailer struct {
	End    bool          `json:"end"`
	Lines  int64         `json:"lines"`
	Keys   int64         `json:"keys"`
	SHA256 string        `json:"sha256"` // of everything before this line
	Counts ArchiveCounts `json:"counts"`
}

// bytex is a value of Redis: text as it is, anything else as {"b": BASE64}.
type bytex string

// MarshalJSON implements json.Marshaler.
func (b bytex) MarshalJSON() ([]byte, error) {
	if utf8.ValidString(string(b)) {
		return json.Marshal(string(b))
	}
	return json.Marshal(map[string]string{"b": base64.StdEncoding.EncodeToString([]byte(b))})
}

// UnmarshalJSON implements json.Unmarshaler.
func (b *bytex) UnmarshalJSON(text []byte) error {
	if !bytes.HasPrefix(text, []byte("{")) {
		var s string
		err := json.Unmarshal(text, &s)
		*b = bytex(s)
		return err
	}
	var v struct {
		B []byte `json:"b"`
	}
	err := json.Unmarshal(text, &v)
	*b = bytex(v.B)
	return err
}

// Archive reads and writes whole projects, by the types of Redis: it knows no record, so that it forgets none.
type Archive struct {
	rdb             redis.UniversalClient
	prefix, project string
	base            string
	token           string
}

// NewArchive returns the archive of one project. It makes no calls.
func NewArchive(rdb redis.UniversalClient, prefix, project string) *Archive {
	return &Archive{rdb: rdb, prefix: prefix, project: project, base: queue.Base(prefix, project), token: queue.NewToken()}
}

// Parts of the project that no backup has and no restore deletes: the gate, what a restore has staged, and the
// counts of calls.
const (
	stagedPart = ":restore:k:"
	lockPart   = ":restore:lock"
	callsPart  = ":calls:" // a restore does not undo calls
)

// part is what a key is called within the project; false for what is not of the record.
func (a *Archive) part(key string) (string, bool) {
	rest := strings.TrimPrefix(key, a.base)
	switch {
	case rest == key || key == queue.GateKey(a.base) || key == queue.DryRunKey(a.base) || rest == lockPart ||
		strings.HasPrefix(rest, stagedPart) || strings.HasPrefix(rest, callsPart):
		return "", false
	case strings.HasPrefix(rest, ":gm:") && strings.Contains(rest, ":stage:"): // a list that somebody is sending
		return "", false
	}
	return rest, true
}

// scan gives the project's keys that match a pattern behind its base, page by page. A page may have a key again.
func (a *Archive) scan(ctx context.Context, pattern string, fn func(keys []string) error) error {
	match := globEscaper.Replace(a.base) + pattern
	var cursor uint64
	for {
		keys, next, err := a.rdb.Scan(ctx, cursor, match, archivePart).Result()
		if err != nil {
			return err
		}
		if len(keys) > 0 {
			if err := fn(keys); err != nil {
				return err
			}
		}
		if cursor = next; cursor == 0 {
			return nil
		}
	}
}

// globEscaper makes a pattern of a literal.
var globEscaper = strings.NewReplacer(`\`, `\\`, "*", `\*`, "?", `\?`, "[", `\[`, "]", `\]`)

func (a *Archive) counts(ctx context.Context) (c ArchiveCounts, err error) {
	pipe := a.rdb.Pipeline()
	users, groups := pipe.ZCard(ctx, a.base+":l:u"), pipe.ZCard(ctx, a.base+":l:g")
	parked, held, audit := pipe.ZCard(ctx, a.base+":q:parked"), pipe.ZCard(ctx, a.base+":q:held"), pipe.XLen(ctx, a.base+":audit")
	queued := pipe.ZCard(ctx, a.base+":q:since")
	_, err = pipe.Exec(ctx)
	return ArchiveCounts{
		Users: users.Val(), Groups: groups.Val(), Queued: queued.Val(), Parked: parked.Val(), Held: held.Val(), Audit: audit.Val(),
	}, err
}

// keepOwn prolongs a key that has our value, or deletes it when the time is 0.
var keepOwn = redis.NewScript(`
if redis.call('GET', KEYS[1]) ~= ARGV[1] then return 0 end
if ARGV[2] == '0' then return redis.call('DEL', KEYS[1]) end
return redis.call('PEXPIRE', KEYS[1], ARGV[2])`)

// errOvertaken means that the archive took so long to answer that its lock ran out.
var errOvertaken = errors.New("the lock on the project ran out: try again")

// holding is a lock with a time to live that is renewed now and then.
type holding struct {
	rdb        redis.UniversalClient
	key, value string
	renewed    time.Time
}

// holdFor is how long a lock outlives whoever has it.
const holdFor = 30 * time.Second

func hold(ctx context.Context, rdb redis.UniversalClient, key, value string) (*holding, error) {
	err := rdb.SetArgs(ctx, key, value, redis.SetArgs{Mode: "NX", TTL: holdFor}).Err()
	if isNil(err) {
		return nil, errors.New("a backup or a restore of this project is under way, or a restore was broken off")
	}
	return &holding{rdb: rdb, key: key, value: value, renewed: time.Now()}, err
}

// keep renews the lock once a second; force asks in any case whether it is still held.
func (h *holding) keep(ctx context.Context, force bool) error {
	if !force && time.Since(h.renewed) < time.Second {
		return nil
	}
	n, err := keepOwn.Run(ctx, h.rdb, []string{h.key}, h.value, holdFor.Milliseconds()).Int()
	if err == nil && n == 0 {
		return errOvertaken
	}
	h.renewed = time.Now()
	return err
}

func (h *holding) release(ctx context.Context) error {
	return keepOwn.Run(context.WithoutCancel(ctx), h.rdb, []string{h.key}, h.value, "0").Err()
}

// checkHeader refuses what is no backup, or one that this version does not know.
func checkHeader(h Header) error {
	if h.Format != archiveFormat {
		return errors.New("this is no backup of scimcms")
	}
	if h.Version != archiveVersion {
		return fmt.Errorf("the backup has format version %d, this program reads %d", h.Version, archiveVersion)
	}
	return nil
}
