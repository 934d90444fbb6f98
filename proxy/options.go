package proxy

import (
	"cmp"
	"crypto/rand"
	"encoding/hex"
	"errors"
	"fmt"
	"log/slog"
	"net/url"
	"regexp"
	"strings"
	"time"
)

// Options is what a Server is made of.
type Options struct {
	// Projects are the CMS projects served, at least one.
	Projects []Project
	Limits   Limits
	// BaseURL is the public scheme and host of this server ("https://scim.example.com"), used in meta.location. Empty: what
	// the client itself used.
	BaseURL string
	// Logger gets one line for each request. Nil: nothing is logged.
	Logger *slog.Logger
	// Metrics counts requests. Nil: nothing is counted.
	Metrics *Metrics
	// Now is the clock of durations in log and metrics. Nil: time.Now.
	Now func() time.Time
}

// Project is one CMS project with the tokens that open it and the records behind it.
type Project struct {
	Name   string
	Tokens []Token
	Users  UserStore
	Groups GroupStore
	// WithoutEmail says what happens to a person who has no address.
	WithoutEmail EmailPolicy
	// DryRun says whether writes are kept and planned at present, and nothing is sent to the CMS. Nil: never.
	DryRun func() bool
}

// Token is one bearer token of a project. Several live at once, so that they can be rotated.
type Token struct {
	Name   string   // for the access log
	SHA256 [32]byte // of the token's text
}

// EmailPolicy says what happens to a person whose attributes hold no e-mail address.
type EmailPolicy string

// The e-mail policies. The zero value refuses.
const (
	RefuseWithoutEmail EmailPolicy = "refuse" // 400 invalidValue
	AcceptWithoutEmail EmailPolicy = "accept" // kept, with sync status failed
)

// Limits bounds what one request may cost.
type Limits struct {
	// Body is the largest request body in bytes. Default 8 MiB: an Okta app made by the wizard sends all members of a group
	// in one PUT.
	Body int64
	// Count is the largest page and the default of an unfiltered listing without count. Default 1000.
	Count int
	// Cursor is how long a cursor is good for. Default one hour.
	Cursor time.Duration
	// PatchMembers is the largest group that a PATCH without attributes answers with the whole resource. Default 100.
	PatchMembers int
	// BulkOperations is how many operations one bulk request may have. Default 1000.
	BulkOperations int
	// BulkPayload is the largest bulk request in bytes. Default 4 MiB.
	BulkPayload int64
}

// The default limits.
const (
	defaultBody         = 8 << 20
	defaultCount        = 1000
	defaultPatchMembers = 100
	defaultBulk         = 1000
	defaultBulkPayload  = 4 << 20
	defaultCursor       = time.Hour
)

func (l Limits) withDefaults() Limits {
	l.Body = cmp.Or(l.Body, defaultBody)
	l.Count = cmp.Or(l.Count, defaultCount)
	l.Cursor = cmp.Or(l.Cursor, defaultCursor)
	l.PatchMembers = cmp.Or(l.PatchMembers, defaultPatchMembers)
	l.BulkOperations = cmp.Or(l.BulkOperations, defaultBulk)
	l.BulkPayload = cmp.Or(l.BulkPayload, defaultBulkPayload)
	return l
}

// projectName is what may stand in a path, a Redis key and a metric label.
var projectName = regexp.MustCompile(`^[A-Za-z0-9][A-Za-z0-9._-]{0,62}$`)

// validate tells every problem at once.
func (o Options) validate() error {
	var problems []error
	if len(o.Projects) == 0 {
		problems = append(problems, errors.New("projects: at least one is needed"))
	}
	names := map[string]bool{}
	tokens := map[[32]byte]string{}
	for i, p := range o.Projects {
		at := fmt.Sprintf("projects[%d]", i)
		problems = append(problems, p.validate(at)...)
		if names[p.Name] {
			problems = append(problems, fmt.Errorf("%s.name: %q is used twice", at, p.Name))
		}
		names[p.Name] = true
		problems = append(problems, p.claim(at, tokens)...)
	}
	if err := validBaseURL(o.BaseURL); err != nil {
		problems = append(problems, err)
	}
	if min(o.Limits.Body, int64(o.Limits.Count), int64(o.Limits.PatchMembers), int64(o.Limits.BulkOperations), o.Limits.BulkPayload, int64(o.Limits.Cursor)) < 0 {
		problems = append(problems, errors.New("limits: must not be negative"))
	}
	return errors.Join(problems...)
}

// claim enters the project's tokens; one that opens another project too would not name any.
func (p Project) claim(at string, tokens map[[32]byte]string) []error {
	var problems []error
	for _, t := range p.Tokens {
		if other, used := tokens[t.SHA256]; used && other != p.Name {
			problems = append(problems, fmt.Errorf("%s.tokens: token %q also opens project %q; a token names one project", at, t.Name, other))
		}
		tokens[t.SHA256] = p.Name
	}
	return problems
}

func (p Project) validate(at string) []error {
	var problems []error
	if !projectName.MatchString(p.Name) {
		problems = append(problems, fmt.Errorf("%s.name: %q: letters, digits, dot, dash and underscore only, at most 63", at, p.Name))
	}
	if len(p.Tokens) == 0 {
		problems = append(problems, fmt.Errorf("%s.tokens: at least one is needed", at))
	}
	if p.Users == nil || p.Groups == nil {
		problems = append(problems, fmt.Errorf("%s: no users or groups given", at))
	}
	switch p.WithoutEmail {
	case "", RefuseWithoutEmail, AcceptWithoutEmail:
	default:
		problems = append(problems, fmt.Errorf("%s.users.without_email: %q is neither refuse nor accept", at, p.WithoutEmail))
	}
	return problems
}

func validBaseURL(s string) error {
	if s == "" {
		return nil
	}
	u, err := url.Parse(s)
	if err != nil || (u.Scheme != "http" && u.Scheme != "https") || u.Host == "" || strings.Trim(u.Path, "/") != "" {
		return fmt.Errorf("base_url: %q is not scheme and host only, such as https://scim.example.com", s)
	}
	return nil
}

// idPrefix is the random first half of the request ids of one process.
func idPrefix() string {
	var b [6]byte
	_, _ = rand.Read(b[:]) // never fails (crypto/rand)
	return hex.EncodeToString(b[:]) + "-"
}
