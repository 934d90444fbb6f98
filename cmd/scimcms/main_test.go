package main

import (
	"bytes"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

// execute runs a command line with a fixed random source and gives what it printed.
func execute(t *testing.T, args ...string) (string, error) {
	t.Helper()
	var out bytes.Buffer
	p := program{stdout: &out, stderr: &out, environ: []string{"CMS_TOKEN=cms-secret"}, random: strings.NewReader(strings.Repeat("x", tokenBytes))}
	err := p.run(t.Context(), args)
	return out.String(), err
}

func TestTokenNew(t *testing.T) {
	t.Parallel()
	out, err := execute(t, "token", "new", "--name", "okta-next")
	if err != nil {
		t.Fatal(err)
	}
	const token = "scimcms_eHh4eHh4eHh4eHh4eHh4eHh4eHh4eHh4eHh4eHh4eHg"
	want := "token:  " + token + "\nconfig: {name: okta-next, sha256: \"" + DigestOf(token).String() + "\"}\n"
	if diff := cmp.Diff(want, out); diff != "" {
		t.Error(diff)
	}
	line := strings.TrimPrefix(strings.Split(out, "\n")[1], "config: ")
	if _, problems, warnings := load(t, with(tokenPart, "tokens: ["+line+"]")); problems != nil || warnings != nil {
		t.Errorf("the printed line is not a token of the configuration: %q %q", problems, warnings)
	}
}

func TestTokenNew_Refused(t *testing.T) {
	t.Parallel()
	if _, err := execute(t, "token", "new", "--name", "a b"); err == nil {
		t.Error("a name that the configuration refuses must be refused here")
	}
	p := program{stdout: &bytes.Buffer{}, random: strings.NewReader("short")}
	if err := p.printToken("okta"); err == nil {
		t.Error("no token without enough randomness")
	}
}

func TestVersion(t *testing.T) {
	t.Parallel()
	out, err := execute(t, "version")
	if err != nil || !strings.HasPrefix(out, "scimcms ") {
		t.Errorf("got %q, %v", out, err)
	}
}

func TestUnknownCommand(t *testing.T) {
	t.Parallel()
	for _, args := range [][]string{{"serv"}, {"token", "old"}, {"version", "2"}} {
		if _, err := execute(t, args...); err == nil {
			t.Errorf("%q must fail", args)
		}
	}
}

func TestCheck_Offline(t *testing.T) {
	t.Parallel()
	path := filepath.Join(t.TempDir(), "scimcms.yaml")
	if err := os.WriteFile(path, []byte(minimal+"    content_owner: {type: user, id: \"1\"}\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	out, err := execute(t, "check", "--offline", "--config", path)
	if err != nil {
		t.Fatal(err)
	}
	want := "warning: projects[0].content_owner: has no effect where on_delete is deactivate (line 6)\n" +
		path + ": 1 project, no problem found\n"
	if diff := cmp.Diff(want, out); diff != "" {
		t.Error(diff)
	}
}
