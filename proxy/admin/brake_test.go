package admin_test

import (
	"context"
	"net/http"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/scimcms/scimcms/mapping/directory"
	"github.com/scimcms/scimcms/proxy/admin"
	"github.com/scimcms/scimcms/queue"
)

type fakeBrake struct {
	asked []string
	err   error
}

func (f *fakeBrake) Brake(context.Context) ([]directory.BrakeCount, error) {
	return []directory.BrakeCount{{Takes: directory.TakesAccess, People: 2, Allowed: 3, Base: 15}}, f.err
}

func (f *fakeBrake) Release(_ context.Context, keys ...string) (int, error) {
	f.asked = append(f.asked, "release "+strings.Join(keys, " "))
	return max(len(keys), 1), f.err
}

func (f *fakeBrake) Discard(_ context.Context, keys ...string) (int, error) {
	f.asked = append(f.asked, "discard "+strings.Join(keys, " "))
	return max(len(keys), 1), f.err
}

func braked(b *fakeBrake) func(*admin.Options) {
	return func(o *admin.Options) { o.Projects[0].Brake = b }
}

func TestBrake_IsShown(t *testing.T) {
	t.Parallel()
	q := parkedQueue()
	q.stats.Held = 4
	s, _ := newServer(t, q, braked(&fakeBrake{}))
	got := parse(t, send(s, http.MethodGet, "/api/projects/site/brake", ""))
	want := map[string]any{"held": 4.0, "counts": []any{map[string]any{"takes": "access", "people": 2.0, "allowed": 3.0, "base": 15.0}}}
	if d := cmp.Diff(want, got); d != "" {
		t.Error(d)
	}
}

func TestBrake_ReleaseAndDiscard(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct {
		verb, body, want string
		code             int
	}{
		{"release", `{"keys":["user/1","user/2"]}`, "release user/1 user/2", 200},
		{"release", `{"all":true}`, "release ", 200},
		{"discard", `{"keys":["user/1"]}`, "discard user/1", 200},
		{"discard", `{"all":true}`, "discard ", 200},
		{"discard", `{}`, "", 400},
		{"release", `{"all":true,"keys":["user/1"]}`, "", 400},
		{"release", `{"everybody":true}`, "", 400},
	} {
		t.Run(tt.verb+tt.body, func(t *testing.T) {
			t.Parallel()
			b := &fakeBrake{}
			s, _ := newServer(t, parkedQueue(), braked(b))
			w := send(s, http.MethodPost, "/api/projects/site/brake/"+tt.verb, tt.body, "Authorization", "Bearer "+token)
			if got := strings.Join(b.asked, ","); w.Code != tt.code || got != tt.want {
				t.Errorf("%d %s, asked %q", w.Code, w.Body, got)
			}
		})
	}
}

func TestBrake_WhatIsTakenByNowIsAConflict(t *testing.T) {
	t.Parallel()
	b := &fakeBrake{err: &directory.ConflictError{Attribute: "userName", ID: "7f"}}
	s, _ := newServer(t, parkedQueue(), braked(b))
	w := send(s, http.MethodPost, "/api/projects/site/brake/discard", `{"keys":["user/1"]}`, "Authorization", "Bearer "+token)
	if w.Code != 409 || !strings.Contains(w.Body.String(), "user 7f") {
		t.Errorf("%d %s", w.Code, w.Body)
	}
}

func TestDrop_OfAHeldKeyDiscardsIt(t *testing.T) {
	t.Parallel()
	q, b := parkedQueue(), &fakeBrake{}
	q.entries[0].State, q.entries[0].Parked = queue.Held, 0
	s, _ := newServer(t, q, braked(b))
	w := send(s, http.MethodPost, "/api/projects/site/queue/drop", `{"key":"user/7f"}`, "Authorization", "Bearer "+token)
	if w.Code != 200 || strings.Join(b.asked, "") != "discard user/7f" || len(q.asked) != 0 {
		t.Errorf("%d %s, asked %v and %v", w.Code, w.Body, b.asked, q.asked)
	}
}
