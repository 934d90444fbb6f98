package directory

import (
	"context"
	"time"

	"github.com/scimcms/scimcms/queue"
)

// RulesKey is the queue key of the sweep that new rules begin.
const RulesKey = "rules/all"

// sweepBatch is how many records one step of the sweep reads.
const sweepBatch = 500

// RulesState says how a replica's rules stand to those in force.
type RulesState string

// The states. New: these rules have just come into force, and everybody whom they concern is queued.
const (
	RulesCurrent RulesState = "current"
	RulesNew     RulesState = "new"
	RulesOlder   RulesState = "older"
)

// ClaimRules says that this replica runs rules of this fingerprint, and is to be repeated as a sign of life. Rules that were
// in force before come back only when those that replaced them have shown no sign of life for quiet.
func (d *Directory) ClaimRules(ctx context.Context, fingerprint string, quiet time.Duration) (state RulesState, epoch int64, err error) {
	ans, err := d.run(ctx, d.scripts.claimRules, nil, d.now(), fingerprint, ms(quiet), RulesKey)
	if err != nil {
		return "", 0, err
	}
	return RulesState(str(at(ans, 0))), num(at(ans, 1)), nil
}

// RulesInForce is the fingerprint of the rules that are in force; "" before any were.
func (d *Directory) RulesInForce(ctx context.Context) (string, error) {
	hash, err := d.rdb.HGet(ctx, d.keys.base+":rules", "hash").Result()
	if err != nil && !isNil(err) {
		return "", &UnavailableError{Cause: err}
	}
	return hash, nil
}

// SweepRules queues the next batch of groups and users for new rules, in the background lane. It goes on where the former
// holder of the lease has stopped.
func (d *Directory) SweepRules(ctx context.Context, l *queue.Lease) (more bool, err error) {
	ans, err := d.run(ctx, d.scripts.sweepRules, nil, d.now(), l.Key, l.Token, sweepBatch)
	switch {
	case err != nil:
		return false, err
	case str(at(ans, 0)) == "lost":
		return false, ErrLost
	}
	return str(at(ans, 0)) == "more", nil
}

// RoleNames are what names of roles stand for.
type RoleNames struct {
	Fingerprint string            // of the rules that have the names
	All         []string          // every name that the rules have
	Found       map[string]string // name → CMS id, those that are new or changed
}

// ResolveRoles stores what names stand for, unless the roles are another version by now, or other rules are in force. It
// gives the version after it.
func (d *Directory) ResolveRoles(ctx context.Context, version string, names RoleNames) (newVersion string, stored bool, err error) {
	args := []any{names.Fingerprint, version, len(names.All)}
	args = append(args, anys(names.All)...)
	for name, id := range names.Found {
		args = append(args, name, id)
	}
	ans, err := d.run(ctx, d.scripts.resolveRoles, nil, args...)
	return str(at(ans, 1)), num(at(ans, 0)) == 1, err
}
