package directory

import (
	"context"
	"errors"
	"sync/atomic"
	"time"

	"github.com/redis/go-redis/v9"

	"github.com/scimcms/scimcms/queue"
)

// skipUnknown leaves members that are no users out instead of refusing the write.
const skipUnknown = "skip"

// maxInline is how many members one commit touches at most; longer lists are staged (10,000 would block Redis for about
// 90 ms).
const maxInline = 1000

// Options are what a directory needs. Redis must not repeat scripts by itself (queue.Open sees to it): a repeated create
// would meet its own userName.
type Options struct {
	Redis          redis.UniversalClient
	Queue          *queue.Queue
	Base           string // queue.Base(prefix, project)
	Project        string
	Lease          time.Duration    // of a key that a commit leases for its request; default 15s
	CallTimeout    time.Duration    // deadline of one CMS call; default 8s
	Brake          Brake            // to begin with; SetBrake changes it
	UnknownMembers string           // skip (default) or reject
	Clock          func() time.Time // default time.Now
	NewID          func(kind, key string, uses int64) string
	Fold           func(string) string
}

// Directory is the record of one project.
type Directory struct {
	rdb     redis.UniversalClient
	queue   *queue.Queue
	keys    keys
	scripts *scripts
	opts    Options
	brake   atomic.Pointer[Brake] // in force now
}

// New returns the directory of one project, whose queue from now on hands out users with what a sync needs to know of them. It
// makes no calls.
func New(o Options) (*Directory, error) {
	if o.Redis == nil || o.Queue == nil || o.Base == "" || o.NewID == nil || o.Fold == nil {
		return nil, errors.New("directory: Redis, Queue, Base, NewID and Fold are required")
	}
	if o.Lease <= 0 {
		o.Lease = 15 * time.Second
	}
	if o.CallTimeout <= 0 {
		o.CallTimeout = 8 * time.Second
	}
	if o.Clock == nil {
		o.Clock = time.Now
	}
	if o.UnknownMembers == "" {
		o.UnknownMembers = skipUnknown
	}
	d := &Directory{rdb: o.Redis, queue: o.Queue, keys: keys{o.Base}, scripts: loadScripts(), opts: o}
	d.SetBrake(o.Brake)
	o.Queue.ReadWithTake(sources("records", "work"))
	return d, nil
}

// run calls a script and gives its answer as a list; the first KEYS is always the base.
func (d *Directory) run(ctx context.Context, s *redis.Script, ks []string, args ...any) ([]any, error) {
	v, err := s.Run(ctx, d.rdb, append([]string{d.keys.base}, ks...), args...).Result()
	if err != nil {
		return nil, &UnavailableError{Cause: err}
	}
	if list, ok := v.([]any); ok {
		return list, nil
	}
	return []any{v}, nil
}

// answer is what a commit script said, and a moment before it ran: a lease that it took counts from then.
type answer struct {
	list  []any
	began time.Time
}

func (d *Directory) commit(ctx context.Context, s *redis.Script, ks []string, args ...any) (answer, error) {
	began := d.opts.Clock()
	l, err := d.run(queue.Acknowledged(ctx), s, ks, args...)
	return answer{list: l, began: began}, err
}

func (d *Directory) now() string { return d.queue.NowArg() }

func ms(t time.Duration) int64 { return t.Milliseconds() }

func flag(b bool) string {
	if b {
		return "1"
	}
	return "0"
}

func isNil(err error) bool { return errors.Is(err, redis.Nil) }

func unavailable(err error) error {
	if err == nil {
		return nil
	}
	return &UnavailableError{Cause: err}
}
