package main

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"path"
	"strconv"
	"strings"
	"time"

	"github.com/spf13/pflag"

	"github.com/scimcms/scimcms/proxy/admin"
)

// operatorFlags say which project an operator means, and how to reach it.
type operatorFlags struct{ config, adminURL, adminToken, project string }

// adminTokenVariable has the admin token for a command that is given none: unlike a flag it is not seen by everybody on
// the machine.
const adminTokenVariable = envPrefix + "ADMIN_TOKEN"

func (o *operatorFlags) add(f *pflag.FlagSet) {
	f.StringVar(&o.config, "config", defaultConfig, "configuration file: work on its Redis")
	f.StringVar(&o.adminURL, "admin-url", "", "work through the admin listener at this URL instead")
	f.StringVar(&o.adminToken, "admin-token", "", "admin token for --admin-url; better given by "+adminTokenVariable)
	f.StringVar(&o.project, "project", "", "project; needed where there are several")
}

// operator speaks the API of the admin listener, over the network or with one in this process.
type operator struct {
	base, token, project string
	client               *http.Client
	close                func()
}

// callWithin bounds one call of an operator.
const callWithin = 15 * time.Second

// operator reaches what the flags name. Its close must be called.
func (p program) operator(ctx context.Context, f operatorFlags) (*operator, error) {
	if f.adminURL == "" {
		return p.localOperator(ctx, f)
	}
	u, err := url.Parse(f.adminURL)
	if err != nil || u.Host == "" || (u.Scheme != "http" && u.Scheme != "https") {
		return nil, fmt.Errorf("--admin-url %q: write it as http://127.0.0.1:9090", f.adminURL)
	}
	token := f.adminToken
	if token == "" {
		token = environment(p.environ)[adminTokenVariable]
	}
	client := &http.Client{Timeout: callWithin, CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }}
	return &operator{
		base: strings.TrimRight(f.adminURL, "/"), token: token, project: f.project, client: client, close: client.CloseIdleConnections,
	}, nil
}

// projectState is a project as the admin API tells of it.
type projectState struct {
	Name    string     `json:"name"`
	Ready   bool       `json:"ready"`
	Reasons []string   `json:"reasons,omitempty"`
	Notes   []string   `json:"notes,omitempty"`
	Queue   *queueSize `json:"queue,omitempty"`
	Error   string     `json:"error,omitempty"`
}

type queueSize struct {
	Depth            map[string]int64 `json:"depth"`
	Leased           int64            `json:"leased"`
	Parked           int64            `json:"parked"`
	ParkedByCode     map[string]int64 `json:"parked_by_code,omitempty"`
	Held             int64            `json:"held"`
	OldestAgeSeconds float64          `json:"oldest_age_seconds"`
	ETASeconds       float64          `json:"eta_seconds,omitempty"`
	Paused           bool             `json:"paused"`
	Circuit          string           `json:"circuit,omitempty"`
	DryRun           bool             `json:"dry_run"`
}

// find reads the state of the project that is meant. With no name given there must be only one.
func (o *operator) find(ctx context.Context) (projectState, error) {
	var answer struct {
		Projects []projectState `json:"projects"`
	}
	if err := o.call(ctx, http.MethodGet, "/api/projects", nil, &answer); err != nil {
		return projectState{}, err
	}
	names := make([]string, 0, len(answer.Projects))
	for _, p := range answer.Projects {
		if p.Name == o.project || (o.project == "" && len(answer.Projects) == 1) {
			o.project = p.Name
			return p, nil
		}
		names = append(names, p.Name)
	}
	if o.project == "" {
		return projectState{}, fmt.Errorf("there are several projects: choose one with --project: %s", strings.Join(names, ", "))
	}
	return projectState{}, fmt.Errorf("there is no project %q; there is %s", o.project, strings.Join(names, ", "))
}

// listFilter says which keys to list.
type listFilter struct {
	state, lane, code string
	limit             int // 0: all
}

// pageSize is how many keys one call lists.
const pageSize = 500

// list reads keys page by page; more tells that there are others beyond the limit.
func (o *operator) list(ctx context.Context, f listFilter) (entries []admin.Entry, more bool, err error) {
	if f.limit < 0 {
		return nil, false, errors.New("--limit must not be negative")
	}
	cursor := ""
	for {
		var page struct {
			Entries []admin.Entry `json:"entries"`
			Cursor  string        `json:"cursor"`
		}
		want := pageSize
		if f.limit > 0 {
			want = min(pageSize, f.limit-len(entries))
		}
		q := url.Values{"limit": {strconv.Itoa(want)}, "state": {f.state}, "lane": {f.lane}, "code": {f.code}, "cursor": {cursor}}
		if err := o.call(ctx, http.MethodGet, "/queue?"+q.Encode(), nil, &page); err != nil {
			return nil, false, err
		}
		entries, cursor = append(entries, page.Entries...), page.Cursor
		if cursor == "" || len(entries) == f.limit {
			return entries, cursor != "", nil
		}
	}
}

