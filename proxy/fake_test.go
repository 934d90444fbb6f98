package proxy_test

import (
	"context"
	"math"
	"slices"
	"strconv"
	"strings"
	"sync"
	"time"

	"github.com/scimcms/scimcms/mapping"
	"github.com/scimcms/scimcms/mapping/directory"
	"github.com/scimcms/scimcms/mapping/reconcile"
	"github.com/scimcms/scimcms/proxy"
)

// fakeStore keeps users and groups in memory, as an engine would that agrees with the CMS at once.
type fakeStore struct {
	mu     sync.Mutex
	users  []directory.User
	groups []directory.Group
	seq    int64

	err       error                      // what every call answers, when set
	panics    any                        // what every call panics with, when set
	sync      directory.SyncState        // of every write; "" is synced
	edited    func(cur *directory.User)  // changes the record before an edit sees it
	loaded    []int                      // how many members each read of groups asked for
	scans     int                        // reads from an end of a list
	lastRange directory.Range            // of the last read of users by place
	lastWish  directory.UserWish         // of the last write
	lastEdit  reconcile.GroupEdit        // of the last group update
	lastFound directory.Index            // of the last find
	members   map[string]map[string]bool // by group
}

var (
	_ proxy.UserStore  = (*fakeStore)(nil)
	_ proxy.GroupStore = (*fakeStore)(nil)
)

func newFake() *fakeStore { return &fakeStore{members: map[string]map[string]bool{}} }

// begin locks the store and applies what every call does.
func (f *fakeStore) begin() error {
	f.mu.Lock()
	if f.panics != nil {
		panic(f.panics)
	}
	return f.err
}

func (f *fakeStore) state() directory.Sync {
	if f.sync == "" {
		return directory.Sync{State: directory.Synced}
	}
	return directory.Sync{State: f.sync}
}

var fakeTime = time.Date(2026, 11, 23, 12, 0, 0, 0, time.UTC)

func (f *fakeStore) userAt(id string) int {
	return slices.IndexFunc(f.users, func(u directory.User) bool { return u.ID == id })
}

// Roles offers Editor and Viewer; Admin is privileged. Edits read it, so it does not lock.
func (f *fakeStore) Roles(context.Context, bool) (mapping.Catalog, error) {
	if f.err != nil {
		return mapping.Catalog{}, f.err
	}
	rules, err := mapping.NewRules(mapping.Config{Default: "Viewer"})
	if err != nil {
		return mapping.Catalog{}, err
	}
	return rules.Catalog(mapping.NewRoleSet([]mapping.Role{
		{ID: "10", Name: "Viewer"}, {ID: "9", Name: "Editor"}, {ID: "1", Name: "Admin", Privileged: true},
	}, nil)), nil
}

func (f *fakeStore) User(_ context.Context, id string) (directory.User, error) {
	defer f.mu.Unlock()
	if err := f.begin(); err != nil {
		return directory.User{}, err
	}
	if i := f.userAt(id); i >= 0 {
		return f.users[i], nil
	}
	return directory.User{}, directory.ErrNotFound
}

func userHas(u directory.User, by directory.Index, value string) bool {
	doc := string(u.Doc)
	switch by {
	case directory.ByID:
		return u.ID == value
	case directory.ByUserName:
		return strings.EqualFold(u.UserName, value)
	case directory.ByExternalID:
		return u.External == value
	case directory.ByEmail:
		return strings.Contains(strings.ToLower(doc), `"value":"`+strings.ToLower(value)+`"`)
	case directory.ByDisplayName:
		return strings.Contains(strings.ToLower(doc), `"displayname":"`+strings.ToLower(value)+`"`)
	}
	return false
}

func window[T any](all []T, w directory.Window) directory.Page[T] {
	p := directory.Page[T]{Total: len(all)}
	lo := min(max(w.Start-1, 0), len(all))
	p.Items = all[lo:min(lo+w.Count, len(all))]
	return p
}

func (f *fakeStore) FindUsers(_ context.Context, by directory.Index, value string, w directory.Window) (directory.Page[directory.User], error) {
	defer f.mu.Unlock()
	if err := f.begin(); err != nil {
		return directory.Page[directory.User]{}, err
	}
	f.lastFound = by
	var found []directory.User
	for _, u := range f.users {
		if userHas(u, by, value) {
			found = append(found, u)
		}
	}
	return window(found, w), nil
}

func (f *fakeStore) ListUsers(_ context.Context, w directory.Window) (directory.Page[directory.User], error) {
	defer f.mu.Unlock()
	if err := f.begin(); err != nil {
		return directory.Page[directory.User]{}, err
	}
	return window(f.users, w), nil
}

