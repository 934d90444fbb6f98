package main

import (
	"fmt"

	"github.com/spf13/cobra"
)

// checkCommand checks the configuration.
func (p program) checkCommand() *cobra.Command {
	var path string
	check := &cobra.Command{
		Use:   "check",
		Short: "Check the configuration",
		Args:  noArgs,
		RunE: func(*cobra.Command, []string) error {
			_, err := p.checkConfig(path)
			return err
		},
	}
	check.Flags().StringVar(&path, "config", defaultConfig, "configuration file")
	return check
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
