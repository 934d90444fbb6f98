package cmsclient

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

var update = flag.Bool("update", false, "write docs/cms-error-codes.md from the table")

// namedCodes are all codes that the CMS's error page, its clients and its recorded traffic name, with what each must
// mean. A name that ends in * is a family of which the sources name only some.
var namedCodes = map[Class]string{
	Already: `ACCOUNT_ALREADY_JOINED_SITE`,
	Gone:    `NOT_FOUND`,
	Look:    `EXCEPTION INVALID_RELATIONSHIP`,
	Retry: `CONCURRENT_ROLE_UPDATE CONCURRENT_ENVIRONMENT_UPDATE CONCURRENT_ITEM_UPDATE CONCURRENT_ITEM_TYPE_UPDATE
		CONCURRENT_UPLOAD_UPDATE RATE_LIMIT_EXCEEDED SERVICE_UNAVAILABLE BATCH_DATA_VALIDATION_IN_PROGRESS`,
	Stop: `INVALID_AUTHORIZATION_HEADER INSUFFICIENT_PERMISSIONS INVALID_ATTRIBUTES INVALID_SITE INVALID_API_VERSION
		INVALID_ACCEPT_HEADER INVALID_CONTENT_TYPE_HEADER INVALID_ENDPOINT INVALID_ENVIRONMENT DEACTIVATED_SITE
		SITE_NOT_READY MAINTENANCE_MODE ENVIRONMENT_NOT_READY ENVIRONMENT_IN_READ_ONLY_MODE EMAIL_NOT_VERIFIED
		PLATFORM_SCHEDULED_MAINTENANCE REQUIRED_2FA_SETUP INVALID_CREDENTIALS`,
	Reject: `CANNOT_DESTROY_CURRENT_USER DELETE_RESTRICTION DESTINATION_USER_REQUIRED INVALID_DESTINATION_TYPE
		INVALID_DESTINATION_USER NON_EDITABLE_ACCESS_TOKEN PLAN_UPGRADE_REQUIRED REQUIRED_BY_ASSOCIATION
		SSO_SETTINGS_REQUIRED INVALID_ENTITY_ID INVALID_FIELD INVALID_FORMAT INVALID_JSON_BODY INVALID_PARAMS
		INVALID_REQUEST INVALID_TYPE MISSING_FIELDS MISSING_QUERY_PARAMETER NOT_ON_PER_SITE_PRICING INVALID_EMAIL
		DUPLICATE_RECORD INVALID_DATE INVALID_DRAFT INVALID_ORDERING INVALID_ORDERING_FIELD INVALID_PARENT
		INVALID_PARENT_ID INVALID_POSITION INVALID_PLUGIN_VERSION INVALID_UPLOAD_URL ITEM_LOCKED PUBLISHED_CHILDREN
		MUX_ERROR MISSING_LOCALES TOO_MANY_OPERATIONS UPLOAD_IS_CURRENTLY_IN_USE STALE_ITEM_VERSION
		LINKED_FROM_PUBLISHED_ITEMS`,
}

func TestEveryNamedCodeIsListed(t *testing.T) {
	t.Parallel()
	total := 0
	for want, names := range namedCodes {
		for name := range strings.FieldsSeq(names) {
			total++
			r, listed := lookup(Entry{Code: name})
			if !listed || r.Class != want {
				t.Errorf("%s: listed %v, class %v, want %v", name, listed, r.Class, want)
			}
			// The code decides, whatever the status is.
			for _, status := range []int{400, 401, 403, 404, 409, 422, 429} {
				e := &Error{Method: "PUT", Status: status, Sent: true, Entries: []Entry{{Code: name}}}
				if got := Classify(e); got != want {
					t.Errorf("%s with %d: %v, want %v", name, status, got, want)
				}
				if e.Unlisted() || e.Code() != name {
					t.Errorf("%s: unlisted %v, code %q", name, e.Unlisted(), e.Code())
				}
			}
		}
	}
	if total < 65 {
		t.Errorf("only %d codes were checked", total)
	}
}

