package modeltest

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"sync"
	"testing"

	"github.com/redis/go-redis/v9"
	"github.com/redis/go-redis/v9/maintnotifications"
)

// scripts are the names of the project's Lua files by their text.
type scripts struct {
	mu    sync.Mutex
	text  map[string]string // name by text
	bySHA map[string]string // name by SHA, once seen
	full  map[string]string // text by SHA
}

var scriptsOnce struct {
	sync.Once
	all *scripts
}

// allScripts are shared by all runs, as the server's cache of scripts is.
func allScripts(t testing.TB) *scripts {
	scriptsOnce.Do(func() { scriptsOnce.all = loadScripts(t) })
	return scriptsOnce.all
}

func loadScripts(t testing.TB) *scripts {
	s := &scripts{text: map[string]string{}, bySHA: map[string]string{}, full: map[string]string{}}
	for _, pattern := range []string{"../../directory/lua/*.lua", "../../../queue/lua/*.lua"} {
		files, err := filepath.Glob(pattern)
		if err != nil || len(files) == 0 {
			t.Fatalf("%s: %v", pattern, err)
		}
		for _, f := range files {
			b, err := os.ReadFile(f)
			if err != nil {
				t.Fatal(err)
			}
			s.text[uncommented(string(b))] = strings.TrimSuffix(filepath.Base(f), ".lua")
		}
	}
	return s
}

// uncommented is a script as it is sent, without its comments.
func uncommented(text string) string {
	var out strings.Builder
	for line := range strings.Lines(text) {
		if !strings.HasPrefix(strings.TrimLeft(line, " \t"), "--") {
			out.WriteString(line)
		}
	}
	return out.String()
}

// learn finds which file a script ends with.
func (s *scripts) learn(text string) string {
	s.mu.Lock()
	defer s.mu.Unlock()
	id := redis.NewScript(text).Hash()
	if s.bySHA[id] == "" {
		s.full[id] = text
		s.bySHA[id] = "script"
		for body, name := range s.text {
			if strings.HasSuffix(strings.TrimSpace(text), strings.TrimSpace(body)) {
				s.bySHA[id] = name
			}
		}
	}
	return s.bySHA[id]
}

func (s *scripts) known(id string) string {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.bySHA[id]
}

func (s *scripts) textOf(id string) string {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.full[id]
}

// hook puts every command of a replica behind a gate, and may change the scripts that it sends.
type hook struct {
	w   *world
	who *replica
}

var _ redis.Hook = hook{}

func (h hook) DialHook(next redis.DialHook) redis.DialHook {
	return func(ctx context.Context, network, addr string) (net.Conn, error) { return next(ctx, network, addr) }
}

// handshake are the commands of go-redis itself.
func handshake(cmd redis.Cmder) bool {
	switch strings.ToLower(cmd.Name()) {
	case "hello", "client", "select", "auth", "ping":
		return true
	}
	return false
}

func (h hook) ProcessHook(next redis.ProcessHook) redis.ProcessHook {
	return func(ctx context.Context, cmd redis.Cmder) error {
		if handshake(cmd) {
			return next(ctx, cmd)
		}
		what := h.describe(cmd)
		if what == "" {
			return next(ctx, cmd)
		}
		if !strings.HasPrefix(strings.ToLower(cmd.Name()), "eval") && underMutex() {
			if h.dead() {
				return fail([]redis.Cmder{cmd}, errDead)
			}
			return next(ctx, cmd)
		}
		err := h.pass(ctx, what, func(ctx context.Context) error { return h.loaded(ctx, next, cmd) })
		if err != nil && cmd.Err() == nil {
			cmd.SetErr(err)
		}
		return err
	}
}

func (h hook) ProcessPipelineHook(next redis.ProcessPipelineHook) redis.ProcessPipelineHook {
	return func(ctx context.Context, cmds []redis.Cmder) error {
		if len(cmds) == 0 || handshake(cmds[0]) || underMutex() {
			if h.dead() {
				return fail(cmds, errDead)
			}
			return next(ctx, cmds)
		}
		err := h.pass(ctx, "pipeline", func(ctx context.Context) error { return next(ctx, cmds) })
		if err != nil {
			return fail(cmds, err)
		}
		return nil
	}
}

