package reconcile

import (
	"time"

	"github.com/scimcms/scimcms/mapping"
)

// Settings are the options that a running engine can be given anew.
type Settings struct {
	Rules             *mapping.Rules
	ProfileAttributes map[string]string
	Adopt             bool
	Wait              time.Duration
	ImportEvery       time.Duration
	MaxAge            time.Duration
	Drift             string // report or repair
	Resend            int    // how often an invitation that ran out is sent again without a write
	DryRun            bool   // nothing is sent to the CMS
}

// live are the settings in force in this process, which never change; a reload puts others in their place.
type live struct {
	Settings
	fingerprint string // of the rules
}

func newLive(s Settings) *live {
	setDuration(&s.Wait, 3*time.Second)
	setDuration(&s.ImportEvery, 5*time.Minute)
	setDuration(&s.MaxAge, 30*time.Second)
	return &live{Settings: s, fingerprint: s.Rules.Fingerprint()}
}

// settings are the options that can change, as the engine was built with them.
func (o *Options) settings() Settings {
	return Settings{
		Rules: o.Rules, ProfileAttributes: o.ProfileAttributes, Adopt: o.Adopt, Wait: o.Wait, ImportEvery: o.ImportEvery, MaxAge: o.MaxAge,
		Drift: o.Drift, Resend: o.Resend, DryRun: o.DryRun,
	}
}

// set are the settings in force now.
func (e *Engine) set() *live { return e.live.Load() }
