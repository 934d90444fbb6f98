package queuetest

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/redis/go-redis/v9"
)

// Server is a redis-server of the test's own.
type Server struct {
	Client redis.UniversalClient
	URL    string // unix://…, for code that opens its own client
	Dir    string // its data (AOF, RDB) and log

	tb   testing.TB
	args []string
	proc *process
}

// StartRedis starts a redis-server on a unix socket, without persistence unless args say otherwise
// (for example "--appendonly", "yes"). It ends with the test.
func StartRedis(tb testing.TB, args ...string) *Server {
	tb.Helper()
	p, err := startProcess(args)
	if err != nil {
		tb.Fatalf("%v", err)
	}
	s := &Server{URL: p.url(), Dir: p.dir, tb: tb, args: args, proc: p}
	tb.Cleanup(func() {
		s.Kill()
		_ = os.RemoveAll(s.Dir)
	})
	s.Client = connect(tb, p.url())
	return s
}

// Kill ends the process at once, as kill -9 does, and returns when it is gone.
func (s *Server) Kill() {
	s.tb.Helper()
	s.proc.kill()
}

// Restart starts the server again on the same socket and the same data. Call it after Kill.
func (s *Server) Restart() {
	s.tb.Helper()
	p, err := launch(s.Dir, s.args)
	if err != nil {
		s.tb.Fatalf("restart redis-server: %v", err)
	}
	s.proc = p
}

// startWithin is how long a redis-server may take to answer: reading a file on a machine that has other things to do takes a
// while. One that ends instead is told at once.
const startWithin = 2 * time.Minute

// process is a running redis-server and its guard.
type process struct {
	dir   string
	port  int // listened on beside the socket; 0: none
	bus   int // where the nodes of a Cluster talk to each other
	cmd   *exec.Cmd
	guard *exec.Cmd
	leash io.WriteCloser // the guard's standard input: closed by the kernel when this process ends in any way
}

func (p *process) socket() string { return filepath.Join(p.dir, "redis.sock") }
func (p *process) url() string    { return "unix://" + p.socket() + "?db=0" }

func startProcess(args []string) (*process, error) {
	dir, err := os.MkdirTemp("", "scimcms-redis-")
	if err != nil {
		return nil, fmt.Errorf("make a directory for redis-server: %w", err)
	}
	p, err := launch(dir, args)
	if err != nil {
		_ = os.RemoveAll(dir)
		return nil, err
	}
	return p, nil
}

// launch starts redis-server in dir and waits until it answers.
func launch(dir string, args []string) (*process, error) {
	bin, err := exec.LookPath("redis-server")
	if err != nil {
		return nil, errors.New("redis-server is not on PATH; these tests need it: install redis (Debian: apt-get install redis-server)")
	}
	p := &process{dir: dir}
	var flags []string
	if len(args) > 0 && !strings.HasPrefix(args[0], "-") { // a configuration file comes first
		flags, args = args[:1], args[1:]
	}
	flags = append(flags, []string{
		"--port", "0", "--bind", loopback, "--unixsocket", p.socket(), "--dir", dir, "--logfile", filepath.Join(dir, "redis.log"),
		"--save", "", "--appendonly", "no", "--daemonize", "no",
	}...)
	flags = append(flags, args...)
	_ = os.Remove(p.socket())                                        // left behind by a killed predecessor
	p.cmd = exec.CommandContext(context.Background(), bin, flags...) //nolint:gosec // a fixed program with flags of the test's own making
	detach(p.cmd)
	alive, held, err := os.Pipe()
	if err != nil {
		return nil, fmt.Errorf("start redis-server: %w", err)
	}
	defer func() { _ = alive.Close() }()
	p.cmd.ExtraFiles = []*os.File{held} // the server has no use for it: it is closed when the server ends
	err = p.cmd.Start()
	_ = held.Close()
	if err != nil {
		return nil, fmt.Errorf("start redis-server: %w", err)
	}
	if err := p.startGuard(); err != nil {
		p.kill()
		return nil, err
	}
	if err := p.ready(alive); err != nil {
		p.kill()
		return nil, err
	}
	return p, nil
}

// guardScript waits for its standard input to close. A line on it means that the server was ended on purpose.
const guardScript = `read -r line && exit 0; kill -9 "$1"; rm -rf "$2"`

// startGuard starts a shell that ends the server and removes its directory when the test binary is gone, however it
// ended: a timeout, a panic or a kill would otherwise leave a redis-server behind.
func (p *process) startGuard() error {
	p.guard = exec.CommandContext(context.Background(), "/bin/sh", "-c", guardScript, "guard", strconv.Itoa(p.cmd.Process.Pid), p.dir) //nolint:gosec // fixed script
	leash, err := p.guard.StdinPipe()
	if err != nil {
		return fmt.Errorf("guard redis-server: %w", err)
	}
	p.leash = leash
	detach(p.guard)
	if err := p.guard.Start(); err != nil {
		p.guard = nil
		return fmt.Errorf("guard redis-server: %w", err)
	}
	return nil
}

func (p *process) kill() {
	if p.cmd == nil {
		return
	}
	_ = p.cmd.Process.Kill()
	_ = p.cmd.Wait()
	p.cmd = nil
	if p.guard != nil {
		_, _ = io.WriteString(p.leash, "ended\n")
		_ = p.guard.Wait()
	}
}

// ready waits until the server answers. alive reads the end of the file when the server has ended.
func (p *process) ready(alive *os.File) error {
	client := p.client()
	defer func() { _ = client.Close() }()
	var err error
	wrong := "does not answer"
	if poll(startWithin, func(ctx context.Context) bool {
		if err = client.Ping(ctx).Err(); err != nil && ended(alive) {
			wrong = "has ended"
		}
		return err == nil || wrong == "has ended"
	}) && err == nil {
		return nil
	}
	log, _ := os.ReadFile(filepath.Join(p.dir, "redis.log"))
	return fmt.Errorf("redis-server %s (%w); its log:\n%s", wrong, err, log)
}

// ended says that nobody holds the other end of a pipe any more.
func ended(alive *os.File) bool {
	if alive.SetReadDeadline(time.Now().Add(time.Millisecond)) != nil {
		return false
	}
	_, err := alive.Read(make([]byte, 1))
	return errors.Is(err, io.EOF)
}

// poll asks until the answer is yes, and reports whether it came in time.
func poll(within time.Duration, ask func(context.Context) bool) bool {
	ctx, cancel := context.WithTimeout(context.Background(), within)
	defer cancel()
	tick := time.NewTicker(10 * time.Millisecond)
	defer tick.Stop()
	for !ask(ctx) {
		select {
		case <-ctx.Done():
			return false
		case <-tick.C:
		}
	}
	return true
}

// eventually polls for half a minute, and fails the test with what is wrong.
func eventually(tb testing.TB, wrong string, ask func(context.Context) bool) {
	tb.Helper()
	if !poll(30*time.Second, ask) {
		tb.Fatal(wrong)
	}
}
