package cmstest

import (
	"context"
	"time"
)

// Options configures a Server. The zero value is a usable CMS: no limits, two roles, nobody in it.
type Options struct {
	// Token is the API token callers must send; "" means "demo-cms-token".
	Token string
	// TokenRole is the name of the role the token holds; "" and names of no role mean "Admin".
	TokenRole string
	// Rate is how many calls a token may make per Window; 0 means no limit and no limit headers.
	Rate int
	// Window is the span Rate counts in; 0 means 3 seconds.
	Window time.Duration
	// Seats is how many people the plan allows, pending invitations included; 0 means no limit.
	Seats int
	// Roles is how many roles the plan allows; 0 means no limit.
	Roles int
	// Latency is how long every CMA call takes.
	Latency time.Duration
	// SeedUsers is how many collaborators the project starts with; the first of them is an Admin, the rest are Editors.
	SeedUsers int
	// SiteID identifies the project; "" means "9001".
	SiteID string
	// Owner is the address of the account that owns the project, who is not a collaborator; "" means
	// "owner@example.com".
	Owner string
	// ProfileAttributes names extra attributes that users and invitations accept, keep and return, for a CMS that
	// takes more than DatoCMS does. "full_name" may be among them.
	ProfileAttributes []string
	// Now is the clock of the limiter; nil means time.Now.
	Now func() time.Time
	// Sleep waits for Latency and delay faults; nil waits on a timer. It returns early with the context's error.
	Sleep func(ctx context.Context, d time.Duration) error
}

// withDefaults fills what was left out; negative figures count as 0.
func (o Options) withDefaults() Options {
	setDefault(&o.Token, "demo-cms-token")
	setDefault(&o.TokenRole, adminName)
	setDefault(&o.SiteID, "9001")
	setDefault(&o.Owner, "owner@example.com")
	o.Rate, o.Seats, o.Roles, o.SeedUsers = max(o.Rate, 0), max(o.Seats, 0), max(o.Roles, 0), max(o.SeedUsers, 0)
	if o.Window <= 0 {
		o.Window = 3 * time.Second
	}
	if o.Now == nil {
		o.Now = time.Now
	}
	if o.Sleep == nil {
		o.Sleep = sleep
	}
	return o
}

func setDefault(field *string, value string) {
	if *field == "" {
		*field = value
	}
}

// sleep waits for d or until ctx ends.
func sleep(ctx context.Context, d time.Duration) error {
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-timer.C:
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}
