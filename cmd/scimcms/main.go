// Command scimcms lets an identity provider provision people and groups into a CMS that has no SCIM of its own.
//
// This package is the program around the others: the command line, the configuration, and the wiring by hand of proxy,
// mapping, queue and cmsclient. It decides nothing about SCIM or the CMS.
package main

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"io"
	"os"
	"os/signal"
	"runtime/debug"
	"syscall"

	"github.com/spf13/cobra"
)

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	p := program{stdout: os.Stdout, stderr: os.Stderr, environ: os.Environ(), random: rand.Reader}
	if err := p.run(ctx, os.Args[1:]); err != nil {
		stop()
		os.Exit(p.complain(err)) //nolint:gocritic // stop has just run
	}
}

// Exit codes.
const (
	exitFailed = 1
	exitUsage  = 2
)

// complain prints an error, with the usage where the command line was wrong, and gives the exit code.
func (p program) complain(err error) int {
	_, _ = fmt.Fprintln(p.stderr, "scimcms:", err)
	var wrong *usageError
	if !errors.As(err, &wrong) {
		return exitFailed
	}
	_, _ = fmt.Fprintf(p.stderr, "\n%s", wrong.command.UsageString())
	return exitUsage
}

// program is what the commands get from the process that they run in.
type program struct {
	stdout, stderr io.Writer
	// environ is the environment as os.Environ gives it.
	environ []string
	random  io.Reader
	// ready, if given, is called when a command that runs on has begun to answer.
	ready func(endpoints)
}

// run executes the command line. An error has not been printed.
func (p program) run(ctx context.Context, args []string) (err error) {
	defer func() {
		if v := recover(); v != nil {
			err = fmt.Errorf("internal error: %v\n%s", v, debug.Stack())
		}
	}()
	root := p.root()
	root.SetArgs(args)
	root.SetOut(p.stdout)
	root.SetErr(p.stderr)
	return root.ExecuteContext(ctx)
}

func (p program) root() *cobra.Command {
	root := &cobra.Command{
		Use:   "scimcms",
		Short: "SCIM 2.0 for a CMS that has none",
		Long: "scimcms lets an identity provider provision people and groups into a DatoCMS-style CMS:\n" +
			"it speaks SCIM 2.0 to the one and the management API to the other.",
		SilenceUsage:  true,
		SilenceErrors: true,
		Args:          onlyCommands,
		RunE:          help,
	}
	root.SetFlagErrorFunc(func(cmd *cobra.Command, err error) error { return &usageError{command: cmd, err: err} })
	root.CompletionOptions.HiddenDefaultCmd = true
	root.AddCommand(p.demoCommand(), p.serveCommand(), p.emulateCommand(), p.checkCommand(), p.queueCommand(), p.brakeCommand(), p.driftCommand(),
		p.linkCommand(), p.explainCommand(), p.planCommand(), p.backupCommand(), p.restoreCommand(), p.tokenCommand(), p.versionCommand())
	return root
}
