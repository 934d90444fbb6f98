package reconcile

import (
	"context"
	"errors"
	"log/slog"
	"sync/atomic"
	"time"

	"github.com/scimcms/scimcms/cmsclient"
	"github.com/scimcms/scimcms/mapping"
	"github.com/scimcms/scimcms/mapping/directory"
	"github.com/scimcms/scimcms/queue"
)

// Options are what the engine of one project needs.
type Options struct {
	Project   string
	Directory *directory.Directory
	Queue     *queue.Queue
	CMS       *cmsclient.Client
	Rules     *mapping.Rules

	// Attributes reads a user's document for rules and for ProfileAttributes.
	Attributes func(doc []byte) (mapping.Attributes, error)
	// Document writes the SCIM document of a person found in the CMS.
	Document func(Person) ([]byte, error)
	// ProfileAttributes maps attributes of the CMS to SCIM paths, for a CMS that keeps more than DatoCMS does.
	ProfileAttributes map[string]string

	Drift  string // report (default) or repair: what happens to changes by hand in the CMS
	Resend int    // invitations.resend: how often an invitation that ran out is sent again without a write
	DryRun bool   // dry_run: writes are accepted and planned, and nothing is sent to the CMS

	Adopt       bool          // users.adopt: a create may take up a person found in the CMS by address
	Wait        time.Duration // sync.wait: how long a request waits for its sync; default 3s
	CallTimeout time.Duration // deadline of one CMS call; default 8s
	ImportEvery time.Duration // default 5m
	MaxAge      time.Duration // of the picture that a listing's first page may show; default 30s
	ListingWait time.Duration // how long a first page waits for a fresh picture; default 300ms

	Wake     func() // nudges this process's workers
	Now      func() time.Time
	Logger   *slog.Logger
	Observer Observer
}

// Person is someone found in the CMS whom the identity provider does not know yet.
type Person struct {
	UserName, GivenName, FamilyName, Email string
	Active                                 bool
}

// Observer hears what the engine did, in basic types. Its methods are called at the end of each sync and import.
type Observer interface {
	// Synced reports a sync: kind is user or group; outcome is done, again, retry, wait, parked, held, rejected or lost.
	Synced(kind, outcome string)
	// Agreed reports how long after its acceptance a wish was agreed.
	Agreed(kind string, after time.Duration)
	// Imported reports an import: ok, error or refused.
	Imported(outcome string)
	// Skipped reports members of a pushed group that are no users and were left out.
	Skipped(members int)
}

// Engine syncs one project. It is safe for concurrent use; run Run once.
type Engine struct {
	o        Options
	dir      *directory.Directory
	queue    *queue.Queue
	cms      *cmsclient.Client
	roles    *roleCache
	pictures *pictures
	log      *slog.Logger

	live     atomic.Pointer[live]
	mark     dryRunMark
	inFlight inFlight // syncs that requests began
	binding  binding
	epoch    epoch
	service  directory.User
	removals removals
}

// New returns an engine. It makes no calls.
func New(o Options) (*Engine, error) {
	if o.Directory == nil || o.Queue == nil || o.CMS == nil || o.Rules == nil || o.Attributes == nil || o.Document == nil {
		return nil, errors.New("reconcile: Directory, Queue, CMS, Rules, Attributes and Document are required")
	}
	o.setDefaults()
	e := &Engine{o: o, dir: o.Directory, queue: o.Queue, cms: o.CMS, log: o.Logger, mark: dryRunMark{replica: queue.NewToken()}}
	e.adopt(o.settings())
	e.roles = &roleCache{dir: o.Directory, rules: e.set}
	e.pictures = newPictures(e.readPeople)
	e.service = serviceUser(o)
	return e, nil
}

func (o *Options) setDefaults() {
	setDuration(&o.CallTimeout, 8*time.Second)
	setDuration(&o.ListingWait, 300*time.Millisecond)
	if o.Wake == nil {
		o.Wake = func() {}
	}
	if o.Now == nil {
		o.Now = time.Now
	}
	if o.Logger == nil {
		o.Logger = slog.New(slog.DiscardHandler)
	}
	if o.Observer == nil {
		o.Observer = nobody{}
	}
}

func setDuration(d *time.Duration, fallback time.Duration) {
	if *d <= 0 {
		*d = fallback
	}
}

// Name is the project's name.
func (e *Engine) Name() string { return e.o.Project }

// Queue is the project's queue, for operators.
func (e *Engine) Queue() *queue.Queue { return e.queue }

// Drain waits until the syncs that requests began have ended, or ctx is done.
func (e *Engine) Drain(ctx context.Context) error { return e.inFlight.Wait(ctx) }

// Discard is an observer that nobody listens to.
var Discard Observer = nobody{}

type nobody struct{}

func (nobody) Synced(string, string)        {}
func (nobody) Agreed(string, time.Duration) {}
func (nobody) Imported(string)              {}
func (nobody) Skipped(int)                  {}
