package scim

import (
	"bytes"
	"encoding/json"
	"net/http"
	"strconv"
	"testing"
	"unicode/utf8"
)

// A bulk request is done the same way each time; every operation is done at most once, but for the PUT that completes a creation;
// the response is valid JSON that has each operation at most once.
func FuzzBulk(f *testing.F) {
	for _, operations := range []string{
		`{"method":"POST","path":"/Users","bulkId":"a","data":{"m":{"value":"bulkId:b"}}},{"method":"POST","path":"/Users","bulkId":"b","data":{"m":[{"value":"bulkId:a"}],"x":"bulkId:b"}}`,
		`{"method":"PATCH","path":"/Groups/bulkId:g","data":{"path":"members[value eq \"bulkId:g\"]"}},{"method":"post","path":"Groups","bulkId":"g","data":{}}`,
		`{"method":"DELETE","path":"/Users/1?x=y#z","version":"W/\"1\""},{"method":"PUT","path":"/Users/%31","data":{"a":1e999,"b":"../x/bulkId:"}}`,
		`{"method":"POST","path":"/Users","bulkId":"a","data":{"bad":1}},{"method":"POST","path":"/Users","bulkId":"a","data":{}},7`, `{"bulkId":{}}`,
	} {
		f.Add([]byte(`{"failOnErrors":2,"Operations":[` + operations + `]}`))
		f.Add([]byte(`{"operations":[` + operations + `]}`))
	}
	f.Fuzz(func(t *testing.T, body []byte) {
		b, err := ParseBulk(body, 50)
		if err != nil {
			if e := AsError(err); e.Status != http.StatusRequestEntityTooLarge {
				mustBeRefusal(t, err)
			}
			return
		}
		first, gaveUp := runBulk(t, b)
		again, gaveUpToo := runBulk(t, b)
		if !bytes.Equal(first, again) || gaveUp != gaveUpToo {
			t.Fatalf("two results: %s\nand %s", first, again)
		}
		var v struct{ Operations []struct{ Status string } }
		if err := json.Unmarshal(first, &v); err != nil || !utf8.Valid(first) || len(v.Operations) > len(b.operations) {
			t.Fatalf("%q: %v", first, err)
		}
		for _, o := range v.Operations {
			if n, err := strconv.Atoi(o.Status); err != nil || n < 200 || n > 599 {
				t.Fatalf("%s", first)
			}
		}
	})
}

func runBulk(t *testing.T, b *Bulk) ([]byte, bool) {
	t.Helper()
	ids, calls := 0, 0
	return b.Run("https://x", func(c BulkCall) BulkResult {
		calls++
		if calls > 2*len(b.operations) || c.Method != http.MethodDelete && (!json.Valid(c.Body) || !utf8.Valid(c.Body)) {
			t.Fatalf("call %d of %d operations: %+v", calls, len(b.operations), c)
		}
		if bytes.Contains(c.Body, []byte(`"bad"`)) {
			return BulkResult{Status: http.StatusBadRequest, Body: []byte(`{}`), GiveUp: bytes.Contains(c.Body, []byte(`"worse"`))}
		}
		if c.Method != http.MethodPost {
			return BulkResult{Status: http.StatusOK}
		}
		ids++
		return BulkResult{Status: http.StatusCreated, ID: strconv.Itoa(ids)}
	})
}
