package main

import (
	"encoding/base64"
	"fmt"
	"io"

	"github.com/spf13/cobra"
)

const (
	// tokenBytes is the entropy of a SCIM token. With that much, a plain SHA-256 is safe to keep.
	tokenBytes = 32
	// tokenPrefix lets secret scanners find a token that leaked.
	tokenPrefix = "scimcms_" //nolint:gosec // the part of every token that is no secret
)

// newToken makes a SCIM token.
func newToken(random io.Reader) (string, error) {
	raw := make([]byte, tokenBytes)
	if _, err := io.ReadFull(random, raw); err != nil {
		return "", fmt.Errorf("read random bytes: %w", err)
	}
	return tokenPrefix + base64.RawURLEncoding.EncodeToString(raw), nil
}

func (p program) tokenCommand() *cobra.Command {
	token := &cobra.Command{
		Use:   "token",
		Short: "Make SCIM tokens",
		Args:  onlyCommands,
		RunE:  help,
	}
	var name string
	create := &cobra.Command{
		Use:   "new",
		Short: "Make a SCIM token and print the line for the configuration",
		Long: "Makes a random SCIM token. The token goes to the identity provider and is shown only now;\n" +
			"the configuration needs no more than its SHA-256.",
		Args: noArgs,
		RunE: func(*cobra.Command, []string) error {
			return p.printToken(name)
		},
	}
	create.Flags().StringVar(&name, "name", "okta", "name of the token in the configuration")
	token.AddCommand(create)
	return token
}

func (p program) printToken(name string) error {
	if !tokenNamePattern.MatchString(name) {
		return fmt.Errorf("--name %q: letters, digits and . _ - only, 63 at most", name)
	}
	token, err := newToken(p.random)
	if err != nil {
		return err
	}
	_, err = fmt.Fprintf(p.stdout, "token:  %s\nconfig: {name: %s, sha256: \"%s\"}\n", token, name, DigestOf(token))
	return err
}
