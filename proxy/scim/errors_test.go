package scim_test

import (
	"encoding/json"
	"errors"
	"fmt"
	"strings"
	"testing"

	"github.com/scimcms/scimcms/proxy/scim"
)

func TestErrorBody(t *testing.T) {
	t.Parallel()
	cause := errors.New("poison: redis://user:secret@host")
	for _, tt := range []struct {
		err  *scim.Error
		want string
	}{
		{scim.Errorf(404, "", "No user %q.", "x"), `{"schemas":["urn:ietf:params:scim:api:messages:2.0:Error"],"status":"404","detail":"No user \"x\"."}`},
		{scim.Errorf(409, scim.Uniqueness, "Taken.").WithCause(cause),
			`{"schemas":["urn:ietf:params:scim:api:messages:2.0:Error"],"status":"409","scimType":"uniqueness","detail":"Taken."}`},
		{scim.AsError(cause), `{"schemas":["urn:ietf:params:scim:api:messages:2.0:Error"],"status":"500","detail":"Internal error; the server's log has the cause."}`},
	} {
		if got := string(tt.err.Body()); got != tt.want {
			t.Errorf("got %s", got)
		}
	}
}

func TestErrorKeepsItsCause(t *testing.T) {
	t.Parallel()
	cause := errors.New("cause")
	plain := scim.Errorf(400, scim.InvalidValue, "Wrong.")
	err := plain.WithCause(cause)
	if !errors.Is(err, cause) || plain.Unwrap() != nil {
		t.Error("Unwrap")
	}
	if got, want := err.Error(), "scim: 400 invalidValue: Wrong.: cause"; got != want {
		t.Errorf("got %q", got)
	}
	if got, want := scim.Errorf(404, "", "Gone.").Error(), "scim: 404: Gone."; got != want {
		t.Errorf("got %q", got)
	}
	wrapped := fmt.Errorf("in between: %w", err)
	if got := scim.AsError(wrapped); got != err {
		t.Errorf("AsError = %v", got)
	}
	if got := scim.AsError(cause); got.Status != 500 || !errors.Is(got, cause) {
		t.Errorf("AsError of another error = %v", got)
	}
}

// A detail shows a client's own text in part only, and stays one line of valid JSON.
func TestDetailShowsLittleOfTheInput(t *testing.T) {
	t.Parallel()
	_, err := scim.ParseFilter(scim.UserType, strings.Repeat("ü", 2000)+` eq "x"`)
	e := scim.AsError(err)
	if len(e.Detail) > 400 || strings.Contains(e.Detail, "\n") {
		t.Errorf("detail: %s", e.Detail)
	}
	if !json.Valid(e.Body()) {
		t.Errorf("body: %s", e.Body())
	}
}
