package main

import (
	"errors"
	"fmt"
	"net/http"
	"os/exec"
	"strings"
	"syscall"
	"testing"

	"github.com/scimcms/scimcms/cmsclient/cmstest"
	"github.com/scimcms/scimcms/queue"
	"github.com/scimcms/scimcms/queue/queuetest"
)

// prefixOf is a Redis prefix that no other test uses.
func prefixOf(store queuetest.Store) string {
	return strings.NewReplacer("{", "", "}", "-").Replace(store.Base)
}

// queueOf is the queue of the project that configFile configures.
func queueOf(t *testing.T, store queuetest.Store) *queue.Queue {
	t.Helper()
	q, err := queue.New(queue.Options{Redis: store.Client, Base: queue.Base(prefixOf(store), "site")})
	if err != nil {
		t.Fatal(err)
	}
	return q
}

// serve starts the proxy for the project of configFile and waits until it has read the CMS.
func serve(t *testing.T, s settings) *instance {
	t.Helper()
	return serveFile(t, configFile(t, s))
}

func serveFile(t *testing.T, file string) *instance {
	t.Helper()
	i := start(t, scimToken, "serve", "--config", file)
	eventually(t, func() error {
		if ready := i.readyz(); strings.Contains(ready, "nothing has been imported") || strings.Contains(ready, "not answered yet") {
			return fmt.Errorf("not ready: %s", ready)
		}
		return nil
	})
	return i
}

// readyz is the status and the body of /readyz.
func (i *instance) readyz() string {
	i.t.Helper()
	a, err := i.do(http.MethodGet, "http://"+i.admin+"/readyz", "", "")
	if err != nil {
		i.t.Fatal(err)
	}
	return fmt.Sprint(a.status, a.body)
}

// posted is the answer of a request that is sent while the test does something else.
type posted struct {
	answer answer
	err    error
}

func (i *instance) post(path, body string) <-chan posted {
	done := make(chan posted, 1)
	go func() {
		a, err := i.do(http.MethodPost, "http://"+i.scim+"/scim/v2"+path, i.token, body)
		done <- posted{answer: a, err: err}
	}()
	return done
}

// calledOnce waits until the CMS has been asked.
func calledOnce(t *testing.T, cms *cmstest.Server, endpoint string) {
	t.Helper()
	eventually(t, func() error {
		if n := cms.Calls().ByEndpoint[endpoint]; n != 1 {
			return fmt.Errorf("%s was called %d times", endpoint, n)
		}
		return nil
	})
}

