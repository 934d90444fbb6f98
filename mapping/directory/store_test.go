package directory

import (
	"context"
	"io"
	"net"
	"os"
	"path/filepath"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/scimcms/scimcms/queue"
	"github.com/scimcms/scimcms/queue/queuetest"
)

func TestNew_SaysWhatIsMissing(t *testing.T) {
	t.Parallel()
	if _, err := New(Options{}); err == nil || !strings.Contains(err.Error(), "required") {
		t.Errorf("got %v", err)
	}
}

// calls are every method that talks to Redis.
var calls = map[string]func(r *rig) error{
	"CreateUser": func(r *rig) error { return fails(r.d.CreateUser(r.ctx, wish("new@x.org"), "t")) },
	"WriteUser": func(r *rig) error {
		return fails(r.d.WriteUser(r.ctx, User{ID: "u", Gen: 1}, wish("ada@x.org"), "t", "e"))
	},
	"TouchUser":   func(r *rig) error { return fails(r.d.TouchUser(r.ctx, User{ID: "u"}, true, "t")) },
	"DeleteUser":  func(r *rig) error { return fails(r.d.DeleteUser(r.ctx, "u", 0, "t")) },
	"CreateGroup": func(r *rig) error { return fails(r.d.CreateGroup(r.ctx, GroupWish{Name: "n"}, nil, 0, "t")) },
	"a long group": func(r *rig) error {
		return fails(r.d.CreateGroup(r.ctx, GroupWish{Name: "n"}, strangers(1200, "u"), 0, "t"))
	},
	"WriteGroup": func(r *rig) error {
		return fails(r.d.WriteGroup(r.ctx, Group{ID: "g"}, GroupChange{Wish: GroupWish{Name: "n"}}, "t"))
	},
	"ChangeMembers": func(r *rig) error { return fails(r.d.ChangeMembers(r.ctx, "g", MemberChange{}, 0, "t")) },
	"a long list": func(r *rig) error {
		return fails(r.d.ChangeMembers(r.ctx, "g", MemberChange{Replace: true, Add: strangers(1200, "u")}, 0, "t"))
	},
	"DeleteGroup": func(r *rig) error { return fails(r.d.DeleteGroup(r.ctx, "g", nil, "t")) },
	"FanOut":      func(r *rig) error { return fails(r.d.FanOut(r.ctx, "g", "")) },
	"User":        func(r *rig) error { return fails(r.d.User(r.ctx, "u")) },
	"UserRecord":  func(r *rig) error { return fails(r.d.UserRecord(r.ctx, "u")) },
	"ListUsers":   func(r *rig) error { return fails(r.d.ListUsers(r.ctx, Window{1, 1})) },
	"ScanUsers":   func(r *rig) error { return r.d.ScanUsers(r.ctx, func(User) (bool, error) { return true, nil }) },
	"Group":       func(r *rig) error { return fails(r.d.Group(r.ctx, "g", 0)) },
	"ListGroups":  func(r *rig) error { return fails(r.d.ListGroups(r.ctx, Window{1, 1}, 0)) },
	"ScanGroups":  func(r *rig) error { return r.d.ScanGroups(r.ctx, 0, func(Group) (bool, error) { return true, nil }) },
	"LoadUser":    func(r *rig) error { return fails(r.d.LoadUser(r.ctx, "u", &queue.Lease{})) },
	"LoadGroup":   func(r *rig) error { return fails(r.d.LoadGroup(r.ctx, "g", &queue.Lease{})) },
	"Intend": func(r *rig) error {
		return r.d.Intend(r.ctx, &queue.Lease{Key: "user/u"}, Call{Note: "i", Deadline: 0})
	},
	"SettleUser":    func(r *rig) error { return fails(r.d.SettleUser(r.ctx, "u", &queue.Lease{}, UserResult{})) },
	"SettleGroup":   func(r *rig) error { return fails(r.d.SettleGroup(r.ctx, "g", &queue.Lease{}, GroupResult{})) },
	"BeginPicture":  func(r *rig) error { return fails(r.d.BeginPicture(r.ctx)) },
	"ImportUsers":   func(r *rig) error { return fails(r.d.ImportUsers(r.ctx, 1, []Entity{{}})) },
	"ImportNewUser": func(r *rig) error { return fails(r.d.ImportNewUser(r.ctx, 1, "", Entity{}, wish("x@x.org"))) },
	"Linked":        func(r *rig) error { return r.d.Linked(r.ctx, func([]Missing) error { return nil }) },
	"CountLinked":   func(r *rig) error { return fails(r.d.CountLinked(r.ctx)) },
	"ImportMissing": func(r *rig) error { return fails(r.d.ImportMissing(r.ctx, 1, []Missing{{}})) },
	"ImportRoles":   func(r *rig) error { return r.d.ImportRoles(r.ctx, 1, RolesPicture{Entries: []RoleEntry{{}}}) },
	"SaveRoles":     func(r *rig) error { return fails(r.d.SaveRoles(r.ctx, nil, "")) },
	"Roles":         func(r *rig) error { _, _, err := r.d.Roles(r.ctx); return err },
	"Imported":      func(r *rig) error { return r.d.Imported(r.ctx, ImportEnd{Picture: 1, Began: time.UnixMilli(1)}) },
	"ImportState":   func(r *rig) error { return fails(r.d.ImportState(r.ctx)) },
	"AddCalls":      func(r *rig) error { return r.d.AddCalls(r.ctx, 1) },
	"Calls":         func(r *rig) error { return fails(r.d.Calls(r.ctx)) },
	"Prune":         func(r *rig) error { return fails(r.d.Prune(r.ctx, 1, 1)) },
	"WriteMark":     func(r *rig) error { return fails(r.d.WriteMark(r.ctx)) },
	"LastImport":    func(r *rig) error { return fails(r.d.LastImport(r.ctx)) },
	"Bind":          func(r *rig) error { return fails(r.d.Bind(r.ctx, "s")) },
	"NoteBegin":     func(r *rig) error { return r.d.NoteBegin(r.ctx, time.UnixMilli(1), 1) },
	"Begun":         func(r *rig) error { _, _, err := r.d.Begun(r.ctx); return err },
	"UserView":      func(r *rig) error { return fails(r.d.UserView(r.ctx, "u")) },
	"Lost":          func(r *rig) error { return r.d.Lost(r.ctx, &queue.Lease{Key: "user/u"}, Changes{}) },
	"Counts":        func(r *rig) error { return fails(r.d.Counts(r.ctx)) },
}

