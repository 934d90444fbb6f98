package cmstest

import (
	"bytes"
	"crypto/md5" //nolint:gosec // the error ids of DatoCMS are defined by MD5; nothing is protected by it
	"encoding/hex"
	"encoding/json"
	"fmt"
)

const docURL = "https://www.datocms.com/docs/content-management-api/errors#"

// apiError is a refusal as the CMA words it. It is an error, so handlers return it.
type apiError struct {
	status    int
	code      string
	details   json.RawMessage
	transient bool
}

// Error names the code, for tests and logs of this package.
func (e *apiError) Error() string { return fmt.Sprintf("%d %s %s", e.status, e.code, e.details) }

// refuse makes the error of code with the status it has by statusOf. details is kept in the key order of its struct
// or, for a map, in alphabetical order; nil means {}.
func refuse(code string, details any) *apiError {
	return &apiError{status: statusOf(code), code: code, details: compact(details)}
}

// fieldError is INVALID_FIELD for one attribute.
func fieldError(field, code string) *apiError {
	return refuse("INVALID_FIELD", struct {
		Field string `json:"field"`
		Code  string `json:"code"`
	}{field, code})
}

// planError is PLAN_UPGRADE_REQUIRED for the named limit.
func planError(limit string) *apiError {
	return refuse("PLAN_UPGRADE_REQUIRED", map[string]string{"limit": limit})
}

func notFound() *apiError { return refuse("NOT_FOUND", nil) }

// errorID is the id of an error: the first six hex digits of the MD5 of its code and details. It is the same for every
// occurrence.
func errorID(code string, details json.RawMessage) string {
	name, _ := marshal(code)
	sum := md5.Sum(fmt.Appendf(nil, `{"code":%s,"details":%s}`, name, details)) //nolint:gosec // as above
	return hex.EncodeToString(sum[:])[:6]
}

// body is the document of the error.
func (e *apiError) body() []byte {
	type attributes struct {
		Code      string          `json:"code"`
		Details   json.RawMessage `json:"details"`
		DocURL    string          `json:"doc_url"`
		Transient bool            `json:"transient,omitempty"`
	}
	type entry struct {
		ID         string     `json:"id"`
		Type       string     `json:"type"`
		Attributes attributes `json:"attributes"`
	}
	out, _ := marshal(map[string][]entry{"data": {{
		ID: errorID(e.code, e.details), Type: "api_error",
		Attributes: attributes{Code: e.code, Details: e.details, DocURL: docURL + e.code, Transient: e.transient},
	}}})
	return out
}

// compact is v as JSON without blanks; nil and what cannot be written give {}.
func compact(v any) json.RawMessage {
	raw, err := marshal(v)
	if err != nil || string(raw) == "null" {
		return json.RawMessage("{}")
	}
	return raw
}

// marshal writes v as JSON with <, > and & as they are, as DatoCMS does.
func marshal(v any) ([]byte, error) {
	var buf bytes.Buffer
	enc := json.NewEncoder(&buf)
	enc.SetEscapeHTML(false)
	if err := enc.Encode(v); err != nil {
		return nil, err
	}
	return bytes.TrimRight(buf.Bytes(), "\n"), nil
}