// nothingLeft fails unless the queue is empty and nobody holds a lease.
func nothingLeft(t *testing.T, q *queue.Queue) {
	t.Helper()
	s, err := q.Stats(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	for lane, n := range s.Depth {
		if n != 0 {
			t.Errorf("%d keys are left in lane %s", n, lane)
		}
	}
	if s.Leased != 0 || s.Parked != 0 {
		t.Errorf("left: %d leased, %d parked", s.Leased, s.Parked)
	}
}

func TestServe_StopFinishesTheRequestInFlight(t *testing.T) {
	t.Parallel()
	queuetest.Each(t, func(t *testing.T, store queuetest.Store) {
		cms, url := emulator(t, cmstest.Options{})
		i := serve(t, settings{redisURL: store.URL, prefix: prefixOf(store), cmsURL: url})
		if err := cms.Fault(cmstest.Fault{Method: http.MethodPost, Path: "/site-invitations", Action: cmstest.Delay, MS: 500, Times: 1}); err != nil {
			t.Fatal(err)
		}
		answered := i.post("/Users", person("ada"))
		calledOnce(t, cms, "POST /site-invitations")
		if err := i.stop(); err != nil {
			t.Errorf("stop: %v", err)
		}
		p := <-answered
		if p.err != nil || p.answer.status != 201 || synced(p.answer.body)["status"] != "synced" {
			t.Errorf("the request in flight was answered %v, %v", p.answer, p.err)
		}
		if n := len(cms.State().Invitations); n != 1 {
			t.Errorf("%d invitations", n)
		}
		nothingLeft(t, queueOf(t, store))
		if _, err := i.do(http.MethodGet, "http://"+i.scim+"/scim/v2/Users", i.token, ""); err == nil {
			t.Error("a stopped proxy must not answer")
		}
	})
}

func TestServe_StopLetsWorkersFinishAndHandsLeasesBack(t *testing.T) {
	t.Parallel()
	queuetest.Each(t, func(t *testing.T, store queuetest.Store) {
		cms, url := emulator(t, cmstest.Options{})
		i := serve(t, settings{redisURL: store.URL, prefix: prefixOf(store), cmsURL: url})
		id := i.send(201, http.MethodPost, "/Users", person("ada"))["id"]
		if err := cms.Fault(cmstest.Fault{Method: http.MethodPut, Path: "/site-invitations/:id", Action: cmstest.Delay, MS: 500, Times: 1}); err != nil {
			t.Fatal(err)
		}
		i.send(201, http.MethodPost, "/Groups",
			fmt.Sprintf(`{"schemas":["urn:ietf:params:scim:schemas:core:2.0:Group"],"displayName":"Writers","members":[{"value":%q}]}`, id))
		calledOnce(t, cms, "PUT /site-invitations/:id")
		if err := i.stop(); err != nil {
			t.Errorf("stop: %v", err)
		}
		// The worker's call was finished. What the group queued meanwhile is there for the next process, and nobody holds it.
		if st, err := queueOf(t, store).Stats(t.Context()); err != nil || st.Leased != 0 {
			t.Errorf("%d leases are left, %v", st.Leased, err)
		}
	})
}

func TestServe_SecondSignalChangesNothing(t *testing.T) {
	t.Parallel()
	store := queuetest.Stores(t)[1]
	cms, url := emulator(t, cmstest.Options{})
	i := &instance{t: t, token: scimToken, client: &http.Client{Transport: &http.Transport{DisableKeepAlives: true}}}
	i.scim, i.admin = queuetest.FreeAddress(t), queuetest.FreeAddress(t)
	cmd := exec.CommandContext(t.Context(), "scimcms", "serve", "--listen", i.scim, "--admin-listen", i.admin, "--config",
		configFile(t, settings{redisURL: store.URL, prefix: prefixOf(store), cmsURL: url}))
	var printed buffer
	cmd.Stderr = &printed
	cmd.Env = append(cmd.Environ(), "OKTA="+scimToken, "CMS="+cmsToken, "ADMIN="+adminToken)
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	eventually(t, func() error {
		a, err := i.do(http.MethodGet, "http://"+i.admin+"/readyz", "", "")
		if err == nil && strings.Contains(fmt.Sprint(a.body), "not answered yet") {
			err = errors.New("not bound")
		}
		return err
	})
	eventually(t, func() error { // the first picture and the first sweep of the rules, which would queue the person anew
		a, err := i.do(http.MethodGet, "http://"+i.admin+"/readyz", "", "")
		st, errQueue := queueOf(t, store).Stats(t.Context())
		if err == nil && (strings.Contains(fmt.Sprint(a.body), "nothing has been imported") || st.Backlog()+st.Leased > 0) {
			err = errors.New("not at rest")
		}
		return errors.Join(err, errQueue)
	})
	if err := cms.Fault(cmstest.Fault{Method: http.MethodPost, Path: "/site-invitations", Action: cmstest.Delay, MS: 1000, Times: 1}); err != nil {
		t.Fatal(err)
	}
	answered := i.post("/Users", person("ada"))
	calledOnce(t, cms, "POST /site-invitations")
	signal := func() {
		if err := cmd.Process.Signal(syscall.SIGTERM); err != nil {
			t.Error(err)
		}
	}
	signal()
	eventually(t, func() error {
		if !strings.Contains(printed.String(), `"msg":"stopping"`) {
			return errors.New("does not stop")
		}
		return nil
	})
	signal()
	if p := <-answered; p.err != nil || synced(p.answer.body)["status"] != "synced" {
		t.Errorf("the request in flight was answered %v, %v", p.answer, p.err)
	}
	if err := cmd.Wait(); err != nil {
		t.Errorf("%v\n%s", err, &printed)
	}
	nothingLeft(t, queueOf(t, store))
}

func TestServe_RedisAwayIsToldAndItRecovers(t *testing.T) {
	t.Parallel()
	store := queuetest.StartRedis(t, "--appendonly", "yes", "--appendfsync", "always")
	store.Kill()
	cms, url := emulator(t, cmstest.Options{})
	i := start(t, scimToken, "serve", "--config", configFile(t, settings{redisURL: store.URL, cmsURL: url}))
	a, err := i.do(http.MethodPost, "http://"+i.scim+"/scim/v2/Users", i.token, person("ada"))
	if err != nil || a.status != 503 || a.header.Get("Retry-After") != "5" || a.body["status"] != "503" {
		t.Errorf("with Redis away: %v, %v", a, err)
	}
	if ready := i.readyz(); !strings.HasPrefix(ready, "503") || !strings.Contains(ready, "Redis does not answer") {
		t.Errorf("with Redis away: %s", ready)
	}
	store.Restart()
	eventually(t, func() error {
		a, err := i.do(http.MethodPost, "http://"+i.scim+"/scim/v2/Users", i.token, person("ada"))
		if err == nil && a.status != 201 && a.status != 409 {
			err = fmt.Errorf("status %d", a.status)
		}
		return err
	})
	eventually(t, func() error {
		if n := len(cms.State().Invitations); n != 1 {
			return fmt.Errorf("%d invitations", n)
		}
		return nil
	})
	for line := range strings.Lines(i.stderr.String()) {
		if !strings.HasPrefix(line, "{") {
			t.Errorf("a line of the log is no JSON: %s", line)
		}
	}
}

func TestServe_CMSAwayAtTheStart(t *testing.T) {
	t.Parallel()
	queuetest.Each(t, func(t *testing.T, store queuetest.Store) {
		address := queuetest.FreeAddress(t)
		i := start(t, scimToken, "serve", "--config",
			configFile(t, settings{redisURL: store.URL, prefix: prefixOf(store), cmsURL: "http://" + address}))
		created := i.send(201, http.MethodPost, "/Users", person("ada"))
		if s := synced(created); s["status"] != "pending" {
			t.Errorf("with the CMS away: %v", s)
		}
		eventually(t, func() error {
			if ready := i.readyz(); !strings.Contains(ready, "nothing is synced until the CMS answers: The CMS could not be reached.") {
				return fmt.Errorf("operators are not told: %s", ready)
			}
			return nil
		})
		l, err := listen(t.Context(), address, "--cms-listen")
		if err != nil {
			t.Fatal(err)
		}
		cms := cmstest.New(cmstest.Options{Token: cmsToken})
		stop := serveEmulator(l, cms)
		t.Cleanup(func() { _ = stop() })
		eventually(t, func() error {
			if s := synced(i.send(200, http.MethodGet, fmt.Sprintf("/Users/%s", created["id"]), "")); s["status"] != "synced" {
				return fmt.Errorf("the CMS is back: %v", s)
			}
			return nil
		})
	})
}

func TestServe_ATokenOpensOneProject(t *testing.T) {
	t.Parallel()
	queuetest.Each(t, func(t *testing.T, store queuetest.Store) {
		_, url := emulator(t, cmstest.Options{})
		i := start(t, scimToken, "serve", "--config", configFile(t, settings{redisURL: store.URL, prefix: prefixOf(store), cmsURL: url, project: `
  - name: other
    tokens: [{name: okta, env: ADMIN}]
    cms: {base_url: "http://127.0.0.1:1", token: {env: OKTA}}
    roles: {default: Editor}
`}))
		i.send(201, http.MethodPost, "/Users", person("ada"))
		for _, c := range []struct {
			path, token string
			want        int
		}{
			{"/projects/site/scim/v2/Users", scimToken, 200},
			{"/projects/other/scim/v2/Users", adminToken, 200},
			{"/scim/v2/Users", adminToken, 200},
			{"/projects/other/scim/v2/Users", scimToken, 401},
			{"/projects/site/scim/v2/Users", adminToken, 401},
			{"/projects/none/scim/v2/Users", scimToken, 401},
			{"/scim/v2/Users", "", 401},
		} {
			a, err := i.do(http.MethodGet, "http://"+i.scim+c.path+"?filter=userName+eq+%22ada@example.org%22", c.token, "")
			if err != nil || a.status != c.want {
				t.Errorf("%s: status %d, want %d (%v)", c.path, a.status, c.want, err)
			}
			if found := a.body["totalResults"]; c.token == adminToken && c.want == 200 && found != 0.0 {
				t.Errorf("%s shows people of another project", c.path)
			}
		}
	})
}

func TestServe_RecordOfAnotherCMSProjectIsNotSynced(t *testing.T) {
	t.Parallel()
	queuetest.Each(t, func(t *testing.T, store queuetest.Store) {
		_, url := emulator(t, cmstest.Options{})
		s := settings{redisURL: store.URL, prefix: prefixOf(store), cmsURL: url}
		if err := serve(t, s).stop(); err != nil {
			t.Fatal(err)
		}
		var other *cmstest.Server
		other, s.cmsURL = emulator(t, cmstest.Options{SiteID: "4711"})
		i := start(t, scimToken, "serve", "--config", configFile(t, s))
		eventually(t, func() error {
			if ready := i.readyz(); !strings.HasPrefix(ready, "503") || !strings.Contains(ready, "belongs to CMS project") {
				return fmt.Errorf("ready: %s", ready)
			}
			return nil
		})
		if s := synced(i.send(201, http.MethodPost, "/Users", person("ada"))); s["status"] != "pending" {
			t.Errorf("status: %v", s)
		}
		if n := len(other.State().Invitations); n != 0 {
			t.Errorf("%d people were invited to another project", n)
		}
	})
}

func TestServe_RulesReadWhatTheIdentityProviderSends(t *testing.T) {
	t.Parallel()
	queuetest.Each(t, func(t *testing.T, store queuetest.Store) {
		cms, url := emulator(t, cmstest.Options{})
		file := configFile(t, settings{redisURL: store.URL, prefix: prefixOf(store), cmsURL: url})
		replaceIn(t, file, "template: Editor}", `template: Editor, rules: [{when: 'title eq "Boss" and emails co "@example.org"', role: Admin}]}`)
		i := start(t, scimToken, "serve", "--config", file)
		body := strings.Replace(person("ada"), `"active":true`, `"active":true,"title":"Boss"`, 1)
		i.send(201, http.MethodPost, "/Users", body)
		eventually(t, func() error {
			for _, v := range cms.State().Invitations {
				if ref, ok := v.Relationships["role"].Data.(cmstest.Ref); ok && ref.ID == "302" {
					return nil
				}
			}
			return fmt.Errorf("not invited as Admin: %v", cms.State().Invitations)
		})
	})
}

func TestServe_AdminListener(t *testing.T) {
	t.Parallel()
	_, url := emulator(t, cmstest.Options{})
	store := queuetest.Stores(t)[0]
	i := serve(t, settings{redisURL: store.URL, prefix: prefixOf(store), cmsURL: url})
	i.send(201, http.MethodPost, "/Users", person("ada"))
	out, err := i.curl([]string{"http://" + i.admin + "/metrics"})
	if err != nil {
		t.Fatal(err)
	}
	for _, series := range []string{
		`scimcms_sync_total{kind="user",outcome="done",project="site"} 1`,
		`scimcms_cms_calls_total{code="201",endpoint="/site-invitations",method="POST",project="site"} 1`,
		`scimcms_pacer_factor{project="site"} 1`, `scimcms_users{project="site",state="listed"} 1`,
		`scimcms_accepted_to_agreed_seconds_count{kind="user",project="site"} 1`, "scimcms_import_age_seconds", "scimcms_build_info", "go_goroutines",
	} {
		if !strings.Contains(out, series) {
			t.Errorf("/metrics has no %s", series)
		}
	}
}