func TestRedisDown_EveryCallSaysUnavailable(t *testing.T) {
	t.Parallel()
	client, err := queue.Open("unix://" + filepath.Join(t.TempDir(), "no.sock"))
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = client.Close() }()
	r := newRig(t.Context(), t, queuetest.Store{Client: client, Base: "{p}"}, rejecting)
	for name, call := range calls {
		err := call(r)
		if e, ok := as[*UnavailableError](err); !ok || e.Unwrap() == nil || !strings.Contains(e.Error(), "unavailable") {
			t.Errorf("%s: %v", name, err)
		}
	}
}

// Whoever was told to wait for a replica accepts nothing that none has, and sends the CMS nothing whose note could be lost.
func TestDurabilityReplica_NothingIsAcceptedThatNoReplicaHas(t *testing.T) {
	t.Parallel()
	server := queuetest.StartRedis(t)
	for name, write := range map[string]func(r *rig, u User, g Group) error{
		"CreateUser": func(r *rig, _ User, _ Group) error { return fails(r.d.CreateUser(r.ctx, wish("new@x.org"), "")) },
		"WriteUser": func(r *rig, u User, _ Group) error {
			return fails(r.d.WriteUser(r.ctx, u, wish("ada@x.org", inactive), "", "user.write"))
		},
		"TouchUser":  func(r *rig, u User, _ Group) error { return fails(r.d.TouchUser(r.ctx, u, true, "")) },
		"DeleteUser": func(r *rig, u User, _ Group) error { return fails(r.d.DeleteUser(r.ctx, u.ID, 0, "")) },
		"CreateGroup": func(r *rig, _ User, _ Group) error {
			return fails(r.d.CreateGroup(r.ctx, GroupWish{Name: "n"}, nil, 0, ""))
		},
		"WriteGroup": func(r *rig, _ User, g Group) error {
			return fails(r.d.WriteGroup(r.ctx, g, GroupChange{Wish: GroupWish{Name: "n"}}, ""))
		},
		"ChangeMembers": func(r *rig, u User, g Group) error {
			return fails(r.d.ChangeMembers(r.ctx, g.ID, MemberChange{Add: []string{u.ID}}, 0, ""))
		},
		"a long list": func(r *rig, _ User, g Group) error {
			return fails(r.d.ChangeMembers(r.ctx, g.ID, MemberChange{Replace: true, Add: strangers(1200, "u")}, 0, ""))
		},
		"DeleteGroup": func(r *rig, _ User, g Group) error { return fails(r.d.DeleteGroup(r.ctx, g.ID, nil, "")) },
		"Intend": func(r *rig, _ User, _ Group) error {
			l := must(r.q.Take(r.ctx, queue.TakeOptions{}))(r)
			return r.d.Intend(r.ctx, l, Call{Note: "i", Deadline: time.Second})
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			base := "{" + t.Name() + "}"
			r := newRig(t.Context(), t, queuetest.Store{Client: server.Client, Base: base})
			ada := r.create("ada@x.org")
			editors := r.createGroup("Editors")
			client := must(queue.Open(server.URL))(r)
			defer func() { _ = client.Close() }()
			queue.WaitForReplica(client)
			waits := newRig(t.Context(), t, queuetest.Store{Client: client, Base: base})
			err := write(waits, r.user(ada.ID), r.group(editors.ID))
			if e, ok := as[*UnavailableError](err); !ok || !strings.Contains(e.Unwrap().Error(), "acknowledged") {
				t.Errorf("%v", err)
			}
		})
	}
}

