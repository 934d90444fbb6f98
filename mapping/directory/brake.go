package directory

import (
	"context"
	"time"
)

// Taking is what a CMS call takes from a person.
type Taking string

// What the brake judges, each counted by itself.
const (
	TakesNothing Taking = ""
	TakesAccess  Taking = "access" // an invitation is withdrawn, a collaborator deactivated or removed
	TakesRole    Taking = "role"   // a role goes that no rule and no group gives any more
)

// Takings are the classes that the brake counts.
func Takings() []Taking { return []Taking{TakesAccess, TakesRole} }

// Brake bounds how many different people calls may take something from within a window: Percent of the managed people who
// had access at its start, but at least Min. The zero value never holds, and nor does 100 percent.
type Brake struct {
	Percent, Min int
	Window       time.Duration
}

func (b Brake) off() bool { return b.Percent <= 0 || b.Percent >= 100 || b.Window <= 0 }

// args are what the scripts need of the brake to judge a call.
func (b Brake) args(t Taking) []any {
	if b.off() {
		t = TakesNothing
	}
	return []any{string(t), b.Percent, b.Min, ms(b.Window)}
}

// SetBrake puts other bounds in force: every call that is noted from now on is judged by them. What was counted stays counted,
// as far as the window now reaches, and what is held stays held.
func (d *Directory) SetBrake(b Brake) { d.brake.Store(&b) }

// BrakeCount is what the brake has counted.
type BrakeCount struct {
	Takes   Taking
	People  int // different people in the window
	Allowed int // as many may be
	Base    int // managed people with access at its start
}

// BrakeCounts reads what the brake has counted; none when it never holds.
func (d *Directory) BrakeCounts(ctx context.Context) ([]BrakeCount, error) {
	brake := d.brake.Load()
	if brake.off() {
		return nil, nil
	}
	var out []BrakeCount
	for _, t := range Takings() {
		ans, err := d.run(ctx, d.scripts.window, nil, append([]any{d.now()}, brake.args(t)...)...)
		if err != nil {
			return nil, err
		}
		out = append(out, BrakeCount{Takes: t, People: int(num(at(ans, 0))), Allowed: int(num(at(ans, 1))), Base: int(num(at(ans, 2)))})
	}
	return out, nil
}

// BrakePeople are the ids of those whom the brake has counted: they pass again.
func (d *Directory) BrakePeople(ctx context.Context, t Taking) ([]string, error) {
	if d.opts.Brake.off() {
		return nil, nil
	}
	ans, err := d.run(ctx, d.scripts.window, nil, append(append([]any{d.now()}, d.opts.Brake.args(t)...), "1")...)
	return texts(ans), err
}

// Restored is how somebody who was deleted is found again in the CMS.
type Restored struct {
	Doc         []byte
	UserName    string
	DisplayName string
	Address     string
}

// Discard gives up what the brake holds for a user, as it was read: the wish becomes what the CMS has, active or not, until
// the identity provider writes the user again. Somebody who was deleted becomes a person found in the CMS. It is ErrStale
// when the user is held no more, or for another wish.
func (d *Directory) Discard(ctx context.Context, u User, active bool, r Restored) error {
	fold := d.opts.Fold
	ans, err := d.run(ctx, d.scripts.discard, []string{d.keys.user(u.ID)}, d.now(), u.ID, u.Sync.Ticket, flag(active),
		r.Doc, r.UserName, fold(r.UserName), fold(r.DisplayName), fold(r.Address), r.Address, fold(r.Address))
	switch {
	case err != nil:
		return err
	case str(at(ans, 0)) == "taken":
		return &ConflictError{Attribute: str(at(ans, 1)), ID: str(at(ans, 2))}
	case str(at(ans, 0)) != "ok":
		return ErrStale
	}
	return nil
}
