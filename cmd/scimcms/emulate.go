package main

import (
	"context"
	"errors"
	"fmt"
	"net"
	"time"

	"github.com/spf13/cobra"

	"github.com/scimcms/scimcms/cmsclient/cmstest"
)

// emulateOptions are the flags of emulate.
type emulateOptions struct {
	listen, token, rate string
	seats, seedUsers    int
	latency             time.Duration
	allowRemote         bool
}

func (p program) emulateCommand() *cobra.Command {
	var o emulateOptions
	emulate := &cobra.Command{
		Use:   "emulate",
		Short: "Run the CMS emulator alone",
		Long: "Runs an emulator of the management API, with controls under /_emulator that ask for no token: whoever reaches it can\n" +
			"change everything in it. It keeps nothing.",
		Args: noArgs,
		RunE: func(cmd *cobra.Command, _ []string) error { return p.emulate(cmd.Context(), o) },
	}
	f := emulate.Flags()
	f.StringVar(&o.listen, "listen", "127.0.0.1:8081", "address")
	f.StringVar(&o.token, "token", "demo-cms-token", "API token that callers must send")
	f.StringVar(&o.rate, "rate", "60/3s", "calls that it takes in a window; 0 = no limit")
	f.IntVar(&o.seats, "seats", 0, "people that the plan allows, pending invitations included; 0 = no limit")
	f.DurationVar(&o.latency, "latency", 0, "how long every call takes")
	f.IntVar(&o.seedUsers, "seed-users", 5, "collaborators that the project starts with")
	f.BoolVar(&o.allowRemote, "allow-remote", false, "let an address be listened on that other machines can reach")
	return emulate
}

// check refuses what the flags alone tell to be wrong.
func (o emulateOptions) check() error {
	switch {
	case o.token == "":
		return errors.New("--token must not be empty")
	case o.seats < 0 || o.seedUsers < 0 || o.latency < 0:
		return errors.New("--seats, --seed-users and --latency must not be negative")
	case !o.allowRemote && !isLoopback(o.listen):
		return fmt.Errorf("--listen %s can be reached by other machines, who could control the emulator: add --allow-remote if that is meant", o.listen)
	}
	return nil
}

func (p program) emulate(ctx context.Context, o emulateOptions) error {
	if err := o.check(); err != nil {
		return err
	}
	rate, err := ParseRate(o.rate)
	if err != nil {
		return fmt.Errorf("--rate %q: %w", o.rate, err)
	}
	l, err := listen(ctx, o.listen, "--listen")
	if err != nil {
		return err
	}
	stop := serveEmulator(l, cmstest.New(cmstest.Options{
		Token: o.token, Rate: rate.Count, Window: rate.Window, Seats: o.seats, Latency: o.latency, SeedUsers: o.seedUsers,
	}))
	if err := p.announceEmulator(o, l); err != nil {
		return errors.Join(err, stop())
	}
	<-ctx.Done()
	return stop()
}

func (p program) announceEmulator(o emulateOptions, l net.Listener) error {
	base := "http://" + dialable(l.Addr().String())
	_, err := fmt.Fprintf(p.stdout, "scimcms emulate: CMS emulator at %s\n\n  curl -sS -H %s -H 'X-Api-Version: 3' -H 'Accept: application/json' %s/users\n\n  curl -sS %s/_emulator/state\n\n",
		base, shellQuote("Authorization: Bearer "+o.token), base, base)
	p.tell(endpoints{cms: l.Addr().String()})
	return err
}
