package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"time"

	"github.com/spf13/cobra"
)

// Levels of a finding. An error makes the check fail.
const (
	levelOK      = "ok"
	levelWarning = "warning"
	levelError   = "error"
)

// finding is one thing that the check has found out.
type finding struct{ level, subject, text string }

// String is the finding in one line.
func (f finding) String() string {
	if f.subject == "" {
		return f.level + ": " + f.text
	}
	return f.level + ": " + f.subject + ": " + f.text
}

// findings collects what a check finds out about one subject.
type findings struct {
	subject string
	all     []finding
}

func (f *findings) ok(format string, args ...any)      { f.add(levelOK, format, args...) }
func (f *findings) warning(format string, args ...any) { f.add(levelWarning, format, args...) }
func (f *findings) error(format string, args ...any)   { f.add(levelError, format, args...) }

func (f *findings) add(level, format string, args ...any) {
	f.all = append(f.all, finding{level: level, subject: f.subject, text: fmt.Sprintf(format, args...)})
}

// redisWithin and cmsWithin bound the questions to Redis and to each CMS.
const (
	redisWithin = 10 * time.Second
	cmsWithin   = 30 * time.Second
)

// checkCommand checks the configuration and what it names.
func (p program) checkCommand() *cobra.Command {
	var path string
	var offline bool
	check := &cobra.Command{
		Use:   "check",
		Short: "Check the configuration, Redis and the CMS",
		Long: "Checks the configuration; that Redis answers and keeps what it is given; that each CMS token is valid and may manage\n" +
			"users, and that the CMS has the roles that the configuration names. It changes nothing. One line for each finding;\n" +
			"the exit code is 0 when none is an error.",
		Args: noArgs,
		RunE: func(cmd *cobra.Command, _ []string) error { return p.check(cmd.Context(), path, offline) },
	}
	check.Flags().StringVar(&path, "config", defaultConfig, "configuration file")
	check.Flags().BoolVar(&offline, "offline", false, "check the configuration only")
	return check
}

func (p program) check(ctx context.Context, path string, offline bool) error {
	c, err := p.checkConfig(path)
	if err != nil || offline {
		return err
	}
	failed, err := printFindings(p.stdout, inspectRedis(ctx, c.Redis))
	if err != nil {
		return err
	}
	for i := range c.Projects {
		n, err := printFindings(p.stdout, inspectProject(ctx, &c.Projects[i]))
		if err != nil {
			return err
		}
		failed += n
	}
	if failed > 0 {
		return fmt.Errorf("the check found %d %s", failed, plural(failed, "error", "errors"))
	}
	return nil
}

// checkConfig loads the configuration and prints its warnings and, when it holds, what it configures.
func (p program) checkConfig(path string) (Config, error) {
	c, warnings, err := LoadConfig(path, p.environ)
	for _, w := range warnings {
		if _, err := fmt.Fprintln(p.stdout, "warning:", w); err != nil {
			return Config{}, err
		}
	}
	if err != nil {
		return Config{}, err
	}
	_, err = fmt.Fprintf(p.stdout, "%s: %d %s, no problem found\n", path, len(c.Projects), plural(len(c.Projects), "project", "projects"))
	return c, err
}

// printFindings writes one line for each finding and counts the errors.
func printFindings(w io.Writer, all []finding) (failed int, err error) {
	for _, f := range all {
		if f.level == levelError {
			failed++
		}
		_, werr := fmt.Fprintln(w, f)
		err = errors.Join(err, werr)
	}
	return failed, err
}
