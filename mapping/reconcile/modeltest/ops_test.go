package modeltest

import (
	"fmt"
	"strings"

	"pgregory.net/rapid"
)

// Who and what there is.
const (
	stranger  = "stranger@x.org"  // in the CMS, unknown to the identity provider
	protected = "protected@x.org" // in the CMS, never to be touched
	people    = 5
)

var (
	addresses = []string{"a0@x.org", "a1@x.org", "a2@x.org", "A3@x.org", "a4@x.org"} // a0 is in the CMS from the begin
	teams     = []string{"Reds", "Blues", "Chiefs", "Author"}                        // by a rule: Chiefs; found in the CMS: Author
	titles    = []string{"", "", "boss"}
)

func builtIn(role string) bool {
	switch role {
	case "Editor", "Admin", "Viewer", "Author", "Chief":
		return true
	}
	return false
}

// untouchable says that nobody may ever write to whoever has an address.
func (w *world) untouchable(address string) bool {
	for _, a := range addresses {
		if strings.EqualFold(a, address) {
			return false
		}
	}
	return !strings.HasPrefix(address, "moved-")
}

// op is one operation. A, B and C say whom and what it concerns, as its kind reads them.
type op struct {
	N       int // its number, which it keeps when others are left out
	Kind    string
	A, B, C int
	Steps   int    // how much happens before the next one
	Seed    uint64 // in which order
}

// String is the operation in words.
func (o op) String() string {
	at := func(i int) string { return addresses[i%len(addresses)] }
	switch o.Kind {
	case "put":
		return fmt.Sprintf("put p%d: address %s, title %q, active %t, externalId %d", o.A, at(o.B), titles[o.C%3], o.C&4 == 0, o.C&8>>3)
	case "activate", "deactivate", "delete", "rename", "repush":
		return fmt.Sprintf("%s p%d", o.Kind, o.A)
	case "group", "ungroup":
		return fmt.Sprintf("%s %s", o.Kind, teams[o.A%len(teams)])
	case "regroup":
		return fmt.Sprintf("rename group %s to %s", teams[o.A%3], teams[o.B%len(teams)])
	case "join", "leave":
		return fmt.Sprintf("%s p%d %s", o.Kind, o.A, teams[o.B%len(teams)])
	case "members":
		return fmt.Sprintf("members of %s: %05b", teams[o.A%len(teams)], o.C)
	}
	return fmt.Sprintf("%s %d %d %d", o.Kind, o.A, o.B, o.C)
}

// wishes are what an identity provider does, the frequent ones several times.
var wishes = []string{
	"put", "put", "put", "put", "put", "activate", "deactivate", "deactivate", "delete", "delete", "rename", "repush",
	"group", "ungroup", "regroup", "join", "join", "leave", "members",
}

// events happen in every run.
var events = []string{"accept", "accept", "import", "wait"}

// troubles happen in runs that are not calm.
var troubles = []string{
	"expire", "withdraw", "edit role", "edit active", "edit address", "remove", "rename role", "drop role",
	"fault", "fault", "fault", "fault", "kill", "kill", "kill", "start", "redis", "long wait", "long wait",
	"token", "pause", "resume", "replay", "replay one", "drop", "lose", "release", "release one", "discard",
}

func operations(calm bool) *rapid.Generator[[]op] {
	kinds := append(append([]string{}, wishes...), events...)
	if !calm {
		kinds = append(kinds, troubles...)
	}
	one := rapid.Custom(func(t *rapid.T) op {
		return op{
			Kind: rapid.SampledFrom(kinds).Draw(t, "kind"), A: rapid.IntRange(0, people-1).Draw(t, "a"),
			B: rapid.IntRange(0, 7).Draw(t, "b"), C: rapid.IntRange(0, 31).Draw(t, "c"),
			Steps: rapid.IntRange(0, 25).Draw(t, "steps"), Seed: rapid.Uint64Range(0, 1<<20).Draw(t, "order"),
		}
	})
	return rapid.SliceOfN(one, 40, 90)
}

// scenario is all that a run depends on.
type scenario struct {
	Calm  bool
	Setup setup
	Ops   []op
}

func draw(t *rapid.T) scenario {
	s := scenario{Calm: rapid.IntRange(0, 3).Draw(t, "calm") == 0}
	s.Setup = setup{
		Remove: rapid.Bool().Draw(t, "remove"), Reinvite: rapid.Bool().Draw(t, "reinvite"), Repair: rapid.Bool().Draw(t, "repair"),
		Brake: rapid.IntRange(0, 2).Draw(t, "brake") == 0, Replicas: rapid.IntRange(1, 3).Draw(t, "replicas"),
	}
	s.Ops = operations(s.Calm).Draw(t, "operations")
	for n := range s.Ops {
		s.Ops[n].N = n
	}
	return s
}

// drawFrozen is a scenario in which replicas stand still for longer than a lease lasts, again and again, between writes about
// few people: when they go on, others have taken over from them.
func drawFrozen(t *rapid.T) scenario {
	s := scenario{Setup: setup{Replicas: rapid.IntRange(2, 3).Draw(t, "replicas")}}
	kinds := []string{"put", "put", "put", "activate", "deactivate", "accept", "freeze", "freeze", "thaw", "long wait"}
	one := rapid.Custom(func(t *rapid.T) op {
		o := op{
			Kind: rapid.SampledFrom(kinds).Draw(t, "kind"), A: rapid.IntRange(0, 2).Draw(t, "a"), C: rapid.IntRange(0, 7).Draw(t, "c"),
			Steps: rapid.IntRange(0, 12).Draw(t, "steps"), Seed: rapid.Uint64Range(0, 1<<20).Draw(t, "order"),
		}
		o.B = o.A // everybody has one address
		if o.Kind == "long wait" {
			o.B = beyondLease
		}
		return o
	})
	s.Ops = rapid.SliceOfN(one, 40, 90).Draw(t, "operations")
	for n := range s.Ops {
		s.Ops[n].N = n
	}
	return s
}

func (s scenario) String() string {
	var b strings.Builder
	fmt.Fprintf(&b, "calm %t, %+v\n", s.Calm, s.Setup)
	for _, o := range s.Ops {
		fmt.Fprintf(&b, "  %2d %s (then %d steps, order %d)\n", o.N, o, o.Steps, o.Seed)
	}
	return b.String()
}