func (h hook) dead() bool {
	h.w.gates.mu.Lock()
	defer h.w.gates.mu.Unlock()
	return h.who.dead
}

func fail(cmds []redis.Cmder, err error) error {
	for _, c := range cmds {
		c.SetErr(err)
	}
	return err
}

// underMutex says that the caller holds the lock of the roles: whoever else wants it could not be waited for.
func underMutex() bool {
	pcs := make([]uintptr, 24)
	frames := runtime.CallersFrames(pcs[:runtime.Callers(3, pcs)])
	for {
		f, more := frames.Next()
		if strings.HasSuffix(f.Function, "(*roleCache).at") {
			return true
		}
		if !more {
			return false
		}
	}
}

var errDropped = errors.Join(errors.New("connection lost"), io.EOF)

func (h hook) pass(ctx context.Context, what string, do func(context.Context) error) error {
	f, err := h.w.gates.wait(ctx, h.who, false, what)
	if err != nil {
		return err
	}
	switch f {
	case refused, held:
		return errDropped
	case unanswered:
		_ = do(context.WithoutCancel(ctx))
		return errDropped
	}
	return do(context.WithoutCancel(ctx))
}

// loaded sends a command, with its script if the server has forgotten that: one gate is for both.
func (h hook) loaded(ctx context.Context, next redis.ProcessHook, cmd redis.Cmder) error {
	err := next(ctx, cmd)
	if err == nil || !redis.HasErrorPrefix(err, "NOSCRIPT") {
		return err
	}
	id, _ := cmd.Args()[1].(string)
	if err := h.w.side.ScriptLoad(ctx, h.w.scripts.textOf(id)).Err(); err != nil {
		return err
	}
	cmd.SetErr(nil)
	return next(ctx, cmd)
}

// describe names a command for the order of gates and for traces, and puts a broken variant's script in its place.
func (h hook) describe(cmd redis.Cmder) string {
	args := cmd.Args()
	switch strings.ToLower(cmd.Name()) {
	case "eval", "eval_ro":
		text, _ := args[1].(string)
		name := h.w.scripts.learn(text)
		args[1] = h.w.mutant.patch(name, text)
		return name + subjects(args)
	case "evalsha", "evalsha_ro":
		id, _ := args[1].(string)
		name := h.w.scripts.known(id)
		if h.w.mutant.scripts != nil || name == "" {
			args[1] = strings.Repeat("0", len(id)) // the server does not know it, and is sent the text
			return ""
		}
		return name + subjects(args)
	}
	return strings.ToLower(cmd.Name()) + " " + strings.TrimPrefix(fmt.Sprint(args[1]), h.w.base)
}

// subjects are the keys and ids among a script's arguments.
func subjects(args []any) string {
	out := ""
	for _, a := range args {
		if s, ok := a.(string); ok && (isKey(s) || (len(s) == 36 && strings.Count(s, "-") == 4)) {
			out += " " + s
		}
	}
	return out
}

func isKey(s string) bool {
	return strings.HasPrefix(s, "user/") || strings.HasPrefix(s, "group/") || strings.HasPrefix(s, "import/")
}

// openRedis is a client that repeats nothing and knows no deadlines: time in the bubble is not the network's.
func openRedis(t testing.TB, url string) *redis.Client {
	opt, err := redis.ParseURL(url)
	if err != nil {
		t.Fatal(err)
	}
	opt.MaxRetries, opt.ReadTimeout, opt.WriteTimeout = -1, -2, -2
	opt.DisableIdentity, opt.PoolSize = true, 200
	opt.MaintNotificationsConfig = &maintnotifications.Config{Mode: maintnotifications.ModeDisabled}
	return redis.NewClient(opt)
}