func TestScripts_WorkAfterRedisHasForgottenThem(t *testing.T) {
	t.Parallel()
	server := queuetest.StartRedis(t)
	r := newRig(t.Context(), t, queuetest.Store{Name: "redis", Client: server.Client, Base: "{p}"})
	ada := r.create("ada@x.org")
	r.ok(server.Client.ScriptFlush(r.ctx).Err())
	r.create("bob@x.org")
	r.write(ada.ID, wish("ada@x.org", inactive))
	r.equal("users", must(r.d.ListUsers(r.ctx, Window{1, 10}))(r).Total, 2)
	r.consistent()
}

// A repeated create would meet its own userName, and a repeated write would raise the generation twice.
func TestACommitWhoseConnectionDropsAfterItRan_IsNotRepeated(t *testing.T) {
	t.Parallel()
	for name, write := range map[string]func(r *rig) error{
		"create": func(r *rig) error { return fails(r.d.CreateUser(r.ctx, wish("new@x.org"), "t")) },
		"write": func(r *rig) error {
			return fails(r.d.WriteUser(r.ctx, User{ID: r.d.opts.NewID("User", "ada@x.org", 0), Gen: 1}, wish("ada@x.org", inactive), "t", "user.write"))
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			server := queuetest.StartRedis(t)
			r := newRig(t.Context(), t, queuetest.Store{Name: "redis", Client: server.Client, Base: "{p}"})
			r.create("ada@x.org")
			r.create("warm@x.org")
			r.write(r.create("up@x.org").ID, wish("up@x.org"))
			before := must(server.Client.Get(r.ctx, "{p}:q:ticket").Int64())(r)

			cut := newCutter(t, filepath.Join(server.Dir, "redis.sock"))
			client, err := queue.Open("unix://" + cut.path)
			r.ok(err)
			defer func() { _ = client.Close() }()
			far := newRig(t.Context(), t, queuetest.Store{Client: client, Base: "{p}"})
			r.ok(client.Ping(r.ctx).Err())
			cut.armed.Store(true)
			if e, ok := as[*UnavailableError](write(far)); !ok {
				t.Errorf("got %v", e)
			}
			r.equal("tickets", must(server.Client.Get(r.ctx, "{p}:q:ticket").Int64())(r), before+1)
			r.equal("requests that arrived", cut.requests.Load(), int64(1))
			r.consistent()
		})
	}
}

// cutter passes a Redis connection on and, when armed, closes it instead of passing an answer.
type cutter struct {
	path, target string
	armed        atomic.Bool
	requests     atomic.Int64 // while armed
}

func newCutter(t *testing.T, target string) *cutter {
	t.Helper()
	dir, err := os.MkdirTemp("", "cut") // a socket's path must be short
	if err != nil {
		t.Fatal(err)
	}
	c := &cutter{path: filepath.Join(dir, "s"), target: target}
	l, err := (&net.ListenConfig{}).Listen(context.Background(), "unix", c.path)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = l.Close(); _ = os.RemoveAll(dir) })
	go func() {
		for {
			conn, err := l.Accept()
			if err != nil {
				return
			}
			go c.pass(conn)
		}
	}()
	return c
}

func (c *cutter) pass(near net.Conn) {
	far, err := net.Dial("unix", c.target)
	if err != nil {
		_ = near.Close()
		return
	}
	go func() {
		buf := make([]byte, 1<<16)
		for {
			n, err := near.Read(buf)
			if err != nil {
				_ = far.Close()
				return
			}
			if c.armed.Load() {
				c.requests.Add(1)
			}
			if _, err := far.Write(buf[:n]); err != nil {
				return
			}
		}
	}()
	buf := make([]byte, 1<<16)
	for {
		n, err := far.Read(buf)
		if err == nil && !c.armed.Load() {
			_, err = near.Write(buf[:n])
		} else if err == nil {
			err = io.EOF
		}
		if err != nil {
			_ = near.Close()
			_ = far.Close()
			return
		}
	}
}