// span is a part of a list by place. Reading from the start is the beginning of a scan.
func span[T any](f *fakeStore, all []T, r directory.Range, seq func(T) int64) directory.Page[T] {
	p := directory.Page[T]{Total: len(all)}
	if r.From < 0 || r.From == math.MaxInt64 {
		f.scans++
	}
	all = slices.Clone(all)
	if r.Back {
		slices.Reverse(all)
	}
	for _, item := range all {
		if beyond := seq(item) > r.From; beyond != r.Back && seq(item) != r.From && len(p.Items) < r.Count {
			p.Items = append(p.Items, item)
		}
	}
	return p
}

func (f *fakeStore) RangeUsers(_ context.Context, r directory.Range) (directory.Page[directory.User], error) {
	defer f.mu.Unlock()
	if err := f.begin(); err != nil {
		return directory.Page[directory.User]{}, err
	}
	f.lastRange = r
	return span(f, f.users, r, func(u directory.User) int64 { return u.Seq }), nil
}

func (f *fakeStore) UsersByID(_ context.Context, ids []string) ([]directory.User, error) {
	defer f.mu.Unlock()
	if err := f.begin(); err != nil {
		return nil, err
	}
	var users []directory.User
	for _, id := range ids {
		if i := f.userAt(id); i >= 0 {
			users = append(users, f.users[i])
		}
	}
	return users, nil
}

func (f *fakeStore) CreateUser(_ context.Context, w directory.UserWish) (reconcile.Result[directory.User], error) {
	defer f.mu.Unlock()
	if err := f.begin(); err != nil {
		return reconcile.Result[directory.User]{}, err
	}
	for _, u := range f.users {
		if strings.EqualFold(u.UserName, w.UserName) {
			return reconcile.Result[directory.User]{}, &directory.ConflictError{Attribute: "userName", ID: u.ID}
		}
	}
	f.seq++
	u := directory.User{ID: "u" + strconv.FormatInt(f.seq, 10), State: directory.Live, Managed: true, Seq: f.seq, Created: fakeTime}
	f.apply(&u, w)
	f.users = append(f.users, u)
	return reconcile.Result[directory.User]{Item: u, Created: true, Changed: true}, nil
}

func (f *fakeStore) apply(u *directory.User, w directory.UserWish) {
	f.lastWish = w
	u.Gen++
	if u.Active && !w.Active {
		u.DeactivatedGen = u.Gen
	}
	u.State, u.Doc, u.UserName, u.External, u.Address, u.Active = directory.Live, w.Doc, w.UserName, w.ExternalID, w.Address, w.Active
	u.Modified, u.Sync = fakeTime.Add(time.Duration(u.Gen)*time.Second), f.state()
}

func (f *fakeStore) UpdateUser(_ context.Context, id string, edit func(directory.User) (directory.UserWish, error)) (reconcile.Result[directory.User], error) {
	defer f.mu.Unlock()
	if err := f.begin(); err != nil {
		return reconcile.Result[directory.User]{}, err
	}
	i := f.userAt(id)
	if i < 0 {
		return reconcile.Result[directory.User]{}, directory.ErrNotFound
	}
	if f.edited != nil {
		if _, err := edit(f.users[i]); err != nil {
			return reconcile.Result[directory.User]{}, err
		}
		f.edited(&f.users[i])
	}
	w, err := edit(f.users[i])
	if err != nil {
		return reconcile.Result[directory.User]{}, err
	}
	f.apply(&f.users[i], w)
	return reconcile.Result[directory.User]{Item: f.users[i], Changed: true}, nil
}

func (f *fakeStore) DeleteUser(_ context.Context, id string, check func(directory.User) error) error {
	defer f.mu.Unlock()
	if err := f.begin(); err != nil {
		return err
	}
	i := f.userAt(id)
	if i < 0 {
		return directory.ErrNotFound
	}
	if check != nil {
		if err := check(f.users[i]); err != nil {
			return err
		}
	}
	f.users = slices.Delete(f.users, i, i+1)
	return nil
}

// with loads at most so many members, as the directory does.
func (f *fakeStore) with(g directory.Group, members int) directory.Group {
	f.loaded = append(f.loaded, members)
	set := f.members[g.ID]
	g.Size, g.Members = int64(len(set)), nil
	if members < 0 || members > 0 && len(set) <= members {
		g.Members = []directory.Member{}
		for _, u := range f.users {
			if set[u.ID] {
				g.Members = append(g.Members, directory.Member{ID: u.ID, Display: u.UserName})
			}
		}
	}
	return g
}

func (f *fakeStore) find(w directory.Window, members int, meets func(directory.Group) bool) directory.Page[directory.Group] {
	var found []directory.Group
	for _, g := range f.groups {
		if meets(g) {
			found = append(found, f.with(g, members))
		}
	}
	return window(found, w)
}

func (f *fakeStore) Group(_ context.Context, id string, members int) (directory.Group, error) {
	defer f.mu.Unlock()
	if err := f.begin(); err != nil {
		return directory.Group{}, err
	}
	p := f.find(directory.Window{Start: 1, Count: 1}, members, func(g directory.Group) bool { return g.ID == id })
	if p.Total == 0 {
		return directory.Group{}, directory.ErrNotFound
	}
	return p.Items[0], nil
}

