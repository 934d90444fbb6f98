package queue

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/redis/go-redis/v9"
)

// State is where a key stands.
type State string

// The states. A key that the queue does not know is Idle: the CMS agrees as far as the queue can tell.
const (
	Idle   State = "idle"
	Queued State = "queued"
	Leased State = "leased"
	Parked State = "parked"
	Held   State = "held"
)

// Entry is what the queue knows about a key. Times are Unix ms, 0 when there is none.
type Entry struct {
	Key      string
	State    State
	Lane     Lane
	Ticket   int64 // the newest wish
	Tried    int64 // the newest ticket that an attempt has ended for
	Attempts int   // failed attempts of the newest wish
	Due      int64 // when it will be taken (Queued)
	Until    int64 // end of the lease (Leased)
	Since    int64 // since when it is not agreed
	Parked   int64 // when it was parked
	Held     int64 // when it was held
	Look     int64 // the CMS must be read by a lease taken then or later
	Intent   string
	Code     string // last error
	Text     string
}

// ListOptions choose and page entries.
type ListOptions struct {
	State  State  // Queued, Leased, Parked or Held; "" = all of them
	Lane   Lane   // of queued keys; "" = all
	Code   string // only keys that are parked with this code; "" = all
	Limit  int    // entries at most; default 100, at most 500
	Cursor string // where the last page ended; "" = from the start
}

// List returns a page of entries (leased, then queued by lane and due time, then parked, then held) and the cursor of the next
// page, "" after the last. Entries that move while somebody pages can be missed or seen twice.
func (q *Queue) List(ctx context.Context, opt ListOptions) ([]Entry, string, error) {
	sets := listSets(opt)
	limit := min(max(opt.Limit, 0), 500)
	if limit == 0 {
		limit = 100
	}
	set, offset, err := parseCursor(opt.Cursor, len(sets))
	if err != nil {
		return nil, "", err
	}
	var out []Entry
	for ; set < len(sets); set, offset = set+1, 0 {
		for more := true; more; {
			want := limit - len(out)
			page, err := q.page(ctx, sets[set], offset, want)
			if err != nil {
				return nil, "", err
			}
			offset += want
			out, more = append(out, with(opt.Code, page)...), len(page) == want
			if more && len(out) == limit {
				return out, strconv.Itoa(set) + ":" + strconv.Itoa(offset), nil
			}
		}
	}
	return out, "", nil
}

// with keeps the entries that have a code.
func with(code string, page []Entry) []Entry {
	if code == "" {
		return page
	}
	return slices.DeleteFunc(page, func(e Entry) bool { return e.Code != code })
}

// listSets names the sorted sets to read, by the last part of their key.
func listSets(opt ListOptions) []string {
	if opt.Code != "" {
		return []string{"parked"}
	}
	wanted := func(s State) bool { return opt.State == "" || opt.State == s }
	whole := func(s State) []string { // a set that has all lanes
		if wanted(s) && opt.Lane == "" {
			return []string{string(s)}
		}
		return nil
	}
	sets := whole(Leased)
	for _, lane := range Lanes() {
		if wanted(Queued) && (opt.Lane == "" || opt.Lane == lane) {
			sets = append(sets, string(lane))
		}
	}
	return append(append(sets, whole(Parked)...), whole(Held)...)
}

func parseCursor(cursor string, sets int) (set, offset int, err error) {
	if cursor == "" {
		return 0, 0, nil
	}
	a, b, _ := strings.Cut(cursor, ":")
	set, errSet := strconv.Atoi(a)
	offset, errOffset := strconv.Atoi(b)
	if errSet != nil || errOffset != nil || set < 0 || set >= max(sets, 1) || offset < 0 {
		return 0, 0, fmt.Errorf("queue: %q is no cursor of this list", cursor)
	}
	return set, offset, nil
}

func (q *Queue) page(ctx context.Context, set string, offset, limit int) ([]Entry, error) {
	rows, err := q.scripts.list.RunRO(ctx, q.opt.Redis, []string{q.keys.base}, set, offset, limit).Slice()
	if err != nil && !errors.Is(err, redis.Nil) {
		return nil, fmt.Errorf("queue: list %s: %w", set, err)
	}
	out := make([]Entry, 0, len(rows))
	for _, row := range rows {
		if fields, ok := row.([]any); ok {
			out = append(out, newEntry(texts(fields)))
		}
	}
	return out, nil
}

