package reconcile_test

import (
	"errors"
	"strings"
	"testing"
	"time"

	"github.com/scimcms/scimcms/mapping"
	"github.com/scimcms/scimcms/mapping/directory"
	"github.com/scimcms/scimcms/queue"
)

// kept says whether a deleted user's record is still there.
func (r *rig) kept(id string) bool {
	r.t.Helper()
	_, err := r.dir.UserRecord(r.ctx, id)
	if err != nil && !errors.Is(err, directory.ErrNotFound) {
		r.t.Fatal(err)
	}
	return err == nil
}

// named are the keys of the project that have an id in their name, but for what expires.
func (r *rig) keysOf(id string) (out []string) {
	r.t.Helper()
	keys, err := r.store.Client.Keys(r.ctx, r.store.Base+":*"+id+"*").Result()
	r.must(err)
	for _, key := range keys {
		if r.store.Client.PTTL(r.ctx, key).Val() <= 0 {
			out = append(out, strings.TrimPrefix(key, r.store.Base))
		}
	}
	return out
}

func (r *rig) deleted(id string) {
	r.t.Helper()
	r.must(r.engine.DeleteUser(r.ctx, id, nil))
	r.settle()
}

func TestTombstoneGoesWhenTwoPicturesShowNothingOfIt(t *testing.T) {
	each(t, editors(), func(t *testing.T, r *rig) {
		r.create("grace@example.org")
		u := r.create("ada@example.org")
		r.deleted(u.ID)
		r.importAll()
		if !r.kept(u.ID) {
			t.Fatal("gone at the first picture")
		}
		r.importAll()
		if keys := r.keysOf(u.ID); r.kept(u.ID) || len(keys) > 0 {
			t.Fatalf("left behind: %v", keys)
		}
		// The id is not given again, not even to the same login.
		if again := r.create("ada@example.org"); again.ID != mapping.ID(project, "User", "ada@example.org", 1) {
			t.Errorf("id %s, the former one was %s", again.ID, u.ID)
		}
	})
}

func TestGroupsTombstoneGoesWhenTwoPicturesShowNothingOfIt(t *testing.T) {
	each(t, editors(), func(t *testing.T, r *rig) {
		u := r.create("ada@example.org")
		g := r.createGroup("Writers", u.ID)
		r.settle()
		r.must(r.engine.DeleteGroup(r.ctx, g.ID, nil))
		r.settle()
		r.importAll()
		if len(r.keysOf(g.ID)) == 0 {
			t.Fatal("gone at the first picture")
		}
		r.importAll()
		if keys := r.keysOf(g.ID); len(keys) > 0 {
			t.Fatalf("left behind: %v", keys)
		}
		if again := r.createGroup("writers"); again.ID != mapping.ID(project, "Group", "writers", 1) {
			t.Errorf("id %s, the former one was %s", again.ID, g.ID)
		}
	})
}

// A tombstone stays as long as anything needs it.
func TestTombstoneThatIsNeededStays(t *testing.T) {
	t.Parallel()
	for name, needs := range map[string]func(r *rig) directory.User{
		"an account in the CMS": func(r *rig) directory.User {
			u := r.member("ada@example.org")
			r.deleted(u.ID)
			return u
		},
		"work that waits": func(r *rig) directory.User {
			u := r.create("ada@example.org")
			r.deleted(u.ID)
			_, err := r.queue.Push(r.ctx, directory.UserKey(u.ID), queue.Normal, false)
			r.must(err)
			l, err := r.queue.Take(r.ctx, queue.TakeOptions{})
			r.must(err)
			_, err = r.queue.Finish(r.ctx, l, queue.Verdict{Outcome: queue.Retry, After: time.Hour})
			r.must(err)
			return u
		},
		"a parked key": func(r *rig) directory.User {
			u := r.create("ada@example.org")
			r.deleted(u.ID)
			_, err := r.queue.Push(r.ctx, directory.UserKey(u.ID), queue.Normal, false)
			r.must(err)
			l, err := r.queue.Take(r.ctx, queue.TakeOptions{})
			r.must(err)
			_, err = r.queue.Finish(r.ctx, l, queue.Verdict{Outcome: queue.Park, Code: "c"})
			r.must(err)
			return u
		},
		"somebody may have joined in their place": func(r *rig) directory.User {
			u := r.create("ada@example.org")
			r.deleted(u.ID)
			r.must(r.dir.NoteUnbound(r.ctx, u.ID, time.UnixMilli(r.clock.Now()).Add(time.Hour)))
			return u
		},
	} {
		t.Run(name, func(t *testing.T) {
			each(t, editors(), func(t *testing.T, r *rig) {
				r.create("grace@example.org")
				u := needs(r)
				for range 4 {
					r.importAll()
				}
				if !r.kept(u.ID) {
					t.Error("gone")
				}
			})
		})
	}
}

// What a picture shows again counts anew, as does somebody who came back.
func TestTombstoneThatIsSeenAgainCountsAnew(t *testing.T) {
	t.Parallel()
	for name, back := range map[string]func(r *rig, u directory.User){
		"invited by hand": func(r *rig, u directory.User) {
			r.lateInvitation("ada@example.org")
			r.importAll() // links the leaver to it
			r.settle()    // and withdraws it
		},
		"deleted again": func(r *rig, u directory.User) {
			if again := r.create("ada@example.org"); again.ID != u.ID {
				r.t.Fatalf("another id: %s", again.ID)
			}
			r.deleted(u.ID)
		},
	} {
		t.Run(name, func(t *testing.T) {
			each(t, editors(), func(t *testing.T, r *rig) {
				r.create("grace@example.org")
				u := r.create("ada@example.org")
				r.deleted(u.ID)
				r.importAll()
				back(r, u)
				r.importAll()
				if !r.kept(u.ID) {
					t.Error("gone at the first picture after that")
				}
				r.importAll()
				if r.kept(u.ID) {
					t.Error("not gone at the second one")
				}
			})
		})
	}
}