func (f *fakeStore) FindGroups(_ context.Context, by directory.Index, value string, w directory.Window, members int) (directory.Page[directory.Group], error) {
	defer f.mu.Unlock()
	if err := f.begin(); err != nil {
		return directory.Page[directory.Group]{}, err
	}
	f.lastFound = by
	return f.find(w, members, func(g directory.Group) bool {
		switch by {
		case directory.ByID:
			return g.ID == value
		case directory.ByExternalID:
			return g.External == value
		}
		return strings.EqualFold(g.Name, value)
	}), nil
}

func (f *fakeStore) ListGroups(_ context.Context, w directory.Window, members int) (directory.Page[directory.Group], error) {
	defer f.mu.Unlock()
	if err := f.begin(); err != nil {
		return directory.Page[directory.Group]{}, err
	}
	return f.find(w, members, func(directory.Group) bool { return true }), nil
}

func (f *fakeStore) RangeGroups(_ context.Context, r directory.Range, members int) (directory.Page[directory.Group], error) {
	defer f.mu.Unlock()
	if err := f.begin(); err != nil {
		return directory.Page[directory.Group]{}, err
	}
	p := span(f, f.groups, r, func(g directory.Group) int64 { return g.Seq })
	for i := range p.Items {
		p.Items[i] = f.with(p.Items[i], members)
	}
	return p, nil
}

func (f *fakeStore) GroupsByID(_ context.Context, ids []string, members int) ([]directory.Group, error) {
	defer f.mu.Unlock()
	if err := f.begin(); err != nil {
		return nil, err
	}
	var groups []directory.Group
	for _, id := range ids {
		groups = append(groups, f.find(directory.Window{Start: 1, Count: 1}, members, func(g directory.Group) bool { return g.ID == id }).Items...)
	}
	return groups, nil
}

func (f *fakeStore) CreateGroup(_ context.Context, w directory.GroupWish, members []string, limit int) (reconcile.Result[directory.Group], error) {
	defer f.mu.Unlock()
	if err := f.begin(); err != nil {
		return reconcile.Result[directory.Group]{}, err
	}
	f.seq++
	g := directory.Group{
		ID: "g" + strconv.FormatInt(f.seq, 10), Seq: f.seq, State: directory.Live, Name: w.Name, External: w.ExternalID, Doc: w.Doc,
		Gen: 1, Created: fakeTime, Modified: fakeTime, Sync: f.state(),
	}
	f.members[g.ID] = map[string]bool{}
	for _, id := range members {
		f.members[g.ID][id] = true
	}
	f.groups = append(f.groups, g)
	return reconcile.Result[directory.Group]{Item: f.with(g, limit), Created: true, Changed: true}, nil
}

func (f *fakeStore) UpdateGroup(_ context.Context, id string, edit reconcile.GroupEdit) (reconcile.Result[directory.Group], error) {
	defer f.mu.Unlock()
	if err := f.begin(); err != nil {
		return reconcile.Result[directory.Group]{}, err
	}
	i := slices.IndexFunc(f.groups, func(g directory.Group) bool { return g.ID == id })
	if i < 0 {
		return reconcile.Result[directory.Group]{}, directory.ErrNotFound
	}
	f.lastEdit = edit
	if edit.Check != nil {
		if err := edit.Check(f.groups[i]); err != nil {
			return reconcile.Result[directory.Group]{}, err
		}
	}
	g := &f.groups[i]
	if err := applyEdit(g, edit); err != nil {
		return reconcile.Result[directory.Group]{}, err
	}
	set := f.members[id]
	if edit.Members.Replace {
		clear(set)
	}
	for _, m := range edit.Members.Add {
		set[m] = true
	}
	for _, m := range edit.Members.Remove {
		delete(set, m)
	}
	g.Sync = f.state()
	return reconcile.Result[directory.Group]{Item: f.with(*g, edit.Limit), Changed: true}, nil
}

func applyEdit(g *directory.Group, edit reconcile.GroupEdit) error {
	if edit.Doc != nil {
		doc, err := edit.Doc(g.Doc)
		if err != nil {
			return err
		}
		g.Doc = doc
	}
	if edit.Name != nil {
		g.Name = *edit.Name
		g.Gen++
	}
	if edit.ExternalID != nil {
		g.External = *edit.ExternalID
	}
	return nil
}

func (f *fakeStore) DeleteGroup(_ context.Context, id string, check func(directory.Group) error) error {
	defer f.mu.Unlock()
	if err := f.begin(); err != nil {
		return err
	}
	i := slices.IndexFunc(f.groups, func(g directory.Group) bool { return g.ID == id })
	if i < 0 {
		return directory.ErrNotFound
	}
	if check != nil {
		if err := check(f.groups[i]); err != nil {
			return err
		}
	}
	f.groups = slices.Delete(f.groups, i, i+1)
	return nil
}