func TestTableIsSound(t *testing.T) {
	t.Parallel()
	seen := map[string]bool{}
	for i, r := range codes {
		key := r.Code + " " + r.When
		if seen[key] {
			t.Errorf("%s: listed twice", key)
		}
		seen[key] = true
		if !codeForm.MatchString(strings.TrimSuffix(r.Code, "*")) {
			t.Errorf("%q is no code", r.Code)
		}
		if r.Class <= None || r.Class > Stop {
			t.Errorf("%s: class %v", key, r.Class)
		}
		if !strings.HasSuffix(r.Words, ".") {
			t.Errorf("%s: %q is no sentence", key, r.Words)
		}
		if r.When == "" {
			continue
		}
		general := false
		for _, later := range codes[i:] {
			general = general || later.Code == r.Code && later.When == ""
		}
		if !general {
			t.Errorf("%s: no line for the code without %q", r.Code, r.When)
		}
	}
}

func TestDetailsNarrowTheClass(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct {
		code, details string
		transient     bool
		want          Class
		words         string
	}{
		{"INVALID_FIELD", `{"field":"email","code":"VALIDATION_UNIQUENESS"}`, false, Already, "The CMS has this email already."},
		{"INVALID_FIELD", `{"field":"name","code":"VALIDATION_UNIQUENESS"}`, true, Look, "The CMS has this name already."},
		{"INVALID_FIELD", `{"field":"email","code":"VALIDATION_FORMAT"}`, false, Reject, "The CMS does not accept the form of email."},
		{"INVALID_FIELD", `{"field":"email","code":"VALIDATION_NEW"}`, false, Reject, "The CMS does not accept email."},
		{"INVALID_FIELD", `{"field":"role","code":"VALIDATION_INVALID"}`, false, Look, "The CMS does not know the role, or no longer."},
		{"INVALID_FIELD", `{}`, false, Reject, "The CMS does not accept one of the values."},
		{"INVALID_FIELD", `[1]`, false, Reject, "The CMS does not accept one of the values."},
		{"INVALID_FIELD", `{"field":"ada@example.com"}`, false, Reject, "The CMS does not accept one of the values."},
		{"PLAN_UPGRADE_REQUIRED", `{"limit":"users"}`, false, Reject, "The CMS plan has no free seat for another collaborator."},
		{"PLAN_UPGRADE_REQUIRED", `{"limit":"roles"}`, false, Reject, "The CMS plan allows no further role."},
		{"PLAN_UPGRADE_REQUIRED", `{"limit":"items"}`, false, Reject, "The CMS plan does not include this."},
		{"ACCOUNT_ALREADY_JOINED_SITE", `{}`, true, Look, "The person is a member of the project already."},
		{"INVALID_SITE", `{}`, true, Stop, "The CMS finds no project for the token."},
		{"NOT_FOUND", `{}`, true, Retry, "It is not in the CMS, or no longer."},
		{"NEVER_SEEN", `{}`, true, Retry, "The CMS refused the call (NEVER_SEEN)."},
		{"NEVER_SEEN", `{}`, false, Reject, "The CMS refused the call (NEVER_SEEN)."},
	} {
		f := scripted(t, reply{status: 422, body: apiError(tt.code, tt.details, tt.transient)})
		_, err := f.CreateRole(t.Context(), RoleAttributes{Name: "x"})
		e := asError(t, err)
		if Classify(err) != tt.want || e.Reason() != tt.words {
			t.Errorf("%s %s: %v %q, want %v %q", tt.code, tt.details, Classify(err), e.Reason(), tt.want, tt.words)
		}
		if want := strings.Contains(tt.details, `"field":"`+e.Field()+`"`); want == (e.Field() == "") {
			t.Errorf("%s: field %q", tt.details, e.Field())
		}
		if e.Unlisted() != (tt.code == "NEVER_SEEN") {
			t.Errorf("%s: unlisted %v", tt.code, e.Unlisted())
		}
	}
}

func TestTheGravestEntryDecides(t *testing.T) {
	t.Parallel()
	order := []string{"RATE_LIMIT_EXCEEDED", "EXCEPTION", "NOT_FOUND", "INVALID_FORMAT", "ACCOUNT_ALREADY_JOINED_SITE", "INVALID_SITE"}
	for i, low := range order {
		for _, high := range order[i:] {
			for _, pair := range [][]Entry{{{Code: low}, {Code: high}}, {{Code: high}, {Code: low}}} {
				e := &Error{Method: "PUT", Status: 422, Sent: true, Entries: pair}
				want, _ := lookup(Entry{Code: high})
				if Classify(e) != want.Class || e.Code() != high {
					t.Errorf("%v: %v by %s, want %v", pair, Classify(e), e.Code(), want.Class)
				}
			}
		}
	}
}

