package main

import (
	"cmp"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"reflect"
	"slices"
	"strings"
)

// Problem is one thing wrong with a configuration.
type Problem struct {
	// Path is that of the setting; empty when the file as a whole is meant.
	Path string
	// Line is that in the file; 0 when the setting is not written there.
	Line int
	Text string
}

// String is the problem in one line.
func (p Problem) String() string {
	text := strings.TrimPrefix(p.Path+": "+p.Text, ": ")
	if p.Line > 0 {
		text += fmt.Sprintf(" (line %d)", p.Line)
	}
	return text
}

// Warning is something that a configuration may say but whoever wrote it should know.
type Warning = Problem

// ConfigError is everything wrong with a configuration.
type ConfigError struct {
	File     string
	Problems []Problem
}

// Error lists the problems, one to a line.
func (e *ConfigError) Error() string {
	var b strings.Builder
	fmt.Fprintf(&b, "%s: %d %s", e.File, len(e.Problems), plural(len(e.Problems), "problem", "problems"))
	for _, p := range e.Problems {
		b.WriteString("\n  " + p.String())
	}
	return b.String()
}

func plural(n int, one, many string) string {
	if n == 1 {
		return one
	}
	return many
}

// LoadConfig reads the file, applies defaults and the SCIMCMS_ overrides of environ (as os.Environ gives it), reads
// the secrets and validates everything. The error is a *ConfigError that tells every problem at once, or that of
// reading the file. Secret files are looked for beside the configuration file.
func LoadConfig(path string, environ []string) (Config, []Warning, error) {
	source, err := os.ReadFile(path) //nolint:gosec // the operator names the file
	if err != nil {
		return Config{}, nil, fmt.Errorf("read the configuration: %w", err)
	}
	secretFile := func(name string) ([]byte, error) {
		if !filepath.IsAbs(name) {
			name = filepath.Join(filepath.Dir(path), name)
		}
		return os.ReadFile(name) //nolint:gosec // the operator names the file
	}
	c, r, err := parseConfig(source, environment(environ), secretFile)
	if err != nil {
		return Config{}, nil, err
	}
	if len(r.problems) > 0 {
		return Config{}, r.warnings, &ConfigError{File: path, Problems: r.sorted()}
	}
	return c, r.warnings, nil
}

// parseConfig is LoadConfig without the file system.
func parseConfig(source []byte, env map[string]string, readFile func(string) ([]byte, error)) (Config, *report, error) {
	var c Config
	r := &report{lines: map[string]int{}}
	if err := setDefaults(reflect.ValueOf(&c).Elem()); err != nil {
		return Config{}, nil, err
	}
	if !bindYAML(source, &c, r) {
		return Config{}, r, nil
	}
	applyOverrides(&c, env, r)
	secrets{env: env, readFile: readFile, report: r}.read(&c)
	validate(&c, r)
	warn(&c, env, r)
	return c, r, nil
}

// report collects what is wrong and what should be known.
type report struct {
	problems []Problem
	warnings []Warning
	// lines has the line of every path that the file sets.
	lines map[string]int
}

func (r *report) add(path string, line int, format string, args ...any) {
	r.problems = append(r.problems, Problem{Path: path, Line: line, Text: fmt.Sprintf(format, args...)})
}

// problem adds a problem at the line where the setting stands or, when it is missing, where its group stands.
func (r *report) problem(path, format string, args ...any) {
	at := path
	for at != "" && r.lines[at] == 0 {
		at = at[:max(strings.LastIndexAny(at, ".["), 0)]
	}
	r.add(path, r.lines[at], format, args...)
}

func (r *report) warning(path, text string) {
	r.warnings = append(r.warnings, Warning{Path: path, Line: r.lines[path], Text: text})
}

// failed tells whether something is wrong at the path already, so that one mistake is told once.
func (r *report) failed(path string) bool {
	return slices.ContainsFunc(r.problems, func(p Problem) bool { return p.Path == path })
}

// sorted is the problems in the order of the file; those of settings that it lacks come last.
func (r *report) sorted() []Problem {
	slices.SortStableFunc(r.problems, func(a, b Problem) int {
		if (a.Line == 0) != (b.Line == 0) {
			return b.Line - a.Line
		}
		return cmp.Compare(a.Line, b.Line)
	})
	return r.problems
}

// secrets reads what the configuration only names.
type secrets struct {
	env      map[string]string
	readFile func(string) ([]byte, error)
	report   *report
}

func (s secrets) read(c *Config) {
	for _, f := range fields(c) {
		if secret, ok := reflect.TypeAssert[*Secret](f.value.Addr()); ok && secret.value == "" && secret.IsSet() {
			secret.value = s.value(f.path, secret.env, secret.file)
		}
	}
	for i := range c.Projects {
		for j := range c.Projects[i].Tokens {
			s.token(fmt.Sprintf("projects[%d].tokens[%d]", i, j), &c.Projects[i].Tokens[j])
		}
	}
}

// token fills the digest, whichever way the token is given.
func (s secrets) token(path string, t *TokenConfig) {
	given := 0
	for _, v := range []string{t.SHA256, t.Env, t.File} {
		if v != "" {
			given++
		}
	}
	if given != 1 {
		s.report.problem(path, "needs exactly one of sha256, env and file")
		return
	}
	if t.SHA256 != "" {
		d, err := ParseDigest(t.SHA256)
		if err != nil {
			s.report.problem(path+".sha256", "%s", err)
		}
		t.Digest = d
		return
	}
	if value := s.value(path, t.Env, t.File); value != "" {
		t.Digest, t.length = DigestOf(value), len(value)
	}
}

// value reads a secret from the environment or a file; empty when it could not, which is told.
func (s secrets) value(path, env, file string) string {
	if env != "" {
		value := s.env[env]
		if value == "" {
			s.report.problem(path, "environment variable %s is not set", env)
		}
		return value
	}
	raw, err := s.readFile(file)
	if err != nil {
		if reason, ok := errors.AsType[*os.PathError](err); ok {
			err = reason.Err
		}
		s.report.problem(path, "cannot read file %s: %s", file, err)
		return ""
	}
	value := strings.TrimRight(string(raw), "\r\n")
	if value == "" {
		s.report.problem(path, "file %s is empty", file)
	}
	return value
}