// newEntry reads key, score, field, value, field, value and so on.
func newEntry(row []string) Entry {
	f := make(map[string]string, len(row)/2)
	for i := 2; i+1 < len(row); i += 2 {
		f[row[i]] = row[i+1]
	}
	e := Entry{
		Key: row[0], State: Queued, Lane: Lane(f["lane"]), Ticket: number(f["ticket"]), Tried: number(f["tried"]),
		Attempts: int(number(f["attempts"])), Until: number(f["until"]), Since: number(f["since"]), Parked: number(f["parked"]),
		Held: number(f["held"]),
		Look: max(number(f["look"]), number(f["ilook"])), Intent: f["intent"], Code: f["code"], Text: f["text"],
	}
	switch {
	case f["token"] != "":
		e.State = Leased
	case f["parked"] != "":
		e.State = Parked
	case f["held"] != "":
		e.State = Held
	default:
		due, _ := strconv.ParseFloat(row[1], 64)
		e.Due = int64(due)
	}
	return e
}

// Show returns what the queue knows about key; false when it knows nothing.
func (q *Queue) Show(ctx context.Context, key string) (Entry, bool, error) {
	rows, err := q.scripts.list.RunRO(ctx, q.opt.Redis, []string{q.keys.base}, "key", key).Slice()
	if err != nil && !errors.Is(err, redis.Nil) {
		return Entry{}, false, fmt.Errorf("queue: show %s: %w", key, err)
	}
	if len(rows) == 0 {
		return Entry{Key: key, State: Idle}, false, nil
	}
	fields, _ := rows[0].([]any)
	return newEntry(texts(fields)), true, nil
}

// Stats are the numbers of a project at one moment.
type Stats struct {
	Depth     map[Lane]int64 // queued keys, due or not
	Leased    int64
	Parked    int64
	Held      int64            // kept back by the brake
	Codes     map[string]int64 // how many are parked, by code
	OldestAge time.Duration    // of the key that has been queued or leased for longest
	Paused    bool
	Circuit   string // why the circuit is open; "" when it is closed
	DryRun    int    // replicas that want nothing changed outside; no key but the harmless ones is leased then
}

// Backlog is how many keys are queued, due or not.
func (s Stats) Backlog() int64 {
	var n int64
	for _, depth := range s.Depth {
		n += depth
	}
	return n
}

// Stats reads the depth of the queue and its age.
func (q *Queue) Stats(ctx context.Context) (Stats, error) {
	pipe := q.opt.Redis.Pipeline()
	depth := make(map[Lane]*redis.IntCmd)
	for _, lane := range Lanes() {
		depth[lane] = pipe.ZCard(ctx, q.keys.lane(lane))
	}
	leased, parked, held := pipe.ZCard(ctx, q.keys.leased()), pipe.ZCard(ctx, q.keys.parked()), pipe.ZCard(ctx, q.keys.held())
	codes := pipe.HGetAll(ctx, q.keys.codes())
	oldest := pipe.ZRangeWithScores(ctx, q.keys.since(), 0, 0)
	now, paused := pipe.Time(ctx), pipe.Exists(ctx, q.keys.paused())
	circuit := pipe.HGet(ctx, q.keys.circuit(), "reason")
	dry := pipe.ZRangeWithScores(ctx, q.keys.dryRun(), 0, -1)
	if _, err := pipe.Exec(ctx); err != nil && !errors.Is(err, redis.Nil) {
		return Stats{}, fmt.Errorf("queue: stats: %w", err)
	}
	s := Stats{
		Depth: make(map[Lane]int64), Leased: leased.Val(), Parked: parked.Val(), Held: held.Val(),
		Codes: make(map[string]int64), Paused: paused.Val() > 0, Circuit: circuit.Val(),
	}
	for code, n := range codes.Val() {
		s.Codes[code] = number(n)
	}
	for lane, n := range depth {
		s.Depth[lane] = n.Val()
	}
	ms := now.Val().UnixMilli()
	if q.opt.Now != nil {
		ms = q.opt.Now()
	}
	for _, mark := range dry.Val() {
		if int64(mark.Score) > ms {
			s.DryRun++
		}
	}
	if first := oldest.Val(); len(first) > 0 {
		s.OldestAge = time.Duration(max(ms-int64(first[0].Score), 0)) * time.Millisecond
	}
	return s, nil
}

// ParkedFor tells how many keys are parked with a code.
func (q *Queue) ParkedFor(ctx context.Context, code string) (int64, error) {
	n, err := q.opt.Redis.HGet(ctx, q.keys.codes(), code).Int64()
	if err != nil && !errors.Is(err, redis.Nil) {
		return 0, fmt.Errorf("queue: parked: %w", err)
	}
	return n, nil
}
