package directory

import (
	"bytes"
	"errors"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/redis/go-redis/v9"

	"github.com/scimcms/scimcms/queue"
	"github.com/scimcms/scimcms/queue/queuetest"
)

// rich fills a project with something of every type of Redis, bytes that are no text, long keys and times to live.
func rich(r *rig) {
	a, b := r.create("ada@x", func(w *UserWish) { w.Doc = []byte("{\"x\":\"\xff\x00é<\u2028\"}") }), r.create("bob@x", inactive)
	r.createGroup("Editors", a.ID, b.ID)
	must(r.q.Push(r.ctx, "user/parked", queue.Normal, true))(r)
	for {
		l := must(r.q.Take(r.ctx, queue.TakeOptions{}))(r)
		if l == nil {
			break
		}
		v := queue.Verdict{Outcome: queue.Retry, After: time.Hour, Code: "c", Text: "t"}
		if l.Key == "user/parked" {
			v = queue.Verdict{Outcome: queue.Park, Code: "c", Text: "t"}
		}
		must(r.q.Finish(r.ctx, l, v))(r)
	}
	r.ok(r.d.NoteBegin(r.ctx, time.UnixMilli(began), 3))
	must(r.d.Bind(r.ctx, "4711"))(r)
	pipe := r.store.Client.Pipeline()
	base := r.store.Base
	for i := range 2500 {
		id := "m" + time.Duration(i).String()
		pipe.SAdd(r.ctx, base+":gm:long", id)
		pipe.ZAdd(r.ctx, base+":xd:long", redis.Z{Score: float64(i) + 0.25, Member: id})
		pipe.HSet(r.ctx, base+":x:count", id, i)
		pipe.RPush(r.ctx, base+":h:user/long", i)
		pipe.XAdd(r.ctx, &redis.XAddArgs{Stream: base + ":audit", Values: []string{"event", "e", "id", id}})
	}
	pipe.PExpire(r.ctx, base+":h:user/long", time.Hour)
	pipe.SAdd(r.ctx, base+":gm:long:stage:1", "x")
	_, err := pipe.Exec(r.ctx)
	r.ok(err)
}

// record is a dump without what a restore changes, and without the base.
func (r *rig) record(renewed bool) map[string]value {
	out := map[string]value{}
	for key, v := range r.dump() {
		rest := strings.TrimPrefix(key, r.store.Base)
		if renewed && (rest == ":pic" || rest == ":meta" || rest == ":q:look" || strings.HasPrefix(rest, ":k:")) || strings.Contains(rest, ":stage:") {
			continue
		}
		out[rest] = v
	}
	return out
}

func (r *rig) other() *rig {
	o := *r
	_, tag, _ := strings.Cut(r.store.Base, "{")
	o.store.Base = queue.Base("other:", strings.TrimSuffix(tag, "}")+"b")
	return &o
}

func (r *rig) archive() *Archive {
	prefix, project, _ := strings.Cut(strings.TrimSuffix(r.store.Base, "}"), "{")
	return NewArchive(r.store.Client, prefix, project)
}

func (r *rig) backup() []byte {
	var out bytes.Buffer
	s, err := r.archive().Backup(r.ctx, &out, time.UnixMilli(began))
	r.ok(err)
	if s.Counts.Users == 0 || s.Counts.Parked == 0 || s.Counts.Audit < 2500 {
		r.Errorf("counts %+v", s.Counts)
	}
	return out.Bytes()
}

func eachArchive(t *testing.T, fn func(r *rig)) {
	t.Parallel()
	queuetest.Everywhere(t, func(t *testing.T, store queuetest.Store) {
		r := newRig(t.Context(), t, store)
		rich(r)
		fn(r)
	})
}

func TestRestoredRecordIsTheSame(t *testing.T) {
	eachArchive(t, func(r *rig) {
		before := r.record(false)
		o := r.other()
		_, err := o.archive().Restore(r.ctx, bytes.NewReader(r.backup()), RestoreOptions{})
		r.ok(err)
		r.equal("the record that was backed up", r.record(false), before)
		r.equal("the restored record", o.record(true), r.record(true))
		if d := must(r.store.Client.PTTL(r.ctx, o.store.Base+":h:user/long").Result())(r); d <= 0 || d > time.Hour {
			r.Errorf("time to live %s", d)
		}
		for _, key := range []string{"user/parked"} { // whoever has it next reads the CMS first
			look := must(r.store.Client.HGet(r.ctx, o.store.Base+":k:"+key, "look").Int64())(r)
			if look == 0 {
				r.Errorf("%s is not looked at", key)
			}
		}
	})
}

func TestRestoreKeepsTheCallsOfTheMonth(t *testing.T) {
	eachArchive(t, func(r *rig) {
		r.ok(r.d.AddCalls(r.ctx, 5))
		saved := r.backup()
		if strings.Contains(string(saved), ":calls:") {
			r.Errorf("the backup has the count")
		}
		r.ok(r.d.AddCalls(r.ctx, 2))
		must(r.archive().Restore(r.ctx, bytes.NewReader(saved), RestoreOptions{Replace: true}))(r)
		r.equal("calls", must(r.d.Calls(r.ctx))(r), int64(7))
	})
}