func (o *operator) show(ctx context.Context, key string) (admin.Entry, error) {
	var e admin.Entry
	if kind, id, ok := strings.Cut(key, "/"); !ok || kind == "" || id == "" || path.Clean("/"+key) != "/"+key {
		return e, fmt.Errorf("%q is no key: a key is user/ID, group/ID or import/all", key)
	}
	err := o.call(ctx, http.MethodGet, (&url.URL{Path: "/queue/" + key}).EscapedPath(), nil, &e)
	return e, err
}

// replay replays keys, or else all that are parked with code, or else all that are parked.
func (o *operator) replay(ctx context.Context, keys []string, code string) (int, error) {
	var answer struct {
		Replayed int `json:"replayed"`
	}
	ask := map[string]any{"keys": keys}
	switch {
	case len(keys) > 0:
	case code != "":
		ask = map[string]any{"code": code}
	default:
		ask = map[string]any{"all": true}
	}
	err := o.call(ctx, http.MethodPost, "/queue/replay", ask, &answer)
	return answer.Replayed, err
}

func (o *operator) drop(ctx context.Context, key string) error {
	return o.call(ctx, http.MethodPost, "/queue/drop", map[string]any{"key": key}, nil)
}

func (o *operator) pause(ctx context.Context, paused bool) error {
	at := "/queue/resume"
	if paused {
		at = "/queue/pause"
	}
	return o.call(ctx, http.MethodPost, at, nil, nil)
}

// call sends one request; what is not below /api is that of the project.
func (o *operator) call(ctx context.Context, method, at string, ask, answer any) error {
	resp, err := o.send(ctx, o.client, method, at, ask)
	if err != nil {
		return err
	}
	defer func() { _ = resp.Body.Close() }()
	if answer == nil {
		return nil
	}
	if err := json.NewDecoder(resp.Body).Decode(answer); err != nil {
		return fmt.Errorf("%s does not answer as the admin listener does", o.base)
	}
	return nil
}

// open sends a request whose answer comes little by little, and may take its time.
func (o *operator) open(ctx context.Context, method, at string) (io.ReadCloser, error) {
	patient := *o.client
	patient.Timeout = 0
	resp, err := o.send(ctx, &patient, method, at, nil)
	if err != nil {
		return nil, err
	}
	return resp.Body, nil
}

// send gives the answer if it is a success.
func (o *operator) send(ctx context.Context, client *http.Client, method, at string, ask any) (*http.Response, error) {
	if !strings.HasPrefix(at, "/api") {
		if o.project == "" {
			if _, err := o.find(ctx); err != nil {
				return nil, err
			}
		}
		at = "/api/projects/" + url.PathEscape(o.project) + at
	}
	req, err := o.request(ctx, method, at, ask)
	if err != nil {
		return nil, err
	}
	resp, err := client.Do(req)
	if err != nil {
		if u, ok := errors.AsType[*url.Error](err); ok {
			err = u.Err
		}
		return nil, fmt.Errorf("%s does not answer: %w", o.base, err)
	}
	if resp.StatusCode/100 != 2 {
		defer func() { _ = resp.Body.Close() }()
		return nil, refusal(o.base, resp)
	}
	return resp, nil
}

func (o *operator) request(ctx context.Context, method, at string, ask any) (*http.Request, error) {
	body, err := json.Marshal(ask)
	if err != nil {
		return nil, err
	}
	req, err := http.NewRequestWithContext(ctx, method, o.base+at, bytes.NewReader(body))
	if err != nil {
		return nil, err
	}
	if o.token != "" {
		req.Header.Set("Authorization", "Bearer "+o.token)
	}
	req.Header.Set("Content-Type", "application/json")
	return req, nil
}

// maxRefusal bounds what is read of an error's body.
const maxRefusal = 64 << 10

// refusal is the error that the admin API answered with.
func refusal(base string, resp *http.Response) error {
	var said struct {
		Error string `json:"error"`
	}
	if err := json.NewDecoder(io.LimitReader(resp.Body, maxRefusal)).Decode(&said); err != nil || said.Error == "" {
		return fmt.Errorf("%s answered %s: is it the admin listener?", base, resp.Status)
	}
	return errors.New(said.Error)
}