func TestStatusDecidesWithoutACode(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct {
		method string
		status int
		want   Class
	}{
		{"PUT", 400, Reject}, {"PUT", 401, Stop}, {"PUT", 402, Reject}, {"PUT", 403, Stop}, {"PUT", 404, Gone},
		{"PUT", 405, Reject}, {"PUT", 406, Stop}, {"PUT", 407, Stop}, {"PUT", 408, Retry}, {"PUT", 409, Look},
		{"GET", 409, Retry}, {"PUT", 410, Gone}, {"PUT", 413, Reject}, {"PUT", 415, Reject}, {"PUT", 422, Reject},
		{"PUT", 423, Retry}, {"PUT", 425, Retry}, {"PUT", 429, Retry}, {"PUT", 301, Stop}, {"PUT", 308, Stop},
		{"GET", 500, Retry}, {"GET", 503, Retry}, {"GET", 200, Retry}, {"PUT", 0, Retry},
	} {
		if got := Classify(&Error{Method: tt.method, Status: tt.status}); got != tt.want {
			t.Errorf("%s %d: %v, want %v", tt.method, tt.status, got, tt.want)
		}
	}
}

func TestClassifyLooksThroughWrapping(t *testing.T) {
	t.Parallel()
	e := &Error{Method: "PUT", Status: 404, Sent: true, Entries: []Entry{{Code: "NOT_FOUND"}}}
	for _, tt := range []struct {
		err  error
		want Class
	}{
		{nil, None},
		{e, Gone},
		{fmt.Errorf("sync user: %w", e), Gone},
		{errors.Join(errors.New("first"), e), Gone},
		{errors.New("else"), Retry},
		{context.Canceled, Retry},
		{&Error{Method: "PUT", Sent: true, Unknown: true, cause: e}, Look},
	} {
		if got := Classify(tt.err); got != tt.want {
			t.Errorf("%v: %v, want %v", tt.err, got, tt.want)
		}
	}
}

func TestClassNames(t *testing.T) {
	t.Parallel()
	want := []string{"none", "retry", "look", "gone", "already", "reject", "stop", "unknown"}
	for i, name := range want {
		if got := Class(i).String(); got != name {
			t.Errorf("%d: %q, want %q", i, got, name)
		}
	}
}

// The document is the table. After a change: go test ./cmsclient -run TestErrorCodesDocument -update.
func TestErrorCodesDocument(t *testing.T) {
	t.Parallel()
	path := filepath.Join("..", "docs", "cms-error-codes.md")
	want := codesDocument()
	if *update {
		if err := os.WriteFile(path, []byte(want), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	got, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	if string(got) != want {
		t.Errorf("%s is not the table's: run go test ./cmsclient -run TestErrorCodesDocument -update", path)
	}
}

func codesDocument() string {
	var b strings.Builder
	b.WriteString(`# Error codes of the CMS

Written from the table in ` + "`cmsclient/codes.go`" + `, by which scimcms decides; a test keeps the two the same. The code
decides; an answer whose code is not listed here is judged by its status.

| class | what scimcms does |
|---|---|
| retry | the same again later; the change was not made |
| look | reads the CMS before it writes anything: the change may have been made, or the CMS is not as it was seen |
| gone | the person, invitation or role is not there: looks for where it went |
| already | it exists: finds it and links it |
| reject | refused for good: the sync is parked with the reason, until the next change or a replay |
| stop | no call of the project can succeed: all its syncs wait, one probe at a time, nothing is parked |

An entry that the CMS marks as transient is retry instead; one of class already is look, one of class stop stays so.
A write that the CMS answered with a status of 500 or more and without a listed code other than of class look, with
something that is not JSON, or not at all has an unknown outcome, which is look. Of several entries the gravest
decides: stop, already, reject, gone, look, retry. A code that ends in ` + "`*`" + ` stands for all that begin so.

| code | when the details say | class | in words |
|---|---|---|---|
`)
	for _, r := range codes {
		when := ""
		if r.When != "" {
			when = "`" + r.When + "`"
		}
		fmt.Fprintf(&b, "| `%s` | %s | %s | %s |\n", r.Code, when, r.Class, strings.ReplaceAll(r.Words, "{field}", "*field*"))
	}
	return b.String()
}