func TestEveryKeyLooksAtTheCMSAfterARestore_UntilAPictureHasBeenTakenSince(t *testing.T) {
	eachArchive(t, func(r *rig) {
		old := must(r.d.BeginPicture(r.ctx))(r)
		_, err := r.archive().Restore(r.ctx, bytes.NewReader(r.backup()), RestoreOptions{Replace: true})
		r.ok(err)
		look := func(key string) string {
			must(r.q.Push(r.ctx, key, queue.Normal, true))(r)
			return must(r.store.Client.HGet(r.ctx, r.store.Base+":k:"+key, "look").Result())(r)
		}
		if look("user/new") == "" {
			r.Errorf("a key that is new to the queue is not looked at")
		}
		r.ok(r.d.Imported(r.ctx, ImportEnd{Picture: old, Began: time.UnixMilli(began), People: 1}))
		if look("user/later") == "" {
			r.Errorf("a picture from before the restore counts")
		}
		r.ok(r.d.Imported(r.ctx, ImportEnd{Picture: must(r.d.BeginPicture(r.ctx))(r), Began: time.UnixMilli(began), People: 1}))
		must(r.q.Push(r.ctx, "user/last", queue.Normal, true))(r)
		if n := must(r.store.Client.HExists(r.ctx, r.store.Base+":k:user/last", "look").Result())(r); n {
			r.Errorf("after a picture, keys are still looked at one by one")
		}
	})
}

func TestRestoreRefuses_AndChangesNothing(t *testing.T) {
	eachArchive(t, func(r *rig) {
		whole := r.backup()
		lines := bytes.SplitAfter(whole, []byte("\n"))
		half := bytes.Join(lines[:len(lines)/2], nil)
		changed := bytes.Replace(whole, []byte("ada@x"), []byte("eve@x"), 1)
		before := r.record(false)
		for name, tt := range map[string]struct {
			backup []byte
			o      RestoreOptions
			want   string
		}{
			"a record is there": {whole, RestoreOptions{}, ErrNotEmpty.Error()},
			"cut off":           {half, RestoreOptions{Replace: true}, "cut off"},
			"changed":           {changed, RestoreOptions{Replace: true}, "its sum is another"},
			"something behind":  {append(bytes.Clone(whole), whole...), RestoreOptions{Replace: true}, "behind its end"},
			"another site":      {whole, RestoreOptions{Replace: true, Site: "1"}, "of CMS project 4711, this one is 1"},
			"no backup":         {[]byte("{}\n"), RestoreOptions{Replace: true}, "no backup of scimcms"},
			"a newer format":    {bytes.Replace(whole, []byte(`"version":1`), []byte(`"version":2`), 1), RestoreOptions{Replace: true}, "format version 2"},
			"empty":             {nil, RestoreOptions{Replace: true}, "cut off"},
		} {
			_, err := r.archive().Restore(r.ctx, bytes.NewReader(tt.backup), tt.o)
			if err == nil || !strings.Contains(err.Error(), tt.want) {
				r.Errorf("%s: %v", name, err)
			}
			if diff := cmp.Diff(before, r.record(false)); diff != "" {
				r.Errorf("%s: the record changed: %s", name, diff)
			}
		}
	})
}

// failing is a reader or writer that breaks.
type failing struct{}

func (failing) Write([]byte) (int, error) { return 0, errors.New("disk full") }

func TestHalfARestoreIsNeverServed_AndIsRepairedByDoingItAgain(t *testing.T) {
	eachArchive(t, func(r *rig) {
		whole, before := r.backup(), r.record(true)
		r.ok(r.store.Client.Set(r.ctx, queue.GateKey(r.store.Base), "restore x", 0).Err()) // died while it swapped
		r.ok(r.store.Client.Del(r.ctx, r.store.Base+":l:u").Err())
		if _, err := r.d.ListUsers(r.ctx, Window{1, 10}); err == nil {
			r.Errorf("half a record is read")
		}
		if p, err := r.d.FindUsers(r.ctx, ByUserName, "ada@x", Window{1, 10}); err == nil {
			r.Errorf("half a record is searched: %+v", p)
		}
		if _, err := r.d.CreateUser(r.ctx, wish("eve@x"), ""); err == nil {
			r.Errorf("half a record is written")
		}
		if on, err := r.q.Restoring(r.ctx); !on || err != nil {
			r.Errorf("restoring: %v %v", on, err)
		}
		_, err := r.archive().Restore(r.ctx, bytes.NewReader(whole), RestoreOptions{})
		r.ok(err)
		r.equal("the record", r.record(true), before)
		must(r.d.ListUsers(r.ctx, Window{1, 10}))(r)
	})
}

func TestBackupStopsWritesAndNotReads_AndLetsGo(t *testing.T) {
	eachArchive(t, func(r *rig) {
		r.ok(r.store.Client.Set(r.ctx, queue.GateKey(r.store.Base), "backup x", time.Minute).Err())
		if _, err := r.d.CreateUser(r.ctx, wish("eve@x"), ""); err == nil {
			r.Errorf("written during a backup")
		}
		must(r.d.ListUsers(r.ctx, Window{1, 10}))(r)
		if _, err := r.archive().Backup(r.ctx, &bytes.Buffer{}, time.UnixMilli(began)); err == nil {
			r.Errorf("two backups at once")
		}
		r.ok(r.store.Client.Del(r.ctx, queue.GateKey(r.store.Base)).Err())
		if _, err := r.archive().Backup(r.ctx, failing{}, time.UnixMilli(began)); err == nil {
			r.Errorf("a full disk is no error")
		}
		r.create("eve@x")
	})
}
